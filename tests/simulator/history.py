"""A history: persons, workers and troubles take turns; then all heals and rests."""

from dataclasses import dataclass, field

from .laws import Copy, Ending, broken
from .odoo import Odoo
from .persons import Persons
from .pharmacy import no_name
from .rooms import Room
from .world import World

MOST_WORKERS = 3
ROUNDS = 30


@dataclass
class Result:
    """:param broken: the laws that did not hold, in words
    :param met: see :class:`.odoo.Odoo`
    """

    seed: int
    broken: list
    conflicts: int
    met: dict
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
    except Exception as exc:  # noqa: BLE001 - a history that raises is a finding
        # Not by note: the log may be what is too long.
        history.world.log.append((history.world.now, "exception", repr(exc)))
        found = [f"exception: {exc!r}"]
    world = history.world
    return Result(seed, found, history.conflicts, world.odoo.met, world.log)


class History(Persons):
    """:param world: where it takes place"""

    def __init__(self, world):
        super().__init__(world)
        self._unread = []  # records that the pharmacy has yet to call in
        draw = world.random
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
        if Room.TWINS in world.rooms:
            self._acts.append((self._create_twin, 3))
        if Room.RESTORES in world.rooms:
            self._acts += [(self._back_up, 2), (self._restore, 2)]
        if Room.RECEIPTS in world.rooms:
            self._acts.append((self._receive, 3))
        self._backup = world.pharmacy.backup()
        if Room.BREAKER in world.rooms:
            self._acts += [(self._outage, 1), (self._wait, 3)]

    def play(self):
        world = self.world
        draw = world.random
        acts, weights = zip(*self._acts, strict=True)
        self._create_at_odoo() if draw.random() < 0.5 else self._create_at_pharmacy()
        for act in draw.choices(acts, weights, k=draw.randint(10, 90)):
            world.now += 1
            act()
            world.tick()
        self._heal()
        if Room.POISON in world.rooms:
            self._cure()
        work = self._rest()
        if draw.random() < 0.5 and not work:
            for mapping in self._in_conflict():
                self._decide(mapping)
            work = self._rest()
        # What waits for a person is tried again and again.
        waits = any(map(self._is_for_a_person, world.odoo.operations))
        second = [] if work or waits else self._second_pass()
        return broken(world.ledger, self._ending(work, second))

    def _outage(self):
        """The pharmacy is gone for a while, long enough to be noticed."""
        self.world.out_until = self.world.now + self.world.random.randint(10, 150)
        self.world.note("outage until", self.world.out_until)

    def _wait(self):
        self.world.now += self.world.random.randint(1, 30)

    def _back_up(self):
        self.world.note("back up")
        self._backup = self.world.pharmacy.backup()
        self.world.ledger.backed_up()

    def _restore(self):
        """The pharmacy is set back to its backup, and with it what it was about to
        send; people go on there, then Odoo reads. Pushes that were answered go on.

        Two things are left out that Odoo cannot see. If it has read nothing since the
        backup its cursor shows nothing: what it has only sent since is a matter of the
        comparison. And before it reads, what is sent or called in meets versions that
        mean something else.
        """
        world = self.world
        seq, __ = world.odoo.cursor or (0, None)
        if not world.pharmacy.is_behind(self._backup, seq):
            return
        if world.restores.random() < 0.5:
            self._push_that_is_answered()
        world.note("restore")
        for worker in [w for w in world.workers if w.kind == "pull" or not w.answer]:
            world.kill(worker)
        world.late.clear()
        self._unread.clear()
        # A deletion that Odoo heard of holds; another one went with the disk.
        names = {row.id: row.data["name"] for row in world.pharmacy.rows.values()}
        reported = {
            world.odoo.records[res_id]["name"] for res_id in world.odoo.archived
        }
        reported |= {
            names.get(mapping.external_id)
            for mapping in world.odoo.mappings
            if mapping.deleted or mapping.res_id not in world.odoo.records
        }
        world.pharmacy.restore(self._backup)
        known = {values["name"] for values in self._all("pharmacy")}
        odoo = {v["name"]: self._slots(v) for v in world.odoo.records.values()}
        rows = world.pharmacy.rows.values()
        reported |= {row.data["name"] for row in rows if row.deleted}
        world.ledger.restored(known, odoo, reported)
        for __ in range(world.restores.randint(0, 3)):
            self._person_at_pharmacy()
        trouble, out_until = world.trouble, world.out_until
        world.trouble = world.out_until = 0
        self._run("pull")
        world.trouble, world.out_until = trouble, out_until

    def _push_that_is_answered(self):
        """A job that has its answer in hand when the pharmacy is set back."""
        self._person_at_odoo()
        worker = self.world.start("push")
        while worker in self.world.workers and not worker.answer:
            self.world.step(worker)

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
            record = self._in_part(self.world.random.choice(rows).record())
            self._unread += [record] * self.world.random.randint(1, 2)

    def _in_part(self, record):
        """The record as the pharmacy calls it in: perhaps not all of it."""
        draw = self.world.held.random
        if Room.HOLDS not in self.world.rooms or draw() < 0.3:
            return record
        left_out = {n for n in ("notes", "date", "lines") if draw() < 0.4}
        part = {n: v for n, v in record.items() if n not in left_out}
        if "lines" in part:
            unsaid = {n for n in ("quantity", "price") if draw() < 0.4}
            part["lines"] = [
                {n: v for n, v in line.items() if n not in unsaid}
                for line in part["lines"]
            ]
        return part

    def _hand_over(self):
        if self._unread:
            at = self.world.random.randrange(len(self._unread))
            self.world.notice(self._unread.pop(at))

    # -- The end -----------------------------------------------------------------------

    def _heal(self):
        """Workers end or are killed, stray requests arrive or are gone for good."""
        world = self.world
        world.note("heal")
        while world.workers or world.late or self._unread:
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
        world.trouble = world.out_until = 0

    def _cure(self):
        """All but the poisoned records come to rest; then the pharmacy takes those."""
        world, odoo = self.world, self.world.odoo
        for __ in range(ROUNDS):
            self._pass()
            work = [o for o in odoo.operations if not self._is_poisoned(o)]
            if not work:
                break
        for operation in work:
            world.breaches.append(f"{operation} waits beside a poisoned record")
        world.note("cure")
        world.pharmacy.poison = no_name
        odoo.redrive()

    def _is_poisoned(self, operation):
        """Whether it is a failed change of a record that the pharmacy refuses, or
        refused while either side had it."""
        if operation.state != "dead":
            return False
        record = self.world.odoo.records.get(operation.mapping.res_id)
        row = self.world.pharmacy.rows.get(operation.mapping.external_id)
        if not record and not row:
            return True
        name = record["name"] if record else row.data["name"]
        return self.world.pharmacy.poison(name)

    def _is_for_a_person(self, operation):
        """Whether it waits for a supplier that a person deleted: until another one is
        chosen for the order."""
        return self._waiting_for_deleted(operation) is not None

    def _waiting_for_deleted(self, operation):
        """Name of the order, if so."""
        rows, known = self.world.pharmacy.rows, operation.payload
        row = rows.get(known["id"] if known else operation.mapping.external_id)
        supplier = row and rows.get(row.data.get("supplier"))
        if operation.state != "waiting" or not supplier:
            return None
        gone = supplier.data["name"] in self.world.ledger.deleted
        return row.data["name"] if gone else None

    def _pass(self):
        """A push, a pull and a push, each to its end; time passes."""
        self.world.odoo.recover(())
        self.world.odoo.look()
        for kind in ("push", "pull", "push"):
            self._run(kind)
            if kind == "pull":
                self.world.odoo.reconcile(self.world.pharmacy.rows)
        self.world.now += 50

    def _rest(self):
        """Pass until nothing is left to do; what is left if that takes for ever."""
        for __ in range(ROUNDS):
            self._pass()
            odoo = self.world.odoo
            work = [
                f"operation {o.id} is {o.state}"
                for o in odoo.operations
                if not self._is_for_a_person(o)
            ]
            work += [f"event of {res_id}" for res_id in odoo.events]
            work += [f"{res_id} was touched" for res_id in odoo.touched]
            if not work and (odoo.cursor or (0,))[0] == self.world.pharmacy.seq:
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
        ending.breaches = [*self.world.breaches]
        ending.breaches += [f"{s} is not there" for s in pharmacy.astray]
        waiting = map(self._waiting_for_deleted, odoo.operations)
        ending.waiting = {name for name in waiting if name}
        ending.decisions = odoo.decided
        ending.policies = odoo.policies
        for row in pharmacy.rows.values():
            copy = Copy(not row.deleted, self._slots(row.data))
            ending.pharmacy.setdefault(row.data["name"], []).append(copy)
        for res_id, values in odoo.records.items():
            name = values["name"]
            theirs = ending.pharmacy.get(name, [Copy(False, {})])[0].slots
            slots = self.world.ledger.exact(name, self._slots(values), theirs)
            copy = Copy(res_id not in odoo.archived, slots)
            ending.odoo.setdefault(name, []).append(copy)
        for mapping in self._in_conflict():
            self.conflicts += 1
            record = odoo.records.get(mapping.res_id)
            name = record["name"] if record else mapping.key
            ending.conflicts[name] = mapping.conflict.paths
        return ending
