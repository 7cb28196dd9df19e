from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..common import SyncCase


class BelongingCase(SyncCase):
    def stream(self, backend, entity="supplier"):
        return backend.stream_ids.filtered(lambda s: s.entity == entity)

    def make_supplier(self, name, **values):
        values = {"is_company": True, "supplier_rank": 1, **values}
        return self.env["res.partner"].create({"name": name, **values})

    def settle(self):
        for __ in range(2):
            for backend in (self.backend, self.other):
                waiting = [("state", "=", "waiting")]
                self.env["sync.operation"].search(waiting).write({"eta": False})
                self.push(backend)
                self.pull(backend)

    def backends_of(self, record):
        return self.mapping(record).backend_id

    def events_of(self, record):
        domain = [("res_model", "=", record._name), ("res_id", "=", record.id)]
        return self.env["sync.event"].search(domain).stream_id.backend_id


@tagged("post_install", "-at_install")
class TestBelonging(BelongingCase):
    """Two backends of two companies: what no company has belongs to one of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.second_backend()

    def setUp(self):
        super().setUp()
        self.other_app.reset()

    def test_without_a_rule_the_first_gets_what_no_company_has(self):
        shared = self.make_supplier("Shared")
        own = self.make_supplier("Own", company_id=self.other_company.id)
        self.settle()
        self.assertEqual(self.backends_of(shared), self.backend)
        self.assertEqual(self.backends_of(own), self.other)
        self.assertEqual(self.events_of(shared), self.backend)
        self.assertEqual(self.events_of(own), self.other)
        names = [record["name"] for record in self.other_app.items("suppliers")]
        self.assertEqual(names, ["Own"])

    def test_the_second_says_why_it_sends_no_more(self):
        first, second = self.stream(self.backend), self.stream(self.other)
        self.assertFalse(first.withheld)
        self.assertIn("no company", second.withheld)
        # Orders have a company: nothing is withheld of them.
        self.assertFalse(self.stream(self.other, "purchase_order").withheld)
        # Products may be of no company, too.
        self.assertIn("no company", self.stream(self.other, "product").withheld)
        second.rule = "all"
        self.assertFalse(second.withheld)
        second.rule = False
        first.direction = "pull"
        self.assertFalse(second.withheld)
        first.direction = "both"
        self.backend.active = False
        self.env.invalidate_all()
        self.assertFalse(second.withheld)

    def test_a_rule_says_which_the_second_gets(self):
        self.stream(self.other).write(
            {"rule": "filter", "rule_domain": "[('city', '=', 'Lagos')]"}
        )
        lagos = self.make_supplier("Lagos", city="Lagos")
        faro = self.make_supplier("Faro", city="Faro")
        self.settle()
        self.assertEqual(self.backends_of(lagos), self.backend | self.other)
        self.assertEqual(self.backends_of(faro), self.backend)
        # Once linked it stays so, whatever becomes of the condition.
        lagos.city = "Sagres"
        self.settle()
        cities = [record["city"] for record in self.other_app.items("suppliers")]
        self.assertEqual(cities, ["Sagres"])

    def test_what_came_from_one_app_does_not_go_to_the_other(self):
        record = self.other_app.add("suppliers", name="Theirs")
        self.settle()
        mapping = self.env["sync.mapping"].search([("external_id", "=", record["id"])])
        partner = mapping._record()
        self.assertFalse(partner.company_id)
        self.assertEqual(self.backends_of(partner), self.other)
        self.assertEqual(self.events_of(partner), self.other)
        partner.phone = "555"
        self.settle()
        self.assertEqual(self.backends_of(partner), self.other)
        self.assertFalse(
            [r for r in self.app.items("suppliers") if r["name"] == "Theirs"]
        )
        changes = self.stream(self.backend)._changes(None, 500)["changes"]
        self.assertNotIn(partner.id, [change["odoo_id"] for change in changes])
        # A rule may let it.
        self.stream(self.backend).rule = "all"
        partner.phone = "556"
        self.settle()
        self.assertEqual(self.backends_of(partner), self.backend | self.other)

    def test_one_that_is_deleted_concerns_the_app_that_had_it(self):
        shared = self.make_supplier("Shared")
        own = self.make_supplier("Own", company_id=self.other_company.id)
        new = self.make_supplier("New")
        self.settle()
        self.mapping(new).unlink()
        keys = [("supplier", record.id) for record in (shared, own, new)]
        (shared | own | new).unlink()
        found = self.env["sync.stream"]._concerned_streams(keys)
        first, second = (
            (self.stream(backend).id, backend.id)
            for backend in (self.backend, self.other)
        )
        self.assertEqual(found[keys[0]], [first])
        self.assertEqual(found[keys[1]], [second])
        # Which may have had it is not known any more.
        self.assertEqual(set(found[keys[2]]), {first, second})

    def test_only_a_stream_that_begins_to_send_has_all_compared(self):
        self.make_supplier("Waits")
        stream = self.stream(self.backend)
        compared = [("stream_id", "=", stream.id)]
        Comparison = self.env["sync.reconciliation"]
        for direction, begun in (("push", 0), ("pull", 0), ("both", 1)):
            stream.direction = direction
            self.assertEqual(Comparison.search_count(compared), begun, direction)
            if direction == "push":
                # What waited when it went on sending has not been dropped.
                self.settle()
                names = [record["name"] for record in self.app.items("suppliers")]
                self.assertIn("Waits", names)

    def test_what_an_order_refers_to_goes_with_it(self):
        shared = self.make_supplier("Shared")
        order = (
            self.env["purchase.order"]
            .with_company(self.other_company)
            .create({"partner_id": shared.id, "company_id": self.other_company.id})
        )
        self.settle()
        self.assertEqual(self.backends_of(order), self.other)
        self.assertEqual(self.backends_of(shared), self.backend | self.other)

    def test_sending_everything_goes_by_the_rule(self):
        shared = self.make_supplier("Shared")
        self.settle()
        self.other.action_send_all()
        self.settle()
        self.assertEqual(self.backends_of(shared), self.backend)
        self.stream(self.other).rule = "all"
        self.other.action_send_all()
        self.settle()
        self.assertEqual(self.backends_of(shared), self.backend | self.other)

    def test_each_rule_says_what_belongs(self):
        self.make_supplier("Shared")
        self.settle()
        for rule, expected in ((False, False), ("linked", False), ("all", True)):
            self.stream(self.other).rule = rule
            found = self.env["res.partner"].search(self.stream(self.other)._domain())
            self.assertEqual("Shared" in found.mapped("name"), expected, rule)

    def test_a_condition_that_is_none_is_refused(self):
        stream = self.stream(self.other)
        for text in ("[('nothing', '=', 1)]", "[(", "open('x')"):
            with self.assertRaises(ValidationError):
                stream.write({"rule": "filter", "rule_domain": text})

    # -- The same thing ---------------------------------------------------------------

    def arrive(self, app, backend, collection, **values):
        record = app.add(collection, **values)
        self.pull(backend)
        mapping = self.env["sync.mapping"].search(
            [("external_id", "=", record["id"]), ("backend_id", "=", backend.id)]
        )
        return mapping._record()

    def both(self, collection, **values):
        """What arrives from both apps, which know nothing of one another."""
        return [
            self.arrive(app, backend, collection, name=name, **values)
            for app, backend, name in (
                (self.app, self.backend, "First"),
                (self.other_app, self.other, "Second"),
            )
        ]

    def test_a_number_that_an_app_made_is_no_number_of_anothers(self):
        for collection, key in (("suppliers", "reference"), ("products", "code")):
            first, second = self.both(collection, **{key: "N-1"})
            self.assertTrue(first and second)
            self.assertNotEqual(first, second, collection)
            self.assertEqual((first.name, second.name), ("First", "Second"))

    def test_a_number_of_the_world_is_the_same_for_all(self):
        for collection, key, value in (
            ("suppliers", "vat", "ESB58378431"),
            ("products", "barcode", "4006381333931"),
        ):
            first, second = self.both(collection, **{key: value})
            self.assertTrue(first)
            self.assertEqual(first, second, collection)

    def test_a_number_that_odoo_made_serves_the_first_that_comes(self):
        partner = self.make_supplier("Own", ref="S-1")
        partner = self.arrive(
            self.other_app, self.other, "suppliers", name="Own", reference="S-1"
        )
        self.assertEqual(partner.name, "Own")
        self.assertEqual(self.backends_of(partner), self.other)


@tagged("post_install", "-at_install")
class TestSameCompany(BelongingCase):
    """A second backend of the same company sends nothing until a rule says what."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.second_backend()
        cls.other.user_id = False
        cls.other.company_id = cls.backend.company_id

    def setUp(self):
        super().setUp()
        self.other_app.reset()
        self.push()

    def look(self):
        """Do what the scheduled watch for alerts would."""
        self.env.flush_all()
        self.env["sync.alert"]._cron_watch()
        self.env.invalidate_all()

    def test_without_a_rule_nothing_goes_to_the_second(self):
        order = self.make_order()
        self.settle()
        self.assertEqual(self.backends_of(order), self.backend)
        self.assertEqual(self.events_of(order), self.backend)
        self.assertFalse(self.other_app.items("purchase-orders"))
        for stream in self.other.stream_ids:
            self.assertIn("of this company", stream.withheld)

    def test_suppliers_are_distinguished_by_a_rule(self):
        mine = self.make_supplier("Mine", ref="B-1")
        self.stream(self.backend, "purchase_order").write(
            {"rule": "filter", "rule_domain": f"[('partner_id', '!=', {mine.id})]"}
        )
        self.stream(self.other, "purchase_order").write(
            {"rule": "filter", "rule_domain": f"[('partner_id', '=', {mine.id})]"}
        )
        order, theirs = self.make_order(), self.make_order(partner_id=mine.id)
        self.settle()
        self.assertEqual(self.backends_of(order), self.backend)
        self.assertEqual(self.backends_of(theirs), self.other)

    def test_orders_of_one_number_are_orders_of_their_apps(self):
        orders = []
        for app, backend in ((self.app, self.backend), (self.other_app, self.other)):
            supplier = app.add("suppliers", name="Alba", vat="ESB58378431")
            record = app.add(
                "purchase-orders", supplier_id=supplier["id"], reference="PO-1"
            )
            self.pull(backend)
            mapping = self.env["sync.mapping"].search(
                [("external_id", "=", record["id"]), ("backend_id", "=", backend.id)]
            )
            orders.append(mapping._record())
        self.assertTrue(all(orders))
        self.assertNotEqual(*orders)
        self.assertEqual(*(order.partner_id for order in orders))

    def test_an_update_proposes_what_is_linked_and_says_so(self):
        """As on a database in which every backend got everything."""
        order = self.make_order()
        self.settle()
        Stream = self.env["sync.stream"]
        Stream._propose_rules()
        streams = self.other.stream_ids
        self.assertEqual(set(streams.mapped("rule")), {"linked"})
        self.assertFalse(any(self.backend.stream_ids.mapped("rule")))
        self.look()
        alerts = self.env["sync.alert"].search([("condition", "=", "rule_proposed")])
        self.assertEqual(set(alerts.mapped("res_id")), set(streams.ids))
        order.note = "More"
        self.settle()
        self.assertFalse(self.backends_of(order) & self.other)
        streams[0].rule = "all"
        streams[1:].action_confirm_rule()
        self.look()
        self.assertEqual(set(alerts.mapped("state")), {"resolved"})
        # What people have chosen an update leaves alone.
        Stream._propose_rules()
        self.assertFalse(any(streams.mapped("rule_proposed")))
