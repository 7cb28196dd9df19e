from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..common import SyncCase

PATH = "purchase-orders"


class BulkCase(SyncCase):
    """Three orders with a quantity and a price in conflict."""

    def setUp(self):
        super().setUp()
        self.user = new_test_user(
            self.env, "berta", "pharmacy_sync.group_user,purchase.group_purchase_user"
        )
        self.orders = self.env["purchase.order"].union(
            *(self.make_order() for __ in range(3))
        )
        self.push()
        for order in self.orders:
            lines = self.at_app(order)["lines"]
            lines[0].update(quantity="8.00", unit_price="13.00")
            self.app.edit(PATH, self.mapping(order).external_id, lines=lines)
            order.order_line[0].write({"product_qty": 5, "price_unit": 12})
        self.pull()
        self.conflicts = self.env["sync.conflict"].union(
            *(self.mapping(order)._open_conflict() for order in self.orders)
        )

    def open_wizard(self, **context):
        Wizard = self.env["sync.conflict.resolve"].with_user(self.user)
        context["active_ids"] = self.conflicts.ids
        return Wizard.with_context(**context).create({})

    def take(self, wizard, **sides):
        for field in wizard.field_ids:
            field.side = sides.get(field.name)
        return wizard.action_apply()

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def both(self, order):
        odoo = self.mapping(order)._serialise()
        return [
            (side["lines"][0]["quantity"], side["lines"][0]["unit_price"])
            for side in (odoo, self.at_app(order))
        ]


@tagged("post_install", "-at_install")
class TestConflictBulk(BulkCase):
    """A side is taken for many conflicts at once, and what fails fails alone."""

    def test_the_pharmacys_prices_for_all(self):
        """The quantities stay open, on both sides as they are."""
        self.take(self.open_wizard(), unit_price="pharmacy")
        self.settle()
        for order in self.orders:
            self.assertEqual(self.both(order), [("5.00", "13.00"), ("8.00", "13.00")])
        self.assertEqual(set(self.conflicts.mapped("state")), {"open"})

    def test_one_side_for_all_fields(self):
        wizard = self.open_wizard(default_side="odoo")
        self.assertEqual(
            [(f.name, f.count, f.side) for f in wizard.field_ids.sorted("name")],
            [("quantity", 3, "odoo"), ("unit_price", 3, "odoo")],
        )
        wizard.reason = "stock-taking"
        wizard.action_apply()
        self.settle()
        for order in self.orders:
            self.assertEqual(self.both(order), [("5.00", "12.00")] * 2)
        self.assertEqual(set(self.conflicts.mapped("state")), {"resolved"})
        self.assertEqual(set(self.conflicts.mapped("strategy")), {"odoo"})
        self.assertEqual(set(self.conflicts.mapped("reason")), {"stock-taking"})
        self.assertEqual(
            set(self.conflicts[0].pharmacy_text.split("; ")),
            {"Quantity, not taken: 8.00", "Unit price, not taken: 13.00"},
        )
        self.assertEqual(self.conflicts.resolved_by_id, self.user)

    def test_the_preview_says_what_is_written_where(self):
        wizard = self.open_wizard()
        for field in wizard.field_ids:
            field.side = "pharmacy" if field.name == "quantity" else False
        for order in self.orders:
            self.assertIn(order.name, wizard.preview)
        self.assertIn("Quantity", wizard.preview)
        self.assertIn("8.00", wizard.preview)
        self.assertNotIn("13.00", wizard.preview)

    def test_each_value_that_is_written_is_listed_with_the_side_that_gets_it(self):
        conflict, __, gone = self.conflicts
        self.orders[2].button_cancel()
        self.orders[2].unlink()
        for winner, loser, before, after in (
            ("odoo", "pharmacy", "8.00", "5.00"),
            ("pharmacy", "odoo", "5.00", "8.00"),
        ):
            rows = self.conflicts._change_rows({"quantity": winner})
            self.assertEqual(len(rows), 2)
            row = next(row for row in rows if row["id"] == conflict.id)
            self.assertEqual(row["name"], self.orders[0].name)
            self.assertTrue(row["label"].endswith(": Quantity"), row["label"])
            self.assertEqual(
                (row["side"], row["before"], row["after"]), (loser, before, after)
            )
        self.assertNotIn(gone, self.conflicts._merges_now())

    def test_the_record_leads_to_what_has_to_be_decided(self):
        for order, conflict in zip(self.orders, self.conflicts, strict=True):
            action = order.with_user(self.user).action_sync_decide()
            self.assertEqual(action["res_id"], conflict.id)
        self.conflicts[0].action_keep_odoo()
        action = self.orders[0].with_user(self.user).action_sync_decide()
        self.assertFalse(action.get("res_id"))
        self.assertEqual(action["domain"], [("id", "in", [])])
        self.assertEqual(self.backend.conflict_count, 2)
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        self.assertEqual(other.conflict_count, 0)
        # Of an order that a person may not see nothing is found out.
        clerk = new_test_user(self.env, "clerk", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            self.orders[1].with_user(clerk).action_sync_decide()

    def test_what_changed_since_it_was_shown_is_left_and_reported(self):
        wizard = self.open_wizard(default_side="odoo")
        changed, *others = self.orders
        changed.order_line[0].product_qty = 6
        self.env.cr.flush()
        action = wizard.action_apply()
        self.assertEqual(action["res_id"], wizard.id)
        self.assertEqual(
            [failure["name"] for failure in wizard.failures], [changed.name]
        )
        self.assertIn("changed", wizard.outcome)
        self.assertEqual(wizard.resolved_count, 2)
        self.settle()
        for order in others:
            self.assertEqual(self.both(order), [("5.00", "12.00")] * 2)
        self.assertEqual(self.both(changed), [("6.00", "12.00"), ("8.00", "13.00")])

    def test_one_that_odoo_refuses_fails_alone(self):
        refused, *others = self.orders
        refused.button_confirm()
        self.push()
        lines = self.at_app(refused)["lines"]
        # A confirmed order keeps its lines.
        self.app.edit(PATH, self.mapping(refused).external_id, lines=lines[1:])
        self.pull()
        wizard = self.open_wizard(default_side="pharmacy")
        wizard.with_risky = True
        wizard.action_apply()
        self.assertEqual(
            [failure["name"] for failure in wizard.failures], [refused.name]
        )
        self.settle()
        for order in others:
            self.assertEqual(self.both(order), [("8.00", "13.00")] * 2)
        self.assertEqual(len(refused.order_line), 3)

    def test_a_confirmed_order_stays_open_unless_it_is_ticked(self):
        confirmed, *others = self.orders
        confirmed.button_confirm()
        self.push()
        wizard = self.open_wizard(default_side="pharmacy")
        self.assertEqual(wizard.risky_count, 1)
        self.assertIn("1 of them", wizard.risky_text)
        wizard.action_apply()
        self.assertEqual(self.mapping(confirmed)._open_conflict().state, "open")
        for order in others:
            self.assertFalse(self.mapping(order)._open_conflict())
        with self.assertRaisesRegex(UserError, "Decide Them as Well"):
            self.conflicts = self.mapping(confirmed)._open_conflict()
            self.open_wizard(default_side="pharmacy").action_apply()

    def test_resolved_by_another_meanwhile_is_not_resolved_twice(self):
        wizard = self.open_wizard(default_side="pharmacy")
        self.conflicts[0].action_keep_odoo()
        self.env.cr.flush()
        wizard.action_apply()
        self.assertIn("This conflict is resolved already", wizard.outcome)
        self.settle()
        self.assertEqual(self.both(self.orders[0]), [("5.00", "12.00")] * 2)
        self.assertEqual(self.both(self.orders[1]), [("8.00", "13.00")] * 2)

    def test_without_a_choice_nothing_is_done(self):
        with self.assertRaises(UserError):
            self.open_wizard().action_apply()

    def test_a_selection_that_is_resolved_is_said_so(self):
        self.conflicts.action_keep_odoo()
        with self.assertRaisesRegex(UserError, "open"):
            self.open_wizard()

    def test_searching_by_what_people_call_a_field(self):
        Conflict = self.env["sync.conflict"]
        mine = [("id", "in", self.conflicts.ids)]
        domain = [*mine, ("line_ids.label", "ilike", "unit pr")]
        self.assertEqual(Conflict.search(domain), self.conflicts)
        domain = [*mine, ("line_ids.label", "ilike", "supplier")]
        self.assertFalse(Conflict.search(domain))
