from datetime import datetime, timedelta, timezone

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from ..common import WorkCase
from ..shop_app import BASE, serving

NONE = False, "none"
AROUND = [
    ("id", "id", "number"),
    ("version", "modified", "moment"),
    ("updated_at", "modified"),
    ("external_ref", "our_key"),
]
# Field, place at the shop, how it is read, values, what it is if absent.
NAMES = {
    "product": [
        *AROUND,
        ("name", "title"),
        ("code", "codes.sku"),
        ("barcode", "codes.ean"),
        ("cost", "cost_price", "number"),
        ("active", "hidden", "same", "true = false\nfalse = true", "true"),
        ("uom", *NONE),
        ("price", *NONE),
    ],
    "supplier": [
        *AROUND,
        ("name", "company"),
        ("email", "contact.mail"),
        ("phone", "contact.phone"),
        ("active", "status", "same", "ok = true\nblocked = false"),
        *((name, *NONE) for name in ("reference", "vat", "street", "street2")),
        *((name, *NONE) for name in ("city", "zip", "country_code")),
    ],
    "purchase_order": [
        *AROUND,
        ("reference", "number"),
        ("supplier_id", "vendor.id", "number"),
        ("currency", "money"),
        (
            "state",
            "status",
            "same",
            "10 = draft\n15 = sent\n17 = awaiting_approval\n20 = confirmed\n"
            "90 = cancelled",
        ),
        ("ordered_at", "placed"),
        ("expected_at", *NONE),
        ("notes", "remarks"),
        ("lines", "rows"),
        ("lines.key", "tag"),
        ("lines.product_id", "article", "number"),
        ("lines.description", "label"),
        ("lines.quantity", "qty", "number"),
        ("lines.uom", *NONE),
        ("lines.unit_price", "cost", "number"),
    ],
}
PLACES = {
    "product": "articles",
    "supplier": "vendors",
    "purchase_order": "buying/orders",
}
CALLED = {
    "list_path": False,
    "next_path": False,
    "after_name": "page",
    "limit_name": "per_page",
    "since_name": "modified_after",
    "change_method": "PUT",
}


@tagged("post_install", "-at_install")
class TestOtherNames(WorkCase):
    """An app that is not written for the contract is connected on the page of each
    stream: where it has what, and how it says it."""

    def setUp(self):
        super().setUp()
        self.shop = self.enterContext(serving())
        self.move_app(self.shop.url)
        self.backend.api_path = BASE
        for entity, names in NAMES.items():
            self.stream(entity).write({**CALLED, "place": PLACES[entity]})
            for field, path, *more in names:
                self.name(entity, field, path, *more)
        self.stream("supplier").record_path = "data"
        self.backend.action_test_connection()
        self.env.invalidate_all()

    def name(self, entity, field, path, kind="same", values=False, fallback=False):
        return self.env["sync.field.name"].create(
            {
                "stream_id": self.stream(entity).id,
                "field": field,
                "path": path,
                "kind": kind,
                "values": values,
                "fallback": fallback,
            }
        )

    def check_in_step(self):
        ended = ("done", "cancelled")
        left = self.env["sync.operation"].search([("state", "not in", ended)])
        self.assertFalse(left, left.mapped("reason"))
        self.assertFalse(self.env["sync.conflict"].search([("state", "=", "open")]))
        errors = self.env["sync.error"].search([])
        self.assertFalse(errors, errors.mapped("message"))

    def test_nothing_is_written_to_find_out_what_it_can(self):
        self.assertEqual({method for method, __ in self.shop.asked}, {"GET"})
        streams = self.backend.stream_ids
        self.assertTrue(all(streams.mapped("reads_list")))
        self.assertTrue(all(streams.mapped("reads_first")))
        self.assertFalse(any(streams.mapped("takes_batches")))

    def test_what_is_made_in_odoo_arrives_in_the_shops_words(self):
        order = self.make_order()
        self.sync()
        self.check_in_step()
        (vendor,) = self.shop.records("vendors")
        articles = {a["id"]: a for a in self.shop.records("articles")}
        (there,) = self.shop.records("buying/orders")
        self.assertEqual(vendor["company"], self.supplier.name)
        self.assertEqual(vendor["status"], "ok")
        self.assertEqual(there["vendor"], {"id": vendor["id"]})
        self.assertEqual(
            (there["status"], there["money"]), (10, order.currency_id.name)
        )
        self.assertEqual([row["cost"] for row in there["rows"]], [12.5] * 3)
        for row, line in zip(there["rows"], order.order_line, strict=True):
            codes = articles[row["article"]]["codes"]
            self.assertEqual(codes["sku"], line.product_id.default_code)
            self.assertEqual(row["qty"], 2)

    def test_a_change_of_each_side_travels(self):
        order = self.make_order()
        self.sync()
        (there,) = self.shop.records("buying/orders")
        article = self.shop.records("articles")[0]
        self.shop.put("articles", article["id"], title="Amoxicilina")
        row = {**there["rows"][0], "qty": 7}
        self.shop.put("buying/orders", there["id"], rows=[row, *there["rows"][1:]])
        self.supplier.email = "new@example.com"
        self.sync()
        self.check_in_step()
        self.assertEqual(order.order_line[0].product_qty, 7)
        self.assertEqual(self.products[0].name, "Amoxicilina")
        (vendor,) = self.shop.records("vendors")
        self.assertEqual(vendor["contact"]["mail"], "new@example.com")
        order.button_confirm()
        self.sync()
        self.check_in_step()
        self.assertEqual(there["status"], 20)

    def test_what_is_made_in_the_shop_arrives(self):
        vendor = self.shop.put("vendors", company="Drogueria Sur", status="blocked")
        article = self.shop.put("articles", title="Gauze", codes={}, cost_price=0.1)
        self.shop.put(
            "buying/orders",
            number="B-7",
            vendor={"id": vendor["id"]},
            money=self.env.company.currency_id.name,
            status=10,
            rows=[
                {
                    "tag": "a",
                    "article": article["id"],
                    "label": "Gauze",
                    "qty": 3,
                    "cost": 0.1,
                }
            ],
        )
        self.sync()
        self.check_in_step()
        order = self.env["purchase.order"].search([("origin", "=", "B-7")])
        self.assertEqual(order.partner_id.name, "Drogueria Sur")
        self.assertFalse(order.partner_id.active, "blocked")
        self.assertTrue(order.order_line.product_id.active, "what the shop leaves out")
        self.assertEqual(order.order_line.price_unit, 0.1)

    def test_its_whole_list_is_read_in_rounds_where_that_is_chosen(self):
        """Its ids are numbers, as are its pages; of what it deletes it answers 404."""
        vendors = [
            self.shop.put("vendors", company=f"Vendor {number}", status="ok")
            for number in range(5)
        ]
        stream = self.stream("supplier")
        stream.write({"reading_choice": "whole", "batch_size": 2})
        self.pull()
        links = self.env["sync.mapping"].search([("stream_id", "=", stream.id)])
        self.assertEqual(len(links), 5)
        gone = vendors[1]["id"]
        del self.shop.there["vendors"][gone]
        self.shop.put("vendors", vendors[4]["id"], company="Vendor five")
        stream._begin_round()
        self.pull()
        self.check_in_step()
        deleted = links.filtered("deleted")
        self.assertEqual(deleted.mapped("external_id"), [str(gone)])
        names = {link._record().name for link in links - deleted}
        expected = {"Vendor 0", "Vendor 2", "Vendor 3", "Vendor five"}
        self.assertEqual(names, expected)
        self.assertFalse(self.backend.set_back_at)

    def test_what_the_shop_has_nothing_of_stays_in_odoo(self):
        self.make_order()
        self.sync()
        self.products[0].list_price = 99
        before = len(self.shop.asked)
        self.sync()
        self.check_in_step()
        methods = {method for method, __ in self.shop.asked[before:]}
        self.assertEqual(methods, {"GET"})
        self.assertEqual(self.products[0].list_price, 99)

    def test_both_change_the_same_field(self):
        self.make_order()
        self.sync()
        (vendor,) = self.shop.records("vendors")
        self.shop.put("vendors", vendor["id"], company="Theirs")
        self.supplier.name = "Ours"
        self.sync()
        conflict = self.env["sync.conflict"].search([("state", "=", "open")])
        self.assertEqual(conflict.mapping_id, self.mapping(self.supplier))
        self.assertEqual((vendor["company"], self.supplier.name), ("Theirs", "Ours"))

    def test_an_answer_that_is_lost_doubles_nothing(self):
        self.shop.drop = 1
        self.make_order()
        self.sync()
        for __ in range(3):
            self.make_due()
            self.sync()
        self.assertEqual(len(self.shop.records("vendors")), 1)
        self.assertEqual(len(self.shop.records("articles")), 3)
        self.assertEqual(len(self.shop.records("buying/orders")), 1)

    def test_pages_with_numbers(self):
        self.stream("product").batch_size = 2
        for number in range(5):
            self.shop.put("articles", title=f"Bandage {number}")
        self.sync()
        self.check_in_step()
        found = self.env["product.product"].search([("name", "like", "Bandage ")])
        self.assertEqual(len(found), 5)

    def test_pages_that_are_smaller_than_what_is_asked_for(self):
        self.shop.largest = 2
        for number in range(5):
            self.shop.put("articles", title=f"Bandage {number}")
        self.sync()
        found = self.env["product.product"].search([("name", "like", "Bandage ")])
        self.assertEqual(len(found), 5)

    def test_a_shop_that_has_no_pages(self):
        self.shop.heeds_pages = False
        self.shop.put("articles", title="Bandage")
        self.sync()
        self.check_in_step()

    def test_a_shop_that_says_the_same_page_for_ever_is_found_out(self):
        self.shop.heeds_pages = False
        self.stream("product").batch_size = 2
        for number in range(2):
            self.shop.put("articles", title=f"Bandage {number}")
        self.pull()
        (error,) = self.env["sync.error"].search([])
        self.assertIn("does not go on", error.message)
        self.assertLess(len(self.shop.asked), 20)

    def test_a_change_of_the_second_that_is_not_over_waits_for_its_end(self):
        self.pull()
        article = self.shop.put("articles", title="Now")
        now = datetime.now(timezone.utc)
        article["modified"] = f"{now:%Y-%m-%d %H:%M:%S}"
        self.pull()
        found = [("name", "=", "Now")]
        self.assertFalse(self.env["product.product"].search(found))
        article["modified"] = f"{now - timedelta(seconds=5):%Y-%m-%d %H:%M:%S}"
        self.pull()
        self.assertTrue(self.env["product.product"].search(found))

    def compare(self, entity):
        work = self.stream(entity)._reconcile()
        self.run_job(work)
        self.assertEqual(work.state, "done")
        return work.drift_ids

    def test_a_comparison_finds_what_was_changed_unseen(self):
        self.shop.largest = 2
        self.make_order()
        self.sync()
        self.assertFalse(self.compare("product"))
        changed = self.shop.records("articles")[0]
        changed["cost_price"] = 77
        (drift,) = self.compare("product")
        self.assertEqual(drift.mapping_id.external_id, str(changed["id"]))
        self.assertEqual(drift.pharmacy["cost"], "77.00")

    def test_a_comparison_finds_what_was_deleted_without_a_word(self):
        self.make_order()
        self.sync()
        gone = self.shop.records("articles")[0]
        del self.shop.there["articles"][gone["id"]]
        (drift,) = self.compare("product")
        self.assertEqual((drift.kind, drift.repair), ("missing_pharmacy", "pull"))
        self.assertFalse(self.backend.set_back_at, "it was not set back")
        drift.action_repair()
        self.run_job(drift.reconciliation_id)
        self.assertFalse(self.products[0].active)

    def test_many_that_are_gone_at_once_were_not_deleted(self):
        for number in range(12):
            self.shop.put("articles", title=f"Bandage {number}")
        self.sync()
        for article in self.shop.records("articles"):
            if article["title"].startswith("Bandage"):
                del self.shop.there["articles"][article["id"]]
        self.compare("product")
        self.assertTrue(self.backend.set_back_at)
        found = self.env["product.product"].search([("name", "like", "Bandage ")])
        self.assertEqual(len(found), 12)

    def test_one_that_is_refused_says_nothing_of_the_key(self):
        self.shop.refuses["POST", "articles"] = 403
        self.make_order()
        self.sync()
        self.assertFalse(self.backend.refused_at)
        self.assertEqual(len(self.shop.records("vendors")), 1)
        self.shop.refuses = dict.fromkeys(self.all_calls(), 401)
        self.supplier.email = "new@example.com"
        self.sync()
        self.assertTrue(self.backend.refused_at)

    def all_calls(self):
        methods = ("GET", "POST", "PUT")
        return [(method, place) for method in methods for place in PLACES.values()]

    def test_it_answers_though_it_has_no_call_that_says_how_it_is(self):
        self.assertTrue(self.backend._app_answers())
        self.shop.refuses = dict.fromkeys(self.all_calls(), 503)
        self.assertTrue(self.backend._app_answers(), "what answers is there")

    def test_the_dialog_of_connection_asks_in_its_words(self):
        Wizard = self.env["sync.backend.connect"]
        wizard = Form(Wizard.with_context(default_backend_id=self.backend.id)).save()
        wizard.action_test()
        states = {step.name: step.state for step in wizard.step_ids}
        self.assertTrue(wizard.passed, wizard.step_ids.mapped("message"))
        self.assertEqual(states["read"], "passed")

    # -- The page ---------------------------------------------------------------------

    def test_a_name_is_chosen_on_the_page(self):
        stream = self.stream("product")
        stream.field_name_ids.filtered(lambda n: n.field == "cost").unlink()
        with Form(stream) as page, page.field_name_ids.new() as line:
            line.picked = "cost"
            line.path = "cost_price"
            line.kind = "number"
        name = self.backend._app_names()["products"].fields["cost"]
        self.assertEqual((name.path, name.kind), (("cost_price",), "number"))

    def test_what_cannot_be_is_refused(self):
        product = self.stream("product")
        chosen = {n.field: n for n in product.field_name_ids}
        for values, why in (
            ({"path": "codes..sku"}, "code: codes..sku"),
            ({"path": "title"}, "the same place"),
            ({"path": "codes"}, "the same place"),
            ({"values": "20 approved"}, "write the app's value"),
            ({"kind": "moment"}, "Only a version"),
        ):
            with self.assertRaises(ValidationError) as refused:
                chosen["code"].write(values)
            self.assertIn(why, str(refused.exception))
        with self.assertRaises(ValidationError) as refused:
            chosen["name"].kind = "none"
        self.assertIn("must have name", str(refused.exception))
        with self.assertRaises(ValidationError) as refused:
            self.name("product", "colour", "colour")
        self.assertIn("no field colour", str(refused.exception))

    def test_lines_with_an_address_are_known_by_ids_of_the_app(self):
        order = self.stream("purchase_order")
        rows = {"lines_place": "rows", "lines_owner": "order", "gives_line_keys": True}
        for wrong in (
            {"lines_place": "../rows"},
            {"lines_owner": False},
            {"gives_line_keys": False},
            {"new_values": "location"},
        ):
            with self.assertRaises(ValidationError):
                order.write({**rows, **wrong})
        order.write(rows)
        self.assertEqual(order._app_names().lines_owner, ("order",))
        with self.assertRaises(ValidationError):
            self.name("product", "deleted", "gone_at", "moment")
        name = self.stream("product").field_name_ids.filtered(
            lambda n: n.field == "code"
        )
        with self.assertRaises(ValidationError):
            name.kind = "said"

    def test_the_key_goes_to_no_other_host(self):
        hostile = ("@elsewhere.example", "/a/../b", "/v1?x=", "/v1#", "//x", "/v1\n")
        for path in (*hostile, ".elsewhere.example", ":8070/x"):
            with self.assertRaises(ValidationError):
                self.backend.api_path = path
        for path in (*hostile, "..", "a//b", "a/"):
            with self.assertRaises(ValidationError):
                self.stream("product").place = path

    def test_only_managers_choose(self):
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        name = self.stream("product").field_name_ids[0].with_user(operator)
        with self.assertRaises(AccessError):
            name.path = "else"

    def test_nothing_moves_to_a_stream_of_another_company(self):
        other = self.second_backend()
        theirs = other.stream_ids.filtered(lambda s: s.entity == "product")
        manager = self.make_user("manager", "pharmacy_sync.group_manager")
        stream = self.stream("product")
        name = stream.field_name_ids[0].with_user(manager)
        further = self.env["sync.further.field"].create(
            {"stream_id": stream.id, "odoo_field": "color"}
        )
        for own in (name, further.with_user(manager)):
            with self.assertRaises(AccessError):
                own.stream_id = theirs.id
        self.assertEqual(further.stream_id, stream)

    def test_without_leave_of_the_connection_nothing_is_believed(self):
        self.shop.there["vendors"] = {}
        self.backend.api_path = "/elsewhere"
        with self.assertRaises(UserError):
            self.backend.action_test_connection()
