"""Real server processes: started, killed, started again; ready when they answer."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from configparser import ConfigParser
from contextlib import closing
from pathlib import Path

import psutil
import requests

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
START_TIMEOUT = 120
REQUEST_TIMEOUT = 30
POLL = 0.05
# Begins a command of Node.js. Odoo bounds the memory of the process that tests it, and
# so of its children; Node.js reserves more than it uses.
UNBOUND = 'ulimit -S -v "$(ulimit -H -v)"\n'


def free_port():
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def poll(condition, seconds):
    """What ``condition()`` returned once it was true, or at the end of the time."""
    limit = time.monotonic() + seconds
    while not (result := condition()) and time.monotonic() < limit:
        time.sleep(POLL)
    return result


def wait_until(condition, seconds, what):
    """Poll until ``condition()`` is true; what it returned.

    :raise AssertionError: it was not within ``seconds``; ``what`` says what was
        waited for, and may be a function that says what was found instead
    """
    result = poll(condition, seconds)
    if not result:
        text = what() if callable(what) else what
        raise AssertionError(f"not within {seconds} s: {text}")
    return result


class Server:
    """A process that serves HTTP on a port of its own.

    :param name: of its log, ``<folder>/<name>.log``, which all its lives share
    """

    health = None

    def __init__(self, name, folder, command, env=None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path(folder) / f"{name}.log"
        self._command = command
        self._env = {**os.environ, **(env or {})}
        self._process = None

    def start(self):
        with open(self.log, "ab") as output:
            self._process = subprocess.Popen(
                [*self._command, *self.words()],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._answers, START_TIMEOUT, f"{self.url} answers")
        return self

    def kill(self):
        """As the kernel would when memory runs out: no goodbye."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def send_signal(self, number):
        self._process.send_signal(number)

    def process(self):
        """What the operating system knows of it."""
        return psutil.Process(self._process.pid)

    def has_died(self):
        """Whether the process ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def is_running(self):
        return self._process is not None

    def words(self):
        """Command line words that come after the command."""
        raise NotImplementedError

    def _answers(self):
        if self._process.poll() is not None:
            raise AssertionError(f"{self.log}: ended with {self._process.returncode}")
        try:
            return requests.get(self.url + self.health, timeout=5).ok
        except requests.RequestException:
            return False


class OdooServer(Server):
    """Odoo in threads, with the job runner. Scheduled actions run when a test
    triggers them, so that nothing else can be what brought a change over.

    :param poison: name of a record at which its process ends, see ``poison/``
    """

    health = "/web/health"

    def __init__(self, folder, database, poison=None):
        command = json.loads(os.environ["PHARMACY_SYNC_ODOO_COMMAND"])
        env = {"PHARMACY_SYNC_POISON": poison} if poison else None
        super().__init__("odoo", folder, command, env)
        self._database = database
        self._poison = poison

    def words(self):
        return [
            *("-c", os.environ["PHARMACY_SYNC_ODOO_RC"]),
            *(_poisoned() if self._poison else ()),
            *("-d", self._database),
            *("--http-interface", "127.0.0.1", "--http-port", str(self.port)),
            *("--workers", "0", "--max-cron-threads", "0"),
            # They warn at each call that they are going to be removed one day.
            *("--log-handler", "odoo.addons.rpc.controllers:ERROR"),
        ]


def with_addons(folder):
    """Command line words by which a server finds the addons of one more folder."""
    return ("--addons-path", f"{_options()['addons_path']},{folder}")


def _poisoned():
    """Command line words that add the addon of ``poison/`` to what a server loads."""
    loaded = f"{_options()['server_wide_modules']},sync_poison"
    return (*with_addons(HERE / "poison"), "--load", loaded)


def _options():
    config = ConfigParser(interpolation=None)
    config.read(os.environ["PHARMACY_SYNC_ODOO_RC"])
    return config["options"]


class PharmacyApp(Server):
    """The reference app on an SQLite file of its own.

    :param command: the words that start it, if not the usual ones
    """

    health = "/api/v1/health"
    key = "system-test-key"
    webhook_secret = "whsec_c3lzdGVtLXRlc3Qtc2VjcmV0"

    def __init__(self, folder, command=None):
        command = command or json.loads(os.environ["PHARMACY_SYNC_APP_COMMAND"])
        secrets = {
            "PHARMACY_API_KEY": self.key,
            "PHARMACY_WEBHOOK_SECRET": self.webhook_secret,
            # A command of a test's own imports the app from here.
            "PYTHONPATH": str(ROOT),
        }
        super().__init__("pharmacy_app", folder, command, secrets)
        self._file = Path(folder) / "app.sqlite"
        self.webhook_url = None
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {self.key}"

    def words(self):
        words = ["--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--database", str(self._file)]
        if self.webhook_url:
            words += ["--webhook-url", self.webhook_url]
        return words

    def connection(self):
        """What ``prepare.py`` must know to connect Odoo to this app."""
        return {
            "PHARMACY_APP_URL": self.url,
            "PHARMACY_APP_KEY": self.key,
            "PHARMACY_WEBHOOK_SECRET": self.webhook_secret,
        }

    def back_up(self):
        """Copy the file away as it is now."""
        copy = self._file.with_name("copy.sqlite")
        copy.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._file)) as db:
            db.execute("VACUUM INTO ?", (str(copy),))

    def restore(self):
        """Stop, set the file back to the copy, and start again."""
        self.kill()
        for name in ("app.sqlite-wal", "app.sqlite-shm"):
            self._file.with_name(name).unlink(missing_ok=True)
        shutil.copyfile(self._file.with_name("copy.sqlite"), self._file)
        self.start()

    def call(self, method, path, headers=None, **body):
        """One request of the test's own: the JSON of the answer."""
        response = self._session.request(
            method,
            self.url + path,
            json=body or None,
            headers=headers,
            timeout=REQUEST_TIMEOUT,
        )
        response.raise_for_status()
        return response.json() if response.content else None

    def get(self, collection, record_id):
        return self.call("GET", f"/api/v1/{collection}/{record_id}")

    def create(self, collection, **values):
        return self.call("POST", f"/api/v1/{collection}", **values)

    def edit(self, collection, record_id, **values):
        path = f"/api/v1/{collection}/{record_id}"
        return self.call("PATCH", path, headers={"If-Match": "*"}, **values)

    def find(self, collection, external_ref):
        """All records that carry this key."""
        path = f"/api/v1/{collection}?external_ref={external_ref}"
        return self.call("GET", path)["items"]

    def items(self, collection):
        """All records."""
        path = f"/api/v1/{collection}?limit=500"
        page = self.call("GET", path)
        items = page["items"]
        while page["next_after"]:
            page = self.call("GET", f"{path}&after={page['next_after']}")
            items += page["items"]
        return items

    def history(self, record_id):
        """Who made each version, and by which request."""
        return self.call("GET", f"/admin/history/{record_id}")["history"]

    def fault(self, kind, seed=1, **rule):
        """Have batches fail: ``count`` says how often, else always."""
        match = {"method": "POST", "path": "/api/v1/*/batch"}
        rules = [{"kind": kind, "match": match, **rule}]
        self.call("POST", "/admin/faults", seed=seed, rules=rules)

    def fault_hits(self):
        rules = self.call("GET", "/admin/faults")["rules"]
        return sum(rule["hits"] for rule in rules)

    def heal(self):
        self.call("DELETE", "/admin/faults")
        self.call(
            "POST",
            "/admin/settings",
            ignore_idempotency_keys=False,
            refuse_records="",
        )

    def refuse_records(self, code):
        """Refuse each record of a push with this code, until the app is healed."""
        self.call("POST", "/admin/settings", refuse_records=code)

    def requests(self, since=0):
        """API requests as the app logged them, the test's own left out."""
        entries = self.call("GET", f"/admin/requests?since={since}")["requests"]
        return [entry for entry in entries if entry["actor"] == "odoo"]

    def last_request(self):
        """Number of the latest request, to be given to :meth:`requests`."""
        entries = self.requests()
        return entries[-1]["seq"] if entries else 0
