from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..common import SyncCase

KEYS = ["hour", "kind", "operation", "result", "type", "category", "severity"]
HOUR = timedelta(hours=1)


@tagged("post_install", "-at_install")
class TestMetric(SyncCase):
    """What is counted by the hour is what happened, whoever counted it and when."""

    def setUp(self):
        super().setUp()
        # The figures of other backends of this database are not looked at.
        self.env.cr.execute("DELETE FROM sync_metric")
        self.order = self.make_order()
        self.push()
        self.app.fault("error", status=503, count=1)
        self.order.origin = "PH-1"
        self.push()
        self.make_due()
        self.push()
        self.now = fields.Datetime.now()
        self.start = self.hour(self.now) - 5 * HOUR

    def hour(self, moment):
        return moment.replace(minute=0, second=0, microsecond=0)

    def move(self, hours):
        """Have all that happened so far have happened ``hours`` earlier."""
        self.env.flush_all()
        for table, columns in (
            ("sync_call", ["create_date"]),
            ("sync_error", ["occurred_at"]),
            ("sync_operation", ["done_at", "requested_at"]),
        ):
            for column in columns:
                self.env.cr.execute(
                    f"UPDATE {table} SET {column} = {column} - interval '1 hour' * %s"
                    " WHERE backend_id = %s",
                    [hours, self.backend.id],
                )
        self.env.invalidate_all()

    def totals(self, groupby=tuple(KEYS)):
        self.env.flush_all()
        rows = self.env["sync.metric"]._totals(
            self.backend.ids, self.start, list(groupby)
        )
        return {
            tuple(row[key] for key in groupby): (row["count"], row["retried"])
            for row in rows
        }

    def roll_up(self, later=timedelta()):
        with freeze_time(self.now + later):
            self.env["sync.metric"]._cron_roll_up()

    def rolled(self):
        self.env.flush_all()
        return self.env["sync.metric"].search([("backend_id", "=", self.backend.id)])

    def test_calls_errors_and_operations_are_counted(self):
        found = self.totals(["kind", "operation", "result", "type"])
        self.assertEqual(found["call", "push", "failure", None], (1, 0))
        self.assertEqual(found["error", "push", None, "service_unavailable"], (1, 0))
        # Supplier, three products, the order; and the order again, which had failed.
        self.assertEqual(found["operation", "push", "done", None], (6, 1))
        sent_again = self.env["sync.call"].search_count(
            [("backend_id", "=", self.backend.id), ("retry", "=", True)]
        )
        self.assertEqual(found["call", "push", "success", None][1], sent_again)

    def test_rolling_up_changes_no_figure(self):
        self.move(3)
        counted = self.totals()
        self.assertTrue(counted)
        self.roll_up()
        self.assertTrue(self.rolled())
        self.assertEqual(self.totals(), counted)

    def test_figures_are_reported_in_words(self):
        self.move(3)
        self.roll_up()
        described = self.env["sync.metric"].fields_get(KEYS[1:])
        for name, field in described.items():
            reported = set(self.rolled().mapped(name)) - {False}
            self.assertTrue(reported, name)
            self.assertFalse(reported - dict(field["selection"]).keys(), name)

    def test_current_hour_is_counted_when_asked(self):
        self.move(3)
        self.roll_up()
        self.order.origin = "PH-2"
        self.push()
        found = self.totals(["kind", "result"])
        self.assertEqual(found["operation", "done"], (7, 1))
        self.assertNotIn(self.hour(fields.Datetime.now()), self.rolled().mapped("hour"))

    def test_rolled_up_hours_are_not_read_again(self):
        self.move(3)
        self.roll_up()
        counted = self.totals()
        self.env["sync.call"].search([("backend_id", "=", self.backend.id)]).unlink()
        self.env["sync.operation"].search(
            [("backend_id", "=", self.backend.id)]
        ).unlink()
        self.assertEqual(self.totals(), counted, "what was purged stays counted")

    def test_what_was_committed_late_is_counted_with_the_next_hour(self):
        self.move(3)
        self.roll_up(later=-HOUR)
        self.order.origin = "PH-2"
        self.push()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_operation SET done_at = %s WHERE done_at >= %s"
            " AND backend_id = %s",
            [self.now - 3 * HOUR, self.hour(self.now), self.backend.id],
        )
        self.env.invalidate_all()
        self.roll_up()
        found = self.totals(["kind", "result"])
        self.assertEqual(found["operation", "done"], (7, 1))

    def test_twice_is_once(self):
        self.move(3)
        self.roll_up()
        counted = self.totals()
        self.roll_up(later=HOUR)
        self.roll_up(later=HOUR)
        self.assertEqual(self.totals(), counted)

    def test_dead_letter_counts_in_the_hour_in_which_it_died(self):
        self.app.refuse_records()
        self.order.origin = "PH-2"
        self.push()
        self.assertEqual(self.operations(state="dead").mapped("kind"), ["push"])
        self.assertEqual(self.totals(["kind", "result"])["operation", "dead"], (1, 1))

    def test_hours_of_a_clock_that_was_ahead_keep_none_from_being_counted(self):
        self.move(3)
        self.roll_up()
        counted = len(self.rolled())
        self.env.cr.execute("UPDATE sync_metric SET hour = hour + interval '3 days'")
        self.env.invalidate_all()
        self.roll_up()
        self.assertEqual(len(self.rolled()), counted)
        self.assertLess(max(self.rolled().mapped("hour")), self.now)

    def test_a_year_is_kept(self):
        self.move(3)
        self.roll_up()
        old = self.rolled()[0]
        self.env.cr.execute(
            "UPDATE sync_metric SET hour = %s WHERE id = %s",
            [self.now - timedelta(days=366), old.id],
        )
        before = len(self.rolled())
        self.env["sync.retention"]._gc_expired()
        self.assertEqual(len(self.rolled()), before - 1)
        self.assertFalse(old.exists())

    def test_figures_of_another_company_are_not_seen(self):
        self.move(3)
        self.roll_up()
        other = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "metric_user",
            "pharmacy_sync.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        Metric = self.env["sync.metric"].with_user(user)
        own = [("backend_id", "=", self.backend.id)]
        self.assertFalse(Metric.search(own))
        user.company_ids += self.env.company
        self.assertTrue(
            Metric.with_context(allowed_company_ids=self.env.company.ids).search(own)
        )
