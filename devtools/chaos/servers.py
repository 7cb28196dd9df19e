"""The servers of a storm: some of Odoo on one database, and the pharmacy app. They are
killed, and started again as a supervisor would."""

import json
import os
import signal
import time

from .. import config, odoo, paths, postgres, processes, settings, shell, stack
from ..progress import StepError, step
from .calls import call

PREPARE = paths.ROOT / "devtools/chaos/prepare.py"
PREPARE_TIMEOUT = 180
WORKERS = 3
LIMITS = {"workers": WORKERS, "db_maxconn": 16}


class Servers:
    """:param word: what the names of the servers and of their logs begin with
    :param folder: where the app keeps its file
    :param cluster: a :class:`.cluster.Cluster`, if the database is in one
    :ivar urls: of Odoo's servers
    """

    def __init__(self, word, database, folder, count, cluster=None):
        self.database = database
        self._folder = folder
        self._cluster = cluster
        self._state = stack.new_state(settings.free_port(), settings.free_port())
        self._odoo_ports = [settings.free_port() for __ in range(count)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self._odoo_ports]
        self._word = word
        self.names = [f"{word}_odoo_{number + 1}" for number in range(count)]
        self.app_name = f"{word}_app"
        self.app_url = stack.app_url(self._state)
        self.app_key = self._state["key"]
        self._down = set()
        self._groups = {}

    def prepare(self):
        """Connect the two sides: what ``prepare.py`` says."""
        prepared = self._folder / "prepared.json"
        words = ["shell", "-c", config.write(f"{self._word}_prepare")]
        words += ["-d", self.database, "--no-http", "--max-cron-threads=0"]
        env = {**stack.demo_environment(self._state), "CHAOS_PREPARED": str(prepared)}
        with step("connect Odoo and the pharmacy app"):
            shell.run(
                [*odoo.command(), *words],
                self._word,
                PREPARE_TIMEOUT,
                env=env,
                stdin=PREPARE,
            )
            if not prepared.exists():
                raise StepError(
                    "Odoo could not be connected",
                    log=paths.LOG / f"{self._word}.log",
                )
        self.prepared = json.loads(prepared.read_text())

    def start(self):
        """Start all, and wait until they answer."""
        with step(f"start {len(self.names)} Odoo server(s) and the pharmacy app"):
            self.revive()
            self.wait()

    def wait(self):
        """Wait until all answer; a server that ends meanwhile is started again."""
        addresses = [f"{self.app_url}/api/v1/health"]
        addresses += [f"{url}/web/health" for url in self.urls]
        deadline = time.monotonic() + stack.START_TIMEOUT
        while not all(call("GET", url, "").good for url in addresses):
            if time.monotonic() > deadline:
                log = paths.LOG / f"{self.names[0]}.log"
                raise StepError("not all servers answer", log=log)
            self.revive()
            time.sleep(0.5)

    def revive(self):
        """Start what has ended and is not to stay down yet."""
        for name in (self.app_name, *self.names):
            if name not in self._down and not processes.pid(name):
                # What its first process left behind has its port.
                self._end_group(name)
                self._groups[name] = processes.start(name, *self._command(name))

    def kill(self, name):
        """End a server and all its processes, without a goodbye; it stays down."""
        self._down.add(name)
        self._end_group(name)

    def release(self, name):
        """A server that was killed may come back."""
        self._down.discard(name)

    def kill_one(self, name, pick):
        """End one of a server's processes: ``pick`` says which, from 0 to 1."""
        numbers = sorted(processes.group(self._groups.get(name)))
        if numbers:
            _kill(numbers[int(pick * len(numbers))])

    def end(self):
        for name in (self.app_name, *self.names):
            self.kill(name)
            processes.stop(name)

    def _end_group(self, name):
        first = self._groups.pop(name, None)
        deadline = time.monotonic() + processes.STOP_TIMEOUT
        while (numbers := processes.group(first)) and time.monotonic() < deadline:
            for number in numbers:
                _kill(number)
            time.sleep(0.05)

    def cut_connections(self):
        """End all connections of the database, as a restart of PostgreSQL would."""
        postgres.disconnect(self.database)

    def restart_postgres(self):
        """What clients notice of it alone where others use the same server."""
        if self._cluster:
            self._cluster.restart()
        else:
            self.cut_connections()

    def _command(self, name):
        if name == self.app_name:
            words = stack.app_command(self._state, self._folder / "app.sqlite")
            hook = f"{self.urls[0]}/pharmacy_sync/webhook/{self.prepared['backend']}"
            words += ["--webhook-url", hook, "--webhook-database", self.database]
            secret = {"PHARMACY_WEBHOOK_SECRET": self._state["webhook_secret"]}
            return words, {**stack.app_environment(self._state), **secret}
        port = self._odoo_ports[self.names.index(name)]
        limits = {**LIMITS, "gevent_port": settings.free_port()}
        conf = config.write(name, self.database, port, **limits)
        return ([*odoo.command(), "-c", conf],)


def _kill(number):
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return
