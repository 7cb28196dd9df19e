from itertools import product as combinations

from odoo import Command
from odoo.tests import tagged

from ..common import SyncCase

DATE, EXPECTED = "2026-11-20 08:00:00", "2026-12-01 09:00:00"
LINES = 4
# What no two orders share, or the synchronisation adds.
OWN = {
    *("id", "name", "origin", "order_id", "sequence", "sync_key", "access_token"),
    *("create_uid", "create_date", "write_uid", "write_date"),
}


@tagged("post_install", "-at_install")
class TestAsOdoo(SyncCase):
    """Orders that arrive in one batch are stored as Odoo stores those that a person
    enters: the batch saves work, and changes no amount."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Tax = cls.env["account.tax"]
        common = {"type_tax_use": "purchase", "amount_type": "percent"}
        excluded, included, compound, other = Tax.create(
            [
                {**common, "name": "E", "amount": 21},
                {
                    **common,
                    "name": "I",
                    "amount": 10,
                    "price_include_override": "tax_included",
                },
                {**common, "name": "C", "amount": 5.5, "include_base_amount": True},
                {**common, "name": "O", "amount": 7},
            ]
        )
        compound.sequence = 0
        sets = (excluded, included, compound + excluded, Tax)
        cls.goods = cls.env["product.product"].create(
            [
                {"name": f"G{n}", "supplier_taxes_id": [Command.set(taxes.ids)]}
                for n, taxes in enumerate(sets)
            ]
        )
        cls.position = cls.env["account.fiscal.position"].create(
            {"name": "Abroad", "sequence": 1}
        )
        other.write(
            {
                "fiscal_position_ids": [Command.link(cls.position.id)],
                "original_tax_ids": [Command.set(excluded.ids)],
            }
        )
        usd, eur = (
            cls.env["res.currency"]
            .with_context(active_test=False)
            .search([("name", "in", ("USD", "EUR"))])
        )
        (usd + eur).active = True
        foreign = (usd + eur) - cls.env.company.currency_id
        foreign.rate_ids.unlink()
        foreign.rate_ids = [Command.create({"name": "2026-01-01", "rate": 1.0937})]
        cls.currencies = usd + eur
        cls.vendors = cls.env["res.partner"].create(
            [
                {
                    "name": name,
                    "is_company": True,
                    "supplier_rank": 1,
                    "property_account_position_id": position,
                }
                for name, position in (("Home", False), ("Far", cls.position.id))
            ]
        )

    def arrive(self, entity, records):
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == entity)
        arrivals = stream._apply(records, "test")
        self.assertFalse([a.error for a in arrivals if a.error])
        return self.env[stream.res_model].browse(a.res_id for a in arrivals)

    def link(self, entity, records):
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == entity)
        rows = [{"res_id": r.id, "external_id": f"{entity}_{r.id}"} for r in records]
        self.env["sync.mapping"]._insert(stream, rows)

    def orders(self):
        """Every vendor and currency with prices and quantities that round."""
        cases = combinations(self.vendors, self.currencies, range(1, 16))
        return [
            (vendor, currency, [(n * 7.777 / 3 + k, n * k / 4 + 1) for k in range(4)])
            for vendor, currency, n in cases
        ]

    def reference(self, number):
        return f"{self.env.company.tax_calculation_rounding_method} {number}"

    def as_pharmacy(self, number, vendor, currency, lines):
        return {
            "id": self.reference(number),
            "version": 1,
            "reference": self.reference(number),
            "supplier_id": f"supplier_{vendor.id}",
            "currency": currency.name,
            "state": "draft",
            "ordered_at": "2026-11-20T08:00:00Z",
            "expected_at": "2026-12-01T09:00:00Z",
            "notes": f"Note {number}",
            "lines": [
                {
                    "key": f"ln_{n}",
                    "product_id": f"product_{goods.id}",
                    "description": f"Line {n}",
                    "quantity": f"{quantity:.2f}",
                    "uom": "Units",
                    "unit_price": f"{price:.2f}",
                }
                for n, (goods, (price, quantity)) in enumerate(
                    zip(self.goods, lines, strict=True)
                )
            ],
        }

    def as_person(self, number, vendor, currency, lines):
        return {
            "partner_id": vendor.id,
            "currency_id": currency.id,
            "origin": self.reference(number),
            "date_order": DATE,
            "note": f"<p>Note {number}</p>",
            "user_id": False,
            "fiscal_position_id": vendor.property_account_position_id.id,
            "order_line": [
                Command.create(
                    {
                        "product_id": goods.id,
                        "name": f"Line {n}",
                        "product_qty": float(f"{quantity:.2f}"),
                        "price_unit": float(f"{price:.2f}"),
                        "date_planned": EXPECTED,
                    }
                )
                for n, (goods, (price, quantity)) in enumerate(
                    zip(self.goods, lines, strict=True)
                )
            ],
        }

    def differences(self, arrived, entered):
        """Stored values that differ: ``[(number, field, arrived, entered)]``."""
        names = [
            name
            for name, field in arrived._fields.items()
            if name not in OWN
            and field.store
            and (field.column_type or field.type == "many2many")
        ]
        both = zip(arrived, entered, strict=True)
        return [
            (number, name, one[name], other[name])
            for number, (one, other) in enumerate(both)
            for name in names
            if one[name] != other[name]
        ]

    def test_orders_are_stored_as_odoo_stores_its_own(self):
        self.link("supplier", self.vendors)
        self.link("product", self.goods)
        cases = self.orders()
        for method in ("round_per_line", "round_globally"):
            with self.subTest(method):
                self.compare(cases, method)

    def compare(self, cases, method):
        self.env.company.tax_calculation_rounding_method = method
        arrived = self.arrive(
            "purchase_order",
            [self.as_pharmacy(n, *case) for n, case in enumerate(cases)],
        )
        entered = self.env["purchase.order"].create(
            [self.as_person(n, *case) for n, case in enumerate(cases)]
        )
        self.env.flush_all()
        self.env.invalidate_all()
        lines = arrived.order_line, entered.order_line
        self.assertEqual(self.differences(*lines), [])
        self.assertEqual(self.differences(arrived, entered), [])
        self.assertTrue(all(order.amount_tax for order in arrived))

    def test_messages_about_changes_are_those_that_odoo_writes(self):
        self.link("supplier", self.vendors)
        self.link("product", self.goods)
        cases = self.orders()[:5]
        said = [self.as_pharmacy(n, *case) for n, case in enumerate(cases)]
        arrived = self.arrive("purchase_order", said)
        entered = self.env["purchase.order"].create(
            [self.as_person(n, *case) for n, case in enumerate(cases)]
        )
        self.env.cr.flush()
        known = {order: order.message_ids for order in arrived + entered}
        for n, record in enumerate(said):
            record["version"] = 2
            for line in record["lines"]:
                line["quantity"] = f"{n + 20}.00"
        self.arrive("purchase_order", said)
        self.env.cr.flush()
        for n, order in enumerate(entered):
            order.order_line.write({"product_qty": n + 20})
        self.env.cr.flush()
        self.env.invalidate_all()
        for one, other in zip(arrived, entered, strict=True):
            messages = self.messages(one, known), self.messages(other, known)
            self.assertEqual(*messages)
            self.assertTrue(messages[0])

    def messages(self, order, known):
        """What messages about an order say, in their order."""
        names = ("body", "message_type", "author_id", "email_from", "is_internal")
        names += ("subtype_id", "reply_to", "subject", "partner_ids")
        names += ("email_add_signature", "notified_partner_ids")
        return [
            (
                *(message[name] for name in names),
                [
                    (value.field_id.name, value.currency_id, *_both(value))
                    for value in message.sudo().tracking_value_ids
                ],
            )
            for message in (order.message_ids - known[order]).sorted("id")
        ]


def _both(value):
    """The old and the new value of a field, whatever its kind."""
    return [
        value[f"{time}_value_{kind}"]
        for time in ("old", "new")
        for kind in ("integer", "float", "char", "text", "datetime")
    ]
