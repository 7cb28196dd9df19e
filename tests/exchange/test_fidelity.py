from odoo.tests import tagged

from ..fidelity import ORDERS, PRODUCTS, SUPPLIERS, FidelityCase

TEXTS = {
    "line ends": "Line one\r\nLine two\r\n\r\nLine four",
    "indent": "Doses:\n  - 2 x 50 ml\n    - cold\n\tTab",
    "blank lines": "One\n\n\n\nTwo",
    "markup": "a < b & c > d <b>not bold</b> &amp; &lt;",
    "stars": "*urgent* _now_ /path/ 2*3*4",
    "address": "See https://example.test/a?b=1&c=2 and www.example.test",
    "spaces": " Two  spaces   here \n",
    "numbered": "[1] first\n[2] second",
    "quote": "> cited\n>> deeper\n-- \nsignature",
}


@tagged("post_install", "-at_install")
class TestExact(FidelityCase):
    """What one side cannot hold as the other does is not changed for it."""

    def test_prices_travel_with_all_their_decimals(self):
        at_app = self.order_at_app("0.0425", "1.00")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        self.assertEqual(order.order_line.mapped("price_unit"), [0.0425, 1.0])
        self.assertAlmostEqual(order.order_line[0].price_subtotal, 0.43)
        order.order_line[1].product_qty = 2
        self.rest()
        first, second = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual((first["unit_price"], first["quantity"]), ("0.0425", "10.00"))
        self.assertEqual(second["quantity"], "2.00")
        order.order_line[0].price_unit = 1.2375
        self.rest()
        first, __ = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual(first["unit_price"], "1.2375")
        self.assertEqual(order.order_line[0].price_unit, 1.2375)

    def test_lines_that_odoo_holds_with_fewer_decimals_are_the_same(self):
        differing = self.env["sync.entity.purchase_order"]._differing
        theirs = {"lines": [{"key": "1", "quantity": "1.2345"}]}
        ours = {"lines": [{"key": "odoo-1", "quantity": "1.23"}]}
        self.assertEqual(differing(ours, theirs), [])
        ours = {"lines": [{"key": "odoo-1", "quantity": "1.24"}]}
        self.assertEqual(differing(ours, theirs), ["lines"])

    def test_currencies_with_three_decimals_and_with_none(self):
        for name, prices in (("KWD", ("1.234", "0.005")), ("JPY", ("120", "3"))):
            self.env.ref(f"base.{name}").active = True
            at_app = self.order_at_app(*prices, currency=name)
            self.api_push("purchase_order", at_app)
            order = self.record("purchase_order", at_app["id"])
            wanted = [float(price) for price in prices]
            self.assertEqual(order.order_line.mapped("price_unit"), wanted, name)
            order.order_line[0].price_unit += 0.003
            self.rest()
            first, second = self.app.get(ORDERS, at_app["id"])["lines"]
            self.assertEqual(float(first["unit_price"]), round(wanted[0] + 0.003, 6))
            self.assertEqual(second, at_app["lines"][1])

    def test_a_currency_that_is_not_in_use(self):
        currency = self.env.ref("base.KWD")
        currency.active = False
        at_app = self.order_at_app("1.234", currency="KWD")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        self.assertEqual(order.currency_id, currency)
        self.assertEqual(order.order_line.price_unit, 1.234)
        self.rest()
        self.assertEqual(order.sync_state, "synced")
        self.assert_untouched(ORDERS, at_app)

    def test_digits_that_change_later(self):
        at_app = self.order_at_app("1.2345", "2.00")
        lines = [{**at_app["lines"][0], "quantity": "2.25"}, at_app["lines"][1]]
        at_app = self.app.edit(ORDERS, at_app["id"], lines=lines)
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        product = self.products[0]
        product.standard_price = 5.4321
        self.rest()
        sent = self.at_app(product)
        for name in ("Product Unit", "Product Price"):
            digits = self.env["decimal.precision"].search([("name", "=", name)])
            for number in (4, 1, 0, 2):
                digits.digits = number
                self.env["sync.operation"]._request_push(
                    self.mapping(order).stream_id, {order.id: "again"}
                )
                self.env["sync.operation"]._request_push(
                    self.mapping(product).stream_id, {product.id: "again"}
                )
                self.rest()
                self.assert_untouched(ORDERS, at_app)
                self.assert_untouched(PRODUCTS, sent)
                self.assertEqual(order.sync_state, "synced")

    def test_costs_and_prices_of_products_are_exact(self):
        at_app = self.app.add(PRODUCTS, name="Vial", cost="0.1234", price="0.5678")
        self.pull()
        product = self.record("product", at_app["id"])
        self.assertEqual((product.standard_price, product.list_price), (0.1234, 0.5678))
        product.default_code = "V"
        self.rest()
        now = self.app.get(PRODUCTS, at_app["id"])
        self.assertEqual((now["cost"], now["price"]), ("0.1234", "0.5678"))

    def test_a_quantity_that_odoo_rounds_is_said_and_not_sent_back(self):
        at_app = self.order_at_app("1.00", "2.00")
        lines = [{**at_app["lines"][0], "quantity": "1.005"}, at_app["lines"][1]]
        at_app = self.app.edit(ORDERS, at_app["id"], lines=lines)
        result = self.api_push("purchase_order", at_app)
        (warning,) = result["warnings"]
        self.assertIn("lines[1].quantity", warning)
        self.assertIn("1.01", warning)
        order = self.record("purchase_order", at_app["id"])
        order.order_line[1].price_unit = 3
        self.rest()
        first, second = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual((first["quantity"], second["unit_price"]), ("1.005", "3.00"))

    def test_what_a_person_keeps_goes_back_as_the_pharmacy_had_it(self):
        self.products.purchase_method = "purchase"
        for received in (0, 1.01):
            with self.subTest(received=received):
                at_app = self.order_at_app("1.00", "2.00")
                self.set_quantity(at_app["id"], "1.005")
                order = self.record("purchase_order", at_app["id"])
                order.button_confirm()
                order.order_line[0].qty_received = received
                self.rest()
                self.assertEqual(self.quantity(at_app["id"]), "1.005")
                self.set_quantity(at_app["id"], "1")
                conflict = self.mapping(order)._open_conflict()
                self.assertEqual(conflict.line_ids.odoo, "1.005")
                conflict.action_keep_odoo()
                self.rest()
                self.assertEqual(self.quantity(at_app["id"]), "1.005")
                self.assertEqual(order.order_line[0].product_qty, 1.01)
                self.assertEqual(order.sync_state, "synced")
                # What is changed by a person goes over as it is.
                order.order_line[0].product_qty = 1.02
                self.rest()
                self.assertEqual(self.quantity(at_app["id"]), "1.02")

    def test_a_line_that_odoo_keeps_is_made_anew_as_the_pharmacy_had_it(self):
        at_app = self.order_at_app("1.00", "2.00")
        first, second = at_app["lines"]
        edited = {**first, "quantity": "1.005", "description": " Two  blanks "}
        self.app.edit(ORDERS, at_app["id"], lines=[edited, second])
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        order.order_line[0].price_unit = 9
        self.app.edit(ORDERS, at_app["id"], lines=[second])
        self.pull()
        conflict = self.mapping(order)._open_conflict()
        self.assertEqual(conflict.line_ids.field, f"lines[{first['key']}]")
        conflict.action_keep_odoo()
        self.rest()
        lines = {line["key"]: line for line in self.at_app(order)["lines"]}
        self.assertEqual(lines, {"1": {**edited, "unit_price": "9.00"}, "2": second})
        self.assertEqual(order.order_line[0].product_qty, 1.01)
        self.assertEqual(order.sync_state, "synced")
        self.rest()
        self.assertEqual(self.at_app(order)["lines"], list(lines.values()))

    def set_quantity(self, order, quantity):
        first, *others = self.app.get(ORDERS, order)["lines"]
        lines = [{**first, "quantity": quantity}, *others]
        self.app.edit(ORDERS, order, lines=lines)
        self.pull()

    def quantity(self, order):
        return self.app.get(ORDERS, order)["lines"][0]["quantity"]

    def test_what_odoo_computed_is_reported_without_the_noise_of_its_numbers(self):
        at_app = self.order_at_app("1.00")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        order.order_line.price_unit = 10 / 3
        self.rest()
        (line,) = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual(line["unit_price"], "3.333333")
        self.app.edit(ORDERS, at_app["id"], lines=[{**line, "quantity": "4"}])
        self.rest()
        self.assertEqual(order.order_line.product_qty, 4)
        self.assertEqual(order.order_line.price_unit, 10 / 3)

    def test_notes_stay_as_they_were_written(self):
        orders = {
            kind: self.order_at_app("1.00", notes=text) for kind, text in TEXTS.items()
        }
        self.pull()
        for at_app in orders.values():
            order = self.record("purchase_order", at_app["id"])
            order.order_line.price_unit = 9
        self.rest()
        for kind, at_app in orders.items():
            now = self.app.get(ORDERS, at_app["id"])
            self.assertEqual(now["notes"], TEXTS[kind], kind)
            self.assertEqual(now["lines"][0]["unit_price"], "9.00")

    def test_descriptions_and_names_keep_their_blanks(self):
        at_app = self.order_at_app("1.00", "2.00")
        lines = [{**at_app["lines"][0], "description": " a\r\n b  "}]
        lines.append(at_app["lines"][1])
        at_app = self.app.edit(ORDERS, at_app["id"], lines=lines)
        supplier = self.app.add(SUPPLIERS, name=" Alba  y  Hijos ", city="Ceuta ")
        self.pull()
        self.record("purchase_order", at_app["id"]).order_line[1].product_qty = 3
        self.record("supplier", supplier["id"]).phone = "1"
        self.rest()
        line = self.app.get(ORDERS, at_app["id"])["lines"][0]
        self.assertEqual(line["description"], " a\r\n b  ")
        now = self.app.get(SUPPLIERS, supplier["id"])
        self.assertEqual((now["name"], now["city"]), (" Alba  y  Hijos ", "Ceuta "))

    def test_a_description_that_is_emptied_is_as_in_a_new_line(self):
        at_app = self.order_at_app("1.00")
        self.pull()
        (line,) = at_app["lines"]
        lines = [{**line, "description": "", "quantity": "6"}]
        at_app = self.app.edit(ORDERS, at_app["id"], lines=lines)
        self.rest()
        order = self.record("purchase_order", at_app["id"])
        self.assertEqual(order.order_line.product_qty, 6)
        self.assertEqual(order.order_line.name, self.products[0].display_name)
        self.assert_untouched(ORDERS, at_app)

    def test_what_neither_side_changed_is_no_drift(self):
        at_app = self.order_at_app("0.0425", notes=TEXTS["blank lines"])
        lines = [{**at_app["lines"][0], "quantity": "1.005", "description": ""}]
        at_app = self.app.edit(ORDERS, at_app["id"], lines=lines)
        self.pull()
        stream = self.stream("purchase_order")
        work = self.env["sync.reconciliation"].create({"stream_id": stream.id})
        work.action_start()
        self.env.cr.flush()
        work.with_env(self.backend._as_runner().env)._job_work()
        self.env.invalidate_all()
        self.assertEqual(work.state, "done")
        ours = work.drift_ids.filtered(lambda d: d.external_id == at_app["id"])
        self.assertFalse(ours)
