from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.taxonomy import Category, ErrorType, Severity
from ..call.sync_call import OPERATIONS, RESULTS
from ..error.sync_error import selection
from ..operation.sync_operation import RECOVERIES

HOUR = timedelta(hours=1)
# An hour is rolled up when it is over for so long: by then most of what was written
# in it has been committed.
SETTLED = timedelta(minutes=10)
# The last hour is rolled up once more with the next, for what was committed later
# still, unless it is so old that its rows may have been purged.
REPEATED = timedelta(days=1)

# When the hour of a time began, and its five minutes, counted from the start.
WHOLE_HOUR = "date_trunc('hour', %(at)s)"
FIVE_MINUTES = """%(start)s::timestamp + interval '5 minutes'
    * floor(extract(epoch FROM %(at)s - %(start)s::timestamp) / 300)"""

KINDS = [("call", "Calls"), ("error", "Errors"), ("operation", "Operations")]
# Figures of [start, end), from the rows themselves: for each kind the column with the
# time, and its select. What an error has no code for goes by its HTTP status or type.
SOURCES = (
    (
        "create_date",
        """SELECT backend_id, %(slot)s AS hour, 'call' AS kind, operation, result,
                  NULL AS type, NULL AS category, NULL AS severity, NULL AS code,
                  NULL AS recovery, count(*) AS count,
                  count(*) FILTER (WHERE retry) AS retried,
                  coalesce(sum(duration), 0) AS seconds, max(create_date) AS last_at
             FROM sync_call
            WHERE create_date >= %(start)s AND create_date < %(end)s
              AND backend_id IS NOT NULL -- figures are those of apps
              AND operation <> 'token' -- and not of token servers
            GROUP BY 1, 2, operation, result""",
    ),
    (
        "occurred_at",
        """SELECT e.backend_id, %(slot)s, 'error', o.kind, NULL,
                  e.type, e.category, e.severity,
                  coalesce(nullif(e.code, ''), nullif(e.http_status, 0)::text, e.type)
                  AS code, NULL, count(*), count(*) FILTER (WHERE e.attempt > 1), 0,
                  max(e.occurred_at)
             FROM sync_error e LEFT JOIN sync_operation o ON o.id = e.operation_id
            WHERE e.occurred_at >= %(start)s AND e.occurred_at < %(end)s
              AND (e.backend_id IS NOT NULL OR e.company_id IS NULL)
            GROUP BY 1, 2, o.kind, e.type, e.category, e.severity, 9""",
    ),
    (
        "done_at",
        """SELECT o.backend_id, %(slot)s, 'operation', o.kind,
                  o.state, NULL, NULL, NULL, NULL, o.recovery, count(*),
                  count(*) FILTER (WHERE o.attempts > 1 OR EXISTS (
                      SELECT 1 FROM sync_error e WHERE e.operation_id = o.id)),
                  coalesce(sum(extract(epoch FROM o.done_at - o.requested_at)), 0),
                  max(o.done_at)
             FROM sync_operation o
            WHERE o.done_at >= %(start)s AND o.done_at < %(end)s
              AND o.state IN ('done', 'dead', 'cancelled')
            GROUP BY 1, 2, o.kind, o.state, o.recovery""",
    ),
)
COLUMNS = (
    *("backend_id", "hour", "kind", "operation", "result", "type", "category"),
    *("severity", "code", "recovery", "count", "retried", "seconds", "last_at"),
)


class SyncMetric(models.Model):
    """What happened in one hour, counted: the rollup behind the overview and the
    statistics, so that neither reads a million rows.

    Hours that are over are rolled up by a scheduled action; the one that is not is
    counted from the rows themselves whenever it is asked for (:meth:`_totals`).
    """

    _name = "sync.metric"
    _description = "Hourly Figures"
    _order = "hour desc, id desc"
    _rec_name = "hour"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    hour = fields.Datetime(
        "Hour From", required=True, readonly=True, help="When the hour began."
    )
    kind = fields.Selection(KINDS, "Counted", required=True, readonly=True)
    operation = fields.Selection(
        [*OPERATIONS, ("apply", "Receive")],
        readonly=True,
        help="Kind of operation it was part of.",
    )
    result = fields.Selection(
        [*RESULTS, ("done", "Done"), ("dead", "Failed"), ("cancelled", "Cancelled")],
        readonly=True,
        help="How a call or an operation ended; errors have none.",
    )
    type = fields.Selection(selection(ErrorType), "Error Type", readonly=True)
    category = fields.Selection(selection(Category), "Error Category", readonly=True)
    severity = fields.Selection(selection(Severity), "Error Severity", readonly=True)
    code = fields.Char(
        "Error Code",
        readonly=True,
        help="The code of an error; if it has none its HTTP status, or its type.",
    )
    recovery = fields.Selection(
        RECOVERIES,
        "Recovered By",
        readonly=True,
        help="Of operations: what they were tried again by after they failed last.",
    )
    count = fields.Integer(readonly=True)
    retried = fields.Integer(
        readonly=True,
        help="Of these, calls that sent a record again, errors of a repeated attempt, "
        "operations that had failed at least once before they ended.",
    )
    seconds = fields.Float(
        readonly=True,
        help="Calls: how long they took together. Operations: the time from the change "
        "to its end, together.",
    )
    last_at = fields.Datetime("Last Seen", readonly=True)

    _hour_idx = models.Index("(hour, kind)")
    _backend_idx = models.Index("(backend_id, hour)")

    @api.model
    def _totals(self, backend_ids, start, groupby, end=None, raw=False):
        """Figures since ``start``, the hour that is under way included.

        :param backend_ids: of these backends, which the caller may see; with None
            among them also what belongs to none
        :param start: datetime (UTC) at which an hour begins
        :param groupby: names of columns
        :param end: datetime (UTC) at which an hour begins, and which is not included
        :param raw: count the rows themselves: ``start`` and ``end`` may be any time,
            and five minutes take the place of ``hour``
        :return: a list of dicts of these columns, ``count``, ``retried``, ``seconds``
            and ``last_at``
        """
        keys = SQL(", ").join(map(SQL.identifier, groupby))
        end = min(end or datetime.max, fields.Datetime.now() + HOUR)
        horizon = start if raw else max(self._horizon() or start, start)
        rows = self.env.execute_query_dict(
            SQL(
                """WITH figures AS (
                       SELECT %(columns)s FROM sync_metric
                        WHERE hour >= %(start)s AND hour < %(until)s
                       UNION ALL
                       SELECT * FROM (%(live)s) AS live)
                   SELECT %(keys)s, sum(count)::bigint AS count,
                          coalesce(sum(retried), 0)::bigint AS retried,
                          coalesce(sum(seconds), 0)::float AS seconds,
                          max(coalesce(last_at, hour)) AS last_at
                     FROM figures
                    WHERE backend_id = ANY(%(ids)s) OR backend_id IS NULL AND %(none)s
                    GROUP BY %(keys)s""",
                columns=SQL(", ").join(map(SQL.identifier, COLUMNS)),
                start=start,
                until=min(horizon, end),
                live=_figures(horizon, end, FIVE_MINUTES if raw else WHOLE_HOUR),
                keys=keys,
                ids=[id_ for id_ in backend_ids if id_],
                none=None in backend_ids,
            )
        )
        return rows

    @api.model
    def _horizon(self):
        """The first hour that is not rolled up, or None.

        Hours without a row are counted anew each time, which costs nothing: there is
        nothing in them.
        """
        ((last,),) = self.env.execute_query(SQL("SELECT max(hour) FROM sync_metric"))
        return last and last + HOUR

    @api.model
    def _cron_roll_up(self):
        """Scheduled: count the hours that are over."""
        with self.env["sync.error"]._watch_over("scheduled figures"):
            self._roll_up_due()

    @api.model
    def _roll_up_due(self):
        self.env["sync.error.incident"]._end_resolved()
        now = fields.Datetime.now()
        # Hours that are still to come were counted while a clock was ahead.
        self.env.cr.execute(SQL("DELETE FROM sync_metric WHERE hour > %s", now))
        end = _hour(now - SETTLED)
        start = self._horizon() or self._first_hour()
        if not start:
            return
        if start > now - REPEATED:
            start -= HOUR
        self._roll_up(start, end)

    @api.model
    def _roll_up(self, start, end):
        """Count the hours from ``start`` to ``end`` (not included), anew if they were
        counted before."""
        self.env.cr.execute(
            SQL("DELETE FROM sync_metric WHERE hour >= %s AND hour < %s", start, end)
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO sync_metric (%s, company_id)
                   SELECT f.*, b.company_id FROM (%s) AS f
                     LEFT JOIN sync_backend b ON b.id = f.backend_id""",
                SQL(", ").join(map(SQL.identifier, COLUMNS)),
                _figures(start, end),
            )
        )

    @api.model
    def _first_hour(self):
        ((first,),) = self.env.execute_query(
            SQL(
                """SELECT LEAST((SELECT min(create_date) FROM sync_call),
                                (SELECT min(occurred_at) FROM sync_error),
                                (SELECT min(done_at) FROM sync_operation))"""
            )
        )
        return first and _hour(first)


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_metric", "figures", "hour < %s"),
        )


def _hour(moment):
    return moment.replace(minute=0, second=0, microsecond=0)


def _figures(start, end, slot=WHOLE_HOUR):
    return SQL(" UNION ALL ").join(
        SQL(
            source,
            start=start,
            end=end,
            slot=SQL(slot, at=SQL.identifier(column), start=start),
        )
        for column, source in SOURCES
    )
