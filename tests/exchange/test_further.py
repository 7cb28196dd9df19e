"""Fields that a stream carries because an administrator chose them."""

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged

from ..common import API, WorkCase
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
            "industry_id.nothing": r"is a link.*industry_id\.name",
            "industry_id.active": "is a link",
            "industry_id.display_name": "is a link",
            "parent_id.signup_type": "groups",
            "x_ward.name": "no link",
            "user_id": r"is a link.*user_id\.name",
            "no_such": "no field",
        }
        for name, word in cases.items():
            with (
                self.subTest(name),
                self.assertRaisesRegex(ValidationError, word),
                self.env.cr.savepoint(),
            ):
                self.carry("supplier", odoo_field=name, direction="push")
        for values, word in (
            ({"odoo_field": "x_ward", "path": "api_token"}, "secret by its name"),
            ({"odoo_field": "x_ward", "path": "the ward"}, "no name of a field"),
            ({"odoo_field": "x_ward", "path": "id"}, "name of another field"),
            ({"odoo_field": "x_ward", "field": "department"}, "called otherwise"),
            ({"offered": "lines.received"}, "have no"),
        ):
            with (
                self.subTest(values),
                self.assertRaisesRegex(ValidationError, word),
                self.env.cr.savepoint(),
            ):
                self.carry("supplier", **values)
        taken = {
            "company_id.name": "another company",
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

    def test_what_its_backend_calls_secret_stays_in_odoo(self):
        self.backend.secret_fields = "ward"
        with self.assertRaisesRegex(ValidationError, "secret by its name"):
            self.carry("supplier", odoo_field="x_ward", path="place")
        self.assertTrue(self.carry("supplier", odoo_field="x_stars", path="stars"))

    def test_what_the_apps_own_user_sees_may_travel(self):
        groups = f"base.group_user,base.group_erp_manager,{API}"
        sees = self.env["res.users"].browse(self.make_user("sees", groups))
        for user in (self.env["res.users"], self.api_user):
            self.backend.user_id = user
            with (
                self.assertRaisesRegex(ValidationError, "groups"),
                self.env.cr.savepoint(),
            ):
                self.carry("supplier", odoo_field="signup_type", path="tier")
        self.backend.user_id = sees
        self.carry("supplier", odoo_field="signup_type", path="tier")
        self.carry("supplier", odoo_field="parent_id.signup_type", path="category")
        self.supplier.signup_type = "signup"
        self.rest()
        there = self.at_app(self.supplier)
        self.assertEqual((there["tier"], there["category"]), ("signup", None))

    def test_a_link_that_only_odoo_says(self):
        self.supplier.industry_id = self.env["res.partner.industry"].create(
            {"name": "Clinics"}
        )
        self.carry("supplier", odoo_field="industry_id.name", path="category")
        self.rest()
        self.assertEqual(self.at_app(self.supplier)["category"], "Clinics")
        self.supplier.industry_id = False
        self.rest()
        self.assertIsNone(self.at_app(self.supplier)["category"])

    def test_either_what_odoo_knows_or_a_field_of_odoo(self):
        for chosen in (
            {},
            {"offered": "lines.received", "odoo_field": "order_line.sequence"},
        ):
            with self.assertRaisesRegex(ValidationError, "either"):
                self.carry("purchase_order", **chosen)

    def test_one_is_chosen_on_the_page_of_the_stream(self):
        with (
            Form(self.stream("supplier")) as page,
            page.further_field_ids.new() as line,
        ):
            self.assertFalse(line.field)
            line.odoo_field = "x_ward"
            line.path = "place.ward"
            self.assertEqual(line.field, "place_ward")
        with (
            Form(self.stream("purchase_order")) as page,
            page.further_field_ids.new() as line,
        ):
            line.direction = "both"
            line.offered = "lines.received"
            self.assertEqual((line.field, line.direction), ("lines.received", "push"))
            line.offered = False
            line.odoo_field = "order_line.sequence"
            self.assertEqual(line.field, "lines.sequence")

    def test_a_field_of_a_line_travels_with_it(self):
        self.carry("purchase_order", odoo_field="order_line.sequence", path="lots")
        order = self.env["purchase.order"].search(
            [("partner_id", "=", self.supplier.id)]
        )
        order.order_line[1].sequence = 77
        self.rest()
        lots = [line["lots"] for line in self.at_app(order)["lines"]]
        self.assertEqual(lots.count("77.00"), 1)

    def test_two_fields_have_no_place_in_common(self):
        self.carry("supplier", odoo_field="x_ward", path="place.ward")
        for place in ("place", "place.ward.name"):
            with (
                self.subTest(place),
                self.assertRaisesRegex(ValidationError, "the same place"),
                self.env.cr.savepoint(),
            ):
                self.carry("supplier", odoo_field="x_rating", path=place)

    def test_two_apps_mean_one_field_by_one_name(self):
        other = self.second_backend()
        theirs = other.stream_ids.filtered(lambda s: s.entity == "supplier")
        self.carry("purchase_order", odoo_field="priority", path="ward")
        self.carry("supplier", odoo_field="x_ward", path="ward")
        values = {"stream_id": theirs.id, "path": "ward"}
        with (
            self.assertRaisesRegex(ValidationError, "another field ward"),
            self.env.cr.savepoint(),
        ):
            self.env["sync.further.field"].create({**values, "odoo_field": "x_rating"})
        same = self.env["sync.further.field"].create({**values, "odoo_field": "x_ward"})
        self.assertEqual(same.field, "ward")

    def test_what_only_changes_its_direction_is_not_begun_anew(self):
        self.both("ward")
        self.supplier.x_ward = "North"
        self.rest()
        self.stream("supplier").further_field_ids.direction = "push"
        mapping = self.mapping(self.supplier)
        self.assertFalse(mapping.in_part, "all of it is known")
        self.assertEqual(mapping.base["ward"], "North")

    def test_another_field_of_odoo_in_its_place_is_read_anew(self):
        self.both("ward")
        mapping, row = self.mapping(self.supplier), self.stream("supplier")
        row = row.further_field_ids
        self.env["queue.job"].search([]).unlink()
        row.odoo_field = "x_tier"
        self.assertTrue(mapping.in_part, "what the app has of it was not read")
        self.assertTrue(
            self.env["queue.job"].search([("method_name", "=", "_job_pull")])
        )

    def test_a_comparison_reads_what_the_sums_of_the_app_leave_out(self):
        self.both("ward")
        self.supplier.x_ward = "North"
        self.rest()
        self.app.edit(SUPPLIERS, self.supplier_id, ward="South")
        page = self.app.call("GET", f"/api/v1/changes?entity={SUPPLIERS}&limit=500")
        stream = self.stream("supplier")
        for direction, asked in (("both", False), ("push", True)):
            stream.further_field_ids.direction = direction
            stream.cursor = page["next_cursor"]
            self.app.call("DELETE", "/admin/requests")
            work = WorkCase.run_job(self, stream._reconcile())
            self.assertEqual(work.state, "done")
            found = work.drift_ids.filtered(
                lambda drift: drift.mapping_id == self.mapping(self.supplier)
            )
            there = [] if asked else [{"ward": "South"}]
            self.assertEqual(found.mapped("pharmacy"), there, direction)
            paths = {request["path"] for request in self.app.requests()}
            self.assertEqual(any("checksums" in path for path in paths), asked)

    def test_one_that_goes_takes_along_what_it_was_called(self):
        self.both("ward", "stars")
        names = self.env["sync.field.name"].create(
            [
                {
                    "stream_id": self.stream("supplier").id,
                    "field": field,
                    "path": f"place_of_{field}",
                }
                for field in ("ward", "stars")
            ]
        )
        rows = self.stream("supplier").further_field_ids
        rows.filtered(lambda row: row.field == "ward").unlink()
        self.assertEqual(names.exists().mapped("field"), ["stars"])
