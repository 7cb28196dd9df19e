from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.api.rate_limit import DEFAULT_LIMIT, WINDOW, seconds_to_wait
from ...core.exceptions import NotNowError
from ...core.taxonomy import ErrorType


class SyncRate(models.Model):
    """How many requests of a backend came in a minute.

    Each connection to the database counts in a row of its own: no transaction waits for
    another, or fails because of it, and all workers see what the others committed.
    """

    _name = "sync.rate"
    _description = "Requests of a Minute"
    _order = "minute desc, id desc"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    kind = fields.Selection(
        [("api", "API"), ("webhook", "Webhook")], "Road", required=True
    )
    minute = fields.Datetime(required=True)
    slot = fields.Integer("Connection", required=True)
    admitted = fields.Integer(default=0)
    refused = fields.Integer(default=0)

    _slot_uniq = models.Constraint(
        "UNIQUE(backend_id, kind, minute, slot)",
        "A connection counts the requests of a minute once.",
    )

    @api.model
    def _admit(self, backend, kind):
        """Count a request, and let it in or not.

        :param str kind: api or webhook; each has the limit for itself
        :raises NotNowError: there were too many; ``retry_after`` says when to come back
        """
        wait = self._seconds_to_wait(backend, kind)
        self._count(backend, kind, refused=bool(wait))
        if wait:
            raise NotNowError(
                f"More than {backend.rate_limit} requests in a minute.",
                error_type=ErrorType.RATE_LIMIT_EXCEEDED,
                retry_after=wait,
            )

    @api.model
    def _seconds_to_wait(self, backend, kind):
        ((elapsed, now, before),) = self.env.execute_query(
            SQL(
                """
                WITH clock AS (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS moment),
                     this AS (SELECT moment, date_trunc('minute', moment) AS minute
                                FROM clock)
                SELECT extract(epoch FROM this.moment - this.minute)::float,
                       coalesce(sum(admitted) FILTER (
                           WHERE r.minute = this.minute), 0),
                       coalesce(sum(admitted) FILTER (
                           WHERE r.minute < this.minute), 0)
                  FROM this LEFT JOIN sync_rate r
                    ON r.backend_id = %s AND r.kind = %s
                   AND r.minute >= this.minute - interval '1 minute'
                 GROUP BY this.moment, this.minute
                """,
                backend.id,
                kind,
            )
        )
        return seconds_to_wait(before, now, min(elapsed, WINDOW), backend.rate_limit)

    @api.model
    def _count(self, backend, kind, refused):
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO sync_rate AS r
                       (backend_id, kind, minute, slot, admitted, refused)
                VALUES (%s, %s,
                        date_trunc('minute', clock_timestamp() AT TIME ZONE 'UTC'),
                        pg_backend_pid(), %s, %s)
                    ON CONFLICT (backend_id, kind, minute, slot) DO UPDATE
                   SET admitted = r.admitted + excluded.admitted,
                       refused = r.refused + excluded.refused
                """,
                backend.id,
                kind,
                int(not refused),
                int(refused),
            )
        )


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    rate_limit = fields.Integer(
        "Requests a Minute",
        default=DEFAULT_LIMIT,
        required=True,
        help="How many calls of the pharmacy app are let in within a minute, and as "
        "many webhooks. More are answered with 429 and when to come back.",
    )
    refused_count = fields.Integer(
        "Refused (24 h)",
        compute="_compute_refused_count",
        help="Calls and webhooks of the last 24 hours that went beyond the limit.",
    )

    _rate_limit_positive = models.Constraint(
        "CHECK(rate_limit > 0)", "Requests a minute must be above zero."
    )

    def _compute_refused_count(self):
        since = fields.Datetime.now() - timedelta(hours=24)
        counts = dict(
            self.env["sync.rate"]
            .sudo()
            ._read_group(
                [("backend_id", "in", self.ids), ("minute", ">=", since)],
                ["backend_id"],
                ["refused:sum"],
            )
        )
        for backend in self:
            backend.refused_count = counts.get(backend, 0)


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (*super()._expired(), ("sync_rate", "log", "minute < %s"))
