from odoo import api, models

from ...core.event.routing import Route


class SyncEvent(models.Model):
    """What comes of changes: they are pushed, and the cache forgets."""

    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        changes = self._change_types()
        return (
            *super()._event_routes(),
            Route("sync", "_handle_sync", changes, priority=10),
            Route("cache", "_handle_cache", changes, priority=20),
        )

    def _changed_by_stream(self):
        """``{stream: {res_id: correlation id}}`` of changes that must travel."""
        found = {}
        for event in self:
            # The latest correlation id is the one that the push will carry.
            found.setdefault(event.stream_id, {})[event.res_id] = event.correlation_id
        found.pop(self.env["sync.stream"], None)
        return found

    def _handle_sync(self):
        """Make the operations that carry the changes to the pharmacy app.

        Events of many edits of one record end in one push of its last state; an event
        whose record still equals what both sides agreed on ends here, which is where
        the echo of an applied change stops.
        """
        for stream, changed in self._changed_by_stream().items():
            self.env["sync.operation"]._request_push(stream, changed)

    def _handle_cache(self):
        """Have the cache forget what was changed and must travel. The echo of an
        arrival does not travel: what arrived stays fresh."""
        for stream, changed in self._changed_by_stream().items():
            if stream._adapter()._entity_cached:
                self.env["sync.cache"]._invalidate_records(stream, list(changed))

    def _handler_lost(self, handler, error):
        result = super()._handler_lost(handler, error)
        if handler == "sync":
            # Nothing will be sent of these by itself: a failed change says so.
            Operation = self.env["sync.operation"]
            for stream, changed in self._changed_by_stream().items():
                Operation._refuse_push(stream, changed, error)
        return result
