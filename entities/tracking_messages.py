"""Odoo's messages about what changed of a whole batch, written at once."""

from odoo import models

# Among what a cursor keeps until it is flushed: whether it is a batch.
BATCH = "pharmacy_sync.batch"
# Contexts: where the messages of a batch are gathered, and that one is being logged.
KEY, LOGGING = "sync_tracking_messages", "sync_tracking_logged"


class Gathered:
    """Messages that are about to be logged.

    :ivar values: as Odoo makes them, a dict each
    """

    def __init__(self):
        self.values = []


def as_batch(env):
    """Have the messages about what is changed from now on written at once, when it is
    flushed."""
    # No context: Odoo computes what follows of the changes in one of its own.
    env.cr.precommit.data[BATCH] = True


class MailThread(models.AbstractModel):
    """Odoo writes what changed of each record in a message of its own, one after the
    other. Of records that arrived together they are gathered, and made by one call of
    Odoo's own method: the same messages, in the same order."""

    _inherit = "mail.thread"

    def _message_track(self, fields_iter, initial_values_dict):
        if not self.env.cr.precommit.data.get(BATCH):
            return super()._message_track(fields_iter, initial_values_dict)
        gathered = Gathered()
        batch = self.with_context(**{KEY: gathered})
        tracking = super(MailThread, batch)._message_track(
            fields_iter, initial_values_dict
        )
        if gathered.values:
            self._sync_log_all(gathered.values)
        return tracking

    def _sync_log_all(self, messages):
        """Make messages, and what they say of fields in one statement: Odoo would take
        one for each."""
        tracked = [values.pop("tracking_value_ids") or () for values in messages]
        created = self._message_create(messages)
        self.env["mail.tracking.value"].sudo().create(
            [
                {**values, "mail_message_id": message.id}
                for message, commands in zip(created, tracked, strict=True)
                for __, __, values in commands
            ]
        )

    def _message_log(self, **message):
        # What has a subtype is posted, not logged: somebody may be notified of it.
        if self.env.context.get(KEY) is None:
            return super()._message_log(**message)
        logging = self.with_context(**{LOGGING: True})
        return super(MailThread, logging)._message_log(**message)

    def _message_create(self, values_list):
        gathered = self.env.context.get(KEY)
        # A caller's context may have anything by that name.
        if not self.env.context.get(LOGGING) or not isinstance(gathered, Gathered):
            return super()._message_create(values_list)
        gathered.values += values_list
        return self.env["mail.message"]
