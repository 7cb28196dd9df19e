from dataclasses import replace

from odoo import models
from odoo.fields import Domain

from ...core import said
from ...core.conflict.merge import MISSING, FieldConflict, Side, generic_path
from ...core.conflict.policy import Decision
from ...core.conflict.rules import Rule, RuleKind
from ...core.exceptions import AwaitedValueError, HeldValueError
from ...core.exchange.arriving import as_known, confirmed, gone, merged
from ...core.exchange.declined import not_taken, value_at
from ...core.exchange.pair import as_in
from ...core.keys.codes_handed_on import to_vacate
from ...entities.neutral import cause_of
from ...entities.tracking_messages import as_batch
from ..base.alone import alone
from ..conflict.merge import by_odoo
from ..conflict.record_facts import Peers, RecordFacts


class SyncStream(models.Model):
    """Arriving records that both sides have: compared, decided, written where Odoo is
    due to change. What Odoo did not take is said to the caller, and for a person."""

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
        behind, decided, compared = {}, [], []
        by = self._deciding()
        for arrival in arrivals:
            mapping = arrival.mapping
            arrival.res_id = mapping.res_id
            odoo = serialised.get(mapping.res_id)
            if odoo is None:
                lost = self._gone(arrival)
                behind[mapping] = correlation_id
                decided.append((mapping, lost, arrival.data, correlation_id))
                continue
            state = arrival.state or mapping._state()
            arrival.state = confirmed(
                state, arrival.data, arrival.version, by["directions"]
            )
            mapping._move(state, arrival.state)
            conflict = mapping._open_conflict()
            known = conflict.pharmacy if conflict else None
            pharmacy = as_known(arrival.state, known, arrival.data)
            odoo = as_in(odoo, arrival.state.base.odoo)
            record = records.browse(mapping.res_id).with_prefetch(records._prefetch_ids)
            facts = RecordFacts(mapping, record, arrival.record, peers)
            comparison = mapping._decide(odoo, pharmacy, facts, arrival.state, by)
            compared.append((arrival, comparison))
        self._write_changes(compared, directory)
        written = [(a, c) for a, c in compared if not a.error]
        stored = self._read_back(written, directory)
        for arrival, comparison in written:
            self._keep_compared(arrival, comparison, stored, directory, correlation_id)
            mapping = arrival.mapping
            decisions = mapping._taken_of(comparison.decisions)
            decided.append((mapping, decisions, comparison.pharmacy, correlation_id))
            if comparison.merge.to_pharmacy:
                behind[mapping] = correlation_id
        self.env["sync.conflict"]._keep_decided(decided)
        if behind:
            self.env["sync.operation"]._enqueue_push(behind, self)
            self.backend_id._schedule_push()

    def _write_changes(self, compared, directory):
        """Write in Odoo what the comparisons bring, in one savepoint; if that fails
        halve it, until the bad record is alone."""
        due = [(a, c) for a, c in compared if c.merge.to_odoo]
        if len(due) == 1:
            ((arrival, comparison),) = due
            if not self._attempt(arrival, self._update_together, due, directory):
                self._find_fault(arrival, comparison.to_odoo, directory)
        if len(due) < 2:
            return
        with alone(self.env) as failure:
            self._update_together(due, directory)
        if failure:
            half = len(due) // 2
            self._write_changes(due[:half], directory)
            self._write_changes(due[half:], directory)

    def _attempt(self, arrival, function, *args):
        """Call ``function`` so that its failure is this record's alone.

        :return: whether it succeeded
        """
        with alone(self.env) as failure:
            function(*args)
        if failure.error:
            arrival.res_id = None
            return self._set_failed(arrival, failure.error)
        return True

    def _update_together(self, compared, directory):
        Record = self.env[self.res_model]
        ids = [arrival.mapping.res_id for arrival, __ in compared]
        records = Record.browse(ids)
        for record in records:
            # A failed attempt may have left something.
            directory.said.pop(record.id, None)
        changes = [comparison.to_odoo for __, comparison in compared]
        as_batch(self.env)
        self._vacate(compared)
        self._adapter()._update_all(dict(zip(records, changes, strict=True)), directory)

    def _vacate(self, compared):
        """Take codes from records that hand them on to others of the batch: Odoo looks
        at each write by itself."""
        codes = dict(self._adapter()._entity_match)
        handing = {
            arrival.mapping.res_id: comparison
            for arrival, comparison in compared
            if not codes.keys().isdisjoint(comparison.to_odoo)
        }
        if len(handing) < 2:
            return
        vacated = to_vacate(
            {res_id: comparison.to_odoo for res_id, comparison in handing.items()},
            {res_id: comparison.odoo for res_id, comparison in handing.items()},
            codes,
        )
        Record = self.env[self.res_model]
        for res_id, keys in vacated.items():
            Record.browse(res_id).write({codes[key]: False for key in keys})
        if vacated:
            # Before any of them is written again.
            Record.flush_model()

    def _find_fault(self, arrival, data, directory):
        """Odoo declined a record without naming a field: find the one without which it
        would not have. Where it is a code that another record has, that one may give it
        up yet.

        :param data: what should have been written
        """
        if getattr(arrival.error, "field", None):
            return
        holders = self._holders(arrival, data)
        if holders and self._would_do(arrival, data, holders, directory):
            key, holder = next(iter(holders.items()))
            known = self.env["sync.mapping"].search(
                [("stream_id", "=", self.id), ("res_id", "=", holder.id)]
            )
            kind = AwaitedValueError if known.external_id else HeldValueError
            name, external_id = holder.display_name, known.external_id or None
            arrival.error = kind(key, data[key], name, external_id)
            return
        for key in data:
            if self._would_do(arrival, data, {key}, directory):
                arrival.error.field = key
                return

    def _would_do(self, arrival, data, without, directory):
        """Whether Odoo would take a record without some of its fields."""
        rest = {key: value for key, value in data.items() if key not in without}
        adapter = self._adapter()
        record = arrival.mapping and arrival.mapping._record()
        with alone(self.env) as trial:
            if record:
                adapter._update_all({record: rest}, directory)
            else:
                adapter._create(self.backend_id, [rest], directory)
            self.env.flush_all()
            raise _TrialError
        return isinstance(trial.error, _TrialError)

    def _holders(self, arrival, data):
        """Other records of Odoo that have a code which should be written: ``{its name:
        record}``."""
        Record = self.env[self.res_model].with_context(active_test=False)
        own = arrival.mapping.res_id if arrival.mapping else None
        # Those of other companies are nothing that the app may hear of.
        others = Domain("id", "!=", own)
        if "company_id" in Record._fields:
            companies = [False, self.backend_id.company_id.id]
            others &= Domain("company_id", "in", companies)
        found = {
            key: Record.search(others & Domain(field, "=", data[key]), limit=1)
            for key, field in self._adapter()._entity_match
            if data.get(key)
        }
        return {key: record for key, record in found.items() if record}

    def _read_back(self, written, directory):
        """What Odoo really has of the records that were just written."""
        changed = [a.mapping.res_id for a, c in written if c.merge.to_odoo]
        Record = self.env[self.res_model].with_context(active_test=False)
        return self._adapter()._serialise(Record.browse(changed), directory)

    def _keep_compared(self, arrival, comparison, stored, directory, correlation_id):
        mapping = arrival.mapping
        has = stored.get(mapping.res_id)
        if has is not None:
            has = as_in(has, comparison.odoo)
        state = arrival.state
        data, version = arrival.data, arrival.version
        said = directory.said.pop(mapping.res_id, None)
        refused = mapping._refused(comparison, has, said)
        mapping._move(state, merged(state, comparison, has, data, version, refused))
        after = mapping._with_declined(
            comparison, comparison.odoo if has is None else has
        )
        self.env["sync.conflict"]._refresh(
            mapping,
            after.merge,
            comparison.pharmacy,
            correlation_id,
            arrival.record,
            reasons=mapping._reasons(comparison),
        )
        self._set_outcome(arrival, comparison, after.merge.conflicts, refused)
        self._warn_declined(arrival, refused, has)
        if has is not None:
            not_kept = self._adapter()._not_kept(comparison.to_odoo, has)
            self._warn_not_kept(arrival, not_kept, refused)

    def _set_outcome(self, arrival, resolution, conflicts, refused):
        decisions = [d for d in resolution.decisions if d.path not in refused]
        if decisions:
            arrival.warnings.append(
                self.env._(
                    "Decided without a person: %s.",
                    ", ".join(f"{d.path} ({d.strategy})" for d in decisions),
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
        rule = Rule(RuleKind.CANCELLED, (), said.DELETED_HERE)
        return [
            Decision(
                name,
                str(Side.ODOO),
                FieldConflict(base.get(name, MISSING), MISSING, value),
                MISSING,
                rule,
            )
            for name, value in self._directions().taken(arrival.data).items()
            if name in base and base[name] != value
        ]

    def _keep_declined(self, arrival, stored, inserted, directory):
        """A record was created, and Odoo has something else than the pharmacy said:
        what of it was declined is for a person."""
        directions = self._directions()
        wanted, keeps = directions.taken(arrival.data), self._adapter()._keeps()
        paths = directions.go_both(not_taken({}, wanted, stored, keeps, creating=True))
        if not paths:
            return {}
        if not arrival.mapping:
            arrival.mapping = inserted.filtered(lambda m: m.res_id == arrival.res_id)
        mapping = arrival.mapping
        refused = by_odoo(paths, directory.said.pop(arrival.res_id, None))
        state = mapping._state()
        mapping._move(state, replace(state, declined=refused))
        comparison = mapping._compare(stored, arrival.data)
        self.env["sync.conflict"]._refresh(
            mapping,
            comparison.merge,
            arrival.data,
            cause_of(self.env),
            arrival.record,
            reasons=mapping._reasons(comparison),
        )
        self._warn_declined(arrival, refused, stored)
        return refused

    def _warn_declined(self, arrival, refused, stored):
        """Say what Odoo did not take, and why if it said so."""
        for path, refusal in refused.items():
            has = value_at(stored, path)
            arrival.warnings.append(
                self.env._(
                    "%(field)s was declined, Odoo has %(value)s. %(reason)s",
                    field=path,
                    value=self.env._("nothing") if has in (None, "", MISSING) else has,
                    reason=arrival.mapping._declined_text(refusal),
                )
            )

    def _warn_not_kept(self, arrival, not_kept, refused):
        """Say what Odoo has otherwise than the pharmacy said it.

        :param refused: what was declined, and said already
        """
        unsent = self._directions().unsent if not_kept else ()
        for path, value in not_kept.items():
            if path in refused:
                continue
            if generic_path(path) in unsent:
                arrival.warnings.append(
                    self.env._("Odoo does not keep %s as sent.", path)
                )
                continue
            arrival.warnings.append(
                self.env._(
                    "Odoo does not keep %(field)s as sent: it has %(value)s.",
                    field=path,
                    value=self.env._("nothing") if value in (None, "") else value,
                )
            )


class _TrialError(Exception):
    """What was tried succeeded, and is undone."""
