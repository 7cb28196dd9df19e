from odoo import api, models

from ...core.event.routing import Route
from ..event.handlers import NOTIFY

ENDED = ("saga_completed", "saga_compensated")


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        ended = Route("notification", "_handle_notification", ENDED, NOTIFY)
        return (*super()._event_routes(), ended)


class SyncError(models.Model):
    _inherit = "sync.error"

    @api.model
    def _name_work(self, work):
        about, __, action = (work or "").partition(" ")
        if about == "saga":
            name = self.env["sync.saga.step"]._action_name(action)
            return self.env._("Reservation: %s", name)
        return super()._name_work(work)
