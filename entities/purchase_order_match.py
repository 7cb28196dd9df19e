from odoo import api, models
from odoo.fields import Domain


class SyncEntityPurchaseOrder(models.AbstractModel):
    """Orders that both sides have already, under the same reference."""

    _inherit = "sync.entity.purchase_order"

    @api.model
    def _match(self, backend, incoming):
        """Orders of the same reference and supplier, if there is one of them only."""
        suppliers = {data["supplier_id"] for data in incoming.values()}
        partners = {
            external_id: res_id
            for res_id, external_id in backend._mapped_pairs("supplier", (), suppliers)
        }
        wanted = {}
        for external_id, data in incoming.items():
            partner_id = partners.get(data["supplier_id"])
            if data.get("reference") and partner_id:
                named = (data["reference"], partner_id)
                wanted.setdefault(named, []).append(external_id)
        if not wanted:
            return {}
        references = list({reference for reference, __ in wanted})
        found = self.env["purchase.order"].search(
            self._domain(backend)
            & Domain("state", "!=", "cancel")
            & (Domain("origin", "in", references) | Domain("name", "in", references))
        )
        claimed = self._claimed(backend, found.ids)
        orders = {}
        for order in found.filtered(lambda o: o.id not in claimed):
            named = (order.origin or order.name, order.partner_id.id)
            orders.setdefault(named, []).append(order.id)
        return {
            external_ids[0]: orders[named][0]
            for named, external_ids in wanted.items()
            if len(external_ids) == len(orders.get(named, ())) == 1
        }

    @api.model
    def _adopt(self, record, data, directory):
        """The pharmacy's lines are those of the same product in Odoo: first such as
        are equal, then in their order."""
        ours = self._line_values_by_key(record, directory)
        theirs = {line["key"]: line for line in data.get("lines", ())}
        free = {
            line._sync_line_key(): line
            for line in record.order_line
            if line._sync_is_line() and line._sync_line_key() not in theirs
        }
        waiting = [line for key, line in theirs.items() if key not in ours]
        for same in (("product_id", "quantity", "unit_price"), ("product_id",)):
            for line in list(waiting):
                key = next(
                    (k for k in free if all(ours[k][n] == line[n] for n in same)), None
                )
                if key:
                    free.pop(key).sync_key = line["key"]
                    waiting.remove(line)
