from odoo import api, models

from .directory import Directory


class SyncEntityPurchaseOrder(models.AbstractModel):
    """When an order of Odoo and one of the pharmacy's are the same."""

    _inherit = "sync.entity.purchase_order"

    _entity_match = (
        ("reference", "origin"),
        ("reference", "name"),
        ("reference", "partner_ref"),
    )

    @api.model
    def _match(self, backend, incoming):
        """Orders of the same number and supplier, where only one can be meant on
        either side and none is cancelled. Any other is for a person to link."""
        directory = Directory(backend)
        found = self._candidates(backend, incoming, directory)
        Order, matches = self.env["purchase.order"], {}
        for external_id, (res_ids, __) in found.items():
            data = incoming[external_id]
            partner_id = directory.known_id("supplier", data["supplier_id"])
            same = [
                order.id
                for order in Order.browse(res_ids)
                if order.state != "cancel"
                and order.partner_id.id == partner_id
                and (order.origin or order.name) == data["reference"].strip()
            ]
            if len(same) == 1:
                matches.setdefault(same[0], []).append(external_id)
        plain = {
            external_ids[0]: res_id
            for res_id, external_ids in matches.items()
            if len(external_ids) == 1
        }
        return plain, {}

    @api.model
    def _candidates(self, backend, incoming, directory=None):
        """By number, and of the same supplier as far as that one is known."""
        found = super()._candidates(backend, incoming, directory)
        directory = directory or Directory(backend)
        orders = self.env["purchase.order"].browse(
            {res_id for ids, __ in found.values() for res_id in ids}
        )
        wanted = {ext: incoming[ext].get("supplier_id") for ext in found}
        directory.load("supplier", orders.partner_id.ids, wanted.values())
        partners = {order.id: order.partner_id.id for order in orders}
        candidates = {}
        for external_id, (res_ids, key) in found.items():
            same = [
                res_id
                for res_id in res_ids
                if directory.may_be("supplier", partners[res_id], wanted[external_id])
            ]
            if same:
                candidates[external_id] = (same, key)
        return candidates
