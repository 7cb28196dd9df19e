from contextlib import nullcontext

from odoo import models

from .purchase_order import KEPT_OF_LINES

# What Odoo takes for a reason to set prices anew from the vendor's price list.
REASONS_OF_LINES = frozenset({"product_qty", "product_uom_id"})


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def write(self, vals):
        if "partner_id" not in vals:
            return super().write(vals)
        # Another vendor: the form shows the prices of its lines and their currency, and
        # sends them along.
        lines = self.order_line._sync_agreed()
        kept = [self._fields["currency_id"]]
        with lines._sync_keeping(), self.env.protecting(kept, lines.order_id):
            return super().write(vals)


class PurchaseOrderLine(models.Model):
    """An agreed price changes only when somebody changes it. Odoo computes it anew from
    the vendor's price list where a quantity or a unit is written without it; a person
    at the form sees that, and sends it; over RPC nobody does."""

    _inherit = "purchase.order.line"

    def write(self, vals):
        if REASONS_OF_LINES.isdisjoint(vals) or "price_unit" in vals:
            return super().write(vals)
        lines = self - self.env.protected(self._fields["price_unit"])
        with lines._sync_agreed()._sync_keeping():
            return super().write(vals)

    def _sync_agreed(self):
        """Those of the lines that the pharmacy has as well."""
        orders = self.order_id._origin
        mappings = (
            self.env["sync.mapping"]
            .sudo()
            .search_fetch(
                [
                    ("res_model", "=", orders._name),
                    ("res_id", "in", orders.ids),
                    ("external_id", "!=", False),
                    ("deleted", "=", False),
                ],
                ["res_id", "base"],
            )
        )
        agreed = {
            (mapping.res_id, line["key"])
            for mapping in mappings
            for line in (mapping.base or {}).get("lines") or ()
        }
        lines_of = self.env["sync.entity.purchase_order"]._lines_of
        keys = {
            line.id: (order.id, key)
            for order in orders
            for key, line in lines_of(order).items()
        }
        return self.filtered(lambda line: keys.get(line._origin.id) in agreed)

    def _sync_keeping(self):
        """What Odoo computes of these lines anew stays as it is meanwhile, and so does
        their orders' expected date, which it takes from them."""
        if not self:
            return nullcontext()
        orders = self.order_id
        kept = [self._fields[name] for name in KEPT_OF_LINES]
        date = [orders._fields["date_planned"]]
        return self.env.protecting([(kept, self), (date, orders)])
