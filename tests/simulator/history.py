"""A history: persons, workers and troubles take turns; then all heals and rests."""

from dataclasses import dataclass, field

from odoo.addons.pharmacy_sync.core.merge import Side

from .laws import Copy, Ending, broken
from .ledger import REMOVED, flat
from .odoo import Odoo
from .world import World

MOST_WORKERS = 3
ROUNDS = 30
FIELDS = ("notes", "date")
LINE_FIELDS = ("quantity", "price")


@dataclass
class Result:
    """:param broken: the laws that did not hold, in words"""

    seed: int
    broken: list
    conflicts: int
    log: list = field(repr=False)

    def story(self):
        """The history as people read it."""
        lines = [f"seed {self.seed}: " + "; ".join(self.broken)]
        lines += ["  ".join([f"{e[0]:4}", *map(str, e[1:])]) for e in self.log]
        return "\n".join(lines)


def run(seed, odoo_class=Odoo):
    """Play the history of one seed.

    :return: :class:`Result`
    """
    history = History(World(seed, odoo_class))
    try:
        found = history.play()
    except Exception as exc:
        history.world.note("exception", repr(exc))
        found = [f"exception: {exc!r}"]
    return Result(seed, found, history.conflicts, history.world.log)


class History:
    """:param world: where it takes place"""

    def __init__(self, world):
        self.world = world
        self.conflicts = 0
        self._tokens = 0
        self._told = []  # records that the pharmacy has yet to call in
        draw = world.random
        # Where everybody writes in the same place they meet more often.
        self._fields = draw.choice((FIELDS, FIELDS[:1]))
        self._on_lines = draw.choice((0, 0.5, 0.5, 1))
        self._undo = draw.choice((0, 0.1, 0.4))
        self._acts = [
            (act, draw.choice(weights))
            for act, weights in (
                (self._person_at_odoo, (2, 4, 8)),
                (self._person_at_pharmacy, (2, 4, 8)),
                (self._start, (3, 6)),
                (self._hurry, (0, 2, 4)),
                (self._overtake, (0, 2)),
                (self._work, (12, 24, 40)),
                (self._kill, (0, 1, 3)),
                (self._recover, (0.3, 1)),
                (self._late, (1, 3)),
                (self._resolve, (0, 1, 3)),
                (self._reconsider, (0, 1, 3)),
                (self._call_in, (0, 1, 3)),
                (self._hand_over, (1, 2)),
            )
        ]

    def play(self):
        world = self.world
        draw = world.random
        acts, weights = zip(*self._acts, strict=True)
        self._create_at_odoo() if draw.random() < 0.5 else self._create_at_pharmacy()
        for act in draw.choices(acts, weights, k=draw.randint(10, 90)):
            world.now += 1
            act()
        self._heal()
        work = self._rest()
        if draw.random() < 0.5 and not work:
            for mapping in self._in_conflict():
                self._decide(mapping)
            work = self._rest()
        second = [] if work else self._second_pass()
        return broken(world.ledger, self._ending(work, second))

    # -- Persons -----------------------------------------------------------------------

    def _token(self):
        self._tokens += 1
        return f"v{self._tokens}"

    def _new_record(self):
        name = f"r{self._token()}"
        lines = [self._new_line() for __ in range(self.world.random.randint(0, 2))]
        values = {"name": name, **{field: self._token() for field in FIELDS}}
        return {**values, "lines": lines}

    def _new_line(self):
        return {"key": f"k{self._token()}"} | {f: self._token() for f in LINE_FIELDS}

    def _create_at_odoo(self):
        values = self._new_record()
        self.world.odoo.create(values)
        self._wrote("odoo", {}, values)

    def _create_at_pharmacy(self):
        values = self._new_record()
        self.world.pharmacy.create(values)
        self._wrote("pharmacy", {}, values)

    def _person_at_odoo(self):
        odoo = self.world.odoo
        living = [i for i in odoo.records if i not in odoo.archived]
        if self._is_birth(living):
            return self._create_at_odoo()
        res_id = self.world.random.choice(living)
        before = odoo.records[res_id]
        if self.world.random.random() < 0.04:
            odoo.delete(res_id)
            return self._removed("odoo", before)
        after = {**before, **self._change(before, self._other_value)}
        odoo.edit(res_id, {k: v for k, v in after.items() if v != before[k]})
        return self._wrote("odoo", before, after)

    def _person_at_pharmacy(self):
        pharmacy = self.world.pharmacy
        living = [row for row in pharmacy.rows.values() if not row.deleted]
        if self._is_birth(living):
            return self._create_at_pharmacy()
        row = self.world.random.choice(living)
        before = row.data
        if self.world.random.random() < 0.04:
            pharmacy.delete(row)
            return self._removed("pharmacy", before)
        pharmacy.edit(row, self._change(before, self._other_value))
        return self._wrote("pharmacy", before, row.data)

    def _is_birth(self, living):
        born = len(self.world.ledger.records())
        return not living or (born < 3 and self.world.random.random() < 0.06)

    def _change(self, values, value_of):
        """One thing that a person changes: a field, a line's field, a line."""
        draw = self.world.random
        lines = values["lines"]
        if draw.random() >= self._on_lines:
            field = draw.choice(self._fields)
            return {field: value_of(values["name"], field, values[field])}
        deed = draw.random()
        if not lines or deed < 0.3:
            return {"lines": [*lines, self._new_line()]}
        at = draw.randrange(len(lines))
        rest = lines[:at], lines[at + 1 :]
        if deed < 0.5:
            return {"lines": [*rest[0], *rest[1]]}
        line, field = lines[at], draw.choice(LINE_FIELDS)
        slot = f"lines[{line['key']}].{field}"
        value = value_of(values["name"], slot, line[field])
        return {"lines": [*rest[0], {**line, field: value}, *rest[1]]}

    def _other_value(self, name, slot, value):
        """A new value; now and then one that stood there before."""
        known = self.world.ledger.seen.get((name, slot), {})
        former = [v for v in known if v not in (value, REMOVED)]
        if former and self.world.random.random() < self._undo:
            return self.world.random.choice(former)
        return self._token()

    def _wrote(self, side, before, after):
        self.world.note(f"person at {side}", after)
        self.world.ledger.wrote(after["name"], flat(before), flat(after))

    def _removed(self, side, before):
        self.world.note(f"person at {side} deletes", before["name"])
        self.world.ledger.removed(side, before["name"], flat(before))

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
                known = (mapping.conflict.pharmacy, mapping.base)
                changes = {field: self.world.random.choice(known)[field]}
                self.world.odoo.edit(mapping.res_id, changes)
                self._wrote("odoo", before, {**before, **changes})

    def _in_conflict(self):
        return [mapping for mapping in self.world.odoo.mappings if mapping.conflict]

    def _decide(self, mapping):
        winner = self.world.random.choice((Side.ODOO, Side.PHARMACY))
        self.world.note("person decides", mapping.key, mapping.conflict.paths, winner)
        self.world.odoo.resolve(mapping, winner)
        self.conflicts += 1

    # -- Workers and network -----------------------------------------------------------

    def _start(self):
        if len(self.world.workers) < MOST_WORKERS:
            self.world.start(self.world.random.choice(("push", "pull")))

    def _hurry(self):
        """A job from its beginning to its end, while others stand still."""
        self._run(self.world.random.choice(("push", "pull", "pull")))

    def _run(self, kind):
        worker = self.world.start(kind)
        while worker in self.world.workers:
            self.world.step(worker)

    def _overtake(self):
        """While a call is under way a person goes on, and another job comes first."""
        if any(worker.request or worker.answer for worker in self.world.workers):
            self.world.random.choice((self._person_at_odoo, self._person_at_pharmacy))()
            self._run(self.world.random.choice(("push", "pull")))

    def _work(self):
        if self.world.workers:
            self.world.step(self.world.random.choice(self.world.workers))

    def _kill(self):
        if self.world.workers:
            self.world.kill(self.world.random.choice(self.world.workers))

    def _recover(self):
        self.world.note("recover")
        self.world.odoo.recover(self.world.workers)

    def _late(self):
        if self.world.late:
            self.world.deliver_late()

    def _call_in(self):
        """The pharmacy takes a record up to call it in, soon, later or twice."""
        rows = list(self.world.pharmacy.rows.values())
        if rows:
            record = self.world.random.choice(rows).record()
            self._told += [record] * self.world.random.randint(1, 2)

    def _hand_over(self):
        if self._told:
            at = self.world.random.randrange(len(self._told))
            self.world.notice(self._told.pop(at))

    # -- The end -----------------------------------------------------------------------

    def _heal(self):
        """Workers end or are killed, stray requests arrive or are gone for good."""
        world = self.world
        world.note("heal")
        while world.workers or world.late or self._told:
            deed = world.random.random()
            if world.workers and deed < 0.7:
                if deed < 0.05:
                    self._kill()
                else:
                    self._work()
            elif world.late and deed < 0.85:
                self._late()
            else:
                self._hand_over()
        world.trouble = 0

    def _pass(self):
        """A push, a pull and a push, each to its end; time passes."""
        self.world.odoo.recover(())
        for kind in ("push", "pull", "push"):
            self._run(kind)
        self.world.now += 50

    def _rest(self):
        """Pass until nothing is left to do; what is left if that takes for ever."""
        for __ in range(ROUNDS):
            self._pass()
            odoo = self.world.odoo
            work = [f"operation {o.id} is {o.state}" for o in odoo.operations]
            work += [f"event of {res_id}" for res_id in odoo.events]
            if not work and odoo.cursor == self.world.pharmacy.seq:
                return []
        return work or ["the feed is not read to its end"]

    def _second_pass(self):
        odoo, pharmacy = self.world.odoo, self.world.pharmacy
        before = odoo.writes, odoo.made, pharmacy.seq
        self._pass()
        after = odoo.writes, odoo.made, pharmacy.seq
        words = ("writes in Odoo", "operations", "writes at the pharmacy")
        return [
            f"{b - a} {word}"
            for word, a, b in zip(words, before, after, strict=True)
            if a != b
        ]

    def _ending(self, work, second):
        odoo, pharmacy = self.world.odoo, self.world.pharmacy
        ending = Ending({}, {}, work=work, second=second)
        for res_id, values in odoo.records.items():
            copy = Copy(res_id not in odoo.archived, flat(values))
            ending.odoo.setdefault(values["name"], []).append(copy)
        for row in pharmacy.rows.values():
            copy = Copy(not row.deleted, flat(row.data))
            ending.pharmacy.setdefault(row.data["name"], []).append(copy)
        for mapping in self._in_conflict():
            self.conflicts += 1
            record = odoo.records.get(mapping.res_id)
            name = record["name"] if record else mapping.key
            ending.conflicts[name] = mapping.conflict.paths
        return ending
