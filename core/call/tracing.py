"""The correlation id as others' tools for tracing carry it: W3C ``traceparent``."""

import hashlib
import re

_VALID = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}"
    r"(?P<more>-.*)?"
)
_TRACE = re.compile(r"[0-9a-f]{32}")
NOTHING = "0" * 32


def trace_id(correlation_id: str) -> str:
    """The trace of a correlation id: the id itself if it can be one, else the first
    32 hex digits of its SHA-256."""
    if _TRACE.fullmatch(correlation_id) and correlation_id != NOTHING:
        return correlation_id
    return hashlib.sha256(correlation_id.encode()).hexdigest()[:32]


def traceparent(correlation_id: str, request_id: str) -> str:
    """The header of one request; its span is made of the request's id."""
    span = hashlib.sha256(request_id.encode()).hexdigest()[:16]
    return f"00-{trace_id(correlation_id)}-{span}-01"


def read_trace(header: str | None) -> str | None:
    """The trace that a header names, or None if it is none by the specification: a
    version that does not exist, zeros, or capitals."""
    found = _VALID.fullmatch((header or "").strip())
    if not found or found["version"] == "ff":
        return None
    if found["version"] == "00" and found["more"]:
        return None
    if found["trace"] == NOTHING or "-0000000000000000-" in found[0][35:53]:
        return None
    return found["trace"]
