"""Paths of fields, such as ``lines[0].quantity``, in what errors say."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

# How a sentence begins that names a line, or a field of it; or a field, with a colon.
_NAMED = re.compile(
    r"(?P<line>[a-z_]\w*\[\w[^\]\s]*\](?:\.\w+)?)(?P<joint>: | )(?P<rest>\S.*)"
    r"|(?P<field>[a-z_]\w*)(?P<colon>: )(?P<said>\S.*)",
    re.DOTALL,
)


_NUMBER = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class Named:
    """A sentence that begins with the field that it is about.

    :ivar path: ``lines[0].quantity``, ``lines[0]`` or ``notes``
    :ivar joint: what joins it and the rest, a colon or nothing but a space
    """

    path: str
    joint: str
    rest: str


def named(message: str, field: str | None = None) -> Named | None:
    """The field with which a sentence begins, such as in
    ``lines[0].quantity: must not be negative``, ``lines[0].key is required`` or
    ``notes must be a string``.

    :param field: its path, where it is known; without it a field outside of lines
        is like the first word of any sentence, unless a colon follows
    :return: None if it begins with no field
    """
    if field and message.startswith(field):
        found = re.match(r"(: | )(\S.*)", message[len(field) :], re.DOTALL)
        if found:
            return Named(field, found[1], found[2])
    begins = _NAMED.match(message)
    if not begins:
        return None
    if begins["field"]:
        return Named(begins["field"], begins["colon"], begins["said"])
    return Named(begins["line"], begins["joint"], begins["rest"])


def in_words(
    message: str,
    field: str | None,
    title: Callable[[str], str | None],
    say: Callable[[str], str] = str,
) -> str:
    """What an error says, with the path that it begins with as people call it:
    ``Line 1, Quantity: must not be negative``.

    :param field: the path, where it is known besides
    :param title: what people call the field at a path; None of one that it does not
        know, which stays as it is
    :param say: what is said besides the field, in the reader's language
    """
    found = named(message, field)
    words = found and title(found.path)
    if not found or not words:
        return say(message)
    return f"{words}{found.joint}{say(found.rest)}"


def generic(path: str) -> str:
    """A path without the number of its line: ``lines[].quantity``."""
    return _NUMBER.sub("[]", path)


def meant(path: str | None, paths: Collection[str]) -> set[str]:
    """Those of ``paths`` that an error means which names ``path``; if there is no such
    line, that field of all lines."""
    if not path:
        return set()
    if path in paths:
        return {path}
    field = generic(path)
    return {other for other in paths if generic(other) == field}


def line_number(key: str) -> str:
    """The number of a line as people count, from the one in a path, which begins at
    zero; the key of a line that has no number."""
    return str(int(key) + 1) if key.isdecimal() and key.isascii() else key
