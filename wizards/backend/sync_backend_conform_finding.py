from odoo import fields, models


class SyncBackendConformFinding(models.TransientModel):
    """One part of the contract, or one ability, and what came of its check."""

    _name = "sync.backend.conform.finding"
    _inherit = ["sync.bounded"]
    _description = "Finding of a Contract Check"
    _order = "id"

    conform_id = fields.Many2one(
        "sync.backend.conform", required=True, readonly=True, ondelete="cascade"
    )
    name = fields.Char("Part", required=True, readonly=True)
    title = fields.Char("What Was Checked", required=True, readonly=True)
    state = fields.Selection(
        [("holds", "Holds"), ("absent", "Absent"), ("broken", "Broken")],
        "Result",
        required=True,
        readonly=True,
    )
    why = fields.Char("Details", readonly=True)
    evidence = fields.Text(
        "Request and Answer", readonly=True, help="The last ones, without the key."
    )
