"""What the app may ask about how synchronisation stands; see :mod:`.methods`."""

from ..check.schema import (
    Argument,
    Flag,
    ListOf,
    Method,
    Number,
    Object,
    OneOf,
    Text,
    Whole,
)
from .methods import CORRELATION

HEALTH = Method(
    "health",
    "Whether the backend is worked on, and how much waits.",
    (CORRELATION,),
    {
        "paused": Flag(),
        "queue": Whole(what="Changes under way."),
        "dead_letters": Whole(),
        "conflicts": Whole(),
        "mappings": Object(what="Records by state.", values=Whole()),
        "score": Whole(most=100, what="Health from 0 to 100."),
        "breakers": ListOf(
            what="Whether calls to the app are let through.",
            item=Object(
                fields={
                    "operation": Text(longest=50),
                    "state": OneOf(values=("closed", "open", "half_open")),
                    "mode": Text(longest=50),
                    "cause": Text(longest=2_000, nullable=True),
                    "retry_after": Whole(nullable=True, what="Seconds."),
                }
            ),
            most=100,
        ),
    },
)
STATISTICS = Method(
    "statistics",
    "What happened in a range of time, and how much of it went wrong.",
    (
        Argument(
            "range",
            OneOf(values=("1h", "24h", "7d", "30d"), what="How far to look back."),
            default="24h",
        ),
        CORRELATION,
    ),
    {
        "start": Text(longest=30, what="UTC."),
        "end": Text(longest=30),
        "totals": Object(values=Whole()),
        "rates": Object(what="Per cent.", values=Number(nullable=True)),
        "errors_by_category": Object(values=Whole()),
        "errors_by_severity": Object(values=Whole()),
        "codes": ListOf(what="The most frequent.", item=Object(), most=100),
    },
)
