from odoo.tests import tagged

from ...client.pharmacy import PharmacyClient
from ...core.exceptions import HttpError
from ...models.exchange import pull
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestPull(SyncCase):
    """A change made in the pharmacy app reaches Odoo, page by page."""

    def setUp(self):
        super().setUp()
        self.their_supplier = self.app.add("suppliers", name="Farmacia Sur")
        self.their_product = self.app.add(
            "products", name="Meloxicam 1.5 mg/ml", barcode="4006381333931"
        )

    def make_there(self, **values):
        return self.app.add(
            "purchase-orders",
            supplier_id=self.their_supplier["id"],
            currency=self.env.company.currency_id.name,
            lines=[
                {
                    "key": "ln_1",
                    "product_id": self.their_product["id"],
                    "description": "Meloxicam",
                    "quantity": "4.00",
                    "uom": "Units",
                    "unit_price": "21.30",
                }
            ],
            **values,
        )

    def order_of(self, record):
        mapping = self.env["sync.mapping"].search(
            [("external_id", "=", record["id"]), ("backend_id", "=", self.backend.id)]
        )
        return mapping and mapping._record()

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def test_order_arrives_with_what_it_refers_to(self):
        theirs = self.make_there(notes="Cold chain\nCall first")
        self.pull()
        order = self.order_of(theirs)
        self.assertEqual(order.partner_id.name, "Farmacia Sur")
        self.assertEqual(order.order_line.product_id.barcode, "4006381333931")
        self.assertEqual(order.order_line.price_unit, 21.30)
        self.assertEqual(order.origin, theirs["reference"])

    def lead_back(self, steps):
        """Have the feed's pages go that many steps and back to the first of them.

        :return: the cursors that the app is asked for, and how to mend it
        """
        call, asked, places = PharmacyClient._call, [], []

        def leading(client, method, path, **options):
            found = call(client, method, path, **options)
            if path != "/changes" or options["params"]["entity"] != "suppliers":
                return found
            asked.append(options["params"].get("cursor"))
            if len(places) < steps:
                places.append(found["next_cursor"])
                return found
            where = places.index(asked[-1]) if asked[-1] in places else steps - 1
            return {
                **found,
                "next_cursor": places[(where + 1) % steps],
                "has_more": True,
            }

        self.patch(PharmacyClient, "_call", leading)
        return asked, lambda: self.patch(PharmacyClient, "_call", call)

    def test_a_feed_that_leads_in_a_circle_is_a_fault_of_the_app(self):
        """Also where each page is read by a job of its own."""
        for steps, pages in ((1, 9), (1, 1), (3, 2), (4, 200)):
            with self.subTest(steps=steps, pages=pages):
                self.patch(pull, "PAGES_PER_JOB", pages)
                stream = self.stream("supplier")
                stream.batch_size = 1
                names = [f"{steps} {pages} {n}" for n in range(steps + 3)]
                for name in names:
                    self.app.add("suppliers", name=name)
                asked, mend = self.lead_back(steps)
                for __ in range(30):
                    self.make_due()
                    self.pull()
                (failed,) = self.operations(kind="pull", state="dead")
                error = failed.error_ids.sorted("id")[-1:]
                self.assertEqual(error.type, "schema_mismatch")
                self.assertIn("circle", error.message)
                self.assertLess(len(asked), 4 * steps + 4, "it is read for ever")
                mend()
                failed._redrive("It is mended.")
                for __ in range(9):
                    self.pull()
                found = self.env["res.partner"].search([("name", "in", names)])
                self.assertEqual(set(found.mapped("name")), set(names))
                self.assertFalse(stream.trouble)

    def test_reading_that_failed_is_marked_as_tried_again(self):
        self.app.fault("error", status=503, count=1)
        self.pull()
        self.make_due()
        for __ in range(2):
            self.make_there()
            self.pull()
        calls = self.env["sync.call"].search(
            [("backend_id", "=", self.backend.id), ("path", "=like", "%/changes")],
            order="id",
        )
        self.assertEqual(calls.filtered("retry"), calls[3:4])
        self.assertEqual(calls[:1].status, 503)

    def test_nothing_comes_back_as_an_echo(self):
        theirs = self.make_there(notes="Cold chain\nCall first")
        self.pull()
        self.push()
        order = self.order_of(theirs)
        self.assertFalse(self.operations(mapping_id=self.mapping(order).id))
        self.assertEqual(
            self.app.get("purchase-orders", theirs["id"])["version"], theirs["version"]
        )

    def test_pages_are_read_to_the_end(self):
        self.stream("purchase_order").batch_size = 3
        made = [self.make_there() for __ in range(10)]
        self.pull()
        self.assertEqual(len({self.order_of(theirs).id for theirs in made}), 10)
        feeds = [r for r in self.app.requests() if "entity=purchase" in r["path"]]
        self.assertFalse(feeds and len(feeds) < 4)

    def test_a_long_reading_is_seen_at_work(self):
        self.stream("purchase_order").batch_size = 3
        for __ in range(7):
            self.make_there()
        call, states = PharmacyClient._call, []

        def watched(client, method, path, **options):
            if "purchase-orders" in str(options.get("params")):
                states.append(self.operations(kind="pull").mapped("state"))
            return call(client, method, path, **options)

        self.patch(PharmacyClient, "_call", watched)
        self.pull()
        self.assertEqual(states[1:], [["running"]] * (len(states) - 1))
        self.assertGreater(len(states), 2)
        self.assertEqual(self.operations(kind="pull").mapped("state"), ["done"])

    def test_next_pull_begins_where_the_last_ended(self):
        self.make_there()
        self.pull()
        cursor = self.stream("purchase_order").cursor
        theirs = self.make_there()
        self.pull()
        self.assertTrue(self.order_of(theirs))
        self.assertNotEqual(self.stream("purchase_order").cursor, cursor)

    def test_edit_there_changes_only_that_field_here(self):
        theirs = self.make_there()
        self.pull()
        order = self.order_of(theirs)
        order.priority = "1"
        line = order.order_line
        self.app.edit("purchase-orders", theirs["id"], notes="Ring twice")
        self.pull()
        self.assertIn("Ring twice", order.note)
        self.assertEqual(order.order_line, line)

    def test_edits_of_both_sides_meet(self):
        theirs = self.make_there()
        self.pull()
        order = self.order_of(theirs)
        order.order_line.product_qty = 9
        self.app.edit("purchase-orders", theirs["id"], notes="Ring twice")
        self.push()
        self.make_due()
        self.sync()
        record = self.app.get("purchase-orders", theirs["id"])
        self.assertEqual(record["lines"][0]["quantity"], "9.00")
        self.assertEqual(record["notes"], "Ring twice")
        self.assertIn("Ring twice", order.note)
        self.assertEqual(order.sync_state, "synced")

    def test_cancelled_there_is_cancelled_here(self):
        theirs = self.make_there()
        self.pull()
        self.app.edit("purchase-orders", theirs["id"], state="cancelled")
        self.pull()
        self.assertEqual(self.order_of(theirs).state, "cancel")

    def test_deleted_there_is_cancelled_here_and_stays_so(self):
        theirs = self.make_there()
        self.pull()
        order = self.order_of(theirs)
        self.app.call(
            "DELETE",
            f"/api/v1/purchase-orders/{theirs['id']}",
            headers={"If-Match": "*"},
        )
        self.pull()
        self.push()
        self.assertEqual(order.state, "cancel")
        self.assertTrue(self.mapping(order).deleted)
        self.assertFalse(self.app.items("purchase-orders"))

    def test_product_of_the_same_barcode_is_linked(self):
        ours = self.products[0]
        self.push()
        unmapped = self.env["product.product"].create(
            {"name": "Ours", "barcode": "4006381333931"}
        )
        self.pull()
        mapping = self.env["sync.mapping"].search(
            [("external_id", "=", self.their_product["id"])]
        )
        self.assertEqual(mapping.res_id, unmapped.id)
        self.assertNotEqual(mapping.res_id, ours.id)

    def test_record_that_cannot_be_applied_is_kept_and_its_neighbours_land(self):
        self.app.add("products", name="Odd", uom="Barrels of Nowhere")
        after = self.app.add("products", name="Even")
        self.pull()
        self.assertTrue(self.order_of(after))
        operation = self.operations(kind="apply")
        self.assertEqual(operation.state, "dead")
        self.assertEqual(operation.payload["uom"], "Barrels of Nowhere")
        self.assertEqual(operation.error_ids.type, "data_validation_failed")
        return operation

    def test_redriven_record_is_applied(self):
        operation = (
            self.test_record_that_cannot_be_applied_is_kept_and_its_neighbours_land()
        )
        self.env["uom.uom"].create({"name": "Barrels of Nowhere"})
        operation.action_redrive()
        self.pull()
        self.assertEqual(operation.state, "done")
        self.assertTrue(self.env["product.product"].search([("name", "=", "Odd")]))

    def test_failed_pull_waits_and_is_made_up_for(self):
        theirs = self.make_there()
        self.app.fault("error", status=503, count=1)
        self.pull()
        operation = self.operations(kind="pull")
        self.assertEqual(operation.state, "waiting")
        self.assertEqual(operation.error_ids.type, "service_unavailable")
        self.pull()
        self.assertFalse(self.order_of(theirs), "it is not its time yet")
        self.make_due()
        self.pull()
        self.assertTrue(self.order_of(theirs))
        self.assertEqual(operation.state, "done")

    def test_pull_that_an_outage_used_up_reads_at_the_next_turn(self):
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "supplier")
        for __ in range(8):
            stream._fail_pull(HttpError(503), "outage")
        self.assertTrue(self.operations(kind="pull", state="waiting", parked=True))
        there = self.app.add("suppliers", name="After The Outage")
        # First by other streams: the app is heard of again.
        self.pull()
        self.pull()
        found = self.env["sync.mapping"].search([("external_id", "=", there["id"])])
        self.assertEqual(found.record_name, "After The Outage")
        self.assertFalse(self.operations(kind="pull", state="waiting"))

    def test_app_that_was_set_back_is_read_from_the_beginning(self):
        self.pull()
        stream = self.stream("supplier")
        page = self.app.call("GET", "/api/v1/changes?entity=suppliers")
        self.assertEqual(stream.cursor, page["next_cursor"])
        stream.cursor = "999999"
        theirs = self.app.add("suppliers", name="After the Restore")
        self.pull()
        self.make_due()
        self.operations(kind="pull").action_redrive()
        self.pull()
        self.assertTrue(self.order_of(theirs))
