from contextlib import contextmanager

from odoo import api, models

from ...core.taxonomy import Severity
from ..base.alone import is_replayed


class SyncError(models.Model):
    """What a job or a scheduled action fails with itself, whatever it works on."""

    _inherit = "sync.error"

    @api.model
    @contextmanager
    def _watch_over(self, work, backend=None):
        """Record what the work inside fails with, as critical: nothing of that kind
        goes on. It is raised again.

        :param work: what people call it, see :meth:`_name_work`
        """
        self.env["sync.log.level"]._take_over()
        try:
            yield
        except Exception as exc:
            if not is_replayed(exc):
                self._record(
                    exc,
                    severity=Severity.CRITICAL,
                    operation=work,
                    backend_id=backend.id if backend else False,
                )
            raise
