from odoo import api, models

from ..core.check.payload import exact_decimal
from .converters import percent_text


class SyncEntityPurchaseOrder(models.AbstractModel):
    """What decides the price of an order's lines and the pharmacy has no field for.

    Its prices are without taxes, and so is its total: taxes that are added to a price
    are each side's own. A discount, and a tax that the price includes, make another
    price of the same number.
    """

    _inherit = "sync.entity.purchase_order"

    @api.model
    def _known_differences(self, records):
        lines = records.order_line
        # Odoo would read them order by order.
        lines.fetch(["discount", "tax_ids"])
        including = lines.tax_ids.filtered("price_include")
        priced = lines.filtered("discount")
        if including:
            priced |= lines.filtered(lambda line: line.tax_ids & including)
        found = {}
        for order in records & priced.order_id:
            for key, line in self._lines_of(order).items():
                path = f"lines[{key}]"
                included = line.tax_ids.filtered("price_include")
                if line.discount:
                    discount = exact_decimal(line.discount, 6)
                    found.setdefault(order.id, {})[f"{path}.discount"] = discount
                if included:
                    names = ", ".join(included.mapped("name"))
                    found.setdefault(order.id, {})[f"{path}.taxes"] = names
        return found

    @api.model
    def _difference_text(self, what, path, value):
        if path.endswith(".discount"):
            return self.env._(
                "%(line)s: a discount of %(percent)s is not known to the pharmacy.",
                line=what,
                percent=percent_text(self.env, value),
            )
        return self.env._(
            "%(line)s: the price includes %(taxes)s, which the pharmacy does not know.",
            line=what,
            taxes=value,
        )
