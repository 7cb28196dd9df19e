from odoo import SUPERUSER_ID, api, models
from odoo.tools import SQL

from ...core.event.routing import Route
from ..base.own_transaction import apart
from ..base.sync_config import shift
from .sync_event import CHANGES

# Priority of the handler that notifies people, wherever its events come from.
NOTIFY = 40
# Events that the recovery delivers at once.
RECOVER_LIMIT = 100


class SyncEvent(models.Model):
    """Which handlers there are. A handler is a method of this model and a line in
    :meth:`_event_routes`."""

    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        """Which handler gets which events, as :class:`...core.event.routing.Route`.

        Each room adds the handlers of its own, and another addon adds one by extending
        this. Its method is called with a batch of events, oldest first, in the
        transaction that marks them delivered; what it writes is undone if it raises.
        It may get an event twice, and must not call anything outside the database: it
        has a job do that.
        """
        return (
            Route("audit", "_handle_audit", priority=30),
            Route("metrics", "_handle_metrics", priority=50),
        )

    @api.model
    def _change_types(self):
        """Types of the events that say what changed of a synchronised record."""
        return tuple(
            f"{entity.prefix}_{kind}"
            for entity in self._event_entities().values()
            for kind in entity.kinds
            if kind in CHANGES
        )

    def _handle_audit(self):
        """Keep an audit of changes, for longer than events are kept."""
        self.env["sync.audit"]._append(self)

    def _handle_notification(self):
        """Notify the followers of the backend; many events of a kind are one note."""
        for (backend, kind), events in self.grouped(_kind).items():
            if backend:
                backend._note_events(kind, events)

    def _handle_metrics(self):
        """Count events of backends by type and hour."""
        self.env.execute_query(
            SQL(
                """INSERT INTO sync_event_metric
                   (backend_id, type, hour, count, create_uid, write_uid,
                    create_date, write_date)
                   SELECT backend_id, type, date_trunc('hour', create_date), count(*),
                          %(uid)s, %(uid)s,
                          now() at time zone 'UTC', now() at time zone 'UTC'
                     FROM sync_event
                    WHERE id = ANY(%(ids)s) AND backend_id IS NOT NULL
                    GROUP BY backend_id, type, date_trunc('hour', create_date)
                   ON CONFLICT (backend_id, type, hour)
                   DO UPDATE SET count = sync_event_metric.count + excluded.count
                   RETURNING id""",
                uid=self.env.uid,
                ids=self.ids,
            )
        )

    @api.model
    def _schedule_delivery(self, owners, eta=None):
        """Have the job runner deliver events.

        :param owners: backends; or companies, for what has no backend
        :param eta: not before this datetime (UTC); falsy: at once
        """
        if owners._name == "sync.backend":
            owners._schedule_events(eta)
            return
        ((xid,),) = self.env.execute_query(SQL("SELECT pg_current_xact_id()::text"))
        for company in owners:
            key = f"pharmacy_sync events of company {company.id} {eta or xid}"
            self.browse().with_user(SUPERUSER_ID).with_delay(
                eta=eta or None,
                identity_key=key,
                description=self.env._("Events of %s", company.name),
            )._job_deliver(company)

    def _job_deliver(self, company):
        """Job: give events that have no backend to their handlers."""
        with self.env["sync.error"]._watch_over("event job"):
            time = shift()
            while self._deliver_in_turn(company):
                if time.expired:
                    apart(self._schedule_delivery, company)
                    return

    @api.model
    def _recover(self):
        """Deliver what is left of events, whose job is gone or was never made. One
        owner in trouble keeps those of no other."""
        time = shift()
        backends = self.env["sync.backend"].search([("active", "=", True)])
        for owner in (*backends, *self._owning_companies()):
            backend = owner if owner._name == "sync.backend" else None
            with self.env["sync.error"]._watch_one("recovery", backend):
                while self._deliver_in_turn(owner, RECOVER_LIMIT) and not time.expired:
                    pass

    @api.model
    def _owning_companies(self):
        """Companies with events without a backend that are not delivered."""
        none = [("backend_id", "=", False)]
        found = self._read_group([*none, ("state", "=", "pending")], ["company_id"])
        waiting = self.env["sync.event.delivery"].search(
            [*none, ("state", "=", "waiting")]
        )
        return waiting.company_id.union(*(company for (company,) in found))


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    def _schedule_events(self, eta=None):
        """Have the job runner deliver events.

        :param eta: not before this datetime (UTC); falsy: at once
        """
        ((xid,),) = self.env.execute_query(SQL("SELECT pg_current_xact_id()::text"))
        for backend in self.filtered("active"):
            key = f"pharmacy_sync events {backend.id} {eta or xid}"
            backend._as_runner().with_delay(
                eta=eta or None,
                identity_key=key,
                description=self.env._("Events of %s", backend.name),
            )._job_events()

    def _job_events(self):
        """Job: give events to their handlers."""
        self.ensure_one()
        with self.env["sync.error"]._watch_over("event job", self):
            self._take_place()
            self._deliver_events(shift())

    def _deliver_events(self, time):
        """Give events to their handlers until none is left, or ``time`` is over: then
        the next job goes on."""
        while self.env["sync.event"]._deliver_in_turn(self):
            if time.expired:
                apart(self._schedule_events)
                return

    def _note_events(self, kind, events):
        """Leave a note on the backend, and notify its followers who are logged in."""
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


class SyncError(models.Model):
    _inherit = "sync.error"

    @api.model
    def _name_work(self, work):
        about, __, handler = (work or "").partition(" ")
        if about == "event":
            return self.env._("Event handler: %s", handler)
        return super()._name_work(work)


def _kind(event):
    return event.backend_id, event.type
