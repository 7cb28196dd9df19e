from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..common import API, KEY, WEBHOOK_SECRET, SyncCase


@tagged("post_install", "-at_install")
class TestTodo(SyncCase):
    """All that waits for a person, a row for each cause."""

    def setUp(self):
        super().setUp()
        self.buyer = new_test_user(self.env, "todo_buyer", "pharmacy_sync.group_user")
        self.operator = new_test_user(
            self.env, "todo_operator", "pharmacy_sync.group_operator"
        )

    def todo(self, user=None):
        self.env.flush_all()
        Todo = self.env["sync.todo"].with_user(user or self.operator)
        return Todo.search([("backend_id", "=", self.backend.id)])

    def make_conflicts(self, count):
        orders = self.env["purchase.order"]
        for __ in range(count):
            orders |= self.make_order()
        self.push()
        for order in orders:
            lines = self.at_app(order)["lines"]
            lines[0]["quantity"] = "8.00"
            self.app.edit(
                "purchase-orders", self.mapping(order).external_id, lines=lines
            )
            order.order_line[0].product_qty = 5
        self.pull()
        return orders

    def make_refused(self, count):
        orders = self.env["purchase.order"]
        for __ in range(count):
            orders |= self.make_order(quantity=-1.0)
        self.push()
        return orders

    def test_conflicts_in_the_same_field_are_one_row(self):
        orders = self.make_conflicts(3)
        row = self.todo(self.buyer)
        self.assertEqual((row.kind, row.count), ("conflict", 3))
        self.assertIn("Quantity", row.title)
        self.assertAlmostEqual(row.amount, sum(orders.mapped("amount_total_cc")), 2)
        opened = row.action_open()
        conflicts = self.env["sync.conflict"].search(opened["domain"])
        mappings = self.env["sync.mapping"].union(*map(self.mapping, orders))
        self.assertEqual(conflicts.mapping_id, mappings)

    def test_the_row_is_cleared_by_its_button(self):
        self.make_conflicts(2)
        row = self.todo(self.buyer)
        context = row.action_decide()["context"]
        wizard = (
            self.env["sync.conflict.resolve"]
            .with_user(self.buyer)
            .with_context(**context, default_side="odoo")
            .create({})
        )
        self.assertEqual(wizard.conflict_count, 2)
        wizard.action_apply()
        self.assertFalse(self.todo())

    def test_failed_changes_of_one_cause_are_one_row_and_come_first(self):
        self.make_conflicts(1)
        refused = self.make_refused(2)
        rows = self.todo()
        self.assertEqual(rows.mapped("kind"), ["failed", "conflict"])
        failed = rows[0]
        self.assertEqual(failed.count, 2)
        self.assertTrue(failed.advice)
        letters = self.env["sync.operation"].search(failed.action_open()["domain"])
        self.assertEqual(letters.mapping_id.mapped("res_id"), refused[::-1].ids)
        self.assertEqual(failed.action_retry()["res_model"], "sync.redrive")

    def test_what_waits_for_the_app_is_not_here(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-1"
        self.move_app("http://127.0.0.1:9")
        for __ in range(4):
            self.push()
            self.make_due()
        self.assertFalse(self.todo())

    def test_a_buyer_sees_decisions_and_may_nothing_else(self):
        self.make_refused(1)
        self.make_conflicts(1)
        self.assertEqual(self.todo(self.buyer).mapped("kind"), ["conflict"])
        failed = self.todo().filtered(lambda row: row.kind == "failed")
        for action in (failed.action_retry, failed.action_discard):
            with self.assertRaises(AccessError):
                action.__func__(failed.with_user(self.buyer))

    def tasks(self):
        self.env.flush_all()
        Overview = self.env["sync.overview"].with_user(self.operator)
        return Overview.data(self.backend.ids)["tasks"]

    def make_unexplained(self, count):
        """Changes that failed, of which the errors are not kept any more."""
        self.make_refused(count)
        self.operations(state="dead").error_group_id = False

    def make_neighbour(self):
        """Another backend of the same company."""
        return self.backend.create(
            {
                "name": "Neighbour",
                "url": self.app.url,
                "internal": True,
                "api_key": KEY,
                "webhook_secret": WEBHOOK_SECRET,
                "user_id": self.make_user("neighbour app", API),
            }
        )

    def test_changes_that_failed_of_nothing_known_are_a_row_each(self):
        self.make_unexplained(2)
        rows = self.todo()
        self.assertEqual(rows.mapped("title"), ["Failed for no known error"] * 2)
        opened = [
            self.env["sync.operation"].search(row.action_open()["domain"])
            for row in rows
        ]
        self.assertEqual([len(letters) for letters in opened], [1, 1])
        self.assertEqual(opened[0] | opened[1], self.operations(state="dead"))

    def test_differences_are_a_row_for_each_type_of_record(self):
        neighbour = self.make_neighbour()
        for backend, entity, count in (
            (self.backend, "supplier", 2),
            (self.backend, "product", 1),
            (neighbour, "supplier", 1),
        ):
            stream = backend.stream_ids.filtered(lambda s, e=entity: s.entity == e)
            work = self.env["sync.reconciliation"].create({"stream_id": stream.id})
            self.env["sync.drift"].create(
                [
                    {
                        "reconciliation_id": work.id,
                        "external_id": f"{entity}_{number}",
                        "kind": "missing_odoo",
                        "state": "open",
                    }
                    for number in range(count)
                ]
            )
        rows = {row.entity: row for row in self.todo()}
        self.assertEqual(
            {entity: (row.kind, row.count, row.title) for entity, row in rows.items()},
            {
                "supplier": ("drift", 2, "Suppliers differ on both sides"),
                "product": ("drift", 1, "Products differ on both sides"),
            },
        )
        for entity, ids in (
            ("supplier", ["supplier_0", "supplier_1"]),
            ("product", ["product_0"]),
        ):
            opened = self.env["sync.drift"].search(rows[entity].action_open()["domain"])
            self.assertEqual(opened.stream_id.backend_id, self.backend)
            self.assertEqual(sorted(opened.mapped("external_id")), ids)
        self.assertEqual(
            sorted(row["text"] for row in self.tasks()["rows"]),
            ["Repair 1 difference", "Repair 2 differences"],
        )
        self.assertFalse(self.todo(self.buyer))

    def test_the_overview_names_the_first_and_says_that_there_are_more(self):
        self.make_unexplained(5)
        self.operations(state="dead")[0].user_id = self.operator
        tasks = self.tasks()
        self.assertEqual((len(tasks["rows"]), tasks["more"]), (5, False))
        self.assertEqual(
            sorted(row["owner"] for row in tasks["rows"]),
            ["", "", "", "", self.operator.name],
        )
        self.assertEqual({row["pharmacy"] for row in tasks["rows"]}, {""})
        self.make_neighbour()
        self.make_unexplained(1)
        tasks = self.tasks()
        self.assertEqual((len(tasks["rows"]), tasks["more"]), (5, True))
        self.assertEqual(
            {row["pharmacy"] for row in tasks["rows"]}, {self.backend.name}
        )

    def test_another_company_sees_nothing(self):
        self.make_conflicts(1)
        self.make_refused(1)
        company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "todo_stranger",
            "pharmacy_sync.group_operator",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        self.assertFalse(self.todo(stranger))
        for row in self.todo().with_user(stranger):
            for action in (
                row.action_open,
                row.action_decide,
                row.action_retry,
                row.action_mend,
                row.action_discard,
            ):
                with self.assertRaises(AccessError):
                    action()
