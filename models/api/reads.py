from odoo import api, models

from ...core.api_methods import CHANGES, LOOKUP
from ..base.alone import without_sql


class SyncApi(models.AbstractModel):
    """What the app reads: records as Odoo knows them, and what changed in Odoo."""

    _inherit = "sync.api"

    @api.model
    def _methods(self):
        return {**super()._methods(), LOOKUP: self._lookup, CHANGES: self._changes}

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
            deleted, data, correlation_id}`` with the record's latest values, each
            record once in a page. What Odoo did not change is as the app sent it, and
            what the app never sent is left out until Odoo changes it. ``held_back``
            committed changes wait for a transaction that has been open for
            ``waiting_seconds``: ask again.
        """
        return self._answer(CHANGES, entity, cursor, limit, correlation_id)

    def _changes(self, backend, correlation_id, entity, cursor, limit):
        return self._stream(backend, entity)._changes(cursor, limit)
