import time
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta, timezone

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ...client import FAILURES
from ...core.exceptions import CircuitBreakerOpenError, HttpError
from ...models.call import sync_breaker
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestBreaker(SyncCase):
    """What is down is not called; what waits for it costs no attempt, and goes on."""

    def setUp(self):
        super().setUp()
        self.orders = [self.make_order() for __ in range(3)]
        self.push()
        self.breaker = self.backend._breaker("push")
        self.clock = 0.0
        real = time.time
        self.patch(time, "time", lambda: real() + self.clock)
        sync_breaker._read.clear()
        self.addCleanup(sync_breaker._read.clear)

    def believe_nothing(self):
        sync_breaker._read.clear()

    def edit(self, mark):
        for order in self.orders:
            order.origin = mark

    def fail_until_open(self):
        self.app.fault("error", status=503)
        for number in range(5):
            self.edit(f"PH-{number}")
            self.make_due()
            self.believe_nothing()
            self.push()
        self.assertEqual(self.breaker.state, "open")
        self.app.call("DELETE", "/admin/requests")

    def queue(self):
        return self.operations().filtered(lambda o: o.state in ("pending", "waiting"))

    def test_five_failures_in_a_row_open_it(self):
        self.fail_until_open()
        self.assertIn("5 failures in a row", self.breaker.cause)
        self.assertEqual(self.breaker.failures_in_a_row, 0, "a new window has begun")

    def test_its_rates_are_parts_of_a_hundred(self):
        self.breaker.write({"failure_rate": 25, "slow_rate": 75})
        config = self.breaker._config()
        self.assertEqual((config.failure_rate, config.slow_rate), (0.25, 0.75))

    def test_a_failed_connection_test_names_its_call(self):
        self.app.fault("error", status=503)
        # Not by assertRaises, which sets the database back.
        said = ""
        try:
            self.backend.action_test_connection()
        except UserError as exc:
            said = str(exc)
        self.assertIn(self.backend.url, said)
        correlation_id = said.rpartition("Correlation id: ")[2]
        calls = self.env["sync.call"].search([("correlation_id", "=", correlation_id)])
        self.assertEqual(set(calls.mapped("operation")), {"test"})
        self.assertEqual(set(calls.mapped("status")), {503})

    def test_what_waited_for_the_key_goes_on_once_it_is_accepted(self):
        """At once, in jobs of its own; and what failed of the key is over."""
        self.orders[0].origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        parked = self.operations(state="pending")
        later = fields.Datetime.now() + timedelta(hours=1)
        parked.write({"state": "waiting", "eta": later, "parked": True})
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        Error, refusal = self.env["sync.error"], HttpError(401)
        found = Error._classify(refusal)
        of_key, of_other, of_record, of_order = (
            Error._record_here(found, refusal, operation="push", **about)
            for about in (
                {"backend_id": self.backend.id},
                {"backend_id": other.id},
                {
                    "backend_id": self.backend.id,
                    "mapping_id": self.mapping(self.orders[0]).id,
                },
                {"backend_id": self.backend.id},
            )
        )
        of_order.http_status = 404
        self.backend.refused_at = fields.Datetime.now()
        self.env.flush_all()
        jobs = [("method_name", "in", ("_job_push", "_job_pull"))]
        self.env["queue.job"].search(jobs).unlink()
        (self.backend | other)._accepted()
        self.env.invalidate_all()
        self.assertFalse(self.backend.refused_at)
        self.assertTrue(of_key.resolved)
        self.assertEqual(of_key.resolution, "The pharmacy app accepts the key.")
        self.assertFalse(any((of_other | of_record | of_order).mapped("resolved")))
        self.assertFalse(parked.eta)
        # Nothing waits by now: what the app has changed meanwhile is asked for still.
        self.env["queue.job"].search(jobs).unlink()
        self.backend.refused_at = fields.Datetime.now()
        self.backend._accepted()
        self.assertEqual(
            set(self.env["queue.job"].search(jobs).mapped("method_name")),
            {"_job_push", "_job_pull"},
        )

    def test_a_quiet_backend_is_asked_for_nothing(self):
        self.app.call("DELETE", "/admin/requests")
        self.push()
        self.assertFalse(self.app.requests())

    def test_a_call_without_an_answer_has_no_status(self):
        self.move_app("http://127.0.0.1:9")
        with suppress(*FAILURES):
            self.backend._client("push").health("unanswered")
        call = self.env["sync.call"].search([("correlation_id", "=", "unanswered")])
        self.assertEqual((call.status, call.result), (0, "failure"))

    def test_failures_in_a_row_are_not_forgotten_however_slowly_they_come(self):
        self.app.fault("error", status=503)
        for number in range(4):
            self.edit(f"PH-{number}")
            self.make_due()
            self.push()
        self.assertEqual(self.breaker.state, "closed")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_call SET create_date = create_date - interval '1 day' "
            "WHERE breaker_id = %s",
            (self.breaker.id,),
        )
        self.make_due()
        self.believe_nothing()
        self.push()
        self.assertEqual(self.breaker.state, "open")
        self.assertIn("5 failures in a row", self.breaker.cause)

    def begin_anew(self):
        """A new epoch: calls of before do not count."""
        for mode in ("disabled", "normal"):
            self.breaker._set_mode(mode, "test")
        self.env.flush_all()

    def ask_for_health(self, how):
        self.app.heal()
        if how == "F":
            self.app.fault("error", status=503)
        with suppress(HttpError):
            self.backend._client("push").health("test")
        self.env.invalidate_all()

    def test_a_success_by_which_calls_are_enough_opens_it(self):
        self.begin_anew()
        for how in "FFFFSFFFF":
            self.ask_for_health(how)
        self.assertEqual(self.breaker.state, "closed")
        self.assertEqual(
            (self.breaker.calls_in_window, self.breaker.failures_in_window), (9, 8)
        )
        self.assertEqual(self.breaker.failures_in_a_row, 4)
        self.assertAlmostEqual(self.breaker.error_rate, 88.89, places=2)
        self.ask_for_health("S")
        self.assertEqual(self.breaker.state, "open")
        self.assertIn("8 of 10 calls failed", self.breaker.cause)

    def test_successes_among_few_failures_do_not_wait_for_the_row(self):
        self.begin_anew()
        for how in "FFFF":
            self.ask_for_health(how)
        settled = []
        breaker = type(self.breaker)
        settle = breaker._settle_shared
        self.patch(
            breaker,
            "_settle_shared",
            lambda *args: settled.append(args) or settle(*args),
        )
        for how in "SSSSSSSS":
            self.ask_for_health(how)
        self.assertEqual(settled, [])
        self.assertEqual(self.breaker.state, "closed")

    def test_refused_content_does_not_open_it(self):
        for __ in range(6):
            self.make_order(quantity=-1.0)
            self.push()
        self.assertEqual(self.breaker.state, "closed")

    def test_open_it_calls_nobody_and_costs_no_attempt(self):
        self.fail_until_open()
        attempts = self.queue().mapped("attempts")
        self.app.heal()
        for __ in range(3):
            self.make_due()
            self.push()
        self.assertFalse(self.app.requests())
        self.assertEqual(self.queue().mapped("attempts"), attempts)

    def test_a_rejected_call_is_logged_and_no_failure(self):
        self.fail_until_open()
        # Not by assertRaises, which sets the database back.
        try:
            self.backend._client("push").health("asked")
        except CircuitBreakerOpenError as exc:
            self.assertGreater(exc.retry_after, 0)
        self.assertFalse(self.app.requests())
        self.breaker.invalidate_recordset()
        self.assertEqual(self.breaker.rejected, 1)
        self.assertEqual(self.breaker.failures_in_window, 0)
        call = self.env["sync.call"].search(
            [("breaker_id", "=", self.breaker.id), ("result", "=", "rejected")]
        )
        self.assertEqual(call.display_name, "Send: Held back")
        self.assertEqual(call.company_id, self.backend.company_id)
        self.assertEqual(self.breaker.display_name, "Test Pharmacy: Send")

    def test_a_batch_that_it_holds_back_is_counted_as_rejected(self):
        self.fail_until_open()
        before = self.breaker.rejected
        for __ in range(3):
            self.make_due()
            self.push()
        self.assertFalse(self.app.requests())
        self.breaker.invalidate_recordset()
        self.assertEqual(self.breaker.rejected, before + 3)
        self.assertEqual(self.breaker.failures_in_window, 0)

    def test_the_next_job_begins_in_the_second_after_it_lets_calls_through(self):
        self.edit("PH-1")
        for kind, run in (("push", self.push), ("pull", self.pull)):
            breaker = self.backend._breaker(kind)
            for mode in ("forced_open", "normal"):
                breaker._set_mode(mode, "test")
            second = int(time.time()) + 40
            state, __ = breaker._read_row()
            breaker._write_row(replace(state, open_until=second + 0.1))
            self.believe_nothing()
            run()
            self.env.flush_all()
            self.env.cr.execute(
                "SELECT max(eta) FROM queue_job WHERE method_name = %s",
                [f"_job_{kind}"],
            )
            (eta,) = self.env.cr.fetchone()
            self.assertEqual(eta.replace(tzinfo=timezone.utc).timestamp(), second + 1)

    def test_the_failure_that_opens_it_and_those_of_probes_cost_no_attempt(self):
        self.fail_until_open()
        self.assertEqual(set(self.queue().mapped("attempts")), {4})
        for minutes in range(20, 100, 20):
            self.clock = 60.0 * minutes
            self.believe_nothing()
            self.make_due()
            self.push()
            self.assertEqual(self.breaker.state, "open")
        self.assertEqual(len(self.app.requests()), 4)
        self.assertEqual(set(self.queue().mapped("attempts")), {4})
        self.assertFalse(self.operations(state="dead"))

    def test_when_its_time_is_over_probes_close_it_and_everything_goes_on(self):
        self.fail_until_open()
        self.app.heal()
        self.clock = 61
        self.believe_nothing()
        self.make_due()
        self.push()
        self.assertEqual(self.breaker.state, "closed")
        self.make_due()
        self.push()
        self.assertFalse(self.queue())
        for order in self.orders:
            self.assertEqual(self.at_app(order)["reference"], "PH-4")

    def test_without_anything_to_send_a_push_probes_all_the_same(self):
        self.fail_until_open()
        self.app.heal()
        later = fields.Datetime.now() + timedelta(hours=1)
        self.queue().write({"state": "waiting", "eta": later, "parked": False})
        self.clock = 61
        self.believe_nothing()
        self.push()
        self.assertEqual(self.breaker.state, "closed")

    def test_failing_probe_opens_it_for_twice_as_long(self):
        self.fail_until_open()
        self.clock = 61
        self.believe_nothing()
        self.make_due()
        self.push()
        self.assertEqual(self.breaker.state, "open")
        state, __ = self.breaker._read_row()
        self.assertEqual(state.open_seconds, 120)
        self.assertEqual(len(self.app.requests()), 1)

    def test_history_says_what_happened(self):
        self.fail_until_open()
        self.app.heal()
        self.clock = 61
        self.believe_nothing()
        self.make_due()
        self.push()
        self.assertEqual(
            self.breaker.transition_ids.sorted("id").mapped("after"),
            ["open", "half_open", "closed"],
        )

    def test_forced_open_lets_nothing_through_until_it_is_set_back(self):
        self.breaker._set_mode("forced_open", "maintenance")
        self.app.call("DELETE", "/admin/requests")
        self.edit("PH-X")
        self.push()
        self.assertFalse(self.app.requests())
        self.breaker._set_mode("normal", "done")
        self.push()
        self.assertEqual(self.at_app(self.orders[0])["reference"], "PH-X")

    def test_what_an_outage_costs_is_no_failed_change(self):
        self.edit("PH-R")
        url = self.backend.url
        self.move_app("http://127.0.0.1:9")
        for __ in range(3):
            self.push()
            self.make_due()
        self.assertFalse(self.operations(state="dead"))
        waiting = self.operations(state="waiting")
        self.assertEqual(waiting.mapped("parked"), [True] * 3)
        self.move_app(url)
        self.pull()
        self.push()
        left = self.operations().filtered(lambda o: o.state != "done")
        self.assertFalse(left.mapped("reason"))
        self.assertEqual(self.at_app(self.orders[2])["reference"], "PH-R")

    def test_refused_record_is_not_revived(self):
        self.make_order(quantity=-1.0)
        self.push()
        self.pull()
        self.assertEqual(len(self.operations(state="dead")), 1)
