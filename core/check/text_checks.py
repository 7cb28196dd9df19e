"""The door's checks: what any value from outside must be before it is looked at, and
the words in which a character, a length or a shape is refused.

Refused is what PostgreSQL cannot store (NUL, half of a surrogate pair, numbers that
are none), what is larger than :data:`.storable.LIMITS`, and what was marked because it
could not be kept as it came. Other control characters pass in texts: see
:mod:`.storable`. Identifiers are stricter, as they are compared, logged and part of
addresses.

Every check raises :class:`InvalidDataError` whose ``field`` is the path of the value,
such as ``lines[2].description``; none quotes the value.
"""

import math
import re
from collections.abc import Iterable
from typing import Any

from ..exceptions import InvalidDataError
from ..storable import LIMITS, MARK, Limits, is_long

LONGEST_ID = 255
LARGEST_ID = 2**31 - 1
VISIBLE = re.compile(r"[!-~]{1,200}")
# Characters of no identifier: controls, line breaks of Unicode, halves of pairs.
_NOT_IN_IDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_REFUSED = re.compile(f"[\x00\ud800-\udfff]|{re.escape(MARK)}")


class _ProblemError(Exception):
    """Something is wrong with a value; ``steps`` lead to it, the last step first."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason
        self.steps: list[int | str] = []


class _Left:
    """What is left of the limits for the whole value."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.values = limits.values
        self.characters = limits.characters


def check_value(value: Any, field: str = "", limits: Limits = LIMITS) -> None:
    """Refuse a JSON value that cannot be kept as it is.

    :param field: path of the value itself
    :raise InvalidDataError: ``field`` names the first place at fault
    """
    try:
        _check(value, 0, _Left(limits))
    except _ProblemError as problem:
        path = field
        for step in reversed(problem.steps):
            path += f"[{step}]" if isinstance(step, int) else f".{step}"
        path = path.removeprefix(".")
        raise InvalidDataError(
            f"{path or 'the value'} {problem.reason}", field=path or None
        ) from None


def _check(value: Any, depth: int, left: _Left) -> None:
    kind = type(value)
    if kind is str:
        _check_text(value, left)
    elif kind is int:
        if is_long(value, left.limits.digits):
            raise _ProblemError(f"has more than {left.limits.digits} digits")
    elif kind is float:
        if not math.isfinite(value):
            raise _ProblemError("must be a finite number")
    elif isinstance(value, (dict, list)):
        if depth >= left.limits.depth:
            raise _ProblemError(f"is nested deeper than {left.limits.depth} levels")
        _check_items(value, depth, left)
    elif value is not None and kind is not bool:
        raise _ProblemError("must be a value that JSON knows")


def _check_text(text: str, left: _Left) -> None:
    length = len(text)
    if length > left.limits.text:
        raise _ProblemError(f"must have at most {left.limits.text} characters")
    left.characters -= length
    if left.characters < 0:
        raise _ProblemError(
            f"goes beyond {left.limits.characters} characters of the whole record"
        )
    if found := _REFUSED.search(text):
        if found[0] == MARK:
            raise _ProblemError(
                f"has a part marked {MARK}, which could not be kept: correct it"
            )
        raise _ProblemError(
            f"contains the character U+{ord(found[0]):04X}, which cannot be stored"
        )


def _check_items(value: dict[Any, Any] | list[Any], depth: int, left: _Left) -> None:
    left.values -= len(value)
    if left.values < 0:
        most = left.limits.values
        raise _ProblemError(f"goes beyond {most} values of the whole record")
    step: Any = None
    named = isinstance(value, dict)
    places: Iterable[tuple[Any, Any]] = (
        value.items() if isinstance(value, dict) else enumerate(value)
    )
    try:
        for step, item in places:
            if named:
                if type(step) is not str:
                    raise _ProblemError("must have a string as its name")
                _check_text(step, left)
            if type(item) is str:  # most of all values
                _check_text(item, left)
            else:
                _check(item, depth + 1, left)
    except _ProblemError as problem:
        problem.steps.append(step if isinstance(step, (int, str)) else "?")
        raise


def check_text(
    value: Any, field: str, longest: int = LIMITS.text, *, required: bool = True
) -> str:
    """A text; nothing (None, false) is the empty text where it is not required."""
    if not required and (value is None or value is False):
        return ""
    if not isinstance(value, str) or len(value) > longest or (required and not value):
        least = "1 to" if required else "up to"
        raise InvalidDataError(
            f"{field} must be a string of {least} {longest} characters", field=field
        )
    check_value(value, field)
    return value


def check_id(value: Any, field: str) -> str:
    """An identifier: of a record, a line, a request."""
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= LONGEST_ID
        or value != value.strip()
        or _NOT_IN_IDS.search(value)
        or MARK in value
    ):
        raise InvalidDataError(
            f"{field} must be a string of 1 to {LONGEST_ID} characters, without control"
            " characters and without blanks at its ends",
            field=field,
        )
    return value


def check_line(value: str, field: str) -> None:
    """A text on one line, as in a header, where a break would begin another."""
    if _NOT_IN_IDS.search(value):
        raise InvalidDataError(
            f"{field} must be on one line, without control characters", field=field
        )


def check_list(value: Any, field: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise InvalidDataError(
            f"{field} must be a list of up to {most} items", field=field
        )
    return value


def check_whole(value: Any, field: str, least: int = 0, most: int = LARGEST_ID) -> int:
    """A whole number; true and false are none."""
    if type(value) is not int or not least <= value <= most:
        raise InvalidDataError(
            f"{field} must be an integer from {least} to {most}", field=field
        )
    return value


def check_visible(value: Any, field: str) -> str:
    """What travels in a header: 1 to 200 visible ASCII characters, no blanks."""
    if not isinstance(value, str) or not VISIBLE.fullmatch(value):
        raise InvalidDataError(
            f"{field} must be a string that matches ^[!-~]{{1,200}}$", field=field
        )
    return value
