from odoo import api, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from .converters import Amount, Coded, Converter, Flag, Optional

_lt = LazyTranslate(__name__)


class SyncEntityProduct(models.AbstractModel):
    _name = "sync.entity.product"
    _inherit = "sync.entity"
    _description = "Synchronised Products"

    _entity = "product"
    _entity_title = _lt("Products")
    _entity_event_titles = {
        "created": _lt("Product created"),
        "updated": _lt("Product updated"),
        "cancelled": _lt("Product cancelled"),
        "deleted": _lt("Product deleted"),
        "synced": _lt("Product synced"),
    }
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
            Converter("name", "name", required=True, title=_lt("Name")),
            Converter("code", "default_code", title=_lt("Code")),
            Optional("barcode", "barcode", title=_lt("Barcode")),
            Coded("uom", "uom_id", "uom.uom", "name", title=_lt("Unit of measure")),
            Amount("cost", "standard_price", "Product Price", title=_lt("Cost")),
            Amount("price", "list_price", "Product Price", title=_lt("Price")),
            Flag("active", "active", title=_lt("Active")),
        )

    @api.model
    def _domain(self, backend):
        return Domain("purchase_ok", "=", True) & Domain(
            "company_id", "in", [False, backend.company_id.id]
        )

    @api.model
    def _create(self, backend, incoming, directory):
        return self.env["product.product"].create(
            [
                {**self._values(data, directory), "purchase_ok": True}
                for data in incoming
            ]
        )


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
