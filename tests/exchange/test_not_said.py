from odoo.tests import tagged

from ...entities.converters import Converter
from ..fidelity import ORDERS, PRODUCTS, SUPPLIERS, FidelityCase


@tagged("post_install", "-at_install")
class TestNotSaid(FidelityCase):
    """What is not said is nobody's change."""

    def test_a_supplier_pushed_with_its_name_only_keeps_the_rest(self):
        at_app = self.app.add(
            SUPPLIERS,
            name="Distribuciones Sur",
            email="a@example.test",
            phone="+34 600 000 000",
            city="Sevilla",
            country_code="ES",
        )
        result = self.api_push("supplier", at_app, "name", "country_code")
        self.assertEqual(result["warnings"], [])
        self.rest()
        self.assert_untouched(SUPPLIERS, at_app)
        # With the next reading Odoo hears of the rest, and has it then.
        partner = self.record("supplier", at_app["id"])
        self.assertEqual(partner.city, "Sevilla")

    def test_a_product_pushed_with_its_name_only_keeps_the_rest(self):
        at_app = self.app.add(
            PRODUCTS, name="Vendas", code="VND", barcode="84111", cost="12.34"
        )
        self.api_push("product", at_app, "name")
        self.push()
        self.assert_untouched(PRODUCTS, at_app)
        product = self.record("product", at_app["id"])
        self.assertEqual((product.standard_price, product.list_price), (0.0, 1.0))

    def test_an_order_pushed_in_part_keeps_the_rest(self):
        at_app = self.order_at_app(
            "1.00",
            "2.00",
            notes="IMPORTANT: cold chain",
            expected_at="2026-12-24T10:00:00Z",
        )
        names = ("key", "product_id", "quantity", "unit_price")
        lines = [{name: line[name] for name in names} for line in at_app["lines"]]
        reported = {**at_app, "lines": lines}
        self.api_push("purchase_order", reported, "reference", "supplier_id", "lines")
        self.push()
        self.assert_untouched(ORDERS, at_app)

    def test_an_order_pushed_without_lines_keeps_them(self):
        at_app = self.order_at_app("1.00", notes="cold")
        self.api_push("purchase_order", at_app, "reference", "supplier_id")
        self.push()
        self.assert_untouched(ORDERS, at_app)
        order = self.record("purchase_order", at_app["id"])
        self.assertFalse(order.order_line)
        # The next reading brings them.
        self.rest()
        self.assert_untouched(ORDERS, at_app)
        self.assertEqual(order.order_line.name, "Goods 1")

    def test_a_change_of_what_was_never_reported_is_read_first(self):
        """Odoo changes a line of which it was reported the half: the other half is read
        before the list is sent, and the app keeps its descriptions."""
        at_app = self.order_at_app("1.00", "2.00")
        names = ("key", "product_id", "quantity", "unit_price")
        lines = [{name: line[name] for name in names} for line in at_app["lines"]]
        reported = {**at_app, "lines": lines}
        self.api_push("purchase_order", reported, "reference", "supplier_id", "lines")
        order = self.record("purchase_order", at_app["id"])
        order.order_line[0].product_qty = 7
        before = len(self.app.requests())
        self.push()
        asked = [r for r in self.app.requests()[before:] if r["method"] == "GET"]
        self.assertEqual(len(asked), 1, asked)
        (sent,) = self.mapping(order).operation_ids.filtered("attempts")
        self.assertEqual((sent.state, sent.attempts), ("done", 1), "to read costs none")
        now = self.app.get(ORDERS, at_app["id"])
        self.assertEqual(
            [(line["description"], line["quantity"]) for line in now["lines"]],
            [("Goods 1", "7.00"), ("Goods 2", "10.00")],
        )
        self.rest()
        self.assertEqual(order.order_line.mapped("name"), ["Goods 1", "Goods 2"])

    def test_what_a_part_of_a_version_leaves_out_may_have_changed_with_it(self):
        at_app = self.order_at_app("1.00", "2.00")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        self.app.edit(ORDERS, at_app["id"], lines=at_app["lines"][1:])
        at_app = self.app.edit(ORDERS, at_app["id"], notes="one less")
        self.api_push("purchase_order", at_app, "notes")
        self.assertEqual(len(order.order_line), 2)
        order.order_line[1].product_qty = 7
        self.push()
        lines = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual([(li["key"], li["quantity"]) for li in lines], [("2", "7.00")])
        self.assertEqual(order.order_line.mapped("sync_key"), ["2"])

    def test_a_part_does_not_make_up_for_the_whole_that_waits(self):
        stream = self.stream("purchase_order")
        whole = {
            **{"id": "po_w", "version": 1, "reference": "W", "supplier_id": "sup_w"},
            **{"currency": "EUR", "notes": "cold", "lines": []},
        }
        stream._keep_failed(stream._apply([whole], "page"), "page")
        supplier = {"id": "sup_w", "version": 1, "name": "Late"}
        self.stream("supplier")._apply([supplier], "later")
        self.api_push("purchase_order", whole, "reference", "supplier_id")
        order = self.record("purchase_order", "po_w")
        self.assertFalse(order.note)
        self.make_due()
        self.env.flush_all()
        stream._apply_due()
        self.assertIn("cold", order.note)
        self.assertFalse(self.operations(kind="apply", state="waiting"))

    def test_both_sides_have_a_value_that_was_never_reported(self):
        at_app = self.app.add(SUPPLIERS, name="Norte", city="Bilbao", zip="48001")
        self.api_push("supplier", at_app, "name")
        partner = self.record("supplier", at_app["id"])
        partner.city = "Vitoria"
        self.push()
        self.assert_untouched(SUPPLIERS, at_app)
        conflict = self.mapping(partner)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["city"])
        self.assertEqual(partner.zip, "48001")
        conflict.action_keep_odoo()
        self.rest()
        now = self.app.get(SUPPLIERS, at_app["id"])
        self.assertEqual((now["city"], now["zip"]), ("Vitoria", "48001"))

    def test_what_is_read_first_and_cannot_be_applied_is_not_sent_over(self):
        at_app = self.app.add(SUPPLIERS, name="Norte", city="Bilbao")
        self.api_push("supplier", at_app, "name")
        partner = self.record("supplier", at_app["id"])
        partner.city = "Vitoria"
        theirs = self.app.edit(SUPPLIERS, at_app["id"], country_code="XX")
        self.push()
        self.assert_untouched(SUPPLIERS, theirs)
        (operation,) = self.operations(kind="push", state="dead")
        self.assertEqual(operation.mapping_id, self.mapping(partner))
        self.assertEqual(operation.error_ids.context["field"], "country_code")
        self.assertEqual(operation.attempts, 1)
        # Once it is mended there both have what each said.
        self.app.edit(SUPPLIERS, at_app["id"], country_code="ES", city=None)
        operation._redrive("It is mended.")
        self.rest()
        self.assertEqual(partner.country_id.code, "ES")

    def test_what_is_empty_at_the_app_as_it_was_in_odoo_is_filled(self):
        at_app = self.app.add(SUPPLIERS, name="Este")
        self.api_push("supplier", at_app, "name")
        self.record("supplier", at_app["id"]).phone = "123"
        self.push()
        self.assertEqual(self.app.get(SUPPLIERS, at_app["id"])["phone"], "123")

    def test_a_field_that_the_app_does_not_have_is_asked_for_once(self):
        adapter = type(self.stream("supplier")._adapter())
        known = adapter._converters

        def more(records):
            return (*known(records), Converter("colour", "website"))

        at_app = self.app.add(SUPPLIERS, name="Este")
        self.patch(adapter, "_converters", more)
        # They are asked for once in a registry.
        self.env.registry.clear_cache()
        self.addCleanup(self.env.registry.clear_cache)
        self.api_push("supplier", at_app)
        partner = self.record("supplier", at_app["id"])
        before = len(self.app.requests())
        partner.write({"website": "https://example.test", "phone": "1"})
        self.push()
        asked = [r for r in self.app.requests()[before:] if r["method"] == "GET"]
        self.assertEqual(len(asked), 1, asked)
        (refused,) = self.operations(state="dead")
        self.assertIn("colour", refused.error_ids.message)

    def test_what_is_reported_to_the_app_leaves_out_what_it_never_reported(self):
        at_app = self.app.add(SUPPLIERS, name="Oeste", city="Vigo")
        self.api_push("supplier", at_app, "name")
        api = self.env["sync.api"].with_user(self.api_user)
        changes = api.changes("supplier", None, 500)["changes"]
        (reported,) = [c["data"] for c in changes if c["id"] == at_app["id"]]
        self.assertEqual(reported["name"], "Oeste")
        self.assertNotIn("city", reported)

    def test_a_misspelt_field_is_named(self):
        at_app = self.order_at_app("1.00")
        lines = [{**at_app["lines"][0], "colour": "red"}]
        reported = {**at_app, "lines": lines, "expectedAt": "2026-12-24"}
        result = self.api_push("purchase_order", reported)
        (warning,) = result["warnings"]
        self.assertIn("expectedAt", warning)
        self.assertIn("lines.colour", warning)
