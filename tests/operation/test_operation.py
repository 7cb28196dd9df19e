from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ...core.retry.policy import TOTAL_DEADLINE
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestOperation(SyncCase):
    """What an operation says of itself, and what a person does with one."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.link = self.mapping(self.order)

    def make(self, kind="push", **values):
        about = {"kind": kind, "stream_id": self.link.stream_id.id}
        return self.env["sync.operation"].create({**about, **values})

    def of_the_order(self, **values):
        return self.make(mapping_id=self.link.id, **values)

    def events(self, operation, kind="dead_letter_created"):
        return self.env["sync.event"].search_count(
            [("type", "=", kind), ("res_id", "=", operation.id)]
        )

    def test_it_is_called_by_what_it_is_about(self):
        for values, name in (
            ({"mapping_id": self.link.id, "kind": "push"}, f"Send {self.order.name}"),
            ({"kind": "apply", "payload": {"reference": "PH-7"}}, "Receive PH-7"),
            ({"kind": "apply", "payload": {"name": "Acme"}}, "Receive Acme"),
            (
                {"kind": "apply", "payload": {"name": {}}, "external_id": "po_9"},
                "Receive po_9",
            ),
            ({"kind": "apply", "external_id": "po_9"}, "Receive po_9"),
            (
                {"kind": "push", "payload": {"name": "Acme"}, "external_id": "po_9"},
                "Send po_9",
            ),
            ({"kind": "pull"}, "Read Purchase Orders"),
        ):
            self.assertEqual(self.make(**values).display_name, name)

    def test_it_says_how_long_it_took_and_how_often_it_failed(self):
        operation = self.make("pull")
        self.assertEqual((operation.error_count, operation.last_error), (0, False))
        begun = fields.Datetime.now()
        operation.first_attempt_at = begun
        self.assertEqual(operation.duration, 0)
        operation.done_at = begun + timedelta(seconds=90)
        self.assertEqual(operation.duration, 90)

    def test_one_that_dies_is_an_event_once(self):
        pending = self.make("pull")
        dead = self.make("apply", state="dead")
        self.assertEqual((self.events(pending), self.events(dead)), (0, 1))
        (pending | dead).write({"state": "dead"})
        self.assertEqual((self.events(pending), self.events(dead)), (1, 1))

    def test_a_retry_by_a_person_counts_everything_anew(self):
        operation = self.of_the_order(
            state="dead",
            attempts=5,
            last_delay=300,
            revivals=2,
            revive=True,
            deadline_at=fields.Datetime.now() - timedelta(days=3),
        )
        before = fields.Datetime.now()
        operation.action_redrive()
        self.assertEqual(
            (operation.state, operation.attempts, operation.last_delay),
            ("pending", 0, 0),
        )
        self.assertEqual((operation.revivals, operation.revive), (0, False))
        self.assertGreaterEqual(operation.deadline_at, before + TOTAL_DEADLINE)
        self.assertEqual(operation.recovery, "redriven")
        self.assertIn(self.env.user.name, operation.why)

    def test_a_retry_goes_on_in_the_newer_change_of_the_record(self):
        dead = self.of_the_order(state="dead")
        newer = self.of_the_order(state="waiting", attempts=3)
        dead.action_redrive()
        self.assertEqual(dead.state, "cancelled")
        self.assertEqual(
            (newer.state, newer.attempts, newer.recovery), ("pending", 0, "redriven")
        )

    def test_of_several_of_a_record_one_is_retried(self):
        dead = self.of_the_order(state="dead") | self.of_the_order(state="dead")
        dead.action_redrive()
        self.assertEqual(sorted(dead.mapped("state")), ["cancelled", "pending"])

    def test_who_may_not_retries_none_and_sees_no_errors(self):
        dead = self.of_the_order(state="dead")
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        other = new_test_user(self.env, "other", "base.group_user")
        with self.assertRaises(AccessError):
            dead.with_user(user).action_redrive()
        self.assertEqual(dead.state, "dead")
        with self.assertRaises(AccessError):
            dead.with_user(other).action_view_errors()
        action = dead.with_user(user).action_view_errors()
        self.assertEqual(action["domain"], [("operation_id", "=", dead.id)])

    def test_a_backend_counts_its_own(self):
        other = self.env["sync.backend"].create(
            {"name": "Quiet", "url": "http://quiet.invalid"}
        )
        self.of_the_order(state="dead")
        self.of_the_order(state="running")
        self.of_the_order(state="waiting")
        self.assertEqual(
            (self.backend.operation_count, self.backend.dead_count), (2, 1)
        )
        self.assertEqual((other.operation_count, other.dead_count), (0, 0))

    def test_a_second_edit_rides_along_and_says_when(self):
        self.order.origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        operation = self.operations(state="pending")
        operation.requested_at = long_ago = fields.Datetime.now() - timedelta(days=1)
        self.order.origin = "PH-2"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.assertEqual(self.operations(state="pending"), operation)
        self.assertGreater(operation.requested_at, long_ago)

    def test_the_time_that_a_pharmacy_was_away_is_given_back(self):
        operation = self.of_the_order()
        long = fields.Datetime.now() - timedelta(hours=2)
        operation.requested_at = long
        deadline = operation.deadline_at
        self.env.flush_all()
        self.backend._stood_still(long + timedelta(hours=1))
        more = operation.deadline_at - deadline
        self.assertAlmostEqual(more.total_seconds(), 3600, delta=60)

    def test_a_reason_that_no_database_can_hold_is_kept_all_the_same(self):
        operation = self.of_the_order()
        operation._park(60, "The app says: a\x00b")
        operation.flush_recordset()
        self.assertIn("The app says", operation.reason)
        self.assertGreater(operation.eta, fields.Datetime.now())
        operation._park(0, False)
        self.assertFalse(operation.eta or operation.reason)

    def test_stopped_twice_it_says_when_it_was_first_asked_to(self):
        operation = self.of_the_order(state="running")
        operation.action_stop()
        operation.cancel_at = first = fields.Datetime.now() - timedelta(hours=1)
        operation.action_stop()
        self.assertEqual(operation.cancel_at, first)
