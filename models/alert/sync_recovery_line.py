from odoo import api, fields, models
from odoo.tools import LazyTranslate

from ...entities.sentence import Sentence
from .sync_recovery_run import STATES

_lt = LazyTranslate(__name__)
NAMES = {
    "database": _lt("Database"),
    "jobs": _lt("Jobs that failed or never started"),
    "operations": _lt("Changes whose worker had died"),
    "work": _lt("Long work without a job"),
    "events": _lt("Events not delivered"),
    "deliveries": _lt("Messages without a job"),
    "sagas": _lt("Reservations without a job"),
    "ladder": _lt("Steps of escalations without a job"),
    "orphans": _lt("Records and steps that nothing belongs to"),
    "comparisons": _lt("Comparisons that are due"),
    "overdue": _lt("Changes that are overdue"),
    "app": _lt("Pharmacy app"),
}
LABELS = dict(STATES)


class SyncRecoveryLine(models.Model):
    """What one step of a recovery found, and how much of it is in order since."""

    _name = "sync.recovery.line"
    _description = "Step of a Recovery"
    _order = "run_id desc, id"
    _rec_name = "step"

    run_id = fields.Many2one(
        "sync.recovery.run",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    started_at = fields.Datetime(related="run_id.started_at", store=True)
    step = fields.Char("Technical Step", required=True, readonly=True)
    step_name = fields.Char("Step", compute="_compute_step_name")
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    found = fields.Integer(readonly=True)
    mended = fields.Integer(readonly=True)
    state = fields.Selection(
        [(key, LABELS[key]) for key in ("clean", "mended", "left", "failed")],
        required=True,
        readonly=True,
    )
    note = Sentence(readonly=True)
    duration = fields.Float("Seconds", readonly=True, digits=(12, 3), aggregator="avg")

    @api.depends("step")
    @api.depends_context("lang")
    def _compute_step_name(self):
        for line in self:
            line.step_name = self._name_step(line.step)

    @api.model
    def _name_step(self, step):
        """What people call a step; another addon names its own."""
        return self.env._(NAMES[step]) if step in NAMES else step
