"""The key of an app is replaced while the app knows both, or either."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from odoo.addons.pharmacy_sync.client import PharmacyClient
from odoo.addons.pharmacy_sync.client.auth import Bearer
from odoo.addons.pharmacy_sync.core.exceptions import HttpError


def asked_with(*known):
    """A client with two keys, of an app that knows these, and the keys it was asked
    with."""
    used = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            key = self.headers["Authorization"].removeprefix("Bearer ")
            used.append(key)
            body = b'{"status": "ok"}' if key in known else b"{}"
            self.send_response(200 if key in known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    return used, Handler


@pytest.mark.parametrize(
    ("known", "used", "kept"),
    [
        (("old", "next"), ["old", "old"], 0),
        (("next",), ["old", "next", "next"], 1),
        (("old",), ["old", "old"], 0),
        ((), ["old", "next", "old", "next"], 0),
    ],
)
def test_the_next_key_is_tried_once_the_app_refuses_the_present_one(known, used, kept):
    seen, Handler = asked_with(*known)
    accepted = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        calls = PharmacyClient(
            ("rotation", str(used)),
            f"http://127.0.0.1:{server.server_address[1]}",
            Bearer("old", next_secret="next", on_next=lambda: accepted.append(1)),
            internal=True,
        )
        for __ in range(2):
            if known:
                assert calls.health("c") == {"status": "ok"}
            else:
                with pytest.raises(HttpError) as caught:
                    calls.health("c")
                assert caught.value.status == 401
        server.shutdown()
    assert seen == used
    assert len(accepted) == kept
