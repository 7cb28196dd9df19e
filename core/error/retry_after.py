"""When the other side wants to be asked again, as its answer says."""

import math
import re
from datetime import timezone
from email.utils import parsedate_to_datetime

# Seconds; what asks for more is asked again by then.
RETRY_AFTER_LIMIT = 6 * 3600.0


def parse_retry_after(
    value: str | float | None, now: float | None = None, *, sent_at: str | None = None
) -> float | None:
    """Seconds asked for by a ``Retry-After`` header (RFC 9110, 10.2.3).

    :param value: seconds, or an HTTP date.
    :param now: POSIX seconds, from which a date counts.
    :param sent_at: the ``Date`` header of the same answer; preferred to ``now``.
    :return: 0 .. ``RETRY_AFTER_LIMIT``; None if it says nothing that is understood.
    """
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = _header_seconds(value.strip(), now, sent_at)
    # Neither negative nor NaN; infinite is no number of seconds either.
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        return None
    return float(min(value, RETRY_AFTER_LIMIT))


def _header_seconds(value: str, now: float | None, sent_at: str | None) -> float | None:
    """Digits and nothing else are seconds, anything else may be a date."""
    if re.fullmatch("[0-9]+", value):
        return float(value) if len(value) < 16 else RETRY_AFTER_LIMIT
    when, start = _http_date(value), _http_date(sent_at)
    start = now if start is None else start
    return None if when is None or start is None else max(0.0, when - start)


def _http_date(value: str | None) -> float | None:
    try:
        moment = parsedate_to_datetime(value or "")
        # One of the three forms names no zone; all are in UTC.
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.timestamp()
    except (TypeError, ValueError, OverflowError, AttributeError, IndexError):
        return None
