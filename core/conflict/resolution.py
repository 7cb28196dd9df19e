"""What decisions on the fields of a conflict come to. Nothing is written here.

A decision takes one side's value, or gives one of its own. One's own is written in
Odoo as a person would have, and then Odoo's is kept: so a decision never asks for more
than the comparison that every change goes through.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..taxonomy import TextEnum
from .merge import KEYED, MISSING, FieldConflict, Record, Side, parse_path
from .merge_base import settle


class Choice(TextEnum):
    """Whose value is taken."""

    ODOO = "odoo"
    PHARMACY = "pharmacy"
    MANUAL = "manual"


@dataclass(frozen=True)
class Decision:
    """:param value: canonical, of a manual choice."""

    choice: Choice
    value: Any = None


Decisions = Mapping[str, Decision]
Conflicts = Mapping[str, FieldConflict]


def edited(odoo: Record, decisions: Decisions) -> dict[str, Any]:
    """Odoo's record with the values that were given by hand."""
    odoo = dict(odoo)
    for path, decision in decisions.items():
        if decision.choice is not Choice.MANUAL:
            continue
        name, key, field = parse_path(path)
        if key is None:
            odoo[name] = decision.value
        else:
            odoo[name] = [
                {**line, field: decision.value} if line["key"] == key else line
                for line in odoo[name]
            ]
    return odoo


def decided(
    base: Record | None, seen: Conflicts, left: Conflicts, decisions: Decisions
) -> dict[str, Any]:
    """The base by which the next comparison does what was decided.

    :param seen: the conflicts as they were decided on
    :param left: those that are left once ``edited`` is what Odoo has
    """
    base = dict(base or {})
    for path, decision in decisions.items():
        if decision.choice is Choice.MANUAL:
            base = settle(base, path, seen[path], Side.ODOO)
        elif path in left:
            base = settle(base, path, left[path], Side(decision.choice))
    return base


def differences(before: Record, after: Record) -> dict[str, tuple[Any, Any]]:
    """What makes ``after`` of ``before``, by path; MISSING for a line not there."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in after.items():
        had = before.get(name, MISSING)
        if had is value:
            continue
        if name in KEYED:
            found.update(_line_differences(name, had or [], value or []))
        elif had != value:
            found[name] = (had, value)
    return found


def _line_differences(
    name: str, before: Iterable[Record], after: Iterable[Record]
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    old = {line["key"]: line for line in before}
    new = {line["key"]: line for line in after}
    for key in dict.fromkeys([*old, *new]):
        path = f"{name}[{key}]"
        if key not in old or key not in new:
            yield path, (old.get(key, MISSING), new.get(key, MISSING))
            continue
        for field, value in new[key].items():
            had = old[key].get(field, MISSING)
            if had != value:
                yield f"{path}.{field}", (had, value)


def strategy(choices: Iterable[str]) -> str:
    """One word for how a whole record was decided."""
    kinds = set(choices)
    if Choice.MANUAL in kinds:
        return "manual"
    return str(kinds.pop()) if len(kinds) == 1 else "merge"
