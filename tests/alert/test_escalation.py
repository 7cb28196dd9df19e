import json
import os
import threading
import time
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...core.exceptions import ApiTimeoutError, HttpError
from ...models.base.own_transaction import in_own_transaction
from ..common import ConcurrencyCase
from .test_alert import AlertCase

SECRET = "hunter2hunter2"


class Service:
    """A receiver of requests for a fix."""

    def __init__(self, status=200, body=b"{}"):
        self.requests, self.status, self.body = [], status, body
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["Content-Length"])
                body = json.loads(self.rfile.read(length))
                service.requests.append((dict(self.headers), body))
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(service.body)))
                self.end_headers()
                self.wfile.write(service.body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/fix"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@tagged("post_install", "-at_install")
class TestEscalation(AlertCase):
    def setUp(self):
        super().setUp()
        self.env["sync.error"].search([]).action_resolve()
        self.manager = new_test_user(
            self.env, "ladder_manager", "pharmacy_sync.group_manager,base.group_system"
        )

    def switch(self, name, on=True):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param(f"pharmacy_sync.feature_{name}", str(on))

    def connect(self, service):
        self.addCleanup(service.close)
        self.switch("automated_fix")
        self.patch(
            os,
            "environ",
            {
                **os.environ,
                "CODEGEN_API_URL": service.url,
                "CODEGEN_API_KEY": "key-of-the-service",
                "CODEGEN_ORG_ID": "org-7",
            },
        )

    def climb(self):
        self.env.flush_all()
        self.env["sync.escalation"]._climb_due()
        self.env.invalidate_all()

    def steps(self, **values):
        return self.env["sync.escalation"].search(
            [(name, "=", value) for name, value in values.items()], order="id"
        )

    def work(self, step):
        self.env.flush_all()
        step._job_step()
        self.env.invalidate_all()

    # -- The ladder -------------------------------------------------------------------

    def test_an_activity_from_the_fifth_failure_on_once(self):
        self.go_wrong(times=4)
        self.climb()
        self.assertFalse(self.steps())
        error = self.go_wrong()
        self.climb()
        step = self.steps()
        self.assertEqual((step.rung, step.count, step.state), ("activity", 5, "done"))
        activity = error.group_id.activity_ids
        self.assertEqual(activity, step.activity_id)
        self.assertTrue(activity.user_id)
        self.go_wrong(times=5)
        self.climb()
        self.assertEqual((len(self.steps()), len(error.group_id.activity_ids)), (1, 1))
        self.assertTrue(
            error.group_id.message_ids.filtered(lambda m: step.correlation_id in m.body)
        )

    def test_the_responsible_person_of_the_group_gets_it(self):
        self.go_wrong().group_id.user_id = self.operator
        self.go_wrong(times=4)
        self.climb()
        self.assertEqual(self.steps().activity_id.user_id, self.operator)

    def test_where_nobody_looks_after_it_a_manager_of_the_company_gets_it(self):
        other = self.second_backend()
        other.responsible_id = False
        gone, manager, __ = (
            self.make_user(login, "pharmacy_sync.group_manager", self.other_company)
            for login in ("gone_manager", "other_manager", "next_manager")
        )
        self.env["res.users"].browse(gone).active = False
        self.go_wrong(times=5, backend_id=other.id)
        self.climb()
        self.assertEqual(self.steps().activity_id.user_id.id, manager)

    def test_a_step_that_cannot_be_taken_keeps_none_from_climbing(self):
        first, second = self.go_wrong(), self.go_wrong(error=HttpError(418))
        self.go_wrong(times=4)
        self.go_wrong(times=4, error=HttpError(418))
        self.assertNotEqual(first.group_id, second.group_id)
        # What belongs to no pharmacy, but to a company.
        of_none = {"backend_id": None, "company_id": self.env.company.id}
        third = self.go_wrong(times=5, **of_none)[0]
        Step = self.env.registry["sync.escalation"]
        add = Step._add_activity

        def adding(step):
            if step.group_id in first.group_id | third.group_id:
                raise ZeroDivisionError
            return add(step)

        self.patch(Step, "_add_activity", adding)
        for __ in range(2):
            self.climb()
        states = {step.group_id: step.state for step in self.steps()}
        wanted = {first.group_id: "failed", second.group_id: "done"}
        self.assertEqual(states, {**wanted, third.group_id: "failed"})
        errors = self.env["sync.error"].search([("work", "=", "escalation")])
        recorded = {error.correlation_id: error for error in errors}
        for step in self.steps(state="failed"):
            self.assertEqual(step.backend_id, step.group_id.backend_id)
            self.assertEqual(step.company_id, step.group_id.company_id)
            error = recorded.pop(step.correlation_id)
            self.assertEqual(error.backend_id, step.backend_id)
            self.assertEqual(error.company_id, step.company_id)
            self.assertTrue(step.answer)
        self.assertFalse(recorded, "one for each step")

    def test_resolved_failures_do_not_count(self):
        self.go_wrong(times=4).action_resolve()
        self.go_wrong(times=4)
        self.climb()
        self.assertFalse(self.steps())

    def test_failures_of_the_day_before_do_not_count(self):
        self.go_wrong(times=4)
        self.pass_time(25 * 3600)
        self.go_wrong(times=4)
        self.climb()
        self.assertFalse(self.steps())

    def test_muted_groups_are_left_alone(self):
        self.go_wrong(times=6).group_id.action_mute()
        self.climb()
        self.assertFalse(self.steps())

    def test_thresholds_are_settings(self):
        settings = self.env["res.config.settings"].with_user(self.manager).create({})
        settings.pharmacy_sync_escalate_activity = 3
        settings.execute()
        self.go_wrong(times=3)
        self.climb()
        self.assertEqual(self.steps().rung, "activity")

    def test_no_step_is_taken_of_no_failure(self):
        Settings = self.env["res.config.settings"]
        for rung in ("fix", "activity", "reset"):
            with self.subTest(rung), self.assertRaisesRegex(ValidationError, "ladder"):
                Settings.create({f"pharmacy_sync_escalate_{rung}": 0})
            Settings.create({f"pharmacy_sync_escalate_{rung}": 1})

    def test_switched_off_nothing_is_done(self):
        self.switch("escalation", False)
        group = self.go_wrong(times=20).group_id
        self.climb()
        self.assertFalse(self.steps())
        self.assertFalse(group.next_step)

    def test_it_begins_anew_once_all_is_over(self):
        self.go_wrong(times=5)
        self.climb()
        self.env["sync.error"].search([]).action_resolve()
        self.climb()
        self.assertFalse(self.steps().live)
        self.go_wrong(times=5)
        self.climb()
        self.assertEqual(len(self.steps()), 2)

    def test_what_comes_next_is_said(self):
        group = self.go_wrong(times=3).group_id
        self.env.invalidate_all()
        self.assertIn("Unresolved failures within a day: 3", group.next_step)
        self.assertIn("At 5: Activity", group.next_step)

    def test_a_step_that_cannot_be_taken_is_not_promised(self):
        self.switch("automated_fix")
        group = self.go_wrong(times=1).group_id
        self.env.invalidate_all()
        self.assertIn("At 5: Activity", group.next_step, "no service is named")

    def test_what_comes_next_is_what_is_still_ahead(self):
        self.switch("reset")
        down, unknown = ApiTimeoutError("20 s"), HttpError(404, None, "unknown")
        groups = {}
        for name, error, times, backend in (
            ("down", down, 5, self.backend.id),
            ("unknown", unknown, 5, self.backend.id),
            ("of none", down, 5, None),
            ("over", unknown, 1, None),
        ):
            errors = self.go_wrong(error, times=times, backend_id=backend)
            groups[name] = errors.group_id
        groups["over"].error_ids.resolved = True
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertIn("day: 5. At 10: Reset", groups["down"].next_step)
        self.assertFalse(groups["unknown"].next_step, "it says nothing of the app")
        self.assertFalse(groups["of none"].next_step, "there is no app")
        self.assertIn("day: 0. At 5: Activity", groups["over"].next_step)

    def test_undone_by_a_person_and_not_taken_again(self):
        self.go_wrong(times=5)
        self.climb()
        step = self.steps()
        with self.assertRaises(AccessError):
            step.with_user(self.user).action_undo()
        step.with_user(self.operator).action_undo()
        self.assertEqual((step.state, step.undone_by_id), ("undone", self.operator))
        said = " ".join(step.group_id.message_ids.mapped("body"))
        self.assertIn(f"undone by {self.operator.name}", said)
        self.assertFalse(step.group_id.activity_ids)
        self.go_wrong()
        self.climb()
        self.assertEqual(self.steps(), step)
        with self.assertRaises(UserError):
            step.with_user(self.operator).action_undo()

    # -- The service ------------------------------------------------------------------

    def test_the_service_is_asked_with_nothing_secret(self):
        answer = {"message": "Opened a pull request", "url": "https://fix.example/1"}
        service = Service(body=json.dumps(answer).encode())
        self.connect(service)
        for __ in range(2):
            self.go_wrong(HttpError(404, None, f"refused: password={SECRET}"))
        self.climb()
        step = self.steps()
        self.assertEqual((step.rung, step.state), ("fix", "running"))
        self.assertEqual(service.requests, [], "a job asks")
        self.work(step)
        self.assertEqual((step.state, step.answer), ("done", answer["message"]))
        self.assertEqual(step.link, answer["url"])
        ((headers, body),) = service.requests
        self.assertEqual(headers["Authorization"], "Bearer key-of-the-service")
        self.assertEqual((body["org_id"], body["id"]), ("org-7", step.correlation_id))
        self.assertEqual(body["error"]["failures"], 2)
        self.assertNotIn(SECRET, json.dumps(body))
        self.assertNotIn("trace", body["error"])
        self.work(step)
        self.assertEqual(len(service.requests), 1, "once")

    def test_without_the_switch_it_is_not_asked(self):
        service = Service()
        self.connect(service)
        self.switch("automated_fix", False)
        self.go_wrong(times=3)
        self.climb()
        self.assertFalse(self.steps())

    def test_a_service_that_fails_is_asked_again_and_given_up(self):
        service = Service(status=500, body=b"no")
        self.connect(service)
        self.go_wrong(times=2)
        self.climb()
        step = self.steps()
        jobs = {step.job_uuid}
        for __ in range(3):
            self.work(step)
            jobs.add(step.job_uuid)
        self.assertEqual((step.state, len(service.requests)), ("failed", 3))
        self.assertEqual(len(jobs), 3, "a job for each attempt")
        last = self.env["queue.job"].search([("uuid", "=", step.job_uuid)])
        self.assertGreater(last.eta, fields.Datetime.now() + timedelta(minutes=1))
        own = self.env["sync.error"].search([("work", "=", "automated fix")])
        self.assertEqual(len(own), 3)
        self.assertEqual(set(own.mapped("correlation_id")), {step.correlation_id})
        self.climb()
        self.assertEqual(self.steps(rung="fix"), step, "not about its own failures")

    def test_a_step_whose_job_is_gone_gets_a_new_one(self):
        self.connect(Service())
        self.go_wrong(times=2)
        self.climb()
        step = self.steps()
        job = step.job_uuid
        self.assertEqual(self.env["sync.escalation"]._recover(), 0)
        self.env["queue.job"].search([("uuid", "=", job)]).unlink()
        self.assertEqual(self.env["sync.escalation"]._recover(), 1)
        self.assertNotEqual(step.job_uuid, job)

    def test_what_the_service_answers_is_read(self):
        service = Service()
        self.connect(service)
        link = "https://fix.example/1"
        for body, expected in (
            (b"on it", ("on it", "")),
            (b'["on it"]', ('["on it"]', "")),
            (b'{"status": "queued", "html_url": "%s"}', ("queued", link)),
            (b'{"message": "", "answer": "done", "link": "%s"}', ("done", link)),
            (b'{"message": "done", "url": 5}', ("done", "")),
            (b'{"message": "done", "url": "javascript:alert()"}', ("done", "")),
        ):
            service.body = body.replace(b"%s", link.encode())
            with self.subTest(body):
                request = {"type": "test", "id": "x"}
                found = self.env["sync.escalation"]._call_service(request)
                self.assertEqual(found, expected)

    def test_connection_test(self):
        service = Service(body=b'{"status": "I am here"}')
        settings = self.env["res.config.settings"].with_user(self.manager).create({})
        with self.assertRaisesRegex(UserError, "no CODEGEN_API_URL"):
            settings.action_pharmacy_sync_test_fix()
        self.connect(service)
        with self.assertRaises(AccessError):
            settings.with_user(self.operator).action_pharmacy_sync_test_fix()
        self.assertFalse(service.requests)
        action = settings.action_pharmacy_sync_test_fix()
        self.assertIn("I am here", action["params"]["message"])
        service.status, service.body = 403, b"wrong key"
        with self.assertRaisesRegex(UserError, "wrong key"):
            settings.action_pharmacy_sync_test_fix()
        self.assertEqual(service.requests[0][1]["type"], "test")

    # -- The reset --------------------------------------------------------------------

    def fail_ten_times(self, error=None):
        self.go_wrong(error or ApiTimeoutError("20 s"), times=10)
        self.climb()
        return self.steps(rung="reset")

    def test_no_reset_unless_it_is_switched_on(self):
        self.assertFalse(self.fail_ten_times())
        self.assertFalse(self.backend.paused)

    def test_no_reset_for_what_says_nothing_of_the_app(self):
        self.switch("reset")
        self.assertFalse(self.fail_ten_times(HttpError(404, None, "unknown")))

    def test_reset_loses_no_queued_work_and_goes_on_half_open(self):
        self.switch("reset")
        self.make_order()
        self.env.cr.flush()
        self.deliver()
        queued = self.operations().mapped(lambda o: (o.id, o.state))
        self.assertTrue(queued)
        number = self.backend.connection_number
        step = self.fail_ten_times()
        self.assertEqual(step.state, "running")
        self.assertTrue(self.backend.paused)
        self.assertIn("reset", self.backend.pause_reason)
        self.assertEqual(self.backend.connection_number, number + 1)
        self.assertEqual(self.operations().mapped(lambda o: (o.id, o.state)), queued)
        self.env["queue.job"].search([]).unlink()
        self.work(step)
        self.assertFalse(self.backend.paused)
        jobs = self.env["queue.job"].search([]).mapped("method_name")
        self.assertIn("_job_pull", jobs, "what happened meanwhile is read at once")
        self.assertEqual(set(self.backend.breaker_ids.mapped("state")), {"open"})
        self.assertIn("accepts the key", step.answer)
        self.assertEqual(self.operations().mapped(lambda o: (o.id, o.state)), queued)
        for __ in range(4):
            self.push()
        self.assertFalse(self.operations(state="pending"))
        push = self.backend.breaker_ids.filtered(lambda b: b.operation == "push")
        self.assertEqual(push.state, "closed", "the probes succeeded")

    def test_reset_forgets_what_was_held_of_the_app(self):
        self.switch("reset")
        self.make_order()
        self.sync()
        self.backend._lookup("supplier", self.mapping(self.supplier).external_id)
        held = [("backend_id", "=", self.backend.id)]
        self.assertTrue(self.env["sync.cache"].search(held))
        self.assertTrue(self.fail_ten_times())
        self.assertFalse(self.env["sync.cache"].search(held))

    def test_reset_while_the_app_is_down_goes_on_all_the_same(self):
        self.switch("reset")
        step = self.fail_ten_times()
        self.app.fault("error", status=503)
        self.work(step)
        self.assertEqual(step.state, "done")
        self.assertFalse(self.backend.paused)
        self.assertNotIn("accepts the key", step.answer)

    def test_reset_leaves_alone_what_a_person_has_paused(self):
        self.switch("reset")
        self.backend.paused = True
        self.assertFalse(self.fail_ten_times())
        self.assertTrue(self.backend.paused)

    def test_reset_leaves_alone_what_a_person_pauses_meanwhile(self):
        self.switch("reset")
        forced = self.backend.breaker_ids[0]
        step = self.fail_ten_times()
        forced._set_mode("forced_open", "drill")
        self.backend.paused = False
        self.backend.write({"paused": True, "pause_reason": False})
        self.work(step)
        self.assertEqual(step.state, "done")
        self.assertTrue(self.backend.paused)
        self.assertEqual(forced.mode, "forced_open")

    def test_undo_of_a_reset_goes_on_at_once(self):
        self.switch("reset")
        step = self.fail_ten_times()
        step.with_user(self.operator).action_undo()
        self.assertFalse(self.backend.paused)
        self.work(step)
        self.assertEqual(step.state, "undone")

    def test_reset_restores_defaults_only_if_asked(self):
        self.switch("reset")
        breaker = self.backend.breaker_ids[0]
        breaker.probes = 9
        self.fail_ten_times()
        self.assertEqual(breaker.probes, 9)

    def test_reset_restores_breakers_and_retry_policies_if_asked(self):
        self.switch("reset")
        breaker = self.backend.breaker_ids[0]
        policy = self.env["sync.retry.policy"].search([("error_type", "=", "default")])
        before = breaker.probes, policy.max_attempts
        breaker.probes = policy.max_attempts = 9
        settings = {"pharmacy_sync_reset_defaults": True}
        self.env["res.config.settings"].create(settings).execute()
        self.fail_ten_times()
        self.assertEqual((breaker.probes, policy.max_attempts), before)

    # -- All of it --------------------------------------------------------------------

    def fail_once_more(self):
        """Have the app refuse the change again, once breaker and change allow it; and
        look, as the scheduled action does.

        :return: unresolved failures, and the rungs that were climbed so far
        """
        for breaker in self.backend.breaker_ids:
            state, __ = breaker._read_row()
            if state.open_until:
                breaker._write_row(replace(state, open_until=time.time() - 1))
        self.make_due()
        self.push()
        self.look()
        for step in self.steps(rung="fix", state="running"):
            self.work(step)
        errors = self.env["sync.error"].search([("resolved", "=", False)])
        return len(errors), self.steps().mapped("rung")

    def test_the_whole_ladder(self):
        """An app that is down: what a person finds on the group, step by step, and
        that all goes on once the app is back."""
        answer = {"message": "Opened a pull request", "url": "https://fix.example/1"}
        service = Service(body=json.dumps(answer).encode())
        self.connect(service)
        self.switch("reset")
        self.backend.responsible_id = self.operator
        order = self.make_order()
        self.sync()
        order.note = "changed"
        self.app.fault("error", status=503)
        climbed = [self.fail_once_more() for __ in range(10)]
        expected = {1: [], 2: ["fix"], 5: ["fix", "activity"]}
        for count, rungs in climbed[:9]:
            self.assertEqual(rungs, expected[max(n for n in expected if n <= count)])
        self.assertEqual(climbed[9], (10, ["fix", "activity", "reset"]))
        fix, activity, reset = self.steps()
        group = reset.group_id
        self.assertEqual(group.escalation_ids, fix | activity | reset)
        self.assertEqual([s.count for s in group.escalation_ids[::-1]], [2, 5, 10])
        self.assertEqual((fix.state, fix.link), ("done", answer["url"]))
        ((__, asked),) = service.requests
        self.assertEqual(asked["error"]["type"], "service_unavailable")
        self.assertEqual(group.activity_ids.user_id, self.operator)
        self.assertTrue(self.backend.paused)
        (change,) = self.operations(state="waiting")
        self.assertGreater(
            change.eta, fields.Datetime.now() + timedelta(minutes=5), "parked for long"
        )
        self.app.heal()
        self.work(reset)
        self.assertEqual(reset.state, "done")
        self.assertFalse(self.backend.paused)
        self.push()
        self.assertEqual(change.state, "done", "it does not wait out the old time")
        self.pull()
        self.assertEqual(self.at_app(order)["notes"], "changed")
        for step in group.escalation_ids:
            self.assertTrue(step.at <= step.ended_at)
            self.assertTrue(
                group.message_ids.filtered(lambda m, s=step: s.correlation_id in m.body)
            )

    def test_failures_of_the_service_reset_no_connection(self):
        self.switch("reset")
        self.connect(Service())
        group = self.go_wrong(
            HttpError(503, None, "busy"), times=9, operation="automated fix"
        ).group_id
        self.assertFalse(group.next_step)
        self.go_wrong(HttpError(503, None, "busy"), operation="automated fix")
        self.climb()
        self.assertEqual(self.steps().mapped("rung"), ["activity"])
        self.assertFalse(self.backend.paused)


@tagged("post_install", "-at_install")
class TestTwoWorkers(ConcurrencyCase):
    """Two workers that look at the same moment take each step once."""

    def test_each_step_once(self):
        with self.registry.cursor() as cr:
            env = self.env_of(cr)
            backend = env["sync.backend"].create(
                {"name": "Two Workers", "url": "http://127.0.0.1:9"}
            )
            exc = HttpError(404, None, "unknown")
            about = {"backend_id": backend.id, "operation": "push"}
            values = env["sync.error"]._values(
                env["sync.error"]._classify(exc), exc, **about
            )
            env["sync.error"].create([dict(values) for __ in range(6)])
            backend_id = backend.id
        self.addCleanup(self.remove, backend_id)
        barrier, failures = threading.Barrier(4), []

        def climb():
            try:
                with self.registry.cursor() as cr:
                    escalation = self.env_of(cr)["sync.escalation"]
                    barrier.wait(20)
                    in_own_transaction(
                        escalation.env,
                        lambda env: env["sync.escalation"]._climb(),
                        read_committed=True,
                    )
            except Exception as exc:  # noqa: BLE001
                failures.append(exc)

        with mute_logger("odoo.sql_db", "odoo.service.model"):
            threads = [threading.Thread(target=climb) for __ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        with self.registry.cursor() as cr:
            env = self.env_of(cr)
            steps = env["sync.escalation"].search([("backend_id", "=", backend_id)])
            self.assertEqual(steps.mapped("rung"), ["activity"])
            self.assertEqual(len(steps.group_id.activity_ids), 1)

    def env_of(self, cr):
        return api.Environment(cr, SUPERUSER_ID, {})

    def remove(self, backend_id):
        with self.registry.cursor() as cr:
            env = self.env_of(cr)
            groups = env["sync.error.group"].search([("backend_id", "=", backend_id)])
            groups.unlink()
            env["sync.backend"].browse(backend_id).unlink()
