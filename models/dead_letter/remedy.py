"""What happened to a change, with the value that was refused and the record that it is
of; and what helps."""

from dataclasses import dataclass

from odoo import api, fields, models

from ...core.check.field_path import generic, named
from ...core.conflict.comparison import leaves
from ...core.conflict.merge import KEYED, lines_by_key, parse_path
from ...core.error.remedy import Remedy, remedy
from ..base.actions import open_record

REMEDIES = [
    (str(Remedy.EDIT), "Edit"),
    (str(Remedy.RECORD), "Open Record"),
    (str(Remedy.PHARMACY), "Open Pharmacy"),
    (str(Remedy.RETRY), "Retry"),
]


@dataclass(frozen=True, eq=False)
class Refused:
    """A value that one side refused.

    :ivar operation: that carried it
    :ivar path: where it is: ``lines[0].quantity``
    :ivar had: what both sides agreed on before; falsy: nothing, or it came from the
        pharmacy
    :ivar line: how people tell its line from others; empty outside of lines
    :ivar why: what the other side said of it
    """

    operation: models.BaseModel
    path: str
    value: object
    had: object
    line: str
    why: str

    def field_title(self):
        """What people call the field."""
        adapter = self.operation.stream_id._adapter()
        return adapter._field_title(generic(self.path))


class SyncError(models.Model):
    _inherit = "sync.error"

    happened = fields.Char(
        "What Happened",
        compute="_compute_happened",
        help="With the value that was refused.",
    )
    about = fields.Char(
        "Order or Record", compute="_compute_about", help="What the record is."
    )
    remedy = fields.Selection(
        [
            ("change", "Open Failed Change"),
            ("record", "Open Record"),
            ("pharmacy", "Open Pharmacy"),
        ],
        "What Helps",
        compute="_compute_remedy",
    )

    @api.depends("message_text", "operation_id")
    @api.depends_context("lang", "uid")
    def _compute_happened(self):
        for error in self:
            error.happened = error._refusal_text() or error.message_text

    @api.depends("mapping_id")
    @api.depends_context("lang", "uid")
    def _compute_about(self):
        for error in self:
            error.about = error.mapping_id._named_in_few_words()

    @api.depends("resolved", "operation_id.state", "mapping_id", "type")
    def _compute_remedy(self):
        for error in self:
            found = False
            if not error.resolved:
                found = error._helps()
                if error.operation_id.state == "dead":
                    found = "change"
                elif found == Remedy.EDIT:
                    found = error.mapping_id and "record"
                elif found == Remedy.RETRY:
                    found = False
            error.remedy = found and str(found)

    def action_open_failed_change(self):
        """Open the change that failed, where it can be corrected and retried."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.operation_id)

    def action_open_record(self):
        """Open the Odoo record."""
        self.check_access("read")
        self.ensure_one()
        return self.mapping_id.action_open_record()

    def action_open_pharmacy(self):
        """Open the pharmacy whose connection failed."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.backend_id)

    def _helps(self):
        """What helps against it, a :class:`...core.error.remedy.Remedy`."""
        return remedy(
            self.category,
            retryable=self.retryable,
            needs_user=self.requires_user_action,
            needs_admin=self.requires_admin_action,
            names_field=bool(self._failing_path()),
            has_record=bool(self.mapping_id),
        )

    def _failing_path(self):
        """The field that it names, such as ``lines[0].quantity``; None if it names
        none."""
        known = (self.context or {}).get("field")
        if known and isinstance(known, str):
            return known
        said = named(self.message or "")
        return said and said.path

    def _refused(self):
        """The value that was refused; None if it is not known (any more)."""
        operation, path = self.operation_id.sudo(), self._failing_path()
        said = path and named(self.message, path)
        content = said and operation._content_of_failure(self)
        value = content and dict(leaves(content)).get(path)
        if value in (None, ""):
            return None
        had = None
        if operation.kind == "push":
            had = _had(operation, content, path)
        line = _line_name(operation.stream_id._adapter(), content, path)
        return Refused(operation, path, value, had, line, said.rest)

    def _refusal_text(self):
        """The value that was refused, of what, and why; None if it is not known (any
        more)."""
        refused = self._refused()
        if not refused:
            return None
        field, value, had = refused_texts(self.env, [refused])[refused]
        texts = {"field": field, "value": value, "why": self._in_language(refused.why)}
        if refused.line:
            texts["field"] = self.env._(
                "%(field)s of %(line)s", line=refused.line, **texts
            )
        if refused.operation.kind != "push":
            return self.env._(
                "%(field)s is %(value)s. Odoo refused it: %(why)s", **texts
            )
        if had:
            return self.env._(
                "%(field)s is %(value)s; both sides had %(had)s before. The pharmacy "
                "refused it: %(why)s",
                had=had,
                **texts,
            )
        return self.env._(
            "%(field)s is %(value)s. The pharmacy refused it: %(why)s", **texts
        )


class SyncErrorGroup(models.Model):
    _inherit = "sync.error.group"

    remedy = fields.Selection(REMEDIES, "What Helps", compute="_compute_remedy")

    @api.depends("dead_count")
    def _compute_remedy(self):
        latest = dict(
            self.env["sync.error"]._read_group(
                [("group_id", "in", self.ids)], ["group_id"], ["id:max"]
            )
        )
        for group in self:
            error = self.env["sync.error"].browse(latest.get(group) or ())
            group.remedy = group.dead_count and error and str(error._helps())

    def action_open_pharmacy(self):
        """Open the pharmacy whose connection failed."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.backend_id)


def refused_texts(env, refused):
    """What people read of refused values, all fetched at once.

    :return: ``{refused: (field, value, what both sides had)}``, the last empty where
        they had nothing
    """
    carried = {}
    for each in refused:
        carried[each, "value"] = each.operation, each.path, each.value
        if each.had:
            carried[each, "had"] = each.operation, each.path, each.had
    texts = env["sync.operation"]._values_read(carried.values())
    read = dict(zip(carried, texts, strict=True))
    return {
        each: (each.field_title(), read[each, "value"], read.get((each, "had"), ""))
        for each, which in carried
        if which == "value"
    }


def _line_name(adapter, content, path):
    """How people tell the line of a path from others; empty outside of lines."""
    name, key, __ = parse_path(path)
    if key is None or name not in KEYED:
        return ""
    return adapter._line_name(content[name][int(key)])


def _had(operation, content, path):
    """What both sides agreed on last where the refused value is; falsy if nothing."""
    if not operation.mapping_id.external_id:
        return None
    name, index, field = parse_path(path)
    agreed = operation.mapping_id._base().odoo.get(name)
    if index is None:
        return agreed
    key = content[name][int(index)].get("key")
    return lines_by_key(name, agreed).get(key, {}).get(field)
