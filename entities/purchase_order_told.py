"""What a pharmacy wants to know after it has ordered, and only Odoo can say: what was
received and billed, what is still to come and when, which lots came, and what the
vendor calls a product. Each is offered where the addon is there that knows it."""

from odoo import api, models
from odoo.tools import LazyTranslate, float_compare

from ..core.check.payload import canonical_datetime
from .converters import DECIMALS, Converter
from .further import Told, ToldChoice, ToldFigure, ToldMoment, rounded

_lt = LazyTranslate(__name__)


class Open(ToldFigure):
    """What of a line is not received yet; nothing where more came than was ordered."""

    uses = ("product_qty",)

    def to_json(self, record, directory):
        return rounded(max(record.product_qty - record.qty_received, 0))


class NextReceipt(ToldMoment):
    """When what is still to come is expected: the earliest of the planned receipts,
    back orders among them."""

    reads = (("stock.move", "date", "move_ids"), ("stock.move", "state", "move_ids"))

    def to_json(self, record, directory):
        dates = [
            move.date
            for move in record.sudo().move_ids
            if move.state not in ("done", "cancel") and not _goes_back(move)
        ]
        return canonical_datetime(min(dates)) if dates else self.empty


class Lots(Told, Converter):
    """The lots that came, what was sent back not counted: a list of objects with
    ``lot``, ``quantity`` in the line's unit and, where lots have dates,
    ``expires_at``."""

    kind = "lots"
    empty = []

    def __init__(self, key, field, dated, title):
        super().__init__(key, field, title=title)
        expiry = (("stock.lot", "expiration_date", "move_ids.move_line_ids.lot_id"),)
        name = (("stock.lot", "name", "move_ids.move_line_ids.lot_id"),)
        self.reads = name + expiry if dated else name
        self.dated = dated

    def unset(self):
        return self.empty

    def canonical(self, value, directory):
        return value if isinstance(value, list) else self.empty

    def _check_bounds(self, canonical):
        """What the app answers is not Odoo's."""

    def to_json(self, record, directory):
        found = {}
        line = record.sudo()
        for move in line.move_ids:
            sign = -1 if _goes_back(move) else 1
            for part in move.move_line_ids if move.state == "done" else ():
                if part.lot_id:
                    came = part.product_uom_id._compute_quantity(
                        part.quantity, line.product_uom_id, round=False
                    )
                    found[part.lot_id] = found.get(part.lot_id, 0) + sign * came
        lots = sorted(found, key=lambda lot: (lot.name, lot.id))
        came = (lot for lot in lots if float_compare(found[lot], 0, DECIMALS) > 0)
        return [self._said(lot, found[lot]) for lot in came]

    def _said(self, lot, quantity):
        said = {"lot": lot.name, "quantity": rounded(quantity)}
        if self.dated:
            ends = lot.expiration_date
            said["expires_at"] = canonical_datetime(ends) if ends else None
        return said

    def held(self, value, model):
        return value

    def to_text(self, value, model, directory):
        if not isinstance(value, list):
            return ""
        return ", ".join(
            " ".join(str(part) for part in lot.values() if part)
            for lot in value
            if isinstance(lot, dict)
        )


class VendorCode(Told, Converter):
    """What the order's vendor calls the product: of the price list's rows the first
    that says it, one of the very product before one of all its variants."""

    reads = (
        ("product.supplierinfo", "product_code", "product_id.seller_ids"),
        ("product.supplierinfo", "partner_id", "product_id.seller_ids"),
    )

    def to_json(self, record, directory):
        line = record.sudo()
        vendor = line.order_id.partner_id
        vendors = vendor | vendor.commercial_partner_id
        rows = line.product_id.seller_ids.filtered(
            lambda row: (
                row.product_code
                and row.partner_id in vendors
                and row.product_id in (line.product_id, row.product_id.browse())
                and row.company_id in (line.company_id, row.company_id.browse())
            )
        )
        return rows.sorted(lambda row: not row.product_id)[:1].product_code or ""


def _goes_back(move):
    """Whether it is goods that are sent back to the vendor."""
    return move.location_dest_id.usage == "supplier"


class SyncEntityPurchaseOrder(models.AbstractModel):
    _inherit = "sync.entity.purchase_order"

    @api.model
    def _offered(self):
        order, line = self.env["purchase.order"], self.env["purchase.order.line"]
        own = [self._told_choice(order, "billing_status", "invoice_status")]
        of_lines = [
            ToldFigure("received", "qty_received", title=_lt("Received quantity")),
            ToldFigure("billed", "qty_invoiced", title=_lt("Billed quantity")),
            Open("open", "qty_received", title=_lt("Quantity still to come")),
            VendorCode("vendor_code", "product_id", title=_lt("Vendor's code")),
        ]
        if "receipt_status" in order._fields:
            own += [
                self._told_choice(order, "receipt_status", "receipt_status"),
                ToldMoment("received_at", "effective_date", title=_lt("Received on")),
            ]
        if "move_ids" in line._fields:
            dated = "expiration_date" in self.env["stock.lot"]._fields
            of_lines += [
                NextReceipt("next_receipt_at", "move_ids", title=_lt("Next receipt")),
                Lots("lots", "move_ids", dated, _lt("Lots received")),
            ]
        return tuple(own), tuple(of_lines)

    @api.model
    def _told_choice(self, model, key, name):
        values = model._fields[name].get_values(self.env)
        titles = {
            "billing_status": _lt("Billing"),
            "receipt_status": _lt("Receipt"),
        }
        return ToldChoice(key, name, [(v, v) for v in values], title=titles[key])
