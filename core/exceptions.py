"""The failures this project raises itself, under one :class:`SyncError`.

A class names its :class:`~.taxonomy.ErrorType`; ``overrides`` are the fields of the
classification in which it differs from the taxonomy's row of that type.
"""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from .storable import storable_text
from .taxonomy import Category, Delivery, ErrorType, Key, Severity
from .texts import _lt

# Characters of a message: it may quote what another program said.
LONGEST_MESSAGE = 2_000


class SyncError(Exception):
    """Any failure of synchronisation. What it says can be kept, whatever it quotes.

    :param message: for the operator; no secrets.
    :param error_type: overrides the type of the class. A plain ``SyncError`` without
        one has no opinion: its cause decides.
    :param field: path of the field that is wrong, such as ``lines[2].quantity``.
    :param record: what the failure is about, such as ``purchase_order/po_1``.
    :param retry_after: seconds the other side asks to wait.
    """

    error_type: ErrorType | None = None
    overrides: ClassVar[Mapping[str, Any]] = {}

    def __init__(
        self,
        message: str = "",
        *,
        error_type: ErrorType | None = None,
        field: str | None = None,
        record: str | None = None,
        correlation_id: str | None = None,
        retry_after: float | None = None,
    ):
        message = _kept(message)
        super().__init__(message)
        self.message = message
        if error_type is not None:
            self.error_type = ErrorType(error_type)
        self.field = field and _kept(field)
        self.record = record and _kept(record)
        self.correlation_id = correlation_id
        self.retry_after = retry_after


def _kept(said: object) -> str:
    return storable_text(str(said), LONGEST_MESSAGE)


class ApiTimeoutError(SyncError):
    """No answer in time, or no pool slot in time."""

    error_type = ErrorType.NETWORK_TIMEOUT


class CacheConnectionError(SyncError):
    """The cache cannot be read or written."""

    error_type = ErrorType.CACHE_UNAVAILABLE


class InvalidDataError(SyncError):
    """A record or a value that is not acceptable; ``field`` says where."""

    error_type = ErrorType.DATA_VALIDATION_FAILED


class AmbiguousError(InvalidDataError):
    """A name or number that several records of Odoo go by: which one is meant is for a
    person to say.

    :param field: where it was said
    :param model: the Odoo model of the records
    :param candidates: their ids
    """

    overrides: ClassVar = {
        "suggested_action": _lt(
            "Several records of Odoo go by this name or number. Give each its own, or "
            "link the record by hand, then try again."
        ),
    }

    def __init__(
        self,
        message: str = "",
        *,
        model: str = "",
        candidates: Collection[int] = (),
        **details: Any,
    ):
        super().__init__(message, **details)
        self.model = model
        self.candidates = tuple(candidates)


class SchemaMismatchError(SyncError):
    """An answer that does not have the agreed shape."""

    error_type = ErrorType.SCHEMA_MISMATCH


class DataCorruptedError(SyncError):
    """Bytes that are not what was sent: a checksum or a syntax is wrong. ``raw`` is the
    beginning of them, for the record of the error."""

    error_type = ErrorType.DATA_CORRUPTED

    def __init__(self, message: str = "", *, raw: str | None = None, **details: Any):
        super().__init__(message, **details)
        self.raw = raw


class AnswerTooLargeError(DataCorruptedError):
    """An answer that is longer than is read; the rest of it was not."""

    overrides: ClassVar = {
        "suggested_action": _lt(
            "Have the app answer with fewer records at once, or raise the limit of "
            "answers on the backend."
        ),
    }


class ConfigurationError(SyncError):
    """A setting that is missing or impossible."""

    error_type = ErrorType.CONFIGURATION_ERROR


class SecretSealedError(ConfigurationError):
    """A secret that is kept encrypted cannot be read with the keys that there are."""

    overrides: ClassVar = {
        "delivery": Delivery.NOT_SENT,
        "suggested_action": _lt(
            "Put the encryption key back into the configuration of Odoo's server, or "
            "enter the secret anew on the backend, then resume it."
        ),
    }


class InternalAddressError(ConfigurationError):
    """A host has an address inside of the network, which its backend does not allow.
    Nothing was connected to."""

    overrides: ClassVar = {
        "delivery": Delivery.NOT_SENT,
        "suggested_action": _lt(
            "If the app is in your own network, have an administrator allow internal "
            "addresses on the backend. If not, correct its address."
        ),
    }


class SignatureError(SyncError):
    """A signed message that must not be believed; ``reason`` is a word for the log."""

    error_type = ErrorType.AUTHENTICATION_FAILED

    def __init__(self, message: str, *, reason: str, **details: Any):
        super().__init__(message, **details)
        self.reason = reason


class MaxRetriesExceededError(SyncError):
    """The attempts are used up; ``last_error`` is what the last of them met."""

    overrides: ClassVar = {"retryable": False}

    def __init__(
        self,
        message: str = "",
        *,
        last_error: BaseException | None = None,
        **details: Any,
    ):
        super().__init__(message, **details)
        self.last_error = last_error


class CircuitBreakerOpenError(SyncError):
    """The call was not made because the breaker is open."""

    error_type = ErrorType.SERVICE_UNAVAILABLE
    overrides: ClassVar = {
        "delivery": Delivery.NOT_SENT,
        "counts_for_breaker": False,
    }


class ResourcePoolFullError(SyncError):
    """The pool and its queue are full: come back later."""

    error_type = ErrorType.RESOURCE_EXHAUSTED
    overrides: ClassVar = {
        "severity": Severity.MEDIUM,
        "retryable": True,
        "requires_admin_action": False,
        "delivery": Delivery.NOT_SENT,
        "suggested_action": _lt(
            "Nothing to do: it is tried again when the pool has room."
        ),
    }


class NotNowError(SyncError):
    """A request of the app was refused before it was looked at: it may come back."""

    error_type = ErrorType.SERVICE_UNAVAILABLE
    overrides: ClassVar = {
        "severity": Severity.LOW,
        "counts_for_breaker": False,
        "suggested_action": _lt("Send the same request again later."),
    }


class DeadlineExceededError(SyncError):
    """The time given to the work is used up."""

    error_type = ErrorType.NETWORK_TIMEOUT


class OperationCancelledError(SyncError):
    """The work was cancelled; it stopped at a safe point."""

    error_type = ErrorType.BUSINESS_RULE_VIOLATION
    overrides: ClassVar = {
        "category": Category.PERMANENT,
        "severity": Severity.LOW,
        "suggested_action": _lt("Nothing to do: a person cancelled it."),
    }


class ConflictError(SyncError):
    """Both sides changed the record: fetch, merge, try again."""

    error_type = ErrorType.VERSION_CONFLICT


class OutcomeUnknownError(SyncError):
    """The request left and its answer was lost: look it up before sending again."""

    error_type = ErrorType.OUTCOME_UNKNOWN
    overrides: ClassVar = {"delivery": Delivery.UNKNOWN}


class WorkerDiedError(SyncError):
    """The worker that did the work was killed, or ended its process, again and again
    over this one record."""

    error_type = ErrorType.RESOURCE_EXHAUSTED
    overrides: ClassVar = {
        "delivery": Delivery.NOT_SENT,
        "suggested_action": _lt(
            "See in the server's log and its limits of time and memory why the worker"
            " died. Mend the record or the code that reads it, then retry."
        ),
    }


class SuspectedError(SyncError):
    """A worker died while it had this record in hand, among others maybe: until it is
    known whether the record was the cause, work on it runs alone."""

    error_type = ErrorType.RESOURCE_EXHAUSTED
    overrides: ClassVar = {
        "severity": Severity.LOW,
        "retryable": True,
        "requires_admin_action": False,
        "delivery": Delivery.NOT_SENT,
        "suggested_action": _lt("Nothing to do: it is tried again alone."),
    }


class DependencyMissingError(SyncError):
    """The record refers to one that is not synchronised yet; it may come later.

    :param entity: its entity's name, such as ``product``.
    :param external_id: its id at the pharmacy, or the reference that was given.
    """

    error_type = ErrorType.RESOURCE_NOT_FOUND
    overrides: ClassVar = {"retryable": True}

    def __init__(
        self, entity: str, external_id: str, message: str = "", **details: Any
    ):
        super().__init__(
            message or f"The {entity} {external_id} is not known yet.", **details
        )
        self.entity = entity
        self.external_id = external_id


class HeldValueError(InvalidDataError):
    """Another record, ``holder`` by name, has the value of which there may be only one.

    :param external_id: the holder's id at the pharmacy, if it has one
    """

    overrides: ClassVar = {
        "suggested_action": _lt("Give one of the two another value, then retry.")
    }

    def __init__(
        self, field: str, value: str, holder: str, external_id: str | None = None
    ):
        known_as = f" ({external_id})" if external_id else ""
        super().__init__(f"{field}: {holder}{known_as} has {value}.", field=field)
        self.external_id = external_id


class AwaitedValueError(HeldValueError):
    """The record that has the value is the pharmacy's as well, and may give it up by a
    change that has not come yet."""

    overrides: ClassVar = {
        "retryable": True,
        "suggested_action": _lt(
            "Nothing to do if the other record is about to get another value; else "
            "give one of the two another one."
        ),
    }


AWAITED = (DependencyMissingError, AwaitedValueError)
"""What another record, which may come yet, puts right."""


class HttpError(SyncError):
    """An HTTP answer that says the request failed. Its type follows from status
    and code.

    :param status: HTTP status, 100..599.
    :param code: machine-readable code of the body, such as ``version_conflict``.
    :param headers: of the answer; ``Retry-After`` and ``Date`` are read.
    :param body: the decoded JSON body.
    :ivar of_key: what a call made to test the key said, a :class:`~.taxonomy.Key`
    """

    of_key: Key | None = None
    of_one: bool = False  # the app took another call after it: it is fine itself

    def __init__(
        self,
        status: int,
        code: str | None = None,
        message: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **details: Any,
    ):
        super().__init__(message or f"HTTP {status} {code or ''}".rstrip(), **details)
        self.status = status
        self.code = code
        self.headers = headers or {}
        self.body = body


class RateLimitError(HttpError):
    """The app asks to slow down; ``retry_after`` in seconds if it said for how long."""

    error_type = ErrorType.RATE_LIMIT_EXCEEDED
    overrides: ClassVar = {"delivery": Delivery.ANSWERED}

    def __init__(self, message: str = "", *, status: int = 429, **details: Any):
        super().__init__(status, message=message, **details)


class DuplicateOrderError(HttpError):
    """The record exists already; ``existing_id`` names it if known."""

    error_type = ErrorType.DUPLICATE_ORDER

    def __init__(
        self,
        message: str = "",
        *,
        status: int = 409,
        existing_id: str | None = None,
        **details: Any,
    ):
        super().__init__(status, message=message, **details)
        self.existing_id = existing_id


NOT_MADE = (CircuitBreakerOpenError, ResourcePoolFullError)
"""The call was not made: that is no failure of the record, and no attempt."""
