"""Odoo's side in memory: our protocol as the models speak it, on the same core.

Each method says by its name which one of the models it stands for. A worker is a
generator: between two ``yield`` it does what is one transaction in Odoo, so that it
can be killed before and after each commit; a call to the pharmacy is yielded and its
answer sent in, so that anything may happen while it is under way.
"""

from odoo.addons.pharmacy_sync.core.merge import Side, three_way
from odoo.addons.pharmacy_sync.core.merge_base import advance, confirm, new_base, settle

from .odoo_apply import Apply
from .odoo_push import Push
from .odoo_queue import Queue
from .parts import Mapping


class Odoo(Push, Queue, Apply):
    """:param ledger: told what a person decides
    :param now: function for the time, in ticks
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
        self._ids = 0
        self._keys = 0

    # -- What a person does ------------------------------------------------------------

    def create(self, values):  # pylint: disable=method-required-super
        self._ids += 1
        self.records[self._ids] = values
        self.events.append(self._ids)
        return self._ids

    def edit(self, res_id, changes):
        self.records[res_id] = {**self.records[res_id], **changes}
        self.events.append(res_id)

    def delete(self, res_id):
        del self.records[res_id]
        self.events.append(res_id)

    def resolve(self, mapping, winner):
        """``sync.conflict._resolve``: all differences for one side."""
        odoo = self.records.get(mapping.res_id)
        if odoo is None:
            mapping.conflict = None
            return
        name = odoo["name"]
        pharmacy = mapping.conflict.pharmacy
        merge = self._merge(mapping, odoo, pharmacy)
        base = mapping.base
        for path, values in merge.conflicts.items():
            base = self.settle(base, path, values, winner)
            sides = values.odoo, values.pharmacy
            better, worse = sides if winner is Side.ODOO else sides[::-1]
            self.ledger.decided(name, path, better, worse)
        mapping.base = base
        self._take_over(mapping, odoo, pharmacy)
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

    def _recheck_conflict(self, mapping, odoo):
        pharmacy = mapping.conflict.pharmacy
        merge = self._take_over(mapping, odoo, pharmacy)
        self._refresh_conflict(mapping, merge, pharmacy)
