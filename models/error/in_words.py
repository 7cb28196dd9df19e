"""What an error says as people read it: in their language, with the names of fields,
not their paths; and what to do about it, with the field and the place."""

from functools import partial

from odoo import api, fields, models

from ...core.check.field_path import generic, in_words, named
from ...core.said import field_of
from ...core.taxonomy import TAXONOMY, ErrorType

# Advice that is said of the field, where it is known.
OF_A_FIELD = TAXONOMY[ErrorType.DATA_VALIDATION_FAILED].suggested_action
# Work in which the pharmacy's record is what is wrong.
TO_ODOO = ("apply", "pull")


class SyncError(models.Model):
    _inherit = "sync.error"

    message_text = fields.Char("Message", compute="_compute_message_text")
    advice = fields.Char("What to Do", compute="_compute_advice")

    @api.depends("message", "context", "stream_id")
    @api.depends_context("lang")
    def _compute_message_text(self):
        for error in self:
            field = (error.context or {}).get("field")
            error.message_text = self._in_words(error.message, field, error.stream_id)

    @api.depends("suggested_action", "message", "context", "work", "mapping_id")
    @api.depends_context("lang")
    def _compute_advice(self):
        for error in self:
            field = (error.context or {}).get("field")
            title = self._field_of(error.message, field, error.stream_id)
            name = error.mapping_id.record_name
            error.advice = self._advise(error.suggested_action, error.work, title, name)

    @api.depends("message_text")
    def _compute_display_name(self):
        for error in self:
            error.display_name = error.message_text or ""

    @api.model
    def _in_words(self, message, field=None, stream=None):
        """A message in the reader's language, with the field that it begins with as
        people call it: ``Line 1, Quantity: must not be negative``.

        :param field: the path of the field, where it is known besides
        :param stream: of the record; without one the first entity that has such a
            field says what people call it
        """
        if not message:
            return message
        path = _path(message, field)
        title = partial(self._title_of, stream=stream)
        return in_words(message, path, title, self._in_language)

    @api.model
    def _title_of(self, path, stream=None, line=True):
        """What people call the place that an error names, with its line or without;
        None if nobody knows it."""
        entities = self.env["sync.entity"]._entities().values()
        for adapter in [stream._adapter()] if stream else entities:
            title = adapter._place_title(path)
            if title:
                return title if line else adapter._field_title(generic(path))
        return None

    @api.model
    def _field_of(self, message, field=None, stream=None, line=True):
        """What people call the field that a message is about; None if it names none."""
        found = named(message or "", _path(message or "", field))
        return found and self._title_of(found.path, stream, line)

    @api.model
    def _advise(self, suggested, work, title, name=None):
        """What to do about a failure, in the reader's language.

        :param work: what failed
        :param title: what people call the field that is wrong, if one is
        :param name: of the record that has it
        """
        if suggested != OF_A_FIELD or not title:
            return self._in_language(suggested)
        if work in TO_ODOO:
            return self.env._(
                "Correct %(field)s at the pharmacy, or here with Edit, then retry.",
                field=title,
            )
        if not name:
            return self.env._(
                "Correct %(field)s on the record, or with Edit, then retry.",
                field=title,
            )
        return self.env._(
            "Correct %(field)s on %(record)s, or with Edit, then retry.",
            field=title,
            record=name,
        )

    @api.model
    def _exception_in_words(self, exception, stream):
        """What an exception of a record of this stream says, as people read it."""
        return self._in_words(str(exception), getattr(exception, "field", None), stream)


class SyncErrorGroup(models.Model):
    _inherit = "sync.error.group"

    message_text = fields.Char(
        "Message", compute="_compute_message_text", help="Of the latest error."
    )
    advice = fields.Char("What to Do", compute="_compute_advice")

    @api.depends("message")
    @api.depends_context("lang")
    def _compute_message_text(self):
        for group in self:
            group.message_text = self.env["sync.error"]._in_words(group.message)

    @api.depends("suggested_action", "message", "work")
    @api.depends_context("lang")
    def _compute_advice(self):
        Error = self.env["sync.error"]
        for group in self:
            # Its errors are of many records, and of different lines of theirs.
            title = Error._field_of(group.message, line=False)
            group.advice = Error._advise(group.suggested_action, group.work, title)


def _path(message, field=None):
    """The path of the field that a message begins with, as far as it is known."""
    return field if isinstance(field, str) else field_of(message)
