from odoo import api, fields, models

from ...core.keys.line_keys import new_key


class SyncTrackedLine(models.AbstractModel):
    """A line of a record whose changes travel: its changes are the record's."""

    _name = "sync.tracked.line"
    _inherit = ["sync.tracked"]
    _description = "Line Followed by Synchronisation"

    # Fields with columns, by which alone ``_sync_is_line`` says whether a line travels:
    # of lines that are alike in them one is asked. None: each is.
    _sync_line_reads = ()

    sync_key = fields.Char(
        "Synchronisation Key",
        copy=False,
        readonly=True,
        default=lambda self: new_key(),
        help="What the line is called on both sides, within its record. A line that "
        "moves to another one is called otherwise there.",
    )

    def _init_column(self, column_name):
        # Lines from before go by their numbers: a default would be one for all.
        return None if column_name == "sync_key" else super()._init_column(column_name)

    def write(self, vals):
        owner, moved = self._sync_parent(), self.browse()
        if owner in vals:
            moved = self.filtered(lambda line: line[owner].id != vals[owner])
        result = super().write(vals)
        for line in moved:
            line.sync_key = new_key()
        return result

    @api.model
    def _sync_parent(self):
        """Name of the field that holds the record a line belongs to."""
        entity = self.env[f"sync.entity.{self._sync_entity}"]
        lines = self.env[entity._entity_model]._fields[entity._entity_lines]
        return lines.inverse_name

    def _sync_records(self):
        return self[self._sync_parent()]

    def _sync_is_line(self):
        """Whether the line travels."""
        self.ensure_one()
        return True
