from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from ...entities.directory import Directory
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestCodes(SyncCase):
    """A name that several records go by is asked about, whichever way it travels."""

    def setUp(self):
        super().setUp()
        self.units = self.env.ref("uom.product_uom_unit")
        self.box = self.make_box("Box", 30)
        self.push()

    def make_box(self, name, pieces, **values):
        return self.env["uom.uom"].create(
            {
                "name": name,
                "relative_factor": pieces,
                "relative_uom_id": self.units.id,
                **values,
            }
        )

    def add(self, name, uom="Box"):
        return self.app.add("products", name=name, uom=uom, code=name)

    def ours(self, record):
        mapping = self.env["sync.mapping"].search([("external_id", "=", record["id"])])
        return self.env["product.product"].browse(mapping.res_id or [])

    def dead(self):
        return self.operations(state="dead")

    def assert_asked(self, operation, field, *records):
        """The operation died of a name that may mean any of the records."""
        self.assertEqual(operation.attempts, 1)
        error = operation.error_ids
        self.assertEqual(error.type, "data_validation_failed")
        self.assertEqual(error.context["field"], field)
        self.assertIn("link the record by hand", error.suggested_action)
        for record in records:
            self.assertIn(f"(id {record.id}", operation.last_error)

    def test_a_name_of_one_unit_is_that_unit(self):
        record = self.add("Gauze")
        self.pull()
        self.assertEqual(self.ours(record).uom_id, self.box)
        self.assertFalse(self.dead())

    def test_a_name_of_two_units_is_refused_and_its_neighbours_land(self):
        twin = self.make_box("Box", 300)
        record, other = self.add("Gauze"), self.add("Tape", "Units")
        self.pull()
        self.assertFalse(self.ours(record))
        self.assertEqual(self.ours(other).uom_id, self.units)
        self.assert_asked(self.dead(), "uom", self.box, twin)
        # Once a person gave the other one a name of its own it is plain.
        twin.name = "Big Box"
        self.dead().action_redrive()
        self.pull()
        self.assertEqual(self.ours(record).uom_id, self.box)

    def test_an_archived_twin_counts(self):
        twin = self.make_box("Box", 300, active=False)
        self.add("Gauze")
        self.pull()
        self.assert_asked(self.dead(), "uom", self.box, twin)
        self.assertIn("archived", self.dead().last_error)

    def test_a_name_in_another_language_counts(self):
        self.env["res.lang"]._activate_lang("es_ES")
        twin = self.make_box("Crate", 300)
        twin.with_context(lang="es_ES").name = "Box"
        self.add("Gauze")
        self.pull()
        self.assert_asked(self.dead(), "uom", self.box, twin)
        # What only that one is called stands for it.
        crate = self.add("Tape", "Crate")
        self.pull()
        self.assertEqual(self.ours(crate).uom_id, twin)

    def test_capitals_and_blanks_make_no_other_name(self):
        twin = self.make_box(" bOX ", 300)
        self.add("Gauze")
        self.pull()
        self.assert_asked(self.dead(), "uom", self.box, twin)

    def test_a_name_in_other_capitals_is_no_unit(self):
        self.add("Gauze", "box")
        self.pull()
        self.assertIn('has no product unit of measure "box"', self.dead().last_error)

    def test_a_line_names_the_place(self):
        product = self.add("Gauze")
        self.pull()
        twin = self.make_box("Box", 300)
        self.app.add(
            "purchase-orders",
            supplier_id=self.mapping(self.supplier).external_id,
            lines=[
                {
                    "product_id": product["id"],
                    "quantity": "1.00",
                    "unit_price": "2.00",
                    "uom": uom,
                }
                for uom in ("Units", "Box")
            ],
        )
        self.pull()
        self.assert_asked(self.dead(), "lines[1].uom", self.box, twin)

    def test_a_shared_name_is_not_sent(self):
        twin = self.make_box("Box", 300)
        product, other = self.env["product.product"].create(
            [{"name": "Gauze", "uom_id": twin.id}, {"name": "Tape"}]
        )
        self.push()
        self.assertEqual(self.at_app(other)["uom"], "Units")
        self.assertFalse(self.mapping(product).external_id)
        self.assert_asked(self.dead(), "uom", self.box, twin)
        self.assertEqual(product.sync_state, "dead")
        self.assertEqual(
            self.env["sync.entity.product"]._value_text(
                "uom",
                self.mapping(product)._serialise()["uom"],
                Directory(self.backend),
            ),
            twin.display_name,
        )
        twin.name = "Big Box"
        self.dead().action_redrive()
        self.push()
        self.assertEqual(self.at_app(product)["uom"], "Big Box")

    def test_another_unit_of_the_same_name_is_a_change(self):
        product = self.env["product.product"].create(
            {"name": "Gauze", "uom_id": self.box.id}
        )
        self.push()
        twin = self.make_box("Box", 300)
        product.uom_id = twin
        self.push()
        self.assert_asked(self.dead(), "uom", self.box, twin)
        self.box.name = "Small Box"
        twin.name = "Big Box"
        self.dead().action_redrive()
        self.push()
        self.assertEqual(self.at_app(product)["uom"], "Big Box")

    def test_what_names_no_unit_arrives_as_ever(self):
        product = self.env["product.product"].create(
            {"name": "Gauze", "uom_id": self.box.id}
        )
        self.push()
        self.make_box("Box", 300)
        self.app.edit("products", self.at_app(product)["id"], price="7.00")
        self.pull()
        self.assertEqual(product.list_price, 7)
        self.assertEqual(product.uom_id, self.box)

    def test_two_suppliers_of_one_number_are_asked_about(self):
        twins = self.env["res.partner"].create(
            [
                {"name": name, "ref": "S-1", "is_company": True, "supplier_rank": 1}
                for name in ("Sur", "Sur (old)")
            ]
        )
        record = self.app.add("suppliers", name="Sur", reference="S-1")
        other = self.app.add("suppliers", name="Norte", reference="S-2")
        self.pull()
        Mapping = self.env["sync.mapping"]
        self.assertFalse(Mapping.search([("external_id", "=", record["id"])]))
        self.assertTrue(Mapping.search([("external_id", "=", other["id"])]))
        dead = self.dead()
        self.assert_asked(dead, "reference", *twins)
        # A manager says which one it is.
        manager = new_test_user(
            self.env,
            "manager",
            "pharmacy_sync.group_manager,base.group_partner_manager",
        )
        self.env["sync.link"].with_user(manager).create(
            {
                "stream_id": dead.stream_id.id,
                "external_id": record["id"],
                "record": f"res.partner,{twins[1].id}",
            }
        ).action_link()
        dead.action_redrive()
        self.pull()
        self.assertEqual(dead.state, "done")
        self.assertEqual(self.mapping(twins[1]).external_id, record["id"])

    def test_two_suppliers_of_one_vat_are_asked_about(self):
        twins = self.env["res.partner"].create(
            [
                {
                    "name": name,
                    "vat": "ESB58378431",
                    "is_company": True,
                    "supplier_rank": 1,
                }
                for name in ("Norte", "Norte (old)")
            ]
        )
        self.app.add("suppliers", name="Norte S.L.", vat="ESB58378431")
        self.pull()
        self.assert_asked(self.dead(), "vat", *twins)

    def test_a_vat_number_in_another_spelling_is_that_number(self):
        same, named = self.env["res.partner"].create(
            [
                {
                    "name": name,
                    "vat": vat,
                    "ref": "S-9",
                    "is_company": True,
                    "supplier_rank": 1,
                }
                for name, vat in (("Norte", "ESB58378431"), ("Sur", "ESA58818501"))
            ]
        )
        spelled = self.app.add("suppliers", name="Norte S.L.", vat="es B-58 378 431")
        # Its number says more than its reference.
        other = self.app.add(
            "suppliers", name="Sur S.L.", vat="ES-A58818501", reference="S-9"
        )
        self.pull()
        self.assertEqual(self.mapping(same).external_id, spelled["id"])
        self.assertEqual(self.mapping(named).external_id, other["id"])
        self.push()
        self.assertEqual(
            self.app.get("suppliers", spelled["id"])["vat"], spelled["vat"]
        )

    def test_a_vat_number_that_odoo_spells_with_blanks_is_that_number(self):
        """Odoo keeps numbers as they are typed, unless an addon of its checks them."""
        spellings = ("ES B-5837.8431", "es a58818501 ", "ESB58378431X")
        partners = self.env["res.partner"].create(
            [{"name": vat, "is_company": True, "supplier_rank": 1} for vat in spellings]
        )
        self.env.flush_all()
        for partner, vat in zip(partners, spellings, strict=True):
            self.env.cr.execute(
                "UPDATE res_partner SET vat = %s WHERE id = %s", (vat, partner.id)
            )
        self.env.invalidate_all()
        norte, sur, other = partners
        norte_there = self.app.add("suppliers", name="Norte", vat="ESB58378431")
        sur_there = self.app.add("suppliers", name="Sur", vat="ES-A58818501")
        self.pull()
        self.assertEqual(self.mapping(norte).external_id, norte_there["id"])
        self.assertEqual(self.mapping(sur).external_id, sur_there["id"])
        self.push()
        # Each side has spelled its own: nothing of it travels.
        self.assertEqual((norte.vat, sur.vat), spellings[:2])
        self.assertEqual(self.at_app(sur)["vat"], "ES-A58818501")
        self.assertEqual(self.at_app(other)["vat"], spellings[2])

    def test_a_vat_number_is_found_by_its_index(self):
        """However many partners there are."""
        partners = self.env["res.partner"]
        converter = self.env["sync.entity.supplier"]._match_converters()["vat"]
        query = partners._search(converter.having("vat", ["ES B-58378431"]))
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        plan = self.env.execute_query(SQL("EXPLAIN %s", query.select()))
        self.assertIn("sync_vat_idx", str(plan))
