"""The steps that create an order with a reservation: what each writes in Odoo, and what
it asks of the pharmacy app, such as the request for the reservation.
"""

from odoo import api, models

from ...core.exceptions import (
    DependencyMissingError,
    DuplicateOrderError,
    HttpError,
    InvalidDataError,
)
from ...entities.directory import Directory, unmapped
from ..base.own_transaction import apart

MISSING = 404
# States of a reservation that holds stock for the order.
ALIVE = ("held", "confirmed")


class SyncSaga(models.Model):
    """The creation of a purchase order: made in Odoo, its goods reserved at the
    pharmacy app, the reservation confirmed, the order acknowledged."""

    _inherit = "sync.saga"

    def _order_stream(self):
        return self.backend_id.stream_ids.filtered(
            lambda stream: stream.entity == "purchase_order"
        )

    def _reservation_request(self):
        """What to ask of the pharmacy app: its id of the order, and the lines.

        :raises DependencyMissingError: the app lacks the order or a product
        :raises InvalidDataError: the order has nothing to reserve
        """
        self.ensure_one()
        stream = self._order_stream()
        mapping = self.env["sync.mapping"].search(
            [("stream_id", "=", stream.id), ("res_id", "=", self.order_id.id)]
        )
        if not mapping.external_id:
            raise DependencyMissingError("order", self.order_id.name)
        directory = Directory(self.backend_id)
        data = stream._adapter()._serialise(self.order_id, directory)
        lines = [
            {"product_id": line["product_id"], "quantity": line["quantity"]}
            for line in data[self.order_id.id]["lines"]
            if float(line["quantity"]) > 0
        ]
        if missing := unmapped(lines):
            entity, res_id = min(missing)
            raise DependencyMissingError(entity, str(res_id))
        if not lines:
            raise InvalidDataError("The order has no goods to reserve.", field="lines")
        return mapping.external_id, lines

    def _reservation_id(self):
        """The reservation's id, where the saga has it on record."""
        return self.step_ids.filtered(lambda step: step.name == "reserve").external_id

    def _find_reservation(self, client):
        """The reservation, by its id or else by the saga's key; None if there is none.

        The answer with the id may have been lost: then the key finds it.
        """
        known = apart(self._reservation_id)
        if known:
            return {"id": known}
        return client.find_reservation(self.key, self.correlation_id)


class SyncSagaStep(models.Model):
    _inherit = "sync.saga.step"

    @api.model
    def _steps(self):
        return {
            **super()._steps(),
            "create": (self.env._("Create in Odoo"), self.env._("Cancel in Odoo")),
            "reserve": (self.env._("Reserve"), self.env._("Release")),
            "confirm": (self.env._("Confirm"), self.env._("Give Back")),
            "acknowledge": (self.env._("Acknowledge"), self.env._("Withdraw")),
        }

    def _reservations(self):
        return self.saga_id.backend_id._client("push", "order_sync")

    # -- Create in Odoo ---------------------------------------------------------------

    def _write_create(self, __):
        saga = self.saga_id
        if saga.order_id:
            return
        stream = saga._order_stream()
        record = saga.record
        if record.get("id"):
            (arrival,) = stream._apply([record], saga.correlation_id, True)
            if arrival.error:
                raise arrival.error
            saga.order_id = arrival.res_id
        else:
            directory = Directory(saga.backend_id)
            stream = stream.with_context(sync_correlation_id=saga.correlation_id)
            adapter = stream._adapter()
            data = stream._directions().taken(adapter._canonical(record, directory))
            saga.order_id = adapter._create(saga.backend_id, [data], directory)
        if not saga.order_id:
            raise InvalidDataError("The order is deleted.", field="id")

    def _write_undo_create(self, __):
        """The order stays, cancelled, and says why."""
        saga = self.saga_id
        order = saga.order_id.with_context(sync_correlation_id=saga.correlation_id)
        if not order.exists():
            return
        if order.state != "cancel":
            order.button_cancel()
        order.sync_failure = saga.error
        order.message_post(
            body=self.env._(
                "The pharmacy could not deliver: %s",
                self.env["sync.error"]._in_language(saga.error),
            )
        )

    # -- Reserve ----------------------------------------------------------------------

    def _call_reserve(self, action):
        saga = self.saga_id
        client = self._reservations()
        order_id, lines = apart(saga._reservation_request)
        found = action["again"] and saga._find_reservation(client)
        if not found:
            found = self._reserve(client, order_id, lines, action["again"])
        if found.get("state", "held") not in ALIVE:
            raise InvalidDataError(
                f"The reservation is {found['state']} already.", field="state"
            )
        return found

    def _reserve(self, client, order_id, lines, again):
        key, correlation_id = self.saga_id.key, self.saga_id.correlation_id
        try:
            return client.reserve(order_id, lines, key, correlation_id, retry=again)
        except DuplicateOrderError:
            return client.find_reservation(key, correlation_id)

    def _write_reserve(self, reservation):
        self.external_id = reservation["id"]

    def _call_undo_reserve(self, action):
        return self._release()

    def _release(self):
        """Give back what is reserved, if anything is."""
        saga = self.saga_id
        client = self._reservations()
        reservation = saga._find_reservation(client)
        if not reservation:
            return None
        try:
            return client.step_reservation(
                reservation["id"], "release", saga.correlation_id
            )
        except HttpError as exc:
            if exc.status == MISSING:
                return None
            raise

    def _write_undo_reserve(self, reservation):
        if reservation:
            self.external_id = reservation["id"]

    # -- Confirm ----------------------------------------------------------------------

    def _call_confirm(self, action):
        saga = self.saga_id
        # The step before this one has put it on record.
        reservation_id = apart(saga._reservation_id)
        return self._reservations().step_reservation(
            reservation_id, "confirm", saga.correlation_id
        )

    def _call_undo_confirm(self, action):
        return self._release()

    # -- Acknowledge ------------------------------------------------------------------

    def _write_acknowledge(self, __):
        saga = self.saga_id
        order = saga.order_id
        if not order.exists():
            raise InvalidDataError("The order was deleted.", field="order_id")
        if order.state == "cancel":
            raise InvalidDataError("The order was cancelled.", field="state")
        order.write({"acknowledged": True, "sync_failure": False})
        order.message_post(
            body=self.env._(
                "Reserved and confirmed by %(pharmacy)s: %(reservation)s",
                pharmacy=saga.backend_id.name,
                reservation=saga._reservation_id(),
            )
        )

    def _write_undo_acknowledge(self, __):
        self.saga_id.order_id.exists().acknowledged = False
