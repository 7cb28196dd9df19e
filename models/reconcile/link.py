from odoo import models

from ...core.conflict.merge_base import first_base
from ...core.exceptions import ConflictError, InvalidDataError
from ...entities.directory import Directory
from ..base.alone import alone


class SyncStream(models.Model):
    """Two records that were made apart become one mapping."""

    _inherit = "sync.stream"

    def _link(self, pairs, correlation_id, winner=None, suspected=False):
        """Link records of Odoo with records of the pharmacy, and bring them in step.

        A field that is empty on one side is filled from the other. Where both have a
        value and they differ, ``winner`` has it; without one that is a conflict.

        :param pairs: ``[(res_id, record as the pharmacy app sends it), ...]``
        :param winner: ``"odoo"``, ``"pharmacy"`` or None
        :param suspected: take the only pair although a worker may die of it
        :return: ``{external_id: exception or None}``
        """
        self.ensure_one()
        results, free = self._reserve(pairs)
        adapter, directory = self._adapter(), Directory(self.backend_id)
        Record = self.env[self.res_model].with_context(active_test=False)
        records = Record.browse(mapping.res_id for mapping, __ in free)
        canonical, failed = {}, set()
        for mapping, record in free:
            with alone(self.env) as failure:
                data = adapter._canonical(record, directory)
                adapter._adopt(Record.browse(mapping.res_id), data, directory)
            if failure.error:
                results[record["id"]] = failure.error
                failed.add(mapping)
            else:
                canonical[mapping] = data
        odoo = adapter._serialise(records, directory)
        for mapping, data in canonical.items():
            base = first_base(odoo[mapping.res_id], data, winner)
            mapping.write({"base": base, "odoo_base": False, "declined": False})
        linked = [(m, record) for m, record in free if m not in failed]
        records = [record for __, record in linked]
        arrivals = self._apply_apart(records, correlation_id, suspected)
        for (mapping, __), arrival in zip(linked, arrivals, strict=True):
            results[arrival.external_id] = arrival.error
            if arrival.error:
                failed.add(mapping)
        # Nothing of a pair that could not be brought together stays behind.
        self.env["sync.mapping"].union(*failed).unlink()
        if self.pushes:
            changed = {m.res_id: correlation_id for m, __ in linked if m not in failed}
            self.env["sync.operation"]._request_push(self, changed)
            self.backend_id._schedule_push()
        return results

    def _reserve(self, pairs):
        """Mappings for pairs of which neither is another's already.

        :return: (results so far, ``[(mapping, record), ...]`` of those to be linked)
        """
        Mapping = self.env["sync.mapping"]
        own = [("stream_id", "=", self.id)]
        res_ids = [res_id for res_id, __ in pairs]
        external_ids = [record["id"] for __, record in pairs]
        theirs = Mapping.search([*own, ("external_id", "in", external_ids)])
        by_external_id = theirs.grouped("external_id")
        by_res_id = Mapping.search([*own, ("res_id", "in", res_ids)]).grouped("res_id")
        there = set(self.env[self.res_model].browse(res_ids).exists().ids)
        results, free, new = {}, [], {}
        for res_id, record in pairs:
            known = by_external_id.get(record["id"])
            mapping = by_res_id.get(res_id)
            if known and known == mapping:
                results[record["id"]] = None
            elif res_id not in there:
                results[record["id"]] = InvalidDataError(
                    "Odoo does not have the record any more."
                )
            # Two of the pharmacy's may be meant to go with the same one.
            elif known or res_id in new or (mapping and mapping.external_id):
                results[record["id"]] = ConflictError(
                    "One of the two has another counterpart by now."
                )
            elif mapping:
                mapping.write({"external_id": record["id"], "uncertain": False})
                free.append((mapping, record))
            else:
                new[res_id] = record
        rows = [
            {"res_id": res_id, "external_id": record["id"]}
            for res_id, record in new.items()
        ]
        made = Mapping._insert(self, rows)
        free += [(mapping, new[mapping.res_id]) for mapping in made]
        return results, free
