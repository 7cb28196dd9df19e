from odoo import models

from ...core.conflict.merge import MISSING
from ...core.exceptions import InvalidDataError, SchemaMismatchError
from ...core.exchange.rounds import shows_set_back
from ...entities.directory import Directory
from ..base.own_transaction import apart

VERIFIED_A_STEP = 50


class SyncReconciliation(models.Model):
    """Each suspect is fetched, and compared with what is true by then."""

    _inherit = "sync.reconciliation"

    def _step_verify(self):
        suspects = apart(self._next_drift, "suspected", VERIFIED_A_STEP)
        if not suspects:
            chosen = apart(self._next_drift, "chosen", 1)
            apart(self._go_to, "repair")
            return bool(chosen)
        records = self._fetch(suspects)
        # What the feed has of them by now is no drift.
        if self._read_feed():
            apart(self._judge, suspects, records)
        return True

    def _next_drift(self, state, limit):
        """``[(drift id, pharmacy id, version known of it), ...]``"""
        drift = self.env["sync.drift"].search(
            [("reconciliation_id", "=", self.id), ("state", "=", state)],
            order="id",
            limit=limit,
        )
        return [
            (d.id, d.mapping_id.external_id or d.external_id, d.mapping_id.version)
            for d in drift
        ]

    def _fetch(self, wanted):
        """The pharmacy's records by drift id; None for one that was never there. In
        place of one that cannot be read, its :class:`SchemaMismatchError`."""
        client, correlation_id = self._client(), apart(self._get_correlation_id)
        collection = self._adapter()._entity_collection
        records = {}
        for drift_id, external_id, __ in wanted:
            try:
                records[drift_id] = external_id and client.get_if_there(
                    collection, external_id, correlation_id
                )
            except SchemaMismatchError as exc:
                records[drift_id] = exc
        return records

    def _get_correlation_id(self):
        return self.correlation_id

    def _judge(self, suspects, records):
        """Make each suspect a finding, or forget it."""
        Drift = self.env["sync.drift"]
        drifts = Drift.browse(drift_id for drift_id, __, __ in suspects)
        versions = {drift_id: version for drift_id, __, version in suspects}
        if self._shows_set_back(drifts, versions, records):
            # All is read again, and they are looked at again after that.
            return
        busy = drifts.mapping_id._busy_mappings()
        odoo = self._odoo_values(drifts.mapping_id)
        found = Drift
        for drift in drifts:
            mapping, record = drift.mapping_id, records[drift.id]
            moved = mapping in busy or mapping.version != versions[drift.id]
            if isinstance(record, SchemaMismatchError):
                values = self._judge_unreadable(drift, record)
            elif mapping and not moved:
                values = self._judge_mapping(mapping, odoo.get(mapping.res_id), record)
            elif mapping:
                values = None
            elif drift.res_id:
                values = self._judge_unmapped(drift)
            else:
                values = self._judge_unknown(drift, record)
            if values:
                state = "chosen" if self.stream_id.auto_repair else "open"
                drift.write({"state": state, **values})
                found += drift
        (drifts - found).unlink()
        self.write({"total": self.total + len(drifts)})
        self._count(done=len(drifts))

    def _shows_set_back(self, drifts, versions, records):
        """Whether the app does not have what it was known to have. Where it is read by
        its lists a few that it has no more are deleted, as they are for a round."""
        backend, gone = self.backend_id, 0
        for drift in drifts:
            mapping, record = drift.mapping_id, records[drift.id]
            known = mapping.external_id and not mapping.deleted
            moved = mapping.version != versions[drift.id]
            unreadable = isinstance(record, SchemaMismatchError)
            if not known or moved or unreadable or mapping.epoch != backend.epoch:
                continue
            gone += record is None
            if record is None and self.stream_id._may_delete_unsaid():
                back = shows_set_back(gone)
            else:
                back = record is None or record["version"] < mapping.version
            if back:
                reason = backend._why_low(mapping.external_id, mapping.version)
                backend._went_back(reason)
                return True
        return False

    def _judge_unreadable(self, drift, exception):
        """A record that the app does not send as agreed, which others are no less
        compared for."""
        mapping = drift.mapping_id
        return {
            "kind": "differs" if mapping else "missing_odoo",
            "repair": "push" if mapping else "pull",
            "external_id": mapping.external_id or drift.external_id,
            "res_id": mapping.res_id,
            "record_name": mapping.record_name or drift.external_id,
            "reason": self.backend_id._redact(str(exception)),
        }

    def _judge_mapping(self, mapping, odoo, record):
        """Values of the finding, None if both sides are what they should be."""
        living = record and not record.get("deleted")
        values = {
            "external_id": mapping.external_id,
            "res_id": mapping.res_id,
            "record_name": mapping.record_name,
        }
        if mapping.deleted:
            # Deleted on one side, and there again: the deletion is sent once more.
            again = living and {"kind": "missing_odoo", "repair": "push"}
            return {**values, **again} if again else None
        if odoo is None and not living:
            return {**values, "kind": "orphan", "repair": "forget"}
        if odoo is None:
            return {**values, "kind": "missing_odoo", "repair": "pull"}
        if not living:
            # One that was set back lacks what nobody has deleted.
            back = self.backend_id.set_back_at
            deleted = record or (self.stream_id._may_delete_unsaid() and not back)
            repair = "pull" if deleted else "push"
            return {**values, "kind": "missing_pharmacy", "repair": repair}
        return self._judge_difference(mapping, odoo, record, values)

    def _judge_difference(self, mapping, odoo, record, values):
        try:
            pharmacy = self._canonical(record)
        except InvalidDataError as exc:
            return {
                **values,
                "kind": "differs",
                "repair": "push",
                "fields_text": exc.field,
                "reason": self.backend_id._redact(str(exc)),
            }
        comparison = mapping._compare(odoo, pharmacy)
        merge, words = comparison.merge, comparison.words
        if not (merge.to_odoo or merge.to_pharmacy or merge.conflicts):
            # Both have the same; only what was agreed on was older.
            mapping._keep_agreed(comparison)
            return None
        base = mapping.base or {}
        names = [
            n for n in odoo if n in pharmacy and words.get(n, MISSING) != pharmacy[n]
        ]
        return {
            **values,
            "kind": "differs",
            "repair": self._proposal(merge),
            "fields_text": ", ".join(names),
            "base": {name: base.get(name) for name in names},
            "odoo": {name: odoo[name] for name in names},
            "pharmacy": {name: pharmacy[name] for name in names},
        }

    def _proposal(self, merge):
        """The side that changed is right, as far as the stream flows that way."""
        stream = self.stream_id
        if not stream.pulls:
            return "push"
        if not stream.pushes:
            return "pull"
        if merge.conflicts or (merge.to_odoo and merge.to_pharmacy):
            return "merge"
        return "push" if merge.to_pharmacy else "pull"

    def _judge_unmapped(self, drift):
        """A record of Odoo that was never sent."""
        record = self.env[self.stream_id.res_model].browse(drift.res_id).exists()
        waiting = self.env["sync.event"].search_count(
            [
                ("state", "=", "pending"),
                ("stream_id", "=", self.stream_id.id),
                ("res_id", "=", drift.res_id),
            ],
            limit=1,
        )
        if not record or waiting or self._mapped(record.ids):
            return None
        return {
            "kind": "missing_pharmacy",
            "repair": "push",
            "record_name": record.display_name,
        }

    def _judge_unknown(self, drift, record):
        """A record of the pharmacy that no change feed had."""
        own = [
            ("stream_id", "=", self.stream_id.id),
            ("external_id", "=", drift.external_id),
        ]
        Operation = self.env["sync.operation"]
        kept = [*own, ("state", "not in", Operation.CLOSED)]
        if (
            not record
            or record.get("deleted")
            or self.env["sync.mapping"].search_count(own, limit=1)
            or Operation.search_count(kept, limit=1)
        ):
            return None
        name = record.get("name") or record.get("reference")
        values = {"kind": "missing_odoo", "record_name": name or drift.external_id}
        try:
            data = self._canonical(record)
        except InvalidDataError as exc:
            return {
                **values,
                "repair": "pull",
                "reason": self.backend_id._redact(str(exc)),
            }
        candidates = self._adapter()._candidates(
            self.backend_id, {drift.external_id: data}
        )
        res_ids, __ = candidates.get(drift.external_id, ((), None))
        if len(res_ids) == 1:
            return {**values, "repair": "link", "res_id": res_ids[0]}
        return {**values, "repair": "pull"}

    def _canonical(self, record):
        directory = Directory(self.backend_id)
        return self._adapter()._canonical(record, directory, partial=True)
