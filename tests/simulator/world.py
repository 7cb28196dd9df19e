"""Virtual time, workers that can be killed, and a network that cannot be trusted."""

import random

from odoo.addons.pharmacy_sync.core.call.breaker import State
from odoo.addons.pharmacy_sync.core.retry.decision import REVIVALS

from .declines import some
from .ledger import Ledger
from .odoo import Odoo
from .odoo_records import UNMAPPED
from .parts import Call, NoAnswerError
from .pharmacy import Pharmacy
from .rooms import Room, draw_policies, draw_rooms

ENDLESS = 3000  # entries of the log; a long history has 400


class Worker:
    """A job under way. A call takes two steps: the request arrives; the answer does.

    :param kind: push or pull
    """

    def __init__(self, number, kind):
        self.number, self.kind = number, kind
        self.job = None
        self.call = None  # until its answer was taken
        self.request = None
        self.answer = None

    def __repr__(self):
        return f"{self.kind}er {self.number}"


class World:
    """Both sides and what lies between them; all chance comes from the seed.

    :param odoo_class: :class:`.odoo.Odoo`, or one with a bug
    :ivar trouble: share of the calls that the network does not carry as it should
    :ivar rooms: what this history is about besides; see :class:`.rooms.Room`
    :ivar out_until: until when the pharmacy is not to be reached at all
    :ivar breaches: laws of every moment that did not hold, in words
    """

    pharmacy_class = Pharmacy

    def __init__(self, seed, odoo_class=Odoo):
        self.seed = seed
        self.random = random.Random(seed)
        chance = self.random.random
        self.trouble = chance() * 0.6
        self.now = 0
        self.log = []
        self.out_until = 0
        self.breaches = []
        self.ledger = Ledger(self.name_of, lambda value: odoo_class._held("", value))
        self.pharmacy = self.pharmacy_class(
            heeds_keys=chance() < 0.5, compares=chance() < 0.7, now=lambda: self.now
        )
        self.odoo = odoo_class(self.ledger, lambda: self.now)
        self._open_rooms(random.Random(f"rooms of {seed}"))
        self.workers = []
        self.late = []  # requests that are still under way though nobody waits
        self._workers = 0

    def _open_rooms(self, draw):
        # A chance of its own: a room more or less is the same history elsewhere.
        self.rooms = draw_rooms(draw)
        self.held = random.Random(f"holds of {self.seed}")
        if self.held.random() < 0.25:
            self.rooms |= {Room.HOLDS}
        self._past = random.Random(f"SQL of {self.seed}")
        if self._past.random() < 0.25:
            self.rooms |= {Room.PAST}
            self.odoo.past = lambda: self._past.random() < 0.4
        if random.Random(f"what declines in {self.seed}").random() < 0.25:
            self.rooms |= {Room.DECLINES}
            self.odoo.takes = self.pharmacy.takes = some
        self.restores = random.Random(f"restores of {self.seed}")
        alone = self.rooms <= {Room.BREAKER, Room.RULES, Room.PAST, Room.DECLINES}
        if alone and self.restores.random() < 0.35:
            self.rooms |= {Room.RESTORES}
        poison = random.Random(f"poison of {self.seed}")
        alone = self.rooms <= {Room.RULES, Room.HOLDS, Room.PAST, Room.DECLINES}
        if alone and poison.random() < 0.3:
            self.rooms |= {Room.POISON}
            self.pharmacy.poison = self._is_poison
        receipts = random.Random(f"deliveries of {self.seed}")
        alone = self.rooms <= {Room.RULES, Room.HOLDS, Room.PAST, Room.POISON}
        if alone and receipts.random() < 0.3:
            self.rooms |= {Room.RECEIPTS}
            self.odoo.takes = self.odoo.receipts.takes
        self.odoo.matches = self.pharmacy.unique = Room.TWINS in self.rooms
        if Room.BREAKER in self.rooms:
            self.odoo.set_breakers(probes=draw.choice((1, 2)))
        if Room.RULES in self.rooms:
            self.odoo.policies = draw_policies(draw)

    def _is_poison(self, name):
        return random.Random(f"{name} of {self.seed}").random() < 0.3

    def name_of(self, supplier):
        """A supplier by what either side calls it, or by its canonical value."""
        if supplier in self.pharmacy.rows:
            return self.pharmacy.rows[supplier].data["name"]
        return self.odoo.records[int(str(supplier).removeprefix(UNMAPPED))]["name"]

    def note(self, *words):
        if len(self.log) > ENDLESS:
            raise RuntimeError("it goes on for ever")
        self.log.append((self.now, *words))

    def tick(self):
        """The scheduled action that looks for what no event says, now and then."""
        if self.odoo.touched and self._past.random() < 0.1:
            self.note("tick", self.odoo.touched)
            self.odoo.look()

    # -- Workers -----------------------------------------------------------------------

    def start(self, kind):
        self._workers += 1
        worker = Worker(self._workers, kind)
        worker.job = getattr(self.odoo, f"{kind}_job")(worker)
        self.workers.append(worker)
        self.note("start", worker)
        return worker

    def step(self, worker):
        """One step of a job: up to its next commit or call, or of the call itself."""
        if worker.request:
            request, worker.request = worker.request, None
            worker.answer = (self._carry(worker, request),)
            return
        answer, worker.answer, worker.call = worker.answer, None, None
        try:
            if answer is None:
                asked = next(worker.job)
            elif isinstance(answer[0], Exception):
                asked = worker.job.throw(answer[0])
            else:
                asked = worker.job.send(answer[0])
        except StopIteration:
            self.workers.remove(worker)
            self.note("end", worker)
            return
        finally:
            if self.odoo.breakers:
                self._look_at_queue()
        if isinstance(asked, Call):
            if self.odoo.breakers:
                self._look_at_call(asked)
            worker.request = worker.call = asked
            self.note("call", worker, asked)
        else:
            self.note("commit", worker)

    def kill(self, worker):
        """The process is gone, its open transaction undone. What it sent arrives, or
        does not."""
        self.note("kill", worker)
        self.workers.remove(worker)
        if worker.request and self.random.random() < 0.5:
            self.late.append(worker.request)
        worker.job.close()

    # -- Network -----------------------------------------------------------------------

    def _carry(self, worker, call):
        fate = "carried"
        if self.now < self.out_until:
            fate = self.random.choice(("refused", "dropped"))
        elif self.random.random() < self.trouble:
            fate = self.random.choice(
                ("refused", "dropped", "lost", "lost", "late", "doubled", "doubled")
            )
        answer = None
        if fate in ("carried", "lost", "doubled"):
            answer = self._arrive(call)
        if fate in ("late", "doubled"):
            self.late.append(call)
        if fate not in ("carried", "doubled"):
            answer = NoAnswerError(unknown=fate != "refused")
        self.note(fate, worker, answer)
        return answer

    def _arrive(self, call):
        return getattr(self.pharmacy, call.method)(*call.args)

    def deliver_late(self):
        """One of the stray requests arrives, not necessarily the oldest."""
        call = self.late.pop(self.random.randrange(len(self.late)))
        self.note("late", call, self._arrive(call))

    def notice(self, record):
        """The pharmacy calls Odoo with a record as it was a while ago."""
        self.note("receive", record)
        self.odoo.receive([record])

    # -- Laws of every moment ----------------------------------------------------------

    def _look_at_call(self, call):
        breaker = self.odoo.breakers[call.kind]
        if breaker.state is State.OPEN:
            self.breaches.append(f"{call.kind} calls though its breaker is open")
        elif breaker.state is State.HALF_OPEN:
            probes = [w for w in self.workers if w.call and w.call.kind == call.kind]
            probes = [w for w in probes if w.call.epoch == breaker.epoch]
            if len(probes) >= self.odoo.breaker_config.probes:
                self.breaches.append(f"{call.kind} probes too often at once")

    def _look_at_queue(self):
        state = self.odoo.breakers["push"].state
        for operation in self.odoo.operations:
            parked = operation.parked and operation.state == "waiting"
            if parked and not operation.revive and state is State.CLOSED:
                self.breaches.append(f"operation {operation.id} stays parked")
            died = operation.state == "dead" and operation.of_app
            if died and operation.revivals < REVIVALS:
                self.breaches.append(f"operation {operation.id} dies of an outage")
