"""Percentages as people read them: one rule for every page."""

from decimal import ROUND_HALF_UP, Context, Decimal

_TENTH, _WHOLE = Decimal("0.1"), Decimal(1)
# Room for the share of the largest amount in the smallest.
_EXACT = Context(prec=60)


def rounded_percent(share: Decimal | float) -> Decimal:
    """A percentage to one decimal, half up (away from zero), without decimals where it
    then is a whole number: 12.5, but 12 and not 12.0."""
    tenth = Decimal(str(share)).quantize(_TENTH, ROUND_HALF_UP, _EXACT)
    whole = tenth.quantize(_WHOLE, context=_EXACT)
    return whole if whole == tenth else tenth
