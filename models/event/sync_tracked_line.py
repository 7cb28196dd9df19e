from odoo import fields, models


class SyncTrackedLine(models.AbstractModel):
    """A line of a record whose changes travel: its changes are the record's."""

    _name = "sync.tracked.line"
    _inherit = ["sync.tracked"]
    _description = "Line Followed by Synchronisation"

    sync_key = fields.Char(
        "Synchronisation Key",
        copy=False,
        readonly=True,
        help="What the pharmacy app calls this line. A line made in Odoo goes by its "
        "own number until the other side gives it a key.",
    )

    def _sync_records(self):
        entity = self.env[f"sync.entity.{self._sync_entity}"]
        lines = self.env[entity._entity_model]._fields[entity._entity_lines]
        return self[lines.inverse_name]

    def _sync_is_line(self):
        """Whether the line travels."""
        self.ensure_one()
        return True

    def _sync_line_key(self):
        """The line's key on both sides, the same for its whole life."""
        self.ensure_one()
        return self.sync_key or f"odoo-{self.id}"
