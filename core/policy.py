"""What becomes of a field that both sides changed, before a person is asked.

Rules are tried in their order; the first that knows an answer decides. Then the
policy of the field, or of its stream, does; the policy *ask* leaves it to a person.
A decision is on one field: its neighbours keep what the comparison said of them.
Nothing decides that Odoo takes over what is frozen there.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, NamedTuple

from .merge import (
    KEYED,
    FieldConflict,
    Merge,
    Record,
    Side,
    generic_path,
    parse_path,
    settle,
    three_way,
)
from .taxonomy import TextEnum
from .text_merge import merge_text

CANCELLED = "cancelled"
MERGE = "merge"


class Policy(TextEnum):
    """What decides where no rule does."""

    ASK = "ask"
    NEWEST = "newest"
    ODOO = "odoo"
    PHARMACY = "pharmacy"


class RuleKind(TextEnum):
    """What a rule does.

    CANCELLED: a record cancelled on one side is cancelled, unless its goods were
    received or billed. ROUNDING: amounts agree that make no difference within the
    rounding of the currency. TEXT: texts are merged where the edits do not touch.
    """

    CANCELLED = "cancelled"
    ROUNDING = "rounding"
    TEXT = "text"


@dataclass(frozen=True)
class Rule:
    """One rule.

    :param fields: generic paths that it is tried for, such as ``lines.unit_price``.
    :param reason: told to people where it decided.
    """

    kind: RuleKind
    fields: Collection[str]
    reason: str = ""

    def __post_init__(self):
        object.__setattr__(self, "kind", RuleKind(self.kind))


DEFAULT_RULES = (
    Rule(RuleKind.CANCELLED, ("state",)),
    Rule(RuleKind.ROUNDING, ("lines.unit_price", "cost", "price")),
    Rule(RuleKind.TEXT, ("notes",)),
)


@dataclass(frozen=True)
class Policies:
    """The rules and policies of a stream.

    :param fields: policies of single fields by generic path; ``lines`` is that of
        whole lines and of those of their fields that have none.
    """

    rules: tuple[Rule, ...] = DEFAULT_RULES
    default: Policy = Policy.ASK
    fields: Mapping[str, Policy] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, path: str) -> Policy:
        generic = generic_path(path)
        parent = parse_path(path)[0]
        return self.fields.get(generic, self.fields.get(parent, self.default))


class Facts:
    """What may be asked about a record besides its values; these are the answers for
    one of which nothing is known. They are asked only where something hangs on them.
    """

    def rounding(self) -> Decimal:
        """The rounding of the record's currency."""
        return Decimal("0.01")

    def is_processed(self) -> bool:
        """Whether goods were received or billed."""
        return False

    def is_frozen(self, path: str, value: Any) -> bool:
        """Whether Odoo must not take over the value by itself (``merge.Frozen``)."""
        return False

    def times(self) -> "Times | None":
        """When each side changed the record last, if that is known."""
        return None


class Times(NamedTuple):
    """When each side changed a record last.

    :param odoo, pharmacy: canonical datetimes, to the second.
    :param version, seen: the pharmacy's version, and the one that was seen last.
    """

    odoo: str
    pharmacy: str
    version: int = 0
    seen: int = 0


@dataclass(frozen=True)
class Decision:
    """A conflict that was decided.

    :param strategy: odoo, pharmacy or merge.
    :param result: the value that both sides are to have; MISSING for no line.
    :param by: the rule or the policy that decided.
    """

    path: str
    strategy: str
    values: FieldConflict
    result: Any
    by: Rule | Policy


class Resolution(NamedTuple):
    """A comparison in which rules and policies had their say.

    ``merge``: what is left in its conflicts is for a person. ``base``: the base in
    which the values that lost count as seen; with ``new_base`` it is advanced like any
    other. ``decisions``: what was decided. ``frozen``: paths of the conflicts over
    which Odoo must not give way by itself.
    """

    merge: Merge
    base: Record
    decisions: tuple[Decision, ...]
    frozen: frozenset[str]


def resolve(
    base: Record | None,
    odoo: Record,
    pharmacy: Record,
    policies: Policies,
    facts: Facts | None = None,
    *,
    keyed: Collection[str] = KEYED,
) -> Resolution:
    """Compare a record as :func:`.merge.three_way` does and decide what can be."""
    facts = facts or Facts()
    base = base or {}
    decisions = []
    while True:
        merge = three_way(base, odoo, pharmacy, frozen=facts.is_frozen, keyed=keyed)
        found = _decide_each(merge, odoo, pharmacy, policies, facts)
        if not found:
            break
        # What was decided may settle what hangs on it, so the rest is asked again.
        for decision in found:
            # A merged text is Odoo's change of what the pharmacy was seen to have.
            winner = Side.ODOO if decision.strategy == MERGE else decision.strategy
            base = settle(base, decision.path, decision.values, Side(winner))
        merged = {d.path: d.result for d in found if d.strategy == MERGE}
        odoo = _with_values(odoo, merged)
        decisions += found
    for decision in decisions:
        if decision.strategy == MERGE:
            name = parse_path(decision.path)[0]
            merge.to_odoo.setdefault(name, odoo[name])
    frozen = frozenset(
        path
        for path, values in merge.conflicts.items()
        if facts.is_frozen(path, values.pharmacy)
    )
    return Resolution(merge, base, tuple(decisions), frozen)


def newer(times: Times) -> Side | None:
    """The side that changed a record last; None if both did within one second.

    The pharmacy's version is compared with the pharmacy's version that was seen last
    and with nothing else: how often Odoo changed its record says nothing about when.
    A version that was overtaken is old; else the time of the last change decides.
    """
    if times.version and times.version < times.seen:
        return Side.ODOO
    if times.odoo == times.pharmacy:
        return None
    return Side.ODOO if times.odoo > times.pharmacy else Side.PHARMACY


def _decide_each(merge, odoo, pharmacy, policies, facts) -> list[Decision]:
    if not merge.conflicts:
        return []
    # Both sides as they will be.
    sides = {**odoo, **merge.to_odoo}, {**pharmacy, **merge.to_pharmacy}
    decided = (
        _decide(path, values, sides, policies, facts)
        for path, values in merge.conflicts.items()
    )
    return [decision for decision in decided if decision]


def _decide(path, values, sides, policies, facts) -> Decision | None:
    generic = generic_path(path)
    for rule in policies.rules:
        if generic not in rule.fields:
            continue
        result = _RULES[rule.kind](path, values, sides, facts)
        if result is not None and _may(path, values, result, facts):
            return _decision(path, values, result, rule)
    policy = policies.of(path)
    winner = _winner(policy, values, facts)
    if winner is None:
        return None
    result = values.odoo if winner is Side.ODOO else values.pharmacy
    if not _may(path, values, result, facts):
        return None
    return Decision(path, str(winner), values, result, policy)


def _decision(path, values, result, rule):
    if result == values.odoo:
        strategy = str(Side.ODOO)
    elif result == values.pharmacy:
        strategy = str(Side.PHARMACY)
    else:
        strategy = MERGE
    return Decision(path, strategy, values, result, rule)


def _may(path, values, result, facts):
    return result == values.odoo or not facts.is_frozen(path, result)


def _winner(policy, values, facts) -> Side | None:
    if policy is Policy.NEWEST:
        return _newest(values, facts)
    return None if policy is Policy.ASK else Side(str(policy))


def _newest(values, facts):
    times = facts.times()
    if times is None or values.base == values.odoo:
        # Nobody knows, or only the pharmacy changed what is frozen.
        return None
    if side := newer(times):
        return side
    # Of the same second: whoever compares the two values takes the same one.
    odoo_wins = _rank(values.odoo) >= _rank(values.pharmacy)
    return Side.ODOO if odoo_wins else Side.PHARMACY


def _rank(value):
    # A line that is there wins over none.
    return bool(value), json.dumps(value or None, sort_keys=True)


def _cancelled(path, values, sides, facts):
    if CANCELLED not in (values.odoo, values.pharmacy) or facts.is_processed():
        return None
    return CANCELLED


def _rounding(path, values, sides, facts):
    """The value with fewer decimals, if the difference is none in the amount.

    A price of a line counts times its quantity: a tenth of a cent is much where ten
    thousand are bought.
    """
    try:
        one, other = Decimal(values.odoo), Decimal(values.pharmacy)
        difference = abs(one - other) * _quantity(path, sides)
    except (InvalidOperation, TypeError, ValueError):
        return None
    if difference >= facts.rounding():
        return None
    rounder = min(one, other, key=lambda n: (-n.normalize().as_tuple().exponent, n))
    return values.odoo if rounder == one else values.pharmacy


def _quantity(path, sides):
    name, key, _ = parse_path(path)
    found = [
        Decimal(line.get("quantity") or 1)
        for side in sides
        for line in (side.get(name) or () if key else ())
        if line["key"] == key
    ]
    return max([*found, Decimal(1)])


def _text(path, values, sides, facts):
    texts = (values.base, values.odoo, values.pharmacy)
    if not all(isinstance(text, str) for text in texts):
        return None
    return merge_text(*texts)


_RULES: Mapping[RuleKind, Callable[..., Any]] = {
    RuleKind.CANCELLED: _cancelled,
    RuleKind.ROUNDING: _rounding,
    RuleKind.TEXT: _text,
}


def _with_values(record, values):
    """The record with other values at some paths."""
    record = dict(record)
    for path, value in values.items():
        name, key, field_name = parse_path(path)
        if key is None:
            record[name] = value
        else:
            record[name] = [
                {**line, field_name: value} if line["key"] == key else line
                for line in record[name]
            ]
    return record
