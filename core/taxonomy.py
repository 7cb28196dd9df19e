"""What kinds of failure there are, and what is known of each kind.

To add a kind of failure: one member of :class:`ErrorType`, one row of
:data:`TAXONOMY`, and one row in ``causes.py`` that says what produces it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from .texts import _lt


class TextEnum(str, Enum):
    """An enumeration whose members are, and print as, their text value."""

    __str__ = str.__str__


class Category(TextEnum):
    """Where a failure comes from."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    CONFIGURATION = "configuration"
    BUSINESS = "business"
    EXTERNAL_DEPENDENCY = "external_dependency"
    RESOURCE_EXHAUSTION = "resource_exhaustion"
    SECURITY = "security"
    DATA_CORRUPTION = "data_corruption"
    SYSTEM = "system"


class Severity(TextEnum):
    """How bad a failure is, from ``low`` to ``critical``."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Delivery(TextEnum):
    """What became of the request that failed."""

    NOT_SENT = "not_sent"  # it never left: sending it again is safe
    ANSWERED = "answered"  # the other side said what it did
    UNKNOWN = "unknown"  # the answer was lost: look before sending it again


class Key(TextEnum):
    """What another call with the same key says of it."""

    GOOD = "good"  # it is accepted: the refusal is of one record, or of one road
    REFUSED = "refused"
    UNKNOWN = "unknown"  # that call was not answered, or the app was busy


class ErrorType(TextEnum):
    """The kind of a failure: the key of :data:`TAXONOMY`."""

    NETWORK_TIMEOUT = "network_timeout"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    NAME_RESOLUTION_FAILED = "name_resolution_failed"
    RATE_LIMIT_EXCEEDED = "rate_limit_exceeded"
    SERVICE_UNAVAILABLE = "service_unavailable"
    TEMPORARY_SERVER_ERROR = "temporary_server_error"
    OUTCOME_UNKNOWN = "outcome_unknown"
    AUTHENTICATION_FAILED = "authentication_failed"
    INVALID_CREDENTIALS = "invalid_credentials"
    INSUFFICIENT_PERMISSIONS = "insufficient_permissions"
    RESOURCE_NOT_FOUND = "resource_not_found"
    DATA_VALIDATION_FAILED = "data_validation_failed"
    BUSINESS_RULE_VIOLATION = "business_rule_violation"
    INSUFFICIENT_STOCK = "insufficient_stock"
    # These name orders and suppliers since apps and their programs know them by these
    # names; rules treat them like any other type.
    DUPLICATE_ORDER = "duplicate_order"
    INVALID_SUPPLIER = "invalid_supplier"
    ORDER_ALREADY_PROCESSED = "order_already_processed"
    VERSION_CONFLICT = "version_conflict"
    DATABASE_CONNECTION_FAILED = "database_connection_failed"
    SERIALIZATION_FAILURE = "serialization_failure"
    CACHE_UNAVAILABLE = "cache_unavailable"
    MESSAGE_QUEUE_FAILED = "message_queue_failed"
    CONFIGURATION_ERROR = "configuration_error"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    DATA_CORRUPTED = "data_corrupted"
    SCHEMA_MISMATCH = "schema_mismatch"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True)
class TypeInfo:
    """What is known of every failure of one type.

    ``retryable``: the same request may succeed later without a person's help.
    ``recoverable``: work can go on without the answer (an older or local value
    serves a read). ``counts_for_breaker``: it speaks of the pharmacy app's health.
    """

    category: Category
    severity: Severity
    retryable: bool
    recoverable: bool
    requires_user_action: bool
    requires_admin_action: bool
    suggested_action: str
    counts_for_breaker: bool


def _flags(
    category: Category, severity: Severity, flags: str, suggested_action: str
) -> TypeInfo:
    """Read one row. Flags: r retryable, f recoverable (fall back), u user action,
    a administrator action, b counts for the breaker.
    """
    return TypeInfo(
        category,
        severity,
        retryable="r" in flags,
        recoverable="f" in flags,
        requires_user_action="u" in flags,
        requires_admin_action="a" in flags,
        suggested_action=suggested_action,
        counts_for_breaker="b" in flags,
    )


_C, _S, _T = Category, Severity, ErrorType

TAXONOMY: Mapping[ErrorType, TypeInfo] = MappingProxyType(
    {
        _T.NETWORK_TIMEOUT: _flags(
            _C.TRANSIENT,
            _S.MEDIUM,
            "rfb",
            _lt(
                "Nothing to do: it is tried again. If it persists, check the network"
                " and the load of the pharmacy app."
            ),
        ),
        _T.CONNECTION_REFUSED: _flags(
            _C.TRANSIENT,
            _S.MEDIUM,
            "rfb",
            _lt(
                "Nothing to do: it is tried again. If it persists, check that the"
                " pharmacy app runs at the backend's address."
            ),
        ),
        _T.CONNECTION_RESET: _flags(
            _C.TRANSIENT,
            _S.MEDIUM,
            "rfb",
            _lt(
                "Nothing to do: it is tried again. If it persists, look for a proxy or"
                " firewall that cuts connections."
            ),
        ),
        _T.NAME_RESOLUTION_FAILED: _flags(
            _C.TRANSIENT,
            _S.MEDIUM,
            "rfb",
            _lt(
                "Nothing to do: it is tried again. If it persists, check the host name"
                " of the backend and the DNS."
            ),
        ),
        _T.RATE_LIMIT_EXCEEDED: _flags(
            _C.TRANSIENT,
            _S.LOW,
            "rfb",
            _lt("Nothing to do: it is tried again when the pharmacy app allows it."),
        ),
        _T.SERVICE_UNAVAILABLE: _flags(
            _C.EXTERNAL_DEPENDENCY,
            _S.MEDIUM,
            "rfb",
            _lt(
                "Nothing to do: it is tried again. If it persists, ask whether the"
                " pharmacy app is under maintenance."
            ),
        ),
        _T.TEMPORARY_SERVER_ERROR: _flags(
            _C.EXTERNAL_DEPENDENCY,
            _S.MEDIUM,
            "rfb",
            _lt(
                "Nothing to do: it is tried again. If it persists, give the correlation"
                " id to whoever runs the pharmacy app."
            ),
        ),
        _T.OUTCOME_UNKNOWN: _flags(
            _C.TRANSIENT,
            _S.MEDIUM,
            "rfb",
            _lt(
                "The answer was lost: the record is looked up by its external key"
                " before it is sent again."
            ),
        ),
        _T.AUTHENTICATION_FAILED: _flags(
            _C.SECURITY,
            _S.HIGH,
            "a",
            _lt("Renew the backend's API key, test the connection, then retry."),
        ),
        _T.INVALID_CREDENTIALS: _flags(
            _C.SECURITY,
            _S.HIGH,
            "a",
            _lt("Correct the user, password or key that was refused, then retry."),
        ),
        _T.INSUFFICIENT_PERMISSIONS: _flags(
            _C.SECURITY,
            _S.HIGH,
            "a",
            _lt("Grant the missing permission to the user or API key, then retry."),
        ),
        _T.RESOURCE_NOT_FOUND: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt(
                "Check whether the record still exists on the other side; restore it or"
                " discard this operation."
            ),
        ),
        _T.DATA_VALIDATION_FAILED: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt("Correct the named field on the record, or with Edit, then retry."),
        ),
        _T.BUSINESS_RULE_VIOLATION: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt("Read which rule refused the change, correct the record, then retry."),
        ),
        _T.INSUFFICIENT_STOCK: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt("Lower the quantity or choose another product or date, then retry."),
        ),
        _T.DUPLICATE_ORDER: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt(
                "Link the record to the one that already exists instead of creating it."
            ),
        ),
        _T.INVALID_SUPPLIER: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt("Synchronise or map the supplier first, then retry."),
        ),
        _T.ORDER_ALREADY_PROCESSED: _flags(
            _C.BUSINESS,
            _S.MEDIUM,
            "u",
            _lt(
                "The order can no longer change: make the change on a new order, or"
                " discard this operation."
            ),
        ),
        _T.VERSION_CONFLICT: _flags(
            _C.BUSINESS,
            _S.LOW,
            "r",
            _lt(
                "Nothing to do: the newer version is fetched and merged, then tried"
                " again."
            ),
        ),
        _T.DATABASE_CONNECTION_FAILED: _flags(
            _C.EXTERNAL_DEPENDENCY,
            _S.HIGH,
            "rfa",
            _lt("Check that PostgreSQL runs and has connections to spare."),
        ),
        _T.SERIALIZATION_FAILURE: _flags(
            _C.TRANSIENT,
            _S.LOW,
            "r",
            _lt("Nothing to do: another transaction was first, it is tried again."),
        ),
        _T.CACHE_UNAVAILABLE: _flags(
            _C.TRANSIENT,
            _S.LOW,
            "rf",
            _lt("Nothing to do: the value is read without the cache."),
        ),
        _T.MESSAGE_QUEUE_FAILED: _flags(
            _C.EXTERNAL_DEPENDENCY,
            _S.HIGH,
            "ra",
            _lt("Check that the job runner is alive and its channels are configured."),
        ),
        _T.CONFIGURATION_ERROR: _flags(
            _C.CONFIGURATION,
            _S.HIGH,
            "a",
            _lt(
                "Correct the named setting (address, certificate, option), then retry."
            ),
        ),
        _T.RESOURCE_EXHAUSTED: _flags(
            _C.RESOURCE_EXHAUSTION,
            _S.CRITICAL,
            "fa",
            _lt("Free disk space, memory or file handles on the server, then retry."),
        ),
        _T.DATA_CORRUPTED: _flags(
            _C.DATA_CORRUPTION,
            _S.CRITICAL,
            "a",
            _lt(
                "Inspect the raw answer, which the error's context keeps; have it sent"
                " again once its source is mended."
            ),
        ),
        _T.SCHEMA_MISMATCH: _flags(
            _C.DATA_CORRUPTION,
            _S.CRITICAL,
            "a",
            _lt(
                "Compare the versions of both sides: one speaks a format that the other"
                " does not know."
            ),
        ),
        _T.UNEXPECTED: _flags(
            _C.SYSTEM,
            _S.HIGH,
            "a",
            _lt("Give the correlation id and the stack trace to the developers."),
        ),
    }
)
