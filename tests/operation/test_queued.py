import json
import random
from contextlib import contextmanager

from odoo.sql_db import db_connect
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.queue_job import jobrunner

from ...models.base.locks import POOLS
from ...models.base.own_transaction import autocommitting
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestQueued(SyncCase, HttpCase):
    """What cannot be done now is queued, says so, and is done later."""

    def setUp(self):
        super().setUp()
        self.make_order()
        self.push()
        self.api = self.env["sync.api"].with_user(self.api_user)
        self.supplier_id = self.mapping(self.supplier).external_id
        self.product_id = self.mapping(self.products[0]).external_id

    def order(self, supplier_id=None):
        return self.app.add(
            "purchase-orders",
            supplier_id=supplier_id or self.supplier_id,
            reference="PH-QUEUED",
            currency="EUR",
            lines=[
                {"product_id": self.product_id, "quantity": "2", "unit_price": "3.5"}
            ],
        )

    def arrived(self):
        return self.env["purchase.order"].search([("origin", "=", "PH-QUEUED")])

    def push_record(self, record):
        answer = self.api.push("purchase_order", [record])
        self.env.flush_all()
        return answer["results"][0]

    def apply_due(self, operation):
        self.make_due()
        self.env.flush_all()
        operation.stream_id._apply_due()

    def test_jobs_wait_for_the_test(self):
        """A runner in this process would perform what another test commits, beside the
        next one: they waited for each other for ever."""
        self.assertIsNone(jobrunner.runner_thread)

    def test_what_refers_to_the_unknown_is_queued_and_lands_later(self):
        newcomer = self.app.add("suppliers", name="Newcomer")
        record = self.order(newcomer["id"])
        result = self.push_record(record)
        self.assertFalse(result["success"])
        self.assertEqual(result["operation"], "queued")
        self.assertEqual(result["error"]["type"], "queued_for_retry")
        self.assertEqual(result["error"]["cause"], "invalid_supplier")
        self.assertTrue(result["warnings"])
        operation = self.env["sync.operation"].browse(result["operation_id"])
        self.assertEqual((operation.kind, operation.state), ("apply", "waiting"))
        self.assertFalse(self.arrived())
        answer = self.api.push("supplier", [newcomer])
        self.assertTrue(answer["success"])
        self.apply_due(operation)
        self.assertEqual(self.arrived().partner_id.name, "Newcomer")
        self.assertEqual(operation.state, "done")
        self.assertTrue(operation.error_ids.resolved)

    def test_sent_again_in_time_it_makes_up_for_the_queued_one(self):
        newcomer = self.app.add("suppliers", name="Newcomer")
        record = self.order(newcomer["id"])
        result = self.push_record(record)
        self.api.push("supplier", [newcomer])
        self.assertTrue(self.push_record(record)["success"])
        operation = self.env["sync.operation"].browse(result["operation_id"])
        self.assertEqual(operation.state, "done")
        self.assertEqual(len(self.arrived()), 1)

    def test_what_is_wrong_is_not_queued(self):
        record = self.order() | {"lines": "none"}
        result = self.push_record(record)
        self.assertEqual(result["operation"], "failed")
        self.assertEqual(result["error"]["type"], "data_validation_failed")
        self.assertFalse(result["operation_id"])
        self.assertFalse(self.operations(kind="apply"))

    @contextmanager
    def busy_database(self):
        """Another session holds what the orders' table needs; nobody waits long."""
        self.env.flush_all()
        with db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SELECT pg_advisory_lock(4711)")
            self.env.cr.execute(
                """CREATE FUNCTION pg_temp.busy() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM pg_advisory_lock(4711); RETURN NEW; END $$"""
            )
            self.env.cr.execute(
                """CREATE TRIGGER busy BEFORE INSERT ON purchase_order
                   EXECUTE FUNCTION pg_temp.busy()"""
            )
            self.env.cr.execute("SET LOCAL lock_timeout = '50ms'")
            yield
            self.env.cr.execute("DROP TRIGGER busy ON purchase_order")
            self.env.cr.execute("SET LOCAL lock_timeout = 0")
            cr.execute("SELECT pg_advisory_unlock(4711)")

    def test_database_that_stays_busy_has_it_queued(self):
        record = self.order()
        self.api_user.password = "queued-password"
        # Odoo waits for a while before it replays.
        waits = []
        self.patch(random, "uniform", lambda *bounds: waits.append(bounds) or 0.01)
        with (
            self.busy_database(),
            mute_logger("odoo.sql_db", "odoo.service.model", "odoo.http"),
        ):
            answer = self.make_jsonrpc_request(
                "/jsonrpc",
                {
                    "service": "object",
                    "method": "execute_kw",
                    "args": [
                        self.env.cr.dbname,
                        self.api_user.id,
                        "queued-password",
                        "sync.api",
                        "push",
                        ["purchase_order", [record]],
                    ],
                },
            )
        (result,) = answer["results"]
        self.assertEqual(
            result["error"]["type"], "queued_for_retry", json.dumps(answer)
        )
        self.assertEqual(len(waits), 2, "a replay may find it free")
        self.env.invalidate_all()
        operation = self.env["sync.operation"].browse(result["operation_id"])
        self.assertEqual(operation.state, "waiting")
        self.apply_due(operation)
        self.assertEqual(len(self.arrived()), 1)


@tagged("post_install", "-at_install")
class TestEssential(SyncCase):
    """While the pool is saturated the state of an order goes first."""

    def setUp(self):
        super().setUp()
        self.first, self.second = self.make_order(), self.make_order()
        self.push()
        self.stream = self.mapping(self.first).stream_id
        self.pool = self.backend._pool("order_sync")
        self.first.write({"origin": "PH-1"})
        self.first.button_cancel()
        self.second.origin = "PH-2"

    @contextmanager
    def saturated(self):
        self.env.flush_all()
        with db_connect(self.env.cr.dbname).cursor() as cr, autocommitting(cr):
            for number in range(1, 5):
                lock = [POOLS + self.pool.id, number]
                cr.execute("SELECT pg_advisory_lock(%s, %s)", lock)
            yield
            cr.execute("SELECT pg_advisory_unlock_all()")

    def test_state_goes_and_the_rest_follows(self):
        self.stream.essential_when_busy = True
        with self.saturated():
            self.push()
            theirs = self.at_app(self.first)
            self.assertEqual(
                (theirs["state"], theirs["reference"]), ("cancelled", self.first.name)
            )
            self.assertEqual(self.at_app(self.second)["reference"], self.second.name)
            waiting = self.operations(state="waiting")
            self.assertEqual(len(waiting), 2)
            self.assertEqual(set(waiting.mapped("attempts")), {0})
        self.make_due()
        self.push()
        self.assertEqual(self.at_app(self.first)["reference"], "PH-1")
        self.assertEqual(self.at_app(self.second)["reference"], "PH-2")
        self.assertEqual(self.first.sync_state, "synced")

    def test_unless_the_stream_says_so_all_goes(self):
        with self.saturated():
            self.push()
        self.assertEqual(self.at_app(self.first)["reference"], "PH-1")

    def test_pool_with_room_sends_all(self):
        self.stream.essential_when_busy = True
        self.push()
        self.assertEqual(self.at_app(self.first)["reference"], "PH-1")
