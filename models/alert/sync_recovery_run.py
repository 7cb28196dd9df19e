import time
import uuid
from datetime import timedelta

from odoo import api, fields, models

from ...core import said
from ...core.alert.recovery import Found, Outcome, worst
from ...core.secrets.logs import get_logger
from ..base.alone import contained
from ..base.own_transaction import apart
from ..base.rights import OPERATOR, check_group
from .sources import Sighting

_logger = get_logger(__name__)
# Minutes after which a run that has not ended has died; Odoo kills it before.
DIED_AFTER = timedelta(minutes=30)
STATES = [
    ("running", "Running"),
    (str(Outcome.CLEAN), "Nothing to do"),
    (str(Outcome.MENDED), "Mended"),
    (str(Outcome.LEFT), "Something is left"),
    (str(Outcome.FAILED), "Failed"),
    ("died", "Died"),
]


class SyncRecoveryRun(models.Model):
    """One run of the scheduled recovery: what each step found and what came of it.

    The steps are in ``recovery_steps.py``. Each has transactions of its own; one that
    fails is recorded as an error and keeps no other from running.
    """

    _name = "sync.recovery.run"
    _description = "Recovery Run"
    _order = "id desc"
    _rec_name = "started_at"

    started_at = fields.Datetime(
        "Time", required=True, readonly=True, default=fields.Datetime.now
    )
    duration = fields.Float("Seconds", readonly=True, digits=(12, 3), aggregator="avg")
    state = fields.Selection(
        STATES,
        required=True,
        readonly=True,
        default="running",
        help="Something is left: see the lines; the next run tries it again. Died: the "
        "worker was killed, or the server stopped.",
    )
    correlation_id = fields.Char(
        required=True, readonly=True, default=lambda self: uuid.uuid4().hex
    )
    line_ids = fields.One2many("sync.recovery.line", "run_id", "Steps")
    found = fields.Integer(readonly=True)
    mended = fields.Integer(readonly=True)
    place = fields.Integer(
        readonly=True, help="Id of the last mapping whose records were looked for."
    )

    _started_idx = models.Index("(started_at)")

    def action_run(self):
        """Have the scheduled recovery run now.

        :raises AccessError: the user is no operator
        """
        check_group(
            self.env, OPERATOR, self.env._("Only operators may start a recovery.")
        )
        self.env.ref("pharmacy_sync.cron_recover").sudo()._trigger()
        return self.env["sync.backend"]._notify(
            self.env._("Under way"), self.env._("The recovery runs within a minute.")
        )

    # -- The run ----------------------------------------------------------------------

    @api.model
    def _run(self):
        """Go through all steps.

        Two runs at once share the work: each row is taken up by one of them.
        """
        started = time.monotonic()
        run = self.browse(apart(self._begin))
        for name, step in self._recovery_steps():
            run._take_step(name, step)
        apart(run._end, time.monotonic() - started)
        # What the caller has read was changed in transactions of their own.
        self.env.invalidate_all(flush=False)

    @api.model
    def _begin(self):
        now = fields.Datetime.now()
        self.search(
            [("state", "=", "running"), ("started_at", "<", now - DIED_AFTER)]
        ).state = "died"
        return self.create({}).id

    def _take_step(self, name, step):
        """Take one step, and keep what it says of itself."""
        started, results = time.monotonic(), [Found()]
        text = "A step of the recovery failed: %s"
        watch = self.env["sync.error"]._watch_over("recovery")
        with contained(_logger.error, text, name) as failure, watch:
            results = step()
        seconds = time.monotonic() - started
        # The next steps matter more than what is said of this one.
        with contained(_logger.critical, "recovery: nothing is kept of %s", name):
            apart(self._keep_lines, name, results, seconds, failure.error)

    def _keep_lines(self, name, results, seconds, error):
        Error = self.env["sync.error"]
        failed = Error._explained(Error._classify(error)) if error else None
        self.env["sync.recovery.line"].create(
            [
                {
                    "run_id": self.id,
                    "step": name,
                    "backend_id": result.backend_id,
                    "found": result.found,
                    "mended": result.mended,
                    "state": str(Outcome.FAILED if error else result.outcome),
                    "note": failed or result.note,
                    "duration": seconds,
                }
                for result in results
            ]
        )

    def _end(self, seconds):
        lines = self.line_ids
        self.write(
            {
                "state": str(worst(lines.mapped("state"))),
                "found": sum(lines.mapped("found")),
                "mended": sum(lines.mapped("mended")),
                "duration": seconds,
            }
        )

    @api.model
    def _latest(self):
        """The latest run that has ended."""
        return self.search([("state", "!=", "running")], limit=1)

    @api.model
    def _sightings(self, backend_ids):
        """What is an alert: a scheduled action that fails, steps of the latest run that
        failed themselves, and jobs that nothing starts."""
        found, run = [], self._latest()
        cron = self.env.ref("pharmacy_sync.cron_recover", raise_if_not_found=False)
        if cron and None in backend_ids and cron.failure_count:
            found.append(
                Sighting(
                    None,
                    figure=1,
                    subject=cron.name,
                    count=cron.failure_count,
                    at=cron.lastcall or None,
                    cause=said.LOG_SAYS,
                    key="cron",
                )
            )
        return found + [
            Sighting(
                line.backend_id.id or None,
                figure=1,
                subject=line.step_name,
                res_model=self._name,
                res_id=run.id,
                cause=line.note or "",
                correlation_id=run.correlation_id,
                key=f"recovery,{line.step}",
            )
            for line in run.line_ids
            if line.state == "failed" or (line.state, line.step) == ("left", "jobs")
            if (line.backend_id.id or None) in backend_ids
        ]


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    @api.model
    def _cron_recover(self):
        """Scheduled: take up what a killed worker or a lost job left behind."""
        self.env["sync.recovery.run"]._run()


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_recovery_run", "log", "started_at < %s AND state <> 'running'"),
        )
