"""Every type of failure is produced by a real cause: real sockets, a real PostgreSQL,
real exceptions of real libraries.
"""

import errno
import json
import smtplib
import socket
import ssl
import zlib

import pytest
import requests
from broken_servers import (
    answering,
    closing,
    raised,
    refused,
    resetting,
    server,
    silent,
    truncating,
)
from psycopg2 import connect

from odoo import exceptions as odoo_exceptions
from odoo.sql_db import db_connect

from odoo.addons.pharmacy_sync.core import exceptions as ours
from odoo.addons.pharmacy_sync.core.classification import classify
from odoo.addons.pharmacy_sync.core.taxonomy import TAXONOMY, Delivery, ErrorType
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
        T.CONNECTION_RESET,
        Delivery.UNKNOWN,
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
        T.SCHEMA_MISMATCH,
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
            (ours.DependencyMissingError("supplier", "s"), T.INVALID_SUPPLIER),
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
        throw(ours.HttpError(422, "unknown_reference", field="supplier_id")),
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


def _https(answer):
    with server(answer) as url:
        requests.get(url.replace("http", "https"), timeout=5)


@pytest.mark.parametrize("name", CAUSES)
def test_a_real_cause_is_told_by_its_type(name):
    cause, error_type, delivery = CAUSES[name]
    classification = classify(raised(cause))
    assert (classification.type, classification.delivery) == (error_type, delivery)
    assert classification.category is TAXONOMY[error_type].category


def test_every_type_has_a_real_cause():
    assert {error_type for _, error_type, _ in CAUSES.values()} == set(ErrorType)
