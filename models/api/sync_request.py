import hashlib
import json

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.exceptions import InvalidDataError
from ...core.storable import storable
from ..base.rows import insert_rows


class SyncRequest(models.Model):
    """A request of the pharmacy app that carried an idempotency key, with its answer:
    the same request gets the same answer, for seven days."""

    _name = "sync.request"
    _description = "Idempotent Request"
    _order = "id desc"
    _rec_name = "key"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    key = fields.Char(required=True)
    request_hash = fields.Char(required=True)
    answer = fields.Json()

    _key_uniq = models.Constraint(
        "UNIQUE(backend_id, key)", "An idempotency key names one request."
    )

    @api.model
    def _enter(self, backend, key, request):
        """Take the key for this request, or find the answer it had.

        A concurrent twin waits here for the other, then meets a serialization failure,
        is replayed, and finds the answer.

        :param request: what was asked, JSON-serialisable
        :return: the ``sync.request``; it has an ``answer`` if it was answered before
        :raises InvalidDataError: the key was used for another request
        """
        body = json.dumps(storable(request), sort_keys=True, separators=(",", ":"))
        request_hash = hashlib.sha256(body.encode()).hexdigest()
        row = {"backend_id": backend.id, "key": key, "request_hash": request_hash}
        if ids := insert_rows(self, [row], on_conflict=SQL("DO NOTHING")):
            return self.browse(ids)
        entered = self.search([("backend_id", "=", backend.id), ("key", "=", key)])
        if entered.request_hash != request_hash:
            raise InvalidDataError(
                "The idempotency key was used for another request.",
                field="idempotency_key",
            )
        return entered


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_request", "answers", "create_date < %s"),
        )
