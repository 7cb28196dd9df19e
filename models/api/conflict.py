from odoo import api, models

from ...core.api.methods import CONFLICTS, RESOLVE
from ...core.conflict.resolution import Choice
from ...core.exceptions import InvalidDataError, SyncError
from ...core.taxonomy import ErrorType
from ..conflict.sync_conflict import _by_side


class SyncApi(models.AbstractModel):
    """Conflicts, for the pharmacy app: what is open, and deciding it."""

    _inherit = "sync.api"

    @api.model
    def _methods(self):
        mine = {CONFLICTS: self._conflicts, RESOLVE: self._resolve}
        return {**super()._methods(), **mine}

    @api.model
    def conflicts(self, entity=None, limit=100, cursor=None, correlation_id=None):
        """The open conflicts of the caller's backend, oldest first, as they are now.

        :param str entity: of this entity only
        :param int limit: 1 to 500
        :param int cursor: what the last page answered; empty for the first
        :return: ``{success, conflicts, cursor, more}``; each conflict ``{id, entity,
            external_id, odoo_id, record, found_at, fingerprint, fields}``, each field
            ``{path, label, values}`` with the values that are there under ``base``,
            ``odoo`` and ``pharmacy``
        """
        return self._answer(CONFLICTS, entity, limit, cursor, correlation_id)

    @api.model
    def resolve(
        self,
        conflict_id,
        side=None,
        choices=None,
        values=None,
        reason=None,
        fingerprint=None,
        correlation_id=None,
    ):
        """Decide a conflict, wholly or some of its fields.

        :param int conflict_id: as :meth:`conflicts` returned it
        :param str side: ``odoo`` or ``pharmacy``, for every field not named otherwise
        :param dict choices: ``{path: "odoo" or "pharmacy"}``
        :param dict values: ``{path: value}``, other than either side's
        :param str reason: kept with the conflict
        :param str fingerprint: as :meth:`conflicts` returned it: if the values changed
            since, nothing is done and the error is ``version_conflict``
        :return: ``{success, conflict_id, state, results}``: the state is ``open`` while
            other fields are left to decide; results by path what both sides will have
        """
        return self._answer(
            RESOLVE,
            conflict_id,
            side,
            choices,
            values,
            reason,
            fingerprint,
            correlation_id,
        )

    def _conflicts(self, backend, correlation_id, entity, limit, cursor):
        domain = [("backend_id", "=", backend.id), ("state", "=", "open")]
        if entity is not None:
            domain.append(("entity", "=", self._stream(backend, entity).entity))
        if cursor:
            domain.append(("id", ">", cursor))
        found = backend.env["sync.conflict"].search(domain, order="id", limit=limit + 1)
        more, page = len(found) > limit, found[:limit]
        return {
            "conflicts": [
                self._conflict(conflict, merge)
                for conflict, merge in page._merges_now().items()
            ],
            "cursor": page[-1:].id or cursor or None,
            "more": more,
        }

    def _conflict(self, conflict, merge):
        mapping = conflict.mapping_id
        return {
            "id": conflict.id,
            "entity": conflict.entity,
            "external_id": mapping.external_id,
            "odoo_id": mapping.res_id,
            "record": mapping.record_name,
            "version": mapping.version,
            "found_at": f"{conflict.create_date.isoformat(timespec='seconds')}Z",
            "fingerprint": conflict._fingerprint(merge.conflicts),
            "fields": [
                {
                    "path": path,
                    "label": conflict._label(path),
                    "values": _by_side(values),
                }
                for path, values in merge.conflicts.items()
            ],
        }

    def _resolve(
        self,
        backend,
        correlation_id,
        conflict_id,
        side,
        choices,
        values,
        reason,
        fingerprint,
    ):
        conflict = self._find_conflict(backend, conflict_id)
        wanted = self._wanted(conflict, side, choices, values)
        conflict._decide(wanted, fingerprint, reason)
        decided = conflict.line_ids.filtered(lambda line: line.field in wanted)
        return {
            "conflict_id": conflict.id,
            "state": conflict.state,
            "results": {
                line.field: (line.values or {}).get("result")
                for line in decided
                if line.choice
            },
        }

    def _find_conflict(self, backend, conflict_id):
        """A conflict of the caller's own backend.

        :raises SyncError: resource_not_found
        """
        known = backend.env["sync.conflict"].search(
            [("id", "=", conflict_id), ("backend_id", "=", backend.id)]
        )
        if not known:
            raise SyncError(
                f"There is no conflict {conflict_id}.",
                error_type=ErrorType.RESOURCE_NOT_FOUND,
                field="conflict_id",
            )
        return known

    def _wanted(self, conflict, side, choices, values):
        """What was asked, as :meth:`SyncConflict._decide` reads it."""
        if not (side or choices or values):
            message = "say a side, choices or values"
            raise InvalidDataError(message, field="side")
        wanted = {}
        if side:
            wanted = conflict._whole(side) if conflict.state == "open" else {}
        for path, choice in (choices or {}).items():
            wanted[path] = {"choice": choice}
        for path, value in (values or {}).items():
            wanted[path] = {"choice": Choice.MANUAL, "value": value}
        return wanted
