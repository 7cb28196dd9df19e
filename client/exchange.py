"""One exchange with the app: what is kept of it, and how its path is written."""

from dataclasses import dataclass
from urllib.parse import quote

from ..core.call.tracing import trace_id, traceparent
from ..core.check.text_checks import VISIBLE
from ..core.exceptions import InvalidDataError
from .session import DEADLINE_HEADER


@dataclass(frozen=True)
class Exchange:
    """One HTTP exchange as it went, for the log of calls.

    ``status`` is None when no answer came; ``error`` is what was raised, if anything;
    sizes are bytes, ``duration`` seconds. ``last_key``: whether the app is not asked
    again with another key, should it refuse this one.
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
    last_key: bool = True


def segment(external_id):
    """An id as one segment of a path, whatever characters it has.

    :raises InvalidDataError: it is none in any notation
    """
    if external_id in (".", ".."):
        raise InvalidDataError(f"{external_id} cannot be an id", field="id")
    return quote(external_id, safe="")


def headers_of(idempotency_key, if_match, correlation_id, request_id):
    """What goes with a request beside who asks."""
    # One that was kept before such were refused would fail each call it goes with.
    fit = VISIBLE.fullmatch(correlation_id)
    return {
        "X-Correlation-ID": correlation_id if fit else trace_id(correlation_id),
        "X-Request-ID": request_id,
        "traceparent": traceparent(correlation_id, request_id),
        DEADLINE_HEADER: "0",  # set when it is sent
        "X-Actor": "odoo",
        **({"Idempotency-Key": idempotency_key} if idempotency_key else {}),
        **({"If-Match": if_match} if if_match else {}),
    }
