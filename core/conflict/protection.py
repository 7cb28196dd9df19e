"""What an order may take over from the pharmacy without a person.

An order that was confirmed, received or billed in Odoo is never altered silently.
Where its table says so, what the pharmacy changed becomes a conflict, and the rest of
the record still travels. It holds for the way into Odoo only: what people change in
Odoo, Odoo itself allows or not.
"""

from collections.abc import Mapping
from typing import Any

from ..taxonomy import TextEnum


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


CONFIRMED = frozenset({Stage.CONFIRMED, Stage.LOCKED, Stage.RECEIVED, Stage.BILLED})
PROCESSED = frozenset({Stage.LOCKED, Stage.RECEIVED, Stage.BILLED})
NEVER: frozenset[Stage] = frozenset()

Table = Mapping[str, frozenset[Stage]]


def asked_at(table: Table, field: str, value: Any) -> frozenset[Stage]:
    """The stages at which a person must be asked before ``value`` is taken over.

    :param table: at which stages one is asked, by the name of a field or by
        ``field: value``; a field that is not named is asked for once confirmed
    :param field: name of the field, without line or key
    """
    row = table.get(f"{field}: {value}") if isinstance(value, str) else None
    return table.get(field, CONFIRMED) if row is None else row


def asks(table: Table, stage: Stage, field: str, value: Any) -> bool:
    """Whether one is asked at a stage; the other parameters are :func:`asked_at`'s."""
    return stage in asked_at(table, field, value)
