"""What an HTTP status means, and what the answer's body may add to it.

Sources: RFC 9110 and RFC 6585, and the papers of nginx, AWS, Cloudflare and Envoy for
the statuses of their own.
"""

import re
from collections.abc import Mapping

from ..taxonomy import ErrorType

T = ErrorType

STATUSES: Mapping[int, ErrorType] = {
    400: T.DATA_VALIDATION_FAILED,
    401: T.AUTHENTICATION_FAILED,
    402: T.BUSINESS_RULE_VIOLATION,
    403: T.INSUFFICIENT_PERMISSIONS,
    404: T.RESOURCE_NOT_FOUND,
    405: T.CONFIGURATION_ERROR,
    406: T.CONFIGURATION_ERROR,
    407: T.CONFIGURATION_ERROR,
    408: T.NETWORK_TIMEOUT,
    409: T.VERSION_CONFLICT,
    410: T.RESOURCE_NOT_FOUND,
    412: T.VERSION_CONFLICT,
    415: T.CONFIGURATION_ERROR,
    421: T.CONFIGURATION_ERROR,
    422: T.DATA_VALIDATION_FAILED,
    423: T.BUSINESS_RULE_VIOLATION,
    424: T.BUSINESS_RULE_VIOLATION,
    425: T.TEMPORARY_SERVER_ERROR,
    426: T.CONFIGURATION_ERROR,
    428: T.CONFIGURATION_ERROR,
    429: T.RATE_LIMIT_EXCEEDED,
    431: T.CONFIGURATION_ERROR,
    440: T.AUTHENTICATION_FAILED,  # IIS: the session is over
    451: T.INSUFFICIENT_PERMISSIONS,
    460: T.SERVICE_UNAVAILABLE,  # AWS: the asking side closed
    494: T.CONFIGURATION_ERROR,  # nginx: the header is too large
    495: T.CONFIGURATION_ERROR,  # nginx: our certificate
    496: T.CONFIGURATION_ERROR,  # nginx: no certificate of ours
    497: T.CONFIGURATION_ERROR,  # nginx: http to an https port
    499: T.SERVICE_UNAVAILABLE,  # nginx: the asking side closed
    500: T.TEMPORARY_SERVER_ERROR,
    501: T.CONFIGURATION_ERROR,
    502: T.SERVICE_UNAVAILABLE,
    503: T.SERVICE_UNAVAILABLE,
    504: T.SERVICE_UNAVAILABLE,
    505: T.CONFIGURATION_ERROR,
    511: T.CONFIGURATION_ERROR,
    **dict.fromkeys((520, 521, 522, 523, 524, 527, 530), T.SERVICE_UNAVAILABLE),
    525: T.CONFIGURATION_ERROR,  # Cloudflare: TLS to the app
    526: T.CONFIGURATION_ERROR,
    529: T.SERVICE_UNAVAILABLE,
    598: T.SERVICE_UNAVAILABLE,
    599: T.SERVICE_UNAVAILABLE,
}
STATUS_CLASSES: Mapping[int, ErrorType] = {
    3: T.CONFIGURATION_ERROR,
    4: T.DATA_VALIDATION_FAILED,
    5: T.TEMPORARY_SERVER_ERROR,
}
# A gateway that lost the app's answer, or did not wait for it: the app may have done
# what was asked. nginx, AWS, Cloudflare, and proxies that time out.
GATEWAY_STATUSES = frozenset({460, 499, 502, 504, 520, 522, 524, 527, 598, 599})
# What gateways say of it under any other status: Envoy, nginx, Kong, Apache, Varnish,
# Fastly, Heroku.
GATEWAY_LOST = re.compile(
    r"(?:disconnect/)?reset before headers|upstream (?:connect error|request timeout"
    r"|prematurely closed|timed out)|before (?:response headers|headers were) received"
    r"|invalid response (?:was received )?from (?:an|the) upstream|backend fetch failed"
    r"|(?:first byte|between bytes) timeout|backend read error"
    r"|herokucdn\.com/error-pages",
    re.IGNORECASE,
)
# What a server says to a request without encryption at a port for https: nginx, Apache,
# Go. That is no fault of the data, for all that its status says.
SPEAKS_TLS = re.compile(
    r"plain HTTP (?:request was sent )?to (?:an )?(?:HTTPS|SSL|TLS)|HTTP request to an"
    r" HTTPS server",
    re.IGNORECASE,
)

# Within which types the body may say it more exactly than the status.
_REFUSALS = frozenset(
    {
        T.BUSINESS_RULE_VIOLATION,
        T.INSUFFICIENT_STOCK,
        T.DUPLICATE_ORDER,
        T.INVALID_SUPPLIER,
        T.ORDER_ALREADY_PROCESSED,
        T.RESOURCE_NOT_FOUND,
    }
)
REFINABLE: Mapping[int, frozenset[ErrorType]] = {
    400: _REFUSALS | {T.RATE_LIMIT_EXCEEDED},
    401: frozenset({T.INVALID_CREDENTIALS}),
    403: frozenset({T.RATE_LIMIT_EXCEEDED}),
    404: frozenset({T.INVALID_SUPPLIER}),
    409: _REFUSALS | {T.VERSION_CONFLICT},
    410: frozenset({T.INVALID_SUPPLIER}),
    422: _REFUSALS,
}
# Statuses that ask for patience if they say how long.
LATER = frozenset({403})
# Statuses that mean nothing without their body.
AMBIGUOUS_STATUSES = frozenset({409})
BODY_KEYS: Mapping[str, ErrorType] = {
    "existing_id": T.DUPLICATE_ORDER,
    "current": T.VERSION_CONFLICT,
}
