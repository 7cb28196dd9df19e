import types

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...client.pharmacy import PharmacyClient
from ...core.exchange.pushing import is_uncertain
from ...models.base.locks import LOOKUPS, SUSPECTS
from ...models.base.own_transaction import in_turn, own_session
from ...models.call.lookup import _Lookup
from ..common import ConcurrencyCase, SyncCase

ORDERS = "purchase-orders"


@tagged("post_install", "-at_install")
class TestOnRecord(SyncCase):
    """What came of a call does not depend on what becomes of the record of it."""

    def lose_log(self):
        """Have PostgreSQL end what writes into the log of calls, as when it stops."""
        self.env.flush_all()
        self.env.cr.execute(
            """CREATE FUNCTION lose_log() RETURNS trigger AS $$
               BEGIN RAISE EXCEPTION 'stopped' USING ERRCODE = '57P01'; END
               $$ LANGUAGE plpgsql;
               CREATE TRIGGER lose_log BEFORE INSERT ON sync_call
               FOR EACH ROW EXECUTE FUNCTION lose_log()"""
        )

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
