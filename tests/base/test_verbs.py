from datetime import datetime
from types import MethodType

import psycopg2
from freezegun import freeze_time

from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ...models.base.alone import alone
from ...models.base.own_transaction import apart, in_turn
from ...models.base.rows import insert_rows
from ...models.base.sync_retry_policy import after, moment, second_after
from ..common import SyncCase

RAISE = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}'; END $$"
# A serialization failure, a deadlock, a lock that was not to be had in time.
OF_THE_TRANSACTION = ("40001", "40P01", "55P03")


@tagged("post_install", "-at_install")
class TestVerbs(SyncCase):
    """One record's savepoint, and a transaction of its own."""

    def setUp(self):
        super().setUp()
        self.first = self.env["res.partner"].create({"name": "Before"})

    # -- Alone -------------------------------------------------------------------------

    @mute_logger("odoo.sql_db")
    def test_a_value_that_is_missing_goes_by_the_apps_name_of_its_field(self):
        missing = """DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '23502',
            TABLE = '{}', COLUMN = '{}'; END $$"""
        for table, column, key, message in (
            ("res_partner", "ref", "reference", "Reference is required"),
            ("purchase_order_line", "product_qty", "quantity", "Quantity is required"),
            # The app has none of these.
            ("res_partner", "function", "function", "Job Position is required"),
            ("purchase_order_line", "sequence", "sequence", "Sequence is required"),
        ):
            with alone(self.env) as failure:
                self.env.cr.execute(missing.format(table, column))
            self.assertEqual((failure.error.field, str(failure.error)), (key, message))

    def test_what_fails_is_given_and_undone(self):
        with alone(self.env) as failure:
            self.first.name = "Inside"
            self.first.flush_recordset()
            raise ValueError("no such value")
        self.assertTrue(failure)
        self.assertEqual(str(failure.error), "no such value")
        self.assertEqual(self.first.name, "Before")

    def test_what_succeeds_stays(self):
        with alone(self.env) as failure:
            self.first.name = "Inside"
        self.assertFalse(failure)
        self.env.invalidate_all()
        self.assertEqual(self.first.name, "Inside")

    def test_what_was_written_before_survives(self):
        self.first.name = "Not flushed yet"
        with alone(self.env) as failure:
            self.first.name = "Inside"
            raise ValueError("no such value")
        self.assertTrue(failure)
        self.env.invalidate_all()
        self.assertEqual(self.first.name, "Not flushed yet")

    @mute_logger("odoo.sql_db")
    def test_what_postgresql_refuses_is_the_records_and_the_next_goes_on(self):
        with alone(self.env) as failure:
            self.env.cr.execute("SELECT 1 / 0")
        self.assertIsInstance(failure.error.__cause__, psycopg2.errors.DivisionByZero)
        with alone(self.env) as failure:
            self.first.name = "Next"
        self.assertFalse(failure)

    @mute_logger("odoo.sql_db")
    def test_what_is_refused_at_the_end_is_the_records_too(self):
        with alone(self.env) as failure:
            self.backend.rate_limit = 0
        self.assertIsInstance(failure.error.__cause__, psycopg2.errors.CheckViolation)
        self.assertGreater(self.backend.rate_limit, 0)

    @mute_logger("odoo.sql_db")
    def test_what_was_wrong_before_is_not_the_records(self):
        with self.assertRaises(psycopg2.errors.CheckViolation):
            self.backend.rate_limit = 0
            with alone(self.env):
                self.first.name = "Inside"

    @mute_logger("odoo.sql_db")
    def test_a_transaction_that_has_to_be_replayed_is_no_records_failure(self):
        for code in OF_THE_TRANSACTION:
            with (
                self.subTest(code=code),
                self.assertRaises(psycopg2.OperationalError) as caught,
                alone(self.env),
            ):
                self.env.cr.execute(RAISE.format(code))
            self.assertEqual(caught.exception.pgcode, code)

    # -- Moments -----------------------------------------------------------------------

    def test_what_falls_due_is_due_at_a_whole_second_and_never_early(self):
        noon = datetime(2026, 1, 1, 12)
        for fraction in (0, 400_000, 999_999):
            with freeze_time(noon.replace(microsecond=fraction)):
                self.assertEqual(moment(), noon.replace(microsecond=fraction))
                later = noon.replace(second=2, microsecond=fraction)
                self.assertEqual(after(2), later)
                self.assertEqual(second_after(2), noon.replace(second=3))

    # -- Apart, in turn ----------------------------------------------------------------

    def test_records_and_those_among_the_arguments_are_of_the_new_transaction(self):
        def names(backend, separator, partner):
            self.assertIsNot(backend.env.cr, self.env.cr)
            self.assertIs(backend.env, partner.env)
            return separator.join((backend.name, partner.name))

        self.env.flush_all()
        method = MethodType(names, self.backend)
        expected = f"{self.backend.name}: Before"
        self.assertEqual(apart(method, ": ", self.first), expected)
        again = in_turn(method, ": ", self.first, lock=(4711, 1))
        self.assertEqual(again, expected)

    def test_who_does_not_wait_for_a_turn_that_another_has_does_nothing(self):
        done = []
        method = MethodType(lambda partner: done.append(partner) or True, self.first)
        lock = (4711, 2)
        self.env.flush_all()
        with db_connect(self.env.cr.dbname).cursor() as other:
            other.execute("SELECT pg_advisory_lock(%s, %s)", lock)
            self.assertIsNone(in_turn(method, lock=lock, wait=False))
            self.assertFalse(done)
            other.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
            self.assertTrue(in_turn(method, lock=lock, wait=False))
            self.assertEqual(done, [self.first])
            # The turn is given back.
            other.execute("SELECT pg_try_advisory_lock(%s, %s)", lock)
            self.assertTrue(other.fetchone()[0])

    def test_it_is_read_anew(self):
        self.assertEqual(self.first.name, "Before")
        self.env.cr.execute(
            "UPDATE res_partner SET name = 'Elsewhere' WHERE id = %s", self.first.ids
        )
        method = MethodType(lambda partner: partner.name, self.first)
        self.assertEqual(apart(method), "Elsewhere")

    # -- Rows --------------------------------------------------------------------------

    def insert(self, *rows, **about):
        return self.env["sync.request"].browse(
            insert_rows(self.env["sync.request"], list(rows), **about)
        )

    def test_rows_are_inserted_in_one_statement_with_who_and_when(self):
        backend_id = self.backend.id
        answers = ({"left": [1, None]}, False, {})
        rows = [
            {"backend_id": backend_id, "key": f"k{n}", "request_hash": "h", "answer": a}
            for n, a in enumerate(answers)
        ]
        self.env.flush_all()
        with self.assertQueryCount(1):
            made = self.insert(*rows)
        self.assertEqual(made.mapped("key"), ["k0", "k1", "k2"])
        self.assertEqual(made[0].answer, {"left": [1, None]})
        self.env.cr.execute(
            "SELECT answer IS NULL FROM sync_request WHERE id = ANY(%s) ORDER BY id",
            [made.ids],
        )
        self.assertEqual(self.env.cr.fetchall(), [(False,), (True,), (False,)])
        self.assertEqual((made.create_uid, made.write_uid), (self.env.user,) * 2)
        self.assertEqual(set(made.mapped("write_date")), {self.env.cr.now()})

    def test_of_rows_that_are_there_nothing_comes_back(self):
        row = {"backend_id": self.backend.id, "key": "once", "request_hash": "h"}
        nothing = SQL("DO NOTHING")
        self.assertEqual(len(self.insert(row, on_conflict=nothing)), 1)
        other = {**row, "key": "other"}
        made = self.insert(row, other, on_conflict=nothing)
        self.assertEqual(made.key, "other")

    def test_no_rows_no_statement(self):
        with self.assertQueryCount(0):
            self.assertFalse(self.insert())
