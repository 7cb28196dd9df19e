"""Which items two rows have in common: lines of two texts, words, characters.

The time is bounded, however often an item is repeated: what both rows have once holds
them together, and what lies between two such items is compared pair by pair only while
there are few pairs.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Pair = tuple[int, int]


class _Part(NamedTuple):
    """Items ``start`` to ``end`` of one row, ``low`` to ``high`` of the other."""

    start: int
    end: int
    low: int
    high: int


def matches(before: Sequence[str], after: Sequence[str], most: int) -> list[Pair]:
    """Pairs of places at which both rows have the same, in order.

    :param most: how many pairs of items are compared where items repeat; beyond it
        items count as different
    """
    first, middle, last = _trim(before, after, _Part(0, len(before), 0, len(after)))
    found, left = first, most
    for line, other in [*_anchors(before, after, middle), (middle.end, middle.high)]:
        gap = _Part(middle.start, line, middle.low, other)
        start, part, end = _trim(before, after, gap)
        pairs = (part.end - part.start) * (part.high - part.low)
        found += start
        if pairs <= left:
            found += _common(before, after, part)
            left -= pairs
        found += end
        if line < middle.end:
            found.append((line, other))
            middle = middle._replace(start=line + 1, low=other + 1)
    return found + last


def _trim(
    before: Sequence[str], after: Sequence[str], part: _Part
) -> tuple[list[Pair], _Part, list[Pair]]:
    """What is the same at the start, the part between, what is the same at the end."""
    start, end, low, high = part
    while start < end and low < high and before[start] == after[low]:
        start, low = start + 1, low + 1
    first = list(zip(range(part.start, start), range(part.low, low), strict=True))
    while start < end and low < high and before[end - 1] == after[high - 1]:
        end, high = end - 1, high - 1
    last = list(zip(range(end, part.end), range(high, part.high), strict=True))
    return first, _Part(start, end, low, high), last


def _anchors(before: Sequence[str], after: Sequence[str], part: _Part) -> list[Pair]:
    """The longest row of items that both parts have exactly once."""
    once = Counter(before[part.start : part.end])
    there = Counter(after[part.low : part.high])
    places = {after[i]: i for i in range(part.low, part.high)}
    pairs = [
        (i, places[before[i]])
        for i in range(part.start, part.end)
        if once[before[i]] == there[before[i]] == 1
    ]
    return _rising(pairs)


def _rising(pairs: Iterable[Pair]) -> list[Pair]:
    """The longest row whose second numbers rise as the first do (patience sorting)."""
    tops: list[int] = []
    piles: list[Pair] = []
    behind: dict[Pair, Pair | None] = {}
    for pair in pairs:
        pile = bisect_left(tops, pair[1])
        behind[pair] = piles[pile - 1] if pile else None
        tops[pile : pile + 1] = [pair[1]]
        piles[pile : pile + 1] = [pair]
    row = []
    top = piles[-1] if piles else None
    while top:
        row.append(top)
        top = behind[top]
    return row[::-1]


def _common(before: Sequence[str], after: Sequence[str], part: _Part) -> list[Pair]:
    """A longest common row of items."""
    start, end, low, high = part
    lengths = [[0] * (high - low + 1) for _ in range(end - start + 1)]
    for i in range(end - 1, start - 1, -1):
        row, below = lengths[i - start], lengths[i - start + 1]
        for j in range(high - 1, low - 1, -1):
            k = j - low
            same = before[i] == after[j]
            row[k] = below[k + 1] + 1 if same else max(below[k], row[k + 1])
    found, i, j = [], start, low
    while i < end and j < high:
        if before[i] == after[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i - start + 1][j - low] >= lengths[i - start][j - low + 1]:
            i += 1
        else:
            j += 1
    return found
