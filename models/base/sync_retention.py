from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.secrets.logs import get_logger
from .alone import alone

_logger = get_logger(__name__)
# Rows that go in one transaction.
BATCH = 10_000
# Days for which rows are kept unless the settings say otherwise.
DAYS = {
    "log": 7,
    # No setting shortens what the app was promised.
    "answers": 7,
    "operations": 7,
    "errors": 30,
    "versions": 30,
    "history": 365,
    "audit": 365,
    "figures": 365,
}


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
        for table, kind, condition in self._expired():
            # One table in trouble lets no other grow for ever.
            with alone(self.env) as failure:
                counts.append(self._remove(table, kind, condition))
            if failure:
                _logger.critical("old rows of %s stay", table, exc_info=failure.error)
        counts += self._drop_records()
        self.env.invalidate_all()
        return sum(counts), sum(count == BATCH for count in counts)

    @api.model
    def _remove(self, table, kind, condition):
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
        return len(rows)

    @api.model
    def _expired(self):
        """What goes once it is old: a tuple of (table, kind of the days, SQL condition
        with the time limit as its only parameter).

        Each room adds its own, and so may another addon. What people have not
        resolved, decided or received yet stays.
        """
        return ()

    @api.model
    def _drop_records(self):
        """Remove old records that others hang on, through the ORM: a list of counts, at
        most :data:`BATCH` each. Each room adds its own."""
        return []


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pharmacy_sync_keep_log = fields.Integer(
        "Log",
        default=DAYS["log"],
        config_parameter="pharmacy_sync.keep_log",
        help="Days for which calls and delivered events are kept.",
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
    pharmacy_sync_keep_versions = fields.Integer(
        "Earlier Values",
        default=DAYS["versions"],
        config_parameter="pharmacy_sync.keep_versions",
        help="Days for which the history of a linked record says what a value was "
        "before.",
    )
    pharmacy_sync_keep_history = fields.Integer(
        "History of Breakers",
        default=DAYS["history"],
        config_parameter="pharmacy_sync.keep_history",
        help="Days for which the changes of breakers are kept.",
    )


def _parameter(kind):
    return f"pharmacy_sync.keep_{kind}"
