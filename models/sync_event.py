from odoo import api, fields, models
from odoo.tools import SQL

DISPATCH_LIMIT = 1000


class SyncEvent(models.Model):
    """Something that happened, written in the transaction in which it happened (the
    outbox). Each is delivered at least once: delivering it makes the operations that
    carry the change to the pharmacy app."""

    _name = "sync.event"
    _description = "Synchronisation Event"
    _order = "id desc"
    _rec_name = "type"

    type = fields.Char(required=True, readonly=True)
    backend_id = fields.Many2one(
        "sync.backend", required=True, readonly=True, ondelete="cascade"
    )
    stream_id = fields.Many2one(
        "sync.stream", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, readonly=True
    )
    res_model = fields.Char(related="stream_id.res_model")
    correlation_id = fields.Char(required=True, readonly=True, index=True)
    user_id = fields.Many2one("res.users", "Made by", readonly=True)
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Delivered")],
        required=True,
        default="pending",
        readonly=True,
    )

    _pending_idx = models.Index("(backend_id, id) WHERE state = 'pending'")
    _record_idx = models.Index("(stream_id, res_id)")

    def init(self):
        # The writing transaction's id, stamped by PostgreSQL itself: readers that
        # stay behind the oldest running transaction miss no late commit.
        self.env.cr.execute(
            "ALTER TABLE sync_event ADD COLUMN IF NOT EXISTS "
            "xid xid8 NOT NULL DEFAULT pg_current_xact_id()"
        )
        self.env.cr.execute(
            "CREATE INDEX IF NOT EXISTS sync_event__xid_idx "
            "ON sync_event (stream_id, xid, id)"
        )

    @api.model
    def _deliver(self, backend):
        """Turn pending events of ``backend`` into operations.

        Events of many edits of one record end in one push of its last state; an event
        whose record still equals what both sides agreed on ends here, which is where
        the echo of an applied change stops.

        :return: whether more are waiting
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT id, stream_id, res_id, correlation_id FROM sync_event
                    WHERE backend_id = %s AND state = 'pending'
                    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED""",
                backend.id,
                DISPATCH_LIMIT,
            )
        )
        by_stream = {}
        for __, stream_id, res_id, correlation_id in rows:
            # The latest correlation id is the one that the push will carry.
            by_stream.setdefault(stream_id, {})[res_id] = correlation_id
        for stream_id, changed in by_stream.items():
            stream = self.env["sync.stream"].browse(stream_id)
            self.env["sync.operation"]._request_push(stream, changed)
        events = self.browse(row[0] for row in rows)
        events.write({"state": "done"})
        return len(rows) == DISPATCH_LIMIT
