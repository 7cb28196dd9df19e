import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...client import FAILURES
from ...models.base.actions import open_record


class SyncLink(models.TransientModel):
    """Asks which Odoo record is which pharmacy record."""

    _name = "sync.link"
    _inherit = ["sync.bounded"]
    _description = "Link Records by Hand"

    stream_id = fields.Many2one("sync.stream", required=True)
    external_id = fields.Char(
        "Pharmacy Id",
        required=True,
        help="What the pharmacy app calls its record, as the linked record or the "
        "failed change shows it.",
    )
    record = fields.Reference(
        selection="_select_record",
        string="Odoo Record",
        required=True,
        help="The record in Odoo that is the same thing. What is empty on one side "
        "is filled from the other; values that differ become a conflict.",
    )

    @api.model
    def _select_record(self):
        adapters = self.env["sync.entity"]._entities().values()
        return [(a._entity_model, self.env._(a._entity_title)) for a in adapters]

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if self.env.context.get("active_model") == "sync.mapping":
            mapping = self.env["sync.mapping"].browse(self.env.context["active_id"])
            values.update(
                stream_id=mapping.stream_id.id, external_id=mapping.external_id
            )
            if mapping.res_id and not mapping.external_id:
                values["record"] = f"{mapping.res_model},{mapping.res_id}"
        return values

    def action_link(self):
        """Link the two, and compare them.

        :raises UserError: they cannot be linked; it says why
        """
        self.ensure_one()
        Mapping = self.env["sync.mapping"]
        Mapping._check_manager()
        stream, record = self.stream_id.sudo(), self.record
        if record._name != stream.res_model:
            raise UserError(
                self.env._(
                    "Choose one of: %s.",
                    self.env._(stream._adapter()._entity_title),
                )
            )
        correlation_id = uuid.uuid4().hex
        # Asked before anything is written.
        data = self._ask_pharmacy(stream, correlation_id)
        mapping = Mapping._link_by_hand(stream, record, data, correlation_id)
        stream.backend_id._schedule_push()
        return open_record(mapping)

    def _ask_pharmacy(self, stream, correlation_id):
        adapter = stream._adapter()
        client = stream.backend_id._client("pull", adapter._entity_pool)
        try:
            data = client.get(
                adapter._entity_collection, self.external_id.strip(), correlation_id
            )
        except FAILURES as exc:
            Error = self.env["sync.error"]
            error = Error._classify(exc, stream.backend_id)
            raise UserError(
                self.env._(
                    "The pharmacy app did not return %(id)s. %(why)s\n"
                    "Correlation id: %(correlation_id)s",
                    id=self.external_id,
                    why=Error._explain(error),
                    correlation_id=correlation_id,
                )
            ) from exc
        if data.get("deleted"):
            raise UserError(
                self.env._("The pharmacy has deleted %s.", self.external_id)
            )
        return data
