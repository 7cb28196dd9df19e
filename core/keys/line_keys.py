"""Keys of the lines of an order: unique in it, however its lines came into it.

A key is given by the side that made the line, and an app may number the lines of each
of its orders from 1. So a key means something in its own order only: a line that moves
to another order is a new line there, and gets a new key.
"""

import uuid
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..conflict.merge import OWN


def new_key() -> str:
    """A key for a line that is made in Odoo: no other line has it, in any order."""
    return f"{OWN}{uuid.uuid4().hex}"


def keys_of(lines: Iterable[tuple[int, str | None]]) -> dict[int, str]:
    """The key of each line of one order.

    :param lines: of each its id, and the key that is stored with it. A line from before
        keys were stored goes by its id. One that got into the order past Odoo, with the
        key of an older line, does so too.
    """
    known = dict(lines)
    if all(known.values()) and len(set(known.values())) == len(known):  # nearly always
        return {line_id: stored for line_id, stored in known.items() if stored}
    found: dict[int, str] = {}
    taken: set[str] = set()
    for line_id, stored in sorted(known.items()):
        key = next(k for k in _candidates(line_id, stored) if k not in taken)
        found[line_id] = key
        taken.add(key)
    return found


def _candidates(line_id: int, stored: str | None) -> Iterator[str]:
    """What a line may be called, the best first; as many as it takes."""
    if stored:
        yield stored
    key = f"{OWN}{line_id}"
    while True:
        yield key
        key = f"{key}-{line_id}"


def pair_lines(
    ours: Mapping[str, Mapping[str, Hashable]],
    theirs: Mapping[str, Mapping[str, Hashable]],
    match: Sequence[tuple[str, ...]],
) -> dict[str, str]:
    """Which lines of two orders that were made apart are the same.

    :param ours, theirs: lines by their keys
    :param match: names of the fields that the same lines have in common; tuples, the
        strongest first. Where lines agree in the last, those of one key are paired
        before any other.
    :return: for each of our lines its key from now on: the pharmacy's for one that is
        paired; its own otherwise, or a new one if the pharmacy has another line by it
    """
    paired: dict[str, str] = {}
    wanted = dict(theirs)
    for names in (("key", *match[-1]), *match):
        for key, line in list(wanted.items()):
            alike = next(
                (
                    own
                    for own, other in ours.items()
                    if own not in paired
                    and all(other.get(name) == line.get(name) for name in names)
                ),
                None,
            )
            if alike is not None:
                paired[alike] = key
                del wanted[key]
    for own in ours:
        if own not in paired:
            paired[own] = new_key() if own in theirs else own
    return paired


@dataclass(frozen=True)
class LineMoves:
    """What to do with single lines so that a record has others.

    :ivar removed: keys
    :ivar changed: values of each line that are otherwise, by its key
    :ivar added: lines, in their order
    """

    removed: tuple[str, ...]
    changed: Mapping[str, Mapping[str, Any]]
    added: tuple[Mapping[str, Any], ...]


def line_moves(
    had: Mapping[str, Mapping[str, Any]], wanted: Mapping[str, Mapping[str, Any]]
) -> LineMoves:
    """What turns the lines that an app has into those that it should have; what a
    wanted line does not say stays as it is.

    :param had, wanted: lines by their keys
    """
    changed = {
        key: {n: value for n, value in line.items() if had[key].get(n) != value}
        for key, line in wanted.items()
        if key in had
    }
    return LineMoves(
        tuple(key for key in had if key not in wanted),
        {key: values for key, values in changed.items() if values},
        tuple(line for key, line in wanted.items() if key not in had),
    )
