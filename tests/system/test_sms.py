"""Alerts by SMS, through Odoo's own addon and its way to its service, which a local
server stands for. Odoo sends none while its own tests run: so a process of its own."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from system_databases import run_odoo
from system_servers import PharmacyApp

ASK = (Path(__file__).parent / "ask_sms.py").read_text()
SHELL = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
SECONDS = 300

pytestmark = pytest.mark.timeout(600)


@contextmanager
def service(state):
    """Odoo's SMS service, which says the same of each number: its address, and what it
    got as ``(path, params)``."""
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.append((self.path, asked["params"]))
            found = [
                {"uuid": number["uuid"], "state": state, "credit": 1}
                for message in asked["params"]["messages"]
                for number in message["numbers"]
            ]
            text = json.dumps(
                {"jsonrpc": "2.0", "id": asked.get("id"), "result": found}
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", got
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def reported(make_database, tmp_path_factory):
    """What became of the messages, and what the service got."""
    folder = tmp_path_factory.mktemp("sms")
    database, __ = make_database("sms", PharmacyApp(folder))
    answer = folder / "reported.json"
    with service("success") as (url, got), service("insufficient_credit") as (poor, __):
        env = {
            "SMS_SERVICE": url,
            "SMS_NO_CREDIT": poor,
            "SMS_UNREACHABLE": "http://127.0.0.1:9",
            "ASK_FILE": str(answer),
        }
        run_odoo(database, SHELL, ASK, env, SECONDS)
        return {**json.loads(answer.read_text()), "got": list(got)}


def test_a_test_says_what_the_service_answered(reported):
    __, params = reported["got"][0]
    assert "Test of the channel" in params["messages"][0]["content"]
    assert reported["test"].startswith("Sent to")


def test_alert_reaches_each_number_with_its_country(reported):
    path, params = reported["got"][1]
    assert path == "/api/sms/3/send"
    (message,) = params["messages"]
    assert message["content"].startswith("[CRITICAL] Critical error: Data corrupted")
    assert "/odoo/" in message["content"], "a link to the alert"
    numbers = {number["number"].replace(" ", "") for number in message["numbers"]}
    # With the library phonenumbers Odoo adds the country.
    assert {number[-9:] for number in numbers} == {"600123987", "600000111"}
    assert reported["missing"] is False
    assert reported["arrived"]["state"] == "arrived"
    assert "123" in reported["arrived"]["answer"]
    assert reported["alert"], "the alert is notified"


@pytest.mark.parametrize("name", ["unreachable", "no_credit"])
def test_what_the_service_did_not_take_is_tried_again(reported, name):
    assert (reported[name]["state"], reported[name]["attempts"]) == ("waiting", 1)


def test_the_refusal_is_in_words_and_nothing_is_left_in_odoos_own_queue(reported):
    assert "Insufficient Credit" in reported["no_credit"]["answer"]
    assert reported["queued"] == 0
