from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ...core import said
from ...core.counted import counted
from ...entities.neutral import SOURCE_LANG

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
    outcome = fields.Text(
        compute="_compute_outcome",
        help="What will be written, and in how many changes.",
    )

    @api.depends("line_ids.value", "line_ids.picked", "operation_ids")
    @api.depends_context("lang")
    def _compute_outcome(self):
        for wizard in self:
            changed = wizard.line_ids.filtered("value")
            texts = [line._outcome_text() for line in changed]
            kinds = set(wizard.operation_ids.mapped("kind"))
            if changed and "push" in kinds:
                texts.append(
                    self.env._(
                        "Orders and records in Odoo are corrected at once. The "
                        "pharmacy gets them when you press Retry on the next page."
                    )
                )
            if changed and kinds - {"push"}:
                texts.append(
                    self.env._(
                        "What came from the pharmacy is corrected here. It is written "
                        "in Odoo when you press Retry on the next page."
                    )
                )
            wizard.outcome = "\n".join(texts)

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
        values["line_ids"] = [
            Command.create(line) for line in self._lines(shared[:SHOWN])
        ]
        return values

    @api.model
    def _lines(self, shared):
        """Lines for values that several changes carry, described stream by stream."""
        Line = self.env["sync.operation.mend.line"]
        described = {}
        for stream in {value.stream for value in shared}:
            pairs = [(v.name, v.value) for v in shared if v.stream == stream]
            described[stream] = iter(Line._lines_for(stream, pairs))
        return [
            {
                **next(described[value.stream]),
                # Nothing is chosen yet: what is there is kept.
                **dict.fromkeys(("res_id", "picked", "moment"), False),
                "path": value.name,
                "label": value.title,
                "key": str(value.value),
                "failing": value.failing,
                "count": len(value.places),
            }
            for value in shared
        ]

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
        corrections = [(line.path, line.key, line.value) for line in changed]
        mended, refused = self.operation_ids._mend(corrections)
        if not mended:
            message = next(iter(refused.values()), "")
            raise UserError(self.env._("Nothing was corrected. %s", message).strip())
        source = said.say(said.CORRECTED, field=", ".join(changed._source_titles()))
        redrives = self.env["sync.redrive"]._plan(mended, source)
        redrives.action_start()
        return redrives.with_env(self.env)._open()


class SyncOperationMendLine(models.TransientModel):
    """One value, of a field, that several changes carry."""

    _name = "sync.operation.mend.line"
    _inherit = ["sync.operation.value"]
    _description = "Value of Failed Changes"
    _order = "failing desc, id"

    mend_id = fields.Many2one("sync.operation.mend", required=True, ondelete="cascade")
    key = fields.Char()
    count = fields.Integer("Changes", help="How many carry this value.")

    def _outcome_text(self):
        """What becomes of the value, in a sentence."""
        texts = {
            "field": self.label,
            "new": self._value_shown(),
            "old": self.shown,
            "count": self.count,
        }
        return counted(
            self.count,
            self.env._(
                "In 1 change %(field)s becomes %(new)s instead of %(old)s.", **texts
            ),
            self.env._(
                "In %(count)s changes %(field)s becomes %(new)s instead of %(old)s.",
                **texts,
            ),
        )

    def _source_titles(self):
        """What people call the fields, in the words of the source."""
        streams = self.stream_id.with_context(lang=SOURCE_LANG).grouped("id")
        return sorted(
            {
                streams[line.stream_id.id]._adapter()._field_title(line.path)
                for line in self
            }
        )
