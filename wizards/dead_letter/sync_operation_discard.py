from odoo import api, fields, models

from ...core.counted import counted
from ...models.base.actions import offer_undo


class SyncOperationDiscard(models.TransientModel):
    """Asks for the reason to discard operations."""

    _name = "sync.operation.discard"
    _inherit = ["sync.bounded"]
    _description = "Discard Failed Changes"

    operation_ids = fields.Many2many("sync.operation", required=True)
    count = fields.Integer(compute="_compute_count")
    reason = fields.Char(required=True, help="Kept on each of them, with your name.")

    @api.depends("operation_ids")
    def _compute_count(self):
        for wizard in self:
            wizard.count = len(wizard.operation_ids)

    def action_discard(self):
        """Discard, close the dialog, and offer to undo it."""
        self.ensure_one()
        self.operation_ids.action_discard(self.reason)
        message = counted(
            self.count,
            self.env._("1 change was discarded."),
            self.env._("%s changes were discarded.", self.count),
        )
        return offer_undo(self.operation_ids, "action_restore", message)
