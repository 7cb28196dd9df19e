import uuid

from odoo import api, fields, models

from ...client import FAILURES
from ...client.abilities import capabilities, takes_batches, write_one

BATCH = "batch"


class SyncStream(models.Model):
    """What the app can do for an entity, and the road that is taken for it."""

    _inherit = "sync.stream"

    batch_found = fields.Boolean(
        "Takes Batches",
        default=True,
        readonly=True,
        copy=False,
        help="Whether the app takes many records in one call, as the connection test "
        "found it.",
    )
    batch_choice = fields.Selection(
        [
            ("found", "As the connection test found"),
            ("batch", "Many records in one call"),
            ("single", "Each record in a call of its own"),
        ],
        "Sends",
        default="found",
        required=True,
        help="How records are sent. One call for each record costs as many requests as "
        "there are records; nothing else changes: a record whose answer was lost is "
        "looked up before it is sent again.",
    )
    takes_batches = fields.Boolean("Batches in Use", compute="_compute_takes_batches")

    @api.depends("batch_found", "batch_choice")
    def _compute_takes_batches(self):
        for stream in self:
            choice = stream.batch_choice
            stream.takes_batches = choice == "batch" or (
                choice == "found" and stream.batch_found
            )

    def _largest_call(self):
        """How many records may be sent in one call; None: all of a batch."""
        return None if self.takes_batches else 1

    def _write_each(self, client, collection, items):
        """Have the app write each of these, in a batch or in calls of their own.

        :param items: with ``request``, ``correlation_id`` and ``retry``
        :return: a list of results, see :meth:`...client.PharmacyClient.batch`
        """
        if self.takes_batches:
            return client.batch(
                collection,
                [item.request for item in items],
                items[0].correlation_id,
                retry=any(item.retry for item in items),
            )
        return [
            write_one(client, collection, item.request, item.correlation_id, item.retry)
            for item in items
        ]


class SyncBackend(models.Model):
    """Finds out what the app can do."""

    _inherit = "sync.backend"

    def _find_abilities(self, client):
        """Ask the app what it can do; where it does not tell, try. What cannot be found
        stays as it was."""
        correlation_id = uuid.uuid4().hex
        streams = self.sudo().with_context(active_test=False).stream_ids
        try:
            told = capabilities(client, correlation_id)
            for stream in streams:
                collection = stream._adapter()._entity_collection
                found = (
                    takes_batches(client, collection, correlation_id)
                    if told is None
                    else BATCH in told
                )
                if stream.batch_found != found:
                    stream.batch_found = found
        except FAILURES:
            # The test says of reading that it works; of this the next one tells.
            return
