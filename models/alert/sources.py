"""What may raise an alert: a method for each condition, which sees how things stand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.alert.rules import Condition
from ...core.analytics.health_score import health
from ...core.taxonomy import Severity
from ..error.work_names import HANDLING

# Errors that occurred since then are looked at: every minute, and some minutes late.
LOOK = timedelta(seconds=90)
# Errors with an alert each are found even if they were committed that late.
URGENT_LOOK = timedelta(minutes=15)
# States of groups whose errors raise no alert.
QUIET = ("muted", "resolved")


@dataclass(frozen=True)
class Sighting:
    """Something that a rule looks at, as it is now.

    :param figure: what the rule's threshold is compared with
    :param count: how often it has happened, for a new alert
    :param more: how often since the alert that is open counted it last
    :param mark: id of the latest row that is counted
    :param at: when it last happened (UTC); None: it is a state, without a time
    :param since: when it began (UTC); None: not before ``at``
    :param key: what distinguishes it from others of the same rule and backend
    :param company_id: whose it is, where there is no backend; None: everybody's
    :param severity: instead of the rule's
    """

    backend_id: int | None
    figure: float
    subject: str = ""
    res_model: str | None = None
    res_id: int | None = None
    count: int = 1
    more: int = 0
    mark: int = 0
    at: datetime | None = None
    since: datetime | None = None
    cause: str = ""
    error_type: str | None = None
    correlation_id: str | None = None
    key: str | None = None
    company_id: int | None = None
    severity: Severity | None = None

    def began(self, now):
        """When it began, as far as is known: never after it happened last."""
        return min(moment for moment in (self.since, self.at, now) if moment)

    def fingerprint(self, rule):
        key = self.key or f"{self.res_model or ''},{self.res_id or 0}"
        owner = self.backend_id or 0
        if not owner and self.company_id:
            owner = f"company {self.company_id}"
        return f"{rule.id}:{owner}:{key}"


class SyncAlert(models.Model):
    """Each method returns the :class:`Sighting` s of one rule, a
    :class:`...core.alert.rules.Rule`, on backends given by id (None: what belongs to
    none). What is below the threshold may be among them; what is not among them is
    gone."""

    _inherit = "sync.alert"

    @api.model
    def _see(self, rule, backend_ids):
        """What a rule looks at, as it is now."""
        return self._sources()[rule.condition](rule, backend_ids)

    @api.model
    def _sources(self):
        """``{condition: method}``. Rooms above add theirs."""
        return {
            Condition.CRITICAL_ERROR: self._see_critical_error,
            Condition.AUTHENTICATION: self._see_authentication,
            Condition.ERROR_RATE: self._see_error_rate,
            Condition.ERROR_SPIKE: self._see_error_spike,
            Condition.BREAKER_OPENED: self._see_breaker_opened,
            Condition.DEAD_LETTER: self._see_dead_letter,
            Condition.HANDLER_FAILED: self._see_handler_failed,
            Condition.HEALTH_SCORE: self._see_health_score,
            Condition.RECOVERY_FAILED: self._see_recovery_failed,
        }

    # -- Errors -----------------------------------------------------------------------

    @api.model
    def _see_critical_error(self, rule, backend_ids):
        only = SQL("e.severity = 'critical' AND e.work <> %s", HANDLING)
        return self._see_unresolved(rule, backend_ids, only)

    @api.model
    def _see_authentication(self, rule, backend_ids):
        only = SQL("e.category = 'security'")
        return self._see_unresolved(rule, backend_ids, only)

    @api.model
    def _see_error_rate(self, rule, backend_ids):
        return self._see_counted(rule, backend_ids, SQL("NULL::int"))

    @api.model
    def _see_error_spike(self, rule, backend_ids):
        return self._see_counted(rule, backend_ids, SQL("e.group_id"))

    def _see_unresolved(self, rule, backend_ids, only):
        """Groups with unresolved errors of late, and those whose open alert still has
        some."""
        rows = self.env.execute_query(
            SQL(
                """SELECT e.backend_id, e.group_id, count(*), max(e.id),
                          count(*) FILTER (WHERE e.id > coalesce(a.mark, 0)),
                          max(e.occurred_at), min(e.occurred_at),
                          (array_agg(e.correlation_id ORDER BY e.id DESC))[1],
                          g.message, g.type, g.company_id
                     FROM sync_error e
                     JOIN sync_error_group g ON g.id = e.group_id
                     LEFT JOIN sync_alert a
                            ON a.rule_id = %(rule)s AND a.state <> 'resolved'
                           AND a.backend_id IS NOT DISTINCT FROM e.backend_id
                           AND a.res_id = e.group_id
                    WHERE e.occurred_at > %(since)s AND e.resolved IS NOT TRUE
                      AND %(only)s AND %(of_errors)s AND g.state <> ALL(%(quiet)s)
                    GROUP BY e.backend_id, e.group_id, g.id
                   UNION ALL
                   SELECT a.backend_id, a.res_id, 1, 0, 0, a.last_at, a.since,
                          NULL, g.message, g.type, g.company_id
                     FROM sync_alert a
                     JOIN sync_error_group g ON g.id = a.res_id
                    WHERE a.rule_id = %(rule)s AND a.state <> 'resolved'
                      AND %(of_alerts)s AND g.state <> ALL(%(quiet)s)
                      AND EXISTS (SELECT FROM sync_error e WHERE e.group_id = a.res_id
                                     AND e.resolved IS NOT TRUE)""",
                rule=rule.id,
                since=fields.Datetime.now() - URGENT_LOOK,
                only=only,
                of_errors=_on_backends("e", backend_ids),
                of_alerts=_on_backends("a", backend_ids),
                quiet=list(QUIET),
            )
        )
        return [_of_errors(row, figure=row[2]) for row in rows]

    def _see_counted(self, rule, backend_ids, group):
        """The most errors that there were within any stretch of the rule's window that
        ended since the last look."""
        now = fields.Datetime.now()
        window = timedelta(seconds=rule.window)
        rows = self.env.execute_query(
            SQL(
                """WITH recent AS (
                       SELECT e.id, e.backend_id, %(group)s AS group_id, e.occurred_at,
                              e.correlation_id,
                              count(*) OVER (
                                  PARTITION BY e.backend_id, %(group)s
                                  ORDER BY e.occurred_at
                                  RANGE BETWEEN %(window)s PRECEDING AND CURRENT ROW
                              ) AS within
                         FROM sync_error e
                         LEFT JOIN sync_error_group g ON g.id = e.group_id
                        WHERE e.occurred_at > %(start)s AND %(of)s
                          AND e.type <> 'version_conflict' -- merged, or a dead letter
                          -- What other addons meet is counted by its group only.
                          AND (%(group)s IS NOT NULL OR e.backend_id IS NOT NULL
                               OR e.company_id IS NULL)
                          AND coalesce(g.state, 'new') <> ALL(%(quiet)s))
                   SELECT r.backend_id, r.group_id, max(r.within), max(r.id),
                          count(*) FILTER (WHERE r.id > coalesce(a.mark, 0)),
                          max(r.occurred_at), min(r.occurred_at),
                          (array_agg(r.correlation_id ORDER BY r.id DESC))[1],
                          g.message, g.type, g.company_id
                     FROM recent r
                     LEFT JOIN sync_error_group g ON g.id = r.group_id
                     LEFT JOIN sync_alert a
                            ON a.rule_id = %(rule)s AND a.state <> 'resolved'
                           AND a.backend_id IS NOT DISTINCT FROM r.backend_id
                           AND a.res_id IS NOT DISTINCT FROM r.group_id
                    WHERE r.occurred_at > %(since)s
                    GROUP BY r.backend_id, r.group_id, g.id""",
                group=group,
                window=window,
                start=now - LOOK - window,
                since=now - LOOK,
                of=_on_backends("e", backend_ids),
                quiet=list(QUIET),
                rule=rule.id,
            )
        )
        return [_of_errors(row, figure=row[2]) for row in rows]

    # -- States -----------------------------------------------------------------------

    @api.model
    def _see_breaker_opened(self, rule, backend_ids):
        rows = self._open_breakers(rule, backend_ids)
        breakers = self.env["sync.breaker"].browse(row[1] for row in rows)
        kinds = dict(breakers._fields["operation"]._description_selection(self.env))
        return [
            Sighting(
                backend_id,
                figure=1,
                subject=breaker.service_id.name
                or f"{breaker.backend_id.name} ({kinds[breaker.operation]})",
                res_model="sync.breaker",
                res_id=breaker.id,
                more=more,
                mark=mark,
                at=at,
                cause=cause or "",
                correlation_id=correlation_id,
                company_id=breaker.company_id.id,
            )
            for breaker, (backend_id, __, cause, at, mark, more, correlation_id) in zip(
                breakers, rows, strict=True
            )
        ]

    def _open_breakers(self, rule, backend_ids):
        """Breakers that let no calls through; why: what the latest failed call met, or
        what the person said who opened it."""
        return self.env.execute_query(
            SQL(
                """SELECT b.backend_id, b.id,
                          CASE b.mode WHEN 'normal' THEN coalesce((
                              SELECT c.error_type FROM sync_call c
                               WHERE c.backend_id = b.backend_id
                                 AND c.operation = b.operation
                                 AND c.error_type IS NOT NULL
                               ORDER BY c.id DESC LIMIT 1), (
                              SELECT c.error_type FROM sync_call c
                               WHERE c.service_id = b.service_id
                                 AND c.error_type IS NOT NULL
                               ORDER BY c.id DESC LIMIT 1), b.cause)
                          ELSE b.cause END,
                          coalesce(t.at, b.since), coalesce(t.last, 0), t.more,
                          event.correlation_id
                     FROM sync_breaker b
                     LEFT JOIN sync_alert a
                            ON a.rule_id = %(rule)s AND a.state <> 'resolved'
                           AND a.res_model = 'sync.breaker' AND a.res_id = b.id
                     CROSS JOIN LATERAL (
                       SELECT max(id) AS last, max(at) AS at,
                              count(*) FILTER (WHERE id > coalesce(a.mark, 0)) AS more
                         FROM sync_breaker_transition
                        WHERE breaker_id = b.id AND after = 'open'
                          AND before <> 'open') AS t
                     LEFT JOIN LATERAL (
                       SELECT correlation_id FROM sync_event
                        WHERE res_model = 'sync.breaker' AND res_id = b.id
                          AND type = 'breaker_opened'
                        ORDER BY id DESC LIMIT 1) AS event ON true
                    WHERE %(of)s AND CASE b.mode WHEN 'normal' THEN b.state <> 'closed'
                                                 ELSE b.mode = 'forced_open' END""",
                rule=rule.id,
                of=_on_backends("b", backend_ids),
            )
        )

    @api.model
    def _see_dead_letter(self, rule, backend_ids):
        rows = self.env.execute_query(
            SQL(
                """SELECT o.backend_id, o.error_group_id, count(*), max(o.done_at),
                          min(o.done_at), max(o.id),
                          (array_agg(o.correlation_id ORDER BY o.id DESC))[1],
                          coalesce(g.message, max(o.reason)), g.type
                     FROM sync_operation o
                     LEFT JOIN sync_error_group g ON g.id = o.error_group_id
                    WHERE o.state = 'dead' AND %(of)s
                      AND coalesce(g.state, 'new') <> 'muted'
                    GROUP BY o.backend_id, o.error_group_id, g.id""",
                of=_on_backends("o", backend_ids),
            )
        )
        return [
            Sighting(
                backend_id,
                figure=count,
                subject=message or "",
                res_model="sync.error.group" if group else "sync.operation",
                res_id=group or last,
                count=count,
                at=at,
                since=since,
                error_type=kind,
                correlation_id=trace,
                key=f"sync.operation,{group or 0}",
            )
            for backend_id, group, count, at, since, last, trace, message, kind in rows
        ]

    @api.model
    def _see_handler_failed(self, rule, backend_ids):
        rows = self.env.execute_query(
            SQL(
                """SELECT d.backend_id, d.handler, count(*), max(d.write_date),
                          max(d.id), (array_agg(d.message ORDER BY d.id DESC))[1],
                          (array_agg(e.correlation_id ORDER BY d.id DESC))[1],
                          CASE WHEN d.backend_id IS NULL THEN e.company_id END
                     FROM sync_event_delivery d
                     JOIN sync_event e ON e.id = d.event_id
                    WHERE (d.state = 'failed'
                           OR d.state = 'waiting' AND d.attempts > 0) AND %(of)s
                    GROUP BY d.backend_id, d.handler, 8""",
                of=_on_backends("d", backend_ids),
            )
        )
        return [
            Sighting(
                backend_id,
                figure=count,
                subject=handler,
                res_model="sync.event.delivery",
                res_id=last,
                count=count,
                at=at,
                cause=message or "",
                correlation_id=trace,
                key=handler,
                company_id=company,
            )
            for backend_id, handler, count, at, last, message, trace, company in rows
        ]

    @api.model
    def _see_health_score(self, rule, backend_ids):
        backends = self.env["sync.backend"].browse(id_ for id_ in backend_ids if id_)
        vitals = self.env["sync.overview"]._vitals(backends)
        return [
            Sighting(
                backend.id,
                figure=health(vitals[backend.id]).score,
                subject=backend.name,
                res_model="sync.backend",
                res_id=backend.id,
            )
            for backend in backends
        ]

    @api.model
    def _see_recovery_failed(self, rule, backend_ids):
        sagas = self.env["sync.saga"].search(
            [("state", "=", "needs_attention"), ("backend_id", "in", backend_ids)]
        )
        redrives = self.env["sync.redrive"].search(
            [("state", "=", "failed"), ("backend_id", "in", backend_ids)]
        )
        found = [
            Sighting(
                record.backend_id.id,
                figure=1,
                subject=record.display_name,
                res_model=record._name,
                res_id=record.id,
                at=record.ended_at or None,
                cause=cause or "",
                correlation_id=record.correlation_id,
            )
            for record, cause in (
                *((saga, saga.error) for saga in sagas),
                *((redrive, redrive.reason) for redrive in redrives),
            )
        ]
        return found + self.env["sync.recovery.run"]._sightings(backend_ids)


def _of_errors(row, figure):
    backend_id, group, count, mark, more, at, since, trace, *known = row
    message, kind, company = known
    return Sighting(
        backend_id,
        figure=figure,
        subject=message or "",
        res_model="sync.error.group" if group else None,
        res_id=group,
        count=count,
        more=more,
        mark=mark,
        at=at,
        since=since,
        error_type=kind,
        correlation_id=trace,
        company_id=company,
    )


def _on_backends(alias, backend_ids):
    """The condition that rows are of these backends, None being none."""
    column = SQL.identifier(alias, "backend_id")
    found = SQL("%s = ANY(%s)", column, [id_ for id_ in backend_ids if id_])
    return SQL("(%s OR %s IS NULL)", found, column) if None in backend_ids else found
