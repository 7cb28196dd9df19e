from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...entities.sentence import Sentence
from ..base.actions import open_record

ACTIONS = [
    ("link", "Link"),
    ("create_odoo", "Create in Odoo"),
    ("create_pharmacy", "Create at the pharmacy"),
    ("leave", "Leave"),
]


class SyncInitialLine(models.Model):
    """What an initial synchronisation would do, or did, with one record."""

    _name = "sync.initial.line"
    _inherit = ["sync.bounded"]
    _description = "Line of an Initial Synchronisation"
    _order = "rank, id"
    _rec_name = "pharmacy_name"

    initial_id = fields.Many2one(
        "sync.initial", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="initial_id.company_id", store=True)
    phase = fields.Selection(related="initial_id.phase")
    stream_id = fields.Many2one(
        "sync.stream", required=True, readonly=True, ondelete="cascade", index=True
    )
    rank = fields.Integer(related="stream_id.rank", store=True)
    res_model = fields.Char(related="stream_id.res_model")
    action = fields.Selection(
        ACTIONS,
        help="Link: both records are the same. Create: the record is only on one side. "
        "Leave: nothing is done with it now; it goes over when it is changed.",
    )
    state = fields.Selection(
        [("planned", "Planned"), ("done", "Done"), ("failed", "Failed")],
        required=True,
        default="planned",
        readonly=True,
    )
    ambiguous = fields.Boolean(
        readonly=True, help="Several records may be meant: a person is to choose."
    )
    res_id = fields.Many2oneReference(
        "Odoo Record",
        model_field="res_model",
        help="The record of Odoo. Choose another one to link with that.",
    )
    odoo_name = fields.Char("In Odoo", readonly=True)
    external_id = fields.Char("Pharmacy Id", readonly=True)
    pharmacy_name = fields.Char("At the Pharmacy", readonly=True)
    matched_by = fields.Char(
        "Names of the Fields in Common", readonly=True, help="What both have in common."
    )
    differs = fields.Char("Names of the Fields", readonly=True)
    matched_text = fields.Char(
        "Matched By", compute="_compute_titles", help="What both have in common."
    )
    differs_text = fields.Char("Differs In", compute="_compute_titles")
    candidates = fields.Json(readonly=True, help="Records that may be meant.")
    record = fields.Json(readonly=True, help="The record as the pharmacy has it.")
    reason = Sentence(readonly=True, help="Why it is left, or what came of it.")

    _external_uniq = models.UniqueIndex(
        "(initial_id, stream_id, external_id) WHERE external_id IS NOT NULL",
        "A record of the pharmacy has one line.",
    )
    _todo_idx = models.Index("(initial_id, stream_id, state, action, id)")
    _record_idx = models.Index("(initial_id, stream_id, res_id)")

    @api.depends("matched_by", "differs", "stream_id")
    @api.depends_context("lang")
    def _compute_titles(self):
        for line in self:
            line.matched_text = line._titles(line.matched_by)
            line.differs_text = line._titles(line.differs)

    def _titles(self, names):
        """What people call the fields of a list of names."""
        adapter = self.stream_id._adapter()
        titles = (
            # All of them: of a conflict it is one.
            self.env._("Lines") if name == "lines" else adapter._field_title(name)
            for name in (names or "").split(", ")
            if name
        )
        return ", ".join(titles)

    @api.depends("pharmacy_name", "odoo_name")
    def _compute_display_name(self):
        for line in self:
            line.display_name = line.pharmacy_name or line.odoo_name

    @api.onchange("res_id")
    def _onchange_res_id(self):
        """Choosing a record means linking it."""
        if self.res_id and self.external_id:
            self.action = "link"
        elif self.external_id and self.action == "link":
            self.action = "create_odoo"

    @api.constrains("action", "res_id", "external_id")
    def _check_action(self):
        for line in self:
            ours, theirs = bool(line.res_id), bool(line.external_id)
            wrong = (
                (line.action == "link" and not (ours and theirs))
                or (line.action == "create_odoo" and not theirs)
                or (line.action == "create_pharmacy" and (theirs or not ours))
            )
            if wrong:
                raise ValidationError(
                    self.env._(
                        "%(record)s cannot be done as %(action)s: to link takes a "
                        "record of each side, to create one that the other side lacks.",
                        record=line.display_name,
                        action=dict(ACTIONS)[line.action],
                    )
                )

    def write(self, vals):
        if {"action", "res_id"} & vals.keys() and not self.env.su:
            self.initial_id._check_operator()
            if not all(line._is_open() for line in self):
                raise UserError(self.env._("Lines can be changed in the preview only."))
        if vals.get("res_id") and "odoo_name" not in vals:
            (line,) = self
            record = self.env[line.res_model].browse(vals["res_id"])
            vals = {**vals, "odoo_name": record.display_name, "differs": False}
        return super().write(vals)

    def _is_open(self):
        return self.phase == "ready" and self.state == "planned"

    def action_leave(self):
        """Leave these out."""
        self.write({"action": "leave"})
        return True

    def action_create(self):
        """Create these on the side that lacks them."""
        theirs = self.filtered("external_id")
        theirs.write({"action": "create_odoo"})
        (self - theirs).write({"action": "create_pharmacy"})
        return True

    def action_open_record(self):
        """Open the Odoo record."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.env[self.res_model].browse(self.res_id))
