"""Where a reader of a change feed stands, as a text that only the feed understands."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from .exceptions import InvalidDataError

VERSION = "1"


@dataclass(frozen=True)
class Position:
    """A place in a feed.

    :param xid: transaction of the last change that was read
    :param id: number of that change
    :param after: while all records are read for the first time, the id of the last
        one read; the changes made meanwhile come from ``xid`` and ``id`` on
    """

    xid: int
    id: int
    after: int | None = None

    def __str__(self) -> str:
        after = "" if self.after is None else self.after
        text = f"{VERSION}.{self.xid}.{self.id}.{after}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> "Position":
        """:raises InvalidDataError: no feed gave this cursor"""
        try:
            padded = text + "=" * (-len(text) % 4)
            version, *numbers = urlsafe_b64decode(padded).decode().split(".")
            xid, last, after = (int(n) if n.isdecimal() else n for n in numbers)
            found = cls(xid, last, None if after == "" else after)
            # A number that was written in another way is not ours.
            if version == VERSION and str(found) == text:
                return found
        except (AttributeError, TypeError, ValueError):
            pass
        raise InvalidDataError("cursor is none that this feed gave", field="cursor")
