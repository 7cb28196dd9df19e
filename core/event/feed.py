"""Where a reader of a change feed stands, as a text that only the feed understands."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

from ..exceptions import InvalidDataError

# Without the feed, as earlier versions gave it; and with it.
ANY, OWN = "1", "2"


@dataclass(frozen=True)
class Position:
    """A place in a feed.

    :param stamp: number of the transaction of the last change that was read
    :param id: number of that change
    :param after: while all records are read for the first time, the id of the last
        one read; the changes made meanwhile come from ``stamp`` and ``id`` on
    :param feed: number of the feed that it is a place in; None: it is not said
    """

    stamp: int
    id: int
    after: int | None = None
    feed: int | None = None

    def __str__(self) -> str:
        after = "" if self.after is None else self.after
        start = ANY if self.feed is None else f"{OWN}.{self.feed}"
        text = f"{start}.{self.stamp}.{self.id}.{after}"
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, feed: int | None = None) -> "Position":
        """Read a cursor.

        :param feed: the feed that is asked; None: any
        :raises InvalidDataError: this feed did not give it: what lies before it there
            is not what was read
        """
        found = _parsed(text)
        # A number that was written in another way is not ours.
        if found and str(found) == text and found.feed in (None, feed or found.feed):
            return found
        raise InvalidDataError(
            "cursor must be one that this feed returned", field="cursor"
        )


def _parsed(text: str) -> Position | None:
    try:
        padded = text + "=" * (-len(text) % 4)
        version, *texts = urlsafe_b64decode(padded).decode().split(".")
        numbers = [int(number or -1) for number in texts]
        feed = numbers.pop(0) if version == OWN else None
        stamp, last, after = numbers
        known = 0 <= stamp < 2**63 and 0 <= last < 2**63 and -1 <= after < 2**31
        if not known or (feed is not None and feed < 1):
            return None
        return Position(stamp, last, None if after < 0 else after, feed)
    except (AttributeError, TypeError, ValueError):
        return None
