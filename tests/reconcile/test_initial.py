from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ...core.exceptions import InvalidDataError
from ..common import DeathCase, WorkCase


@tagged("post_install", "-at_install")
class TestInitial(WorkCase):
    """What both sides had before they were connected is brought together, once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["purchase.order"].search([]).unlink()

    def setUp(self):
        super().setUp()
        # What the fixtures wrote is no news of this test's.
        self.env.cr.flush()
        self.env["sync.event"].search([]).unlink()

    def preview(self, **values):
        work = self.env["sync.initial"].create(
            {"backend_id": self.backend.id, **values}
        )
        work.action_preview()
        self.run_job(work)
        self.assertEqual((work.phase, work.state), ("ready", "draft"), work.reason)
        return work

    def carry(self, work):
        work.action_start()
        self.run_job(work)
        self.assertEqual((work.phase, work.state), ("finished", "done"), work.reason)

    def plan(self, work):
        """What would be done: ``{(pharmacy's name, Odoo's name): action}``."""
        return {
            (line.pharmacy_name, line.odoo_name): line.action for line in work.line_ids
        }

    def line(self, work, name):
        return work.line_ids.filtered(lambda r: name in (r.pharmacy_name, r.odoo_name))

    def add_order(self, supplier, product, **values):
        return self.app.add(
            "purchase-orders",
            supplier_id=supplier["id"],
            currency=self.env.company.currency_id.name,
            lines=[
                {
                    "product_id": product["id"],
                    "description": "As ordered",
                    "quantity": "2.00",
                    "unit_price": "12.50",
                }
            ],
            **values,
        )

    def has_job(self, method):
        """Whether a job of a method waits for its turn; those are forgotten."""
        jobs = self.env["queue.job"].search([("method_name", "=", method)])
        found = bool(jobs)
        jobs.unlink()
        return found

    # -- Preview ----------------------------------------------------------------------

    def test_preview_says_what_would_be_done_and_does_nothing(self):
        self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        self.app.add("suppliers", name="Only There")
        ours = self.env["res.partner"].create(
            {"name": "Only Here", "is_company": True, "supplier_rank": 1}
        )
        self.app.call("DELETE", "/admin/requests")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(
            self.plan(work),
            {
                ("V. Alba", "Veterinaria Alba"): "link",
                ("Only There", False): "create_odoo",
                (False, "Only Here"): "create_pharmacy",
            },
        )
        linked = self.line(work, "V. Alba")
        self.assertEqual((linked.matched_by, linked.differs), ("vat", "name"))
        self.assertEqual((linked.matched_text, linked.differs_text), ("VAT", "Name"))
        self.assertEqual((work.total, work.done_count, work.failed_count), (4, 4, 0))
        part = work.part_ids
        for counted in (work, part):
            self.assertEqual(
                (
                    counted.link_count,
                    counted.create_odoo_count,
                    counted.create_pharmacy_count,
                    counted.leave_count,
                ),
                (1, 1, 1, 0),
            )
        self.assertEqual(work.display_name, "Initial Synchronisation of Test Pharmacy")
        self.assertFalse(self.env["sync.mapping"].search([]))
        self.assertEqual({r["method"] for r in self.app.requests()}, {"GET"})
        self.assertEqual(ours.sync_state, False)

    def test_a_preview_made_again_replaces_the_former_and_counts_for_itself(self):
        self.app.add("suppliers", name="Only There")
        former = self.preview(stream_ids=self.stream("supplier").ids)
        work = self.preview()
        work.line_ids[0].action_leave()
        work.action_preview()
        self.run_job(work)
        self.assertEqual((work.done_count, work.failed_count), (work.total, 0))
        self.assertEqual(len(work.part_ids), 3)
        self.assertEqual(len(former.line_ids), 2)
        counts = {
            part.entity: (part.create_odoo_count, part.create_pharmacy_count)
            for part in work.part_ids
        }
        self.assertEqual(
            counts,
            {"supplier": (1, 1), "product": (0, 3), "purchase_order": (0, 0)},
        )
        self.assertEqual((work.create_odoo_count, work.create_pharmacy_count), (1, 4))

    def test_nothing_is_carried_out_without_a_preview(self):
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        with self.assertRaisesRegex(UserError, "Make the preview first"):
            work.action_start()
        self.assertEqual((work.phase, work.state), ("new", "draft"))

    def test_the_first_record_of_all_is_brought_over_as_well(self):
        first = self.env.ref("base.main_partner")
        self.assertEqual(first.id, 1)
        first.supplier_rank = 1
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(self.line(work, first.display_name).res_id, first.id)

    def test_lines_are_opened_as_the_button_says(self):
        work = self.preview(stream_ids=self.stream("supplier").ids)
        action = work.with_context(
            search_default_leave=1, tracking_disable=True
        ).action_view_lines()
        found = self.env["sync.initial.line"].search(action["domain"])
        self.assertEqual(found, work.line_ids)
        self.assertEqual(action["context"], {"search_default_leave": 1})
        nobody = new_test_user(self.env, "nobody", "base.group_user")
        with self.assertRaises(AccessError):
            work.with_user(nobody).action_view_lines()

    def test_lines_that_were_left_are_made_on_the_side_that_lacks_them(self):
        self.app.add("suppliers", name="Only There")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        work.line_ids.action_leave()
        self.assertEqual(work.leave_count, 2)
        work.line_ids.action_create()
        self.assertEqual(
            self.plan(work),
            {
                ("Only There", False): "create_odoo",
                (False, "Veterinaria Alba"): "create_pharmacy",
            },
        )

    def test_what_belongs_there_chosen_otherwise_needs_another_preview(self):
        stream = self.stream("supplier")
        stream.write({"rule": "filter", "rule_domain": "[('name', '!=', 'One')]"})
        work = self.preview(stream_ids=stream.ids)
        self.assertFalse(work.outdated)
        stream.rule_domain = "[('name', '!=', 'Two')]"
        self.assertTrue(work.outdated)
        with self.assertRaisesRegex(UserError, "Press Preview Again"):
            work.action_start()
        self.assertEqual(work.phase, "ready")

    def test_to_choose_a_record_links_it_and_to_take_it_away_makes_one(self):
        self.app.add("suppliers", name="New There")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(work.total, 2, "one of each side was read")
        line = self.line(work, "New There")
        self.assertEqual(line.action, "create_odoo")
        with Form(line) as form:
            form.res_id = self.supplier.id
            self.assertEqual(form.action, "link")
            form.res_id = False
            self.assertEqual(form.action, "create_odoo")
            form.action = "leave"
            form.res_id = self.supplier.id
            form.action = "leave"
            form.res_id = False
            self.assertEqual(form.action, "leave", "a person chose that")

    def test_what_was_edited_meanwhile_is_still_the_same_record(self):
        self.app.add("suppliers", name="Veterinaria Alba", vat=self.supplier.vat)
        self.backend.paused = True
        self.supplier.phone = "+34 600 111 222"
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(
            self.plan(work), {("Veterinaria Alba", "Veterinaria Alba"): "link"}
        )
        self.carry(work)
        self.backend.paused = False
        self.push()
        (there,) = self.app.items("suppliers")
        self.assertEqual(there["phone"], "+34 600 111 222")
        self.assertEqual(self.supplier.sync_state, "synced")

    # -- Shadow mode ------------------------------------------------------------------

    def look_on(self, **values):
        """A preview of a paused backend that is read again each day, a day later."""
        self.backend.paused = True
        work = self.preview(stream_ids=self.stream("supplier").ids, again_hours=24)
        self.assertFalse(self.line(work, "New There"))
        self.app.add("suppliers", name="New There")
        work.write({"ended_at": fields.Datetime.now() - timedelta(days=1), **values})
        return work

    def read_again(self, work):
        """Whether the scheduled action reads both sides again."""
        self.env["sync.initial"]._cron_read_again()
        if work.state == "running":
            self.run_job(work)
        return bool(self.line(work, "New There"))

    def test_both_sides_are_read_again_and_nothing_is_written(self):
        work = self.look_on()
        self.app.call("DELETE", "/admin/requests")
        self.assertTrue(self.read_again(work))
        self.assertEqual((work.phase, work.state), ("ready", "draft"))
        self.assertEqual({r["method"] for r in self.app.requests()}, {"GET"})
        self.assertFalse(self.env["sync.mapping"].search([]))
        self.assertTrue(self.backend.paused)

    def test_they_are_read_again_in_their_time_only(self):
        early = fields.Datetime.now() - timedelta(hours=23)
        work = self.look_on(ended_at=early)
        self.assertFalse(self.read_again(work))
        work.again_hours = 1
        self.assertTrue(self.read_again(work))

    def test_who_does_not_look_on_presses_preview_again(self):
        self.assertFalse(self.read_again(self.look_on(again_hours=0)))

    def test_the_preview_of_a_backend_that_works_stays_as_it_is(self):
        work = self.look_on()
        self.backend.paused = False
        self.assertFalse(self.read_again(work))

    def test_what_a_person_chose_in_the_preview_is_kept(self):
        work = self.look_on()
        operator = new_test_user(
            self.env, "looking-on", groups="pharmacy_sync.group_operator"
        )
        self.assertFalse(work.corrected)
        work.line_ids[0].with_user(operator).action = "leave"
        self.assertTrue(work.corrected)
        self.assertFalse(self.read_again(work))
        self.assertTrue(work.corrected)

    def test_an_outage_does_not_end_the_looking_on(self):
        work = self.look_on()
        self.app.fault("error", status=500)
        self.assertFalse(self.read_again(work))
        self.assertEqual(work.state, "failed")
        self.app.heal()
        self.assertFalse(self.read_again(work), "in its time only")
        work.ended_at -= timedelta(days=1)
        self.assertTrue(self.read_again(work))

    def test_each_kind_is_matched_by_its_own_codes(self):
        barcode, code = self.products[0], self.products[1]
        self.app.add("products", name="By Barcode", barcode=barcode.barcode)
        self.app.add("products", name="By Code", code=code.default_code)
        self.app.add(
            "products",
            name="Another Barcode",
            code=self.products[2].default_code,
            barcode="4006381333931",
        )
        self.supplier.write({"ref": "S-1", "vat": False})
        self.app.add("suppliers", name="By Reference", reference="S-1")
        work = self.preview()
        found = {line.pharmacy_name: line for line in work.line_ids}
        self.assertEqual(found["By Barcode"].res_id, barcode.id)
        self.assertEqual(found["By Code"].res_id, code.id)
        self.assertEqual(found["Another Barcode"].action, "create_odoo")
        self.assertEqual(found["By Reference"].res_id, self.supplier.id)

    def test_two_candidates_are_left_for_a_person(self):
        twin = self.supplier.copy({"name": "Alba Twin", "vat": self.supplier.vat})
        twin.supplier_rank = 1
        self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(set(self.plan(work).values()), {"leave"})
        line = self.line(work, "V. Alba")
        self.assertTrue(line.ambiguous)
        self.assertIn("Alba Twin", line.reason)
        line.write({"res_id": twin.id, "action": "link"})
        self.carry(work)
        self.assertEqual(self.mapping(twin).external_id, line.external_id)
        self.assertFalse(self.mapping(self.supplier))

    def test_record_claimed_twice_is_left_for_a_person(self):
        self.supplier.write({"ref": "S-1", "vat": False})
        for name in ("First", "Second"):
            self.app.add("suppliers", name=name, reference="S-1")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(set(self.plan(work).values()), {"leave"})
        self.assertEqual(work.ambiguous_count, 3)

    def test_order_of_the_same_number_and_supplier_is_linked_line_by_line(self):
        supplier = self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        product = self.app.add(
            "products", name="Amoxi", barcode=self.products[1].barcode
        )
        order = self.make_order(origin="PH-7")
        other = self.make_order(
            origin="PH-8", partner_id=self.env.company.partner_id.id
        )
        theirs = self.add_order(supplier, product, reference="PH-7")
        self.add_order(supplier, product, reference="PH-8")
        work = self.preview(winner="odoo")
        line = self.line(work, "PH-7")
        self.assertEqual((line.action, line.res_id), ("link", order.id))
        self.assertEqual(self.line(work, "PH-8").action, "create_odoo")
        self.assertIn("lines", line.differs)
        self.assertIn("Lines", line.differs_text.split(", "))
        self.carry(work)
        self.sync()
        self.assertEqual(self.mapping(order).external_id, theirs["id"])
        self.assertEqual(len(order.order_line), 3, "no line is doubled")
        self.assertEqual(order.order_line[1].sync_key, theirs["lines"][0]["key"])
        self.assertEqual(len(self.at_app(order)["lines"]), 3)
        self.assertTrue(self.mapping(other))

    def test_order_is_compared_as_it_will_be_once_all_is_linked(self):
        supplier = self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        product = self.app.add(
            "products", name="Amoxi", barcode=self.products[1].barcode
        )
        order = self.make_order(origin="PH-7")
        (order.order_line[0] | order.order_line[2]).unlink()
        order.order_line.name = "As ordered"
        ordered_at = f"{order.date_order.isoformat()}Z"
        self.add_order(supplier, product, reference="PH-7", ordered_at=ordered_at)
        work = self.preview()
        line = self.line(work, "PH-7")
        self.assertEqual((line.action, line.res_id), ("link", order.id))
        # Neither the supplier nor the line: only a day that Odoo made up.
        self.assertEqual(line.differs, "expected_at")

    # -- Carrying out -----------------------------------------------------------------

    def test_both_sides_are_brought_together_in_order(self):
        self.app.call("POST", "/admin/seed", orders=20)
        mine = self.make_order()
        work = self.preview()
        self.assertTrue(self.backend.paused, "nothing comes in between")
        self.has_job("_job_pull")
        self.carry(work)
        self.assertFalse(self.backend.paused)
        self.assertTrue(self.has_job("_job_pull"), "the ordinary reading goes on")
        self.assertEqual(work.failed_count, 0, work.line_ids.mapped("reason"))
        self.assertEqual(work.done_count, work.total)
        states = self.env["sync.mapping"].search([]).mapped("state")
        self.assertEqual(set(states), {"synced"})
        self.assertEqual(len(self.app.items("purchase-orders")), 21)
        self.assertEqual(self.at_app(mine)["supplier_id"][:3], "sup")
        self.assertEqual(self.env["purchase.order"].search_count([]), 21)

    def test_second_run_finds_nothing_to_do(self):
        self.app.call("POST", "/admin/seed", orders=5)
        self.make_order()
        self.carry(self.preview())
        again = self.preview()
        self.assertFalse(again.line_ids)
        self.assertEqual(again.in_step_count, 5 + 60 + 5 + 1 + 3 + 1)
        self.carry(again)

    def test_ordinary_reading_goes_on_from_where_it_ended(self):
        self.app.add("suppliers", name="Left Out")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.line(work, "Left Out").action_leave()
        self.carry(work)
        self.app.add("suppliers", name="Came Later")
        self.pull()
        names = self.env["res.partner"].search([]).mapped("name")
        self.assertIn("Came Later", names)
        self.assertNotIn("Left Out", names)

    def test_person_may_choose_otherwise(self):
        theirs = self.app.add("suppliers", name="Alba Veterinaries")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(self.line(work, "Alba Veterinaries").action, "create_odoo")
        line = self.line(work, "Alba Veterinaries")
        line.write({"res_id": self.supplier.id, "action": "link"})
        self.assertEqual(line.odoo_name, "Veterinaria Alba")
        self.carry(work)
        self.assertEqual(self.mapping(self.supplier).external_id, theirs["id"])
        self.assertEqual(len(self.app.items("suppliers")), 1)

    def test_what_makes_no_sense_is_refused(self):
        self.app.add("suppliers", name="Only There")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        with self.assertRaises(ValidationError):
            self.line(work, "Only There").action = "link"
        with self.assertRaises(ValidationError):
            self.line(work, "Only There").action = "create_pharmacy"
        with self.assertRaises(ValidationError):
            self.line(work, "Veterinaria Alba").action = "create_odoo"
        both = self.line(work, "Only There")
        both.write({"res_id": self.supplier.id, "action": "link"})
        with self.assertRaises(ValidationError):
            both.action = "create_pharmacy"
        both.action = "create_odoo"
        with self.assertRaises(ValidationError):
            (work.line_ids - both).res_id = False

    def linked(self, winner):
        theirs = self.app.add(
            "suppliers", name="V. Alba", vat=self.supplier.vat, city="Vigo", phone=""
        )
        self.supplier.write({"city": False, "phone": "981 1"})
        work = self.preview(stream_ids=self.stream("supplier").ids, winner=winner)
        self.has_job("_job_push")
        self.carry(work)
        self.assertTrue(self.has_job("_job_push"))
        self.push()
        self.assertEqual(self.supplier.city, "Vigo", "an empty field is filled")
        there = self.app.get("suppliers", theirs["id"])
        self.assertEqual(there["phone"], "981 1", "on either side")
        return there["name"]

    def test_where_both_differ_a_person_is_asked(self):
        self.assertEqual(self.linked("ask"), "V. Alba")
        self.assertEqual(self.supplier.name, "Veterinaria Alba")
        conflict = self.mapping(self.supplier)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["name"])

    def test_where_both_differ_odoo_wins(self):
        self.assertEqual(self.linked("odoo"), "Veterinaria Alba")
        self.assertEqual(self.supplier.name, "Veterinaria Alba")

    def test_where_both_differ_the_pharmacy_wins(self):
        self.assertEqual(self.linked("pharmacy"), "V. Alba")
        self.assertEqual(self.supplier.name, "V. Alba")

    def test_record_that_fails_is_reported_and_its_neighbours_land(self):
        self.app.add("products", name="Odd", uom="Barrels of Nowhere")
        self.app.add("products", name="Even")
        work = self.preview(stream_ids=self.stream("product").ids)
        self.carry(work)
        self.assertEqual(work.failed_count, 1)
        self.assertIn("Barrels", self.line(work, "Odd").reason)
        self.assertEqual(self.operations(kind="apply").state, "dead")
        self.assertTrue(self.env["product.product"].search([("name", "=", "Even")]))

    def test_record_of_another_shape_is_kept_and_ends_no_preview(self):
        self.app.add("suppliers", name="Good")
        bad = self.app.add("suppliers", name="Bad")
        self.app.fault("bad_record", record=bad["id"], put={"id": None})
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(self.line(work, "Good").action, "create_odoo")
        self.assertFalse(self.line(work, "Bad"))
        kept = self.operations(kind="apply")
        self.assertEqual(kept.state, "dead")
        self.assertEqual(kept.correlation_id, work.correlation_id)

    def test_link_that_cannot_be_made_is_reported_and_its_neighbour_is(self):
        gone = self.env["res.partner"].create(
            {"name": "Gone", "ref": "S-2", "is_company": True, "supplier_rank": 1}
        )
        self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        self.app.add("suppliers", name="Theirs", reference="S-2")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        gone.unlink()
        self.carry(work)
        self.assertEqual((work.done_count, work.failed_count), (1, 1))
        self.assertEqual(self.line(work, "V. Alba").state, "done")
        line = self.line(work, "Theirs")
        self.assertEqual(line.state, "failed")
        self.assertEqual(line.reason, "Odoo does not have the record any more.")
        error = self.env["sync.error"].search(
            [("correlation_id", "=", work.correlation_id)]
        )
        self.assertEqual(len(error), 1)
        self.assertEqual(error.context["record"], "Theirs")
        self.assertEqual(error.stream_id, self.stream("supplier"))

    def two_to_link(self, **values):
        """A preview that links a record of ours, and another one beside it."""
        other = self.env["res.partner"].create(
            {"name": "Other", "ref": "S-2", "is_company": True, "supplier_rank": 1}
        )
        theirs = self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        self.app.add("suppliers", name="Theirs", reference="S-2")
        work = self.preview(stream_ids=self.stream("supplier").ids, **values)
        return work, theirs["id"], other

    def test_link_that_was_made_meanwhile_is_done(self):
        work, theirs, other = self.two_to_link()
        self.env["sync.mapping"]._insert(
            self.stream("supplier"),
            [{"res_id": self.supplier.id, "external_id": theirs, "version": 1}],
        )
        self.carry(work)
        self.assertEqual(set(work.line_ids.mapped("state")), {"done"})
        self.assertEqual(self.mapping(self.supplier).external_id, theirs)
        self.assertTrue(self.mapping(other).external_id)

    def assert_not_linked(self, res_id=None, external_id=None):
        """One of two that are to be linked got a counterpart, which it keeps."""
        work, theirs, other = self.two_to_link()
        found = {
            "res_id": res_id or self.supplier.id,
            "external_id": external_id or theirs,
        }
        linked = self.env["sync.mapping"]._insert(self.stream("supplier"), [found])
        self.carry(work)
        line = self.line(work, "V. Alba")
        self.assertEqual(line.state, "failed")
        self.assertIn("another counterpart", line.reason)
        self.assertEqual({name: linked[name] for name in found}, found)
        self.assertEqual(self.line(work, "Theirs").state, "done")
        self.assertTrue(self.mapping(other))

    def test_ours_that_has_another_counterpart_by_now_is_not_linked(self):
        self.assert_not_linked(external_id="sup-another")

    def test_theirs_that_has_another_counterpart_by_now_is_not_linked(self):
        other = self.env["res.partner"].create({"name": "Elsewhere"})
        self.assert_not_linked(res_id=other.id)
        self.assertFalse(self.mapping(self.supplier))

    def test_one_record_that_was_chosen_for_two_is_linked_with_the_first(self):
        work, theirs, __ = self.two_to_link()
        self.line(work, "Theirs").res_id = self.supplier.id
        self.carry(work)
        self.assertEqual(self.mapping(self.supplier).external_id, theirs)
        line = self.line(work, "Theirs")
        self.assertEqual(line.state, "failed")
        self.assertIn("another counterpart", line.reason)
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Theirs")]))

    def test_record_that_was_to_be_made_there_is_linked_instead(self):
        self.app.fault("forbid", match={"method": "POST"})
        self.push()
        self.backend.action_send_all()
        self.push()
        waiting = self.mapping(self.supplier)
        self.assertTrue(waiting)
        self.assertFalse(waiting.external_id)
        self.app.heal()
        work, theirs, __ = self.two_to_link(winner="pharmacy")
        self.carry(work)
        self.assertEqual(self.line(work, "V. Alba").state, "done")
        self.assertEqual(waiting.external_id, theirs)
        self.assertEqual(self.supplier.name, "V. Alba")
        self.sync()
        self.assertEqual(len(self.app.items("suppliers")), 2)

    def test_record_that_cannot_be_read_is_left_and_links_with_nothing(self):
        bad = self.app.add("suppliers", name="V. Alba", vat=self.supplier.vat)
        self.app.add("suppliers", name="Good")
        self.app.fault("bad_record", record=bad["id"], put={"city": [1]})
        work = self.preview(stream_ids=self.stream("supplier").ids)
        line = self.line(work, "V. Alba")
        self.assertEqual(line.action, "leave")
        self.assertIn("city", line.reason)
        self.assertEqual(self.line(work, "Good").action, "create_odoo")
        self.app.heal()
        good = self.supplier.copy({"name": "Good Here"})
        self.line(work, "Good").res_id = good.id
        self.line(work, "Good").action = "link"
        line.write({"res_id": self.supplier.id, "action": "link"})
        # It is not made there as well.
        self.line(work, "Veterinaria Alba").filtered(
            lambda r: not r.external_id
        ).action_leave()
        self.carry(work)
        self.assertEqual(line.state, "failed")
        self.assertIn("city", line.reason)
        self.assertFalse(self.mapping(self.supplier))
        self.assertTrue(self.mapping(good).external_id)
        self.push()
        self.assertEqual(len(self.app.items("suppliers")), 2)

    def test_record_whose_name_is_none_is_left_without_one(self):
        bad = self.app.add("suppliers", name="V. Alba", reference="S-1")
        self.app.fault("bad_record", record=bad["id"], put={"name": [1]})
        work = self.preview(stream_ids=self.stream("supplier").ids)
        line = work.line_ids.filtered(lambda r: r.external_id == bad["id"])
        self.assertEqual((line.action, line.pharmacy_name), ("leave", False))

    def test_link_that_an_addon_refuses_is_not_made_and_its_neighbour_is(self):
        work, theirs, other = self.two_to_link(winner="pharmacy")
        adapter = self.env.registry[self.stream("supplier")._adapter()._name]
        adopt = adapter._adopt

        def refusing(own, record, data, directory):
            if record == self.supplier:
                raise InvalidDataError("It is audited.")
            return adopt(own, record, data, directory)

        self.patch(adapter, "_adopt", refusing)
        self.carry(work)
        line = self.line(work, "V. Alba")
        self.assertEqual((line.state, line.reason), ("failed", "It is audited."))
        self.assertFalse(self.mapping(self.supplier))
        self.assertEqual(self.supplier.name, "Veterinaria Alba")
        self.push()
        self.assertEqual(self.app.get("suppliers", theirs)["name"], "V. Alba")
        self.assertTrue(self.mapping(other))

    def test_link_of_which_odoo_takes_no_value_leaves_nothing_behind(self):
        bad, good, __ = self.products
        odd = self.app.add(
            "products", name="Odd", barcode=bad.barcode, uom="Barrels of Nowhere"
        )
        self.app.add("products", name="Even", barcode=good.barcode)
        work = self.preview(stream_ids=self.stream("product").ids, winner="pharmacy")
        self.assertEqual(self.line(work, "Odd").action, "link")
        self.carry(work)
        self.assertEqual(self.line(work, "Odd").state, "failed")
        self.assertIn("Barrels", self.line(work, "Odd").reason)
        self.assertEqual(self.line(work, "Even").state, "done")
        self.assertFalse(self.mapping(bad))
        self.push()
        self.assertEqual(self.app.get("products", odd["id"])["name"], "Odd")
        self.assertEqual(good.name, "Even")

    def test_what_a_worker_had_in_hand_when_it_died_is_sent_by_the_next(self):
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.env["sync.operation"]._request_push(
            self.stream("supplier"), {self.supplier.id: work.correlation_id}
        )
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        work.action_start()
        operation = self.operations(kind="push")
        operation.write({"state": "running", "job_uuid": work.job_uuid})
        self.env.cr.flush()
        runner = work.with_env(self.backend._as_runner().env)
        runner.with_context(job_uuid=work.job_uuid)._job_work()
        self.env.invalidate_all()
        self.assertEqual(operation.state, "done")
        self.assertEqual(len(self.app.items("suppliers")), 1)
        line = self.line(work, "Veterinaria Alba")
        self.assertEqual((line.state, line.reason), ("done", False))

    def test_what_the_app_refuses_is_reported_and_its_neighbours_land(self):
        twin = self.supplier.copy({"name": "Alba Twin", "vat": False})
        twin.supplier_rank = 1
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.app.fault("forbid", match={"contains": "Alba Twin"})
        self.carry(work)
        self.assertEqual((work.done_count, work.failed_count), (1, 1))
        line, dead = self.line(work, "Alba Twin"), self.operations(state="dead")
        self.assertEqual((line.state, line.reason), ("failed", dead.last_error))
        self.assertTrue(line.reason)
        self.assertEqual(self.line(work, "Veterinaria Alba").state, "done")
        # What says that it died says nothing new of it.
        self.push()
        self.assertEqual((line.state, line.reason), ("failed", dead.last_error))
        self.assertEqual((work.done_count, work.failed_count), (1, 1))

    def test_what_belongs_there_no_more_is_not_created(self):
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.supplier.supplier_rank = 0
        self.carry(work)
        line = self.line(work, "Veterinaria Alba")
        self.assertEqual((line.state, work.failed_count), ("failed", 1))
        self.assertEqual(line.reason, "It does not belong here any more.")
        self.assertFalse(self.app.items("suppliers"))

    def test_stream_of_one_direction_creates_on_one_side_only(self):
        self.stream("supplier").direction = "pull"
        self.app.add("suppliers", name="Only There")
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.assertEqual(self.line(work, "Veterinaria Alba").action, "leave")
        self.assertEqual(self.line(work, "Only There").action, "create_odoo")

    # -- Stop, resume, failure --------------------------------------------------------

    def test_stopped_in_the_middle_and_resumed(self):
        self.app.call("POST", "/admin/seed", orders=5)
        work = self.preview()
        self.backend.stream_ids.batch_size = 10
        work.action_start()
        runner = work.with_env(self.backend._as_runner().env)
        self.env.flush_all()
        for __ in range(3):
            runner._step()
        self.env.invalidate_all()
        work.action_stop()
        done = work.done_count
        self.assertTrue(0 < done < work.total)
        self.assertTrue(0 < work.progress < 100)
        self.run_job(work)
        self.assertEqual(work.done_count, done, "a stopped one does nothing")
        self.carry(work)
        self.assertEqual(work.done_count, work.total)
        self.assertEqual(len(self.app.items("products")), 60 + len(self.products))

    def test_failure_of_the_app_while_reading(self):
        self.app.add("suppliers", name="Only There")
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        work.action_preview()
        self.app.fault("error", status=503)
        self.run_job(work)
        self.assertEqual((work.state, work.phase), ("failed", "reading"))
        self.app.heal()
        work.action_start()
        self.run_job(work)
        self.assertEqual((work.state, work.phase), ("draft", "ready"))
        self.assertTrue(self.line(work, "Only There"))

    def test_app_that_fails_while_carrying_out_gets_it_later(self):
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.app.fault("error", status=503, match={"method": "POST"})
        self.carry(work)
        line = self.line(work, "Veterinaria Alba")
        self.assertEqual(line.reason, "Left to the queue.")
        self.app.heal()
        self.make_due()
        self.push()
        self.assertEqual(len(self.app.items("suppliers")), 1)
        self.assertEqual(line.state, "done")

    def test_what_dies_in_the_queue_is_no_success(self):
        twin = self.supplier.copy({"name": "Alba Twin", "vat": False})
        twin.supplier_rank = 1
        work = self.preview(stream_ids=self.stream("supplier").ids)
        self.app.fault("error", status=503, match={"method": "POST"})
        self.carry(work)
        total, part = work.total, work.part_ids
        self.assertEqual((work.done_count, work.failed_count), (total, 0))
        self.app.fault("forbid", match={"contains": "Alba Twin"})
        self.make_due()
        self.push()
        dead = self.operations(state="dead")
        self.assertEqual(dead.mapping_id.res_id, twin.id)
        line = self.line(work, "Alba Twin")
        self.assertEqual((line.state, line.reason), ("failed", dead.last_error))
        self.assertEqual(self.line(work, "Veterinaria Alba").state, "done")
        for count in (work, part):
            self.assertEqual((count.done_count, count.failed_count), (total - 1, 1))

        self.app.heal()
        dead.action_redrive()
        self.push()
        self.assertEqual(len(self.app.items("suppliers")), 2)
        self.assertEqual(line.state, "done")
        for count in (work, part):
            self.assertEqual((count.done_count, count.failed_count), (total, 0))

        # What befalls a record later is no failure of this work.
        self.app.fault("forbid", match={"contains": "Vigo"})
        twin.city = "Vigo"
        self.push()
        self.assertEqual(self.operations(state="dead").mapping_id.res_id, twin.id)
        self.assertEqual((line.state, work.failed_count), ("done", 0))

    def test_what_is_under_way_is_not_discarded(self):
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        work.action_preview()
        with self.assertRaisesRegex(UserError, "under way, or done"):
            work.action_preview()
        with self.assertRaises(UserError) as refused:
            work.unlink()
        self.assertEqual(str(refused.exception), "Stop it first.")
        self.assertTrue(self.backend.paused)
        work.action_stop()
        work.unlink()
        self.assertFalse(self.backend.paused)

    def test_a_preview_of_no_stream_is_refused(self):
        work = self.env["sync.initial"].create({"backend_id": self.backend.id})
        work.stream_ids = False
        with self.assertRaisesRegex(UserError, "at least one stream"):
            work.action_preview()
        self.assertFalse(self.backend.paused)

    def test_discarded_preview_resumes_the_backend(self):
        work = self.preview()
        self.assertTrue(self.backend.paused)
        work.unlink()
        self.assertFalse(self.backend.paused)

    def test_only_operators_may(self):
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        operator = new_test_user(self.env, "op", "pharmacy_sync.group_operator")
        work = self.preview()
        for method in ("action_preview", "action_start", "action_stop", "unlink"):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(work.with_user(user), method)()
        self.assertTrue(self.backend.paused)
        for method in ("action_leave", "action_create"):
            with (
                self.subTest(method),
                self.assertRaisesRegex(AccessError, "Only operators may synchronise"),
            ):
                getattr(work.line_ids.with_user(user), method)()
        own = self.env["sync.initial"].with_user(operator)
        mine = own.create({"backend_id": self.backend.id})
        mine.action_preview()
        self.run_job(mine)
        mine.line_ids[:1].action_leave()
        mine.action_start()
        self.run_job(mine)
        with self.assertRaises(UserError):
            mine.line_ids[:1].action_leave()
        self.assertEqual(mine.state, "done")


@tagged("post_install", "-at_install")
class TestInitialDeadly(DeathCase, WorkCase):
    """What a worker may die of is carried out alone, after the others."""

    def setUp(self):
        super().setUp()
        self.env.cr.flush()
        self.env["sync.event"].search([]).unlink()
        other = self.env["res.partner"].create(
            {"name": "Other", "ref": "S-2", "is_company": True, "supplier_rank": 1}
        )
        self.ours = {"V. Alba": self.supplier, "Theirs": other}
        self.ids = {
            name: self.app.add("suppliers", name=name, **values)["id"]
            for name, values in {
                "V. Alba": {"vat": self.supplier.vat},
                "Theirs": {"reference": "S-2"},
                "First": {},
                "Second": {},
            }.items()
        }

    def carried(self, *deaths):
        """Carry out a preview: its lines by name; and who arrived, in order.

        :param deaths: names of those of each of which a worker died
        """
        stream = self.stream("supplier")
        work = self.env["sync.initial"].create(
            {
                "backend_id": self.backend.id,
                "stream_ids": stream.ids,
                "winner": "pharmacy",
            }
        )
        work.action_preview()
        self.run_job(work)
        for name in deaths:
            self.die("apply", ("supplier", self.ids[name]))
        seen = self.applied()
        work.action_start()
        self.run_job(work)
        self.assertEqual(work.state, "done", work.reason)
        self.assertEqual(work.done_count + work.failed_count, work.total)
        return {line.pharmacy_name: line for line in work.line_ids}, seen

    def test_it_is_carried_out_alone_after_the_others(self):
        lines, seen = self.carried("V. Alba", "First")
        self.assertEqual(
            {name: line.state for name, line in lines.items()},
            dict.fromkeys(self.ids, "done"),
        )
        self.assertEqual(
            seen,
            ["V. Alba", "Theirs", "V. Alba", "First", "Second", "First"],
        )
        self.assertEqual(self.suspects(), {})
        for name, ours in self.ours.items():
            self.assertEqual(self.mapping(ours).external_id, self.ids[name])
        for name in ("First", "Second"):
            found = self.env["res.partner"].search([("name", "=", name)])
            self.assertEqual(self.mapping(found).external_id, self.ids[name])
        self.assertFalse(self.operations(kind="apply"))
        self.assertFalse(self.env["sync.error"].search([("work", "!=", False)]))

    def test_what_two_workers_died_of_is_given_up_and_its_neighbours_land(self):
        lines, __ = self.carried(*["V. Alba", "First"] * 2)
        for name, line in lines.items():
            died = name in ("V. Alba", "First")
            with self.subTest(name):
                self.assertEqual(line.state, "failed" if died else "done")
                if died:
                    self.assertIn("died 2 times", line.reason)
        self.assertFalse(self.mapping(self.supplier))
        self.assertTrue(self.mapping(self.ours["Theirs"]))
        self.assertFalse(self.env["res.partner"].search([("name", "=", "First")]))
