from datetime import datetime, timedelta, timezone

from odoo.tests import tagged

from ...models.base.sync_config import shift
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestOutbound(SyncCase):
    """A change made in Odoo reaches the pharmacy app, once, or is kept."""

    def test_what_was_not_sent_yet_has_no_version(self):
        self.backend.paused = True
        order = self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        mapping = self.mapping(order)
        self.assertEqual((mapping.external_id, mapping.version), (False, 0))
        self.backend.paused = False
        self.push()
        self.assertEqual(mapping.version, 1)

    def test_new_order_arrives_after_what_it_refers_to(self):
        order = self.make_order(note="<p>Ring twice</p>")
        self.push()
        sent = self.at_app(order)
        self.assertEqual(sent["reference"], order.name)
        self.assertEqual(sent["notes"], "Ring twice")
        self.assertEqual(sent["supplier_id"], self.at_app(self.supplier)["id"])
        self.assertEqual(
            [(line["quantity"], line["unit_price"]) for line in sent["lines"]],
            [("2.00", "12.50")] * 3,
        )
        self.assertEqual(order.sync_state, "synced")

    def test_the_pause_is_from_the_beginning_of_a_batch_to_that_of_the_next(self):
        self.make_order()
        self.push()
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "product")
        stream.write({"batch_size": 1, "batch_pause": 3.25})
        for product in self.products:
            product.standard_price += 1
        self.app.fault("latency", seconds=0.4)
        pause = timedelta(seconds=3.25)
        before = datetime.now(timezone.utc).replace(tzinfo=None) + pause
        self.push()
        after = datetime.now(timezone.utc).replace(tzinfo=None) + pause
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT eta FROM queue_job WHERE method_name = '_job_push' "
            "AND eta IS NOT NULL AND identity_key LIKE %s ORDER BY date_created",
            (f"pharmacy_sync push {self.backend.id} %",),
        )
        (eta,) = self.env.cr.fetchone()
        self.assertLessEqual(before, eta)
        self.assertLess(eta, after - timedelta(seconds=0.4))

    def test_a_job_whose_time_is_up_leaves_the_rest_to_the_next(self):
        self.push()
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "product")
        stream.batch_size = 1
        for product in self.products:
            product.standard_price += 1
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waits = [("method_name", "=", "_job_push"), ("state", "=", "pending")]
        self.env["queue.job"].search(waits).unlink()
        self.assertTrue(stream._push_due(None, shift(0)))
        self.assertEqual(len(self.operations(kind="push", state="pending")), 2)
        (job,) = self.env["queue.job"].search(waits)
        self.assertFalse(job.eta)
        # One that has time sends all that is due, without a pause.
        job.unlink()
        self.assertFalse(stream._push_due(None, shift()))
        self.assertFalse(self.operations(kind="push", state="pending"))
        self.assertFalse(self.env["queue.job"].search(waits))

    def test_edit_of_a_line_sends_the_order(self):
        order = self.make_order()
        self.push()
        order.order_line[1].product_qty = 7
        self.push()
        quantities = [line["quantity"] for line in self.at_app(order)["lines"]]
        self.assertEqual(quantities, ["2.00", "7.00", "2.00"])

    def test_only_what_changed_is_sent(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-77"
        self.push()
        operation = self.operations(mapping_id=self.mapping(order).id)[0]
        self.assertEqual(operation.payload["data"], {"reference": "PH-77"})

    def test_ten_edits_are_one_push_of_the_last(self):
        order = self.make_order()
        self.push()
        mapping = self.mapping(order)
        before = len(self.operations(mapping_id=mapping.id))
        version = mapping.version
        for number in range(10):
            order.origin = f"PH-{number}"
            self.env.cr.flush()
        self.push()
        self.assertEqual(len(self.operations(mapping_id=mapping.id)), before + 1)
        self.assertEqual(self.at_app(order)["reference"], "PH-9")
        self.assertEqual(self.at_app(order)["version"], version + 1)

    def test_rolled_back_change_leaves_no_event(self):
        order = self.make_order()
        self.push()
        events = self.env["sync.event"].search_count([])
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            order.origin = "never"
            self.env.cr.flush()
            raise ZeroDivisionError
        self.env.cr.flush()
        self.assertEqual(self.env["sync.event"].search_count([]), events)

    def test_field_that_does_not_travel_makes_no_event(self):
        order = self.make_order()
        self.push()
        events = self.env["sync.event"].search_count([])
        order.priority = "1"
        self.env.cr.flush()
        self.assertEqual(self.env["sync.event"].search_count([]), events)

    def test_cancelled_order_is_cancelled_there(self):
        order = self.make_order()
        self.push()
        order.button_cancel()
        self.push()
        self.assertEqual(self.at_app(order)["state"], "cancelled")

    def test_deleted_order_is_deleted_there_and_stays_so(self):
        order = self.make_order()
        self.push()
        mapping = self.mapping(order)
        order.button_cancel()
        order.unlink()
        self.push()
        self.assertTrue(mapping.deleted)
        self.assertFalse(self.app.items("purchase-orders"))
        self.sync()
        self.assertFalse(
            self.env["purchase.order"].search([("partner_id", "=", self.supplier.id)])
        )

    def test_paused_backend_keeps_changes_for_later(self):
        order = self.make_order()
        self.backend.paused = True
        self.push()
        self.assertFalse(self.app.requests())
        self.backend.paused = False
        self.push()
        self.assertEqual(self.at_app(order)["reference"], order.name)

    def test_quiet_sync_writes_nothing(self):
        order = self.make_order()
        self.sync()
        version = self.at_app(order)["version"]
        operations = self.operations()
        self.sync()
        self.sync()
        self.assertEqual(self.at_app(order)["version"], version)
        self.assertEqual(self.operations(), operations)
