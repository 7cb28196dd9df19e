from datetime import datetime

from odoo import Command
from odoo.tests import tagged

from ..fidelity import ORDERS, PRODUCTS, FidelityCase


class StandingCase(FidelityCase):
    def arrived(self, *prices):
        at_app = self.order_at_app(*prices)
        self.pull()
        return at_app["id"], self.record("purchase_order", at_app["id"])

    def status(self, at_app):
        api = self.env["sync.api"].with_user(self.api_user)
        (found,) = api.status("purchase_order", [at_app])["results"]
        return found


@tagged("post_install", "-at_install")
class TestOwnSteps(StandingCase):
    """Odoo's own steps, as its pages take them."""

    def product(self, **values):
        at_app = self.app.add(PRODUCTS, name="Vaccine", uom="Units", **values)
        self.pull()
        return at_app["id"], self.record("product", at_app["id"])

    def active(self, product):
        return product.active, product.product_tmpl_id.active

    def test_a_template_goes_with_its_last_variant(self):
        at_app, product = self.product()
        self.app.edit(PRODUCTS, at_app, active=False)
        self.rest()
        self.assertEqual(self.active(product), (False, False))
        self.app.edit(PRODUCTS, at_app, active=True)
        self.rest()
        self.assertEqual(self.active(product), (True, True))
        self.app.call(
            "DELETE", f"/api/v1/{PRODUCTS}/{at_app}", headers={"If-Match": "*"}
        )
        self.rest()
        self.assertEqual(self.active(product), (False, False))

    def test_a_template_stays_with_another_variant(self):
        attribute = self.env["product.attribute"].create(
            {
                "name": "Size",
                "value_ids": [Command.create({"name": name}) for name in "SL"],
            }
        )
        template = self.env["product.template"].create(
            {
                "name": "Collar",
                "attribute_line_ids": [
                    Command.create(
                        {
                            "attribute_id": attribute.id,
                            "value_ids": [Command.set(attribute.value_ids.ids)],
                        }
                    )
                ],
            }
        )
        self.rest()
        product = template.product_variant_ids[0]
        at_app = self.mapping(product).external_id
        self.app.edit(PRODUCTS, at_app, active=False)
        self.rest()
        self.assertEqual(self.active(product), (False, True))

    def test_archived_in_odoo_by_its_template_and_taken_back_at_the_pharmacy(self):
        at_app, product = self.product()
        product.product_tmpl_id.action_archive()
        self.rest()
        self.assertFalse(self.app.get(PRODUCTS, at_app)["active"])
        self.app.edit(PRODUCTS, at_app, active=True)
        self.rest()
        self.assertEqual(self.active(product), (True, True))
        product.product_tmpl_id.action_archive()
        self.rest()
        product.product_tmpl_id.action_unarchive()
        product.action_unarchive()
        self.rest()
        self.assertTrue(self.app.get(PRODUCTS, at_app)["active"])

    def test_a_product_that_arrives_out_of_use(self):
        __, product = self.product(active=False)
        self.assertEqual(self.active(product), (False, False))


@tagged("post_install", "-at_install")
class TestAgreedPrices(StandingCase):
    """An agreed price changes only when somebody changes it."""

    def setUp(self):
        super().setUp()
        self.other = self.env["res.partner"].create(
            {"name": "Other", "is_company": True, "supplier_rank": 1}
        )
        for partner, price in ((self.supplier, 5.0), (self.other, 7.0)):
            self.env["product.supplierinfo"].create(
                {
                    "partner_id": partner.id,
                    "product_tmpl_id": self.products[0].product_tmpl_id.id,
                    "price": price,
                    "discount": 10,
                }
            )
        self.rest()
        self.at_app, self.order = self.arrived("3.33")
        self.line = self.order.order_line

    def assert_agreed(self, price=3.33):
        self.env.invalidate_all()
        self.assertEqual((self.line.price_unit, self.line.discount), (price, 0))
        self.rest()
        (line,) = self.app.get(ORDERS, self.at_app)["lines"]
        self.assertEqual(float(line["unit_price"]), price)

    def test_a_quantity_or_a_unit_is_written_in_odoo(self):
        self.line.product_qty = 40
        self.assert_agreed()
        self.line.product_uom_id = self.env.ref("uom.product_uom_dozen")
        self.assert_agreed()
        self.order.write(
            {"order_line": [(1, self.line.id, {"product_qty": 41, "name": "x"})]}
        )
        self.assert_agreed()

    def test_another_supplier_is_written_in_odoo(self):
        self.order.partner_id = self.other
        self.assert_agreed()

    def test_a_quantity_unit_or_supplier_of_the_pharmacy(self):
        (line,) = self.app.get(ORDERS, self.at_app)["lines"]
        self.app.edit(ORDERS, self.at_app, lines=[{**line, "quantity": "40"}])
        self.rest()
        self.assertEqual(self.line.product_qty, 40)
        self.assert_agreed()
        (line,) = self.app.get(ORDERS, self.at_app)["lines"]
        self.app.edit(ORDERS, self.at_app, lines=[{**line, "uom": "Dozens"}])
        self.rest()
        self.assertEqual(self.line.product_uom_id.name, "Dozens")
        self.assert_agreed()
        other = self.mapping(self.other).external_id
        self.app.edit(ORDERS, self.at_app, supplier_id=other)
        self.rest()
        self.assertEqual(self.order.partner_id, self.other)
        self.assert_agreed()

    def test_an_expected_date_arrives_with_lines_or_another_supplier(self):
        """Odoo would take it from the lines, which it computes anew by these."""
        other = self.mapping(self.other).external_id
        (line,) = self.app.get(ORDERS, self.at_app)["lines"]
        more = {**line, "key": "more"}
        for day, values in enumerate(
            (
                {"lines": [{**line, "quantity": "41"}]},
                {"supplier_id": other, "lines": [{**line, "quantity": "42"}]},
                {"lines": [line, more]},
                {"lines": [more]},
            ),
            1,
        ):
            moment = f"2031-01-0{day}T08:00:00Z"
            self.app.edit(ORDERS, self.at_app, expected_at=moment, **values)
            self.rest()
            self.assertEqual(self.order.date_planned, datetime(2031, 1, day, 8), values)
            dates = self.order.order_line.mapped("date_planned")
            self.assertEqual(set(dates), {datetime(2031, 1, day, 8)}, values)
            self.assertEqual(self.mapping(self.order).state, "synced")

    def test_a_quantity_in_odoo_leaves_the_expected_date(self):
        self.app.edit(ORDERS, self.at_app, expected_at=None)
        self.rest()
        self.line.product_qty = 40
        self.rest()
        self.assertFalse(self.order.date_planned)
        self.assertIsNone(self.app.get(ORDERS, self.at_app)["expected_at"])
        self.line.date_planned = "2031-02-07 08:00:00"
        self.assertEqual(self.order.date_planned, datetime(2031, 2, 7, 8))

    def test_another_supplier_leaves_the_currency_of_the_prices(self):
        self.assertNotEqual(self.order.currency_id, self.env.company.currency_id)
        euro = self.order.currency_id
        self.order.partner_id = self.other
        self.assert_agreed()
        self.assertEqual(self.order.currency_id, euro)
        first = self.mapping(self.supplier).external_id
        self.app.edit(ORDERS, self.at_app, supplier_id=first)
        self.rest()
        self.assertEqual(self.order.partner_id, self.supplier)
        self.assertEqual(self.order.currency_id, euro)
        self.assertEqual(self.app.get(ORDERS, self.at_app)["currency"], euro.name)
        # Nobody has agreed on the prices of an order that Odoo alone has.
        fresh = self.make_order(currency_id=euro.id)
        fresh.partner_id = self.other
        self.assertEqual(fresh.currency_id, self.env.company.currency_id)

    def test_another_product_of_the_pharmacy_brings_its_taxes(self):
        tax, reduced = self.env["account.tax"].create(
            [
                {"name": name, "type_tax_use": "purchase", "amount": amount}
                for name, amount in (("Full", 21), ("Reduced", 4))
            ]
        )
        self.line.tax_ids = tax
        (self.products - self.line.product_id).supplier_taxes_id = reduced
        product = (self.products - self.line.product_id)[0]
        self.rest()
        price = self.line.price_unit
        lines = self.app.get(ORDERS, self.at_app)["lines"]
        lines[0]["product_id"] = self.mapping(product).external_id
        self.app.edit(ORDERS, self.at_app, lines=lines)
        self.rest()
        self.assertEqual(self.line.product_id, product)
        self.assertEqual(self.line.tax_ids, reduced)
        self.assertEqual(self.line.price_unit, price)

    def test_another_supplier_of_the_pharmacy_brings_its_terms(self):
        term = self.env["account.payment.term"].create({"name": "Sixty days"})
        tax, free = self.env["account.tax"].create(
            [
                {"name": name, "type_tax_use": "purchase", "amount": amount}
                for name, amount in (("At home", 21), ("Abroad", 0))
            ]
        )
        position = self.env["account.fiscal.position"].create({"name": "Abroad"})
        free.write({"fiscal_position_ids": position.ids, "original_tax_ids": tax.ids})
        self.products.supplier_taxes_id = tax
        buyer = self.env.ref("base.user_admin")
        self.other.write(
            {
                "property_supplier_payment_term_id": term.id,
                "property_account_position_id": position.id,
                "buyer_id": buyer.id,
            }
        )
        other = self.mapping(self.other).external_id
        self.app.edit(ORDERS, self.at_app, supplier_id=other)
        self.rest()
        self.assertEqual(self.order.payment_term_id, term)
        self.assertEqual(self.order.fiscal_position_id, position)
        self.assertEqual(self.order.user_id, buyer)
        self.assertEqual(self.line.tax_ids, free)
        self.assert_agreed()

    def test_a_price_that_is_written_along_counts(self):
        self.line.write({"product_qty": 40, "price_unit": 4.5})
        self.assert_agreed(4.5)

    def test_a_line_that_is_not_agreed_yet_is_priced_by_odoo(self):
        fresh = self.make_order()
        line = fresh.order_line[0]
        line.product_qty = 7
        self.assertEqual(line.price_unit, 5)


@tagged("post_install", "-at_install")
class TestKnownDifferences(StandingCase):
    """What decides what people pay and the pharmacy cannot know is shown."""

    def test_a_discount_in_odoo(self):
        at_app, order = self.arrived("1.00")
        order.order_line.discount = 10
        self.rest()
        mapping = self.mapping(order)
        self.assertEqual(mapping.state, "differs")
        self.assertEqual(order.sync_state, "differs")
        self.assertIn("discount of 10 %", mapping.differences_text)
        self.assertTrue(mapping.differences_text.startswith("Line 1"))
        found = self.status(at_app)
        self.assertEqual(found["state"], "differs")
        self.assertIn("discount", found["differences"][0])
        order.order_line.discount = 0
        self.rest()
        self.assertEqual(self.mapping(order).state, "synced")

    def test_a_tax_that_the_price_includes(self):
        __, order = self.arrived("1.00")
        tax = self.env["account.tax"].create(
            {
                "name": "VAT incl.",
                "amount": 21,
                "price_include_override": "tax_included",
            }
        )
        order.order_line.tax_ids = tax
        self.rest()
        self.assertEqual(self.mapping(order).state, "differs")
        self.assertIn("VAT incl.", self.mapping(order).differences_text)

    def test_what_is_written_and_not_looked_at_is_under_way(self):
        at_app, order = self.arrived("1.00")
        self.rest()
        self.assertEqual(order.sync_state, "synced")
        order.with_user(self.env.ref("base.user_admin")).note = "new"
        self.env.cr.flush()
        order.invalidate_recordset(["sync_state"])
        self.assertEqual(order.sync_state, "pending")
        found = self.status(at_app)
        self.assertEqual(found["state"], "pending")


@tagged("post_install", "-at_install")
class TestStatesOfOtherAddons(StandingCase):
    """A state that another addon brings is an error in words on that record."""

    def set_state(self, order, state):
        """What an addon with ``selection_add`` writes."""
        order.flush_recordset()
        self.env.cr.execute(
            "UPDATE purchase_order SET state = %s WHERE id = %s", [state, order.id]
        )
        order.invalidate_recordset()

    def test_it_fails_at_once_and_stops_no_other(self):
        __, order = self.arrived("1.00")
        neighbour_at_app, neighbour = self.arrived("2.00")
        self.set_state(order, "approved")
        order.note = "mine"
        neighbour.note = "its neighbour's"
        self.push()
        now = self.app.get(ORDERS, neighbour_at_app)
        self.assertEqual(now["notes"], "its neighbour's")
        operation = self.operations(state="dead")
        self.assertEqual(operation.mapping_id, self.mapping(order))
        self.assertEqual(operation.attempts, 1)
        self.assertEqual(self.mapping(order).state, "dead")
        error = operation.error_ids
        self.assertEqual(error.type, "data_validation_failed")
        for word in ("state", "approved", "another addon"):
            self.assertIn(word, error.message)
        self.assertFalse(self.env["sync.event.delivery"].search([]))

    def test_it_goes_on_when_the_state_is_known_again(self):
        at_app, order = self.arrived("1.00")
        self.set_state(order, "approved")
        order.note = "mine"
        self.push()
        self.set_state(order, "sent")
        order.note = "ours"
        self.rest()
        now = self.app.get(ORDERS, at_app)
        self.assertEqual((now["state"], now["notes"]), ("sent", "ours"))
        self.assertEqual(self.mapping(order).state, "synced")

    def test_an_arriving_record_fails_in_words(self):
        at_app, order = self.arrived("1.00")
        self.set_state(order, "approved")
        record = self.app.edit(ORDERS, at_app, state="cancelled")
        api = self.env["sync.api"].with_user(self.api_user)
        (result,) = api.push("purchase_order", [record])["results"]
        self.assertEqual(result["error"]["type"], "data_validation_failed")
        self.assertIn("approved", result["error"]["message"])

    def test_the_feed_goes_on(self):
        api = self.env["sync.api"].with_user(self.api_user)
        __, order = self.arrived("1.00")
        __, neighbour = self.arrived("2.00")
        self.set_state(order, "approved")
        answer = api.changes("purchase_order")
        self.assertTrue(answer["success"])
        found = {change["odoo_id"]: change for change in answer["changes"]}
        self.assertIn("approved", found[order.id]["error"])
        self.assertEqual(found[neighbour.id]["data"]["state"], "draft")
