from odoo import Command, api, fields, models
from odoo.exceptions import UserError

# Changes that are corrected at once, and values that are shown of them.
MOST, SHOWN = 500, 100


class SyncOperationMend(models.TransientModel):
    """Corrects a value in all failed changes that carry it: a table of replacements."""

    _name = "sync.operation.mend"
    _inherit = ["sync.bounded"]
    _description = "Correct Failed Changes"

    operation_ids = fields.Many2many("sync.operation", readonly=True)
    count = fields.Integer("Failed Changes", readonly=True)
    message = fields.Char(readonly=True, help="What the latest one failed with.")
    line_ids = fields.One2many("sync.operation.mend.line", "mend_id", "Values")

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        # Ids or commands, as a caller gives them.
        operations = self.new(
            {"operation_ids": values.get("operation_ids") or []}
        ).operation_ids._origin
        operations._check_operator()
        if len(operations) > MOST:
            raise UserError(
                self.env._("At most %s changes can be corrected at once.", MOST)
            )
        values.update(
            operation_ids=[Command.set(operations.ids)],
            count=len(operations),
            message=operations[:1].last_error,
        )
        shared = operations._shared_values() if operations else []
        names = operations._names_of_ids({str(value.value) for value in shared})
        values["line_ids"] = [
            Command.create(
                {
                    "name": value.name,
                    "label": value.title,
                    "former": "" if value.value is None else str(value.value),
                    "shown": names.get(str(value.value)),
                    "key": str(value.value),
                    "failing": value.failing,
                    "count": len(value.places),
                }
            )
            for value in shared[:SHOWN]
        ]
        return values

    def action_mend(self):
        """Correct the values in every change that carries them, then show what a retry
        would do. A change that cannot take its new value stays as it was.

        :raises UserError: no value was changed, or none could be
        """
        self.ensure_one()
        changed = self.line_ids.filtered("value")
        if not changed:
            raise UserError(self.env._("No value was changed."))
        self.operation_ids._check_operator()
        corrections = [(line.name, line.key, line.value) for line in changed]
        mended, refused = self.operation_ids._mend(corrections)
        if not mended:
            message = next(iter(refused.values()), "")
            raise UserError(self.env._("Nothing was corrected. %s", message).strip())
        source = self.env._(
            "%(field)s corrected", field=", ".join(set(changed.mapped("label")))
        )
        redrives = self.env["sync.redrive"]._plan(mended, source)
        redrives.action_start()
        return redrives.with_env(self.env)._open()


class SyncOperationMendLine(models.TransientModel):
    """One value, of a field, that several changes carry."""

    _name = "sync.operation.mend.line"
    _inherit = ["sync.bounded"]
    _description = "Value of Failed Changes"
    _order = "failing desc, id"

    mend_id = fields.Many2one("sync.operation.mend", required=True, ondelete="cascade")
    name = fields.Char(required=True)
    key = fields.Char()
    label = fields.Char("Field")
    former = fields.Char("Now")
    shown = fields.Char("Known As", help="What Odoo calls the record with this id.")
    failing = fields.Boolean("Named by the Error")
    count = fields.Integer("Changes", help="How many carry this value.")
    is_unit = fields.Boolean(compute="_compute_is_unit")
    unit_id = fields.Many2one("uom.uom")
    value = fields.Char("Replace With", help="Leave it empty to keep what is there.")

    @api.depends("name")
    def _compute_is_unit(self):
        for line in self:
            line.is_unit = line.name.rpartition(".")[2] == "uom"

    @api.onchange("unit_id")
    def _onchange_unit_id(self):
        if self.unit_id:
            self.value = self.unit_id.name
