from odoo import Command
from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestProtection(SyncCase):
    """A confirmed, received or billed order is never silently altered."""

    def setUp(self):
        super().setUp()
        self.products.purchase_method = "purchase"
        self.order = self.make_order()
        self.order.button_confirm()
        self.push()
        self.link = self.mapping(self.order)

    def edit(self, **values):
        self.app.edit("purchase-orders", self.link.external_id, **values)
        self.pull()

    def edit_line(self, **values):
        lines = self.at_app(self.order)["lines"]
        lines[0].update(values)
        self.edit(lines=lines)

    def receive(self):
        service = self.env["product.product"].create(
            {"name": "Delivery", "type": "service", "purchase_method": "receive"}
        )
        self.order.order_line = [
            Command.create(
                {"product_id": service.id, "product_qty": 1, "price_unit": 1}
            )
        ]
        self.order.order_line[-1].qty_received = 1
        self.settle()

    def bill(self):
        self.order.action_create_invoice()
        self.settle()

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def asked(self):
        return self.link._open_conflict().line_ids

    def test_a_changed_quantity_is_asked_about(self):
        self.edit_line(quantity="9.00")
        self.assertEqual(self.order.order_line[0].product_qty, 2)
        line = self.asked()
        self.assertEqual(
            (line.base, line.odoo, line.pharmacy), ("2.00", "2.00", "9.00")
        )
        self.assertEqual(line.reason, "The order is confirmed in Odoo.")
        self.assertEqual(self.order.sync_state, "conflict")

    def test_neither_side_gives_way_until_a_person_decides(self):
        self.edit_line(quantity="9.00")
        self.settle()
        self.order.note = "Ring twice"
        self.settle()
        self.assertEqual(self.order.order_line[0].product_qty, 2)
        record = self.at_app(self.order)
        self.assertEqual(record["lines"][0]["quantity"], "9.00")
        self.assertEqual(record["notes"], "Ring twice")
        self.assertEqual(len(self.asked()), 1)

    def test_taking_it_over_writes_it(self):
        self.edit_line(quantity="9.00")
        self.link._open_conflict().action_take_pharmacy()
        self.settle()
        self.assertEqual(self.order.order_line[0].product_qty, 9)
        self.assertEqual(self.order.sync_state, "synced")

    def test_keeping_odoos_sets_the_pharmacys_back(self):
        self.edit_line(quantity="9.00")
        self.link._open_conflict().action_keep_odoo()
        self.settle()
        self.assertEqual(self.at_app(self.order)["lines"][0]["quantity"], "2.00")
        self.assertEqual(self.order.sync_state, "synced")

    def test_lines_that_come_and_go_are_asked_about(self):
        lines = self.at_app(self.order)["lines"]
        self.edit(lines=[*lines[1:], {**lines[0], "key": "ln_new"}])
        self.assertEqual(len(self.order.order_line), 3)
        self.assertEqual(
            set(self.asked().mapped("field")),
            {f"lines[{lines[0]['key']}]", "lines[ln_new]"},
        )
        self.link._open_conflict().action_keep_odoo()
        self.settle()
        self.assertEqual(
            sorted(line["key"] for line in self.at_app(self.order)["lines"]),
            sorted(line["key"] for line in lines),
        )

    def test_supplier_currency_and_an_undone_confirmation_are_asked_about(self):
        other = self.app.add("suppliers", name="Farmacia Sur")
        self.edit(supplier_id=other["id"], currency="CHF", state="draft")
        self.assertEqual(
            set(self.asked().mapped("field")), {"supplier_id", "currency", "state"}
        )
        self.assertEqual(self.order.partner_id, self.supplier)
        self.assertEqual(self.order.state, "purchase")

    def test_notes_and_the_expected_date_still_travel(self):
        self.edit(notes="Ring twice", expected_at="2027-03-04T10:00:00Z")
        self.assertIn("Ring twice", self.order.note)
        self.assertEqual(str(self.order.date_planned), "2027-03-04 10:00:00")
        self.assertFalse(self.asked())

    def test_cancelled_before_anything_came_it_is_cancelled(self):
        self.edit(state="cancelled")
        self.assertEqual(self.order.state, "cancel")

    def test_cancelled_after_goods_came_a_person_is_asked(self):
        self.receive()
        self.edit(state="cancelled")
        self.assertEqual(self.order.state, "purchase")
        self.assertEqual(self.asked().field, "state")
        self.assertEqual(self.asked().reason, "Goods of the order were received.")

    def test_cancelled_after_it_was_billed_a_person_is_asked(self):
        self.bill()
        self.edit(state="cancelled")
        self.assertEqual(self.order.state, "purchase")
        self.assertEqual(self.asked().reason, "The order was billed.")

    def test_a_cancelled_bill_protects_nothing(self):
        self.bill()
        self.order.invoice_ids.button_cancel()
        self.settle()
        self.edit(state="cancelled")
        self.assertEqual(self.order.state, "cancel")
        self.assertFalse(self.asked())

    def test_deleted_after_it_was_billed_it_stays(self):
        self.bill()
        self.app.call(
            "DELETE",
            f"/api/v1/purchase-orders/{self.link.external_id}",
            headers={"If-Match": "*"},
        )
        self.pull()
        self.assertEqual(self.order.state, "purchase")
        operation = self.operations(kind="apply")
        self.assertEqual(operation.state, "dead")
        self.assertEqual(operation.error_ids.type, "order_already_processed")
        self.assertIn(self.order.name, operation.error_ids.message)

    def test_locked_by_a_person_it_is_not_cancelled(self):
        self.order.button_lock()
        self.edit(state="cancelled")
        self.assertEqual(self.order.state, "purchase")
        self.assertEqual(self.asked().reason, "The order is locked in Odoo.")

    def test_no_policy_lets_the_pharmacy_alter_it(self):
        self.link.stream_id.conflict_policy = "pharmacy"
        self.order.order_line[0].product_qty = 4
        self.edit_line(quantity="9.00", unit_price="1.00")
        self.assertEqual(self.order.order_line[0].product_qty, 4)
        self.assertEqual(self.order.order_line[0].price_unit, 12.5)
        self.assertEqual(len(self.asked()), 2)

    def test_set_back_to_draft_it_takes_over_what_waited(self):
        self.edit_line(quantity="9.00")
        self.order.button_cancel()
        self.order.button_draft()
        self.settle()
        self.assertEqual(self.order.order_line[0].product_qty, 9)
        self.assertFalse(self.asked())

    def test_what_people_change_in_odoo_travels(self):
        self.order.order_line[0].product_qty = 6
        self.settle()
        self.assertEqual(self.at_app(self.order)["lines"][0]["quantity"], "6.00")

    def test_a_draft_is_free(self):
        order = self.make_order()
        self.push()
        self.link = self.mapping(order)
        self.order = order
        self.edit_line(quantity="9.00")
        self.assertEqual(order.order_line[0].product_qty, 9)
