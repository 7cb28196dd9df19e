"""What is kept of one exchange with the app."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One HTTP exchange as it went, for the log of calls.

    ``status`` is None when no answer came; ``error`` is what was raised, if anything;
    sizes are bytes, ``duration`` seconds.
    """

    method: str
    path: str
    status: int | None
    duration: float
    bytes_sent: int
    bytes_received: int
    items: int
    retry: bool
    correlation_id: str
    request_id: str
    error: Exception | None
