"""Three-way merge of a text, line by line."""

from difflib import SequenceMatcher
from typing import NamedTuple


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
    merged, position = [], 0
    previous = None
    for edit in sorted({*_edits(lines, odoo), *_edits(lines, pharmacy)}):
        if previous and edit.start <= previous.end:
            return None
        merged += lines[position : edit.start]
        merged += edit.lines
        position, previous = edit.end, edit
    return "\n".join(merged + lines[position:])


def _edits(lines, text):
    changed = text.split("\n")
    matcher = SequenceMatcher(None, lines, changed, autojunk=False)
    return [
        _Edit(start, end, tuple(changed[low:high]))
        for tag, start, end, low, high in matcher.get_opcodes()
        if tag != "equal"
    ]
