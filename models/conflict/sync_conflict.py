import json
from datetime import datetime

from odoo import SUPERUSER_ID, api, fields, models

from ...core.check.payload import canonical_datetime
from ...core.conflict.merge import MISSING
from ...core.exceptions import InvalidDataError
from ...entities.directory import Directory
from ...entities.sentence import Sentence
from ..base.actions import open_record, open_records

OF_A_SIDE = (
    "Its value, where one field is to be decided; once that is done, which was taken."
)


class SyncConflict(models.Model):
    """A record that both sides changed, in the same fields and differently."""

    _name = "sync.conflict"
    _description = "Conflict"
    _inherit = ["mail.thread", "sync.by_entity"]
    _order = "id desc"

    name = fields.Char("Record", readonly=True, index="trigram")
    mapping_id = fields.Many2one(
        "sync.mapping", required=True, readonly=True, ondelete="cascade", index=True
    )
    backend_id = fields.Many2one(
        related="mapping_id.backend_id", store=True, index=True
    )
    company_id = fields.Many2one(related="mapping_id.company_id", store=True)
    entity = fields.Selection(string="Type", related="mapping_id.entity", store=True)
    pharmacy = fields.Json("Seen at the Pharmacy", readonly=True)
    pharmacy_at = fields.Datetime("Changed at the Pharmacy", readonly=True)
    pharmacy_by = fields.Char("Changed at the Pharmacy by", readonly=True)
    odoo_at = fields.Datetime("Changed in Odoo", readonly=True)
    odoo_user_id = fields.Many2one("res.users", "Changed in Odoo by", readonly=True)
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved")],
        required=True,
        default="open",
        readonly=True,
        tracking=True,
    )
    strategy = fields.Selection(
        [
            ("odoo", "Odoo"),
            ("pharmacy", "Pharmacy"),
            ("merge", "Merge"),
            ("manual", "Manual"),
        ],
        readonly=True,
        tracking=True,
    )
    reason = Sentence(readonly=True, help="Why it was decided so.")
    resolved_at = fields.Datetime(readonly=True)
    resolved_by_id = fields.Many2one("res.users", readonly=True)
    correlation_id = fields.Char(readonly=True)
    line_ids = fields.One2many("sync.conflict.line", "conflict_id", "Differences")
    summary = fields.Char("Fields", compute="_compute_summary")
    about = fields.Char(
        compute="_compute_about", help="What the record is, for those who decide."
    )
    odoo_text = fields.Char("Odoo", compute="_compute_texts", help=OF_A_SIDE)
    pharmacy_text = fields.Char(
        "Pharmacy Has", compute="_compute_texts", help=OF_A_SIDE
    )

    _open_uniq = models.UniqueIndex(
        "(mapping_id) WHERE state = 'open'", "A record has one open conflict."
    )
    _state_idx = models.Index("(state, id)")
    _resolved_idx = models.Index("(resolved_at) WHERE resolved_at IS NOT NULL")

    @api.depends("mapping_id.record_name")
    def _compute_display_name(self):
        for conflict in self:
            conflict.display_name = conflict.mapping_id.record_name

    @api.depends("line_ids.field")
    @api.depends_context("lang")
    def _compute_summary(self):
        for conflict in self:
            titles = conflict._titles(conflict.line_ids)
            conflict.summary = ", ".join(dict.fromkeys(titles))

    @api.depends("mapping_id")
    @api.depends_context("lang", "uid")
    def _compute_about(self):
        for conflict in self:
            conflict.about = conflict.mapping_id._in_few_words()

    @api.depends("line_ids.values", "line_ids.choice", "state")
    @api.depends_context("lang")
    def _compute_texts(self):
        for backend, conflicts in self.grouped("backend_id").items():
            directory = Directory(backend)
            for conflict in conflicts:
                lines = conflict.line_ids
                if conflict.state == "open":
                    lines = conflict._open_lines()
                    lines = lines if len(lines) == 1 else lines.browse()
                several = len(lines) > 1
                titles = conflict._titles(lines) if several else [None] * len(lines)
                for side in ("odoo", "pharmacy"):
                    conflict[f"{side}_text"] = "; ".join(
                        line._side_text(side, directory, title)
                        for line, title in zip(lines, titles, strict=True)
                    )

    def _titles(self, lines):
        return [self._adapter()._field_title(line.field) for line in lines]

    @api.model_create_multi
    def create(self, vals_list):
        conflicts = super().create(vals_list)
        # What a rule decided is kept as resolved, and asks no person.
        opened = conflicts.filtered(lambda conflict: conflict.state == "open")
        opened._emit_event("conflict_opened")
        return conflicts

    def write(self, vals):
        closing = self.browse()
        if vals.get("state") == "resolved":
            closing = self.filtered(lambda conflict: conflict.state == "open")
        result = super().write(vals)
        closing._emit_event("conflict_resolved")
        return result

    def _emit_event(self, event_type):
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": event_type,
                    "backend_id": conflict.backend_id.id,
                    "res_model": conflict._name,
                    "res_id": conflict.id,
                    "correlation_id": conflict.correlation_id,
                    "data": {"cause": conflict.mapping_id.record_name},
                }
                for conflict in self.sudo()
            ]
        )

    @api.model
    def _refresh(
        self,
        mapping,
        merge,
        pharmacy,
        correlation_id,
        arrived=None,
        closing="merge",
        reasons=None,
    ):
        """Make the mapping's open conflict say what ``merge`` says.

        :param merge: :class:`...core.conflict.merge.Merge` of the latest values
        :param pharmacy: canonical values of the pharmacy's record
        :param arrived: the record as the app sent it, if it is new
        :param closing: the strategy to close it with if nothing is in conflict
        :param reasons: ``{path: why a person is asked}`` where it is not plain
        """
        conflict = mapping._open_conflict()
        if not merge.conflicts:
            if conflict:
                conflict._close(closing)
            return
        if not conflict:
            conflict = self.create(
                {"mapping_id": mapping.id, "correlation_id": correlation_id}
            )
        conflict.write({"pharmacy": pharmacy, **_pharmacy_changed(arrived)})
        conflict._show(merge, reasons)

    def _show(self, merge, reasons=None):
        """Have the undecided lines say what is in conflict; decided ones stay."""
        self.ensure_one()
        self.write({"name": self.mapping_id.record_name, **self._odoo_changed()})
        lines = self._open_lines()
        known = {line.field: line for line in lines}
        (lines - lines.filtered(lambda ln: ln.field in merge.conflicts)).unlink()
        for path, values in merge.conflicts.items():
            shown = {
                "base": _text(values.base),
                "odoo": _text(values.odoo),
                "pharmacy": _text(values.pharmacy),
                "values": _by_side(values),
            }
            if reasons is not None:
                shown["reason"] = reasons.get(path)
            if path in known:
                known[path].write(shown)
            else:
                lines.create({"conflict_id": self.id, "field": path, **shown})

    def _open_lines(self):
        """The fields that no person or rule has decided yet."""
        return self.line_ids.filtered(lambda line: not line.choice)

    def _odoo_changed(self):
        """Who changed the Odoo record last, and when: a person, if one is known."""
        mapping = self.mapping_id
        machines = [SUPERUSER_ID, *mapping.backend_id.user_id.ids]
        event = self.env["sync.event"].search(
            [
                ("stream_id", "=", mapping.stream_id.id),
                ("res_id", "=", mapping.res_id),
                ("user_id", "not in", machines),
            ],
            limit=1,
        )
        record = mapping._record()
        return {
            "odoo_user_id": (event.user_id or record.write_uid).id,
            "odoo_at": event.create_date or record.write_date,
        }

    def _label(self, path, *more):
        """A path as people read it: ``Line 2 - Amoxicillin 250 mg: Quantity``."""
        return ": ".join(filter(None, self._names(path, *more)))

    def _names(self, path, *more):
        """What people call the line and the field of a path; None for what it has not.

        :param more: canonical values in which to look for the line, besides the
            pharmacy's and the base
        """
        # The base: for a line of the record that the pharmacy removed.
        sides = self.pharmacy, self.mapping_id.base, *more
        return self._adapter()._names_in(path, *sides)

    def _adapter(self):
        return self.mapping_id.stream_id._adapter()

    def _close(self, strategy, reason=None):
        self.write(
            {
                "state": "resolved",
                "strategy": strategy,
                "reason": reason,
                "resolved_at": fields.Datetime.now(),
                "resolved_by_id": self.env.uid,
            }
        )


class SyncTracked(models.AbstractModel):
    _inherit = "sync.tracked"

    def action_sync_decide(self):
        """Open what a person must decide about the record."""
        self.check_access("read")
        self.ensure_one()
        records = self._sync_records()
        conflicts = self.env["sync.conflict"].search(
            [
                ("mapping_id.res_model", "=", records._name),
                ("mapping_id.res_id", "in", records.ids),
                ("state", "=", "open"),
            ]
        )
        if len(conflicts) == 1:
            return open_record(conflicts)
        domain = [("id", "in", conflicts.ids)]
        return open_records(self.env, "action_sync_conflict", domain)


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    conflict_count = fields.Integer("Conflicts", compute="_compute_conflict_count")

    def _compute_conflict_count(self):
        counts = dict(
            self.env["sync.conflict"]._read_group(
                [("backend_id", "in", self.ids), ("state", "=", "open")],
                ["backend_id"],
                ["__count"],
            )
        )
        for backend in self:
            backend.conflict_count = counts.get(backend, 0)

    def action_view_conflicts(self):
        return self._action("action_sync_conflict")


def _pharmacy_changed(arrived):
    """When and by whom the app says that its record was changed."""
    if not arrived:
        return {}
    try:
        text = canonical_datetime(arrived.get("updated_at"))
        moment = datetime.fromisoformat(text.rstrip("Z"))
    except InvalidDataError:
        moment = False
    return {"pharmacy_at": moment, "pharmacy_by": arrived.get("updated_by") or False}


def _by_side(values):
    """The values that a :class:`...core.conflict.merge.FieldConflict` has, by side."""
    sides = {"base": values.base, "odoo": values.odoo, "pharmacy": values.pharmacy}
    return {side: value for side, value in sides.items() if value is not MISSING}


def _text(value):
    """A conflicting value as people read it; absent is empty."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool | int | float | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return ""
