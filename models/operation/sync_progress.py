import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core import said
from ...core.exceptions import NOT_MADE
from ...entities.neutral import neutral
from ...entities.sentence import Sentence
from ..base.own_transaction import apart
from ..base.sync_config import shift

# Seconds after which a job hands over to the next, so that others get their turn.
SHIFT = 20.0


class SyncProgress(models.AbstractModel):
    """Long work that a person starts, watches, stops and resumes.

    It is done in steps by jobs, one job at a time. A concrete model extends
    :meth:`_step`, and declares a ``queue.job.function`` for its ``_job_work``. What a
    step has committed is not done again after a stop, a kill or a failure: the model
    keeps where it is in fields of its own.
    """

    _name = "sync.progress"
    _description = "Long Work"

    state = fields.Selection(
        [
            ("draft", "New"),
            ("running", "Running"),
            ("stopped", "Stopped"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        default="draft",
        readonly=True,
        copy=False,
    )
    total = fields.Integer(
        readonly=True, copy=False, help="Records to be looked at; 0: not known yet."
    )
    done_count = fields.Integer("Done", readonly=True, copy=False)
    failed_count = fields.Integer("Failed", readonly=True, copy=False)
    progress = fields.Float(
        compute="_compute_progress", help="Percentage of the records looked at."
    )
    started_at = fields.Datetime(readonly=True, copy=False)
    ended_at = fields.Datetime(readonly=True, copy=False)
    reason = Sentence(readonly=True, copy=False, help="Why it stopped or failed.")
    job_uuid = fields.Char("Job", readonly=True, copy=False)
    correlation_id = fields.Char(
        readonly=True, copy=False, default=lambda self: uuid.uuid4().hex
    )

    @api.depends("state", "total", "done_count", "failed_count")
    def _compute_progress(self):
        for work in self:
            looked_at = work.done_count + work.failed_count
            if work.state == "done":
                work.progress = 100.0
            else:
                work.progress = min(100.0, 100.0 * looked_at / (work.total or 1))

    def action_start(self):
        """Begin, or go on where it was stopped or failed."""
        if self.filtered(lambda work: work.state in ("running", "done")):
            raise UserError(self.env._("This is under way, or done, already."))
        for work in self:
            work.write(
                {
                    "state": "running",
                    "started_at": work.started_at or fields.Datetime.now(),
                    "ended_at": False,
                    "reason": False,
                }
            )
        self._schedule_work()
        return True

    def action_stop(self):
        """Stop after the step that is under way."""
        self.filtered(lambda work: work.state == "running")._end_work(
            "stopped", said.say(said.STOPPED, self.env.user.name)
        )
        return True

    def _end_work(self, state, reason=False):
        """End the work in ``state``; a job that is under way notices."""
        return self.write(
            {"state": state, "reason": reason, "ended_at": fields.Datetime.now()}
        )

    def _step(self):
        """Do a piece of the work: a second or so.

        Called with no transaction to rely on: read and write through
        :func:`..base.own_transaction.apart`, talk to the pharmacy app between.

        :return: whether there is more to do; a timedelta if not before it has passed
        :raises Exception: the work ends as failed, and can be resumed
        """
        raise NotImplementedError

    def _count(self, done=0, failed=0):
        """Add to what was done; call it in the transaction that did it."""
        self.ensure_one()
        self.write(
            {
                "done_count": self.done_count + done,
                "failed_count": self.failed_count + failed,
            }
        )

    def _is_at_work(self):
        return self.exists().state == "running"

    # -- Jobs -------------------------------------------------------------------------

    def _work_backend(self):
        """The backend that the work is for; its company is the job's."""
        self.ensure_one()
        return self.backend_id

    def _schedule_work(self, wait=None):
        """Have the job runner go on, after ``wait`` (a timedelta) has passed."""
        for work in self:
            backend = work._work_backend()._as_runner()
            job = (
                work.with_env(backend.env)
                .with_delay(description=work.display_name, eta=wait)
                ._job_work()
            )
            work.job_uuid = job.uuid

    def _job_work(self):
        """Job: a shift of work, then the next job's."""
        self.ensure_one()
        backend = self._work_backend()
        with self.env["sync.error"]._watch_over("long work", backend):
            work = neutral(self, backend)
            backend._take_place()
            work._work_on(shift(SHIFT))

    def _work_on(self, time):
        try:
            while apart(self._is_at_work):
                more = self._step()
                if not more:
                    apart(self._finish)
                    return
                if isinstance(more, timedelta):
                    # No worker sleeps: the next look is another job's.
                    apart(self._schedule_work, more)
                    return
                if time.expired:
                    apart(self._schedule_work)
                    return
        except NOT_MADE as exc:
            # To wait for the app, or for a slot, is no failure of the work.
            apart(self._schedule_work, timedelta(seconds=int(exc.retry_after) + 1))
        except Exception as exc:  # noqa: BLE001
            # Kept, whatever it is, as the end of the work, which can be resumed.
            apart(self._fail_work, exc)

    def _finish(self):
        if self.state == "running":
            self._end_work("done")

    def _fail_work(self, exception):
        classification = self._record_failure(exception)
        self._end_work("failed", self.env["sync.error"]._explained(classification))

    def _record_failure(self, exception, record_name=None, **about):
        """Record a failure of the work, or at one record, which does not end it.

        :param about: more of what :meth:`SyncError._values` takes
        :return: the classification
        """
        Error, backend = self.env["sync.error"], self._work_backend()
        classification = Error._classify(exception, backend)
        context = {"work": self.display_name}
        if record_name:
            context["record"] = record_name
        Error._record_here(
            classification,
            exception,
            operation=self._name,
            backend_id=backend.id,
            context=context,
            **{"correlation_id": self.correlation_id, **about},
        )
        return classification

    @api.model
    def _recover_all(self):
        """Give all long work whose job is gone a new one.

        :return: how many
        """
        names = self.env.registry.descendants([self._name], "_inherit")
        return sum(
            self.env[name]._recover_work()
            for name in names
            if not self.env[name]._abstract
        )

    @api.model
    def _recover_work(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT w.id FROM %s w
                    WHERE w.state = 'running' AND NOT EXISTS (
                        SELECT 1 FROM queue_job j WHERE j.uuid = w.job_uuid
                           AND j.state IN ('pending', 'enqueued', 'started'))
                    FOR NO KEY UPDATE SKIP LOCKED""",
                SQL.identifier(self._table),
            )
        )
        self.browse(row[0] for row in rows)._schedule_work()
        return len(rows)
