from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...models.base.alone import alone
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestConflict(SyncCase):
    """What both sides changed waits for a person, and what they decide arrives."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.link = self.mapping(self.order)
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "8.00"
        self.app.edit("purchase-orders", self.link.external_id, lines=lines)
        self.order.order_line[0].product_qty = 5
        self.pull()
        self.conflict = self.link._open_conflict()

    def quantities(self):
        theirs = [line["quantity"] for line in self.at_app(self.order)["lines"]]
        return self.order.order_line.mapped("product_qty"), theirs

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def test_one_that_another_worker_opened_meanwhile_is_met_again_later(self):
        """Two readings found it at once: the record is no duplicate of anything."""
        with mute_logger("odoo.sql_db"), alone(self.env) as failure:
            self.conflict.copy({"state": "open"})
        found = self.env["sync.error"]._classify(failure.error)
        self.assertTrue(found.retryable)
        self.assertEqual(found.type, "serialization_failure")
        with mute_logger("odoo.sql_db"), alone(self.env) as failure:
            self.env["res.currency"].create({"name": "EUR", "symbol": "E"})
        found = self.env["sync.error"]._classify(failure.error)
        self.assertFalse(found.retryable, "what people see is no race")

    def test_neither_value_is_lost_while_it_is_open(self):
        self.settle()
        self.assertEqual(self.quantities(), ([5, 2, 2], ["8.00", "2.00", "2.00"]))
        self.assertEqual(self.conflict.state, "open")

    def test_other_lines_still_travel(self):
        self.order.order_line[1].product_qty = 3
        self.settle()
        self.assertEqual(self.quantities(), ([5, 3, 2], ["8.00", "3.00", "2.00"]))
        self.assertEqual(self.conflict.state, "open")

    def test_keeping_odoo_sends_its_value(self):
        user = new_test_user(self.env, "buyer", "pharmacy_sync.group_user")
        self.conflict.with_user(user).action_keep_odoo()
        self.settle()
        self.assertEqual(self.quantities(), ([5, 2, 2], ["5.00", "2.00", "2.00"]))
        self.assertEqual(self.conflict.strategy, "odoo")
        self.assertEqual(self.conflict.resolved_by_id, user)
        self.assertEqual(self.order.sync_state, "synced")

    def test_taking_the_pharmacys_writes_its_value(self):
        self.conflict.action_take_pharmacy()
        self.settle()
        self.assertEqual(self.quantities(), ([8, 2, 2], ["8.00", "2.00", "2.00"]))
        self.assertEqual(self.conflict.strategy, "pharmacy")
        self.assertEqual(self.order.sync_state, "synced")

    def test_settled_by_hand_in_odoo_it_closes(self):
        self.order.order_line[0].product_qty = 8
        self.settle()
        self.assertEqual(self.conflict.state, "resolved")
        self.assertEqual(self.order.sync_state, "synced")

    def test_settled_by_hand_at_the_app_it_closes(self):
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "5.00"
        self.app.edit("purchase-orders", self.link.external_id, lines=lines)
        self.settle()
        self.assertEqual(self.conflict.state, "resolved")

    def test_one_line_settled_by_hand_is_asked_about_no_more(self):
        """The conflict stays for the other one."""
        lines = self.at_app(self.order)["lines"]
        lines[1]["quantity"] = "9.00"
        self.app.edit("purchase-orders", self.link.external_id, lines=lines)
        self.order.order_line[1].product_qty = 6
        self.pull()
        self.assertEqual(len(self.conflict.line_ids), 2)
        self.order.order_line[0].product_qty = 8
        self.settle()
        self.assertEqual(self.conflict.state, "open")
        (line,) = self.conflict.line_ids
        self.assertEqual((line.odoo, line.pharmacy), ("6.00", "9.00"))

    def test_resolved_twice_is_an_error_for_the_second(self):
        self.conflict.action_keep_odoo()
        with self.assertRaises(UserError):
            self.conflict.action_take_pharmacy()
