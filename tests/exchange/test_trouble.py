from contextlib import suppress
from datetime import timedelta

from freezegun import freeze_time
from psycopg2.errors import DivisionByZero

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...core.exceptions import HttpError
from ...core.retry.moments import DEAD_WAIT, PASSING_WAIT
from ..common import SyncCase

AGES = timedelta(hours=40)


@tagged("post_install", "-at_install")
class TestTrouble(SyncCase):
    """What is in trouble holds up nothing else, says so, and has a way out."""

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def break_cursor(self, entity="supplier"):
        self.app.add("suppliers", name="Known")
        self.pull()
        stream = self.stream(entity)
        stream.cursor = "a cursor that no feed gave"
        return stream

    def test_stream_in_trouble_holds_up_no_other(self):
        stream = self.break_cursor()
        known = self.env["res.partner"].search([("name", "=", "Known")])
        self.app.add("suppliers", name="Late")
        self.app.add("products", code="NEW-1", name="New product")
        order = {
            "supplier_id": self.mapping(known).external_id,
            "lines": [],
            "reference": "R-1",
        }
        self.app.add("purchase-orders", **order)
        self.pull()
        product = self.env["product.product"].search([("default_code", "=", "NEW-1")])
        self.assertTrue(product)
        made = self.env["purchase.order"].search([("origin", "=", "R-1")])
        self.assertEqual(made.partner_id, known)
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Late")]))
        self.assertTrue(stream.trouble)
        self.assertFalse(self.stream("product").trouble)

    def miss_a_column(self):
        """Have pages be stored with the models of another release."""
        store = self.env.registry["sync.stream"]._store_page

        def storing(stream, cursor, page, correlation_id):
            moved = store(stream, cursor, page, correlation_id)
            stream.env.cr.execute("SELECT of_another_release FROM sync_stream")
            return moved

        self.patch(self.env.registry["sync.stream"], "_store_page", storing)
        return lambda: self.patch(
            self.env.registry["sync.stream"], "_store_page", store
        )

    @mute_logger("odoo.sql_db")
    def test_a_column_that_is_missing_for_a_while_is_waited_for(self):
        """Another addon is being installed: its columns come, or this process has not
        heard of them yet."""
        self.app.add("suppliers", name="Late")
        installed = self.miss_a_column()
        self.pull()
        waiting = self.operations(kind="pull")
        self.assertEqual(set(waiting.mapped("state")), {"waiting"})
        self.assertEqual(set(waiting.error_ids.mapped("type")), {"unexpected"})
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Late")]))
        installed()
        self.make_due()
        self.pull()
        self.assertTrue(self.env["res.partner"].search([("name", "=", "Late")]))
        self.assertEqual(set(waiting.mapped("state")), {"done"})

    @mute_logger("odoo.sql_db")
    def test_a_column_that_stays_missing_is_a_defect_that_is_not_read_for_ever(self):
        self.miss_a_column()
        for __ in range(3):
            self.pull()
            self.make_due()
        dead = self.operations(kind="pull")
        self.assertEqual(set(dead.mapped("state")), {"dead"})
        errors = len(dead.error_ids)
        self.pull()
        self.assertEqual(len(dead.error_ids), errors, "each minute would be an error")
        dead.write({"done_at": fields.Datetime.now() - DEAD_WAIT})
        self.pull()
        self.assertGreater(len(dead.error_ids), errors)

    def fail_one_stream(self, entity):
        """Have the app answer 503 to what is asked for one stream."""
        Stream = self.env.registry["sync.stream"]
        read = Stream._pull_page

        def reading(stream, *args):
            if stream.entity == entity:
                raise HttpError(503)
            return read(stream, *args)

        self.patch(Stream, "_pull_page", reading)
        return lambda: self.patch(Stream, "_pull_page", read)

    def read_each_minute(self, dead, minutes):
        """Read as the scheduled action does; how many errors came of it."""
        errors, start = len(dead.error_ids), fields.Datetime.now()
        for minute in range(minutes):
            with freeze_time(start + timedelta(minutes=minute)):
                self.pull()
        return len(dead.error_ids) - errors

    def test_a_stream_that_the_app_never_answers_is_no_error_each_minute(self):
        """It does of all others, so the breaker stays closed."""
        healed = self.fail_one_stream("supplier")
        self.pull()
        failed = self.operations(kind="pull")
        for __ in range(40):
            self.make_due()
            self.pull()
        self.assertEqual(failed.mapped("state"), ["dead"])
        self.assertEqual(failed.error_ids[0].type, "service_unavailable")
        # For all of a day.
        failed.first_attempt_at = fields.Datetime.now() - timedelta(days=1)
        self.assertLessEqual(self.read_each_minute(failed, 30), 3)
        # It passes within ten minutes once it can.
        healed()
        self.app.add("suppliers", name="Late")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=30) + PASSING_WAIT):
            self.pull()
        self.assertTrue(self.env["res.partner"].search([("name", "=", "Late")]))
        self.assertEqual(failed.state, "done")

    def test_a_reading_that_died_while_a_clock_was_ahead_is_read_again(self):
        self.break_cursor()
        self.pull()
        (failed,) = self.operations(kind="pull", state="dead")
        errors = len(failed.error_ids)
        failed.done_at = fields.Datetime.now() + timedelta(days=7)
        self.pull()
        self.assertGreater(len(failed.error_ids), errors)

    def test_everything_is_read_again(self):
        stream = self.break_cursor()
        self.app.add("suppliers", name="Late")
        self.pull()
        (failed,) = self.operations(kind="pull", state="dead")
        operator = new_test_user(
            self.env, "operator", "base.group_user,pharmacy_sync.group_operator"
        )
        self.assertEqual(stream.trouble, failed.last_error)
        user = new_test_user(self.env, "user", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            stream.with_user(user).action_read_again()
        self.assertTrue(stream.cursor)
        jobs = [("method_name", "=", "_job_pull")]
        self.env["queue.job"].search(jobs).unlink()
        notice = stream.with_user(operator).action_read_again()
        self.assertEqual(notice["params"]["title"], "Under way")
        self.assertTrue(self.env["queue.job"].search(jobs))
        self.assertFalse(stream.cursor)
        self.pull()
        self.assertTrue(self.env["res.partner"].search([("name", "=", "Late")]))
        self.assertEqual(failed.state, "done")
        self.assertFalse(stream.trouble)
        count = self.env["res.partner"].search_count([("name", "=", "Known")])
        self.assertEqual(count, 1)

    def test_time_of_a_clock_that_was_ahead(self):
        order = self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        operation = self.operations(kind="push", state="pending").filtered(
            lambda o: o.mapping_id.res_id == order.id
        )
        later = fields.Datetime.now() + timedelta(hours=1)
        operation.write({"state": "waiting", "eta": later})
        self.env.flush_all()
        claim = self.env["sync.operation"]._claim
        self.assertNotIn(operation, claim(operation.stream_id, "push", 50))
        # The clock was an hour ahead when that was written.
        self.set_written(operation, later)
        self.assertIn(operation, claim(operation.stream_id, "push", 50))

    def test_time_that_is_further_than_anything_waits_for(self):
        self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        operation = self.operations(kind="push", state="pending")[:1]
        now = fields.Datetime.now()
        operation.write({"state": "waiting", "eta": now + AGES})
        self.env.flush_all()
        claim = self.env["sync.operation"]._claim
        self.assertNotIn(operation, claim(operation.stream_id, "push", 50))
        self.set_written(operation, now - timedelta(hours=7))
        self.assertIn(operation, claim(operation.stream_id, "push", 50))

    def set_written(self, operation, when):
        self.env.cr.execute(
            "UPDATE sync_operation SET write_date = %s WHERE id = %s",
            [when, operation.id],
        )

    def break_table(self, table, event="INSERT"):
        """Have writing to a table fail, as a defect of a program would."""
        self.env.flush_all()
        self.env.cr.execute(
            f"""CREATE FUNCTION break_{table}() RETURNS trigger AS $$
                BEGIN RAISE division_by_zero; END $$ LANGUAGE plpgsql;
                CREATE TRIGGER break_{table} BEFORE {event} ON {table}
                FOR EACH ROW EXECUTE FUNCTION break_{table}()"""
        )

    def defects(self):
        return self.env["sync.error"].search(
            [("severity", "=", "critical"), ("work", "ilike", "%job%")]
        )

    def test_defect_of_a_job_is_an_error_with_an_alert(self):
        self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.break_table("sync_operation", "UPDATE")
        # What assertRaises catches it rolls back, the error included.
        with suppress(DivisionByZero), mute_logger("odoo.sql_db"):
            self.push()
            self.fail("nothing was broken")
        (error,) = self.defects()
        self.assertEqual(error.work, "push job")
        self.assertEqual(error.backend_id, self.backend)
        self.assertTrue(error.correlation_id)
        self.env["sync.alert"]._cron_watch()
        alert = self.env["sync.alert"].search([("res_id", "=", error.group_id.id)])
        self.assertEqual(alert.rule_id.mapped("condition"), ["critical_error"])

    def break_stream(self, entity, method):
        """Have a method of one stream fail, as a defect of another addon would."""
        Stream = self.env.registry["sync.stream"]
        works = getattr(Stream, method)

        def working(stream, *args):
            if stream.entity == entity:
                raise ZeroDivisionError(entity)
            return works(stream, *args)

        self.patch(Stream, method, working)

    @mute_logger("odoo.addons.pharmacy_sync")
    def test_a_defect_of_one_stream_keeps_no_other_from_being_read(self):
        self.app.add("products", code="NEW-1", name="New product")
        self.break_stream("supplier", "_apply_due")
        with suppress(ZeroDivisionError):
            self.pull()
            self.fail("nothing was broken")
        new = [("default_code", "=", "NEW-1")]
        self.assertTrue(self.env["product.product"].search(new))
        self.assertEqual(self.defects().work, "pull job")

    @mute_logger("odoo.addons.pharmacy_sync")
    def test_a_defect_of_one_stream_keeps_no_other_from_being_sent(self):
        self.make_order()
        self.break_stream("supplier", "_claim_push")
        with suppress(ZeroDivisionError):
            self.push()
            self.fail("nothing was broken")
        self.assertEqual(len(self.app.items("products")), len(self.products))
        self.assertFalse(self.app.items("suppliers"))
        self.assertEqual(self.defects().work, "push job")

    def test_one_step_of_the_recovery_does_not_keep_the_others_from_running(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        operation = self.operations(state="pending")
        operation.write({"state": "running", "job_uuid": "gone"})
        order.date_planned += timedelta(days=1)
        self.env.cr.flush()
        self.break_table("sync_operation", "UPDATE")
        with mute_logger("odoo.sql_db", "odoo.addons.pharmacy_sync"):
            self.recover()
        error = self.env["sync.error"].search([("work", "=", "recovery")])
        self.assertEqual(error.severity, "critical")
        # Events were delivered all the same.
        pending = [("state", "=", "pending"), ("backend_id", "=", self.backend.id)]
        self.assertFalse(self.env["sync.event"].search(pending))
