from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ...core.check.field_path import generic, named
from ...core.exceptions import DependencyMissingError, InvalidDataError


class SyncOperationEdit(models.TransientModel):
    """Corrects what a dead letter carries, value by value."""

    _name = "sync.operation.edit"
    _inherit = ["sync.bounded"]
    _description = "Edit a Failed Change"

    operation_id = fields.Many2one("sync.operation", required=True, readonly=True)
    kind = fields.Selection(related="operation_id.kind")
    message = fields.Char(related="operation_id.last_error")
    line_ids = fields.One2many("sync.operation.edit.line", "edit_id", "Values")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        operation = self.env["sync.operation"].browse(values.get("operation_id"))
        if operation and "line_ids" in fields_list:
            failing = operation._failing_names()
            known = operation._editable()
            names = operation._names_of_ids({_value_as_typed(v) for *__, v in known})
            lines = [
                {
                    "path": path,
                    "label": label,
                    "former": _value_as_typed(value),
                    "shown": names.get(_value_as_typed(value)),
                    "value": _value_as_typed(value),
                    "failing": generic(path) in failing,
                }
                for path, label, value in known
            ]
            # What the error names comes first.
            lines.sort(key=lambda line: not line["failing"])
            values["line_ids"] = [Command.create(line) for line in lines]
        return values

    def action_edit(self):
        """Check and keep the values, then show what a redrive would do.

        :raises UserError: naming the value that cannot be; nothing is kept
        """
        self.ensure_one()
        operation = self.operation_id
        operation._check_operator()
        changed = self.line_ids.filtered(
            lambda line: (line.value or "") != (line.former or "")
        )
        if not changed:
            raise UserError(self.env._("No value was changed."))
        # Asked before anything else is written.
        found, silence = operation.backend_id.sudo()._look_up(
            operation.sudo()._lookups(), operation.correlation_id
        )
        try:
            operation._edit({line.path: line.value for line in changed})
        except (InvalidDataError, DependencyMissingError) as exc:
            labels = {line.path: line.label for line in self.line_ids}
            said = named(str(exc), exc.field)
            raise UserError(
                self.env._(
                    "%(label)s cannot be this: %(message)s\nNothing was changed. "
                    "Correlation id: %(correlation_id)s",
                    label=labels.get(exc.field)
                    or operation.stream_id._adapter()._place_title(exc.field or "")
                    or exc.field,
                    message=said.rest if said else str(exc),
                    correlation_id=operation.correlation_id,
                )
            ) from exc
        return operation._open_plan(found, silence)


class SyncOperationEditLine(models.TransientModel):
    """One value."""

    _name = "sync.operation.edit.line"
    _inherit = ["sync.bounded"]
    _description = "Value of a Failed Change"
    _order = "id"

    edit_id = fields.Many2one("sync.operation.edit", required=True, ondelete="cascade")
    path = fields.Char(required=True)
    label = fields.Char("Field")
    failing = fields.Boolean("Named by the Error")
    former = fields.Char("Now")
    shown = fields.Char("Known As", help="What Odoo calls the record with this id.")
    value = fields.Char("Corrected", help="Write the right value.")


def _value_as_typed(value):
    """A value as a person writes it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
