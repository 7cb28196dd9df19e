import unicodedata

from odoo.tests import new_test_user, tagged

from ..fidelity import ORDERS, PRODUCTS, SUPPLIERS, FidelityCase

LONG_AGO = "3"


@tagged("post_install", "-at_install")
class TestFieldCases(FidelityCase):
    """What people and their tools do on either side, from one end to the other."""

    def tick(self):
        """What passed the ORM is looked at, and all goes on."""
        self.env.cr.flush()
        self.env["sync.touched"]._cron_look()
        self.env.invalidate_all()
        self.rest()

    def past(self, statement, *values):
        """SQL, as in a transaction of its own."""
        self.env.flush_all()
        self.env["sync.touched"]._cron_look()
        self.env.flush_all()
        self.env.cr.execute("UPDATE sync_event SET xid = %s::xid8", [LONG_AGO])
        self.env.cr.execute(statement, values)
        self.env.invalidate_all()

    def version(self, record):
        mapping = self.mapping(record)
        collection = mapping.stream_id._adapter()._entity_collection
        return self.app.get(collection, mapping.external_id)["version"]

    def assert_in_step(self, *records):
        for record in records:
            mapping = self.mapping(record)
            self.assertEqual(mapping.state, "synced", record)
            self.assertFalse(mapping._open_conflict(), record)

    def order(self):
        return self.env["purchase.order"].search([], limit=1, order="id")

    # -- Records that become one ------------------------------------------------------

    def test_suppliers_that_odoo_merges_are_one_supplier(self):
        double = self.supplier.create(
            {"name": "Veterinaria Alba SL", "is_company": True, "supplier_rank": 1}
        )
        order = self.make_order(partner_id=double.id)
        self.rest()
        gone = self.mapping(double).external_id
        self.past("SELECT 1")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((self.supplier | double).ids, self.supplier)
        self.tick()
        self.assertFalse(double.exists())
        self.assertEqual(order.partner_id, self.supplier)
        self.assertEqual(self.at_app(order)["supplier_id"], self.supplier_id)
        self.assert_in_step(order, self.supplier, self.order())
        self.assertNotIn(gone, [s["id"] for s in self.app.items(SUPPLIERS)])

    # -- Numbers that change places ---------------------------------------------------

    def test_barcodes_that_two_products_exchange(self):
        """The app has each for one product only: neither can go first."""
        one, two, __ = self.products
        first, second = one.barcode, two.barcode
        (one | two).barcode = False
        one.barcode, two.barcode = second, first
        self.settle()
        found = [self.at_app(product)["barcode"] for product in (one, two)]
        self.assertEqual(found, [second, first])
        self.assert_in_step(one, two)
        self.assertEqual(len(self.app.items(PRODUCTS)), 3)

    def test_barcodes_that_three_products_hand_on(self):
        codes = self.products.mapped("barcode")
        self.products.barcode = False
        wanted = [*codes[1:], codes[0]]
        for product, code in zip(self.products, wanted, strict=True):
            product.barcode = code
        self.settle()
        found = [self.at_app(product)["barcode"] for product in self.products]
        self.assertEqual(found, wanted)
        self.assert_in_step(*self.products)

    def test_barcode_that_another_product_of_the_pharmacy_keeps(self):
        one, two, __ = self.products
        at_app = self.app.edit(
            PRODUCTS, self.mapping(two).external_id, barcode="8400077777777"
        )
        one.barcode = at_app["barcode"]
        self.push()
        (dead,) = self.operations(state="dead")
        self.assertEqual(dead.mapping_id.res_id, one.id)
        self.assertIn(two.display_name, dead.error_ids.message)

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def test_codes_that_two_products_exchange_at_the_pharmacy(self):
        ids = self.product_ids[:2]
        codes = [self.app.get(PRODUCTS, i)["code"] for i in ids]
        for external_id, code in zip(ids, ("X", codes[0]), strict=True):
            self.app.edit(PRODUCTS, external_id, code=code)
        self.app.edit(PRODUCTS, ids[0], code=codes[1])
        self.rest()
        self.assertEqual(self.products[:2].mapped("default_code"), codes[::-1])
        self.assert_in_step(*self.products)

    # -- Values of a company ----------------------------------------------------------

    def test_the_cost_in_another_company_is_not_this_ones(self):
        product = self.products[0]
        other = self.env["res.company"].create({"name": "Other"})
        before = self.at_app(product)
        product.with_company(other).standard_price = 99
        self.tick()
        self.assertEqual(self.at_app(product), before)
        self.assert_in_step(product)
        self.app.edit(PRODUCTS, self.product_ids[0], cost="7.5")
        self.rest()
        self.assertEqual(product.standard_price, 7.5)
        self.assertEqual(product.with_company(other).standard_price, 99)

    # -- Moments and texts ------------------------------------------------------------

    def test_moments_are_not_written_anew_over_something_else(self):
        at_app = self.order_at_app(
            "1.00",
            ordered_at="2026-11-03T10:20:30Z",
            expected_at="2026-12-24T23:59:59Z",
        )
        reported = {
            **at_app,
            "ordered_at": "2026-11-03T10:20:30.123456Z",
            "expected_at": "2026-12-25T05:29:59+05:30",
        }
        self.api_push("purchase_order", reported)
        order = self.record("purchase_order", at_app["id"])
        self.assertEqual(str(order.date_planned), "2026-12-24 23:59:59")
        order.note = "call"
        self.rest()
        now = self.app.get(ORDERS, at_app["id"])
        for name in ("ordered_at", "expected_at"):
            self.assertEqual(now[name], at_app[name])
        self.assertEqual(now["notes"], "call")
        self.assert_in_step(order)

    def test_texts_of_other_scripts_stay_to_the_last_mark(self):
        name = unicodedata.normalize("NFD", "Clínica Ñandú")
        city = "\u200f\u05ea\u05dc \u05d0\u05d1\u05d9\u05d1\u200e \u200bA\u0301"
        at_app = self.app.add(SUPPLIERS, name=name, city=city)
        self.rest()
        partner = self.record("supplier", at_app["id"])
        self.assert_untouched(SUPPLIERS, at_app)
        partner.phone = "+34 910 000 000"
        self.rest()
        now = self.app.get(SUPPLIERS, at_app["id"])
        self.assertEqual((now["name"], now["city"]), (name, city))
        self.assert_in_step(partner)

    # -- Records that are put away ----------------------------------------------------

    def test_an_order_whose_product_was_archived_goes_on(self):
        order = self.order()
        self.products[0].active = False
        self.rest()
        there = self.at_app(order)
        lines = [
            {**line, "quantity": "8"}
            if line["product_id"] == self.product_ids[0]
            else line
            for line in there["lines"]
        ]
        self.app.edit(ORDERS, there["id"], notes="urgent", lines=lines)
        self.rest()
        self.assertIn("urgent", order.note)
        self.assertEqual(len(order.order_line), 3)
        found = order.order_line.filtered(
            lambda line: line.product_id == self.products[0]
        )
        self.assertEqual(found.product_qty, 8)
        self.assert_in_step(order, self.products[0])

    # -- Copies -----------------------------------------------------------------------

    def test_a_copy_is_an_order_of_its_own(self):
        order = self.order()
        before = self.at_app(order)
        copied = order.copy()
        self.rest()
        self.assertEqual(len(self.app.items(ORDERS)), 2)
        keys = {line["key"] for line in before["lines"]}
        self.assertFalse(keys & {line["key"] for line in self.at_app(copied)["lines"]})
        copied.order_line[0].product_qty = 11
        order.order_line[-1].unlink()
        self.rest()
        self.assertEqual(
            [float(line["quantity"]) for line in self.at_app(copied)["lines"]],
            [11, 2, 2],
        )
        self.assertEqual(self.at_app(order)["lines"], before["lines"][:2])
        self.assert_in_step(order, copied)

    # -- Past the ORM -----------------------------------------------------------------

    def test_lines_that_sql_makes_and_removes(self):
        order = self.order()
        first, second, __ = order.order_line
        self.env["purchase.order.line"].flush_model()
        self.env.cr.execute(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_name = 'purchase_order_line' AND is_generated = 'NEVER'"
        )
        columns = [name for (name,) in self.env.cr.fetchall()]
        names = [n for n in columns if n not in ("id", "product_qty", "sync_key")]
        listed = ", ".join(f'"{name}"' for name in names)
        self.past(
            f"INSERT INTO purchase_order_line ({listed}, product_qty) "
            f"SELECT {listed}, 44 FROM purchase_order_line WHERE id = %s",
            first.id,
        )
        self.tick()
        quantities = [float(line["quantity"]) for line in self.at_app(order)["lines"]]
        self.assertEqual(sorted(quantities), [2, 2, 2, 44])
        self.past("DELETE FROM purchase_order_line WHERE id = %s", second.id)
        self.tick()
        quantities = [float(line["quantity"]) for line in self.at_app(order)["lines"]]
        self.assertEqual(sorted(quantities), [2, 2, 44])
        self.assert_in_step(order)

    def test_an_order_that_sql_gives_to_another_company(self):
        order = self.order()
        self.other = self.second_backend()
        self.assertTrue(self.mapping(order))
        before = self.at_app(order)
        self.past(
            "UPDATE purchase_order SET company_id = %s WHERE id = %s",
            self.other_company.id,
            order.id,
        )
        self.tick()
        self.assertEqual(self.at_app(order)["lines"], before["lines"])
        mapping = self.env["sync.mapping"].search(
            [("res_model", "=", "purchase.order"), ("res_id", "=", order.id)]
        )
        self.assertEqual(mapping.backend_id, self.backend)

    # -- Many at once -----------------------------------------------------------------

    def test_an_import_in_another_language_changes_what_it_names(self):
        self.env["res.lang"]._activate_lang("es_ES")
        user = new_test_user(
            self.env,
            "importer",
            "base.group_partner_manager,base.group_user",
            lang="es_ES",
        )
        partners = self.supplier.create(
            [
                {
                    "name": f"Supplier {n}",
                    "is_company": True,
                    "supplier_rank": 1,
                    "phone": f"910 {n}",
                    "comment": f"<p>kept {n}</p>",
                }
                for n in range(30)
            ]
        )
        self.rest()
        before = {p: self.at_app(p) for p in partners}
        self.app.call("DELETE", "/admin/requests")
        rows = [[str(p.id), f"Ciudad {p.id}"] for p in partners]
        found = partners.with_user(user).load([".id", "city"], rows)
        self.assertFalse(found["messages"])
        self.rest()
        for partner, known in before.items():
            now = self.at_app(partner)
            self.assertEqual(now["city"], f"Ciudad {partner.id}")
            self.assertEqual(now["version"], known["version"] + 1)
            changed = {n for n in now if now[n] != known.get(n)}
            self.assertLessEqual(changed, {"city", "version", "updated_at"})
        self.assert_in_step(*partners)
