"""Texts: sentences that people read, and texts of others that must be kept."""

import re
from collections.abc import Callable
from typing import Any

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def _lt(text: str) -> str:
    """Mark a sentence for the catalogue of texts. Plain Python knows no languages:
    the code that shows the sentence translates it."""
    return text


def storable(text: str) -> str:
    """The text with U+FFFD in place of what neither UTF-8 nor PostgreSQL can hold:
    halves of characters, and NUL."""
    return _NOT_STORABLE.sub("\ufffd", text)


def text_of(thing: object) -> str:
    """What the object says of itself, or the name of its class if it cannot."""
    said = tried(str, thing)
    return said if isinstance(said, str) else f"<{type(thing).__name__}>"


def tried(function: Callable[..., Any], *arguments: Any) -> Any:
    """What foreign code returns, such as an attribute's; None if it raises."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001 - whatever it raises, it said nothing
        return None
