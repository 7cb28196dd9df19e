"""What happened to a change, with the value that was refused and the record that it is
of; and what helps."""

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

    def _refusal_text(self):
        """The value that was refused, of what, and why; None if it is not known (any
        more)."""
        operation, path = self.operation_id.sudo(), self._failing_path()
        said = path and named(self.message, path)
        content = said and operation._content_of_failure(self)
        value = content and dict(leaves(content)).get(path)
        if value in (None, ""):
            return None
        adapter = operation.stream_id._adapter()
        line = _line_name(adapter, content, path)
        texts = {
            "field": adapter._field_title(generic(path)),
            "value": operation._value_read(path, value),
            "why": self._in_language(said.rest),
        }
        if line:
            texts["field"] = self.env._("%(field)s of %(line)s", line=line, **texts)
        if operation.kind == "push" and (had := _had(operation, content, path)):
            return self.env._(
                "%(field)s is %(value)s; both sides had %(had)s before. The pharmacy "
                "refused it: %(why)s",
                had=operation._value_read(path, had),
                **texts,
            )
        if operation.kind == "push":
            return self.env._(
                "%(field)s is %(value)s. The pharmacy refused it: %(why)s", **texts
            )
        return self.env._("%(field)s is %(value)s. Odoo refused it: %(why)s", **texts)


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
