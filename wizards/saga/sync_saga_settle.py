from odoo import api, fields, models
from odoo.exceptions import ValidationError


class SyncSagaSettle(models.TransientModel):
    """Asks for the reason why nothing is left to be done for sagas."""

    _name = "sync.saga.settle"
    _inherit = ["sync.bounded"]
    _description = "Mark Reservations Settled"

    saga_ids = fields.Many2many("sync.saga", required=True, string="Reservations")
    reason = fields.Char(
        required=True, help="What was done by hand; kept in the reservation's history."
    )

    @api.constrains("reason")
    def _check_reason(self):
        for wizard in self:
            if not (wizard.reason or "").strip():
                raise ValidationError(self.env._("Say what was done by hand."))

    def action_settle(self):
        """Mark the sagas settled, and close the dialog.

        :raises AccessError: the user is no operator
        """
        self.ensure_one()
        self.saga_ids._settle(self.reason)
        return {"type": "ir.actions.act_window_close"}
