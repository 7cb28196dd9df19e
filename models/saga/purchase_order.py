"""The button and the fields of a purchase order whose goods are reserved; the request
itself is in ``order_reservation.py``.
"""

from odoo import fields, models
from odoo.exceptions import UserError

from ...entities.neutral import neutral
from ...entities.sentence import Sentence
from ..base.actions import open_record, open_records
from ..base.rights import MANAGER, check_may
from .sync_saga import ACTIVE


class PurchaseOrder(models.Model):
    """A purchase order whose goods are reserved at the pharmacy."""

    _inherit = "purchase.order"

    sync_saga_ids = fields.One2many(
        "sync.saga", "order_id", "Reservations", groups="pharmacy_sync.group_user"
    )
    sync_saga_state = fields.Selection(
        related="sync_saga_ids.state",
        string="Reservation",
        groups="pharmacy_sync.group_user",
    )
    sync_failure = Sentence(
        "Pharmacy Could Not Deliver",
        readonly=True,
        copy=False,
        help="Why the order was cancelled: the pharmacy could not reserve its goods.",
    )

    def action_sync_reserve(self):
        """Reserve the goods at the pharmacy, and confirm; if that fails the order is
        cancelled."""
        self.ensure_one()
        check_may(
            self,
            MANAGER,
            self.env._("Only managers may reserve goods at the pharmacy."),
        )
        self.check_access("write")
        if self.state == "cancel":
            raise UserError(self.env._("A cancelled order cannot be reserved."))
        if self.sudo().sync_saga_ids.filtered(lambda s: s.state in ACTIVE):
            raise UserError(self.env._("The order is being reserved already."))
        backend = self._reserving_backend()
        self.env["sync.saga"].sudo()._start(backend, order_id=self.id)
        return self.action_view_sync_sagas()

    def _reserving_backend(self):
        """The backend at which the order is, or else one that it can be sent to.

        :raises UserError: there is none, or it is paused
        """
        backends = neutral(self.env["sync.backend"].sudo()).search(
            [("company_id", "=", self.company_id.id)]
        )
        if not backends:
            raise UserError(
                self.env._("No pharmacy is connected to %s.", self.company_id.name)
            )
        mappings = backends.env["sync.mapping"].search(
            [
                ("res_model", "=", self._name),
                ("res_id", "=", self.id),
                ("backend_id", "in", backends.ids),
                ("external_id", "!=", False),
            ]
        )
        linked = mappings.backend_id or backends.filtered(self._is_sent_to)
        if not linked:
            raise UserError(
                self.env._(
                    "The order is at no pharmacy, and is sent to none: see which "
                    "records belong there."
                )
            )
        running = linked.filtered(lambda backend: not backend._rests())
        if not running:
            raise UserError(
                self.env._(
                    "%s is paused: nothing is reserved there. Resume it first.",
                    linked[:1].name,
                )
            )
        return running[:1]

    def _is_sent_to(self, backend):
        """Whether the order goes to a backend that does not have it yet."""
        stream = backend.stream_ids.filtered(lambda s: s.res_model == self._name)
        return bool(stream.pushes and stream._belonging(self.sudo()))

    def action_view_sync_sagas(self):
        """Open the order's latest saga, with the others before it."""
        self.ensure_one()
        self.check_access("read")
        sagas = self.sync_saga_ids
        if len(sagas) == 1:
            return open_record(sagas)
        return open_records(self.env, "action_sync_saga", [("id", "in", sagas.ids)])
