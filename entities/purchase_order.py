from odoo import Command, api, fields, models
from odoo.fields import Domain

from ..core.exceptions import InvalidDataError
from ..core.text_checks import check_id, check_list
from ..core.texts import _lt
from .choice import Choice
from .converters import (
    Amount,
    Coded,
    Converter,
    Moment,
    Reference,
    RichText,
    at_path,
    is_empty,
)
from .neutral import neutral

STATES = (
    ("draft", "draft"),
    ("sent", "sent"),
    ("to approve", "awaiting_approval"),
    ("purchase", "confirmed"),
    ("cancel", "cancelled"),
)

# Lines of an order that arrives: creating them takes one request or job.
MOST_LINES = 1_000
LONGEST_DESCRIPTION = 20_000

# What Odoo computes for a line anew when its order changes.
KEPT_OF_LINES = ("price_unit", "name", "discount", "date_planned")


class OrderReference(Converter):
    """The pharmacy's own order number; an order made in Odoo goes by Odoo's."""

    def to_json(self, record, directory):
        return super().to_json(record, directory) or record.name

    def keeps(self, value, stored):
        return is_empty(value) or super().keeps(value, stored)


class SyncEntityPurchaseOrder(models.AbstractModel):
    _name = "sync.entity.purchase_order"
    _inherit = "sync.entity"
    _description = "Synchronised Purchase Orders"

    _entity = "purchase_order"
    _entity_event = "order"
    _entity_title = _lt("Purchase Orders")
    _entity_model = "purchase.order"
    _entity_collection = "purchase-orders"
    _entity_line_model = "purchase.order.line"
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
            "discount",
            "tax_ids",
        },
    }

    @api.model
    def _converters(self):
        return (
            OrderReference("reference", "origin"),
            Reference("supplier_id", "partner_id", "supplier", required=True),
            Coded("currency", "currency_id", "res.currency", "name"),
            Choice("state", "state", STATES),
            Moment("ordered_at", "date_order"),
            Moment("expected_at", "date_planned"),
            RichText("notes", "note"),
        )

    @api.model
    def _line_converters(self):
        return (
            Reference("product_id", "product_id", "product", required=True),
            Converter("description", "name", longest=LONGEST_DESCRIPTION),
            Amount("quantity", "product_qty", "Product Unit", required=True),
            Coded("uom", "product_uom_id", "uom.uom", "name"),
            Amount("unit_price", "price_unit", "Product Price", required=True),
        )

    @api.model
    def _paths(self):
        lines = {f"lines.{converter.key}" for converter in self._line_converters()}
        return super()._paths() | lines | {"lines"}

    @api.model
    def _is_alive(self, record):
        return record.state != "cancel"

    @api.model
    def _domain(self, backend):
        return Domain("company_id", "=", backend.company_id.id)

    # -- Odoo to JSON -----------------------------------------------------------------

    @api.model
    def _preload(self, records, directory):
        directory.load("supplier", records.partner_id.ids)
        directory.load("product", records.order_line.product_id.ids)

    @api.model
    def _serialise(self, records, directory):
        found = super()._serialise(records, directory)
        converters = self._line_converters()
        for order in neutral(records, directory.backend, active_test=False):
            found[order.id]["lines"] = [
                {
                    "key": line._sync_line_key(),
                    **{
                        converter.key: converter.to_json(line, directory)
                        for converter in converters
                    },
                }
                for line in order.order_line
                if line._sync_is_line()
            ]
        return found

    # -- JSON to Odoo -----------------------------------------------------------------

    @api.model
    def _canonical(self, data, directory, partial=False):
        canonical = super()._canonical(data, directory, partial)
        if "lines" in data:
            canonical["lines"] = self._canonical_lines(data["lines"], directory)
        return canonical

    @api.model
    def _canonical_lines(self, lines, directory):
        check_list(lines, "lines", MOST_LINES)
        converters = self._line_converters()
        canonical, keys = [], set()
        for index, line in enumerate(lines):
            path = f"lines[{index}]"
            if not isinstance(line, dict):
                raise InvalidDataError(f"{path} must be an object", field=path)
            key = check_id(line.get("key"), f"{path}.key")
            if key in keys:
                raise InvalidDataError(
                    f"{path}.key must be unique among the lines",
                    field=f"{path}.key",
                )
            keys.add(key)
            canonical.append({"key": key})
            for converter in converters:
                if converter.required and is_empty(line.get(converter.key)):
                    raise InvalidDataError(
                        f"{path}.{converter.key} is required",
                        field=f"{path}.{converter.key}",
                    )
                if converter.key not in line:
                    continue
                with at_path(path):
                    canonical[-1][converter.key] = converter.arrived(
                        line[converter.key], directory
                    )
        return canonical

    @api.model
    def _check_known(self, data, directory):
        result = super()._check_known(data, directory)
        for index, line in enumerate(data.get("lines", ())):
            self._line_values(index, line, directory)
        return result

    @api.model
    def _line_values(self, index, line, directory, keys=None):
        """Odoo values of a canonical line, or of those of its fields.

        :raises InvalidDataError, DependencyMissingError: ``field`` names the line too
        """
        with at_path(f"lines[{index}]"):
            return {
                converter.field: converter.to_odoo(line[converter.key], directory)
                for converter in self._line_converters()
                if converter.key in line and (keys is None or converter.key in keys)
            }

    @api.model
    def _create(self, backend, incoming, directory):
        """All orders first, then all their lines at once, every computed field
        given: Odoo would otherwise compute prices, names and taxes line by line."""
        directory.load("supplier", external_ids={d["supplier_id"] for d in incoming})
        directory.load(
            "product",
            external_ids={
                line["product_id"] for d in incoming for line in d.get("lines", ())
            },
        )
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
        line_values = [
            values
            for order, data in zip(orders, incoming, strict=True)
            for values in self._new_line_values(
                order, list(enumerate(data.get("lines", ()))), directory
            )
        ]
        # The expected date is the order's own here; without this it would become
        # the earliest of the lines', which merely follow it.
        with self.env.protecting([Order._fields["date_planned"]], orders):
            Order.order_line.create(line_values)
            orders.flush_recordset(["date_planned"])
        for order, data in zip(orders, incoming, strict=True):
            self._move_to(order, data.get("state", "draft"), directory)
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
            self._move_to(record, changes["state"], directory)


class PurchaseOrder(models.Model):
    _name = "purchase.order"
    _inherit = ["purchase.order", "sync.tracked"]

    _sync_entity = "purchase_order"

    def _sync_kind(self, vals):
        cancelled = vals.get("state") == "cancel"
        return "cancelled" if cancelled else super()._sync_kind(vals)


class PurchaseOrderLine(models.Model):
    _name = "purchase.order.line"
    _inherit = ["purchase.order.line", "sync.tracked"]

    _sync_entity = "purchase_order"

    sync_key = fields.Char(
        "Synchronisation Key",
        copy=False,
        readonly=True,
        help="What the pharmacy app calls this line. A line made in Odoo goes by its "
        "own number until the other side gives it a key.",
    )

    def _sync_records(self):
        return self.order_id

    def _sync_is_line(self):
        """Whether the line is goods; sections and notes stay in Odoo."""
        self.ensure_one()
        return bool(self.product_id) and not self.is_downpayment

    def _sync_line_key(self):
        """The line's key on both sides, the same for its whole life."""
        self.ensure_one()
        return self.sync_key or f"odoo-{self.id}"
