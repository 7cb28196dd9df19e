"""What Odoo's side in memory is made of."""

from dataclasses import dataclass

OK = (200, 201, 204)
FOUND, DUPLICATE, GONE, STALE = 302, 409, 410, 412
STALE_ATTEMPTS = 5
MAX_ATTEMPTS = 4
BATCH = 2
PAGE = 2
EVENTS = 3
OPEN = ("pending", "waiting")
COMMIT = None


class NoAnswerError(Exception):
    """A call that failed.

    :param unknown: whether it may have been applied nevertheless
    """

    def __init__(self, unknown):
        super().__init__("no answer" if unknown else "not sent")
        self.unknown = unknown


@dataclass(frozen=True)
class Call:
    """A request of the pharmacy: the method's name and its arguments."""

    method: str
    args: tuple


@dataclass(eq=False)
class Conflict:
    pharmacy: dict
    paths: list


@dataclass(eq=False)
class Mapping:
    key: str
    res_id: int | None = None
    external_id: str | None = None
    version: int = 0
    base: dict | None = None
    uncertain: bool = False
    deleted: bool = False
    unanswered: tuple = ()
    conflict: Conflict | None = None


@dataclass(eq=False)
class Operation:
    id: int
    mapping: Mapping
    state: str = "pending"
    eta: int = 0
    attempts: int = 0
    worker: object = None
    revive: bool = False


@dataclass
class Item:
    operation: Operation
    request: dict
    uncertain: bool
    unanswered: tuple
