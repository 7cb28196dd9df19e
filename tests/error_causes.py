"""What is expected of each type of failure, and real causes for it."""

import json
import os
import pickle
import resource
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from functools import wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import psycopg2

from odoo.tools import file_path

from ..core.exceptions import CacheConnectionError
from ..core.taxonomy import Category, ErrorType, Severity

C, S, T = Category, Severity, ErrorType

# What each type must be recorded with: category, severity, retryable.
EXPECTED = {
    T.NETWORK_TIMEOUT: (C.TRANSIENT, S.MEDIUM, True),
    T.CONNECTION_REFUSED: (C.TRANSIENT, S.MEDIUM, True),
    T.CONNECTION_RESET: (C.TRANSIENT, S.MEDIUM, True),
    T.NAME_RESOLUTION_FAILED: (C.TRANSIENT, S.MEDIUM, True),
    T.RATE_LIMIT_EXCEEDED: (C.TRANSIENT, S.LOW, True),
    T.SERVICE_UNAVAILABLE: (C.EXTERNAL_DEPENDENCY, S.MEDIUM, True),
    T.TEMPORARY_SERVER_ERROR: (C.EXTERNAL_DEPENDENCY, S.MEDIUM, True),
    T.OUTCOME_UNKNOWN: (C.TRANSIENT, S.MEDIUM, True),
    T.AUTHENTICATION_FAILED: (C.SECURITY, S.HIGH, False),
    T.INVALID_CREDENTIALS: (C.SECURITY, S.HIGH, False),
    T.INSUFFICIENT_PERMISSIONS: (C.SECURITY, S.HIGH, False),
    T.RESOURCE_NOT_FOUND: (C.BUSINESS, S.MEDIUM, False),
    T.DATA_VALIDATION_FAILED: (C.BUSINESS, S.MEDIUM, False),
    T.BUSINESS_RULE_VIOLATION: (C.BUSINESS, S.MEDIUM, False),
    T.INSUFFICIENT_STOCK: (C.BUSINESS, S.MEDIUM, False),
    T.DUPLICATE_ORDER: (C.BUSINESS, S.MEDIUM, False),
    T.INVALID_SUPPLIER: (C.BUSINESS, S.MEDIUM, False),
    T.ORDER_ALREADY_PROCESSED: (C.BUSINESS, S.MEDIUM, False),
    T.VERSION_CONFLICT: (C.BUSINESS, S.LOW, True),
    T.DATABASE_CONNECTION_FAILED: (C.EXTERNAL_DEPENDENCY, S.HIGH, True),
    T.SERIALIZATION_FAILURE: (C.TRANSIENT, S.LOW, True),
    T.CACHE_UNAVAILABLE: (C.TRANSIENT, S.LOW, True),
    T.MESSAGE_QUEUE_FAILED: (C.EXTERNAL_DEPENDENCY, S.HIGH, True),
    T.CONFIGURATION_ERROR: (C.CONFIGURATION, S.HIGH, False),
    T.RESOURCE_EXHAUSTED: (C.RESOURCE_EXHAUSTION, S.CRITICAL, False),
    T.DATA_CORRUPTED: (C.DATA_CORRUPTION, S.CRITICAL, False),
    T.SCHEMA_MISMATCH: (C.DATA_CORRUPTION, S.CRITICAL, False),
    T.UNEXPECTED: (C.SYSTEM, S.HIGH, False),
}
_WRITE_BEYOND_QUOTA = """
import pickle, resource, sys, tempfile
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with tempfile.TemporaryFile() as file:
        file.write(bytes(8192))
except OSError as exc:
    sys.stdout.buffer.write(pickle.dumps(exc))
"""


def causes(error_type, delivery, retryable=None):
    """The test causes a failure of this type, and returns the one ``sync.error`` that
    was recorded of it.

    :param retryable: if not as usual for the type
    """
    category, severity, usually = EXPECTED[error_type]
    expected = {
        "type": error_type,
        "category": category,
        "severity": severity,
        "retryable": usually if retryable is None else retryable,
        "delivery": delivery,
    }

    def decorate(test):
        @wraps(test)
        def run(self):
            error = test(self)
            self.assertRecordValues(error, [expected])
            self.assertTrue(error.correlation_id and error.message and error.trace)

        run.error_type = error_type
        return run

    return decorate


@contextmanager
def full_host():
    """A listening socket that takes no more connections, as its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        try:
            while True:
                waiting.append(socket.socket())
                waiting[-1].settimeout(0.1)
                waiting[-1].connect(listener.getsockname())
        except TimeoutError:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for client in waiting:
                client.close()


@contextmanager
def closed_port():
    """A port that is taken, and that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextmanager
def other_app(status, code=None, certificate=None):
    """Another pharmacy app, which refuses whatever is sent.

    :param certificate: name of one of Odoo's own test certificates: speak TLS
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"error": {"code": code, "message": "no"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Not into the log of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        scheme = "http"
        if certificate:
            scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            path = f"base/tests/ssl/{certificate}"
            context.load_cert_chain(
                file_path(f"{path}.cert.pem"), file_path(f"{path}.key.pem")
            )
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def no_file_handles():
    """This process may open no file and no socket any more."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, former)


def read_cache(cr):
    """Read a cached value: what fails there is the cache's failure, not the table's."""
    try:
        cr.execute("SELECT value FROM cache_that_was_dropped", log_exceptions=False)
    except psycopg2.Error as exc:
        raise CacheConnectionError("The cache cannot be read.") from exc


def quota_error():
    """What a process meets that writes more to a file than it may."""
    command = [sys.executable, "-c", _WRITE_BEYOND_QUOTA]
    child = subprocess.run(command, capture_output=True, check=True)
    return pickle.loads(child.stdout)
