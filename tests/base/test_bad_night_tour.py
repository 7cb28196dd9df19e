import time

from odoo import Command
from odoo.tests import tagged

from .. import tour
from ..tour import Runner, TourCase

REFUSED = 70  # orders with a quantity that the app refuses
PATIENCE = 150  # seconds for the work that goes on after a tour


@tagged("post_install", "-at_install")
class TestBadNightTour(TourCase):
    """What piled up over night is cleared by one operator in a few clicks; the tour
    counts them."""

    def setUp(self):
        super().setUp()
        self.patch(tour, "PACE", 0.2)
        self.backend.stream_ids.batch_size = 500

    def make_many(self, count):
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

    def make_refused(self):
        """Orders whose change the app refuses for what is in it."""
        orders = self.make_many(REFUSED)
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

    def test_70_refused_quantities_in_8_clicks(self):
        self.make_refused()
        dead = self.operations(state="dead")
        self.assertEqual(len(dead), REFUSED)
        orders = self.env["purchase.order"].browse(dead.mapping_id.mapped("res_id"))
        self.take("refused_quantities")
        self.assertEqual(set(orders.order_line.mapped("product_qty")), {4.0})
