"""The reference app as a process, for tests without Odoo's database."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
KEY = "reference-key-of-tests"


class App:
    def __init__(self, url):
        self.url = url

    def call(self, method, path, **options):
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = requests.request(
            method, self.url + path, headers=headers, timeout=30, **options
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def empty(self):
        """Without records, faults and hidden abilities."""
        self.call("POST", "/admin/reset")
        self.call("DELETE", "/admin/faults")
        return self

    def hide(self, *abilities):
        self.call("POST", "/admin/settings", json={"hidden": abilities})

    def there(self):
        """All living records and subscriptions, hidden or not."""
        self.hide()
        collections = ("suppliers", "products", "purchase-orders", "webhooks")
        found = [self.call("GET", f"/api/v1/{name}?limit=500") for name in collections]
        return [item for page in found for item in page["items"]]


@contextmanager
def started_app(folder):
    """The app with its file in that folder, as an :class:`App`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pharmacy_app", "--port", str(port)]
    command += ["--database", str(folder / "app.sqlite")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PHARMACY_API_KEY": KEY},
            stdout=log,
            stderr=log,
        )
    app = App(f"http://127.0.0.1:{port}")
    try:
        _wait_for(app, process, folder / "log")
        yield app
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(app, process, log):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            return app.call("GET", "/api/v1/health")
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
