"""How reliable something was over a period: repair times, times between failures.

The terms are those of IEC 60050-192 (International Electrotechnical Vocabulary,
dependability):

* MTTR, mean time to restoration (192-07-23): of the failures that ended in the
  period, the mean of the time from when each began until it ended.
* MTBF, mean operating time between failures (192-05-13): the time in which it could
  work, divided by the number of failures that began in it.

Moments are datetimes (or anything that can be subtracted to a timedelta), durations
seconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .period import Period


@dataclass(frozen=True)
class Interval:
    """A time in which something was so; ``end`` is None while it still is."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True)
class Change:
    """From ``at`` on something is ``open``, or is not."""

    at: datetime
    open: bool


def mttr(failures: Iterable[Interval], period: Period) -> float | None:
    """Mean seconds from the beginning of a failure to its end, over the failures that
    ended in the period, whenever they began; None if none did.
    """
    lasted = [
        (failure.end - failure.start).total_seconds()
        for failure in failures
        if failure.end is not None and period.start <= failure.end < period.end
    ]
    return sum(lasted) / len(lasted) if lasted else None


def mtbf(
    failures: Iterable[Interval], down: Iterable[Interval], period: Period
) -> float | None:
    """Mean seconds of work between two failures; None if none began in the period.

    MTBF = (length of the period - time down) / failures that began in the period.

    :param down: when it could not work. Where they overlap, time counts once.
    """
    count = sum(period.start <= failure.start < period.end for failure in failures)
    if not count:
        return None
    return (period.seconds - seconds_of(down, period)) / count


def seconds_of(intervals: Iterable[Interval], period: Period) -> float:
    """Seconds of the period that lie in at least one of the intervals."""
    total, covered = 0.0, period.start
    for interval in sorted(intervals, key=lambda interval: interval.start):
        start = max(interval.start, covered)
        end = period.end if interval.end is None else min(interval.end, period.end)
        if start < end:
            total += (end - start).total_seconds()
            covered = end
    return total


def openings(
    changes: Iterable[Change], was_open: bool, period: Period
) -> list[Interval]:
    """When something was open within the period.

    :param changes: those within the period, oldest first.
    :param was_open: whether it was open when the period began.
    :return: a list of :class:`Interval`, which do not overlap; the last ends
        with the period if it was open then.
    """
    found: list[Interval] = []
    since = period.start if was_open else None
    for change in changes:
        if change.open and since is None:
            since = change.at
        elif not change.open and since is not None:
            if since < change.at:
                found.append(Interval(since, change.at))
            since = None
    if since is not None and since < period.end:
        found.append(Interval(since, period.end))
    return found


def rate(some: int, whole: int) -> float | None:
    """Per cent; None where there is nothing to be a part of."""
    return round(100 * some / whole, 1) if whole else None


def retry_success(recovered: int, failed_again: int) -> float | None:
    """Per cent of the finished retries that succeeded.

    An operation that is done after it had failed had one that succeeded: its last. All
    others of it left an error.

    :param recovered: operations done after at least one failure.
    :param failed_again: errors of second and later attempts.
    """
    return rate(recovered, recovered + failed_again)
