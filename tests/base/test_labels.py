from odoo import Command
from odoo.tests import TransactionCase, tagged

from ...core.exchange.pair import Base
from ...core.taxonomy import TAXONOMY, ErrorType

LINES = (
    {"key": "odoo-1", "description": "Gauze", "quantity": "1.00"},
    {"key": "ln_2", "description": "Amoxicillin\n250 mg", "quantity": "2.00"},
    {"key": "ln_3", "quantity": "3.00"},
)


@tagged("post_install", "-at_install")
class TestLabels(TransactionCase):
    """People read names, not keys."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["sync.backend"].create(
            {"name": "Test Pharmacy", "url": "http://127.0.0.1:9"}
        )
        cls.stream = cls.backend.stream_ids.filtered(
            lambda stream: stream.entity == "purchase_order"
        )

    def label(self, path, base=LINES, pharmacy=LINES):
        order = self.env["purchase.order"].create(
            {"partner_id": self.env.company.partner_id.id}
        )
        row = {"res_id": order.id, "base": Base.load({"lines": list(base)})}
        conflict = self.env["sync.conflict"].create(
            {
                "mapping_id": self.env["sync.mapping"]._insert(self.stream, [row]).id,
                "pharmacy": {"lines": list(pharmacy)},
                "line_ids": [Command.create({"field": path})],
            }
        )
        return conflict.line_ids.display_name

    def test_a_field_of_a_line(self):
        self.assertEqual(
            self.label("lines[ln_2].unit_price"), "Line 2 - Amoxicillin: Unit price"
        )

    def test_a_field_of_the_record(self):
        self.assertEqual(self.label("notes"), "Notes")
        self.assertEqual(self.label("supplier_id"), "Supplier")

    def test_a_line_without_description(self):
        self.assertEqual(self.label("lines[ln_3].quantity"), "Line 3: Quantity")

    def test_a_line_that_the_pharmacy_removed(self):
        self.assertEqual(
            self.label("lines[odoo-1]", pharmacy=LINES[1:]), "Line 1 - Gauze"
        )

    def test_a_line_that_nobody_has_any_more(self):
        label = self.label("lines[ln_2].quantity", base=(), pharmacy=())
        self.assertEqual(label, "Line that is gone: Quantity")

    def test_what_an_error_says_of_a_field(self):
        """In words, in the reader's language, also where no record is known."""
        self.env["res.lang"]._activate_lang("es_ES")
        Error = self.env["sync.error"]
        said = "lines[0].quantity: must not be negative"
        self.assertEqual(
            Error._in_words(said), "Line 1, Quantity: must not be negative"
        )
        spanish = Error.with_context(lang="es_ES")._in_words(said)
        self.assertEqual(spanish, "Línea 1, Cantidad: must not be negative")
        said = "notes must be a string"
        self.assertEqual(Error._in_words(said), "Notes must be a string")
        in_notes = Error._in_words(said, "notes", self.stream)
        self.assertEqual(in_notes, "Notes must be a string")
        suppliers = self.backend.stream_ids.filtered(lambda s: s.entity == "supplier")
        said = "lines[0]: none of a supplier's"
        self.assertEqual(Error._in_words(said, None, suppliers), said)

    def test_a_filter_for_each_entity(self):
        titles = dict(self.env["sync.stream"]._select_entity())
        for model in ("conflict", "mapping", "event", "cache"):
            arch = self.env[f"sync.{model}"].get_view(view_type="search")["arch"]
            for title in ("Suppliers", "Products"):
                self.assertIn(title, titles.values())
                self.assertIn(f'string="{title}"', arch, model)
            self.assertEqual("Purchase Orders" in arch, model != "cache", model)
            self.assertNotIn('name="entities"', arch, model)

    def test_why_is_reported_in_the_language_of_the_reader(self):
        """What the core says is kept in English, whoever's turn it was."""
        self.env["res.lang"]._activate_lang("es_ES")
        sentence = TAXONOMY[ErrorType.NETWORK_TIMEOUT].suggested_action
        operation = self.env["sync.operation"].create(
            {"kind": "pull", "stream_id": self.stream.id, "reason": sentence}
        )
        breaker = self.backend.breaker_ids[0]
        breaker.sudo().cause = sentence
        spanish = operation.with_context(lang="es_ES").why
        self.assertIn("Nada que hacer", spanish)
        self.assertEqual(breaker.with_context(lang="es_ES").cause_text, spanish)
        in_words = self.env["sync.event"].with_context(lang="es_ES")._data_in_words
        self.assertEqual(in_words({"cause": sentence}), spanish)
        self.assertEqual(operation.why, sentence)
        self.assertEqual(in_words({"cause": "Discarded by Ann"}), "Discarded by Ann")

    def test_a_stream(self):
        self.assertEqual(self.stream.display_name, "Test Pharmacy: Purchase Orders")
