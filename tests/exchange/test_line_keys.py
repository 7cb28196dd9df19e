from odoo import Command
from odoo.tests import tagged

from ...entities.directory import Directory
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestLineKeys(SyncCase):
    """The pharmacy numbers the lines of each of its orders from 1; people in Odoo
    merge, split and duplicate orders."""

    def setUp(self):
        super().setUp()
        self.more = self.env["product.product"].create(
            [{"name": "Gauze"}, {"name": "Tape"}]
        )
        self.push()

    def arrived(self, *products):
        """An order of the pharmacy that Odoo has."""
        record = self.app.add(
            "purchase-orders",
            supplier_id=self.mapping(self.supplier).external_id,
            lines=[
                {
                    "key": str(number),
                    "product_id": self.mapping(product).external_id,
                    "quantity": f"{number}.00",
                    "uom": product.uom_id.name,
                    "unit_price": "10.00",
                }
                for number, product in enumerate(products, 1)
            ],
        )
        self.pull()
        mapping = self.env["sync.mapping"].search([("external_id", "=", record["id"])])
        return mapping._record()

    def lines_of(self, order):
        return self.env["sync.entity.purchase_order"]._lines_of(order)

    def test_only_goods_travel(self):
        """Beside lines of the same product that do not, and in another order."""
        orders = self.make_order() | self.make_order(quantity=3.0)
        product = self.products[0]
        section = {"display_type": "line_section", "name": "Ward 3", "product_qty": 0}
        for order in orders:
            order.order_line = [
                Command.create(section),
                Command.create({"product_id": product.id, "is_downpayment": True}),
                Command.create({"product_id": product.id, "product_qty": 4.0}),
            ]
        self.push()
        for order, own in zip(orders, ("2", "3"), strict=True):
            there = [float(line["quantity"]) for line in self.at_app(order)["lines"]]
            self.assertEqual(there, [float(own)] * len(self.products) + [4.0])

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def assert_in_step(self, *orders):
        """Both sides have the same lines by the same keys, and nothing is wrong."""
        self.assertFalse(self.operations(state="dead"))
        for order in orders:
            theirs = self.at_app(order)["lines"]
            self.assertEqual(
                sorted(
                    (line["product_id"], float(line["quantity"])) for line in theirs
                ),
                sorted(
                    (self.mapping(line.product_id).external_id, line.product_qty)
                    for line in order.order_line
                ),
            )
            self.assertEqual(
                {line["key"] for line in theirs}, set(self.lines_of(order))
            )
            self.assertEqual(order.sync_state, "synced")

    def test_two_merged_requests_are_one_order_on_both_sides(self):
        one = self.arrived(self.products[0], self.products[1])
        two = self.arrived(self.products[2], self.more[0])
        (one | two).action_merge()
        self.settle()
        kept, gone = (one, two) if two.state == "cancel" else (two, one)
        self.assertEqual(len(kept.order_line), 4)
        self.assert_in_step(kept, gone)
        self.assertEqual(self.at_app(gone)["state"], "cancelled")

    def test_a_line_that_comes_back_is_no_line_that_was_there(self):
        one = self.arrived(self.products[0], self.products[1])
        two = self.arrived(self.products[2], self.more[0])
        line = one.order_line[0]
        line.order_id = two
        self.settle()
        self.assert_in_step(one, two)
        # Meanwhile the pharmacy uses the number again.
        record = self.at_app(one)
        self.app.edit(
            "purchase-orders",
            record["id"],
            lines=[*record["lines"], {**record["lines"][0], "key": "1"}],
        )
        self.settle()
        line.order_id = one
        self.settle()
        self.assert_in_step(one, two)
        self.assertEqual(len(one.order_line), 3)

    def test_a_line_moves_by_a_command_too(self):
        one, two = self.arrived(*self.products), self.arrived(*self.more)
        two.order_line = [Command.link(one.order_line[0].id)]
        self.settle()
        self.assert_in_step(one, two)
        self.assertEqual(len(two.order_line), 3)

    def test_a_line_that_moved_has_one_key_from_then_on(self):
        one, two = self.arrived(*self.products), self.arrived(*self.more)
        line = one.order_line[0]
        before = self.lines_of(two)
        line.order_id = two
        # Those that were there are called what they were.
        self.assertLess(before.items(), self.lines_of(two).items())
        key = next(key for key, other in self.lines_of(two).items() if other == line)
        self.settle()
        (two.order_line - line).unlink()
        self.assertEqual(list(self.lines_of(two)), [key])
        self.settle()
        self.assert_in_step(one, two)

    def test_a_line_that_stays_keeps_its_key(self):
        order = self.arrived(*self.products)
        before = list(self.lines_of(order))
        order.order_line.write({"order_id": order.id, "product_qty": 7})
        self.settle()
        self.assertEqual(list(self.lines_of(order)), before)
        self.assertEqual(before, ["1", "2", "3"])

    def test_what_is_duplicated_or_split_has_keys_of_its_own(self):
        order = self.arrived(*self.products)
        double = order.copy()
        keys = set(self.lines_of(double))
        self.assertEqual(len(keys), 3)
        self.assertFalse(keys & {"1", "2", "3"})
        part = order.order_line[0].copy({"product_qty": 1, "order_id": order.id})
        order.order_line[0].product_qty = 4
        self.settle()
        self.assert_in_step(order, double)
        part.order_id = double
        self.settle()
        self.assert_in_step(order, double)

    def test_lines_that_were_moved_past_odoo_go_out(self):
        one = self.arrived(self.products[0], self.products[1])
        two = self.arrived(self.products[2], self.more[0])
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE purchase_order_line SET order_id = %s WHERE order_id = %s",
            (one.id, two.id),
        )
        self.env.invalidate_all()
        (one | two).write({"note": "By SQL"})
        self.settle()
        self.assert_in_step(one)
        self.assertEqual(self.at_app(two)["lines"], [])

    def test_lines_from_before_keys_were_stored_go_by_their_number(self):
        order = self.make_order()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE purchase_order_line SET sync_key = NULL WHERE order_id = %s",
            (order.id,),
        )
        # As when the addon is installed, and the column made.
        self.env["purchase.order.line"]._init_column("sync_key")
        self.env.invalidate_all()
        self.push()
        self.assertEqual(
            [line["key"] for line in self.at_app(order)["lines"]],
            [f"odoo-{line.id}" for line in order.order_line],
        )
        self.assert_in_step(order)

    def test_an_old_line_does_not_lend_its_number_to_another_order(self):
        """As when an order is taken up again, or linked with another record."""
        order = self.arrived(*self.products)
        theirs = self.at_app(order)
        order_entity = self.env["sync.entity.purchase_order"]
        lines = [
            {**line, "key": str(number)}
            for number, line in enumerate(reversed(theirs["lines"]), 1)
        ]
        order_entity._adopt(order, {"lines": lines}, Directory(self.backend))
        self.assertEqual(
            [line.product_id for line in self.lines_of(order).values()],
            list(self.products),
        )
        self.assertEqual(list(self.lines_of(order)), ["3", "2", "1"])
