"""What a purchase order may take over from the pharmacy without a person.

An order that was confirmed, received or billed in Odoo is never altered silently.
Where the table says so, what the pharmacy changed becomes a conflict, and the rest of
the record still travels. It holds for the way into Odoo only: what people change in
Odoo, Odoo itself allows or not.
"""

from collections.abc import Mapping
from typing import Any

from .taxonomy import TextEnum


class Stage(TextEnum):
    """How far an order is. The later one counts: billed and received is billed.

    OPEN: not confirmed yet, or cancelled. CONFIRMED: nothing came of it yet. LOCKED:
    confirmed, and locked by a person. RECEIVED: goods came. BILLED: there is a bill.
    """

    OPEN = "open"
    CONFIRMED = "confirmed"
    LOCKED = "locked"
    RECEIVED = "received"
    BILLED = "billed"


_CONFIRMED = frozenset({Stage.CONFIRMED, Stage.LOCKED, Stage.RECEIVED, Stage.BILLED})
_PROCESSED = frozenset({Stage.LOCKED, Stage.RECEIVED, Stage.BILLED})
_NEVER: frozenset[Stage] = frozenset()

ASKS: Mapping[str, frozenset[Stage]] = {
    # What arrives for         a person is asked when the order is
    "notes":                   _NEVER,
    "expected_at":             _NEVER,
    "reference":               _NEVER,
    "supplier_id":             _CONFIRMED,
    "currency":                _CONFIRMED,
    "ordered_at":              _CONFIRMED,
    "lines":                   _CONFIRMED,
    "state: cancelled":        _PROCESSED,
    "state":                   _CONFIRMED,
}  # fmt: skip
"""By field; ``lines`` stands for lines that come or go and for all of their fields. A
field that is not named here is asked for as ``state`` is. A deletion is a cancellation
that cannot be a conflict: it fails where a field would be one."""


def asks(stage: Stage, field: str, value: Any) -> bool:
    """Whether a person must be asked before ``value`` is taken over.

    :param field: name of the field, without line or key.
    """
    row = ASKS.get(f"{field}: {value}") if isinstance(value, str) else None
    return stage in (ASKS.get(field, _CONFIRMED) if row is None else row)
