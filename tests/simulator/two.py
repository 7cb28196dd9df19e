"""One Odoo, two pharmacies: a rule on the stream says which of Odoo's records belong
where, and changes now and then.

What is linked goes on at its pharmacy, whatever the rule says by then; what the rule
gives to the other one as well is there too, from its next change on. Each pharmacy has
a network, workers and persons of its own; those at Odoo, and what they wrote, are one.

Laws: those of :mod:`.laws` for what is at one pharmacy; what is at both is the same
everywhere but for open conflicts, and gone everywhere once it was deleted. No record is
sent to a pharmacy that no rule gave it to.
"""

import random
from zlib import crc32

from odoo.addons.pharmacy_sync.core.exchange.pushing import is_due

from .history import ROUNDS, History, Result
from .laws import broken
from .ledger import REMOVED, covers
from .odoo import Odoo
from .rooms import Room
from .world import World

APART = 10_000  # the second one's names and values begin here
RULE_CHANGES = 0.03


class Shared:
    """What both backends have of one Odoo.

    :ivar rules: those that were in force, oldest first
    :ivar born: by name, the number of the rule under which a record was made
    """

    def __init__(self):
        self.peers = []
        self.records, self.archived, self.edited_at = {}, set(), {}
        self.ids = 0
        self.rules = [0]
        self.born = {}

    def belongs(self, name, rule=None):
        """The number of the pharmacy that a record belongs to."""
        rule = self.rules[-1] if rule is None else rule
        return crc32(f"{name} by {rule}".encode()) % 2

    def given(self, name):
        """All pharmacies that a record ever belonged to."""
        since = self.rules[self.born.get(name, 0) :]
        return {self.belongs(name, rule) for rule in since}


class Follows:
    """A backend of an Odoo that has another one."""

    shared = number = None

    def join(self, shared):
        self.shared, self.number = shared, len(shared.peers)
        self.records, self.archived = shared.records, shared.archived
        self._edited_at = shared.edited_at
        shared.peers.append(self)

    @property
    def _ids(self):
        return self.shared.ids if self.shared else 0

    @_ids.setter
    def _ids(self, number):
        if self.shared:
            self.shared.ids = number

    def create(self, values):
        self.shared.born.setdefault(values["name"], len(self.shared.rules) - 1)
        return super().create(values)

    def write(self, res_id, changes):
        super().write(res_id, changes)
        self._tell_others(res_id)

    def _archive(self, res_id):
        super()._archive(res_id)
        self._tell_others(res_id)

    def _note(self, res_id):
        super()._note(res_id)
        self._tell_others(res_id)

    def _tell_others(self, res_id):
        for peer in self.shared.peers:
            if peer is not self:
                peer.events.append(res_id)

    def _request_push(self, changed):
        """``sync.stream._concerned``: what belongs here, and what is linked."""
        concerned = [res_id for res_id in changed if self._concerns(res_id)]
        for res_id in self.archived.intersection(concerned):
            self._request_archived(self._mapping("res_id", res_id))
        super()._request_push([i for i in concerned if i not in self.archived])

    def _request_archived(self, mapping):
        """That it was deleted at the other pharmacy is sent as such."""
        if mapping and not mapping.deleted and is_due(mapping.state, None):
            mapping.conflict = None
            self._enqueue_push(mapping)

    def _concerns(self, res_id):
        record = self.records.get(res_id)
        here = record and self.shared.belongs(record["name"]) == self.number
        return bool(here or self._mapping("res_id", res_id))


class Backend(Follows, Odoo):
    pass


class One(World):
    """One of the pharmacies, and what lies between it and Odoo."""

    def _open_rooms(self, draw):
        self.rooms = frozenset()
        self.held = self._past = self.restores = draw
        if draw.random() < 0.5:
            self.rooms = frozenset({Room.PAST})
            self.odoo.past = lambda: draw.random() < 0.3


class Some:
    """The ledger of some of the records."""

    def __init__(self, ledger, names):
        self._ledger, self._names = ledger, names

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    def records(self):
        return [name for name in self._ledger.records() if name in self._names]


def run(seed, backend_class=Backend):
    """Play the history of one seed with two pharmacies.

    :return: :class:`.history.Result`
    """
    two = Two(seed, backend_class)
    try:
        found = two.play()
    except Exception as exc:  # noqa: BLE001 - a history that raises is a finding
        found = [f"exception: {exc!r}"]
    met = two.worlds[0].odoo.met + two.worlds[1].odoo.met
    conflicts = sum(half.conflicts for half in two.halves)
    return Result(seed, found, conflicts, met, two.worlds[0].log)


class Two:
    def __init__(self, seed, backend_class):
        self.random = random.Random(f"two of {seed}")
        self.shared = Shared()
        self.worlds = [One(f"{seed} at {side}", backend_class) for side in "ab"]
        for world in self.worlds:
            world.odoo.join(self.shared)
            world.log, world.ledger = self.worlds[0].log, self.worlds[0].ledger
            world.odoo.ledger = world.ledger
        self.halves = [History(world) for world in self.worlds]
        self.halves[1]._tokens = APART

    def play(self):
        acts = [zip(*half._acts, strict=True) for half in self.halves]
        acts = [(list(names), list(weights)) for names, weights in acts]
        self.halves[0]._create_at_odoo()
        for __ in range(self.random.randint(20, 140)):
            at = self.random.randrange(2)
            names, weights = acts[at]
            for world in self.worlds:
                world.now += 1
            (act,) = self.random.choices(names, weights)
            act()
            self.worlds[at].tick()
            if self.random.random() < RULE_CHANGES:
                self._change_rule()
        for half in self.halves:
            half._heal()
        return [*self._rest(), *self._broken()]

    def _change_rule(self):
        self.shared.rules.append(len(self.shared.rules))
        self.worlds[0].note("rule", self.shared.rules[-1])

    def _rest(self):
        work = ["nothing was done"]
        for __ in range(ROUNDS):
            for half in self.halves:
                half._pass()
            odoos = [world.odoo for world in self.worlds]
            work = [
                f"operation {o.id} is {o.state}" for a in odoos for o in a.operations
            ]
            work += [f"event of {i}" for a in odoos for i in (*a.events, *a.touched)]
            if not work and all(self._has_read(world) for world in self.worlds):
                return []
        return work or ["a feed is not read to its end"]

    @staticmethod
    def _has_read(world):
        return (world.odoo.cursor or (0,))[0] == world.pharmacy.seq

    # -- Laws --------------------------------------------------------------------------

    def _broken(self):
        endings = [half._ending((), ()) for half in self.halves]
        at = [set(ending.pharmacy) for ending in endings]
        both = at[0] & at[1]
        for number, ending in enumerate(endings):
            yield from self._strangers(number)
            mine = {name for name in self.shared.born if self._is_mine(name, number)}
            mine = (at[number] | mine) - both
            ending.odoo = {n: c for n, c in ending.odoo.items() if n in mine}
            ending.pharmacy = {n: c for n, c in ending.pharmacy.items() if n in mine}
            yield from broken(Some(self.worlds[0].ledger, mine), ending)
        for name in sorted(both):
            yield from self._shared(
                name, [half._ending((), ()) for half in self.halves]
            )

    def _is_mine(self, name, number):
        """Whether a record of Odoo's belongs at a pharmacy, as far as it was sent."""
        odoo = self.worlds[number].odoo
        linked = [odoo.records.get(m.res_id) for m in odoo.mappings]
        return name in [record["name"] for record in linked if record]

    def _strangers(self, number):
        for row in self.worlds[number].pharmacy.rows.values():
            name = row.data["name"]
            # What was made in Odoo carries its key.
            if row.external_ref and number not in self.shared.given(name):
                yield f"{name} reached pharmacy {number}, which it does not belong to"

    def _shared(self, name, endings):
        """A record that both pharmacies have."""
        deleted = self.worlds[0].ledger.deleted.get(name)
        for ending in endings:
            copies = [*ending.odoo.get(name, []), *ending.pharmacy[name]]
            if deleted:
                yield from (f"{name} is revived" for copy in copies if copy.alive)
                continue
            paths = ending.conflicts.get(name, ())
            slots = {slot for copy in copies for slot in copy.slots}
            for slot in sorted(slots):
                found = {copy.slots.get(slot, REMOVED) for copy in copies}
                if len(found) > 1 and not covers(paths, slot):
                    yield f"{name} is not the same: {slot} is {sorted(map(str, found))}"
