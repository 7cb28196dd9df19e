from odoo import api, models


class SyncEntityPurchaseOrder(models.AbstractModel):
    """How the lines of an order that Odoo has become what the pharmacy says."""

    _inherit = "sync.entity.purchase_order"

    @api.model
    def _update_lines(self, order, lines, directory):
        """Bring the order's lines to what ``lines`` says, matched by their keys."""
        current = order._sync_lines()
        known = self._line_values_by_key(order, directory)
        added = []
        for index, line in enumerate(lines):
            key = line["key"]
            if key not in current:
                added.append((index, line))
                continue
            changed = {name for name in line if line[name] != known[key].get(name)}
            if changed:
                values = self._line_values(index, line, directory, changed)
                current[key].write(self._with_what_stays(current[key], values))
        kept = {line["key"] for line in lines}
        removed = [line.id for key, line in current.items() if key not in kept]
        order.order_line.browse(removed).unlink()
        order.order_line.create(list(self._new_line_values(order, added, directory)))

    @api.model
    def _with_what_stays(self, line, values):
        """Values to write on a line, with those that Odoo would set anew."""
        # The price goes along with a changed quantity, or Odoo would set it anew from
        # the vendor's price list; so does the description.
        values = {"price_unit": line.price_unit, "name": line.name, **values}
        product = line.product_id.browse(values.get("product_id", line.product_id.id))
        # What Odoo requires and the pharmacy does not is as in a new line.
        values["name"] = values["name"] or product.display_name
        if not values.get("product_uom_id", True):
            values["product_uom_id"] = product.uom_id.id
        return values

    @api.model
    def _line_values_by_key(self, order, directory):
        lines = self._serialise(order, directory)[order.id]["lines"]
        return {line["key"]: line for line in lines}
