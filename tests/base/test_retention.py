from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ...models.base import sync_retention
from ...models.event import sync_event
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestRetention(SyncCase):
    """Old rows go, and nothing that somebody may still need."""

    def setUp(self):
        super().setUp()
        self.retention = self.env["sync.retention"]
        self.order = self.make_order()
        self.push()

    def age(self, records, days, *columns):
        self.env.flush_all()
        moment = fields.Datetime.now() - timedelta(days=days)
        for column in columns:
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s = %s WHERE id IN %s",
                    SQL.identifier(records._table),
                    SQL.identifier(column),
                    moment,
                    tuple(records.ids),
                )
            )
        self.env.invalidate_all()

    def fail_twice(self):
        """Two failures of one order, made up for; one of another, that is not."""
        self.app.fault("error", status=503, count=2)
        self.order.origin = "PH-1"
        for __ in range(3):
            self.push()
            self.make_due()
        bad = self.make_order(quantity=-1.0)
        self.push()
        done = self.operations(mapping_id=self.mapping(self.order).id)[0]
        dead = self.operations(mapping_id=self.mapping(bad).id)
        return done, dead

    def test_done_goes_and_dead_stays(self):
        done, dead = self.fail_twice()
        self.age(done | dead, 8, "done_at", "create_date", "write_date")
        link = self.mapping(self.order)
        self.assertIn(done, link.operation_ids)
        self.retention._gc_expired()
        self.assertNotIn(done, link.operation_ids)
        self.assertFalse(done.exists())
        self.assertTrue(dead.exists())

    def test_answers_to_the_app_are_kept_as_long_as_it_was_promised(self):
        self.env["ir.config_parameter"].set_param("pharmacy_sync.keep_log", "1")
        requests = self.env["sync.request"].create(
            [
                {"backend_id": self.backend.id, "key": key, "request_hash": "x"}
                for key in ("young", "old")
            ]
        )
        young, old = requests
        self.age(young, 6, "create_date")
        self.age(old, 8, "create_date")
        self.retention._gc_expired()
        self.assertEqual(requests.exists(), young)

    def test_a_table_that_cannot_be_cleaned_up_lets_no_other_grow(self):
        expired = (("no_such_table", "log", "at < %s"), *self.retention._expired())
        Retention = self.env.registry["sync.retention"]
        self.patch(Retention, "_expired", lambda retention: expired)
        calls = self.env["sync.call"].search([])
        self.age(calls, 8, "create_date")
        with (
            mute_logger("odoo.sql_db"),
            self.assertLogs("odoo.addons.pharmacy_sync", "CRITICAL") as logged,
        ):
            self.retention._gc_expired()
        self.assertFalse(calls.exists())
        self.assertIn("no_such_table", logged.output[0])

    def test_what_was_made_up_for_is_resolved(self):
        done, dead = self.fail_twice()
        self.assertEqual(done.error_ids.mapped("resolved"), [True, True])
        self.assertIn("attempt 3", done.error_ids[0].resolution)
        self.assertFalse(dead.error_ids.resolved)

    def test_unresolved_error_is_never_removed(self):
        done, dead = self.fail_twice()
        errors = done.error_ids | dead.error_ids
        groups = errors.group_id
        self.age(errors, 31, "occurred_at")
        self.age(groups, 31, "last_seen")
        self.retention._gc_expired()
        self.assertEqual(errors.exists(), dead.error_ids)
        self.assertEqual(groups.exists(), dead.error_ids.group_id)

    def test_incident_that_is_over_goes_after_a_year(self):
        Incident = self.env["sync.error.incident"]
        over, recent, lasting = Incident.create([{"opened_at": "2020-01-01"}] * 3)
        self.age(over, 366, "ended_at")
        self.age(recent, 364, "ended_at")
        self.retention._gc_expired()
        self.assertEqual((over | recent | lasting).exists(), recent | lasting)

    def test_muted_group_is_remembered(self):
        done, __ = self.fail_twice()
        groups = done.error_ids.group_id
        groups.muted_until = fields.Datetime.now() + timedelta(days=1)
        self.age(done.error_ids, 31, "occurred_at")
        self.age(groups, 31, "last_seen")
        self.retention._gc_expired()
        self.assertTrue(groups.exists())

    def test_log_and_history_go(self):
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        self.backend._breaker("push")._set_mode("disabled", "test")
        history = self.backend.breaker_ids.transition_ids
        self.assertTrue(calls and history)
        self.age(calls, 8, "create_date")
        self.age(history, 366, "at")
        self.retention._gc_expired()
        self.assertFalse(calls.exists())
        self.assertFalse(history.exists())

    def test_traces_and_figures_go_after_a_year(self):
        own = [("backend_id", "=", self.backend.id)]
        traces = self.env["sync.audit"].search(own)
        figures = self.env["sync.event.metric"].search(own)
        self.assertTrue(len(traces) > 1 and len(figures) > 1)
        self.age(traces[0], 366, "at")
        self.age(traces[1:], 364, "at")
        self.age(figures[0], 366, "hour")
        self.retention._gc_expired()
        self.assertEqual(traces.exists(), traces[1:])
        self.assertEqual(figures.exists(), figures[1:])

    def test_delivered_events_go_in_batches(self):
        events = self.env["sync.event"].search([("backend_id", "=", self.backend.id)])
        waiting = events[-1]
        self.age(events, 8, "write_date")
        self.env.cr.execute(
            "UPDATE sync_event SET state = 'pending' WHERE id = %s", [waiting.id]
        )
        self.patch(sync_event, "BATCH", 2)
        counts = [len(events)]
        more = True
        while more:
            __, more = self.env["sync.event"]._gc_events()
            counts.append(len(events.exists()))
        self.assertEqual(events.exists(), waiting)
        self.assertEqual(counts[1], counts[0] - 2)

    def test_what_nobody_chose_is_kept_as_documented(self):
        days = {kind: self.retention._days(kind) for kind in sync_retention.DAYS}
        expected = {
            **dict.fromkeys(("log", "answers", "operations"), 7),
            **dict.fromkeys(("errors", "versions"), 30),
            **dict.fromkeys(("history", "audit", "figures"), 365),
        }
        self.assertEqual(days, expected)

    def test_days_are_chosen_in_the_settings(self):
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        self.age(calls, 3, "create_date")
        self.retention._gc_expired()
        self.assertTrue(calls.exists())
        settings = self.env["res.config.settings"].create({"pharmacy_sync_keep_log": 2})
        settings.execute()
        self.retention._gc_expired()
        self.assertFalse(calls.exists())

    def test_what_is_of_today_is_kept_whatever_was_chosen(self):
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        self.age(calls, 0.5, "create_date")
        self.env["ir.config_parameter"].set_param("pharmacy_sync.keep_log", "0")
        self.retention._gc_expired()
        self.assertTrue(calls.exists())

    def test_it_goes_on_until_all_is_gone(self):
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        self.age(calls, 8, "create_date")
        self.patch(sync_retention, "BATCH", 1)
        rounds = 0
        while self.retention._gc_expired()[1]:
            rounds += 1
        self.assertFalse(calls.exists())
        self.assertGreaterEqual(rounds, len(calls))
