from types import MappingProxyType

from odoo import fields, models, tools

from ...core.conflict.policy import Policies, Policy

POLICIES = [
    (str(Policy.ASK), "Ask a person"),
    (str(Policy.NEWEST), "The newest wins"),
    (str(Policy.ODOO), "Odoo wins"),
    (str(Policy.PHARMACY), "The pharmacy wins"),
]
HELP = (
    "What happens to a field that both sides changed, where no rule decides. The "
    "newest wins: by the time of the last change, as each side's clock has it. Whoever "
    "loses, the value is kept in the list of conflicts. Confirmed, received and billed "
    "orders never give way without a person."
)


class SyncConflictPolicy(models.Model):
    """What decides on one field of a stream where no rule does."""

    _name = "sync.conflict.policy"
    _inherit = ["sync.by_field"]
    _description = "Conflict Policy of a Field"

    field = fields.Char(
        help="Name of the field in the pharmacy app's records, such as supplier_id or "
        "lines.quantity; lines for whole lines and whatever of theirs has no policy.",
    )
    policy = fields.Selection(POLICIES, required=True, help=HELP)

    _field_uniq = models.Constraint(
        "UNIQUE(stream_id, field)", "A field has one policy in a stream."
    )


class SyncStream(models.Model):
    _inherit = "sync.stream"

    conflict_policy = fields.Selection(
        POLICIES, required=True, default=str(Policy.ASK), help=HELP
    )
    conflict_policy_ids = fields.One2many(
        "sync.conflict.policy", "stream_id", "Fields with a Policy of Their Own"
    )

    @tools.ormcache("self.id")
    def _policies(self):
        """Rules and policies, a :class:`...core.conflict.policy.Policies`."""
        self.ensure_one()
        stream = self.sudo()
        return Policies(
            rules=self.env["sync.conflict.rule"]._rules(stream),
            default=Policy(stream.conflict_policy),
            fields=MappingProxyType(
                {p.field: Policy(p.policy) for p in stream.conflict_policy_ids}
            ),
        )
