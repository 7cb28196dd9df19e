from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.analytics.health_score import Vitals, health
from ...core.analytics.period import HOUR
from ..base.rights import USER, check_group

TOP = 8
# A trend of a longer range is shown in days.
HOURLY = timedelta(days=31)
# Critical errors of a backend that are counted: more make no difference.
MOST = 1000


class SyncOverview(models.AbstractModel):
    """What the overview page shows."""

    _name = "sync.overview"
    _description = "Overview of Synchronisation"

    @api.model
    @api.readonly
    def data(self, backend_ids=None, range="24h", start=None, end=None):
        """All that the page shows, in one call.

        :param backend_ids: of these backends; falsy: of all that the user may see
        :param range: how far trend and rates look back; it, ``start`` and ``end`` are
            those of :meth:`SyncStatistics.data`
        :return: a dict; times are UTC, ages seconds. A figure that has a list behind
            it has a ``link``: ``action`` (xmlid), ``domain`` and ``context`` that open
            that list
        :raises AccessError: the user is none of Pharmacy Sync
        :raises UserError: there is no such range
        """
        check_group(
            self.env, USER, self.env._("The overview is for Pharmacy Sync's users.")
        )
        period = self.env["sync.statistics"]._period(range, start, end)
        backends = self.env["sync.backend"].search([("active", "=", True)])
        chosen = backends.filtered(lambda b: not backend_ids or b.id in backend_ids)
        now = fields.Datetime.now().replace(microsecond=0)
        looks = chosen._look_at()
        vitals = self._vitals(chosen, looks)
        own = Domain("backend_id", "in", chosen.ids) if backend_ids else Domain.TRUE
        return {
            "now": _text(now),
            "range": range,
            "start": _text(period.start),
            "end": _text(period.end),
            "can_connect": self.env["sync.backend"].has_access("create"),
            "backends": [
                {
                    "id": backend.id,
                    "name": backend.name,
                    "paused": backend._rests(),
                    "score": health(vitals[backend.id]).score
                    if backend in chosen
                    else None,
                }
                for backend in backends
            ],
            "health": self._health(vitals, own),
            **self._work(chosen, looks, vitals, own),
            "breakers": self._breakers(chosen, now),
            **self._trend(chosen, bool(backend_ids), period, own),
            "groups": self._groups(own, period),
            "groups_link": self._link("error_group", own, search_default_open=1),
            **self._more(own),
        }

    @api.model
    def _more(self, own):
        """What rooms above, or another addon, add to :meth:`data`: a dict.

        :param own: :class:`Domain` of the backends that the page is about
        """
        return {}

    # -- Now --------------------------------------------------------------------------

    @api.model
    def _vitals(self, backends, looks=None):
        """What the health of each of ``backends`` is made of.

        :param looks: what :meth:`SyncBackend._look_at` has just seen of them
        :return: ``{backend id: core.health_score.Vitals}``
        """
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT b.id, calls.*, breakers.*, criticals.*
                     FROM sync_backend b
                     CROSS JOIN LATERAL (
                       SELECT count(*) AS calls,
                              count(*) FILTER (WHERE result = 'failure') AS failed_calls
                         FROM sync_call
                        WHERE backend_id = b.id AND create_date > %(recent)s
                          AND result IN ('success', 'failure')) AS calls
                     CROSS JOIN LATERAL (
                       SELECT count(*) AS breakers, count(*) FILTER (
                              WHERE CASE mode WHEN 'normal' THEN state <> 'closed'
                                              ELSE mode = 'forced_open' END
                              ) AS open_breakers
                         FROM sync_breaker WHERE backend_id = b.id) AS breakers
                     CROSS JOIN LATERAL (
                       SELECT count(*) AS criticals FROM (
                           SELECT FROM sync_error
                            WHERE backend_id = b.id AND severity = 'critical'
                              AND resolved IS NOT TRUE LIMIT %(most)s) AS counted
                       ) AS criticals
                    WHERE b.id = ANY(%(ids)s)""",
                recent=fields.Datetime.now() - HOUR,
                most=MOST,
                ids=backends.ids,
            )
        )
        looks = looks or backends._look_at()
        return {
            row.pop("id"): Vitals(
                dead_letters=facts.failed,
                conflicts=facts.conflicts,
                backlog_age=facts.oldest,
                away=facts.away,
                **row,
            )
            for row in rows
            for facts in [looks[row["id"]].facts]
        }

    def _work(self, backends, looks, vitals, own):
        """What is under way, and what waits for a person."""
        return {
            "queue": {
                **self._queue(backends),
                "unseen": sum(look.unseen for look in looks.values()),
                "link": self._link("operation", own, search_default_open=1),
                "parked_link": self._link("operation", own, search_default_parked=1),
            },
            "dead_letters": {
                "count": sum(v.dead_letters for v in vitals.values()),
                "link": self._dead_link(own),
            },
            "criticals": {
                "count": sum(v.criticals for v in vitals.values()),
                "more": any(v.criticals == MOST for v in vitals.values()),
                "link": self._critical_link(own),
            },
            "conflicts": {
                "count": sum(v.conflicts for v in vitals.values()),
                "link": self._link("conflict", own, search_default_open=1),
            },
            "standings": self._standings(backends, looks),
        }

    def _health(self, vitals, own):
        whole = Vitals(
            *(
                (max if name in ("backlog_age", "away") else sum)(
                    [getattr(each, name) for each in vitals.values()] or [0]
                )
                for name in Vitals.__dataclass_fields__
            )
        )
        found, about = health(whole), self._health_parts(whole, own)
        return {
            "score": found.score,
            "level": found.level,
            "parts": [
                {
                    "name": part.name,
                    "weight": part.weight,
                    "lost": round(part.lost, 1),
                    "text": about[part.name][0],
                    "link": about[part.name][1],
                }
                for part in found.parts
                if part.lost
            ],
        }

    def _health_parts(self, whole, own):
        """What each part of the health says, and where it leads: ``{name: (text,
        link)}``."""
        recent = own & Domain("create_date", ">", "-1H")
        return {
            "failed_calls": (
                self.env._(
                    "Failed calls in the last hour: %(failed)s of %(calls)s",
                    failed=whole.failed_calls,
                    calls=whole.calls,
                ),
                self._link("call", recent, search_default_failed=1),
            ),
            "open_breakers": (
                self.env._(
                    "Connection interrupted: %(open)s of %(all)s",
                    open=whole.open_breakers,
                    all=whole.breakers,
                ),
                self._link("breaker", own, search_default_not_closed=1),
            ),
            "criticals": (
                self.env._("Critical errors not resolved: %s", whole.criticals),
                self._critical_link(own),
            ),
            "dead_letters": (
                self.env._("Failed changes: %s", whole.dead_letters),
                self._dead_link(own),
            ),
            "conflicts": (
                self.env._("Conflicts to decide: %s", whole.conflicts),
                self._link("conflict", own, search_default_open=1),
            ),
            "backlog_age": (
                self.env._("Longest wait: %s min", int(whole.backlog_age // 60)),
                self._link("operation", own, search_default_open=1),
            ),
            "away": (
                self.env._("The pharmacy app does not answer"),
                self._link("breaker", own),
            ),
        }

    def _queue(self, backends):
        ((count, running, waiting, parked, oldest),) = self.env.execute_query(
            SQL(
                """SELECT count(*), count(*) FILTER (WHERE state = 'running'),
                          count(*) FILTER (WHERE state = 'waiting'),
                          count(*) FILTER (WHERE state = 'waiting' AND parked),
                          extract(epoch FROM %s - min(requested_at))
                     FROM sync_operation
                    WHERE backend_id = ANY(%s) AND state <> 'dead'
                      AND state IN ('pending', 'running', 'waiting', 'dead')""",
                fields.Datetime.now(),
                backends.ids,
            )
        )
        return {
            "count": count,
            "running": running,
            "waiting": waiting,
            "parked": parked,
            "oldest": max(0, int(oldest)) if oldest is not None else None,
        }

    def _breakers(self, backends, now):
        return [
            {
                "id": breaker.id,
                "name": breaker.display_name,
                "state": breaker.state,
                "state_label": _label(breaker, "state"),
                "mode": breaker.mode,
                "mode_label": _label(breaker, "mode"),
                "cause": breaker.cause_text or "",
                # Relative, for the browser's clock may be another.
                "seconds": int((breaker.open_until - now).total_seconds())
                if breaker.open_until
                else None,
            }
            for breaker in backends.breaker_ids
        ]

    # -- Since a while ----------------------------------------------------------------

    def _trend(self, backends, filtered, period, own):
        """Errors, calls and recovery, hour by hour, and their sums."""
        Statistics = self.env["sync.statistics"]
        ids = backends.ids if filtered else [*backends.ids, None]
        step = min(period.step, HOUR) if period.length <= HOURLY else period.step
        hours = Statistics._hours(ids, period)
        trend = Statistics._trend(hours, period, step)
        headline = Statistics._headline(hours, backends, period)
        totals, rates = headline["totals"], headline["rates"]
        made = own & _within("create_date", period)
        failed = own & _within("occurred_at", period)
        unresolved = self.env["sync.error"].search_count(
            failed & Domain("resolved", "=", False)
        )
        return {
            "trend": {
                "hours": trend["slots"],
                "errors": trend["errors"],
                "link": self._link("error", own),
            },
            "errors": {
                "count": totals["errors"],
                "link": self._link("error", failed),
                "open": unresolved,
                "open_link": self._link("error", failed, search_default_unresolved=1),
                "resolved": max(0, totals["errors"] - unresolved),
                "resolved_link": self._link("error", failed, search_default_resolved=1),
            },
            "calls": {
                "count": totals["calls"],
                "failed": totals["failed_calls"],
                "success_rate": rates["success"],
                "link": self._link("call", made),
                "failed_link": self._link("call", made, search_default_failed=1),
            },
            "recovery": {
                "recovered": totals["recovered"],
                "lost": totals["dead"],
                "rate": rates["recovery"],
                **self._recovery_links(own, period),
            },
        }

    def _recovery_links(self, own, period):
        """Where all operations are that failed once, those of them that recovered, and
        those that did not."""
        ended = own & _within("done_at", period)
        failed = ended & Domain("error_ids", "!=", False)
        recovered = failed & Domain("state", "=", "done")
        return {
            "link": self._link("operation", failed),
            "recovered_link": self._link("operation", recovered),
            "lost_link": self._dead_link(ended),
        }

    def _groups(self, own, period):
        groups = self.env["sync.error.group"].search(
            own
            & Domain("state", "in", ("new", "acknowledged"))
            & Domain("error_ids.resolved", "=", False)
            & Domain("last_seen", ">=", period.start)
            & Domain("first_seen", "<", period.end),
            order="count desc, id desc",
            limit=TOP,
        )
        return [
            {
                "id": group.id,
                "message": group.message_text or "",
                "type": _label(group, "type"),
                "severity": group.severity,
                "severity_label": _label(group, "severity"),
                "count": group.count,
                "last_seen": _text(group.last_seen),
            }
            for group in groups
        ]

    # -- Links ------------------------------------------------------------------------

    def _link(self, name, domain=Domain.TRUE, **context):
        return {
            "action": f"pharmacy_sync.action_sync_{name}",
            "domain": list(Domain(domain)),
            "context": context,
        }

    def _dead_link(self, own):
        return self._link(
            "dead_letter",
            own,
            search_default_dead=1,
            search_default_group_error=1,
        )

    def _critical_link(self, own):
        return self._link(
            "error", own, search_default_unresolved=1, search_default_critical=1
        )


def _within(field, period):
    return Domain(field, ">=", _text(period.start)) & Domain(
        field, "<", _text(period.end)
    )


def _label(record, name):
    return dict(record._fields[name]._description_selection(record.env))[record[name]]


def _text(moment):
    return fields.Datetime.to_string(moment)
