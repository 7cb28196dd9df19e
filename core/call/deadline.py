"""How much time work has left, and whether it was cancelled."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..exceptions import DeadlineExceededError, OperationCancelledError


@dataclass(frozen=True)
class Deadline:
    """A moment by which work must be done.

    :param expires_at: in the seconds of ``clock``.
    :param clock: monotonic within a process; ``time.time`` for a deadline that travels
        between processes.
    """

    expires_at: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(
        cls, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> "Deadline":
        """The deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.expires_at - self.clock())

    @property
    def expired(self) -> bool:
        return self.remaining() <= 0

    def bounded(self) -> float:
        """What is left, as a timeout.

        :raise DeadlineExceededError: no time is left.
        """
        # One reading of the clock: a timeout of 0 would mean "do not wait".
        remaining = self.remaining()
        if remaining <= 0:
            raise DeadlineExceededError("The time given to this work is used up.")
        return remaining

    def milliseconds(self) -> int:
        """What is left, for a header, rounded down."""
        return int(self.remaining() * 1000)


class CancelToken:
    """Asks work to stop at its next safe point. Safe to use from several threads.

    :param probe: asked at each check whether it was cancelled elsewhere (by another
        process, through the database); it returns the reason, or nothing.
    """

    def __init__(self, probe: Callable[[], str | None] | None = None):
        self._event = threading.Event()
        self._probe = probe
        self.reason: str | None = None

    def cancel(self, reason: str = "cancelled") -> None:
        """Ask the work to stop. The first reason is kept."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    @property
    def cancelled(self) -> bool:
        if not self._event.is_set() and self._probe and (reason := self._probe()):
            self.cancel(reason)
        return self._event.is_set()

    def check(self) -> None:
        """Call this at every safe point.

        :raise OperationCancelledError: the work must stop.
        """
        if self.cancelled:
            raise OperationCancelledError(f"Cancelled: {self.reason}")
