from odoo import api, models

from ...core.api.methods import ORDER, SAGA
from ...core.check.envelope import check_record
from ...core.check.text_checks import check_id
from ...core.exceptions import InvalidDataError
from ...entities.directory import Directory


class SyncApi(models.AbstractModel):
    """Purchase orders as sagas: begun, and looked after."""

    _inherit = "sync.api"

    @api.model
    def _methods(self):
        return {**super()._methods(), ORDER: self._start_order, SAGA: self._saga}

    @api.model
    def order(self, record, idempotency_key, correlation_id=None):
        """Create a purchase order with a reservation of its goods, as a saga: created
        in Odoo, reserved and confirmed at the app, acknowledged; or, if one of these
        fails, all taken back and the order cancelled.

        :param dict record: the order as for :meth:`push`; without an ``id`` Odoo
            sends it to the app first
        :param str idempotency_key: the same key with the same record gets the same
            saga for seven days, and how it stands by then; with another record an error
        :return: see :meth:`saga`
        """
        return self._answer(ORDER, record, idempotency_key, correlation_id)

    @api.model
    def saga(self, saga, correlation_id=None):
        """How a saga stands.

        :param int saga: its number, as :meth:`order` returned it
        :return: ``{success, saga, state, odoo_id, order, steps, error}``; ``state`` is
            pending, running, completed, compensating, compensated or needs_attention.
            Once it has failed ``success`` is false and ``error`` says of what, such as
            ``insufficient_stock``
        """
        return self._answer(SAGA, saga, correlation_id)

    def _start_order(self, backend, correlation_id, record, idempotency_key):
        stream = self._stream(backend, "purchase_order")
        check_record(record)
        if record.get("id"):
            check_id(record["id"], "id")
        entered = backend.env["sync.request"]._enter(
            backend, idempotency_key, ["order", record]
        )
        if entered.answer:
            return self._saga(backend, correlation_id, entered.answer["saga"])
        # What cannot be an order is refused at once.
        adapter = stream._adapter()
        warnings = stream._warnings_of_unknown(record, adapter)
        adapter._canonical(record, Directory(backend))
        saga = backend.env["sync.saga"]._start(
            backend, correlation_id=correlation_id, record=record
        )
        entered.answer = {"saga": saga.id}
        return {**saga._as_answer(), "warnings": warnings}

    def _saga(self, backend, correlation_id, saga):
        found = backend.env["sync.saga"].search(
            [("id", "=", saga), ("backend_id", "=", backend.id)]
        )
        if not found:
            raise InvalidDataError("saga must be a saga of this backend", field="saga")
        return {**found._as_answer(), "warnings": []}
