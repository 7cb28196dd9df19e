import random
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.event.routing import routes_for
from ...core.exceptions import InvalidDataError
from ...core.retry.decision import After, Standing, next_attempt
from ...core.retry.moments import has_come
from ...entities.neutral import neutral
from ...entities.sentence import Sentence
from ..base.alone import alone
from ..base.locks import DELIVERY
from ..base.own_transaction import in_turn
from ..base.rights import OPERATOR, check_may
from ..base.sync_retry_policy import after
from .sync_event import owned, owned_rows

DISPATCH_LIMIT = 1000


class SyncEvent(models.Model):
    """How events get to their handlers.

    A batch of events is given to each handler as a whole, in a savepoint; a handler
    that fails gets its halves, until the event it fails at is alone. Only that one
    gets a row of its own (``sync.event.delivery``), and those of the same record that
    come after it: they wait behind it, for this handler alone.
    """

    _inherit = "sync.event"

    delivery_ids = fields.One2many("sync.event.delivery", "event_id", "Trouble")
    handlers = fields.Char(
        compute="_compute_handlers", help="Which handlers get it, in this order."
    )
    in_trouble = fields.Boolean(
        compute="_compute_in_trouble",
        help="A handler failed at it, or waits for another event of the record.",
    )

    @api.depends("type")
    def _compute_handlers(self):
        routes = self._event_routes()
        for event in self:
            found = routes_for(event.type, routes)
            event.handlers = ", ".join(route.handler for route in found)

    @api.depends("delivery_ids.state")
    def _compute_in_trouble(self):
        for event in self:
            event.in_trouble = bool(
                event.delivery_ids.filtered(lambda delivery: delivery.state != "done")
            )

    @api.model
    def _deliver_in_turn(self, owner, limit=DISPATCH_LIMIT):
        """:meth:`_deliver` in a transaction of its own, while no other worker delivers
        events of this owner: two would mix up their order."""
        if owner._name == "sync.backend":
            deliver, turn = neutral(self, owner)._deliver, owner.id
        else:
            lang = self.env["sync.backend"]._company_lang(owner)
            within = {"allowed_company_ids": owner.ids, "lang": lang}
            # Ids of companies are those of backends, too.
            deliver, turn = neutral(self, **within)._deliver, -owner.id
        return in_turn(deliver, owner, limit, lock=(DELIVERY, turn))

    @api.model
    def _deliver(self, owner, limit=DISPATCH_LIMIT):
        """Give pending events of an owner to their handlers.

        :param owner: a backend; or a company, for its events that have no backend
        :return: whether more are waiting
        """
        Delivery = self.env["sync.event.delivery"]
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM sync_event e
                    WHERE %s AND state = 'pending' AND NOT EXISTS (
                        SELECT 1 FROM sync_suspect s
                         WHERE s.backend_id = e.backend_id
                           AND s.key = 'out ' || e.res_model || ' ' || e.res_id)
                    ORDER BY id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED""",
                owned_rows(owner),
                limit,
            )
        )
        events = self.browse(row[0] for row in rows)
        waiting = Delivery._find_waiting(owner)
        if owner._name == "sync.backend":
            events, waiting = self._leave_suspects(owner, events, waiting)
        Delivery._retry_due(waiting)
        if events:
            known = events._reject_unknown()
            for route, routed in known._route():
                Delivery._process(route, routed)
            known._mark("done")
        Delivery._schedule(owner)
        return len(rows) == limit

    def _reject_unknown(self):
        """Put aside events that no installed addon can make sense of.

        :return: the others
        """
        types = self._event_types()
        known = self.filtered(lambda e: e.type in types and e.res_model in self.env)
        unknown = self - known
        if unknown:
            unknown._mark("rejected")
            Error = self.env["sync.error"]
            for event in unknown:
                exception = InvalidDataError(
                    f"No installed addon knows {event.type} of {event.res_model}.",
                    field="type",
                )
                classification = Error._classify(exception, event.backend_id)
                event._record_error(classification, exception, "validate")
        return known

    def _mark(self, state):
        self.env.execute_query(
            SQL(
                """UPDATE sync_event SET state = %s, write_date = %s, processed_at = %s
                    WHERE id = ANY(%s) RETURNING id""",
                state,
                fields.Datetime.now(),
                fields.Datetime.now(),
                self.ids,
            )
        )
        self.invalidate_recordset(["state", "processed_at"])

    def _route(self):
        """``[(route, its events, oldest first)]``, by the routes' priority."""
        routes = self._event_routes()
        by_type = {name: routes_for(name, routes) for name in set(self.mapped("type"))}
        found = {}
        for event in self.sorted("id"):
            for route in by_type[event.type]:
                found.setdefault(route, []).append(event.id)
        return [
            (route, self.browse(ids).with_prefetch(self.ids))
            for route, ids in sorted(found.items(), key=lambda item: item[0].priority)
        ]

    def _handle(self, route):
        """Call the route's handler.

        :return: what it failed with, and is undone, or None
        """
        with alone(self.env) as failure:
            getattr(self, route.method)()
        return failure.error

    def _record_error(self, classification, exception, handler):
        self.ensure_one()
        return self.env["sync.error"]._record_here(
            classification,
            exception,
            operation=f"event {handler}",
            backend_id=self.backend_id.id,
            company_id=self.company_id.id,
            correlation_id=self.correlation_id,
            context={
                "event": self.id,
                "type": self.type,
                "handler": handler,
                "model": self.res_model,
                "odoo_id": self.res_id,
            },
        )


class SyncEventDelivery(models.Model):
    """An event that a handler failed at, or that waits behind one. Those that were
    delivered at once, nearly all, have no such row."""

    _name = "sync.event.delivery"
    _description = "Event Delivery in Trouble"
    _order = "event_id.id, id"
    _rec_name = "handler"

    event_id = fields.Many2one(
        "sync.event", required=True, readonly=True, ondelete="cascade", index=True
    )
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="event_id.company_id")
    type = fields.Selection(related="event_id.type")
    handler = fields.Char(required=True, readonly=True)
    res_model = fields.Char("Model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    state = fields.Selection(
        [("waiting", "Waiting"), ("done", "Delivered"), ("failed", "Failed")],
        required=True,
        default="waiting",
        readonly=True,
        help="Waiting: for its next attempt, or behind an earlier event of its record.",
    )
    attempts = fields.Integer(
        readonly=True, help="0: it waits behind another event of the same record."
    )
    eta = fields.Datetime("Next Attempt", readonly=True)
    last_delay = fields.Float(readonly=True, help="Seconds last waited for.")
    message = Sentence(readonly=True, help="What the handler failed with last.")
    error_id = fields.Many2one(
        "sync.error", readonly=True, ondelete="set null", index="btree_not_null"
    )
    correlation_id = fields.Char(related="event_id.correlation_id")

    _event_uniq = models.Constraint(
        "UNIQUE(event_id, handler)", "A handler gets an event once."
    )
    _waiting_idx = models.Index("(backend_id, event_id) WHERE state = 'waiting'")
    _failed_idx = models.Index("(backend_id, handler) WHERE state = 'failed'")

    def action_retry(self):
        """Give failed or waiting events to their handlers again, now."""
        check_may(
            self, OPERATOR, self.env._("Only operators may deliver events again.")
        )
        again = self.sudo().filtered(lambda delivery: delivery.state != "done")
        again.write({"state": "waiting", "attempts": 0, "eta": False})
        again._show_on_mappings()
        for delivery in again:
            self.env["sync.event"]._schedule_delivery(delivery._owner())
        return True

    def _owner(self):
        """Whose event it is: a backend, or a company."""
        return self.backend_id or self.company_id

    @api.model
    def _process(self, route, events):
        """Give a batch of events to one handler; its failures are its own."""
        keys = set(events.mapped(_record))
        held = {
            _record(delivery)
            for delivery in self.search(
                [
                    ("backend_id", "in", events.backend_id.ids or [False]),
                    ("state", "=", "waiting"),
                    ("handler", "=", route.handler),
                ]
            )
        }
        self._try(route, events, held & keys)

    @api.model
    def _try(self, route, events, held):
        """:param held: records whose earlier events are waiting; grows"""
        behind = events.filtered(lambda event: _record(event) in held)
        self._hold(route, behind)._show_on_mappings()
        events -= behind
        if not events:
            return
        error = events._handle(route)
        if error and len(events) == 1:
            delivery = self._hold(route, events)
            delivery._fail(route, error)
            if delivery.state == "waiting":
                held.add(_record(events))
        elif error:
            half = len(events) // 2
            self._try(route, events[:half], held)
            self._try(route, events[half:], held)

    @api.model
    def _hold(self, route, events):
        return self.create(
            [
                {
                    "event_id": event.id,
                    "backend_id": event.backend_id.id,
                    "handler": route.handler,
                    "res_model": event.res_model,
                    "res_id": event.res_id,
                }
                for event in events
            ]
        )

    def _fail(self, route, exception):
        """An attempt failed: keep it as an error at once, and wait for the next or give
        up."""
        self.ensure_one()
        event = self.event_id
        classification = self.env["sync.error"]._classify(exception, self.backend_id)
        standing = Standing(self.attempts + 1, last_delay=self.last_delay or None)
        # Whatever a handler of another addon fails with may pass.
        found = next_attempt(None, route.policy, standing, random)
        error = self.error_id
        if not error or error.message != classification.message:
            error._resolve_recovered()
            error = event._record_error(classification, exception, route.handler)
        values = {
            "attempts": found.attempts,
            "message": classification.message,
            "error_id": error.id,
            "eta": False,
        }
        if found.state is After.DEAD:
            values["state"] = "failed"
        else:
            values.update(last_delay=found.seconds, eta=after(found.seconds))
        self.write(values)
        self._show_on_mappings()

    @api.model
    def _find_waiting(self, owner):
        return self.search(
            [*owned(owner), ("state", "=", "waiting")],
            # By the event's number; "event_id" alone would be its own order, backwards.
            order="event_id.id",
            limit=DISPATCH_LIMIT,
        )

    @api.model
    def _retry_due(self, waiting):
        """Try again what is due, record by record, up to the first that fails anew."""
        routes = self.env["sync.event"]._event_routes()
        now, clock, late = fields.Datetime.now(), self.env.cr.now(), False
        for (handler, *__), deliveries in waiting.grouped(_queue).items():
            for delivery in deliveries:
                if not has_come(delivery.eta, delivery.write_date, now, clock):
                    break
                route = next(
                    (
                        route
                        for route in routes_for(delivery.type, routes)
                        if route.handler == handler
                    ),
                    None,
                )
                delivery._try_again(route)
                if delivery.state == "waiting":
                    break
                late = late or delivery.state == "done"
        if late:
            # The push that the event called for has gone by without it.
            waiting.backend_id._schedule_push()

    def _try_again(self, route):
        """:param route: None if the addon that handled it is gone: nothing to do"""
        error = route and self.event_id._handle(route)
        if error:
            self._fail(route, error)
        else:
            self.write({"state": "done", "eta": False})
            self._show_on_mappings()
            self.error_id._resolve_recovered()

    @api.model
    def _schedule(self, owner):
        """A job for the moment at which the first one is due again."""
        first = self.search(
            [
                *owned(owner),
                ("state", "=", "waiting"),
                ("eta", "!=", False),
            ],
            order="eta",
            limit=1,
        )
        if first:
            eta = first.eta.replace(microsecond=0) + timedelta(seconds=1)
            self.env["sync.event"]._schedule_delivery(owner, eta)


def _record(row):
    return row.res_model, row.res_id


def _queue(delivery):
    return delivery.handler, delivery.res_model, delivery.res_id
