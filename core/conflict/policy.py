"""What becomes of a field that both sides changed, before a person is asked.

Rules are tried in their order; the first that knows an answer decides. Then the
policy of the field, or of its stream, does; the policy *ask* leaves it to a person.
A decision is on one field: its neighbours keep what the comparison said of them.
Nothing decides that Odoo takes over what is frozen there, nor for a value that Odoo
only filled in.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from ..taxonomy import TextEnum
from .merge import (
    KEYED,
    MISSING,
    FieldConflict,
    Merge,
    Record,
    Side,
    generic_path,
    parse_path,
    three_way,
)
from .merge_base import settle
from .rules import DEFAULT_RULES, Facts, Rule, Times, answer

MERGE = "merge"


class Policy(TextEnum):
    """What decides where no rule does."""

    ASK = "ask"
    NEWEST = "newest"
    ODOO = "odoo"
    PHARMACY = "pharmacy"


class Restored(TextEnum):
    """What decides about a record of an app that was set back to an earlier state.

    AS_IT_WAS: it is as it was then, so Odoo's value is the newer one and is sent again.
    CHANGED: somebody may have changed it since; what they wrote cannot be distinguished
    from what came back, so a person is asked.
    """

    AS_IT_WAS = "as_it_was"
    CHANGED = "changed"


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


@dataclass(frozen=True)
class Decision:
    """A conflict that was decided.

    :param strategy: odoo, pharmacy or merge.
    :param result: the value that both sides must have; MISSING for no line.
    :param by: the rule or the policy that decided, or that the app was set back.
    """

    path: str
    strategy: str
    values: FieldConflict
    result: Any
    by: Rule | Policy | Restored


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
    asked: Collection[str] = (),
    keyed: Collection[str] = KEYED,
) -> Resolution:
    """Compare a record as :func:`.merge.three_way` does and decide what can be.

    :param asked: paths that only a person decides on
    """
    facts = facts or Facts()
    base = base or {}
    decisions = []
    while True:
        merge = three_way(base, odoo, pharmacy, frozen=facts.is_frozen, keyed=keyed)
        found = _decide_each(merge, odoo, pharmacy, policies, facts, asked)
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


def _decide_each(
    merge: Merge,
    odoo: Record,
    pharmacy: Record,
    policies: Policies,
    facts: Facts,
    asked: Collection[str],
) -> list[Decision]:
    if not merge.conflicts:
        return []
    # Both sides as they will be.
    sides = {**odoo, **merge.to_odoo}, {**pharmacy, **merge.to_pharmacy}
    decided = (
        _decide(path, values, sides, policies, facts)
        for path, values in merge.conflicts.items()
        if path not in asked and _has_said(path, values)
    )
    return [decision for decision in decided if decision]


def _has_said(path: str, values: FieldConflict) -> bool:
    """Whether both sides have a value: what Odoo filled in where nothing was said wins
    over nothing that the pharmacy says at last. A whole line is there or not."""
    return path.endswith("]") or values.odoo is not MISSING


def _decide(
    path: str,
    values: FieldConflict,
    sides: tuple[Record, Record],
    policies: Policies,
    facts: Facts,
) -> Decision | None:
    generic = generic_path(path)
    for rule in policies.rules:
        if generic not in rule.fields:
            continue
        result = answer(rule, path, values, sides, facts)
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


def _decision(path: str, values: FieldConflict, result: Any, rule: Rule) -> Decision:
    if result == values.odoo:
        strategy = str(Side.ODOO)
    elif result == values.pharmacy:
        strategy = str(Side.PHARMACY)
    else:
        strategy = MERGE
    return Decision(path, strategy, values, result, rule)


def _may(path: str, values: FieldConflict, result: Any, facts: Facts) -> bool:
    return bool(result == values.odoo) or not facts.is_frozen(path, result)


def _winner(policy: Policy, values: FieldConflict, facts: Facts) -> Side | None:
    if policy is Policy.NEWEST:
        return _newest(values, facts)
    return None if policy is Policy.ASK else Side(str(policy))


def _newest(values: FieldConflict, facts: Facts) -> Side | None:
    times = facts.times()
    if times is None or values.base == values.odoo:
        # The times are unknown, or only the pharmacy changed what is frozen.
        return None
    if side := newer(times):
        return side
    # Both changed in the same second: every comparison must take the same one.
    odoo_wins = _rank(values.odoo) >= _rank(values.pharmacy)
    return Side.ODOO if odoo_wins else Side.PHARMACY


def _rank(value: Any) -> tuple[bool, str]:
    # A line that is there wins over none, a value over an empty one; nothing else is
    # equal, not even two kinds of empty.
    text = "" if value is MISSING else json.dumps(value, sort_keys=True)
    return bool(value), text


def _with_values(record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
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
