"""What produces which type of failure: the tables behind ``classification``.

Sources: POSIX (error numbers), PostgreSQL appendix A (SQLSTATE). Classes of other
libraries are known by their dotted names. HTTP has its own file, :mod:`.http_causes`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..taxonomy import Delivery, ErrorType

T = ErrorType
NOT_SENT, UNKNOWN = Delivery.NOT_SENT, Delivery.UNKNOWN


@dataclass(frozen=True)
class Cause:
    """What a class of exceptions means.

    :param delivery: NOT_SENT if it can only happen before the request leaves, UNKNOWN
        if only after it; None if the class does not say.
    :param general: it wraps others: what it wraps decides, if that is known.
    """

    type: ErrorType
    delivery: Delivery | None = None
    general: bool = False


_REFUSED = Cause(T.CONNECTION_REFUSED, NOT_SENT)
_RESET = Cause(T.CONNECTION_RESET)
_CUT = Cause(T.CONNECTION_RESET, UNKNOWN)
_DNS = Cause(T.NAME_RESOLUTION_FAILED, NOT_SENT)
_CONNECT_TIMEOUT = Cause(T.NETWORK_TIMEOUT, NOT_SENT)
_READ_TIMEOUT = Cause(T.NETWORK_TIMEOUT, UNKNOWN)
_TIMEOUT = Cause(T.NETWORK_TIMEOUT, general=True)
_TLS = Cause(T.CONFIGURATION_ERROR, NOT_SENT)
_TLS_LATE = Cause(T.CONFIGURATION_ERROR, UNKNOWN)
_TLS_CUT = Cause(T.CONNECTION_RESET, general=True)
_SETTING = Cause(T.CONFIGURATION_ERROR, NOT_SENT)
_CORRUPT = Cause(T.DATA_CORRUPTED)
_CORRUPT_ANSWER = Cause(T.DATA_CORRUPTED, UNKNOWN)
_SERIALIZATION = Cause(T.SERIALIZATION_FAILURE)
_DATABASE = Cause(T.DATABASE_CONNECTION_FAILED, general=True)

NAMES: Mapping[str, Cause] = {
    "builtins.ConnectionRefusedError": _REFUSED,
    "builtins.ConnectionResetError": _RESET,
    "builtins.ConnectionAbortedError": _RESET,
    "builtins.BrokenPipeError": _RESET,
    "builtins.TimeoutError": _TIMEOUT,
    "builtins.MemoryError": Cause(T.RESOURCE_EXHAUSTED),
    "builtins.UnicodeDecodeError": _CORRUPT,
    "builtins.UnicodeEncodeError": Cause(T.DATA_VALIDATION_FAILED),
    "builtins.EOFError": _CORRUPT,  # compressed data that is cut off
    "socket.gaierror": _DNS,
    "socket.herror": _DNS,
    "ssl.SSLCertVerificationError": _TLS,
    "ssl.SSLError": _TLS_CUT,
    "http.client.RemoteDisconnected": _CUT,
    "http.client.IncompleteRead": _CUT,
    "json.decoder.JSONDecodeError": _CORRUPT,
    "zlib.error": _CORRUPT,
    "gzip.BadGzipFile": _CORRUPT,
    "configparser.Error": _SETTING,
    "smtplib.SMTPAuthenticationError": Cause(T.INVALID_CREDENTIALS, NOT_SENT),
    "smtplib.SMTPServerDisconnected": _RESET,
    "smtplib.SMTPNotSupportedError": _SETTING,
    "smtplib.SMTPException": Cause(T.SERVICE_UNAVAILABLE, general=True),
    "urllib3.exceptions.NewConnectionError": Cause(
        T.CONNECTION_REFUSED, NOT_SENT, general=True
    ),
    "urllib3.exceptions.ProxyError": Cause(
        T.CONNECTION_REFUSED, NOT_SENT, general=True
    ),
    "urllib3.exceptions.NameResolutionError": _DNS,
    "urllib3.exceptions.ConnectTimeoutError": _CONNECT_TIMEOUT,
    "urllib3.exceptions.ReadTimeoutError": _READ_TIMEOUT,
    "urllib3.exceptions.TimeoutError": _TIMEOUT,
    "urllib3.exceptions.IncompleteRead": _CUT,
    "urllib3.exceptions.InvalidChunkLength": _CUT,
    "urllib3.exceptions.DecodeError": _CORRUPT_ANSWER,
    "urllib3.exceptions.InvalidHeader": _CORRUPT_ANSWER,
    # Answers that asked to try again, until that was enough.
    "urllib3.exceptions.ResponseError": Cause(T.SERVICE_UNAVAILABLE, UNKNOWN),
    "urllib3.exceptions.SSLError": _TLS_CUT,
    "urllib3.exceptions.ProtocolError": Cause(T.CONNECTION_RESET, general=True),
    "urllib3.exceptions.LocationValueError": _SETTING,
    "requests.exceptions.ConnectTimeout": _CONNECT_TIMEOUT,
    "requests.exceptions.ReadTimeout": _READ_TIMEOUT,
    "requests.exceptions.Timeout": _TIMEOUT,
    "requests.exceptions.SSLError": _TLS_CUT,
    "requests.exceptions.ProxyError": Cause(
        T.CONNECTION_REFUSED, NOT_SENT, general=True
    ),
    "requests.exceptions.ConnectionError": Cause(T.CONNECTION_RESET, general=True),
    "requests.exceptions.ChunkedEncodingError": Cause(
        T.CONNECTION_RESET, UNKNOWN, general=True
    ),
    "requests.exceptions.ContentDecodingError": _CORRUPT_ANSWER,
    "requests.exceptions.JSONDecodeError": _CORRUPT_ANSWER,
    "requests.exceptions.RetryError": Cause(
        T.SERVICE_UNAVAILABLE, UNKNOWN, general=True
    ),
    # This one is of a request; that of an answer is the class above.
    "requests.exceptions.InvalidJSONError": Cause(T.DATA_VALIDATION_FAILED, NOT_SENT),
    "requests.exceptions.URLRequired": _SETTING,
    "requests.exceptions.MissingSchema": _SETTING,
    "requests.exceptions.InvalidSchema": _SETTING,
    "requests.exceptions.InvalidURL": _SETTING,
    # Of the request, unless it wraps what was wrong in an answer.
    "requests.exceptions.InvalidHeader": Cause(
        T.CONFIGURATION_ERROR, NOT_SENT, general=True
    ),
    "requests.exceptions.TooManyRedirects": _SETTING,
    "odoo.exceptions.AccessDenied": Cause(T.INVALID_CREDENTIALS),
    "odoo.exceptions.AccessError": Cause(T.INSUFFICIENT_PERMISSIONS),
    "odoo.exceptions.MissingError": Cause(T.RESOURCE_NOT_FOUND),
    "odoo.exceptions.ValidationError": Cause(T.DATA_VALIDATION_FAILED),
    "odoo.exceptions.LockError": _SERIALIZATION,
    "odoo.exceptions.ConcurrencyError": _SERIALIZATION,
    "odoo.http.SessionExpiredException": Cause(T.AUTHENTICATION_FAILED),
    "odoo.exceptions.RedirectWarning": Cause(T.CONFIGURATION_ERROR),
    "odoo.exceptions.UserError": Cause(T.BUSINESS_RULE_VIOLATION),
    "odoo.addons.queue_job.exception.BaseQueueJobError": Cause(
        T.MESSAGE_QUEUE_FAILED, general=True
    ),
    # psycopg2 gives the SQLSTATE only to errors that a server reported.
    "psycopg2.extensions.TransactionRollbackError": _SERIALIZATION,
    "psycopg2.errors.DeadlockDetected": _SERIALIZATION,
    "psycopg2.errors.LockNotAvailable": _SERIALIZATION,
    "psycopg2.errors.SerializationFailure": _SERIALIZATION,
    "psycopg2.errors.UniqueViolation": Cause(T.DUPLICATE_ORDER),
    "psycopg2.OperationalError": _DATABASE,
    "psycopg2.InterfaceError": _DATABASE,
    "psycopg2.pool.PoolError": Cause(T.DATABASE_CONNECTION_FAILED),
    "psycopg2.IntegrityError": Cause(T.DATA_VALIDATION_FAILED, general=True),
}

# Encodings of headers and host names: what they cannot hold is in a setting, such as a
# key, and nothing has left.
HEADER_ENCODINGS = frozenset({"ascii", "idna", "latin-1"})

# Reasons of OpenSSL that speak of what is set up on either side, and those that come
# when the connection stands (TLS 1.3 checks a client's certificate late). Any other
# reason is a connection that broke.
TLS_REASONS: Mapping[str, Cause] = {
    "CERTIFICATE_VERIFY_FAILED": _TLS,
    "DH_KEY_TOO_SMALL": _TLS,
    "EE_KEY_TOO_SMALL": _TLS,
    "CA_MD_TOO_WEAK": _TLS,
    "HTTPS_PROXY_REQUEST": _TLS,
    "HTTP_REQUEST": _TLS,
    "NO_CIPHERS_AVAILABLE": _TLS,
    "NO_PROTOCOLS_AVAILABLE": _TLS,
    "NO_SHARED_CIPHER": _TLS,
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": _TLS,
    "RECORD_LAYER_FAILURE": _TLS,
    "SSLV3_ALERT_BAD_CERTIFICATE": _TLS_LATE,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _TLS_LATE,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": _TLS_LATE,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _TLS_LATE,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _TLS,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _TLS_LATE,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _TLS_LATE,
    "TLSV1_ALERT_ACCESS_DENIED": _TLS_LATE,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": _TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TLS,
    "TLSV1_ALERT_UNKNOWN_CA": _TLS_LATE,
    "TLSV1_UNRECOGNIZED_NAME": _TLS,
    "UNKNOWN_PROTOCOL": _TLS,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": _TLS,
    "UNSUPPORTED_PROTOCOL": _TLS,
    "VERSION_TOO_LOW": _TLS,
    "WRONG_VERSION_NUMBER": _TLS,
}
# Replies of a mail server: whole codes, then their first digit.
SMTP_REPLIES: Mapping[int, ErrorType] = {
    421: T.SERVICE_UNAVAILABLE,
    501: T.DATA_VALIDATION_FAILED,
    530: T.INVALID_CREDENTIALS,
    534: T.INVALID_CREDENTIALS,
    535: T.INVALID_CREDENTIALS,
    538: T.INVALID_CREDENTIALS,
    550: T.DATA_VALIDATION_FAILED,
    551: T.DATA_VALIDATION_FAILED,
    553: T.DATA_VALIDATION_FAILED,
    4: T.TEMPORARY_SERVER_ERROR,
    5: T.CONFIGURATION_ERROR,
}
# Odoo's own numbers in the faults of its XML-RPC, the same in every language.
FAULTS: Mapping[int, ErrorType] = {
    1: T.UNEXPECTED,
    2: T.BUSINESS_RULE_VIOLATION,
    3: T.INVALID_CREDENTIALS,
    4: T.INSUFFICIENT_PERMISSIONS,
}

# Classes of calls that got no answer, or only a part of one, from the address that they
# keep in ``request``; and words for causes that have none of their own.
NO_ANSWER = frozenset(
    {
        "requests.exceptions.ConnectionError",
        "requests.exceptions.Timeout",
        "requests.exceptions.ChunkedEncodingError",
    }
)
WORDS: Mapping[str, str] = {
    "http.client.IncompleteRead": "it broke off",
    "urllib3.exceptions.InvalidChunkLength": "it broke off",
}
TLS_ASKED = "that port speaks https, not http"
TLS_WORDS: Mapping[str, str] = {
    "RECORD_LAYER_FAILURE": "that port speaks http, not https",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no encryption that both sides know, or it wants"
    " a certificate of ours",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks another version of TLS",
    "UNSUPPORTED_PROTOCOL": "it speaks another version of TLS",
    "WRONG_VERSION_NUMBER": "that port speaks http, not https",
}

# Faults of the program. VAGUE ones are also used to report other things.
PROGRAMMING = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    TypeError,
)
VAGUE_PROGRAMMING = (*PROGRAMMING, ValueError)

OS_CODES: Mapping[str, Cause] = {
    "ECONNREFUSED": _REFUSED,
    "EHOSTUNREACH": _REFUSED,
    "EHOSTDOWN": _REFUSED,
    "ENETUNREACH": _REFUSED,
    "ENETDOWN": _REFUSED,
    "EADDRNOTAVAIL": _REFUSED,
    "ECONNRESET": _RESET,
    "ECONNABORTED": _RESET,
    "ENETRESET": _RESET,
    "ENOTCONN": _RESET,
    "EPIPE": _RESET,
    "ESHUTDOWN": _RESET,
    "ETIMEDOUT": Cause(T.NETWORK_TIMEOUT),
    "ENOSPC": Cause(T.RESOURCE_EXHAUSTED),
    "EDQUOT": Cause(T.RESOURCE_EXHAUSTED),
    "EFBIG": Cause(T.RESOURCE_EXHAUSTED),
    "EIO": Cause(T.RESOURCE_EXHAUSTED),
    "EROFS": Cause(T.RESOURCE_EXHAUSTED),
    "ENOMEM": Cause(T.RESOURCE_EXHAUSTED),
    "EMFILE": Cause(T.RESOURCE_EXHAUSTED),
    "ENFILE": Cause(T.RESOURCE_EXHAUSTED),
    "ENOBUFS": Cause(T.RESOURCE_EXHAUSTED),
    "EACCES": Cause(T.INSUFFICIENT_PERMISSIONS),
    "EPERM": Cause(T.INSUFFICIENT_PERMISSIONS),
    "ENOENT": Cause(T.CONFIGURATION_ERROR),
}

# Whole states first, then their classes (the first two characters).
SQLSTATES: Mapping[str, ErrorType] = {
    "23505": T.DUPLICATE_ORDER,
    "25006": T.DATABASE_CONNECTION_FAILED,  # read only: a standby, for a while
    "25P03": T.DATABASE_CONNECTION_FAILED,  # closed while nothing was asked
    "25P04": T.DATABASE_CONNECTION_FAILED,
    "26000": T.CONFIGURATION_ERROR,  # a pooler that forgets prepared statements
    "3D000": T.CONFIGURATION_ERROR,
    "40001": T.SERIALIZATION_FAILURE,
    "40P01": T.SERIALIZATION_FAILURE,
    "55P03": T.SERIALIZATION_FAILURE,
    "42501": T.INSUFFICIENT_PERMISSIONS,
    "53300": T.DATABASE_CONNECTION_FAILED,  # too many connections, for a while
    "57014": T.DATABASE_CONNECTION_FAILED,
    "57P01": T.DATABASE_CONNECTION_FAILED,
    "57P02": T.DATABASE_CONNECTION_FAILED,
    "57P03": T.DATABASE_CONNECTION_FAILED,
    "57P05": T.DATABASE_CONNECTION_FAILED,
    "P0001": T.BUSINESS_RULE_VIOLATION,
    "XX001": T.DATA_CORRUPTED,
    "XX002": T.DATA_CORRUPTED,
}
SQLSTATE_CLASSES: Mapping[str, ErrorType] = {
    "08": T.DATABASE_CONNECTION_FAILED,
    "22": T.DATA_VALIDATION_FAILED,
    "23": T.DATA_VALIDATION_FAILED,
    "25": T.UNEXPECTED,
    "28": T.INVALID_CREDENTIALS,
    "40": T.SERIALIZATION_FAILURE,
    "42": T.UNEXPECTED,
    "53": T.RESOURCE_EXHAUSTED,
    "54": T.UNEXPECTED,
    "58": T.RESOURCE_EXHAUSTED,
    "F0": T.CONFIGURATION_ERROR,
}

# What a statement refers to is not there: a column, an object, a function, a table.
# That passes while an addon is installed or updated beside this process, which has the
# models of before, or of after; else it is a defect.
CHANGING_SCHEMA = frozenset({"42703", "42704", "42883", "42P01"})

CODES: Mapping[str, ErrorType] = {
    "unauthorized": T.AUTHENTICATION_FAILED,
    "authentication_failed": T.AUTHENTICATION_FAILED,
    "invalid_credentials": T.INVALID_CREDENTIALS,
    "invalid_api_key": T.INVALID_CREDENTIALS,
    "forbidden": T.INSUFFICIENT_PERMISSIONS,
    "insufficient_permissions": T.INSUFFICIENT_PERMISSIONS,
    "not_found": T.RESOURCE_NOT_FOUND,
    "gone": T.RESOURCE_NOT_FOUND,
    "unknown_reference": T.RESOURCE_NOT_FOUND,
    "invalid_supplier": T.INVALID_SUPPLIER,
    "unknown_supplier": T.INVALID_SUPPLIER,
    "validation_failed": T.DATA_VALIDATION_FAILED,
    "idempotency_key_reused": T.DATA_VALIDATION_FAILED,
    "business_rule": T.BUSINESS_RULE_VIOLATION,
    "insufficient_stock": T.INSUFFICIENT_STOCK,
    "duplicate": T.DUPLICATE_ORDER,
    "duplicate_order": T.DUPLICATE_ORDER,
    "order_already_processed": T.ORDER_ALREADY_PROCESSED,
    "version_conflict": T.VERSION_CONFLICT,
    "precondition_required": T.CONFIGURATION_ERROR,
    "rate_limited": T.RATE_LIMIT_EXCEEDED,
    "throttled": T.RATE_LIMIT_EXCEEDED,
    "too_many_requests": T.RATE_LIMIT_EXCEEDED,
    "unavailable": T.SERVICE_UNAVAILABLE,
    "internal": T.TEMPORARY_SERVER_ERROR,
    "schema_mismatch": T.SCHEMA_MISMATCH,
} | {error_type.value: error_type for error_type in T}

# The last resort, for errors without any code; the first that matches.
PATTERNS: tuple[tuple[re.Pattern[str], ErrorType], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), error_type)
    for pattern, error_type in (
        (r"too many requests|rate.?limit", T.RATE_LIMIT_EXCEEDED),
        (r"no space left|out of memory|too many open files", T.RESOURCE_EXHAUSTED),
        (r"could not serialize|deadlock", T.SERIALIZATION_FAILURE),
        (r"time[d]?.?out", T.NETWORK_TIMEOUT),
        (r"connection refused", T.CONNECTION_REFUSED),
        (r"connection (was )?(reset|aborted|closed)", T.CONNECTION_RESET),
        (
            r"name or service not known|name resolution|getaddrinfo",
            T.NAME_RESOLUTION_FAILED,
        ),
        (r"unauthori[sz]ed|not authenticated", T.AUTHENTICATION_FAILED),
        (
            r"(invalid|wrong|bad) (credential|password|api.?key|token)",
            T.INVALID_CREDENTIALS,
        ),
        (r"forbidden|permission|access denied", T.INSUFFICIENT_PERMISSIONS),
        (r"(insufficient|not enough) stock|out of stock", T.INSUFFICIENT_STOCK),
        (r"already (processed|received|billed)", T.ORDER_ALREADY_PROCESSED),
        (r"duplicate|already exist", T.DUPLICATE_ORDER),
        (r"(invalid|unknown) supplier", T.INVALID_SUPPLIER),
        (r"version conflict|stale version|modified meanwhile", T.VERSION_CONFLICT),
        (r"checksum|corrupt", T.DATA_CORRUPTED),
        (r"schema", T.SCHEMA_MISMATCH),
        (r"(service )?unavailable|maintenance", T.SERVICE_UNAVAILABLE),
        (r"not found|does not exist", T.RESOURCE_NOT_FOUND),
        (r"not configured|configuration|misconfigured", T.CONFIGURATION_ERROR),
        (r"invalid|is required|must be", T.DATA_VALIDATION_FAILED),
    )
)
