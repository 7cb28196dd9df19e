"""Faults on request: which rule hits which request, repeatable by its seed."""

import random
import threading
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import Field

from .schemas import Closed

Kind = Literal[
    "latency",
    "rate_limit",
    "error",
    "reset",
    "drip",
    "hang",
    "lost_answer",
    "corrupt_json",
    "clock_skew",
    "wrong_schema",
    "bad_record",
    "refuse_auth",
    "forbid",
    "refuse_item",
    "webhook_duplicate",
    "webhook_reorder",
]


WEBHOOK = "WEBHOOK"


class Match(Closed):
    """Which requests a rule looks at; all of what is given must be true.

    The path is a shell pattern; of a webhook, the method is ``WEBHOOK`` and the path
    the notice's type. ``contains`` is looked for in the query and in the body, so that
    one poisoned record can fail every batch that it is in.
    """

    method: str | None = None
    path: str = "*"
    contains: str | None = None


class Rule(Closed):
    """One kind of fault.

    :param probability: of each matching request being hit
    :param count: how often it may still hit; None without limit
    :param status: of the kinds ``error`` and ``refuse_item``
    :param seconds: of ``latency``, ``hang``, ``clock_skew``, ``webhook_reorder``
    :param retry_after: seconds sent with ``rate_limit``, and with ``error`` if given
    :param bytes_per_second: of ``drip``
    :param record: of ``bad_record``: the id of the record
    :param put: of ``bad_record``: values that its fields, or those of the change that
        announces it, have in the answer
    """

    kind: Kind
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    match: Match = Match()
    count: Annotated[int | None, Field(ge=0)] = None
    status: Annotated[int, Field(ge=300, le=599)] = 503
    seconds: Annotated[float, Field(ge=-(10**8), le=10**8)] = 1.0
    retry_after: Annotated[int | None, Field(ge=0)] = None
    bytes_per_second: Annotated[int, Field(ge=1)] = 20
    record: str = ""
    put: dict[str, Any] = Field(default_factory=dict)
    hits: int = 0

    def matches(self, method, path, body):
        return (
            self.count != 0
            and self.kind.startswith("webhook_") == (method == WEBHOOK)
            and self.match.method in (None, method)
            and fnmatchcase(path, self.match.path)
            and (self.match.contains or "").encode() in body
        )

    def hit(self):
        self.hits += 1
        if self.count is not None:
            self.count -= 1


class Plan(Closed):
    seed: int = 0
    rules: list[Rule] = Field(default_factory=list)


class Faults:
    """The rules in force. One random number is drawn for each rule that matches, in
    their order, so that the same requests one after another meet the same faults."""

    def __init__(self):
        self._lock = threading.Lock()
        self.replace(Plan())

    def replace(self, plan):
        with self._lock:
            self._plan = plan
            self._random = random.Random(plan.seed)

    def show(self):
        """The rules with their hits and what remains of their counts."""
        with self._lock:
            return self._plan.model_dump()

    def draw(self, method, path, body=b""):
        """The rules that hit this request, the first of each kind: kind -> rule."""
        hits = {}
        with self._lock:
            for rule in self._plan.rules:
                if (
                    rule.matches(method, path, body)
                    and self._random.random() < rule.probability
                    and rule.kind not in hits
                ):
                    rule.hit()
                    hits[rule.kind] = rule
        return hits
