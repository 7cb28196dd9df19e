from odoo import api, fields, models
from odoo.tools import SQL

from ...core.exceptions import WorkerDiedError
from ...entities.neutral import neutral
from ..base.locks import SUSPECTS
from ..base.own_transaction import apart, in_turn
from ..error.sync_suspect import out_key, parts


class SyncEvent(models.Model):
    """Events of a record that a worker may die of are delivered apart from all others,
    one record and one handler after the other, so that it is known at which one the
    worker died. That handler does not get them; the others do."""

    _inherit = "sync.event"

    @api.model
    def _leave_suspects(self, backend, events, waiting):
        """Leave out what a worker may die of, and mark what is about to be delivered.

        :param waiting: deliveries
        :return: events and deliveries that are left
        """
        keys = [_key(record) for record in (*events, *waiting)]
        suspects = self.env["sync.marker"]._begin(backend, keys, "events")
        return tuple(
            some.filtered(lambda record: _key(record) not in suspects)
            for some in (events, waiting)
        )

    @api.model
    def _deliver_suspects(self, backend, deadly, time):
        """Deliver what is pending of suspected records, singly.

        :param deadly: whether of those alone with which a worker has died already
        :param time: when to hand over to the next job
        :return: whether all were delivered; else another job is at them, or will be
        """
        deliver = neutral(self, backend)._deliver_suspect
        lock = (SUSPECTS, backend.id)
        for key in apart(self._suspected, backend, deadly, read_committed=True):
            if time.expired:
                return False
            if not in_turn(deliver, backend, key, lock=lock, wait=False):
                return False
        return True

    @api.model
    def _suspected(self, backend, deadly):
        """Keys of suspected records of which events are due now."""
        self.env["sync.marker"]._take_stock(backend)
        rows = self.env.execute_query(
            SQL(
                """SELECT s.key FROM sync_suspect s
                    WHERE s.backend_id = %(backend)s
                      AND (s.deaths > 0) = %(deadly)s AND (EXISTS (
                        SELECT 1 FROM sync_event e
                         WHERE e.backend_id = s.backend_id AND e.state = 'pending'
                           AND s.key = 'out ' || e.res_model || ' ' || e.res_id)
                     OR EXISTS (
                        SELECT 1 FROM sync_event_delivery d
                         WHERE d.backend_id = s.backend_id AND d.state = 'waiting'
                           AND coalesce(d.eta, %(now)s) <= %(now)s
                           AND s.key = 'out ' || d.res_model || ' ' || d.res_id))
                    ORDER BY s.deaths, s.id""",
                backend=backend.id,
                deadly=deadly,
                now=fields.Datetime.now(),
            )
        )
        return [key for (key,) in rows]

    @api.model
    def _deliver_suspect(self, backend, key):
        """Deliver what is pending of one record, or give up the handler at which the
        worker died."""
        suspect = self.env["sync.suspect"]._find(backend, key)
        __, res_model, res_id = parts(key)
        record = [
            ("backend_id", "=", backend.id),
            ("res_model", "=", res_model),
            ("res_id", "=", int(res_id)),
        ]
        events = self.search([*record, ("state", "=", "pending")], order="id")
        Delivery = self.env["sync.event.delivery"]
        waiting = Delivery.search([*record, ("state", "=", "waiting")])
        route = self._route_named(suspect.step)
        if suspect._is_guilty() and route:
            Delivery._give_up(route, events, waiting, suspect)
            return True
        Marker = self.env["sync.marker"]
        Marker._begin_alone(backend, key, "events")
        for handler, deliveries in waiting.grouped("handler").items():
            Marker._go_on(handler)
            Delivery._retry_due(deliveries.sorted(lambda d: d.event_id.id))
        known = events._reject_unknown()
        for route, routed in known._route():
            Marker._go_on(route.handler)
            Delivery._process(route, routed._not_yet(route.handler))
        known._mark("done")
        Delivery._schedule(backend)
        # A push of it that is in the queue may still be what the worker dies of.
        if suspect.step != "push":
            suspect.unlink()
        return True

    @api.model
    def _route_named(self, handler):
        routes = self._event_routes()
        return next((route for route in routes if route.handler == handler), None)

    def _not_yet(self, handler):
        """Those that the handler has not been given yet."""
        given = self.delivery_ids.filtered(lambda d: d.handler == handler)
        return self - given.event_id

    def _handler_lost(self, handler, error):
        """A handler will not get these events. Rooms above add what follows.

        :param error: what they were given up with
        """


class SyncEventDelivery(models.Model):
    _inherit = "sync.event.delivery"

    @api.model
    def _give_up(self, route, events, waiting, suspect):
        """The handler at which the worker died does not get the events of a record."""
        handler, Error = route.handler, self.env["sync.error"]
        exception = WorkerDiedError(
            f"The worker died {suspect.deaths} times while it gave events of this "
            f"record alone to their handler {handler}."
        )
        lost = waiting.filtered(lambda delivery: delivery.handler == handler)
        routed = dict(events._route()).get(route, events.browse())
        lost |= self._hold(route, routed._not_yet(handler))
        classification = Error._classify(exception, suspect.backend_id)
        for delivery in lost:
            error = delivery.event_id._record_error(classification, exception, handler)
            delivery.write(
                {
                    "state": "failed",
                    "eta": False,
                    "attempts": delivery.attempts + 1,
                    "message": classification.message,
                    "error_id": error.id,
                }
            )
        lost._show_on_mappings()
        lost.event_id._handler_lost(handler, exception)
        suspect._given_up()


def _key(record):
    return out_key(record.res_model, record.res_id)
