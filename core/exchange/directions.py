"""Which fields of a record travel which way.

Each side is compared with its own half of the base (:mod:`..exchange.pair`). A field
that a side does not send is always as agreed on: that half of it follows what the side
has, so that no difference in it is ever a change. It is not sent, makes no conflict,
and is written nowhere; and the other direction, if there is one, goes on by itself.

Lines are sent whole, so what the pharmacy has in a line stays known, and goes back as
it came. The words are those of :mod:`..conflict.merge` and :mod:`..exchange.pair`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ..conflict.merge import KEYED, MISSING, Merge, Record, generic_path, lines_by_key
from ..exchange.pair import Base
from ..taxonomy import TextEnum

_Value = TypeVar("_Value")


class Direction(TextEnum):
    """Which way a field travels."""

    BOTH = "both"
    PUSH = "push"  # to the pharmacy only
    PULL = "pull"  # to Odoo only
    NONE = "none"


SENT = frozenset({Direction.BOTH, Direction.PUSH})
TAKEN = frozenset({Direction.BOTH, Direction.PULL})


@dataclass(frozen=True)
class Directions:
    """:ivar unsent: generic paths of what Odoo does not send
    :ivar untaken: generic paths of what Odoo does not take over
    """

    unsent: frozenset[str] = frozenset()
    untaken: frozenset[str] = frozenset()

    @classmethod
    def of(cls, chosen: Mapping[str, str]) -> "Directions":
        """:param chosen: directions by generic path; what is not there goes both
        ways"""
        return cls(
            frozenset(path for path, way in chosen.items() if way not in SENT),
            frozenset(path for path, way in chosen.items() if way not in TAKEN),
        )

    def __bool__(self) -> bool:
        return bool(self.unsent or self.untaken)

    def sent(self, record: Record, known: Record | None = None) -> dict[str, Any]:
        """What of Odoo's record is sent.

        :param known: the pharmacy's record, whose lines get back what they have
        """
        return _without(record, self.unsent, known)

    def taken(self, record: Record, known: Record | None = None) -> dict[str, Any]:
        """What of the pharmacy's record Odoo takes over.

        :param known: Odoo's record, whose lines keep what they have
        """
        return _without(record, self.untaken, known)

    def compared(self, record: Record) -> dict[str, Any]:
        """What of a record travels at all."""
        return _without(record, self.unsent & self.untaken)

    def go_both(self, by_path: Mapping[str, _Value]) -> dict[str, _Value]:
        """The part of what is known by path that is about fields going both ways."""
        one_way = self.unsent | self.untaken
        return {
            path: value
            for path, value in by_path.items()
            if generic_path(path) not in one_way
        }

    def as_agreed(self, base: Base, odoo: Record, pharmacy: Record) -> Base:
        """The base in which each side's half is what that side has, where it does not
        send it."""
        if not self:
            return base
        both = {
            name: lines_by_key(name, odoo.get(name)).keys()
            & lines_by_key(name, pharmacy.get(name)).keys()
            for name in KEYED
        }
        return Base(
            _following(base.odoo, odoo, self.unsent, both),
            _following(base.pharmacy, pharmacy, self.untaken, both),
        )

    def opened(self, now: "Directions") -> frozenset[str]:
        """Generic paths of what travels now in a direction in which it did not."""
        return (self.unsent - now.unsent) | (self.untaken - now.untaken)

    def filled_in(self, half: Record, answered: Record) -> Record:
        """The pharmacy's half of a record that was just created there, with what was
        not sent: the app filled that in, no person did."""
        if not self.unsent:
            return half
        filled = {**{n: answered[n] for n in self.unsent if n in answered}, **half}
        for name in half.keys() & KEYED:
            fields = _of_lines(name, self.unsent)
            now = lines_by_key(name, answered.get(name, MISSING))
            filled[name] = [
                {**{f: v for f, v in now.get(key, {}).items() if f in fields}, **line}
                for key, line in lines_by_key(name, half[name]).items()
            ]
        return filled

    def new_lines_of(self, merge: Merge, odoo: Record, pharmacy: Record) -> Merge:
        """The merge in which lines that a side does not have yet come to it with what
        travels there.

        :param odoo: Odoo's record
        :param pharmacy: the pharmacy's
        """
        if not self:
            return merge
        return replace(
            merge,
            to_odoo=self.taken(merge.to_odoo, odoo),
            to_pharmacy=self.sent(merge.to_pharmacy, pharmacy),
        )


EVERY = Directions()


def forget(base: Base, paths: Collection[str]) -> Base:
    """The base in which nothing was ever agreed on at generic paths."""
    return Base(_without(base.odoo, paths), _without(base.pharmacy, paths))


def _without(
    record: Record, paths: Collection[str], known: Record | None = None
) -> dict[str, Any]:
    if not paths:
        return dict(record)
    kept = {name: value for name, value in record.items() if name not in paths}
    for name in kept.keys() & KEYED:
        fields = _of_lines(name, paths)
        had = lines_by_key(name, known.get(name)) if known else {}
        kept[name] = [
            line
            if line["key"] in had
            else {field: line[field] for field in line if field not in fields}
            for line in kept[name] or ()
        ]
    return kept


def _following(
    half: Record,
    has: Record,
    paths: Collection[str],
    both: Mapping[str, Collection[str]],
) -> Record:
    """A half that follows what its side has at ``paths``.

    :param both: keys of the lines that both sides have
    """
    if not paths:
        return half
    followed = {**half, **{name: has[name] for name in paths if name in has}}
    for name in KEYED:
        if not (fields := _of_lines(name, paths)):
            continue
        lines = lines_by_key(name, half.get(name, MISSING))
        for key, line in lines_by_key(name, has.get(name, MISSING)).items():
            if key in lines or key in both[name]:
                now = {field: line[field] for field in fields if field in line}
                lines[key] = {"key": key, **lines.get(key, {}), **now}
        if lines or name in half:
            followed[name] = list(lines.values())
    return followed


def _of_lines(name: str, paths: Collection[str]) -> set[str]:
    """The fields of lines among generic paths."""
    start = f"{name}."
    return {path.removeprefix(start) for path in paths if path.startswith(start)}
