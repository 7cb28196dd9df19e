"""Persons who write all the time, and enter in the ledger what came of it."""

import random

from .ledger import EXISTS, NO, SIDES, YES, Write

ORDER, SUPPLIER, PRODUCT = KINDS = ("order", "supplier", "product")
# What is edited of each kind; an order's lines: the first one.
EDITED = {
    ORDER: ("notes", "quantity", "unit_price"),
    SUPPLIER: ("phone", "city", "street"),
    PRODUCT: ("price", "cost"),
}
# One in so many records has a field that both sides write.
FOUGHT_OVER = 7
# Seconds between two writes of a person, at most.
PACE = 0.8
DEEDS = (
    *(("edit", ORDER),) * 10,
    *(("edit", SUPPLIER),) * 3,
    *(("edit", PRODUCT),) * 3,
    *(("make", ORDER),) * 5,
    ("make", SUPPLIER),
    ("make", PRODUCT),
    ("confirm", ORDER),
    ("remove", ORDER),
)


def number_of(record):
    """The number at the end of a record's name."""
    return int(record[1].rpartition("-")[2])


def writers(record, field):
    """The sides whose persons write a field of a record.

    One side alone, so that it is known which value is the last; of a few records both.
    """
    number, fields = number_of(record), EDITED[record[0]]
    if number % FOUGHT_OVER == 0 and field == fields[-1]:
        return SIDES
    place = fields.index(field) if field in fields else len(fields)
    return (SIDES[(number + place) % 2],)


class Person:
    """One who writes on a side; the two sides' persons know how.

    :param number: which of ``count`` persons of that side: a record is edited by one
        of them
    """

    side = None

    def __init__(self, seed, ledger, number, count):
        self.rng = random.Random(f"{seed} {self.side} {number}")
        self.ledger = ledger
        self._prefix = f"C{seed}"
        self._number, self._count = number, count
        self._ids = {}

    def work(self, stopped):
        """Write until ``stopped`` is set."""
        while not stopped.wait(self.rng.uniform(0, PACE)):
            deed, kind = self.rng.choice(DEEDS)
            if deed == "make":
                self.make(kind)
            elif record := self._one_of(kind):
                getattr(self, f"_{deed}")(record)

    def _one_of(self, kind):
        mine = [
            record
            for record in self.ledger.living(kind)
            if number_of(record) % self._count == self._number
        ]
        return self.rng.choice(mine) if mine else None

    def make(self, kind):
        number = self.ledger.new_number()
        record = (kind, f"{self._prefix}-{number}")
        slots, values = self._new_values(record, number)
        if not values:
            return
        answer = self._create(record, values)
        made = {EXISTS: YES, **slots}
        self._enter(record, made, answer, makes=True)
        if answer.good:
            self._made(record, answer.data)

    def _new_values(self, record, number):
        """What a new record has: by slot, and as the side receives it."""
        if record[0] == SUPPLIER:
            slots = {"phone": f"+34 6{number:08}", "city": f"City {number}"}
            return slots, self._supplier(record[1], slots)
        if record[0] == PRODUCT:
            slots = {"price": f"{number}", "cost": f"{number}.5"}
            return slots, self._product(record[1], slots)
        chosen = self._chosen()
        if not chosen:
            return {}, None
        supplier, products = chosen
        slots = {"notes": f"n{number}", "state": "draft"}
        for place, (record_, __) in enumerate(products):
            slots[f"lines[{record_[1]}].quantity"] = f"{number + place}"
            slots[f"lines[{record_[1]}].unit_price"] = f"{number + place}.25"
        return slots, self._order(record[1], slots, supplier[1], products)

    def _chosen(self):
        """A supplier and two products that this side has: (record, id) of each."""
        suppliers = self.ledger.living(SUPPLIER)
        products = self.ledger.living(PRODUCT)
        if not suppliers or len(products) < 2:
            return None
        chosen = [self.rng.choice(suppliers), *self.rng.sample(products, 2)]
        found = [(record, self.id_of(record)) for record in chosen]
        return (found[0], found[1:]) if all(i for __, i in found) else None

    def _edit(self, record):
        fields = [f for f in EDITED[record[0]] if self.side in writers(record, f)]
        if not fields or not self.id_of(record):
            return
        field, number = self.rng.choice(fields), self.ledger.new_number()
        value = self._new_value(field, number)
        if record[0] == ORDER and field != "notes":
            self._edit_line(record, field, value)
        else:
            self._enter(record, {field: value}, self._write(record, {field: value}))

    def _new_value(self, field, number):
        texts = {
            "notes": f"n{number}",
            "phone": f"+34 6{number:08}",
            "city": f"City {number}",
            "street": f"Street {number}",
        }
        return texts.get(field, f"{number}")

    def _confirm(self, record):
        if self.side in writers(record, "state") and self.id_of(record):
            values = {"state": "confirmed"}
            self._enter(record, values, self._confirm_it(record))

    def _remove(self, record):
        if self.side in writers(record, "state") and self.id_of(record):
            values = {EXISTS: NO, "state": "cancelled"}
            self._enter(record, values, self._remove_it(record))

    def id_of(self, record):
        """The side's id of a record; None while it is not known there."""
        if record not in self._ids and (found := self._find(record)):
            self._ids[record] = found
        return self._ids.get(record)

    def _enter(self, record, values, answer, makes=False):
        self.ledger.enter(
            *(
                Write(
                    *(self.side, record, slot, value, answer.outcome),
                    *(answer.began, answer.ended, makes),
                )
                for slot, value in values.items()
            )
        )
