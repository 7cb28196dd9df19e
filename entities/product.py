from odoo import api, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from .converters import Amount, Converter, Flag, Optional
from .links import Coded

_lt = LazyTranslate(__name__)


class VariantName(Converter):
    """A product's name: of several variants of one template with what tells them apart,
    as in *Collar (S)*."""

    reads = (
        (
            "product.attribute.value",
            "name",
            "product_template_attribute_value_ids.product_attribute_value_id",
        ),
    )

    def to_json(self, record, directory):
        name = super().to_json(record, directory)
        variant = record._sync_variant()
        return f"{name} ({variant})" if variant else name


class SyncEntityProduct(models.AbstractModel):
    _name = "sync.entity.product"
    _inherit = "sync.entity"
    _description = "Synchronised Products"

    _entity = "product"
    _entity_title = _lt("Products")
    _entity_event_titles = {
        "created": _lt("Product created"),
        "updated": _lt("Product updated"),
        "deleted": _lt("Product deleted"),
        "synced": _lt("Product synced"),
    }
    _entity_model = "product.product"
    _entity_collection = "products"
    _entity_rank = 20
    _entity_cached = True
    _entity_match = (("barcode", "barcode"), ("code", "default_code"))
    _entity_worldwide = frozenset({"barcode"})
    _entity_essential = frozenset({"active"})
    _entity_tracked = {
        "product.product": {"default_code", "barcode", "standard_price", "active"},
        "product.template": {
            "name",
            "uom_id",
            "list_price",
            "active",
            "purchase_ok",
            "attribute_line_ids",
            "company_id",
        },
    }

    @api.model
    def _converters(self):
        return (
            VariantName("name", "name", required=True, title=_lt("Name")),
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

    @api.model
    def _update_all(self, changes, directory):
        changes = {
            product: self._of_template(product, data)
            for product, data in changes.items()
        }
        return super()._update_all(changes, directory)

    @api.model
    def _of_template(self, record, changes):
        """What to write of ``changes``: the name is the template's, and so that of its
        other variants. One that does not say which variant it is the variant's own,
        which Odoo has no place for."""
        variant = record._sync_variant()
        if not variant or "name" not in changes:
            return changes
        ending = f"({variant})"
        name = (changes["name"] or "").strip()
        base = name.removesuffix(ending).strip()
        if base and name.endswith(ending):
            return {**changes, "name": base}
        return {key: value for key, value in changes.items() if key != "name"}


class ProductProduct(models.Model):
    _name = "product.product"
    _inherit = ["product.product", "sync.tracked"]

    _sync_entity = "product"

    def _sync_variant(self):
        """What tells the product apart from other variants; empty if there are none."""
        self.ensure_one()
        return self.product_template_attribute_value_ids._get_combination_name()


class ProductTemplate(models.Model):
    _name = "product.template"
    _inherit = ["product.template", "sync.tracked"]

    _sync_entity = "product"

    @api.depends("product_variant_ids")
    def _compute_sync_state(self):
        for template in self:
            states = template._sync_records().mapped("sync_state")
            template.sync_state = self._sync_weightiest(filter(None, states))

    @api.model
    def _search_sync_state(self, operator, value):
        return [("product_variant_ids.sync_state", operator, value)]

    def _sync_records(self):
        return self.with_context(active_test=False).product_variant_ids
