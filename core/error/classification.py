"""From an exception, or the answer to one item of a batch, to what it means.

Evidence is weighed in this order, the outermost exception first and then its causes:
the class, the HTTP status (made more exact by the body's code), the operating
system's code, the SQLSTATE, the body's code. Only an error without any of these is
judged by its message, and with little confidence: languages differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeVar

from ..check.patterns import found
from ..exceptions import HttpError, SyncError
from ..taxonomy import TAXONOMY, Category, Delivery, ErrorType, Severity
from ..texts import _lt
from . import evidence
from .findings import (
    SAID,
    Finding,
    answered,
    by_evidence,
    by_status,
    last_resort,
    normal,
)
from .retry_after import parse_retry_after

# What to do about a schema that changes beside this process.
CHANGING = _lt(
    "Nothing while an addon is installed or updated: it is tried again. Else update the"
    " addon whose column, table or function the database does not have."
)
_IN_A_CAUSE = 0.95  # times this when a cause said it, not the exception itself

_Value = TypeVar("_Value")
_TRANSPORT = frozenset({ErrorType.NETWORK_TIMEOUT, ErrorType.CONNECTION_RESET})
# What may as well happen after the request left, for all that the type says.
_UNSURE = _TRANSPORT | {
    ErrorType.OUTCOME_UNKNOWN,
    ErrorType.DATA_CORRUPTED,
    ErrorType.SCHEMA_MISMATCH,
    ErrorType.UNEXPECTED,
}


@dataclass(frozen=True)
class Classification:
    """What a failure means; see :class:`~..taxonomy.TypeInfo` for the flags.

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
    beginning of a message, whatever the case; one that :mod:`..check.patterns` does not
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
            conditions.append(normal(self.code) == normal(code))
        if self.pattern is not None:
            conditions.append(any(found(self.pattern, message) for message in messages))
        return bool(conditions) and all(conditions)


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
        the exception itself may say.
    :param idempotent: sending the request twice does no harm.
    :param rules: tried before everything else, by their sequence.
    :param now: POSIX seconds; only for a ``Retry-After`` that is a date without the
        answer's own ``Date``.
    """
    links = evidence.chain(exc)
    if evidence.not_sent(exc, links):
        sent = False
    status = _first(map(evidence.http_status, links))
    code = _first(map(evidence.body_code, links))
    text = evidence.words_for_people(exc)
    # A rule may have been made from the words for people, or from a trace.
    said = {text, evidence.message(exc)}
    finding, decisive = _by_rule(rules, status, code, *said), exc
    if finding and status:
        finding = replace(finding, delivery=answered(status))
    if not finding:
        finding, decisive = by_evidence(links) or last_resort(exc, links, text)
    if decisive is not exc:
        finding = replace(finding, confidence=finding.confidence * _IN_A_CAUSE)
    delivery = _delivery(finding, sent)
    result = _classification(
        _with_loss(finding, delivery, sent, idempotent),
        finding.confidence,
        delivery,
        status,
        code or _code_of_a_library(links),
        _first(evidence.retry_after(link, now) for link in links),
        text,
    )
    for link in (decisive, exc):
        if isinstance(link, SyncError):
            result = replace(result, **link.overrides)
    if finding.passing:
        return replace(result, retryable=True, suggested_action=CHANGING)
    of_one = isinstance(exc, HttpError) and exc.of_one
    return replace(result, counts_for_breaker=False) if of_one else result


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
    finding = _by_rule(rules, status, code, message) or by_status(
        status, code, message, body_keys, asked
    )
    if finding.type is ErrorType.RESOURCE_NOT_FOUND and (field or "") in missing:
        finding = replace(finding, type=missing[field or ""])
    delivery = answered(status, message)
    return _classification(
        finding.type, finding.confidence, delivery, status, code, retry_after, message
    )


def _classification(
    error_type: ErrorType,
    confidence: float,
    delivery: Delivery,
    status: int | None,
    code: str | None,
    retry_after: float | None,
    message: str,
) -> Classification:
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


def _code_of_a_library(links: Sequence[BaseException]) -> str | None:
    looks = (evidence.sqlstate, evidence.os_code, evidence.tls_reason)
    return _first(_first(map(look, links)) for look in looks)


def _by_rule(
    rules: Iterable[Rule], status: int | None, code: str | None, *messages: str
) -> Finding | None:
    for rule in sorted(rules, key=lambda rule: rule.sequence):
        if rule.matches(status, code, *messages):
            return Finding(ErrorType(rule.type), SAID)
    return None


def _delivery(finding: Finding, sent: bool | None) -> Delivery:
    known = finding.delivery
    if known in (Delivery.NOT_SENT, Delivery.ANSWERED):
        return known
    if finding.type not in _TRANSPORT and known is Delivery.UNKNOWN:
        return known  # a gateway said so
    unsure = finding.type in _UNSURE if sent is None else sent
    return Delivery.UNKNOWN if unsure else Delivery.NOT_SENT


def _with_loss(
    finding: Finding, delivery: Delivery, sent: bool | None, idempotent: bool
) -> ErrorType:
    """An answer lost after sending is a type of its own; if it is unknown whether
    the request left, it is one where sending twice would do harm.
    """
    lost = sent or finding.delivery is Delivery.UNKNOWN or not idempotent
    if finding.type in _TRANSPORT and delivery is Delivery.UNKNOWN and lost:
        return ErrorType.OUTCOME_UNKNOWN
    return finding.type


def _first(values: Iterable[_Value | None]) -> _Value | None:
    return next((value for value in values if value is not None), None)
