"""What a side did not take of what the other one has.

A side declines where it should change and, read back, has something that does not mean
the same: an override returned a pop-up instead of confirming the order, another addon
swallowed a value, the app keeps its own. The pair says so (each side's half is what
that side has), and the path is remembered: from there on the field was never agreed
on. It is a conflict for a person, which no rule or policy decides, until both sides
have the same, the side that was declined says something else, or the person decides.

The words are those of :mod:`..conflict.merge` and :mod:`.pair`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..conflict.merge import (
    KEYED,
    MISSING,
    Record,
    Side,
    generic_path,
    lines_by_key,
    parse_path,
    union,
)
from .pair import Base, Held

# Given a generic path, a value that a side should have and what it has, says whether
# it is all that this side can hold of it.
Keeps = Callable[[str, Any, Any], bool]

_NOTHING = (None, "")


@dataclass(frozen=True)
class Declined:
    """:ivar by: the side that did not take the other's value
    :ivar reason: what it said; empty if it said nothing
    :ivar unseen: whether it had changed its own value, and a rule or policy decided for
        the other one: whoever says something else there has not seen it
    """

    by: Side
    reason: str = ""
    unseen: bool = False


def keeps_it(path: str, value: Any, has: Any) -> bool:
    """The :data:`Keeps` of a side that holds values as they are."""
    return bool(value == has)


def not_taken(
    before: Record,
    wanted: Record,
    has: Record,
    keeps: Keeps = keeps_it,
    *,
    creating: bool = False,
) -> dict[str, Any]:
    """What a side should have changed and did not.

    :param before: its record as it was; what did not have to change is its own affair
    :param wanted: what it should have, by field
    :param has: its record, read back
    :param creating: what is empty may be filled in then, as in lines at all times
    :return: what it has instead, by path; MISSING for a line that it did not add
    """
    found: dict[str, Any] = {}
    for name, value in wanted.items():
        had, now = before.get(name, MISSING), has.get(name, MISSING)
        if now is MISSING or (creating and value in _NOTHING):
            continue  # it does not say, or was not asked
        if name in KEYED:
            found.update(_lines_not_taken(name, had, value, now, keeps))
        elif value != had and not keeps(name, value, now):
            found[name] = now
    return found


def as_asked(before: Record, stored: Record, written: Record) -> Record:
    """Odoo's record without what changed there unasked along with a write: what another
    addon computes or sets then is a change of Odoo's own, and still to be sent.

    :param before: the record before the write
    :param stored: the record, read back
    :param written: what was written, by field; of lines, all that there should be
    :return: ``stored`` with the values of before where nothing was asked for
    """
    had: dict[str, Any] = {}
    for name, value in stored.items():
        former = before.get(name, MISSING)
        if former is MISSING or value == former:
            continue
        if name not in written:
            had[name] = former
        elif name in KEYED:
            had[name] = _lines_as_asked(name, former, value, written[name])
    return {**stored, **had} if had else stored


def _lines_as_asked(name: str, before: Any, stored: Any, written: Any) -> list[Record]:
    old, new = lines_by_key(name, before), lines_by_key(name, written)
    lines: list[Record] = []
    for line in stored:
        former, asked = old.get(line["key"]), new.get(line["key"])
        if former is None and asked is None:
            continue  # another addon made it
        if former is None or asked is None:
            lines.append(line)
            continue
        lines.append(
            {
                field: value
                if asked.get(field, MISSING) != former.get(field, MISSING)
                else former.get(field, value)
                for field, value in line.items()
            }
        )
    return lines


def _lines_not_taken(
    name: str, before: Any, wanted: Any, has: Any, keeps: Keeps
) -> Iterator[tuple[str, Any]]:
    old, new, now = (lines_by_key(name, lines) for lines in (before, wanted, has))
    for key in union(old, new):
        path, known = f"{name}[{key}]", old.get(key, {})
        if key not in new or key not in now:
            # A line that is gone though it should stay is a change of this side's own.
            if key in now or key not in old:
                yield path, now.get(key, MISSING)
            continue
        for field, value in new[key].items():
            same = value in _NOTHING or value == known.get(field, MISSING)
            if same or field not in now[key]:
                continue
            if not keeps(f"{name}.{field}", value, now[key][field]):
                yield f"{path}.{field}", now[key][field]


def still_declined(
    base: Base,
    odoo: Record,
    pharmacy: Record,
    declined: Mapping[str, Declined],
    held: Held,
) -> dict[str, Declined]:
    """Those of ``declined`` in which the sides do not have the same by now."""
    return {
        path: refusal
        for path, refusal in declined.items()
        if not _means(path, value_at(odoo, path), value_at(pharmacy, path), held)
    }


def tried_again(
    base: Base, odoo: Record, pharmacy: Record, declined: Mapping[str, Declined]
) -> set[str]:
    """Paths of ``declined`` where the side that was declined says something new."""
    return {
        path
        for path, refusal in declined.items()
        if (
            value_at(pharmacy, path) != value_at(base.pharmacy, path)
            if refusal.by is Side.ODOO
            else value_at(odoo, path) != value_at(base.odoo, path)
        )
    }


def _means(path: str, odoo: Any, pharmacy: Any, held: Held) -> bool:
    if path.endswith("]"):  # a whole line: it is there or not
        return (odoo is MISSING) == (pharmacy is MISSING)
    if odoo is MISSING or pharmacy is MISSING:
        return odoo is pharmacy
    return bool(odoo == pharmacy or odoo == held(generic_path(path), pharmacy))


def never_agreed(base: Base, paths: Collection[str]) -> Base:
    """The base in which nothing was agreed on at ``paths``. A whole line keeps only
    its key, which makes it a conflict, on whichever side it is."""
    if not paths:
        return base
    return Base(_without(base.odoo, paths), _without(base.pharmacy, paths))


def with_halves_of(base: Base, other: Base, paths: Collection[str]) -> Base:
    """``base`` with what ``other`` says at ``paths``."""
    if not paths:
        return base
    return Base(
        _with_those(base.odoo, other.odoo, paths),
        _with_those(base.pharmacy, other.pharmacy, paths),
    )


def value_at(record: Record, path: str) -> Any:
    """The value at a path, MISSING if there is none."""
    name, key, field = parse_path(path)
    value = record.get(name, MISSING)
    if key is None:
        return value
    line = lines_by_key(name, value).get(key, MISSING)
    return line if field is None or line is MISSING else line.get(field, MISSING)


def _without(record: Record, paths: Collection[str]) -> Record:
    for path in paths:
        __, key, field = parse_path(path)
        if key is not None and field is None:
            record = with_value(record, path, {"key": key})
        else:
            record = with_value(record, path, MISSING)
    return record


def _with_those(record: Record, other: Record, paths: Collection[str]) -> Record:
    for path in paths:
        record = with_value(record, path, value_at(other, path))
    return record


def with_value(record: Record, path: str, value: Any) -> Record:
    """The record with another value at a path; MISSING: with none."""
    name, key, field = parse_path(path)
    if key is None:
        return _set(record, name, value)
    lines: dict[str, Record] = lines_by_key(name, record.get(name, MISSING))
    if field is None:
        lines = _set(lines, key, value)
    elif key in lines:
        lines = {**lines, key: _set(lines[key], field, value)}
    else:
        return record
    if not lines and name not in record:
        return record
    return {**record, name: list(lines.values())}


def _set(record: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    if value is MISSING:
        return {field: kept for field, kept in record.items() if field != name}
    return {**record, name: value}
