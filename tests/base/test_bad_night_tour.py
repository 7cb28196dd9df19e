import time

from odoo import Command
from odoo.tests import tagged

from .. import tour
from ..tour import Runner, TourCase

# Refusals of the app, each a cause of its own.
CODES = (
    "unauthorized",
    "forbidden",
    "insufficient_stock",
    "business_rule",
    "precondition_required",
)
ORDERS = 62  # failed changes of each of these
REFUSED = 70  # orders with a quantity that the app refuses
PATIENCE = 150  # seconds for the work that goes on after a tour


@tagged("post_install", "-at_install")
class TestBadNightTour(TourCase):
    """What piled up over night is cleared by one operator in a few clicks; the tours
    count them."""

    def setUp(self):
        super().setUp()
        self.patch(tour, "PACE", 0.2)
        self.backend.stream_ids.batch_size = 500

    def many(self, count):
        """Orders of one line that both sides have."""
        line = {
            "product_id": self.products[0].id,
            "product_qty": 2,
            "price_unit": 12.5,
        }
        orders = self.env["purchase.order"].create(
            [
                {"partner_id": self.supplier.id, "order_line": [Command.create(line)]}
                for __ in range(count)
            ]
        )
        self.push()
        return orders

    def make_conflicts(self, orders, ours, **theirs):
        for order in orders:
            lines = self.at_app(order)["lines"]
            lines[0].update(theirs)
            external_id = self.mapping(order).external_id
            self.app.edit("purchase-orders", external_id, lines=lines)
        orders.order_line.write(ours)

    def make_refused(self):
        """Orders whose change the app refuses for what is in it."""
        orders = self.many(REFUSED)
        orders.order_line.write({"product_qty": -1})
        self.push()

    def take(self, name):
        """Take a tour, beside which dry runs are made. What it began is carried out
        after it, as it is for a person who has gone on to the next."""
        self.count_errors()
        with Runner(self, "sync.redrive"):
            self.tour(name, "operator", timeout=240)
        self.work_off()
        self.assertFalse(self.operations(state="dead"))

    def work_off(self):
        limit = time.monotonic() + PATIENCE
        running = [("backend_id", "=", self.backend.id), ("state", "=", "running")]
        while time.monotonic() < limit:
            redrives = self.env["sync.redrive"].search(running)
            if not redrives:
                break
            self.push()
            for redrive in redrives:
                redrive.with_env(self.backend._as_runner().env)._job_work()
            self.env.invalidate_all()
            time.sleep(0.2)

    def test_53_conflicts_and_380_failed_changes_in_40_clicks(self):
        self.make_refused()
        for code in CODES:
            orders = self.many(ORDERS)
            self.app.refuse_records(code)
            orders.write({"origin": code})
            self.push()
            self.app.refuse_records("")
        self.assertEqual(len(self.operations(state="dead")), 380)
        orders = self.many(50)
        self.make_conflicts(orders[:40], {"product_qty": 5}, quantity="8.00")
        self.make_conflicts(orders[40:], {"price_unit": 12}, unit_price="13.00")
        for product in self.products:
            external_id = self.mapping(product).external_id
            self.app.edit("products", external_id, name=f"{product.name} there")
            product.name = f"{product.name} here"
        self.pull()
        conflicts = self.env["sync.conflict"].search(
            [("backend_id", "=", self.backend.id), ("state", "=", "open")]
        )
        self.assertEqual(len(conflicts), 53)
        self.take("bad_night")
        self.assertEqual(set(conflicts.mapped("state")), {"resolved"})

    def test_70_refused_quantities_in_8_clicks(self):
        self.make_refused()
        dead = self.operations(state="dead")
        self.assertEqual(len(dead), REFUSED)
        orders = self.env["purchase.order"].browse(dead.mapping_id.mapped("res_id"))
        self.take("refused_quantities")
        self.assertEqual(set(orders.order_line.mapped("product_qty")), {4.0})
