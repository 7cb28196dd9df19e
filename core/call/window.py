"""What a breaker looks at: its calls of late, counted."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class WindowStats:
    """Calls of one epoch of a breaker that were answered or failed; abandoned ones are
    none. ``consecutive_failures`` reaches back to the last success of the epoch,
    however long ago.
    """

    calls: int = 0
    failures: int = 0
    slow: int = 0
    consecutive_failures: int = 0

    @property
    def failure_rate(self) -> float:
        """0..1; 0 without calls."""
        return self.failures / self.calls if self.calls else 0.0

    @property
    def slow_rate(self) -> float:
        """0..1; 0 without calls."""
        return self.slow / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class CallRecord:
    """One finished call. ``at``: when it finished; ``epoch``: that of its permit."""

    at: float
    failed: bool
    slow: bool
    epoch: int


class Window:
    """Counts from a list of calls what production counts from its log."""

    def __init__(self, calls: Iterable[CallRecord] = ()):
        self.calls = sorted(calls, key=lambda call: call.at)

    def stats(self, now: float, epoch: int, window_seconds: float) -> WindowStats:
        """Counted over the calls of the epoch finished in the last ``window_seconds``,
        the one exactly that old not included.
        """
        calls = [call for call in self.calls if call.epoch == epoch and call.at <= now]
        recent = [call for call in calls if call.at > now - window_seconds]
        in_a_row = 0
        for call in reversed(calls):
            if not call.failed:
                break
            in_a_row += 1
        return WindowStats(
            calls=len(recent),
            failures=sum(call.failed for call in recent),
            slow=sum(call.slow for call in recent),
            consecutive_failures=in_a_row,
        )
