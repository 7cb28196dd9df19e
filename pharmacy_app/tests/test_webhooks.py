"""Each committed change is sent, signed, at least once, whatever dies in between."""

import base64
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import HOST, KEY, Pharmacy, running, wait_for
from standardwebhooks import Webhook, WebhookVerificationError

from pharmacy_app import delivery

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
ROOT = pathlib.Path(__file__).parents[2]


class Receiver:
    """Takes notices and answers them with the statuses asked for, then 204."""

    def __init__(self):
        self.received = []
        self.statuses = []
        self.answering = threading.Event()
        self.answering.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                receiver.received.append((dict(self.headers), body))
                receiver.answering.wait()
                status = receiver.statuses.pop(0) if receiver.statuses else 204
                self.send_response(status)
                self.end_headers()

            def log_message(self, *arguments):
                """Quiet."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self.answering.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self, count):
        """The first notices that were received, headers and content."""
        wait_for(lambda: len(self.received) >= count)
        return [
            (headers, Webhook(SECRET).verify(body, headers))
            for headers, body in list(self.received)
        ]


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def notifying(tmp_path, receiver):
    """An application that notifies the receiver."""
    with running(
        tmp_path / "pharmacy.sqlite",
        webhook_url=receiver.url,
        webhook_secret=SECRET,
        webhook_database="clinic",
    ) as client:
        yield client


def test_a_change_is_reported_and_signed(notifying, receiver):
    headers = {"X-Correlation-ID": "c-1"}
    supplier = notifying.post("suppliers", {"name": "A"}, headers=headers).json()
    notifying.patch(f"suppliers/{supplier['id']}", 1, {"city": "B"})
    notifying.delete(f"suppliers/{supplier['id']}", 2)
    notices = receiver.wait(3)
    assert [notice["type"] for _, notice in notices] == [
        "suppliers.created",
        "suppliers.updated",
        "suppliers.deleted",
    ]
    assert notices[0][1]["data"] == {
        "entity": "suppliers",
        "id": supplier["id"],
        "version": 1,
        "correlation_id": "c-1",
    }
    assert notices[0][1]["timestamp"] == supplier["updated_at"]
    assert notices[0][0]["X-Odoo-Database"] == "clinic"
    assert len({headers["webhook-id"] for headers, _ in notices}) == 3


def test_the_signature_covers_the_body(notifying, receiver):
    notifying.create("suppliers", name="A")
    (headers, notice), *_ = receiver.wait(1)
    altered = json.dumps(notice | {"type": "suppliers.deleted"})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(altered, headers)


def test_what_is_refused_is_not_reported(notifying, receiver):
    notifying.post("suppliers", {"name": ""})
    items = [{"method": "create", "data": {"name": name}} for name in ("", "B")]
    notifying.post("suppliers/batch", {"items": items})
    (_, notice), *rest = receiver.wait(1)
    assert (notice["type"], rest) == ("suppliers.created", [])
    wait_for(lambda: notifying.get("webhooks").json()["items"][0]["pending"] == 0)


def test_a_failed_notice_is_sent_again_with_its_id(notifying, receiver, monkeypatch):
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.05, 0.05))
    receiver.statuses = [500, 302]
    notifying.create("suppliers", name="A")
    notices = receiver.wait(3)
    assert len({headers["webhook-id"] for headers, _ in notices}) == 1


def test_a_notice_is_not_sent_again_to_a_copy(notifying, receiver, monkeypatch):
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.05, 0.05))
    receiver.statuses = [500, 409]
    notifying.create("suppliers", name="A")
    receiver.wait(2)
    wait_for(lambda: notifying.get("webhooks").json()["items"][0]["pending"] == 0)
    notifying.create("suppliers", name="B")
    notices = receiver.wait(3)
    assert len({headers["webhook-id"] for headers, _ in notices}) == 2


def test_a_notice_is_given_up_after_the_last_attempt(notifying, receiver, monkeypatch):
    monkeypatch.setattr(delivery, "RETRY_SECONDS", (0.05,))
    receiver.statuses = [500, 500]
    notifying.create("suppliers", name="A")
    receiver.wait(2)
    wait_for(lambda: notifying.get("webhooks").json()["items"][0]["pending"] == 0)
    notifying.create("suppliers", name="B")
    assert receiver.wait(3)[2][1]["data"]["version"] == 1
    assert len(receiver.received) == 3


def test_subscriptions_come_and_go(pharmacy):
    data = {"url": "http://127.0.0.1:9/hook", "secret": SECRET}
    hook = pharmacy.create("webhooks", **data)
    assert "secret" not in hook
    pharmacy.create("suppliers", name="A")
    listed = pharmacy.get("webhooks").json()["items"]
    assert listed == [hook | {"pending": 1}]
    assert pharmacy.call("DELETE", f"webhooks/{hook['id']}").status_code == 204
    assert pharmacy.call("DELETE", f"webhooks/{hook['id']}").status_code == 404
    assert pharmacy.get("webhooks").json()["items"] == []
    bad = pharmacy.post("webhooks", data | {"secret": "plain"})
    assert bad.json()["error"]["field"] == "secret"


def test_a_notice_can_be_doubled_on_purpose(notifying, receiver):
    notifying.fault({"kind": "webhook_duplicate", "count": 1})
    notifying.create("suppliers", name="A")
    notices = receiver.wait(2)
    assert notices[0][0]["webhook-id"] == notices[1][0]["webhook-id"]


def test_notices_can_be_reordered_on_purpose(notifying, receiver):
    match = {"path": "suppliers.*"}
    notifying.fault(
        {"kind": "webhook_reorder", "count": 1, "seconds": 0.5, "match": match}
    )
    notifying.create("suppliers", name="A")
    notifying.create("products", name="B")
    types = [notice["type"] for _, notice in receiver.wait(2)]
    assert types == ["products.created", "suppliers.created"]


class Process:
    """The application as a process of its own."""

    def __init__(self, database, webhook_url):
        with socket.create_server((HOST, 0)) as listener:
            port = listener.getsockname()[1]
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "pharmacy_app", "--port", str(port)),
                *("--database", str(database), "--log-file", f"{database}.log"),
                *("--webhook-url", webhook_url),
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "PHARMACY_API_KEY": KEY,
                "PHARMACY_WEBHOOK_SECRET": SECRET,
            },
        )
        self.pharmacy = Pharmacy(port)

    def __enter__(self):
        wait_for(self._answers, seconds=20)
        return self

    def __exit__(self, *exception):
        self.pharmacy.session.close()
        self._process.kill()
        self._process.wait()

    def _answers(self):
        try:
            return self.pharmacy.get("health").ok
        except OSError:
            return False

    def kill(self):
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()


def test_a_notice_survives_a_killed_application(tmp_path, receiver):
    database = tmp_path / "pharmacy.sqlite"
    receiver.answering.clear()
    with Process(database, receiver.url) as first:
        supplier = first.pharmacy.create("suppliers", name="A")
        receiver.wait(1)
        first.kill()
    receiver.answering.set()
    with Process(database, receiver.url):
        notices = receiver.wait(2)
    assert notices[1][1]["data"]["id"] == supplier["id"]
    assert notices[1][0]["webhook-id"] == notices[0][0]["webhook-id"]
    log = (tmp_path / "pharmacy.sqlite.log").read_text()
    assert notices[0][1]["data"]["correlation_id"] in log
