from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..common import WorkCase


@tagged("post_install", "-at_install")
class TestStreamStatus(WorkCase):
    """The page of a stream says whether it works, and what it did."""

    def seen(self):
        """The stream as a user meets it."""
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        stream = self.stream("purchase_order").with_user(user)
        stream.invalidate_recordset()
        return stream

    def test_a_quiet_stream_is_read_and_says_so(self):
        self.sync()
        before = fields.Datetime.now() - timedelta(hours=2)
        self.backend.stream_ids.write({"read_at": before, "pulled_at": before})
        self.pull()
        stream = self.seen()
        self.assertGreater(stream.read_at, before)
        self.assertEqual(stream.pulled_at, before, "nothing came")
        self.assertEqual(stream.standing, "In sync.")
        self.assertEqual((stream.standing_level, stream.waiting_count), ("success", 0))
        cron = self.env.ref("pharmacy_sync.cron_pull")
        cron.nextcall = stream.read_at - timedelta(minutes=2)
        stream.invalidate_recordset()
        self.assertGreaterEqual(stream.next_read_at, stream.read_at, "it is late")
        self.assertFalse(stream.lag)

    def test_what_it_carried_is_counted(self):
        self.make_order()
        self.sync()
        stream = self.seen()
        self.assertEqual(stream.day_count, 1)
        self.assertTrue(stream.sent_at)

    def test_what_waits_has_its_age(self):
        order = self.make_order()
        self.sync()
        self.app.fault("error", status=503)
        order.origin = "PH-1"
        self.push()
        later = fields.Datetime.now() + timedelta(minutes=5)
        with patch.object(fields.Datetime, "now", return_value=later):
            stream = self.seen()
            self.assertEqual(stream.standing, "Catching up: 1 change, for 5 min.")
            self.assertEqual((stream.standing_state, stream.waiting_count), ("late", 1))
            self.assertIn("min", stream.lag)

    def test_what_this_very_request_has_changed_counts(self):
        order = self.make_order()
        self.sync()
        self.app.fault("error", status=503)
        order.origin = "PH-1"
        self.push()
        waiting = self.mapping(order).operation_ids.filtered(
            lambda operation: operation.state == "waiting"
        )
        waiting.state = "cancelled"
        self.assertEqual(self.stream("purchase_order").waiting_count, 0)

    def test_it_is_paused_off_or_failing(self):
        self.app.fault("error", status=400)
        self.pull()
        stream = self.seen()
        self.assertEqual(stream.standing_state, "unread")
        self.assertEqual(
            stream.standing,
            "The pharmacy's changes cannot be read now. "
            "1 failed change waits for an operator.",
        )
        self.backend.paused = True
        stream = self.stream("purchase_order")
        stream.invalidate_recordset()
        self.assertEqual(
            (stream.standing_state, stream.next_read_at), ("paused", False)
        )
        stream.active = False
        stream.invalidate_recordset()
        self.assertTrue(stream.standing.startswith("Off: nothing is exchanged."))

    def test_a_stream_that_only_sends_is_never_read(self):
        self.sync()
        stream = self.stream("purchase_order")
        self.assertTrue(stream.next_read_at)
        stream.direction = "push"
        stream.invalidate_recordset()
        self.assertFalse(stream.next_read_at)

    def test_an_edit_that_nobody_has_looked_at_yet_is_said_to_be_on_its_way(self):
        order = self.make_order()
        self.sync()
        self.env.invalidate_all()
        name = self.backend.name
        self.assertEqual(order.sync_sentence, f"In sync with {name}.")
        groups = "purchase.group_purchase_user,pharmacy_sync.group_user"
        buyer = new_test_user(self.env, "status_buyer", groups)
        order.with_user(buyer).note = "changed"
        self.env.cr.flush()
        self.env.invalidate_all()
        self.assertEqual(
            order.sync_sentence, f"The last change is on its way to {name}."
        )

    def test_what_needs_a_person_is_said_as_the_pharmacy_says_it(self):
        disputed, failing = self.make_order(), self.make_order()
        supplier = self.stream("supplier")
        self.sync()
        link = self.mapping(disputed)
        self.app.edit("purchase-orders", link.external_id, notes="theirs")
        disputed.note = "ours"
        self.pull()
        failing.order_line[0].product_qty = -1
        self.push()
        stream = self.seen()
        self.assertEqual(
            stream.standing,
            "1 decision needs you. 1 failed change waits for an operator.",
        )
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        stream = stream.with_user(operator)
        self.assertEqual(stream.standing, "1 decision and 1 failed change need you.")
        self.assertEqual(stream.standing_level, "warning")
        self.assertEqual(stream.standing, stream.backend_id.standing)
        # What another kind of record needs is said of that one.
        supplier.invalidate_recordset()
        self.assertEqual(supplier.standing, "In sync.")

    def test_what_waits_is_one_number_in_an_outage(self):
        order = self.make_order()
        self.sync()
        self.app.fault("error", status=503)
        order.origin = "PH-1"
        for __ in range(3):
            self.push()
            self.pull()
            self.make_due()
        self.assertTrue(self.operations(kind="pull", state="waiting"), "no change")
        stream = self.seen()
        self.assertIn("1 change is kept", stream.standing)
        self.assertEqual(stream.standing, self.backend.standing)

    def test_a_page_of_streams_costs_as_much_as_one(self):
        self.env["sync.backend"].create(
            [{"name": f"P{n}", "url": f"http://127.0.0.1:{n}"} for n in range(2, 6)]
        )
        streams = self.env["sync.stream"].search([])
        names = ["standing", "waiting_count"]

        def statements(some):
            self.env.invalidate_all()
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            some.read(names)
            return self.env.cr.sql_log_count - before

        self.assertGreater(len(streams), 9)
        one = statements(streams[:1])
        self.assertLessEqual(statements(streams), one + 4)
