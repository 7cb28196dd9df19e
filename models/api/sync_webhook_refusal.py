from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.alert.rules import Condition
from ...core.exceptions import SignatureError
from ..alert.sources import Sighting
from ..base.own_transaction import apart

# That many of one reason within an hour are an error, about which people are alerted.
SEVERAL = 5
# Reasons that speak of a clock.
OF_TIME = ("stale", "from_the_future")
REASONS = [
    ("mismatch", "Wrong signature"),
    ("stale", "Too old"),
    ("from_the_future", "From the future"),
    ("too_large", "Too large"),
    ("malformed", "Not signed, or malformed"),
]


class SyncWebhookRefusal(models.Model):
    """How many webhooks were refused within an hour, for one reason. Without a backend:
    they were sent to an address that takes none."""

    _name = "sync.webhook.refusal"
    _description = "Refused Webhooks"
    _log_access = False
    _order = "hour desc, id desc"
    _rec_name = "reason"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    reason = fields.Selection(REASONS, required=True, readonly=True)
    hour = fields.Datetime("From", required=True, readonly=True)
    count = fields.Integer(required=True, readonly=True)
    last_at = fields.Datetime("Last", required=True, readonly=True)

    _hour_uniq = models.UniqueIndex("(COALESCE(backend_id, 0), reason, hour)")

    @api.model
    def _refuse(self, backend, reason):
        """Count a refused webhook, whatever becomes of the request."""
        row = (backend.id or None, reason)
        if apart(self._count, *row, read_committed=True) == SEVERAL and backend:
            self.env["sync.error"]._record(
                SignatureError(self._explanation(reason), reason=reason),
                backend_id=backend.id,
                operation="webhook",
            )

    @api.model
    def _count(self, backend_id, reason):
        now = fields.Datetime.now()
        ((count,),) = self.env.execute_query(
            SQL(
                """INSERT INTO sync_webhook_refusal AS r
                          (backend_id, reason, hour, count, last_at)
                   VALUES (%s, %s, %s, 1, %s)
                   ON CONFLICT (COALESCE(backend_id, 0), reason, hour)
                   DO UPDATE SET count = r.count + 1, last_at = EXCLUDED.last_at
                   RETURNING count""",
                backend_id,
                reason,
                now.replace(minute=0, second=0),
                now,
            )
        )
        return count

    @api.model
    def _explanation(self, reason):
        clock = self.env._(
            "A clock is wrong, the pharmacy app's or that of Odoo's server: put it "
            "right."
        )
        texts = {
            "mismatch": self.env._(
                "Webhooks are refused because of their signature. Enter the secret "
                "that the pharmacy app has now; if it is the same, someone else "
                "sends them."
            ),
            "stale": self.env._("Webhooks are refused because they are too old."),
            "from_the_future": self.env._(
                "Webhooks are refused because they are from the future."
            ),
            "too_large": self.env._("Webhooks are refused because they are too large."),
            "malformed": self.env._(
                "Webhooks are refused because they are not signed as Standard Webhooks "
                "asks for it."
            ),
        }
        wrong = reason in OF_TIME
        return f"{texts[reason]} {clock}" if wrong else texts[reason]


class SyncAlert(models.Model):
    """Webhooks that were refused of late, as what may raise an alert."""

    _inherit = "sync.alert"

    @api.model
    def _sources(self):
        return {
            **super()._sources(),
            Condition.WEBHOOKS_REFUSED: self._see_webhooks_refused,
            Condition.CLOCK_WRONG: self._see_clock_wrong,
        }

    @api.model
    def _see_webhooks_refused(self, rule, backend_ids):
        return self._see_refused(backend_ids, "not in")

    @api.model
    def _see_clock_wrong(self, rule, backend_ids):
        return self._see_refused(backend_ids, "in")

    def _see_refused(self, backend_ids, operator):
        lately = fields.Datetime.now() - timedelta(hours=1)
        Refusal = self.env["sync.webhook.refusal"]
        refused = Refusal.search(
            [
                ("backend_id", "in", [id_ for id_ in backend_ids if id_]),
                ("reason", operator, OF_TIME),
                ("last_at", ">", lately),
            ],
            order="last_at",
        )
        labels = dict(Refusal._fields["reason"]._description_selection(self.env))
        return [
            Sighting(
                backend.id,
                figure=sum(rows.mapped("count")),
                subject=backend.name,
                count=sum(rows.mapped("count")),
                at=rows[-1].last_at,
                cause=labels[rows[-1].reason],
                key="webhooks",
            )
            for backend, rows in refused.grouped("backend_id").items()
        ]


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_webhook_refusal", "log", "hour < %s"),
        )
