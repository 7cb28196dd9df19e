from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError

from ..core.exceptions import SyncError
from ..core.taxonomy import ErrorType


class SyncEntityPurchaseOrder(models.AbstractModel):
    """An order changes its state by the steps that a person would take. Odoo, or an
    addon, may decline one: it raises, returns a pop-up, or does nothing."""

    _inherit = "sync.entity.purchase_order"

    @api.model
    def _move_to(self, order, state, directory):
        """Take an order to a state of the pharmacy's, as far as Odoo lets it: whether
        it is reached shows when the order is read back. What Odoo says is kept in
        ``directory``."""
        if state == self._state_of(order):
            return
        try:
            with order.env.cr.savepoint():
                said = self._take_steps(order, state)
        except UserError as exc:
            said = str(exc)
        if said and state != self._state_of(order):
            directory.said.setdefault(order.id, {})["state"] = said

    @api.model
    def _state_of(self, order):
        """The order's state as the pharmacy calls it; None for one of another addon."""
        (choice,) = (c for c in self._known_converters() if c.key == "state")
        return choice.known(order.state)

    @api.model
    def _take_steps(self, order, state):
        """:return: what Odoo said to the last step; empty if it said nothing"""
        said = None
        if order.state == "cancel" or (order.state == "purchase" and state == "draft"):
            if order.state == "purchase":
                order.button_cancel()
            said = order.button_draft()
        if state in ("sent", "awaiting_approval"):
            order.state = "sent" if state == "sent" else "to approve"
        elif state == "confirmed":
            # Odoo's approval of purchases is for its own users; here the state must not
            # depend on the user that carries it over.
            order = order.with_user(SUPERUSER_ID)
            if order.state == "to approve":
                said = order.button_approve()
            else:
                said = order.button_confirm()
        elif state == "cancelled":
            said = order.button_cancel()
        return _text_of(said)

    @api.model
    def _delete(self, record):
        """:raises SyncError: the order stays, or Odoo does not cancel it"""
        self._check_deletion(record)
        if record.state == "cancel":
            return
        said = _text_of(record.button_cancel())
        if record.state != "cancel":
            raise SyncError(
                f"The pharmacy deleted {record.name}, which Odoo does not cancel. "
                f"{said}".strip(),
                error_type=ErrorType.BUSINESS_RULE_VIOLATION,
                record=f"purchase_order/{record.name}",
                field="state",
            )


def _text_of(action):
    """What a button says with the action that it returns: its title, and the message
    of a notification."""
    if not isinstance(action, dict):
        return ""
    params = action.get("params")
    params = params if isinstance(params, dict) else {}
    parts = [action.get("name"), params.get("title"), params.get("message")]
    return ": ".join(dict.fromkeys(str(part) for part in parts if part))
