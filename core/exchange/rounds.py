"""Reading an app that reports no changes: its whole list, in rounds.

A round reads all pages of the list. Then each known record that was in none of them is
asked for by its id: it may be hidden by a filter of the app's, or a page may have
skipped it. Only one that the app says it does not have is deleted; if that are many,
the app was set back. Between two rounds nothing is asked.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ..check.envelope import as_record
from ..check.text_checks import check_id
from ..exceptions import DataCorruptedError, InvalidDataError
from ..taxonomy import Delivery, TextEnum
from ..texts import _lt
from .course import BEGINNING, Course

_KIND, _BETWEEN = "whole:", "|"
# As many records may be gone in one round as deleted: more are what an app lacks that
# was set back to an earlier state.
FEW = 10
# In place of the checksum of a record that was asked for by its id: the app has none,
# or its answer does not say.
GONE, UNKNOWN = "gone", "unknown"


class ImplausibleListError(DataCorruptedError):
    """A list of which too much is missing to be believed."""

    overrides: ClassVar = {
        "delivery": Delivery.ANSWERED,
        "suggested_action": _lt(
            "Look whether the key may see all records of the app, and whether the app "
            "lists all. If they are deleted indeed, start a comparison and decide."
        ),
    }


class Step(TextEnum):
    """LIST: pages are read. ASK: what is missing is asked for. REST: the round is over,
    and the next one is not due."""

    LIST = "list"
    ASK = "ask"
    REST = "rest"


@dataclass(frozen=True)
class Round:
    """Where a round stands.

    :ivar began: when, by the database's clock in UTC; None: it is yet to begin
    :ivar step: what it does
    :ivar after: where the next page of the list begins; empty: at its beginning
    :ivar course: how its pages led there
    """

    began: datetime | None = None
    step: Step = Step.LIST
    after: str = ""
    course: Course = BEGINNING

    def __str__(self) -> str:
        began = self.began.isoformat() if self.began else ""
        return _KIND + _BETWEEN.join((began, self.step, str(self.course), self.after))

    @classmethod
    def parse(cls, text: str | None) -> "Round":
        """Where a cursor stands; of another road's: before the first round."""
        return _parse(text) or cls()

    def moved(self, after: str | None) -> "Round":
        """Where the reader stands behind a page.

        :param after: where the next one begins, if there is one
        :raises CircleError: the reader was there before
        """
        if after:
            return replace(self, after=after, course=self.course.moved(after))
        return Round(self.began, Step.ASK)

    def ended(self) -> "Round":
        return Round(self.began, Step.REST)

    def next_at(self, minutes: int) -> datetime | None:
        """When the next round begins; None: this one is under way."""
        if self.step is not Step.REST or not self.began:
            return None
        return self.began + timedelta(minutes=minutes)

    def rests(self, now: datetime, minutes: int) -> bool:
        """Whether nothing is asked now. A round that began in the future did so by a
        clock that was set back since."""
        due = self.next_at(minutes)
        return bool(due and self.began and self.began <= now < due)


def _parse(text: str | None) -> Round | None:
    kind, ours, rest = (text or "").partition(_KIND)
    parts = rest.split(_BETWEEN, 2)
    if kind or not ours or len(parts) != 3:
        return None
    began, step, after = parts
    said, between, place = after.partition(_BETWEEN)
    course = Course.parse(said) if between else None
    try:
        moment = datetime.fromisoformat(began) if began else None
        if course is None:
            # Earlier releases noted none.
            return Round(moment, Step(step), after)
        return Round(moment, Step(step), place, course)
    except ValueError:
        return None


def is_round(cursor: str | None) -> bool:
    """Whether a cursor is of this road."""
    return _parse(cursor) is not None


def checksum(record: Any) -> str:
    """What is equal for records that are alike in all: 16 hexadecimal digits."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sums(changes: Iterable[Any]) -> list[tuple[str, str]]:
    """``(id, checksum)`` of each of these as a record. One without a usable id is known
    by its checksum, behind a blank with which no id begins."""
    found = []
    for record in map(as_record, changes):
        total = checksum(record)
        try:
            number = check_id(record.get("id"), "id")
        except (AttributeError, InvalidDataError):
            number = f" {total}"
        found.append((number, total))
    return found


def check_plausible(known: int, missing: int) -> None:
    """Refuse a list that lacks too many records.

    :param known: how many the app was known to have when the round began
    :param missing: how many of these it does not list
    :raises ImplausibleListError: it lists none of them, or lacks more than half
    """
    few = missing <= FEW or 2 * missing <= known
    if missing and (missing >= known or not few):
        raise ImplausibleListError(
            f"The app's list lacks {missing} of {known} known records: that is not "
            "believed, and nothing is deleted for it."
        )


def shows_set_back(gone: int) -> bool:
    """Whether so many records that the app does not have are no deletions."""
    return gone > FEW
