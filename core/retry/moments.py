"""When waiting is over, also if a clock was wrong."""

from datetime import datetime, timedelta

from ..call.breaker import CLOCKS_DIFFER
from ..error.retry_after import RETRY_AFTER_LIMIT

FURTHEST = timedelta(seconds=RETRY_AFTER_LIMIT)
AHEAD = timedelta(seconds=CLOCKS_DIFFER)
# How long a reading that is dead rests: one that fails of what does not pass by itself,
# such as a revoked key or a defect of ours; and one of what may pass, such as an
# outage, for a part of the time that it has failed, and so long at the most.
DEAD_WAIT = timedelta(hours=1)
PART, PASSING_WAIT = 10, timedelta(minutes=10)


def has_come(
    eta: datetime | None, written: datetime, now: datetime, clock: datetime
) -> bool:
    """Whether what waits until ``eta`` is due. A time that was written while a clock
    was ahead, or that is further away than anything waits for, holds up nothing.

    :param eta: falsy: it does not wait
    :param written: when it was written
    :param now: the present by the clock that ``eta`` is of
    :param clock: the present by the clock that ``written`` is of
    """
    if not eta or eta <= now or written > clock + AHEAD:
        return True
    return written + FURTHEST <= clock


def rests(begun: datetime, ended: datetime, now: datetime, passes: bool) -> bool:
    """Whether a reading that is dead is not tried once more yet.

    :param begun: since when it fails
    :param ended: when it failed last; one of a clock that was ahead holds up nothing
    :param passes: whether what it failed of may pass by itself
    """
    wait = min((ended - begun) / PART, PASSING_WAIT) if passes else DEAD_WAIT
    return ended <= now + AHEAD and now < ended + wait
