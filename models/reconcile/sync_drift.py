from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...core import said
from ...entities.directory import Directory
from ...entities.sentence import Sentence
from ..base.actions import open_record


class SyncDrift(models.Model):
    """A record that a reconciliation found different on both sides although no change
    was announced, and the repair that is proposed."""

    _name = "sync.drift"
    _inherit = ["sync.bounded"]
    _description = "Difference"
    _order = "id desc"
    _rec_name = "record_name"

    OPEN = ("suspected", "open", "chosen", "failed")

    reconciliation_id = fields.Many2one(
        "sync.reconciliation",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    stream_id = fields.Many2one(
        related="reconciliation_id.stream_id", store=True, index=True
    )
    backend_id = fields.Many2one(related="stream_id.backend_id", store=True)
    company_id = fields.Many2one(related="reconciliation_id.company_id", store=True)
    mapping_id = fields.Many2one(
        "sync.mapping", readonly=True, ondelete="set null", index="btree_not_null"
    )
    res_model = fields.Char(related="stream_id.res_model")
    res_id = fields.Many2oneReference(
        "Odoo Record",
        model_field="res_model",
        help="The record of Odoo that it is about, or should be linked with.",
    )
    external_id = fields.Char("Pharmacy Id", readonly=True)
    record_name = fields.Char("Record", readonly=True)
    kind = fields.Selection(
        [
            ("differs", "Differs"),
            ("missing_pharmacy", "Missing at the pharmacy"),
            ("missing_odoo", "Missing in Odoo"),
            ("orphan", "Gone on both sides"),
        ],
        readonly=True,
    )
    state = fields.Selection(
        [
            ("suspected", "Suspected"),
            ("open", "Open"),
            ("chosen", "Being Repaired"),
            ("repaired", "Repaired"),
            ("failed", "Repair Failed"),
            ("left", "Left as It Is"),
            ("outdated", "Outdated"),
        ],
        required=True,
        default="suspected",
        readonly=True,
        help="Outdated: compared again since.",
    )
    repair = fields.Selection(
        [
            ("push", "Send: the pharmacy gets Odoo's"),
            ("pull", "Receive: Odoo gets the pharmacy's"),
            ("merge", "Merge: ask where both changed"),
            ("link", "Link with the Odoo record"),
            ("forget", "Forget the link"),
        ],
        help="What to do about it. Send and receive make both sides what one of them "
        "has, also where that is a deletion. Merge carries over what only one side "
        "changed since both agreed, and makes a conflict of the rest.",
    )
    outcome = fields.Char(
        "What Will Happen",
        compute="_compute_outcome",
        help="What the chosen repair does.",
    )
    fields_text = fields.Char("Names of the Fields", readonly=True)
    summary = fields.Char("Fields", compute="_compute_summary")
    base = fields.Json(readonly=True)
    odoo = fields.Json(readonly=True)
    pharmacy = fields.Json("Found at the Pharmacy", readonly=True)
    differences = fields.Html(compute="_compute_differences", sanitize=False)
    reason = Sentence(readonly=True, help="Why a repair failed, and who decided.")

    _state_idx = models.Index("(state, id)")
    _suspect_idx = models.Index(
        "(reconciliation_id, id) WHERE state IN ('suspected', 'chosen')"
    )

    @api.depends("kind", "repair")
    def _compute_outcome(self):
        outcomes = {
            ("differs", "push"): self.env._("Odoo's values are sent to the pharmacy."),
            ("differs", "pull"): self.env._(
                "The pharmacy's values are written in Odoo."
            ),
            ("missing_pharmacy", "push"): self.env._(
                "The pharmacy gets the record as new."
            ),
            ("missing_pharmacy", "pull"): self.env._(
                "The record is archived or cancelled in Odoo, as if the pharmacy had "
                "deleted it."
            ),
            ("missing_odoo", "push"): self.env._(
                "The record is deleted at the pharmacy."
            ),
            ("missing_odoo", "pull"): self.env._("The record is created in Odoo."),
        }
        by_repair = {
            "merge": self.env._(
                "What only one side changed goes to the other; what both changed "
                "becomes a conflict."
            ),
            "link": self.env._(
                "The two records become counterparts, and are brought in step."
            ),
            "forget": self.env._("The mapping is removed. No record is changed."),
        }
        for drift in self:
            drift.outcome = outcomes.get((drift.kind, drift.repair)) or by_repair.get(
                drift.repair
            )

    @api.depends("base", "odoo", "pharmacy")
    def _compute_differences(self):
        head = [
            self.env._("Field"),
            self.env._("Odoo"),
            self.env._("Before"),
            self.env._("Pharmacy"),
        ]
        for stream, drifts in self.grouped("stream_id").items():
            directory = Directory(stream.backend_id)
            for drift in drifts:
                rows = drift._rows(directory)
                drift.differences = _table(head, rows) if rows else False

    def _rows(self, directory):
        """Field by field what it is called, and its value on each side."""
        sides = [self.odoo or {}, self.base or {}, self.pharmacy or {}]
        text = self.stream_id._adapter()._value_text
        rows = []
        for name in dict.fromkeys(name for side in sides for name in side):
            values = [text(name, side.get(name), directory) for side in sides]
            rows.append([self._title(name), *values])
        return rows

    @api.depends("fields_text")
    @api.depends_context("lang")
    def _compute_summary(self):
        for drift in self:
            names = (drift.fields_text or "").split(", ")
            drift.summary = ", ".join(self._title(name) for name in names if name)

    def _title(self, name):
        """What people call a field."""
        # All of them: of a conflict it is one.
        if name == "lines":
            return self.env._("Lines")
        return self.stream_id._adapter()._field_title(name)

    def action_repair(self):
        """Have the chosen repair of each carried out.

        :raises AccessError: the user is no operator
        :raises UserError: one is not open, or has no repair
        """
        self._check_operator()
        if self.filtered(lambda d: d.state not in ("open", "failed")):
            raise UserError(
                self.env._("Only differences that are open can be repaired.")
            )
        for drift in self:
            if not drift.repair or (drift.repair == "link" and not drift.res_id):
                raise UserError(
                    self.env._("Choose how to repair %s.", drift.display_name)
                )
        self.write(
            {
                "state": "chosen",
                "reason": said.say(said.REPAIR_BY, self.env.user.name),
            }
        )
        self.reconciliation_id._schedule_repair(self)
        return True

    def action_leave(self):
        """Leave the records as they are."""
        self._check_operator()
        if self.filtered(lambda d: d.state not in ("open", "failed")):
            raise UserError(self.env._("Only differences that are open can be left."))
        self.write(
            {"state": "left", "reason": said.say(said.LEFT_BY, self.env.user.name)}
        )
        for backend in self.backend_id:
            backend._as_runner()._end_set_back_if_done()
        return True

    def _check_operator(self):
        self.check_access("read")
        self.reconciliation_id._check_operator()

    def action_open_record(self):
        """Open the Odoo record."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.env[self.res_model].browse(self.res_id))

    @api.model
    def _suspect(self, reconciliation, suspects):
        """Note down what must be looked at one by one; nothing twice.

        :param suspects: dicts with ``mapping_id``, ``res_id`` or ``external_id``
        """
        mapping_ids = [s["mapping_id"] for s in suspects if "mapping_id" in s]
        known = self.search(
            [
                ("reconciliation_id", "=", reconciliation.id),
                ("mapping_id", "in", mapping_ids),
            ]
        )
        mappings = set(known.mapping_id.ids)
        self.create(
            [
                {"reconciliation_id": reconciliation.id, **suspect}
                for suspect in suspects
                if suspect.get("mapping_id") not in mappings
            ]
        )


def _table(head, rows):
    """An HTML table of plain texts."""
    cells = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup('<td style="white-space: pre-wrap">{}</td>').format(cell)
                for cell in row
            )
        )
        for row in rows
    )
    titles = Markup("").join(
        Markup('<th scope="col">{}</th>').format(title) for title in head
    )
    return Markup(
        '<table class="table table-sm o_sync_differences"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(titles, cells)
