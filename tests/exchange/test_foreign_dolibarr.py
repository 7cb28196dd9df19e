from odoo.tests import tagged

from ..common import KEY
from ..dolibarr_app import serving
from ..foreign import ForeignCase, document

NONE = False, "none"
ALIVE = "1 = true\n0 = false"
AROUND = [
    ("id", "id", "number"),
    ("version", "date_modification", "moment"),
    ("external_ref", "ref_ext"),
    ("deleted", *NONE),
    ("updated_at", *NONE),
]
# What a person writes on the pages, as docs/administrator/other-apps.rst has it.
PAGES = {
    "supplier": {
        "place": "thirdparties",
        "list_query": "mode=4",
        "new_values": "fournisseur = 1\nclient = 0",
        "names": [
            *AROUND,
            ("reference", *NONE),
            ("vat", "tva_intra"),
            ("street", "address"),
            ("street2", *NONE),
            ("city", "town"),
            ("country_code", *NONE),
            ("active", "status", "same", ALIVE),
        ],
    },
    "product": {
        "place": "products",
        "new_values": "type = 0\nstatus_buy = 1",
        "names": [
            *AROUND,
            ("name", "label"),
            ("code", "ref"),
            ("cost", "cost_price", "number"),
            ("price", "price", "number"),
            ("uom", *NONE),
            ("active", "status", "same", ALIVE),
        ],
    },
    "purchase_order": {
        "place": "supplierorders",
        "new_values": "lines.product_type = 0",
        "gives_line_keys": True,
        "directions": {"state": "pull"},
        "names": [
            *AROUND,
            ("reference", "ref_supplier"),
            ("supplier_id", "socid", "number"),
            ("currency", "multicurrency_code"),
            (
                "state",
                "statut",
                "same",
                "0 = draft\n1 = sent\n2 = awaiting_approval\n3 = confirmed\n"
                "4 = confirmed\n5 = confirmed\n6 = cancelled\n7 = cancelled",
            ),
            ("ordered_at", "date"),
            ("expected_at", "date_livraison"),
            ("notes", "note_public"),
            ("lines.key", "id", "number"),
            ("lines.product_id", "fk_product", "number"),
            ("lines.description", "desc"),
            ("lines.quantity", "qty", "number"),
            ("lines.uom", *NONE),
            ("lines.unit_price", "subprice", "number"),
        ],
    },
}
EVERYWHERE = {
    "list_path": False,
    "next_path": False,
    "after_name": "page",
    "first_page": 0,
    "key_query": "sqlfilters=(t.ref_ext:=:'{}')",
    "change_method": "PUT",
    "leaves_out_empty": True,
}


@tagged("post_install", "-at_install")
class TestForeignDolibarr(ForeignCase):
    """An ERP with pages from 0, a key in a header of its own, filters in a language of
    its own, and no list of what has changed, is connected on the pages."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.erp = cls.enterClassContext(serving(document("dolibarr.json"), KEY))
        cls.connect(
            cls.erp,
            EVERYWHERE,
            PAGES,
            auth_method="header",
            auth_header="DOLAPIKEY",
            api_key=KEY,
        )

    def setUp(self):
        super().setUp()
        self.erp.forget()
        self.backend.action_test_connection()
        self.tried = self.writes()
        self.env.invalidate_all()

    def sync(self):
        """Everything travels, and a round of each list is read."""
        self.backend.stream_ids._begin_round()
        return super().sync()

    def there(self, collection, record):
        """The app's record of one of Odoo's."""
        external_id = int(self.mapping(record).external_id)
        (found,) = (r for r in self.erp.records(collection) if r["id"] == external_id)
        return found

    def test_nothing_is_written_to_find_out_what_it_can(self):
        self.assertFalse(self.tried)
        self.assertTrue(all(self.backend.stream_ids.mapped("reads_whole")))

    def test_an_order_of_odoo_arrives_with_all_that_it_needs(self):
        order = self.make_order()
        self.sync()
        self.check_in_step()
        there = self.there("supplierorders", order)
        supplier = self.there("thirdparties", self.supplier)
        self.assertEqual(supplier["name"], self.supplier.name)
        self.assertEqual((supplier["fournisseur"], supplier["status"]), (1, 1))
        self.assertEqual(there["socid"], supplier["id"])
        self.assertEqual(there["ref_supplier"], order.name)
        self.assertEqual(there["ref_ext"], self.mapping(order).key)
        for line, row in zip(order.order_line, there["lines"], strict=True):
            product = self.there("products", line.product_id)
            self.assertEqual(product["ref"], line.product_id.default_code)
            self.assertEqual(row["fk_product"], product["id"])
            self.assertEqual((row["qty"], row["subprice"]), (2, 12.5))
            self.assertEqual(row["product_type"], 0)
            self.assertEqual(line.sync_key, str(row["id"]))

    def test_nothing_more_is_said_of_what_is_in_step(self):
        self.make_order()
        self.sync()
        before = len(self.erp.asked)
        self.sync()
        self.assertFalse(self.writes(before))

    def test_a_change_of_each_side_travels(self):
        self.make_order()
        self.sync()
        supplier = self.there("thirdparties", self.supplier)
        product = self.there("products", self.products[0])
        self.supplier.phone = "+34 600 000 000"
        self.erp.people(
            "PUT", f"/products/{product['id']}", {"label": "Gauze", "price": 1.25}
        )
        self.sync()
        self.check_in_step()
        self.assertEqual(supplier["phone"], "+34 600 000 000")
        self.assertEqual(self.products[0].name, "Gauze")
        self.assertEqual(self.products[0].list_price, 1.25)

    def test_an_order_made_at_the_app_arrives_and_follows_its_steps(self):
        customer = {"name": "No supplier", "fournisseur": 0}
        self.erp.people("POST", "/thirdparties", customer)
        made = {"name": "Sur", "fournisseur": 1, "status": 1}
        supplier = self.erp.people("POST", "/thirdparties", made)
        product = self.erp.people("POST", "/products", {"label": "Gauze", "ref": "GZ"})
        number = self.erp.people(
            "POST",
            "/supplierorders",
            {
                "socid": supplier,
                "date": "2026-11-29",
                "ref_supplier": "S-7",
                "lines": [
                    {"fk_product": product, "qty": 2.5, "subprice": 0.1}
                    | {"product_type": 0, "desc": "Gauze"}
                ],
            },
        )
        self.sync()
        self.check_in_step()
        order = self.env["purchase.order"].search([("origin", "=", "S-7")])
        self.assertEqual((order.partner_id.name, order.state), ("Sur", "draft"))
        self.assertEqual(order.order_line.product_id.default_code, "GZ")
        self.assertEqual(order.amount_untaxed, 0.25)
        Partner = self.env["res.partner"]
        self.assertFalse(Partner.search([("name", "=", customer["name"])]))
        for step, body in (
            ("validate", {"idwarehouse": 0}),
            ("approve", {"idwarehouse": 0}),
            ("makeorder", {"date": 1795942800, "method": 1}),
        ):
            self.erp.people("POST", f"/supplierorders/{number}/{step}", body)
        self.sync()
        self.check_in_step()
        self.assertEqual(order.state, "purchase")

    def test_no_page_is_passed_over(self):
        self.stream("supplier").batch_size = 2
        names = [f"Supplier {number}" for number in range(5)]
        for name in names:
            made = {"name": name, "fournisseur": 1, "status": 1}
            self.erp.people("POST", "/thirdparties", made)
        self.sync()
        self.check_in_step()
        found = self.env["res.partner"].search([("name", "in", names)])
        self.assertEqual(len(found), 5)

    def test_what_the_app_deletes(self):
        # Of a list that has none of what is linked nothing is believed.
        self.erp.people("POST", "/thirdparties", {"name": "Sur", "fournisseur": 1})
        self.make_order()
        self.sync()
        supplier = self.there("thirdparties", self.supplier)
        self.erp.people("DELETE", f"/thirdparties/{supplier['id']}")
        self.sync()
        self.assertFalse(self.supplier.active)
        self.assertTrue(self.mapping(self.supplier).deleted)

    def test_what_was_made_without_an_answer_is_found_by_its_key(self):
        """Among more than a page has, and before anything is read."""
        for number in range(100):
            made = {"name": f"Other {number}", "fournisseur": 1}
            self.erp.people("POST", "/thirdparties", made)
        self.erp.drop = 1
        before = len(self.erp.asked)
        order = self.make_order()
        for __ in range(3):
            self.push()
            self.make_due()
        made = [w for w in self.writes(before) if w == ("POST", "/thirdparties")]
        self.assertEqual(len(made), 1)
        self.assertTrue(self.mapping(self.supplier).external_id)
        self.assertTrue(self.mapping(order).external_id)

    def test_a_line_that_the_app_does_not_change_is_in_no_step(self):
        """Its document has no way to change the lines of an order that is there."""
        order = self.make_order()
        self.sync()
        order.order_line[0].product_qty = 5
        self.sync()
        self.sync()
        there = self.there("supplierorders", order)
        self.assertEqual(there["lines"][0]["qty"], 2)
        self.assertEqual(order.order_line[0].product_qty, 5)
        self.assertTrue(self.mapping(order).declined)
