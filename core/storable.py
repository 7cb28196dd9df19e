"""Keeping what another program said, whatever it is.

PostgreSQL stores no NUL and no half of a surrogate pair, neither in a text nor in
``jsonb``, and another program's long text must not fill a log. What cannot be kept as
it came is replaced by a mark that people can read, such as ``⟨!U+0000⟩``. A value
with a mark in it is no longer what the other side said: :mod:`.check.text_checks`
refuses it,
and says so, wherever records arrive, until a person has corrected it.

All other characters are kept: escape, vertical tab, byte order mark, the marks of
writing from right to left, unassigned ones. Odoo and the app hold them, and a record
is not lost for what a screen does not show.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

MARK = "⟨!"
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
LEFT_OUT = f"{MARK}left out⟩"
SHORTEST = 80  # characters that a mark needs at the most


@dataclass(frozen=True)
class Limits:
    """How large a JSON value may be.

    :param text: characters of one text, or of a name
    :param depth: lists and objects within each other
    :param values: values of all lists and objects together
    :param characters: of all texts together
    :param digits: of a whole number
    """

    text: int = 100_000
    depth: int = 20
    values: int = 20_000
    characters: int = 1_000_000
    digits: int = 100


LIMITS = Limits()


def storable_text(text: str, longest: int = LIMITS.text) -> str:
    """The text as PostgreSQL can keep it: what it cannot hold marked, and cut to
    ``longest`` characters. Two texts that are cut differ in their marks. Idempotent.
    """
    kept = UNSTORABLE.sub(_visible, text[: longest + 1])
    if len(kept) <= longest:
        return kept
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    mark = f"{MARK}cut from {len(text)} characters, {digest}⟩"
    return kept[: max(longest, SHORTEST) - len(mark)] + mark


def storable(value: Any, limits: Limits = LIMITS) -> Any:
    """A copy of the value as a ``jsonb`` column can keep it. Never raises.

    What :func:`.text_checks.check_value` accepts is kept as it is.
    """
    return _Keeper(limits).keep(value, 0)


class _Keeper:
    def __init__(self, limits: Limits):
        self._limits = limits
        self._values = limits.values
        self._characters = limits.characters

    def keep(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return self._text(value)
        if kind is int:
            too_long = is_long(value, self._limits.digits)
            return f"{MARK}number of {value.bit_length()} bits⟩" if too_long else value
        if kind is float:
            return value if math.isfinite(value) else f"{MARK}{value}⟩"
        if isinstance(value, (dict, list, tuple)):
            if depth >= self._limits.depth:
                return LEFT_OUT
            if isinstance(value, dict):
                return self._object(value, depth)
            return self._list(value, depth)
        if isinstance(value, date):
            return value.isoformat()
        return f"{MARK}{kind.__name__[:40]}⟩"

    def _text(self, text: str) -> str:
        if self._characters < len(text):
            return LEFT_OUT
        self._characters -= len(text)
        return storable_text(text, self._limits.text)

    def _list(self, items: Iterable[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for item in items:
            if not self._values:
                return [*kept, LEFT_OUT]
            self._values -= 1
            kept.append(self.keep(item, depth + 1))
        return kept

    def _object(self, items: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, item in items.items():
            if not self._values:
                return {**kept, LEFT_OUT: True}
            self._values -= 1
            name = self._text(name if isinstance(name, str) else str(type(name)))
            kept[name] = self.keep(item, depth + 1)
        return kept


def is_long(number: int, digits: int) -> bool:
    """Whether a whole number has more digits; without writing them, which Python
    refuses for very long ones."""
    return bool(abs(number) >= 10**digits)


def _visible(match: re.Match[str]) -> str:
    return f"{MARK}U+{ord(match[0]):04X}⟩"
