from contextlib import contextmanager
from dataclasses import replace

from odoo import api, models

from odoo.addons.queue_job.exception import RetryableJobError

from ...core.check.text_checks import LONGEST_ID
from ...core.error.classification import classify
from ...core.exceptions import SyncError as Failure
from ...core.secrets.logs import get_logger
from ...core.storable import storable_text
from ...core.taxonomy import ErrorType, Severity
from ..base.alone import contained, is_replayed
from ..base.own_transaction import apart
from .work_names import HANDLING

_logger = get_logger(__name__)


class SyncError(models.Model):
    """What a job or a scheduled action fails with itself, whatever it works on."""

    _inherit = "sync.error"

    @api.model
    @contextmanager
    def _watch_over(self, work, backend=None):
        """Record what the work inside fails with, as critical: nothing of that kind
        goes on. It is raised again. A job that is put off has not failed.

        :param work: what people call it, see :meth:`_name_work`
        """
        self.env["sync.log.level"]._take_over()
        try:
            yield
        except Exception as exc:
            # Whatever it is: a mistake of our own is recorded like any failure.
            if not is_replayed(exc) and not isinstance(exc, RetryableJobError):
                self._record(
                    exc,
                    severity=Severity.CRITICAL,
                    operation=work,
                    backend_id=backend.id if backend else False,
                )
            raise

    @api.model
    @contextmanager
    def _watch_one(self, work, backend=None):
        """Like :meth:`_watch_over`, for one of several: what it fails with is recorded,
        and keeps no other from its turn. Each needs a transaction of its own."""
        with (
            contained(_logger.error, "%s failed at one of several", work),
            self._watch_over(work, backend),
        ):
            yield

    @api.model
    def _record_bare(self, about):
        """Record that a failure could not be recorded as it should be: with what every
        table takes, and what only the server log can say otherwise."""
        with contained(_logger.critical, "and not even that could be recorded"):
            apart(self.sudo()._keep_bare, about["correlation_id"])

    @api.model
    def _keep_bare(self, correlation_id):
        error = Failure(
            "A failure could not be recorded: see the server log.",
            error_type=ErrorType.UNEXPECTED,
        )
        classification = replace(classify(error), severity=Severity.CRITICAL)
        self._record_here(
            classification,
            operation=HANDLING,
            correlation_id=storable_text(str(correlation_id), LONGEST_ID),
        )


class SyncMaintenance(models.Model):
    _inherit = "sync.maintenance"

    @api.model
    def _cron_follow(self):
        """Scheduled: begin and end what is due."""
        with self.env["sync.error"]._watch_over("scheduled maintenance"):
            self._follow_due()
