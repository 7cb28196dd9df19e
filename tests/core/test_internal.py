"""No road leads a call to the inside of the network unless it is allowed."""

import socket
import threading
from contextlib import contextmanager

import pytest

from odoo.addons.pharmacy_sync.client import PharmacyClient
from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.exceptions import InternalAddressError
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery, ErrorType

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + b'{"status":"ok"}'


@contextmanager
def listener(family=socket.AF_INET, place="127.0.0.1"):
    """The port of something on this machine, and the connections that came."""
    came = []
    with socket.create_server((place, 0), family=family) as server:

        def serve():
            while True:
                try:
                    conn, __ = server.accept()
                except OSError:
                    return
                came.append(conn)
                conn.recv(10_000)
                conn.sendall(ANSWER)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1], came
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for conn in came:
                conn.close()


def ask(url, internal=False):
    return PharmacyClient(("internal", url), url, "key", internal=internal).health("c")


SPELLINGS = (
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "[::ffff:127.0.0.1]",
)


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_this_machine_is_connected_to(host):
    with listener() as (port, came):
        with pytest.raises(InternalAddressError) as caught:
            ask(f"http://{host}:{port}")
        assert not came
    found = classify(caught.value)
    assert (found.type, found.delivery) == (
        ErrorType.CONFIGURATION_ERROR,
        Delivery.NOT_SENT,
    )
    assert not found.counts_for_breaker


@pytest.mark.parametrize("host", SPELLINGS)
def test_what_is_allowed_is_called(host):
    with listener() as (port, came):
        assert ask(f"http://{host}:{port}", internal=True) == {"status": "ok"}
        assert len(came) == 1


def test_nor_by_tls():
    with listener() as (port, came), pytest.raises(InternalAddressError):
        ask(f"https://127.0.0.1:{port}")
    assert not came


def test_ipv6(request):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        with pytest.raises(InternalAddressError):
            ask("http://[::1]:9")
        return
    with listener(socket.AF_INET6, "::1") as (port, came):
        with pytest.raises(InternalAddressError):
            ask(f"http://[::1]:{port}")
        assert not came
        assert ask(f"http://[::1]:{port}", internal=True) == {"status": "ok"}


def test_a_changed_answer_of_the_dns_leads_nowhere(monkeypatch):
    """The address that is looked at is the one that is connected to."""
    asked = []
    real = socket.getaddrinfo

    def resolver(host, port, *args, **kwargs):
        if host != "app.test":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        # Public when it is looked at; internal ever after.
        ip = "192.88.99.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with listener() as (port, came):
        client = PharmacyClient(
            ("internal", "dns"), f"http://app.test:{port}", "key", connect_timeout=0.2
        )
        with pytest.raises(OSError):
            client.health("c")
        assert len(asked) == 1, "it was resolved once for one connection"
        with pytest.raises(InternalAddressError):
            client.health("c")
        assert not came


def test_one_internal_address_of_several_is_one_too_many(monkeypatch):
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80))
        for ip in ("192.88.99.1", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(InternalAddressError):
        ask("http://app.test")


def test_an_open_connection_does_not_outlive_the_allowance():
    with listener() as (port, came):
        url = f"http://127.0.0.1:{port}"
        assert ask(url, internal=True) == {"status": "ok"}
        with pytest.raises(InternalAddressError):
            ask(url)
        assert len(came) == 1
