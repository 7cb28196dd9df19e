"""What an error says as people read it: with the names of fields, not their paths."""

from odoo import api, fields, models

from ...core.check.field_path import in_words


class SyncError(models.Model):
    _inherit = "sync.error"

    message_text = fields.Char("Message", compute="_compute_message_text")

    @api.depends("message", "context", "stream_id")
    @api.depends_context("lang")
    def _compute_message_text(self):
        for error in self:
            field = (error.context or {}).get("field")
            error.message_text = self._in_words(error.message, field, error.stream_id)

    @api.depends("message_text")
    def _compute_display_name(self):
        for error in self:
            error.display_name = error.message_text or ""

    @api.model
    def _in_words(self, message, field=None, stream=None):
        """A message with the field that it begins with as people call it:
        ``Line 1, Quantity: must not be negative``.

        :param field: the path of the field, where it is known besides
        :param stream: of the record; without one the first entity that has such a
            field says what people call it
        """
        entities = self.env["sync.entity"]._entities().values()
        adapters = [stream._adapter()] if stream else entities

        def title(path):
            titles = (adapter._place_title(path) for adapter in adapters)
            return next(filter(None, titles), None)

        path = field if isinstance(field, str) else None
        return in_words(message, path, title) if message else message

    @api.model
    def _exception_in_words(self, exception, stream):
        """What an exception of a record of this stream says, as people read it."""
        return self._in_words(str(exception), getattr(exception, "field", None), stream)


class SyncErrorGroup(models.Model):
    _inherit = "sync.error.group"

    message_text = fields.Char(
        "Message", compute="_compute_message_text", help="Of the latest error."
    )

    @api.depends("message")
    @api.depends_context("lang")
    def _compute_message_text(self):
        for group in self:
            group.message_text = self.env["sync.error"]._in_words(group.message)
