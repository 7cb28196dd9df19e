"""A three-way comparison as people read it: value by value, with what would come of it.

And the leaves of a JSON record, by paths such as ``lines[2].quantity``, for a person
to correct one of them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ..taxonomy import TextEnum
from .merge import KEYED, MISSING


class Effect(TextEnum):
    """What becomes of a value in which the two sides differ."""

    TO_PHARMACY = "to_pharmacy"
    TO_ODOO = "to_odoo"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Difference:
    """One value in which Odoo and the pharmacy differ.

    ``path`` as in :class:`.merge.Merge`: ``notes``, ``lines[key].quantity``, or
    ``lines[key]`` for a line that one side does not have. A value that a side does not
    have is ``MISSING``.
    """

    path: str
    base: Any
    odoo: Any
    pharmacy: Any
    effect: Effect


def differences(
    base: Mapping[str, Any] | None,
    odoo: Mapping[str, Any],
    pharmacy: Mapping[str, Any],
    conflicts: Iterable[str] = (),
) -> list[Difference]:
    """Where the two sides differ, in the order of Odoo's fields.

    :param pharmacy: a value that is absent here is the agreed one
    :param conflicts: paths of the merge's conflicts
    """
    base = base or {}
    conflicts = frozenset(conflicts)
    sides = [_flat(side) for side in (base, odoo, {**base, **pharmacy})]
    found = []
    for path in dict.fromkeys([*sides[1], *sides[2]]):
        before, ours, theirs = (side.get(path, MISSING) for side in sides)
        if ours == theirs:
            continue
        whole = path.partition(".")[0]
        if path in conflicts or whole in conflicts:
            effect = Effect.CONFLICT
        elif theirs == before:
            effect = Effect.TO_PHARMACY
        else:
            effect = Effect.TO_ODOO
        found.append(Difference(path, before, ours, theirs, effect))
    return _lines_as_one(found, sides)


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    flat = {}
    for name, value in record.items():
        if name not in KEYED:
            flat[name] = value
            continue
        for line in value or ():
            for field, part in line.items():
                if field != "key":
                    flat[f"{name}[{line['key']}].{field}"] = part
    return flat


def _lines_as_one(
    found: Iterable[Difference], sides: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """A line that one side lacks is one difference, not one for each of its fields."""
    lines = [{path.partition(".")[0] for path in side} for side in sides]
    kept: dict[str, Difference] = {}
    for difference in found:
        whole = difference.path.partition(".")[0]
        if whole == difference.path or (whole in lines[1] and whole in lines[2]):
            kept[difference.path] = difference
        elif whole not in kept:
            before, ours, theirs = (_line(side, whole) for side in sides)
            kept[whole] = Difference(whole, before, ours, theirs, difference.effect)
    return list(kept.values())


def _line(side: Mapping[str, Any], whole: str) -> Any:
    prefix = f"{whole}."
    fields = {
        path.removeprefix(prefix): value
        for path, value in side.items()
        if path.startswith(prefix)
    }
    return fields or MISSING


def leaves(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The simple values of a JSON record with their paths; lists of records are
    numbered from 0."""
    for name, value in record.items():
        path = prefix + name
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from leaves(item, f"{path}[{index}].")
                else:
                    yield f"{path}[{index}]", item
        else:
            yield path, value


def with_leaf(record: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the record with another value at ``path``.

    :raise KeyError: the path does not begin in this record
    """
    copy = deepcopy(dict(record))
    *way, last = _steps(path)
    place: Any = copy
    for step in way:
        try:
            place = place[step]
        except (IndexError, TypeError):
            raise KeyError(path) from None
    place[last] = value
    return copy


def _steps(path: str) -> list[str | int]:
    return [
        int(number) if number else name
        for name, number in re.findall(r"([^.\[\]]+)(?![^\[]*\])|\[(\d+)\]", path)
    ]
