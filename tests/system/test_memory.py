"""The worker stays of its size, whatever is sent to it and whatever an app answers."""

import gzip
import http.client
import io
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

MEGABYTE = 1024**2
# What a body without end comes to if it is read whole, and what the worker may grow by.
ENDLESS, MOST = 400 * MEGABYTE, 150 * MEGABYTE
PIECE = b" " * MEGABYTE
TIMEOUT = 120


class Watch(threading.Thread):
    """The most that a process grows by while it is watched."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self._size = lambda: process.memory_info().rss
        self._over = threading.Event()
        self._before = self._most = self._size()

    def run(self):
        while not self._over.wait(0.005):
            self._most = max(self._most, self._size())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self._over.set()
        self.join()

    @property
    def grown(self):
        return self._most - self._before


@pytest.fixture
def bounded(stack):
    """Watches the worker: it may grow by a few bodies of those that are let in."""
    process = stack.odoo.process()
    with Watch(process) as watch:
        yield
    print(f"grown by {watch.grown / MEGABYTE:.0f} MB")
    assert watch.grown < MOST, f"{watch.grown / MEGABYTE:.0f} MB"


def pieces():
    for __ in range(ENDLESS // MEGABYTE):
        yield PIECE


def packed():
    """Some 400 kB that unpack to as much."""
    kept = io.BytesIO()
    with gzip.GzipFile(fileobj=kept, mode="wb") as writer:
        for piece in pieces():
            writer.write(piece)
    return kept.getvalue()


def send(stack, path, body, **headers):
    """The status of the answer to a body, however much of it was read."""
    parts = urlsplit(stack.odoo.url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT)
    try:
        # It may have answered, and ended the connection, before all was sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path, body, headers)
        with suppress(ConnectionResetError, http.client.RemoteDisconnected):
            return connection.getresponse().status
    finally:
        connection.close()
    return None


@pytest.mark.parametrize("signed_in", [True, False], ids=["key", "stranger"])
@pytest.mark.parametrize("place", ["api", "webhook"])
@pytest.mark.parametrize("form", ["long", "endless", "packed"])
def test_of_what_is_sent_no_more_is_read_than_is_let_in(
    stack, bounded, place, form, signed_in
):
    path = {
        "api": "/pharmacy_sync/api/v1/push",
        "webhook": f"/pharmacy_sync/webhook/{stack.prepared['backend']}",
    }[place]
    headers = {"Content-Type": "application/json"}
    if signed_in:
        headers["Authorization"] = f"Bearer {stack.prepared['api_key']}"
    body = packed() if form == "packed" else pieces()
    if form == "long":
        headers["Content-Length"] = str(ENDLESS)
    elif form == "packed":
        headers["Content-Encoding"] = "gzip"
    # None: it was sent away while it still sent.
    assert send(stack, path, body, **headers) in (None, 401, 413, 415)


@contextmanager
def hostile_app(form):
    """An app whose every answer is without end, or unpacks to as much."""
    bomb = packed()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            if form == "packed":
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(bomb)))
                self.end_headers()
                self.wfile.write(bomb)
                return
            length = form == "long"
            name = "Content-Length" if length else "Transfer-Encoding"
            self.send_header(name, str(ENDLESS) if length else "chunked")
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                for piece in pieces():
                    head = b"" if length else b"%x\r\n" % len(piece)
                    self.wfile.write(head + piece + (b"" if length else b"\r\n"))

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("form", ["long", "endless", "packed"])
def test_of_an_answer_no_more_is_read_than_is_let_in(stack, bounded, form):
    Wizard = stack.model("sync.backend.connect", "manager")
    with hostile_app(form) as url:
        values = {"name": "Hostile", "url": url, "internal": True, "api_key": "key"}
        wizard = Wizard.create(values)
        started = time.monotonic()
        Wizard.action_test([wizard])
        took = time.monotonic() - started
    assert not Wizard.read([wizard], ["passed"])[0]["passed"]
    assert took < TIMEOUT
