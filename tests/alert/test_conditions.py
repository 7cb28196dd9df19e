from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...core.exceptions import HttpError
from .test_alert import LOGGED, RECORDED, AlertCase


@tagged("post_install", "-at_install")
class TestConditions(AlertCase):
    """What stands still, and what was given up, is made to happen and mended."""

    def setUp(self):
        super().setUp()
        self.make_order()
        self.push()
        self.deliver()

    def seen(self, condition):
        self.only(condition)
        self.look()
        return self.alerts(condition=condition)

    def over(self, condition, alert):
        self.look()
        self.assertEqual(
            (alert.state, self.alerts(condition=condition)),
            ("resolved", alert.browse()),
        )

    def make_older(self, table, column, **ago):
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE {table} SET {column} = {column} - %s", [timedelta(**ago)]
        )
        self.env.invalidate_all()

    def test_queue_that_stands_still(self):
        self.backend.stream_ids.active = True
        operation = self.env["sync.operation"].create(
            {"kind": "push", "stream_id": self.backend.stream_ids[0].id}
        )
        self.assertFalse(self.seen("old_queue"))
        self.make_older("sync_operation", "requested_at", minutes=20)
        alert = self.seen("old_queue")
        self.assertEqual(alert.backend_id, self.backend)
        self.assertIn(f"20 min: {self.backend.name}", alert.title)
        operation.state = "done"
        self.over("old_queue", alert)

    def test_queue_of_a_paused_backend_is_meant_to_stand_still(self):
        self.env["sync.operation"].create(
            {"kind": "push", "stream_id": self.backend.stream_ids[0].id}
        )
        self.make_older("sync_operation", "requested_at", minutes=20)
        self.backend.paused = True
        self.assertFalse(self.seen("old_queue"))

    def test_events_that_nobody_delivers(self):
        self.make_order()
        self.env.cr.flush()
        self.make_older("sync_event", "create_date", minutes=20)
        alert = self.seen("events_held")
        self.assertEqual(alert.backend_id, self.backend)
        self.deliver()
        self.over("events_held", alert)

    def test_events_of_a_company_that_nobody_delivers(self):
        """Those of other addons that belong to no pharmacy."""
        self.env["sync.event"].search([]).state = "done"
        company = self.env["res.company"].create({"name": "Other Clinic"})
        self.env["sync.event"]._emit(
            [
                {
                    "type": "alert_silenced",
                    "company_id": company.id,
                    "res_model": "res.company",
                    "res_id": company.id,
                }
            ]
        )
        self.make_older("sync_event", "create_date", minutes=20)
        alert = self.seen("events_held")
        self.assertEqual((alert.backend_id.id, alert.company_id), (False, company))
        self.assertIn("20 min: Other Clinic", alert.title)

    def test_feed_that_a_transaction_holds_back(self):
        streams = self.env.registry["sync.stream"]
        held = {"held_back": 3, "waiting_seconds": 1200.0}
        self.patch(streams, "_held_back", lambda stream, fence: dict(held))
        alert = self.seen("feed_held")[:1]
        self.assertIn("20 min", alert.title)
        held.update(held_back=0, waiting_seconds=0.0)
        self.look()
        self.assertEqual(alert.state, "resolved")

    def test_conflict_that_nobody_decides(self):
        order = self.make_order()
        self.push()
        link = self.mapping(order)
        self.app.edit("purchase-orders", link.external_id, notes="theirs")
        order.note = "ours"
        self.pull()
        conflict = self.env["sync.conflict"].search([("mapping_id", "=", link.id)])
        self.assertFalse(self.seen("conflicts_wait"))
        self.make_older("sync_conflict", "create_date", hours=4, minutes=55)
        self.assertFalse(self.seen("conflicts_wait"))
        self.make_older("sync_conflict", "create_date", hours=95, minutes=6)
        alert = self.seen("conflicts_wait")
        self.assertIn("Conflicts (1) have waited for 100 h", alert.title)
        conflict.action_keep_odoo()
        self.over("conflicts_wait", alert)

    def test_long_work_that_failed_until_it_succeeds(self):
        stream = self.backend.stream_ids[0]
        for model, values in (
            ("sync.reconciliation", {"stream_id": stream.id}),
            ("sync.initial", {"backend_id": self.backend.id}),
        ):
            with self.subTest(model):
                Work = self.env[model]
                Work.create(values)._end_work("failed", "disk full")
                alert = self.seen("work_failed")
                self.assertIn("disk full", alert.title)
                Work.create(values)._end_work("done")
                self.over("work_failed", alert)

    def test_job_that_failed(self):
        job = self.backend._as_runner().with_delay()._job_push()
        record = job.db_record()
        record.write({"state": "failed", "exc_name": "KeyError"})
        alert = self.seen("job_failed")
        self.assertIn("_job_push", alert.title)
        self.assertIn("KeyError", alert.title)
        record.state = "done"
        self.over("job_failed", alert)

    def test_channel_that_nothing_gets_through_to(self):
        channel = self.env["sync.alert.channel"].create(
            {"name": "Night", "kind": "slack", "company_id": self.backend.company_id.id}
        )
        channel.failures = 2
        self.assertFalse(self.seen("channel_failed"))
        channel.failures = 3
        alert = self.seen("channel_failed")
        self.assertIn("Night", alert.title)
        channel._did_arrive()
        self.over("channel_failed", alert)

    def test_a_channel_of_one_pharmacy_fails_for_that_one(self):
        neighbour = self.env["sync.backend"].create(
            {"name": "Zeta", "url": "http://127.0.0.1:9"}
        )
        for backend in self.backend | neighbour:
            self.env["sync.alert.channel"].create(
                {
                    "name": f"Of {backend.name}",
                    "kind": "slack",
                    "company_id": backend.company_id.id,
                    "backend_id": backend.id,
                }
            ).failures = 3
        alerts = self.seen("channel_failed")
        self.assertEqual(
            {alert.subject: alert.backend_id for alert in alerts},
            {f"Of {b.name}": b for b in self.backend | neighbour},
        )

    def test_refused_webhooks_and_a_wrong_clock(self):
        Refusal = self.env["sync.webhook.refusal"]
        with mute_logger(RECORDED):
            for reason in ("mismatch", "stale"):
                for __ in range(6):
                    Refusal._refuse(self.backend, reason)
        self.assertIn("6", self.seen("webhooks_refused").title)
        for rule in (
            self.env["sync.alert.rule"].with_context(active_test=False).search([])
        ):
            rule.active = True
        alert = self.seen("clock_wrong")
        self.assertIn("clock", alert.title)
        self.make_older("sync_webhook_refusal", "last_at", hours=2)
        self.over("clock_wrong", alert)

    def test_refused_webhooks_are_counted_together_and_the_latest_is_the_cause(self):
        now = fields.Datetime.now()
        for seconds, reason in ((60, "mismatch"), (40, "malformed"), (20, "stale")):
            with freeze_time(now - timedelta(seconds=seconds)):
                self.env["sync.webhook.refusal"]._refuse(self.backend, reason)
        see = self.env["sync.alert"]._see_webhooks_refused
        (sighting,) = see(None, [False, self.backend.id])
        self.assertEqual((sighting.figure, sighting.count), (2, 2))
        self.assertEqual(sighting.cause, "Not signed, or malformed")
        self.assertEqual(sighting.at, now - timedelta(seconds=40))
        self.assertEqual(see(None, [False]), [])

    def test_several_refused_webhooks_of_a_backend_are_one_error(self):
        Refusal, Error = self.env["sync.webhook.refusal"], self.env["sync.error"]
        before = Error.search_count([])
        with mute_logger(RECORDED):
            for __ in range(6):
                Refusal._refuse(self.env["sync.backend"], "mismatch")
                self.assertEqual(Error.search_count([]), before, "of nobody's app")
            for number in range(1, 7):
                Refusal._refuse(self.backend, "mismatch")
                self.assertEqual(Error.search_count([]) - before, int(number >= 5))

    def test_merges_are_no_errors(self):
        self.only("error_spike", "error_rate")
        self.go_wrong(HttpError(412, "version_conflict", "stale"), times=30)
        self.look()
        self.assertFalse(self.alerts())

    def test_failure_that_could_not_be_recorded(self):
        Error = self.env.registry["sync.error"]

        def _record_apart(*args):
            raise ValueError("the handling is broken")

        with mute_logger(RECORDED, LOGGED):
            self.patch(Error, "_record_apart", _record_apart)
            self.env["sync.error"]._record(
                ValueError("first"), correlation_id="c1", backend_id=self.backend.id
            )
            alert = self.seen("handling_failed")
        self.assertEqual((alert.severity, alert.correlation_id), ("critical", "c1"))

    def test_lookup_that_nothing_serves(self):
        self.move_app("http://127.0.0.1:9")
        self.backend._lookup_each("supplier", ["sup_9"], "c" * 32)
        alert = self.seen("fallback_failed")
        self.assertEqual(alert.correlation_id, "c" * 32)
