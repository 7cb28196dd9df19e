"""How many requests a minute are let in."""

import math

# Requests a minute of one backend, unless it says otherwise.
DEFAULT_LIMIT = 1200
WINDOW = 60  # seconds


def seconds_to_wait(before: int, now: int, elapsed: float, limit: int) -> int:
    """Whether one more request is let in: 0, or else the seconds after which to ask.

    The last 60 seconds are looked at: what came in the minute before counts as far as
    it lies in them, as if it had been spread evenly.

    :param before: requests let in in the minute before
    :param now: those of this minute
    :param elapsed: seconds of this minute
    """
    if _of_last_minute(before, now, elapsed) < limit:
        return 0
    if now < limit:
        # So much of the minute before must have gone by.
        return math.floor(_passes(before, limit - now) - elapsed) + 1
    return math.floor(WINDOW - elapsed + _passes(now, limit)) + 1


def _of_last_minute(before: int, now: int, elapsed: float) -> float:
    return before * (WINDOW - elapsed) / WINDOW + now


def _passes(before: int, room: int) -> float:
    """When in a minute so few of those before it are left that there is room."""
    return max(0.0, WINDOW - room * WINDOW / before)
