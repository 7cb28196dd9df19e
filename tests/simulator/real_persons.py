"""Persons on both sides of a history on the real models and the real app."""

from odoo import Command

from odoo.addons.pharmacy_sync.entities.directory import Directory

from .ledger import flat

ORDERS = "purchase-orders"
WRITTEN = ("notes", "quantity", "unit_price")  # what persons write


class Persons:
    """What persons create, edit, delete and decide; the ledger notes it."""

    def _new_number(self):
        self._number += 1
        return self._number

    def _values(self, order):
        directory = Directory(self.case.backend)
        return self.stream._adapter()._serialise(order, directory)[order.id]

    def _create_at_odoo(self):
        order = self.case.make_order(quantity=self._new_number())
        order.order_line[1:].unlink()
        order.write({"note": f"n{self._new_number()}", **self._further_at_odoo()})
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
            **self._further_at_app(),
        )
        self.theirs[record["reference"]] = record["id"]
        self._wrote("app", {}, record)

    def _further_at_odoo(self):
        """What else a person enters in Odoo who makes an order."""
        return {}

    def _further_at_app(self):
        """What else a person enters at the app who makes an order."""
        return {}

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
            self.ledger.removed("odoo", before["reference"], self._written(before))
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
            self.ledger.removed("pharmacy", record["reference"], self._written(record))
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
        self._note(f"person at {side}", after["reference"], self._written(after))
        slots = self._written(before), self._written(after)
        self.ledger.wrote(after["reference"], *slots)

    def _written(self, record):
        """What persons write of a record, by slot."""
        return written(record)

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
            self.ledger.decided(name, path, *map(_written_in, (winner, loser)))
        elif path.rpartition(".")[2] in WRITTEN:
            self.ledger.decided(name, path, winner, loser)

    def _open_conflicts(self):
        return self.env["sync.conflict"].search(
            [("mapping_id.stream_id", "=", self.stream.id), ("state", "=", "open")]
        )


def _written_in(line):
    return line and {name: line[name] for name in line if name in WRITTEN}


def written(record):
    """What persons write, by slot."""
    slots = flat(record)
    return {s: v for s, v in slots.items() if s.rpartition(".")[2] in WRITTEN}
