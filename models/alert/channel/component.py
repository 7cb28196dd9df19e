from odoo import api, fields, models
from odoo.tools import SQL

from ...analytics.sync_component import KINDS
from ..standing import SEVERAL

CHANNELS = """
SELECT c.id::bigint * {kinds} + 8, 'channel', c.name, c.backend_id, c.company_id,
       c.rests_until, c.failures,
       CASE WHEN c.failures >= {several} THEN 'bad' WHEN c.failures > 0 THEN 'fair'
            ELSE 'good' END
  FROM sync_alert_channel c WHERE c.active
"""


class SyncComponent(models.Model):
    """Channels are parts too."""

    _inherit = "sync.component"

    kind = fields.Selection(selection_add=[("channel", "Channel")])

    @api.model
    def _queries(self):
        query = CHANNELS.format(kinds=KINDS, several=SEVERAL)
        return [*super()._queries(), SQL(query)]

    @api.model
    def _lists(self):
        return {**super()._lists(), "channel": "action_sync_alert_channel"}
