"""By how much one number differs from another, as people say it."""

from decimal import Decimal, InvalidOperation
from typing import Any


def amount_change(before: Any, after: Any) -> tuple[Decimal, int | None] | None:
    """The difference, and its share in per cent of what there was.

    :return: None if one is no number or nothing changed; no per cent of zero
    """
    try:
        old, new = (Decimal(str(value)) for value in (before, after))
    except InvalidOperation:
        return None
    if not (old.is_finite() and new.is_finite()) or old == new:
        return None
    change = new - old
    share = round(100 * change / abs(old)) if old else None
    return change, share
