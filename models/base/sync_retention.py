from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

# Rows that go in one transaction.
BATCH = 10_000
# Days for which rows are kept, where nobody chose otherwise.
DAYS = {
    "log": 7,
    "operations": 7,
    "errors": 30,
    "history": 365,
    "audit": 365,
    "figures": 365,
}
# What may go: table, kind of the days, and which rows that are older than :limit.
# What nobody resolved, decided or delivered yet stays.
EXPIRED = (
    ("sync_call", "log", "create_date < %s"),
    ("sync_request", "log", "create_date < %s"),
    ("sync_cache", "log", "fetched_at < %s"),
    ("sync_cache_use", "history", "day < %s"),
    # What a person gave up is kept, with the reason.
    (
        "sync_operation",
        "operations",
        "state IN ('done', 'cancelled') AND discarded_at IS NULL AND done_at < %s",
    ),
    ("sync_error", "errors", "resolved AND occurred_at < %s"),
    ("sync_breaker_transition", "history", "at < %s"),
    ("sync_audit", "audit", "at < %s"),
    ("sync_metric", "figures", "hour < %s"),
    ("sync_event_metric", "figures", "hour < %s"),
    ("sync_error_incident", "figures", "ended_at < %s"),
)


class SyncRetention(models.AbstractModel):
    """Removes, with Odoo's daily clean-up, what is older than an administrator wants:
    in batches, each a transaction of its own."""

    _name = "sync.retention"
    _description = "Retention"

    @api.model
    def _days(self, kind):
        """Days for which rows are kept.

        :param kind: key of :data:`DAYS`
        """
        stored = self.env["ir.config_parameter"].sudo().get_param(_parameter(kind))
        return max(1, int(stored)) if (stored or "").isdigit() else DAYS[kind]

    @api.autovacuum
    def _gc_expired(self):
        """Remove a batch of each kind.

        :return: (rows removed, batches that may be left)
        """
        counts = []
        for table, kind, condition in EXPIRED:
            limit = fields.Datetime.now() - timedelta(days=self._days(kind))
            rows = self.env.execute_query(
                SQL(
                    """DELETE FROM %(table)s WHERE id IN (
                         SELECT id FROM %(table)s WHERE %(condition)s LIMIT %(batch)s)
                       RETURNING id""",
                    table=SQL.identifier(table),
                    condition=SQL(condition, limit),
                    batch=BATCH,
                )
            )
            counts.append(len(rows))
        counts.append(self._drop_empty_groups())
        counts.append(self._drop_resolved_alerts())
        self.env.invalidate_all()
        return sum(counts), sum(count == BATCH for count in counts)

    def _drop_empty_groups(self):
        """Error groups whose errors have all gone. One that is muted stays: it is to
        be remembered that nobody wants to hear of it."""
        limit = fields.Datetime.now() - timedelta(days=self._days("errors"))
        groups = self.env["sync.error.group"].search(
            [
                ("last_seen", "<", limit),
                ("error_ids", "=", False),
                "|",
                ("state", "!=", "muted"),
                ("muted_until", "<", fields.Datetime.now()),
            ],
            limit=BATCH,
        )
        groups.unlink()
        return len(groups)

    def _drop_resolved_alerts(self):
        """Alerts that are over. They go one by one, with their notes and activities."""
        limit = fields.Datetime.now() - timedelta(days=self._days("errors"))
        alerts = self.env["sync.alert"].search(
            [("state", "=", "resolved"), ("resolved_at", "<", limit)], limit=BATCH
        )
        alerts.unlink()
        return len(alerts)


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pharmacy_sync_keep_log = fields.Integer(
        "Log",
        default=DAYS["log"],
        config_parameter="pharmacy_sync.keep_log",
        help="Days for which calls, delivered events and answers to idempotent "
        "requests are kept.",
    )
    pharmacy_sync_keep_operations = fields.Integer(
        "Operations That Ended",
        default=DAYS["operations"],
        config_parameter="pharmacy_sync.keep_operations",
        help="Days for which operations that are done or were cancelled are kept.",
    )
    pharmacy_sync_keep_errors = fields.Integer(
        "Resolved Errors",
        default=DAYS["errors"],
        config_parameter="pharmacy_sync.keep_errors",
        help="Days for which resolved errors and alerts are kept. Others are never "
        "removed.",
    )
    pharmacy_sync_keep_history = fields.Integer(
        "History of Breakers",
        default=DAYS["history"],
        config_parameter="pharmacy_sync.keep_history",
        help="Days for which the changes of breakers are kept.",
    )


def _parameter(kind):
    return f"pharmacy_sync.keep_{kind}"
