import os
from contextlib import ExitStack, closing
from datetime import datetime, timedelta

from odoo import SUPERUSER_ID, api
from odoo.sql_db import db_connect
from odoo.tests import tagged

from odoo.addons.queue_job.exception import RetryableJobError

from ..common import SyncCase

CHANNELS = "ODOO_QUEUE_JOB_CHANNELS"
PUSHES = "root.pharmacy_sync.order_sync"


@tagged("post_install", "-at_install")
class TestPlaces(SyncCase):
    """A pharmacy whose jobs last long leaves a place of the job runner to others."""

    def setUp(self):
        super().setUp()
        self.past = datetime(2026, 1, 1)
        self.set_channels("root:4,pharmacy_sync:3")
        self.other = self.backend.copy({"name": "Another pharmacy"})
        self.order = self.make_order()
        self.push()
        self.order.origin = "PH-1"
        self.env.cr.flush()

    def set_channels(self, text):
        before = os.environ.get(CHANNELS)
        if before is None:
            self.addCleanup(os.environ.pop, CHANNELS, None)
        else:
            self.addCleanup(os.environ.__setitem__, CHANNELS, before)
        os.environ[CHANNELS] = text

    def other_jobs(self, stack, backend, number, channel="root.pharmacy_sync"):
        """So many jobs of a backend under way, each in a worker of its own."""
        for __ in range(number):
            cr = stack.enter_context(closing(db_connect(self.env.cr.dbname).cursor()))
            env = api.Environment(cr, SUPERUSER_ID, {})
            there = env["sync.backend"].browse(backend.id)
            self.assertTrue(there._took_place(channel, number))

    def new_job(self, backend=None):
        """A push job that the job runner starts now."""
        runner = (backend or self.backend)._as_runner()
        self.env.cr.flush()
        # In one transaction jobs for the same time are one.
        self.past += timedelta(hours=1)
        runner._schedule_push(self.past)
        job = self.env["queue.job"].search(
            [("method_name", "=", "_job_push")], order="id desc", limit=1
        )
        self.env.flush_all()
        return runner.with_context(job_uuid=job.uuid), job

    def put_off(self, runner):
        """What the job runner keeps of a push that finds no place."""
        try:
            runner._job_push()
        except RetryableJobError as exc:
            return str(exc)
        return self.fail("it has found one")

    def reference(self):
        return self.at_app(self.order)["reference"]

    def test_job_beyond_the_share_is_put_off_and_runs_later(self):
        runner, __ = self.new_job()
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 2)
            with self.assertRaises(RetryableJobError) as put_off:
                runner._job_push()
            self.assertNotEqual(self.reference(), "PH-1")
        self.assertTrue(put_off.exception.ignore_retry, "it costs no attempt")
        self.assertEqual(put_off.exception.seconds, 1)
        runner._job_push()
        self.assertEqual(self.reference(), "PH-1")

    def test_each_kind_of_job_takes_a_place(self):
        runner, __ = self.new_job()
        stream = self.backend.stream_ids[0]
        calls = len(self.app.requests())
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 2)
            for job in (runner._job_pull, lambda: runner._job_look(stream.id, [])):
                with self.assertRaises(RetryableJobError):
                    job()
        self.assertEqual(len(self.app.requests()), calls)

    def test_a_job_that_is_put_off_has_not_failed(self):
        runner, __ = self.new_job()
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 2)
            self.put_off(runner)
        mine = [("backend_id", "=", self.backend.id)]
        self.assertFalse(self.env["sync.error"].search(mine))

    def test_jobs_of_others_have_their_own_places(self):
        with ExitStack() as stack:
            self.other_jobs(stack, self.other, 2)
            runner, __ = self.new_job()
            runner._job_push()
        self.assertEqual(self.reference(), "PH-1")

    def test_share_in_a_channel_of_its_own_kind(self):
        self.set_channels(f"root:9,{PUSHES}:2")
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 1, PUSHES)
            runner, __ = self.new_job()
            with self.assertRaises(RetryableJobError):
                runner._job_push()

    def test_the_only_pharmacy_may_have_all(self):
        others = self.env["sync.backend"].search([("id", "!=", self.backend.id)])
        others.active = False
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 3)
            runner, __ = self.new_job()
            runner._job_push()
        self.assertEqual(self.reference(), "PH-1")

    def test_those_put_off_wait_as_one(self):
        """Each change has a job of its own: they do not all ask again and again."""
        runner, first = self.new_job()
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 2)
            self.env.cr.execute(
                "UPDATE queue_job SET result = %s, eta = now() + interval '1 minute' "
                "WHERE id = %s",
                [self.put_off(runner), first.id],
            )
            self.env["queue.job"].invalidate_model()
            self.order.origin = "PH-2"
            later, __ = self.new_job()
            self.put_off(later)
        self.env.invalidate_all()
        self.assertEqual(first.state, "cancelled")
        later._job_push()
        self.assertEqual(self.reference(), "PH-2")

    def test_all_that_work_for_a_pharmacy_wait_for_a_place(self):
        __, job = self.new_job()
        runner = self.backend._as_runner().with_context(job_uuid=job.uuid)
        stream = self.backend.stream_ids[:1]
        saga = self.env["sync.saga"]._start(self.backend, order_id=self.order.id)
        comparison = self.env["sync.reconciliation"].create({"stream_id": stream.id})
        with ExitStack() as stack:
            self.other_jobs(stack, self.backend, 2)
            for work in (
                saga.with_env(runner.env)._job_step,
                comparison.with_env(runner.env)._job_work,
                runner._job_pull,
                runner._job_events,
                lambda: runner._job_look(stream.id, []),
            ):
                with self.assertRaises(RetryableJobError):
                    work()
