from odoo import fields, models


class SyncBackendConnectStep(models.TransientModel):
    """One step of a connection test, and what came of it."""

    _name = "sync.backend.connect.step"
    _inherit = ["sync.bounded"]
    _description = "Step of a Connection Test"
    _order = "id"

    connect_id = fields.Many2one(
        "sync.backend.connect", required=True, readonly=True, ondelete="cascade"
    )
    name = fields.Selection(
        [
            ("reach", "The address is reachable"),
            ("token", "A token is given"),
            ("answer", "A pharmacy app answers"),
            ("key", "The key is accepted"),
            ("read", "All types of records are readable"),
            ("webhook", "The webhook's secret is set"),
        ],
        "Step",
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [
            ("passed", "Passed"),
            ("failed", "Failed"),
            ("advice", "Advice"),
            ("skipped", "Not tried"),
        ],
        "Result",
        required=True,
        readonly=True,
    )
    message = fields.Char(readonly=True)
