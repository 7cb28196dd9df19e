from odoo import Command
from odoo.tests import tagged

from ..common import KEY
from ..document_app import serving
from ..foreign import ForeignCase, document

NONE = False, "none"
AROUND = [
    ("id", "id", "number"),
    ("version", "updated_at", "moment"),
    ("external_ref", *NONE),
    ("deleted", "deleted_at", "said"),
]
# What a person writes on the pages, as docs/administrator/other-apps.rst has it.
PAGES = {
    "supplier": {
        "place": "suppliers",
        "one_name": "ids",
        "list_query": "include_deleted=true",
        "names": [
            *AROUND,
            *((name, *NONE) for name in ("reference", "vat", "street", "street2")),
            *((name, *NONE) for name in ("city", "zip", "country_code", "active")),
        ],
    },
    "product": {
        "direction": "pull",
        "conflict_policy": "pharmacy",
        "place": "variants",
        "record_query": "extend=product_or_material",
        "list_query": "include_deleted=true&extend=product_or_material",
        "names": [
            *AROUND,
            ("name", "product_or_material.name"),
            ("code", "sku"),
            ("barcode", "registered_barcode"),
            ("cost", "purchase_price", "number"),
            ("price", "sales_price", "number"),
            ("uom", *NONE),
            ("active", *NONE),
        ],
    },
    "purchase_order": {
        "place": "purchase_orders",
        "list_query": "include_deleted=true",
        "new_values": "location_id = 1\nentity_type = regular",
        "gives_line_keys": True,
        "lines_place": "purchase_order_rows",
        "lines_owner": "purchase_order_id",
        "names": [
            *AROUND,
            ("reference", "order_no"),
            ("supplier_id", "supplier_id", "number"),
            ("state", *NONE),
            ("ordered_at", "order_created_date"),
            ("expected_at", *NONE),
            ("notes", "additional_info"),
            ("lines", "purchase_order_rows"),
            ("lines.key", "id", "number"),
            ("lines.product_id", "variant_id", "number"),
            ("lines.description", *NONE),
            ("lines.quantity", "quantity", "number"),
            ("lines.uom", *NONE),
            ("lines.unit_price", "price_per_unit", "number"),
        ],
    },
}
EVERYWHERE = {
    "list_path": "data",
    "next_path": False,
    "after_name": "page",
    "since_name": "updated_at_min",
    "leaves_out_empty": True,
}


@tagged("post_install", "-at_install")
class TestForeignDocument(ForeignCase):
    """A product of somebody else's, served as its own document says, is connected on
    the pages of the streams."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.katana = cls.enterClassContext(
            serving(document("katana-openapi.yaml"), KEY)
        )
        cls.connect(cls.katana, EVERYWHERE, PAGES, api_key=KEY)

    def setUp(self):
        super().setUp()
        self.katana.forget()
        self.backend.action_test_connection()
        self.tried = self.writes()
        self.env.invalidate_all()
        self.variants = [self.make_variant(product) for product in self.products]
        self.sync()

    def make_variant(self, product):
        """A person at the app makes a product that Odoo has, too: of the same code."""
        product = self.katana.people(
            "POST",
            "/products",
            {
                "name": product.name,
                "variants": [{"sku": product.default_code, "purchase_price": 7.5}],
            },
        )
        return product["variants"][0]

    def rows(self, order):
        """Quantity and price of each row by the product, as the app has them."""
        external_id = int(self.mapping(order).external_id)
        (there,) = (
            o for o in self.katana.records("purchase_orders") if o["id"] == external_id
        )
        return {
            row["variant_id"]: (row["quantity"], row["price_per_unit"])
            for row in there["purchase_order_rows"]
        }

    def test_nothing_is_written_to_find_out_what_it_can(self):
        self.assertFalse(self.tried)
        self.assertTrue(all(self.backend.stream_ids.mapped("reads_list")))

    def test_its_products_are_those_of_the_same_code(self):
        self.check_in_step()
        for product, variant in zip(self.products, self.variants, strict=True):
            self.assertEqual(self.mapping(product).external_id, str(variant["id"]))
            self.assertEqual(product.standard_price, 7.5)

    def test_an_order_of_odoo_arrives_with_its_supplier(self):
        order = self.make_order()
        self.sync()
        self.check_in_step()
        (there,) = self.katana.records("purchase_orders")
        (supplier,) = self.katana.records("suppliers")
        self.assertEqual(supplier["name"], self.supplier.name)
        self.assertNotIn("email", supplier)
        self.assertEqual(there["supplier_id"], supplier["id"])
        self.assertEqual((there["order_no"], there["location_id"]), (order.name, 1))
        self.assertEqual(
            self.rows(order), {variant["id"]: (2, 12.5) for variant in self.variants}
        )
        keys = {str(row["id"]) for row in there["purchase_order_rows"]}
        self.assertEqual(set(order.order_line.mapped("sync_key")), keys)

    def test_nothing_more_is_said_of_what_is_in_step(self):
        self.make_order()
        self.sync()
        before = len(self.katana.asked)
        self.sync()
        self.assertFalse(self.writes(before))

    def test_lines_change_on_each_side(self):
        order = self.make_order()
        self.sync()
        first, second, third = order.order_line
        before = len(self.katana.asked)
        first.product_qty = 5
        again = {"product_id": third.product_id.id, "product_qty": 4, "price_unit": 3}
        order.order_line = [Command.delete(third.id), Command.create(again)]
        self.sync()
        self.check_in_step()
        methods = sorted(method for method, __ in self.writes(before))
        self.assertEqual(methods, ["DELETE", "PATCH", "POST"])
        one, two, three = (variant["id"] for variant in self.variants)
        self.assertEqual(
            self.rows(order), {one: (5, 12.5), two: (2, 12.5), three: (4, 3)}
        )
        self.katana.people(
            "PATCH", f"/purchase_order_rows/{second.sync_key}", {"quantity": 9}
        )
        number = int(self.mapping(order).external_id)
        row = {"variant_id": one, "quantity": 1, "price_per_unit": 2.5}
        self.katana.people(
            "POST", "/purchase_order_rows", {"purchase_order_id": number, **row}
        )
        self.sync()
        self.check_in_step()
        self.assertEqual(second.product_qty, 9)
        self.assertEqual(len(order.order_line), 4)

    def test_a_change_of_the_order_and_of_the_supplier(self):
        order = self.make_order()
        self.sync()
        before = len(self.katana.asked)
        order.note = "Cold chain"
        self.supplier.email = "orders@example.com"
        self.sync()
        self.check_in_step()
        self.assertEqual({method for method, __ in self.writes(before)}, {"PATCH"})
        (supplier,) = self.katana.records("suppliers")
        self.assertEqual(supplier["email"], "orders@example.com")
        self.katana.people("PATCH", f"/suppliers/{supplier['id']}", {"name": "Alba SL"})
        self.sync()
        self.check_in_step()
        self.assertEqual(self.supplier.name, "Alba SL")

    def test_an_order_made_at_the_app_arrives(self):
        supplier = self.katana.people("POST", "/suppliers", {"name": "Sur"})
        self.katana.people(
            "POST",
            "/purchase_orders",
            {
                "order_no": "PO-7",
                "entity_type": "regular",
                "supplier_id": supplier["id"],
                "location_id": 1,
                "purchase_order_rows": [
                    {
                        "variant_id": self.variants[0]["id"],
                        "quantity": 2.5,
                        "price_per_unit": 0.1,
                    }
                ],
            },
        )
        self.sync()
        self.check_in_step()
        order = self.env["purchase.order"].search([("origin", "=", "PO-7")])
        self.assertEqual(order.partner_id.name, "Sur")
        self.assertEqual(order.order_line.product_id, self.products[0])
        self.assertEqual(
            (order.order_line.product_qty, order.amount_untaxed), (2.5, 0.25)
        )

    def test_what_the_app_deletes(self):
        self.make_order()
        self.sync()
        (supplier,) = self.katana.records("suppliers")
        self.katana.people("DELETE", f"/suppliers/{supplier['id']}")
        self.sync()
        self.assertFalse(self.supplier.active)
        self.assertTrue(self.mapping(self.supplier).deleted)

    def test_a_line_whose_answer_was_lost_is_there_once(self):
        order = self.make_order()
        self.sync()
        lines = order.order_line
        self.katana.drop = 1
        order.order_line = [
            Command.create(
                {
                    "product_id": self.products[0].id,
                    "product_qty": 6,
                    "price_unit": 1.25,
                }
            )
        ]
        self.push()
        made = self.rows_there().keys()
        for __ in range(3):
            self.make_due()
            self.sync()
        line = order.order_line - lines
        self.assertEqual(len(lines.exists()), 3, "they are those lines, and no others")
        self.assert_same_lines(order, line, 6)
        self.assertEqual(self.rows_there().keys(), made, "none was made in its place")
        # It goes by the key that it has there.
        line.product_qty = 7
        self.sync()
        self.assert_same_lines(order, line, 7)

    def rows_there(self):
        """Lines of the app's only order, by their keys."""
        (there,) = self.katana.records("purchase_orders")
        return {str(row["id"]): row for row in there["purchase_order_rows"]}

    def assert_same_lines(self, order, line, quantity):
        """Both sides have four lines by the same keys, and so much of one."""
        rows = self.rows_there()
        ours = self.env["sync.entity.purchase_order"]._lines_of(order)
        self.assertEqual((len(rows), len(order.order_line)), (4, 4))
        self.assertEqual(set(ours), set(rows))
        (key,) = [key for key, each in ours.items() if each == line]
        self.assertEqual(float(rows[key]["quantity"]), quantity)
        self.assertEqual(order.sync_state, "synced")

    def test_an_order_whose_answer_was_lost_is_there_once(self):
        self.make_order()
        self.sync()
        self.katana.drop = 1
        order = self.make_order()
        self.sync()
        for __ in range(3):
            self.make_due()
            self.sync()
        there = self.katana.records("purchase_orders")
        self.assertEqual([o["order_no"] for o in there].count(order.name), 1)
        self.assertTrue(self.mapping(order).external_id, "found by number and supplier")
