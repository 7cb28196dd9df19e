from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ...core.exceptions import CircuitBreakerOpenError
from ...models.base.own_transaction import apart
from ...models.operation import sync_progress
from ..common import WorkCase


@tagged("post_install", "-at_install")
class TestProgress(WorkCase):
    """Long work says how far it is, hands over to the next job, and ends as it went."""

    def setUp(self):
        super().setUp()
        self.work = self.env["sync.reconciliation"].create(
            {"stream_id": self.stream().id}
        )
        self.steps = []
        Work = self.env.registry["sync.reconciliation"]

        def _step(work):
            """What a test says that comes of one step after the other."""
            comes = self.steps.pop(0)
            if isinstance(comes, Exception):
                raise comes
            apart(work._count, 2, 1)
            return comes

        self.patch(Work, "_step", _step)

    def run_once(self):
        """What the job runner does with the job of the work."""
        self.env.cr.flush()
        self.work.with_env(self.backend._as_runner().env)._job_work()
        self.env.invalidate_all()

    def job(self):
        return self.env["queue.job"].search([("uuid", "=", self.work.job_uuid)])

    def test_progress_is_the_share_of_what_was_looked_at(self):
        for state, total, done, failed, progress in (
            ("running", 8, 1, 1, 25.0),
            ("stopped", 8, 3, 0, 37.5),
            ("running", 0, 0, 0, 0.0),
            # More came meanwhile.
            ("running", 8, 9, 0, 100.0),
            ("done", 8, 3, 0, 100.0),
        ):
            with self.subTest(state=state, total=total, done=done):
                self.work.write(
                    {
                        "state": state,
                        "total": total,
                        "done_count": done,
                        "failed_count": failed,
                    }
                )
                self.assertEqual(self.work.progress, progress)

    def test_it_is_done_in_one_shift_if_there_is_time(self):
        self.steps = [True, True, False]
        before = fields.Datetime.now()
        self.work.action_start()
        self.assertEqual(self.work.state, "running")
        first = self.work.job_uuid
        self.run_once()
        self.assertEqual((self.work.state, self.work.job_uuid), ("done", first))
        self.assertEqual((self.work.done_count, self.work.failed_count), (6, 3))
        self.assertGreaterEqual(self.work.started_at, before)
        self.assertGreaterEqual(self.work.ended_at, before)
        with self.assertRaises(UserError):
            self.work.action_start()

    def test_a_job_whose_shift_is_over_hands_over_to_the_next(self):
        self.patch(sync_progress, "SHIFT", 0)
        self.steps = [True, False]
        self.work.action_start()
        for state in ("running", "done"):
            first = self.job()
            self.run_once()
            self.assertEqual(self.work.state, state)
            self.assertEqual(self.work.job_uuid == first.uuid, state == "done")
        self.assertFalse(self.job().eta)

    def test_what_is_to_wait_goes_on_in_a_later_job(self):
        for wait, seconds in (
            (timedelta(minutes=5), 300),
            (CircuitBreakerOpenError("It is open.", retry_after=60.0), 60),
        ):
            self.steps = [wait]
            self.work.write({"state": "draft"})
            self.work.action_start()
            first, before = self.work.job_uuid, fields.Datetime.now()
            self.run_once()
            self.assertEqual(self.work.state, "running")
            self.assertNotEqual(self.work.job_uuid, first)
            late = (self.job().eta - before).total_seconds() - seconds
            self.assertTrue(0 <= late < 60, late)

    def test_what_fails_ends_it_and_it_goes_on_from_there(self):
        self.steps = [True, ValueError("no such field")]
        self.work.action_start()
        begun = self.work.started_at = fields.Datetime.now() - timedelta(days=1)
        self.run_once()
        self.assertEqual(self.work.state, "failed")
        self.assertIn("Unexpected", self.work.reason)
        error = self.env["sync.error"].search([("work", "=", self.work._name)])
        self.assertIn("no such field", error.message)
        self.assertEqual(error.correlation_id, self.work.correlation_id)
        self.assertEqual(error.backend_id, self.backend)
        self.steps = [False]
        self.work.action_start()
        self.assertFalse(self.work.reason or self.work.ended_at)
        self.run_once()
        self.assertEqual((self.work.state, self.work.started_at), ("done", begun))

    def test_only_what_is_under_way_is_stopped(self):
        self.work.action_stop()
        self.assertEqual(self.work.state, "draft")
        self.work.action_start()
        self.work.action_stop()
        self.assertEqual(self.work.state, "stopped")
        self.assertIn(self.env.user.name, self.work.reason)
        # The job that was under way notices.
        self.run_once()
        self.assertEqual((self.work.state, self.steps), ("stopped", []))

    def test_what_was_stopped_during_its_last_step_is_not_done(self):
        self.steps = [False]
        self.work.action_start()
        count = type(self.work)._count

        def _count(work, done=0, failed=0):
            count(work, done, failed)
            work.action_stop()

        self.patch(self.env.registry["sync.reconciliation"], "_count", _count)
        self.run_once()
        self.assertEqual(self.work.state, "stopped")

    def test_work_whose_job_is_gone_is_given_a_new_one(self):
        self.work.action_start()
        self.recover()
        living = self.job()
        self.recover()
        self.assertEqual(self.job(), living)
        living.state = "failed"
        self.recover()
        self.assertEqual(self.job().state, "pending")
        self.assertNotEqual(self.job(), living)
