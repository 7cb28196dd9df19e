"""Values that a process keeps for a moment, so that it need not ask again."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any


class Memory:
    """What was put in is there for some seconds. Safe to use from several threads.

    :param seconds: for which a value is kept.
    :param limit: how many values at the most; the least recently put go first.
    """

    def __init__(
        self,
        seconds: float,
        limit: int,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._seconds = seconds
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """The value, or None."""
        with self._lock:
            until, value = self._values.get(key, (0.0, None))
            if value is not None and self._clock() >= until:
                del self._values[key]
                return None
            return value

    def put(self, key: Hashable, value: Any) -> None:
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = (self._clock() + self._seconds, value)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)

    def forget(self, wanted: Callable[[Hashable], bool]) -> None:
        """Forget the keys for which ``wanted`` is true."""
        with self._lock:
            for key in [key for key in self._values if wanted(key)]:
                del self._values[key]

    def __len__(self) -> int:
        return len(self._values)
