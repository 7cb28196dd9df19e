"""Checking records against a declared shape, and writing values in one way only.

A schema is a mapping of field names to :class:`Field`. Fields that it does not name
are let through: the other side may know more than we do.
"""

import re
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from .exceptions import InvalidDataError
from .taxonomy import TextEnum

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_MOMENT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<clock>[0-9]{2}:[0-9]{2})(?::(?P<seconds>[0-9]{2})(?:[.,][0-9]+)?)?"
    r"(?:(?P<utc>[zZ])|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?)?)?"
)
# Decimals beyond which no amount means anything.
MAX_DECIMALS = 40


class Kind(TextEnum):
    """What a value is."""

    TEXT = "text"
    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    CHOICE = "choice"
    REFERENCE = "reference"
    LINES = "lines"


@dataclass(frozen=True)
class Field:
    """One field of a record.

    :param required: it must be there, and neither null nor empty.
    :param max_length: characters of a text or reference, or number of lines.
    :param choices: the values that a choice may have.
    :param digits: decimals that a decimal is rounded to.
    :param minimum: the least number allowed.
    :param lines: the schema of each line; lines have unique texts as ``key``.
    """

    kind: Kind = Kind.TEXT
    required: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    digits: int = 2
    minimum: int | None = None
    lines: Mapping[str, "Field"] | None = None


Schema = Mapping[str, Field]


@dataclass(frozen=True)
class Problem:
    """``field`` is a path such as ``lines[2].quantity``."""

    field: str
    message: str


def check(schema: Schema, record: Any, *, partial: bool = False) -> list[Problem]:
    """What is wrong with a record, in the order of the schema; nothing if it is fine.

    :param partial: the record has only what changed: required fields may be absent,
        but not be null. Lines are always whole.
    """
    return _check(schema, record, partial, "")


def canonical(schema: Schema, record: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a checked record with every value in its one canonical form.

    :raise InvalidDataError: a value has none; ``field`` says which.
    """
    return {
        name: _canonical(schema[name], value, name) if name in schema else value
        for name, value in record.items()
    }


def canonical_decimal(value: Any, digits: int = 2) -> str:
    """``"1.50"``: a plain decimal, rounded half up; never ``-0``.

    A text is in ASCII digits: ``1_000`` and digits of other scripts are none.

    :raise InvalidDataError: it is no finite number.
    """
    number = _decimal(value)
    with localcontext() as context:
        context.prec = 80
        rounded = number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}"


def exact_decimal(value: Any, most: int | None = None) -> str:
    """``"1.50"``, ``"0.0425"``: a plain decimal with all its decimals, at least two.

    :param most: decimals that it is rounded to if it has more.
    :raise InvalidDataError: it is no finite number.
    """
    number = _decimal(value)
    decimals = -number.as_tuple().exponent
    most = MAX_DECIMALS if most is None else most
    whole, _, rest = canonical_decimal(number, max(2, min(decimals, most))).partition(
        "."
    )
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def _decimal(value) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, (str, int, float, Decimal)):
            raise TypeError
        # Python would read "1_000" and other alphabets' digits as well.
        if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
            raise InvalidOperation
        number = Decimal(repr(value) if isinstance(value, float) else value)
        if not number.is_finite() or (number and number.adjusted() > 30):
            raise InvalidOperation
    except (InvalidOperation, TypeError, ValueError):
        raise InvalidDataError("This is not a decimal number.") from None
    return number


def canonical_datetime(value: Any) -> str:
    """``"2026-11-22T08:00:00Z"``: UTC, whole seconds. Without an offset it is UTC
    already, as everywhere in Odoo; a date is its midnight.

    :raise InvalidDataError: it is no date and time.
    """
    try:
        moment = _moment(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise InvalidDataError("This is not a date and time.") from None
    return moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        return _read_moment(value.strip())
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    raise ValueError


def _read_moment(text: str) -> datetime:
    """ISO 8601 in its extended form; a fraction of a second is left out."""
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError
    sign, hours, minutes = found["sign"], found["hours"], found["minutes"] or "00"
    offset = f"{sign}{hours}:{minutes}" if sign else "+00:00" if found["utc"] else ""
    clock = f"{found['clock'] or '00:00'}:{found['seconds'] or '00'}"
    return datetime.fromisoformat(f"{found['date']}T{clock}{offset}")


def _check(schema: Schema, record: Any, partial: bool, prefix: str) -> list[Problem]:
    if not isinstance(record, Mapping):
        return [Problem(prefix.rstrip("."), "This is not a record.")]
    problems = []
    for name, field in schema.items():
        path = prefix + name
        value = record.get(name)
        if value in (None, "", []):
            if field.required and (name in record or not partial):
                problems.append(Problem(path, "A value is required."))
        elif message := _CHECKS[field.kind](field, value):
            problems.append(Problem(path, message))
        elif field.kind is Kind.LINES:
            problems += _check_lines(field, value, path)
    return problems


def _check_lines(field: Field, lines: Iterable[Any], path: str) -> list[Problem]:
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, line in enumerate(lines):
        here = f"{path}[{index}]"
        problems += _check(field.lines or {}, line, False, f"{here}.")
        key = line.get("key") if isinstance(line, Mapping) else None
        if not isinstance(key, str) or not key:
            problems.append(Problem(f"{here}.key", "A line has a text as its key."))
        elif key in seen:
            problems.append(Problem(f"{here}.key", "Another line has this key."))
        else:
            seen.add(key)
    return problems


def _check_text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        return "This is not a text."
    return _too_long(field, value)


def _check_decimal(field: Field, value: Any) -> str | None:
    try:
        number = Decimal(canonical_decimal(value, field.digits))
    except InvalidDataError as error:
        return error.message
    return _too_small(field, number)


def _check_integer(field: Field, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "This is not a whole number."
    return _too_small(field, value)


def _check_boolean(field: Field, value: Any) -> str | None:
    return None if isinstance(value, bool) else "This is neither true nor false."


def _check_datetime(field: Field, value: Any) -> str | None:
    try:
        canonical_datetime(value)
    except InvalidDataError as error:
        return error.message
    return None


def _check_choice(field: Field, value: Any) -> str | None:
    if isinstance(value, str) and value in field.choices:
        return None
    return f"This is none of: {', '.join(field.choices)}."


def _check_list(field: Field, value: Any) -> str | None:
    if not isinstance(value, list):
        return "This is not a list."
    return _too_long(field, value)


def _too_long(field: Field, value: Sized) -> str | None:
    if field.max_length is not None and len(value) > field.max_length:
        return f"This is longer than {field.max_length}."
    return None


def _too_small(field: Field, number: int | Decimal) -> str | None:
    if field.minimum is not None and number < field.minimum:
        return f"This is less than {field.minimum}."
    return None


_CHECKS = {
    Kind.TEXT: _check_text,
    Kind.DECIMAL: _check_decimal,
    Kind.INTEGER: _check_integer,
    Kind.BOOLEAN: _check_boolean,
    Kind.DATETIME: _check_datetime,
    Kind.CHOICE: _check_choice,
    Kind.REFERENCE: _check_text,
    Kind.LINES: _check_list,
}


_EMPTY_IS_NULL = (Kind.DECIMAL, Kind.DATETIME)


def _canonical(field: Field, value: Any, path: str) -> Any:
    if value is None or (value == "" and field.kind in _EMPTY_IS_NULL):
        return None
    try:
        if field.kind is Kind.DECIMAL:
            return canonical_decimal(value, field.digits)
        if field.kind is Kind.DATETIME:
            return canonical_datetime(value)
    except InvalidDataError as error:
        error.field = path
        raise
    if field.kind is Kind.LINES and field.lines:
        lines = field.lines
        return [_canonical_line(lines, line, i, path) for i, line in enumerate(value)]
    return value


def _canonical_line(
    schema: Schema, line: Mapping[str, Any], index: int, path: str
) -> dict[str, Any]:
    try:
        return canonical(schema, line)
    except InvalidDataError as error:
        error.field = f"{path}[{index}].{error.field}"
        raise
