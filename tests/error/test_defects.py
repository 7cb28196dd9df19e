"""What our own jobs and scheduled actions fail with is recorded, and people hear."""

import logging
from contextlib import suppress
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...core.secrets import logs
from ..alert.test_alert import AlertCase

RECORDED = "odoo.addons.pharmacy_sync.models.error.sync_error"
RUN = "odoo.addons.pharmacy_sync.models.alert.sync_recovery_run"
CALLS = "odoo.addons.pharmacy_sync.models.call.sync_call"
API_CALLS = "odoo.addons.pharmacy_sync.models.api.sync_api"


class BrokenError(Exception):
    pass


@tagged("post_install", "-at_install")
class TestDefects(AlertCase):
    def saga(self):
        return self.env["sync.saga"].create({"backend_id": self.backend.id})

    def escalation(self):
        group = self.go_wrong().group_id
        return self.env["sync.escalation"].create(
            {
                "group_id": group.id,
                "backend_id": self.backend.id,
                "rung": "fix",
                "count": 2,
                "at": fields.Datetime.now(),
                "state": "running",
                "live": True,
                "correlation_id": "c",
            }
        )

    def reconciliation(self):
        stream = self.backend.stream_ids[0]
        return self.env["sync.reconciliation"].create({"stream_id": stream.id})

    def delivery(self):
        return self.env["sync.delivery"].create(
            {"kind": "test", "backend_id": self.backend.id}
        )

    def report(self):
        return self.env["sync.report.schedule"]

    def cases(self):
        """Each job and scheduled action: what is run, and what breaks in it."""
        backend, saga, work = self.backend, self.saga(), self.reconciliation()
        step = self.escalation()
        return {
            ("sync.backend", "_job_push"): (backend, "_push_all"),
            ("sync.backend", "_job_pull"): (backend, "_pull_all"),
            ("sync.backend", "_job_look"): (backend, "_shows_set_back"),
            ("sync.backend", "_job_events"): (backend, "_deliver_events"),
            ("sync.event", "_job_deliver"): (
                self.env["sync.event"],
                "_deliver_in_turn",
            ),
            ("sync.saga", "_job_step"): (saga, "_do_step"),
            ("sync.escalation", "_job_step"): (step, "_fix_request"),
            ("sync.reconciliation", "_job_work"): (work, "_work_on"),
            ("sync.stream", "_cron_pull"): (self.env["sync.stream"], None),
            ("sync.delivery", "_job_deliver"): (self.delivery(), "_deliver"),
            ("sync.initial", "_cron_read_again"): (
                self.env["sync.initial"],
                "_read_again_due",
            ),
            ("sync.maintenance", "_cron_follow"): (
                self.env["sync.maintenance"],
                "_follow_due",
            ),
            ("sync.touched", "_cron_look"): (self.env["sync.touched"], "_take_rows"),
            ("sync.metric", "_cron_roll_up"): (self.env["sync.metric"], "_roll_up_due"),
            ("sync.reconciliation", "_cron_reconcile"): (work.browse(), None),
            ("sync.report.schedule", "_cron_send"): (self.report(), "_try_sending"),
            ("sync.operation", "_cron_recover"): (self.env["sync.saga"], "_recover"),
        }

    def arguments(self, model, method):
        """What the job is called with."""
        if method == "_job_look":
            return [self.backend.stream_ids[:1].id, []]
        own = (model, method) == ("sync.event", "_job_deliver")
        return [self.env.company] if own else []

    def run_broken(self, model, method, records, broken):
        """Run a job or scheduled action in which a method fails."""

        def fail(*args, **kwargs):
            raise BrokenError(f"{model} {method}")

        target = self.registry[records._name if broken else "sync.backend"]
        # A class of the registry inherits all of its methods.
        setattr(target, broken or "_at_work", fail)
        runner = records if method.startswith("_job_") else self.env[model]
        self.env.flush_all()
        try:
            with mute_logger(RECORDED, RUN), suppress(BrokenError):
                getattr(runner, method)(*self.arguments(model, method))
        finally:
            delattr(target, broken or "_at_work")
        self.env.invalidate_all()

    def test_each_leaves_an_error_and_an_alert(self):
        self.only("critical_error")
        if not self.env["sync.report.schedule"].search([("active", "=", True)]):
            self.env["sync.report.schedule"].create(
                {"name": "Weekly", "partner_ids": self.operator.partner_id.ids}
            )
        for (model, method), (records, broken) in self.cases().items():
            with self.subTest(method, model=model):
                before = self.env["sync.error"].search([], limit=1).id or 0
                self.run_broken(model, method, records, broken)
                errors = self.env["sync.error"].search([("id", ">", before)])
                error = errors.filtered(lambda e: "BrokenError" in (e.trace or ""))[:1]
                self.assertTrue(error, "it is recorded")
                self.assertEqual(error.severity, "critical")
                self.assertTrue(error.correlation_id)
                self.assertNotEqual(error.work_name, error.work, "it has a name")
                self.look()
                groups = self.alerts().mapped("res_id")
                self.assertIn(error.group_id.id, groups, "and reported")

    def test_all_are_walked(self):
        """Each job and scheduled action of this addon is among the cases."""
        known = set(self.cases())
        functions = self.env["queue.job.function"].search(
            [("model_id.model", "=like", "sync.%")]
        )
        jobs = {(f.model_id.model, f.method) for f in functions}
        # One mechanism for all long work.
        jobs = {j for j in jobs if j[1] != "_job_work"}
        ids = self.env["ir.model.data"].search(
            [("module", "=", "pharmacy_sync"), ("model", "=", "ir.cron")]
        )
        crons = {
            (cron.model_id.model, cron.code.split(".")[1].split("(")[0])
            for cron in self.env["ir.cron"].browse(ids.mapped("res_id"))
        }
        # The look at alerts logs what it fails with: it could not report itself.
        crons.discard(("sync.alert", "_cron_watch"))
        # What another addon's method fails with is kept by its policy: tested there.
        jobs.discard(("sync.toolkit", "_job_retry"))
        self.assertEqual((jobs | crons) - known, set())


@tagged("post_install", "-at_install")
class TestLogLevel(AlertCase):
    """The log says more of one part, for a while."""

    def setUp(self):
        super().setUp()
        self.addCleanup(logs.set_levels, {})
        self.addCleanup(self.env.registry.clear_cache)

    def said(self):
        """What the log says of a pull's calls."""
        found = []

        class Handler(logging.Handler):
            def emit(self, record):
                found.append(record.getMessage())

        handler = Handler()
        logger = logging.getLogger(CALLS)
        logger.addHandler(handler)
        try:
            self.pull()
        finally:
            logger.removeHandler(handler)
        return found

    def test_until_its_time_is_over(self):
        self.assertEqual(self.said(), [])
        now = fields.Datetime.now()
        level = self.env["sync.log.level"].create({"part": "models.call"})
        self.assertAlmostEqual(
            level.until, now + timedelta(hours=1), delta=timedelta(minutes=1)
        )
        said = self.said()
        self.assertTrue(said)
        self.assertIn("correlation id", said[0])
        level.until = fields.Datetime.now() + timedelta(hours=2)
        level._take_over()
        name = "odoo.addons.pharmacy_sync.models.call"
        logs.set_levels({name: (logging.DEBUG, 0.0)})
        self.assertEqual(self.said(), [], "it goes back without anybody's doing")
        self.assertFalse(logging.getLogger(CALLS).isEnabledFor(logging.DEBUG))

    def test_of_calls_of_the_app(self):
        self.env["sync.log.level"].create({"part": "models.api"})
        with self.assertLogs(API_CALLS, "NOTSET") as said:
            self.env["sync.api"].with_user(self.api_user).health(correlation_id="mine")
        self.assertIn("correlation id mine", said.output[-1])

    def test_taken_away(self):
        level = self.env["sync.log.level"].create({"part": "models.call"})
        self.assertTrue(self.said())
        level.unlink()
        self.assertEqual(self.said(), [])

    def test_old_ones_go(self):
        long_ago = fields.Datetime.now() - timedelta(days=8)
        level = self.env["sync.log.level"].create(
            {"part": "models.call", "until": long_ago}
        )
        self.env.flush_all()
        self.env["sync.retention"]._gc_expired()
        self.assertFalse(level.exists())
