"""Ranges of time that figures are shown for, and the steps in which they are shown."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Steps of a trend: those of the last hour, and of longer periods hours or days.
FINE_STEP = timedelta(minutes=5)
HOURLY = timedelta(days=8)
FREQUENCIES = ("daily", "weekly", "monthly")


@dataclass(frozen=True)
class Period:
    """From ``start`` to ``end``, which is not included.

    :param start: datetime (UTC, naive), at which an hour begins unless ``raw``.
    :param raw: it is not made of whole hours: an hourly rollup does not cover it.
    """

    start: datetime
    end: datetime
    raw: bool = False

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("A period ends after it began")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def seconds(self) -> float:
        return self.length.total_seconds()

    @property
    def step(self) -> timedelta:
        """How long one step of a trend is; a day may be an hour longer or shorter."""
        if self.raw:
            return FINE_STEP
        return HOUR if self.length <= HOURLY else DAY

    def before(self) -> "Period":
        """The period of the same length that ends where this one begins."""
        return Period(self.start - self.length, self.start, self.raw)

    def slots(self, step: timedelta) -> list[datetime]:
        """When each step of the period begins, the first with the period."""
        count = -((self.start - self.end) // step)
        return [self.start + number * step for number in range(count)]


def last_hour(now: datetime) -> Period:
    """60 minutes, the second that is under way being the last."""
    end = now.replace(microsecond=0) + timedelta(seconds=1)
    return Period(end - HOUR, end, raw=True)


def last_hours(hours: int, now: datetime) -> Period:
    """So many hours, the one that is under way being the last."""
    end = floor_hour(now) + HOUR
    return Period(end - hours * HOUR, end)


def whole_hours(start: datetime, end: datetime) -> Period:
    """The hours that ``start`` to ``end`` touch.

    :raises ValueError: it ends before it begins
    """
    last = floor_hour(end)
    return Period(floor_hour(start), last if last == end else last + HOUR)


def floor_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def last_whole(frequency: str, today: date) -> tuple[date, date]:
    """The last day, week (from Monday) or month that was over when ``today`` began.

    :return: its first day, and the day after its last.
    """
    if frequency == "daily":
        return today - DAY, today
    if frequency == "weekly":
        monday = today - today.weekday() * DAY
        return monday - 7 * DAY, monday
    first = today.replace(day=1)
    return (first - DAY).replace(day=1), first
