from odoo import api, fields, models
from odoo.exceptions import UserError

REFUSED_DOMAIN = "@refused.example"
REFUSED_ORDER = "REFUSED"
HELD = "HELD"
HIGHEST_PRICE = 1_000


class ResPartner(models.Model):
    """Changes one value, leaves one out without a word, and refuses one."""

    _inherit = "res.partner"

    def _as_the_house_wants(self, vals):
        if (vals.get("email") or "").endswith(REFUSED_DOMAIN):
            raise UserError(f"No mail goes to {REFUSED_DOMAIN}.")
        vals = {name: value for name, value in vals.items() if name != "street2"}
        if vals.get("city"):
            vals["city"] = vals["city"].upper()
        return vals

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._as_the_house_wants(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._as_the_house_wants(vals))


class PurchaseOrder(models.Model):
    """Writes twice, writes again in ``write``, refuses, and confirms not all."""

    _inherit = "purchase.order"

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get("origin") == REFUSED_ORDER for vals in vals_list):
            raise UserError("Such an order is refused.")
        return super().create(vals_list)

    def write(self, vals):
        if vals.get("origin") == REFUSED_ORDER:
            raise UserError("Such an order is refused.")
        result = super().write(vals)
        super().write(dict(vals))
        for order in self.filtered(lambda o: o.partner_ref != o.origin):
            order.partner_ref = order.origin
        if vals.get("date_planned"):
            moments = {order: order.date_planned for order in self}
            for order, moment in moments.items():
                noon = moment.replace(hour=12, minute=0, second=0)
                if moment != noon:
                    super(PurchaseOrder, order).write({"date_planned": noon})
        return result

    def button_confirm(self):
        if any(order.origin.startswith(HELD) for order in self if order.origin):
            raise UserError("It is held.")
        return super().button_confirm()


class ProductTemplate(models.Model):
    """Requires what the pharmacy knows nothing of, and refuses a value."""

    _inherit = "product.template"

    hazard = fields.Char("Hazard Class", required=True)

    def write(self, vals):
        if (vals.get("list_price") or 0) > HIGHEST_PRICE:
            raise UserError("The price is too high.")
        return super().write(vals)
