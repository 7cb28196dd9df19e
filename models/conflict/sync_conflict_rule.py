from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...core.conflict.rules import Rule, RuleKind
from ...entities.neutral import neutral


def split_paths(text):
    """The paths in a comma-separated text."""
    return tuple(path.strip() for path in (text or "").split(",") if path.strip())


class SyncConflictRule(models.Model):
    """What decides, before anybody is asked, when both sides changed a field."""

    _name = "sync.conflict.rule"
    _inherit = ["sync.shared", "sync.bounded", "sync.ormcached"]
    _description = "Conflict Rule"
    _order = "sequence, id"
    _rec_name = "reason"

    sequence = fields.Integer(
        default=10, help="Rules are tried in this order; the first answer counts."
    )
    active = fields.Boolean(default=True)
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        ondelete="cascade",
        help="Empty: holds for all pharmacies.",
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    entity = fields.Selection(
        lambda self: self.env["sync.stream"]._select_entity(),
        "Type",
        help="Empty: holds for all types of records.",
    )
    kind = fields.Selection(
        [
            (str(RuleKind.CANCELLED), "Cancelled wins"),
            (str(RuleKind.ROUNDING), "Amounts agree within the rounding"),
            (str(RuleKind.TEXT), "Merge the texts"),
        ],
        required=True,
        help="Cancelled wins: an order cancelled on one side is cancelled, unless its "
        "goods were received or billed. Amounts agree: two prices that make no "
        "difference within the currency's rounding are the same. Merge the texts: "
        "lines changed on either side are all kept, where the edits do not touch.",
    )
    paths = fields.Char(
        "Fields",
        required=True,
        help="Fields that the rule is tried for, separated by commas, by their names "
        "in the pharmacy app's records: state, notes, lines.unit_price.",
    )
    names = fields.Char(
        "Names of the Fields",
        compute="_compute_names",
        help="What people call these fields.",
    )
    picked = fields.Selection(
        "_select_path",
        "Add a Field",
        compute="_compute_picked",
        readonly=False,
        help="Choose a field by its name: it is added to those of the rule.",
    )
    reason = fields.Char(
        required=True, help="What people read where this rule has decided."
    )

    @api.model
    def _select_path(self):
        return self.env["sync.conflict.policy"]._select_path()

    @api.depends("paths")
    @api.depends_context("lang")
    def _compute_names(self):
        known = dict(self._select_path())
        for rule in self:
            paths = split_paths(rule.paths)
            rule.names = ", ".join(known.get(path, path) for path in paths)

    def _compute_picked(self):
        self.picked = False

    @api.onchange("picked")
    def _onchange_picked(self):
        if self.picked:
            paths = dict.fromkeys((*split_paths(self.paths), self.picked))
            self.paths, self.picked = ", ".join(paths), False

    @api.constrains("paths", "entity")
    def _check_paths(self):
        for rule in self:
            self.env["sync.entity"]._check_paths(split_paths(rule.paths), rule.entity)
            if not split_paths(rule.paths):
                raise ValidationError(self.env._("A rule needs at least one field."))

    @api.model
    def _rules(self, stream):
        """The rules of a stream, a tuple of :class:`...core.conflict.policy.Rule`."""
        found = neutral(self.sudo()).search(
            [
                ("backend_id", "in", (False, stream.backend_id.id)),
                ("entity", "in", (False, stream.entity)),
            ]
        )
        return tuple(
            Rule(RuleKind(rule.kind), split_paths(rule.paths), rule.reason)
            for rule in found
        )
