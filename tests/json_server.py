"""Serves what stands for somebody else's app, over HTTP."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@contextmanager
def served(app):
    """``app`` at an address of its own, which is its ``url`` then.

    :param app: has ``answer(method, path with its query, body, headers)``, which gives
        a status and what is sent as JSON; and ``drop``, how many of the next answers to
        changes are lost on their way
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            status, answer = app.answer(self.command, self.path, body, self.headers)
            if self.command != "GET" and app.drop and status < 300:
                app.drop -= 1
                self.close_connection = True
                return
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            """Nothing is logged."""

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler._handle)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    app.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
