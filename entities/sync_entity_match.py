from odoo import api, models
from odoo.fields import Domain

from .converters import Converter
from .directory import Directory


class SyncEntity(models.AbstractModel):
    """Which records of Odoo are plainly the same as arriving ones, by their codes."""

    _inherit = "sync.entity"

    @api.model
    def _match(self, backend, incoming):
        """Odoo records that are plainly the same as arriving new ones.

        :param incoming: ``{external_id: canonical data}``
        :return: ``{external_id: res_id}``, records without a mapping only; and
            ``{external_id: AmbiguousError}`` of those that several may be
        """
        matches, unclear, taken = {}, {}, set()
        directory = Directory(backend)
        for external_id, (found, key) in self._candidates(backend, incoming).items():
            if len(found) > 1:
                value = _said(incoming[external_id], key)
                unclear[external_id] = directory.several(
                    self._entity_model, value, found, key
                )
            elif found[0] not in taken:
                matches[external_id] = found[0]
                taken.add(found[0])
        return matches, unclear

    @api.model
    def _candidates(self, backend, incoming, directory=None):
        """Odoo records that may be the same as arriving new ones.

        Codes are tried in the order of ``_entity_match``, and the first that finds any
        decides. A record that has another value in a stronger code is none.

        :param incoming: ``{external_id: canonical data}``
        :param directory: where the counterparts of linked records are looked up
        :return: ``{external_id: ([res_id, ...], key)}``, the oldest first; only records
            without a counterpart
        """
        if not self._entity_match:
            return {}
        found = self._same_code(backend, incoming)
        code = {field: each.code for field, each in self._match_converters().items()}
        candidates = {}
        for external_id, data in incoming.items():
            stronger = []
            for key, field in self._entity_match:
                value = code[field](data.get(key))
                ids = [
                    record.id
                    for record in found[field].get(value, ())
                    if all(code[f](record[f]) in ("", own) for own, f in stronger)
                ]
                if ids:
                    candidates[external_id] = (ids, key)
                    break
                if value:
                    stronger.append((value, field))
        return candidates

    @api.model
    def _same_code(self, backend, incoming):
        """Odoo's records without a counterpart by what they share with arriving ones:
        ``{field: {code: records}}``."""
        found, Model = {}, self.env[self._entity_model].with_context(active_test=False)
        by = self._match_converters()
        for key, field in self._entity_match:
            values = {_said(data, key) for data in incoming.values()}
            values = (values | set(map(by[field].code, values))) - {""}
            found[field] = Model.browse()
            if values:
                domain = by[field].having(field, values) & self._domain(backend)
                found[field] = Model.search(domain, order="id")
        ids = {record.id for records in found.values() for record in records}
        claimed, foreign = self._claimed(backend, ids)
        worldwide = {
            f for key, f in self._entity_match if key in self._entity_worldwide
        }
        return {
            field: records.filtered(
                lambda r, field=field: (
                    r.id not in claimed and (field in worldwide or r.id not in foreign)
                )
            ).grouped(lambda r, field=field: by[field].code(r[field]))
            for field, records in found.items()
        }

    @api.model
    def _match_converters(self):
        """``{field: converter}`` of what records are matched by: it says what spellings
        of a value have in common."""
        converters = {c.key: c for c in self._known_converters()}
        return {
            field: converters.get(key, Converter) for key, field in self._entity_match
        }

    @api.model
    def _claimed(self, backend, res_ids):
        """Ids of the Odoo records that have a counterpart which is not deleted: those
        that have it on the backend, and those on another."""
        # Others may be of companies that the caller does not see.
        mappings = (
            self.env["sync.mapping"]
            .sudo()
            .search_fetch(
                Domain("res_model", "=", self._entity_model)
                & Domain("res_id", "in", list(res_ids))
                & Domain("external_id", "!=", False)
                & Domain("deleted", "=", False),
                ["res_id", "backend_id"],
            )
        )
        own = mappings.filtered(lambda m: m.backend_id == backend)
        return set(own.mapped("res_id")), set((mappings - own).mapped("res_id"))


def _said(data, key):
    return (data.get(key) or "").strip()
