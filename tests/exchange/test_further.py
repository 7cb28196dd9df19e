"""Fields that a stream carries because an administrator chose them."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..fidelity import ORDERS, SUPPLIERS, FidelityCase

APP = "tests/system/further_app.py"


class FurtherCase(FidelityCase):
    app_script = APP

    def carry(self, entity, **values):
        stream = self.stream(entity)
        return self.env["sync.further.field"].create({"stream_id": stream.id, **values})

    def at_app(self, record):
        collection = ORDERS if record._name == "purchase.order" else SUPPLIERS
        return self.app.get(collection, self.mapping(record).external_id)


@tagged("post_install", "-at_install")
class TestTold(FurtherCase):
    """What only Odoo can say goes to the pharmacy when it changes, and never back."""

    def setUp(self):
        super().setUp()
        self.order = self.env["purchase.order"].search(
            [("partner_id", "=", self.supplier.id)]
        )
        self.line = self.order.order_line[0]

    def told(self, *names):
        line = self.at_app(self.order)["lines"][0]
        return tuple(line[name] for name in names)

    def carry_quantities(self):
        for name in ("received", "billed", "open"):
            self.carry("purchase_order", offered=f"lines.{name}")
        self.rest()

    def test_what_odoo_has_by_now_is_sent_once_it_is_chosen(self):
        self.order.button_confirm()
        self.line.qty_received = 1
        self.rest()
        self.assertEqual(self.told("received"), (None,))
        self.carry_quantities()
        self.assertEqual(self.told("received", "open"), ("1.00", "1.00"))

    def test_a_receipt_and_a_bill_send_the_order(self):
        self.carry_quantities()
        self.order.button_confirm()
        self.rest()
        self.line.qty_received = 2
        self.rest()
        self.assertEqual(self.told("received", "open"), ("2.00", "0.00"))
        self.order.action_create_invoice()
        self.order.invoice_ids.invoice_date = "2026-11-28"
        self.order.invoice_ids.action_post()
        self.rest()
        self.assertEqual(self.told("billed"), ("2.00",))
        sent = len(self.app.requests())
        self.rest()
        writes = [r for r in self.app.requests()[sent:] if r["method"] != "GET"]
        self.assertEqual(writes, [], "nothing more is sent")

    def test_what_the_pharmacy_says_of_it_is_no_change(self):
        self.carry_quantities()
        self.order.button_confirm()
        self.line.qty_received = 1
        self.rest()
        record = self.at_app(self.order)
        lines = [{**record["lines"][0], "received": "77"}, *record["lines"][1:]]
        self.app.edit(ORDERS, record["id"], lines=lines, notes="Urgent")
        self.rest()
        self.assertEqual(self.line.qty_received, 1)
        self.assertIn("Urgent", self.order.note)
        mapping = self.mapping(self.order)
        self.assertFalse(mapping._open_conflict())
        self.assertEqual(mapping.state, "synced")
        self.line.qty_received = 2
        self.rest()
        self.assertEqual(self.told("received"), ("2.00",))

    def test_a_change_past_the_orm_is_seen_too(self):
        self.carry_quantities()
        self.order.button_confirm()
        self.rest()
        self.env.cr.execute(
            "UPDATE purchase_order_line SET qty_received = 1 WHERE id = %s",
            [self.line.id],
        )
        self.env.invalidate_all()
        # The test is one transaction: its events are of others.
        self.env.cr.execute("UPDATE sync_event SET xid = '3'::xid8")
        self.env["sync.touched"]._cron_look()
        self.rest()
        self.assertEqual(self.told("received"), ("1.00",))

    def test_the_vendors_code(self):
        self.carry("purchase_order", offered="lines.vendor_code")
        code = self.env["product.supplierinfo"].create(
            {
                "partner_id": self.supplier.id,
                "product_tmpl_id": self.line.product_id.product_tmpl_id.id,
                "product_code": "ALBA-50",
            }
        )
        self.line.product_qty = 3
        self.rest()
        self.assertEqual(self.told("vendor_code"), ("ALBA-50",))
        code.product_code = "ALBA-51"
        code.flush_recordset()
        self.env["sync.touched"]._cron_look()
        self.rest()
        self.assertEqual(self.told("vendor_code"), ("ALBA-51",))

    def test_it_goes_one_way_only(self):
        with self.assertRaises(ValidationError):
            self.carry("purchase_order", offered="lines.received", direction="both")

    def test_one_backend_gets_what_another_does_not(self):
        other = self.second_backend()
        self.carry_quantities()
        adapter = self.env["sync.entity.purchase_order"]
        own, others = (
            {c.key for c in adapter._travelling(backend, in_line=True)}
            for backend in (self.backend, other)
        )
        self.assertEqual(own - others, {"received", "billed", "open"})


@tagged("post_install", "-at_install")
class TestFurther(FurtherCase):
    """Any field of Odoo's travels as those of the entity do, by being chosen."""

    FIELDS = (
        ("x_ward", "char", {}),
        ("x_rating", "float", {}),
        ("x_since", "date", {}),
        ("x_stars", "integer", {}),
        ("x_tier", "selection", {"selection": "[('a', 'Best'), ('b', 'Other')]"}),
    )

    def setUp(self):
        super().setUp()
        model = self.env["ir.model"]._get("res.partner")
        self.env["ir.model.fields"].create(
            [
                {
                    "name": name,
                    "ttype": ttype,
                    "model_id": model.id,
                    "field_description": name[2:].title(),
                    **more,
                }
                for name, ttype, more in self.FIELDS
            ]
        )

    def both(self, *names, entity="supplier"):
        for name in names:
            self.carry(entity, odoo_field=f"x_{name}", path=name, direction="both")
        self.rest()

    def test_a_change_of_either_side_travels(self):
        self.both("ward", "rating", "since", "stars", "tier")
        self.supplier.write(
            {
                "x_ward": "North",
                "x_rating": 4.25,
                "x_since": "2020-02-29",
                "x_stars": 5,
                "x_tier": "a",
            }
        )
        self.rest()
        there = self.at_app(self.supplier)
        expected = {
            "ward": "North",
            "rating": "4.25",
            "since": "2020-02-29",
            "stars": "5.00",
            "tier": "a",
        }
        self.assertEqual({name: there[name] for name in expected}, expected)
        self.app.edit(
            SUPPLIERS,
            there["id"],
            ward="South",
            rating=3.5,
            since=None,
            stars=4,
            tier="b",
        )
        self.rest()
        supplier = self.supplier
        self.assertEqual(
            (supplier.x_ward, supplier.x_rating, supplier.x_since, supplier.x_tier),
            ("South", 3.5, False, "b"),
        )
        self.assertEqual(supplier.x_stars, 4)
        self.assertFalse(self.mapping(supplier)._open_conflict())

    def test_what_either_side_has_when_it_is_chosen_comes_to_the_other(self):
        self.check_beginning()

    def test_an_app_that_only_lists_is_read_once_more_too(self):
        self.stream("supplier").reading_choice = "since"
        self.rest()
        self.check_beginning()

    def check_beginning(self):
        other = self.app.add(SUPPLIERS, name="Sur", ward="Theirs")
        self.rest()
        theirs = self.record("supplier", other["id"])
        self.supplier.x_ward = "Ours"
        self.rest()
        self.both("ward")
        self.assertEqual(self.at_app(self.supplier)["ward"], "Ours")
        self.assertEqual(theirs.x_ward, "Theirs")
        self.assertFalse(self.env["sync.conflict"].search([("state", "=", "open")]))

    def test_what_both_sides_have_otherwise_is_a_conflict(self):
        self.supplier.x_ward = "Ours"
        self.app.edit(SUPPLIERS, self.supplier_id, ward="Theirs")
        self.rest()
        self.both("ward")
        self.assertEqual(self.at_app(self.supplier)["ward"], "Theirs")
        self.assertEqual(self.supplier.x_ward, "Ours")
        conflict = self.mapping(self.supplier)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["ward"])

    def test_what_cannot_be_read_is_refused_with_the_fields_name(self):
        self.both("stars")
        self.app.edit(SUPPLIERS, self.supplier_id, stars="many")
        self.sync()
        dead = self.operations().filtered(lambda o: o.state in ("dead", "waiting"))
        self.assertIn("Stars", dead.last_error)
        self.assertEqual(self.supplier.x_stars, 0)

    def test_it_is_taken_back_and_chosen_again(self):
        self.both("ward")
        self.supplier.x_ward = "North"
        self.rest()
        rows = self.stream("supplier").further_field_ids
        rows.unlink()
        self.supplier.x_ward = "West"
        self.rest()
        self.assertEqual(self.at_app(self.supplier)["ward"], "North")
        self.both("ward")
        conflict = self.mapping(self.supplier)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["ward"])

    def test_one_that_is_deleted_in_odoo_travels_no_more(self):
        self.both("ward", "stars")
        self.supplier.x_ward = "North"
        self.rest()
        self.env["ir.model.fields"]._get("res.partner", "x_ward").unlink()
        self.app.edit(SUPPLIERS, self.supplier_id, ward="South", stars="7")
        self.supplier.city = "Lugo"
        self.rest()
        there = self.at_app(self.supplier)
        self.assertEqual((there["ward"], there["city"]), ("South", "Lugo"))
        self.assertEqual(self.supplier.x_stars, 7)

    def test_a_place_within_an_object(self):
        self.carry("supplier", odoo_field="x_ward", path="place.ward", direction="both")
        names = self.stream("supplier")._app_names()
        self.assertEqual(names.to_app({"place_ward": "N"}), {"place": {"ward": "N"}})

    def test_a_link_by_a_key(self):
        category = self.env["res.partner.industry"].create({"name": "Clinics"})
        self.carry(
            "supplier",
            odoo_field="industry_id.name",
            path="category",
            direction="both",
        )
        self.supplier.industry_id = category
        self.rest()
        self.assertEqual(self.at_app(self.supplier)["category"], "Clinics")
        self.app.edit(SUPPLIERS, self.supplier_id, category=None)
        self.rest()
        self.assertFalse(self.supplier.industry_id)

    def test_what_cannot_travel_is_refused_in_words(self):
        cases = {
            "image_1920": "type",
            "child_ids": "type",
            "signup_type": "groups",
            "email_formatted": "computed",
            "write_date": "by itself",
            "name": "travels already",
            "user_id": "is a link",
            "no_such": "no field",
        }
        for name, word in cases.items():
            with (
                self.subTest(name),
                self.assertRaisesRegex(ValidationError, word),
                self.env.cr.savepoint(),
            ):
                self.carry("supplier", odoo_field=name, direction="push")
        taken = {
            "user_id.login": "another company",
            "commercial_partner_id.name": "to the pharmacy only",
        }
        for name, word in taken.items():
            with (
                self.subTest(name),
                self.assertRaisesRegex(ValidationError, word),
                self.env.cr.savepoint(),
            ):
                self.carry("supplier", odoo_field=name, path="boss", direction="both")
