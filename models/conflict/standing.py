from odoo import api, fields, models

from ...entities.directory import Directory


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

    @api.depends("differences", "base", "given_up")
    @api.depends_context("lang")
    def _compute_differences_text(self):
        for mapping in self:
            mapping.differences_text = "\n".join(mapping._differences_in_words())

    def _in_few_words(self):
        """What the Odoo record is, such as an order's supplier, state and total; False
        to a person who may not see it, and where it is gone."""
        record = self and self._record()
        if not record or not record.has_access("read"):
            return False
        return self.stream_id._adapter()._about_text(record)

    def _named_in_few_words(self):
        """The record's name, and what it is."""
        found = self.record_name, self._in_few_words()
        return ", ".join(filter(None, found))

    def _label(self, path):
        names = self.stream_id._adapter()._names_in(path, self.base)
        return ": ".join(filter(None, names))

    def _declined_reasons(self):
        """Why values are declined, for people: ``{path: text}``."""
        in_language = self.env["sync.error"]._in_language
        return {
            path: in_language(self._declined_text(refusal))
            for path, refusal in self._declined().items()
        }

    def _differences_in_words(self):
        """What the pharmacy cannot know of the record, or was kept from it, one
        sentence each."""
        adapter = self.stream_id._adapter()
        found = [
            adapter._difference_text(self._label(path.rpartition(".")[0]), path, value)
            for path, value in (self.differences or {}).items()
        ]
        if self.given_up:
            text = self.env._(
                "A change was stopped or discarded: both sides may differ."
            )
            found.append(text)
        return found

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
        looked_at = self.filtered(lambda m: m.state in ("synced", "differs"))
        pending = looked_at._with_pending_events()
        differing = self.browse()
        for stream, mappings in pending.grouped("stream_id").items():
            records = self.env[stream.res_model].with_context(active_test=False)
            records = records.browse(mappings.mapped("res_id")).exists()
            directory = Directory(stream.backend_id)
            data, __ = stream._serialise_alone(records, directory)
            # The echo of what arrived is no change that must travel.
            differing += mappings.filtered(
                lambda m, data=data: (
                    m.res_id not in data or m._compare(data[m.res_id]).merge.to_pharmacy
                )
            )
        return {
            mapping: "pending" if mapping in differing else mapping.state
            for mapping in self
        }

    def _with_pending_events(self):
        events = self.env["sync.event"]._read_group(
            [
                ("state", "=", "pending"),
                ("stream_id", "in", self.stream_id.ids),
                ("res_id", "in", self.mapped("res_id")),
            ],
            ["stream_id", "res_id"],
        )
        pending = {(stream.id, res_id) for stream, res_id in events}
        return self.filtered(lambda m: (m.stream_id.id, m.res_id) in pending)
