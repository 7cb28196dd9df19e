from odoo import api, fields, models

from .sync_breaker import MODES, STATES


class SyncBreakerTransition(models.Model):
    """A change of a breaker, kept as its history."""

    _name = "sync.breaker.transition"
    _description = "Breaker Transition"
    _order = "id desc"
    _rec_name = "after"

    breaker_id = fields.Many2one(
        "sync.breaker", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="breaker_id.company_id")
    before = fields.Selection(STATES, readonly=True)
    after = fields.Selection(STATES, readonly=True)
    mode = fields.Selection(MODES, readonly=True)
    at = fields.Datetime("When", readonly=True)
    cause = fields.Char(readonly=True)
    cause_text = fields.Char("Why", compute="_compute_cause_text")
    user_id = fields.Many2one("res.users", "Set by", readonly=True)

    _at_idx = models.Index("(breaker_id, at)")

    @api.depends("cause")
    @api.depends_context("lang")
    def _compute_cause_text(self):
        for transition in self:
            transition.cause_text = self.env["sync.error"]._in_language(
                transition.cause
            )
