from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ..common import SyncCase

HOUR = timedelta(hours=1)


@tagged("post_install", "-at_install")
class TestMaintenance(SyncCase):
    """Work on an app is planned: its backend rests for that time, and for no other."""

    def setUp(self):
        super().setUp()
        self.now = fields.Datetime.now()
        self.cron = self.env.ref("pharmacy_sync.cron_maintenance")

    def plan(self, start, end, backend=None):
        values = {"backend_id": (backend or self.backend).id, "reason": "New server"}
        return self.env["sync.maintenance"].create(
            {**values, "start": self.now + start, "end": self.now + end}
        )

    def follow(self, at=None):
        with freeze_time(at or self.now):
            self.env["sync.maintenance"]._cron_follow()

    def jobs(self):
        """Methods of the jobs that wait for the backend."""
        return set(
            self.env["queue.job"]
            .search([("identity_key", "like", f"% {self.backend.id} %")])
            .mapped("method_name")
        )

    def calls_at(self):
        """When the scheduled action is called besides."""
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        return set(triggers.mapped("call_at"))

    def test_it_begins_and_ends_to_the_second(self):
        window = self.plan(HOUR, 2 * HOUR)
        for passed, state in (
            (HOUR - timedelta(seconds=1), "planned"),
            (HOUR, "running"),
            (2 * HOUR - timedelta(seconds=1), "running"),
            (2 * HOUR, "over"),
        ):
            self.follow(self.now + passed)
            self.assertEqual(window.state, state)
            self.assertEqual(self.backend.maintained, state == "running")

    def test_one_that_was_missed_does_not_begin_any_more(self):
        window = self.plan(-2 * HOUR, -HOUR)
        self.follow()
        self.assertEqual(window.state, "over")
        self.assertFalse(self.backend.maintained)

    def test_both_roads_go_on_after_it_and_not_before(self):
        window = self.plan(-HOUR, HOUR)
        self.follow()
        self.assertFalse(self.jobs())
        self.follow(window.end)
        self.assertEqual(self.jobs(), {"_job_push", "_job_pull"})

    def test_it_is_one_backends(self):
        other = self.second_backend()
        mine, theirs = self.plan(-HOUR, HOUR), self.plan(HOUR, 2 * HOUR, other)
        self.follow()
        self.assertEqual((self.backend.maintained, other.maintained), (True, False))
        mine.action_end()
        self.follow(theirs.start)
        self.assertEqual((self.backend.maintained, other.maintained), (False, True))

    def test_the_scheduled_action_is_called_at_its_times(self):
        window = self.plan(HOUR, 2 * HOUR)
        self.assertLessEqual({window.start, window.end}, self.calls_at())
        window.end = later = self.now + 5 * HOUR
        self.assertIn(later, self.calls_at())
        window.start = sooner = self.now + timedelta(minutes=7)
        self.assertIn(sooner, self.calls_at())
        before = self.env["ir.cron.trigger"].search_count([])
        window.reason = "Another disk"
        self.assertEqual(self.env["ir.cron.trigger"].search_count([]), before)

    def test_an_operator_ends_it_at_once(self):
        window = self.plan(-HOUR, HOUR)
        self.follow()
        user = self.make_user("user", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            window.with_user(user).action_end()
        self.assertTrue(self.backend.maintained)
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        window.with_user(operator).action_end()
        self.assertEqual(window.state, "over")
        self.assertFalse(self.backend.maintained)
        self.assertEqual(self.jobs(), {"_job_push", "_job_pull"})

    def test_one_of_two_that_ends_leaves_the_other(self):
        first, second = self.plan(-HOUR, HOUR), self.plan(-HOUR, 2 * HOUR)
        self.follow()
        first.action_end()
        self.assertEqual((first.state, second.state), ("over", "running"))
        self.assertTrue(self.backend.maintained)
        self.assertFalse(self.jobs())

    def test_only_one_that_does_not_run_is_deleted(self):
        planned, running = self.plan(HOUR, 2 * HOUR), self.plan(-HOUR, HOUR)
        self.follow()
        with self.assertRaisesRegex(ValidationError, "End the maintenance"):
            running.unlink()
        planned.unlink()
        running.action_end()
        running.unlink()
        self.assertFalse(self.env["sync.maintenance"].search([]))

    def test_what_is_over_goes_after_its_days(self):
        old, young = self.plan(-2 * HOUR, -HOUR), self.plan(-2 * HOUR, -HOUR)
        waiting = self.plan(-2 * HOUR, -HOUR)
        (old | young).state = "over"
        self.env.flush_all()
        long_ago = datetime(2020, 1, 1)
        (old | waiting).write({"start": long_ago, "end": long_ago + HOUR})
        self.env.flush_all()
        self.env["sync.retention"]._gc_expired()
        self.assertEqual((old | young | waiting).exists(), young | waiting)
