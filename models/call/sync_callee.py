from odoo import api, fields, models


class SyncCallee(models.AbstractModel):
    """What guards calls to one callee: a backend's app, or a service that another addon
    calls."""

    _name = "sync.callee"
    _description = "Guards Calls to a Backend or a Service"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    service_id = fields.Many2one(
        "sync.service",
        readonly=True,
        ondelete="cascade",
        help="What another addon calls, without a backend.",
    )
    company_id = fields.Many2one(
        "res.company", compute="_compute_company_id", store=True
    )

    _service_uniq = models.Constraint(
        "UNIQUE(service_id)", "A service has one breaker and one pool."
    )
    _callee = models.Constraint(
        "CHECK(num_nonnulls(backend_id, service_id) = 1)",
        "It guards the calls to one backend or to one service.",
    )

    @api.depends("backend_id.company_id", "service_id.company_id")
    def _compute_company_id(self):
        for guard in self:
            callee = guard.backend_id or guard.service_id
            guard.company_id = callee.company_id
