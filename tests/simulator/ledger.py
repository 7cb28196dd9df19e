"""What persons wrote, and what they had before their eyes when they did.

A record is known by a name that it keeps on both sides. Its values are looked at one
by one, each in its *slot*: ``notes``, or ``lines[key].quantity``. Where a line is not
there, its slots hold :data:`REMOVED`.
"""

from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING

REMOVED = "<removed>"
# What Odoo fills in where nothing was said: no person wrote it.
DEFAULT = ""


class Ledger:
    """For each slot the values that were written there, each with those that its
    writer saw: the value that it replaced, or the one decided against.

    :param name_of: says which supplier a value of either side means
    :param held: says what Odoo shows of a value
    """

    def __init__(self, name_of=None, held=lambda value: value):
        self._name_of = name_of
        self._held = held
        self.seen = {}  # (record, slot): {value: values seen}
        self.deleted = {}  # record: {side: what the person saw who deleted it}
        self.lost = set()  # (record, slot, value): went with a disk, or by a rule
        self._unsaved = set()  # those that the pharmacy has no backup of

    def backed_up(self):
        self._unsaved.clear()

    def restored(self, pharmacy, odoo, deleted):
        """The pharmacy was set back: what it alone had since is gone.

        :param pharmacy: names of the records that it has now
        :param odoo: the values that Odoo has, by name
        :param deleted: names of those that a side knows to be deleted
        """
        for record, slot, value in self._unsaved:
            if record not in odoo or odoo[record].get(slot, REMOVED) != value:
                self.lost.add((record, slot, value))
                if slot.startswith("lines["):
                    # A line may have gone with it.
                    self.lost.add((record, slot, REMOVED))
                    self.seen[record, slot].setdefault(REMOVED, set())
        self._unsaved.clear()
        for name in self.deleted.keys() - deleted:
            if self.deleted.get(name, {}).pop("pharmacy", None) is not None:
                self.deleted = {k: v for k, v in self.deleted.items() if v}
        for record, slot in list(self.seen):
            if record not in pharmacy and record not in odoo:
                del self.seen[record, slot]
        for record in odoo.keys() - pharmacy:
            for slot in [s for s, v in odoo[record].items() if v == DEFAULT]:
                # It is made there anew of what Odoo has.
                self.seen.setdefault((record, slot), {}).setdefault(DEFAULT, set())
                self.lost.add((record, slot, DEFAULT))

    def wrote(self, record, before, after, side="odoo"):
        """A person changed a record's values, given as :func:`flat`."""
        for slot in before.keys() | after.keys():
            old, new = before.get(slot), after.get(slot, REMOVED)
            if old != new:
                known = self.seen.setdefault((record, slot), {})
                known.setdefault(new, set())
                if side == "pharmacy":
                    self._unsaved.add((record, slot, new))
                if old is not None:
                    known[new] |= self._meant(known, old)

    def _meant(self, known, value):
        """What somebody has seen who saw ``value``: Odoo shows some values as less than
        they are."""
        meant = {value, *(v for v in known if self._held(v) == value)}
        # Until a person decides for it.
        return meant if DEFAULT in known else meant - {DEFAULT}

    def exact(self, record, slots, pharmacy):
        """Odoo's values by slot as they were written.

        :param pharmacy: the pharmacy's, by slot
        """
        found = {}
        for slot, value in slots.items():
            known = self.seen.get((record, slot), {})
            theirs = pharmacy.get(slot)
            if theirs is not None and self._held(theirs) == value:
                value = theirs
            elif value not in known:
                value = next((v for v in known if self._held(v) == value), value)
            if value != DEFAULT or DEFAULT in known or theirs == DEFAULT:
                found[slot] = value
        return found

    def removed(self, side, record, before):
        """A person deleted a record."""
        self.deleted.setdefault(record, {})[side] = before

    def decided(self, record, path, winner, loser):
        """A person saw both values of a conflict and chose."""
        if path == "supplier":
            winner, loser = self._name_of(winner), self._name_of(loser)
        winner, loser = _at(path, winner), _at(path, loser)
        for slot in winner.keys() | loser.keys():
            better, worse = winner.get(slot, REMOVED), loser.get(slot, REMOVED)
            known = self.seen.setdefault((record, slot), {})
            known.setdefault(better, set()).update(self._meant(known, worse))

    def ruled(self, record, path, winner, loser):
        """Rules or a policy chose. A line that a side lacks and no person removed may
        never have reached it: that it is gone need not stand, the value that lost was
        kept."""
        slots = _at(path, winner).keys() | _at(path, loser).keys()
        known = {slot: dict(self.seen.get((record, slot), {})) for slot in slots}
        self.decided(record, path, winner, loser)
        for slot, before in known.items():
            gone = REMOVED in self.seen[record, slot] and REMOVED not in before
            if gone or (record, slot, REMOVED) in self.lost:
                given_up = {REMOVED, *self.seen[record, slot][REMOVED]}
                self.lost |= {(record, slot, value) for value in given_up}

    def slots(self, record):
        return {
            slot: known for (name, slot), known in self.seen.items() if name == record
        }

    def records(self):
        return sorted({name for name, __ in self.seen})


def descends(known, value, older):
    """Whether who wrote ``value`` knew of ``older``, at first or second hand."""
    todo, met = [value], set()
    while todo:
        one = todo.pop()
        if one == older:
            return True
        if one not in met:
            met.add(one)
            todo.extend(known.get(one, ()))
    return False


def flat(values):
    """A record's values by slot; its lines have to have keys."""
    slots = {name: value for name, value in values.items() if name != "lines"}
    for line in values.get("lines", ()):
        for name, value in line.items():
            if name != "key":
                slots[f"lines[{line['key']}].{name}"] = value
    return slots


def covers(paths, slot):
    """Whether a slot belongs to one of the paths, which may name a whole line."""
    return slot in paths or slot.rpartition(".")[0] in paths


def _at(path, value):
    if not path.endswith("]"):
        return {path: value}
    line = {} if value is MISSING or value is None else value
    return {f"{path}.{name}": line[name] for name in line if name != "key"}
