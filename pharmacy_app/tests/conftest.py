"""The application under test: a real server over real HTTP, on a file of its own."""

import contextlib
import threading
import time

import pytest
import requests

from pharmacy_app.__main__ import server
from pharmacy_app.app import Options, create_app

HOST = "127.0.0.1"
KEY = "test-key"


class Pharmacy:
    """A client of one running application, and a few ready-made records."""

    def __init__(self, port):
        self.url = f"http://{HOST}:{port}"
        self.port = port
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {KEY}"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.session.close()

    def call(self, method, path, timeout=10, **options):
        place = path if path.startswith("/") else f"/api/v1/{path}"
        return self.session.request(
            method, f"{self.url}{place}", timeout=timeout, **options
        )

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def post(self, path, json=None, **options):
        return self.call("POST", path, json=json, **options)

    def patch(self, path, version, json, headers=None, **options):
        match = version if version == "*" else f'"{version}"'
        headers = {"If-Match": match, **(headers or {})}
        return self.call("PATCH", path, json=json, headers=headers, **options)

    def delete(self, path, version):
        return self.call("DELETE", path, headers={"If-Match": f'"{version}"'})

    def create(self, collection, **data):
        answer = self.post(collection, data)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def order(self, **data):
        """A new order with one line of a new supplier and a new product."""
        data.setdefault("supplier_id", self.create("suppliers", name="Almenara")["id"])
        if "lines" not in data:
            product = self.create("products", name="Cefalexin 300 mg")
            line = {"product_id": product["id"], "quantity": "2", "unit_price": "6.25"}
            data["lines"] = [line]
        return self.create("purchase-orders", **data)

    def fault(self, *rules, seed=0):
        answer = self.post("/admin/faults", {"seed": seed, "rules": rules})
        assert answer.status_code == 200, answer.text

    def requests_seen(self):
        return self.get("/admin/requests").json()["requests"]


@contextlib.contextmanager
def running(database, **options):
    """The application in a thread of this process; its client."""
    uvicorn_server = server(create_app(Options(str(database), KEY, **options)), HOST, 0)
    thread = threading.Thread(target=uvicorn_server.run)
    thread.start()
    try:
        wait_for(lambda: uvicorn_server.started)
        listener = uvicorn_server.servers[0].sockets[0]
        with Pharmacy(listener.getsockname()[1]) as pharmacy:
            yield pharmacy
    finally:
        uvicorn_server.should_exit = True
        thread.join()


def wait_for(condition, seconds=10):
    """What the condition returns when it is true at last."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not true within {seconds} s: {condition}")


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """An application that sends no notices, for all tests that need no other."""
    folder = tmp_path_factory.mktemp("pharmacy")
    with running(folder / "pharmacy.sqlite", deliver=False) as client:
        yield client


@pytest.fixture
def pharmacy(shared):
    """The shared application, emptied."""
    shared.post("/admin/reset")
    shared.call("DELETE", "/admin/faults")
    shared.call("DELETE", "/admin/requests")
    return shared
