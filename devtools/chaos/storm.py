"""A storm: load from both sides while things go wrong; then all heals, and both sides
are compared with the ledger."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from .. import postgres
from ..progress import StepError, say, step
from . import schedule
from .app_person import AppPerson
from .calls import call
from .ledger import Ledger
from .listing import AtApp, both
from .odoo_person import OdooPerson, Rpc
from .persons import PRODUCT, SUPPLIER
from .verdict import judge

PERSONS = 2  # on each side
FIRST = {SUPPLIER: 2, PRODUCT: 4}
SETTLE_TIMEOUT = 300
# Looked at so often, in a row, that there is nothing left to do.
QUIET = 2
TICK = 0.5
ROUND = 10  # seconds from one run of the scheduled actions to the next
# What somebody would still do something about without being asked.
UNDONE = """
SELECT 'event ' || state, count(*) FROM sync_event
 WHERE state = 'pending' GROUP BY state
UNION ALL
SELECT kind || ' ' || state, count(*) FROM sync_operation
 WHERE state IN ('pending', 'running', 'waiting') GROUP BY kind, state
UNION ALL
SELECT 'job ' || state, count(*) FROM queue_job
 WHERE state IN ('pending', 'enqueued', 'started', 'wait_dependencies')
   AND (eta IS NULL OR eta <= now() AT TIME ZONE 'UTC') GROUP BY state
"""
DEAD = """
SELECT kind || ' of ' || coalesce(external_id, '?') || ': ' || coalesce(reason, '')
  FROM sync_operation WHERE state = 'dead' ORDER BY id
"""


class Storm:
    """:param servers: a :class:`.servers.Servers` that runs
    :ivar recovered: seconds that it took until all was quiet, once all was healed
    :ivar left: sentences of what was still to be done when waiting ended
    :ivar dead: how many dead letters an operator had to redrive
    """

    def __init__(self, seed, seconds, servers):
        self.seed = seed
        self.seconds = seconds
        self.servers = servers
        self.prefix = f"C{seed}"
        self.ledger = Ledger()
        keys, database = servers.prepared["keys"], servers.database
        self.login = {name: (servers.urls, database, key) for name, key in keys.items()}
        self.operator = Rpc(*self.login["operator"], random.Random(seed))
        self.app = servers.app_url, servers.app_key
        self.recovered = None
        self.dead = 0
        self.left = []

    def rage(self):
        """Have the storm, and wait until all has recovered from it."""
        self._begin()
        self._blow()
        with step("wait until all is quiet"):
            self._recover()

    def compare(self):
        """What it has done: a :class:`.verdict.Verdict`."""
        at_app = AtApp(self.reader().ask, self.prefix)
        listings = both(self.operator, at_app, self.prefix)
        conflicts = at_app.conflicts(self._call_api)
        # What the scheduler has begun since is nothing that was left.
        stuck = [*self.left, *(f"dead letter: {text}" for text in self._dead())]
        return judge(self.ledger.writes(), listings, conflicts, stuck)

    # -- Load -------------------------------------------------------------------------

    def _begin(self):
        """Have suppliers and products on both sides, made in Odoo."""
        person = OdooPerson(self.login["buyer"], self.seed, self.ledger, 0, 1)
        for kind, count in FIRST.items():
            for __ in range(count):
                person.make(kind)
        made = sum(len(self.ledger.living(kind)) for kind in FIRST)
        if made < sum(FIRST.values()):
            raise StepError("Odoo does not make the first suppliers and products")
        with step("bring the first records over"):
            self._settle()

    def _persons(self):
        for number in range(PERSONS):
            who = self.seed, self.ledger, number, PERSONS
            yield OdooPerson(self.login["buyer"], *who)
            yield AppPerson(self.app, self.login["pharmacy"], *who)

    def _blow(self):
        stopped = threading.Event()
        persons = list(self._persons())
        with ThreadPoolExecutor(len(persons)) as pool:
            working = [pool.submit(person.work, stopped) for person in persons]
            try:
                self._trouble()
            finally:
                stopped.set()
                self._heal()
        for future in working:
            future.result()

    # -- Trouble ----------------------------------------------------------------------

    def _trouble(self):
        began = time.monotonic()
        coming = schedule.draw(self.seed, self.seconds, len(self.servers.names))
        ending = []
        while (now := time.monotonic() - began) < self.seconds:
            while coming and coming[0].at <= now:
                trouble = coming.pop(0)
                say("", str(trouble), now)
                if end := self._make(trouble):
                    ending.append((now + trouble.lasts, end))
            for at, end in [pair for pair in ending if pair[0] <= now]:
                end()
                ending.remove((at, end))
            self.servers.revive()
            time.sleep(TICK)

    def _make(self, trouble):
        """Do it; what ends it, if anything must."""
        servers, name = self.servers, self.servers.names[trouble.server]
        if trouble.kind == "fault":
            self._at_app("POST", "faults", {"seed": 1, "rules": [trouble.rule]})
            return lambda: self._at_app("DELETE", "faults")
        if trouble.kind == "kill process":
            servers.kill_one(name, trouble.pick)
        elif trouble.kind == "kill connections":
            servers.cut_connections()
        elif trouble.kind == "restart postgres":
            servers.restart_postgres()
        else:
            name = servers.app_name if trouble.kind == "kill app" else name
            servers.kill(name)
            return lambda: servers.release(name)
        return None

    def _at_app(self, method, path, body=None):
        return call(method, f"{self.app[0]}/admin/{path}", self.app[1], body)

    # -- Recovery ---------------------------------------------------------------------

    def _heal(self):
        for name in (self.servers.app_name, *self.servers.names):
            self.servers.release(name)
        self.servers.revive()

    def _recover(self):
        """What the scheduler and an operator do."""
        self.servers.wait()
        self._at_app("DELETE", "faults")
        began = time.monotonic()
        self._settle()
        self.recovered = time.monotonic() - began
        self.dead = len(self._dead())
        if self.dead:
            # As an operator would who is notified of them.
            dead = [["state", "=", "dead"]]
            found = self.operator("sync.operation", "search", domain=dead)
            self.operator("sync.operation", "action_redrive", ids=found.data)
            self._settle()

    def _settle(self):
        """Run the scheduled actions by hand until nothing is left to do, or the time is
        over."""
        deadline, quiet = time.monotonic() + SETTLE_TIMEOUT, 0
        while quiet < QUIET and time.monotonic() < deadline:
            for name in ("cron_pull", "cron_recover"):
                self._run_action(name)
            left = self._wait_for_idleness(time.monotonic() + ROUND)
            quiet = 0 if left else quiet + 1
            if left:
                say("...", "; ".join(left))
            self.left = left
            self.servers.revive()

    def _wait_for_idleness(self, deadline):
        while True:
            left = self._undone()
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(TICK)

    def _undone(self):
        rows = postgres.query(UNDONE, self.servers.database)
        return [f"{count} x {what}" for what, count in rows]

    def _dead(self):
        rows = postgres.query(DEAD, self.servers.database)
        return [" ".join(row) for row in rows]

    def _run_action(self, name):
        found = self.operator(
            "ir.model.data",
            "search_read",
            domain=[["module", "=", "pharmacy_sync"], ["name", "=", name]],
            fields=["res_id"],
        )
        if found.good:
            ids = [row["res_id"] for row in found.data]
            self.operator("ir.cron", "method_direct_trigger", ids=ids)

    def reader(self):
        """Somebody who only looks at the app."""
        who = self.seed, self.ledger, 0, 1
        return AppPerson(self.app, self.login["pharmacy"], *who)

    def _call_api(self, method, arguments):
        urls, database, key = self.login["pharmacy"]
        url = f"{urls[0]}/pharmacy_sync/api/v1/{method}"
        return call("POST", url, key, arguments, {"X-Odoo-Database": database})
