"""Odoo's side in memory: our protocol as the models speak it, on the same core.

Each method says by its name which one of the models it stands for. A worker is a
generator: between two ``yield`` it does what is one transaction in Odoo, so that it
can be killed before and after each commit; a call to the pharmacy is yielded and its
answer sent in, so that anything may happen while it is under way.
"""

from collections import Counter

from odoo.addons.pharmacy_sync.core.conflict_rules import Facts, Times
from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError
from odoo.addons.pharmacy_sync.core.merge import Side, three_way
from odoo.addons.pharmacy_sync.core.merge_base import advance, confirm, new_base, settle
from odoo.addons.pharmacy_sync.core.policy import Resolution, resolve

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
    """:param ledger: told what a person decides
    :param now: function for the time, in ticks
    :ivar matches: whether a record that arrives may be one that was made in Odoo
    :ivar policies: :class:`..core.policy.Policies`; None: a person is always asked
    :ivar met: how often something came up that rooms are there for
    """

    three_way = staticmethod(three_way)
    new_base = staticmethod(new_base)
    advance = staticmethod(advance)
    confirm = staticmethod(confirm)
    settle = staticmethod(settle)

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
        self.records[self._ids] = values
        self._edited_at[self._ids] = self.now()
        self.events.append(self._ids)
        return self._ids

    def edit(self, res_id, changes):
        self._edited_at[res_id] = self.now()
        self.write(res_id, changes)

    def write(self, res_id, changes):
        self.records[res_id] = {**self.records[res_id], **changes}
        self.events.append(res_id)

    def delete(self, res_id):
        del self.records[res_id]
        self.events.append(res_id)

    def resolve(self, mapping, winner):
        """``sync.conflict._resolve``: all differences for one side.

        :raises DependencyMissingError: the winner's supplier is not there yet
        """
        odoo = self._serialise(mapping.res_id)
        if odoo is None:
            mapping.conflict = None
            return
        pharmacy, before = mapping.conflict.pharmacy, mapping.base
        decided = self._merge(mapping, odoo, pharmacy).conflicts
        for path, values in decided.items():
            mapping.base = self.settle(mapping.base, path, values, winner)
        try:
            self._take_over(mapping, odoo, pharmacy)
        except DependencyMissingError:
            mapping.base = before
            raise
        for path, values in decided.items():
            sides = values.odoo, values.pharmacy
            better, worse = sides if winner is Side.ODOO else sides[::-1]
            self.ledger.decided(odoo["name"], path, better, worse)
        mapping.conflict = None

    # -- sync_mapping ------------------------------------------------------------------

    def _insert(self, **values):
        mapping = Mapping(key=f"key{len(self.mappings) + 1}", **values)
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

    def _merge(self, mapping, odoo, pharmacy=None):
        if pharmacy is None:
            conflict = mapping.conflict
            pharmacy = (conflict and conflict.pharmacy) or mapping.base or {}
        return self.three_way(mapping.base or {}, odoo, pharmacy)

    def _take_over(self, mapping, odoo, pharmacy):
        merge = self._merge(mapping, odoo, pharmacy)
        if merge.to_odoo:
            self._update(mapping.res_id, merge.to_odoo)
        mapping.base = self.new_base(mapping.base, odoo, pharmacy, merge)
        if merge.to_pharmacy:
            self._enqueue_push(mapping)
        return merge

    def _resolution(self, mapping, odoo, pharmacy, record):
        """:param record: the pharmacy's, for its time and version"""
        if not self.policies:
            merge = self._merge(mapping, odoo, pharmacy)
            return Resolution(merge, mapping.base or {}, (), frozenset())
        times = Times(
            _moment(self._edited_at[mapping.res_id]),
            _moment(record["updated_at"]),
            record["version"],
            mapping.version,
        )
        facts = OrderFacts(times)
        return resolve(mapping.base, odoo, pharmacy, self.policies, facts)

    def _recheck_conflict(self, mapping, odoo):
        known = mapping.conflict
        told = {"updated_at": known.told_at, "version": mapping.version}
        resolution = self._resolution(mapping, odoo, known.pharmacy, told)
        merge = resolution.merge
        try:
            if merge.to_odoo:
                self._update(mapping.res_id, merge.to_odoo)
        except DependencyMissingError:
            return
        mapping.base = self.new_base(resolution.base, odoo, known.pharmacy, merge)
        self._keep_decided(mapping, resolution.decisions)
        self._refresh_conflict(mapping, merge, known.pharmacy, known.told_at)

    def _keep_decided(self, mapping, decisions):
        name = self.records[mapping.res_id]["name"]
        self.decided += [(name, decision) for decision in decisions]
        self.met["decided"] += len(decisions)


def _moment(ticks):
    return f"{ticks:09}"
