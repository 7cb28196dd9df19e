"""By how much one number differs from another, as people say it."""

from decimal import Decimal, InvalidOperation
from typing import Any

from ..percent import rounded_percent


def amount_change(before: Any, after: Any) -> tuple[Decimal, Decimal | None] | None:
    """The difference, and its share in per cent of what there was, as
    :func:`..percent.rounded_percent` has it.

    :return: None if one is no number or nothing changed; no per cent of zero
    """
    try:
        old, new = (Decimal(str(value)) for value in (before, after))
    except InvalidOperation:
        return None
    if not (old.is_finite() and new.is_finite()) or old == new:
        return None
    change = new - old
    share = rounded_percent(100 * change / abs(old)) if old else None
    return change, share
