"""What Odoo's side in memory is made of."""

from dataclasses import dataclass, replace

from odoo.addons.pharmacy_sync.core.error.classification import (
    classify,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.exceptions import ApiTimeoutError
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import UNKNOWN, MappingState
from odoo.addons.pharmacy_sync.core.exchange.pushing import STALE, Plan
from odoo.addons.pharmacy_sync.core.retry.policy import Jitter, RetryPolicy

# No jitter: all chance comes from the seed.
POLICY = RetryPolicy(4, 2, 10_000, 2, Jitter.NONE)
BATCH = 2
PAGE = 2
EVENTS = 3
OPEN = ("pending", "waiting")
DEPENDENCY_WAIT = 20
COMMIT = None
NO_ANSWER = classify(ApiTimeoutError("No answer."))
REFUSED = classify_response(STALE)


class NoAnswerError(Exception):
    """A call that failed.

    :param unknown: whether it may have been applied nevertheless
    """

    def __init__(self, unknown):
        super().__init__("no answer" if unknown else "not sent")
        self.unknown = unknown


class NotMadeError(NoAnswerError):
    """A call that the breaker did not let through; ``retry_after`` in ticks."""

    def __init__(self, retry_after):
        super().__init__(unknown=False)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Call:
    """A request of the pharmacy: the method's name and its arguments.

    :param kind: push or pull: whose breaker let it through, in which epoch
    """

    method: str
    args: tuple
    kind: str = ""
    epoch: int = 0


@dataclass(eq=False)
class Conflict:
    """:param changed_at: when the pharmacy changed its record"""

    pharmacy: dict
    paths: list
    changed_at: int


@dataclass(eq=False)
class Mapping:
    """What PostgreSQL keeps of a mapping; its other attributes are those of its
    :class:`..core.exchange.mapping_state.MappingState`."""

    key: str
    odoo: object
    res_id: int | None = None
    known: MappingState = UNKNOWN
    conflict: Conflict | None = None

    def __getattr__(self, name):
        return getattr(self.known, name)

    @property
    def state(self):
        paths = tuple(self.conflict.paths) if self.conflict else ()
        epoch = self.odoo.epoch
        return replace(self.known, conflict_paths=paths, app_epoch=epoch)

    def move(self, state):
        ended = state.deleted and not self.known.deleted
        self.known = state
        if ended:
            self.conflict = None


@dataclass(eq=False)
class Operation:
    """:param payload: of an apply: the record that arrived"""

    id: int
    mapping: Mapping | None
    kind: str = "push"
    payload: dict | None = None
    state: str = "pending"
    eta: int = 0
    attempts: int = 0
    worker: object = None
    revive: bool = False
    revivals: int = 0
    of_app: bool = False  # its latest failure spoke of the app
    parked: bool = False
    stale: int = 0  # answers in a row
    read_at: int | None = None


@dataclass
class Item:
    """:param state: of the mapping, when the push was planned"""

    operation: Operation
    request: dict
    state: MappingState
    plan: Plan
