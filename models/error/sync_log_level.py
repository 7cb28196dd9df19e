import calendar
import logging
from datetime import timedelta

from odoo import api, fields, models, tools

from ...core.secrets.logs import set_levels

LOGGER = "odoo.addons.pharmacy_sync"
# What the log can be asked to say more, or less, of: part of the addon and its name.
PARTS = [
    ("models.api", "What the pharmacy app calls"),
    ("models.call", "Calls, breakers, pools"),
    ("models.exchange", "Sending, reading, receiving"),
    ("models.event", "Events and their delivery"),
    ("models.alert", "Alerts, recovery, escalation"),
]
LASTS = timedelta(hours=1)


class SyncLogLevel(models.Model):
    """How much the server's log says of a part of the addon, until a time.

    Every worker takes it over with its next job, scheduled action or call of the API,
    and lets go of it by itself when the time is over.
    """

    _name = "sync.log.level"
    _description = "Log Level"
    _inherit = ["sync.shared", "sync.bounded", "sync.ormcached"]
    _order = "until desc, id desc"
    _rec_name = "part"

    part = fields.Selection(PARTS, required=True)
    level = fields.Selection(
        [("DEBUG", "Debug"), ("INFO", "Info"), ("WARNING", "Warnings only")],
        required=True,
        default="DEBUG",
    )
    until = fields.Datetime(
        required=True, default=lambda self: fields.Datetime.now() + LASTS
    )

    _part_uniq = models.Constraint("UNIQUE(part)", "A part has one level.")

    @api.model
    @tools.ormcache()
    def _take_over(self):
        """Set the levels in this process. What is cached is that it was done: a change
        of a row has every process do it again."""
        rows = self.sudo().search([("until", ">", fields.Datetime.now())])
        set_levels(
            {
                f"{LOGGER}.{row.part}": (
                    getattr(logging, row.level),
                    calendar.timegm(row.until.timetuple()),
                )
                for row in rows
            }
        )
        return True


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (*super()._expired(), ("sync_log_level", "log", "until < %s"))
