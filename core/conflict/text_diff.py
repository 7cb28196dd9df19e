"""Which characters of a text are new, for people to see."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from .alignment import Pair, matches

SAME, ADDED, REMOVED = "same", "added", "removed"
Segment = tuple[str, str]

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
# Beyond this many pairs of words only what is before and after the change is found,
# and beyond so many pairs of characters words are shown as a whole.
_PAIRS = 250_000
_CHARACTERS = 4_000
# Up to this many pairs of words (a number has three) their characters are compared.
_FEW = 16
# Two texts with less in common than this are shown as one in the other's place.
_SIMILAR = 0.5


def mark(before: str, after: str) -> list[Segment]:
    """The way from ``before`` to ``after`` as (kind, text), by words, and within
    similar words by characters. What is same or added makes up ``after``, what is same
    or removed ``before``."""
    return _join(_by_words(_TOKEN.findall(before), _TOKEN.findall(after)))


def _by_words(before: Sequence[str], after: Sequence[str]) -> Iterator[Segment]:
    pairs = matches(before, after, _PAIRS)
    start, end = _around(before, after, pairs)
    inner = pairs[start : len(pairs) - end]
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    yield SAME, "".join(after[:start])
    if _likeness(old, new, inner) > _SIMILAR:
        moved = [(line - start, other - start) for line, other in inner]
        yield from _segments(old, new, moved, _by_characters)
    elif len(old) * len(new) > _FEW:
        # Some words in common by chance: it reads better as a whole.
        yield from _whole("".join(old), "".join(new))
    else:
        yield from _by_characters("".join(old), "".join(new))
    yield SAME, "".join(after[len(after) - end :])


def _by_characters(old: str, new: str) -> Iterator[Segment]:
    pairs = matches(old, new, _CHARACTERS) if len(old) * len(new) <= _PAIRS else []
    if _likeness(old, new, pairs) >= _SIMILAR:
        yield from _segments(old, new, pairs, _whole)
    else:
        yield from _whole(old, new)


def _whole(old: str, new: str) -> Iterator[Segment]:
    yield REMOVED, old
    yield ADDED, new


def _segments(
    before: Sequence[str],
    after: Sequence[str],
    pairs: Iterable[Pair],
    changed: Callable[[str, str], Iterator[Segment]],
) -> Iterator[Segment]:
    """What is the same, and between it what ``changed`` makes of the difference."""
    start = low = 0
    for line, other in [*pairs, (len(before), len(after))]:
        if (start, low) != (line, other):
            yield from changed("".join(before[start:line]), "".join(after[low:other]))
        yield SAME, "".join(after[other : other + 1])
        start, low = line + 1, other + 1


def _likeness(
    before: Sequence[str], after: Sequence[str], pairs: Sequence[Pair]
) -> float:
    """From 0, nothing in common, to 1, the same."""
    return 2 * len(pairs) / (len(before) + len(after) or 1)


def _around(
    before: Sequence[str], after: Sequence[str], pairs: Sequence[Pair]
) -> tuple[int, int]:
    """How many tokens are alike at the start, and how many of the rest at the end."""
    start = end = 0
    while start < len(pairs) and pairs[start] == (start, start):
        start += 1
    ends = len(before), len(after)
    while end < len(pairs) - start and pairs[-1 - end] == (
        ends[0] - 1 - end,
        ends[1] - 1 - end,
    ):
        end += 1
    return start, end


def _join(segments: Iterable[Segment]) -> list[Segment]:
    joined: list[Segment] = []
    for kind, text in segments:
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        elif text:
            joined.append((kind, text))
    return joined
