import requests

from odoo import api, fields, models, tools

from odoo.addons.pharmacy_sync.core.event.routing import Route
from odoo.addons.pharmacy_sync.core.exceptions import SyncError
from odoo.addons.pharmacy_sync.core.retry.policy import RetryPolicy

SEVERAL = RetryPolicy(max_attempts=3, base=1, cap=5)


class CarrierParcel(models.Model):
    """A parcel that is booked at a carrier, which has nothing to do with a pharmacy."""

    _name = "carrier.parcel"
    _description = "Parcel"

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    number = fields.Char(readonly=True, help="The carrier's.")
    notified = fields.Boolean("Buyer Notified", readonly=True)
    labels = fields.Integer(readonly=True)

    def action_book(self):
        """Book parcels, each by a job that tries again."""
        for parcel in self:
            self.env["sync.toolkit"].retry(parcel._book, policy=SEVERAL)
        return True

    def _book(self):
        toolkit = self.env["sync.toolkit"]
        with toolkit.guard("carrier", timeout=10) as call:
            answer = call.check(
                requests.post(
                    self._address(), json={"name": self.name}, timeout=call.timeout
                )
            )
        self.number = answer.json()["number"]
        toolkit.emit("parcel_booked", self, {"number": self.number})

    def action_print(self):
        """Print a label. Without one the parcel goes on, and people are notified."""
        toolkit = self.env["sync.toolkit"]
        try:
            with toolkit.guard("label printer", timeout=5) as call:
                call.check(requests.post(self._address(), timeout=call.timeout))
        except (requests.RequestException, SyncError) as exc:
            toolkit.record(exc, operation="print a label", record=self)
            if not toolkit.classify(exc).retryable:
                toolkit.alert("labels", "Labels cannot be printed", "high", self)
            return False
        toolkit.calm("labels", self)
        self.labels += 1
        return True

    def _address(self):
        return self.env["ir.config_parameter"].sudo().get_param("carrier.address")


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    @tools.ormcache()
    def _event_types(self):
        return super()._event_types() | {"parcel_booked"}

    @api.model
    def _event_routes(self):
        booked = Route("parcel", "_handle_parcel", ("parcel_booked",))
        return (*super()._event_routes(), booked)

    def _handle_parcel(self):
        self.env["carrier.parcel"].browse(self.mapped("res_id")).notified = True
