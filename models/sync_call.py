from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .own_transaction import in_own_transaction

RETENTION = timedelta(days=7)


class SyncCall(models.Model):
    """One HTTP exchange with the pharmacy app: appended, never changed."""

    _name = "sync.call"
    _description = "Call to the Pharmacy App"
    _order = "id desc"
    _rec_name = "path"

    backend_id = fields.Many2one(
        "sync.backend", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    operation = fields.Char(
        readonly=True, help="Kind of work the call was made for, such as push."
    )
    method = fields.Char(readonly=True)
    path = fields.Char(readonly=True)
    status = fields.Integer("HTTP Status", readonly=True, help="0: no answer came.")
    error_type = fields.Char(readonly=True)
    duration = fields.Float("Seconds", digits=(12, 4), readonly=True, aggregator="avg")
    items = fields.Integer("Records", readonly=True)
    bytes_sent = fields.Integer(readonly=True)
    bytes_received = fields.Integer(readonly=True)
    correlation_id = fields.Char(readonly=True, index=True)
    request_id = fields.Char(readonly=True)

    _window_idx = models.Index("(backend_id, operation, create_date)")
    _date_idx = models.Index("(create_date)")

    @api.model
    def _record(self, backend_id, operation, exchange, error_type=None):
        """Append one exchange in a transaction of its own."""
        values = {
            "backend_id": backend_id,
            "operation": operation,
            "method": exchange.method,
            "path": exchange.path,
            "status": exchange.status or 0,
            "error_type": error_type,
            "duration": exchange.duration,
            "items": exchange.items,
            "bytes_sent": exchange.bytes_sent,
            "bytes_received": exchange.bytes_received,
            "correlation_id": exchange.correlation_id,
            "request_id": exchange.request_id,
        }
        in_own_transaction(self.env, lambda env: env["sync.call"].create(values).id)

    @api.autovacuum
    def _gc_calls(self):
        limit = fields.Datetime.now() - RETENTION
        self.env.execute_query(
            SQL("DELETE FROM sync_call WHERE create_date < %s RETURNING id", limit)
        )
