import json

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core.merge import KEYED, MISSING, Side, settle


class SyncConflict(models.Model):
    """A record that both sides changed, in the same fields and differently."""

    _name = "sync.conflict"
    _description = "Synchronisation Conflict"
    _inherit = ["mail.thread"]
    _order = "id desc"

    mapping_id = fields.Many2one(
        "sync.mapping", required=True, readonly=True, ondelete="cascade", index=True
    )
    backend_id = fields.Many2one(
        related="mapping_id.backend_id", store=True, index=True
    )
    company_id = fields.Many2one(related="mapping_id.company_id", store=True)
    entity = fields.Selection(related="mapping_id.entity")
    pharmacy = fields.Json(readonly=True, help="The pharmacy's values, latest seen.")
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved")],
        required=True,
        default="open",
        readonly=True,
        tracking=True,
    )
    strategy = fields.Selection(
        [
            ("odoo", "Odoo"),
            ("pharmacy", "Pharmacy"),
            ("merge", "Merge"),
            ("manual", "Manual"),
        ],
        readonly=True,
        tracking=True,
    )
    reason = fields.Char(readonly=True, help="Why it was decided so.")
    resolved_at = fields.Datetime(readonly=True)
    resolved_by_id = fields.Many2one("res.users", readonly=True)
    correlation_id = fields.Char(readonly=True)
    line_ids = fields.One2many("sync.conflict.line", "conflict_id", "Differences")

    _open_uniq = models.UniqueIndex(
        "(mapping_id) WHERE state = 'open'", "A record has one open conflict."
    )
    _state_idx = models.Index("(state, id)")

    @api.depends("mapping_id.record_name")
    def _compute_display_name(self):
        for conflict in self:
            conflict.display_name = conflict.mapping_id.record_name

    @api.model
    def _refresh(
        self, mapping, merge, pharmacy, correlation_id, closing="merge", reasons=None
    ):
        """Make the mapping's open conflict say what ``merge`` says.

        :param merge: :class:`..core.merge.Merge` of the latest values
        :param pharmacy: canonical values of the pharmacy's record
        :param closing: the strategy to close it with if nothing is in conflict
        :param reasons: ``{path: why a person is asked}`` where it is not plain
        """
        conflict = mapping._open_conflict()
        if not merge.conflicts:
            conflict._close(closing)
            return
        lines = [
            fields.Command.create(
                {
                    "field": path,
                    "base": _text(values.base),
                    "odoo": _text(values.odoo),
                    "pharmacy": _text(values.pharmacy),
                    "values": _told(values),
                    "reason": (reasons or {}).get(path),
                }
            )
            for path, values in merge.conflicts.items()
        ]
        if conflict:
            conflict.write(
                {"pharmacy": pharmacy, "line_ids": [fields.Command.clear(), *lines]}
            )
        else:
            self.create(
                {
                    "mapping_id": mapping.id,
                    "pharmacy": pharmacy,
                    "correlation_id": correlation_id,
                    "line_ids": lines,
                }
            )

    def action_keep_odoo(self):
        """Decide for Odoo's values: they are sent to the pharmacy app."""
        return self._resolve(Side.ODOO)

    def action_take_pharmacy(self):
        """Decide for the pharmacy's values: they are written in Odoo."""
        return self._resolve(Side.PHARMACY)

    def _resolve(self, winner):
        """Decide every difference for one side.

        :raises UserError: a conflict is resolved already
        """
        if self.filtered(lambda conflict: conflict.state != "open"):
            raise UserError(self.env._("This conflict is resolved already."))
        self.check_access("read")
        for conflict in self.sudo():
            mapping = conflict.mapping_id
            odoo = mapping._serialise()
            merge = mapping._merge(odoo, conflict.pharmacy)
            base = mapping.base
            for path, values in merge.conflicts.items():
                base = settle(base, path, values, winner)
            mapping.base = base
            mapping._take_over(odoo, conflict.pharmacy)
            conflict._close(str(winner))
        self.backend_id._schedule_push()
        return True

    def _close(self, strategy):
        self.write(
            {
                "state": "resolved",
                "strategy": strategy,
                "resolved_at": fields.Datetime.now(),
                "resolved_by_id": self.env.uid,
            }
        )


class SyncConflictLine(models.Model):
    """One field of a conflict."""

    _name = "sync.conflict.line"
    _description = "Conflicting Field"
    _order = "id"
    _rec_name = "field"

    conflict_id = fields.Many2one(
        "sync.conflict", required=True, ondelete="cascade", index=True
    )
    field = fields.Char("Path", required=True, readonly=True)
    label = fields.Char("Field", compute="_compute_label")
    base = fields.Text("Agreed Last", readonly=True)
    odoo = fields.Text(readonly=True)
    pharmacy = fields.Text(readonly=True)
    values = fields.Json(
        readonly=True,
        help="The same values as they travel, under base, odoo and pharmacy; what a "
        "side does not have is absent.",
    )
    choice = fields.Selection(
        [
            ("odoo", "Odoo"),
            ("pharmacy", "Pharmacy"),
            ("merge", "Merged"),
            ("manual", "Own Value"),
        ],
        readonly=True,
        help="Whose value was taken; the other one is kept here.",
    )
    result = fields.Text(readonly=True, help="The value that was decided on.")
    reason = fields.Char(readonly=True, help="The rule, policy or person's reason.")

    @api.depends("field", "conflict_id.pharmacy", "conflict_id.mapping_id.base")
    def _compute_label(self):
        for line in self:
            conflict = line.conflict_id
            line.label = (
                line._label_in(conflict.pharmacy)
                # A line of the record that the pharmacy removed.
                or line._label_in(conflict.mapping_id.base)
                or line.field
            )

    @api.depends("label")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.label

    def _label_in(self, values):
        """The field as people read it: ``Line 2 - Amoxicillin 250 mg: quantity``.

        :param values: canonical values of the record
        :return: None if they have no such line
        """
        if "[" not in self.field:
            return _words(self.field).capitalize()
        for name in KEYED:
            for number, line in enumerate((values or {}).get(name) or (), 1):
                rest = self.field.removeprefix(f"{name}[{line['key']}]")
                if rest == self.field:
                    continue
                label = self.env._("Line %s", number)
                if line.get("description"):
                    label += " - " + line["description"].splitlines()[0]
                return f"{label}: {_words(rest[1:])}" if rest else label
        return None


def _words(key):
    return key.removesuffix("_id").replace("_", " ")


def _told(values):
    """The values of a :class:`..core.merge.FieldConflict` that are there, by side."""
    sides = {"base": values.base, "odoo": values.odoo, "pharmacy": values.pharmacy}
    return {side: value for side, value in sides.items() if value is not MISSING}


def _text(value):
    """A conflicting value as people read it; absent is empty."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool | int | float | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return ""
