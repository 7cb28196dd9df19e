"""What must be true once the network is healed and both sides have come to rest.

No lost update
    Every value that a person wrote stands in its slot on a side, or gave way to one
    whose writer knew of it: who replaced it had it before their eyes, or decided a
    conflict against it, at first or second hand. Removing a line writes
    "removed" in each of its slots. What the deleter of a record had not seen stands
    in the archived record or the tombstone.
No duplicate
    A record is on each side once at most.
Convergence
    A record is there on both sides or gone from both, and its values are the same, as
    far as Odoo can hold them, but for those in an open conflict. What a side declined
    is such a conflict: what is in step is the same. An order whose supplier a person
    deleted while the other side referred to it waits for a person.
Nothing invented
    Every value was written in its slot by a person, to the last character; a line is
    gone only if a person removed it. What Odoo makes of a value, or fills in where
    none came, stays in Odoo.
Nothing revived
    A record that a person deleted is there on neither side.
Conflicts are true
    An open conflict is about a record that is there, and about values that differ.
At rest
    No event, no operation and no dead letter is left.
Quiet
    A second pass writes nothing on either side and makes no operation.
Rules are kept
    What no person decided was decided as the stream's rules and policies say, and the
    value that lost was kept: without it a value is lost as any other.

At every moment (see :mod:`.world`): no call while a breaker is open, no more probes at
once than are permitted; nothing stays parked once it has closed, and no operation dies
of an outage. No record is sent or taken over without the supplier that it refers to.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from odoo.addons.pharmacy_sync.core.conflict.merge import generic_path
from odoo.addons.pharmacy_sync.core.conflict.policy import Policy, Restored
from odoo.addons.pharmacy_sync.core.conflict.rules import CANCELLED, Rule, RuleKind

from .ledger import REMOVED, covers, descends

CENT = Decimal("0.01")


@dataclass(frozen=True)
class Copy:
    """A record as one side has it at the end.

    :param alive: false for an archived or cancelled record, or a tombstone
    :param slots: see :func:`.ledger.flat`
    """

    alive: bool
    slots: dict


@dataclass
class Ending:
    """What a history left behind, whichever simulator ran it.

    :param odoo: ``{record: [Copy, ...]}``; one that is unlinked is not there
    :param pharmacy: the same
    :param conflicts: ``{record: paths in open conflict}``
    :param waiting: orders that wait for a supplier that a person deleted
    :param work: what is left in the queue, in words
    :param second: what a second pass did, in words
    :param breaches: laws of a moment that did not hold, in words
    :param decisions: ``[(record, core.conflict.policy.Decision)]``: what no person was
        asked
    :param policies: :class:`..core.conflict.policy.Policies`, by which that was decided
    """

    odoo: dict
    pharmacy: dict
    conflicts: dict = field(default_factory=dict)
    waiting: set = field(default_factory=set)
    work: list = field(default_factory=list)
    second: list = field(default_factory=list)
    breaches: list = field(default_factory=list)
    decisions: list = field(default_factory=list)
    policies: object = None


def broken(ledger, ending):
    """The laws that do not hold: a list of sentences."""
    found = [f"not at rest: {work}" for work in ending.work]
    found += [f"not quiet: {deed}" for deed in ending.second]
    found += ending.breaches
    for record, decision in ending.decisions:
        if decision.by is Restored.AS_IT_WAS:
            # What came back is an older value: nobody has decided against it.
            continue
        for loser in (decision.values.odoo, decision.values.pharmacy):
            if loser != decision.result:
                ledger.ruled(record, decision.path, decision.result, loser)
        if not _is_by_the_rules(decision, ending.policies):
            found.append(f"{record}: decided against the rules: {decision}")
    names = set(ledger.records()) | ending.odoo.keys() | ending.pharmacy.keys()
    for name in sorted(names):
        sides = {
            "odoo": ending.odoo.get(name, []),
            "pharmacy": ending.pharmacy.get(name, []),
        }
        twice = [side for side, copies in sides.items() if len(copies) > 1]
        if twice:
            found += [
                f"duplicate: {name} is {len(sides[s])} times on {s}" for s in twice
            ]
            continue
        copies = {side: copies[0] for side, copies in sides.items() if copies}
        paths = ending.conflicts.get(name, ())
        waits = name in ending.waiting
        texts = _record(ledger, name, copies, paths, waits)
        found += [f"{name}: {text}" for text in texts]
    return found


def _record(ledger, name, copies, paths, waits):
    alive = {side for side, copy in copies.items() if copy.alive}
    deleted = ledger.deleted.get(name)
    if deleted:
        yield from (f"revived on {side}" for side in sorted(alive))
        if paths:
            yield f"conflict about a record that is gone: {sorted(paths)}"
    elif len(alive) < 2 and not waits:
        yield f"not converged: only on {sorted(alive)}, and nobody deleted it"
    kept = [copy.slots for copy in copies.values()] + list((deleted or {}).values())
    known_slots = ledger.slots(name)
    for slot in sorted(known_slots.keys() | {s for slots in kept for s in slots}):
        known = known_slots.get(slot, {})
        finals = {slots.get(slot, REMOVED) for slots in kept}
        open_conflict = waits or covers(paths, slot)
        lost = {v for v in known if (name, slot, v) in ledger.lost}
        yield from _slot(slot, known, finals, lost, bool(deleted) or open_conflict)
        if len(alive) == 2 and not deleted and len(finals) > 1 and not open_conflict:
            yield f"not converged: {slot} is {sorted(map(str, finals))}"
    if len(alive) == 2 and paths:
        differing = {
            slot
            for slot in known_slots
            if len({copy.slots.get(slot, REMOVED) for copy in copies.values()}) > 1
        }
        for path in sorted(paths):
            if not any(covers((path,), slot) for slot in differing):
                yield f"conflict about what is equal: {path}"


def _slot(slot, known, finals, lost, may_lack):
    """:param lost: values that went with the pharmacy's disk
    :param may_lack: whether a line may never have reached one of the sides"""
    if finals == known.keys():
        return
    for value in sorted(finals - known.keys(), key=str):
        if not (may_lack and value == REMOVED):
            yield f"invented: {slot} is {value}"
    for value in sorted(known.keys() - lost, key=str):
        if not any(descends(known, final, value) for final in finals):
            yield f"lost update: {slot} = {value}; it is {sorted(map(str, finals))}"


def _is_by_the_rules(decision, policies):
    values, result, by = decision.values, decision.result, decision.by
    if isinstance(by, Rule):
        known = generic_path(decision.path) in by.fields and by in policies.rules
        return known and _RULES[by.kind](values, result)
    wanted = {Policy.ODOO: values.odoo, Policy.PHARMACY: values.pharmacy}
    taken = wanted.get(by, result) == result
    return taken and by is policies.of(decision.path) and by is not Policy.ASK


def _is_cancelled(values, result):
    return result == CANCELLED and CANCELLED in (values.odoo, values.pharmacy)


def _is_rounded(values, result):
    one, other = Decimal(values.odoo), Decimal(values.pharmacy)
    return abs(one - other) < CENT and result in (values.odoo, values.pharmacy)


def _is_merged(values, result):
    """Every line that somebody added is there, none that somebody removed."""
    base, odoo, pharmacy, merged = (
        set(text.split("\n"))
        for text in (values.base, values.odoo, values.pharmacy, result)
    )
    added = (odoo | pharmacy) - base
    removed = base - (odoo & pharmacy)
    return added <= merged and not removed & merged and merged <= base | added


_RULES = {
    RuleKind.CANCELLED: _is_cancelled,
    RuleKind.ROUNDING: _is_rounded,
    RuleKind.TEXT: _is_merged,
}
