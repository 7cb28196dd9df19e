from odoo import Command
from odoo.tests import tagged

from ...models.call import sync_cache
from ..tour import TourCase

ORDER = "/odoo/action-purchase.purchase_form_action/"
TEMPLATE = "/odoo/action-purchase.product_normal_action_puchased/"


class MessCase(TourCase):
    """A bit of everything that an operator would do something about."""

    def make_dead(self, name="TOUR-DEAD"):
        order = self.make_order(name=name)
        self.push()
        self.refuse(order, origin="PH-1")
        self.count_errors()
        return order

    def make_conflict(self, name):
        """An order whose first line has another quantity on either side."""
        order = self.make_order(name=name)
        self.push()
        lines = self.at_app(order)["lines"]
        lines[0]["quantity"] = "8.00"
        external_id = self.mapping(order).external_id
        self.app.edit("purchase-orders", external_id, lines=lines)
        order.order_line[0].product_qty = 5
        self.pull()
        return order


@tagged("post_install", "-at_install")
class TestRightsTour(MessCase):
    """Who is offered what, and where records say how they stand."""

    def test_buyer_is_offered_nothing_that_would_be_refused(self):
        mapping = self.mapping(self.make_dead())
        work = self.env["sync.reconciliation"].create(
            {"stream_id": mapping.stream_id.id}
        )
        self.env["sync.drift"].create(
            {
                "reconciliation_id": work.id,
                "mapping_id": mapping.id,
                "res_id": mapping.res_id,
                "record_name": mapping.record_name,
                "kind": "differs",
                "repair": "push",
                "state": "open",
            }
        )
        self.env["sync.event.delivery"].create(
            {
                "event_id": self.env["sync.event"].search([], limit=1).id,
                "backend_id": self.backend.id,
                "handler": "metrics",
                "state": "failed",
            }
        )
        sync_cache.memory.forget(lambda key: True)
        self.addCleanup(sync_cache.memory.forget, lambda key: True)
        self.backend._lookup("supplier", self.mapping(self.supplier).external_id)
        # There is one to be seen, by managers.
        self.assertTrue(self.operations(state="dead").error_ids.trace)
        self.tour("rights", "buyer", timeout=120)

    def test_outsider_meets_it_nowhere(self):
        order = self.make_order()
        self.push()
        self.tour("outsider", "outsider", start=f"{ORDER}{order.id}")

    def test_records_say_how_they_stand(self):
        size = self.env["product.attribute"].create(
            {
                "name": "Size",
                "value_ids": [Command.create({"name": n}) for n in ("Small", "Large")],
            }
        )
        line = {"attribute_id": size.id, "value_ids": size.value_ids.ids}
        template = self.env["product.template"].create(
            {"name": "Bandage", "attribute_line_ids": [Command.create(line)]}
        )
        self.make_conflict("TOUR-ORDER")
        self.sync()
        self.refuse(template.product_variant_ids[1], default_code="B-L")
        self.tour("record", "buyer", start=f"{TEMPLATE}{template.id}")


@tagged("post_install", "-at_install")
class TestSmallScreenTour(MessCase):
    """A buyer with a telephone."""

    browser_size = "400x800"
    touch_enabled = True

    def test_buyer_decides_with_a_telephone(self):
        order = self.make_conflict("TOUR-CONFLICT")
        self.make_dead()
        long_name = "The shelf is empty, and so is the one behind it: Antiparasitics"
        self.env["sync.toolkit"].alert("shelf", long_name, "high", order)
        self.tour("small_screen", "buyer")
        conflict = self.mapping(order).conflict_ids
        self.assertEqual(
            (conflict.state, conflict.resolved_by_id),
            ("resolved", self.people["buyer"]),
        )
        self.assertEqual(order.order_line[0].product_qty, 8)
