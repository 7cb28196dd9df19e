from odoo import fields
from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestHandedOn(SyncCase):
    """Values of which there is only one go from record to record."""

    def setUp(self):
        super().setUp()
        self.sync()
        self.stream = self.mapping(self.products[0]).stream_id

    def external_id(self, record):
        return self.mapping(record).external_id

    def edit(self, record, **values):
        collection = self.mapping(record).stream_id._adapter()._entity_collection
        self.app.edit(collection, self.external_id(record), **values)

    def rotate(self, products):
        """Each gets the barcode of the next one, at the pharmacy."""
        codes = products.mapped("barcode")
        self.edit(products[0], barcode=None)
        for product, code in reversed(
            list(zip(products, [*codes[1:], codes[0]], strict=True))
        ):
            self.edit(product, barcode=code)
        return [*codes[1:], codes[0]]

    def assert_in_step(self, records):
        self.assertFalse(self.operations(state="dead"))
        self.assertFalse(self.operations(state="waiting"))
        self.assertEqual(set(records.mapped("sync_state")), {"synced"})
        for record in records:
            self.assertEqual(self.at_app(record)["barcode"], record.barcode)

    def test_two_that_exchange_theirs(self):
        wanted = self.rotate(self.products[:2])
        self.pull()
        self.assertEqual(self.products[:2].mapped("barcode"), wanted)
        self.push()
        self.assert_in_step(self.products)

    def test_three_that_hand_theirs_on(self):
        wanted = self.rotate(self.products)
        self.pull()
        self.assertEqual(self.products.mapped("barcode"), wanted)
        self.push()
        self.assert_in_step(self.products)

    def test_each_comes_in_a_page_of_its_own(self):
        self.stream.batch_size = 1
        before = self.products.mapped("barcode")
        wanted = self.rotate(self.products)
        self.pull()
        self.assertEqual(self.products.mapped("barcode"), before)
        waiting = self.operations(state="waiting", kind="apply")
        self.assertEqual(len(waiting), 3)
        self.assertEqual(set(waiting.mapped("attempts")), {0})
        # The first of them is due; those that it needs are taken along.
        for number, operation in enumerate(waiting.sorted("id")):
            operation.correlation_id = f"arrived-{number}"
        waiting.sorted("id")[0].eta = False
        last = self.env["sync.event"].search([], limit=1, order="id desc")
        self.pull()
        self.assertEqual(self.products.mapped("barcode"), wanted)
        changes = self.env["sync.event"].search(
            [("id", ">", last.id), ("res_model", "=", "product.product")]
        )
        self.assertEqual(set(changes.mapped("correlation_id")), {"arrived-0"})
        self.push()
        self.assert_in_step(self.products)

    def test_one_that_waits_for_another_to_give_its_up(self):
        first, second = self.products[:2]
        self.stream.batch_size = 1
        code = second.barcode
        # The feed reports the first one again after the second one.
        self.edit(second, barcode=None)
        self.edit(first, barcode=code)
        self.app.add("products", name="New", barcode="8400099999999")
        self.edit(second, barcode="8400011111111")
        self.pull()
        self.make_due()
        self.pull()
        self.assertEqual(first.barcode, code)
        self.assertEqual(second.barcode, "8400011111111")
        self.assert_in_step(first + second)

    def test_value_that_another_record_of_odoo_has(self):
        first, second = self.products[:2]
        alone = self.env["product.product"].create(
            {"name": "Of the House", "barcode": "8400022222222", "purchase_ok": False}
        )
        self.edit(first, barcode=alone.barcode, cost="7.00")
        self.edit(second, cost="8.00")
        self.pull()
        (dead,) = self.operations(state="dead")
        error = dead.error_ids
        self.assertEqual(dead.external_id, self.external_id(first))
        self.assertEqual(error.type, "data_validation_failed")
        self.assertIn("barcode", error.message)
        self.assertIn("Of the House", error.message)
        self.assertEqual(second.standard_price, 8)
        self.assertEqual(first.sync_state, "dead")

    def test_one_that_gets_its_first_waits_for_another_to_give_it_up(self):
        first, second = self.products[:2]
        first.barcode = False
        self.sync()
        code = second.barcode
        # The first is sent first.
        self.stream.batch_size = 1
        first.name = "Renamed"
        self.env.cr.flush()
        self.backend._as_runner()._job_events()
        second.barcode = "8400033333333"
        first.barcode = code
        before = fields.Datetime.now()
        self.push()
        (waiting,) = self.operations(state="waiting")
        self.assertEqual(waiting.mapping_id, self.mapping(first))
        self.assertEqual(waiting.attempts, 0, "to wait costs none")
        self.assertGreater(waiting.eta, before)
        self.assertIn(second.display_name, waiting.reason)
        self.assertFalse(self.at_app(first)["barcode"])
        self.make_due()
        self.push()
        self.assert_in_step(first + second)
        self.assertEqual(self.at_app(first)["name"], "Renamed")

    def test_value_that_another_one_keeps_there_names_it(self):
        """It is not about to give it up: a person is asked about it."""
        first, second = self.products[:2]
        self.edit(second, barcode="8400044444444")
        second.barcode = "8400055555555"
        self.sync()
        self.assertEqual(second.sync_state, "conflict")
        first.barcode = "8400044444444"
        self.push()
        (dead,) = self.operations(state="dead")
        self.assertEqual(dead.mapping_id, self.mapping(first))
        self.assertEqual(dead.attempts, 1)
        self.assertIn(second.display_name, dead.last_error)

    def test_value_of_one_that_is_about_to_be_deleted_there(self):
        first, second = self.products[:2]
        code = second.barcode
        # The first is sent first.
        self.stream.batch_size = 1
        first.name = "Renamed"
        self.env.cr.flush()
        self.backend._as_runner()._job_events()
        second.unlink()
        first.barcode = code
        self.push()
        self.make_due()
        self.push()
        self.assertFalse(self.operations(state="dead"))
        self.assertEqual(self.at_app(first)["barcode"], code)
        self.assertEqual(self.at_app(first)["name"], "Renamed")
        self.assertEqual(first.sync_state, "synced")

    def test_new_record_with_the_value_of_another_one(self):
        first = self.products[0]
        code = first.barcode
        self.stream.batch_size = 1
        self.edit(first, barcode=None)
        self.app.add("products", name="Newcomer", barcode=code)
        self.edit(first, name="Renamed")
        self.pull()
        newcomer = self.env["product.product"].search([("name", "=", "Newcomer")])
        if not newcomer:
            self.make_due()
            self.pull()
            newcomer = newcomer.search([("name", "=", "Newcomer")])
        self.assertEqual(newcomer.barcode, code)
        self.assertFalse(first.barcode)
        self.assertEqual(first.name, "Renamed")

    def test_value_of_one_that_the_pharmacy_deleted(self):
        first, second = self.products[:2]
        code = first.barcode
        self.app.call(
            "DELETE",
            f"/api/v1/products/{self.external_id(first)}",
            headers={"If-Match": "*"},
        )
        self.edit(second, barcode=code)
        self.pull()
        self.make_due()
        self.pull()
        self.assertFalse(first.active)
        self.assertEqual(second.barcode, code)
        self.assertEqual(second.sync_state, "synced")

    def test_value_that_a_record_of_another_company_has_names_the_field_alone(self):
        """The app hears of nobody else's records."""
        company = self.env["res.company"].create({"name": "Other Clinic"})
        self.supplier.create({"name": "Stranger", "ref": "B", "company_id": company.id})
        self.env.cr.execute("CREATE UNIQUE INDEX own_ref ON res_partner (ref)")
        self.edit(self.supplier, city="Lima", phone="1", reference="B")
        self.pull()
        (dead,) = self.operations(state="dead")
        self.assertEqual(dead.error_ids.context["field"], "reference")
        self.assertNotIn("Stranger", dead.last_error)
        self.assertNotEqual(self.supplier.city, "Lima")

    def test_what_another_addon_has_only_once(self):
        partners = self.supplier + self.supplier.create(
            {"name": "Second", "ref": "B", "supplier_rank": 1, "is_company": True}
        )
        self.supplier.ref = "A"
        self.sync()
        self.env.cr.execute("CREATE UNIQUE INDEX own_ref ON res_partner (ref)")
        self.edit(partners[0], reference="B")
        self.edit(partners[1], reference="A")
        self.pull()
        self.assertEqual(partners.mapped("ref"), ["B", "A"])
        self.assertFalse(self.operations(state="dead"))
        self.assertFalse(self.operations(state="waiting"))
