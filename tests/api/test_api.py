from psycopg2 import IntegrityError
from psycopg2.errors import SerializationFailure

from odoo.tests import tagged
from odoo.tools import mute_logger

from ...models.api.sync_api import MAX_TRIES, _is_last_try
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestApi(SyncCase):
    """The pharmacy app pushes records into Odoo and gets a typed result for each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.env["sync.api"].with_user(cls.api_user)

    def setUp(self):
        super().setUp()
        masters = self.api.push(
            "supplier", [{"id": "sup_1", "version": 1, "name": "Farmacia Sur"}]
        )
        self.assertTrue(masters["success"], masters)
        masters = self.api.push(
            "product",
            [
                {"id": f"prd_{i}", "version": 1, "name": f"Product {i}", "uom": "Units"}
                for i in range(3)
            ],
        )
        self.assertTrue(masters["success"], masters)

    def order_data(self, number=1, **values):
        return {
            "id": f"po_{number}",
            "version": 1,
            "reference": f"PH{number:05}",
            "supplier_id": "sup_1",
            "currency": self.env.company.currency_id.name,
            "state": "draft",
            "ordered_at": "2026-11-20T08:00:00Z",
            "expected_at": None,
            "notes": "",
            "lines": [
                {
                    "key": f"ln_{i}",
                    "product_id": f"prd_{i}",
                    "description": f"Product {i}",
                    "quantity": "3.00",
                    "uom": "Units",
                    "unit_price": "9.99",
                }
                for i in range(3)
            ],
            **values,
        }

    def orders(self):
        return self.env["purchase.order"].search([("origin", "like", "PH%")])

    def test_new_orders_are_created(self):
        answer = self.api.push("purchase_order", [self.order_data(n) for n in range(5)])
        self.assertTrue(answer["success"], answer)
        self.assertEqual({r["operation"] for r in answer["results"]}, {"created"})
        orders = self.orders()
        self.assertEqual(len(orders), 5)
        self.assertEqual(set(orders.mapped("amount_untaxed")), {3 * 3 * 9.99})
        self.assertEqual(
            [r["odoo_id"] for r in answer["results"]], orders.sorted("origin").ids
        )

    def test_complete_order_is_not_sent_back(self):
        """What the app reported is what Odoo has: there is no echo."""
        self.api.push("purchase_order", [self.order_data()])
        self.push()
        order = self.orders()
        self.assertFalse(self.operations(mapping_id=self.mapping(order).id))

    def test_orders_in_part_ask_the_app_nothing_and_share_a_job(self):
        """Without a description, a unit or a date, as the shortest record has it."""
        self.push()
        self.env["queue.job"].search([]).unlink()
        self.app.call("DELETE", "/admin/requests")
        for number in range(10):
            line = {"product_id": "prd_1", "quantity": 1, "unit_price": 2}
            order = {"id": f"po_{number}", "version": 1, "supplier_id": "sup_1"}
            order["lines"] = [{"key": "1", **line}]
            answer = self.api.push("purchase_order", [order])
            self.assertTrue(answer["success"], answer)
            self.env.cr.flush()
        keys = self.env["queue.job"].search([]).mapped("identity_key")
        self.assertTrue(keys)
        self.assertEqual(len(keys), len(set(keys)), keys)
        self.backend._as_runner()._job_events()
        self.push()
        self.assertEqual(self.app.requests(), [])

    def test_same_order_again_changes_nothing(self):
        self.api.push("purchase_order", [self.order_data()])
        order = self.orders()
        written = order.write_date
        answer = self.api.push("purchase_order", [self.order_data()])
        self.assertEqual(answer["results"][0]["operation"], "unchanged")
        self.assertEqual(answer["results"][0]["odoo_id"], order.id)
        self.assertEqual(self.orders(), order)
        self.assertEqual(order.write_date, written)

    def test_what_is_around_known_values_is_checked_too(self):
        """All values are agreed on, but the record has something that nobody can
        keep, or that Odoo does not know."""
        self.api.push("purchase_order", [self.order_data()])
        answer = self.api.push("purchase_order", [self.order_data(updated_by="a\0b")])
        self.assertFalse(answer["success"])
        self.assertIn("updated_by", answer["results"][0]["error"]["message"])
        answer = self.api.push("purchase_order", [self.order_data(reason="b\0c")])
        self.assertIn("reason", answer["results"][0]["error"]["message"])
        result = self.api.push("purchase_order", [self.order_data(reason="c")])[
            "results"
        ][0]
        self.assertEqual(result["operation"], "unchanged")
        self.assertIn("reason", result["warnings"][0])

    def test_a_number_is_no_flag_although_python_takes_it_for_one(self):
        supplier = {"id": "sup_flag", "version": 1, "name": "Flag", "active": True}
        self.api.push("supplier", [supplier])
        answer = self.api.push("supplier", [{**supplier, "active": 1}])
        self.assertIn("active", answer["results"][0]["error"]["message"])

    def test_newer_version_updates_lines_by_key(self):
        self.api.push("purchase_order", [self.order_data()])
        order = self.orders()
        kept = order.order_line[2]
        lines = self.order_data()["lines"]
        lines = [dict(lines[2], quantity="8.00"), dict(lines[0], key="ln_new")]
        answer = self.api.push(
            "purchase_order", [self.order_data(version=2, lines=lines)]
        )
        self.assertEqual(answer["results"][0]["operation"], "updated")
        self.assertEqual(kept.product_qty, 8)
        self.assertEqual(
            sorted(order.order_line.mapped("sync_key")), ["ln_2", "ln_new"]
        )

    def test_older_version_is_left_aside(self):
        self.api.push("purchase_order", [self.order_data(version=5)])
        answer = self.api.push(
            "purchase_order", [self.order_data(version=4, notes="old news")]
        )
        self.assertEqual(answer["results"][0]["operation"], "unchanged")
        self.assertFalse(self.orders().note)

    def test_bad_record_fails_alone(self):
        good, bad, other = (self.order_data(n) for n in range(3))
        bad["lines"][1]["quantity"] = "many"
        answer = self.api.push("purchase_order", [good, bad, other])
        self.assertFalse(answer["success"])
        self.assertEqual(
            [r["operation"] for r in answer["results"]],
            ["created", "failed", "created"],
        )
        error = answer["results"][1]["error"]
        self.assertEqual(error["type"], "data_validation_failed")
        self.assertEqual(error["field"], "lines[1].quantity")
        self.assertEqual(len(self.orders()), 2)

    def test_record_that_the_database_refuses_fails_alone(self):
        """A failure that only creating shows is found by halving the batch."""
        taken = {"id": "prd_x", "version": 1, "name": "X", "barcode": "123"}
        answer = self.api.push(
            "product",
            [
                {"id": "prd_a", "version": 1, "name": "A"},
                taken,
                {"id": "prd_b", "version": 1, "name": "B"},
                {**taken, "id": "prd_y"},
            ],
        )
        outcomes = [r["operation"] for r in answer["results"]]
        self.assertEqual(outcomes, ["created", "created", "created", "queued"])
        # The app may be about to give the other one another barcode.
        error = answer["results"][3]["error"]
        self.assertEqual(error["type"], "queued_for_retry")
        self.assertIn("tries it again by itself", error["suggested_action"])
        self.assertEqual(error["cause"], "data_validation_failed")
        self.assertEqual(error["field"], "barcode")
        self.assertIn("prd_x", error["message"])

    def test_unknown_supplier_is_named(self):
        answer = self.api.push(
            "purchase_order", [self.order_data(supplier_id="sup_nobody")]
        )
        error = answer["results"][0]["error"]
        self.assertEqual(error["type"], "queued_for_retry")
        self.assertEqual(error["cause"], "invalid_supplier")
        self.assertEqual(error["field"], "supplier_id")
        self.assertFalse(self.orders())

    def test_failure_is_kept_with_its_correlation_id(self):
        self.api.push(
            "purchase_order",
            [self.order_data(supplier_id="sup_nobody")],
            correlation_id="from-the-app",
        )
        error = self.env["sync.error"].search([("correlation_id", "=", "from-the-app")])
        self.assertEqual(error.type, "invalid_supplier")

    def busy(self, *args, **options):
        raise SerializationFailure("could not serialize access")

    def test_a_database_that_stays_busy_is_answered_at_the_last_replay(self):
        """What Odoo replays is not answered before: the app would send it once more."""
        for other in (["po_1"], ["po_2"]):
            self.patch(self.env.registry["sync.api"], "_status", self.busy)
            for __ in range(MAX_TRIES - 1):
                with self.assertRaises(SerializationFailure):
                    self.api.status("purchase_order", other)
            answer = self.api.status("purchase_order", other)
            self.assertFalse(answer["success"])
            self.assertTrue(answer["error"]["retryable"])

    def test_one_failure_is_one_try_however_often_it_is_asked_about(self):
        sent = [["po_1"]]
        for number in range(1, MAX_TRIES + 1):
            failure = SerializationFailure()
            for __ in range(2):
                self.assertIs(_is_last_try(sent, failure), number == MAX_TRIES)

    @mute_logger("odoo.addons.pharmacy_sync.models.error.sync_error")
    def test_a_failure_that_cannot_be_kept_is_logged_and_answered(self):
        Error = self.env.registry["sync.error"]

        def fails(error, *args, **options):
            raise ValueError("no room for errors")

        self.patch(Error, "_record_here", fails)
        bad = self.order_data(supplier_id="sup_nobody")
        name = "odoo.addons.pharmacy_sync.models.api.sync_api"
        with self.assertLogs(name, "CRITICAL") as logs:
            answer = self.api.push("nonsense", [bad], correlation_id="not-kept")
        self.assertEqual(answer["error"]["field"], "entity")
        self.assertIn("not-kept", logs.output[0])
        # Odoo replays a request that the database was too busy for.
        self.patch(Error, "_record_here", self.busy)
        with self.assertRaises(SerializationFailure):
            self.api.push("nonsense", [bad])

    def test_same_key_gets_the_same_answer(self):
        first = self.api.push("purchase_order", [self.order_data()], "key-1")
        again = self.api.push("purchase_order", [self.order_data()], "key-1")
        self.assertEqual(again["results"], first["results"])
        self.assertEqual(again["results"][0]["operation"], "created")
        self.assertEqual(len(self.orders()), 1)

    def test_same_key_for_other_records_is_refused(self):
        self.api.push("purchase_order", [self.order_data()], "key-1")
        answer = self.api.push("purchase_order", [self.order_data(2)], "key-1")
        self.assertFalse(answer["success"])
        self.assertEqual(answer["error"]["field"], "idempotency_key")
        self.assertEqual(len(self.orders()), 1)

    def test_record_twice_in_one_batch_is_one_order(self):
        answer = self.api.push(
            "purchase_order",
            [self.order_data(), self.order_data(version=2, notes="second")],
        )
        self.assertEqual(
            [r["operation"] for r in answer["results"]], ["created", "updated"]
        )
        self.assertIn("second", self.orders().note)

    def test_conflict_keeps_both_and_carries_the_rest(self):
        self.api.push("purchase_order", [self.order_data()])
        order = self.orders()
        order.order_line[0].product_qty = 5
        lines = self.order_data()["lines"]
        lines[0]["quantity"] = "6.00"
        answer = self.api.push(
            "purchase_order",
            [self.order_data(version=2, notes="carried", lines=lines)],
        )
        self.assertEqual(answer["results"][0]["operation"], "conflict")
        self.assertEqual(order.order_line[0].product_qty, 5)
        self.assertIn("carried", order.note)
        conflict = self.env["sync.conflict"].search(
            [("mapping_id", "=", self.mapping(order).id)]
        )
        self.assertEqual(
            [(line.base, line.odoo, line.pharmacy) for line in conflict.line_ids],
            [("3.00", "5.00", "6.00")],
        )

    def test_one_sided_changes_of_two_sides_merge(self):
        self.api.push("purchase_order", [self.order_data()])
        order = self.orders()
        order.order_line[0].product_qty = 5
        lines = self.order_data()["lines"]
        lines[1]["quantity"] = "6.00"
        answer = self.api.push(
            "purchase_order", [self.order_data(version=2, lines=lines)]
        )
        self.assertEqual(answer["results"][0]["operation"], "updated")
        self.assertEqual(order.order_line.mapped("product_qty"), [5, 6, 3])

    def test_states_are_taken_by_their_steps(self):
        for number, state in enumerate(("sent", "confirmed", "cancelled")):
            self.api.push("purchase_order", [self.order_data(number, state=state)])
        self.assertEqual(
            self.orders().sorted("origin").mapped("state"),
            ["sent", "purchase", "cancel"],
        )

    def test_unknown_entity_is_a_typed_error(self):
        answer = self.api.push("invoice", [])
        self.assertEqual(answer["error"]["field"], "entity")

    def test_stranger_is_refused(self):
        answer = self.env["sync.api"].with_user(self.env.ref("base.user_admin"))
        answer = answer.push("supplier", [])
        self.assertEqual(answer["error"]["type"], "insufficient_permissions")

    def test_caller_sees_no_trace(self):
        answer = self.api.push("purchase_order", [{"id": "po_1", "lines": {"a": 1}}])
        self.assertNotIn("Traceback", str(answer))
        self.assertFalse(answer["success"])

    def test_status_says_where_records_stand(self):
        self.api.push("purchase_order", [self.order_data()])
        results = self.api.status("purchase_order", ["po_1", "po_2"])["results"]
        self.assertEqual([r["known"] for r in results], [True, False])
        self.assertEqual(results[0]["state"], "synced")

    def test_one_pharmacy_record_has_one_mapping(self):
        self.api.push("purchase_order", [self.order_data()])
        mapping = self.mapping(self.orders())
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            mapping.copy({"res_id": 0, "key": "other", "external_id": "po_1"})
            self.env.flush_all()
