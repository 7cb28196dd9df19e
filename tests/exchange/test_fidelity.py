from odoo.tests import tagged

from ...entities.converters import Converter
from ..common import SyncCase

ORDERS, SUPPLIERS, PRODUCTS = "purchase-orders", "suppliers", "products"
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


class FidelityCase(SyncCase):
    """What no person changed stays as it is on either side, to the last character."""

    def setUp(self):
        super().setUp()
        self.make_order()
        self.sync()
        self.supplier_id = self.mapping(self.supplier).external_id
        self.product_ids = [self.mapping(p).external_id for p in self.products]

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def api_push(self, entity, record, *names):
        """The app calls with a record, or with these fields of it only."""
        names = {"id", "version", *(names or record)}
        told = {name: record[name] for name in record if name in names}
        answer = self.env["sync.api"].with_user(self.api_user).push(entity, [told])
        self.env.invalidate_all()
        (result,) = answer["results"]
        self.assertTrue(result["success"], result)
        return result

    def rest(self):
        for __ in range(2):
            self.make_due()
            self.sync()
        self.assertFalse(self.operations().filtered(lambda o: o.state in _OPEN))

    def record(self, entity, external_id):
        mapping = self.env["sync.mapping"].search(
            [("stream_id.entity", "=", entity), ("external_id", "=", external_id)]
        )
        return mapping._record()

    def order_at_app(self, *prices, **values):
        lines = [
            {
                "key": str(number),
                "product_id": self.product_ids[number - 1],
                "description": f"Goods {number}",
                "quantity": "10",
                "uom": "Units",
                "unit_price": price,
            }
            for number, price in enumerate(prices, 1)
        ]
        values = {"currency": "EUR", "supplier_id": self.supplier_id, **values}
        return self.app.add(ORDERS, lines=lines, **values)

    def assert_untouched(self, collection, record):
        self.assertEqual(self.app.get(collection, record["id"]), record)


_OPEN = ("pending", "running", "waiting", "dead")


@tagged("post_install", "-at_install")
class TestNotSaid(FidelityCase):
    """What is not said is nobody's change."""

    def test_a_supplier_pushed_with_its_name_only_keeps_the_rest(self):
        at_app = self.app.add(
            SUPPLIERS,
            name="Distribuciones Sur",
            email="a@example.test",
            phone="+34 600 000 000",
            city="Sevilla",
            country_code="ES",
        )
        result = self.api_push("supplier", at_app, "name", "country_code")
        self.assertEqual(result["warnings"], [])
        self.rest()
        self.assert_untouched(SUPPLIERS, at_app)
        # With the next reading Odoo hears of the rest, and has it then.
        partner = self.record("supplier", at_app["id"])
        self.assertEqual(partner.city, "Sevilla")

    def test_a_product_pushed_with_its_name_only_keeps_the_rest(self):
        at_app = self.app.add(
            PRODUCTS, name="Vendas", code="VND", barcode="84111", cost="12.34"
        )
        self.api_push("product", at_app, "name")
        self.push()
        self.assert_untouched(PRODUCTS, at_app)
        product = self.record("product", at_app["id"])
        self.assertEqual((product.standard_price, product.list_price), (0.0, 1.0))

    def test_an_order_pushed_in_part_keeps_the_rest(self):
        at_app = self.order_at_app(
            "1.00",
            "2.00",
            notes="IMPORTANT: cold chain",
            expected_at="2026-12-24T10:00:00Z",
        )
        names = ("key", "product_id", "quantity", "unit_price")
        lines = [{name: line[name] for name in names} for line in at_app["lines"]]
        told = {**at_app, "lines": lines}
        self.api_push("purchase_order", told, "reference", "supplier_id", "lines")
        self.push()
        self.assert_untouched(ORDERS, at_app)

    def test_an_order_pushed_without_lines_keeps_them(self):
        at_app = self.order_at_app("1.00", notes="cold")
        self.api_push("purchase_order", at_app, "reference", "supplier_id")
        self.push()
        self.assert_untouched(ORDERS, at_app)
        order = self.record("purchase_order", at_app["id"])
        self.assertFalse(order.order_line)
        # The next reading brings them.
        self.rest()
        self.assert_untouched(ORDERS, at_app)
        self.assertEqual(order.order_line.name, "Goods 1")

    def test_a_change_of_what_was_never_told_is_read_first(self):
        """Odoo changes a line of which it was told the half: the other half is read
        before the list is sent, and the app keeps its descriptions."""
        at_app = self.order_at_app("1.00", "2.00")
        names = ("key", "product_id", "quantity", "unit_price")
        lines = [{name: line[name] for name in names} for line in at_app["lines"]]
        told = {**at_app, "lines": lines}
        self.api_push("purchase_order", told, "reference", "supplier_id", "lines")
        order = self.record("purchase_order", at_app["id"])
        order.order_line[0].product_qty = 7
        before = len(self.app.requests())
        self.push()
        asked = [r for r in self.app.requests()[before:] if r["method"] == "GET"]
        self.assertEqual(len(asked), 1, asked)
        now = self.app.get(ORDERS, at_app["id"])
        self.assertEqual(
            [(line["description"], line["quantity"]) for line in now["lines"]],
            [("Goods 1", "7.00"), ("Goods 2", "10.00")],
        )
        self.rest()
        self.assertEqual(order.order_line.mapped("name"), ["Goods 1", "Goods 2"])

    def test_what_a_part_of_a_version_leaves_out_may_have_changed_with_it(self):
        at_app = self.order_at_app("1.00", "2.00")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        self.app.edit(ORDERS, at_app["id"], lines=at_app["lines"][1:])
        at_app = self.app.edit(ORDERS, at_app["id"], notes="one less")
        self.api_push("purchase_order", at_app, "notes")
        self.assertEqual(len(order.order_line), 2)
        order.order_line[1].product_qty = 7
        self.push()
        lines = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual([(li["key"], li["quantity"]) for li in lines], [("2", "7.00")])
        self.assertEqual(order.order_line.mapped("sync_key"), ["2"])

    def test_a_part_does_not_make_up_for_the_whole_that_waits(self):
        stream = self.stream("purchase_order")
        whole = {
            **{"id": "po_w", "version": 1, "reference": "W", "supplier_id": "sup_w"},
            **{"currency": "EUR", "notes": "cold", "lines": []},
        }
        stream._keep_failed(stream._apply([whole], "page"), "page")
        supplier = {"id": "sup_w", "version": 1, "name": "Late"}
        self.stream("supplier")._apply([supplier], "later")
        self.api_push("purchase_order", whole, "reference", "supplier_id")
        order = self.record("purchase_order", "po_w")
        self.assertFalse(order.note)
        self.make_due()
        stream._apply_due()
        self.assertIn("cold", order.note)
        self.assertFalse(self.operations(kind="apply", state="waiting"))

    def test_both_sides_have_a_value_that_was_never_told(self):
        at_app = self.app.add(SUPPLIERS, name="Norte", city="Bilbao", zip="48001")
        self.api_push("supplier", at_app, "name")
        partner = self.record("supplier", at_app["id"])
        partner.city = "Vitoria"
        self.push()
        self.assert_untouched(SUPPLIERS, at_app)
        conflict = self.mapping(partner)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["city"])
        self.assertEqual(partner.zip, "48001")
        conflict.action_keep_odoo()
        self.rest()
        now = self.app.get(SUPPLIERS, at_app["id"])
        self.assertEqual((now["city"], now["zip"]), ("Vitoria", "48001"))

    def test_what_is_empty_at_the_app_as_it_was_in_odoo_is_filled(self):
        at_app = self.app.add(SUPPLIERS, name="Este")
        self.api_push("supplier", at_app, "name")
        self.record("supplier", at_app["id"]).phone = "123"
        self.push()
        self.assertEqual(self.app.get(SUPPLIERS, at_app["id"])["phone"], "123")

    def test_a_field_that_the_app_does_not_have_is_asked_for_once(self):
        adapter = type(self.stream("supplier")._adapter())
        known = adapter._converters

        def more(records):
            return (*known(records), Converter("colour", "website"))

        at_app = self.app.add(SUPPLIERS, name="Este")
        self.patch(adapter, "_converters", more)
        self.api_push("supplier", at_app)
        partner = self.record("supplier", at_app["id"])
        before = len(self.app.requests())
        partner.write({"website": "https://example.test", "phone": "1"})
        self.push()
        asked = [r for r in self.app.requests()[before:] if r["method"] == "GET"]
        self.assertEqual(len(asked), 1, asked)
        (refused,) = self.operations(state="dead")
        self.assertIn("colour", refused.error_ids.message)

    def test_what_is_told_to_the_app_leaves_out_what_it_never_told(self):
        at_app = self.app.add(SUPPLIERS, name="Oeste", city="Vigo")
        self.api_push("supplier", at_app, "name")
        api = self.env["sync.api"].with_user(self.api_user)
        changes = api.changes("supplier", None, 500)["changes"]
        (told,) = [c["data"] for c in changes if c["id"] == at_app["id"]]
        self.assertEqual(told["name"], "Oeste")
        self.assertNotIn("city", told)

    def test_a_misspelt_field_is_named(self):
        at_app = self.order_at_app("1.00")
        lines = [{**at_app["lines"][0], "colour": "red"}]
        told = {**at_app, "lines": lines, "expectedAt": "2026-12-24"}
        result = self.api_push("purchase_order", told)
        (warning,) = result["warnings"]
        self.assertIn("expectedAt", warning)
        self.assertIn("lines.colour", warning)


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

    def test_what_odoo_computed_is_told_without_the_noise_of_its_numbers(self):
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


@tagged("post_install", "-at_install")
class TestDeclined(FidelityCase):
    """What Odoo declines without raising is not agreed on, and is said."""

    def decline(self, model, method):
        self.patch(type(self.env[model]), method, lambda records, *args: True)

    def test_a_state_that_is_not_reached_is_not_taken_back_at_the_app(self):
        at_app = self.order_at_app("1.00")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        self.decline("purchase.order", "button_confirm")
        at_app = self.app.edit(ORDERS, at_app["id"], state="confirmed")
        result = self.api_push("purchase_order", at_app)
        (warning,) = result["warnings"]
        self.assertIn("state", warning)
        self.assertIn("draft", warning)
        order.note = "call first"
        self.rest()
        now = self.app.get(ORDERS, at_app["id"])
        self.assertEqual((now["state"], now["notes"]), ("confirmed", "call first"))
        self.assertEqual(order.state, "draft")

    def test_a_person_who_takes_it_over_later_may_take_it_back(self):
        at_app = self.order_at_app("1.00")
        self.pull()
        order = self.record("purchase_order", at_app["id"])
        with self.subTest("declined"):
            self.patch(type(order), "button_confirm", lambda records: True)
            self.app.edit(ORDERS, at_app["id"], state="confirmed")
            self.rest()
            self.assertEqual(order.state, "draft")
        order.state = "purchase"
        self.rest()
        order.state = "draft"
        self.rest()
        self.assertEqual(self.app.get(ORDERS, at_app["id"])["state"], "draft")

    def test_a_value_that_is_swallowed_when_it_is_created(self):
        create = type(self.env["res.partner"]).create

        def careless(records, vals_list):
            return create(records, [{**vals, "city": "X"} for vals in vals_list])

        self.patch(type(self.env["res.partner"]), "create", careless)
        at_app = self.app.add(SUPPLIERS, name="Centro", city="Madrid")
        result = self.api_push("supplier", at_app)
        (warning,) = result["warnings"]
        self.assertIn("city", warning)
        self.rest()
        self.assert_untouched(SUPPLIERS, at_app)
