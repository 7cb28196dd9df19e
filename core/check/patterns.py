"""Regular expressions that people enter: only those that cannot take for ever.

Python tries one way after the other to match, so ``(a+)+$`` takes seconds on a text of
25 characters. Here the ways are counted before a pattern is accepted, and only the
beginning of a text is searched.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from math import prod
from typing import Any

# Python's own parser of patterns, which nothing public gives; it moved in 3.11.
try:
    parser = import_module("re._parser")
except ImportError:
    parser = import_module("sre_parse")

TOO_COMPLEX = "too complex"
LOOKED_AT = 500  # characters of a text
# Enough for two times "anything" and an alternative.
# In how many ways something of one length that is repeated at will counts.
_AS_OFTEN = LOOKED_AT // 4
_MOST_WAYS = 2**15
_ENDLESS = 10**12


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, which ignores case, or None if it is no good."""
    return None if problem(pattern) else re.compile(pattern, re.IGNORECASE)


def problem(pattern: str) -> str | None:
    """What is wrong with a pattern, in the words of ``re``; None if it is good.

    ``TOO_COMPLEX``: some text could keep Python busy; fewer repetitions, and none
    within another, are what helps.
    """
    try:
        re.compile(pattern, re.IGNORECASE)
        ways = _ways(parser.parse(pattern))
    except (re.error, OverflowError, RecursionError) as exc:
        return str(exc)
    return TOO_COMPLEX if ways > _MOST_WAYS else None


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is found in the first ``LOOKED_AT`` characters of a text."""
    expression = compiled(pattern)
    return expression is not None and bool(expression.search(text[:LOOKED_AT]))


def _ways(parts: Iterable[tuple[Any, Any]]) -> int:
    """In how many ways the parts in their order can match at one place, at most."""
    return min(_ENDLESS, prod(_ways_of(str(kind), about) for kind, about in parts))


def _ways_of(kind: str, about: Any) -> int:
    if kind in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, inner = about
        return _repeated(least, most, inner)
    if kind == "BRANCH":
        return sum(map(_ways, about[1]))
    if kind == "SUBPATTERN":
        return _ways(about[-1])
    if kind in ("ASSERT", "ASSERT_NOT"):
        return _ways(about[1])
    if kind == "ATOMIC_GROUP":
        return _ways(about)
    if kind == "GROUPREF_EXISTS":
        return _ways(about[1]) + (_ways(about[2]) if about[2] else 1)
    if kind == "GROUPREF":
        return _AS_OFTEN  # all that the group has found is compared once more
    return 1  # one character, or a place


def _repeated(least: int, most: int, parts: Any) -> int:
    """Where the whole matches in one way, only the number of repetitions counts; where
    several share a text, none has more than a part."""
    each = _ways(parts)
    times = min(most, LOOKED_AT)
    if each == 1:
        low, high = parts.getwidth()
        if low != high or low == 0:
            return _ENDLESS
        return max(1, min(times - least + 1, _AS_OFTEN))
    if times > 64:
        return _ENDLESS
    ways = 0
    for count in range(least, times + 1):
        ways += int(each**count)
    return min(_ENDLESS, ways)
