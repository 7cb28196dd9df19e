from odoo import models

from ...core.conflict_rules import Rule, RuleKind
from ...core.merge import MISSING, FieldConflict, Side
from ...core.merge_base import new_base
from ...core.policy import Decision
from ..conflict.record_facts import Peers, RecordFacts


class SyncStream(models.Model):
    """Arriving records that both sides have: compared, decided, written where Odoo is
    due to change."""

    _inherit = "sync.stream"

    def _apply_changed(self, arrivals, directory, correlation_id):
        """Records that exist on both sides: compare, decide, then write what is Odoo's
        due."""
        if not arrivals:
            return
        Record = self.env[self.res_model].with_context(active_test=False)
        ids = [arrival.mapping.res_id for arrival in arrivals]
        records = Record.browse(ids).exists()
        serialised = self._adapter()._serialise(records, directory)
        peers = Peers(self.env["sync.mapping"].concat(*(a.mapping for a in arrivals)))
        Conflict = self.env["sync.conflict"]
        behind, decided = {}, []
        for arrival in arrivals:
            mapping = arrival.mapping
            arrival.res_id = mapping.res_id
            odoo = serialised.get(mapping.res_id)
            if odoo is not None:
                mapping._confirm(arrival.data, arrival.version)
            base = mapping.base or {}
            if odoo is None:
                gone = self._gone(arrival, base)
                behind[mapping] = correlation_id
                decided.append((mapping, gone, arrival.data, correlation_id))
                continue
            pharmacy = {
                **base,
                **(mapping._open_conflict().pharmacy or {}),
                **arrival.data,
            }
            record = records.browse(mapping.res_id).with_prefetch(records.ids)
            facts = RecordFacts(mapping, record, arrival.record, peers)
            resolution = mapping._resolution(odoo, pharmacy, facts)
            if not self._attempt(
                arrival,
                self._write_merge,
                arrival,
                odoo,
                pharmacy,
                resolution,
                directory,
            ):
                continue
            merge = resolution.merge
            decided.append((mapping, resolution.decisions, pharmacy, correlation_id))
            Conflict._refresh(
                mapping,
                merge,
                pharmacy,
                correlation_id,
                arrival.record,
                reasons=mapping._reasons(resolution),
            )
            self._set_outcome(arrival, resolution)
            if merge.to_pharmacy:
                behind[mapping] = correlation_id
        Conflict._keep_decided(decided)
        if behind:
            self.env["sync.operation"]._enqueue_push(behind, self)
            self.backend_id._schedule_push()

    def _set_outcome(self, arrival, resolution):
        conflicts = resolution.merge.conflicts
        if resolution.decisions:
            arrival.warnings.append(
                self.env._(
                    "Decided without a person: %s.",
                    ", ".join(f"{d.path} ({d.strategy})" for d in resolution.decisions),
                )
            )
        if conflicts:
            arrival.outcome = "conflict"
            arrival.warnings.append(
                self.env._("A person is asked about %s.", ", ".join(conflicts))
            )
        else:
            arrival.outcome = "updated" if resolution.merge.to_odoo else "unchanged"

    def _gone(self, arrival, base):
        """The record is deleted in Odoo, perhaps before the app was known to have it.

        :return: decisions against what the pharmacy changed meanwhile
        """
        mapping = arrival.mapping
        arrival.outcome = "unchanged"
        mapping.write(
            {
                "version": max(arrival.version, mapping.version),
                "base": {**base, **arrival.data},
            }
        )
        rule = Rule(RuleKind.CANCELLED, (), self.env._("Deleted in Odoo."))
        return [
            Decision(
                name,
                str(Side.ODOO),
                FieldConflict(base.get(name, MISSING), MISSING, value),
                MISSING,
                rule,
            )
            for name, value in arrival.data.items()
            if name in base and base[name] != value
        ]

    def _write_merge(self, arrival, odoo, pharmacy, resolution, directory):
        mapping, merge = arrival.mapping, resolution.merge
        if merge.to_odoo:
            record = self.env[self.res_model].browse(mapping.res_id)
            self._adapter()._update(record, merge.to_odoo, directory)
        values = {
            "base": new_base(resolution.base, odoo, pharmacy, merge),
            "uncertain": False,
        }
        if arrival.version > mapping.version:
            values.update(version=arrival.version, unanswered=False)
        mapping.write(values)
