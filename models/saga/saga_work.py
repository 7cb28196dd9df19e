import random
from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ...core import saga as core
from ...core.exceptions import NOT_MADE, DependencyMissingError
from ...core.retry.decision import After, next_attempt
from ...core.retry.policy import TOTAL_DEADLINE
from ...entities.neutral import neutral
from ..base.own_transaction import apart
from ..base.sync_retry_policy import after, second_after
from ..operation.retrying import Retrying

# Seconds until it is asked again whether the order is at the pharmacy.
ORDER_WAIT = 5


class SyncSaga(models.Model):
    """How a saga is worked off: a job for each step and each compensation.

    A job has three parts. That the step is begun, and what takes it back, is committed
    first; then the pharmacy app is called, while no transaction is open; then what
    came of it is committed, with what the step writes in Odoo and the next job. Killed
    in between, it is run again: the step looks first whether it had happened.
    """

    _inherit = "sync.saga"

    def _schedule(self, eta=None):
        """Give the saga a job of its own; any other one it has does nothing more."""
        for saga in self:
            env = saga.backend_id._as_runner().env
            job = (
                saga.with_env(env)
                .with_delay(
                    eta=eta or None,
                    description=self.env._("Reservation of %s", saga.display_name),
                )
                ._job_step()
            )
            saga.write({"job_uuid": job.uuid, "eta": eta})

    def _is_at_work(self):
        """Whether a job is at one of its steps right now."""
        job = self.env["queue.job"].sudo().search([("uuid", "=", self.job_uuid)])
        return job.state == "started"

    def _job_step(self):
        """Job: one step, or one compensation."""
        self.ensure_one()
        self = neutral(self, self.backend_id)
        with self.env["sync.error"]._watch_over("saga job", self.backend_id):
            self.backend_id._take_place()
            self._do_step(self.env.context.get("job_uuid"))

    def _do_step(self, job_uuid):
        action = apart(self._begin_next, job_uuid)
        if not action:
            return
        try:
            step = self.step_ids.browse(action["step_id"])
            answer = step._call_app(action)
            apart(self._succeed_action, action, answer, job_uuid)
        except Exception as exc:  # noqa: BLE001
            # Any failure, also in another addon's step: the saga decides.
            apart(self._fail_action, action, exc, job_uuid)

    def _begin_next(self, job_uuid):
        """Put the next step, or compensation, on record as begun.

        :return: dict that says what to do, or None if there is nothing for this job
        """
        if not self._is_mine(job_uuid) or not self.backend_id._is_at_work():
            return None
        now = fields.Datetime.now()
        # A write in any case: a worker that just takes the saga back notices.
        self.write({"worked_at": now, "eta": False, "reason": False})
        if self.withdrawn and self.state != "compensating":
            self._withdraw()
        saga = self._core()
        action = core.next_action(saga)
        if not action:
            return None
        self._store(core.begin(saga, action))
        step = self.step_ids[action.index]
        again = step._count_attempt(undoing=action.kind is core.Kind.COMPENSATE)
        return {
            "kind": str(action.kind),
            "index": action.index,
            "step_id": step.id,
            "name": step.name,
            # It may have happened already.
            "again": again,
        }

    def _succeed_action(self, action, answer, job_uuid):
        """Write what a step does in Odoo, and that it is done, in one transaction."""
        if not self._is_mine(job_uuid):
            return
        step = self.step_ids.browse(action["step_id"])
        step._write_result(action["kind"], answer)
        self._store(core.succeed(self._core(), _action(action)))
        self._go_on()

    def _fail_action(self, action, exception, job_uuid):
        """Decide about a failed attempt: again, later, or never."""
        if not self._is_mine(job_uuid):
            return
        step = self.step_ids.browse(action["step_id"])
        Error = self.env["sync.error"]
        classification = Error._classify(exception, self.backend_id)
        step.message = classification.message
        eta = step._retry_at(classification, exception)
        if eta and not self.withdrawn:
            self.reason = classification.message
            self._schedule(eta)
            return
        Error._record_here(
            classification,
            exception,
            operation=f"saga {step.name} {action['kind']}",
            backend_id=self.backend_id.id,
            correlation_id=self.correlation_id,
            attempt=step.attempts,
            context={"saga": self.id, "order": self.order_id.name},
        )
        if not self.error:
            self.write(
                {
                    "error_type": str(classification.type),
                    "error": classification.message,
                }
            )
        self._store(core.fail(self._core(), _action(action)))
        self._go_on()

    def _go_on(self):
        if self.withdrawn and self.state not in ("compensating", "compensated"):
            self._withdraw()
        if core.next_action(self._core()):
            self._schedule()

    def _is_mine(self, job_uuid):
        """Lock the saga; whether this job is still the one that works on it."""
        self.env.execute_query(
            SQL("SELECT id FROM sync_saga WHERE id = %s FOR NO KEY UPDATE", self.id)
        )
        return not job_uuid or self.job_uuid == job_uuid


class SyncSagaStep(models.Model):
    _inherit = "sync.saga.step"

    def _count_attempt(self, undoing):
        """:return: whether it was begun before"""
        self.ensure_one()
        if self.undoing != undoing:
            self.write({"attempts": 0, "last_delay": 0, "begun_at": False})
        again = bool(self.begun_at)
        self.write(
            {
                "attempts": self.attempts + 1,
                "begun_at": self.begun_at or fields.Datetime.now(),
                "undoing": undoing,
            }
        )
        return again

    def _retry_at(self, classification, exception):
        """When a failed attempt is made again (UTC), or None if it is given up."""
        self.ensure_one()
        now = fields.Datetime.now()
        in_time = now < self.begun_at + TOTAL_DEADLINE
        if in_time and isinstance(exception, DependencyMissingError):
            self.attempts -= 1
            self.saga_id.backend_id._schedule_push()
            return now + timedelta(seconds=ORDER_WAIT)
        if in_time and isinstance(exception, NOT_MADE):
            self.attempts -= 1
            return second_after(exception.retry_after)
        retrying = Retrying(self.env, self.saga_id.backend_id, "push")
        policy = retrying.policy(classification.type)
        standing = retrying.standing(self.attempts, self.last_delay, in_time)
        found = next_attempt(classification, policy, standing, random)
        if found.state is After.DEAD:
            return None
        self.attempts = found.attempts
        if found.state is After.PARKED:
            return second_after(found.seconds)
        self.last_delay = found.seconds
        return after(found.seconds)


def _action(action):
    return core.Action(core.Kind(action["kind"]), action["index"])
