from odoo import api, fields, models, tools

from ..core.retry import DEFAULT_POLICIES, Jitter, RetryPolicy
from ..core.taxonomy import ErrorType

DEFAULT = "default"


class SyncRetryPolicy(models.Model):
    """How often, and after how long, failures of one type are tried again."""

    _name = "sync.retry.policy"
    _description = "Retry Policy"
    _order = "error_type"
    _rec_name = "error_type"

    error_type = fields.Selection(
        lambda self: (
            [(DEFAULT, "Default")]
            + [(str(t), str(t).replace("_", " ").capitalize()) for t in ErrorType]
        ),
        required=True,
    )
    max_attempts = fields.Integer(
        required=True, help="Attempts in all, the first included."
    )
    base = fields.Float("First Delay", required=True, help="Seconds before the second.")
    cap = fields.Float("Longest Delay", required=True, help="Seconds, never exceeded.")
    factor = fields.Float(required=True, help="What each delay is multiplied by.")
    jitter = fields.Selection(
        [(str(jitter), str(jitter).capitalize()) for jitter in Jitter], required=True
    )

    _error_type_uniq = models.Constraint(
        "UNIQUE(error_type)", "An error type has one retry policy."
    )
    _sane = models.Constraint(
        "CHECK(max_attempts >= 1 AND base > 0 AND cap >= base AND factor >= 1)",
        "At least one attempt, delays above zero, the longest not below the first, "
        "and a factor of 1 or more.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    @tools.ormcache("error_type")
    def _for(self, error_type):
        """The :class:`..core.retry.RetryPolicy` for an error type."""
        policies = {p.error_type: p for p in self.sudo().search([])}
        policy = policies.get(str(error_type)) or policies.get(DEFAULT)
        if not policy:
            return DEFAULT_POLICIES.get(str(error_type)) or DEFAULT_POLICIES[DEFAULT]
        return RetryPolicy(
            max_attempts=policy.max_attempts,
            base=policy.base,
            cap=policy.cap,
            factor=policy.factor,
            jitter=Jitter(policy.jitter),
        )
