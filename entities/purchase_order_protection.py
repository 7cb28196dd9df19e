from odoo import api, models

from ..core import said
from ..core.conflict.protection import CONFIRMED, NEVER, PROCESSED, Stage, asked_at
from ..core.exceptions import SyncError
from ..core.taxonomy import ErrorType

ASKS = {
    # What arrives for         a person is asked when the order is
    "notes":                   NEVER,
    "expected_at":             NEVER,
    "reference":               NEVER,
    "supplier_id":             CONFIRMED,
    "currency":                CONFIRMED,
    "ordered_at":              CONFIRMED,
    "lines":                   CONFIRMED,
    "state: cancelled":        PROCESSED,
    "state":                   CONFIRMED,
}  # fmt: skip
"""By field; ``lines`` stands for lines that come or go and for all of their fields. A
deletion is a cancellation that nobody can be asked about: it fails where that would be
a conflict."""


class SyncEntityPurchaseOrder(models.AbstractModel):
    """Confirmed, received and billed orders are never altered silently."""

    _inherit = "sync.entity.purchase_order"

    @api.model
    def _stage(self, order):
        """How far an order is, a :class:`..core.conflict.protection.Stage`."""
        bills = order.invoice_ids.filtered(lambda move: move.state != "cancel")
        if bills or any(line.qty_invoiced for line in order.order_line):
            return Stage.BILLED
        if any(line.qty_received for line in order.order_line):
            return Stage.RECEIVED
        if order.locked:
            return Stage.LOCKED
        return Stage.CONFIRMED if order.state == "purchase" else Stage.OPEN

    @api.model
    def _asks(self, record, field, value):
        stages = asked_at(ASKS, field, value)
        # How far it is takes reading its lines and bills.
        return bool(stages) and self._stage(record) in stages

    @api.model
    def _asks_because(self, record):
        return {
            Stage.CONFIRMED: said.CONFIRMED,
            Stage.LOCKED: said.LOCKED,
            Stage.RECEIVED: said.RECEIVED,
            Stage.BILLED: said.BILLED,
        }.get(self._stage(record), "")

    @api.model
    def _is_processed(self, record):
        return self._stage(record) in (Stage.RECEIVED, Stage.BILLED)

    @api.model
    def _check_deletion(self, record):
        """:raises SyncError: the order stays, whatever the pharmacy deleted"""
        if self._asks(record, "state", "cancelled"):
            raise SyncError(
                f"The pharmacy deleted {record.name}, which stays: "
                f"{self._asks_because(record)}",
                error_type=ErrorType.ORDER_ALREADY_PROCESSED,
                record=f"purchase_order/{record.name}",
                field="state",
            )
