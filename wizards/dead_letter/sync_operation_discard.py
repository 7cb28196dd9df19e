from odoo import api, fields, models


class SyncOperationDiscard(models.TransientModel):
    """Asks for the reason to discard operations."""

    _name = "sync.operation.discard"
    _inherit = ["sync.bounded"]
    _description = "Discard Operations"

    operation_ids = fields.Many2many("sync.operation", required=True)
    count = fields.Integer(compute="_compute_count")
    reason = fields.Char(required=True, help="Kept on each of them, with your name.")

    @api.depends("operation_ids")
    def _compute_count(self):
        for wizard in self:
            wizard.count = len(wizard.operation_ids)

    def action_discard(self):
        """Discard, and close the dialog."""
        self.ensure_one()
        self.operation_ids.action_discard(self.reason)
        return {"type": "ir.actions.act_window_close"}
