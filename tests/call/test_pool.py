from contextlib import ExitStack, contextmanager

from psycopg2 import InterfaceError
from psycopg2.errors import DivisionByZero

from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...core.exceptions import ApiTimeoutError, ResourcePoolFullError
from ...models.base.own_transaction import autocommitting
from ...models.call import sync_pool
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestPool(SyncCase):
    """No more calls at once than the pool has slots, whoever makes them."""

    def setUp(self):
        super().setUp()
        self.pool = self.backend._pool("order_sync")
        self.pool.write({"concurrency": 2, "max_waiting": 1, "timeout": 0.2})
        self.env.flush_all()

    @contextmanager
    def slot(self, wait=False):
        """A slot held by a session of its own, as another process would."""
        with (
            db_connect(self.env.cr.dbname).cursor() as cr,
            autocommitting(cr),
            self.pool._slot(cr, wait),
        ):
            yield cr

    def test_a_backend_begins_with_three_pools(self):
        backend = self.env["sync.backend"].create(
            {"name": "New", "url": "http://127.0.0.1:9"}
        )
        wanted = {
            "order_sync": (5, 100, 30.0),
            "supplier_query": (10, 50, 15.0),
            "reporting": (2, 20, 60.0),
        }
        for __ in range(2):
            self.assertEqual(
                {
                    pool.name: (pool.concurrency, pool.max_waiting, pool.timeout)
                    for pool in backend.pool_ids
                },
                wanted,
            )
            self.assertEqual(
                sorted(backend.breaker_ids.mapped("operation")), ["pull", "push"]
            )
            # It has them, and gets no others.
            backend._create_parts()

    def test_people_read_what_its_calls_do(self):
        self.assertEqual(
            self.backend.pool_ids.mapped("display_name"),
            ["Sending", "Comparing", "Reading"],
        )
        values = {"backend_id": self.backend.id, "name": "parcels"}
        self.assertEqual(self.pool.create(values).display_name, "parcels")

    def test_it_is_saturated_from_four_fifths_on(self):
        self.pool.concurrency = 5
        self.env.flush_all()
        self.assertFalse(self.pool.browse()._is_saturated())
        with ExitStack() as stack:
            for saturated in (False, False, False, True, True):
                stack.enter_context(self.slot())
                self.assertEqual(self.pool._is_saturated(), saturated)

    def test_it_bounds_all_sessions_together(self):
        with self.slot(), self.slot():
            self.assertEqual(self.pool.active_count, 2)
            self.assertEqual(self.pool.utilisation, 100)
            with self.assertRaises(ResourcePoolFullError), self.slot():
                pass
        self.pool.invalidate_recordset()
        self.assertEqual(self.pool.active_count, 0)
        with self.slot(), self.slot():
            pass

    def test_dead_session_gives_its_slot_back(self):
        with ExitStack() as stack:
            cr = stack.enter_context(self.slot())
            stack.enter_context(self.slot())
            cr.execute("SELECT pg_backend_pid()")
            self.env.cr.execute("SELECT pg_terminate_backend(%s, 5000)", cr.fetchone())
            with self.slot():
                pass
            with mute_logger("odoo.sql_db"), self.assertRaises(InterfaceError):
                stack.close()

    def test_what_failed_is_reported_though_the_session_is_lost(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(ValueError, "what failed"),
            self.slot() as cr,
        ):
            cr.execute("SELECT pg_backend_pid()")
            self.env.cr.execute("SELECT pg_terminate_backend(%s, 5000)", cr.fetchone())
            raise ValueError("what failed")
        self.assertEqual(self.pool.active_count, 0)

    def test_failed_statement_gives_its_slot_back(self):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(DivisionByZero),
            self.slot() as cr,
        ):
            cr.execute("SELECT 1 / 0")
        self.assertEqual(self.pool.active_count, 0)

    def test_who_waits_too_long_is_notified_so(self):
        with (
            self.slot(),
            self.slot(),
            self.assertRaises(ApiTimeoutError),
            self.slot(wait=True),
        ):
            pass
        self.assertEqual(self.pool.waiting_count, 0)

    def test_who_waits_gets_the_slot_that_becomes_free(self):
        self.pool.timeout = 30
        self.env.flush_all()
        counts = []

        def count():
            self.pool.invalidate_recordset()
            counts.append((self.pool.active_count, self.pool.waiting_count))

        with self.slot(), ExitStack() as first:
            first.enter_context(self.slot())

            def pass_time(seconds):
                count()
                first.close()

            self.patch(sync_pool.time, "sleep", pass_time)
            with self.slot(wait=True):
                count()
                with self.assertRaises(ResourcePoolFullError), self.slot():
                    pass
            count()
        self.assertEqual(counts, [(2, 1), (2, 0), (1, 0)])

    def test_no_place_to_wait_is_an_error_at_once(self):
        self.pool.max_waiting = 0
        self.env.flush_all()
        with (
            self.slot(),
            self.slot(),
            self.assertRaises(ResourcePoolFullError),
            self.slot(wait=True),
        ):
            pass

    def test_full_pool_costs_an_operation_no_attempt(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-1"
        self.app.call("DELETE", "/admin/requests")
        with self.slot(), self.slot():
            self.push()
        operation = self.operations(mapping_id=self.mapping(order).id)[0]
        self.assertEqual((operation.state, operation.attempts), ("waiting", 0))
        self.assertFalse(operation.error_ids)
        self.assertFalse(self.app.requests())
        self.make_due()
        self.push()
        self.assertEqual(self.at_app(order)["reference"], "PH-1")
