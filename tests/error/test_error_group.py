import logging
import threading
import time
from datetime import timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...core.exceptions import ApiTimeoutError, HttpError
from ..common import ConcurrencyCase, SyncCase, run_migration


@tagged("post_install", "-at_install")
class TestErrorGroup(SyncCase):
    """Failures that are the same failure are one line, which says what to do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = new_test_user(
            cls.env, "group_operator", "pharmacy_sync.group_operator"
        )
        cls.user = new_test_user(cls.env, "group_user", "pharmacy_sync.group_user")

    def go_wrong(self, message="Order 1 is unknown", times=1, **about):
        """Failures in one transaction, which is committed."""
        Error = self.env["sync.error"]
        error = HttpError(404, None, message)
        about = {"backend_id": self.backend.id, "operation": "push", **about}
        values = Error._values(Error._classify(error), error, **about)
        errors = Error.create([dict(values) for __ in range(times)])
        self.commit()
        return errors

    def commit(self):
        """Do what follows a commit, which a test's cursor leaves out."""
        self.env.flush_all()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()

    def test_same_failure_is_one_group_that_counts(self):
        group = self.go_wrong("Order 1 is unknown").group_id
        self.assertEqual((group.count, group.state), (1, "new"))
        self.assertEqual(group.type, "resource_not_found")
        self.assertIn("Check whether the record", group.suggested_action)
        self.assertEqual(group.company_id, self.backend.company_id)
        more = self.go_wrong("Order 17 is unknown", times=3)
        self.assertEqual(more.group_id, group)
        self.assertEqual(group.count, 4)
        self.assertEqual(group.message, more[0].message)
        self.assertLessEqual(group.first_seen, group.last_seen)
        self.assertEqual(len(group.latest_error_ids), 4)

    def test_other_failure_or_backend_is_another_group(self):
        group = self.go_wrong().group_id
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        self.assertNotEqual(self.go_wrong(backend_id=other.id).group_id, group)
        self.assertNotEqual(self.go_wrong("Supplier refused").group_id, group)
        self.assertEqual(group.count, 1)
        self.assertEqual(len(self.go_wrong(backend_id=False).group_id), 1)

    def test_an_error_says_what_is_known_of_it_and_nothing_else(self):
        Error = self.env["sync.error"]
        raised = HttpError(404, "gone_for_good", "Order 1 is unknown")
        found = Error._classify(raised)
        about = {"backend_id": self.backend.id, "operation": "push"}
        error = Error._record_here(found, raised, **about)
        self.assertEqual(
            (error.work, error.http_status, error.code, error.message),
            ("push", 404, "gone_for_good", found.message),
        )
        self.assertEqual(error.context["user"], self.env.user.login)
        self.assertIn("HttpError", error.trace)
        self.assertEqual(len(error.correlation_id), 32)
        # One that nothing was raised for, and of which more is known.
        about.update(correlation_id="trace-1", context={"entity": "supplier"})
        error = Error._record_here(Error._classify(ApiTimeoutError("5 s")), **about)
        self.assertEqual((error.http_status, error.correlation_id), (0, "trace-1"))
        self.assertEqual(
            error.context,
            {
                "entity": "supplier",
                "operation": "push",
                "user": self.env.user.login,
            },
        )
        self.assertFalse(error.trace)
        self.assertFalse(error.request_id)

    def test_the_failure_of_a_record_names_it_on_both_sides(self):
        self.app.refuse_records()
        order = self.make_order()
        self.push()
        supplier = self.mapping(self.supplier)
        operation = self.operations(state="dead", mapping_id=supplier.id)
        self.assertEqual(
            {
                name: operation.error_ids.context[name]
                for name in ("entity", "odoo_id", "pharmacy_id")
            },
            {"entity": "supplier", "odoo_id": self.supplier.id, "pharmacy_id": False},
        )
        self.app.refuse_records("")
        operation.action_redrive()
        for __ in range(2):
            self.make_due()
            self.push()
        self.app.refuse_records()
        self.supplier.phone = "+34 600"
        self.push()
        error = self.operations(state="dead", mapping_id=supplier.id).error_ids[0]
        self.assertEqual(error.context["pharmacy_id"], supplier.external_id)
        self.assertTrue(supplier.external_id)
        self.assertTrue(order)

    def test_groups_say_what_was_being_done(self):
        """What differs in nothing else is not to look the same in a list."""
        works = {
            "push": "Send",
            "apply": "Receive",
            "lookup": "Look-up",
            "sync.redrive": "Retry of Failed Changes",
            "event audit": "Event handler: audit",
            "saga reserve run": "Reservation: Reserve",
            "saga reserve compensate": "Reservation: Release",
        }
        groups = {work: self.go_wrong(operation=work).group_id for work in works}
        self.assertEqual(
            {work: group.work_name for work, group in groups.items()}, works
        )
        names = {group.display_name for group in groups.values()}
        self.assertEqual(len(names), len(works))
        self.assertIn("Resource not found (Send): Order 1 is unknown", names)

    def test_errors_of_one_transaction_are_counted_in_one_update(self):
        Error = self.env["sync.error"]
        values = [
            Error._values(Error._classify(e), e, backend_id=self.backend.id)
            for e in [HttpError(404, None, "gone")] * 5 + [HttpError(401)] * 2
        ]
        for vals in values:
            Error.create(vals)
        self.env.flush_all()
        # Savepoint, lock, update, release, however many there are.
        with self.assertQueryCount(3):
            self.env.cr.postcommit.run()
        self.env.invalidate_all()
        groups = self.env["sync.error.group"].search(
            [("backend_id", "=", self.backend.id)]
        )
        self.assertEqual(sorted(groups.mapped("count")), [2, 5])

    def test_error_that_was_rolled_back_is_not_counted(self):
        group = self.go_wrong().group_id
        Error = self.env["sync.error"]
        error = HttpError(404, None, "Order 3 is unknown")
        values = Error._values(
            Error._classify(error),
            error,
            backend_id=self.backend.id,
            operation="push",
        )
        with self.env.cr.savepoint() as savepoint:
            Error.create(values)
            savepoint.rollback()
        self.commit()
        self.assertEqual(group.count, 1)

    def test_resolving_a_group_resolves_its_errors_and_recurrence_reopens_it(self):
        errors = self.go_wrong(times=2)
        group = errors.group_id.with_user(self.operator)
        group.resolution = "Reported the app's people."
        group.action_resolve()
        self.assertEqual(errors.mapped("resolved"), [True, True])
        self.assertEqual(errors.resolved_by_id, self.operator)
        self.assertEqual(
            set(errors.mapped("resolution")), {"Reported the app's people."}
        )
        self.assertEqual(group.state, "resolved")
        again = self.go_wrong()
        self.assertEqual(group.state, "new")
        self.assertFalse(again.resolved)
        self.assertTrue(errors[0].resolved)
        # Who resolved the others stays so.
        user = self.make_user("second operator", "pharmacy_sync.group_operator")
        (errors | again).with_user(user).action_resolve()
        self.assertEqual(errors.resolved_by_id, self.operator)
        self.assertEqual(again.resolved_by_id.id, user)

    def test_error_resolved_before_it_was_counted_does_not_reopen_the_group(self):
        group = self.go_wrong().group_id
        Error = self.env["sync.error"]
        error = HttpError(404, None, "Order 9 is unknown")
        late = Error.create(
            Error._values(
                Error._classify(error),
                error,
                backend_id=self.backend.id,
                operation="push",
            )
        )
        group.action_resolve()
        self.commit()
        self.assertTrue(late.resolved)
        self.assertEqual((group.state, group.count), ("resolved", 2))

    def test_acknowledged_group_stays_so_and_has_somebody_responsible(self):
        group = self.go_wrong().group_id.with_user(self.operator)
        group.action_acknowledge()
        self.go_wrong()
        self.assertEqual(group.state, "acknowledged")
        self.assertEqual(group.user_id, self.operator)
        # Whoever is responsible stays so.
        group.user_id = self.user
        group.action_acknowledge()
        self.assertEqual(group.user_id, self.user)

    def test_muted_group_is_new_again_only_after_its_date(self):
        group = self.go_wrong().group_id.with_user(self.operator)
        group.action_mute()
        self.go_wrong()
        self.assertEqual((group.state, group.count), ("muted", 2))
        past = fields.Datetime.now() - timedelta(seconds=1)
        self.env.cr.execute("UPDATE sync_error_group SET muted_until = %s", [past])
        self.go_wrong()
        self.assertEqual((group.state, group.muted_until), ("new", False))

    def test_a_date_mutes_and_clearing_it_ends_that(self):
        group = self.go_wrong().group_id.with_user(self.operator)
        group.muted_until = fields.Datetime.now() + timedelta(days=1)
        self.assertEqual(group.state, "muted")
        group.muted_until = False
        self.assertEqual(group.state, "acknowledged")
        now = fields.Datetime.now()
        with patch.object(fields.Datetime, "now", return_value=now):
            for until in (now, now - timedelta(days=1)):
                with self.assertRaises(ValidationError):
                    group.muted_until = until
        # All that people write of it, at once.
        later = now + timedelta(days=2)
        group.write(
            {"muted_until": later, "user_id": self.user.id, "resolution": "Known."}
        )
        self.assertEqual((group.state, group.user_id), ("muted", self.user))

    def test_a_group_without_errors_goes_when_it_is_old(self):
        """One that is muted stays as long as that."""
        now = fields.Datetime.now()
        keep_days = self.env["sync.retention"]._days("errors")
        groups = self.env["sync.error.group"].browse()
        for message, days, until in (
            ("Supplier of yesterday", 1, None),
            ("Order of long ago", keep_days + 1, None),
            ("Muted still", keep_days + 1, now + timedelta(days=1)),
            ("Muted before", keep_days + 1, now - timedelta(days=1)),
        ):
            errors = self.go_wrong(message)
            group = errors.group_id
            errors.unlink()
            groups += group
            seen = now - timedelta(days=days)
            group.write({"last_seen": seen, "state": "muted" if until else "new"})
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE sync_error_group SET muted_until = %s WHERE id = %s",
                [until, group.id],
            )
        self.env.invalidate_all()
        self.env["sync.retention"]._drop_empty_groups()
        self.assertEqual(groups.exists(), groups[0] + groups[2])

    def test_dead_letters_of_a_group_are_redriven_together(self):
        self.app.refuse_records()
        orders = self.make_order() | self.make_order()
        self.push()
        dead = self.operations(state="dead")
        groups = dead.error_ids.group_id
        # The orders wait for these.
        needed = {*orders.partner_id, *orders.order_line.product_id}
        self.assertGreater(len(needed), 1)
        self.assertLessEqual(needed, {o.mapping_id._record() for o in dead})
        self.assertEqual(len(groups), 1)
        self.assertEqual(groups.dead_count, len(dead))
        with self.assertRaises(AccessError):
            groups.with_user(self.user).action_redrive()
        groups.with_user(self.operator).action_redrive()
        self.assertEqual(set(dead.mapped("state")), {"pending"})
        with self.assertRaises(UserError):
            groups.with_user(self.operator).action_redrive()

    def test_users_look_and_operators_act(self):
        error = self.go_wrong()
        group = error.group_id
        self.assertTrue(group.with_user(self.user).message)
        for action in ("action_acknowledge", "action_mute", "action_resolve"):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(group.with_user(self.user), action)()
        with self.assertRaises(AccessError):
            error.with_user(self.user).action_resolve()
        with self.assertRaises(AccessError):
            group.with_user(self.operator).write({"count": 0})
        error.with_user(self.operator).action_resolve()
        self.assertEqual(error.resolved_by_id, self.operator)

    def test_other_company_sees_no_group(self):
        group = self.go_wrong().group_id
        company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "group_stranger",
            "pharmacy_sync.group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        found = self.env["sync.error.group"].with_user(stranger).search([])
        self.assertNotIn(group, found)
        with self.assertRaises(AccessError):
            group.with_user(stranger).action_view_errors()
        shown = group.with_user(self.user).action_view_errors()
        self.assertEqual(
            self.env["sync.error"].search(shown["domain"]), group.error_ids
        )

    def test_it_moves_with_its_backend_to_another_company(self):
        of_backend = self.go_wrong()
        here = self.env.company
        of_none = self.go_wrong(backend_id=False, company_id=here.id)
        self.assertNotEqual(of_none.group_id, of_backend.group_id)
        company = self.env["res.company"].create({"name": "Other"})
        self.backend.write({"company_id": company.id, "user_id": False})
        for error, expected in ((of_backend, company), (of_none, here)):
            self.assertEqual(error.company_id, expected)
            self.assertEqual(error.group_id.company_id, expected)

    def test_one_that_was_kept_without_a_company_gets_its_backends(self):
        of_backend = self.go_wrong()
        of_none = self.go_wrong(backend_id=False)
        errors = of_backend | of_none
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_error SET company_id = NULL WHERE id = ANY(%s)", [errors.ids]
        )
        run_migration(self.env.cr, "19.0.2.0.0/post-error-companies.py")
        self.env.invalidate_all()
        self.assertEqual(of_backend.company_id, self.backend.company_id)
        self.assertFalse(of_none.company_id)

    def test_failure_of_the_counting_does_not_reach_the_caller(self):
        self.go_wrong()
        group = self.env["sync.error.group"]
        with self.assertLogs(
            "odoo.addons.pharmacy_sync.models.error.sync_error_group", "CRITICAL"
        ) as logs:
            group._count_committed(["no id"])
        self.assertIn("error handling itself failed", logs.output[0])

    @mute_logger("odoo.sql_db")
    def test_failure_of_the_recording_does_not_reach_the_caller(self):
        with self.assertLogs(
            "odoo.addons.pharmacy_sync.models.error.sync_error", "CRITICAL"
        ) as logs:
            found = self.env["sync.error"]._record(
                HttpError(401), backend_id=self.backend.id, mapping_id=2**30
            )
        self.assertEqual(found.type, "authentication_failed")
        self.assertIn("correlation id", logs.output[0])


@tagged("post_install", "-at_install")
class TestErrorGroupConcurrency(ConcurrencyCase):
    """Real transactions: workers that meet in one group lose no count."""

    WORKERS, TIMES = 4, 15
    OPERATION = "test of concurrent groups"

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean)

    def clean(self):
        with self.registry.cursor() as cr:
            cr.execute(
                """DELETE FROM sync_error WHERE context->>'operation' = %s
                   RETURNING group_id""",
                [self.OPERATION],
            )
            groups = [row[0] for row in cr.fetchall()]
            cr.execute("DELETE FROM sync_error_group WHERE id = ANY(%s)", [groups])

    def work(self, times=TIMES):
        for number in range(times):
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                for error in (ApiTimeoutError(f"{number} s"), HttpError(401)):
                    env["sync.error"]._record(error, operation=self.OPERATION)

    def work_together(self):
        threads = [threading.Thread(target=self.work) for __ in range(self.WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def counted(self):
        """(count, state, errors) of each group."""
        with self.registry.cursor() as cr:
            cr.execute(
                """SELECT g.count, g.state, count(*) FROM sync_error_group g
                     JOIN sync_error e ON e.group_id = g.id
                    WHERE e.context->>'operation' = %s GROUP BY g.id""",
                [self.OPERATION],
            )
            return cr.fetchall()

    def test_failure_outlives_the_rollback_of_what_failed(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["sync.error"]._record(HttpError(401), operation=self.OPERATION)
            cr.rollback()
        self.assertEqual(self.counted(), [(1, "new", 1)])

    def test_workers_that_race_for_a_new_group_lose_nothing(self):
        # A lost record or count would be reported there.
        with self.assertNoLogs("odoo.addons.pharmacy_sync", "CRITICAL"):
            self.work_together()
        times = self.WORKERS * self.TIMES
        self.assertEqual(self.counted(), [(times, "new", times)] * 2)

    def test_worker_that_meets_another_in_a_group_waits_and_replays_nothing(self):
        self.work(times=1)
        worker = threading.Thread(target=self.work, kwargs={"times": 1})
        with self.assertNoLogs("odoo.service.model", logging.INFO):
            with self.registry.cursor() as cr:
                cr.execute(
                    """UPDATE sync_error_group SET count = count + 10 WHERE id IN (
                         SELECT group_id FROM sync_error
                          WHERE context->>'operation' = %s)""",
                    [self.OPERATION],
                )
                worker.start()
                self.wait_for_a_waiting_worker()
            worker.join()
        self.assertEqual(self.counted(), [(12, "new", 2)] * 2)

    def wait_for_a_waiting_worker(self):
        limit = time.monotonic() + 20
        with self.registry.cursor() as cr:
            while time.monotonic() < limit:
                cr.execute(
                    """SELECT 1 FROM pg_stat_activity
                        WHERE datname = current_database()
                          AND wait_event_type = 'Lock'
                          AND query LIKE '%sync_error_group%NO KEY UPDATE%'"""
                )
                if cr.rowcount:
                    return
                cr.rollback()
                time.sleep(0.01)
        self.fail("no worker came to wait")
