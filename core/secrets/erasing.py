"""What a person's data leave in texts that quoted them."""

import json
import re
from collections.abc import Iterable
from typing import Any

ERASED = "[erased]"
# Shorter ones occur in words that have nothing to do with the person.
SHORTEST = 4


def identifying(values: Iterable[Any]) -> list[str]:
    """Those of a person's values that are found in texts, the longest first."""
    texts = {value.strip() for value in values if isinstance(value, str)}
    return sorted((t for t in texts if len(t) >= SHORTEST), key=len, reverse=True)


def as_json(word: str) -> str:
    """The word as it stands within a JSON text."""
    return json.dumps(word, ensure_ascii=False)[1:-1]


def erase(value: Any, words: list[str]) -> Any:
    """A copy of a JSON value, or of a text, without these words, in any case."""
    if not words:
        return value
    return _erase(value, re.compile("|".join(map(re.escape, words)), re.IGNORECASE))


def _erase(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, dict):
        return {_erase(k, pattern): _erase(v, pattern) for k, v in value.items()}
    if isinstance(value, list):
        return [_erase(item, pattern) for item in value]
    return value
