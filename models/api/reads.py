from odoo import api, fields, models

from ...core.analytics.health_score import health
from ...core.api.health_methods import HEALTH, STATISTICS
from ...core.api.methods import CHANGES, LOOKUP
from ..base.alone import without_sql


class SyncApi(models.AbstractModel):
    """What the app reads: records as Odoo knows them, what changed in Odoo, and how
    synchronisation stands."""

    _inherit = "sync.api"

    @api.model
    def _methods(self):
        return {
            **super()._methods(),
            LOOKUP: self._lookup,
            CHANGES: self._changes,
            HEALTH: self._health,
            STATISTICS: self._statistics,
        }

    @api.model
    def lookup(self, entity, external_ids, correlation_id=None):
        """Suppliers or products as the pharmacy app last sent them, to save asking it.

        :param str entity: ``supplier`` or ``product``
        :param list external_ids: the pharmacy's ids, up to 50
        :return: ``{success, results}``; each result is ``{success, external_id, value,
            source, age, stale, version, error}``. The source is ``memory``, ``cache``,
            ``app``; ``stale`` for an older value, which serves while the app fails; or
            ``odoo`` for Odoo's own values, if nothing else serves. The age is in
            seconds, false for Odoo's own.
        """
        return self._answer(LOOKUP, entity, external_ids, correlation_id)

    def _lookup(self, backend, correlation_id, entity, external_ids):
        self._stream(backend, entity)
        found = backend._lookup_each(
            entity, list(dict.fromkeys(external_ids)), correlation_id
        )
        results = [
            {"external_id": key, **self._looked_up(backend, found[key])}
            for key in external_ids
        ]
        return {
            "success": all(result["success"] for result in results),
            "results": results,
        }

    def _looked_up(self, backend, found):
        if isinstance(found, Exception):
            found = without_sql(backend.env, found)
            error = backend.env["sync.error"]._classify(found, backend)
            return {"success": False, "error": self._error(error, found)}
        return {
            "success": True,
            "value": found.value,
            "source": found.source,
            "age": None if found.age is None else round(found.age, 3),
            "stale": found.stale,
            "version": found.version,
            "error": None,
        }

    @api.model
    def changes(self, entity, cursor=None, limit=100, correlation_id=None):
        """What changed in Odoo since ``cursor``; nothing is skipped that is committed
        late.

        :param str cursor: ``next_cursor`` of the page before; without it all records,
            then what changed since
        :param int limit: changes in a page, 1 to 500
        :return: ``{success, changes, next_cursor, has_more, held_back,
            waiting_seconds}``; each change is ``{id, odoo_id, external_ref, version,
            deleted, data, error, correlation_id}`` with the record's latest values,
            each record once in a page; the error says why there are none. What Odoo did
            not change is as the app sent it, and what the app never sent is left out
            until Odoo changes it. ``held_back``
            committed changes wait for a transaction that has been open for
            ``waiting_seconds``: ask again.
        """
        return self._answer(CHANGES, entity, cursor, limit, correlation_id)

    def _changes(self, backend, correlation_id, entity, cursor, limit):
        return self._stream(backend, entity)._changes(cursor, limit)

    @api.model
    def health(self, correlation_id=None):
        """Whether the backend is worked on: ``{success, paused, queue, dead_letters,
        conflicts, mappings, score, breakers}``, each breaker ``{operation, state, mode,
        cause, retry_after}``."""
        return self._answer(HEALTH, correlation_id)

    @api.model
    def statistics(self, range="24h", correlation_id=None):
        """What happened in a range of time, and how much of it went wrong.

        :param str range: how far to look back: ``1h``, ``24h``, ``7d`` or ``30d``
        :return: ``{success, start, end, totals, rates, errors_by_category,
            errors_by_severity, codes}``: rates are per cent, false if there is nothing
            to be a part of; codes are the ten most frequent of errors
        """
        return self._answer(STATISTICS, range, correlation_id)

    def _statistics(self, backend, correlation_id, range):
        found = backend.env["sync.statistics"].data(backend.ids, range)
        return {
            **{name: found[name] for name in ("start", "end", "totals", "rates")},
            "errors_by_category": _counts(found["by_category"]),
            "errors_by_severity": _counts(found["by_severity"]),
            "codes": found["codes"],
        }

    def _health(self, backend, correlation_id):
        mappings = backend.env["sync.mapping"]._read_group(
            [("backend_id", "=", backend.id)], ["state"], ["__count"]
        )
        return {
            "paused": backend._rests(),
            "queue": backend.operation_count,
            "dead_letters": backend.dead_count,
            "conflicts": backend.conflict_count,
            "mappings": dict(mappings),
            "score": health(
                backend.env["sync.overview"]._vitals(backend)[backend.id]
            ).score,
            "breakers": [_breaker_status(breaker) for breaker in backend.breaker_ids],
        }


def _breaker_status(breaker):
    wait = breaker.open_until and breaker.open_until - fields.Datetime.now()
    return {
        "operation": breaker.operation,
        "state": breaker.state,
        "mode": breaker.mode,
        "cause": breaker.cause or None,
        "retry_after": max(0, round(wait.total_seconds())) if wait else None,
    }


def _counts(rows):
    return {row["key"]: row["count"] for row in rows}
