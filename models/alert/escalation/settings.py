"""From how many failures on something is done, and whether the service answers."""

import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ....client import FAILURES
from ....core.alert.escalation import THRESHOLDS, Rung
from ....core.exceptions import SyncError
from ...base.rights import MANAGER, check_group


class SyncConfig(models.AbstractModel):
    _inherit = "sync.config"

    @api.model
    def _thresholds(self):
        """``{rung: unresolved failures from which on it is taken}``"""
        stored = {rung: self._parameter(f"escalate_{rung}") or "" for rung in Rung}
        return {
            rung: int(text) if text.isdigit() and int(text) else THRESHOLDS[rung]
            for rung, text in stored.items()
        }


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pharmacy_sync_escalate_fix = fields.Integer(
        "Ask for a Fix At",
        default=THRESHOLDS[Rung.FIX],
        config_parameter="pharmacy_sync.escalate_fix",
        help="Unresolved failures of one kind within a day.",
    )
    pharmacy_sync_escalate_activity = fields.Integer(
        "Activity At",
        default=THRESHOLDS[Rung.ACTIVITY],
        config_parameter="pharmacy_sync.escalate_activity",
        help="Unresolved failures of one kind within a day.",
    )
    pharmacy_sync_escalate_reset = fields.Integer(
        "Reset At",
        default=THRESHOLDS[Rung.RESET],
        config_parameter="pharmacy_sync.escalate_reset",
        help="Unresolved failures of one kind within a day.",
    )
    pharmacy_sync_reset_defaults = fields.Boolean(
        "Restore Defaults",
        config_parameter="pharmacy_sync.reset_defaults",
        help="A reset also sets breakers, pools and retry policies back.",
    )

    @api.constrains(*(f"pharmacy_sync_escalate_{rung}" for rung in Rung))
    def _check_pharmacy_sync_thresholds(self):
        for settings in self:
            if min(settings[f"pharmacy_sync_escalate_{rung}"] for rung in Rung) < 1:
                raise ValidationError(
                    self.env._("Steps of the ladder are taken from 1 failure on.")
                )

    def action_pharmacy_sync_test_fix(self):
        """Send the service for automated fixes a test, and show what it answers.

        :raises AccessError: the user is no manager
        :raises UserError: there is no service, or it does not answer well
        """
        check_group(self.env, MANAGER, self.env._("Only managers may test it."))
        if not self.env["sync.config"]._value("codegen_api_url"):
            raise UserError(
                self.env._("Odoo's server has no CODEGEN_API_URL in its environment.")
            )
        request = {"type": "test", "id": uuid.uuid4().hex}
        try:
            answer, link = self.env["sync.escalation"].sudo()._call_service(request)
        except (*FAILURES, SyncError) as exc:
            Error = self.env["sync.error"]
            found = Error._classify(exc)
            text = f"{Error._explain(found)}\n{found.message}"
            # pylint: disable-next=translation-required
            raise UserError(text) from exc
        return self.env["sync.backend"]._notify(
            self.env._("The service answers"), " ".join(filter(None, (answer, link)))
        )
