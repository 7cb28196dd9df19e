from odoo import api, fields, models
from odoo.tools import SQL

from ...core import said
from ...core.error.retry_after import RETRY_AFTER_LIMIT

# States of what is still to be done.
QUEUED = ("pending", "running", "waiting")
# Kinds of operations that wait while a breaker of a kind of calls is open. An arrived
# record may wait for another one that is still to be read.
KINDS_OF = {"push": ("push",), "pull": ("pull", "apply")}
ALL_KINDS = ("push", "pull", "apply")
# Work is due at its time; also if that was written while a clock was wrong, or is
# further away than anything waits for. The time is the statement's: to a transaction
# that is minutes old, what it has just written would seem to be of the future.
DUE = SQL(
    """(o.eta IS NULL
        OR least(o.eta, o.write_date + make_interval(secs => %s))
           <= statement_timestamp() at time zone 'UTC'
        OR o.write_date > statement_timestamp() at time zone 'UTC'
                          + interval '1 minute')""",
    RETRY_AFTER_LIMIT,
)


class SyncOperation(models.Model):
    """How work is queued and taken up: one open push for each record, claimed by one
    worker, taken back from a dead one."""

    _inherit = "sync.operation"

    @api.model
    def _enqueue_push(self, correlation_ids, stream):
        """One open push for each mapping; none if the stream goes to Odoo only.

        :param correlation_ids: ``{mapping: correlation id}``
        """
        if stream.direction == "pull":
            return
        waiting = self.search(
            [
                ("mapping_id", "in", [mapping.id for mapping in correlation_ids]),
                ("kind", "=", "push"),
                ("state", "in", self.OPEN),
            ]
        )
        # The write is needed: a worker that is just taking one of these up read the
        # record before this change, and now fails to and takes it up anew.
        waiting.write({"requested_at": fields.Datetime.now()})
        self.env["sync.mapping"]._touch([mapping.id for mapping in correlation_ids])
        self.create(
            [
                {
                    "kind": "push",
                    "stream_id": stream.id,
                    "mapping_id": mapping.id,
                    "correlation_id": correlation_id,
                }
                for mapping, correlation_id in correlation_ids.items()
                if mapping not in waiting.mapping_id
            ]
        )

    @api.model
    def _claim(self, stream, kind, limit):
        """Lock operations that are due and whose record has none under way."""
        rows = self.env.execute_query(
            SQL(
                """SELECT o.id FROM sync_operation o
                    WHERE o.stream_id = %s AND o.kind = %s
                      AND o.state IN ('pending', 'waiting')
                      AND %s AND NOT EXISTS (
                          SELECT 1 FROM sync_operation r
                           WHERE r.mapping_id = o.mapping_id AND r.state = 'running')
                    ORDER BY o.id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
                stream.id,
                kind,
                DUE,
                limit,
            )
        )
        return self.browse(row[0] for row in rows)

    def _is_time(self):
        """Whether its time has come, see :data:`DUE`."""
        self.flush_recordset()
        query = SQL("SELECT %s FROM sync_operation o WHERE o.id = %s", DUE, self.id)
        return self.env.execute_query(query)[0][0]

    @api.model
    def _is_due(self, stream, kind):
        """Whether there is an operation to be taken up now."""
        rows = self.env.execute_query(
            SQL(
                """SELECT 1 FROM sync_operation o
                    WHERE o.stream_id = %s AND o.kind = %s
                      AND o.state IN ('pending', 'waiting') AND %s LIMIT 1""",
                stream.id,
                kind,
                DUE,
            )
        )
        return bool(rows)

    @api.model
    def _take_back_of(self, job_uuid):
        """Put back what this very job left running: it ran before and was killed."""
        self.search(
            [("state", "=", "running"), ("job_uuid", "=", job_uuid)]
        )._take_back()

    def _take_back(self):
        """Put operations whose worker died back in the queue."""
        self._withdraw_cancel()
        self._change_states(
            {
                "state": "pending",
                "job_uuid": False,
                "recovery": "taken_up",
                "reason": said.TAKEN_UP,
            }
        )

    @api.model
    def _take_back_left(self):
        """Take back what has no living job.

        :return: how many operations
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT o.id FROM sync_operation o
                    WHERE o.state = 'running' AND NOT EXISTS (
                        SELECT 1 FROM queue_job j WHERE j.uuid = o.job_uuid
                           AND j.state IN ('pending', 'enqueued', 'started'))
                    FOR NO KEY UPDATE SKIP LOCKED"""
            )
        )
        self.browse(row[0] for row in rows)._take_back()
        return len(rows)


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    @api.model
    def _schedule_all(self):
        backends = self._at_work()
        backends._schedule_push()
        backends._schedule_pull()

    operation_count = fields.Integer("In Queue", compute="_compute_operation_counts")
    dead_count = fields.Integer("Failed Changes", compute="_compute_operation_counts")

    def _compute_operation_counts(self):
        counts = {
            (backend.id, state): count
            for backend, state, count in self.env["sync.operation"]._read_group(
                [("backend_id", "in", self.ids), ("state", "in", (*QUEUED, "dead"))],
                ["backend_id", "state"],
                ["__count"],
            )
        }
        for backend in self:
            backend.operation_count = sum(
                counts.get((backend.id, state), 0) for state in QUEUED
            )
            backend.dead_count = counts.get((backend.id, "dead"), 0)

    def action_view_operations(self):
        return self._action("action_sync_operation")

    def action_view_dead_letters(self):
        return self._action("action_sync_dead_letter")

    def _stood_still(self, since, operation=None):
        """The deadlines of what is queued stand still meanwhile."""
        result = super()._stood_still(since, operation)
        self.env["sync.operation"].flush_model(["deadline_at", "requested_at", "state"])
        self.env.execute_query(
            SQL(
                """UPDATE sync_operation
                      SET deadline_at = deadline_at + (%(now)s
                          - greatest(%(since)s, requested_at))
                    WHERE backend_id = ANY(%(backends)s) AND kind = ANY(%(kinds)s)
                      AND state IN ('pending', 'running', 'waiting', 'dead')
                      AND requested_at < %(now)s
                RETURNING id""",
                now=fields.Datetime.now(),
                since=since,
                backends=self.ids,
                kinds=list(KINDS_OF.get(operation, ALL_KINDS)),
            )
        )
        self.env["sync.operation"].invalidate_model(["deadline_at"])
        return result

    def _app_is_back(self):
        result = super()._app_is_back()
        if self.env["sync.operation"]._resume(self):
            self._schedule_push()
            self._schedule_pull()
        return result
