"""Numbers and times, written in one way only."""

import re
from datetime import date, datetime, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any

from ..exceptions import InvalidDataError

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_MOMENT = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<clock>[0-9]{2}:[0-9]{2})(?::(?P<seconds>[0-9]{2})(?:[.,][0-9]+)?)?"
    r"(?:(?P<utc>[zZ])|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?)?)?"
)
# What most amounts are already. Zero may carry a sign, which none has here.
_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,14})\.[0-9]{2}")
# Decimals beyond which no amount means anything.
MAX_DECIMALS = 40
# Digits of a number while it is rounded: all that it may have.
PRECISION = 80


def canonical_decimal(value: Any, digits: int = 2) -> str:
    """``"1.50"``: a plain decimal, rounded half up; never ``-0``.

    A text is in ASCII digits: ``1_000`` and digits of other scripts are none.

    :raise InvalidDataError: it is no finite number.
    """
    number = _decimal(value)
    with localcontext() as context:
        context.prec = PRECISION
        rounded = number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{abs(rounded) if rounded.is_zero() else rounded:f}"


def exact_decimal(value: Any, most: int | None = None) -> str:
    """``"1.50"``, ``"0.0425"``: a plain decimal with all its decimals, at least two.

    :param most: decimals that it is rounded to if it has more.
    :raise InvalidDataError: it is no finite number.
    """
    if isinstance(value, str) and _PLAIN.fullmatch(value) and most is None:
        return value
    if type(value) is float and value and most is not None:
        # What most amounts in Odoo are: few decimals, and no exponent.
        whole, _, rest = repr(value).partition(".")
        if len(rest) <= most and rest.isdigit():
            return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
    number = _decimal(value)
    decimals = decimals_of(number)
    most = MAX_DECIMALS if most is None else most
    whole, _, rest = canonical_decimal(number, max(2, min(decimals, most))).partition(
        "."
    )
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def decimals_of(number: Decimal) -> int:
    """How many decimals a number is written with; fewer than none where it ends before
    its ones."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _decimal(value: Any) -> Decimal:
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
