"""Odoo's side in memory. It stands in PostgreSQL's place: what a mapping comes to is
decided by the same moves that the models call (``pushing.py``, ``arriving.py``, and
``mapping_state.py`` of ``core/exchange/``), each behind a method here, so that a
mistake can be built in.

Each method says by its name which one of the models it stands for. A worker is a
generator: between two ``yield`` it does what is one transaction in Odoo, so that it
can be killed before and after each commit; a call to the pharmacy is yielded and its
answer sent in, so that anything may happen while it is under way.
"""

from collections import Counter
from dataclasses import replace

from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING, Side
from odoo.addons.pharmacy_sync.core.conflict.resolution import Choice, Decision, decided
from odoo.addons.pharmacy_sync.core.conflict.rules import AllFrozen, Facts, Times
from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError
from odoo.addons.pharmacy_sync.core.exchange.arriving import written
from odoo.addons.pharmacy_sync.core.exchange.declined import value_at
from odoo.addons.pharmacy_sync.core.exchange.directions import EVERY
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import (
    UNKNOWN,
    compare,
    decide,
)
from odoo.addons.pharmacy_sync.core.exchange.pushing import lost

from .declines import everything
from .odoo_apply import Apply
from .odoo_guard import Guard
from .odoo_push import Push
from .odoo_queue import Queue
from .odoo_records import Records
from .parts import Mapping
from .receipts import Receipts


class OrderFacts(Facts):
    """:param times: :class:`Times` in ticks
    :param frozen: see :meth:`.receipts.Receipts.frozen`
    """

    def __init__(self, times, frozen=None):
        self._times, self._frozen = times, frozen

    def is_frozen(self, path, value):
        return bool(self._frozen and self._frozen(path, value))

    def times(self):
        return self._times


class Odoo(Push, Queue, Apply, Guard, Records):
    """:param ledger: notes what a person decides
    :param now: function for the time, in ticks
    :ivar matches: whether a record that arrives may be one that was made in Odoo
    :ivar takes: what Odoo takes of what is written in the pharmacy's name
    :ivar directions: :class:`..core.exchange.directions.Directions`
    :ivar policies: :class:`..core.conflict.policy.Policies`; None: a person is always
        asked
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
        self.touched = []  # what a trigger noted, and no event says
        self.past = None  # function: whether a person writes past the ORM
        self.cursor = None
        self.epoch = 0
        self.latest_read = self.read_until = -1
        self.writes = 0
        self.made = 0
        self.matches = False
        self.takes = everything
        self.directions = EVERY
        self.policies = None
        self.receipts = Receipts()
        # (record, core.conflict.policy.Decision): what no person was asked
        self.decided = []
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
        self._note(self._ids)
        return self._ids

    def edit(self, res_id, changes):
        self._edited_at[res_id] = self.now()
        self.records[res_id] = self._kept({**self.records[res_id], **changes})
        self._note(res_id)

    def write(self, res_id, changes):
        self.records[res_id] = self._kept({**self.records[res_id], **changes})
        self.events.append(res_id)

    def delete(self, res_id):
        del self.records[res_id]
        self._note(res_id)

    def is_referred_to(self, res_id):
        """Whether Odoo refuses to delete a record, for one that needs it."""
        return res_id in {record.get("supplier") for record in self.records.values()}

    def _note(self, res_id):
        """An event, or what the net under it caught."""
        past = self.past and self.past()
        self.met["past"] += bool(past)
        (self.touched if past else self.events).append(res_id)

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
        base = self._decided_base(comparison, choices)
        mapping.move(replace(mapping.state, base=base, declined={}))
        try:
            self._take_over(mapping, odoo)
        except DependencyMissingError:
            mapping.move(before)
            raise
        for path, values in seen.items():
            ours = values.odoo
            if ours is MISSING:  # as for what Odoo filled in, and never sent
                ours = value_at(odoo, path)
            sides = ours, values.pharmacy
            better, worse = sides if winner is Side.ODOO else sides[::-1]
            if winner is Side.ODOO and path.endswith("]") and better:
                better = {**value_at(odoo, path), **better}
            self.ledger.decided(odoo["name"], path, better, worse)
        if mapping.declined:
            known = mapping.conflict
            again = self._compare(mapping, self._serialise(mapping.res_id))
            self._refresh_conflict(mapping, again, known.changed_at)
        else:
            mapping.conflict = None

    def _decided_base(self, comparison, choices):
        base, seen = comparison.base, comparison.merge.conflicts
        half = decided(base.pharmacy, seen, seen, choices)
        return base.with_pharmacy(half, comparison.words, comparison.odoo)

    # -- restored ----------------------------------------------------------------------

    def _went_back(self):
        """``sync.backend._went_back``: the pharmacy was set back."""
        self.epoch += 1
        self.cursor, self.read_until = None, self.latest_read
        self.met["went_back"] += 1
        self.redrive()

    def redrive(self):
        """Try all dead letters once more."""
        for operation in [o for o in self.operations if o.state == "dead"]:
            operation.attempts = 0
            self._change_state(operation, "pending")

    def reconcile(self, rows):
        """``sync.reconciliation``, its repairs carried out: what the pharmacy has lost.

        :param rows: the pharmacy's records by id
        """
        for mapping in self.mappings:
            state = mapping.state
            if state.set_back and state.external_id not in rows and not state.deleted:
                mapping.conflict = None
                mapping.move(lost(state))
                if mapping.res_id in self.records:
                    self._enqueue_push(mapping)

    # -- sync_mapping ------------------------------------------------------------------

    def _insert(self, res_id=None, state=UNKNOWN):
        mapping = Mapping(f"key{len(self.mappings) + 1}", self, res_id, state)
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

    def _compare(self, mapping, odoo, pharmacy=None, decided=False):
        """:param pharmacy: without it what is known of the pharmacy's
        :param decided: a person has decided: nothing is frozen
        """
        frozen = None
        if pharmacy is None and mapping.conflict:
            pharmacy = mapping.conflict.pharmacy
        if pharmacy is not None and not decided:
            frozen = self.receipts.frozen(odoo["name"])
            if mapping.state.restored():
                frozen = AllFrozen().is_frozen
        return self._changed(
            compare(
                mapping.base,
                odoo,
                pharmacy,
                held=self._means,
                frozen=frozen,
                declined=mapping.declined,
                directions=self.directions,
            )
        )

    def _decide(self, mapping, odoo, pharmacy, record):
        """:param record: the pharmacy's, for its time and version"""
        restored = self._restored(mapping.state, record)
        if not self.policies and not restored:
            return self._compare(mapping, odoo, pharmacy)
        times = Times(
            _moment(self._edited_at[mapping.res_id]),
            _moment(record["updated_at"]),
            record["version"],
            mapping.version,
        )
        facts = OrderFacts(times, self.receipts.frozen(odoo["name"]))
        return self._changed(
            decide(
                mapping.base,
                odoo,
                pharmacy,
                self.policies,
                facts,
                held=self._means,
                declined=mapping.declined,
                restored=restored,
                directions=self.directions,
            )
        )

    def _restored(self, state, record):
        return state.restored(record["updated_at"] >= self.read_until)

    def _means(self, path, value):
        return self._held(path, value)

    def _changed(self, comparison):
        """Where a mistake in comparing can be built in."""
        return comparison

    def _take_over(self, mapping, odoo):
        comparison = self._compare(mapping, odoo, decided=True)
        stored = self._write(mapping.res_id, comparison.to_odoo)
        self._keep_agreed(mapping, comparison, stored)
        if comparison.merge.to_pharmacy:
            self._enqueue_push(mapping)

    def _write(self, res_id, changes):
        """:return: the record, read back; None if there was nothing to write"""
        if not changes:
            return None
        self._update(res_id, changes)
        return self._serialise(res_id)

    def _keep_agreed(self, mapping, comparison, stored):
        refused = self._refused(comparison, stored)
        mapping.move(written(mapping.state, comparison, stored, refused))

    def _recheck_conflict(self, mapping, odoo):
        known = mapping.conflict
        arrived = {"updated_at": known.changed_at, "version": mapping.version}
        comparison = self._decide(mapping, odoo, known.pharmacy, arrived)
        try:
            stored = self._write(mapping.res_id, comparison.to_odoo)
        except DependencyMissingError:
            return
        self._keep_agreed(mapping, comparison, stored)
        self._keep_decided(mapping, comparison.decisions)
        self._refresh_conflict(mapping, comparison, known.changed_at)

    def _keep_decided(self, mapping, decisions):
        odoo = self._serialise(mapping.res_id)
        decisions = [
            _as_made_anew(d, odoo) for d in decisions if d.path not in mapping.declined
        ]
        name = odoo["name"]
        self.decided += [(name, decision) for decision in decisions]
        self.met["decided"] += len(decisions)


def _as_made_anew(decision, odoo):
    """A line that stays though the pharmacy removed it is made anew there with all that
    Odoo has, what it filled in among it."""
    line, kept = decision.result, decision.values.odoo
    if not decision.path.endswith("]") or line is MISSING or line != kept:
        return decision
    line = {**value_at(odoo, decision.path), **line}
    values = replace(decision.values, odoo=line)
    return replace(decision, result=line, values=values)


def _moment(ticks):
    return f"{ticks:09}"
