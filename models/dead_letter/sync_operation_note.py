from odoo import api, fields, models

from ...entities.sentence import Sentence


class SyncOperationNote(models.Model):
    """What a person did with an operation: the user, the time, and what was before.
    Written once, never changed."""

    _name = "sync.operation.note"
    _description = "What Was Done with an Operation"
    _order = "id desc"
    _rec_name = "action"

    operation_id = fields.Many2one(
        "sync.operation", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="operation_id.company_id")
    user_id = fields.Many2one(
        "res.users",
        "Who",
        required=True,
        readonly=True,
        default=lambda self: self.env.uid,
    )
    create_date = fields.Datetime("When", readonly=True)
    action = fields.Selection(
        [
            ("redriven", "Retried"),
            ("edited", "Edited"),
            ("discarded", "Discarded"),
            ("restored", "Brought Back"),
            ("assigned", "Assigned"),
        ],
        required=True,
        readonly=True,
    )
    text = Sentence("What", readonly=True, help="The reason, or the person.")
    before = fields.Json(readonly=True, help="The values that were edited, by path.")
    after = fields.Json(readonly=True, help="The same values after the edit.")
    change_text = fields.Text("Changed", compute="_compute_change_text")

    @api.depends("before", "after")
    def _compute_change_text(self):
        for note in self:
            before, after = note.before or {}, note.after or {}
            shown = note.operation_id.backend_id._shown
            note.change_text = "\n".join(
                f"{path}: {shown(path, _value_as_text(before.get(path)))} → "
                f"{shown(path, _value_as_text(value))}"
                for path, value in after.items()
            )


def _value_as_text(value):
    return "∅" if value in (None, "") else str(value)
