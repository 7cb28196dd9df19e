import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from odoo import SUPERUSER_ID, api
from odoo.service.model import retrying
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..common import ConcurrencyCase, SyncCase


@tagged("post_install", "-at_install")
class TestApiRetry(SyncCase):
    """The pharmacy app has what failed tried again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.env["sync.api"].with_user(cls.api_user)

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.app.refuse_records()
        self.order.origin = "PH-7"
        self.push()
        self.app.refuse_records("")
        self.dead = self.operations(state="dead")
        self.external_id = self.mapping(self.order).external_id
        self.assertEqual(self.dead.mapping_id, self.mapping(self.order))

    def test_by_operation(self):
        answer = self.api.retry([self.dead.id])
        (result,) = answer["results"]
        self.assertTrue(answer["success"], answer)
        self.assertEqual(
            (result["operation"], result["operation_id"], result["external_id"]),
            ("redriven", self.dead.id, self.external_id),
        )
        self.assertEqual(result["correlation_id"], self.dead.correlation_id)
        self.assertEqual(result["state"], "pending")
        self.push()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-7")
        self.assertEqual(self.dead.note_ids.user_id, self.api_user)

    def test_by_record(self):
        answer = self.api.retry(
            external_ids=[self.external_id, "po_unknown"], entity="purchase_order"
        )
        self.assertFalse(answer["success"])
        good, bad = answer["results"]
        self.assertEqual(good["operation"], "redriven")
        self.assertEqual(self.dead.state, "pending")
        self.assertEqual((bad["operation"], bad["success"]), ("failed", False))
        self.assertEqual(bad["error"]["type"], "data_validation_failed")
        self.assertEqual(bad["error"]["field"], "external_ids")
        self.assertIn("po_unknown", bad["error"]["message"])

    def test_by_record_that_odoo_does_not_have_yet(self):
        stream = self.dead.stream_id
        operations = self.env["sync.operation"].create(
            [
                {
                    "kind": "apply",
                    "stream_id": stream.id,
                    "external_id": "po_9",
                    "payload": {"id": "po_9"},
                    "state": state,
                }
                for state in ("dead", "done", "waiting")
            ]
        )
        answer = self.api.retry(external_ids=["po_9"], entity="purchase_order")
        found = {
            result["operation_id"]: (result["external_id"], result["operation"])
            for result in answer["results"]
        }
        dead, __, waiting = operations.ids
        again = ("po_9", "redriven")
        self.assertEqual(found, {dead: again, waiting: again})
        self.env["sync.operation"].browse([dead, waiting]).state = "done"
        answer = self.api.retry(external_ids=["po_9"], entity="purchase_order")
        (result,) = answer["results"]
        self.assertEqual(
            (result["operation_id"], result["operation"]), (waiting, "unchanged")
        )

    def test_what_has_not_failed_is_left_alone(self):
        done = self.operations(state="done")[0]
        (result,) = self.api.retry([done.id])["results"]
        self.assertTrue(result["success"])
        self.assertEqual((result["operation"], result["state"]), ("unchanged", "done"))
        self.assertEqual(done.state, "done")

    def test_what_a_person_discarded_stays_so(self):
        self.dead.action_discard("Ordered by telephone")
        (result,) = self.api.retry([self.dead.id])["results"]
        self.assertEqual(result["operation"], "failed")
        self.assertIn("Ordered by telephone", result["error"]["message"])
        self.assertEqual(self.dead.state, "cancelled")

    def test_another_backends_operations_are_unknown(self):
        other_user = new_test_user(self.env, "other app", "pharmacy_sync.group_api")
        self.env["sync.backend"].create(
            {"name": "Other", "url": self.app.url, "user_id": other_user.id}
        )
        other = self.env["sync.api"].with_user(other_user)
        for asked in (
            {"operation_ids": [self.dead.id]},
            {"external_ids": [self.external_id], "entity": "purchase_order"},
        ):
            (result,) = other.retry(**asked)["results"]
            self.assertEqual(result["operation"], "failed")
            self.assertFalse(result["state"])
        self.assertEqual(self.dead.state, "dead")

    def test_only_api_users(self):
        user = new_test_user(self.env, "buyer", "pharmacy_sync.group_manager")
        answer = self.env["sync.api"].with_user(user).retry([self.dead.id])
        self.assertEqual(answer["error"]["type"], "insufficient_permissions")
        self.assertEqual(self.dead.state, "dead")

    def test_bad_calls_are_typed_errors(self):
        for asked, field in (
            ({}, "operation_ids"),
            ({"operation_ids": [1], "external_ids": ["x"]}, "operation_ids"),
            ({"operation_ids": ["1"]}, "operation_ids[0]"),
            ({"operation_ids": [1, 2**31]}, "operation_ids[1]"),
            ({"operation_ids": list(range(501))}, "operation_ids"),
            ({"external_ids": ["x"], "entity": "invoice"}, "entity"),
            ({"external_ids": [7], "entity": "supplier"}, "external_ids[0]"),
        ):
            answer = self.api.retry(**asked)
            self.assertFalse(answer["success"], asked)
            self.assertEqual(answer["error"]["type"], "data_validation_failed")
            self.assertEqual(answer["error"]["field"], field)


@tagged("post_install", "-at_install")
class TestRetryAtOnce(ConcurrencyCase):
    """Several ask for the same at the same moment."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            values = {"name": "At once", "url": "http://127.0.0.1:9"}
            backend = env["sync.backend"].create(values)
            self.backend_id = backend.id
            stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")
            self.operation_id = (
                env["sync.operation"]
                .create(
                    {
                        "kind": "apply",
                        "stream_id": stream.id,
                        "external_id": "sup_1",
                        "payload": {"id": "sup_1"},
                        "state": "dead",
                    }
                )
                .id
            )
        self.addCleanup(self.clean)

    def clean(self):
        def run(env):
            env["sync.backend"].browse(self.backend_id).unlink()

        with mute_logger("odoo.sql_db"):
            self.call(run)

    def call(self, run):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            return retrying(partial(run, env), env)

    def retry(self, __):
        def run(env):
            env["sync.operation"].browse(self.operation_id)._redrive("asked")
            time.sleep(0.1)

        self.call(run)

    def test_whoever_comes_second_is_replayed_without_an_error(self):
        with ThreadPoolExecutor(4) as pool, self.assertNoLogs("odoo.sql_db", "ERROR"):
            list(pool.map(self.retry, range(4)))
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            operation = env["sync.operation"].browse(self.operation_id)
            self.assertEqual(operation.state, "pending")
