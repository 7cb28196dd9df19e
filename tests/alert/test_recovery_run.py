import re
import time
from datetime import timedelta, timezone

from odoo import fields
from odoo.exceptions import AccessError
from odoo.sql_db import db_connect
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...client.session import pooled_session
from ...models.alert import recovery_steps
from .test_alert import AlertCase

RUN = "odoo.addons.pharmacy_sync.models.alert.sync_recovery_run"
RECORDED = "odoo.addons.pharmacy_sync.models.error.sync_error"


class RecoveryCase(AlertCase):
    def run_recovery(self):
        self.env.cr.flush()
        self.env["sync.operation"]._cron_recover()
        self.env.invalidate_all()
        return self.env["sync.recovery.run"].search([], limit=1)

    def line(self, run, step, backend=None):
        lines = run.line_ids.filtered(lambda line: line.step == step)
        return lines.filtered(lambda x: not backend or x.backend_id == backend)

    def said(self, run, step, backend=None):
        line = self.line(run, step, backend)
        return line.found, line.mended, line.state

    def make_job(self, state, **values):
        self.backend._as_runner().with_delay()._job_push()
        job = self.env["queue.job"].search([], order="id desc", limit=1)
        self.env.flush_all()
        columns = {"state": state, **values}
        for name, value in columns.items():
            self.env.cr.execute(
                f"UPDATE queue_job SET {name} = %s WHERE id = %s", [value, job.id]
            )
        self.env.invalidate_all()
        return job


@tagged("post_install", "-at_install")
class TestRecovery(RecoveryCase):
    """A run says truly what it found and did."""

    def setUp(self):
        super().setUp()
        self.env["queue.job"].search([]).unlink()
        self.env["sync.event"].search([]).state = "done"

    def test_nothing_to_do(self):
        run = self.run_recovery()
        self.assertEqual(run.line_ids.mapped("step")[0], "database")
        quiet = run.line_ids.filtered(lambda x: x.step not in ("database", "app"))
        said = {(x.step, x.found, x.mended, x.state, x.note) for x in quiet}
        self.assertEqual(said, {(x.step, 0, 0, "clean", "") for x in quiet})
        self.assertLess(0, run.duration)
        self.assertLess(run.duration, 600)
        took = run.line_ids.mapped("duration")
        self.assertLessEqual(max(took), run.duration)
        for seconds in (*took, run.duration):
            self.assertEqual(seconds, round(seconds, 3), "as exact as a page shows it")
        names = [name for name, __ in run._recovery_steps()]
        self.assertEqual(list(dict.fromkeys(run.line_ids.mapped("step"))), names)
        self.assertNotIn("failed", run.line_ids.mapped("state"))
        self.assertNotEqual(run.state, "running")

    def test_transaction_that_is_open_for_long_is_said(self):
        # All that are open count as long: older than a moment that is still to come.
        self.patch(recovery_steps, "LONG", -3600)
        with db_connect(self.env.cr.dbname).cursor() as other:
            other.execute("SELECT 1")
            # PostgreSQL shows one transaction the same sessions all the time.
            self.env.cr.execute("SELECT pg_stat_clear_snapshot()")
            run = self.run_recovery()
        found, mended, state = self.said(run, "database")
        self.assertGreater(found, 0)
        self.assertEqual((mended, state), (0, "left"))
        self.assertIn("transaction is open for", self.line(run, "database").note)

    def test_clock_that_differs_from_the_databases_is_said(self):
        class Ahead:
            @staticmethod
            def time():
                return time.time() + 60

        self.assertEqual(self.said(self.run_recovery(), "database"), (0, 0, "clean"))
        self.patch(recovery_steps, "time", Ahead)
        run = self.run_recovery()
        self.assertEqual(self.said(run, "database"), (1, 0, "left"))
        note = self.line(run, "database").note
        self.assertEqual(note, "Odoo's clock differs by 60 s.")

    def test_operation_that_takes_long_is_left_to_its_living_job(self):
        order = self.make_order()
        self.push()
        operation = self.mapping(order).operation_ids
        operation.write(
            {
                "state": "running",
                "job_uuid": self.make_job("started").uuid,
                "started_at": fields.Datetime.now() - timedelta(minutes=6),
            }
        )
        run = self.run_recovery()
        self.assertEqual(operation.state, "running")
        self.assertEqual(self.said(run, "operations")[:2], (0, 0))
        note = self.line(run, "operations").note
        self.assertIn("more than 5 minutes", note)
        self.assertTrue(note.endswith("alive: 1."), note)

    def test_monitoring_knows_when_the_latest_ran(self):
        run = self.run_recovery()
        text = self.env["sync.exposition"]._text()
        pattern = r"^\w*recovery_last_run_timestamp_seconds (\S+)$"
        (seconds,) = re.findall(pattern, text, re.MULTILINE)
        at = run.started_at.replace(tzinfo=timezone.utc).timestamp()
        self.assertEqual(float(seconds), at)

    def test_monitoring_knows_what_the_latest_found_and_mended(self):
        run = self.env["sync.recovery.run"].create({"state": "failed"})
        lines = (
            ("app", "left", 3, 1),
            ("app", "left", 2, 2),
            ("jobs", "failed", 0, 0),
        )
        self.env["sync.recovery.line"].create(
            [
                {
                    "run_id": run.id,
                    "step": step,
                    "state": state,
                    "found": found,
                    "mended": mended,
                }
                for step, state, found, mended in lines
            ]
        )
        text = self.env["sync.exposition"]._text()
        pattern = r'recovery_(left|mended|step_failed)\{step="(\w+)"\} (\S+)$'
        said = {
            (name, step): float(value)
            for name, step, value in re.findall(pattern, text, re.MULTILINE)
        }
        self.assertEqual(
            said,
            {
                ("left", "app"): 2,
                ("left", "jobs"): 0,
                ("mended", "app"): 3,
                ("mended", "jobs"): 0,
                ("step_failed", "app"): 0,
                ("step_failed", "jobs"): 1,
            },
        )

    def test_what_is_overdue_gets_a_job(self):
        order = self.make_order()
        self.sync()
        operation = self.env["sync.operation"].create(
            {
                "kind": "push",
                "stream_id": self.mapping(order).stream_id.id,
                "requested_at": fields.Datetime.now() - timedelta(minutes=5),
            }
        )
        self.env["queue.job"].search([]).unlink()
        run = self.run_recovery()
        self.assertEqual(self.said(run, "overdue"), (1, 1, "mended"))
        jobs = self.env["queue.job"].search([]).mapped("method_name")
        self.assertIn("_job_push", jobs)
        self.assertEqual(operation.state, "pending")

    def test_what_is_sent_no_more_is_ended(self):
        stream = self.backend.stream_ids[0]
        operation = self.env["sync.operation"].create(
            {"kind": "push", "stream_id": stream.id}
        )
        self.env.flush_all()
        # As somebody might do it past Odoo, whose page ends them itself.
        self.env.cr.execute(
            "UPDATE sync_stream SET active = false WHERE id = %s", [stream.id]
        )
        self.env.invalidate_all()
        run = self.run_recovery()
        self.assertEqual(self.said(run, "operations"), (1, 1, "mended"))
        self.assertEqual(operation.state, "cancelled")

    def test_step_under_way_of_a_saga_that_is_over_is_closed(self):
        saga = self.env["sync.saga"].create(
            {
                "backend_id": self.backend.id,
                "record": {"id": "po_9"},
                "state": "completed",
            }
        )
        Step = self.env["sync.saga.step"]
        ((name, __), *__) = Step._fields["name"]._description_selection(self.env)
        step = Step.create({"saga_id": saga.id, "name": name, "state": "running"})
        run = self.run_recovery()
        self.assertEqual(self.said(run, "orphans"), (1, 1, "mended"))
        self.assertEqual(step.state, "failed")
        self.assertTrue(step.message)

    def test_step_that_failed_at_one_pharmacy_is_an_alert_of_that_one(self):
        self.only("recovery_failed")
        run = self.env["sync.recovery.run"].create({"state": "failed"})
        self.env["sync.recovery.line"].create(
            {
                "run_id": run.id,
                "step": "app",
                "state": "failed",
                "backend_id": self.backend.id,
                "note": "no room",
            }
        )
        self.look()
        alert = self.alerts()
        self.assertEqual(alert.backend_id, self.backend)
        self.assertIn("Pharmacy app: no room", alert.title)

    def test_a_failing_step_keeps_no_other_from_running(self):
        self.only("recovery_failed")
        order = self.make_order()
        self.push()
        operation = self.mapping(order).operation_ids
        operation.write({"state": "running", "job_uuid": "gone"})

        def fail():
            raise ZeroDivisionError

        self.patch(type(self.env["sync.event"]), "_recover", lambda events: fail())
        self.make_order()
        logged = ("odoo.sql_db", RUN, RECORDED)
        with mute_logger(*logged):
            run = self.run_recovery()
        self.assertEqual(self.line(run, "events").state, "failed")
        self.assertTrue(self.line(run, "events").note, "why")
        self.assertEqual(run.state, "failed")
        self.assertEqual(self.said(run, "operations"), (1, 1, "mended"))
        self.assertEqual(self.line(run, "app", self.backend).state, "clean")
        error = self.env["sync.error"].search([("work", "=", "recovery")])
        self.assertEqual(error.severity, "critical")
        self.look()
        alert = self.alerts()
        self.assertIn("Events not delivered", alert.title)
        self.assertEqual((alert.res_model, alert.res_id), (run._name, run.id))

    def test_failed_jobs_are_taken_up_and_killed_ones_leave_an_error(self):
        killed = self.make_job("failed", exc_name="JobFoundDead")
        failed = self.make_job("failed", exc_name="builtins.ValueError")
        run = self.run_recovery()
        self.assertEqual(self.said(run, "jobs"), (2, 2, "mended"))
        self.assertEqual((killed | failed).mapped("state"), ["cancelled"] * 2)
        error = self.env["sync.error"].search([("work", "=", "killed job")])
        self.assertEqual(error.context["job"], killed.uuid)
        self.assertTrue(error.correlation_id)
        self.assertEqual(self.said(self.run_recovery(), "jobs")[:2], (0, 0))

    def test_enqueued_job_that_never_started(self):
        long_ago = fields.Datetime.now() - timedelta(minutes=6)
        late = self.make_job("enqueued", date_enqueued=long_ago)
        fresh = self.make_job("enqueued", date_enqueued=fields.Datetime.now())
        run = self.run_recovery()
        self.assertEqual(self.said(run, "jobs"), (1, 1, "mended"))
        self.assertEqual((late.state, fresh.state), ("pending", "enqueued"))

    def test_a_runner_that_does_not_run_is_no_success(self):
        self.only("recovery_failed")
        long_ago = fields.Datetime.now() - timedelta(minutes=6)
        self.make_job("pending", date_created=long_ago)
        run = self.run_recovery()
        self.assertEqual(self.said(run, "jobs"), (1, 0, "left"))
        self.assertIn("job runner", self.line(run, "jobs").note)
        self.assertIn("5 minutes", self.line(run, "jobs").note)
        self.look()
        self.assertIn("job runner", self.alerts().title)
        self.env["queue.job"].search([]).unlink()
        self.run_recovery()
        self.look()
        self.assertFalse(self.alerts())

    def test_events_that_stay_are_said_to_stay(self):
        self.make_order()
        self.env.flush_all()
        self.patch(type(self.env["sync.event"]), "_recover", lambda events: None)
        run = self.run_recovery()
        found, mended, state = self.said(run, "events")
        self.assertGreater(found, 0)
        self.assertEqual((mended, state), (0, "left"))

    def test_events_are_delivered(self):
        self.make_order()
        run = self.run_recovery()
        found, mended, state = self.said(run, "events")
        self.assertEqual((mended, state), (found, "mended"))
        self.assertGreater(found, 0)

    def test_orphaned_mapping_is_closed_with_a_note(self):
        order, other = self.make_order(), self.make_order()
        self.sync()
        mapping = self.mapping(order)
        self.env.cr.execute(
            "ALTER TABLE purchase_order DISABLE TRIGGER USER;"
            "DELETE FROM purchase_order_line WHERE order_id = %(id)s;"
            "DELETE FROM purchase_order WHERE id = %(id)s;"
            "ALTER TABLE purchase_order ENABLE TRIGGER USER",
            {"id": order.id},
        )
        self.env.cr.execute("DELETE FROM sync_touched")
        self.env["sync.event"].search([]).state = "done"
        self.env.invalidate_all()
        run = self.run_recovery()
        self.assertEqual(self.said(run, "orphans"), (1, 1, "mended"))
        self.assertTrue(mapping.deleted)
        self.assertFalse(self.mapping(other).deleted)
        note = mapping.operation_ids[0]
        self.assertEqual(note.state, "cancelled")
        self.assertIn("is gone", note.reason)
        self.assertEqual(self.said(self.run_recovery(), "orphans")[0], 0)

    def test_mappings_are_looked_at_piece_by_piece(self):
        self.patch(recovery_steps, "PIECE", 2)
        for __ in range(5):
            self.make_order()
        self.sync()
        domain = [("res_id", "!=", False), ("deleted", "=", False)]
        linked = self.env["sync.mapping"].search(domain, order="id").ids
        places = [self.run_recovery().place for __ in range(len(linked) // 2 + 1)]
        ends = [linked[n] for n in range(1, len(linked), 2)]
        self.assertEqual(places[: len(ends)], ends)
        self.assertEqual(places[-1], 0, "and begins anew")

    def test_app_that_does_not_answer(self):
        self.app.fault("error", status=503)
        run = self.run_recovery()
        self.assertEqual(self.said(run, "app", self.backend), (1, 0, "left"))
        self.assertTrue(self.line(run, "app", self.backend).note)

    def test_app_that_was_called_just_now_is_not_asked(self):
        self.pull()
        before = len(self.app.requests())
        run = self.run_recovery()
        self.assertEqual(self.line(run, "app", self.backend).state, "clean")
        self.assertEqual(len(self.app.requests()), before)

    def test_a_run_that_was_killed_is_said_to_have_died(self):
        Run = self.env["sync.recovery.run"]
        dead = Run.create({"started_at": fields.Datetime.now() - timedelta(hours=1)})
        self.run_recovery()
        self.assertEqual(dead.state, "died")

    def test_old_runs_go(self):
        run = self.run_recovery()
        run.started_at = fields.Datetime.now() - timedelta(days=8)
        self.env.flush_all()
        self.env["sync.retention"]._gc_expired()
        self.assertFalse(run.exists())

    def test_who_may_start_one(self):
        Run = self.env["sync.recovery.run"]
        with self.assertRaises(AccessError):
            Run.with_user(self.user).action_run()
        triggers = self.env["ir.cron.trigger"].search_count([])
        Run.with_user(self.operator).action_run()
        self.assertEqual(self.env["ir.cron.trigger"].search_count([]), triggers + 1)


@tagged("post_install", "-at_install")
class TestOperatorActions(RecoveryCase):
    """What an operator presses when something hangs; what is queued stays queued."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env,
            "recovery_manager",
            "pharmacy_sync.group_manager,base.group_system",
        )

    def as_(self, user):
        return self.backend.with_user(user)

    def done(self, action):
        """What the backend's history says of an action, in any language."""
        subtype = self.env.ref(f"pharmacy_sync.subtype_{action}")
        return self.backend.message_ids.filtered(lambda n: n.subtype_id == subtype)

    def test_drop_connections(self):
        self.pull()
        key = (self.env.cr.dbname, self.backend.id)
        address = (self.backend.url, self.backend.internal)
        before = pooled_session(*key, *address, self.backend.connection_number)
        kept = before.get_adapter(self.app.url).poolmanager.pools
        self.assertTrue(kept.keys(), "one is kept open")
        with self.assertRaises(AccessError):
            self.as_(self.user).action_drop_connections()
        self.as_(self.operator).action_drop_connections()
        self.pull()
        after = pooled_session(*key, *address, self.backend.connection_number)
        self.assertIsNot(after, before)
        self.assertFalse(kept.keys(), "it was closed")
        note = self.done("drop_connections")
        self.assertEqual(note.author_id, self.operator.partner_id)

    def test_restart_work(self):
        order = self.make_order()
        self.push()
        operation = self.mapping(order).operation_ids
        operation.write(
            {"state": "waiting", "eta": fields.Datetime.now() + timedelta(hours=5)}
        )
        self.env.flush_all()
        with self.assertRaises(AccessError):
            self.as_(self.user).action_restart_work()
        self.env["queue.job"].search([]).unlink()
        self.as_(self.operator).action_restart_work()
        self.env.invalidate_all()
        self.assertFalse(operation.eta)
        jobs = self.env["queue.job"].search([]).mapped("method_name")
        self.assertLessEqual({"_job_push", "_job_pull"}, set(jobs))
        self.assertTrue(self.done("restart_work"))

    def test_import_masters(self):
        self.pull()
        streams = self.backend.stream_ids
        self.assertTrue(all(streams.mapped("cursor")))
        with self.assertRaises(AccessError):
            self.as_(self.user).action_import_masters()
        self.assertFalse(self.done("import_masters"))
        self.as_(self.operator).action_import_masters()
        self.assertTrue(self.done("import_masters"))
        kept = streams.filtered("cursor").mapped("entity")
        self.assertEqual(kept, ["purchase_order"])

    def test_restore_defaults(self):
        breaker, pool = self.backend.breaker_ids[0], self.backend.pool_ids[0]
        before = breaker.probes, pool.concurrency
        breaker.probes, pool.concurrency = 9, 9
        Policy = self.env["sync.retry.policy"]
        Policy.search([("error_type", "=", "default")]).max_attempts = 9
        Policy.search([("error_type", "=", "network_timeout")]).unlink()
        Policy.create(
            {
                "error_type": "data_corrupted",
                "max_attempts": 2,
                "base": 1,
                "cap": 2,
                "factor": 2,
                "jitter": "none",
            }
        )
        with self.assertRaises(AccessError):
            self.as_(self.operator).action_restore_defaults()
        self.as_(self.manager).action_restore_defaults()
        self.assertEqual((breaker.probes, pool.concurrency), before)
        policies = {p.error_type: p.max_attempts for p in Policy.search([])}
        self.assertEqual((policies["default"], policies["network_timeout"]), (3, 5))
        self.assertNotIn("data_corrupted", policies)
        self.assertTrue(self.done("restore_defaults"))

    def test_what_is_held_of_the_app_and_of_settings_is_forgotten(self):
        self.make_order()
        self.sync()
        self.backend._lookup("supplier", self.mapping(self.supplier).external_id)
        held = [("backend_id", "=", self.backend.id)]
        self.assertTrue(self.env["sync.cache"].search(held))
        # A rule that a program other than Odoo changes.
        rule = self.rule("error_spike")

        def threshold():
            rules = self.env["sync.alert.rule"]._rules()
            return next(known.threshold for known in rules if known.id == rule.id)

        before = threshold()
        self.env.cr.execute(
            "UPDATE sync_alert_rule SET threshold = 77 WHERE id = %s", [rule.id]
        )
        self.env.invalidate_all()
        self.assertEqual(threshold(), before)
        self.backend._clear_caches()
        self.assertEqual(threshold(), 77)
        self.assertFalse(self.env["sync.cache"].search(held))

    def test_a_rule_acts_once_for_each_alert(self):
        self.only("error_spike")
        self.rule("error_spike").action = "drop_connections"
        before = self.backend.connection_number
        self.go_wrong(times=6)
        self.look()
        self.look()
        self.assertEqual(self.backend.connection_number, before + 1)
        self.assertIn(self.rule("error_spike").name, self.done("drop_connections").body)

    def test_a_rule_can_do_all_that_an_operator_can(self):
        self.pull()
        streams, breaker = self.backend.stream_ids, self.backend.breaker_ids[0]
        rule, probes = self.rule("error_spike"), breaker.probes
        operation = self.env["sync.operation"].create(
            {
                "kind": "push",
                "stream_id": streams[0].id,
                "state": "waiting",
                "eta": fields.Datetime.now() + timedelta(hours=5),
            }
        )
        breaker.probes = 9
        generation = self.backend.connection_number
        seen = {
            "clear_cache": lambda: self.done("clear_cache"),
            "drop_connections": lambda: self.backend.connection_number > generation,
            "restart_work": lambda: not operation.eta,
            "import_masters": lambda: (
                streams.filtered("cursor").mapped("entity") == ["purchase_order"]
            ),
            "restore_defaults": lambda: breaker.probes == probes,
        }
        for action, __ in rule._fields["action"]._description_selection(self.env):
            with self.subTest(action):
                self.assertFalse(seen[action]())
                rule.action = action
                rule._act(self.backend)
                self.env.invalidate_all()
                self.assertTrue(seen[action]())
                self.assertTrue(self.done(action))
