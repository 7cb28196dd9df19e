"""From an exception, or the answer to one item of a batch, to what it means.

Evidence is weighed in this order, the outermost exception first and then its causes:
the class, the HTTP status (made more exact by the body's code), the operating
system's code, the SQLSTATE, the body's code. Only an error without any of these is
judged by its message, and with little confidence: languages differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from . import causes, evidence
from .exceptions import SyncError
from .patterns import found
from .retry import parse_retry_after
from .taxonomy import TAXONOMY, Category, Delivery, ErrorType, Severity

# Confidence by kind of evidence, 0 (a guess) .. 1 (it was said in so many words).
SAID, CODED, AMBIGUOUS, GENERAL, GUESSED, UNKNOWN = 1.0, 0.95, 0.6, 0.7, 0.4, 0.2
_IN_A_CAUSE = 0.95  # times this when a cause said it, not the exception itself

_TRANSPORT = frozenset({ErrorType.NETWORK_TIMEOUT, ErrorType.CONNECTION_RESET})
# What may as well happen after the request left, for all that the type tells.
_UNSURE = _TRANSPORT | {
    ErrorType.OUTCOME_UNKNOWN,
    ErrorType.DATA_CORRUPTED,
    ErrorType.SCHEMA_MISMATCH,
    ErrorType.UNEXPECTED,
}


@dataclass(frozen=True)
class Classification:
    """What a failure means; see :class:`~.taxonomy.TypeInfo` for the flags.

    ``confidence`` is 0..1; ``code`` the body's code, else the SQLSTATE, else the
    operating system's code; ``retry_after`` the seconds the other side asked for.
    """

    type: ErrorType
    category: Category
    severity: Severity
    retryable: bool
    recoverable: bool
    requires_user_action: bool
    requires_admin_action: bool
    confidence: float
    suggested_action: str
    delivery: Delivery
    http_status: int | None
    code: str | None
    retry_after: float | None
    message: str
    counts_for_breaker: bool


@dataclass(frozen=True)
class Rule:
    """An administrator's own rule. It applies when every condition given holds; one
    without conditions never does. A pattern is a regular expression searched in the
    beginning of a message, whatever the case; one that :mod:`.patterns` does not
    accept never matches.
    """

    type: ErrorType
    status: int | None = None
    code: str | None = None
    pattern: str | None = None
    sequence: int = 10

    def matches(self, status: int | None, code: str | None, *messages: str) -> bool:
        conditions = []
        if self.status is not None:
            conditions.append(self.status == status)
        if self.code is not None:
            conditions.append(_normal(self.code) == _normal(code))
        if self.pattern is not None:
            conditions.append(any(found(self.pattern, message) for message in messages))
        return bool(conditions) and all(conditions)


@dataclass(frozen=True)
class _Finding:
    """What one piece of evidence says."""

    type: ErrorType
    confidence: float
    delivery: Delivery | None = None


def classify(
    exc: BaseException,
    *,
    sent: bool | None = None,
    idempotent: bool = True,
    rules: Sequence[Rule] = (),
    now: float | None = None,
) -> Classification:
    """Say what an exception means. Never raises.

    :param sent: whether the request had left when it failed; None if not known, then
        the exception itself may tell.
    :param idempotent: sending the request twice does no harm.
    :param rules: tried before everything else, by their sequence.
    :param now: POSIX seconds; only for a ``Retry-After`` that is a date without the
        answer's own ``Date``.
    """
    links = evidence.chain(exc)
    if evidence.not_sent(links):
        sent = False
    status = _first(map(evidence.http_status, links))
    code = _first(map(evidence.body_code, links))
    text = evidence.told(exc)
    # A rule may have been made from what people are told, or from a trace.
    said = {text, evidence.message(exc)}
    finding, decisive = _by_rule(rules, status, code, *said), exc
    if finding and status:
        finding = replace(finding, delivery=_answered(status))
    if not finding:
        finding, decisive = _by_evidence(links) or _last_resort(exc, links, text)
    if decisive is not exc:
        finding = replace(finding, confidence=finding.confidence * _IN_A_CAUSE)
    delivery = _delivery(finding, sent)
    result = _classification(
        _with_loss(finding, delivery, sent, idempotent),
        finding.confidence,
        delivery,
        status,
        code
        or _first(map(evidence.sqlstate, links))
        or _first(map(evidence.os_code, links))
        or _first(map(evidence.tls_reason, links)),
        _first(evidence.retry_after(link, now) for link in links),
        text,
    )
    for link in (decisive, exc):
        if isinstance(link, SyncError):
            result = replace(result, **link.overrides)
    return result


def classify_response(
    status: int,
    code: str | None = None,
    message: str = "",
    retry_after: str | float | None = None,
    *,
    field: str | None = None,
    missing: Mapping[str, ErrorType] = MappingProxyType({}),
    body_keys: Iterable[str] = (),
    rules: Sequence[Rule] = (),
) -> Classification:
    """Say what a failing answer means, such as that to one item of a batch.

    :param field: path of the field that the answer blames.
    :param missing: what it is when a field refers to what is not there, by the name of
        the field; ``resource_not_found`` for others.
    :param body_keys: other keys of the answer, such as ``existing_id``.
    """
    retry_after = parse_retry_after(retry_after)
    asked = retry_after is not None
    finding = _by_rule(rules, status, code, message) or _by_status(
        status, code, message, body_keys, asked
    )
    if finding.type is ErrorType.RESOURCE_NOT_FOUND and field in missing:
        finding = replace(finding, type=missing[field])
    delivery = _answered(status, message)
    return _classification(
        finding.type, finding.confidence, delivery, status, code, retry_after, message
    )


def _classification(
    error_type, confidence, delivery, status, code, retry_after, message
):
    info = TAXONOMY[error_type]
    return Classification(
        type=error_type,
        category=info.category,
        severity=info.severity,
        retryable=info.retryable,
        recoverable=info.recoverable,
        requires_user_action=info.requires_user_action,
        requires_admin_action=info.requires_admin_action,
        confidence=confidence,
        suggested_action=info.suggested_action,
        delivery=delivery,
        http_status=status,
        code=code,
        retry_after=retry_after,
        message=message,
        counts_for_breaker=info.counts_for_breaker,
    )


def _by_rule(rules, status, code, *messages) -> _Finding | None:
    for rule in sorted(rules, key=lambda rule: rule.sequence):
        if rule.matches(status, code, *messages):
            return _Finding(ErrorType(rule.type), SAID)
    return None


def _by_evidence(links):
    """The first link of the chain that has evidence of its own. A fault of our own
    program is never excused by what was being handled when it happened.
    """
    outermost = links[0]
    if type(outermost).__module__ == "builtins" and isinstance(
        outermost, causes.PROGRAMMING
    ):
        return _Finding(ErrorType.UNEXPECTED, CODED), outermost
    for link in links:
        for look in _EVIDENCE:
            if finding := look(link):
                return finding, link
    return None


def _last_resort(exc, links, text):
    for link in links:
        cause = _named(link)
        if cause:
            return _Finding(cause.type, GENERAL, cause.delivery), link
    if any(
        isinstance(link, causes.VAGUE_PROGRAMMING)
        for link in evidence.chain(exc, implicit=False)
    ):
        return _Finding(ErrorType.UNEXPECTED, GENERAL), exc
    for pattern, error_type in causes.PATTERNS:
        if pattern.search(text):
            return _Finding(error_type, GUESSED), exc
    return _Finding(ErrorType.UNEXPECTED, UNKNOWN), exc


def _named(link) -> causes.Cause | None:
    names = evidence.qualified_names(link)
    return next((causes.NAMES[name] for name in names if name in causes.NAMES), None)


def _by_class(link):
    if isinstance(link, SyncError) and link.error_type:
        return _Finding(link.error_type, SAID)
    cause = _named(link)
    if cause and not cause.general:
        return _Finding(cause.type, CODED, cause.delivery)
    return None


def _by_http(link):
    status = evidence.http_status(link)
    if status is None:
        return None
    body = evidence.read(link, "body")
    found = _by_status(
        status,
        evidence.body_code(link),
        evidence.message(link),
        body if isinstance(body, dict) else (),
        evidence.retry_after(link) is not None,
    )
    delivery = _answered(status, evidence.body_text(link), evidence.message(link))
    return replace(found, delivery=delivery)


def _by_status(status, code, message, body_keys, asked) -> _Finding:
    """The status decides; the body may only make it more exact.

    :param asked: whether the answer says when to come back
    """
    finding = _Finding(
        causes.STATUSES.get(status)
        or causes.STATUS_CLASSES.get(status // 100, ErrorType.UNEXPECTED),
        AMBIGUOUS if status in causes.AMBIGUOUS_STATUSES else CODED,
        _answered(status),
    )
    said = [causes.CODES.get(_normal(code))]
    if status in causes.AMBIGUOUS_STATUSES:
        said += [t for key, t in causes.BODY_KEYS.items() if key in body_keys]
        said += [t for pattern, t in causes.PATTERNS if pattern.search(message)]
    refined = causes.REFINABLE.get(status, frozenset())
    exact = next((t for t in said if t in refined), None)
    if exact:
        confidence = SAID if exact is said[0] else GENERAL
        finding = replace(finding, type=exact, confidence=confidence)
    if status in causes.LATER and asked:
        finding = replace(finding, type=ErrorType.RATE_LIMIT_EXCEEDED)
    return finding


def _by_os_code(link):
    cause = causes.OS_CODES.get(evidence.os_code(link))
    return cause and _Finding(cause.type, CODED, cause.delivery)


def _by_sqlstate(link):
    state = evidence.sqlstate(link) or ""
    error_type = causes.SQLSTATES.get(state) or causes.SQLSTATE_CLASSES.get(state[:2])
    return error_type and _Finding(error_type, CODED)


def _by_code(link):
    error_type = causes.CODES.get(_normal(evidence.body_code(link)))
    return error_type and _Finding(error_type, CODED)


def _by_tls(link):
    cause = causes.TLS_REASONS.get(evidence.tls_reason(link))
    return cause and _Finding(cause.type, CODED, cause.delivery)


def _by_encoding(link):
    """What a header cannot hold is a setting; any other text is data."""
    encoding = link.encoding if isinstance(link, UnicodeEncodeError) else None
    if encoding in causes.HEADER_ENCODINGS:
        return _Finding(ErrorType.CONFIGURATION_ERROR, CODED, Delivery.NOT_SENT)
    return None


def _by_reply(link):
    """What a mail server, or another Odoo, said in numbers or names."""
    if (reply := evidence.smtp_reply(link)) is not None:
        named = causes.SMTP_REPLIES.get(reply) or causes.SMTP_REPLIES[reply // 100]
        return _Finding(named, CODED, Delivery.ANSWERED)
    if named := causes.FAULTS.get(evidence.fault_code(link)):
        return _Finding(named, CODED, Delivery.ANSWERED)
    if cause := causes.NAMES.get(evidence.remote_class(link)):
        return _Finding(cause.type, CODED, Delivery.ANSWERED)
    return None


_EVIDENCE = (
    _by_tls,
    _by_encoding,
    _by_class,
    _by_reply,
    _by_http,
    _by_os_code,
    _by_sqlstate,
    _by_code,
)


def _answered(status: int, *told: str) -> Delivery:
    lost = status in causes.GATEWAY_STATUSES or (
        status >= 500 and any(map(causes.GATEWAY_LOST.search, told))
    )
    return Delivery.UNKNOWN if lost else Delivery.ANSWERED


def _delivery(finding: _Finding, sent: bool | None) -> Delivery:
    known = finding.delivery
    if known in (Delivery.NOT_SENT, Delivery.ANSWERED):
        return known
    if finding.type not in _TRANSPORT and known is Delivery.UNKNOWN:
        return known  # a gateway said so
    unsure = finding.type in _UNSURE if sent is None else sent
    return Delivery.UNKNOWN if unsure else Delivery.NOT_SENT


def _with_loss(finding, delivery, sent, idempotent) -> ErrorType:
    """An answer lost after sending is a type of its own; if nobody knows whether the
    request left, it is one where sending twice would do harm.
    """
    lost = sent or finding.delivery is Delivery.UNKNOWN or not idempotent
    if finding.type in _TRANSPORT and delivery is Delivery.UNKNOWN and lost:
        return ErrorType.OUTCOME_UNKNOWN
    return finding.type


def _first(values):
    return next((value for value in values if value is not None), None)


def _normal(code: str | None) -> str:
    return (code or "").strip().lower().replace("-", "_").replace(" ", "_")
