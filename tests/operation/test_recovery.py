from datetime import datetime, timedelta, timezone

from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestRecovery(SyncCase):
    """What a dead worker or a lost job left behind is taken up again."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.order.origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.operation = self.operations(state="pending")
        self.job = self.env["queue.job"].search(
            [("method_name", "=", "_job_push")], limit=1, order="id desc"
        )

    def run_with_job(self, state):
        """The operation is under way, its job in ``state``."""
        self.env.cr.execute(
            "UPDATE queue_job SET state = %s WHERE id = %s", [state, self.job.id]
        )
        self.operation.write({"state": "running", "job_uuid": self.job.uuid})
        self.recover()

    def test_job_that_the_runner_failed_is_made_up_for(self):
        self.run_with_job("failed")
        self.assertEqual(self.operation.state, "pending")
        self.push()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_job_that_vanished_is_made_up_for(self):
        self.operation.write({"state": "running", "job_uuid": "was another"})
        self.recover()
        self.assertEqual(self.operation.state, "pending")

    def test_job_that_lives_is_left_alone(self):
        self.run_with_job("started")
        self.assertEqual(self.operation.state, "running")

    def test_newer_change_goes_on_in_a_dead_ones_place(self):
        self.operation.write({"state": "running", "job_uuid": "dead"})
        self.order.origin = "PH-2"
        self.push()
        newer = self.operations(state="pending")
        self.assertTrue(newer)
        self.recover()
        self.assertEqual(self.operation.state, "cancelled")
        self.push()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-2")

    def test_newer_change_waits_as_long_as_the_one_before_it_would_have(self):
        self.operation.write({"state": "running", "job_uuid": "dead"})
        self.order.origin = "PH-2"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        newer = self.operations(state="pending")
        self.operation._give_back(600, "The app is busy.")
        self.env.flush_all()
        self.assertEqual(newer.state, "waiting")
        due = self.env["queue.job"].search(
            [("method_name", "=", "_job_push"), ("eta", ">", newer.eta)]
        )
        self.assertEqual(len(due), 1, "a job is there for the moment it is due")
        self.env["sync.operation"]._resume(self.backend)
        self.assertFalse(newer.eta, "it goes on once the app answers")

    def test_job_that_runs_again_takes_back_its_own(self):
        self.operation.write({"state": "running", "job_uuid": "mine"})
        self.env.flush_all()
        self.backend._as_runner().with_context(job_uuid="mine")._job_push()
        self.env.invalidate_all()
        self.assertEqual(self.operation.state, "done")

    def test_one_push_job_serves_all_that_wait_for_their_turn(self):
        def job(backend, number, eta=None):
            key = f"pharmacy_sync push {backend} {number} "
            runner = self.backend._as_runner().with_delay(identity_key=key, eta=eta)
            return runner._job_push().uuid

        own = self.backend.id
        later = datetime.now(timezone.utc).replace(tzinfo=None) + timedelta(hours=1)
        past = later - timedelta(hours=2)
        mine, *waiting = job(own, 1), job(own, 2), job(own, 3, past), self.job.uuid
        kept = {job(own, 4, later), job(f"{own}0", 5)}
        self.env.cr.flush()
        self.backend._as_runner().with_context(job_uuid=mine)._job_push()
        self.env.invalidate_all()
        jobs = self.env["queue.job"].search([("uuid", "in", [*waiting, *kept])])
        ended = jobs.filtered(lambda found: found.state == "cancelled")
        self.assertEqual(set(ended.mapped("uuid")), set(waiting))
        self.assertEqual(set((jobs - ended).mapped("state")), {"pending"})
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")
