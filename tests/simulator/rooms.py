"""What a history may be about besides persons, workers and a bad network."""

from odoo.addons.pharmacy_sync.core.conflict.policy import Policies, Policy
from odoo.addons.pharmacy_sync.core.conflict.rules import Rule, RuleKind
from odoo.addons.pharmacy_sync.core.taxonomy import TextEnum


class Room(TextEnum):
    """TWINS: a record is made on both sides before either heard of the other's.
    SUPPLIERS: orders refer to suppliers, which may arrive after them. BREAKER: outages
    that open a circuit breaker. RULES: rules and policies decide on conflicts. HOLDS:
    the sides hold values differently: Odoo rounds what the pharmacy writes, and the
    pharmacy calls in with records that leave fields out. PAST: some of what is written
    at Odoo never passes its ORM: SQL, and Odoo's own wizards that use it. DECLINES: a
    side does not take some of the values that the other one sends. RESTORES: the
    pharmacy is set back to an earlier state, once or twice. POISON: the pharmacy
    refuses some records, and every batch that one of them is in. RECEIPTS: goods of
    orders come, or a person locks them, and Odoo refuses changes of their lines."""

    TWINS = "twins"
    SUPPLIERS = "suppliers"
    BREAKER = "breaker"
    RULES = "rules"
    HOLDS = "holds"
    PAST = "past"
    DECLINES = "declines"
    RESTORES = "restores"
    POISON = "poison"
    RECEIPTS = "receipts"


# Drawn by a chance of their own: who has them has the same history elsewhere.
APART = (
    *(Room.HOLDS, Room.PAST, Room.DECLINES, Room.RESTORES, Room.POISON),
    Room.RECEIPTS,
)


RULES = (
    Rule(RuleKind.CANCELLED, ("state",)),
    Rule(RuleKind.ROUNDING, ("lines.price",)),
    Rule(RuleKind.TEXT, ("notes",)),
)


def draw_rooms(draw):
    """None in half of the histories; else one, or a few at once."""
    many = draw.choice((1, 1, 1, 1, 1, 2, 2, 3)) if draw.random() < 0.5 else 0
    return frozenset(draw.sample([room for room in Room if room not in APART], many))


def draw_policies(draw):
    """The policies of a stream: any default, and others of some fields."""
    fields = {path: draw.choice(list(Policy)) for path in ("date", "lines")}
    rules = tuple(rule for rule in RULES if draw.random() < 0.8)
    return Policies(rules, draw.choice(list(Policy)), fields)
