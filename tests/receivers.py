"""Receivers of notices and events: HTTP servers in threads."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jsonschema_rs
from standardwebhooks.webhooks import Webhook

from .core.receiver_schemas import PAGERDUTY, SLACK


class Receiver:
    """Answers as it is set to, and keeps what came: ``got``, a list of
    ``(path, headers, body)``."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.got = []
        self.status = 200
        self.headers = {}
        self.body = b"ok"
        self.seconds = 0
        # Called with (path, headers, body); returns (status, body), or None.
        self.answers = None

    @property
    def bodies(self):
        return [json.loads(body) for __, __, body in self.got]

    def answer(self, path, headers, body):
        self.got.append((path, headers, body))
        time.sleep(self.seconds)
        found = self.answers and self.answers(path, headers, body)
        return found or (self.status, self.body)

    def as_slack(self):
        """Take what Slack takes, and nothing else."""

        def answers(path, headers, body):
            if self.status != 200:
                return None
            valid = jsonschema_rs.is_valid(SLACK, json.loads(body))
            return (200, b"ok") if valid else (400, b"invalid_payload")

        self.answers = answers

    def as_pagerduty(self):
        """Take what PagerDuty takes; ``incidents`` are the keys of those open."""
        self.incidents = {}

        def answers(path, headers, body):
            if self.status != 200:
                return None
            event = json.loads(body)
            validator = jsonschema_rs.validator_for(PAGERDUTY, validate_formats=True)
            if path != "/v2/enqueue" or not validator.is_valid(event):
                return 400, b'{"status": "invalid event"}'
            key = event["dedup_key"]
            if event["event_action"] == "resolve":
                self.incidents.pop(key, None)
            else:
                self.incidents[key] = event["event_action"]
            answer = {"status": "success", "message": "Event processed"}
            return 202, json.dumps({**answer, "dedup_key": key}).encode()

        self.answers = answers

    def as_webhook(self, secret):
        """Refuse what is not signed with the secret."""

        def answers(path, headers, body):
            if self.status != 200:
                return None
            try:
                Webhook(secret).verify(body, headers)
            except Exception as exc:  # noqa: BLE001 - the receiver's own refusal
                return 401, str(exc).encode()
            return 204, b""

        self.answers = answers


@contextmanager
def receiver():
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, text = found.answer(self.path, headers, body)
            try:
                self.send_response(status)
                for name, value in found.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)
            except OSError:
                return  # gone meanwhile

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = Receiver(server.server_address[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield found
        finally:
            server.shutdown()
