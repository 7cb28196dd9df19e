from odoo import SUPERUSER_ID, Command, api, fields, models
from odoo.fields import Domain
from odoo.tools import LazyTranslate

from .converters import (
    Amount,
    Choice,
    Converter,
    Moment,
    RichText,
)
from .links import Coded, Reference

_lt = LazyTranslate(__name__)

STATES = (
    ("draft", "draft"),
    ("sent", "sent"),
    ("to approve", "awaiting_approval"),
    ("purchase", "confirmed"),
    ("cancel", "cancelled"),
)

LONGEST_DESCRIPTION = 20_000

# What Odoo computes for a line anew when its order changes.
KEPT_OF_LINES = ("price_unit", "name", "discount", "date_planned")


class OrderReference(Converter):
    """The pharmacy's own order number; an order made in Odoo goes by Odoo's."""

    def to_json(self, record, directory):
        return super().to_json(record, directory) or record.name


class SyncEntityPurchaseOrder(models.AbstractModel):
    _name = "sync.entity.purchase_order"
    _inherit = "sync.entity"
    _description = "Synchronised Purchase Orders"

    _entity = "purchase_order"
    _entity_event = "order"
    _entity_title = _lt("Purchase Orders")
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
            .with_context(tracking_disable=True)
        )
        header_values = []
        for data in incoming:
            values = self._values(data, directory)
            values.pop("state", None)
            header_values.append(self._header_defaults(backend, values))
        orders = Order.create(header_values)
        line_values = self._all_line_values(orders, incoming, directory)
        # The expected date is the order's own here; without this it would become
        # the earliest of the lines', which merely follow it.
        with self.env.protecting([Order._fields["date_planned"]], orders):
            Order.order_line.create(line_values)
            orders.flush_recordset(["date_planned"])
        for order, data in zip(orders, incoming, strict=True):
            self._move_to(order, data.get("state", "draft"))
        return orders.with_context(tracking_disable=False)

    @api.model
    def _header_defaults(self, backend, values):
        """What the form would fill in when its vendor is chosen."""
        partner = (
            self.env["res.partner"]
            .with_company(backend.company_id)
            .browse(values["partner_id"])
        )
        if not values.get("currency_id"):
            values["currency_id"] = (
                partner.property_purchase_currency_id or backend.company_id.currency_id
            ).id
        fiscal_position = self.env["account.fiscal.position"].with_company(
            backend.company_id
        )
        values.setdefault("date_planned", False)
        if not values.get("date_order"):
            values["date_order"] = fields.Datetime.now()
        return {
            "company_id": backend.company_id.id,
            "user_id": partner.buyer_id.id,
            "payment_term_id": partner.property_supplier_payment_term_id.id,
            "fiscal_position_id": fiscal_position._get_fiscal_position(partner).id,
            **values,
        }

    @api.model
    def _new_line_values(self, order, lines, directory):
        """Complete values for new lines of ``order``: nothing is left to compute.

        :param lines: pairs of a line's place among those that arrived, and the line
        """
        Product = self.env["product.product"].with_company(order.company_id)
        distributed = bool(
            self.env["account.analytic.distribution.model"].search_count([], limit=1)
        )
        taxes = {}
        for sequence, (index, line) in enumerate(lines, 1):
            values = self._line_values(index, line, directory)
            product = Product.browse(values["product_id"])
            if product not in taxes:
                taxes[product] = order.fiscal_position_id.map_tax(
                    product.supplier_taxes_id._filter_taxes_by_company(order.company_id)
                )
            values.update(
                order_id=order.id,
                sync_key=line["key"],
                sequence=sequence * 10,
                name=values.get("name") or product.display_name,
                product_uom_id=values.get("product_uom_id") or product.uom_id.id,
                date_planned=order.date_planned or order.date_order,
                tax_ids=[Command.set(taxes[product].ids)],
                discount=0.0,
            )
            if not distributed:
                values["analytic_distribution"] = False
            yield values

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
    def _update(self, record, changes, directory):
        values = self._values(changes, directory)
        values.pop("state", None)
        if values:
            # Another supplier is no reason to take that supplier's prices: what the
            # pharmacy changed of the lines it sends, and the rest stays.
            lines = record.order_line
            kept = [lines._fields[name] for name in KEPT_OF_LINES]
            with (
                self.env.protecting([record._fields["date_planned"]], record),
                self.env.protecting(kept, lines),
            ):
                record.write(values)
        if "lines" in changes:
            self._update_lines(record, changes["lines"], directory)
        if "state" in changes:
            self._move_to(record, changes["state"])

    @api.model
    def _move_to(self, order, state):
        """Take an order to a state by the steps a person would take."""
        if state == dict(STATES).get(order.state):
            return
        if order.state == "cancel" or (order.state == "purchase" and state == "draft"):
            if order.state == "purchase":
                order.button_cancel()
            order.button_draft()
        if state in ("sent", "awaiting_approval"):
            order.state = "sent" if state == "sent" else "to approve"
        elif state == "confirmed":
            # Odoo's approval of purchases is for its own users; here the state must not
            # depend on the user that carries it over.
            order = order.with_user(SUPERUSER_ID)
            if order.state == "to approve":
                order.button_approve()
            else:
                order.button_confirm()
        elif state == "cancelled":
            order.button_cancel()

    @api.model
    def _delete(self, record):
        self._check_deletion(record)
        if record.state != "cancel":
            record.button_cancel()


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

    def _sync_is_line(self):
        """Whether the line is goods; sections and notes stay in Odoo."""
        goods = bool(self.product_id) and not self.is_downpayment
        return super()._sync_is_line() and goods
