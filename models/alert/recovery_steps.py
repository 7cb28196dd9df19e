"""The steps of the recovery: what each looks for, and how it mends it."""

import time

from odoo import api, fields, models
from odoo.tools import SQL

from ...client import FAILURES
from ...core import said
from ...core.alert.recovery import Found
from ...core.exceptions import WorkerDiedError
from ..base.own_transaction import apart
from ..base.sync_config import shift
from ..operation.queue import DUE

# Seconds for which work may be under way, a job may wait to be started, and an app may
# not be heard of, before that is worth a word.
LONG = 300
# Seconds by which work is late that is overdue.
OVERDUE = 60
# Seconds that this server's clock may differ from the database's.
CLOCK = 5
# Mappings whose records are looked for in one run, the next ones in the next.
PIECE = 2_000
OUR_JOBS = "sync.%"


class SyncRecoveryRun(models.Model):
    _inherit = "sync.recovery.run"

    @api.model
    def _recovery_steps(self):
        """What a run goes through, in order: tuples of a name and a callable, which
        returns a list of :class:`...core.alert.recovery.Found`.

        Another addon adds its own by extending this. A step makes its own transactions
        (``apart``): what comes later must see what it committed, and a step that talks
        to the outside must have none open.
        """
        Progress, Saga = self.env["sync.progress"], self.env["sync.saga"]
        return (
            ("database", lambda: apart(self._check_database)),
            ("jobs", lambda: apart(self._take_up_jobs)),
            ("operations", lambda: apart(self._take_back)),
            ("work", lambda: _all(apart(Progress._recover_all))),
            ("events", self._deliver_events),
            ("deliveries", lambda: _all(apart(self.env["sync.delivery"]._take_up))),
            ("sagas", lambda: _all(apart(Saga._recover))),
            ("ladder", lambda: _all(apart(self.env["sync.escalation"]._recover))),
            ("orphans", lambda: apart(self._close_orphans)),
            ("comparisons", lambda: _all(apart(self.env["sync.stream"]._compare_due))),
            ("overdue", lambda: apart(self._run_overdue)),
            ("app", self._check_apps),
        )

    @api.model
    def _check_database(self):
        """Whether the database answers, what has been open in it for long, and whether
        its clock is this server's."""
        (old, seconds, now), *__ = self.env.execute_query(
            SQL(
                """SELECT count(*), extract(epoch FROM max(now() - xact_start))::int,
                          extract(epoch FROM clock_timestamp())::float
                     FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                      AND backend_type = 'client backend'
                      AND xact_start < now() - make_interval(secs => %s)""",
                LONG,
            )
        )
        notes = []
        if old:
            notes.append(said.say(said.TRANSACTION_OPEN, seconds))
        if (difference := abs(time.time() - now)) > CLOCK:
            notes.append(said.say(said.CLOCK_DIFFERS, round(difference)))
            old += 1
        return [Found(old, 0, said.together(*notes))]

    @api.model
    def _take_up_jobs(self):
        """Jobs of this addon that have failed, which hand over to the next steps, and
        those that were given to a worker and never started."""
        failed = self.env["queue.job"].search(
            [("state", "=", "failed"), ("model_name", "=like", OUR_JOBS)]
        )
        self._record_killed(failed.filtered(lambda j: j.exc_name == "JobFoundDead"))
        failed.write(
            {
                "state": "cancelled",
                "date_cancelled": fields.Datetime.now(),
                "result": said.RECOVERY_TOOK,
            }
        )
        never = self.env.execute_query(
            SQL(
                """UPDATE queue_job SET state = 'pending', date_enqueued = NULL
                    WHERE id IN (
                        SELECT j.id FROM queue_job j
                         WHERE j.state = 'enqueued' AND j.model_name LIKE %s
                           AND j.date_enqueued < now() at time zone 'UTC'
                                               - make_interval(secs => %s)
                           FOR NO KEY UPDATE SKIP LOCKED)
                RETURNING id""",
                OUR_JOBS,
                LONG,
            )
        )
        mended, idle = len(failed) + len(never), self._idle_jobs()
        note = ""
        if idle:
            note = said.say(said.RUNNER_IDLE, LONG // 60)
        return [Found(mended + idle, mended, note)]

    def _record_killed(self, jobs):
        """Errors of jobs that ended their workers each time they ran."""
        Error = self.env["sync.error"]
        for job in jobs:
            died = WorkerDiedError(f"The worker of job {job.name} died again and again")
            Error._record_here(
                Error._classify(died),
                died,
                operation="killed job",
                context={"job": job.uuid, "method": job.func_string},
            )

    def _idle_jobs(self):
        """How many jobs of this addon wait although nothing was started of late."""
        ((idle,),) = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM queue_job
                    WHERE state = 'pending' AND model_name LIKE %(ours)s
                      AND greatest(coalesce(eta, date_created), date_created)
                          < %(since)s
                      AND NOT EXISTS (SELECT FROM queue_job
                                       WHERE date_started >= %(since)s
                                          OR state = 'started')""",
                ours=OUR_JOBS,
                since=fields.Datetime.subtract(fields.Datetime.now(), seconds=LONG),
            )
        )
        return idle

    @api.model
    def _take_back(self):
        Operation = self.env["sync.operation"]
        taken = Operation._take_back_left() + Operation._end_unsent()
        limit = fields.Datetime.subtract(fields.Datetime.now(), seconds=LONG)
        alive = Operation.search_count(
            [("state", "=", "running"), ("started_at", "<", limit)]
        )
        note = alive and said.say(said.LONG_ALIVE, count=alive, minutes=LONG // 60)
        return [Found(taken, taken, note or "")]

    @api.model
    def _deliver_events(self):
        before, last = apart(self._count_events, None)
        # Those that a handler failed at are delivered already, and may be due as well.
        self.env["sync.event"]._recover()
        after, __ = apart(self._count_events, last) if before else (0, None)
        note = after and said.OTHERS_WAIT
        return [Found(before, before - after, note or "")]

    @api.model
    def _count_events(self, last):
        """How many events are not delivered, of a backend or of none, and the number
        of the last of them.

        :param last: up to this number; None: all
        """
        return self.env.execute_query(
            SQL(
                """SELECT count(*), max(e.id) FROM sync_event e
                     LEFT JOIN sync_backend b ON b.id = e.backend_id
                    WHERE e.state = 'pending' AND e.id <= coalesce(%s, e.id)
                      AND (e.backend_id IS NULL OR b.active)""",
                last,
            )
        )[0]

    @api.model
    def _run_overdue(self):
        """Give a job to what is due for a minute and has none yet."""
        backends = self.env["sync.backend"]._at_work()
        ((late,),) = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM sync_operation o
                    WHERE o.backend_id = ANY(%s) AND o.state IN ('pending', 'waiting')
                      AND coalesce(o.eta, o.requested_at) < %s AND %s""",
                backends.ids,
                fields.Datetime.subtract(fields.Datetime.now(), seconds=OVERDUE),
                DUE,
            )
        )
        backends._schedule_all()
        return [Found(late, late)]

    # -- What nothing belongs to ------------------------------------------------------

    @api.model
    def _close_orphans(self):
        """Close mappings whose Odoo record has gone unnoticed, and steps under way of
        sagas that have ended. Each run looks at the next piece of the mappings."""
        gone = self._without_work(self._without_record(self._next_mappings()))
        reason = said.ORPHANED
        gone._abandon(reason)
        gone.deleted = True
        self.env["sync.operation"].create(
            [
                {
                    "kind": "push",
                    "state": "cancelled",
                    "stream_id": mapping.stream_id.id,
                    "mapping_id": mapping.id,
                    "done_at": fields.Datetime.now(),
                    "reason": reason,
                }
                for mapping in gone
            ]
        )
        steps = self.env["sync.saga.step"].search(
            [
                ("state", "=", "running"),
                ("saga_id.state", "in", ("completed", "compensated")),
            ]
        )
        steps.write(
            {
                "state": "failed",
                "message": said.STEP_CLOSED,
            }
        )
        count = len(gone) + len(steps)
        return [Found(count, count)]

    def _next_mappings(self):
        """The mappings that it is this run's turn to look at."""
        run = self.search([], order="id desc", limit=1)
        last = self.search([("id", "<", run.id)], limit=1).place
        Mapping = self.env["sync.mapping"]
        linked = [("res_id", "!=", False), ("deleted", "=", False)]
        mappings = Mapping.search([*linked, ("id", ">", last)], order="id", limit=PIECE)
        # Fewer: that was the end, and the next run begins anew.
        run.place = mappings[-1:].id if len(mappings) == PIECE else 0
        return mappings.filtered(lambda mapping: mapping.res_model in self.env)

    def _without_record(self, mappings):
        found = mappings.browse()
        for model, own in mappings.grouped("res_model").items():
            there = set(self.env[model].browse(own.mapped("res_id")).exists().ids)
            found |= own.filtered(lambda m, there=there: m.res_id not in there)
        return found

    def _without_work(self, mappings):
        """Those that nothing is queued of, and nothing waits to be delivered of."""
        rows = self.env.execute_query(
            SQL(
                """SELECT m.id FROM sync_mapping m
                    WHERE m.id = ANY(%s) AND NOT EXISTS (
                        SELECT FROM sync_operation o WHERE o.mapping_id = m.id
                           AND o.state NOT IN ('done', 'cancelled'))
                      AND NOT EXISTS (
                        SELECT FROM sync_event e WHERE e.res_model = m.res_model
                           AND e.res_id = m.res_id AND e.state = 'pending')""",
                mappings.ids,
            )
        )
        return mappings.browse(row[0] for row in rows)

    # -- The app ----------------------------------------------------------------------

    @api.model
    def _check_apps(self):
        """Whether each app answers: going by the latest call; one that was not called
        of late is asked for its health."""
        time_left = shift()
        return [
            self._check_app(backend)
            for backend in self.env["sync.backend"]._at_work()
            if not time_left.expired
        ]

    @api.model
    def _check_app(self, backend):
        call = self.env["sync.call"].search(
            [
                ("backend_id", "=", backend.id),
                ("result", "in", ("success", "failure")),
                (
                    "create_date",
                    ">",
                    fields.Datetime.subtract(fields.Datetime.now(), seconds=LONG),
                ),
            ],
            limit=1,
        )
        answers, note = call.result == "success", ""
        if not call:
            try:
                answers = backend._app_answers()
            except FAILURES as exc:
                Error = self.env["sync.error"]
                note = Error._explained(Error._classify(exc, backend))
        elif not answers:
            note = said.CALL_FAILED
        return Found(int(not answers), 0, note, backend.id)


def _all(count):
    """All that a step found is in order since."""
    return [Found(count or 0, count or 0)]
