from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ...core.exceptions import OperationCancelledError
from ...models.base.own_transaction import apart
from ...models.exchange import pull
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestCancel(SyncCase):
    """Work under way stops at its next safe point, and nothing of it is lost."""

    def setUp(self):
        super().setUp()
        self.orders = [self.make_order() for __ in range(2)]
        self.push()
        self.stream = self.mapping(self.orders[0]).stream_id
        for order in self.orders:
            order.origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        __, self.items = apart(self.stream._claim_push, None)
        self.env.invalidate_all()
        self.first, self.second = (
            self.operations(mapping_id=self.mapping(order).id)[0]
            for order in self.orders
        )
        self.app.call("DELETE", "/admin/requests")

    def stop(self, operations):
        """What an operator does, in a transaction of its own."""
        operations.action_stop()
        self.env.flush_all()

    def send_and_settle(self):
        answers, failures = self.stream._send(self.items)
        apart(self.stream._settle_push, self.items, answers, failures)
        self.env.invalidate_all()

    def test_what_was_not_sent_yet_is_not_sent_and_its_neighbour_is(self):
        self.stop(self.first)
        self.send_and_settle()
        self.assertEqual((self.first.state, self.second.state), ("cancelled", "done"))
        self.assertIn(self.env.user.name, self.first.reason)
        self.assertTrue(self.first.cancel_at)
        self.assertEqual((self.first.attempts, self.second.attempts), (0, 1))
        self.assertEqual(self.at_app(self.orders[0])["reference"], self.orders[0].name)
        self.assertEqual(self.at_app(self.orders[1])["reference"], "PH-1")
        self.assertFalse(self.first.error_ids)

    def test_all_of_a_batch_stopped_makes_no_call(self):
        self.stop(self.first | self.second)
        self.send_and_settle()
        self.assertEqual(self.first.state, "cancelled")
        self.assertFalse(self.app.requests())

    def test_a_record_is_not_in_sync_once_its_change_was_given_up(self):
        """Whether it was stopped or, after it had failed, discarded."""
        self.stop(self.first)
        self.app.refuse_records("validation_failed")
        self.send_and_settle()
        self.second.action_discard("Not wanted")
        mappings = self.first.mapping_id | self.second.mapping_id
        self.assertEqual(set(mappings.mapped("state")), {"differs"})
        self.assertIn("stopped or discarded", mappings[0].differences_text)
        self.app.refuse_records("")
        # The next change takes it along; what is changed back is alike again.
        self.orders[0].note = "<p>Call first</p>"
        self.orders[1].origin = False
        self.push()
        self.assertEqual(self.at_app(self.orders[0])["reference"], "PH-1")
        self.assertEqual(set(mappings.mapped("state")), {"synced"})
        self.assertFalse(mappings[0].differences_text)

    def test_what_was_stopped_goes_with_the_next_change(self):
        self.stop(self.first)
        self.send_and_settle()
        self.orders[0].note = "<p>Call first</p>"
        self.push()
        self.assertEqual(self.at_app(self.orders[0])["reference"], "PH-1")

    def test_answer_that_came_is_kept(self):
        answers, failures = self.stream._send(self.items)
        self.stop(self.first)
        apart(self.stream._settle_push, self.items, answers, failures)
        self.env.invalidate_all()
        self.assertEqual(self.first.state, "done")
        self.assertEqual(self.mapping(self.orders[0]).base["reference"], "PH-1")

    def test_failed_call_is_not_made_again(self):
        self.app.fault("error", status=503)
        answers, failures = self.stream._send(self.items)
        self.stop(self.first)
        apart(self.stream._settle_push, self.items, answers, failures)
        self.env.invalidate_all()
        states = (self.first.state, self.second.state)
        self.assertEqual(states, ("cancelled", "waiting"))
        self.assertEqual(self.first.error_ids.type, "service_unavailable")

    def test_unknown_outcome_is_found_out_before_it_ends(self):
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        answers, failures = self.stream._send(self.items)
        self.stop(self.first)
        apart(self.stream._settle_push, self.items, answers, failures)
        self.env.invalidate_all()
        self.assertEqual(self.first.state, "waiting")
        self.assertFalse(self.first.cancel_at)
        self.make_due()
        self.sync()
        self.assertEqual(self.first.state, "done")
        self.assertEqual(self.at_app(self.orders[0])["reference"], "PH-1")

    def test_dead_worker_is_an_unknown_outcome(self):
        self.stop(self.first)
        self.recover()
        self.assertEqual(self.first.state, "pending")
        self.assertFalse(self.first.cancel_at)

    def test_new_record_that_was_stopped_is_not_uncertain(self):
        self.send_and_settle()
        order = self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        __, self.items = apart(self.stream._claim_push, None)
        self.env.invalidate_all()
        self.stop(self.operations(state="running"))
        self.send_and_settle()
        self.assertFalse(self.mapping(order).uncertain)
        self.assertNotIn(
            order.name,
            [record["reference"] for record in self.app.items("purchase-orders")],
        )

    def test_long_pull_stops_between_two_pages_and_goes_on_there(self):
        self.send_and_settle()
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "supplier")
        self.pull()
        for number in range(4):
            self.app.add("suppliers", name=f"Supplier {number}")
        stream.batch_size = 1
        self.patch(pull, "PAGES_PER_JOB", 2)
        self.assertTrue(stream._pull())
        self.env.invalidate_all()
        operation = self.operations(kind="pull")
        self.assertEqual(operation.state, "pending")
        operation.write({"state": "running"})
        self.stop(operation)
        self.assertFalse(stream._pull())
        self.env.invalidate_all()
        self.assertEqual(operation.state, "cancelled")
        Partner = self.env["res.partner"]
        named = [("name", "=like", "Supplier _")]
        self.assertEqual(Partner.search_count(named), 2)
        self.patch(pull, "PAGES_PER_JOB", 200)
        self.assertTrue(stream._pull())
        self.assertEqual(Partner.search_count(named), 4)

    def test_who_is_no_operator_may_not_stop_it(self):
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            self.first.with_user(user).action_stop()

    def test_only_what_is_under_way_is_stopped(self):
        self.send_and_settle()
        with self.assertRaises(UserError):
            self.first.action_stop()

    def test_cancellation_is_no_failure_of_the_app(self):
        found = self.env["sync.error"]._classify(OperationCancelledError("stop"))
        self.assertEqual(
            (found.retryable, found.counts_for_breaker, found.severity),
            (False, False, "low"),
        )
