import json
import logging
import threading
from contextlib import suppress
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...core.alert.rules import LIMIT, Condition
from ...core.exceptions import ApiTimeoutError, DataCorruptedError, HttpError
from ...models.alert import watch
from ...models.base.locks import ALERTS
from ...models.call import sync_breaker
from ...models.error.work_names import HANDLING
from ..common import KEY, ConcurrencyCase, SyncCase

LOGGED = "odoo.addons.pharmacy_sync.models.alert.watch"
RECORDED = "odoo.addons.pharmacy_sync.models.error.sync_error"


class AlertCase(SyncCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = new_test_user(
            cls.env, "alert_operator", "pharmacy_sync.group_operator"
        )
        cls.user = new_test_user(cls.env, "alert_user", "pharmacy_sync.group_user")
        (cls.env["sync.backend"].search([]) - cls.backend).active = False
        cls.backend.message_subscribe(cls.operator.partner_id.ids)

    def setUp(self):
        super().setUp()
        for known in (sync_breaker._read, watch._called):
            known.clear()
            self.addCleanup(known.clear)

    def rule(self, condition):
        return self.env.ref(f"pharmacy_sync.alert_rule_{condition}")

    def only(self, *conditions):
        """Switch the other rules off, which would have their say as well."""
        rules = self.env["sync.alert.rule"].search([])
        rules.filtered(lambda r: r.condition not in conditions).active = False

    def go_wrong(self, error=None, times=1, **about):
        """Record failures, as a worker would."""
        Error = self.env["sync.error"]
        error = error or HttpError(404, None, "Order is unknown")
        about = {"backend_id": self.backend.id, "operation": "push", **about}
        values = Error._values(Error._classify(error), error, **about)
        return Error.create([dict(values) for __ in range(times)])

    def look(self):
        """Do what the scheduled action would."""
        self.env.flush_all()
        self.env["sync.alert"]._cron_watch()
        self.env.invalidate_all()

    def deliver(self):
        self.env.flush_all()
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()

    def alerts(self, *states, **values):
        return self.env["sync.alert"].search(
            [("state", "in", states or ("open", "acknowledged"))]
            + [(name, "=", value) for name, value in values.items()],
            order="id",
        )

    def notes(self, text):
        return self.backend.message_ids.filtered(lambda note: text in note.body)

    def flood(self, count):
        """That many alerts of one rule, none of them correlated."""
        event = self.env["sync.event"].search([], limit=1)
        self.env["sync.event.delivery"].create(
            [
                {
                    "event_id": event.id,
                    "backend_id": self.backend.id,
                    "handler": f"handler {number}",
                    "state": "failed",
                }
                for number in range(count)
            ]
        )

    def pass_time(self, seconds, *records):
        """Make what was written look older."""
        self.env.flush_all()
        moment = timedelta(seconds=seconds)
        columns = {
            "sync_error": ("occurred_at",),
            "sync_alert": (
                *("opened_at", "sent_at", "notified_at"),
                *("resolved_at", "last_at"),
            ),
        }
        for table, names in columns.items():
            for name in names:
                self.env.cr.execute(
                    f"UPDATE {table} SET {name} = {name} - %s",
                    [moment],
                )
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestAlertRaised(AlertCase):
    """Each rule, its cause made to happen, and in order again."""

    def test_critical_error_is_reported_at_once_and_logged(self):
        self.only("critical_error")
        triggers = self.env["ir.cron.trigger"].search_count([])
        with self.assertLogs(RECORDED, "CRITICAL") as logged:
            error = self.go_wrong(DataCorruptedError("checksum mismatch"))
            self.go_wrong(DataCorruptedError("checksum mismatch")).unlink()
        self.assertIn(error.correlation_id, logged.output[0])
        self.assertEqual(len(logged.output), 2)
        self.assertEqual(
            self.env["ir.cron.trigger"].search_count([]) - triggers, 1, "at once"
        )
        self.look()
        alert = self.alerts()
        self.assertEqual(
            (alert.condition, alert.severity), ("critical_error", "critical")
        )
        self.assertEqual(alert.correlation_id, error.correlation_id)
        self.assertEqual(alert.action_open()["res_id"], error.group_id.id)
        self.assertEqual(alert.title, "Critical error: Data corrupted")
        self.assertEqual(alert.detail, "checksum mismatch")
        self.assertEqual(alert.advice, error.group_id.advice)
        (note,) = self.notes(error.correlation_id)
        self.assertIn("Critical error: Data corrupted. checksum mismatch. ", note.body)
        self.assertNotIn("..", note.body)
        self.look()
        self.assertEqual(alert.count, 1, "it is the same one")
        with mute_logger(LOGGED, RECORDED):
            again = self.go_wrong(DataCorruptedError("checksum mismatch"), times=2)
        self.look()
        self.assertEqual((self.alerts(), alert.count), (alert, 3))
        self.assertEqual(alert.correlation_id, again[1].correlation_id, "the latest")
        error.group_id.action_resolve()
        self.look()
        self.assertEqual(alert.state, "resolved")
        self.assertFalse(alert.resolved_by_id)
        self.assertEqual(alert.resolution, "The errors are resolved.")
        (note,) = self.notes("Resolved: Critical error")
        self.assertIn("Data corrupted. The errors are resolved.", note.body)
        self.assertNotIn("..", note.body)

    def test_as_many_critical_errors_as_the_rule_says_are_none_yet(self):
        self.only("critical_error")
        self.rule("critical_error").threshold = 2
        with mute_logger(LOGGED, RECORDED):
            self.go_wrong(DataCorruptedError("checksum mismatch"), times=2)
            self.look()
            self.assertFalse(self.alerts())
            self.go_wrong(DataCorruptedError("checksum mismatch"))
            self.look()
        self.assertEqual(self.alerts().count, 3)

    def test_as_many_breakers_as_the_rule_says_are_none_yet(self):
        """Each is one: of a rule that wants more than one none is an alert."""
        self.only("breaker_opened")
        rule = self.rule("breaker_opened")
        rule.threshold = 1
        self.backend._breaker("push")._set_mode("forced_open", "drill")
        self.look()
        self.assertFalse(self.alerts())
        rule.threshold = 0
        self.look()
        self.assertEqual(len(self.alerts()), 1)

    def test_it_was_seen_last_when_it_happened_not_when_odoo_looked(self):
        self.only("error_spike")
        self.go_wrong(times=6)
        self.pass_time(20)
        self.look()
        alert, ago = self.alerts(), fields.Datetime.now() - timedelta(seconds=10)
        self.assertLess(alert.last_at, ago)
        self.go_wrong(times=2)
        self.pass_time(20)
        first = alert.last_at
        self.look()
        self.assertEqual(alert.count, 8)
        self.assertLess(first, alert.last_at)
        self.assertLess(alert.last_at, ago)

    def test_what_was_counted_within_a_window_stays_until_more_is_counted(self):
        self.only("error_rate")
        self.go_wrong(times=15)
        self.look()
        alert = self.alerts()
        self.pass_time(65)
        self.go_wrong(times=12)
        self.look()
        self.assertEqual((alert.count, alert.state), (27, "open"))
        # The first fifteen are no longer looked at.
        self.pass_time(30)
        self.look()
        self.assertEqual(alert.title, "15 errors within 60 seconds")
        self.assertEqual((alert.count, alert.state), (27, "open"))

    def test_a_receiver_knows_each_incident_by_the_same_words_for_ever(self):
        """What is kept of it in another system outlives an update of this addon."""
        self.only("error_rate", "breaker_opened", "recovery_failed")
        self.go_wrong(times=11)
        breaker = self.backend._breaker("push")
        breaker._set_mode("forced_open", "drill")
        self.env.ref("pharmacy_sync.cron_recover").failure_count = 1
        self.look()
        found = {alert.condition: alert for alert in self.alerts()}
        own = self.backend.id
        for condition, rest in (
            ("error_rate", f"{own}:,0"),
            ("breaker_opened", f"{own}:sync.breaker,{breaker.id}"),
            ("recovery_failed", "0:cron"),
        ):
            alert = found[condition]
            self.assertEqual(alert.fingerprint, f"{alert.rule_id.id}:{rest}")

    def test_what_belongs_to_a_company_alone_is_its_own_alert(self):
        """Of two companies, neither hears of the other's as of a part of its own."""
        self.only("error_spike")
        other = self.env["res.company"].create({"name": "Other Clinic"})
        for company in (self.env.company, other):
            self.go_wrong(
                HttpError(404, None, f"Of {company.name}"),
                times=6,
                backend_id=None,
                company_id=company.id,
            )
        self.look()
        alerts = self.alerts(backend_id=False)
        self.assertEqual(alerts.company_id, self.env.company | other)
        self.assertEqual(len(alerts), 2)
        self.assertFalse(alerts.parent_id)
        self.assertTrue(all(alerts.mapped("sent_at")))
        for alert in alerts:
            owner = f"{alert.rule_id.id}:company {alert.company_id.id}:"
            self.assertTrue(alert.fingerprint.startswith(owner), alert.fingerprint)
        # What a person does about it is in the audit trace of that company.
        alerts.with_user(self.operator.id).sudo().action_acknowledge()
        events = self.env["sync.event"].search([("type", "=", "alert_acknowledged")])
        self.assertEqual(events.company_id, alerts.company_id)

    def test_an_event_of_one_backend_ends_no_alert_of_another(self):
        self.only("breaker_opened")
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        (self.backend | other).breaker_ids.filtered(
            lambda b: b.operation == "push"
        )._set_mode("forced_open", "drill")
        self.look()
        alerts = self.alerts()
        self.assertEqual(alerts.backend_id, self.backend | other)
        self.backend._breaker("push")._set_mode("disabled", "over")
        self.deliver()
        self.assertEqual(self.alerts().backend_id, other)

    def test_critical_error_is_kept_on_the_list_while_it_is_not_resolved(self):
        self.only("critical_error")
        with mute_logger(LOGGED, RECORDED):
            self.go_wrong(DataCorruptedError("checksum mismatch"))
        self.look()
        self.pass_time(3600)
        self.look()
        self.assertEqual(self.alerts().count, 1)

    def test_refused_key(self):
        self.only("authentication")
        order = self.make_order()
        self.push()
        self.backend.api_key = "revoked"
        order.origin = "PH-1"
        self.push()
        self.look()
        alert = self.alerts()
        self.assertEqual((alert.condition, alert.severity), ("authentication", "high"))
        self.backend.api_key = KEY
        self.push()
        self.look()
        self.assertEqual(alert.state, "resolved", "it was made up for")

    def test_more_than_ten_errors_in_a_minute(self):
        self.only("error_rate")
        for number in range(10):
            self.go_wrong(HttpError(404, None, f"Different {chr(97 + number)}"))
        self.look()
        self.assertFalse(self.alerts())
        self.go_wrong(ApiTimeoutError("20 s"))
        self.look()
        alert = self.alerts()
        self.assertEqual(alert.title, "11 errors within 60 seconds")
        self.assertEqual((alert.severity, alert.count), ("medium", 11))
        self.go_wrong(ApiTimeoutError("20 s"), times=2)
        self.look()
        self.assertEqual((self.alerts(), alert.count), (alert, 13))
        groups = self.env["sync.error.group"].search(alert.action_open()["domain"])
        self.assertEqual(len(groups), 11)
        self.pass_time(100)
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_errors_that_are_spread_out_are_no_rate(self):
        self.only("error_rate")
        for __ in range(4):
            self.go_wrong(times=5)
            self.pass_time(61)
        self.look()
        self.assertFalse(self.alerts())

    def test_burst_between_two_looks_is_seen(self):
        """Six before the look, six after it, all within a minute."""
        self.only("error_rate")
        self.go_wrong(times=6)
        self.look()
        self.pass_time(30)
        self.go_wrong(times=6)
        self.look()
        self.assertEqual(self.alerts().title, "12 errors within 60 seconds")

    def test_burst_is_seen_by_a_look_that_comes_late(self):
        self.only("error_rate")
        self.go_wrong(times=6)
        self.pass_time(20)
        self.go_wrong(times=6)
        self.pass_time(80)
        self.look()
        self.assertEqual(self.alerts().title, "12 errors within 60 seconds")

    def test_spike_of_one_error_grows(self):
        self.only("error_spike")
        self.go_wrong(times=5)
        self.look()
        self.assertFalse(self.alerts())
        group = self.go_wrong().group_id
        self.look()
        alert = self.alerts()
        self.assertEqual((alert.severity, alert.res_id), ("medium", group.id))
        self.assertEqual(len(self.notes("The same error")), 1)
        self.assertEqual(alert.notified_times, 1)
        self.go_wrong(times=14)
        self.look()
        self.assertEqual((self.alerts(), alert.severity), (alert, "high"))
        self.assertEqual(alert.count, 20)
        self.assertEqual((alert.notified_times, alert.notified_severity), (2, "high"))
        self.assertEqual(len(self.notes("The same error")), 2, "it got worse")
        group.action_resolve()
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_muted_group_raises_nothing(self):
        self.only("error_spike", "error_rate", "critical_error")
        group = self.go_wrong().group_id
        group.action_mute()
        self.go_wrong(times=20)
        self.look()
        self.assertFalse(self.alerts())

    def test_open_breaker_until_the_app_is_back(self):
        self.only("breaker_opened")
        order = self.make_order()
        self.push()
        breaker = self.backend._breaker("push")
        breaker.write({"consecutive_failures": 1, "open_seconds": 600})
        self.app.fault("error", status=503)
        order.origin = "PH-1"
        self.push()
        self.deliver()
        alert = self.alerts()
        self.assertEqual((alert.res_model, alert.res_id), ("sync.breaker", breaker.id))
        self.assertEqual((alert.severity, alert.count), ("high", 1))
        self.assertEqual(
            alert.title,
            "No connection to Test Pharmacy (Send): Service unavailable",
        )
        event = self.env["sync.event"].search([("type", "=", "breaker_opened")])
        self.assertEqual(alert.correlation_id, event.correlation_id)
        self.deliver()
        self.look()
        self.assertEqual((self.alerts(), alert.count), (alert, 1))
        breaker._set_mode("disabled", "the app is back")
        self.deliver()
        self.assertEqual(alert.state, "resolved")
        self.assertEqual(len(self.notes("No connection")), 2)
        self.assertTrue(self.notes("Resolved: No connection"))
        self.assertFalse(self.notes("Connection restored"), "nobody is notified twice")

    def make_dead(self, *references):
        orders = [self.make_order() for __ in references]
        self.push()
        for order in orders:
            order.order_line[0].product_qty = -1
        self.push()
        return self.operations(state="dead")

    def test_dead_letters_of_one_cause_are_one_alert(self):
        self.only("dead_letter")
        dead = self.make_dead("A", "B", "C")
        self.deliver()
        alert = self.alerts()
        self.assertEqual(alert.count, 3)
        self.assertTrue(alert.title.startswith("Failed changes (3)"))
        self.assertIn(alert.correlation_id, dead.mapped("correlation_id"))
        opened = alert.action_open()
        self.assertEqual(self.env[opened["res_model"]].search(opened["domain"]), dead)
        dead[:2].action_discard("The pharmacy sells it no more")
        self.deliver()
        self.assertEqual(alert.state, "open")
        dead[2].action_redrive()
        self.deliver()
        self.assertEqual(alert.state, "resolved")
        self.assertEqual(len(self.notes("Failed changes")), 2, "began, and is over")
        self.assertFalse(self.notes("Change failed"), "nobody is notified twice")

    def test_dead_letters_without_a_cause_are_one_alert_of_their_own(self):
        self.only("dead_letter")
        caused = self.make_dead("A")
        nameless = self.env["sync.operation"].create(
            [
                {
                    "kind": "push",
                    "stream_id": self.backend.stream_ids[0].id,
                    "state": "dead",
                    "reason": "Not to be sent",
                    "done_at": fields.Datetime.now(),
                }
                for __ in range(2)
            ]
        )
        self.look()
        of_cause, other = self.alerts()
        if of_cause.res_model == "sync.operation":
            of_cause, other = other, of_cause
        self.assertEqual((of_cause.count, other.count), (len(caused), 2))
        self.assertIn("Not to be sent", other.title)
        opened = other.action_open()
        self.assertIn(opened["res_id"], nameless.ids)
        # By it a receiver knows the incident, also after an update.
        key = f"{other.rule_id.id}:{self.backend.id}:sync.operation,0"
        self.assertEqual(other.fingerprint, key)
        nameless[1].action_discard("Done by hand")
        self.look()
        self.assertEqual(other.state, "open")

    def test_what_was_written_of_it_says_what_is_so_now(self):
        self.only("dead_letter")
        self.rule("dead_letter").write(
            {"severity": "high", "user_id": self.operator.id}
        )
        dead = self.make_dead("A", "B", "C")
        self.deliver()
        alert = self.alerts()
        (note,) = self.notes("Failed changes (3)")
        dead |= self.make_dead("D")
        self.deliver()
        self.assertIn("Failed changes (4)", note.body)
        dead[:3].action_discard("The pharmacy sells it no more")
        self.look()
        self.assertTrue(alert.title.startswith("Failed changes (1)"))
        self.assertIn("Failed changes (1)", note.body)
        self.assertIn("Failed changes (1)", alert.activity_ids.summary)
        self.assertEqual(len(self.notes("Failed changes")), 1, "nothing was added")
        self.assertEqual(alert.count, 4, "as often as it happened")

    def test_it_began_no_later_than_it_was_last_seen(self):
        self.only()
        dead = self.make_dead(*"ABCDEF")
        first = fields.Datetime.now() - timedelta(minutes=3)
        dead[0].done_at = first
        for condition in ("dead_letter", "error_spike"):
            self.rule(condition).active = True
        self.look()
        alerts = self.alerts()
        self.assertEqual(
            set(alerts.mapped("condition")), {"dead_letter", "error_spike"}
        )
        of_dead = alerts.filtered(lambda alert: alert.condition == "dead_letter")
        self.assertEqual(of_dead.since, first)
        self.assertGreaterEqual(of_dead.opened_at, of_dead.last_at)
        for alert in alerts:
            self.assertLessEqual(alert.since, alert.last_at)

    def test_events_that_a_handler_fails_at(self):
        self.only("handler_failed")
        self.make_order()
        self.push()
        event = self.env["sync.event"].search([], limit=1)
        delivery = self.env["sync.event.delivery"].create(
            {
                "event_id": event.id,
                "backend_id": self.backend.id,
                "handler": "metrics",
                "state": "failed",
                "message": "no such table",
            }
        )
        self.look()
        alert = self.alerts()
        self.assertIn("handler metrics: no such table", alert.title)
        opened = alert.action_open()
        found = self.env[opened["res_model"]].search(opened["domain"])
        self.assertEqual(found, delivery)
        # One that is tried again by itself is reported as well.
        delivery.write({"state": "waiting", "attempts": 1})
        self.look()
        self.assertEqual(alert.state, "open")
        found = self.env[opened["res_model"]].search(alert.action_open()["domain"])
        self.assertEqual(found, delivery)
        delivery.action_retry()
        self.deliver()
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_low_health_score(self):
        self.only("health_score")
        order = self.make_order()
        self.push()
        breakers = self.backend.breaker_ids
        breakers.sudo().write({"state": "open"})
        self.app.refuse_records()
        order.origin = "PH-1"
        self.push()
        self.look()
        self.assertFalse(self.alerts(), "not that bad yet")
        with mute_logger(LOGGED, RECORDED):
            self.go_wrong(DataCorruptedError("broken"), times=30)
        self.app.fault("error", status=503)
        for __ in range(5):
            with suppress(HttpError):
                self.backend._client("test").health("x")
        self.look()
        alert = self.alerts()
        self.assertEqual((alert.condition, alert.severity), ("health_score", "high"))
        self.assertIn("below 50", alert.title)
        self.assertEqual(alert.action_open()["tag"], "pharmacy_sync.overview")
        breakers.sudo().write({"state": "closed"})
        self.env["sync.error"].search([]).action_resolve()
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_recovery_that_fails(self):
        self.only("recovery_failed")
        cron = self.env.ref("pharmacy_sync.cron_recover")
        cron.failure_count = 2
        self.look()
        alert = self.alerts()
        self.assertFalse(alert.backend_id)
        self.assertIn(cron.name, alert.title)
        with self.assertRaises(UserError):
            alert.action_open()
        cron.failure_count = 0
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_saga_that_could_not_be_taken_back(self):
        self.only("recovery_failed")
        saga = self.env["sync.saga"].create(
            {
                "backend_id": self.backend.id,
                "record": {"id": "po_9"},
                "state": "needs_attention",
                "error": "the reservation is gone",
            }
        )
        self.look()
        alert = self.alerts()
        self.assertEqual((alert.res_model, alert.res_id), (saga._name, saga.id))
        self.assertIn("the reservation is gone", alert.title)
        self.assertEqual(alert.correlation_id, saga.correlation_id)
        saga._settle("Called the pharmacy")
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_rule_that_is_switched_off(self):
        self.only("error_spike")
        self.go_wrong(times=6)
        self.look()
        alert = self.alerts()
        self.rule("error_spike").active = False
        self.look()
        self.assertEqual(alert.resolution, "Its rule was switched off.")
        self.go_wrong(times=6)
        self.look()
        self.assertFalse(self.alerts())

    def test_backends_own_rule_takes_the_place_of_the_one_for_all(self):
        self.only("error_spike")
        # From then on the rules are known.
        self.look()
        own = self.rule("error_spike").copy(
            {"backend_id": self.backend.id, "threshold": 8, "severity": "low"}
        )
        self.go_wrong(times=6)
        self.look()
        self.assertFalse(self.alerts())
        self.go_wrong(times=3)
        self.look()
        self.assertEqual((self.alerts().rule_id, self.alerts().severity), (own, "low"))
        self.alerts().unlink()
        own.unlink()
        self.look()
        self.assertEqual(self.alerts().rule_id, self.rule("error_spike"))

    def test_a_condition_that_fails_to_be_seen_hides_no_other(self):
        def _see_error_rate(model, rule, backend_ids):
            model.env.cr.execute("SELECT nothing FROM nowhere")

        self.patch(self.env.registry["sync.alert"], "_see_error_rate", _see_error_rate)
        self.go_wrong(times=6)
        with self.assertLogs(LOGGED, "CRITICAL"), mute_logger("odoo.sql_db"):
            self.look()
        self.assertIn("error_spike", self.alerts().mapped("condition"))
        error = self.env["sync.error"].search([("work", "=", HANDLING)])
        self.assertEqual(error.severity, "critical", "and is found in Odoo as well")

    def test_rule_that_fails_to_act_raises_its_alert_all_the_same(self):
        def _drop_connections(backend):
            backend.env.cr.execute("SELECT nothing FROM nowhere")

        self.only("error_spike")
        self.rule("error_spike").action = "drop_connections"
        backends = self.env.registry["sync.backend"]
        self.patch(backends, "_drop_connections", _drop_connections)
        self.go_wrong(times=6)
        with self.assertLogs(LOGGED, "CRITICAL") as logged, mute_logger("odoo.sql_db"):
            self.look()
        self.assertIn("a rule could not act", logged.output[0])
        self.assertTrue(self.alerts().sent_at)

    def test_a_process_remembers_only_so_many_urgent_failures(self):
        self.patch(watch, "CALLED_MOST", 2)
        with mute_logger(LOGGED, RECORDED):
            for letter in "abcdef":
                self.go_wrong(DataCorruptedError(f"Kind {letter}"))
        self.assertLessEqual(len(watch._called), 3)

    def test_monitoring_counts_what_belongs_to_no_backend(self):
        self.only("recovery_failed")
        run = self.env["sync.recovery.run"].create({"state": "left"})
        line = {"run_id": run.id, "step": "jobs", "state": "left", "found": 2}
        self.env["sync.recovery.line"].create(line)
        self.look()
        alert = self.alerts()
        self.assertFalse(alert.backend_id)
        text = self.env["sync.exposition"]._text()
        figures = [row for row in text.splitlines() if "alerts_open{" in row]
        (ours,) = [row for row in figures if row.endswith(" 1")]
        self.assertIn('backend=""', ours)
        self.assertIn(f'severity="{alert.severity}"', ours)

    def test_every_condition_has_a_rule_and_a_source(self):
        Rule, Alert = self.env["sync.alert.rule"], self.env["sync.alert"]
        offered = dict(Rule._fields["condition"].selection)
        self.assertEqual(set(offered), set(map(str, Condition)))
        for condition in offered:
            self.assertTrue(self.rule(condition))
            self.assertIn(Condition(condition), Alert._sources())


@tagged("post_install", "-at_install")
class TestAlertTold(AlertCase):
    """Who is notified, and that nobody is flooded."""

    def kinds(self, count, times=6):
        """Failures of that many kinds."""
        for number in range(count):
            self.go_wrong(HttpError(404, None, f"Kind {chr(97 + number)}"), times=times)

    def messages(self):
        """What was sent to who is logged in, since it was asked last."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        rows = self.env["bus.bus"].sudo().search([])
        found = [row.message for row in rows if "simple_notification" in row.message]
        rows.unlink()
        return found

    def test_followers_get_a_message(self):
        self.only("error_spike")
        self.messages()
        self.go_wrong(times=6)
        with self.assertNoLogs(LOGGED, "CRITICAL"):
            self.look()
        (message,) = self.messages()
        self.assertIn("The same error 6 times", message)
        self.look()
        self.assertFalse(self.messages(), "reported once")
        self.alerts().with_user(self.operator).action_resolve()
        (message,) = self.messages()
        self.assertIn("Resolved", message)
        self.assertIn(f"By {self.operator.name}.", message)

    def shown(self):
        """How messages look that were sent since it was asked last: their heading, in
        which colour, and whether they stay until they are closed."""
        return [
            (said["title"], said["type"], said["sticky"])
            for said in (json.loads(row)["payload"] for row in self.messages())
        ]

    def test_a_message_looks_as_bad_as_it_is(self):
        self.only("error_spike")
        rule = self.rule("error_spike")
        name = self.backend.name
        for severity, colour, stays in (
            ("medium", "warning", False),
            ("high", "danger", False),
            ("critical", "danger", True),
        ):
            rule.severity = severity
            self.messages()
            self.go_wrong(HttpError(404, None, f"It is {severity}"), times=6)
            with (
                self.subTest(severity),
                mute_logger("odoo.addons.pharmacy_sync.models.alert.notify"),
            ):
                self.look()
                self.assertEqual(self.shown(), [(name, colour, stays)])
                self.alerts().action_resolve()
                self.assertEqual(self.shown(), [(name, "success", False)])

    def test_a_message_about_no_backend_is_headed_by_the_addon(self):
        self.only("recovery_failed")
        self.rule("recovery_failed").user_id = self.operator
        self.messages()
        self.env.ref("pharmacy_sync.cron_recover").failure_count = 1
        self.look()
        self.assertEqual({title for title, *__ in self.shown()}, {"Pharmacy Sync"})

    def test_a_note_of_several_is_not_written_over_by_one_of_them(self):
        self.only("handler_failed")
        self.make_order()
        self.push()
        self.flood(LIMIT + 2)
        self.look()
        held = self.alerts(held="limited")
        self.pass_time(301)
        self.look()
        (summary,) = self.notes("more alerts (2, over: 0)")
        self.assertFalse(held.note_id)
        deliveries = self.env["sync.event.delivery"]
        failed = deliveries.search([("handler", "=", held[0].subject)])
        event = self.env["sync.event"].search([("id", "!=", failed.event_id.id)])[0]
        failed.copy({"event_id": event.id, "state": "failed"})
        self.look()
        self.assertEqual(held[0].count, 2)
        self.assertIn("more alerts (2, over: 0)", summary.body)

    def test_of_many_alerts_five_are_named(self):
        self.only("handler_failed")
        self.make_order()
        self.push()
        self.flood(7)
        self.look()
        alerts = self.alerts()
        first = "; ".join(alert.title.rstrip(".") for alert in alerts[:5])
        self.assertEqual(alerts[:5]._named(), first)
        self.assertEqual(alerts[:6]._named(), f"{first} and 1 more")
        self.assertEqual(alerts[:7]._named(), f"{first} and 2 more")

    def test_responsible_has_an_activity_for_what_is_severe(self):
        self.only("breaker_opened", "error_spike")
        self.rule("breaker_opened").user_id = self.operator
        self.rule("error_spike").user_id = self.operator
        self.go_wrong(times=6)
        self.look()
        self.assertFalse(self.alerts().activity_ids, "it is medium")
        self.alerts().action_resolve()
        breaker = self.backend._breaker("push")
        breaker._set_mode("forced_open", "maintenance")
        self.look()
        alert = self.alerts()
        self.assertEqual(alert.activity_ids.user_id, self.operator)
        breaker._set_mode("normal", "over")
        breaker.sudo().state = "closed"
        self.look()
        self.assertFalse(alert.activity_ids)
        said = " ".join(alert.message_ids.mapped("body"))
        self.assertIn(alert.resolution, said, "why the activity is done")

    def test_each_responsible_person_has_one_activity(self):
        self.only("error_spike")
        rule = self.rule("error_spike")
        rule.write({"severity": "high", "user_id": self.operator.id})
        self.kinds(1)
        self.look()
        first = self.alerts()
        self.pass_time(61)
        self.go_wrong(HttpError(404, None, "Another"), times=6)
        self.look()
        second = self.alerts() - first
        self.assertEqual((first + second).activity_ids.user_id, self.operator)
        # Both get worse; somebody else looks after one by now.
        second.user_id = self.user
        rule.severity = "critical"
        self.kinds(1, times=1)
        self.go_wrong(HttpError(404, None, "Another"))
        with mute_logger("odoo.addons.pharmacy_sync.models.alert.notify"):
            self.look()
        self.assertEqual((first + second).mapped("severity"), ["critical"] * 2)
        self.assertEqual(len(first.activity_ids), 1)
        self.assertEqual(second.activity_ids.user_id, self.operator + self.user)

    def test_whoever_looks_after_the_error_is_responsible(self):
        self.only("error_spike")
        group = self.go_wrong().group_id
        group.user_id = self.user
        self.rule("error_spike").user_id = self.operator
        self.go_wrong(times=6)
        self.look()
        self.assertEqual(self.alerts().user_id, self.user)

    def test_what_starts_together_is_reported_together(self):
        self.only("error_spike")
        self.kinds(3)
        self.look()
        alerts = self.alerts()
        leader = alerts.filtered("notified_at")
        self.assertEqual((len(alerts), len(leader)), (3, 1))
        self.assertEqual(leader.child_ids, alerts - leader)
        # All pages count one.
        counted = self.env["sync.overview"].data()["alerts"]["count"]
        listed = self.env["sync.alert"].search([("is_open", "=", True)])
        self.assertEqual((counted, listed), (1, leader))
        self.assertFalse((alerts - leader).filtered("is_open"))
        self.assertEqual(
            sum(self.env["sync.alert.rule"].search([]).mapped("open_count")), 1
        )
        self.assertEqual(self.rule("dead_letter").open_count, 0)
        self.assertTrue(leader.is_open)
        leader.state = "resolved"
        self.assertFalse(leader.is_open)
        self.assertEqual(alerts.filtered("is_open"), alerts - leader)
        leader.state = "open"
        self.assertEqual(set((alerts - leader).mapped("held")), {"correlated"})
        (note,) = self.notes("The same error")
        self.assertIn("With it", note.body)
        # What begins later is reported by itself.
        self.pass_time(61)
        self.go_wrong(HttpError(404, None, "Late"), times=6)
        self.look()
        self.assertTrue(self.alerts(subject="Late").notified_at)
        # Answered together, as well.
        leader.action_acknowledge()
        self.assertEqual(set(alerts.mapped("state")), {"acknowledged"})

    def test_part_of_an_alert_that_is_over_speaks_for_itself(self):
        self.only("error_spike")
        self.kinds(2)
        self.look()
        leader = self.alerts().filtered("notified_at")
        part = self.alerts() - leader
        self.env["sync.error.group"].browse(leader.res_id).action_resolve()
        self.look()
        self.assertEqual(leader.state, "resolved")
        self.assertTrue(part.notified_at)
        self.assertFalse(part.parent_id)

    def test_backend_that_is_down_speaks_for_its_errors(self):
        self.only("breaker_opened", "error_rate", "error_spike", "critical_error")
        breaker = self.backend._breaker("push")
        breaker._set_mode("forced_open", "maintenance")
        self.look()
        down = self.alerts()
        self.go_wrong(times=20)
        with mute_logger(LOGGED, RECORDED):
            self.go_wrong(DataCorruptedError("broken"))
        self.look()
        children = self.alerts(held="inhibited")
        self.assertEqual(
            set(children.mapped("condition")), {"error_rate", "error_spike"}
        )
        self.assertEqual(children.parent_id, down)
        self.assertFalse(children.filtered("notified_at"))
        self.assertTrue(self.alerts(condition="critical_error").notified_at)
        # Up again: what went wrong meanwhile is not brought up,
        breaker._set_mode("normal", "over")
        breaker.sudo().state = "closed"
        self.look()
        self.assertEqual(down.state, "resolved")
        self.assertFalse(children.filtered("notified_at"))
        # unless it goes on.
        self.pass_time(5)
        self.go_wrong(times=2)
        self.look()
        self.assertTrue(children.filtered("notified_at"))

    def test_what_follows_is_a_part_of_what_is_wrong_still(self):
        self.only("breaker_opened", "error_spike")
        self.backend._breaker("push")._set_mode("forced_open", "drill")
        self.look()
        first = self.alerts()
        self.pass_time(70)
        self.go_wrong(times=6)
        self.look()
        part = self.alerts(condition="error_spike")
        self.assertEqual((part.held, part.parent_id), ("inhibited", first))
        self.backend._breaker("push")._set_mode("disabled", "over")
        self.backend._breaker("pull")._set_mode("forced_open", "drill")
        self.look()
        second = self.alerts(condition="breaker_opened")
        self.assertEqual((first.state, second), ("resolved", second - first))
        self.assertEqual((part.held, part.parent_id), ("inhibited", second))
        self.assertFalse(part.is_open, "no page counts it beside the other one")

    def test_breaker_that_opens_while_all_is_looked_at_speaks_for_what_follows(self):
        self.only("breaker_opened", "health_score")
        Alert = self.env.registry["sync.alert"]
        see, breakers = Alert._see_health_score, self.backend.breaker_ids

        def opens_meanwhile(alerts, rule, backend_ids):
            breakers._set_mode("forced_open", "no answer")
            self.env.flush_all()
            return see(alerts, rule, backend_ids)

        self.patch(Alert, "_see_health_score", opens_meanwhile)
        self.rule("health_score").threshold = 100
        self.look()
        down = self.alerts(condition="breaker_opened").filtered("notified_at")
        self.assertEqual(len(down), 1)
        follows = self.alerts(condition="health_score")
        self.assertFalse(follows.notified_at)
        self.assertEqual(follows.parent_id.condition, "breaker_opened")

    def test_other_backend_is_not_inhibited(self):
        self.only("breaker_opened", "error_spike")
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        self.backend._breaker("push")._set_mode("forced_open", "maintenance")
        self.go_wrong(times=6, backend_id=other.id)
        self.look()
        self.assertTrue(self.alerts(backend_id=other.id).notified_at)

    def test_silence_ends(self):
        self.only("error_spike")
        rule = self.rule("error_spike")
        rule.with_user(self.operator).action_silence()
        self.go_wrong(times=6)
        self.look()
        alert = self.alerts()
        self.assertEqual((alert.held, alert.notified_at), ("silenced", False))
        self.assertFalse(self.notes("The same error"))
        rule.silenced_until = fields.Datetime.now() - timedelta(seconds=1)
        self.look()
        self.assertTrue(alert.notified_at)
        self.assertTrue(self.notes("The same error"))

    def test_what_could_not_be_notified_is_with_the_next_look(self):
        self.only("error_spike")
        self.go_wrong(times=6)
        Alert = self.env.registry["sync.alert"]
        notify = Alert._notify

        def failing(alert):
            raise ZeroDivisionError

        self.patch(Alert, "_notify", failing)
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.look()
        alert = self.alerts()
        self.assertEqual((alert.held, alert.sent_severity), ("failed", False))
        self.assertFalse(self.notes("The same error"))
        self.patch(Alert, "_notify", notify)
        self.look()
        self.assertTrue(self.notes("The same error"))

    def test_what_a_clock_that_was_ahead_notified_uses_up_no_limit(self):
        self.only("handler_failed")
        self.make_order()
        self.push()
        self.flood(LIMIT)
        self.look()
        self.alerts().write({"sent_at": fields.Datetime.now() + timedelta(days=3)})
        failed = self.env["sync.event.delivery"].search([("handler", "=", "handler 0")])
        failed.handler = "another"
        self.look()
        self.assertFalse(self.alerts(held="limited"))
        self.assertIn("another", self.alerts().mapped("subject"))

    def test_a_rule_notifies_ten_times_and_then_a_summary(self):
        self.only("handler_failed")
        self.make_order()
        self.push()
        self.flood(LIMIT + 5)
        self.look()
        self.assertEqual(len(self.alerts()), LIMIT + 5)
        self.assertEqual(len(self.notes("Events not delivered")), LIMIT)
        held = self.alerts(held="limited")
        self.assertEqual(len(held), 5)
        self.look()
        self.assertEqual(len(self.notes("Events not delivered")), LIMIT)
        # Two of them are over before there is room again.
        gone = held[:2].mapped("subject")
        self.env["sync.event.delivery"].search([("handler", "in", gone)]).unlink()
        self.look()
        self.pass_time(301)
        self.look()
        (summary,) = self.notes("more alerts (5, over: 2)")
        self.assertIn(held[4].subject, summary.body)
        self.assertEqual(set(held.mapped("in_summary")), {True})
        self.look()
        self.assertEqual(len(self.notes("more alerts")), 1)

    def test_critical_is_reported_however_many_there_are(self):
        self.only("handler_failed")
        self.rule("handler_failed").severity = "critical"
        self.make_order()
        self.push()
        self.flood(LIMIT + 5)
        with self.assertLogs(
            "odoo.addons.pharmacy_sync.models.alert.notify", "CRITICAL"
        ) as logged:
            self.look()
        self.assertEqual(len(self.alerts().filtered("notified_at")), LIMIT + 5)
        self.assertEqual(len(logged.output), LIMIT + 5)
        self.assertIn(self.alerts()[0].correlation_id, "".join(logged.output))

    def test_alert_that_cannot_be_reported_is_kept(self):
        def message_post(record, **kwargs):
            raise ValueError("no mail today")

        self.only("error_spike")
        self.patch(self.env.registry["sync.backend"], "message_post", message_post)
        self.go_wrong(times=6)
        with self.assertLogs(
            "odoo.addons.pharmacy_sync.models.alert.notify", "CRITICAL"
        ):
            self.look()
        self.assertEqual(len(self.alerts()), 1)


@tagged("post_install", "-at_install")
class TestAlertAnswered(AlertCase):
    """What people do with an alert, and who may."""

    def setUp(self):
        super().setUp()
        self.only("error_spike")
        self.group = self.go_wrong(times=6).group_id
        self.look()
        self.alert = self.alerts()

    def audited(self, event_type):
        self.deliver()
        return self.env["sync.audit"].search([("type", "=", event_type)])

    def test_acknowledged_by_whom_and_when(self):
        self.alert.with_user(self.operator).action_acknowledge()
        self.assertEqual(self.alert.state, "acknowledged")
        self.assertEqual(self.alert.acknowledged_by_id, self.operator)
        self.assertEqual(self.alert.user_id, self.operator)
        self.assertTrue(self.alert.acknowledged_at)
        trace = self.audited("alert_acknowledged")
        self.assertEqual((trace.user_id, trace.res_id), (self.operator, self.alert.id))
        self.assertEqual(trace.correlation_id, self.alert.correlation_id)
        self.assertIn("The same error", trace.summary)
        # More of the same changes nothing about that.
        self.go_wrong()
        self.look()
        self.assertEqual((self.alert.state, self.alert.count), ("acknowledged", 7))

    def test_what_a_person_does_about_it_is_said_of_its_activity(self):
        self.alert.activity_schedule("mail.mail_activity_data_todo")
        self.alert.with_user(self.operator).action_resolve()
        self.assertFalse(self.alert.activity_ids)
        self.assertIn("Resolved", " ".join(self.alert.message_ids.mapped("body")))

    def test_alert_of_nobody_can_be_answered(self):
        """It leaves nothing in the audit trace, which is each company's own."""
        events = self.env["sync.event"].search_count([])
        other = self.alert.copy(
            {"fingerprint": "none", "backend_id": False, "company_id": False}
        )
        other.with_user(self.operator).sudo().action_acknowledge()
        self.assertEqual(other.state, "acknowledged")
        self.assertEqual(self.env["sync.event"].search_count([]), events)

    def test_rule_that_is_gone_cannot_be_muted(self):
        self.rule("error_spike").unlink()
        with self.assertRaisesRegex(UserError, "was removed"):
            self.alert.with_user(self.operator).action_silence()

    def test_what_it_was_about_may_be_gone(self):
        self.group.error_ids.unlink()
        self.group.unlink()
        with self.assertRaisesRegex(UserError, "does not exist any more"):
            self.alert.action_open()

    def test_resolved_by_hand_stays_so_until_it_happens_again(self):
        self.alert.with_user(self.operator).action_resolve()
        self.assertEqual(self.alert.resolved_by_id, self.operator)
        self.assertEqual(self.audited("alert_resolved").user_id, self.operator)
        self.look()
        self.assertFalse(self.alerts(), "what led to it is dealt with")
        self.pass_time(2)
        self.go_wrong()
        self.look()
        again = self.alerts()
        self.assertEqual(len(again), 1)
        self.assertNotEqual(again, self.alert)

    def test_silenced_from_the_alert(self):
        self.alert.with_user(self.operator).action_silence()
        rule = self.rule("error_spike")
        self.assertTrue(rule.silenced)
        self.assertAlmostEqual(
            rule.silenced_until,
            fields.Datetime.now() + timedelta(hours=1),
            delta=timedelta(seconds=30),
        )
        self.assertEqual(self.audited("alert_silenced").user_id, self.operator)
        rule.with_user(self.operator).action_end_silence()
        self.assertFalse(rule.silenced)

    def test_users_see_and_operators_answer(self):
        mine = self.alert.with_user(self.user)
        self.assertIn("The same error", mine.title)
        self.assertTrue(mine.advice)
        for action in ("action_acknowledge", "action_resolve", "action_silence"):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(mine, action)()
        with self.assertRaises(AccessError):
            self.alert.with_user(self.operator).write({"state": "resolved"})
        self.alert.with_user(self.operator).write(
            {"resolution": "Called them", "user_id": self.operator.id}
        )
        rule = self.rule("error_spike")
        with self.assertRaises(AccessError):
            rule.with_user(self.user).action_end_silence()
        with self.assertRaises(AccessError):
            rule.with_user(self.operator).threshold = 1
        with self.assertRaises(AccessError):
            rule.with_user(self.user).action_silence()
        manager = new_test_user(
            self.env, "alert_manager", "pharmacy_sync.group_manager"
        )
        rule.with_user(manager).threshold = 7
        self.assertEqual(rule.threshold, 7)

    def test_other_company_sees_none(self):
        company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "alert_stranger",
            "pharmacy_sync.group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        own = self.rule("error_spike").copy({"backend_id": self.backend.id})
        Alert, Rule = self.env["sync.alert"], self.env["sync.alert.rule"]
        self.assertNotIn(self.alert, Alert.with_user(stranger).search([]))
        rules = Rule.with_user(stranger).search([])
        self.assertIn(self.rule("error_spike"), rules)
        self.assertNotIn(own, rules)
        for action in ("action_view_alerts", "action_silence", "action_end_silence"):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(own.with_user(stranger), action)()

    def test_overview_has_the_latest(self):
        def shown(backend_ids=None):
            overview = self.env["sync.overview"].with_user(self.user)
            return overview.data(backend_ids)["alerts"]

        (reported,) = shown()["latest"]
        self.assertEqual((reported["id"], reported["count"]), (self.alert.id, 6))
        self.assertEqual(reported["title"], self.alert.title)
        self.assertEqual(reported["backend"], self.backend.name)
        self.assertEqual(reported["acknowledged_by"], "")
        self.alert.with_user(self.operator).action_acknowledge()
        (reported,) = shown()["latest"]
        self.assertEqual(reported["acknowledged_by"], self.operator.name)
        self.assertEqual(shown(self.backend.ids)["count"], 1)
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        self.assertEqual(shown(other.ids)["count"], 0)
        # The worst first, whatever came last.
        self.alert.copy({"fingerprint": "worse", "severity": "critical"})
        self.alert.copy({"fingerprint": "later"})
        degrees = [alert["severity"] for alert in shown()["latest"]]
        self.assertEqual(degrees, ["critical", "medium", "medium"])
        (self.alerts() - self.alert).action_resolve()
        self.alert.action_resolve()
        self.assertEqual(shown()["latest"], [])

    def test_resolved_alerts_go_and_open_ones_stay(self):
        retention = self.env["sync.retention"]
        self.pass_time(31 * 86400)
        retention._gc_expired()
        self.assertTrue(self.alert.exists())
        self.alert.action_resolve()
        retention._gc_expired()
        self.assertTrue(self.alert.exists())
        self.pass_time(31 * 86400)
        retention._gc_expired()
        self.assertFalse(self.alert.exists())


@tagged("post_install", "-at_install")
class TestAlertConcurrency(ConcurrencyCase):
    """Real transactions: who looks at the same time opens one alert, once."""

    OPERATION = "alert concurrency"

    def setUp(self):
        super().setUp()
        self.clean()
        self.addCleanup(self.clean)

    def clean(self):
        with self.registry.cursor() as cr:
            cr.execute("DELETE FROM sync_alert WHERE backend_id IS NULL")
            cr.execute(
                "DELETE FROM sync_error WHERE context->>'operation' = %s",
                [self.OPERATION],
            )
            cr.execute(
                "DELETE FROM sync_error_group WHERE message = %s", [self.OPERATION]
            )

    def in_cursor(self, function):
        with self.registry.cursor() as cr:
            return function(api.Environment(cr, SUPERUSER_ID, {}))

    def go_wrong(self, env):
        for __ in range(11):
            env["sync.error"]._record(
                HttpError(404, None, self.OPERATION), operation=self.OPERATION
            )

    def look(self):
        self.in_cursor(lambda env: env["sync.alert"]._cron_watch())

    def found(self):
        """(errors counted, times sent, rows) of the alerts of each condition."""
        with self.registry.cursor() as cr:
            cr.execute(
                """SELECT condition, sum(count), coalesce(sum(sent_times), 0), count(*)
                     FROM sync_alert WHERE backend_id IS NULL GROUP BY condition"""
            )
            return {
                condition: tuple(map(int, rest)) for condition, *rest in cr.fetchall()
            }

    def look_together(self, workers=6):
        threads = [threading.Thread(target=self.look) for __ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_one_alert_reported_once_and_nothing_replayed(self):
        self.in_cursor(self.go_wrong)
        with (
            self.assertNoLogs("odoo.service.model", logging.INFO),
            self.assertNoLogs("odoo.addons.pharmacy_sync", logging.CRITICAL),
        ):
            self.look_together()
        # More than ten in a minute they are as well, which is reported with it.
        self.assertEqual(
            self.found(), {"error_spike": (11, 0, 1), "error_rate": (11, 1, 1)}
        )
        self.in_cursor(self.go_wrong)
        with self.assertNoLogs("odoo.service.model", logging.INFO):
            self.look_together()
        # Four times as many of one kind are worse, which is reported, once as well.
        self.assertEqual(
            self.found(), {"error_spike": (22, 1, 1), "error_rate": (22, 1, 1)}
        )

    def test_insertion_that_races_is_counted_in_the_one_that_is_there(self):
        """Even if who looks did not wait for the one before."""
        self.in_cursor(self.go_wrong)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            Alert = env["sync.alert"]
            rule = next(
                rule
                for rule in env["sync.alert.rule"]._rules()
                if rule.condition is Condition.ERROR_SPIKE
            )
            seen = {
                sighting.fingerprint(rule): (rule, sighting)
                for sighting in Alert._see_error_spike(rule, [None])
                if sighting.subject == self.OPERATION
            }
            Alert._open(seen)
            Alert._open(seen)
        self.assertEqual(self.found(), {"error_spike": (22, 0, 1)})

    def test_failure_to_look_breaks_nothing(self):
        with (
            self.registry.cursor() as holder,
            self.assertLogs("odoo.addons.pharmacy_sync", logging.WARNING),
        ):
            holder.execute("SELECT pg_advisory_xact_lock(%s)", [ALERTS])
            self.look()
