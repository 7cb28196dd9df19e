from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL


class SyncError(models.Model):
    """A failure that was made up for is nobody's to resolve: once its operation is
    done it is resolved by itself."""

    _inherit = "sync.error"

    @api.model
    def _cron_resolve_recovered(self):
        """Scheduled: resolve the errors of operations that were done since."""
        self._resolve_recovered(fields.Datetime.now() - timedelta(days=1))

    @api.model
    def _resolve_recovered(self, since):
        """Resolve the errors of operations that were done after ``since``."""
        self.env["sync.operation"].flush_model(["state", "done_at"])
        self.flush_model(["resolved", "operation_id"])
        self.env.cr.execute(
            SQL(
                """UPDATE sync_error e
                      SET resolved = true, resolved_at = o.done_at, resolution = %s
                     FROM sync_operation o
                    WHERE o.id = e.operation_id AND o.state = 'done'
                      AND o.done_at > %s AND e.resolved IS NOT TRUE""",
                self.env._("A later attempt succeeded."),
                since,
            )
        )
        self.invalidate_model(["resolved", "resolved_at", "resolution"])
