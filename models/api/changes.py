from odoo import api, models

from ...core.text_checks import check_text, check_whole
from .sync_api import MAX_RECORDS

LONGEST_CURSOR = 200


class SyncApi(models.AbstractModel):
    """Odoo's own feed of changes."""

    _inherit = "sync.api"

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
            record once in a page. What Odoo did not change is as the app told it, and
            what the app never told is left out until Odoo changes it. ``held_back``
            committed changes wait for a transaction that has been open for
            ``waiting_seconds``: ask again.
        """
        return self._answer(correlation_id, self._changes, entity, cursor, limit)

    def _changes(self, backend, correlation_id, entity, cursor, limit):
        stream = self._stream(backend, entity)
        check_whole(limit, "limit", 1, MAX_RECORDS)
        cursor = check_text(cursor, "cursor", LONGEST_CURSOR, required=False)
        return stream._changes(cursor, limit)
