"""Every refusal of the API: one exception, one JSON form, one table of codes."""

import contextvars
import json
from enum import Enum

correlation_id = contextvars.ContextVar("correlation_id", default="")


class Code(str, Enum):
    """What went wrong, for programs."""

    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    DUPLICATE = "duplicate"
    INSUFFICIENT_STOCK = "insufficient_stock"
    GONE = "gone"
    VERSION_CONFLICT = "version_conflict"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    VALIDATION_FAILED = "validation_failed"
    UNKNOWN_REFERENCE = "unknown_reference"
    BUSINESS_RULE = "business_rule"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    PRECONDITION_REQUIRED = "precondition_required"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"

    __str__ = str.__str__


STATUS = {
    Code.UNAUTHORIZED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.DUPLICATE: 409,
    Code.INSUFFICIENT_STOCK: 409,
    Code.GONE: 410,
    Code.VERSION_CONFLICT: 412,
    Code.PAYLOAD_TOO_LARGE: 413,
    Code.VALIDATION_FAILED: 422,
    Code.UNKNOWN_REFERENCE: 422,
    Code.BUSINESS_RULE: 422,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.PRECONDITION_REQUIRED: 428,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
}

CODE_OF_STATUS = {status: code for code, status in reversed(STATUS.items())}


class ApiError(Exception):
    """A request that is refused.

    :param code: a :class:`Code`; it decides the HTTP status
    :param field: path of the offending value, such as ``lines[0].product_id``
    :param current: the record as it is now (version conflicts, tombstones)
    :param existing_id: id of the record that is already there (duplicates)
    """

    def __init__(self, code, message, field=None, current=None, existing_id=None):
        super().__init__(message)
        self.code = code
        self.status = STATUS[code]
        self.message = message
        self.field = field
        self.current = current
        self.existing_id = existing_id

    def error(self, correlation=None):
        """The ``error`` object of an answer or of a batch item's result."""
        return {
            "code": self.code.value,
            "message": self.message,
            "field": self.field,
            "correlation_id": correlation or correlation_id.get(),
        }

    def body(self):
        """The whole JSON body of an answer."""
        body = {"error": self.error()}
        if self.current is not None:
            body["current"] = self.current
        if self.existing_id is not None:
            body["existing_id"] = self.existing_id
        return body

    def result(self, correlation):
        """The part of a batch item's result that describes the refusal."""
        return {
            "status": self.status,
            "error": self.error(correlation),
            "current": self.current,
            "existing_id": self.existing_id,
        }


def field_path(location):
    """``("lines", 0, "product_id")`` as ``lines[0].product_id``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.removeprefix(".") or None


def first_invalid(errors, skip=0):
    """The :class:`ApiError` of the first of pydantic's errors.

    :param skip: how many leading parts of the location are not the caller's
    """
    error = errors[0]
    return ApiError(
        Code.VALIDATION_FAILED,
        error["msg"].removeprefix("Value error, "),
        field_path(error["loc"][skip:]),
    )


def to_json(value):
    """Compact ASCII JSON as bytes; any text that Python holds can be sent."""
    return json.dumps(value, separators=(",", ":")).encode()
