"""What the benchmarks share: a JSON-RPC client, the servers' addresses, a table."""

import json
import os
import socket
import subprocess
import time
import uuid
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median

import psycopg2
import requests

DATABASE = os.environ["PHARMACY_SYNC_DATABASE"]
ODOO_URL = os.environ["PHARMACY_ODOO_URL"]
APP_URL = os.environ["PHARMACY_APP_URL"]
APP_KEY = os.environ["PHARMACY_APP_KEY"]
ODOO_PID = os.environ["PHARMACY_ODOO_PID"]
APP_PID = os.environ["PHARMACY_APP_PID"]
TIMEOUT = 600


class Client:
    """A plain JSON-RPC client, the same for both sides of a comparison."""

    url = ODOO_URL
    _ids = count(1)

    def __init__(self, login, password, database=DATABASE):
        self._session = requests.Session()
        self._database, self._password = database, password
        self._uid = self._call("common", "login", database, login, password)

    def __call__(self, model, method, *args, **kwargs):
        return self._call(
            "object",
            "execute_kw",
            *(self._database, self._uid, self._password, model, method, args, kwargs),
        )

    def _call(self, service, method, *args):
        answer = self._session.post(
            f"{self.url}/jsonrpc",
            json={
                "jsonrpc": "2.0",
                "method": "call",
                "id": next(self._ids),
                "params": {"service": service, "method": method, "args": args},
            },
            timeout=TIMEOUT,
        ).json()
        if "error" in answer:
            raise RuntimeError(answer["error"]["data"]["message"])
        return answer["result"]


def app(method, path, at=APP_URL, **body):
    """One request to a pharmacy app."""
    response = requests.request(
        method,
        at + path,
        json=body or None,
        headers={"Authorization": f"Bearer {APP_KEY}"},
        timeout=TIMEOUT,
    )
    response.raise_for_status()
    return response.json() if response.content else None


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start_app(stack, folder, number):
    """Another app; its address."""
    port = free_port()
    words = json.loads(os.environ["PHARMACY_SYNC_APP_COMMAND"])
    file = str(Path(folder, f"{number}.sqlite"))
    process = subprocess.Popen(
        [*words, "--port", str(port), "--database", file],
        env={**os.environ, "PHARMACY_API_KEY": APP_KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return f"http://127.0.0.1:{port}"


def is_up(url):
    """Wait until the app there answers."""
    limit = time.monotonic() + TIMEOUT
    while time.monotonic() < limit:
        try:
            return app("GET", "/api/v1/health", at=url)
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


def connect(admin):
    """A backend for the pharmacy app, and the login of its API user."""
    groups = ["base.group_user", "purchase.group_purchase_user"]
    groups += ["pharmacy_sync.group_api"]
    ids = []
    for group in groups:
        module, name = group.split(".")
        found = admin(
            "ir.model.data",
            "search_read",
            [("module", "=", module), ("name", "=", name)],
            ["res_id"],
        )
        ids.append(found[0]["res_id"])
    user = admin("res.users", "search", [("login", "=", "bench")])
    if not user:
        user = admin(
            "res.users",
            "create",
            [
                {
                    "login": "bench",
                    "name": "Bench",
                    "password": "bench",
                    "group_ids": [(6, 0, ids)],
                }
            ],
        )
    backend = admin("sync.backend", "search", [("name", "=", "Bench")])
    backend = backend or admin(
        "sync.backend",
        "create",
        [
            {
                "name": "Bench",
                "url": APP_URL,
                "internal": True,
                "api_key": APP_KEY,
                "user_id": user[0],
            }
        ],
    )
    return backend[0], Client("bench", "bench")


def arriving_order(supplier_id, currency, lines):
    """A new order as the pharmacy app sends it.

    :param lines: pharmacy's id of the product, description and unit price of each
    """
    key = uuid.uuid4().hex
    return {
        "id": f"po_{key}",
        "version": 1,
        "reference": key[:12],
        "supplier_id": supplier_id,
        "currency": currency,
        "state": "draft",
        "ordered_at": "2026-11-20T08:00:00Z",
        "expected_at": None,
        "notes": "",
        "lines": [
            {
                "key": f"ln_{number}",
                "product_id": product_id,
                "description": description,
                "quantity": "3.00",
                "uom": "Units",
                "unit_price": price,
            }
            for number, (product_id, description, price) in enumerate(lines)
        ],
    }


def query(statement, *values):
    """Rows of one SQL statement."""
    connection = psycopg2.connect(f"dbname={DATABASE}")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def set_up(admin, model, ids, values):
    """Write settings that jobs may change beside: Odoo gives up after five tries on a
    machine with much to do, and a person would save once more.

    :raises RuntimeError: Odoo refuses them, or has failed to for ``TIMEOUT`` seconds
    """
    limit = time.monotonic() + TIMEOUT
    while True:
        try:
            return admin(model, "write", ids, values)
        except RuntimeError as refusal:
            if "could not serialize" not in str(refusal) or time.monotonic() > limit:
                raise


def wait_until(statement, wanted):
    """Poll until the statement's first value is ``wanted``."""
    limit = time.monotonic() + TIMEOUT
    while (found := query(statement)[0][0]) != wanted:
        if time.monotonic() > limit:
            raise TimeoutError(f"{statement}: {found}, not {wanted}")
        time.sleep(0.05)


def shell(script):
    """Run Python in ``odoo shell`` on the benchmark's database."""
    command = json.loads(os.environ["PHARMACY_SYNC_ODOO_COMMAND"])
    conf = os.environ["PHARMACY_SYNC_ODOO_RC"]
    subprocess.run(
        [*command, "shell", "-c", conf, "-d", DATABASE, "--no-http"],
        input=script,
        text=True,
        check=True,
        capture_output=True,
        timeout=TIMEOUT,
    )


@contextmanager
def environment():
    """Odoo's environment in this very process, as superuser; rolled back at the end."""
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.tools import config

    config.parse_config(["-c", os.environ["PHARMACY_SYNC_ODOO_RC"], "--logfile="])
    with Registry(DATABASE).cursor() as cr:
        yield api.Environment(cr, SUPERUSER_ID, {})
        cr.rollback()


def cpu_seconds(pid):
    """CPU seconds that a process has taken so far."""
    with open(f"/proc/{pid}/stat") as stat:
        # Its name may have spaces: what follows its closing bracket.
        values = stat.read().rpartition(")")[2].split()
    user, system = values[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def timed(function, *args, clock=time.perf_counter):
    """Seconds that one call takes by a clock: ``time.process_time`` counts what this
    process computes, however busy the machine is."""
    start = clock()
    function(*args)
    return clock() - start


def table(title, rates, baseline):
    """Print rates (records a second, several runs each) and their ratios."""
    print(f"\n{title}")
    reference = median(rates[baseline])
    print(f"{'':38}{'min':>9}{'median':>9}{'max':>9}{'ratio':>9}")
    for name, values in rates.items():
        print(
            f"{name:38}{min(values):9.1f}{median(values):9.1f}{max(values):9.1f}"
            f"{median(values) / reference:8.1f}x"
        )
