"""Servers that fail in real ways, and what ``requests`` raises then."""

import socket
import struct
import threading
from contextlib import contextmanager

import pytest
import requests


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


def refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        requests.get(f"http://127.0.0.1:{taken.getsockname()[1]}/", timeout=5)


def raised(cause):
    with pytest.raises(Exception) as caught:
        cause()
    return caught.value
