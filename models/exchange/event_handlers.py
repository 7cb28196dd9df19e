from odoo import api, models
from odoo.tools import SQL

from ...core.routing import Route
from ..event.sync_event import CHANGES

# Events that a person is told of, and those that an alert may come of, which tells.
TOLD = ("conflict_opened", "saga_completed", "saga_compensated")
ALERTING = ("dead_letter_*", "breaker_*", "saga_*")


class SyncEvent(models.Model):
    """What comes of events. A handler is a method of this model and a line in
    :meth:`_event_routes`."""

    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        """Who is told of which events: a tuple of :class:`...core.routing.Route`.

        Another addon adds a handler by extending this. Its method is called with a
        batch of events, oldest first, in the transaction that marks them delivered;
        what it writes is undone if it raises. It may get an event twice, and is not to
        talk to anyone outside the database: it has a job do that.
        """
        prefixes = (entity.prefix for entity in self._event_entities().values())
        changes = tuple(f"{prefix}_{kind}" for prefix in prefixes for kind in CHANGES)
        return (
            Route("sync", "_handle_sync", changes, priority=10),
            Route("cache", "_handle_cache", changes, priority=20),
            Route("audit", "_handle_audit", priority=30),
            Route("notification", "_handle_notification", TOLD, priority=40),
            Route("alert", "_handle_alert", ALERTING, priority=45),
            Route("metrics", "_handle_metrics", priority=50),
        )

    def _changed_by_stream(self):
        """``{stream: {res_id: correlation id}}`` of changes that are to travel."""
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
        """Have the cache forget what was changed, and is to travel by now: the echo of
        an arrival is not, and what arrived stays fresh."""
        for stream, changed in self._changed_by_stream().items():
            if stream._adapter()._entity_cached:
                self.env["sync.cache"]._invalidate_records(stream, list(changed))

    def _handle_audit(self):
        """Keep who changed what, for longer than events are kept."""
        self.env["sync.audit"]._append(self)

    def _handle_notification(self):
        """Tell the followers of the backend; many events of a kind are one note."""
        for (backend, kind), events in self.grouped(_kind).items():
            backend._note_events(kind, events)

    def _handle_metrics(self):
        """Count events by type and hour."""
        self.env.execute_query(
            SQL(
                """INSERT INTO sync_event_metric
                   (backend_id, type, hour, count, create_uid, write_uid,
                    create_date, write_date)
                   SELECT backend_id, type, date_trunc('hour', create_date), count(*),
                          %(uid)s, %(uid)s,
                          now() at time zone 'UTC', now() at time zone 'UTC'
                     FROM sync_event WHERE id = ANY(%(ids)s)
                    GROUP BY backend_id, type, date_trunc('hour', create_date)
                   ON CONFLICT (backend_id, type, hour)
                   DO UPDATE SET count = sync_event_metric.count + excluded.count
                   RETURNING id""",
                uid=self.env.uid,
                ids=self.ids,
            )
        )


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    def _note_events(self, kind, events):
        """Leave a note on the backend, and tell its followers who are logged in."""
        self.ensure_one()
        latest = events[-1]
        what = self.env["sync.event"]._type_name(kind)
        if len(events) > 1:
            what = self.env._("%(what)s, %(count)s times", what=what, count=len(events))
        record = self.env[latest.res_model].browse(latest.res_id).exists()
        parts = [what, record.display_name, latest.summary]
        text = ": ".join(dict.fromkeys(part.rstrip(".") for part in parts if part))
        self.message_post(
            body=self.env._(
                "%(text)s. Correlation id: %(id)s", text=text, id=latest.correlation_id
            ),
            subtype_xmlid="mail.mt_note",
        )
        responsible = record.user_id if "user_id" in record else self.env["res.users"]
        for partner in self.message_partner_ids | responsible.partner_id:
            partner._bus_send(
                "simple_notification",
                {"title": self.name, "message": text, "type": "warning"},
            )


def _kind(event):
    return event.backend_id, event.type
