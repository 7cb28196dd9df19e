"""What the API was asked, for tests and operators: a ring in memory, and the log."""

import logging
import threading
import time
from collections import Counter, deque
from dataclasses import asdict, dataclass

from .clock import to_text

KEPT = 10_000
_logger = logging.getLogger("pharmacy_app.requests")


@dataclass
class Entry:
    """One API request.

    :param status: as answered; None when the connection was cut instead
    :param items: records in the request: those of a batch, else 1 for a write
    :param deadline_ms: what the caller said it would still wait, as sent
    :param traceparent: the trace that the caller's request is a part of, as sent
    """

    seq: int
    time: str
    method: str
    path: str
    query: str
    status: int | None
    correlation_id: str
    actor: str
    deadline_ms: str
    traceparent: str
    faults: list
    items: int
    duration_ms: float


class RequestLog:
    def __init__(self):
        self._lock = threading.Lock()
        self._entries = deque(maxlen=KEPT)
        self._counts = Counter()
        self._seq = 0

    def add(self, **values):
        """Note one request; the fields of :class:`Entry` but ``seq`` and ``time``."""
        with self._lock:
            self._seq += 1
            entry = Entry(seq=self._seq, time=to_text(time.time()), **values)
            self._entries.append(entry)
            self._counts[entry.method, entry.path, entry.status] += 1
        _logger.info(
            "%s %s %s %.1fms correlation=%s actor=%r deadline_ms=%s items=%d faults=%s",
            entry.method,
            entry.path,
            entry.status or "cut",
            entry.duration_ms,
            entry.correlation_id,
            entry.actor,
            entry.deadline_ms or "-",
            entry.items,
            ",".join(entry.faults) or "-",
        )

    def since(self, seq):
        """Entries behind that number, oldest first."""
        with self._lock:
            return [asdict(entry) for entry in self._entries if entry.seq > seq]

    def summary(self):
        """How many requests there were of each method, path and status."""
        with self._lock:
            counts = sorted(self._counts.items(), key=str)
        return [
            {"method": method, "path": path, "status": status, "count": count}
            for (method, path, status), count in counts
        ]

    def clear(self):
        """Forget the entries and counts; the numbering goes on."""
        with self._lock:
            self._entries.clear()
            self._counts.clear()
