import os

from odoo.tests import tagged

from ...core.conflict.merge import MISSING
from ..simulator.real_history import RealHistory
from ..simulator.real_persons import ORDERS
from .test_histories import HistoryCase

HISTORIES = int(os.environ.get("PHARMACY_SYNC_ODOO_HISTORIES") or 12)
# What persons enter; nothing is the same as an empty text.
EMPTY = (None, False, MISSING)
# What only the pharmacy says of a field that Odoo tells it.
OWN = "the app's own"


class FurtherHistory(RealHistory):
    """Of orders that carry two fields more: one that both sides write, and one that
    Odoo tells the pharmacy, where persons write it, too."""

    def __init__(self, case, seed):
        super().__init__(case, seed)
        self._told = {}  # what was written in Odoo last, by the order
        self.trouble = self.random.choice((0.2, 0.5, 0.7))

    def _acts(self):
        """Mostly what these fields go through: a change is sent at once, and fails."""
        return (
            (self._send_from_odoo, 6),
            (self._write_at_odoo, 2),
            (self._write_at_app, 4),
            (self._person_at_odoo, 1),
            (self._person_at_app, 1),
            (self._push, 2),
            (self._pull, 3),
            (self._late, 2),
            (self._keep_stale, 1),
            (self._call_in, 1),
            (self._decide, 1),
        )

    def _send_from_odoo(self):
        self._write_at_odoo()
        self._push()

    def _ward(self):
        """What a person writes, one time in four nothing."""
        number = self._new_number()
        return self.random.choice((f"w{number}",) * 3 + ("",))

    def _further_at_odoo(self):
        return {"x_ward": self._ward(), "x_receipt": "new"}

    def _further_at_app(self):
        return {"ward": self._ward() or None}

    def _write_at_odoo(self):
        orders = self._living_orders()
        if not orders:
            return
        order = self.random.choice(orders)
        before = self._values(order)
        if self.random.random() < 0.3:
            order.x_receipt = f"r{self._new_number()}"
            self._told[order] = order.x_receipt
        else:
            order.x_ward = self._ward()
        self._committed()
        self._wrote("odoo", before, self._values(order))

    def _write_at_app(self):
        records = [self.app.get(ORDERS, i) for i in self._their_ids()]
        if not records:
            return
        record = self.random.choice(records)
        changes = {"ward": self._ward() or None}
        if self.random.random() < 0.3:
            changes = {"receipt_status": OWN}
        after = self.app.edit(ORDERS, record["id"], **changes)
        self._wrote("app", record, after)

    def _written(self, record):
        if not record:
            return {}
        ward = record.get("ward")
        return {**super()._written(record), "ward": "" if ward in EMPTY else ward}

    def _decided(self, name, path, winner, loser):
        if path != "ward":
            return super()._decided(name, path, winner, loser)
        sides = ("" if value in EMPTY else value for value in (winner, loser))
        return self.ledger.decided(name, path, *sides)

    def _ending(self, work, second):
        """What Odoo tells stands at the pharmacy, or what was written there over it;
        it never comes back."""
        ending = super()._ending(work, second)
        for order in self._living_orders():
            told, name = order.x_receipt or "", order.origin or order.name
            made_here = "new" if order in self.orders else ""
            if told != self._told.get(order, made_here):
                ending.breaches.append(f"echo: {name} has {told}")
            for record in self._all_at_app(name):
                if record["receipt_status"] not in {told, told or None, OWN}:
                    ending.breaches.append(
                        f"not told: {name} is {record['receipt_status']}, not {told}"
                    )
        return ending


@tagged("post_install", "-at_install")
class TestHistoriesFurther(HistoryCase):
    """Fields that an administrator chose arrive at last, whatever fails, and what is
    told comes back from nowhere."""

    app_script = "tests/system/further_app.py"
    history = FurtherHistory

    def _begin(self):
        model = self.env["ir.model"]._get("purchase.order")
        self.env["ir.model.fields"].create(
            [
                {
                    "name": name,
                    "ttype": "char",
                    "model_id": model.id,
                    "field_description": title,
                }
                for name, title in (("x_ward", "Ward"), ("x_receipt", "Receipt"))
            ]
        )
        stream = self.backend.stream_ids.filtered(
            lambda stream: stream.entity == "purchase_order"
        )
        ways = (("x_ward", "ward", "both"), ("x_receipt", "receipt_status", "push"))
        self.env["sync.further.field"].create(
            [
                {
                    "stream_id": stream.id,
                    "odoo_field": odoo_field,
                    "path": path,
                    "direction": direction,
                }
                for odoo_field, path, direction in ways
            ]
        )
        return super()._begin()

    def test_what_was_chosen_arrives_and_does_not_come_back(self):
        self._play(range(HISTORIES))
