from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ...core.check.field_path import meant, named
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
            known = operation._editable()
            refused = operation._failing_paths().get(operation)
            failing = meant(refused, [path for path, *__ in known])
            described = self.env["sync.operation.edit.line"]._lines_for(
                operation.stream_id, [(path, value) for path, __, value in known]
            )
            lines = [
                {
                    **line,
                    "path": path,
                    "label": label,
                    "value": line["former"],
                    "failing": path in failing,
                }
                for (path, label, __), line in zip(known, described, strict=True)
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
    _inherit = ["sync.operation.value"]
    _description = "Value of a Failed Change to Edit"
    _order = "id"

    edit_id = fields.Many2one("sync.operation.edit", required=True, ondelete="cascade")
