"""Three-way comparison of a record: base, Odoo, pharmacy.

The base holds the values that both sides last agreed on. A field changed on one side
is taken over by the other; changed on both and equal, it is agreed; changed on both
and different, it is a conflict, and both sides keep their own value.

Fields in ``keyed`` are lists of dictionaries with a stable, unique ``key``: they are
merged line by line and within a line field by field, after the same rule. A line
added on one side is kept; removed on one side and untouched on the other, it goes;
removed on one side and changed on the other, it is a conflict. The order of lines is
no difference.

A field that a side does not tell (absent, not null) is unchanged there. Where nothing
was ever agreed either, the other side's value is taken: whoever was told only a part
of such a record fetches the whole of it first.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .exceptions import InvalidDataError
from .taxonomy import TextEnum

KEYED = ("lines",)

Record = Mapping[str, Any]
# Given a field name (``quantity``, or ``lines.quantity`` within a line) and two
# values, says whether they mean the same.
Equal = Callable[[str, Any, Any], bool]
# Given a path and the pharmacy's value there (MISSING: it removed the line), says
# whether Odoo's value must not give way to it without a person.
Frozen = Callable[[str, Any], bool]


class _Missing(Enum):
    MISSING = "missing"

    def __bool__(self):
        return False

    def __repr__(self):
        return "MISSING"


MISSING = _Missing.MISSING
"""Stands where there is no value: a field not told, a line that is not there."""


class Side(TextEnum):
    """One of the two sides."""

    ODOO = "odoo"
    PHARMACY = "pharmacy"


@dataclass(frozen=True)
class FieldConflict:
    """The three values of a field, or of a line, that both sides changed."""

    base: Any
    odoo: Any
    pharmacy: Any


@dataclass(frozen=True)
class Merge:
    """What follows from a comparison.

    ``to_odoo``, ``to_pharmacy``: new values by field for the side that must change;
    for lines the complete list that this side should have. ``conflicts``: by path:
    ``notes``, ``lines[key].quantity``, or ``lines[key]`` for a line that one side
    removed. ``agreed``: the fields that are equal on both sides.
    """

    to_odoo: dict[str, Any]
    to_pharmacy: dict[str, Any]
    conflicts: dict[str, FieldConflict]
    agreed: dict[str, Any]


def three_way(
    base: Record | None,
    odoo: Record,
    pharmacy: Record,
    *,
    equal: Equal | None = None,
    frozen: Frozen | None = None,
    keyed: Collection[str] = KEYED,
) -> Merge:
    """Compare a record with its base.

    :param base: None or empty for a record just matched: equal fields agree, different
        ones are conflicts.
    :param equal: for values that are equal without being the same, such as amounts
        within the rounding of their currency.
    :param frozen: what Odoo's side may not take over by itself: a change that only
        the pharmacy made there is a conflict as well.
    :raise InvalidDataError: a line has no key, or two have the same.
    """
    equal, frozen = equal or _same, frozen or _never
    base = base or {}
    merge = Merge({}, {}, {}, {})
    for name in _union(odoo, pharmacy, base):
        values = [side.get(name, MISSING) for side in (base, odoo, pharmacy)]
        if values[1] is MISSING and values[2] is MISSING:
            continue
        if name in keyed:
            _merge_lines(merge, name, *values, equal, frozen)
        else:
            _merge_field(merge, name, *values, equal, frozen)
    return merge


def new_base(
    base: Record | None,
    odoo: Record,
    pharmacy: Record,
    merge: Merge,
    *,
    equal: Equal | None = None,
    keyed: Collection[str] = KEYED,
) -> dict[str, Any]:
    """The base once ``merge.to_odoo`` has been written in Odoo: what is equal then on
    both sides is agreed; everything else keeps its base until it is pushed or settled.

    The merge may be one in which a policy has moved conflicts to ``to_odoo``.
    """
    equal = equal or _same
    base = dict(base or {})
    odoo = {**odoo, **merge.to_odoo}
    for name, value in pharmacy.items():
        if name not in odoo:
            continue
        if name in keyed:
            base[name] = _agreed_lines(
                name,
                _by_key(name, base.get(name, MISSING)),
                _by_key(name, odoo[name]),
                _by_key(name, value),
                equal,
            )
        elif equal(name, odoo[name], value):
            base[name] = value
    return base


def advance(
    base: Record | None,
    sent: Record,
    conflicts: Iterable[str] = (),
    *,
    keyed: Collection[str] = KEYED,
) -> dict[str, Any]:
    """The base after a push: what the pharmacy has accepted is agreed.

    :param base: with the same merge's ``to_odoo`` applied already (``new_base``).
    :param sent: the ``to_pharmacy`` that was accepted.
    :param conflicts: paths of the conflicts that are open. A list of lines is sent
        whole, with the pharmacy's own values where they are in conflict; those are not
        agreed, and without these paths Odoo's values would silently win next time.
    """
    base = dict(base or {})
    conflicts = frozenset(conflicts)
    for name, value in sent.items():
        if name in keyed:
            base[name] = _advance_lines(
                name, _by_key(name, base.get(name, MISSING)), value, conflicts
            )
        elif name not in conflicts:
            base[name] = value
    return base


def confirm(
    base: Record | None,
    hoped: Record,
    pharmacy: Record,
    *,
    again: bool = False,
    equal: Equal | None = None,
    keyed: Collection[str] = KEYED,
) -> dict[str, Any]:
    """The base once the pharmacy's record tells what became of a push that was never
    answered: what was sent and stands there now is agreed. Without this a person who
    has undone the change since would see it come back as the pharmacy's.

    :param hoped: the fields that were sent, as :func:`advance` would have them
    :param again: whether the record has changed there more than once since. A line
        that was added by the push and is not there has then been removed, or never
        arrived: of its base only the key is known, which makes it a conflict.
    """
    unmerged = Merge({}, {}, {}, {})
    confirmed = new_base(base, hoped, pharmacy, unmerged, equal=equal, keyed=keyed)
    for name in keyed if again else ():
        lines = _by_key(name, confirmed.get(name, MISSING))
        known = lines.keys() | _by_key(name, pharmacy.get(name, MISSING)).keys()
        doubtful = _by_key(name, hoped.get(name, MISSING)).keys() - known
        if doubtful:
            added = [{"key": key} for key in sorted(doubtful)]
            confirmed[name] = [*lines.values(), *added]
    return confirmed


def settle(
    base: Record | None, path: str, conflict: FieldConflict, winner: Side
) -> dict[str, Any]:
    """The base after a conflict was decided for one side: the value that lost has been
    seen, so the next comparison takes the winner's as the only change.

    :param conflict: for a whole line, None or MISSING on the side that removed it.
    """
    loser = conflict.pharmacy if Side(winner) is Side.ODOO else conflict.odoo
    base = dict(base or {})
    name, key, field = parse_path(path)
    if key is None:
        return _with(base, name, loser)
    lines = _by_key(name, base.get(name, MISSING))
    if field is None:
        lines = _with(lines, key, loser or MISSING)
    else:
        lines[key] = _with(lines.get(key, {"key": key}), field, loser)
    base[name] = list(lines.values())
    return base


def parse_path(path: str) -> tuple[str, str | None, str | None]:
    """``lines[key].quantity`` as (lines, key, quantity)."""
    name, bracket, rest = path.partition("[")
    if not bracket:
        return name, None, None
    key, _, field = rest.rpartition("]")
    return name, key, field.removeprefix(".") or None


def generic_path(path: str) -> str:
    """The path without the line's key: ``lines.quantity``, or ``lines`` for a line."""
    name, _, field = parse_path(path)
    return f"{name}.{field}" if field else name


class _Outcome(Enum):
    AGREED = 0
    TO_ODOO = 1
    TO_PHARMACY = 2
    CONFLICT = 3


def _compare(name, base, odoo, pharmacy, equal) -> _Outcome:
    """The rule, for one value: MISSING is not told."""
    if odoo is MISSING:
        odoo = base
    if pharmacy is MISSING:
        pharmacy = base
    if _alike(name, odoo, pharmacy, equal):
        return _Outcome.AGREED
    odoo_changed = not _alike(name, base, odoo, equal)
    pharmacy_changed = not _alike(name, base, pharmacy, equal)
    if odoo_changed and pharmacy_changed:
        return _Outcome.CONFLICT
    if odoo_changed:
        return _Outcome.TO_PHARMACY
    # Both may be equal to the base and yet not to one another, within a tolerance.
    return _Outcome.TO_ODOO if pharmacy_changed else _Outcome.AGREED


def _merge_field(merge, name, base, odoo, pharmacy, equal, frozen, line=None):
    """:param line: the list and the key of the line that the field belongs to."""
    generic = f"{line[0]}.{name}" if line else name
    outcome = _compare(generic, base, odoo, pharmacy, equal)
    if outcome is _Outcome.TO_ODOO:
        path = f"{line[0]}[{line[1]}].{name}" if line else name
        if frozen(path, pharmacy):
            outcome = _Outcome.CONFLICT
    if outcome is _Outcome.TO_ODOO:
        merge.to_odoo[name] = pharmacy
    elif outcome is _Outcome.TO_PHARMACY:
        merge.to_pharmacy[name] = odoo
    elif outcome is _Outcome.CONFLICT:
        merge.conflicts[name] = FieldConflict(base, odoo, pharmacy)
    else:
        merge.agreed[name] = odoo if pharmacy is MISSING else pharmacy


def _merge_lines(merge, name, base, odoo, pharmacy, equal, frozen):
    if base == odoo == pharmacy:  # nearly always, and ten times as fast
        merge.agreed[name] = pharmacy
        return
    before = _by_key(name, base)
    had_odoo = before if odoo is MISSING else _told(before, _by_key(name, odoo))
    had_pharmacy = (
        before if pharmacy is MISSING else _told(before, _by_key(name, pharmacy))
    )
    new_odoo, new_pharmacy, conflicts = [], [], {}
    for key in _union(had_pharmacy, had_odoo, before):
        lines = [had.get(key, MISSING) for had in (before, had_odoo, had_pharmacy)]
        for_odoo, for_pharmacy = _merge_line(
            name, key, *lines, equal, frozen, conflicts
        )
        new_odoo += [] if for_odoo is MISSING else [for_odoo]
        new_pharmacy += [] if for_pharmacy is MISSING else [for_pharmacy]
    if not _same_lines(had_odoo, new_odoo):
        merge.to_odoo[name] = new_odoo
    if not _same_lines(had_pharmacy, new_pharmacy):
        merge.to_pharmacy[name] = new_pharmacy
    if not conflicts and name not in merge.to_odoo and name not in merge.to_pharmacy:
        merge.agreed[name] = new_pharmacy
    merge.conflicts.update(conflicts)


def _merge_line(name, key, base, odoo, pharmacy, equal, frozen, conflicts):
    """The line as Odoo and as the pharmacy should have it, MISSING for not at all."""
    path = f"{name}[{key}]"
    if base is MISSING and odoo is MISSING and frozen(path, pharmacy):
        conflicts[path] = FieldConflict(base, odoo, pharmacy)
        return odoo, pharmacy
    if base is MISSING and (odoo is MISSING or pharmacy is MISSING):
        added = pharmacy if odoo is MISSING else odoo
        return added, added
    if odoo is MISSING and pharmacy is MISSING:
        return MISSING, MISSING
    if odoo is MISSING or pharmacy is MISSING:
        kept = pharmacy if odoo is MISSING else odoo
        goes = _untouched(name, base, kept, equal)
        if goes and not (pharmacy is MISSING and frozen(path, pharmacy)):
            return MISSING, MISSING
        conflicts[path] = FieldConflict(base, odoo, pharmacy)
        return odoo, pharmacy
    base = {} if base is MISSING else base
    line = Merge({}, {}, {}, {})
    for field in _union(odoo, pharmacy):
        values = [side.get(field, MISSING) for side in (base, odoo, pharmacy)]
        _merge_field(line, field, *values, equal, frozen, line=(name, key))
    for field, conflict in line.conflicts.items():
        conflicts[f"{path}.{field}"] = conflict
    return {**odoo, **line.to_odoo}, {**pharmacy, **line.to_pharmacy}


def _agreed_lines(name, base, odoo, pharmacy, equal):
    """The base of the lines once both sides are as given."""
    agreed = []
    for key in _union(pharmacy, odoo, base):
        line = dict(base.get(key, {}))
        if key in odoo and key in pharmacy:
            for field, value in pharmacy[key].items():
                told = odoo[key].get(field, MISSING)
                if _alike(f"{name}.{field}", told, value, equal):
                    line[field] = value
        elif key not in odoo and key not in pharmacy:
            continue
        if line:
            agreed.append(line)
    return agreed


def _advance_lines(name, base, sent, conflicts):
    advanced = []
    lines = _by_key(name, sent)
    for key in _union(lines, base):
        whole = f"{name}[{key}]"
        if whole in conflicts:
            line = base.get(key)
        elif key in lines:
            line = dict(base.get(key, {}))
            line.update(
                (field, value)
                for field, value in lines[key].items()
                if f"{whole}.{field}" not in conflicts
            )
        else:
            continue
        if line:
            advanced.append(line)
    return advanced


def _by_key(name, lines) -> dict[str, Record]:
    if lines is MISSING or lines is None:
        return {}
    found: dict[str, Record] = {}
    for index, line in enumerate(lines):
        key = line.get("key")
        if not key or key in found:
            raise InvalidDataError(
                "Every line needs a key of its own.", field=f"{name}[{index}].key"
            )
        found[key] = line
    return found


def _told(before, lines):
    """The lines, each with the values of before where it does not tell them."""
    return {key: {**before.get(key, {}), **line} for key, line in lines.items()}


def _same_lines(had, wanted) -> bool:
    return len(had) == len(wanted) and all(
        had.get(line["key"]) == line for line in wanted
    )


def _untouched(name, base, line, equal) -> bool:
    return all(
        _alike(f"{name}.{field}", base.get(field, MISSING), value, equal)
        for field, value in line.items()
    )


def _alike(name, one, other, equal) -> bool:
    if one is MISSING or other is MISSING:
        return one is other
    return equal(name, one, other)


def _same(name, one, other) -> bool:
    return one == other


def _never(path, value) -> bool:
    return False


def _union(*sides: Iterable[str]) -> list[str]:
    """All names once, in the order in which they are met."""
    return list(dict.fromkeys(name for side in sides for name in side))


def _with(record, name, value) -> dict[str, Any]:
    rest = {field: kept for field, kept in record.items() if field != name}
    return rest if value is MISSING else {**rest, name: value}
