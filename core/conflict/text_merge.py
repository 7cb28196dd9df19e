"""Three-way merge of a text, line by line."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .alignment import matches

# Beyond this many pairs of lines a person is asked at worst.
_PAIRS = 250_000


class _Edit(NamedTuple):
    """Lines ``start`` to ``end`` of the base give way to others."""

    start: int
    end: int
    lines: tuple[str, ...]


def merge_text(base: str, odoo: str, pharmacy: str) -> str | None:
    """The text with the edits of both sides, or None where they touch.

    Edits touch that change the same line or neighbouring lines, or add lines at the
    same place; edits that are the same on both sides are taken once. Every line of the
    result is a line of one of the sides.
    """
    lines = base.split("\n")
    merged: list[str] = []
    position = 0
    previous = None
    for edit in sorted({*_edits(lines, odoo), *_edits(lines, pharmacy)}):
        if previous and edit.start <= previous.end:
            return None
        merged += lines[position : edit.start]
        merged += edit.lines
        position, previous = edit.end, edit
    return "\n".join(merged + lines[position:])


def _edits(lines: Sequence[str], text: str) -> Iterator[_Edit]:
    changed = text.split("\n")
    start = low = 0
    for line, other in [*matches(lines, changed, _PAIRS), (len(lines), len(changed))]:
        if (start, low) != (line, other):
            yield _Edit(start, line, tuple(changed[low:other]))
        start, low = line + 1, other + 1
