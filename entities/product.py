from odoo import api, models
from odoo.fields import Domain

from ..core.texts import _lt
from .converters import Amount, Coded, Converter, Flag, Optional


class SyncEntityProduct(models.AbstractModel):
    _name = "sync.entity.product"
    _inherit = "sync.entity"
    _description = "Synchronised Products"

    _entity = "product"
    _entity_title = _lt("Products")
    _entity_model = "product.product"
    _entity_collection = "products"
    _entity_rank = 20
    _entity_cached = True
    _entity_match = (("barcode", "barcode"), ("code", "default_code"))
    _entity_essential = frozenset({"active"})
    _entity_tracked = {
        "product.product": {"default_code", "barcode", "standard_price", "active"},
        "product.template": {
            "name",
            "uom_id",
            "list_price",
            "active",
            "purchase_ok",
        },
    }

    @api.model
    def _converters(self):
        return (
            Converter("name", "name", required=True),
            Converter("code", "default_code"),
            Optional("barcode", "barcode"),
            Coded("uom", "uom_id", "uom.uom", "name"),
            Amount("cost", "standard_price", "Product Price"),
            Amount("price", "list_price", "Product Price"),
            Flag("active", "active"),
        )

    @api.model
    def _domain(self, backend):
        return Domain("purchase_ok", "=", True) & Domain(
            "company_id", "in", [False, backend.company_id.id]
        )

    @api.model
    def _create(self, backend, incoming, directory):
        products = self.env["product.product"].create(
            [
                {
                    **self._values(data, directory),
                    "active": True,
                    "purchase_ok": True,
                }
                for data in incoming
            ]
        )
        archived = [
            product.id
            for product, data in zip(products, incoming, strict=True)
            if data.get("active") is False
        ]
        self._set_active(products.browse(archived), False)
        return products


class ProductProduct(models.Model):
    _name = "product.product"
    _inherit = ["product.product", "sync.tracked"]

    _sync_entity = "product"


class ProductTemplate(models.Model):
    _name = "product.template"
    _inherit = ["product.template", "sync.tracked"]

    _sync_entity = "product"

    @api.depends("product_variant_ids")
    def _compute_sync_state(self):
        for template in self:
            states = template._sync_records().mapped("sync_state")
            template.sync_state = self._sync_weightiest(filter(None, states))

    def _sync_records(self):
        return self.with_context(active_test=False).product_variant_ids
