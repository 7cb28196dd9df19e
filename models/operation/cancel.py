from odoo import fields, models
from odoo.exceptions import UserError

from ...core import said


class SyncOperation(models.Model):
    """Work that is under way is asked to stop, and does at its next safe point: before
    a call, between the parts of a batch, between two pages.

    An answer that came is kept: what the app has done is done. A call that failed is
    not made again. If the app may have had it, the operation goes back in the queue and
    the request is withdrawn: the outcome must be found out first. What was
    cancelled is not lost: Odoo keeps its values, the agreed ones stay as they were, and
    the difference travels with the record's next change, or when it is next read.
    """

    _inherit = "sync.operation"

    cancel_at = fields.Datetime("Cancellation Asked", readonly=True)
    cancel_user_id = fields.Many2one(
        "res.users", "Cancellation Asked By", readonly=True
    )

    def action_stop(self):
        """Ask operations that are under way to stop."""
        self._check_operator()
        if self.filtered(lambda operation: operation.state != "running"):
            raise UserError(
                self.env._(
                    "Only what is under way can be stopped; what waits is discarded."
                )
            )
        self.filtered(lambda operation: not operation.cancel_at).sudo().write(
            {"cancel_at": fields.Datetime.now(), "cancel_user_id": self.env.uid}
        )
        return True

    def _end_cancelled(self):
        self.mapping_id.given_up = True
        for operation in self:
            operation._end(
                "cancelled",
                said.say(
                    said.STOPPED_AT,
                    user=operation.cancel_user_id.name,
                    time=operation.cancel_at,
                ),
            )

    def _withdraw_cancel(self):
        """The app may have it: that must be found out first."""
        self.filtered("cancel_at").write({"cancel_at": False, "cancel_user_id": False})
