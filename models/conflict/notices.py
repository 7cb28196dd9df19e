from odoo import api, models

from ...core.routing import Route
from ..event.handlers import NOTIFY


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        asked = Route(
            "notification", "_handle_notification", ("conflict_opened",), NOTIFY
        )
        return (*super()._event_routes(), asked)
