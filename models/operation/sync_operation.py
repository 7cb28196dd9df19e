import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core import said
from ...core.retry.policy import TOTAL_DEADLINE
from ...entities.sentence import Sentence
from ..base.alone import raced
from ..base.rights import OPERATOR, check_may

# What an operation that has failed is tried again by.
RECOVERIES = [
    ("retry", "Retry"),
    ("parked", "Waiting for the app"),
    ("merged", "Merge with newer values"),
    ("taken_up", "Another worker, after the first had died"),
    ("revived", "Return of the app"),
    ("redriven", "Retry of a failed change"),
]


class SyncOperation(models.Model):
    """One unit of work with its attempts. One that has died is a dead letter: it keeps
    its payload and its errors until a person redrives it, also when discarded."""

    _name = "sync.operation"
    _inherit = ["sync.by_entity"]
    _description = "Synchronisation Operation"
    _order = "id desc"

    CLOSED = ("done", "cancelled")
    OPEN = ("pending", "waiting")
    # Pulls that failed and were not made up for yet, or are under way.
    OPEN_PULL = (("kind", "=", "pull"), ("state", "not in", CLOSED))

    kind = fields.Selection(
        [("push", "Send"), ("pull", "Read"), ("apply", "Receive")],
        required=True,
        readonly=True,
        help="Send: to the pharmacy app (push). Read: what changed there (pull). "
        "Receive: carry an arrived record into Odoo (apply).",
    )
    state = fields.Selection(
        [
            ("pending", "Pending"),
            ("running", "Running"),
            ("waiting", "Waiting"),
            ("dead", "Failed"),
            ("done", "Done"),
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
    entity = fields.Selection(string="Type", related="stream_id.entity")
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
        "Next Attempt", readonly=True, help="When the next attempt is due."
    )
    parked = fields.Boolean(
        readonly=True, help="It waits for the app, not for its own time."
    )
    revive = fields.Boolean(
        readonly=True,
        help="Its attempts were used up while the app was away: they count anew as "
        "soon as the app answers.",
    )
    revivals = fields.Integer(
        readonly=True,
        help="How often its attempts counted anew since the app was back.",
    )
    recovery = fields.Selection(
        RECOVERIES,
        "Tried Again By",
        readonly=True,
        help="What came after its latest failure; of one that is done: what brought it "
        "through.",
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
    first_attempt_at = fields.Datetime("First Attempt", readonly=True)
    done_at = fields.Datetime(
        "Ended", readonly=True, help="When it was done, failed or was discarded."
    )
    duration = fields.Float(
        compute="_compute_duration",
        help="Seconds from the first attempt to the end.",
    )
    reason = Sentence(readonly=True)
    why = fields.Char(compute="_compute_why", help="Why it waits, failed or was ended.")
    error_ids = fields.One2many("sync.error", "operation_id", "Errors")
    error_count = fields.Integer(compute="_compute_errors")
    last_error = fields.Char(compute="_compute_errors")

    # Edits made while an operation waits ride along with it.
    _open_push_uniq = models.UniqueIndex(
        "(mapping_id) WHERE kind = 'push' AND state IN ('pending', 'waiting')",
        "A record has one change to send in the queue.",
    )
    _running_uniq = models.UniqueIndex(
        "(mapping_id) WHERE state = 'running'",
        "A record has one operation under way.",
    )
    _due_idx = models.Index(
        "(stream_id, kind, id) WHERE state IN ('pending', 'waiting')"
    )
    # What is open lies scattered among all that ended: pages count it, and see since
    # when it waits, by these two, without a look at its rows. PostgreSQL takes the
    # second for a statement that names all four states, and may then leave some out.
    _queued_idx = models.Index(
        "(id) INCLUDE (company_id) WHERE state IN ('pending', 'running', 'waiting')"
    )
    _queue_idx = models.Index(
        "(backend_id, stream_id, state) "
        "INCLUDE (kind, company_id, requested_at, held_until, eta, parked) "
        "WHERE state IN ('pending', 'running', 'waiting', 'dead')"
    )
    # In an order that the index below has not: walked backwards that one would look as
    # good to PostgreSQL, and be read to its end for a stream that never sent anything.
    _sent_idx = models.Index(
        "(stream_id, done_at DESC NULLS LAST) WHERE kind = 'push' AND state = 'done'"
    )
    _ended_idx = models.Index("(done_at) WHERE done_at IS NOT NULL")
    # A quiet pull asks for the one that failed, whatever the stream has behind it.
    _pull_idx = models.Index(
        "(stream_id) WHERE kind = 'pull' AND state NOT IN ('done', 'cancelled')"
    )
    _resume_idx = models.Index("(backend_id) WHERE parked")

    @api.model_create_multi
    def create(self, vals_list):
        operations = super().create(vals_list)
        operations.filtered(lambda o: o.state == "dead")._emit_event(
            "dead_letter_created"
        )
        return operations

    def write(self, vals):
        state = vals.get("state")
        if not state:
            return super().write(vals)
        was_dead = self.filtered(lambda operation: operation.state == "dead")
        result = super().write(vals)
        if state == "dead":
            (self - was_dead)._emit_event("dead_letter_created")
        elif was_dead:
            ended = state == "cancelled"
            kind = "discarded" if ended else "redriven"
            was_dead._emit_event(f"dead_letter_{kind}")
        return result

    def _emit_event(self, event_type):
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": event_type,
                    "backend_id": operation.backend_id.id,
                    "res_model": operation._name,
                    "res_id": operation.id,
                    "correlation_id": operation.correlation_id,
                    "data": {"cause": operation.reason or ""},
                }
                for operation in self.sudo()
            ]
        )

    @api.depends("kind", "mapping_id", "external_id", "stream_id", "payload")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for operation in self:
            operation.display_name = (
                f"{kinds.get(operation.kind)} {operation._subject()}"
            )

    def _subject(self):
        """What the operation is about: the name of its record, or what is read."""
        entities = dict(self._fields["entity"]._description_selection(self.env))
        return (
            self.mapping_id.record_name
            or self._arrived_name()
            or self.external_id
            or entities.get(self.entity)
            or ""
        )

    def _arrived_name(self):
        """What an arrived record calls itself that Odoo does not have."""
        payload = (self.payload if self.kind == "apply" else None) or {}
        name = payload.get("reference") or payload.get("name")
        return isinstance(name, str) and name

    @api.depends("reason")
    @api.depends_context("lang")
    def _compute_why(self):
        for operation in self:
            operation.why = self.env["sync.error"]._in_language(operation.reason)

    @api.depends("payload")
    def _compute_payload_text(self):
        for operation in self:
            operation.payload_text = self.env["sync.error"]._as_text(
                operation.payload, operation.backend_id
            )

    @api.depends("first_attempt_at", "done_at")
    def _compute_duration(self):
        for operation in self:
            begun, ended = operation.first_attempt_at, operation.done_at
            operation.duration = (
                (ended - begun).total_seconds() if begun and ended else 0.0
            )

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
            error.id: error.message_text
            for error in Error.browse(last for __, last in found.values())
        }
        for operation in self:
            count, last = found.get(operation, (0, None))
            operation.error_count = count
            operation.last_error = messages.get(last)

    # -- Actions ----------------------------------------------------------------------

    def action_redrive(self):
        """Try dead or waiting operations again, attempts counted anew."""
        self._check_operator()
        operations = self.filtered(lambda o: o.state in ("dead", "waiting"))
        if not operations:
            raise UserError(
                self.env._("Only failed changes and waiting operations can be retried.")
            )
        operations.sudo()._redrive(said.say(said.RETRIED_BY, self.env.user.name))
        return True

    def _redrive(self, reason):
        """Put dead or waiting operations in the queue, attempts counted anew."""
        lock = "SELECT 1 FROM sync_operation WHERE id = ANY(%s) FOR NO KEY UPDATE"
        raced(self.env, SQL(lock, self.ids))
        values = {
            "state": "pending",
            "attempts": 0,
            "eta": False,
            "last_delay": 0,
            "parked": False,
            "revive": False,
            "revivals": 0,
            "recovery": "redriven",
            "deadline_at": fields.Datetime.now() + TOTAL_DEADLINE,
            "reason": reason,
        }
        newer = self._newer_pushes()
        for operation in self:
            operation._change_state(values, newer)
            newer.setdefault(operation.mapping_id, operation)
        for successor in newer.values():
            successor.write(values)
        self._note("redriven")
        self.backend_id._schedule_push()
        self.backend_id._schedule_pull()

    def action_view_errors(self):
        self.check_access("read")
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_error"
        )
        action["domain"] = [("operation_id", "=", self.id)]
        return action

    def _check_operator(self):
        message = self.env._("Only operators may retry or discard operations.")
        check_may(self, OPERATOR, message)


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            # A discarded operation is kept, with the reason.
            (
                "sync_operation",
                "operations",
                "state IN ('done', 'cancelled') AND discarded_at IS NULL "
                "AND done_at < %s",
            ),
        )
