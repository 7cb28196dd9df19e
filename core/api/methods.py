"""The methods of the API, declared: what each takes, within which bounds, and what it
answers. Arguments are checked by this, and the OpenAPI document is made of it."""

from ..check.schema import (
    Argument,
    Flag,
    Identifier,
    ListOf,
    Method,
    Number,
    Object,
    OneOf,
    Shape,
    Text,
    Visible,
    Whole,
)
from .limits import (
    LONGEST_CURSOR,
    LONGEST_ENTITY,
    LONGEST_KEY,
    LONGEST_REASON,
    MAX_LOOKUPS,
    MAX_PAGE,
    MAX_RECORDS,
)

ENTITY = Text(
    what="Kind of the records.",
    shortest=1,
    longest=LONGEST_ENTITY,
)
ANY_ENTITY = Argument("entity", ENTITY)
ONE_ENTITY = Argument("entity", ENTITY, required=True)
# The records themselves are looked at one by one: a bad one fails alone.
RECORD = {"allOf": [{"$ref": "#/components/schemas/Record"}], "required": ["id"]}
KEY = Text(
    what="The same key with the same request gets the same answer for seven days; with "
    "another request an error.",
    shortest=1,
    longest=LONGEST_KEY,
)
CORRELATION = Argument(
    "correlation_id",
    Visible(
        what="Kept in every record of what happens; the header X-Correlation-ID says "
        "it as well. Without one the answer has one of Odoo's."
    ),
)
PAGE = Argument(
    "limit", Whole(what="Items of a page.", least=1, most=MAX_PAGE), default=100
)

ERROR = Object(
    what="Why it failed; null if it did not.",
    nullable=True,
    fields={
        "type": Text(what="Kind of the failure.", longest=100),
        "message": Text(what="For a person.", longest=2_000),
        "field": Text(
            what="The place at fault, such as lines[2].quantity.",
            longest=2_000,
            nullable=True,
        ),
        "retryable": Flag(what="Whether the same request may succeed later."),
        "suggested_action": Text(what="What to do about it.", longest=2_000),
        "cause": Text(what="Why a queued operation waits.", longest=100),
    },
    optional=frozenset({"cause"}),
)
# What every answer has.
COMMON = {
    "success": Flag(what="Whether all was done that was asked."),
    "error": ERROR,
    "correlation_id": Text(longest=200),
    "duration_ms": Number(),
}
_ID = Text(longest=255, nullable=True, what="The pharmacy's id.")
_ODOO_ID = Whole(nullable=True, what="Id of the record in Odoo.")
_VERSION = Whole(nullable=True, what="The pharmacy's version that Odoo has.")
_WARNINGS = ListOf(
    item=Text(longest=100_000),
    most=10_000,
    what="What was done otherwise than asked, such as fields that Odoo does not know.",
)


def _results(**fields: Shape) -> dict[str, Shape]:
    """A result for each of what was asked, in its order."""
    results = Object(fields=fields, optional=frozenset(fields))
    return {"results": ListOf(item=results, most=MAX_RECORDS)}


PUSH = Method(
    "push",
    "Bring records of the pharmacy app to Odoo. A bad record fails alone.",
    (
        ONE_ENTITY,
        Argument(
            "records",
            ListOf(
                what="The records, whole or in part, each with its id.",
                item=None,
                most=MAX_RECORDS,
                described=RECORD,
            ),
            required=True,
        ),
        Argument("idempotency_key", KEY),
        CORRELATION,
    ),
    _results(
        index=Whole(),
        success=Flag(),
        operation=OneOf(
            values=(
                *("created", "updated", "unchanged", "conflict"),
                *("deleted", "queued", "failed"),
            )
        ),
        operation_id=Whole(nullable=True, what="Id of the queued operation."),
        external_id=_ID,
        odoo_id=_ODOO_ID,
        version=_VERSION,
        error=ERROR,
        warnings=_WARNINGS,
        correlation_id=Text(longest=200),
    ),
    writes=True,
)
STATUS = Method(
    "status",
    "Where records stand: mapping, queue and conflicts.",
    (
        ONE_ENTITY,
        Argument(
            "external_ids",
            ListOf(what="The pharmacy's ids.", item=Identifier(), most=MAX_RECORDS),
            required=True,
        ),
        CORRELATION,
    ),
    _results(
        external_id=_ID,
        known=Flag(),
        odoo_id=_ODOO_ID,
        version=_VERSION,
        state=Text(longest=100),
        declined=Object(
            what="Why one side did not take a value, by path.",
            values=Text(longest=2_000),
        ),
        differences=ListOf(
            what="What Odoo has that the app cannot know, such as a line's discount.",
            item=Text(longest=2_000),
            most=MAX_RECORDS * 2,
        ),
    ),
)
LOOKUP = Method(
    "lookup",
    "Suppliers or products as the pharmacy app last sent them, to save asking it.",
    (
        ONE_ENTITY,
        Argument(
            "external_ids",
            ListOf(what="The pharmacy's ids.", item=Identifier(), most=MAX_LOOKUPS),
            required=True,
        ),
        CORRELATION,
    ),
    _results(
        success=Flag(),
        external_id=_ID,
        value=Shape(what="The record."),
        source=OneOf(values=("memory", "cache", "app", "stale", "odoo")),
        age=Number(nullable=True, what="Seconds; null for Odoo's own values."),
        stale=Flag(),
        version=_VERSION,
        error=ERROR,
    ),
    calls_out=True,
)
CHANGES = Method(
    "changes",
    "What changed in Odoo since the cursor; nothing is skipped that is committed late.",
    (
        ONE_ENTITY,
        Argument(
            "cursor",
            Text(
                what="next_cursor of the page before; without it all records come "
                "first, then what changed since.",
                longest=LONGEST_CURSOR,
            ),
        ),
        PAGE,
        CORRELATION,
    ),
    {
        "changes": ListOf(
            item=Object(
                fields={
                    "id": _ID,
                    "odoo_id": _ODOO_ID,
                    "external_ref": Text(longest=255, nullable=True),
                    "version": _VERSION,
                    "deleted": Flag(),
                    "data": Shape(what="The record's latest values."),
                    "correlation_id": Text(longest=255, nullable=True),
                    "error": Text(
                        what="Why the record cannot be read, such as a state that "
                        "another addon made.",
                        longest=2_000,
                        nullable=True,
                    ),
                }
            ),
            most=MAX_PAGE,
        ),
        "next_cursor": Text(longest=LONGEST_CURSOR, nullable=True),
        "has_more": Flag(),
        "held_back": Whole(what="Changes that wait for a transaction to end."),
        "waiting_seconds": Number(),
    },
)
CONFLICTS = Method(
    "conflicts",
    "The open conflicts of the caller's backend, oldest first, as they are now.",
    (
        ANY_ENTITY,
        PAGE,
        Argument("cursor", Whole(what="What the last page answered."), default=0),
        CORRELATION,
    ),
    {
        "conflicts": ListOf(item=Object(), most=MAX_PAGE),
        "cursor": Whole(nullable=True),
        "more": Flag(),
    },
)
RESOLVE = Method(
    "resolve",
    "Decide a conflict, wholly or some of its fields.",
    (
        Argument(
            "conflict_id",
            Whole(least=1, what="Its id, as conflicts returned it."),
            required=True,
        ),
        Argument(
            "side",
            OneOf(
                values=("odoo", "pharmacy"),
                what="For every field not named otherwise.",
            ),
        ),
        Argument(
            "choices",
            Object(
                what="By path the side whose value is taken.",
                values=Text(shortest=1, longest=LONGEST_REASON),
            ),
        ),
        Argument("values", Object(what="By path a value other than either side's.")),
        Argument("reason", Text(what="Kept.", longest=LONGEST_REASON), default=""),
        Argument(
            "fingerprint",
            Text(
                what="As conflicts returned it: if the values changed since, nothing "
                "is done and the error is version_conflict.",
                longest=LONGEST_REASON,
            ),
            default="",
        ),
        CORRELATION,
    ),
    {
        "conflict_id": Whole(),
        "state": Text(longest=100),
        "results": Object(what="By path what both sides will have."),
    },
    writes=True,
)
RETRY = Method(
    "retry",
    "Try failed changes again, and what waits for its next attempt at once.",
    (
        Argument(
            "operation_ids",
            ListOf(what="Ids of operations.", item=Whole(least=1), most=MAX_RECORDS),
        ),
        Argument(
            "external_ids",
            ListOf(
                what="Or the pharmacy's ids of records: all that failed of them.",
                item=Identifier(),
                most=MAX_RECORDS,
            ),
        ),
        ANY_ENTITY,
        CORRELATION,
    ),
    _results(
        success=Flag(),
        operation=OneOf(values=("redriven", "unchanged", "failed")),
        operation_id=Whole(nullable=True),
        external_id=_ID,
        state=Text(longest=100, nullable=True),
        error=ERROR,
        warnings=_WARNINGS,
        correlation_id=Text(longest=255, nullable=True),
    ),
    writes=True,
)
_SAGA = {
    "saga": Whole(what="Its number."),
    "state": OneOf(
        values=(
            *("pending", "running", "completed"),
            *("compensating", "compensated", "needs_attention"),
        )
    ),
    "odoo_id": _ODOO_ID,
    "order": Text(longest=1_000, nullable=True, what="Number of the order in Odoo."),
    "steps": ListOf(item=Object(), most=100),
    "warnings": _WARNINGS,
}
ORDER = Method(
    "order",
    "Create a purchase order with a reservation of its goods, or not at all.",
    (
        Argument(
            "record",
            Object(
                what="The order as for push; without an id Odoo sends it to the app "
                "first.",
                described={"$ref": "#/components/schemas/PurchaseOrder"},
            ),
            required=True,
        ),
        Argument("idempotency_key", KEY, required=True),
        CORRELATION,
    ),
    _SAGA,
    writes=True,
)
SAGA = Method(
    "saga",
    "How a saga stands.",
    (
        Argument(
            "saga",
            Whole(what="Its number, as order returned it.", least=1),
            required=True,
        ),
        CORRELATION,
    ),
    _SAGA,
)
