"""Virtual time, workers that can be killed, and a network that cannot be trusted."""

import random

from .ledger import Ledger
from .odoo import Odoo
from .parts import Call, NoAnswerError
from .pharmacy import Pharmacy

ENDLESS = 3000  # entries of the log; a long history has 400


class Worker:
    """A job under way. A call takes two steps: the request arrives; the answer does.

    :param kind: push or pull
    """

    def __init__(self, number, kind):
        self.number, self.kind = number, kind
        self.job = None
        self.request = None
        self.answer = None

    def __repr__(self):
        return f"{self.kind}er {self.number}"


class World:
    """Both sides and what lies between them; all chance comes from the seed.

    :param trouble: share of the calls that the network does not carry as it should
    :param odoo_class: :class:`.odoo.Odoo`, or one with a bug
    """

    def __init__(self, seed, odoo_class=Odoo):
        self.random = random.Random(seed)
        chance = self.random.random
        self.trouble = chance() * 0.6
        self.now = 0
        self.log = []
        self.ledger = Ledger()
        self.pharmacy = Pharmacy(heeds_keys=chance() < 0.5, compares=chance() < 0.7)
        self.odoo = odoo_class(self.ledger, lambda: self.now)
        self.workers = []
        self.late = []  # requests that are still under way though nobody waits
        self._workers = 0

    def note(self, *words):
        if len(self.log) > ENDLESS:
            raise RuntimeError("it goes on for ever")
        self.log.append((self.now, *words))

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
        answer, worker.answer = worker.answer, None
        try:
            if answer is None:
                asked = next(worker.job)
            elif isinstance(answer[0], NoAnswerError):
                asked = worker.job.throw(answer[0])
            else:
                asked = worker.job.send(answer[0])
        except StopIteration:
            self.workers.remove(worker)
            self.note("end", worker)
            return
        if isinstance(asked, Call):
            worker.request = asked
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
        if self.random.random() < self.trouble:
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
