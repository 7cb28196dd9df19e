"""Histories of fields that do not go both ways.

All other fields keep all the laws of :mod:`.laws`, whatever happens to these. For
these:

Nothing leaks
    What is sent of a field that Odoo does not send is what the pharmacy has there, and
    what Odoo has of a field that it does not take over no person at the pharmacy wrote.
Nothing is overwritten
    What a side does not get is there as it was written there last.
One direction goes on
    A field that goes one way, and that nobody wrote where it ends, is the same there as
    where it comes from.
Nobody is asked
    No conflict is about what Odoo does not take over.

Where all go both ways again (:class:`Reopened`) each keeps all laws as any other: what
was written meanwhile on either side is lost no more than what was written before.
"""

import random
from dataclasses import replace

from odoo.addons.pharmacy_sync.core.conflict.merge import generic_path
from odoo.addons.pharmacy_sync.core.exchange.directions import (
    EVERY,
    Direction,
    Directions,
)

from .declines import everything
from .history import History, Result
from .ledger import DEFAULT, REMOVED, flat
from .odoo import Odoo
from .odoo_records import NEW_LINE, NEW_RECORD
from .pharmacy import Pharmacy
from .rooms import Room
from .world import World

# At least one field of a line goes both ways: a conflict over the line is about it.
PATHS = ("notes", "date"), ("lines.quantity", "lines.price")
# Where a side does not take, or loses again, what came the one way.
UNSURE = {Room.DECLINES, Room.RESTORES}


class Filling(Pharmacy):
    """Replaces lines as a whole, and fills in what nobody said.

    :ivar writes: what Odoo has sent, with the number of the record
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.writes = []

    def batch(self, writes):
        self.writes += [(self._name(w), w["data"]) for w in writes if w.get("data")]
        return super().batch(writes)

    def _saved(self, row, data):
        filled = {**NEW_RECORD, **data}
        filled["lines"] = [{**NEW_LINE, **line} for line in data.get("lines", ())]
        return super()._saved(row, filled)


class DirectedWorld(World):
    """Without rules: what they decide about a line is about all that is in it."""

    pharmacy_class = Filling

    def _open_rooms(self, draw):
        super()._open_rooms(draw)
        self.rooms -= {Room.RULES}
        self.odoo.policies = None


class ReopenedWorld(DirectedWorld):
    """Both sides take what they are sent: of what is empty in a line nobody says that
    a side declined it, and much is empty here."""

    def _open_rooms(self, draw):
        super()._open_rooms(draw)
        self.rooms -= {Room.DECLINES}
        self.odoo.takes = self.pharmacy.takes = everything


class Directed(History):
    """:ivar written: ``{(record, slot, side): values}``: what persons wrote
    :ivar latest: the last of them
    """

    ways = tuple(Direction)
    world_class = DirectedWorld

    def __init__(self, world):
        super().__init__(world)
        draw = random.Random(f"directions of {world.seed}")
        paths = [*draw.sample(PATHS[0], draw.randint(0, 2)), draw.choice(PATHS[1])]
        self.chosen = {path: str(draw.choice(self.ways)) for path in paths}
        self.directions = world.odoo.directions = Directions.of(self.chosen)
        world.note("directions", self.chosen)
        self.written, self.latest = {}, {}

    def _wrote(self, side, before, after):
        super()._wrote(side, before, after)
        had = flat(before)
        for slot, value in flat(after).items():
            if had.get(slot) != value:
                key = after["name"], slot, side
                self.written.setdefault(key, set()).add(value)
                self.latest[key] = value

    def _is_one_way(self, slot):
        one_way = self.directions.unsent | self.directions.untaken
        return generic_path(slot) in one_way

    def _ending(self, work, second):
        ending = super()._ending(work, second)
        ending.breaches += self._leaks()
        ending.breaches += self._held_up()
        ending.breaches += self._overwritten()
        for name, paths in ending.conflicts.items():
            ending.breaches += [
                f"{name}: somebody is asked about {path}"
                for path in paths
                if generic_path(path) in self.directions.untaken
            ]
            both = [path for path in paths if not self._is_one_way(path)]
            ending.conflicts[name] = both
        ledger = self.world.ledger
        for sides in (ending.odoo, ending.pharmacy):
            for name, copies in sides.items():
                sides[name] = [replace(c, slots=self._rest_of(c.slots)) for c in copies]
        for key in [key for key in ledger.seen if self._is_one_way(key[1])]:
            del ledger.seen[key]
        for sides in ledger.deleted.values():
            for side, slots in sides.items():
                sides[side] = self._rest_of(slots)
        return ending

    def _rest_of(self, slots):
        return {s: value for s, value in slots.items() if not self._is_one_way(s)}

    def _by_persons(self, name, slot, side):
        return self.written.get((name, slot, side), set())

    def _leaks(self):
        for name, data in self.world.pharmacy.writes:
            for slot, value in flat(data).items():
                if generic_path(slot) in self.directions.unsent:
                    theirs = self._by_persons(name, slot, "pharmacy") | {DEFAULT}
                    if value not in theirs:
                        yield f"{name}: {slot} = {value} was sent"
        for values in self.world.odoo.records.values():
            for slot, value in flat(values).items():
                if generic_path(slot) in self.directions.untaken:
                    ours = self._by_persons(values["name"], slot, "odoo") | {DEFAULT}
                    if value not in ours:
                        yield f"{values['name']}: {slot} = {value} was taken over"

    def _overwritten(self):
        if Room.RESTORES in self.world.rooms:
            return
        closed = {"odoo": self.directions.untaken, "pharmacy": self.directions.unsent}
        for side, paths in closed.items():
            for __, values in self._living(side):
                for slot, value in flat(values).items():
                    key = values["name"], slot
                    # A line that comes back comes without it.
                    gone = REMOVED in self.world.ledger.seen.get(key, ())
                    if generic_path(slot) not in paths or gone:
                        continue
                    if value != self.latest.get((*key, side), value):
                        yield f"{key} is {value} on {side}"

    def _held_up(self):
        """What went one way and did not arrive."""
        if self.world.rooms & UNSURE:
            return
        at_odoo = {v["name"]: flat(v) for __, v in self._living("odoo")}
        at_pharmacy = {v["name"]: flat(v) for __, v in self._living("pharmacy")}
        for name in at_odoo.keys() & at_pharmacy.keys():
            ours, theirs = at_odoo[name], at_pharmacy[name]
            for slot in ours.keys() & theirs.keys():
                way = self.chosen.get(generic_path(slot))
                end = {"push": "pharmacy", "pull": "odoo"}.get(way)
                if not end or self._by_persons(name, slot, end):
                    continue
                held = self.world.odoo._held(slot, theirs[slot])
                # A line that comes back comes without it, whichever way.
                gone = REMOVED in self.world.ledger.seen.get((name, slot), ())
                if gone and theirs[slot] == DEFAULT:
                    continue
                if ours[slot] not in (theirs[slot], held, DEFAULT):
                    yield f"{name}: {slot} did not arrive: {ours[slot]}, {theirs[slot]}"


class Reopened(Directed):
    """In the end all fields go both ways again."""

    ways = (Direction.NONE,)
    world_class = ReopenedWorld

    def play(self):
        # A line that went while it did not travel took it along.
        return [
            law for law in super().play() if not ("lines[" in law and REMOVED in law)
        ]

    def _heal(self):
        world, closed = self.world, self.directions
        self.directions = world.odoo.directions = EVERY
        world.note("all go both ways")
        for mapping in world.odoo.mappings:
            mapping.move(mapping.state.forgotten(closed.unsent))
        world.odoo.cursor = None
        super()._heal()

    def _ending(self, work, second):
        # What a side filled in is a value like others.
        ledger = self.world.ledger
        for side in ("odoo", "pharmacy"):
            for values in self._all(side):
                for slot, value in flat(values).items():
                    if value == DEFAULT and generic_path(slot) in self.chosen:
                        key = values["name"], slot
                        ledger.seen.setdefault(key, {}).setdefault(value, set())
                        ledger.lost.add((*key, value))
        return super()._ending(work, second)

    def _leaks(self):
        return ()


def run(seed, history_class=Directed, odoo_class=Odoo):
    """Play the history of one seed; see :func:`.history.run`."""
    history = history_class(history_class.world_class(seed, odoo_class))
    try:
        found = history.play()
    except Exception as exc:  # noqa: BLE001 - a history that raises is a finding
        history.world.log.append((history.world.now, "exception", repr(exc)))
        found = [f"exception: {exc!r}"]
    world = history.world
    return Result(seed, found, history.conflicts, world.odoo.met, world.log)
