from odoo import models

from ...core.arriving import as_known, confirmed, gone, merged
from ...core.conflict_rules import Rule, RuleKind
from ...core.merge import MISSING, FieldConflict, Side
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
        behind, decided, written = {}, [], []
        for arrival in arrivals:
            mapping = arrival.mapping
            arrival.res_id = mapping.res_id
            odoo = serialised.get(mapping.res_id)
            if odoo is None:
                lost = self._gone(arrival)
                behind[mapping] = correlation_id
                decided.append((mapping, lost, arrival.data, correlation_id))
                continue
            state = mapping._state()
            mapping._move(state, confirmed(state, arrival.data, arrival.version))
            known = mapping._open_conflict().pharmacy
            pharmacy = as_known(mapping._state(), known, arrival.data)
            record = records.browse(mapping.res_id).with_prefetch(records.ids)
            facts = RecordFacts(mapping, record, arrival.record, peers)
            comparison = mapping._decide(odoo, pharmacy, facts)
            if self._attempt(
                arrival, self._write_changes, record, comparison, directory
            ):
                written.append((arrival, comparison))
        stored = self._read_back(written, directory)
        for arrival, comparison in written:
            self._keep_compared(arrival, comparison, stored, correlation_id)
            mapping, decisions = arrival.mapping, comparison.decisions
            decided.append((mapping, decisions, comparison.pharmacy, correlation_id))
            if comparison.merge.to_pharmacy:
                behind[mapping] = correlation_id
        self.env["sync.conflict"]._keep_decided(decided)
        if behind:
            self.env["sync.operation"]._enqueue_push(behind, self)
            self.backend_id._schedule_push()

    def _write_changes(self, record, comparison, directory):
        if comparison.merge.to_odoo:
            record = record.with_env(self.env)
            self._adapter()._update(record, comparison.to_odoo, directory)

    def _read_back(self, written, directory):
        """What Odoo really has of the records that were just written."""
        changed = [a.mapping.res_id for a, c in written if c.merge.to_odoo]
        Record = self.env[self.res_model].with_context(active_test=False)
        return self._adapter()._serialise(Record.browse(changed), directory)

    def _keep_compared(self, arrival, comparison, stored, correlation_id):
        mapping = arrival.mapping
        has = stored.get(mapping.res_id)
        state = mapping._state()
        data, version = arrival.data, arrival.version
        mapping._move(state, merged(state, comparison, has, data, version))
        self.env["sync.conflict"]._refresh(
            mapping,
            comparison.merge,
            comparison.pharmacy,
            correlation_id,
            arrival.record,
            reasons=mapping._reasons(comparison),
        )
        self._set_outcome(arrival, comparison)
        if has is not None:
            not_kept = self._adapter()._not_kept(comparison.to_odoo, has)
            self._warn_not_kept(arrival, not_kept)

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

    def _gone(self, arrival):
        """The record is deleted in Odoo, perhaps before the app was known to have it.

        :return: decisions against what the pharmacy changed meanwhile
        """
        arrival.outcome = "unchanged"
        mapping, state = arrival.mapping, arrival.mapping._state()
        mapping._move(state, gone(state, arrival.data, arrival.version))
        base = state.base.pharmacy
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
