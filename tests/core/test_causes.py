"""Every type of failure is produced by a real cause: real sockets, a real PostgreSQL,
real exceptions of real libraries.
"""

import errno
import gzip
import json
import smtplib
import socket
import ssl
import xmlrpc.client
import zlib

import pytest
import requests
import urllib3
from broken_servers import (
    answering,
    closing,
    raised,
    refused,
    resetting,
    server,
    silent,
    tls_server,
    truncating,
)
from psycopg2 import connect

from odoo import exceptions as odoo_exceptions
from odoo.sql_db import db_connect

from odoo.addons.pharmacy_sync.core import exceptions as ours
from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.taxonomy import (
    TAXONOMY,
    Category,
    Delivery,
    ErrorType,
)
from odoo.addons.queue_job.exception import NoSuchJobError

T = ErrorType


def get(answer, **options):
    """What requests raises for a server that answers so."""
    with server(answer) as url:
        response = requests.get(url, timeout=options.pop("timeout", 5), **options)
        response.raise_for_status()
        response.json()


def sql(statement):
    def run():
        # A cursor of psycopg2 itself: Odoo's logs the error that is wanted here.
        with db_connect("postgres").cursor() as cursor:
            cursor._obj.execute(statement)

    return run


def sqlstate(state):
    return sql(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")


def throw(error):
    def run():
        raise error

    return run


def unsent(error_type):
    """Without a word about it: these types may as well come after sending."""
    after = (T.DATA_CORRUPTED, T.SCHEMA_MISMATCH, T.UNEXPECTED)
    return Delivery.UNKNOWN if error_type in after else Delivery.NOT_SENT


def full_disk():
    with open("/dev/full", "w") as full:
        full.write("x")


CAUSES = {
    "refused": (refused, T.CONNECTION_REFUSED, Delivery.NOT_SENT),
    "unknown host": (
        lambda: requests.get("http://nowhere.invalid/", timeout=5),
        T.NAME_RESOLUTION_FAILED,
        Delivery.NOT_SENT,
    ),
    "plain socket to an unknown host": (
        lambda: socket.getaddrinfo("nowhere.invalid", 80),
        T.NAME_RESOLUTION_FAILED,
        Delivery.NOT_SENT,
    ),
    "connect timeout": (
        throw(requests.ConnectTimeout("connect")),
        T.NETWORK_TIMEOUT,
        Delivery.NOT_SENT,
    ),
    "read timeout": (
        lambda: get(silent, timeout=0.1),
        T.OUTCOME_UNKNOWN,
        Delivery.UNKNOWN,
    ),
    "closed without an answer": (
        lambda: get(closing),
        T.OUTCOME_UNKNOWN,
        Delivery.UNKNOWN,
    ),
    "cut within the answer": (
        lambda: get(truncating),
        T.OUTCOME_UNKNOWN,
        Delivery.UNKNOWN,
    ),
    "reset": (lambda: get(resetting), T.CONNECTION_RESET, Delivery.UNKNOWN),
    "TLS with a server that has none": (
        lambda: _https(answering(200)),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "no TLS with a server that wants it": (
        lambda: get(saying(b"\x15\x03\x03\x00\x02\x02\x32")),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "a server that does not speak HTTP": (
        lambda: get(saying(b"SSH-2.0-OpenSSH_9\r\n")),
        T.CONNECTION_RESET,
        Delivery.UNKNOWN,
    ),
    "headers of an answer that contradict each other": (
        lambda: get(answering(200, b"{}", "Content-Length: 5, 6\r\n")),
        T.DATA_CORRUPTED,
        Delivery.UNKNOWN,
    ),
    "a header of ours that cannot be sent": (
        lambda: requests.get("http://127.0.0.1:9/", headers={"X-Api-Key": "a\n"}),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    **{
        f"a proxy that answers {status}": (
            lambda status=status: by_proxy(answering(status)),
            T.CONFIGURATION_ERROR if status in (403, 407) else T.CONNECTION_REFUSED,
            Delivery.NOT_SENT,
        )
        for status in (403, 407, 408, 429, 502, 504)
    },
    "a proxy, as urllib3 tells of it": (
        throw(urllib3.exceptions.ProxyError("x", OSError("x"))),
        T.CONNECTION_REFUSED,
        Delivery.NOT_SENT,
    ),
    **{
        f"OSError {code}": (
            throw(OSError(getattr(errno, code), "x")),
            error_type,
            Delivery.NOT_SENT
            if error_type is T.RESOURCE_EXHAUSTED
            else Delivery.UNKNOWN,
        )
        for code, error_type in (
            ("EIO", T.RESOURCE_EXHAUSTED),
            ("EROFS", T.RESOURCE_EXHAUSTED),
            ("ENETRESET", T.CONNECTION_RESET),
            ("ENOTCONN", T.CONNECTION_RESET),
            ("ESHUTDOWN", T.CONNECTION_RESET),
        )
    },
    **{
        f"{name} of another Odoo": (
            throw(RuntimeError({"code": 200, "data": {"name": name}})),
            error_type,
            Delivery.ANSWERED,
        )
        for name, error_type in (
            ("odoo.http.SessionExpiredException", T.AUTHENTICATION_FAILED),
            ("psycopg2.errors.SerializationFailure", T.SERIALIZATION_FAILURE),
            ("psycopg2.errors.DeadlockDetected", T.SERIALIZATION_FAILURE),
        )
    },
    "a certificate that nobody vouches for": (
        lambda: secured(verify=True),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "an older TLS than the server's": (
        lambda: secured(
            {"maximum_version": ssl.TLSVersion.TLSv1_2},
            minimum_version=ssl.TLSVersion.TLSv1_3,
        ),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "a client's certificate that is missing": (
        lambda: secured(
            {"maximum_version": ssl.TLSVersion.TLSv1_2},
            verify_mode=ssl.CERT_REQUIRED,
        ),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "a client's certificate that is missed late": (
        lambda: secured(verify_mode=ssl.CERT_REQUIRED),
        T.CONFIGURATION_ERROR,
        Delivery.UNKNOWN,
    ),
    "a connection that breaks within TLS": (
        lambda: _https(closing),
        T.CONNECTION_RESET,
        Delivery.UNKNOWN,
    ),
    "a key that no header can hold": (
        lambda: get(answering(200), headers={"X-Api-Key": "ключ"}),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "half a character": (
        lambda: "\ud83d".encode(),
        T.DATA_VALIDATION_FAILED,
        Delivery.NOT_SENT,
    ),
    "no number of JSON's": (
        lambda: get(answering(200), json={"price": float("nan")}),
        T.DATA_VALIDATION_FAILED,
        Delivery.NOT_SENT,
    ),
    "compression that is cut off": (
        lambda: gzip.decompress(gzip.compress(b"x" * 100)[:-9]),
        T.DATA_CORRUPTED,
        Delivery.UNKNOWN,
    ),
    "retries of requests used up": (
        lambda: retrying(answering(503)),
        T.SERVICE_UNAVAILABLE,
        Delivery.UNKNOWN,
    ),
    "XML-RPC: a warning of Odoo": (
        throw(xmlrpc.client.Fault(2, "Nein")),
        T.BUSINESS_RULE_VIOLATION,
        Delivery.ANSWERED,
    ),
    "XML-RPC: who is that": (
        throw(xmlrpc.client.Fault(3, "Zugriff verweigert")),
        T.INVALID_CREDENTIALS,
        Delivery.ANSWERED,
    ),
    "XML-RPC: not yours": (
        throw(xmlrpc.client.Fault(4, "Verboten")),
        T.INSUFFICIENT_PERMISSIONS,
        Delivery.ANSWERED,
    ),
    "JSON-RPC: an error of Odoo": (
        throw(
            RuntimeError(
                {
                    "code": 200,
                    "message": "Odoo-Serverfehler",
                    "data": {"name": "odoo.exceptions.AccessError"},
                }
            )
        ),
        T.INSUFFICIENT_PERMISSIONS,
        Delivery.ANSWERED,
    ),
    "401": (
        lambda: get(answering(401)),
        T.AUTHENTICATION_FAILED,
        Delivery.ANSWERED,
    ),
    "403": (
        lambda: get(answering(403)),
        T.INSUFFICIENT_PERMISSIONS,
        Delivery.ANSWERED,
    ),
    "404": (lambda: get(answering(404)), T.RESOURCE_NOT_FOUND, Delivery.ANSWERED),
    "410": (lambda: get(answering(410)), T.RESOURCE_NOT_FOUND, Delivery.ANSWERED),
    "412": (lambda: get(answering(412)), T.VERSION_CONFLICT, Delivery.ANSWERED),
    "422": (
        lambda: get(answering(422)),
        T.DATA_VALIDATION_FAILED,
        Delivery.ANSWERED,
    ),
    "429": (
        lambda: get(answering(429)),
        T.RATE_LIMIT_EXCEEDED,
        Delivery.ANSWERED,
    ),
    "500": (
        lambda: get(answering(500)),
        T.TEMPORARY_SERVER_ERROR,
        Delivery.ANSWERED,
    ),
    "503": (
        lambda: get(answering(503)),
        T.SERVICE_UNAVAILABLE,
        Delivery.ANSWERED,
    ),
    **{
        f"{status}": (
            lambda status=status: get(answering(status)),
            T.SERVICE_UNAVAILABLE,
            Delivery.UNKNOWN,
        )
        for status in (460, 499, 502, 520, 522, 524, 527, 598, 599)
    },
    "Envoy's reset": (
        lambda: get(
            answering(
                503,
                b"upstream connect error or disconnect/reset before headers. reset"
                b" reason: connection termination",
            )
        ),
        T.SERVICE_UNAVAILABLE,
        Delivery.UNKNOWN,
    ),
    "Cloudflare: TLS to the app": (
        lambda: get(answering(525)),
        T.CONFIGURATION_ERROR,
        Delivery.ANSWERED,
    ),
    "Cloudflare: the app is down": (
        lambda: get(answering(521)),
        T.SERVICE_UNAVAILABLE,
        Delivery.ANSWERED,
    ),
    "403 for a while": (
        lambda: get(answering(403, headers="Retry-After: 60\r\n")),
        T.RATE_LIMIT_EXCEEDED,
        Delivery.ANSWERED,
    ),
    "400 that is a limit": (
        throw(ours.HttpError(400, "rate_limit_exceeded")),
        T.RATE_LIMIT_EXCEEDED,
        Delivery.ANSWERED,
    ),
    "504": (
        lambda: get(answering(504)),
        T.SERVICE_UNAVAILABLE,
        Delivery.UNKNOWN,
    ),
    "invalid JSON": (
        lambda: get(answering(200, b"{oops")),
        T.DATA_CORRUPTED,
        Delivery.UNKNOWN,
    ),
    "invalid JSON, plain": (
        lambda: json.loads("{"),
        T.DATA_CORRUPTED,
        Delivery.UNKNOWN,
    ),
    "broken compression": (
        lambda: zlib.decompress(b"no"),
        T.DATA_CORRUPTED,
        Delivery.UNKNOWN,
    ),
    "no address": (
        lambda: requests.get("pharmacy", timeout=5),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "certificate": (
        throw(ssl.SSLCertVerificationError("self-signed certificate")),
        T.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    ),
    "disk full": (full_disk, T.RESOURCE_EXHAUSTED, Delivery.NOT_SENT),
    "out of memory": (throw(MemoryError()), T.RESOURCE_EXHAUSTED, Delivery.NOT_SENT),
    "too many files": (
        throw(OSError(errno.EMFILE, "x")),
        T.RESOURCE_EXHAUSTED,
        Delivery.NOT_SENT,
    ),
    "mail login": (
        throw(smtplib.SMTPAuthenticationError(535, b"no")),
        T.INVALID_CREDENTIALS,
        Delivery.NOT_SENT,
    ),
    **{
        f"mail: {error!r:.30}": (throw(error), error_type, delivery)
        for error, error_type, delivery in (
            (
                smtplib.SMTPServerDisconnected("x"),
                T.CONNECTION_RESET,
                Delivery.UNKNOWN,
            ),
            (
                smtplib.SMTPSenderRefused(550, b"no", "a@b.example"),
                T.DATA_VALIDATION_FAILED,
                Delivery.ANSWERED,
            ),
            (
                smtplib.SMTPRecipientsRefused({"a@b.example": (450, b"later")}),
                T.TEMPORARY_SERVER_ERROR,
                Delivery.ANSWERED,
            ),
            (
                smtplib.SMTPDataError(552, b"full"),
                T.CONFIGURATION_ERROR,
                Delivery.ANSWERED,
            ),
            (
                smtplib.SMTPConnectError(421, b"busy"),
                T.SERVICE_UNAVAILABLE,
                Delivery.ANSWERED,
            ),
            (
                smtplib.SMTPSenderRefused(501, b"no address", "a@b"),
                T.DATA_VALIDATION_FAILED,
                Delivery.ANSWERED,
            ),
            (
                smtplib.SMTPSenderRefused(530, b"log in first", "a@b.example"),
                T.INVALID_CREDENTIALS,
                Delivery.ANSWERED,
            ),
            (
                smtplib.SMTPNotSupportedError("x"),
                T.CONFIGURATION_ERROR,
                Delivery.NOT_SENT,
            ),
        )
    },
    "no database server": (
        lambda: connect(host="127.0.0.1", port=1),
        T.DATABASE_CONNECTION_FAILED,
        Delivery.NOT_SENT,
    ),
    "no database": (
        lambda: connect(dbname="pharmacy_sync_there_is_none"),
        T.DATABASE_CONNECTION_FAILED,
        Delivery.NOT_SENT,
    ),
    "undefined table": (
        sql("SELECT * FROM pharmacy_sync_there_is_none"),
        T.UNEXPECTED,
        Delivery.UNKNOWN,
    ),
    "duplicate key": (
        sql(
            "CREATE TEMP TABLE t (i int UNIQUE) ON COMMIT DROP;"
            "INSERT INTO t VALUES (1), (1)"
        ),
        T.DUPLICATE_ORDER,
        Delivery.NOT_SENT,
    ),
    **{
        f"SQLSTATE {state}": (sqlstate(state), error_type, unsent(error_type))
        for state, error_type in (
            ("40001", T.SERIALIZATION_FAILURE),
            ("40P01", T.SERIALIZATION_FAILURE),
            ("55P03", T.SERIALIZATION_FAILURE),
            ("08006", T.DATABASE_CONNECTION_FAILED),
            ("57P01", T.DATABASE_CONNECTION_FAILED),
            ("53100", T.RESOURCE_EXHAUSTED),
            ("28P01", T.INVALID_CREDENTIALS),
            ("42501", T.INSUFFICIENT_PERMISSIONS),
            ("23503", T.DATA_VALIDATION_FAILED),
            ("22P02", T.DATA_VALIDATION_FAILED),
            ("P0001", T.BUSINESS_RULE_VIOLATION),
            ("XX001", T.DATA_CORRUPTED),
            ("53300", T.DATABASE_CONNECTION_FAILED),
            ("25006", T.DATABASE_CONNECTION_FAILED),
            ("25P03", T.DATABASE_CONNECTION_FAILED),
            ("26000", T.CONFIGURATION_ERROR),
            ("F0000", T.CONFIGURATION_ERROR),
            ("54001", T.UNEXPECTED),
        )
    },
    **{
        type(error).__name__: (throw(error), error_type, unsent(error_type))
        for error, error_type in (
            (odoo_exceptions.AccessDenied(), T.INVALID_CREDENTIALS),
            (odoo_exceptions.AccessError("x"), T.INSUFFICIENT_PERMISSIONS),
            (odoo_exceptions.MissingError("x"), T.RESOURCE_NOT_FOUND),
            (odoo_exceptions.ValidationError("x"), T.DATA_VALIDATION_FAILED),
            (odoo_exceptions.UserError("x"), T.BUSINESS_RULE_VIOLATION),
            (odoo_exceptions.LockError("x"), T.SERIALIZATION_FAILURE),
            (odoo_exceptions.ConcurrencyError("x"), T.SERIALIZATION_FAILURE),
            (NoSuchJobError("x"), T.MESSAGE_QUEUE_FAILED),
            (ours.CacheConnectionError("x"), T.CACHE_UNAVAILABLE),
            (ours.InvalidDataError("x"), T.DATA_VALIDATION_FAILED),
            (ours.SchemaMismatchError("x"), T.SCHEMA_MISMATCH),
            (ours.DataCorruptedError("x"), T.DATA_CORRUPTED),
            (ours.ConfigurationError("x"), T.CONFIGURATION_ERROR),
            (ours.CircuitBreakerOpenError("x"), T.SERVICE_UNAVAILABLE),
            (ours.ResourcePoolFullError("x"), T.RESOURCE_EXHAUSTED),
            (ours.OperationCancelledError("x"), T.BUSINESS_RULE_VIOLATION),
            (ours.ConflictError("x"), T.VERSION_CONFLICT),
            (ours.DuplicateOrderError("x"), T.DUPLICATE_ORDER),
            (
                ours.DependencyMissingError(
                    "supplier", "s", error_type=T.INVALID_SUPPLIER
                ),
                T.INVALID_SUPPLIER,
            ),
            (ours.DependencyMissingError("product", "p"), T.RESOURCE_NOT_FOUND),
            (TypeError("x"), T.UNEXPECTED),
            (Exception("???"), T.UNEXPECTED),
        )
    },
    "insufficient stock": (
        throw(ours.HttpError(409, "insufficient_stock")),
        T.INSUFFICIENT_STOCK,
        Delivery.ANSWERED,
    ),
    "order already processed": (
        throw(ours.HttpError(409, "order_already_processed")),
        T.ORDER_ALREADY_PROCESSED,
        Delivery.ANSWERED,
    ),
    "duplicate at the pharmacy": (
        throw(ours.HttpError(409, "duplicate")),
        T.DUPLICATE_ORDER,
        Delivery.ANSWERED,
    ),
    "unknown supplier at the pharmacy": (
        throw(ours.HttpError(422, "unknown_supplier")),
        T.INVALID_SUPPLIER,
        Delivery.ANSWERED,
    ),
    "no answer in time": (
        throw(ours.ApiTimeoutError("x")),
        T.NETWORK_TIMEOUT,
        Delivery.UNKNOWN,
    ),
    "deadline": (
        throw(ours.DeadlineExceededError("x")),
        T.NETWORK_TIMEOUT,
        Delivery.UNKNOWN,
    ),
    "slow down": (
        throw(ours.RateLimitError("x", retry_after=3)),
        T.RATE_LIMIT_EXCEEDED,
        Delivery.ANSWERED,
    ),
    "lost answer": (
        throw(ours.OutcomeUnknownError("x")),
        T.OUTCOME_UNKNOWN,
        Delivery.UNKNOWN,
    ),
}


def secured(client=None, *, verify=False, **settings):
    """What a TLS client meets at a server with these settings."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in (client or {}).items():
        setattr(context, name, value)
    with tls_server(**settings) as url:
        port = int(url.rstrip("/").rpartition(":")[2])
        plain = socket.create_connection(("127.0.0.1", port), 5)
        with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as sock:
            # Nothing is sent: what lies unread there would turn the alert into a reset.
            sock.recv(100)


def retrying(answer):
    with requests.Session() as session, server(answer) as url:
        retries = urllib3.Retry(total=1, status_forcelist=[503], backoff_factor=0)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=retries))
        session.get(url, timeout=5)


def saying(words):
    """A server that answers so, whatever it is asked."""

    def answer(connection):
        connection.recv(65536)
        connection.sendall(words)

    return answer


def by_proxy(answer):
    with server(answer) as url:
        requests.get("https://app.example/", timeout=5, proxies={"https": url})


def _https(answer):
    with server(answer) as url:
        requests.get(url.replace("http", "https"), timeout=5)


@pytest.mark.parametrize("name", CAUSES)
def test_a_real_cause_is_reported_by_its_type(name):
    cause, error_type, delivery = CAUSES[name]
    classification = classify(raised(cause))
    assert (classification.type, classification.delivery) == (error_type, delivery)
    cancelled = name == "OperationCancelledError"
    assert classification.category is (
        Category.PERMANENT if cancelled else TAXONOMY[error_type].category
    )


def test_every_type_has_a_real_cause():
    assert {error_type for _, error_type, _ in CAUSES.values()} == set(ErrorType)
    categories = {info.category for info in TAXONOMY.values()}
    assert categories | {Category.PERMANENT} == set(Category)


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (421, "service_unavailable"),
        (450, "temporary_server_error"),
        (501, "data_validation_failed"),
        (502, "configuration_error"),
        (530, "invalid_credentials"),
        (534, "invalid_credentials"),
        (535, "invalid_credentials"),
        (536, "configuration_error"),
        (538, "invalid_credentials"),
        (539, "configuration_error"),
        (550, "data_validation_failed"),
        (551, "data_validation_failed"),
        (553, "data_validation_failed"),
        (554, "configuration_error"),
    ],
)
def test_replies_of_a_mail_server(code, means):
    assert classify(smtplib.SMTPDataError(code, b"no")).type == means


@pytest.mark.parametrize(
    "code, means",
    [
        (1, "unexpected"),
        (2, "business_rule_violation"),
        (3, "invalid_credentials"),
        (4, "insufficient_permissions"),
    ],
)
def test_a_fault_of_another_odoo_is_known_by_its_number(code, means):
    """Whatever its words are: they are in the language of its user."""
    found = classify(xmlrpc.client.Fault(code, "Time-out; no such partner"))
    assert (found.type, found.delivery) == (means, Delivery.ANSWERED)
