from odoo import api, fields, models

from ...core.exceptions import DependencyMissingError, SuspectedError
from ...core.retry import DEPENDENCY_WAIT
from .suspects import SUSPECT_WAIT


class SyncOperation(models.Model):
    """Arrived records that could not be applied and are kept, each by an operation."""

    _inherit = "sync.operation"

    def _apply_kept(self, suspected=False):
        """Try these again.

        :param suspected: whether the only one may kill its worker
        """
        for (stream, correlation_id), operations in self.grouped(
            lambda o: (o.stream_id, o.correlation_id)
        ).items():
            records = operations.mapped("payload")
            arrivals = stream._apply_apart(records, correlation_id, suspected)
            tried = list(zip(operations, arrivals, strict=True))
            self._apply_failed([(o, a) for o, a in tried if a.outcome == "failed"])
            applied = [(o, a) for o, a in tried if a.outcome != "failed"]
            operations.browse(o.id for o, __ in applied)._succeed()
            for operation, arrival in applied:
                operation._applied(arrival)

    @api.model
    def _apply_failed(self, failures):
        """Arrived records that could not be applied: pairs of operation and
        :class:`.apply.Arrival`."""
        Error = self.env["sync.error"]
        now = fields.Datetime.now()
        awaited, failed, suspected = [], [], []
        for operation, arrival in failures:
            backend = operation.backend_id
            classification = Error._classify(arrival.error, backend)
            failure = (operation, classification, arrival.error)
            if isinstance(arrival.error, SuspectedError):
                suspected.append(failure)
            # What it refers to may be in the very next page: that costs no attempt.
            elif (
                isinstance(arrival.error, DependencyMissingError)
                and now < operation.deadline_at
            ):
                awaited.append(failure)
            else:
                operation.attempts += 1
                failed.append(failure)
        about = {
            "retry_delay": DEPENDENCY_WAIT,
            "retry_reason": self.env._("It may come yet."),
        }
        Error._record_each([(*each, about) for each in awaited])
        for operation, __, error in awaited:
            operation._park(DEPENDENCY_WAIT, str(error))
        for operation, __, error in suspected:
            operation._park(SUSPECT_WAIT, str(error))
        self._fail_each(failed)
        self.browse(o.id for o, __ in failures)._schedule_waiting()
