from odoo import api, fields, models


class SyncByField(models.AbstractModel):
    """What is chosen for one field of a stream: by its name in the pharmacy app's
    records, or picked by what people call it."""

    _name = "sync.by_field"
    _inherit = ["sync.bounded", "sync.ormcached"]
    _description = "Chosen for a Field"
    _order = "field"
    _rec_name = "field"

    stream_id = fields.Many2one(
        "sync.stream", required=True, ondelete="cascade", index=True
    )
    field = fields.Char(
        required=True,
        help="Name of the field in the pharmacy app's records, such as supplier_id or "
        "lines.quantity.",
    )
    picked = fields.Selection(
        "_select_path", "Which Field", compute="_compute_picked", readonly=False
    )

    @api.model
    def _select_path(self):
        """The fields that there are, by what people call them."""
        titles = {}
        for adapter in self.env["sync.entity"]._entities().values():
            for path in adapter._paths():
                title = adapter._field_title(path.replace(".", "[]."))
                titles.setdefault(path, set()).add(title)
        label = {path: " / ".join(sorted(titles[path])) for path in titles}
        line = self.env._("Line: %s")
        return sorted(
            (
                (path, line % label[path] if "." in path else label[path])
                for path in label
            ),
            key=lambda option: option[1],
        )

    @api.depends("field")
    def _compute_picked(self):
        known = dict(self._select_path())
        for chosen in self:
            chosen.picked = chosen.field if chosen.field in known else False

    @api.onchange("picked")
    def _onchange_picked(self):
        self.field = self.picked

    @api.constrains("field", "stream_id")
    def _check_field(self):
        for chosen in self:
            self.env["sync.entity"]._check_paths(
                (chosen.field,), chosen.stream_id.entity
            )
