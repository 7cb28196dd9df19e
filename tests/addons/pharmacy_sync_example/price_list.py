"""Price lists, each with the products that have a price of their own on it."""

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from odoo.addons.pharmacy_sync.entities.converters import Amount, Converter, Flag
from odoo.addons.pharmacy_sync.entities.links import Coded, Reference

_lt = LazyTranslate(__name__)


class SyncEntityPriceList(models.AbstractModel):
    _name = "sync.entity.price_list"
    _inherit = "sync.entity"
    _description = "Synchronised Price Lists"

    _entity = "price_list"
    _entity_title = _lt("Price Lists")
    _entity_model = "product.pricelist"
    _entity_lines = "item_ids"
    _entity_collection = "price-lists"
    _entity_rank = 40  # after the products that its lines refer to
    _entity_tracked = {
        "product.pricelist": {"name", "currency_id", "active"},
        "product.pricelist.item": {
            "pricelist_id",
            "product_id",
            "min_quantity",
            "fixed_price",
            "applied_on",
            "compute_price",
        },
    }

    @api.model
    def _converters(self):
        return (
            Converter("name", "name", required=True),
            Coded("currency", "currency_id", "res.currency", "name"),
            Flag("active", "active"),
        )

    @api.model
    def _line_converters(self):
        return (
            Reference("product_id", "product_id", "product", required=True),
            Amount("quantity", "min_quantity", "Product Unit", title=_lt("From")),
            Amount("price", "fixed_price", "Product Price", required=True),
        )

    @api.model
    def _domain(self, backend):
        return Domain("company_id", "in", [False, backend.company_id.id])

    @api.model
    def _new_line_values(self, record, lines, directory):
        for values in super()._new_line_values(record, lines, directory):
            yield {
                **values,
                "applied_on": "0_product_variant",
                "compute_price": "fixed",
            }


class ProductPricelist(models.Model):
    _name = "product.pricelist"
    _inherit = ["product.pricelist", "sync.tracked"]

    _sync_entity = "price_list"


class ProductPricelistItem(models.Model):
    _name = "product.pricelist.item"
    _inherit = ["product.pricelist.item", "sync.tracked.line"]

    _sync_entity = "price_list"

    def _sync_is_line(self):
        """Whether it is the price of one product; formulas stay in Odoo."""
        single = self.applied_on == "0_product_variant"
        return super()._sync_is_line() and single and self.compute_price == "fixed"
