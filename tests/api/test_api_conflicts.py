from odoo.tests import tagged

from ..common import SyncCase

PATH = "purchase-orders"


@tagged("post_install", "-at_install")
class TestApiConflicts(SyncCase):
    """The pharmacy app sees its conflicts, and decides them, with typed answers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.env["sync.api"].with_user(cls.api_user)

    def setUp(self):
        super().setUp()
        self.orders = [self.make_order() for __ in range(3)]
        self.push()
        for order in self.orders:
            lines = self.at_app(order)["lines"]
            lines[0]["quantity"] = "8.00"
            self.app.edit(
                PATH, self.mapping(order).external_id, lines=lines, notes="theirs"
            )
            order.order_line[0].product_qty = 5
            order.note = "ours"
        self.pull()
        self.order = self.orders[0]
        self.conflict = self.mapping(self.order)._open_conflict()
        self.quantity = next(
            line.field for line in self.conflict.line_ids if line.name == "quantity"
        )

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def both(self):
        odoo = self.mapping(self.order)._serialise()
        return [
            (side["lines"][0]["quantity"], side["notes"])
            for side in (odoo, self.at_app(self.order))
        ]

    def test_conflicts_are_reported_page_by_page(self):
        first = self.api.conflicts("purchase_order", limit=2)
        self.assertTrue(first["success"], first)
        self.assertTrue(first["more"])
        rest = self.api.conflicts("purchase_order", limit=2, cursor=first["cursor"])
        self.assertFalse(rest["more"])
        reported = first["conflicts"] + rest["conflicts"]
        self.assertEqual(
            [conflict["external_id"] for conflict in reported],
            [self.mapping(order).external_id for order in self.orders],
        )
        fields = {field["path"]: field["values"] for field in reported[0]["fields"]}
        self.assertEqual(
            fields[self.quantity], {"base": "2.00", "odoo": "5.00", "pharmacy": "8.00"}
        )
        self.assertFalse(self.api.conflicts("purchase_order", limit=3)["more"])
        none = self.api.conflicts("purchase_order", cursor=rest["cursor"])
        self.assertEqual((none["conflicts"], none["cursor"]), ([], rest["cursor"]))
        empty = self.api.conflicts("supplier")
        self.assertEqual((empty["conflicts"], empty["cursor"]), ([], False))

    def test_a_side_with_an_exception_and_a_value(self):
        answer = self.api.resolve(
            self.conflict.id, side="odoo", values={"notes": "both"}, reason="called"
        )
        self.assertTrue(answer["success"], answer)
        self.assertEqual(answer["state"], "resolved")
        self.assertEqual(answer["results"], {self.quantity: "5.00", "notes": "both"})
        self.settle()
        self.assertEqual(self.both(), [("5.00", "both")] * 2)
        self.assertEqual(self.conflict.resolved_by_id, self.api_user)
        self.assertEqual(self.conflict.reason, "called")

    def test_one_field_leaves_the_rest_open(self):
        answer = self.api.resolve(self.conflict.id, choices={"notes": "pharmacy"})
        self.assertEqual((answer["success"], answer["state"]), (True, "open"))
        self.settle()
        self.assertEqual(self.both(), [("5.00", "theirs"), ("8.00", "theirs")])

    def test_resolved_twice_is_a_typed_error(self):
        self.api.resolve(self.conflict.id, side="odoo")
        answer = self.api.resolve(self.conflict.id, side="pharmacy")
        self.assertFalse(answer["success"])
        self.assertEqual(answer["error"]["type"], "order_already_processed")

    def test_values_that_changed_since_are_a_version_conflict(self):
        reported = self.api.conflicts()["conflicts"][0]
        self.order.order_line[0].product_qty = 6
        answer = self.api.resolve(
            reported["id"], side="pharmacy", fingerprint=reported["fingerprint"]
        )
        self.assertEqual(answer["error"]["type"], "version_conflict")
        self.assertEqual(self.order.order_line[0].product_qty, 6)

    def test_a_bad_value_is_named(self):
        answer = self.api.resolve(self.conflict.id, values={self.quantity: "many"})
        self.assertEqual(answer["error"]["type"], "data_validation_failed")
        self.assertEqual(answer["error"]["field"], self.quantity)
        self.assertNotIn("Traceback", str(answer))

    def test_bad_requests_are_named(self):
        for field, kwargs in (
            ("side", {}),
            ("side", {"side": "both"}),
            ("choices", {"choices": "odoo"}),
            ("nonsense", {"choices": {"nonsense": "odoo"}}),
            ("notes", {"choices": {"notes": "mine"}}),
        ):
            with self.subTest(field=field, kwargs=kwargs):
                answer = self.api.resolve(self.conflict.id, **kwargs)
                self.assertEqual(answer["error"]["field"], field)
        self.assertEqual(self.api.conflicts(limit=0)["error"]["field"], "limit")
        self.assertEqual(self.api.conflicts("invoice")["error"]["field"], "entity")

    def test_another_backends_conflict_does_not_exist(self):
        user = self.api_user.copy({"login": "other app"})
        self.env["sync.backend"].create(
            {"name": "Other", "url": self.app.url, "user_id": user.id}
        )
        other = self.env["sync.api"].with_user(user)
        self.assertEqual(other.conflicts()["conflicts"], [])
        answer = other.resolve(self.conflict.id, side="odoo")
        self.assertEqual(answer["error"]["type"], "resource_not_found")
        self.assertEqual(self.conflict.state, "open")

    def test_a_stranger_is_refused(self):
        admin = self.env["sync.api"].with_user(self.env.ref("base.user_admin"))
        for answer in (admin.conflicts(), admin.resolve(self.conflict.id, "odoo")):
            self.assertEqual(answer["error"]["type"], "insufficient_permissions")
