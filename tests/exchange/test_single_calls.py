from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestSingleCalls(SyncCase):
    """An app that takes no batches gets each record in a call of its own."""

    def setUp(self):
        super().setUp()
        self.app.call("POST", "/admin/settings", hidden=["batch"])
        self.streams = self.backend.stream_ids

    def find(self):
        self.backend.action_test_connection()
        self.env.invalidate_all()

    def writes(self):
        return [
            (request["method"], request["status"])
            for request in self.app.requests()
            if request["method"] != "GET"
        ]

    def test_the_connection_test_finds_what_the_app_takes(self):
        for rest in ([], ["capabilities"]):
            self.app.call("POST", "/admin/settings", hidden=["batch", *rest])
            self.find()
            self.assertFalse(any(self.streams.mapped("takes_batches")))
            self.app.call("POST", "/admin/settings", hidden=rest)
            self.find()
            self.assertTrue(all(self.streams.mapped("takes_batches")))

    def test_a_person_decides_otherwise(self):
        self.find()
        self.streams.batch_choice = "batch"
        self.assertTrue(all(self.streams.mapped("takes_batches")))
        self.streams.batch_choice = "single"
        self.app.call("POST", "/admin/settings", hidden=[])
        self.find()
        self.assertFalse(any(self.streams.mapped("takes_batches")))

    def test_records_travel_one_by_one(self):
        self.find()
        self.app.call("DELETE", "/admin/requests")
        order = self.make_order()
        self.sync()
        (at_app,) = self.app.items("purchase-orders")
        self.assertEqual(len(at_app["lines"]), len(order.order_line))
        self.assertEqual({status for __, status in self.writes()}, {201})
        self.assertNotIn("batch", str(self.app.requests()))

        self.supplier.city = "Arequipa"
        self.sync()
        (supplier,) = self.app.items("suppliers")
        self.assertEqual(supplier["city"], "Arequipa")
        self.assertEqual(self.writes()[-1][0], "PATCH")
        ended = ("done", "cancelled")
        left = self.env["sync.operation"].search([("state", "not in", ended)])
        self.assertFalse(left)

    def test_one_that_is_refused_fails_alone(self):
        self.find()
        match = {"method": "POST", "contains": "POISON"}
        self.app.fault("error", status=500, match=match)
        poisoned, good = self.supplier.copy({"name": "POISON"}), self.supplier
        self.make_order(partner_id=poisoned.id)
        self.make_order()
        self.sync()
        names = [supplier["name"] for supplier in self.app.items("suppliers")]
        self.assertEqual(names, [good.name])
