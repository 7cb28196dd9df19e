"""Pages that have numbers: how one is asked for, and what comes after it.

Where the next page begins is a text: its number, and the id that this one began with.
"""

from typing import Any

from ..exceptions import SchemaMismatchError

_BETWEEN = " "


def asked_number(after: str) -> str:
    """The number of the page that begins there."""
    return after.partition(_BETWEEN)[0]


def numbered(
    records: list[Any], limit: int, after: str | None, first: int
) -> tuple[list[Any], str | None]:
    """The records of a page with a number, and where the next one begins.

    An app may give fewer at once than it is asked for, so that only a page without
    records is the last. One that knows no pages gives all of them again.

    :param after: where this page began; None: it is the first
    :param first: the first page's number
    :raises SchemaMismatchError: it is the page before once more
    """
    number, __, began = (after or str(first)).partition(_BETWEEN)
    begins = (
        str(records[0].get("id")) if records and isinstance(records[0], dict) else ""
    )
    if after and begins and begins == began:
        if len(records) == limit:
            raise SchemaMismatchError("The list does not go on.", field="page")
        return [], None
    goes_on = records and len(records) <= limit
    return records, f"{int(number) + 1}{_BETWEEN}{begins}" if goes_on else None
