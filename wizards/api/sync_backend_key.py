from datetime import datetime, time, timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

DAYS = 180


class SyncBackendKey(models.TransientModel):
    """Asks until when a new API key of a backend's user must last, and shows it."""

    _name = "sync.backend.key"
    _inherit = ["sync.bounded"]
    _description = "Issue an API Key"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    user_id = fields.Many2one(related="backend_id.user_id")
    ends_on = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self) + timedelta(days=DAYS),
        help="Last day of the key, a year from now at the latest. You are reminded two "
        "weeks before.",
    )
    revoke = fields.Boolean(
        "Revoke Earlier Keys",
        help="Off: the earlier keys stay valid until you revoke them, so that the "
        "pharmacy app can change over.",
    )

    @api.constrains("ends_on")
    def _check_ends_on(self):
        for wizard in self:
            if wizard.ends_on < fields.Date.context_today(wizard):
                raise ValidationError(self.env._("The key would have ended already."))

    def action_issue(self):
        """Issue the key, and show it once.

        :raises AccessError: the user is no manager
        """
        self.ensure_one()
        ends = datetime.combine(self.ends_on, time(23, 59))
        latest = self._latest()
        if self.ends_on == latest.date():
            # The last day that the group allows, as far as it allows it.
            ends = latest
        key = self.backend_id._issue_key(ends, self.revoke)
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.users.apikeys.show",
            "name": self.env._("API Key"),
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_key": key},
        }

    def _latest(self):
        group = self.env.ref("pharmacy_sync.group_api").sudo()
        return datetime.now() + timedelta(days=group.api_key_duration)
