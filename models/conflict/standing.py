from odoo import api, fields, models


class SyncMapping(models.Model):
    """How a record stands with the pharmacy: a comparison, not a hope."""

    _inherit = "sync.mapping"

    declined_text = fields.Text("Declined Values", compute="_compute_declined_text")
    differences_text = fields.Text(
        "Known Differences", compute="_compute_differences_text"
    )

    @api.depends("declined", "base")
    @api.depends_context("lang")
    def _compute_declined_text(self):
        for mapping in self:
            reasons = mapping._declined_reasons()
            mapping.declined_text = "\n".join(
                f"{mapping._label(path)}: {reason}" for path, reason in reasons.items()
            )

    @api.depends("differences", "base")
    @api.depends_context("lang")
    def _compute_differences_text(self):
        for mapping in self:
            mapping.differences_text = "\n".join(mapping._differences_in_words())

    def _label(self, path):
        names = self.stream_id._adapter()._names_in(path, self.base)
        return ": ".join(filter(None, names))

    def _declined_reasons(self):
        """Why values are declined, for people: ``{path: text}``."""
        return {
            path: self._declined_text(refusal)
            for path, refusal in self._declined().items()
        }

    def _differences_in_words(self):
        """What the pharmacy cannot know of the record, one sentence each."""
        adapter = self.stream_id._adapter()
        return [
            adapter._difference_text(self._label(path.rpartition(".")[0]), path, value)
            for path, value in (self.differences or {}).items()
        ]

    def _note_differences(self):
        """Look at what the pharmacy cannot know of these records."""
        for stream, mappings in self.grouped("stream_id").items():
            records = self.env[stream.res_model].with_context(active_test=False)
            records = records.browse(mappings.mapped("res_id")).exists()
            found = stream._adapter()._known_differences(records)
            for mapping in mappings:
                differences = found.get(mapping.res_id) or False
                if (mapping.differences or False) != differences:
                    mapping.differences = differences

    def _states_now(self):
        """How the records stand, with what is written and not looked at yet:
        ``{mapping: state}``."""
        pending = {
            (stream.id, res_id)
            for stream, res_id in self.env["sync.event"]._read_group(
                [
                    ("state", "=", "pending"),
                    ("stream_id", "in", self.stream_id.ids),
                    ("res_id", "in", self.mapped("res_id")),
                ],
                ["stream_id", "res_id"],
            )
        }
        still = ("synced", "differs")
        return {
            mapping: "pending"
            if mapping.state in still
            and (mapping.stream_id.id, mapping.res_id) in pending
            else mapping.state
            for mapping in self
        }
