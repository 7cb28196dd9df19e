"""What a program should do whose call has failed. What people should do stands in the
taxonomy: they have screens, which a program has not."""

from types import MappingProxyType

from ..taxonomy import ErrorType as T

LATER = (
    "Send the same request again later, with the same idempotency_key; not before"
    " Retry-After, if the answer says one."
)
KEPT = "Nothing to do: Odoo has kept the record and tries it again by itself."
ASK = (
    "Give the correlation_id to the people who run Odoo: the same request would fail"
    " again until they have put it right."
)
_BY_TYPE = MappingProxyType(
    {
        T.DATA_VALIDATION_FAILED: (
            "Correct what field and message name, and send it again with another"
            " idempotency_key."
        ),
        T.BUSINESS_RULE_VIOLATION: (
            "Read in message which rule of Odoo refused it, correct it, and send it"
            " again with another idempotency_key."
        ),
        T.INSUFFICIENT_STOCK: (
            "Lower the quantity, or choose another product or date, and send it again"
            " with another idempotency_key."
        ),
        T.INVALID_SUPPLIER: (
            "Push the supplier first, then send this again with another"
            " idempotency_key."
        ),
        T.RESOURCE_NOT_FOUND: (
            "Look whether the ids that you sent are right, and whether what they stand"
            " for was pushed and not deleted."
        ),
        T.DUPLICATE_ORDER: (
            "Odoo has it already, or another record with this value: look it up by"
            " status, and change it instead of creating it."
        ),
        T.ORDER_ALREADY_PROCESSED: (
            "The order can no longer change in Odoo: make the change on a new order."
        ),
        T.VERSION_CONFLICT: "Push the newest version of the record.",
        T.AUTHENTICATION_FAILED: (
            "Send the API key that a manager of Odoo has issued; ask for a new one if"
            " it has ended."
        ),
        T.INVALID_CREDENTIALS: (
            "Send the API key that a manager of Odoo has issued; ask for a new one if"
            " it has ended."
        ),
        T.INSUFFICIENT_PERMISSIONS: (
            "Ask a manager of Odoo to let the user of this API key do it."
        ),
        T.CONFIGURATION_ERROR: (
            "Read in message what is not set up in Odoo, or is paused, and ask a"
            " manager of Odoo to put it right; then send the same request again."
        ),
        T.SCHEMA_MISMATCH: (
            "Compare what you sent with the OpenAPI document that Odoo serves."
        ),
    }
)


def caller_advice(error_type: T, retryable: bool) -> str:
    """What the program that called should do.

    :param retryable: whether the same request may succeed later
    """
    return LATER if retryable else _BY_TYPE.get(error_type, ASK)
