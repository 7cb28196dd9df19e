from odoo import Command, api, fields, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate
from odoo.tools.misc import formatLang

from .choice import Choice
from .converters import (
    Amount,
    Converter,
    Moment,
    RichText,
)
from .links import Coded, Reference
from .order_numbers import OrderNumbers

_lt = LazyTranslate(__name__)

STATES = (
    ("draft", "draft"),
    ("sent", "sent"),
    ("to approve", "awaiting_approval"),
    ("purchase", "confirmed"),
    ("cancel", "cancelled"),
)

LONGEST_DESCRIPTION = 20_000

# What Odoo computes anew for an order when its vendor or its lines change, and for a
# line when its order does.
KEPT_OF_ORDERS = ("currency_id", "date_planned")
KEPT_OF_LINES = ("price_unit", "name", "discount", "date_planned")

# What an order takes over from a vendor that is chosen later, with the buyer if any.
OF_VENDOR = ("payment_term_id", "fiscal_position_id")


class OrderReference(Converter):
    """The pharmacy's own order number; an order made in Odoo goes by Odoo's."""

    def to_json(self, record, directory):
        return super().to_json(record, directory) or record.name

    def keeps(self, value, stored):
        return value == self.empty or super().keeps(value, stored)


class SyncEntityPurchaseOrder(models.AbstractModel):
    _name = "sync.entity.purchase_order"
    _inherit = "sync.entity"
    _description = "Synchronised Purchase Orders"

    _entity = "purchase_order"
    _entity_event = "order"
    _entity_title = _lt("Purchase Orders")
    _entity_event_kinds = ("created", "updated", "cancelled", "deleted", "synced")
    _entity_event_titles = {
        "created": _lt("Order created"),
        "updated": _lt("Order updated"),
        "cancelled": _lt("Order cancelled"),
        "deleted": _lt("Order deleted"),
        "synced": _lt("Order synced"),
    }
    _entity_model = "purchase.order"
    _entity_collection = "purchase-orders"
    _entity_lines = "order_line"
    _entity_line_match = (("product_id", "quantity"), ("product_id",))
    _entity_rank = 30
    _entity_pool = "order_sync"
    _entity_essential = frozenset({"state"})
    _entity_tracked = {
        "purchase.order": {
            "name",
            "company_id",
            "origin",
            "partner_id",
            "currency_id",
            "state",
            "date_order",
            "date_planned",
            "note",
        },
        "purchase.order.line": {
            "order_id",
            "product_id",
            "name",
            "product_qty",
            "product_uom_id",
            "price_unit",
            "discount",
            "tax_ids",
        },
    }

    @api.model
    def _converters(self):
        return (
            OrderReference("reference", "origin", title=_lt("Reference")),
            Reference(
                "supplier_id",
                "partner_id",
                "supplier",
                required=True,
                title=_lt("Supplier"),
            ),
            Coded(
                "currency", "currency_id", "res.currency", "name", title=_lt("Currency")
            ),
            Choice("state", "state", STATES, title=_lt("State")),
            Moment("ordered_at", "date_order", title=_lt("Order date")),
            Moment("expected_at", "date_planned", title=_lt("Expected arrival")),
            RichText("notes", "note", title=_lt("Notes")),
        )

    @api.model
    def _about_text(self, record):
        states = dict(record._fields["state"]._description_selection(record.env))
        total = formatLang(
            record.env, record.amount_total, currency_obj=record.currency_id
        )
        said = record.partner_id.display_name, states.get(record.state), total
        return ", ".join(filter(None, said))

    @api.model
    def _line_converters(self):
        return (
            Reference(
                "product_id",
                "product_id",
                "product",
                required=True,
                title=_lt("Product"),
            ),
            Converter(
                "description",
                "name",
                longest=LONGEST_DESCRIPTION,
                title=_lt("Description"),
            ),
            Amount(
                "quantity",
                "product_qty",
                "Product Unit",
                required=True,
                title=_lt("Quantity"),
            ),
            Coded(
                "uom", "product_uom_id", "uom.uom", "name", title=_lt("Unit of measure")
            ),
            Amount(
                "unit_price",
                "price_unit",
                "Product Price",
                required=True,
                title=_lt("Unit price"),
            ),
        )

    @api.model
    def _is_alive(self, record):
        return record.state != "cancel"

    @api.model
    def _domain(self, backend):
        return Domain("company_id", "=", backend.company_id.id)

    @api.model
    def _create(self, backend, incoming, directory):
        """All orders first, then all their lines at once, every computed field
        given: Odoo would otherwise compute prices, names and taxes line by line."""
        self._preload_arrived(incoming, directory)
        Order = (
            self.env["purchase.order"]
            .with_company(backend.company_id)
            .with_context(
                tracking_disable=True, sync_order_numbers=OrderNumbers(len(incoming))
            )
        )
        header_values = []
        for data in incoming:
            values = self._values(data, directory)
            values.pop("state", None)
            header_values.append(self._header_defaults(values, directory))
        orders = Order.create(header_values)
        line_values = self._all_line_values(orders, incoming, directory)
        # The expected date is the order's own here; without this it would become
        # the earliest of the lines', which merely follow it.
        with self.env.protecting([Order._fields["date_planned"]], orders):
            Order.order_line.create(line_values)
            orders.flush_recordset(["date_planned"])
        for order, data in zip(orders, incoming, strict=True):
            self._move_to(order, data.get("state", "draft"), directory)
        return orders.with_context(tracking_disable=False, sync_order_numbers=None)

    @api.model
    def _header_defaults(self, values, directory):
        """What the form would fill in when its vendor is chosen."""
        found = self._of_vendor(values["partner_id"], directory)
        if not values.get("currency_id"):
            values["currency_id"] = found["currency_id"]
        values.setdefault("date_planned", False)
        if not values.get("date_order"):
            values["date_order"] = fields.Datetime.now()
        return {**found, **values}

    @api.model
    def _terms(self, values, directory):
        """What the form takes over from another vendor. Prices and their currency stay
        as agreed.

        :param values: Odoo values that are about to be written
        """
        supplier = values.get("partner_id")
        if not supplier:
            return {}
        found = self._of_vendor(supplier, directory)
        names = [*OF_VENDOR, *(["user_id"] if found["user_id"] else ())]
        return {name: found[name] for name in names}

    @api.model
    def _of_vendor(self, supplier, directory):
        """:meth:`_vendor_defaults`, looked up once."""
        found = self._vendor_defaults, directory.backend, supplier
        return directory.once(("vendor", supplier), *found)

    @api.model
    def _vendor_defaults(self, backend, partner_id):
        company = backend.company_id
        partner = self.env["res.partner"].with_company(company).browse(partner_id)
        position = self.env["account.fiscal.position"].with_company(company)
        currency = partner.property_purchase_currency_id or company.currency_id
        return {
            "company_id": company.id,
            "currency_id": currency.id,
            "user_id": partner.buyer_id.id,
            "payment_term_id": partner.property_supplier_payment_term_id.id,
            "fiscal_position_id": position._get_fiscal_position(partner).id,
        }

    @api.model
    def _new_line_values(self, order, lines, directory):
        """Complete values for new lines of ``order``: nothing is left to compute.

        :param lines: pairs of a line's place among those that arrived, and the line
        """
        if not lines:
            return
        company, position = order.company_id, order.fiscal_position_id
        taxed = "taxes", company.id, position.id
        Product = self.env["product.product"].with_company(company)
        date_planned = order.date_planned or order.date_order
        distributed = directory.once("distributed", self._is_distributed)
        for sequence, (index, line) in enumerate(lines, 1):
            values = self._line_values(index, line, directory)
            product = Product.browse(values["product_id"]).with_prefetch(
                directory.known_ids("product")
            )
            key = *taxed, values["product_id"]
            taxes = directory.once(key, self._taxes, product, position)
            values.update(
                order_id=order.id,
                sync_key=line["key"],
                sequence=sequence * 10,
                name=values.get("name") or product.display_name,
                product_uom_id=values.get("product_uom_id") or product.uom_id.id,
                date_planned=date_planned,
                tax_ids=[Command.set(taxes.ids)],
                discount=0.0,
            )
            if not distributed:
                values["analytic_distribution"] = False
            yield values

    @api.model
    def _taxes(self, product, fiscal_position):
        """Taxes of a new line of the product, in the company of its environment."""
        taxes = product.supplier_taxes_id
        own = taxes._filter_taxes_by_company(product.env.company)
        return fiscal_position.map_tax(own)

    @api.model
    def _is_distributed(self):
        """Whether Odoo may distribute the cost of a new line."""
        Model = self.env["account.analytic.distribution.model"]
        return bool(Model.search_count([], limit=1))

    @api.model
    def _complete_line(self, line, values):
        product = line.product_id.browse(values.get("product_id", line.product_id.id))
        # As in a new line.
        if not values.get("name", True):
            values["name"] = product.display_name
        if not values.get("product_uom_id", True):
            values["product_uom_id"] = product.uom_id.id
        if product != line.product_id:
            # As on Odoo's own page: those of another product are no taxes of this one.
            taxes = self._taxes(product, line.order_id.fiscal_position_id)
            values["tax_ids"] = [Command.set(taxes.ids)]
        return values

    @api.model
    def _write_lines(self, lines, values):
        # Another quantity, unit or product is no reason to set prices anew from the
        # vendor's price list: what the pharmacy changed of the lines it sends.
        with lines._sync_keeping():
            return super()._write_lines(lines, values)

    @api.model
    def _update_all(self, changes, directory):
        every = self.env["purchase.order"].concat(*changes)
        kept = [every._fields[name] for name in KEPT_OF_ORDERS]
        # Nor is another supplier.
        with self.env.protecting(kept, every), every.order_line._sync_keeping():
            for orders, values in self._alike(changes, directory):
                values.pop("state", None)
                if values:
                    orders.write({**self._terms(values, directory), **values})
                if date := values.get("date_planned"):
                    # As on Odoo's own page: what is to be received follows.
                    goods = [("display_type", "=", False)]
                    orders.order_line.filtered_domain(goods).date_planned = date
                if "partner_id" in values:
                    orders._compute_tax_id()
            if any("lines" in data for data in changes.values()):
                # Odoo reads them order by order.
                every.order_line.fetch(["tax_ids"])
            self._update_all_lines(changes, directory)
        for order, data in changes.items():
            if "state" in data:
                self._move_to(order, data["state"], directory)


class PurchaseOrder(models.Model):
    _name = "purchase.order"
    _inherit = ["purchase.order", "sync.tracked"]

    _sync_entity = "purchase_order"

    def _sync_kind(self, vals):
        cancelled = vals.get("state") == "cancel"
        return "cancelled" if cancelled else super()._sync_kind(vals)


class PurchaseOrderLine(models.Model):
    _name = "purchase.order.line"
    _inherit = ["purchase.order.line", "sync.tracked.line"]

    _sync_entity = "purchase_order"
    _sync_line_reads = ("product_id", "is_downpayment")

    def _sync_is_line(self):
        """Whether the line is goods; sections and notes stay in Odoo."""
        goods = bool(self.product_id) and not self.is_downpayment
        return super()._sync_is_line() and goods
