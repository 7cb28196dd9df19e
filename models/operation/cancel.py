from odoo import fields, models
from odoo.exceptions import UserError

from ..base.own_transaction import apart

# In the place of an app's status: the record was not sent, a person did not want it.
CANCELLED = 499


class SyncOperation(models.Model):
    """Work that is under way is asked to stop, and does at its next safe point: before
    a call, between the parts of a batch, between two pages.

    An answer that came is kept: what the app has done is done. A call that failed is
    not made again. Where nobody knows whether the app had it, the operation goes back
    in the queue and the request is withdrawn: it is to be found out first. What was
    cancelled is not lost: Odoo keeps its values, the agreed ones stay as they were, and
    the difference travels with the record's next change.
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
        for operation in self:
            operation._end(
                "cancelled",
                self.env._(
                    "Stopped by %(user)s at %(time)s UTC",
                    user=operation.cancel_user_id.name,
                    time=operation.cancel_at,
                ),
            )

    def _withdraw_cancel(self):
        """Nobody knows whether the app has it: that is to be found out first."""
        self.filtered("cancel_at").write({"cancel_at": False, "cancel_user_id": False})


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _cancelled_among(self, operation_ids):
        """Ids of those operations that are asked to stop."""
        return (
            self.env["sync.operation"]
            .search([("id", "in", operation_ids), ("cancel_at", "!=", False)])
            .ids
        )

    def _pull_cancelled(self):
        """Who asked the stream's pull to stop, if anybody did."""
        operation = self._pull_operation()
        return operation.cancel_at and operation.cancel_user_id.name

    def _end_pull_cancelled(self):
        self._pull_operation()._end_cancelled()

    def _send_wanted(self, client, collection, items):
        """Send one part of a batch, but for what a person asked to stop meanwhile."""
        asked = apart(self._cancelled_among, [item["operation_id"] for item in items])
        wanted = [item for item in items if item["operation_id"] not in asked]
        results = []
        if wanted:
            results = client.batch(
                collection,
                [item["request"] for item in wanted],
                items[0]["correlation_id"],
                retry=any(item["retry"] for item in wanted),
            )
        if not asked or len(results) != len(wanted):
            return results
        answered = iter(results)
        return [
            {"status": CANCELLED} if item["operation_id"] in asked else next(answered)
            for item in items
        ]
