from odoo import api, fields, models
from odoo.fields import Domain

from ...core.conflict.merge import MISSING, parse_path
from ...entities.sentence import Sentence


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
    name = fields.Char(
        "Name of the Field",
        compute="_compute_name",
        store=True,
        index=True,
        help="The last part of the path; lines, for a line that one side removed.",
    )
    label = fields.Char("Field", compute="_compute_label", search="_search_label")
    base = fields.Text("Before", readonly=True)
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
    reason = Sentence(readonly=True, help="The rule, policy or person's reason.")

    @api.depends("field")
    def _compute_name(self):
        for line in self:
            line.name = field_name(line.field)

    def _search_label(self, operator, value):
        """By what people call the field, in their language."""
        if operator not in ("ilike", "="):
            return NotImplemented
        sought, domain = (value or "").casefold(), Domain("name", operator, value)
        for entity, adapter in self.env["sync.entity"]._entities().items():
            found = [
                name
                for name, titles in adapter._field_titles().items()
                if any(sought in title.casefold() for title in titles)
            ]
            domain |= Domain("conflict_id.entity", "=", entity) & Domain(
                "name", "in", found
            )
        return domain

    @api.depends("field", "conflict_id.pharmacy", "conflict_id.mapping_id.base")
    def _compute_label(self):
        for line in self:
            line.label = line.conflict_id._label(line.field)

    @api.depends("label")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.label

    def _side_text(self, side, directory, title=None):
        """The value of a side as people read it, and whether it was taken: that comes
        first, since a long value is cut off.

        :param title: of the field, where it is one of several
        """
        value = (self.values or {}).get(side, MISSING)
        text = self.conflict_id._value_text(self.field, value, directory)
        if self.choice:
            text = text or self.env._("empty")
            taken = {side: "taken", "merge": "merged"}.get(self.choice, "lost")
            text = (
                self._of_several_text(taken, title, text)
                if title
                else self._alone_text(taken, text)
            )
        elif title:
            text = f"{title}: {text}"
        return text

    def _alone_text(self, taken, value):
        return {
            "taken": self.env._("Taken: %(value)s", value=value),
            "merged": self.env._("Merged: %(value)s", value=value),
            "lost": self.env._("Not taken: %(value)s", value=value),
        }[taken]

    def _of_several_text(self, taken, title, value):
        return {
            "taken": self.env._(
                "%(title)s, taken: %(value)s", title=title, value=value
            ),
            "merged": self.env._(
                "%(title)s, merged: %(value)s", title=title, value=value
            ),
            "lost": self.env._(
                "%(title)s, not taken: %(value)s", title=title, value=value
            ),
        }[taken]


def field_name(path):
    """The name of a path's field; ``lines``, of a whole line."""
    name, __, field = parse_path(path)
    return field or name
