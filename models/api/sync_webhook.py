import hashlib
from datetime import datetime, timedelta, timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.event.signature import TOLERANCE
from ..base.alone import raced
from ..base.rows import insert_rows
from ..base.sync_retention import BATCH


class SyncWebhook(models.Model):
    """A webhook that was accepted: sent again, nothing is done, for as long as its
    signature holds. Senders repeat what they had no answer to."""

    _name = "sync.webhook"
    _description = "Accepted Webhook"
    _log_access = False

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    key = fields.Char(required=True, help="Hash of the id that the message has.")
    expires = fields.Datetime(required=True, index=True)

    _key_uniq = models.Constraint(
        "UNIQUE(backend_id, key)", "A webhook has its effect once."
    )

    @api.model
    def _is_first(self, backend, signed):
        """Remember a webhook. When two come at once, the second waits for the first
        and meets a serialization failure, which replays it.

        :param signed: :class:`...core.event.signature.Signed`
        :return: whether it is the first of its id
        """
        written = datetime.fromtimestamp(signed.timestamp, timezone.utc)
        row = {
            "backend_id": backend.id,
            "key": hashlib.sha256(signed.id.encode()).hexdigest(),
            "expires": written.replace(tzinfo=None) + timedelta(seconds=TOLERANCE),
        }
        if insert_rows(self, [row], on_conflict=SQL("DO NOTHING")):
            return True
        # The signature of this one holds longer than that of the first.
        raced(
            self.env,
            SQL(
                """UPDATE sync_webhook SET expires = GREATEST(expires, %s)
                    WHERE backend_id = %s AND key = %s RETURNING id""",
                *(row["expires"], row["backend_id"], row["key"]),
            ),
        )
        return False


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _drop_records(self):
        gone = self.env.execute_query(
            SQL(
                """DELETE FROM sync_webhook WHERE id IN (
                     SELECT id FROM sync_webhook WHERE expires < %s LIMIT %s)
                   RETURNING id""",
                fields.Datetime.now(),
                BATCH,
            )
        )
        return [*super()._drop_records(), len(gone)]
