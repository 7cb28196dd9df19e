"""Odoo's side in memory. It stands in PostgreSQL's place: what a mapping comes to is
decided by the same moves that the models call (``core/pushing.py``,
``core/arriving.py``, ``core/mapping_state.py``), each behind a method here, so that a
mistake can be built in.

Each method says by its name which one of the models it stands for. A worker is a
generator: between two ``yield`` it does what is one transaction in Odoo, so that it
can be killed before and after each commit; a call to the pharmacy is yielded and its
answer sent in, so that anything may happen while it is under way.
"""

from collections import Counter
from dataclasses import replace

from odoo.addons.pharmacy_sync.core.conflict_rules import Facts, Times
from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError
from odoo.addons.pharmacy_sync.core.mapping_state import UNKNOWN, compare, decide
from odoo.addons.pharmacy_sync.core.merge import Side
from odoo.addons.pharmacy_sync.core.resolution import Choice, Decision, decided

from .odoo_apply import Apply
from .odoo_guard import Guard
from .odoo_push import Push
from .odoo_queue import Queue
from .odoo_records import Records
from .parts import Mapping


class OrderFacts(Facts):
    """:param times: :class:`Times` in ticks"""

    def __init__(self, times):
        self._times = times

    def times(self):
        return self._times


class Odoo(Push, Queue, Apply, Guard, Records):
    """:param ledger: notes what a person decides
    :param now: function for the time, in ticks
    :ivar matches: whether a record that arrives may be one that was made in Odoo
    :ivar policies: :class:`..core.policy.Policies`; None: a person is always asked
    :ivar met: how often something came up that rooms are there for
    """

    def __init__(self, ledger, now):
        self.ledger = ledger
        self.now = now
        self.records = {}
        self.archived = set()
        self.mappings = []
        self.operations = []  # those that have not ended
        self.events = []
        self.cursor = 0
        self.writes = 0
        self.made = 0
        self.matches = False
        self.policies = None
        self.decided = []  # (record, core.policy.Decision): what no person was asked
        self.breakers = {}
        self.met = Counter()
        self._edited_at = {}
        self._ids = 0
        self._keys = 0

    # -- What a person does ------------------------------------------------------------

    def create(self, values):  # pylint: disable=method-required-super
        self._ids += 1
        self.records[self._ids] = self._kept(values)
        self._edited_at[self._ids] = self.now()
        self.events.append(self._ids)
        return self._ids

    def edit(self, res_id, changes):
        self._edited_at[res_id] = self.now()
        self.write(res_id, changes)

    def write(self, res_id, changes):
        self.records[res_id] = self._kept({**self.records[res_id], **changes})
        self.events.append(res_id)

    def delete(self, res_id):
        del self.records[res_id]
        self.events.append(res_id)

    def resolve(self, mapping, winner):
        """``sync.conflict._decide``: all differences for one side.

        :raises DependencyMissingError: the winner's supplier is not there yet
        """
        odoo = self._serialise(mapping.res_id)
        if odoo is None:
            mapping.conflict = None
            return
        before = mapping.known
        comparison = self._compare(mapping, odoo)
        seen = comparison.merge.conflicts
        choices = dict.fromkeys(seen, Decision(Choice(str(winner))))
        half = decided(comparison.base.pharmacy, seen, seen, choices)
        base = comparison.base.with_pharmacy(half, comparison.words, odoo)
        mapping.move(replace(mapping.state, base=base))
        try:
            self._take_over(mapping, odoo)
        except DependencyMissingError:
            mapping.move(before)
            raise
        for path, values in seen.items():
            sides = values.odoo, values.pharmacy
            better, worse = sides if winner is Side.ODOO else sides[::-1]
            kept = winner is Side.ODOO
            self.ledger.decided(odoo["name"], path, better, worse, kept)
        mapping.conflict = None

    # -- sync_mapping ------------------------------------------------------------------

    def _insert(self, res_id=None, state=UNKNOWN):
        mapping = Mapping(f"key{len(self.mappings) + 1}", res_id, state)
        self.mappings.append(mapping)
        return mapping

    def _mapping(self, name, value):
        for mapping in self.mappings:
            if getattr(mapping, name) == value:
                return mapping
        return None

    def _state(self, mapping):
        states = {o.state for o in self.operations if o.mapping is mapping}
        if "dead" in states:
            return "dead"
        return "conflict" if mapping.conflict else "pending" if states else "synced"

    # -- sync_merge --------------------------------------------------------------------

    def _compare(self, mapping, odoo, pharmacy=None):
        """:param pharmacy: without it what is known of the pharmacy's"""
        if pharmacy is None and mapping.conflict:
            pharmacy = mapping.conflict.pharmacy
        return self._changed(compare(mapping.base, odoo, pharmacy, held=self._means))

    def _decide(self, mapping, odoo, pharmacy, record):
        """:param record: the pharmacy's, for its time and version"""
        if not self.policies:
            return self._compare(mapping, odoo, pharmacy)
        times = Times(
            _moment(self._edited_at[mapping.res_id]),
            _moment(record["updated_at"]),
            record["version"],
            mapping.version,
        )
        facts = OrderFacts(times)
        return self._changed(
            decide(mapping.base, odoo, pharmacy, self.policies, facts, held=self._means)
        )

    def _means(self, path, value):
        return self._held(path, value)

    def _changed(self, comparison):
        """Where a mistake in comparing can be built in."""
        return comparison

    def _take_over(self, mapping, odoo):
        comparison = self._compare(mapping, odoo)
        stored = self._write(mapping.res_id, comparison.to_odoo)
        mapping.move(replace(mapping.state, base=self._agreed(comparison, stored)))
        if comparison.merge.to_pharmacy:
            self._enqueue_push(mapping)

    def _write(self, res_id, changes):
        """:return: the record, read back; None if there was nothing to write"""
        if not changes:
            return None
        self._update(res_id, changes)
        return self._serialise(res_id)

    def _agreed(self, comparison, stored):
        return comparison.agreed(stored)

    def _recheck_conflict(self, mapping, odoo):
        known = mapping.conflict
        arrived = {"updated_at": known.told_at, "version": mapping.version}
        comparison = self._decide(mapping, odoo, known.pharmacy, arrived)
        try:
            stored = self._write(mapping.res_id, comparison.to_odoo)
        except DependencyMissingError:
            return
        mapping.move(replace(mapping.state, base=self._agreed(comparison, stored)))
        self._keep_decided(mapping, comparison.decisions)
        self._refresh_conflict(mapping, comparison, known.told_at)

    def _keep_decided(self, mapping, decisions):
        name = self.records[mapping.res_id]["name"]
        self.decided += [(name, decision) for decision in decisions]
        self.met["decided"] += len(decisions)


def _moment(ticks):
    return f"{ticks:09}"
