from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..base.rights import OPERATOR, check_may

# What is proposed.
LASTS = timedelta(hours=1)


class SyncMaintenance(models.Model):
    """A time for which work on a pharmacy app is planned: changes wait meanwhile,
    alerts of the backend are muted, and all goes on by itself when it is over."""

    _name = "sync.maintenance"
    _description = "Planned Maintenance"
    _inherit = ["sync.bounded"]
    _order = "start desc, id desc"
    _rec_name = "reason"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    reason = fields.Char(required=True)
    start = fields.Datetime(required=True, default=fields.Datetime.now)
    end = fields.Datetime(
        required=True, default=lambda self: fields.Datetime.now() + LASTS
    )
    state = fields.Selection(
        [("planned", "Planned"), ("running", "Running"), ("over", "Over")],
        required=True,
        default="planned",
        readonly=True,
        copy=False,
    )

    _ends = models.Constraint('CHECK("end" > start)', "It ends after it has begun.")
    _open_idx = models.Index("(backend_id) WHERE state <> 'over'")

    @api.model_create_multi
    def create(self, vals_list):
        windows = super().create(vals_list)
        windows._call_at_times()
        return windows

    def write(self, vals):
        result = super().write(vals)
        if {"start", "end"} & vals.keys():
            self._call_at_times()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if self.filtered(lambda window: window.state == "running"):
            raise ValidationError(
                self.env._("End the maintenance before you delete it.")
            )

    def _call_at_times(self):
        cron = self.env.ref("pharmacy_sync.cron_maintenance").sudo()
        cron._trigger(at=[t for window in self for t in (window.start, window.end)])

    def action_end(self):
        """End it now: what waits goes on.

        :raises AccessError: the user is no operator
        """
        check_may(self, OPERATOR, self.env._("Only operators may end maintenance."))
        windows = self.sudo().filtered(lambda window: window.state != "over")
        windows.state = "over"
        windows.backend_id._follow_maintenance()
        return True

    @api.model
    def _follow_due(self):
        """Begin and end what is due."""
        now = fields.Datetime.now()
        begun = self.search(
            [("state", "=", "planned"), ("start", "<=", now), ("end", ">", now)]
        )
        begun.state = "running"
        over = self.search([("state", "!=", "over"), ("end", "<=", now)])
        over.state = "over"
        (begun | over).backend_id._follow_maintenance()

    @api.model
    def _maintained(self, backends):
        """Those of these backends that are under maintenance now."""
        return backends.filtered("maintained")


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        row = ("sync_maintenance", "errors", "state = 'over' AND \"end\" < %s")
        return (*super()._expired(), row)
