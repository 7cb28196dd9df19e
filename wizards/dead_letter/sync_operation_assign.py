from odoo import api, fields, models


class SyncOperationAssign(models.TransientModel):
    """Asks for the user to assign dead letters to."""

    _name = "sync.operation.assign"
    _inherit = ["sync.bounded"]
    _description = "Assign Failed Changes"

    operation_ids = fields.Many2many("sync.operation", required=True)
    count = fields.Integer(compute="_compute_count")
    user_id = fields.Many2one(
        "res.users",
        "Assign To",
        default=lambda self: self.env.uid,
        domain=lambda self: [
            ("all_group_ids", "in", self.env.ref("pharmacy_sync.group_user").ids)
        ],
        help="Who is notified, and finds them under Assigned to Me. Empty: nobody.",
    )

    @api.depends("operation_ids")
    def _compute_count(self):
        for wizard in self:
            wizard.count = len(wizard.operation_ids)

    def action_assign(self):
        """Assign, and close the dialog."""
        self.ensure_one()
        self.operation_ids.action_assign(self.user_id.id)
        return {"type": "ir.actions.act_window_close"}
