from odoo import api, fields, models
from odoo.fields import Domain

from ...core.secrets.logs import get_logger
from ...core.taxonomy import ErrorType
from ..error.sync_error import selection

_logger = get_logger(__name__)

OPERATIONS = [("push", "Send"), ("pull", "Read"), ("test", "Connection test")]
SERVICE = ("service", "Service")
TOKEN = ("token", "Access token")
RESULTS = [
    ("success", "Answered"),
    ("failure", "No answer"),
    ("abandoned", "Not sent"),
    ("rejected", "Held back"),
]
# What a call is logged with, besides the time.
COLUMNS = (
    *("backend_id", "service_id", "operation", "breaker_id", "epoch"),
    *("result", "slow"),
    *("method", "path", "status", "error_type", "duration", "items", "retry"),
    *("bytes_sent", "bytes_received", "correlation_id", "request_id"),
)
# One round trip for the row, and for the slot that the call held. The log does not wait
# for the disk: if PostgreSQL itself crashes, its last moments are lost. What a breaker
# writes waits for the disk, and takes the rows before it along.
APPEND = f"""INSERT INTO sync_call ({", ".join(COLUMNS)}, create_date)
    VALUES ({"%s, " * len(COLUMNS)}%s)
    RETURNING set_config('synchronous_commit', 'off', true),
              pg_advisory_unlock(%s, %s)"""


class SyncCall(models.Model):
    """One exchange with the pharmacy app, or with a service that another addon calls:
    appended, never changed."""

    _name = "sync.call"
    _description = "Call to the Pharmacy App"
    _order = "id desc"
    _rec_name = "path"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    service_id = fields.Many2one(
        "sync.service", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    company_id = fields.Many2one(
        "res.company", compute="_compute_company_id", search="_search_company_id"
    )
    operation = fields.Selection(
        [*OPERATIONS, SERVICE, TOKEN],
        readonly=True,
        help="Kind of work the call was made for.",
    )
    method = fields.Char(readonly=True)
    path = fields.Char(readonly=True)
    status = fields.Integer("HTTP Status", readonly=True, help="0: no answer came.")
    error_type = fields.Selection(selection(ErrorType), readonly=True)
    duration = fields.Float("Seconds", digits=(12, 4), readonly=True, aggregator="avg")
    items = fields.Integer("Records", readonly=True)
    retry = fields.Boolean(readonly=True, help="A record in it was sent before.")
    bytes_sent = fields.Integer(readonly=True)
    bytes_received = fields.Integer(readonly=True)
    correlation_id = fields.Char(readonly=True, index=True)
    request_id = fields.Char(readonly=True)

    breaker_id = fields.Many2one("sync.breaker", readonly=True, ondelete="set null")
    epoch = fields.Integer(
        readonly=True, help="The breaker's epoch in which the call was permitted."
    )
    result = fields.Selection(
        RESULTS,
        readonly=True,
        help="What the call said of the app's health. Answered: the app may have "
        "refused the content, see the status. No answer: or one that speaks of a fault "
        "of the app. Held back: the breaker was open.",
    )
    slow = fields.Boolean(readonly=True)

    _window_idx = models.Index("(breaker_id, epoch, create_date)")
    _row_idx = models.Index(
        "(breaker_id, epoch, id) WHERE result IN ('success', 'failure')"
    )
    _result_idx = models.Index("(breaker_id, result, id)")
    # Whole, so that the latest calls of a backend are read in its order alone.
    _backend_idx = models.Index("(backend_id, create_date, id)")
    _outcome_idx = models.Index("(backend_id, operation, id)")
    _date_idx = models.Index("(create_date)")

    @api.depends("backend_id.company_id", "service_id.company_id")
    def _compute_company_id(self):
        for call in self:
            call.company_id = (call.backend_id or call.service_id).company_id

    @api.model
    def _search_company_id(self, operator, value):
        return Domain.OR(
            [(f"{callee}.company_id", operator, value)]
            for callee in ("backend_id", "service_id")
        )

    @api.depends("method", "path", "operation", "result", "service_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        operations, results = (
            dict(self._fields[name]._description_selection(self.env))
            for name in ("operation", "result")
        )
        for call in self:
            # Nothing was sent where the breaker was open.
            callee = call.service_id.name or operations.get(call.operation)
            call.display_name = (
                f"{call.method} {call.path}"
                if call.method
                else f"{callee}: {results.get(call.result)}"
            )

    @api.model
    def _append(self, cr, backend_id, operation, exchange=None, unlock=None, **values):
        """Append one row on ``cr``, a cursor of the call's own that commits by itself.

        :param exchange: :class:`...client.exchange.Exchange`; None if nothing was sent
        :param unlock: keys of an advisory lock to give back, once the row is written
        :param values: other columns
        """
        values.update(backend_id=backend_id, operation=operation)
        if exchange:
            values.update(
                method=exchange.method,
                path=exchange.path,
                status=exchange.status or 0,
                duration=exchange.duration,
                items=exchange.items,
                retry=exchange.retry,
                bytes_sent=exchange.bytes_sent,
                bytes_received=exchange.bytes_received,
                correlation_id=exchange.correlation_id,
                request_id=exchange.request_id,
            )
        _logger.debug(
            "%(operation)s %(method)s %(path)s: %(status)s, %(result)s, "
            "%(duration)s s, correlation id %(correlation_id)s",
            dict.fromkeys(COLUMNS) | values,
        )
        # Without a lock its keys are NULL, and nothing is unlocked.
        row = [*map(values.get, COLUMNS), fields.Datetime.now()]
        cr.execute(APPEND, [*row, *(unlock or (None, None))])
        # It is committed already, but on a test's cursor.
        cr.commit()  # pylint: disable=invalid-commit


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_call", "log", "create_date < %s"),
            ("sync_breaker_transition", "history", "at < %s"),
        )
