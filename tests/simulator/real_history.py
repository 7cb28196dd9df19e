"""A history on the real models and the real app."""

import random

from odoo import Command

from odoo.addons.pharmacy_sync.entities.directory import Directory

from .laws import Copy, Ending, broken
from .ledger import Ledger, flat
from .real import Killed, Network

ORDERS = "purchase-orders"
WRITTEN = ("notes", "quantity", "unit_price")  # what persons write
ROUNDS = 12


class Seeker:
    """Each history reads the app's feed from where the one before it ended."""

    def __init__(self, case):
        self._case, self._cursor = case, None

    def forward(self):
        more = True
        while more:
            cursor = f"&cursor={self._cursor}" if self._cursor else ""
            page = self._case.app.call(
                "GET", f"/api/v1/changes?entity={ORDERS}&limit=500{cursor}"
            )
            self._cursor, more = page["next_cursor"], page["has_more"]
        self.stream().cursor = self._cursor
        self._case.env.cr.flush()

    def stream(self):
        streams = self._case.backend.stream_ids
        return streams.filtered(lambda stream: stream.entity == "purchase_order")


class RealHistory:
    """One history: see :meth:`play`.

    :param case: the test case: Odoo, and the app
    """

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
        acts = (
            (self._person_at_odoo, 4),
            (self._person_at_app, 4),
            (self._push, 3),
            (self._pull, 3),
            (self._late, 1),
            (self._keep_stale, 1),
            (self._call_in, 1),
            (self._decide, 1),
        )
        first = (self._create_at_odoo, self._create_at_app)
        self.random.choice(first)()
        with self.network:
            self.network.trouble = self.trouble
            for act in self.random.choices(*zip(*acts, strict=True), k=8):
                act()
            self._heal()
            work = self._rest()
            if not work and self.random.random() < 0.5:
                self._decide()
                work = self._rest()
            second = [] if work else self._second_pass()
        return broken(self.ledger, self._ending(work, second))

    def _note(self, *words):
        self.log.append("  ".join(map(str, words)))

    # -- Persons -----------------------------------------------------------------------

    def _new_number(self):
        self._number += 1
        return self._number

    def _values(self, order):
        directory = Directory(self.case.backend)
        return self.stream._adapter()._serialise(order, directory)[order.id]

    def _create_at_odoo(self):
        order = self.case.make_order(quantity=self._new_number())
        order.order_line[1:].unlink()
        order.note = f"n{self._new_number()}"
        self._committed()
        self.orders |= order
        self._wrote("odoo", {}, self._values(order))

    def _create_at_app(self):
        number = self._new_number()
        record = self.app.add(
            ORDERS,
            reference=f"H{self.seed}-{number}",
            supplier_id=self.case.supplier_id,
            currency=self.env.company.currency_id.name,
            notes=f"n{number}",
            lines=[self._their_line()],
        )
        self.theirs[record["reference"]] = record["id"]
        self._wrote("app", {}, record)

    def _their_line(self):
        number = self._new_number()
        return {
            "key": f"ln_{number}",
            "product_id": self.random.choice(self.case.product_ids),
            "description": "Goods",
            "quantity": f"{number}.00",
            "uom": "Units",
            "unit_price": f"{self._new_number()}.00",
        }

    def _living_orders(self):
        mapped = self.env["sync.mapping"].search([("stream_id", "=", self.stream.id)])
        names = self.ledger.records()
        orders = self.orders | self.orders.browse(mapped.mapped("res_id"))
        return orders.exists().filtered(
            lambda o: o.state != "cancel" and (o.origin or o.name) in names
        )

    def _person_at_odoo(self):
        orders = self._living_orders()
        if not orders:
            return
        order = self.random.choice(orders)
        before, lines = self._values(order), order.order_line
        deed = self.random.random()
        if deed < 0.06:
            order.button_cancel()
            order.unlink()
            self._committed()
            self._note("person at odoo deletes", before["reference"])
            self.ledger.removed("odoo", before["reference"], _flat(before))
            return
        if deed < 0.4 or (not lines and deed < 0.8):
            order.note = f"n{self._new_number()}"
        elif deed < 0.8:
            line = self.random.choice(lines)
            values = {"product_qty": self._new_number(), "price_unit": line.price_unit}
            if self.random.random() < 0.5:
                values = {"price_unit": self._new_number()}
            line.write(values)
        elif deed < 0.9 or not lines:
            product = self.random.choice(self.case.products)
            values = {
                "product_id": product.id,
                "product_qty": self._new_number(),
                "price_unit": self._new_number(),
            }
            order.order_line = [Command.create(values)]
        else:
            self.random.choice(lines).unlink()
        self._committed()
        self._wrote("odoo", before, self._values(order))

    def _person_at_app(self):
        records = [self.app.get(ORDERS, i) for i in self._their_ids()]
        if not records:
            return
        record = self.random.choice(records)
        lines, deed = list(record["lines"]), self.random.random()
        at = self.random.randrange(len(lines)) if lines else None
        if deed < 0.06:
            self.app.call(
                "DELETE", f"/api/v1/{ORDERS}/{record['id']}", headers={"If-Match": "*"}
            )
            self._note("person at the app deletes", record["reference"])
            self.ledger.removed("pharmacy", record["reference"], _flat(record))
            return
        if deed < 0.4 or (at is None and deed < 0.8):
            changes = {"notes": f"n{self._new_number()}"}
        elif deed < 0.8:
            name = self.random.choice(("quantity", "unit_price"))
            lines[at] = {**lines[at], name: f"{self._new_number()}.00"}
            changes = {"lines": lines}
        elif deed < 0.9 or at is None:
            changes = {"lines": [*lines, self._their_line()]}
        else:
            changes = {"lines": lines[:at] + lines[at + 1 :]}
        after = self.app.edit(ORDERS, record["id"], **changes)
        self._wrote("app", record, after)

    def _their_ids(self):
        """The app's living records of this history, those that Odoo made included."""
        for name in self.ledger.records():
            found = self.app.call("GET", f"/api/v1/{ORDERS}?limit=500&q={name}")
            for record in found["items"]:
                if record["reference"] == name:
                    self.theirs[name] = record["id"]
        gone = self.ledger.deleted
        return [
            external_id
            for name, external_id in self.theirs.items()
            if "pharmacy" not in gone.get(name, ()) and self._is_there(external_id)
        ]

    def _is_there(self, external_id):
        record = self._at_app(external_id)
        return bool(record) and not record["deleted"]

    def _at_app(self, external_id):
        response = self.app._session.get(
            f"{self.app.url}/api/v1/{ORDERS}/{external_id}", timeout=30
        )
        body = response.json()
        return body if response.status_code == 200 else body.get("current")

    def _wrote(self, side, before, after):
        self._note(f"person at {side}", after["reference"], _flat(after))
        self.ledger.wrote(after["reference"], _flat(before), _flat(after))

    def _committed(self):
        self.env.cr.flush()

    def _decide(self):
        for conflict in self._open_conflicts():
            mapping = conflict.mapping_id
            order = mapping._record()
            side = self.random.choice(("odoo", "pharmacy"))
            if order:
                name = order.origin or order.name
                merge = mapping._merge(self._values(order), conflict.pharmacy)
                for path, values in merge.conflicts.items():
                    sides = values.odoo, values.pharmacy
                    winner, loser = sides if side == "odoo" else sides[::-1]
                    self._decided(name, path, winner, loser)
            self._note("person decides", side, conflict.line_ids.mapped("field"))
            if side == "odoo":
                conflict.action_keep_odoo()
            else:
                conflict.action_take_pharmacy()
            self._committed()

    def _decided(self, name, path, winner, loser):
        if path.endswith("]"):
            self.ledger.decided(name, path, *map(_written, (winner, loser)))
        elif path.rpartition(".")[2] in WRITTEN:
            self.ledger.decided(name, path, winner, loser)

    def _open_conflicts(self):
        return self.env["sync.conflict"].search(
            [("mapping_id.stream_id", "=", self.stream.id), ("state", "=", "open")]
        )

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
                copy = Copy(order.state != "cancel", _flat(values))
                ending.odoo.setdefault(values["reference"], []).append(copy)
        for name in names:
            for record in self._all_at_app(name):
                copy = Copy(not record["deleted"], _flat(record))
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


def _written(line):
    return line and {name: line[name] for name in line if name in WRITTEN}


def _flat(record):
    """What persons write, by slot."""
    slots = flat(record)
    return {s: v for s, v in slots.items() if s.rpartition(".")[2] in WRITTEN}
