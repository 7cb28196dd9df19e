import random
import uuid
from dataclasses import asdict
from math import ceil

from odoo import api, fields, models

from odoo.addons.queue_job.exception import RetryableJobError

from ...core import said
from ...core.exceptions import CircuitBreakerOpenError, InvalidDataError
from ...core.retry.decision import After, Standing, next_attempt
from ...core.retry.policy import TOTAL_DEADLINE, RetryPolicy
from ...entities.neutral import cause_of
from ..base.alone import alone

# Seconds after which a breaker that said nothing of its time is asked again.
PARKED = 60


class SyncToolkit(models.AbstractModel):
    """A method that is tried again by policy."""

    _inherit = "sync.toolkit"

    @api.model
    @api.private
    def retry(self, method, *args, policy=None, **options):
        """Have a job call a method of records, and call it again by policy for as long
        as its failures may pass; ``toolkit.retry(shipment.action_book, "express")``.

        Each failure is undone and recorded as an error. They are resolved once the
        method succeeds; if it is given up the last one says why, and the job fails.
        While the breaker of a service is open the job waits, which costs no attempt.

        :param method: a bound method of records that exist once this transaction is
            committed
        :param args: for it: values that JSON can hold, dates, records
        :param options: for it by their names; none is called ``policy``
        :param policy: :class:`...core.retry.policy.RetryPolicy`; None: those of the
            screen, by the type of the failure
        :return: the job
        """
        records = getattr(method, "__self__", None)
        if not isinstance(records, models.BaseModel):
            raise InvalidDataError("method must be a method of records", field="method")
        name = method.__name__
        numbers = policy and {**asdict(policy), "jitter": str(policy.jitter)}
        return self.with_delay(
            max_retries=0,
            description=self.env["sync.error"]._name_work(f"{records._name}.{name}"),
        )._job_retry(
            records, name, list(args), numbers, self._correlation_id(), options
        )

    @api.model
    def _job_retry(self, records, name, args, numbers, correlation_id, options=None):
        """Job: one attempt of :meth:`retry`."""
        records = records.with_context(sync_correlation_id=correlation_id)
        with alone(self.env) as failure:
            getattr(records, name)(*args, **(options or {}))
        about = {
            "operation": f"{records._name}.{name}",
            "correlation_id": correlation_id,
            "company_id": self._about(records[:1])["company_id"],
            "context": {"model": records._name, "odoo_ids": records.ids},
        }
        if failure:
            self._attempt_failed(failure.error, numbers, about)
        else:
            self._attempt_succeeded(about)

    def _attempt_failed(self, error, numbers, about):
        """Record it, and have the job try again or fail."""
        job_uuid = self.env.context.get("job_uuid")
        job = self.env["queue.job"].sudo().search([("uuid", "=", job_uuid)])
        held = isinstance(error, CircuitBreakerOpenError)
        failure = self.env["sync.error"]._classify(error)
        policy = self.env["sync.retry.policy"]._for(failure.type)
        limit = (job.date_created or fields.Datetime.now()) + TOTAL_DEADLINE
        standing = Standing(
            attempts=job.retry + (not held),
            breaker_open=held,
            park_seconds=(held and error.retry_after) or PARKED,
            in_time=fields.Datetime.now() < limit,
        )
        found = next_attempt(
            failure, RetryPolicy(**numbers) if numbers else policy, standing, random
        )
        again = RetryableJobError(
            failure.message, max(ceil(found.seconds), 1), ignore_retry=held
        )
        if found.state is After.PARKED:
            # The log of calls has it.
            raise again from error
        self.env["sync.error"]._record(
            error,
            attempt=found.attempts,
            retry_delay=found.seconds,
            retry_reason=found.reason,
            **about,
        )
        raise error if found.state is After.DEAD else again

    def _attempt_succeeded(self, about):
        self.env["sync.error"].sudo().search(
            [
                ("correlation_id", "=", about["correlation_id"]),
                ("work", "=", about["operation"]),
                ("resolved", "=", False),
            ]
        ).write(
            {
                "resolved": True,
                "resolved_at": fields.Datetime.now(),
                "resolution": said.SUCCEEDED_LATER,
            }
        )

    @api.model
    def _correlation_id(self):
        return cause_of(self.env) or uuid.uuid4().hex


class SyncError(models.Model):
    _inherit = "sync.error"

    @api.model
    def _name_work(self, work):
        model, __, method = (work or "").rpartition(".")
        if model in self.env:
            return f"{self.env['ir.model']._get(model).name}: {method}"
        return super()._name_work(work)
