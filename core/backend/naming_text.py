"""What a person writes about an app that calls things otherwise: paths, values, pairs.

A path is the tuple of keys that leads to a value in nested JSON objects.
"""

import re
from typing import Any

from ..exceptions import InvalidDataError

Path = tuple[str, ...]
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?")
_SEPARATOR = "="
_CONSTANTS = {"true": True, "false": False, "null": None}


def parse_path(text: str) -> Path:
    """``"vendor.id"`` as a path.

    :raises InvalidDataError: one of its keys is empty
    """
    keys = tuple(key.strip() for key in text.strip().split("."))
    if keys == ("",):
        return ()
    if not all(keys):
        raise InvalidDataError(f"{text} is no path: a key is missing.")
    return keys


def parse_values(text: str) -> tuple[tuple[Any, Any], ...]:
    """Pairs of the app's value and the contract's, one a line: ``20 = approved``.

    A number, ``true``, ``false`` and ``null`` are meant as such; in quotes they are
    texts.

    :raises InvalidDataError: a line has no ``=``
    """
    pairs = []
    for line in filter(str.strip, text.splitlines()):
        theirs, sign, ours = line.partition(_SEPARATOR)
        if not sign:
            raise InvalidDataError(
                f"{line.strip()}: write the app's value, = and that of the contract."
            )
        pairs.append((parse_value(theirs), parse_value(ours)))
    return tuple(pairs)


def parse_constants(text: str) -> tuple[tuple[Path, Any], ...]:
    """Places at the app and what is sent there, one a line: ``location.id = 1``.

    :raises InvalidDataError: a line has no ``=``, or no place, or one has two values
    """
    found: dict[Path, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        place, sign, value = line.partition(_SEPARATOR)
        path = parse_path(place)
        if not sign or not path:
            raise InvalidDataError(
                f"{line.strip()}: write where the app has it, = and its value."
            )
        if any(path[: len(other)] == other[: len(path)] for other in found):
            raise InvalidDataError(f"{place.strip()} is there twice.")
        found[path] = parse_value(value)
    return tuple(found.items())


def parse_value(text: str) -> Any:
    """A single value as a person writes it."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1]
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    found = NUMBER.fullmatch(text)
    if found:
        return float(text) if found[1] else int(text)
    return text
