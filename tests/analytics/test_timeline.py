from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestTimeline(SyncCase):
    """What happened to a record is reported on its mapping, newest first."""

    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, "timeline_user", "pharmacy_sync.group_user")
        self.order = self.make_order()
        self.push()

    def rows(self, record=None):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.mapping(record or self.order).with_user(self.user).timeline_ids

    def reported(self, kind):
        return self.rows().filtered(lambda row: row.kind == kind)

    def conflict(self):
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "8.00"
        self.app.edit(
            "purchase-orders", self.mapping(self.order).external_id, lines=lines
        )
        self.order.order_line[0].product_qty = 5
        self.pull()
        return self.mapping(self.order)._open_conflict()

    def test_a_push_is_reported_with_the_event_that_caused_it(self):
        events, operation = self.reported("event"), self.reported("operation")
        event = events[-1]
        self.assertEqual(events.mapped("title"), ["Order synced", "Order created"])
        self.assertEqual(event.user_id, self.env.user)
        self.assertEqual(operation.title, "Sent to the pharmacy")
        self.assertEqual(operation.attempt, 1)
        self.assertEqual(operation.correlation_id, event.correlation_id)
        self.assertEqual(len(self.reported("linked")), 1)

    def test_it_is_reported_to_be_linked_only_once_it_is(self):
        self.backend.paused = True
        order = self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.assertIn("Waits to be sent", self.rows(order).mapped("title"))
        self.assertNotIn("linked", self.rows(order).mapped("kind"))
        self.backend.paused = False
        self.push()
        linked = self.rows(order).filtered(lambda row: row.kind == "linked")
        self.assertEqual(linked.detail, self.mapping(order).external_id)

    def test_newest_is_first(self):
        self.order.origin = "PH-1"
        self.push()
        moments = self.rows().mapped("at")
        self.assertEqual(moments, sorted(moments, reverse=True))

    def test_failed_attempt_is_reported_with_its_error(self):
        self.app.refuse_records()
        self.order.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        row = self.reported("error")
        error = self.operations(state="dead").error_ids
        self.assertEqual(row.title, "Authentication failed")
        self.assertEqual(row.detail, error.message)
        self.assertEqual(row.correlation_id, error.correlation_id)
        action = row.action_open()
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("sync.error", error.id)
        )
        self.assertIn("Could not be sent", self.reported("operation").mapped("title"))

    def test_a_refused_value_is_reported_as_people_call_its_field(self):
        order = self.make_order(quantity=-1.0)
        self.push()
        row = self.rows(order).filtered(lambda row: row.kind == "error")
        self.assertRegex(row.detail, "^Line 1.*Quantity")
        self.assertNotIn("lines[", row.detail)

    def test_decision_is_reported_with_who_and_why(self):
        conflict = self.conflict()
        row = self.reported("conflict")
        field = f"Line 1 - {self.order.order_line[0].name}: Quantity"
        self.assertEqual(row.detail, field)
        self.assertFalse(self.reported("decision"))
        conflict.with_user(self.user).action_keep_odoo()
        conflict.reason = "Agreed on the telephone"
        row = self.reported("decision")
        self.assertEqual(row.title, "Decided: Odoo")
        self.assertEqual(row.user_id, self.user)
        self.assertIn("Agreed on the telephone", row.detail)
        self.assertIn(f"{field}: Odoo", row.detail)
        self.assertEqual(row.action_open()["res_id"], conflict.id)

    def test_arrival_is_reported(self):
        self.app.edit(
            "purchase-orders", self.mapping(self.order).external_id, reference="PH-9"
        )
        self.pull()
        self.env.cr.flush()
        event = self.reported("event").filtered(
            lambda row: row.title == "Order updated"
        )
        self.assertEqual(event.detail, "Source")
        with self.assertRaises(AccessError):
            event.with_user(self.user).action_view_calls()
        operator = new_test_user(self.env, "caller", "pharmacy_sync.group_operator")
        action = event.with_user(operator).action_view_calls()
        calls = self.env["sync.call"].search(action["domain"])
        self.assertEqual(set(calls.mapped("operation")), {"pull"})

    def test_earlier_values_are_reported_with_whose_they_are(self):
        seller = new_test_user(
            self.env, "seller", "purchase.group_purchase_user,pharmacy_sync.group_user"
        )
        line = self.order.order_line[0]
        line.with_user(seller).product_qty = 7
        self.push()
        row = self.reported("version")
        self.assertEqual(
            row.title, "Changed in Odoo: version 2 of the pharmacy's record"
        )
        self.assertEqual(row.user_id, seller)
        self.assertEqual(row.detail, f"Line 1 - {line.name}: Quantity: 2.00 → 7.00")
        self.app.edit(
            "purchase-orders", self.mapping(self.order).external_id, reference="PH-9"
        )
        self.pull()
        row = self.reported("version")[0]
        self.assertEqual(row.title, "Changed at the pharmacy: version 3 of its record")
        self.assertFalse(row.user_id)
        self.assertEqual(row.detail, f"Reference: {self.order.name} → PH-9")

    def test_an_event_is_reported_once_and_still_when_it_is_purged(self):
        self.env["sync.event"]._deliver(self.backend)
        reported = self.reported("event").mapped("title")
        events = self.env["sync.event"].search([("backend_id", "=", self.backend.id)])
        traces = self.env["sync.audit"].search([("event_id", "in", events.ids)])
        self.assertTrue(traces)
        events.unlink()
        self.assertEqual(self.reported("event").mapped("title"), reported)

    def test_each_row_is_itself_also_where_ids_of_what_it_is_read_from_agree(self):
        self.app.refuse_records()
        self.order.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        self.conflict().with_user(self.user).action_keep_odoo()
        self.push()
        self.env["sync.event"]._deliver(self.backend)
        # One that was not delivered yet stands for itself, without a trace.
        self.order.origin = "PH-2"
        self.env.flush_all()
        for table in ("sync_audit", "sync_event"):
            self.env.cr.execute(
                f"""UPDATE {table} SET id = 2000000000 WHERE id = (
                        SELECT max(id) FROM {table}
                         WHERE res_model = %s AND res_id = %s)""",
                [self.order._name, self.order.id],
            )
        rows = self.rows()
        sources = set(zip(rows.mapped("res_model"), rows.mapped("res_id"), strict=True))
        for model in ("sync.audit", "sync.event"):
            self.assertIn((model, 2000000000), sources)
        kinds = dict(rows._fields["kind"].selection)
        self.assertEqual(set(rows.mapped("kind")), kinds.keys())
        names = ["kind", "what", "at", "res_model", "res_id", "mapping_id"]
        together = {values["id"]: values for values in rows.read(names)}
        for row in rows:
            self.env.invalidate_all()
            self.assertEqual(row.browse(row.id).read(names), [together[row.id]])

    def test_redrive_is_reported_with_who_pressed_it(self):
        self.app.refuse_records()
        self.order.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        operator = new_test_user(self.env, "redriver", "pharmacy_sync.group_operator")
        self.operations(state="dead").with_user(operator).action_redrive()
        row = self.reported("event").filtered(
            lambda r: r.what == "dead_letter_redriven"
        )
        self.assertEqual(row.user_id, operator)

    def test_each_record_has_its_own(self):
        other = self.make_order()
        self.push()
        rows = self.rows(other)
        self.assertTrue(rows)
        self.assertFalse(rows & self.rows())
        self.assertEqual(rows.mapping_id, self.mapping(other))

    def test_other_company_sees_nothing_of_it(self):
        company = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "timeline_other",
            "pharmacy_sync.group_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        Timeline = self.env["sync.timeline"].with_user(user)
        own = [("mapping_id", "=", self.mapping(self.order).id)]
        self.assertFalse(Timeline.search(own))
        self.assertTrue(Timeline.with_user(self.user).search(own))
        operator = self.make_user(
            "timeline_stranger", "pharmacy_sync.group_operator", company
        )
        for row in self.rows().with_user(operator):
            for action in (row.action_open, row.action_view_calls):
                with self.assertRaises(AccessError):
                    action()

    def test_product_template_shows_and_opens_its_variant(self):
        template = self.products[0].product_tmpl_id
        self.assertEqual(template.sync_state, "synced")
        action = template.action_view_sync()
        self.assertEqual(action["res_id"], self.mapping(self.products[0]).id)
        self.products[0].standard_price = 99
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.env.invalidate_all()
        self.assertEqual(template.sync_state, "pending")

    def test_template_that_is_not_synchronised_says_nothing(self):
        template = self.env["product.template"].create(
            {"name": "Sold only", "purchase_ok": False}
        )
        self.push()
        self.assertFalse(template.sync_state)
