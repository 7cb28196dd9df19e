"""Servers that fail in real ways, and what ``requests`` raises then."""

import socket
import ssl
import struct
import tempfile
import threading
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from functools import lru_cache

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@contextmanager
def server(answer):
    """A TCP server whose every connection meets ``answer(connection)``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        # Closing a listening socket does not wake its accept.
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def answering(status, body=b"", headers=""):
    def answer(connection):
        connection.recv(65536)
        connection.sendall(
            f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n{headers}"
            f"Connection: close\r\n\r\n".encode()
            + body
        )

    return answer


def silent(connection):
    connection.recv(65536)
    connection.settimeout(5)
    connection.recv(1)


def closing(connection):
    connection.recv(65536)


def resetting(connection):
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def truncating(connection):
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


@contextmanager
def tls_server(**settings):
    """A TCP server that speaks TLS, set up as asked: attributes of its context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(_certificate())
        file.flush()
        context.load_cert_chain(file.name)
        if settings.get("verify_mode"):
            context.load_verify_locations(file.name)
    for name, value in settings.items():
        setattr(context, name, value)

    def answer(connection):
        with suppress(OSError), context.wrap_socket(connection, True) as secured:
            answering(200)(secured)

    with server(answer) as url:
        yield url.replace("http", "https")


@lru_cache
def _certificate():
    """A key, and what it signed for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, *form)
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        requests.get(f"http://127.0.0.1:{taken.getsockname()[1]}/", timeout=5)


def raised(cause):
    with pytest.raises(Exception) as caught:
        cause()
    return caught.value
