from dataclasses import replace

from odoo.tests import tagged

from ...core.event.feed import Position
from ..common import WorkCase

# Numbers that a database has given, but for those of a copy of before.
SEQUENCES = ("purchase_order_id_seq", "sync_event_id_seq", "sync_event_stamp")


@tagged("post_install", "-at_install")
class TestOdooRestored(WorkCase):
    """Odoo's database is set back to a copy while the app goes on: what PostgreSQL
    has since a savepoint is rolled back, and its sequences begin again there."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.quiet = self.make_order()
        self.sync()

    def back_up(self):
        self.env.flush_all()
        self.env.cr.execute("SAVEPOINT copy")
        self.numbers = {name: self.number(name) for name in SEQUENCES}

    def restore(self):
        self.env.flush_all()
        self.env.invalidate_all()
        self.env.cr.precommit.clear()
        self.env.cr.execute("ROLLBACK TO SAVEPOINT copy")
        later = {name: self.number(name) for name in SEQUENCES}
        self.number_on(self.numbers)
        # Other tests go on in the same database.
        self.addCleanup(self.number_on, later)
        self.env.registry.clear_all_caches()

    def number(self, sequence):
        self.env.cr.execute(f"SELECT last_value FROM {sequence}")
        return self.env.cr.fetchone()[0]

    def number_on(self, numbers):
        for name, number in numbers.items():
            self.env.cr.execute("SELECT setval(%s, %s)", (name, number))

    def settle(self):
        for __ in range(3):
            self.sync()
            self.make_due()

    def add_there(self, **values):
        supplier = self.at_app(self.order)["supplier_id"]
        product = self.at_app(self.order)["lines"][0]["product_id"]
        line = {"product_id": product, "quantity": "4", "unit_price": "2.50"}
        return self.app.add(
            "purchase-orders", supplier_id=supplier, lines=[line], **values
        )

    def edit(self, order, **values):
        external_id = self.mapping(order).external_id
        return self.app.edit("purchase-orders", external_id, **values)

    def at_the_app(self):
        """All orders that the app has, by number, without what counts its writes."""
        return {
            order["reference"]: {
                name: order[name] for name in ("notes", "expected_at", "state", "lines")
            }
            for order in self.app.items("purchase-orders")
        }

    def orders(self):
        own = [("partner_id", "=", self.supplier.id)]
        return self.env["purchase.order"].search(own)

    def check_alike(self):
        """Odoo has every order of the app once, and all is agreed on."""
        mappings = self.env["sync.mapping"].search(
            [("stream_id", "=", self.stream("purchase_order").id)]
        )
        there = [order["id"] for order in self.app.items("purchase-orders")]
        self.assertEqual(sorted(mappings.mapped("external_id")), sorted(there))
        self.assertEqual(len(self.orders()), len(there))
        self.assertEqual(set(mappings.mapped("state")), {"synced"})
        self.assertFalse(self.operations(state="dead"))

    def test_what_happened_meanwhile_is_read_again(self):
        """Changes of both sides, and records that each of them made."""
        self.back_up()
        self.order.note = "<p>Of Odoo</p>"
        self.order.order_line[0].product_qty = 9
        made = self.make_order(origin="MADE")
        self.sync()
        self.edit(self.quiet, notes="Of the pharmacy")
        self.add_there(reference="THERE")
        self.sync()
        made.note = "<p>Twice</p>"
        self.sync()
        before = self.at_the_app()
        self.restore()
        self.assertFalse(self.order.note)
        self.assertFalse(made.exists())
        self.settle()
        self.assertEqual(self.at_the_app(), before)
        self.assertIn("Of Odoo", self.order.note)
        self.assertEqual(self.order.order_line[0].product_qty, 9)
        self.assertIn("Of the pharmacy", self.quiet.note)
        (again,) = self.orders().filtered(lambda order: order.origin == "MADE")
        self.assertIn("Twice", again.note)
        self.assertEqual(len(again.order_line), 3)
        self.check_alike()

    def test_what_waited_to_be_sent_then_was_sent_since(self):
        """It is sent once more, under the same key."""
        waits = self.make_order(origin="WAITS")
        self.order.note = "<p>Waits</p>"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.back_up()
        self.settle()
        self.edit(waits, notes="Of the pharmacy")
        self.edit(self.order, expected_at="2027-01-01T08:00:00Z")
        self.settle()
        before = self.at_the_app()
        self.restore()
        self.assertTrue(self.operations(kind="push", state="pending"))
        self.settle()
        self.assertEqual(self.at_the_app(), before)
        self.assertIn("Of the pharmacy", waits.note)
        self.assertEqual(self.order.date_planned.year, 2027)
        self.check_alike()

    def test_an_edit_of_the_restored_database_comes_before_it_has_read(self):
        self.back_up()
        self.edit(self.order, notes="Of the pharmacy")
        self.edit(self.quiet, expected_at="2027-01-01T08:00:00Z")
        self.sync()
        self.restore()
        self.order.note = "<p>Of the restored</p>"
        self.quiet.note = "<p>Of the restored</p>"
        self.push()
        self.settle()
        # Both sides changed the first; of the other each something else.
        self.assertEqual(self.at_app(self.order)["notes"], "Of the pharmacy")
        conflict = self.mapping(self.order)._open_conflict()
        self.assertEqual(conflict.line_ids.mapped("field"), ["notes"])
        self.assertEqual(self.at_app(self.quiet)["notes"], "Of the restored")
        self.assertEqual(self.quiet.date_planned.year, 2027)
        self.assertFalse(self.operations(state="dead"))

    def test_an_order_that_is_entered_again_is_linked(self):
        """It has its old number again: the database gives it anew."""
        self.back_up()
        typed = {"note": "<p>Typed</p>", "date_order": "2027-01-01 08:00:00"}
        lost = self.make_order(**typed)
        number, old_id = lost.name, lost.id
        self.sync()
        external_id, there = self.mapping(lost).external_id, self.at_app(lost)
        self.restore()
        again = self.make_order(**typed, name=number)
        self.assertEqual((again.name, again.id), (number, old_id))
        self.pull()
        self.settle()
        self.assertEqual(self.mapping(again).external_id, external_id)
        self.assertEqual(len(self.app.items("purchase-orders")), 3)
        self.assertEqual(len(self.orders()), 3)
        self.assertEqual(self.at_app(again)["lines"], there["lines"])
        self.check_alike()

    def test_another_order_that_has_an_old_number_again_is_no_other(self):
        """The number was that of another supplier's order."""
        self.back_up()
        lost = self.make_order()
        number = lost.name
        self.sync()
        external_id = self.mapping(lost).external_id
        before = self.at_app(lost)
        self.restore()
        other = self.supplier.copy({"name": "Other", "vat": False, "ref": "OTHER"})
        new = self.make_order(partner_id=other.id, name=number)
        self.pull()
        self.settle()
        self.assertNotEqual(self.mapping(new).external_id, external_id)
        self.assertEqual(self.app.get("purchase-orders", external_id), before)
        link = self.env["sync.mapping"].search([("external_id", "=", external_id)])
        self.assertEqual(link._record().partner_id, self.supplier)

    def test_what_was_deleted_meanwhile_is_deleted_again(self):
        gone = self.make_order()
        self.sync()
        external_id = self.mapping(gone).external_id
        self.back_up()
        path = f"/api/v1/purchase-orders/{external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.sync()
        self.restore()
        self.settle()
        self.assertEqual(gone.state, "cancel")
        self.assertTrue(self.mapping(gone).deleted)

    def test_the_app_has_read_further_than_odoo_has_come(self):
        """What it would skip without a word is refused: it begins again."""
        api = self.env["sync.api"].with_user(self.api_user)
        # Each transaction of a change has a stamp: it has read some that are lost.
        position = Position.parse(api.changes("purchase_order")["next_cursor"])
        cursor = str(replace(position, stamp=position.stamp + 5, id=7))
        answer = api.changes("purchase_order", cursor)
        self.assertFalse(answer["success"])
        self.assertEqual(answer["error"]["field"], "cursor")
        self.assertIn("begin again", answer["error"]["message"])
        again = api.changes("purchase_order")
        self.assertTrue(api.changes("purchase_order", again["next_cursor"])["success"])
