"""Where a reader of a change feed stands, as a text that only the feed understands."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from .exceptions import InvalidDataError

VERSION = "1"


@dataclass(frozen=True)
class Position:
    """A place in a feed.

    :param stamp: number of the transaction of the last change that was read
    :param id: number of that change
    :param after: while all records are read for the first time, the id of the last
        one read; the changes made meanwhile come from ``stamp`` and ``id`` on
    """

    stamp: int
    id: int
    after: int | None = None

    def __str__(self) -> str:
        after = "" if self.after is None else self.after
        text = f"{VERSION}.{self.stamp}.{self.id}.{after}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Position":
        """:raises InvalidDataError: no feed gave this cursor"""
        found = _parsed(text)
        # A number that was written in another way is not ours.
        if found and str(found) == text:
            return found
        raise InvalidDataError(
            "cursor must be one that this feed returned", field="cursor"
        )


def _parsed(text: str) -> Position | None:
    try:
        padded = text + "=" * (-len(text) % 4)
        __, *numbers = urlsafe_b64decode(padded).decode().split(".")
        stamp, last, after = map(int, [n or -1 for n in numbers])
        known = 0 <= stamp < 2**63 and 0 <= last < 2**63 and -1 <= after < 2**31
        return Position(stamp, last, None if after < 0 else after) if known else None
    except (AttributeError, TypeError, ValueError):
        return None
