"""Which handlers get which event, in which order, and how often it is tried."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..retry.policy import Jitter, RetryPolicy

# For a handler that fails: an hour and a half in all.
HANDLER_POLICY = RetryPolicy(6, 10, 3600, 5, Jitter.EQUAL)


@dataclass(frozen=True)
class Route:
    """Events of some types go to a handler.

    :param handler: its name, by which its failures are kept
    :param method: of ``sync.event``; called with a batch of events, oldest first
    :param types: shell patterns of the types that go there, such as ``order_*``
    :param priority: lower ones come first
    :param policy: how often a failing event is tried, and when
    """

    handler: str
    method: str
    types: tuple[str, ...] = ("*",)
    priority: int = 50
    policy: RetryPolicy = HANDLER_POLICY

    def takes(self, event_type: str) -> bool:
        return any(fnmatchcase(event_type, pattern) for pattern in self.types)


def routes_for(event_type: str, routes: Iterable[Route]) -> list[Route]:
    """The routes that an event takes: of each handler the first that takes its type,
    by priority."""
    found: dict[str, Route] = {}
    for route in routes:
        if route.takes(event_type):
            found.setdefault(route.handler, route)
    return sorted(found.values(), key=lambda route: (route.priority, route.handler))
