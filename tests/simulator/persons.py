"""What persons do on both sides, and the values that they write."""

from odoo.addons.pharmacy_sync.core.conflict.merge import Side
from odoo.addons.pharmacy_sync.core.conflict.rules import CANCELLED
from odoo.addons.pharmacy_sync.core.exceptions import DependencyMissingError

from .ledger import REMOVED, flat
from .odoo_records import DETAIL
from .rooms import Room

FIELDS = ("notes", "date")
LINE_FIELDS = ("quantity", "price")
MOST_BORN = 3


class Persons:
    """People at Odoo and at the pharmacy.

    :param world: where they live
    """

    def __init__(self, world):
        self.world = world
        self.conflicts = 0
        self._tokens = 0
        self._twins = set()
        self._ruled = Room.RULES in world.rooms
        self._supplied = Room.SUPPLIERS in world.rooms
        draw = world.random
        # Where everybody writes in the same place they meet more often.
        self._fields = draw.choice((FIELDS, FIELDS[:1]))
        if self._ruled:
            self._fields += ("state",)
        self._on_lines = draw.choice((0, 0.5, 0.5, 1))
        self._undo = draw.choice((0, 0.1, 0.4))
        self._detailed = ("date", "quantity", "price")[: 1 if self._ruled else 3]

    # -- New records -------------------------------------------------------------------

    def _token(self):
        self._tokens += 1
        return f"v{self._tokens}"

    def _new_record(self, name, side="odoo"):
        values = {"name": name, "notes": self._new_text(), "date": self._token()}
        if self._ruled:
            values["state"] = self._token()
        lines = [self._new_line() for __ in range(self.world.random.randint(0, 2))]
        return self._detail(side, {**values, "lines": lines})

    def _detail(self, side, changes):
        """What is written at the pharmacy may have more to it than Odoo can hold."""
        if side == "odoo" or Room.HOLDS not in self.world.rooms:
            return changes
        detailed = {
            name: self._detail_of(name, value) for name, value in changes.items()
        }
        if "lines" in changes:
            detailed["lines"] = [
                {name: self._detail_of(name, value) for name, value in line.items()}
                for line in changes["lines"]
            ]
        return detailed

    def _detail_of(self, name, value):
        # A value that stood somewhere before is that value.
        former = {v for known in self.world.ledger.seen.values() for v in known}
        plain = name not in self._detailed or DETAIL in value or value in former
        if plain or self.world.held.random() < 0.5:
            return value
        return f"{value}{DETAIL}{self._token()}"

    def _new_text(self):
        """Where texts are merged they have lines."""
        return "\n".join(self._token() for __ in range(3 if self._ruled else 1))

    def _new_line(self):
        return {"key": f"k{self._token()}"} | {
            name: self._new_value(name) for name in LINE_FIELDS
        }

    def _new_value(self, name):
        token = self._token()
        if not self._ruled or name not in LINE_FIELDS:
            return token
        return token[1:] if name == "quantity" else f"{token[1:]}.00"

    def _create_at_odoo(self):
        return self._create("odoo", f"r{self._token()}")

    def _create_at_pharmacy(self):
        return self._create("pharmacy", f"r{self._token()}")

    def _create(self, side, name):
        values = self._new_record(name, side)
        if self._supplied:
            values["supplier"] = self._supplier(side)
        return self._make(side, values)

    def _make(self, side, values):
        found = getattr(self.world, side).create(values)
        self._wrote(side, {}, values)
        return found

    def _supplier(self, side, other_than=None):
        """One of those that a side knows, or a new one."""
        known = [
            key
            for key, values in self._living(side)
            if "supplier" not in values and key != other_than
        ]
        if known and self.world.random.random() < 0.7:
            return self.world.random.choice(known)
        made = self._make(side, self._new_record(f"s{self._token()}", side))
        return made if side == "odoo" else made.id

    def _create_twin(self):
        """What is there on one side is made on the other, by who cannot know."""
        side, other = self.world.random.sample(("odoo", "pharmacy"), 2)
        names = {values["name"] for values in self._all(side)}
        names |= self.world.ledger.deleted.keys()
        single = [v for __, v in self._living(other) if v["name"] not in names]
        if not single:
            return
        there = self.world.random.choice(single)
        values = self._new_record(there["name"], side)
        for name in (*FIELDS, "state"):
            if name in values and self.world.random.random() < 0.5:
                values[name] = there[name]
        shared = [line for line in there["lines"] if self.world.random.random() < 0.7]
        values["lines"] += [{**self._new_line(), "key": li["key"]} for li in shared]
        if "supplier" in there:
            values["supplier"] = self._supplier(side)
        self._twins.add(there["name"])
        self._make(side, values)

    # -- Changes -----------------------------------------------------------------------

    def _all(self, side):
        if side == "odoo":
            return list(self.world.odoo.records.values())
        return [row.data for row in self.world.pharmacy.rows.values()]

    def _living(self, side):
        """``[(key, values)]`` of a side's records."""
        if side == "odoo":
            odoo = self.world.odoo
            return [(i, v) for i, v in odoo.records.items() if i not in odoo.archived]
        rows = self.world.pharmacy.rows.values()
        return [(row.id, row.data) for row in rows if not row.deleted]

    def _person_at_odoo(self):
        odoo, living = self.world.odoo, self._living("odoo")
        if self._is_birth(living):
            return self._create_at_odoo()
        res_id, before = self.world.random.choice(living)
        if self._is_death(before) and not odoo.is_referred_to(res_id):
            odoo.delete(res_id)
            return self._removed("odoo", before)
        after = {**before, **self._change("odoo", before)}
        if not odoo.receipts.allows(before, after):
            return self.world.note("Odoo refuses", before["name"])
        odoo.edit(res_id, {k: v for k, v in after.items() if v != before[k]})
        return self._wrote("odoo", before, after)

    def _person_at_pharmacy(self):
        pharmacy, living = self.world.pharmacy, self._living("pharmacy")
        if self._is_birth(living):
            return self._create_at_pharmacy()
        record_id, before = self.world.random.choice(living)
        row = pharmacy.rows[record_id]
        if self._is_death(before):
            pharmacy.delete(row)
            return self._removed("pharmacy", before)
        changes = self._change("pharmacy", before)
        new = {k: v for k, v in changes.items() if v != before[k]}
        pharmacy.edit(row, {**changes, **self._detail_new(before, new)})
        return self._wrote("pharmacy", before, row.data)

    def _receive(self):
        """Goods come, or a person locks an order, or unlocks it."""
        there = {values["name"] for __, values in self._living("pharmacy")}
        orders = [v for __, v in self._living("odoo") if v["name"] in there]
        if not orders:
            return
        order = self.world.random.choice(orders)
        receipts = self.world.odoo.receipts
        if self.world.random.random() < 0.5:
            receipts.receive(order)
        else:
            receipts.locked ^= {order["name"]}
        self.world.note("received or locked", order["name"])

    def _is_birth(self, living):
        born = len(self.world.ledger.records())
        most = MOST_BORN + 2 * self._supplied
        return not living or (born < most and self.world.random.random() < 0.06)

    def _is_death(self, values):
        # What goes from one of twins before they are linked is not gone from the other.
        keep = values["name"] in self._twins
        # Nobody says of what came that it was never ordered.
        keep = keep or values["name"] in self.world.odoo.receipts
        return self.world.random.random() < 0.04 and not keep

    def _change(self, side, values):
        """One thing that a person changes: a field, a line's field, a line."""
        draw = self.world.random
        lines = values["lines"]
        if draw.random() >= self._on_lines:
            refers = ("supplier",) if "supplier" in values else ()
            field = draw.choice(self._fields + refers)
            if field == "supplier":
                return {field: self._supplier(side, other_than=values[field])}
            return {field: self._other_value(values["name"], field, values[field])}
        deed = draw.random()
        if not lines or deed < 0.3:
            return {"lines": [*lines, self._new_line()]}
        at = draw.randrange(len(lines))
        rest = lines[:at], lines[at + 1 :]
        if deed < 0.5 and values["name"] not in self._twins:
            return {"lines": [*rest[0], *rest[1]]}
        line, field = lines[at], draw.choice(LINE_FIELDS)
        slot = f"lines[{line['key']}].{field}"
        value = self._other_value(values["name"], slot, line[field])
        return {"lines": [*rest[0], {**line, field: value}, *rest[1]]}

    def _other_value(self, name, slot, value):
        """A new value; now and then one that stood there before."""
        known = self.world.ledger.seen.get((name, slot), {})
        former = [v for v in known if v not in (value, REMOVED) and DETAIL not in v]
        if former and self.world.random.random() < self._undo:
            return self.world.random.choice(former)
        field = slot.rpartition(".")[2]
        return self._ruled_value(field, value) or self._new_value(field)

    def _ruled_value(self, field, value):
        """A value about which a rule has something to say."""
        if not self._ruled:
            return None
        draw = self.world.random
        if field == "notes":
            lines = value.split("\n")
            at = draw.randrange(len(lines))
            lines[at : at + draw.choice((0, 1, 1))] = [self._token()]
            return "\n".join(lines)
        if field == "state" and draw.random() < 0.4 and value != CANCELLED:
            return CANCELLED
        if field == "price" and draw.random() < 0.5:
            return f"{value.partition('.')[0]}.{int(self._token()[1:]):06}"
        return None

    def _detail_new(self, before, changes):
        """Details of what a person just wrote; what stood there stays as it is."""
        had = {tuple(sorted(line.items())) for line in before["lines"]}
        found = self._detail("pharmacy", changes)
        if "lines" in changes:
            kept = {line["key"]: line for line in before["lines"]}
            found["lines"] = [
                old
                if tuple(sorted(old.items())) in had
                else {
                    n: v if kept.get(new["key"], {}).get(n) == old[n] else new[n]
                    for n, v in old.items()
                }
                for old, new in zip(changes["lines"], found["lines"], strict=True)
            ]
        return found

    def _wrote(self, side, before, after):
        self.world.note(f"person at {side}", after)
        slots = self._slots(before), self._slots(after)
        self.world.ledger.wrote(after["name"], *slots, side)

    def _removed(self, side, before):
        name, slots = before["name"], self._slots(before)
        self.world.note(f"person at {side} deletes", name)
        if side == "odoo":
            slots = self.world.ledger.exact(name, slots, {})
        self.world.ledger.removed(side, name, slots)

    def _slots(self, values):
        slots = flat(values)
        if "supplier" in slots:
            slots["supplier"] = self.world.name_of(slots["supplier"])
        return slots

    # -- Conflicts ---------------------------------------------------------------------

    def _resolve(self):
        mappings = self._in_conflict()
        if mappings:
            self._decide(self.world.random.choice(mappings))

    def _reconsider(self):
        """A person at Odoo ends a conflict by hand: takes either value over."""
        for mapping in self._in_conflict():
            before = self.world.odoo.records.get(mapping.res_id)
            field = next((p for p in mapping.conflict.paths if p in FIELDS), None)
            if before and field:
                known = (mapping.conflict.pharmacy, mapping.base.pharmacy)
                choices = [values[field] for values in known if field in values]
                changes = {field: self.world.random.choice(choices)}
                self.world.odoo.edit(mapping.res_id, changes)
                self._wrote("odoo", before, {**before, **changes})

    def _in_conflict(self):
        return [mapping for mapping in self.world.odoo.mappings if mapping.conflict]

    def _decide(self, mapping):
        winner = self.world.random.choice((Side.ODOO, Side.PHARMACY))
        self.world.note("person decides", mapping.key, mapping.conflict.paths, winner)
        try:
            self.world.odoo.resolve(mapping, winner)
        except DependencyMissingError:
            return  # and decides when the supplier is there
        self.conflicts += 1
