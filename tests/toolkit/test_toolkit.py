import time
from contextlib import ExitStack
from datetime import date, timedelta
from unittest.mock import patch

import requests

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.sql_db import db_connect
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job.exception import RetryableJobError
from odoo.addons.queue_job.job import Job

from ...core.event.routing import Route
from ...core.exceptions import (
    CircuitBreakerOpenError,
    ConfigurationError,
    InvalidDataError,
    ResourcePoolFullError,
)
from ...core.retry.policy import TOTAL_DEADLINE, Jitter, RetryPolicy
from ...models.base.locks import POOLS
from ...models.base.sync_config import shift
from ...models.call import sync_breaker
from ...models.event import handlers
from ...models.toolkit.retry import PARKED
from ..common import refuse
from ..json_server import served
from ..receivers import receiver

TWICE = RetryPolicy(2, 30, 30, 1, Jitter.NONE)
RECORDED = "odoo.addons.pharmacy_sync.models.error.sync_error"
NOTIFIED = "odoo.addons.pharmacy_sync.models.alert.notify"


class ToolkitCase(TransactionCase):
    """A service outside, and another company with people of its own. No backend."""

    def setUp(self):
        super().setUp()
        stack = ExitStack()
        stack.enter_context(self.enter_registry_test_mode())
        self.addCleanup(stack.close)
        self.carrier = stack.enter_context(receiver())
        self.assertFalse(self.env["sync.backend"].search([]), "it must do without one")
        self.toolkit = self.env["sync.toolkit"]
        self.company = self.env.company
        self.other = self.env["res.company"].create({"name": "Other Clinic"})
        self.partner = self.env["res.partner"].create(
            {"name": "Parcel", "company_id": self.company.id}
        )
        self.insider = self.person("insider", self.company)
        self.stranger = self.person("stranger", self.other)
        sync_breaker._read.clear()
        self.addCleanup(sync_breaker._read.clear)
        self.clock = 0.0
        real = time.time
        clock = patch.object(time, "time", lambda: real() + self.clock)
        clock.start()
        self.addCleanup(clock.stop)

    def person(self, login, company):
        return new_test_user(
            self.env,
            login,
            "pharmacy_sync.group_manager,queue_job.group_queue_job_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def ask(self, **values):
        """One guarded call."""
        with self.toolkit.guard("carrier", **values) as call:
            url = f"{self.carrier.url}/parcels?token=secret"
            return call.check(requests.post(url, json={}, timeout=call.timeout))

    def failure(self, function):
        """What it raises, or None. What ``assertRaises`` of Odoo undoes stays: it was
        written in transactions of their own."""
        try:
            function()
        except Exception as exc:  # noqa: BLE001 - looked at by the test
            return exc
        return None

    def seen(self, model, domain=()):
        """What people of both companies see: (of ours, of the other)."""
        self.env.invalidate_all()
        return tuple(
            self.env[model].with_user(user).search([*domain])
            for user in (self.insider, self.stranger)
        )

    def assert_ours(self, model, domain=()):
        """Only people of our company see these, and each can read all of them."""
        ours, theirs = self.seen(model, domain)
        self.assertTrue(ours)
        self.assertFalse(theirs)
        fields_ = self.env[model].with_user(self.insider).fields_get()
        ours.read([name for name in fields_ if name != "trace"])
        self.assertTrue(all(ours.mapped("display_name")))
        return ours.sudo()


@tagged("post_install", "-at_install")
class TestToolkit(ToolkitCase):
    """What another addon uses, without a backend."""

    def test_nothing_of_it_is_called_over_rpc(self):
        for name in ("classify", "guard", "retry", "record", "emit", "alert", "calm"):
            with self.subTest(name), self.assertRaises(AccessError):
                get_public_method(self.toolkit, name)
        with self.assertRaises(AccessError):
            get_public_method(self.env["sync.service"], "_guard")

    def test_a_failure_is_classified_by_the_rules_of_the_screen(self):
        self.assertEqual(self.toolkit.classify(TimeoutError()).type, "network_timeout")
        self.env["sync.error.rule"].create(
            {"pattern": "no paper", "error_type": "configuration_error"}
        )
        found = self.toolkit.classify(ValueError("There is no paper."))
        self.assertEqual(found.type, "configuration_error")
        self.assertFalse(found.retryable)

    # -- Guard ------------------------------------------------------------------------

    def test_a_call_is_logged_for_its_company(self):
        self.toolkit = self.toolkit.with_context(sync_correlation_id="trace-1")
        self.ask()
        call = self.assert_ours("sync.call", [("operation", "=", "service")])
        self.assertEqual(
            (call.method, call.path, call.status, call.result, call.correlation_id),
            ("POST", "/parcels", 200, "success", "trace-1"),
        )
        self.assertEqual(call.service_id.name, "carrier")
        for model in ("sync.service", "sync.breaker", "sync.pool"):
            self.assertEqual(self.assert_ours(model).display_name, "carrier")

    def test_the_log_says_how_many_bytes_were_declared(self):
        class Printer:
            def answer(self, *request):
                return 200, "paper"

        self.ask()
        with served(Printer()) as printer, self.toolkit.guard("printer") as call:
            # What has no body declares no length.
            call.check(requests.get(printer.url, timeout=call.timeout))
        with self.toolkit.guard("p"):
            pass
        calls = self.assert_ours("sync.call", [("operation", "=", "service")])
        self.assertEqual(
            [(call.bytes_sent, call.bytes_received) for call in calls.sorted("id")],
            [(2, 2), (0, len('"paper"')), (0, 0)],
        )

    def test_a_call_that_cannot_be_logged_is_an_error_of_its_company(self):
        self.ask()
        refuse(self.env, "INSERT", "sync_call", "57P01")
        with mute_logger("odoo.sql_db", "odoo.addons.pharmacy_sync"):
            self.assertEqual(self.ask().status_code, 200)
        error = self.assert_ours("sync.error", [("work", "=", "error handling")])
        self.assertEqual(error.company_id, self.company)
        self.assertFalse(error.http_status)

    def test_the_breaker_opens_and_a_probe_closes_it(self):
        self.carrier.status = 503
        for __ in range(5):
            sync_breaker._read.clear()
            self.assertIsInstance(self.failure(self.ask), requests.HTTPError)
        breaker = self.assert_ours("sync.breaker")
        self.assertEqual(breaker.state, "open")
        refused = self.failure(self.ask)
        self.assertIsInstance(refused, CircuitBreakerOpenError)
        self.assertIn("carrier", str(refused))
        self.assertGreater(refused.retry_after, 0)
        self.assertEqual(len(self.carrier.got), 5, "it was called all the same")
        # Another service, and the same one of another company, are others.
        with self.toolkit.guard("printer"):
            pass
        with self.toolkit.with_company(self.other).guard("carrier"):
            pass

        self.carrier.status = 200
        self.clock += 61
        for __ in range(breaker.probes):
            sync_breaker._read.clear()
            self.ask()
        self.env.invalidate_all()
        self.assertEqual(breaker.state, "closed")
        events = self.assert_ours("sync.event", [("type", "like", "breaker_")])
        self.assertEqual(
            set(events.mapped("type")),
            {"breaker_opened", "breaker_half_open", "breaker_closed"},
        )

    def test_an_open_breaker_is_an_alert_of_its_company(self):
        self.carrier.status = 503
        for __ in range(5):
            sync_breaker._read.clear()
            self.failure(self.ask)
        with mute_logger(NOTIFIED):
            self.env["sync.alert"]._watch()
        breaker = [("condition", "=", "breaker_opened")]
        alert = self.assert_ours("sync.alert", breaker)
        self.assertIn("carrier", alert.title)
        self.assertEqual(alert.company_id, self.company)

    def test_the_pool_bounds_calls_under_way(self):
        self.ask()
        pool = self.assert_ours("sync.pool")
        pool.concurrency = 1
        self.env.flush_all()
        # The test's own session may take a lock twice: another one holds it.
        with db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SELECT pg_advisory_lock(%s, 1)", [POOLS + pool.id])
            self.assertIsInstance(self.failure(self.ask), ResourcePoolFullError)
            cr.execute("SELECT pg_advisory_unlock(%s, 1)", [POOLS + pool.id])

    def test_time_that_is_used_up_is_noticed(self):
        with (
            self.assertRaisesRegex(Exception, "used up"),
            self.toolkit.guard("carrier", timeout=0.01) as call,
        ):
            time.sleep(0.02)
            requests.post(self.carrier.url, timeout=call.timeout)
        self.assertFalse(self.carrier.got)

    def test_a_service_that_is_switched_off_is_not_called(self):
        self.ask()
        service = self.env["sync.service"].search([])
        service.with_user(self.insider).active = False
        self.env.flush_all()
        with self.assertRaisesRegex(ConfigurationError, "carrier is switched off"):
            self.ask()
        self.assertEqual(len(self.carrier.got), 1)

    def test_arguments_are_checked(self):
        for service in ("", None, "x" * 65):
            with self.assertRaises(InvalidDataError), self.toolkit.guard(service):
                pass
        for timeout in (0, -1, "5", None):
            with self.assertRaises(InvalidDataError) as caught:
                self.toolkit.guard("carrier", timeout=timeout)
            self.assertEqual(caught.exception.field, "timeout")
        with self.assertRaises(InvalidDataError):
            self.toolkit.alert("key", "Title", "urgent")
        with self.assertRaises(InvalidDataError):
            self.toolkit.emit("parcel_booked", self.partner)
        self.listen()
        for payload in ("P-1", [], 0):
            with self.assertRaises(InvalidDataError) as caught:
                self.toolkit.emit("parcel_booked", self.partner, payload)
            self.assertEqual(caught.exception.field, "payload")
        with self.assertRaises(InvalidDataError):
            self.toolkit.retry(print)

    # -- Errors -----------------------------------------------------------------------

    def test_errors_are_grouped_by_company(self):
        for toolkit in (self.toolkit, self.toolkit.with_company(self.other)):
            for number in (1, 2):
                toolkit.record(ValueError(f"No paper in tray {number}"), "print")
        # What is done after a commit.
        Group = self.env["sync.error.group"]
        Group._count(self.env["sync.error"].search([]).ids)
        for model in ("sync.error", "sync.error.group", "sync.error.incident"):
            ours, theirs = self.seen(model)
            self.assertEqual(ours.company_id, self.company, model)
            self.assertEqual(theirs.company_id, self.other, model)
        groups = Group.search([])
        self.assertEqual(groups.mapped("count"), [2, 2])
        self.assertEqual(set(groups.mapped("work_name")), {"print"})

    def test_an_error_is_of_the_record_s_company(self):
        toolkit = self.toolkit.with_company(self.other)
        trace = toolkit.record(
            ValueError("password=hunter2"), "book", self.partner, severity="critical"
        )
        error = self.assert_ours("sync.error")
        self.assertEqual(error.correlation_id, trace)
        self.assertEqual(error.severity, "critical")
        self.assertEqual(error.context["odoo_id"], self.partner.id)
        self.assertNotIn("hunter2", f"{error.message} {error.trace}")

    def test_what_has_no_company_of_its_own_is_the_current_one_s(self):
        """A kind of records that has none, and a record that is of all companies."""
        toolkit = self.toolkit.with_company(self.other)
        shared = self.env["res.partner"].create({"name": "Shared"})
        for record in (self.env.ref("uom.product_uom_unit"), shared):
            trace = toolkit.record(ValueError("No paper"), "print", record)
            ours, theirs = self.seen("sync.error", [("correlation_id", "=", trace)])
            self.assertFalse(ours)
            self.assertEqual(theirs.company_id, self.other)

    # -- Events -----------------------------------------------------------------------

    def listen(self):
        """A type of event and its handler, as another addon adds them."""
        Event = self.env.registry["sync.event"]
        routes, types = Event._event_routes, Event._event_types

        def _handle_parcel(events):
            for event in events:
                if event.data["number"] == "bad":
                    raise ValueError("cannot do bad")
                partner = events.env["res.partner"].browse(event.res_id)
                partner.comment = f"{event.data['number']} {events.env.company.name}"

        route = Route("parcel", "_handle_parcel", ("parcel_booked",), 60, TWICE)
        for name, value in {
            "_event_routes": lambda model: (*routes(model), route),
            "_event_types": lambda model: types(model) | {"parcel_booked"},
            "_handle_parcel": _handle_parcel,
        }.items():
            patcher = patch.object(Event, name, value, create=True)
            patcher.start()
            self.addCleanup(patcher.stop)

    def deliver(self):
        """What the job runner would do."""
        self.env.flush_all()
        job = self.env["queue.job"].search(
            [("method_name", "=", "_job_deliver"), ("state", "=", "pending")], limit=1
        )
        self.assertTrue(job)
        Job.load(self.env, job.uuid).perform()
        job.state = "done"
        self.env.invalidate_all()

    def test_an_event_reaches_its_handler(self):
        self.listen()
        toolkit = self.toolkit.with_user(self.insider)
        trace = toolkit.emit("parcel_booked", self.partner, {"number": "P-1"})
        self.deliver()
        self.assertIn(f"P-1 {self.company.name}", self.partner.comment)
        event = self.assert_ours("sync.event", [("type", "=", "parcel_booked")])
        self.assertEqual((event.state, event.correlation_id), ("done", trace))
        self.assertEqual(event.user_id, self.insider)
        self.assertTrue(self.assert_ours("sync.audit", [("event_id", "=", event.id)]))

    def test_a_secret_is_in_no_event(self):
        self.listen()
        self.toolkit.emit(
            "parcel_booked", self.partner, {"number": "P-1", "password": "hunter2"}
        )
        data = self.assert_ours("sync.event", [("type", "=", "parcel_booked")]).data
        self.assertEqual(data["number"], "P-1")
        self.assertNotIn("hunter2", str(data))

    def test_an_event_that_fails_is_tried_again_and_given_up(self):
        self.listen()
        self.toolkit.emit("parcel_booked", self.partner, {"number": "bad"})
        self.deliver()
        delivery = self.assert_ours("sync.event.delivery")
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 1))
        with mute_logger(NOTIFIED):
            self.env["sync.alert"]._watch()
        alert = self.assert_ours("sync.alert", [("condition", "=", "handler_failed")])
        self.assertIn("parcel", alert.title)
        delivery.eta = fields.Datetime.now()
        self.env.flush_all()
        self.recover()
        self.assertEqual((delivery.state, delivery.attempts), ("failed", 2))
        self.assertEqual(delivery.error_id.company_id, self.company)
        delivery.with_user(self.insider).action_retry()
        self.deliver()
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 1))

    def recover(self):
        """What the scheduled recovery does; the jobs of events are lost."""
        self.env.flush_all()
        self.env["queue.job"].search([("method_name", "=", "_job_deliver")]).unlink()
        self.env["sync.operation"]._cron_recover()
        self.env.invalidate_all()
        run = self.env["sync.recovery.run"].search([], limit=1)
        return run.line_ids.filtered(lambda line: line.step == "events")

    def test_an_event_whose_job_is_lost_is_delivered_by_the_recovery(self):
        self.listen()
        self.env["sync.event"].search([]).state = "done"
        self.toolkit.emit("parcel_booked", self.partner, {"number": "P-1"})
        line = self.recover()
        self.assertIn("P-1", self.partner.comment or "")
        self.assertEqual((line.found, line.mended, line.state), (1, 1, "mended"))

    def test_an_event_waits_behind_a_failed_one_of_its_record(self):
        self.listen()
        self.toolkit.emit("parcel_booked", self.partner, {"number": "bad"})
        self.deliver()
        self.toolkit.emit("parcel_booked", self.partner, {"number": "P-2"})
        self.deliver()
        deliveries = self.assert_ours("sync.event.delivery").sorted("id")
        self.assertEqual(deliveries.mapped("attempts"), [1, 0])
        self.assertFalse(self.partner.comment)

    def test_a_job_whose_time_is_over_leaves_the_rest_to_the_next(self):
        self.listen()
        for __ in range(2):
            self.toolkit.emit("parcel_booked", self.partner, {"number": "P-1"})
        Event = self.env.registry["sync.event"]
        deliver = Event._deliver_in_turn

        def one_by_one(events, owner):
            return deliver(events, owner, 1)

        self.patch(Event, "_deliver_in_turn", one_by_one)
        self.patch(handlers, "shift", lambda: shift(0))
        self.env.flush_all()
        self.env["queue.job"].search([]).unlink()
        self.env["sync.event"]._job_deliver(self.company)
        self.env.invalidate_all()
        own = [("type", "=", "parcel_booked")]
        states = self.env["sync.event"].search(own, order="id").mapped("state")
        self.assertEqual(states, ["done", "pending"])
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_deliver")])
        self.assertEqual((len(jobs), jobs.eta), (1, False))

    def test_events_of_one_backend_in_trouble_hold_up_none(self):
        self.listen()
        Event = self.env.registry["sync.event"]
        deliver = Event._deliver_in_turn

        def delivering(events, owner, *args):
            if owner._name == "sync.backend":
                raise ZeroDivisionError
            return deliver(events, owner, *args)

        self.patch(Event, "_deliver_in_turn", delivering)
        self.env["sync.backend"].create({"name": "P", "url": "http://p.invalid"})
        self.toolkit.emit("parcel_booked", self.partner, {"number": "P-1"})
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.recover()
        self.assertIn("P-1", self.partner.comment or "")

    def test_a_person_who_is_erased_is_named_by_no_event(self):
        self.listen()
        self.toolkit.emit("parcel_booked", self.partner, {"for": "Parcel"})
        named = [("res_model", "=", "res.partner"), ("res_id", "=", self.partner.id)]
        self.assertTrue(self.env["sync.event"].search(named))
        self.partner.action_erase_from_sync()
        self.assertFalse(self.env["sync.event"].search(named))

    # -- Retry ------------------------------------------------------------------------

    def perform(self, job):
        """One attempt of a job, as the job runner makes it."""
        self.env.flush_all()
        job = Job.load(self.env, job.uuid)
        failure = self.failure(job.perform)
        if isinstance(failure, RetryableJobError):
            job.postpone(result=str(failure), seconds=failure.seconds)
            job.set_pending(reset_retry=False)
            job.store()
        self.env.invalidate_all()
        return failure

    def test_a_method_is_tried_again_until_it_succeeds(self):
        self.patch_method(self.book)
        self.carrier.status = 503
        job = self.toolkit.retry(self.partner._book_parcel, "P-1", policy=TWICE)
        again = self.perform(job)
        self.assertEqual(again.seconds, 30)
        self.assertFalse(self.partner.comment, "what failed is undone")
        error = self.assert_ours("sync.error")
        self.assertEqual((error.attempt, error.retry_delay), (1, 30))
        self.assertIn("_book_parcel", error.work_name)
        self.assertEqual(error.retry_reason, "It may succeed later.")

        self.carrier.status = 200
        self.assertIsNone(self.perform(job))
        self.assertIn("P-1", self.partner.comment)
        self.assertTrue(error.resolved)
        traces = self.assert_ours("sync.call").mapped("correlation_id")
        self.assertEqual(set(traces), {error.correlation_id})

    def test_what_is_given_up_is_an_error_and_a_failed_job(self):
        self.patch_method(self.book)
        self.carrier.status = 503
        job = self.toolkit.retry(self.partner._book_parcel, "P-1", policy=TWICE)
        self.assertTrue(self.perform(job))
        self.assertIsInstance(self.perform(job), requests.HTTPError)
        errors = self.assert_ours("sync.error").sorted("id")
        self.assertEqual(errors.mapped("attempt"), [1, 2])
        self.assertEqual(errors[1].retry_reason, "All attempts failed.")
        self.assertEqual(len(errors.group_id), 1)
        self.assertFalse(any(errors.mapped("resolved")))

    def test_it_is_not_tried_again_after_a_day_whatever_attempts_are_left(self):
        self.patch_method(self.book)
        self.carrier.status = 503
        policy = RetryPolicy(100, 30, 30, 1, Jitter.NONE)
        job = self.toolkit.retry(self.partner._book_parcel, "P-1", policy=policy)
        self.assertIsInstance(self.perform(job), RetryableJobError)
        self.env.cr.execute(
            "UPDATE queue_job SET date_created = date_created - %s WHERE uuid = %s",
            [TOTAL_DEADLINE + timedelta(minutes=1), job.uuid],
        )
        self.assertIsInstance(self.perform(job), requests.HTTPError)

    def test_a_job_waits_a_second_at_least(self):
        self.patch_method(self.book)
        self.carrier.status = 503
        policy = RetryPolicy(2, 0.1, 0.1, 1, Jitter.NONE)
        job = self.toolkit.retry(self.partner._book_parcel, "P-1", policy=policy)
        self.assertEqual(self.perform(job).seconds, 1)

    def test_a_method_of_several_records_is_called_once_with_all(self):
        partners = self.partner | self.partner.copy()
        calls = []
        self.patch_method(lambda *given: calls.append(given))
        job = self.toolkit.retry(partners._book_parcel, "P-1")
        self.assertIsNone(self.perform(job))
        self.assertEqual(calls, [(partners, "P-1")])

    def test_errors_of_another_method_are_not_resolved_with_it(self):
        toolkit = self.toolkit.with_context(sync_correlation_id="trace-1")
        toolkit.record(ValueError("No paper"), "print")
        self.patch_method(lambda partner, number: None)
        self.perform(toolkit.retry(self.partner._book_parcel, "P-1"))
        self.assertFalse(self.assert_ours("sync.error").resolved)

    def test_what_cannot_pass_is_not_tried_again(self):
        self.patch_method(lambda partner, number: {}["address"])
        job = self.toolkit.retry(self.partner._book_parcel, "P-1")
        self.assertIsInstance(self.perform(job), KeyError)
        self.assertEqual(self.assert_ours("sync.error").attempt, 1)

    def test_a_method_is_called_with_what_it_asks_for_by_name(self):
        def book(partner, number, *, express, until=None):
            partner.comment = f"{number} {express} {until}"

        self.patch_method(book)
        day = date(2026, 11, 29)
        job = self.toolkit.retry(
            self.partner._book_parcel, "P-1", express=True, until=day
        )
        self.assertIsNone(self.perform(job))
        self.assertIn("P-1 True 2026-11-29", self.partner.comment)

    def test_an_open_breaker_costs_no_attempt(self):
        self.ask()
        self.env["sync.breaker"].search([])._set_mode("forced_open", "strike")
        self.patch_method(self.book)
        job = self.toolkit.retry(self.partner._book_parcel, "P-1", policy=TWICE)
        for __ in range(3):
            sync_breaker._read.clear()
            held = self.perform(job)
            self.assertTrue(held.ignore_retry)
            self.assertEqual(held.seconds, PARKED)
        self.assertFalse(self.env["sync.error"].search([]), "the log of calls has it")
        self.env["sync.breaker"].search([])._set_mode("normal", "over")
        # The way back leads through half-open.
        self.clock += 61
        sync_breaker._read.clear()
        self.assertIsNone(self.perform(job))
        self.assertIn("P-1", self.partner.comment)

    def book(self, partner, number):
        partner.comment = number
        toolkit = partner.env["sync.toolkit"]
        with toolkit.guard("carrier", timeout=10) as call:
            call.check(requests.post(self.carrier.url, json={}, timeout=call.timeout))

    def patch_method(self, function):
        Partner = self.env.registry["res.partner"]

        def _book_parcel(partner, *args, **options):
            return function(partner, *args, **options)

        patcher = patch.object(Partner, "_book_parcel", _book_parcel, create=True)
        patcher.start()
        self.addCleanup(patcher.stop)

    # -- Alerts -----------------------------------------------------------------------

    def raise_alert(self, key="paper", **values):
        with mute_logger(NOTIFIED):
            return self.toolkit.alert(
                key, "No paper: token=abc123secret", record=self.partner, **values
            )

    def test_an_alert_is_raised_counted_and_over(self):
        self.assertTrue(self.raise_alert())
        alert = self.assert_ours("sync.alert")
        self.assertEqual((alert.state, alert.count), ("open", 1))
        self.assertIn("No paper", alert.title)
        self.assertNotIn("abc123secret", alert.title)
        self.assertEqual(alert.company_id, self.company)
        self.assertTrue(alert.sent_at, "the channels have it")
        self.raise_alert(severity="high")
        self.assertEqual(self.assert_ours("sync.alert"), alert)
        self.assertEqual((alert.count, alert.severity), (2, "high"))
        self.env["sync.alert"]._watch()
        self.env.invalidate_all()
        self.assertEqual(
            (alert.state, alert.count, alert.severity), ("open", 2, "high")
        )
        self.assertEqual(
            alert.with_user(self.insider).action_open()["res_id"], self.partner.id
        )
        self.toolkit.with_company(self.other).calm("paper")
        self.assertEqual(self.assert_ours("sync.alert").state, "open")
        self.toolkit.calm("paper")
        self.assertEqual(self.assert_ours("sync.alert").state, "resolved")

    def test_a_key_may_have_colons(self):
        self.raise_alert("paper:tray:1:left")
        self.env["sync.alert"]._watch()
        self.assertEqual(self.assert_ours("sync.alert").state, "open")
        self.toolkit.calm("paper:tray:1:left")
        self.assertEqual(self.assert_ours("sync.alert").state, "resolved")

    def test_a_low_alert_stays_low(self):
        self.raise_alert(severity="low")
        self.env["sync.alert"]._watch()
        self.assertEqual(self.assert_ours("sync.alert").severity, "low")

    def test_alerts_are_limited_and_can_be_switched_off(self):
        with mute_logger(NOTIFIED):
            for number in range(12):
                self.toolkit.alert(f"key {number}", "Too many")
        held = self.assert_ours("sync.alert").mapped("held")
        self.assertEqual(held.count("limited"), 2)
        rule = self.env["sync.alert.rule"].search([("condition", "=", "raised")])
        rule.active = False
        self.assertFalse(self.raise_alert())

    def test_what_a_person_does_about_an_alert_is_in_the_audit_of_the_company(self):
        self.raise_alert()
        self.assert_ours("sync.alert").with_user(self.insider).action_acknowledge()
        self.assert_ours("sync.event", [("type", "=", "alert_acknowledged")])

    # -- What people do ---------------------------------------------------------------

    def test_a_change_of_a_service_s_numbers_is_in_its_company_s_audit(self):
        self.ask()
        self.env["sync.pool"].search([]).with_user(self.insider).concurrency = 7
        self.assert_ours("sync.audit", [("res_model", "=", "sync.pool")])

    def test_a_service_goes_with_all_that_it_has(self):
        self.ask()
        self.env["sync.service"].search([]).with_user(self.insider).unlink()
        for model in ("sync.breaker", "sync.pool", "sync.call"):
            self.assertFalse(self.env[model].search([]), model)

    def test_figures_of_apps_are_without_it(self):
        self.ask()
        self.toolkit.record(ValueError("No paper"), "print")
        self.env.flush_all()
        now = fields.Datetime.now()
        hour = now.replace(minute=0, second=0, microsecond=0)
        Metric = self.env["sync.metric"]
        Metric._roll_up(hour, fields.Datetime.add(hour, hours=1))
        self.assertFalse(Metric.search([("backend_id", "=", False)]))
