import uuid

from odoo import api, fields, models
from odoo.tools import SQL

from ...entities.directory import Directory, unmapped
from ..base.own_transaction import apart

# States of what is still to be done.
QUEUED = ("pending", "running", "waiting")


class SyncOperation(models.Model):
    """How work gets into the queue and is taken up: requested once for each record,
    claimed by one worker, taken back from a dead one."""

    _inherit = "sync.operation"

    @api.model
    def _request_push(self, stream, changed, forced=False):
        """Put records in the queue that differ from what both sides agreed on.

        :param stream: the ``sync.stream`` they belong to
        :param changed: ``{res_id: correlation id}``
        :param forced: take records that the stream's domain leaves out, because
            another record refers to them
        """
        adapter = stream._adapter()
        Mapping = self.env["sync.mapping"]
        mappings = Mapping.search(
            [("stream_id", "=", stream.id), ("res_id", "in", list(changed))]
        )
        records = (
            self.env[stream.res_model]
            .with_context(active_test=False)
            .browse(changed)
            .exists()
        )
        alive = set(records.filtered(adapter._is_alive).ids)
        revived = mappings.filtered(lambda m: m.deleted and m.res_id in alive)
        # The pharmacy's record stays deleted: one that is used again is made anew.
        revived._bury()
        mappings -= revived
        by_res_id = {mapping.res_id: mapping for mapping in mappings}
        wanted = (
            records
            if forced
            else records.filtered_domain(adapter._domain(stream.backend_id))
        )
        new = wanted.filtered(lambda r: r.id not in by_res_id)
        known = records.filtered(lambda r: r.id in by_res_id)
        data = adapter._serialise(new | known, Directory(stream.backend_id))
        for entity, res_id in unmapped(list(data.values())):
            self._request_dependency(stream, entity, res_id)
        for mapping in mappings.filtered(lambda m: m.state == "conflict"):
            if mapping.res_id in data:
                data[mapping.res_id] = mapping._recheck_conflict(data[mapping.res_id])
        gone = mappings.filtered(
            lambda m: (
                m.res_id not in data
                and (m.external_id or m.uncertain)
                and not m.deleted
            )
        )
        gone.conflict_ids.filtered(lambda c: c.state == "open")._close("odoo")
        # Of a record that is just being sent, what its base will be is not known yet.
        differing = mappings.filtered(
            lambda m: (
                m.res_id in data
                and not m.deleted
                and (m._differs(data[m.res_id]) or not m.external_id or m.unanswered)
            )
        )
        added = Mapping._insert(stream, [{"res_id": res_id} for res_id in new.ids])
        self._enqueue_push(
            {m: changed[m.res_id] for m in gone | differing | added}, stream
        )

    @api.model
    def _request_dependency(self, stream, entity, res_id):
        """Queue a supplier or product that a record of ``stream`` refers to."""
        target = stream.backend_id.stream_ids.filtered(lambda s: s.entity == entity)
        open_already = self.search_count(
            [
                ("stream_id", "=", target.id),
                ("mapping_id.res_id", "=", res_id),
                ("state", "not in", self.CLOSED),
            ],
            limit=1,
        )
        if target.pushes and not open_already:
            self._request_push(target, {res_id: uuid.uuid4().hex}, forced=True)

    @api.model
    def _enqueue_push(self, correlation_ids, stream):
        """One open push for each mapping.

        :param correlation_ids: ``{mapping: correlation id}``
        """
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
                      AND (o.eta IS NULL OR o.eta <= now() at time zone 'UTC')
                      AND NOT EXISTS (
                          SELECT 1 FROM sync_operation r
                           WHERE r.mapping_id = o.mapping_id AND r.state = 'running')
                    ORDER BY o.id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
                stream.id,
                kind,
                limit,
            )
        )
        return self.browse(row[0] for row in rows)

    @api.model
    def _take_back_of(self, job_uuid):
        """Put back what this very job left running: it ran before and was killed."""
        self.search(
            [("state", "=", "running"), ("job_uuid", "=", job_uuid)]
        )._take_back()

    def _take_back(self):
        """Put operations whose worker died back in the queue."""
        self._withdraw_cancel()
        self._leave_all(
            {
                "state": "pending",
                "job_uuid": False,
                "recovery": "taken_up",
                "reason": self.env._("Taken up again: its worker had died."),
            }
        )

    @api.model
    def _cron_recover(self):
        """Scheduled: take up what a killed worker or a lost job left behind."""
        # Committed before events are delivered: that takes other transactions, which
        # would not see these operations in the queue, or would wait for this one.
        apart(self._take_back_left)
        self._recover()
        backends = self.env["sync.backend"].search([("paused", "=", False)])
        backends._schedule_push()
        backends._schedule_pull()

    @api.model
    def _recover(self):
        """Take up what else is left behind. Rooms above add theirs."""
        self.env["sync.progress"]._recover_all()
        self.env["sync.event"]._recover()

    @api.model
    def _take_back_left(self):
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


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    operation_count = fields.Integer("In Queue", compute="_compute_operation_counts")
    dead_count = fields.Integer("Dead Letters", compute="_compute_operation_counts")

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

    def _app_is_back(self):
        result = super()._app_is_back()
        if self.env["sync.operation"]._resume(self):
            self._schedule_push()
            self._schedule_pull()
        return result
