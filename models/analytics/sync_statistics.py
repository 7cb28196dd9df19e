from bisect import bisect_right
from collections import Counter
from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core.analytics.period import DAY, last_hour, last_hours, whole_hours
from ...core.analytics.reliability import rate, retry_success
from ...core.taxonomy import Severity
from ..base.rights import USER, check_group

# Hours that one can look back without choosing dates.
RANGES = {"1h": 1, "24h": 24, "7d": 7 * 24, "30d": 30 * 24}
CUSTOM = "custom"
# Figures are kept for a year; the days at its ends may be longer than others.
LONGEST = timedelta(days=367)
TOP = 10
SEVERITIES = [str(severity) for severity in Severity]
# What the breakdowns need to know of each hour's figures.
PARTS = (
    *("kind", "operation", "result", "type", "category", "severity", "code"),
    "recovery",
)


class SyncStatistics(models.AbstractModel):
    """Figures of a range of time: what happened, how much of it went wrong, and what
    became of that. The report and every other caller get the same."""

    _name = "sync.statistics"
    _description = "Statistics"

    @api.model
    @api.readonly
    def data(self, backend_ids=None, range="24h", start=None, end=None):
        """The figures of a range.

        They are made of the hourly rollup, so that a range touches whole hours; the
        last hour (``1h``) is counted from the rows themselves.

        :param backend_ids: of these backends; falsy: of all that the user may see
        :param range: a key of ``RANGES``, or ``custom``: from ``start`` to ``end``,
            UTC, a year at the most
        :return: a dict that JSON can carry: times are UTC texts, durations seconds,
            rates per cent, or None where there is nothing to be a part of

            ``start``, ``end``, ``step`` (seconds of a step of the trend);
            ``totals`` and ``rates``, and ``before`` with both for the range of the
            same length before it; ``by_category``, ``by_severity``, ``by_type``,
            ``by_operation`` (errors), ``codes`` (the ten most frequent, with
            ``last_at``); ``trend`` (``slots``, ``errors`` by severity, ``calls``,
            ``failed``); ``performance`` (of calls), ``recovery`` (what brought
            operations that had failed through), ``conflicts_decided``, ``deliveries``;
            ``backends``, ``groups``, ``breakers``, ``mttr``: see
            :meth:`_reliability`; ``still_open`` (``dead_letters``, ``conflicts``,
            ``incidents`` at the end of the range)
        :raises AccessError: the user is none of Pharmacy Sync
        :raises UserError: there is no such range
        """
        self._check_user()
        self.env.flush_all()
        backends = self.env["sync.backend"].search([("active", "=", True)])
        if backend_ids:
            backends = backends.filtered(lambda backend: backend.id in backend_ids)
        ids = [*backends.ids, *([] if backend_ids else [None])]
        period = self._period(range, start, end)
        parts, earlier = self._rows(ids, period, PARTS), period.before()
        return {
            "start": text(period.start),
            "end": text(period.end),
            "step": int(period.step.total_seconds()),
            **self._headline(parts, backends, period),
            "before": self._headline(
                self._rows(ids, earlier, ["kind", "result"]), backends, earlier
            ),
            **self._errors(parts),
            "trend": self._trend(self._hours(ids, period), period),
            "performance": self._performance(parts),
            "recovery": self._recovery(parts),
            "conflicts_decided": self._conflicts_decided(backends, period),
            "deliveries": self._deliveries(backends, not backend_ids, period),
            **self._reliability(backends, ids, period),
        }

    @api.model
    def _check_user(self):
        check_group(
            self.env, USER, self.env._("Statistics are for the users of Pharmacy Sync.")
        )

    @api.model
    def _period(self, range, start=None, end=None):
        """The :class:`...core.analytics.period.Period` of a range; see :meth:`data`."""
        now = fields.Datetime.now()
        if range == CUSTOM:
            start, end = map(fields.Datetime.to_datetime, (start, end))
            if not start or not end or start >= end:
                raise UserError(self.env._("Choose a range that ends after it begins."))
            if end - start > LONGEST:
                raise UserError(self.env._("Choose a range of no more than a year."))
            return whole_hours(start, end)
        if range not in RANGES:
            raise UserError(self.env._("Look back one of these: %s", ", ".join(RANGES)))
        return last_hour(now) if range == "1h" else last_hours(RANGES[range], now)

    # -- What happened ----------------------------------------------------------------

    @api.model
    def _rows(self, backend_ids, period, groupby):
        """What was counted in the period, by the columns ``groupby``."""
        return self.env["sync.metric"]._totals(
            backend_ids, period.start, groupby, end=period.end, raw=period.raw
        )

    @api.model
    def _headline(self, parts, backends, period):
        """``totals`` and ``rates``, of rows that have ``kind`` and ``result``."""
        counts, again = Counter(), Counter()
        for part in parts:
            key = part["kind"], part["result"]
            counts[key] += part["count"]
            again[key] += part["retried"]
        good, bad = counts["call", "success"], counts["call", "failure"]
        errors = counts["error", None]
        recovered = again["operation", "done"]
        lost = self._lost(backends, period)
        return {
            "totals": {
                "errors": errors,
                "calls": good + bad,
                "failed_calls": bad,
                "rejected_calls": counts["call", "rejected"],
                "done": counts["operation", "done"],
                "recovered": recovered,
                "dead": lost,
            },
            "rates": {
                "success": rate(good, good + bad),
                "failure": rate(bad, good + bad),
                "recovery": rate(recovered, recovered + lost),
                "retry_success": retry_success(recovered, again["error", None]),
            },
        }

    @api.model
    def _lost(self, backends, period):
        """Operations that died in the period, and are dead still."""
        ((lost,),) = self.env.execute_query(
            SQL(
                """SELECT count(*) FROM sync_operation
                    WHERE backend_id = ANY(%s) AND state = 'dead'
                      AND done_at >= %s AND done_at < %s""",
                backends.ids,
                period.start,
                period.end,
            )
        )
        return lost

    @api.model
    def _errors(self, parts):
        errors = [part for part in parts if part["kind"] == "error"]
        codes = {}
        for part in errors:
            # Hours that an earlier version counted have no code.
            key = part["code"] or part["type"], part["type"]
            count, last = codes.get(key, (0, datetime.min))
            codes[key] = count + part["count"], max(last, part["last_at"])
        frequent = sorted(codes.items(), key=lambda item: (-item[1][0], item[0]))
        types = self._labels("sync.error", "type")
        return {
            "by_category": self._count_by(errors, "category", "sync.error"),
            "by_severity": self._count_by(errors, "severity", "sync.error"),
            "by_type": self._count_by(errors, "type", "sync.error"),
            "by_operation": self._count_by(
                errors, "operation", "sync.operation", "kind"
            ),
            "codes": [
                {
                    "code": code,
                    "type": type,
                    "label": types.get(type, type),
                    "count": count,
                    "last_at": text(last),
                }
                for (code, type), (count, last) in frequent[:TOP]
            ],
        }

    @api.model
    def _count_by(self, parts, column, model, field=None):
        """``{"key", "label", "count"}`` of each value of a column, the most first."""
        labels = self._labels(model, field or column)
        counts = Counter()
        for part in parts:
            counts[part[column]] += part["count"]
        return [
            {
                "key": key,
                "label": labels.get(key) or key or self.env._("Other"),
                "count": count,
            }
            for key, count in counts.most_common()
        ]

    @api.model
    def _hours(self, backend_ids, period):
        """What happened hour by hour, which is enough for trend and headline."""
        columns = ["hour", "kind", "result", "severity"]
        return self._rows(backend_ids, period, columns)

    @api.model
    def _trend(self, hours, period, step=None):
        """Step by step, those in which nothing happened included.

        :param hours: see :meth:`_hours`
        """
        begins = self._slots(period, step or period.step)
        errors = {severity: [0] * len(begins) for severity in SEVERITIES}
        calls, failed = [0] * len(begins), [0] * len(begins)
        for row in hours:
            slot = max(bisect_right(begins, row["hour"]) - 1, 0)
            if row["kind"] == "error":
                errors[row["severity"]][slot] += row["count"]
            elif row["kind"] == "call" and row["result"] in ("success", "failure"):
                calls[slot] += row["count"]
                if row["result"] == "failure":
                    failed[slot] += row["count"]
        return {
            "slots": [text(begin) for begin in begins],
            "errors": errors,
            "calls": calls,
            "failed": failed,
        }

    @api.model
    def _slots(self, period, step):
        """When the steps of a trend begin (UTC): days begin at the user's midnight."""
        if step < DAY:
            return period.slots(step)
        zone = pytz.timezone(self.env.context.get("tz") or self.env.user.tz or "UTC")
        first = pytz.utc.localize(period.start).astimezone(zone).date()
        last = pytz.utc.localize(period.end - timedelta(seconds=1)).astimezone(zone)
        days = (last.date() - first).days
        midnights = (midnight(first + n * DAY, zone) for n in range(1, days + 1))
        return [period.start, *midnights]

    @api.model
    def _performance(self, parts):
        """How long calls took, by the kind of work they were made for."""
        counts, seconds = Counter(), Counter()
        for part in parts:
            if part["kind"] == "call" and part["result"] in ("success", "failure"):
                counts[part["operation"]] += part["count"]
                seconds[part["operation"]] += part["seconds"]
        labels = self._labels("sync.operation", "kind")
        return [
            {
                "key": key,
                "label": labels.get(key, key) or self.env._("Other"),
                "calls": count,
                "mean_seconds": seconds[key] / count,
            }
            for key, count in counts.most_common()
        ]

    @api.model
    def _recovery(self, parts):
        """What brought operations through that had failed."""
        recovered = [
            {**part, "count": part["retried"]}
            for part in parts
            if part["kind"] == "operation" and part["result"] == "done"
            if part["retried"]
        ]
        whole = sum(part["count"] for part in recovered)
        return [
            {**found, "share": rate(found["count"], whole)}
            for found in self._count_by(recovered, "recovery", "sync.operation")
        ]

    @api.model
    def _conflicts_decided(self, backends, period):
        """How the conflicts were decided that were decided in the period; ``by_rule``:
        so many of them by rules and policies, not by people."""
        labels = self._labels("sync.conflict", "strategy")
        rows = self.env.execute_query(
            SQL(
                """SELECT strategy, count(*),
                          count(*) FILTER (WHERE resolved_by_id = %s)
                     FROM sync_conflict
                    WHERE resolved_at >= %s AND resolved_at < %s
                      AND backend_id = ANY(%s)
                    GROUP BY strategy ORDER BY 2 DESC, 1""",
                self.env.ref("base.user_root").id,
                period.start,
                period.end,
                backends.ids,
            )
        )
        return [
            {
                "key": key,
                "label": labels.get(key) or self.env._("Other"),
                "count": count,
                "by_rule": by_rule,
            }
            for key, count, by_rule in rows
        ]

    @api.model
    def _deliveries(self, backends, of_none, period):
        """How many deliveries that were settled in the period arrived, and how long
        they took from when they were due, retries included: half of them no longer than
        ``median_seconds``, 95 of 100 no longer than ``p95_seconds``. Tests are none.

        :param of_none: also those of no backend, of the user's companies
        """
        labels = self._labels("sync.delivery", "kind")
        rows = self.env.execute_query(
            SQL(
                """SELECT kind, count(*) FILTER (WHERE state = 'arrived'),
                          count(*) FILTER (WHERE state = 'failed'),
                          percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY took)
                              FILTER (WHERE state = 'arrived')
                     FROM sync_delivery
                    WHERE done_at >= %s AND done_at < %s
                      AND state IN ('arrived', 'failed') AND kind <> 'test'
                      AND (backend_id = ANY(%s) OR %s AND backend_id IS NULL
                           AND (company_id IS NULL OR company_id = ANY(%s)))
                    GROUP BY kind ORDER BY 2 DESC, 1""",
                period.start,
                period.end,
                backends.ids,
                of_none,
                self.env.companies.ids,
            )
        )
        return [
            {
                "key": key,
                "label": labels[key],
                "arrived": arrived,
                "failed": failed,
                "median_seconds": times and times[0],
                "p95_seconds": times and times[1],
            }
            for key, arrived, failed, times in rows
        ]

    @api.model
    def _labels(self, model, field):
        return dict(self.env[model]._fields[field]._description_selection(self.env))


def text(moment):
    return fields.Datetime.to_string(moment)


def midnight(day, zone):
    """When a day begins in a zone, UTC."""
    local = zone.localize(datetime.combine(day, time.min))
    return local.astimezone(pytz.utc).replace(tzinfo=None)
