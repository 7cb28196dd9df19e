import random
import uuid
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..core.decision import Verdict, decide
from ..core.retry import delay
from ..entities.directory import Directory, unmapped
from .retrying import Retrying

TOTAL_DEADLINE = timedelta(hours=24)
RETENTION = timedelta(days=7)


class SyncOperation(models.Model):
    """One unit of work with its attempts. One that has died is a dead letter: it keeps
    its payload and its errors until a person redrives or discards it."""

    _name = "sync.operation"
    _description = "Synchronisation Operation"
    _order = "id desc"

    CLOSED = ("done", "cancelled")
    OPEN = ("pending", "waiting")

    kind = fields.Selection(
        [("push", "Push"), ("pull", "Pull"), ("apply", "Apply")],
        required=True,
        readonly=True,
        help="Push: send to the pharmacy app. Pull: read what changed there. "
        "Apply: carry an arrived record into Odoo.",
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("running", "Running"),
            ("waiting", "Waiting"),
            ("done", "Done"),
            ("dead", "Dead"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        default="pending",
        readonly=True,
    )
    stream_id = fields.Many2one(
        "sync.stream", required=True, readonly=True, ondelete="cascade", index=True
    )
    backend_id = fields.Many2one(related="stream_id.backend_id", store=True, index=True)
    company_id = fields.Many2one(related="stream_id.company_id", store=True)
    entity = fields.Selection(related="stream_id.entity")
    mapping_id = fields.Many2one(
        "sync.mapping", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    external_id = fields.Char("Pharmacy Id", readonly=True)
    payload = fields.Json(
        readonly=True, help="What was last sent, or the record that arrived."
    )
    payload_text = fields.Text(compute="_compute_payload_text")
    attempts = fields.Integer(readonly=True, help="Attempts made, the first included.")
    eta = fields.Datetime(
        "Not Before", readonly=True, help="When the next attempt is due."
    )
    parked = fields.Boolean(
        readonly=True, help="It waits for the app, not for its own time."
    )
    revive = fields.Boolean(
        readonly=True,
        help="It died because the app was not to be reached, and is tried again as "
        "soon as the app answers.",
    )
    last_delay = fields.Float(readonly=True, help="Seconds last waited for.")
    deadline_at = fields.Datetime(
        "Give Up After",
        readonly=True,
        default=lambda self: fields.Datetime.now() + TOTAL_DEADLINE,
    )
    correlation_id = fields.Char(
        readonly=True, index=True, default=lambda self: uuid.uuid4().hex
    )
    job_uuid = fields.Char("Job", readonly=True)
    requested_at = fields.Datetime(
        readonly=True,
        default=fields.Datetime.now,
        help="When the latest change was made that this operation carries.",
    )
    started_at = fields.Datetime(readonly=True)
    done_at = fields.Datetime(readonly=True)
    reason = fields.Char(readonly=True, help="Why it waits, died or was ended.")
    error_ids = fields.One2many("sync.error", "operation_id", "Errors")
    error_count = fields.Integer(compute="_compute_errors")
    last_error = fields.Char(compute="_compute_errors")

    # Edits made while an operation waits ride along with it.
    _open_push_uniq = models.UniqueIndex(
        "(mapping_id) WHERE kind = 'push' AND state IN ('pending', 'waiting')",
        "A record has one push in the queue.",
    )
    _running_uniq = models.UniqueIndex(
        "(mapping_id) WHERE state = 'running'",
        "A record has one operation under way.",
    )
    _due_idx = models.Index(
        "(stream_id, kind, id) WHERE state IN ('pending', 'waiting')"
    )
    _state_idx = models.Index("(state, id)")
    _resume_idx = models.Index("(backend_id) WHERE parked OR revive")

    @api.depends("kind", "mapping_id", "external_id", "stream_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for operation in self:
            subject = (
                operation.mapping_id.record_name
                or operation.external_id
                or operation.entity
            )
            operation.display_name = f"{kinds.get(operation.kind)} {subject}"

    @api.depends("payload")
    def _compute_payload_text(self):
        for operation in self:
            operation.payload_text = self.env["sync.error"]._as_text(operation.payload)

    def _compute_errors(self):
        Error = self.env["sync.error"]
        found = {
            operation: (count, last)
            for operation, count, last in Error._read_group(
                [("operation_id", "in", self.ids)],
                ["operation_id"],
                ["__count", "id:max"],
            )
        }
        messages = {
            error.id: error.message
            for error in Error.browse(last for __, last in found.values())
        }
        for operation in self:
            count, last = found.get(operation, (0, None))
            operation.error_count = count
            operation.last_error = messages.get(last)

    # -- Actions ----------------------------------------------------------------------

    def action_redrive(self):
        """Try dead or waiting operations again, attempts counted anew."""
        operations = self.filtered(lambda o: o.state in ("dead", "waiting"))
        if not operations:
            raise UserError(
                self.env._("Only dead letters and waiting operations can be redriven.")
            )
        self._check_operator()
        operations = operations.sudo()
        values = {
            "state": "pending",
            "attempts": 0,
            "eta": False,
            "last_delay": 0,
            "parked": False,
            "revive": False,
            "deadline_at": fields.Datetime.now() + TOTAL_DEADLINE,
            "reason": self.env._("Redriven by %s", self.env.user.name),
        }
        newer = operations._newer_pushes()
        for operation in operations:
            operation._leave(values, newer)
            newer.setdefault(operation.mapping_id, operation)
        for successor in newer.values():
            successor.write(values)
        operations.backend_id._schedule_push()
        operations.backend_id._schedule_pull()
        return True

    def action_cancel(self):
        """Discard operations that are not under way."""
        if self.filtered(lambda o: o.state not in (*self.OPEN, "dead")):
            raise UserError(
                self.env._("An operation that is running or ended cannot be discarded.")
            )
        self._check_operator()
        self.sudo()._end("cancelled", self.env._("Discarded by %s", self.env.user.name))
        return True

    def action_open_record(self):
        self.ensure_one()
        return self.mapping_id.action_open_record()

    def action_view_errors(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_error"
        )
        action["domain"] = [("operation_id", "=", self.id)]
        return action

    def _check_operator(self):
        if not (self.env.su or self.env.user.has_group("pharmacy_sync.group_operator")):
            raise AccessError(
                self.env._("Only operators may redrive or discard operations.")
            )

    # -- Requests ---------------------------------------------------------------------

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
        by_res_id = {mapping.res_id: mapping for mapping in mappings}
        records = (
            self.env[stream.res_model]
            .with_context(active_test=False)
            .browse(changed)
            .exists()
        )
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
                mapping._recheck_conflict(data[mapping.res_id])
        gone = mappings.filtered(
            lambda m: m.res_id not in data and m.external_id and not m.deleted
        )
        differing = mappings.filtered(
            lambda m: (
                m.res_id in data
                and (not m.external_id or m._merge(data[m.res_id]).to_pharmacy)
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

    # -- Outcomes ---------------------------------------------------------------------

    def _succeed(self, reason=False):
        self._end("done", reason)

    def _end(self, state, reason):
        self.write(
            {
                "state": state,
                "done_at": fields.Datetime.now(),
                "eta": False,
                "reason": reason,
            }
        )

    def _park(self, seconds, reason):
        """Wait without its costing an attempt."""
        self.write(
            {
                "state": "waiting",
                "eta": fields.Datetime.now() + timedelta(seconds=seconds),
                "reason": reason,
            }
        )

    def _fail(self, classification, exception=None):
        """All of these failed the same way: see :meth:`_fail_each`."""
        self._fail_each([(operation, classification, exception) for operation in self])

    @api.model
    def _fail_each(self, failures):
        """Record failed attempts, and decide what comes next for each operation.

        :param failures: tuples of operation, its
            :class:`..core.classification.Classification`, and what was raised
        """
        if not failures:
            return
        operations = self.browse(operation.id for operation, __, __ in failures)
        self.env["sync.error"]._record_each(failures)
        newer = operations._newer_pushes()
        retrying = {
            (backend, kind): Retrying(self.env, backend, kind)
            for (backend, kind) in {(o.backend_id, o.kind) for o in operations}
        }
        for operation, classification, __ in failures:
            context = retrying[operation.backend_id, operation.kind]
            values = operation._after_failure(classification, context)
            operation._leave(values, newer)

    def _after_failure(self, classification, retrying):
        """Values of an operation whose attempt failed.

        :param retrying: :class:`.retrying.Retrying` of its backend and kind
        """
        now = fields.Datetime.now()
        policy = retrying.policy(classification.type)
        in_time = now < self.deadline_at
        decision = decide(
            classification,
            attempts_left=policy.max_attempts - self.attempts,
            breaker_open=bool(retrying.rejection),
            budget_left=retrying.spare > 0,
            deadline_left=in_time,
        )
        values = {"reason": decision.reason, "parked": False}
        if decision.verdict == Verdict.PARK:
            eta = now + timedelta(seconds=retrying.park_seconds)
            values.update(state="waiting", parked=True, eta=eta)
        elif decision.verdict == Verdict.RETRY:
            seconds = delay(
                policy,
                max(self.attempts, 1),
                random,
                previous=self.last_delay or None,
                retry_after=classification.retry_after,
            )
            eta = now + timedelta(seconds=seconds)
            values.update(state="waiting", last_delay=seconds, eta=eta)
        else:
            revive = classification.counts_for_breaker and in_time
            values.update(state="dead", eta=False, revive=revive)
        return values

    def _give_back(self, seconds, reason):
        """The attempt was not made, and costs none: wait until it can be."""
        newer = self._newer_pushes()
        for operation in self:
            eta = fields.Datetime.now() + timedelta(seconds=seconds)
            operation.attempts = max(operation.attempts - 1, 0)
            operation._leave(
                {"state": "waiting", "parked": True, "eta": eta, "reason": reason},
                newer,
            )

    @api.model
    def _resume(self, backend):
        """Take up again what waited for the app, or died of its absence.

        :return: whether there was any
        """
        domain = Domain("backend_id", "=", backend.id)
        waiting = self.search(
            domain & Domain("parked", "=", True) & Domain("state", "=", "waiting")
        )
        waiting.write({"parked": False, "eta": False})
        dead = self.search(
            domain
            & Domain("revive", "=", True)
            & Domain("state", "=", "dead")
            & Domain("deadline_at", ">", fields.Datetime.now())
        )
        newer = dead._newer_pushes()
        values = {
            "state": "pending",
            "attempts": 0,
            "revive": False,
            "reason": self.env._("The pharmacy app answers again."),
        }
        for operation in dead:
            operation._leave(values, newer)
            newer.setdefault(operation.mapping_id, operation)
        return bool(waiting or dead)

    def _leave(self, values, newer):
        """Leave state running for what ``values`` say. Where a newer push of the same
        record is in the queue, that one goes on in this one's place: same state of
        the record, same attempts, same time to wait for.

        :param newer: what :meth:`_newer_pushes` says
        """
        self.ensure_one()
        successor = self.kind == "push" and newer.get(self.mapping_id)
        if not successor:
            self.write(values)
            return
        if values["state"] == "waiting":
            kept = {"eta", "last_delay", "parked", "reason"} & values.keys()
            successor.write(
                {"attempts": self.attempts} | {name: values[name] for name in kept}
            )
        self._end("cancelled", self.env._("A newer change is in the queue."))

    def _newer_pushes(self):
        """Open pushes of the same records: ``{mapping: operation}``."""
        return self.search(
            [
                ("mapping_id", "in", self.mapping_id.ids),
                ("kind", "=", "push"),
                ("state", "in", self.OPEN),
                ("id", "not in", self.ids),
            ]
        ).grouped("mapping_id")

    def _schedule_waiting(self):
        """A job for each moment at which one of these is due again."""
        # Whole seconds upwards: those due within one second share a job, and none is
        # started before its time.
        moments = {
            (
                operation.backend_id,
                operation.kind == "push",
                operation.eta.replace(microsecond=0) + timedelta(seconds=1),
            )
            for operation in self
            if operation.state == "waiting" and operation.eta
        }
        for backend, pushes, eta in moments:
            if pushes:
                backend._schedule_push(eta)
            else:
                backend._schedule_pull(eta)

    # -- Recovery ---------------------------------------------------------------------

    def _take_back(self):
        """Put operations whose worker died back in the queue."""
        newer = self._newer_pushes()
        for operation in self:
            operation._leave(
                {
                    "state": "pending",
                    "job_uuid": False,
                    "reason": self.env._("Taken up again: its worker had died."),
                },
                newer,
            )

    @api.model
    def _cron_recover(self):
        """Scheduled: take up what a killed worker or a lost job left behind."""
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
        backends = self.env["sync.backend"].search([("paused", "=", False)])
        backends._schedule_push()
        backends._schedule_pull()

    @api.autovacuum
    def _gc_operations(self):
        limit = fields.Datetime.now() - RETENTION
        self.search(
            [("state", "in", self.CLOSED), ("done_at", "<", limit)], limit=10_000
        ).unlink()
