"""Which characters of a text are new, for people to see."""

import re
from difflib import SequenceMatcher

SAME, ADDED, REMOVED = "same", "added", "removed"
Segment = tuple[str, str]

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
# Beyond this many pairs of words only what is before and after the change is found.
_PAIRS = 1_000_000
# Up to this many pairs of words (a number has three) their characters are compared.
_FEW = 16
# Two texts with less in common than this are shown as one in the other's place.
_SIMILAR = 0.5


def mark(before: str, after: str) -> list[Segment]:
    """The way from ``before`` to ``after`` as (kind, text), by words, and within
    similar words by characters. What is same or added makes up ``after``, what is same
    or removed ``before``."""
    return _join(_by_words(_TOKEN.findall(before), _TOKEN.findall(after)))


def _by_words(before, after):
    start, end = _common(before, after)
    yield SAME, "".join(after[:start])
    yield from _middle(
        before[start : len(before) - end], after[start : len(after) - end]
    )
    yield SAME, "".join(after[len(after) - end :])


def _middle(before, after):
    if not before or not after or len(before) * len(after) > _PAIRS:
        yield REMOVED, "".join(before)
        yield ADDED, "".join(after)
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() <= _SIMILAR and len(before) * len(after) > _FEW:
        # Some words in common by chance: it reads better as a whole.
        yield REMOVED, "".join(before)
        yield ADDED, "".join(after)
        return
    if matcher.ratio() <= _SIMILAR:
        yield from _by_characters("".join(before), "".join(after))
        return
    for kind, a, b, c, d in matcher.get_opcodes():
        old, new = "".join(before[a:b]), "".join(after[c:d])
        if kind == "equal":
            yield SAME, new
        else:
            yield from _by_characters(old, new)


def _by_characters(old, new):
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    short = len(old) * len(new) <= _PAIRS
    if not short or matcher.ratio() < _SIMILAR:
        yield REMOVED, old
        yield ADDED, new
        return
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            yield SAME, new[c:d]
        else:
            yield REMOVED, old[a:b]
            yield ADDED, new[c:d]


def _common(before, after):
    """How many tokens are alike at the start, and how many of the rest at the end."""
    most = min(len(before), len(after))
    start = 0
    while start < most and before[start] == after[start]:
        start += 1
    end = 0
    while end < most - start and before[-1 - end] == after[-1 - end]:
        end += 1
    return start, end


def _join(segments):
    joined: list[Segment] = []
    for kind, text in segments:
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        elif text:
            joined.append((kind, text))
    return joined
