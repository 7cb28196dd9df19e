import types

import psycopg2
from psycopg2.errors import QueryCanceled
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, AsIs

from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules import module
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...client.pharmacy import PharmacyClient
from ...core.exchange.pushing import is_uncertain
from ...models.base.locks import LOOKUPS, SUSPECTS
from ...models.base.own_transaction import (
    autocommitting,
    in_own_transaction,
    in_turn,
    no_transaction,
    own_session,
    unlock,
)
from ...models.call.lookup import _Lookup
from ..common import ConcurrencyCase, SyncCase, refuse

ORDERS = "purchase-orders"
COMMITTED, REPEATABLE = "read committed", "repeatable read"


@tagged("post_install", "-at_install")
class TestOnRecord(SyncCase):
    """What came of a call does not depend on what becomes of the record of it."""

    def lose_log(self):
        """Have PostgreSQL end what writes into the log of calls, as when it stops."""
        refuse(self.env, "INSERT", "sync_call", "57P01")

    def test_an_answer_that_cannot_be_logged_is_an_answer(self):
        order = self.make_order()
        self.lose_log()
        with mute_logger("odoo.sql_db", "odoo.addons.pharmacy_sync"):
            self.push()
        self.assertEqual(len(self.app.items(ORDERS)), 1)
        operation = self.operations(mapping_id=self.mapping(order).id)
        self.assertEqual((operation.state, operation.attempts), ("done", 1))
        errors = self.env["sync.error"].search([("work", "=", "error handling")])
        self.assertEqual(set(errors.mapped("severity")), {"critical"})
        self.assertEqual(errors.backend_id, self.backend)
        self.assertIn(operation.correlation_id, errors.mapped("correlation_id"))

    def test_what_failed_after_it_was_sent_may_have_been_done(self):
        """Whatever it failed with: it is looked up before it is sent again."""
        batch = PharmacyClient.batch

        def lost(client, *args, **options):
            batch(client, *args, **options)
            raise psycopg2.OperationalError("the connection was lost")

        order = self.make_order()
        self.patch(PharmacyClient, "batch", lost)
        self.push()
        mapping = self.mapping(order)
        # Its supplier and products were looked up, and then it was sent.
        for __ in range(4):
            self.make_due()
            self.push()
        self.assertEqual(len(self.app.items(ORDERS)), 1)
        operation = self.operations(mapping_id=mapping.id)
        error = operation.error_ids.sorted("id")[0]
        self.assertEqual(
            (error.type, error.delivery), ("database_connection_failed", "unknown")
        )
        self.assertTrue(mapping.external_id)
        self.assertFalse(is_uncertain(mapping._state()))


@tagged("post_install", "-at_install")
class TestLostSession(ConcurrencyCase):
    """A session that is lost while it holds a lock hides nothing."""

    def setUp(self):
        super().setUp()
        cr = self.registry.cursor()
        self.addCleanup(cr.close)
        self.env = api.Environment(cr, SUPERUSER_ID, {})
        muted = mute_logger("odoo.sql_db")
        muted.__enter__()
        self.addCleanup(muted.__exit__)

    def end_session(self, lock):
        """End the session that holds a lock."""
        self.env.cr.execute(
            """SELECT pg_terminate_backend(pid, 5000) FROM pg_locks
                WHERE locktype = 'advisory' AND classid = %s""",
            [lock],
        )
        self.assertEqual(self.env.cr.fetchall(), [(True,)])

    def test_what_was_answered_meanwhile_is_answered(self):
        with own_session(self.env) as cr:
            cr.execute("SELECT pg_advisory_lock(%s, 1)", [SUSPECTS])
            self.end_session(SUSPECTS)

    def test_a_session_that_lives_says_why_its_lock_is_not_given_back(self):
        with self.registry.cursor() as cr:
            cr.execute("SET LOCAL statement_timeout = '20ms'")
            slow = AsIs("(SELECT 1 FROM pg_sleep(5))::int")
            with self.assertRaises(QueryCanceled):
                unlock(cr, (slow, 1))

    def level(self, cr):
        cr.execute("SHOW transaction_isolation")
        return cr.fetchone()[0]

    def test_each_transaction_has_the_level_that_it_asks_for(self):
        for read_committed, expected in ((False, REPEATABLE), (True, COMMITTED)):
            found = in_own_transaction(
                self.env, lambda env: self.level(env.cr), read_committed=read_committed
            )
            self.assertEqual(found, expected)
        with self.registry.cursor() as cr:
            with autocommitting(cr):
                self.assertEqual(self.level(cr), COMMITTED)
            self.assertEqual(self.level(cr), REPEATABLE)

    def test_a_turn_is_over_with_its_work(self):
        work = types.MethodType(len, self.env["res.partner"])
        for wait in (True, False):
            self.assertEqual(in_turn(work, lock=(SUSPECTS, 1), wait=wait), 0)
            self.env.cr.execute("SELECT pg_try_advisory_lock(%s, 1)", [SUSPECTS])
            self.assertEqual(self.env.cr.fetchall(), [(True,)])
            self.assertIsNone(in_turn(work, lock=(SUSPECTS, 1), wait=False))
            self.env.cr.execute("SELECT pg_advisory_unlock(%s, 1)", [SUSPECTS])

    def in_use(self):
        """How many connections of this process are taken."""
        return sum(known._pool_in_use for known in sql_db._Pool._connections)

    def test_no_connection_is_kept(self):
        work = types.MethodType(len, self.env["res.partner"])
        before = self.in_use()
        with own_session(self.env):
            self.assertEqual(self.in_use(), before + 1)
        in_turn(work, lock=(SUSPECTS, 1))
        self.env.cr.execute("SELECT pg_advisory_lock(%s, 1)", [SUSPECTS])
        in_turn(work, lock=(SUSPECTS, 1), wait=False)
        self.env.cr.execute("SELECT pg_advisory_unlock(%s, 1)", [SUSPECTS])
        self.assertEqual(self.in_use(), before)

    def test_no_transaction_is_open_during_a_call_to_the_outside(self):
        self.patch(module, "current_test", None)
        with self.registry.cursor() as cr:
            cr.execute("SELECT 1")
            with no_transaction(cr):
                self.assertEqual(
                    cr.connection.info.transaction_status, TRANSACTION_STATUS_IDLE
                )
                cr.execute("SELECT txid_current()")
                first = cr.fetchone()
                cr.execute("SELECT txid_current()")
                self.assertNotEqual(cr.fetchone(), first)
            cr.execute("SELECT txid_current()")
            first = cr.fetchone()
            cr.execute("SELECT txid_current()")
            self.assertEqual(cr.fetchone(), first)

    def test_a_lookup_has_its_answer(self):
        backend = self.env["sync.backend"].new({})
        stream = self.env["sync.stream"].new({"entity": "supplier"})
        lookup = _Lookup(backend, stream, "lookup")
        with lookup._alone("sup_1"):
            self.end_session(LOOKUPS)
        # The next one is not held up.
        with lookup._alone("sup_1"):
            pass

    def test_a_lookup_says_what_it_failed_with(self):
        backend = self.env["sync.backend"].new({})
        stream = self.env["sync.stream"].new({"entity": "supplier"})
        with (
            self.assertRaisesRegex(ValueError, "what failed"),
            _Lookup(backend, stream, "lookup")._alone("sup_1"),
        ):
            self.end_session(LOOKUPS)
            raise ValueError("what failed")

    def test_work_in_turn_says_what_it_failed_with(self):
        def fail(partners):
            self.end_session(SUSPECTS)
            raise ValueError("what failed")

        work = types.MethodType(fail, self.env["res.partner"])
        with self.assertRaisesRegex(ValueError, "what failed"):
            in_turn(work, lock=(SUSPECTS, 1))
