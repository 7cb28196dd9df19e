"""What a person writes about an app that calls things otherwise: paths, values, pairs.

A path is the tuple of keys that leads to a value in nested JSON objects.
"""

import re
from typing import Any

from ..exceptions import InvalidDataError

Path = tuple[str, ...]
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?")
_SEPARATOR, _PLACE = "=", "{}"
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


def apart_of_lines(
    constants: tuple[tuple[Path, Any], ...], lines: Path
) -> tuple[tuple[tuple[Path, Any], ...], tuple[tuple[Path, Any], ...]]:
    """What a new record is sent with, and what each of its new lines is.

    :param constants: see :func:`parse_constants`
    :param lines: where the app has the lines; empty: it has none
    """
    size = len(lines)
    inside = [
        bool(size) and path[:size] == lines and len(path) > size
        for path, __ in constants
    ]
    pairs = list(zip(constants, inside, strict=True))
    of_lines = tuple((path[size:], value) for (path, value), within in pairs if within)
    return tuple(pair for pair, within in pairs if not within), of_lines


def parse_query(text: str) -> str:
    """A parameter as in an address, with ``{}`` in place of what is asked for:
    ``filter=key eq '{}'``.

    :raises InvalidDataError: it has no name, or no such place
    """
    name, sign, value = text.strip().partition(_SEPARATOR)
    if not text.strip():
        return ""
    if not (name and sign) or _PLACE not in value:
        raise InvalidDataError(
            f"{text.strip()}: write the parameter, = and its value, with {{}} in place "
            "of what is asked for."
        )
    return text.strip()


def filled(query: str, value: str) -> dict[str, str]:
    """The parameter of :func:`parse_query`, with a value in its place."""
    name, __, pattern = query.partition(_SEPARATOR)
    return {name: pattern.replace(_PLACE, value)}


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
