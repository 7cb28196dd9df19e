from odoo import api, fields, models
from odoo.exceptions import ValidationError


class SyncBreakerForce(models.TransientModel):
    """Asks for the mode of circuit breakers, and for the reason."""

    _name = "sync.breaker.force"
    _inherit = ["sync.bounded"]
    _description = "Set the Mode of Connections"

    breaker_ids = fields.Many2many("sync.breaker", required=True, string="Connections")
    mode = fields.Selection(selection="_select_mode", required=True)
    reason = fields.Char(required=True, help="Kept in the breaker's history.")

    @api.model
    def _select_mode(self):
        return self.env["sync.breaker"]._fields["mode"]._description_selection(self.env)

    @api.constrains("reason")
    def _check_reason(self):
        for wizard in self:
            if not (wizard.reason or "").strip():
                raise ValidationError(self.env._("Say why the mode is set."))

    def action_set_mode(self):
        """Set the mode, and close the dialog.

        :raises AccessError: the user is no operator
        """
        self.ensure_one()
        self.breaker_ids._set_mode(self.mode, self.reason)
        return {"type": "ir.actions.act_window_close"}
