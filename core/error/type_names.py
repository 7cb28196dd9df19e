"""What people call the types of failures, as sentences that are kept name them."""

from collections.abc import Mapping

from ..taxonomy import ErrorType
from ..texts import _lt

TYPE_NAMES: Mapping[ErrorType, str] = {
    ErrorType.NETWORK_TIMEOUT: _lt("Network timeout"),
    ErrorType.CONNECTION_REFUSED: _lt("Connection refused"),
    ErrorType.CONNECTION_RESET: _lt("Connection reset"),
    ErrorType.NAME_RESOLUTION_FAILED: _lt("Name resolution failed"),
    ErrorType.RATE_LIMIT_EXCEEDED: _lt("Rate limit exceeded"),
    ErrorType.SERVICE_UNAVAILABLE: _lt("Service unavailable"),
    ErrorType.TEMPORARY_SERVER_ERROR: _lt("Temporary server error"),
    ErrorType.OUTCOME_UNKNOWN: _lt("Outcome unknown"),
    ErrorType.AUTHENTICATION_FAILED: _lt("Authentication failed"),
    ErrorType.INVALID_CREDENTIALS: _lt("Invalid credentials"),
    ErrorType.INSUFFICIENT_PERMISSIONS: _lt("Insufficient permissions"),
    ErrorType.RESOURCE_NOT_FOUND: _lt("Resource not found"),
    ErrorType.DATA_VALIDATION_FAILED: _lt("Data validation failed"),
    ErrorType.BUSINESS_RULE_VIOLATION: _lt("Business rule violation"),
    ErrorType.INSUFFICIENT_STOCK: _lt("Insufficient stock"),
    ErrorType.DUPLICATE_ORDER: _lt("Duplicate order"),
    ErrorType.INVALID_SUPPLIER: _lt("Invalid supplier"),
    ErrorType.ORDER_ALREADY_PROCESSED: _lt("Order already processed"),
    ErrorType.VERSION_CONFLICT: _lt("Version conflict"),
    ErrorType.DATABASE_CONNECTION_FAILED: _lt("Database connection failed"),
    ErrorType.SERIALIZATION_FAILURE: _lt("Serialization failure"),
    ErrorType.CACHE_UNAVAILABLE: _lt("Cache unavailable"),
    ErrorType.MESSAGE_QUEUE_FAILED: _lt("Message queue failed"),
    ErrorType.CONFIGURATION_ERROR: _lt("Configuration error"),
    ErrorType.RESOURCE_EXHAUSTED: _lt("Resource exhausted"),
    ErrorType.DATA_CORRUPTED: _lt("Data corrupted"),
    ErrorType.SCHEMA_MISMATCH: _lt("Schema mismatch"),
    ErrorType.UNEXPECTED: _lt("Unexpected"),
}
