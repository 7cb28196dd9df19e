from odoo.tests import tagged

from ..base.test_rights_tour import MessCase


@tagged("post_install", "-at_install")
class TestTodoTour(MessCase):
    """How it stands and what is to do, for each of those who meet it."""

    def test_operator_clears_the_list(self):
        self.make_dead()
        order = self.make_conflict("TOUR-CONFLICT")
        self.tour("todo", "operator", timeout=180)
        conflict = self.mapping(order).conflict_ids
        self.assertEqual(
            (conflict.state, conflict.resolved_by_id),
            ("resolved", self.people["operator"]),
        )

    def test_buyer_decides_from_the_keyboard(self):
        self.make_dead()
        order = self.make_conflict("TOUR-CONFLICT")
        self.tour("todo_buyer", "buyer")
        self.assertEqual(self.mapping(order).conflict_ids.state, "resolved")

    def test_bar_at_the_top_in_an_outage(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-1"
        self.move_app("http://127.0.0.1:9")
        for __ in range(6):
            self.push()
            self.make_due()
        self.tour("outage", "operator", start="/odoo/action-purchase.purchase_rfq")
        self.assertFalse(self.operations(state="dead"))
