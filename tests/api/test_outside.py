"""What the outside sees: probes, metrics, health and statistics, traces."""

import json
import os
import shutil
import subprocess
import threading
import time
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg2
from freezegun import freeze_time

from odoo import SUPERUSER_ID, api, fields
from odoo.sql_db import connection_info_for
from odoo.tests import HttpCase, get_db_name, tagged

from ...core.call.tracing import trace_id
from ...core.exceptions import HttpError
from ...models.analytics import health_probe as probing
from ..common import KEY, ConcurrencyCase, SyncCase

TOKEN = "token-of-prometheus"
# Tables that grow with time, or with the catalogue.
GROWING = {
    *("sync_mapping", "sync_mapping_version", "sync_operation", "sync_event"),
    *("sync_call", "sync_error", "sync_audit", "sync_delivery", "sync_alert"),
    *("sync_breaker_transition", "sync_recovery_line", "queue_job"),
}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@tagged("post_install", "-at_install")
class TestProbes(HttpCase):
    def last_recovery(self, seconds_ago):
        """Have the scheduled recovery been called, for all connections to see."""
        __, info = connection_info_for(get_db_name())
        with closing(psycopg2.connect(**info)) as connection, connection:
            connection.cursor().execute(
                """UPDATE ir_cron SET active = true, lastcall =
                          now() at time zone 'UTC' - make_interval(secs => %s)
                    WHERE id = (SELECT res_id FROM ir_model_data
                                 WHERE module = 'pharmacy_sync'
                                   AND name = 'cron_recover')""",
                [seconds_ago],
            )

    def ask(self, path):
        answer = self.url_open(f"/pharmacy_sync/health{path}")
        return answer.status_code, answer.json()

    def test_status_says_whether_work_is_being_done(self):
        self.last_recovery(10)
        status, found = self.ask("")
        self.assertEqual(status, 200, found)
        self.assertTrue(found["scheduled_actions"]["ok"])
        self.assertEqual(self.ask("/ready"), (200, {"status": "ok"}))
        self.last_recovery(3600)
        status, found = self.ask("")
        self.assertEqual((status, found["status"]), (503, "down"))
        self.assertGreaterEqual(found["scheduled_actions"]["seconds_since"], 3600)
        self.assertEqual(self.ask("/ready"), (503, {"status": "down"}))
        self.assertEqual(self.ask("/live"), (200, {"status": "ok"}), "no restart helps")
        self.last_recovery(10)

    def test_live_asks_the_database_nothing(self):
        answer = self.url_open("/pharmacy_sync/health/live")
        self.assertEqual((answer.status_code, answer.json()), (200, {"status": "ok"}))

    def test_nobody_learns_names_or_secrets(self):
        self.env["sync.backend"].create(
            {"name": "Secret Pharmacy", "url": "http://127.0.0.1:9", "api_key": KEY}
        )
        answer = self.url_open("/pharmacy_sync/health")
        self.assertNotIn("Secret", answer.text)
        self.assertNotIn("127.0.0.1", answer.text)
        self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_metrics_want_the_token(self):
        path = "/pharmacy_sync/metrics"
        self.assertEqual(self.url_open(path).status_code, 404, "there is no token")
        self.patch(os, "environ", {**os.environ, "PHARMACY_SYNC_METRICS_TOKEN": TOKEN})
        self.assertEqual(self.url_open(path).status_code, 401)
        headers = {"Authorization": "Bearer wrong"}
        self.assertEqual(self.url_open(path, headers=headers).status_code, 401)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = self.url_open(path, headers=headers)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("pharmacy_sync_jobs", answer.text)
        self.assertNotIn(TOKEN, answer.text)


@tagged("post_install", "-at_install")
class TestProbeItself(ConcurrencyCase):
    """Over a connection of its own, to real rows."""

    def setUp(self):
        super().setUp()
        self.set_lastcall("now() at time zone 'UTC'")

    def set_lastcall(self, when):
        with self.registry.cursor() as cr:
            cr.execute(
                f"""UPDATE ir_cron SET lastcall = {when}, active = true WHERE id = (
                    SELECT res_id FROM ir_model_data WHERE name = 'cron_recover'
                       AND module = 'pharmacy_sync')"""
            )

    def test_all_is_well(self):
        good, found = probing.probe(get_db_name())
        self.assertTrue(good, found)
        self.assertTrue(found["database"]["ok"])
        self.assertTrue(found["job_runner"]["ok"])
        seconds = found["database"]["seconds"]
        self.assertLess(seconds, 60)
        self.assertEqual(seconds, round(seconds, 3))
        self.assertLess(found["scheduled_actions"]["seconds_since"], 600)

    def test_what_rests_or_is_open_makes_it_degraded(self):
        """It works, and not for every pharmacy."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            backend = env["sync.backend"].create(
                {"name": "Probed", "url": "http://127.0.0.1:9"}
            )
            own = backend.id
        before = probing.probe(get_db_name())[1]
        try:
            for paused, mode, resting, broken in (
                (True, "normal", 1, 0),
                (False, "forced_open", 0, 1),
            ):
                with self.registry.cursor() as cr:
                    cr.execute(
                        "UPDATE sync_backend SET paused = %s WHERE id = %s",
                        [paused, own],
                    )
                    cr.execute(
                        """UPDATE sync_breaker SET mode = %s
                            WHERE backend_id = %s AND operation = 'push'""",
                        [mode, own],
                    )
                good, found = probing.probe(get_db_name())
                with self.subTest(paused=paused, mode=mode):
                    self.assertTrue(good)
                    self.assertEqual(found["status"], "degraded")
                    self.assertEqual(
                        found["backends"]["resting"],
                        before["backends"]["resting"] + resting,
                    )
                    self.assertEqual(
                        found["breakers"]["not_closed"],
                        before["breakers"]["not_closed"] + broken,
                    )
        finally:
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                env["sync.backend"].browse(own).unlink()

    def test_a_job_runner_that_begins_nothing(self):
        """For twenty minutes."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            uuid = env["sync.operation"].with_delay()._cron_recover().uuid
            env.flush_all()
            cr.execute(
                """UPDATE queue_job
                      SET date_created = now() at time zone 'UTC'
                                         - interval '20 minutes'
                    WHERE uuid = %s""",
                [uuid],
            )
        try:
            good, found = probing.probe(get_db_name())
        finally:
            with self.registry.cursor() as cr:
                cr.execute("DELETE FROM queue_job WHERE uuid = %s", [uuid])
        self.assertEqual((good, found["status"]), (False, "down"))
        self.assertFalse(found["job_runner"]["ok"])
        self.assertTrue(found["scheduled_actions"]["ok"])

    def test_scheduled_actions_that_do_not_run(self):
        self.set_lastcall("now() at time zone 'UTC' - interval '20 minutes'")
        good, found = probing.probe(get_db_name())
        self.assertFalse(good)
        self.assertFalse(found["scheduled_actions"]["ok"])
        self.assertTrue(found["database"]["ok"])
        self.assertAlmostEqual(
            found["scheduled_actions"]["seconds_since"], 1200, delta=60
        )
        self.set_lastcall("NULL")
        good, found = probing.probe(get_db_name())
        self.assertFalse(good)
        never = {"ok": False, "seconds_since": None}
        self.assertEqual(found["scheduled_actions"], never)

    def test_it_does_not_hang_with_the_database(self):
        """A table is locked for as long as the probe may take, and longer."""
        locked, over = threading.Event(), threading.Event()

        def hold():
            with self.registry.cursor() as cr:
                cr.execute("LOCK TABLE sync_backend IN ACCESS EXCLUSIVE MODE")
                locked.set()
                over.wait(30)

        thread = threading.Thread(target=hold)
        thread.start()
        try:
            locked.wait(10)
            started = time.monotonic()
            good, found = probing.probe(get_db_name())
            self.assertLess(time.monotonic() - started, 5)
        finally:
            over.set()
            thread.join()
        self.assertFalse(good)
        self.assertFalse(found["database"]["ok"])

    def test_no_database_and_no_server(self):
        for database in (None, "no_such_database_at_all"):
            good, found = probing.probe(database)
            self.assertEqual((good, found["status"]), (False, "down"))
            self.assertLess(found["database"]["seconds"], 60)

    def test_it_reads_no_table_as_a_whole_that_grows(self):
        """With 100,000 jobs that are done, the statement stays as cheap."""
        __, info = connection_info_for(get_db_name())
        with closing(psycopg2.connect(**info)) as connection:
            cr = connection.cursor()
            cr.execute("SET enable_seqscan = off")
            cr.execute("EXPLAIN (FORMAT JSON) " + probing.QUERY, {"late": 900})
            plan = json.dumps(cr.fetchone()[0])
            connection.rollback()
        for table in ("sync_operation", "sync_call", "sync_error", "sync_mapping"):
            self.assertNotIn(f'"{table}"', plan)


@tagged("post_install", "-at_install")
class TestMetrics(SyncCase):
    def text(self):
        self.env.flush_all()
        return self.env["sync.exposition"]._text()

    def value(self, name, **labels):
        pairs = ",".join(f'{k}="{v}"' for k, v in sorted(labels.items()))
        start = f"pharmacy_sync_{name}" + (f"{{{pairs}}} " if pairs else " ")
        for line in self.text().splitlines():
            if line.startswith(start):
                return float(line.removeprefix(start))
        return None

    def test_prometheus_accepts_them(self):
        """Names, types and helps by Prometheus' own checker."""
        self.make_order()
        self.sync()
        self.env["sync.operation"]._cron_recover()
        promtool = os.environ.get("PHARMACY_SYNC_PROMTOOL") or shutil.which("promtool")
        found = subprocess.run(
            [promtool, "check", "metrics"],
            input=self.text(),
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((found.returncode, found.stderr), (0, ""))

    def test_figures_are_those_of_the_database(self):
        backend = self.backend.id
        before = self.value("operations", backend=backend, state="pending")
        self.env["sync.operation"].create(
            {"kind": "pull", "stream_id": self.backend.stream_ids[0].id}
        )
        self.assertEqual(
            self.value("operations", backend=backend, state="pending"), before + 1
        )
        self.pull()
        calls = self.value(
            "calls_total", backend=backend, operation="pull", result="success"
        )
        self.assertGreater(calls, 0)
        self.assertEqual(
            self.value("breaker_closed", backend=backend, operation="push"), 1
        )
        self.env["sync.operation"]._cron_recover()
        now = fields.Datetime.now().timestamp()
        at = self.value("recovery_last_run_timestamp_seconds")
        self.assertLess(abs(at - now), 24 * 3600)
        self.assertEqual(self.value("recovery_step_failed", step="database"), 0)

    def test_channels_that_nothing_gets_through_to_are_seen(self):
        """Who is notified of nothing hears of it from outside."""
        channel = self.env["sync.alert.channel"].create(
            {"name": "Night", "kind": "slack", "address": "http://127.0.0.1:9/x"}
        )
        own = {"channel": channel.id, "kind": "slack"}
        self.assertEqual(self.value("channel_failures", **own), 0)
        channel.failures = 3
        self.env["sync.delivery"].create(
            [
                {"kind": "opened", "channel_id": channel.id, "state": state}
                for state in ("waiting", "sending", "arrived", "failed")
            ]
        )
        self.assertEqual(self.value("channel_failures", **own), 3)
        self.assertEqual(self.value("channel_deliveries_waiting", **own), 2)
        channel.active = False
        self.assertIsNone(self.value("channel_failures", **own))

    def test_a_backend_that_is_idle_has_figures_of_zero(self):
        own = {"backend": self.backend.id}
        for state in ("pending", "running", "waiting", "dead"):
            self.assertEqual(self.value("operations", **own, state=state), 0)
        self.assertEqual(self.value("oldest_operation_age_seconds", **own), 0)
        self.assertEqual(self.value("events_pending", **own), 0)
        about = f'backend="{self.backend.id}",name="{self.backend.name}"'
        self.assertIn(f"backend_info{{{about}}} 1\n", self.text())
        self.env["queue.job"].search([]).unlink()
        self.assertEqual(self.value("jobs", state="failed"), 0)

    def test_the_oldest_is_what_is_still_to_be_done(self):
        now = fields.Datetime.now()
        stream = self.backend.stream_ids[0]
        for state, minutes in (("pending", 5), ("waiting", 10), ("dead", 60)):
            self.env["sync.operation"].create(
                {
                    "kind": "push",
                    "stream_id": stream.id,
                    "state": state,
                    "requested_at": now - timedelta(minutes=minutes),
                }
            )
        age = self.value("oldest_operation_age_seconds", backend=self.backend.id)
        self.assertAlmostEqual(age, 600, delta=30)

    def test_a_breaker_is_closed_where_calls_go_through(self):
        breaker = self.backend._breaker("push").sudo()
        for mode, state, closed in (
            ("normal", "closed", 1),
            ("normal", "open", 0),
            ("normal", "half_open", 0),
            ("forced_open", "closed", 0),
            ("disabled", "open", 1),
        ):
            breaker.write({"mode": mode, "state": state})
            found = self.value(
                "breaker_closed", backend=self.backend.id, operation="push"
            )
            with self.subTest(mode=mode, state=state):
                self.assertEqual(found, closed)

    def test_errors_of_today_are_counted_by_what_they_are(self):
        Error = self.env["sync.error"]
        for backend_id, times in ((self.backend.id, 3), (None, 2)):
            for __ in range(times):
                exc = HttpError(503, None, "busy")
                values = Error._values(
                    Error._classify(exc), exc, backend_id=backend_id, operation="push"
                )
                Error.create(values)
        about = {"category": "external_dependency", "severity": "medium"}
        self.assertEqual(
            self.value("errors_total", backend=self.backend.id, **about), 3
        )
        self.assertGreaterEqual(self.value("errors_total", backend="", **about), 2)

    def test_who_scrapes_does_not_wait_for_long(self):
        """Nor does what was changed just now wait to be seen."""
        self.backend._breaker("push").sudo().state = "open"
        text = self.env["sync.exposition"]._text()
        score = f'health_score{{backend="{self.backend.id}"}} 90'
        self.assertIn(score, text)
        self.env.cr.execute("SHOW statement_timeout")
        self.assertEqual(self.env.cr.fetchone(), ("5s",))

    def test_what_a_backend_is_called_breaks_no_line(self):
        self.backend.name = 'Far"ma\n\\cia'
        self.assertIn(r'name="Far\"ma\n\\cia"', self.text())

    def test_labels_are_bounded(self):
        """A thousand different errors are as many lines as one."""
        Error = self.env["sync.error"]

        def fail(times):
            for number in range(times):
                exc = ValueError(f"failure {number}")
                about = {"backend_id": self.backend.id, "operation": f"work {number}"}
                Error.create(Error._values(Error._classify(exc), exc, **about))

        fail(1)
        before = len(self.text().splitlines())
        fail(50)
        self.assertEqual(len(self.text().splitlines()), before)

    def test_a_scrape_reads_neither_the_log_nor_the_catalogue(self):
        """The same few statements whatever there is, each by an index that leads to
        what it counts."""
        self.text()
        self.env.invalidate_all()
        with self.noted() as statements:
            self.text()
        self.assertLess(len(statements), 25)
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        # PostgreSQL looks at the tables when it likes: have it done so.
        self.env.cr.execute(f"ANALYZE {', '.join(sorted(GROWING))}")
        asked = [text for text in statements if text.lstrip().startswith("SELECT")]
        self.assertGreater(len(asked), 10)
        for statement in asked:
            self.env.cr.execute(f"EXPLAIN (FORMAT JSON) {statement}")
            plan = self.env.cr.fetchone()[0][0]["Plan"]
            self.assertEqual(self.whole(plan), set(), statement)

    def test_what_is_done_costs_a_scrape_nothing(self):
        """An index leads past it, not merely to all that a backend ever had."""
        self.env.cr.execute(
            """INSERT INTO sync_operation (kind, state, stream_id, backend_id,
                                           requested_at, correlation_id)
               SELECT 'push', 'done', %s, %s, now(), n
                 FROM generate_series(1, 5000) n""",
            [self.backend.stream_ids[0].id, self.backend.id],
        )
        self.env.cr.execute("ANALYZE sync_operation")
        with self.noted() as statements:
            self.text()
        for statement in statements:
            if "FROM sync_operation" not in statement:
                continue
            self.env.cr.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
            plan = self.env.cr.fetchone()[0][0]["Plan"]
            self.assertLess(self.most_rows(plan), 1000, statement)

    def most_rows(self, node):
        """The most rows that one step of a query plan has looked at."""
        passed = node.get("Rows Removed by Filter", 0)
        mine = (node["Actual Rows"] + passed) * node["Actual Loops"]
        return max([mine, *map(self.most_rows, node.get("Plans", ()))])

    def whole(self, node):
        """Tables that grow with time or the catalogue and are read from end to end,
        in a query plan."""
        found = set()
        table = node.get("Relation Name")
        if table in GROWING and "Scan" in node["Node Type"]:
            found.add(table)
        if index := node.get("Index Name"):
            self.env.cr.execute(
                """SELECT indrelid::regclass::text, indpred IS NOT NULL FROM pg_index
                    WHERE indexrelid = %s::regclass""",
                [index],
            )
            table, partial = self.env.cr.fetchone()
            if node.get("Index Cond") or partial:
                found.discard(table)
            elif table in GROWING:
                found.add(table)
        for child in node.get("Plans", ()):
            below = self.whole(child)
            if node["Node Type"] == "Bitmap Heap Scan" and not below:
                found.discard(node["Relation Name"])
            found |= below
        return found

    @contextmanager
    def noted(self):
        """The statements that are executed meanwhile, with their values."""
        statements, cr = [], self.env.cr
        execute = type(cr).execute

        def noting(cursor, query, params=None, *args, **kwargs):
            found = execute(cursor, query, params, *args, **kwargs)
            statements.append(cursor._obj.query.decode())
            return found

        self.patch(type(cr), "execute", noting)
        yield statements
        self.patch(type(cr), "execute", execute)


@tagged("post_install", "-at_install")
class TestApiHealth(SyncCase):
    def api(self):
        return self.env["sync.api"].with_user(self.api_user)

    def test_health_has_score_and_breakers(self):
        found = self.api().health()
        self.assertTrue(found["success"], found)
        self.assertEqual(found["score"], 100)
        states = {b["operation"]: b["state"] for b in found["breakers"]}
        self.assertEqual(states, {"push": "closed", "pull": "closed"})
        self.backend.breaker_ids.sudo()._set_mode("forced_open", "drill")
        found = self.api().health()
        self.assertLess(found["score"], 100)
        self.assertEqual({b["mode"] for b in found["breakers"]}, {"forced_open"})

    def test_health_says_when_a_breaker_lets_calls_through_again(self):
        push = self.backend.breaker_ids.filtered(lambda b: b.operation == "push")
        now = fields.Datetime.now()
        with freeze_time(now):
            for seconds in (30, -7):
                open_until = now + timedelta(seconds=seconds)
                push.sudo().write({"open_until": open_until, "cause": "5 in a row"})
                found = {
                    b["operation"]: (b["retry_after"], b["cause"])
                    for b in self.api().health()["breakers"]
                }
                waits = max(0, seconds), "5 in a row"
                self.assertEqual(found, {"push": waits, "pull": (False, False)})

    def test_statistics_are_of_the_callers_backend(self):
        Error, exc = self.env["sync.error"], ValueError("x")
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        for backend, times in ((self.backend, 2), (other, 5)):
            about = {"backend_id": backend.id, "operation": "push"}
            values = Error._values(Error._classify(exc), exc, **about)
            Error.create([dict(values) for __ in range(times)])
        found = self.api().statistics("24h")
        self.assertTrue(found["success"], found)
        self.assertEqual(found["totals"]["errors"], 2)
        refused = self.api().statistics("century")
        self.assertEqual(refused["error"]["field"], "range")


@tagged("post_install", "-at_install")
class TestTraces(SyncCase):
    def test_a_call_out_carries_the_correlation_id_as_a_trace(self):
        order = self.make_order()
        self.push()
        operation = self.mapping(order).operation_ids
        sent = [r["traceparent"] for r in self.app.requests() if r["method"] == "POST"]
        traces = {header.split("-")[1] for header in sent}
        self.assertIn(trace_id(operation.correlation_id), traces)


@tagged("post_install", "-at_install")
class TestTraceIn(HttpCase):
    def ask(self, **headers):
        user = self.env["res.users"].browse(
            SyncCase.make_user.__func__(type(self), "app", "pharmacy_sync.group_api")
        )
        self.env["sync.backend"].create(
            {"name": "Test Pharmacy", "url": "http://127.0.0.1:9", "user_id": user.id}
        )
        expires = fields.Datetime.now() + timedelta(days=1)
        keys = self.env["res.users.apikeys"].with_user(user).sudo()
        key = keys._generate("rpc", "test", expires)
        return self.url_open(
            "/pharmacy_sync/api/v1/health",
            data="{}",
            headers={"Authorization": f"Bearer {key}", **headers},
        ).json()

    def test_it_is_taken_over(self):
        found = self.ask(traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
        self.assertEqual(found["correlation_id"], TRACE)

    def test_an_explicit_id_wins(self):
        found = self.ask(
            **{
                "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
                "X-Correlation-ID": "mine",
            }
        )
        self.assertEqual(found["correlation_id"], "mine")

    def test_one_that_is_none_is_not(self):
        found = self.ask(traceparent=f"00-{'0' * 32}-00f067aa0ba902b7-01")
        self.assertNotEqual(found["correlation_id"], "0" * 32)
        self.assertEqual(len(found["correlation_id"]), 32)
