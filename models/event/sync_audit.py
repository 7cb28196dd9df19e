from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL


class SyncAudit(models.Model):
    """The user, the change and its correlation id: appended, never changed, and kept
    for a year, when the event itself is long gone."""

    _name = "sync.audit"
    _description = "Audit Trace"
    _order = "at desc, id desc"
    _rec_name = "type"

    event_id = fields.Integer(
        "Event Number", readonly=True, help="None: it is about a setting or policy."
    )
    type = fields.Selection(
        lambda self: self.env["sync.event"]._select_type(),
        required=True,
        readonly=True,
    )
    at = fields.Datetime("Time", required=True, readonly=True)
    user_id = fields.Many2one("res.users", "Made by", readonly=True)
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    res_model = fields.Char("Model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    data = fields.Json(readonly=True)
    summary = fields.Char("What", compute="_compute_summary")
    correlation_id = fields.Char(readonly=True, index=True)

    _event_uniq = models.Constraint("UNIQUE(event_id)", "An event has one trace.")
    _record_idx = models.Index("(res_model, res_id, at)")
    _at_idx = models.Index("(at)")

    @api.depends("type")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for trace in self:
            trace.display_name = self.env["sync.event"]._type_name(trace.type)

    @api.depends("data")
    def _compute_summary(self):
        for trace in self:
            trace.summary = self.env["sync.event"]._data_in_words(trace.data or {})

    @api.model
    def _append(self, events):
        """Append events, each once, however often they come."""
        self.env.execute_query(
            SQL(
                """INSERT INTO sync_audit
                   (event_id, type, at, user_id, backend_id, company_id, res_model,
                    res_id, data, correlation_id, create_uid, write_uid,
                    create_date, write_date)
                   SELECT id, type, create_date, user_id, backend_id, company_id,
                          res_model, res_id, data, correlation_id, %(uid)s, %(uid)s,
                          now() at time zone 'UTC', now() at time zone 'UTC'
                     FROM sync_event WHERE id = ANY(%(ids)s) ORDER BY id
                   ON CONFLICT (event_id) DO NOTHING RETURNING id""",
                uid=self.env.uid,
                ids=events.ids,
            )
        )

    def write(self, vals):
        self.check_access("write")
        if self:
            raise UserError(self.env._("An audit trace is never changed."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("An audit trace is never removed by hand."))


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_audit", "audit", "at < %s"),
            ("sync_event_metric", "figures", "hour < %s"),
        )
