from odoo import fields, models


class SyncEventMetric(models.Model):
    """How many events of a type there were in an hour: a row for each, counted as
    they are delivered."""

    _name = "sync.event.metric"
    _description = "Events per Hour"
    _order = "hour desc, type"
    _rec_name = "type"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    type = fields.Selection(
        lambda self: self.env["sync.event"]._select_type(),
        required=True,
        readonly=True,
    )
    hour = fields.Datetime("Hour From", required=True, readonly=True)
    count = fields.Integer("Events", readonly=True)

    _hour_uniq = models.Constraint(
        "UNIQUE(backend_id, type, hour)", "An hour has one row for each type."
    )
    _hour_idx = models.Index("(hour)")
