"""The application's idea of time, which a fault may put wrong for one request."""

import contextvars
import time
from datetime import datetime, timezone

skew_seconds = contextvars.ContextVar("skew_seconds", default=0.0)


def now():
    """Seconds since the epoch (UTC), moved by the request's ``clock_skew`` fault."""
    return time.time() + skew_seconds.get()


def to_text(seconds):
    """ISO-8601 in UTC, to seconds: ``2026-11-22T08:00:00Z``."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def now_text():
    return to_text(now())
