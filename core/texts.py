"""Texts: sentences that people read, and texts of others that must be kept."""

from collections.abc import Callable
from typing import Any


def _lt(text: str) -> str:
    """Mark a sentence for the catalogue of texts. Plain Python knows no languages:
    the code that shows the sentence translates it."""
    return text


def shortened(text: str, most: int) -> str:
    """A text of at most ``most`` characters; one that goes on ends with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


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
