"""What each piece of evidence says of a failure: the looks of ``classification``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..exceptions import SyncError
from ..taxonomy import Delivery, ErrorType
from . import causes, evidence, http_causes

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Confidence by kind of evidence, 0 (a guess) .. 1 (it was said in so many words).
SAID, CODED, AMBIGUOUS, GENERAL, GUESSED, UNKNOWN = 1.0, 0.95, 0.6, 0.7, 0.4, 0.2


@dataclass(frozen=True)
class Finding:
    """What one piece of evidence says. ``passing``: it may pass by itself, although its
    type does not."""

    type: ErrorType
    confidence: float
    delivery: Delivery | None = None
    passing: bool = False


def by_evidence(
    links: Sequence[BaseException],
) -> tuple[Finding, BaseException] | None:
    """The first link of the chain that has evidence of its own. A fault of our own
    program is never excused by what was being handled when it happened.
    """
    outermost = links[0]
    if type(outermost).__module__ == "builtins" and isinstance(
        outermost, causes.PROGRAMMING
    ):
        return Finding(ErrorType.UNEXPECTED, CODED), outermost
    for link in links:
        for look in _EVIDENCE:
            if finding := look(link):
                return finding, link
    return None


def last_resort(
    exc: BaseException, links: Sequence[BaseException], text: str
) -> tuple[Finding, BaseException]:
    for link in links:
        cause = _named(link)
        if cause:
            return Finding(cause.type, GENERAL, cause.delivery), link
    if any(
        isinstance(link, causes.VAGUE_PROGRAMMING)
        for link in evidence.chain(exc, implicit=False)
    ):
        return Finding(ErrorType.UNEXPECTED, GENERAL), exc
    for pattern, error_type in causes.PATTERNS:
        if pattern.search(text):
            return Finding(error_type, GUESSED), exc
    return Finding(ErrorType.UNEXPECTED, UNKNOWN), exc


def _named(link: BaseException) -> causes.Cause | None:
    names = evidence.qualified_names(link)
    return next((causes.NAMES[name] for name in names if name in causes.NAMES), None)


def _by_class(link: BaseException) -> Finding | None:
    if isinstance(link, SyncError) and link.error_type:
        return Finding(link.error_type, SAID)
    cause = _named(link)
    if cause and not cause.general:
        return Finding(cause.type, CODED, cause.delivery)
    return None


def _by_http(link: BaseException) -> Finding | None:
    status = evidence.http_status(link)
    if status is None:
        return None
    body = evidence.read(link, "body")
    found = by_status(
        status,
        evidence.body_code(link),
        evidence.message(link),
        body if isinstance(body, dict) else (),
        evidence.retry_after(link) is not None,
    )
    texts = evidence.body_text(link), evidence.message(link)
    if status == 400 and any(map(http_causes.SPEAKS_TLS.search, texts)):
        found = replace(found, type=ErrorType.CONFIGURATION_ERROR)
    return replace(found, delivery=answered(status, *texts))


def by_status(
    status: int,
    code: str | None,
    message: str,
    body_keys: Iterable[str],
    asked: bool,
) -> Finding:
    """The status decides; the body may only make it more exact.

    :param asked: whether the answer says when to come back
    """
    finding = Finding(
        http_causes.STATUSES.get(status)
        or http_causes.STATUS_CLASSES.get(status // 100, ErrorType.UNEXPECTED),
        AMBIGUOUS if status in http_causes.AMBIGUOUS_STATUSES else CODED,
        answered(status),
    )
    said = [causes.CODES.get(normal(code))]
    if status in http_causes.AMBIGUOUS_STATUSES:
        said += [t for key, t in http_causes.BODY_KEYS.items() if key in body_keys]
        said += [t for pattern, t in causes.PATTERNS if pattern.search(message)]
    refined = http_causes.REFINABLE.get(status, frozenset())
    exact = next((t for t in said if t in refined), None)
    if exact:
        confidence = SAID if exact is said[0] else GENERAL
        finding = replace(finding, type=exact, confidence=confidence)
    if status in http_causes.LATER and asked:
        finding = replace(finding, type=ErrorType.RATE_LIMIT_EXCEEDED)
    return finding


def _by_os_code(link: BaseException) -> Finding | None:
    return _coded(causes.OS_CODES.get(evidence.os_code(link) or ""))


def _by_sqlstate(link: BaseException) -> Finding | None:
    state = evidence.sqlstate(link) or ""
    error_type = causes.SQLSTATES.get(state) or causes.SQLSTATE_CLASSES.get(state[:2])
    if not error_type:
        return None
    return Finding(error_type, CODED, passing=state in causes.CHANGING_SCHEMA)


def _by_code(link: BaseException) -> Finding | None:
    error_type = causes.CODES.get(normal(evidence.body_code(link)))
    return Finding(error_type, CODED) if error_type else None


def _by_tls(link: BaseException) -> Finding | None:
    if evidence.speaks_tls(link):
        return Finding(ErrorType.CONFIGURATION_ERROR, CODED, Delivery.NOT_SENT)
    return _coded(causes.TLS_REASONS.get(evidence.tls_reason(link) or ""))


def _by_tunnel(link: BaseException) -> Finding | None:
    """A proxy that refuses is set up wrongly, one that cannot connect met a failure."""
    status = evidence.tunnel_status(link)
    if status is None:
        return None
    refused = status < 500 and status not in (408, 429)
    kind = ErrorType.CONFIGURATION_ERROR if refused else ErrorType.CONNECTION_REFUSED
    return Finding(kind, CODED, Delivery.NOT_SENT)


def _by_encoding(link: BaseException) -> Finding | None:
    """What a header cannot hold is a setting; any other text is data."""
    encoding = link.encoding if isinstance(link, UnicodeEncodeError) else None
    if encoding in causes.HEADER_ENCODINGS:
        return Finding(ErrorType.CONFIGURATION_ERROR, CODED, Delivery.NOT_SENT)
    return None


def _by_reply(link: BaseException) -> Finding | None:
    """What a mail server, or another Odoo, said in numbers or names."""
    if (reply := evidence.smtp_reply(link)) is not None:
        named = causes.SMTP_REPLIES.get(reply) or causes.SMTP_REPLIES[reply // 100]
        return Finding(named, CODED, Delivery.ANSWERED)
    fault = causes.FAULTS.get(evidence.fault_code(link) or 0)
    cause = causes.NAMES.get(evidence.remote_class(link) or "")
    error_type = fault or (cause and cause.type)
    return Finding(error_type, CODED, Delivery.ANSWERED) if error_type else None


def _coded(cause: causes.Cause | None) -> Finding | None:
    return Finding(cause.type, CODED, cause.delivery) if cause else None


_EVIDENCE = (
    _by_tls,
    _by_tunnel,
    _by_encoding,
    _by_class,
    _by_reply,
    _by_http,
    _by_os_code,
    _by_sqlstate,
    _by_code,
)


def answered(status: int, *texts: str) -> Delivery:
    lost = status in http_causes.GATEWAY_STATUSES or (
        status >= 500 and any(map(http_causes.GATEWAY_LOST.search, texts))
    )
    return Delivery.UNKNOWN if lost else Delivery.ANSWERED


def normal(code: str | None) -> str:
    """``rate_limit_exceeded``, however it is written: ``rateLimitExceeded`` too."""
    words = _HUMP.sub("_", (code or "").strip())
    return words.lower().replace("-", "_").replace(" ", "_")
