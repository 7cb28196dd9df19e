import re
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ...core import said
from ...core.retry.decision import REVIVALS
from ...models.operation.retrying import BUDGET_WAIT
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestFailure(SyncCase):
    """A failing attempt is classified, recorded, tried again, and never dropped."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.order.origin = "PH-1"

    def operation(self):
        return self.operations(mapping_id=self.mapping(self.order).id)[0]

    def test_unavailable_app_is_tried_again_later(self):
        self.app.fault("error", status=503, count=1)
        before = fields.Datetime.now()
        self.push()
        operation = self.operation()
        self.assertEqual(operation.state, "waiting")
        self.assertEqual(operation.attempts, 1)
        self.assertGreater(operation.eta, before)
        self.assertLess(operation.eta, before + timedelta(seconds=6))
        self.assertEqual(operation.error_ids.type, "service_unavailable")
        self.assertEqual(operation.error_ids.correlation_id, operation.correlation_id)
        self.make_due()
        self.push()
        self.assertEqual(operation.state, "done")
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_each_retry_says_its_delay_and_who_set_it(self):
        self.app.fault("error", status=503, count=2)
        for __ in range(2):
            self.push()
            self.make_due()
        operation = self.operation()
        # How long it took is counted from its first attempt.
        operation.requested_at -= timedelta(days=1000)
        self.push()
        first, second = operation.error_ids.sorted("id")
        self.assertEqual((first.attempt, second.attempt), (1, 2))
        self.assertIn("policy service_unavailable, attempt 1 of", first.retry_reason)
        self.assertGreater(first.retry_delay, 0)
        self.assertAlmostEqual(second.retry_delay, operation.last_delay, 3)
        self.assertEqual(operation.state, "done")
        self.assertIn("Done at attempt 3, after", operation.reason)
        seconds = int(re.search(r"after (\d+) s", operation.reason)[1])
        self.assertLess(seconds, 3600)
        self.assertEqual(
            {*operation.error_ids.mapped("resolution")}, {operation.reason}
        )
        self.assertGreaterEqual(operation.done_at, operation.first_attempt_at)

    def calls_of_late(self, count, result, operation="push", **values):
        Call = self.env["sync.call"]
        Call.search([]).unlink()
        call = {"backend_id": self.backend.id, "operation": operation, **values}
        Call.create([{**call, "result": result} for __ in range(count)])

    def reason_of_a_failure(self):
        self.app.fault("error", status=503, count=1)
        self.push()
        return self.operation().error_ids.retry_reason

    def test_attempts_are_as_many_as_things_have_been_going(self):
        self.calls_of_late(100, "success")
        self.assertIn("attempt 1 of 6", self.reason_of_a_failure())

    def test_how_reading_goes_says_nothing_of_sending(self):
        self.calls_of_late(100, "success", operation="pull")
        self.assertIn("attempt 1 of 7", self.reason_of_a_failure())

    def test_more_retries_than_the_budget_has_wait(self):
        # Of no first attempts there are ten a minute, in five minutes.
        self.calls_of_late(50, "success", retry=True)
        self.assertIn("budget is used up", self.reason_of_a_failure())
        operation = self.operation()
        self.assertEqual((operation.state, operation.parked), ("waiting", True))
        wait = operation.eta - fields.Datetime.now()
        self.assertAlmostEqual(wait.total_seconds(), BUDGET_WAIT, delta=5)

    def test_retries_are_no_first_attempts_that_add_to_the_budget(self):
        self.calls_of_late(60, "success", retry=True)
        call = {"backend_id": self.backend.id, "operation": "push", "result": "success"}
        self.env["sync.call"].create([dict(call) for __ in range(590)])
        self.assertIn("budget is used up", self.reason_of_a_failure())

    def test_a_retry_within_the_budget_is_made(self):
        self.calls_of_late(49, "success", retry=True)
        self.assertNotIn("budget", self.reason_of_a_failure())
        self.assertFalse(self.operation().parked)

    def test_what_succeeds_at_once_says_nothing_of_attempts(self):
        self.push()
        self.assertFalse(self.operation().reason)

    def test_a_refusal_names_the_field_that_the_app_blames(self):
        bad = self.make_order(quantity=-1.0)
        self.push()
        error = self.operations(mapping_id=self.mapping(bad).id).error_ids
        self.assertEqual(error.type, "data_validation_failed")
        self.assertIn("lines[0].quantity: ", error.message)

    def test_retry_is_a_job_with_an_eta(self):
        self.app.fault("error", status=503, count=1)
        self.push()
        job = self.env["queue.job"].search(
            [("method_name", "=", "_job_push"), ("eta", "!=", False)], limit=1
        )
        eta = self.operation().eta
        self.assertLessEqual(eta, job.eta)
        self.assertLessEqual(job.eta, eta + timedelta(seconds=1))

    def test_stopped_app_is_connection_refused(self):
        self.move_app("http://127.0.0.1:9")
        self.push()
        error = self.operation().error_ids
        self.assertEqual(error.type, "connection_refused")
        self.assertEqual(error.delivery, "not_sent")

    def test_attempts_that_an_outage_cost_make_no_dead_letter(self):
        self.move_app("http://127.0.0.1:9")
        for __ in range(4):
            self.push()
            self.make_due()
        operation = self.operation()
        self.assertEqual((operation.state, operation.parked), ("waiting", True))
        self.assertIn("does not answer", operation.reason)
        self.assertEqual(self.order.sync_state, "pending")
        self.move_app(self.app.url)
        self.pull()
        self.push()
        self.assertEqual(operation.state, "done")

    def test_what_fails_whenever_the_app_is_back_is_a_dead_letter(self):
        self.env["sync.retry.policy"].search([]).max_attempts = 1
        self.app.fault("error", status=503)
        for number in range(1, REVIVALS + 2):
            self.assertNotEqual(self.operation().state, "dead")
            self.push()
            self.env["sync.operation"]._resume(self.backend)
            operation = self.operation()
            if number <= REVIVALS:
                counted = (operation.attempts, operation.revivals)
                self.assertEqual(counted, (0, number), "its attempts count anew")
        self.assertEqual(operation.state, "dead")
        self.assertEqual(operation.error_ids[0].retry_reason, operation.reason)
        self.assertEqual(self.order.sync_state, "dead")
        self.app.heal()
        operation.action_redrive()
        self.push()
        self.assertEqual(operation.state, "done")
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")
        self.assertEqual(self.order.sync_state, "synced")
        self.assertEqual({*operation.error_ids.mapped("resolution")}, {said.RETRIED})

    def test_revoked_key_is_not_tried_again(self):
        self.backend.api_key = "revoked"
        self.push()
        operation = self.operation()
        # It waits for another key: no change has failed.
        self.assertEqual((operation.state, operation.parked), ("waiting", True))
        self.assertFalse(operation.error_ids)
        self.assertTrue(self.backend.refused_at)

    def test_rate_limit_waits_as_long_as_asked(self):
        self.app.fault("rate_limit", retry_after=90, count=1)
        before = fields.Datetime.now()
        self.push()
        operation = self.operation()
        self.assertEqual(operation.error_ids.type, "rate_limit_exceeded")
        self.assertEqual(operation.error_ids.retry_delay, 90)
        self.assertIn("Retry-After", operation.error_ids.retry_reason)
        self.assertGreaterEqual(operation.eta, before + timedelta(seconds=89))

    def test_answer_lost_after_creation_makes_no_duplicate(self):
        self.app.call("POST", "/admin/settings", ignore_idempotency_keys=True)
        other = self.make_order()
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        self.push()
        operation = self.operations(mapping_id=self.mapping(other).id)
        self.assertEqual(operation.error_ids.type, "outcome_unknown")
        self.make_due()
        self.push()
        theirs = [
            record
            for record in self.app.items("purchase-orders")
            if record["reference"] == other.name
        ]
        self.assertEqual(len(theirs), 1)
        self.assertEqual(other.sync_state, "synced")

    def test_edit_after_a_lost_answer_is_no_conflict(self):
        other = self.make_order(origin="PH-9")
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        self.push()
        other.origin = "PH-10"
        self.make_due()
        self.push()
        self.assertFalse(self.mapping(other)._open_conflict())
        self.assertEqual(self.at_app(other)["reference"], "PH-10")

    def test_answer_lost_after_update_is_no_conflict(self):
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        self.push()
        self.make_due()
        self.push()
        self.make_due()
        self.sync()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")
        self.assertEqual(self.order.sync_state, "synced")
        self.assertFalse(self.mapping(self.order)._open_conflict())

    def test_both_changed_the_same_field_is_a_conflict_and_loses_neither(self):
        mapping = self.mapping(self.order)
        self.app.edit("purchase-orders", mapping.external_id, reference="PH-2")
        self.push()
        self.make_due()
        self.push()
        self.assertEqual(self.order.origin, "PH-1")
        self.assertEqual(self.at_app(self.order)["reference"], "PH-2")
        line = mapping._open_conflict().line_ids
        self.assertEqual(
            (line.field, line.odoo, line.pharmacy), ("reference", "PH-1", "PH-2")
        )
        self.assertEqual(self.order.sync_state, "conflict")

    def test_what_the_app_refuses_is_dead_and_its_neighbours_arrive(self):
        bad = self.make_order(quantity=-1.0)
        good = self.make_order()
        self.push()
        operation = self.operations(mapping_id=self.mapping(bad).id)
        self.assertEqual(operation.state, "dead")
        self.assertEqual(operation.error_ids.http_status, 422)
        self.assertEqual(self.at_app(good)["reference"], good.name)

    def test_what_was_made_of_a_corrupt_answer_is_looked_up(self):
        self.app.fault("corrupt_json", count=1)
        self.push()
        self.assertEqual(self.operation().error_ids.type, "outcome_unknown")
        self.assertEqual(self.operation().state, "waiting")
        self.make_due()
        self.push()
        self.assertEqual(self.operation().state, "done")
        self.assertEqual(len(self.app.items("purchase-orders")), 1)

    def test_cancelled_operation_cannot_be_redriven(self):
        self.move_app("http://127.0.0.1:9")
        self.push()
        operation = self.operation()
        operation.action_discard("The order was placed by telephone.")
        self.assertEqual(operation.state, "cancelled")
        with self.assertRaises(UserError):
            operation.action_redrive()

    def test_every_call_is_logged_with_its_correlation_id(self):
        self.push()
        call = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])[0]
        self.assertEqual((call.status, call.items), (200, 1))
        request = self.app.requests()[-1]
        self.assertEqual(request["correlation_id"], call.correlation_id)
        self.assertEqual(call.correlation_id, self.operation().correlation_id)
