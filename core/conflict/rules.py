"""Rules that know the answer where both sides changed a field, and the facts they ask.

A rule sees the three values of one field and answers with the value that both sides
must have, or with nothing; what it answers is one of the values, or a text made of
the lines of both.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ..check.payload import decimals_of
from ..taxonomy import TextEnum
from .merge import FieldConflict, Record, parse_path
from .text_merge import merge_text

CANCELLED = "cancelled"


class RuleKind(TextEnum):
    """What a rule does.

    CANCELLED: a record cancelled on one side is cancelled, unless its goods were
    received or billed. ROUNDING: amounts agree that make no difference within the
    rounding of the currency. TEXT: texts are merged where the edits do not touch.
    """

    CANCELLED = "cancelled"
    ROUNDING = "rounding"
    TEXT = "text"


@dataclass(frozen=True)
class Rule:
    """One rule.

    :param fields: generic paths that it is tried for, such as ``lines.unit_price``.
    :param reason: shown to people where it decided.
    """

    kind: RuleKind
    fields: Collection[str]
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", RuleKind(self.kind))


DEFAULT_RULES = (
    Rule(RuleKind.CANCELLED, ("state",)),
    Rule(RuleKind.ROUNDING, ("lines.unit_price", "cost", "price")),
    Rule(RuleKind.TEXT, ("notes",)),
)


class Facts:
    """What may be asked about a record besides its values; these are the answers for
    one of which nothing is known. They are asked only where something hangs on them.
    """

    def rounding(self) -> Decimal:
        """The rounding of the record's currency."""
        return Decimal("0.01")

    def is_processed(self) -> bool:
        """Whether goods were received or billed."""
        return False

    def is_frozen(self, path: str, value: Any) -> bool:
        """Whether Odoo must not take over the value by itself (``merge.Frozen``)."""
        return False

    def times(self) -> "Times | None":
        """When each side changed the record last, if that is known."""
        return None


class AllFrozen(Facts):
    """Odoo takes over nothing by itself."""

    def is_frozen(self, path: str, value: Any) -> bool:
        return True


class Times(NamedTuple):
    """When each side changed a record last.

    :param odoo, pharmacy: canonical datetimes, to the second.
    :param version, seen: the pharmacy's version, and the one that was seen last.
    """

    odoo: str
    pharmacy: str
    version: int = 0
    seen: int = 0


def answer(
    rule: Rule,
    path: str,
    values: FieldConflict,
    sides: tuple[Record, Record],
    facts: Facts,
) -> Any:
    """The value that both sides must have by the rule, or None if it knows none.

    :param sides: Odoo's and the pharmacy's record as they will be.
    """
    return _RULES[rule.kind](path, values, sides, facts)


def _cancelled(
    path: str, values: FieldConflict, sides: tuple[Record, Record], facts: Facts
) -> Any:
    if CANCELLED not in (values.odoo, values.pharmacy) or facts.is_processed():
        return None
    return CANCELLED


def _rounding(
    path: str, values: FieldConflict, sides: tuple[Record, Record], facts: Facts
) -> Any:
    """The value with fewer decimals, if the difference is none in the amount.

    A price of a line counts times its quantity: a tenth of a cent is much where ten
    thousand are bought.
    """
    try:
        one, other = Decimal(values.odoo), Decimal(values.pharmacy)
        difference = abs(one - other) * _quantity(path, sides)
        if difference >= facts.rounding():
            return None
    except (InvalidOperation, TypeError, ValueError):
        return None
    rounder = min(one, other, key=lambda n: (decimals_of(n.normalize()), n))
    return values.odoo if rounder == one else values.pharmacy


def _quantity(path: str, sides: tuple[Record, Record]) -> Decimal:
    name, key, _ = parse_path(path)
    found = [
        abs(Decimal(line.get("quantity") or 1))
        for side in sides
        for line in (side.get(name) or () if key else ())
        if line["key"] == key
    ]
    return max([*found, Decimal(1)])


def _text(
    path: str, values: FieldConflict, sides: tuple[Record, Record], facts: Facts
) -> Any:
    texts = (values.base, values.odoo, values.pharmacy)
    if not all(isinstance(text, str) for text in texts):
        return None
    return merge_text(*texts)


_RULES: Mapping[RuleKind, Callable[..., Any]] = {
    RuleKind.CANCELLED: _cancelled,
    RuleKind.ROUNDING: _rounding,
    RuleKind.TEXT: _text,
}
