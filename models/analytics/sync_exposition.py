from odoo import api, fields, models
from odoo.tools import SQL

from ...core.analytics.exposition import Family, Kind, render
from ...core.analytics.health_score import health

# Milliseconds for each query: who scrapes does not wait longer.
PATIENCE = 5_000


class SyncExposition(models.AbstractModel):
    """Figures for Prometheus, read from the database at each scrape: every worker of
    every server answers the same.

    Labels have a bounded number of values: backends, and what is listed in the code.
    Counters begin anew each day (UTC), as after a restart: what they are made of is
    counted hour by hour, so that a scrape reads neither the log nor the catalogue.
    """

    _name = "sync.exposition"
    _description = "Figures for Prometheus"

    @api.model
    def _text(self):
        """All figures in Prometheus' text format."""
        self.env.flush_all()
        self.env.cr.execute(SQL("SET LOCAL statement_timeout = %s", PATIENCE))
        backends = self.env["sync.backend"].search([("active", "=", True)])
        return render(self._families(backends))

    @api.model
    def _families(self, backends):
        """A list of :class:`...core.analytics.exposition.Family`. Rooms above add
        theirs, and so may another addon.

        :param backends: those that are active
        """
        return [
            *self._about_backends(backends),
            *self._about_queue(backends),
            *self._about_events(backends),
            *self._about_jobs(),
            *self._about_today(backends),
        ]

    def _about_backends(self, backends):
        vitals = self.env["sync.overview"]._vitals(backends)
        return [
            Family(
                "backend_info",
                Kind.GAUGE,
                "What a backend is called; always 1.",
                [({"backend": b.id, "name": b.name}, 1) for b in backends],
            ),
            Family(
                "backend_at_work",
                Kind.GAUGE,
                "Whether anything is exchanged: 0 if paused, refused or a copy.",
                [({"backend": b.id}, b._is_at_work()) for b in backends],
            ),
            Family(
                "health_score",
                Kind.GAUGE,
                "Health from 0 to 100.",
                [({"backend": b.id}, health(vitals[b.id]).score) for b in backends],
            ),
            Family(
                "critical_errors_unresolved",
                Kind.GAUGE,
                "Critical errors that are not resolved, up to 1000.",
                [({"backend": b.id}, vitals[b.id].criticals) for b in backends],
            ),
            Family(
                "breaker_closed",
                Kind.GAUGE,
                "Whether a breaker lets calls through.",
                [
                    (
                        {"backend": breaker.backend_id.id, "operation": kind},
                        breaker.mode != "forced_open"
                        and (breaker.mode != "normal" or breaker.state == "closed"),
                    )
                    for breaker in backends.breaker_ids
                    for kind in (breaker.operation,)
                ],
            ),
            *self._about_pools(backends.pool_ids),
        ]

    def _about_pools(self, pools):
        return [
            Family(
                f"pool_{name}",
                Kind.GAUGE,
                meaning,
                [
                    ({"backend": pool.backend_id.id, "pool": pool.name}, pool[field])
                    for pool in pools
                ],
            )
            for name, field, meaning in (
                ("slots", "concurrency", "Calls that may be under way at once."),
                ("slots_taken", "active_count", "Calls that are under way."),
                ("waiting", "waiting_count", "Callers that wait for a slot."),
            )
        ]

    def _about_queue(self, backends):
        rows = self.env.execute_query(
            SQL(
                """SELECT backend_id, state, count(*),
                          extract(epoch FROM %s - min(requested_at))::float
                     FROM sync_operation
                    WHERE backend_id = ANY(%s)
                      AND state IN ('pending', 'running', 'waiting', 'dead')
                    GROUP BY backend_id, state""",
                fields.Datetime.now(),
                backends.ids,
            )
        )
        counts = {(backend, state): count for backend, state, count, __ in rows}
        oldest = dict.fromkeys(backends.ids, 0)
        for backend, state, __, age in rows:
            if state != "dead":
                oldest[backend] = max(oldest[backend], age or 0)
        return [
            Family(
                "operations",
                Kind.GAUGE,
                "Changes in the queue, and dead letters, by state.",
                [
                    ({"backend": b, "state": s}, counts.get((b, s), 0))
                    for b in backends.ids
                    for s in ("pending", "running", "waiting", "dead")
                ],
            ),
            Family(
                "oldest_operation_age_seconds",
                Kind.GAUGE,
                "How long the oldest change has been in the queue.",
                [({"backend": b}, age) for b, age in oldest.items()],
            ),
        ]

    def _about_events(self, backends):
        events = dict(
            self.env.execute_query(
                SQL(
                    """SELECT backend_id, count(*) FROM sync_event
                        WHERE state = 'pending' AND backend_id = ANY(%s)
                        GROUP BY backend_id""",
                    backends.ids,
                )
            )
        )
        return [
            Family(
                "events_pending",
                Kind.GAUGE,
                "Events that are not delivered yet.",
                [({"backend": b}, events.get(b, 0)) for b in backends.ids],
            ),
        ]

    def _about_jobs(self):
        states = ("pending", "enqueued", "started", "failed")
        counts = dict(
            self.env.execute_query(
                SQL(
                    """SELECT state, count(*) FROM queue_job
                        WHERE state IN %s AND model_name LIKE 'sync.%%'
                        GROUP BY state""",
                    states,
                )
            )
        )
        return [
            Family(
                "jobs",
                Kind.GAUGE,
                "Jobs of Pharmacy Sync, by the job runner's states.",
                [({"state": state}, counts.get(state, 0)) for state in states],
            )
        ]

    def _about_today(self, backends):
        start = fields.Datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        rows = self.env["sync.metric"]._totals(
            [*backends.ids, None],
            start,
            ["backend_id", "kind", "operation", "result", "category", "severity"],
        )
        calls, errors, ended = (
            [row for row in rows if row["kind"] == kind]
            for kind in ("call", "error", "operation")
        )
        by_result = ("operation", "result")
        return [
            Family(
                "calls_total",
                Kind.COUNTER,
                "Calls to the pharmacy app since midnight UTC.",
                _summed(calls, by_result, "count"),
            ),
            Family(
                "call_seconds_total",
                Kind.COUNTER,
                "Seconds that these calls took.",
                _summed(calls, by_result, "seconds"),
            ),
            Family(
                "errors_total",
                Kind.COUNTER,
                "Errors since midnight UTC.",
                _summed(errors, ("category", "severity"), "count"),
            ),
            Family(
                "operations_ended_total",
                Kind.COUNTER,
                "Changes that ended since midnight UTC.",
                _summed(ended, by_result, "count"),
            ),
        ]


def _summed(rows, names, figure):
    found = {}
    for row in rows:
        labels = (row["backend_id"] or "", *(row[name] or "" for name in names))
        found[labels] = found.get(labels, 0) + row[figure]
    keys = ("backend", *names)
    return [(dict(zip(keys, ls, strict=True)), value) for ls, value in found.items()]
