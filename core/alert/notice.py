"""What a receiver outside of Odoo gets: a notice, the requests that carry it there, and
what came back. Each road is a generator that makes requests and is given the answers:
see :mod:`.channel_requests`."""

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ..error.retry_after import parse_retry_after
from ..exceptions import HttpError, RateLimitError
from ..taxonomy import Severity, TextEnum

# Characters of an answer that people are shown.
EXCERPT = 500
TOO_MANY = 429


class Action(TextEnum):
    """What happened to the alert, or why there is a notice without one."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    TEST = "test"


@dataclass(frozen=True)
class Notice:
    """One alert, or several that go together (``parts``), in words for people.

    :param fingerprint: the same for all notices of one thing that is wrong
    :param at: when it happened (UTC, naive as Odoo keeps it)
    :param lines: what else is said, a sentence each
    :param facts: ``{label: value}``: category, code, operation, correlation id...
    :param error: the same for programs: ``{"type", "category", "code"}``
    :param link: where Odoo shows it
    """

    action: Action
    level: Severity
    title: str
    at: datetime
    fingerprint: str = ""
    lines: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str = ""
    link: str = ""
    source: str = ""
    parts: tuple["Notice", ...] = ()

    @property
    def subject(self) -> str:
        """``[LEVEL] title``, on one line."""
        level = self.action if self.action is Action.RESOLVED else self.level
        return f"[{level.upper()}] {' '.join(self.title.split())}"

    @property
    def text(self) -> str:
        """All of it for a person, as plain text."""
        said = [self.title, *self.lines]
        said += [f"{name}: {value}" for name, value in self.facts.items()]
        said += [f"- {part.subject}" for part in self.parts]
        return "\n".join([*said, self.link] if self.link else said)

    @property
    def moment(self) -> str:
        """When it happened, by RFC 3339."""
        return self.at.replace(tzinfo=timezone.utc).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Request:
    """An HTTP request; ``body`` is sent as it is."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""

    @property
    def excerpt(self) -> str:
        return " ".join(self.text.split())[:EXCERPT]


@dataclass(frozen=True)
class Receipt:
    """That a notice arrived: what the receiver said, and what it calls what it made.

    :param reference: by which the next notice of the same alert finds it
    """

    status: int | None = None
    said: str = ""
    reference: str = ""
    link: str = ""


Road = Generator[Request, Answer, Receipt]


def carry(road: Road, send: Callable[[Request], Answer]) -> Receipt:
    """Go a road to its end.

    :param send: makes one request
    :raises HttpError: a receiver refused what it was sent; else as ``send`` does
    """
    try:
        request = next(road)
        while True:
            request = road.send(send(request))
    except StopIteration as arrived:
        receipt: Receipt = arrived.value
        return receipt


def accepted(answer: Answer) -> Receipt:
    """The receipt for an answer of the 200s.

    :raises RateLimitError: it asks to come back later
    :raises HttpError: it is any other
    """
    if 200 <= answer.status < 300:
        return Receipt(answer.status, answer.excerpt)
    message = answer.excerpt or answer.reason or f"HTTP {answer.status}"
    if answer.status == TOO_MANY:
        names = {name.lower(): value for name, value in answer.headers.items()}
        asked = parse_retry_after(
            names.get("retry-after"), time.time(), sent_at=names.get("date")
        )
        raise RateLimitError(message, retry_after=asked, headers=answer.headers)
    raise HttpError(answer.status, None, message, headers=answer.headers)
