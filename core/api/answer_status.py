"""HTTP statuses of what failed, for the routes of our own."""

from ..taxonomy import TAXONOMY, ErrorType

_T = ErrorType
STATUSES = {
    _T.DATA_VALIDATION_FAILED: 422,
    _T.BUSINESS_RULE_VIOLATION: 422,
    _T.INVALID_SUPPLIER: 422,
    _T.INSUFFICIENT_STOCK: 409,
    _T.DUPLICATE_ORDER: 409,
    _T.ORDER_ALREADY_PROCESSED: 409,
    _T.VERSION_CONFLICT: 409,
    _T.RESOURCE_NOT_FOUND: 404,
    _T.AUTHENTICATION_FAILED: 401,
    _T.INVALID_CREDENTIALS: 401,
    _T.INSUFFICIENT_PERMISSIONS: 403,
    _T.RATE_LIMIT_EXCEEDED: 429,
    _T.RESOURCE_EXHAUSTED: 503,
}
# What failed in the HTTP of a request, before a method was reached.
TYPES = {
    401: _T.AUTHENTICATION_FAILED,
    403: _T.INSUFFICIENT_PERMISSIONS,
    404: _T.RESOURCE_NOT_FOUND,
    429: _T.RATE_LIMIT_EXCEEDED,
    500: _T.UNEXPECTED,
    503: _T.DATABASE_CONNECTION_FAILED,
}
# Seconds after which to come back, where nothing says it better.
RETRY_AFTER = 30


def status_of(error_type: str) -> int:
    """The status for a failure of a type: 503 for what may pass by itself."""
    kind = ErrorType(error_type)
    return STATUSES.get(kind, 503 if TAXONOMY[kind].retryable else 500)


def type_of(status: int) -> ErrorType:
    """The type of failure that a status stands for."""
    return TYPES.get(status, _T.DATA_VALIDATION_FAILED)
