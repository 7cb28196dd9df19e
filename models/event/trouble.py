from odoo import fields, models

from ...core import said


class SyncEventDelivery(models.Model):
    """A record of which an event is not delivered is not in step: its mapping says
    so from the first failure on."""

    _inherit = "sync.event.delivery"

    def _show_on_mappings(self):
        """Have the mappings of these records say whether an event of theirs is in
        trouble."""
        for (backend, model), deliveries in self.grouped(_whose).items():
            mappings = self.env["sync.mapping"].search(
                [
                    ("backend_id", "=", backend.id),
                    ("res_model", "=", model),
                    ("res_id", "in", deliveries.mapped("res_id")),
                ]
            )
            troubled = self._read_group(
                [
                    ("backend_id", "=", backend.id),
                    ("res_model", "=", model),
                    ("res_id", "in", mappings.mapped("res_id")),
                    ("state", "!=", "done"),
                ],
                ["res_id"],
                ["state:array_agg"],
            )
            # "failed" comes before "waiting", and weighs more.
            worst = {res_id: min(states) for res_id, states in troubled}
            for mapping in mappings:
                mapping.event_trouble = worst.get(mapping.res_id, False)


class SyncError(models.Model):
    _inherit = "sync.error"

    def _resolve_recovered(self):
        """What failed with these went through, or fails with another by now."""
        self.filtered(lambda error: not error.resolved).write(
            {
                "resolved": True,
                "resolved_at": fields.Datetime.now(),
                "resolution": said.DELIVERED_LATER,
            }
        )


def _whose(delivery):
    return delivery.backend_id, delivery.res_model
