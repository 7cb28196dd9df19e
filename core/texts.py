"""Texts: sentences that people read, and texts of others that must be kept."""

import re

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


def _lt(text: str) -> str:
    """Mark a sentence for the catalogue of texts. Plain Python knows no languages:
    whoever shows the sentence translates it."""
    return text


def storable(text: str) -> str:
    """The text with U+FFFD in place of what neither UTF-8 nor PostgreSQL can hold:
    halves of characters, and NUL."""
    return _NOT_STORABLE.sub("\ufffd", text)


def text_of(thing: object) -> str:
    """What the object says of itself, or the name of its class if it cannot."""
    try:
        return str(thing)
    except Exception:
        return f"<{type(thing).__name__}>"
