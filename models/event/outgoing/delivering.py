import random
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ....core import said
from ....core.event.delivery import GONE, follows
from ....core.retry.decision import After
from ....core.retry.moments import AHEAD, has_come
from ....core.taxonomy import Severity
from ...base.alone import alone
from ...base.own_transaction import apart
from ...base.sync_retry_policy import after
from .sync_delivery import LEASE, RECOVER_LIMIT

# Seconds after which one asks again that found its receiver busy, or waits for another.
ASK_AGAIN = 5
# Characters of an answer, or of a failure, that are kept.
LONGEST = 500


class SyncDelivery(models.Model):
    """How a delivery is carried: begun and ended in transactions of its own, with none
    open in between. What does not answer costs its own attempts, and one worker at a
    time."""

    _inherit = "sync.delivery"

    def _job_deliver(self):
        """Job: one attempt."""
        self.ensure_one()
        if not self.exists():
            return
        with self.env["sync.error"]._watch_over("delivery job", self.backend_id):
            self._deliver()

    def _deliver(self):
        message = apart(self._begin)
        if not message:
            return
        started = time.monotonic()
        try:
            receipt = self._receiver()._carry(message)
        except Exception as exc:  # noqa: BLE001
            # Whatever a road fails with is the delivery's failure.
            seconds = time.monotonic() - started
            apart(self._fail, exc, seconds, read_committed=True)
        else:
            seconds = time.monotonic() - started
            apart(self._arrive, receipt, seconds, read_committed=True)

    def _begin(self):
        """Put an attempt on record.

        :return: what to carry: ``id``, ``kind``, ``payload``, ``reference``; None if
            there is nothing to do now
        """
        now = fields.Datetime.now()
        if not self.try_lock_for_update() or not self._is_due(now):
            return None
        receiver = self._receiver()
        if problem := self._problem(receiver):
            self._settle("cancelled", problem)
            return None
        if not self._may_go(receiver, now):
            return None
        with alone(self.env) as failure:
            payload = self.payload or receiver._compose(self)
        if failure:
            self._could_not_compose(failure.error)
            return None
        self.write(
            {
                "state": "sending",
                "attempts": self.attempts + 1,
                "lease": now + timedelta(seconds=LEASE),
                "eta": False,
                "payload": payload,
            }
        )
        return {
            "id": self.message_id,
            "kind": self.kind,
            "payload": self.payload,
            "reference": self._known_reference(),
        }

    def _could_not_compose(self, exception):
        """A defect of ours, which each attempt would meet: a person sends it again once
        it is mended."""
        found = self.env["sync.error"]._record(
            exception,
            Severity.CRITICAL,
            operation="delivery job",
            backend_id=self.backend_id.id,
            company_id=not self.backend_id and self.company_id.id,
            correlation_id=self.correlation_id,
        )
        self._settle("failed", found.message)

    def _is_due(self, now):
        if self.state == "sending":
            return self.lease and _has_come(self, self.lease, now)
        return self.state == "waiting" and _has_come(self, self.eta, now)

    def _problem(self, receiver):
        """What makes it pointless, in words; None: nothing does."""
        if not receiver:
            return said.RECEIVER_REMOVED
        if self.backend_id.is_copy:
            return said.DATABASE_IS_COPY
        if not receiver.active and self.kind != "test":
            return said.SWITCHED_OFF
        return receiver._missing()

    def _may_go(self, receiver, now):
        """Whether it may be sent now; if not, a later job asks again."""
        if self.kind == "test":
            return True
        if not _has_come(receiver, receiver.rests_until, now):
            eta = receiver.rests_until
        elif self._busy(receiver) or self._is_behind():
            eta = now
        else:
            return True
        # Not all of them at the same moment.
        self.eta = eta + timedelta(seconds=random.uniform(1, ASK_AGAIN))
        self._schedule()
        return False

    def _is_behind(self):
        """Whether another delivery must be over before this one. Rooms above know."""
        return False

    def _known_reference(self):
        """What the receiver calls that which an earlier delivery made, for this one to
        refer to. Rooms above know."""
        return ""

    def _arrive(self, receipt, seconds):
        self._receiver()._did_arrive()
        self._settle(
            "arrived",
            self._said(receipt.status, receipt.said),
            http_status=receipt.status or 0,
            seconds=seconds,
            took=self._age(),
            reference=receipt.reference or False,
            link=receipt.link or False,
        )

    def _age(self):
        return (self.env.cr.now() - self.create_date).total_seconds()

    def _fail(self, exception, seconds):
        """An attempt failed: the next, or none."""
        Error = self.env["sync.error"]
        failure = Error._classify(exception, self.backend_id)
        receiver = self._receiver()
        receiver._did_fail(failure)
        policy, insists = receiver._policy()
        found = follows(
            failure, policy, self.attempts, self.last_delay, random, insists
        )
        answer = self._said(failure.http_status, failure.message)
        values = {"http_status": failure.http_status or 0, "seconds": seconds}
        if found.state is After.DEAD or self.kind == "test":
            self._settle("failed", answer, **values)
            if failure.http_status == GONE:
                receiver._is_gone(answer)
            return
        self.write(
            {
                **values,
                "state": "waiting",
                "answer": answer,
                "lease": False,
                "last_delay": found.seconds,
                "eta": after(found.seconds),
            }
        )
        self._schedule()

    def _said(self, status, text):
        """What the receiver said, in one line without secrets."""
        text = " ".join((text or "").split())[:LONGEST]
        text = self.backend_id._redact(text)
        if status and not text.startswith("HTTP"):
            return f"HTTP {status}: {text}".rstrip(": ")
        return text

    @api.model
    def _try_test(self, receiver):
        """Send a test now, and wait for the answer.

        :return: the delivery
        """
        delivery = self.browse(apart(self._make_test, receiver))
        delivery._as_runner()._deliver()
        delivery.invalidate_recordset()
        return delivery

    def _make_test(self, receiver):
        backend = "backend_id" in receiver._fields and receiver.backend_id.id
        return self.create(
            {
                receiver._delivery_field(): receiver.id,
                "kind": "test",
                "title": said.TEST,
                "backend_id": backend,
                "company_id": receiver.company_id.id,
            }
        ).id

    @api.model
    def _take_up(self):
        """Give those a job whose own is gone, or whose worker is not heard of."""
        now = fields.Datetime.now()
        late = now - timedelta(seconds=LEASE)
        waiting = Domain("state", "=", "waiting")
        sending = Domain("state", "=", "sending")
        due = Domain("eta", "=", False) | Domain("eta", "<", late)
        left = self.search(
            (sending & Domain("lease", "<", now))
            | (waiting & due & Domain("create_date", "<", late))
            # Times of a clock that was ahead hold up nothing.
            | ((waiting | sending) & Domain("write_date", ">", _ahead(self))),
            order="id",
            limit=RECOVER_LIMIT,
        )
        left._schedule()
        return len(left)


def _ahead(record):
    """What was written after that was written while a clock was ahead."""
    return record.env.cr.now() + AHEAD


def _has_come(record, eta, now):
    """Whether a time that a record names has come, see :func:`.has_come`."""
    return has_come(eta, record.write_date, now, record.env.cr.now())
