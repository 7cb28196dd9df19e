from types import MappingProxyType

from odoo import api, fields, models, tools

from ...core.policy import Policies, Policy

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
    _inherit = ["sync.bounded", "sync.ormcached"]
    _description = "Conflict Policy of a Field"
    _order = "field"
    _rec_name = "field"

    stream_id = fields.Many2one(
        "sync.stream", required=True, ondelete="cascade", index=True
    )
    field = fields.Char(
        required=True,
        help="Name of the field in the pharmacy app's records, such as supplier_id or "
        "lines.quantity; lines for whole lines and whatever of theirs has no policy.",
    )
    picked = fields.Selection(
        "_select_path", "Which Field", compute="_compute_picked", readonly=False
    )
    policy = fields.Selection(POLICIES, required=True, help=HELP)

    _field_uniq = models.Constraint(
        "UNIQUE(stream_id, field)", "A field has one policy in a stream."
    )

    @api.model
    def _select_path(self):
        """The fields that there are, by what people call them."""
        titles = {}
        for adapter in self.env["sync.entity"]._entities().values():
            for path in adapter._paths():
                title = adapter._field_title(path.replace(".", "[]."))
                titles.setdefault(path, set()).add(title)
        label = {path: " / ".join(sorted(titles[path])) for path in titles}
        line = self.env._("Line: %s")
        return sorted(
            (
                (path, line % label[path] if "." in path else label[path])
                for path in label
            ),
            key=lambda option: option[1],
        )

    @api.depends("field")
    def _compute_picked(self):
        known = dict(self._select_path())
        for policy in self:
            policy.picked = policy.field if policy.field in known else False

    @api.onchange("picked")
    def _onchange_picked(self):
        self.field = self.picked

    @api.constrains("field", "stream_id")
    def _check_field(self):
        for policy in self:
            self.env["sync.entity"]._check_paths(
                (policy.field,), policy.stream_id.entity
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
        """The stream's rules and policies, a :class:`...core.policy.Policies`."""
        self.ensure_one()
        stream = self.sudo()
        return Policies(
            rules=self.env["sync.conflict.rule"]._rules(stream),
            default=Policy(stream.conflict_policy),
            fields=MappingProxyType(
                {p.field: Policy(p.policy) for p in stream.conflict_policy_ids}
            ),
        )
