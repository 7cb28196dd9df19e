import random
from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from ...core import said
from ...core.retry.decision import REVIVALS, After, next_attempt
from ...core.storable import storable_text
from ...core.taxonomy import TAXONOMY, Category, Delivery, ErrorType
from ..base.sync_retry_policy import after
from ..error.failed_attempt import FailedAttempt
from .retrying import Retrying

# What a newer operation takes over from the one in whose place it goes on.
TAKEN_OVER = frozenset(
    {
        *("state", "eta", "last_delay", "parked", "revive", "revivals"),
        *("reason", "attempts", "recovery"),
    }
)


class SyncOperation(models.Model):
    """What comes after an attempt: done, tried again, parked until the app answers,
    or a dead letter."""

    _inherit = "sync.operation"

    def _succeed(self, reason=False):
        """These are done.

        :param reason: why, if not as usual; else how many attempts it took is noted
        """
        for why, operations in self.grouped(lambda o: reason or o._retried()).items():
            operations._end("done", why)
            # The retry succeeded: mark its earlier errors resolved.
            operations.error_ids.filtered(lambda error: not error.resolved).write(
                {
                    "resolved": True,
                    "resolved_at": fields.Datetime.now(),
                    "resolution": why or said.RETRIED,
                }
            )

    def _retried(self):
        """How many attempts it took, if more than one."""
        # A push counts its attempt when it begins, all others when it has failed.
        attempt = self.attempts + (self.kind != "push")
        if attempt < 2:
            return False
        begun = self.first_attempt_at or self.requested_at
        seconds = (fields.Datetime.now() - begun).total_seconds()
        return said.say(said.DONE_AT, attempt=attempt, seconds=int(seconds))

    def _end(self, state, reason):
        self.write(
            {
                "state": state,
                "done_at": fields.Datetime.now(),
                "eta": False,
                "reason": reason,
            }
        )

    def _park(self, seconds, reason):
        """Wait; it costs no attempt.

        :param seconds: 0: it is due at once
        """
        self.write(
            {
                "state": "waiting",
                "eta": after(seconds) if seconds else False,
                "reason": reason and storable_text(reason),
            }
        )

    def _fail(self, classification, exception=None):
        """All of these failed the same way: see :meth:`_fail_each`."""
        self._fail_each([FailedAttempt(o, classification, exception) for o in self])

    @api.model
    def _fail_each(self, failures):
        """Record failed attempts, and decide what comes next for each operation.

        :param failures: list of :class:`..error.failed_attempt.FailedAttempt`
        """
        if not failures:
            return
        operations = self.browse(failure.operation.id for failure in failures)
        newer, failed = operations._newer_pushes(), operations._failed_pushes()
        retrying = {
            (backend, kind): Retrying(self.env, backend, kind)
            for (backend, kind) in {(o.backend_id, o.kind) for o in operations}
        }
        recorded, changes = [], []
        for failure in failures:
            operation = failure.operation
            context = retrying[operation.backend_id, operation.kind]
            values, retry = operation._after_failure(failure.classification, context)
            recorded.append(failure.with_values(**retry))
            changes.append(values)
        errors = self.env["sync.error"]._record_each(recorded)
        for failure, values, error in zip(recorded, changes, errors, strict=True):
            values["error_group_id"] = error.group_id.id
            operation, mapping = failure.operation, failure.operation.mapping_id
            ends = operation.kind == "push" and values["state"] == "dead"
            if ends and mapping in failed and mapping not in newer:
                operation._join(failed[mapping][0], values)
            else:
                operation._change_state(values, newer)

    def _join(self, failed, values):
        """The record is a failed change already, and stays that one: both would send
        what Odoo has.

        :param failed: that one
        :param values: what became of this one
        """
        # What it carries is what was last sent.
        failed.write({**values, "payload": self.payload})
        self.error_ids.operation_id = failed
        self._end("cancelled", said.FAILED_BEFORE)

    def _failed_pushes(self):
        """Other failed pushes of the same records: ``{mapping: operations}``."""
        return self.search(
            [
                ("id", "not in", self.ids),
                ("mapping_id", "in", self.mapping_id.ids),
                ("kind", "=", "push"),
                ("state", "=", "dead"),
            ]
        ).grouped("mapping_id")

    def _after_failure(self, classification, retrying):
        """What comes after a failed attempt.

        :param retrying: :class:`.retrying.Retrying` of its backend and kind
        :return: values of the operation; values for the error's row: the delay and
            what set it
        """
        now = fields.Datetime.now()
        judged = self._effective_classification(classification)
        policy = retrying.policy(judged.type)
        standing = retrying.standing(
            self.attempts,
            self.last_delay,
            in_time=now < self.deadline_at,
            revivals_left=REVIVALS - self.revivals,
        )
        found = next_attempt(judged, policy, standing, random)
        values = {
            "reason": found.reason,
            "parked": False,
            "attempts": found.attempts,
            "revive": found.revive,
            "revivals": self.revivals,
        }
        retry = {"retry_reason": found.reason}
        if found.state is After.DEAD:
            ended = {"state": "dead", "eta": False, "done_at": now, "recovery": False}
            values.update(ended)
            return values, retry
        parked = found.state is After.PARKED
        values.update(
            state="waiting",
            eta=after(found.seconds),
            parked=parked,
            recovery="parked" if parked else "retry",
        )
        retry["retry_delay"] = found.seconds
        if not parked:
            values["last_delay"] = found.seconds
            retry["retry_reason"] = self._why_then(judged, found, retrying)
        return values, retry

    def _why_then(self, classification, found, retrying):
        """Why it is tried again at that time, and who set it."""
        if found.asked:
            return said.say(said.AS_ASKED, sentence=found.reason)
        return said.say(
            said.BY_POLICY,
            sentence=found.reason,
            name=retrying.policy_name(classification.type),
            attempt=found.attempts,
            most=retrying.policy(classification.type).max_attempts,
        )

    def _effective_classification(self, classification):
        """The classification to decide by: an answer that cannot be read says nothing
        of the record, and its request may have been carried out."""
        unread = (
            self.kind != "apply"
            and classification.category is Category.DATA_CORRUPTION
            and classification.delivery is Delivery.UNKNOWN
        )
        if not unread:
            return classification
        info = TAXONOMY[ErrorType.OUTCOME_UNKNOWN]
        return replace(
            classification,
            type=ErrorType.OUTCOME_UNKNOWN,
            category=info.category,
            severity=info.severity,
            retryable=info.retryable,
        )

    def _give_back(self, seconds, reason):
        """The attempt was not made, and costs none: wait until it can be."""
        for operation in self:
            operation.attempts = max(operation.attempts - 1, 0)
        values = {
            "state": "waiting",
            "parked": True,
            "eta": after(seconds),
            "reason": reason,
        }
        failed = self.filtered("recovery")
        # What failed before is not tried again in its own time, after all.
        failed._change_states({**values, "recovery": "parked"})
        (self - failed)._change_states(values)

    @api.model
    def _resume(self, backend):
        """Take up again what waited for the app. Where its absence had used up the
        attempts, they count anew.

        :return: whether there was any
        """
        waiting = self.search(
            Domain("backend_id", "=", backend.id)
            & Domain("parked", "=", True)
            & Domain("state", "=", "waiting")
        )
        released = {"parked": False, "eta": False}
        for revivals, revived in waiting.filtered("revive").grouped("revivals").items():
            revived.write(
                {
                    **released,
                    "attempts": 0,
                    "revive": False,
                    "revivals": revivals + 1,
                    "recovery": "revived",
                    "reason": said.APP_IS_BACK,
                }
            )
        waiting.filtered("parked").write(released)
        return bool(waiting)

    def _change_states(self, values):
        """Write the same values on all of these: see :meth:`_change_state`."""
        newer = self._newer_pushes()
        for operation in self:
            operation._change_state(values, newer)

    def _change_state(self, values, newer):
        """Write ``values``, with the state that follows. Where a newer push of the same
        record is in the queue, that one goes on in this one's place: same state of
        the record, same attempts, same time to wait for.

        :param newer: what :meth:`_newer_pushes` says
        """
        self.ensure_one()
        if self.cancel_at and self.state == "running":
            self._end_cancelled()
            return
        successor = self.kind == "push" and newer.get(self.mapping_id)
        if not successor:
            self.write(values)
            return
        if values["state"] == "waiting":
            successor.write({name: values[name] for name in TAKEN_OVER & values.keys()})
            successor._schedule_waiting()
        self._end("cancelled", said.NEWER_QUEUED)

    def _newer_pushes(self):
        """Open pushes of the same records: ``{mapping: operation}``.

        No other transaction adds one until this one ends; one that read the queue
        before fails and is replayed.
        """
        self.env["sync.mapping"]._touch(self.mapping_id.ids)
        return self.search(
            [
                ("mapping_id", "in", self.mapping_id.ids),
                ("kind", "=", "push"),
                ("state", "in", self.OPEN),
                ("id", "not in", self.ids),
            ]
        ).grouped("mapping_id")

    def _schedule_waiting(self):
        """A job for each moment at which one of these is due again."""
        # Whole seconds upwards: those due within one second share a job, and none is
        # started before its time.
        moments = {
            (
                operation.backend_id,
                operation.kind == "push",
                operation.eta.replace(microsecond=0) + timedelta(seconds=1),
            )
            for operation in self
            if operation.state == "waiting" and operation.eta
        }
        for backend, pushes, eta in moments:
            if pushes:
                backend._schedule_push(eta)
            else:
                backend._schedule_pull(eta)


class SyncError(models.Model):
    _inherit = "sync.error"

    operation_id = fields.Many2one(
        "sync.operation", readonly=True, ondelete="set null", index="btree_not_null"
    )

    @api.model
    def _name_work(self, work):
        kind = self.env["sync.operation"]._fields["kind"]
        kinds = dict(kind._description_selection(self.env))
        return kinds.get(work) or super()._name_work(work)
