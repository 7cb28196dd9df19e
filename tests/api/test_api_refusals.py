"""What the API refuses: too many requests, fields that it does not know, strangers, and
whatever arrives while its backend is paused."""

from types import SimpleNamespace

from odoo.tests import tagged

from ...models.api import sync_api
from ..common import SyncCase

LOGGER = "odoo.addons.pharmacy_sync.models.api.sync_api"
SUPPLIER = {"id": "sup_1", "version": 1, "name": "Farmacia Sur"}


@tagged("post_install", "-at_install")
class TestApiRefusals(SyncCase):
    def setUp(self):
        super().setUp()
        self.api = self.env["sync.api"].with_user(self.api_user)

    def errors(self):
        return self.env["sync.error"].search([])

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    # -- Fields that Odoo does not know -----------------------------------------------

    def test_unknown_fields_are_named_in_a_warning(self):
        known = {"id": "prd_1", "name": "Product 1"}
        self.assertTrue(self.api.push("product", [known])["success"])
        self.assertTrue(self.api.push("supplier", [SUPPLIER])["success"])
        line = {"key": "1", "product_id": "prd_1", "quantity": 1, "unit_price": 2}
        answer = self.api.push(
            "purchase_order",
            [
                {
                    "id": "po_1",
                    "supplier_id": "sup_1",
                    "expectedAt": "2026-12-01",
                    "lines": [{**line, "note": "cold"}],
                }
            ],
        )
        (result,) = answer["results"]
        self.assertEqual(result["operation"], "created")
        self.assertIn("expectedAt", result["warnings"][0])
        self.assertIn("lines.note", result["warnings"][0])

    def test_a_stream_may_refuse_them(self):
        self.stream("supplier").unknown_fields = "refuse"
        good = {"id": "sup_2", "name": "Farmacia Norte"}
        answer = self.api.push("supplier", [{**SUPPLIER, "colour": "red"}, good])
        bad, other = answer["results"]
        self.assertEqual(bad["error"]["type"], "data_validation_failed")
        self.assertEqual(bad["error"]["field"], "colour")
        # The app has no screen on which to correct it.
        self.assertIn("another idempotency_key", bad["error"]["suggested_action"])
        self.assertEqual(other["operation"], "created")
        self.assertFalse(
            self.env["res.partner"].search_count([("name", "=", "Farmacia Sur")])
        )

    def test_an_order_as_a_saga_names_them_too(self):
        self.api.push("supplier", [SUPPLIER])
        record = {"id": "po_1", "supplier_id": "sup_1", "lines": [], "colour": "red"}
        answer = self.api.order(record, "key-1")
        self.assertIn("colour", answer["warnings"][0])
        self.stream("purchase_order").unknown_fields = "refuse"
        answer = self.api.order(record, "key-2")
        self.assertEqual(answer["error"]["field"], "colour")

    def test_a_backend_without_a_stream_has_nothing_of_it(self):
        self.stream("product").unlink()
        for answer in (
            self.api.lookup("product", ["prd_1"]),
            self.api.changes("product"),
            self.api.status("product", ["prd_1"]),
        ):
            self.assertEqual(answer["error"]["field"], "entity")
            self.assertIn("supplier", answer["error"]["message"])

    def test_a_saga_of_another_backend_is_unknown(self):
        self.api.push("supplier", [SUPPLIER])
        record = {"id": "po_1", "supplier_id": "sup_1", "lines": []}
        saga = self.api.order(record, "key-1")["saga"]
        self.assertTrue(self.api.saga(saga)["success"])
        other = self.env["sync.api"].with_user(self.second_backend().user_id)
        for api, number in ((other, saga), (self.api, saga + 1)):
            answer = api.saga(number)
            self.assertEqual(answer["error"]["type"], "data_validation_failed")
            self.assertEqual(answer["error"]["field"], "saga")

    # -- Bounds -----------------------------------------------------------------------

    def test_an_order_of_too_many_lines_is_refused_at_once(self):
        self.api.push("supplier", [SUPPLIER])
        line = {"product_id": "prd_1", "quantity": 1, "unit_price": 2}
        lines = [{**line, "key": str(number)} for number in range(1_001)]
        order = {"id": "po_1", "supplier_id": "sup_1", "lines": lines}
        (result,) = self.api.push("purchase_order", [order])["results"]
        self.assertEqual(result["error"]["field"], "lines")
        self.assertIn("1000", result["error"]["message"])

    def test_too_many_requests_wait_for_their_minute(self):
        self.backend.rate_limit = 3
        for __ in range(3):
            self.assertTrue(self.api.health()["success"])
        answer = self.api.push("supplier", [SUPPLIER], correlation_id="too-many")
        self.assertEqual(answer["error"]["type"], "rate_limit_exceeded")
        self.assertTrue(answer["error"]["retryable"])
        self.assertEqual(answer["correlation_id"], "too-many")
        self.assertFalse(
            self.env["res.partner"].search_count([("name", "=", "Farmacia Sur")])
        )
        self.assertEqual(self.backend.refused_count, 1)
        self.assertFalse(self.errors())
        self.env["sync.rate"].search([]).minute = "2020-01-01"
        self.env.flush_all()
        self.assertTrue(self.api.push("supplier", [SUPPLIER])["success"])

    def test_one_backend_does_not_use_up_the_others_minute(self):
        other = self.second_backend()
        self.backend.rate_limit = 1
        self.assertTrue(self.api.health()["success"])
        self.assertFalse(self.api.health()["success"])
        api = self.env["sync.api"].with_user(other.user_id)
        self.assertTrue(api.health()["success"])
        counts = [backend.refused_count for backend in (self.backend, other)]
        self.assertEqual(counts, [1, 0])

    # -- Paused, and strangers --------------------------------------------------------

    def test_a_paused_backend_answers_and_changes_nothing(self):
        self.backend.paused = True
        for answer in (
            self.api.push("supplier", [SUPPLIER]),
            self.api.order({"supplier_id": "sup_1"}, "key"),
            self.api.resolve(1, "odoo"),
            self.api.retry([1]),
        ):
            self.assertEqual(answer["error"]["type"], "service_unavailable")
            self.assertTrue(answer["error"]["retryable"])
        self.assertTrue(self.api.health()["paused"])
        self.assertTrue(self.api.status("supplier", ["sup_1"])["success"])
        self.assertFalse(self.errors())
        self.backend.paused = False
        self.assertTrue(self.api.push("supplier", [SUPPLIER])["success"])

    def test_strangers_leave_nothing_in_the_log_of_errors(self):
        strangers = (
            self.make_user("internal", "base.group_user"),
            self.make_user("portal", "base.group_portal"),
            self.make_user("boss", "pharmacy_sync.group_manager"),
            # In the group, but of no backend.
            self.make_user("unconnected", "pharmacy_sync.group_api"),
        )
        for stranger in strangers:
            api = self.env["sync.api"].with_user(stranger)
            with self.assertLogs(LOGGER, "WARNING") as log:
                answer = api.push("supplier", [SUPPLIER], correlation_id="mine")
            self.assertIn(f"user {stranger} may not call", log.output[0])
            self.assertEqual(answer["error"]["type"], "insufficient_permissions")
        self.assertFalse(self.errors())
        self.assertFalse(self.env["sync.rate"].search([]))

    # -- What is said of each call ----------------------------------------------------

    def test_an_answer_and_the_log_say_how_long_it_took(self):
        for moments, refused in (((10.0, 11.2345678), False), ((5.0, 5.0004), True)):
            clock = SimpleNamespace(monotonic=iter(moments).__next__)
            self.patch(sync_api, "time", clock)
            with self.assertLogs(LOGGER, "DEBUG") as log:
                answer = self.api.push("nothing" if refused else "supplier", [])
            took = 0.4 if refused else 1234.568
            self.assertEqual(answer["duration_ms"], took)
            words = f"push of backend {self.backend.id}: "
            words += "entity must be one of" if refused else "good"
            self.assertIn(words, log.output[-1])
            self.assertIn(f" {took} ms", log.output[-1])
            self.assertIn(answer["correlation_id"], log.output[-1])

    # -- What is absent ---------------------------------------------------------------

    def test_false_and_an_empty_text_stand_for_null_over_rpc(self):
        for absent in (None, False, ""):
            answer = self.api.push("supplier", [SUPPLIER], absent, absent)
            self.assertTrue(answer["success"], answer)
        self.assertTrue(self.api.changes("supplier", False, False)["success"])
        answer = self.api.push(False, [])
        self.assertEqual(answer["error"]["field"], "entity")
