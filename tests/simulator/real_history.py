"""A history on the real models and the real app."""

import random

from .laws import Copy, Ending, broken
from .ledger import Ledger
from .real import Killed, Network
from .real_persons import ORDERS, Persons

ROUNDS = 12


class Seeker:
    """Each history reads the app's feed from where the one before it ended."""

    def __init__(self, case):
        self._case, self._cursor = case, None

    def forward(self):
        stream = self.stream()
        if stream.reads_whole or stream.reads_list:
            stream.cursor = False
            return
        more = True
        while more:
            cursor = f"&cursor={self._cursor}" if self._cursor else ""
            page = self._case.app.call(
                "GET", f"/api/v1/changes?entity={ORDERS}&limit=500{cursor}"
            )
            self._cursor, more = page["next_cursor"], page["has_more"]
        stream.cursor = self._cursor
        self._case.env.cr.flush()

    def stream(self):
        streams = self._case.backend.stream_ids
        return streams.filtered(lambda stream: stream.entity == "purchase_order")


class RealHistory(Persons):
    """One history: see :meth:`play`.

    :param case: the test case: Odoo, and the app
    :cvar loses_new: how often the answer to a creation is lost, whatever the trouble is
    """

    loses_new = 0.0

    def __init__(self, case, seed):
        self.case, self.env, self.app = case, case.env, case.app
        self.random = random.Random(seed)
        self.stream = case.seeker.stream()
        self.ledger = Ledger()
        self.seed = seed
        self.log = [f"seed {seed}"]
        self.network = Network(self.random, self._door, self._note)
        self.orders = self.env["purchase.order"]
        self.theirs = {}  # the app's ids, by the record's name
        self._stale = []
        self._number = 10
        self._depth = 0
        self._deadly = self.random.choice((0, 0.05, 0.15))
        self._busy = self.random.choice((0, 0.4))
        self.trouble = self.random.choice((0, 0.2, 0.5))

    def play(self):
        """Persons, workers and troubles take turns; then all heals and rests.

        :return: the laws that do not hold
        """
        acts = self._acts()
        first = (self._create_at_odoo, self._create_at_app)
        self.random.choice(first)()
        with self.network:
            self.network.trouble = self.trouble
            self.network.loses_new = self.loses_new
            for act in self.random.choices(*zip(*acts, strict=True), k=8):
                act()
            self._heal()
            work = self._rest()
            if not work and self.random.random() < 0.5:
                self._decide()
                work = self._rest()
            second = [] if work else self._second_pass()
        return broken(self.ledger, self._ending(work, second))

    def _acts(self):
        """What may happen, and how often."""
        return (
            (self._person_at_odoo, 4),
            (self._person_at_app, 4),
            (self._push, 3),
            (self._pull, 3),
            (self._late, 1),
            (self._keep_stale, 1),
            (self._call_in, 1),
            (self._decide, 1),
        )

    def _note(self, *words):
        self.log.append("  ".join(map(str, words)))

    # -- Workers and network -----------------------------------------------------------

    def _door(self, name):
        """Where a worker may die, and others may come first."""
        if self.random.random() < self._deadly:
            self._note("killed", name)
            raise Killed
        # What another one commits while this one's transaction is open is another
        # matter: see the system tests.
        if self._depth == 1 and name.endswith(("call", "answer")):
            while self.random.random() < self._busy:
                self.random.choice(
                    (
                        self._person_at_odoo,
                        self._person_at_app,
                        self._push,
                        self._pull,
                        self._call_in,
                    )
                )()

    def _push(self):
        self._work("push", self.case.backend._as_runner()._job_push)

    def _pull(self):
        self._work("pull", self.case.backend._as_runner()._job_pull)

    def _work(self, name, job):
        if not self._depth:
            self._recover()
        self._run(name, job)

    def _recover(self):
        """Time passes: what waits is due, what a dead worker left is taken up."""
        self.case.make_due()
        self._committed()
        self._run("recovery", self.env["sync.operation"]._cron_recover)

    def _run(self, name, job):
        self._depth += 1
        self._note("starts", name, self._depth)
        try:
            job()
        except Killed:
            pass
        finally:
            self._depth -= 1
            self._note("ends", name)
            self.env.invalidate_all()

    def _late(self):
        if self.network.late:
            self.network.deliver_late()

    def _keep_stale(self):
        """The app takes a record up to call it in, by and by."""
        ids = self._their_ids()
        if ids:
            self._stale.append(self._at_app(self.random.choice(ids)))

    def _call_in(self):
        if self._stale:
            record = self._stale.pop(self.random.randrange(len(self._stale)))
            self._note("receives", record["reference"], record["version"])
            self.stream._apply([record], "history")
            self._committed()

    def _heal(self):
        self._note("heals")
        self._deadly = self._busy = self.network.trouble = 0
        self.network.loses_new = 0
        while self.network.late:
            self._late()
        while self._stale:
            self._call_in()

    def _rest(self):
        for __ in range(ROUNDS):
            self._push()
            self._pull()
            work = self._left()
            if not work:
                return []
        return work

    def _left(self):
        operations = self.case.operations().filtered(
            lambda o: o.state not in ("done", "cancelled")
        )
        events = self.env["sync.event"].search(
            [("backend_id", "=", self.case.backend.id), ("state", "=", "pending")]
        )
        return [f"{o.kind} {o.state}: {o.reason}" for o in operations] + [
            f"event {event.type}" for event in events
        ]

    def _second_pass(self):
        before = self._deeds()
        self._push()
        self._pull()
        self._push()
        names = ("operations", "events", "versions at the app")
        after = self._deeds()
        return [
            f"{name}: {now - then}"
            for name, then, now in zip(names, before, after, strict=True)
            if now != then
        ]

    def _deeds(self):
        versions = [
            record["version"]
            for record in map(self._at_app, self.theirs.values())
            if record
        ]
        return (
            self.env["sync.operation"].search_count([]),
            self.env["sync.event"].search_count([]),
            sum(versions),
        )

    def _ending(self, work, second):
        self._their_ids()
        ending = Ending({}, {}, work=work, second=second)
        names = self.ledger.records()
        mapped = self.env["sync.mapping"].search([("stream_id", "=", self.stream.id)])
        orders = (self.orders | self.orders.browse(mapped.mapped("res_id"))).exists()
        for order in orders:
            values = self._values(order)
            if values["reference"] in names:
                copy = Copy(order.state != "cancel", self._written(values))
                ending.odoo.setdefault(values["reference"], []).append(copy)
        for name in names:
            for record in self._all_at_app(name):
                copy = Copy(not record["deleted"], self._written(record))
                ending.pharmacy.setdefault(name, []).append(copy)
        for conflict in self._open_conflicts():
            order = conflict.mapping_id._record()
            name = order.origin or order.name if order else str(conflict.mapping_id.id)
            ending.conflicts[name] = conflict._open_lines().mapped("field")
        return ending

    def _all_at_app(self, name):
        found = self.app.call("GET", f"/api/v1/{ORDERS}?limit=500&q={name}")["items"]
        records = {r["id"]: r for r in found if r["reference"] == name}
        if name in self.theirs:
            records[self.theirs[name]] = self._at_app(self.theirs[name])
        return records.values()
