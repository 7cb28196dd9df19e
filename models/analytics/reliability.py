from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.analytics.period import Period
from ...core.analytics.reliability import (
    Change,
    Interval,
    mtbf,
    mttr,
    openings,
    rate,
    seconds_of,
)
from .sync_statistics import TOP

SECOND = timedelta(seconds=1)


class SyncStatistics(models.AbstractModel):
    """How reliable backends were in a range, and what is left of it."""

    _inherit = "sync.statistics"

    @api.model
    def _reliability(self, backends, backend_ids, period):
        """Times to repair and between failures, and times that breakers were open.

        A failure of a backend is an incident: an error group that has unresolved
        errors. It began with the first of them, and ended when the last was resolved.
        A backend was down while one of its breakers was open.

        :param backend_ids: theirs, and None if what belongs to none counts too
        :return: ``mttr``, of all; ``backends`` with ``incidents`` that began,
            ``mttr``, ``mtbf`` and ``down`` (seconds); the ``groups`` that were
            unresolved for longest; ``breakers`` with ``open``
            (seconds), ``share`` (per cent of the range) and ``openings``;
            ``still_open``, at the end of the range
        """
        now = fields.Datetime.now()
        # What has not passed yet is no time in which something was open; the second
        # that is under way has.
        end = max(min(period.end, now + SECOND), period.start + SECOND)
        passed = Period(period.start, end)
        rows = self.env["sync.error.incident"]._intervals(
            backend_ids, period.start, period.end
        )
        failures, of_backend, of_group = [], defaultdict(list), defaultdict(list)
        for row in rows:
            interval = Interval(row["opened_at"], row["ended_at"])
            failures.append(interval)
            of_backend[row["backend_id"]].append(interval)
            if row["group_id"]:
                of_group[row["group_id"]].append(interval)
        breakers = self._breaker_openings(backends, passed)
        return {
            "mttr": mttr(failures, passed),
            "backends": [
                self._backend(backend, of_backend[backend.id], breakers, passed)
                for backend in backends
            ],
            "groups": self._groups(of_group, passed),
            "breakers": [
                {
                    "id": breaker.id,
                    "name": breaker.display_name,
                    "openings": sum(i.start > passed.start for i in opened),
                    "open": seconds_of(opened, passed),
                    "share": rate(seconds_of(opened, passed), passed.seconds),
                }
                for breaker, opened in breakers.items()
            ],
            "still_open": self._still_open(backends, failures, passed),
        }

    @api.model
    def _backend(self, backend, failures, breakers, period):
        down = [
            interval
            for breaker, opened in breakers.items()
            if breaker.backend_id == backend
            for interval in opened
        ]
        begun = max(period.start, backend.create_date.replace(microsecond=0))
        # Before it was connected it could not fail.
        known = Period(begun, period.end) if begun < period.end else period
        return {
            "id": backend.id,
            "name": backend.name,
            "incidents": sum(period.start <= f.start < period.end for f in failures),
            "mttr": mttr(failures, period),
            "mtbf": mtbf(failures, down, known),
            "down": seconds_of(down, period),
        }

    @api.model
    def _groups(self, failures, period):
        """The error groups that had been unresolved for longest."""
        lasted = {
            group: seconds_of(intervals, period)
            for group, intervals in failures.items()
        }
        longest = sorted(lasted, key=lasted.get, reverse=True)[:TOP]
        known = self.env["sync.error.group"].search([("id", "in", longest)])
        return [
            {
                "id": group.id,
                "name": group.display_name,
                "incidents": len(failures[group.id]),
                "mttr": mttr(failures[group.id], period),
                "unresolved": lasted[group.id],
                "open": any(i.end is None for i in failures[group.id]),
            }
            for group in known.sorted(lambda group: longest.index(group.id))
        ]

    @api.model
    def _breaker_openings(self, backends, period):
        """``{breaker: its openings}``: when it let nothing through, from its history.

        Calls went through a breaker that is disabled or only measures.
        """
        breakers = backends.breaker_ids
        rows = self.env.execute_query(
            SQL(
                """SELECT b.id, t.at, CASE t.mode WHEN 'normal' THEN t.after = 'open'
                                      ELSE t.mode = 'forced_open' END
                     FROM sync_breaker b
                     CROSS JOIN LATERAL (
                         (SELECT id, at, after, mode FROM sync_breaker_transition
                           WHERE breaker_id = b.id AND at < %(start)s
                           ORDER BY at DESC, id DESC LIMIT 1)
                         UNION ALL
                         SELECT id, at, after, mode FROM sync_breaker_transition
                          WHERE breaker_id = b.id
                            AND at >= %(start)s AND at < %(end)s) AS t
                    WHERE b.id = ANY(%(ids)s) ORDER BY t.at, t.id""",
                start=period.start,
                end=period.end,
                ids=breakers.ids,
            )
        )
        was_open, changes = {}, defaultdict(list)
        for breaker_id, at, is_open in rows:
            if at < period.start:
                was_open[breaker_id] = is_open
            else:
                changes[breaker_id].append(Change(at, is_open))
        return {
            breaker: openings(
                changes[breaker.id], was_open.get(breaker.id, False), period
            )
            for breaker in breakers
        }

    @api.model
    def _still_open(self, backends, failures, period):
        ((dead, conflicts),) = self.env.execute_query(
            SQL(
                """SELECT (SELECT count(*) FROM sync_operation
                            WHERE state = 'dead' AND backend_id = ANY(%(ids)s)
                              AND coalesce(done_at, requested_at) < %(end)s),
                          (SELECT count(*) FROM sync_conflict
                            WHERE state = 'open' AND backend_id = ANY(%(ids)s)
                              AND create_date < %(end)s)
                        + (SELECT count(*) FROM sync_conflict
                            WHERE resolved_at >= %(end)s AND backend_id = ANY(%(ids)s)
                              AND create_date < %(end)s)""",
                ids=backends.ids,
                end=period.end,
            )
        )
        return {
            "dead_letters": dead,
            "conflicts": conflicts,
            "incidents": sum(f.end is None or f.end >= period.end for f in failures),
        }
