"""Whom an app refuses: Odoo's key, all that Odoo asks now, or only what was asked."""

from .error.classification import Classification, classify
from .taxonomy import Delivery, ErrorType, Key

# Statuses that may be about who asks, and not about what is asked for: the key is not
# valid (401, 440 of IIS) or may not do it (403), the account is not paid for (402), a
# proxy or a network wants to know who it is (407, 511), the law forbids it (451).
ABOUT_US = frozenset({401, 402, 403, 407, 440, 451, 511})
SERVER_ERROR = 500
# An app that cannot answer now, or cannot do what was asked of it: some say so of one
# record, and not of themselves.
MAY_BE_BUSY = frozenset(
    {
        ErrorType.RATE_LIMIT_EXCEEDED,
        ErrorType.SERVICE_UNAVAILABLE,
    }
)
# Seconds after which the app is asked again where it is not known whom it refuses.
KEY_WAIT = 60


def doubts_key(failure: Classification) -> bool:
    """Whether an answer may say that the app does not accept the key. One that asks for
    patience does not."""
    return (
        failure.http_status in ABOUT_US
        and failure.type is not ErrorType.RATE_LIMIT_EXCEEDED
    )


def doubts_app(failure: Classification) -> bool:
    """Whether an answer says that the app is busy or broken: it may be so for all that
    is asked, or for one record."""
    return failure.type in MAY_BE_BUSY and failure.delivery is Delivery.ANSWERED


def key_after(error: Exception | None) -> Key:
    """What a call that was made to test the key says of it.

    :param error: what it raised; None: it was answered as usual
    """
    if error is None:
        return Key.GOOD
    failure = classify(error, sent=True)
    if doubts_key(failure):
        return Key.REFUSED
    # Whatever else it does not like, it has looked at what was asked.
    looked = (
        failure.delivery is Delivery.ANSWERED
        and failure.http_status is not None
        and failure.http_status < SERVER_ERROR
        and failure.type is not ErrorType.RATE_LIMIT_EXCEEDED
    )
    return Key.GOOD if looked else Key.UNKNOWN


def is_about_key(error: Exception) -> bool:
    """Whether a failure is one of the key's, or may be: no record has failed then."""
    return getattr(error, "of_key", None) in (Key.REFUSED, Key.UNKNOWN)
