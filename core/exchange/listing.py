"""Reading an app that has no feed of changes: its list, by the time of each record's
last change.

A round reads all that has changed since some time before the one up to which the round
before has read. Times are texts such as ``2026-11-22T08:00:00Z``, by the app's clock;
they compare as texts do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ..check.payload import canonical_datetime
from ..exceptions import InvalidDataError, SchemaMismatchError
from .course import BEGINNING, Course

# How much of what was read before is read again: a record is stamped before it is
# committed, and can be seen only after. Longer than a transaction of an app takes; each
# minute of it is a minute's changes that are listed once more.
OVERLAP = timedelta(minutes=10)
SECOND = timedelta(seconds=1)
_KIND, _BETWEEN = "since:", "|"


@dataclass(frozen=True)
class Since:
    """How far a list was read.

    :ivar upto: up to when, by the app's clock; empty: nothing was read
    :ivar latest: the latest change that this round has met, if it is under way
    :ivar began: when this round began
    :ivar after: where its next page begins
    :ivar course: how its pages led there
    """

    upto: str = ""
    latest: str = ""
    began: str = ""
    after: str = ""
    course: Course = BEGINNING

    def __str__(self) -> str:
        if not self.after:
            return _KIND + self.upto
        times = (self.upto, self.latest, self.began)
        return _KIND + _BETWEEN.join((*times, str(self.course), self.after))

    @classmethod
    def parse(cls, text: str | None) -> "Since":
        """Where a cursor stands; of another road's: at the beginning."""
        kind, ours, rest = (text or "").partition(_KIND)
        times = rest.split(_BETWEEN, 3)
        whole = ours and not kind and len(times) in (1, 4)
        after = times.pop() if len(times) == 4 else ""
        if not whole or not all(not time or _is_time(time) for time in times):
            return cls()
        upto, latest, began = (*times, "", "")[:3]
        said, between, place = after.partition(_BETWEEN)
        course = Course.parse(said) if between else None
        if course is None:
            # Earlier releases noted none.
            return cls(upto, latest, began, after)
        return cls(upto, latest, began, place, course)

    @property
    def asked(self) -> str | None:
        """What to ask for as ``updated_since``; None: all."""
        if not self.upto:
            return None
        moment = datetime.fromisoformat(self.upto.removesuffix("Z"))
        try:
            return canonical_datetime(moment - OVERLAP)
        except OverflowError:
            return None

    def anew(self) -> "Since":
        """Where the first page begins once more."""
        return Since(self.upto)

    def moved(
        self, records: Iterable[Any], after: str | None, clock: Iterable[str]
    ) -> "Since":
        """Where the reader stands behind a page.

        :param after: where the next page begins, if there is one
        :param clock: the time when the page was asked for, by every clock that is
            known: what has a later one is not believed
        :raises SchemaMismatchError: no record of several says when it was changed
        :raises CircleError: the reader was there before
        """
        began = self.began if self.after else min(clock)
        latest = max(_latest(records), self.latest)
        if after:
            course = self.course.moved(after)
            return Since(self.upto, latest, began, after, course)
        # An app whose clock was set back is not waited for.
        return Since(min(max(self.upto, latest), began))


def is_since(cursor: str | None) -> bool:
    """Whether a cursor is of this road."""
    # What was read of an empty list is nothing, and of this road all the same.
    return cursor == str(Since()) or Since.parse(cursor) != Since()


def settled_at(records: Iterable[Any], now: str) -> list[Any]:
    """Those records whose time is their version, and whose second is over: a later
    change of the same second would be no news. The others are listed again.

    :param now: the time when they were asked for
    """
    moment = datetime.fromisoformat(now.removesuffix("Z"))
    limit = canonical_datetime(moment - SECOND)
    return [record for record in records if _latest([record]) < limit]


def http_time(text: str | None) -> str | None:
    """The time of a ``Date`` header; None: it has none."""
    try:
        return canonical_datetime(parsedate_to_datetime(text or ""))
    except (InvalidDataError, TypeError, ValueError):
        return None


def is_news(
    known: Mapping[str, Any] | None, version: Any, deleted: bool, epoch: int
) -> bool:
    """Whether a record that is listed once more says something that was not read.

    :param known: its mapping's ``version``, ``in_part``, ``deleted`` and ``epoch``
    :param epoch: how often the app has been set back by now
    """
    if known is None or type(version) is not int:
        return True
    if known["in_part"] or known["epoch"] < epoch or version > known["version"]:
        return True
    return deleted and not known["deleted"]


def _is_time(text: str) -> bool:
    try:
        return canonical_datetime(text) == text
    except InvalidDataError:
        return False


def _latest(records: Iterable[Any]) -> str:
    records, times = list(records), []
    for record in records:
        try:
            times.append(canonical_datetime(record["updated_at"]))
        except (InvalidDataError, KeyError, TypeError):
            continue
    if len(records) > 1 and not times:
        raise SchemaMismatchError(
            "The records have no updated_at that is a time.", field="updated_at"
        )
    return max(times, default="")
