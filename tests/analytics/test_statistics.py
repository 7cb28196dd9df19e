from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ...core.exceptions import HttpError
from ..common import KEY, SyncCase

HOUR = timedelta(hours=1)


class StatisticsCase(SyncCase):
    """A backend on which one order was sent."""

    def setUp(self):
        super().setUp()
        # The figures of other backends of this database are not looked at.
        self.env.cr.execute("DELETE FROM sync_metric")
        self.user = new_test_user(self.env, "stats_user", "pharmacy_sync.group_user")
        self.counted = 0
        self.order = self.make_order()
        self.push()

    def commit(self):
        """Do what follows a commit, which a test's cursor leaves out."""
        self.env.flush_all()
        errors = self.env["sync.error"].search(
            [("backend_id", "=", self.backend.id), ("id", ">", self.counted)]
        )
        self.env["sync.error.group"]._count(errors.ids)
        self.counted = max(errors.ids, default=self.counted)
        self.env.invalidate_all()

    def data(self, span="24h", backends=None, user=None, **dates):
        self.commit()
        ids = (self.backend if backends is None else backends).ids
        Statistics = self.env["sync.statistics"].with_user(user or self.user)
        return Statistics.data(ids, span, **dates)

    def fail_once(self):
        """The order's push fails, is tried again, and succeeds."""
        self.app.fault("error", status=503, count=1)
        self.order.origin = "PH-1"
        self.push()
        self.commit()
        self.make_due()
        self.push()

    def die(self):
        """The order's push dies: the app does not take the record."""
        self.app.refuse_records()
        self.order.origin = f"PH-{self.order.origin}"
        self.push()
        self.app.refuse_records("")
        self.commit()

    def move(self, hours):
        """Have all that happened so far have happened ``hours`` earlier."""
        self.commit()
        for table, columns in (
            ("sync_call", ["create_date"]),
            ("sync_error", ["occurred_at", "resolved_at"]),
            ("sync_error_incident", ["opened_at", "ended_at"]),
            ("sync_operation", ["done_at", "requested_at"]),
            ("sync_backend", ["create_date"]),
        ):
            for column in columns:
                self.env.cr.execute(
                    f"UPDATE {table} SET {column} = {column} - interval '1 hour' * %s",
                    [hours],
                )
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestStatistics(StatisticsCase):
    """What the figures say is what happened, in the range that was asked for."""

    def test_what_failed_once_and_was_done(self):
        self.fail_once()
        data = self.data()
        totals, rates = data["totals"], data["rates"]
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(totals["calls"], len(calls))
        self.assertEqual(
            (totals["failed_calls"], totals["errors"], totals["done"]), (1, 1, 6)
        )
        self.assertEqual((totals["recovered"], totals["dead"]), (1, 0))
        self.assertEqual(rates["failure"], round(100 / len(calls), 1))
        self.assertAlmostEqual(rates["success"] + rates["failure"], 100, delta=0.11)
        self.assertEqual(rates["recovery"], 100.0)
        self.assertEqual(rates["retry_success"], 100.0)

    def test_errors_by_what_they_are(self):
        self.fail_once()
        data = self.data()
        for name, key, label in (
            ("by_category", "external_dependency", "External dependency"),
            ("by_severity", "medium", "Medium"),
            ("by_type", "service_unavailable", "Service unavailable"),
            ("by_operation", "push", "Send"),
        ):
            reported = {"key": key, "label": label, "count": 1}
            self.assertEqual(data[name], [reported], name)

    def test_codes_are_reported_with_their_last_time(self):
        self.fail_once()
        self.die()
        error = self.env["sync.error"].search([("type", "=", "authentication_failed")])
        codes = {code["type"]: code for code in self.data()["codes"]}
        self.assertEqual(
            codes["authentication_failed"]["code"], error.code or str(error.http_status)
        )
        self.assertEqual(
            codes["authentication_failed"]["last_at"],
            fields.Datetime.to_string(error.occurred_at),
        )
        self.assertEqual({code["count"] for code in codes.values()}, {1})

    def test_the_most_frequent_codes_come_first(self):
        Error = self.env["sync.error"]
        for code in ("b", "c", "a", "c"):
            exc = HttpError(422, code, "no")
            values = Error._values(
                Error._classify(exc),
                exc,
                backend_id=self.backend.id,
                operation="push",
            )
            Error.create(values)
        codes = [(found["code"], found["count"]) for found in self.data()["codes"]]
        self.assertEqual(codes, [("c", 2), ("a", 1), ("b", 1)])

    def test_what_a_breaker_kept_from_being_called_is_no_call(self):
        before = self.data()
        self.env["sync.call"].create(
            {
                "backend_id": self.backend.id,
                "operation": "push",
                "result": "rejected",
                "duration": 5,
            }
        )
        data = self.data()
        self.assertEqual(data["totals"]["rejected_calls"], 1)
        self.assertEqual(data["totals"]["calls"], before["totals"]["calls"])
        for name in ("rates", "trend", "performance"):
            self.assertEqual(data[name], before[name], name)

    def test_what_happened_first_is_in_the_first_step(self):
        self.fail_once()
        self.move(23)
        trend = self.data("24h")["trend"]
        self.assertEqual((trend["errors"]["medium"][0], trend["failed"][0]), (1, 1))
        self.assertEqual(sum(trend["errors"]["medium"]), 1)

    def test_days_of_a_range_that_ends_at_midnight(self):
        self.user.tz = "UTC"
        end = fields.Datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        trend = self.data("custom", start=end - timedelta(days=40), end=end)["trend"]
        self.assertEqual(len(trend["slots"]), 40)
        # The zone of who asks, if he says so, is that of the days.
        Statistics = self.env["sync.statistics"].with_user(self.user)
        there = Statistics.with_context(tz="Asia/Kolkata")
        slots = there.data(self.backend.ids, "custom", end - timedelta(days=40), end)
        self.assertTrue(all("18:30" in slot for slot in slots["trend"]["slots"][1:]))

    def test_a_range_has_a_beginning_and_an_end_at_most_a_year_apart(self):
        now = fields.Datetime.now()
        year = timedelta(days=367)
        for start, end in ((None, now), (now, None), (None, None), (now, now)):
            with (
                self.subTest(start=start, end=end),
                self.assertRaisesRegex(UserError, "ends after it begins"),
            ):
                self.data("custom", start=start, end=end)
        with self.assertRaisesRegex(UserError, "more than a year"):
            self.data("custom", start=now - year - HOUR, end=now)
        self.assertTrue(self.data("custom", start=now - year, end=now))

    def test_what_was_changed_just_now_is_counted(self):
        """By the code that has changed it, in the same transaction."""
        operation = self.operations(state="done")[0]
        operation.write({"state": "dead", "done_at": fields.Datetime.now()})
        Statistics = self.env["sync.statistics"].with_user(self.user)
        data = Statistics.data(self.backend.ids)
        self.assertEqual(data["totals"]["dead"], 1)

    def test_hours_that_an_earlier_version_counted_are_reported_too(self):
        self.fail_once()
        self.die()
        self.move(30)
        self.env["sync.metric"]._cron_roll_up()
        self.env.cr.execute("UPDATE sync_metric SET code = NULL, last_at = NULL")
        codes = {code["code"]: code for code in self.data("7d")["codes"]}
        refused = codes["authentication_failed"]
        self.assertEqual((refused["type"], refused["count"]), (refused["code"], 1))
        self.assertTrue(refused["last_at"].endswith(":00:00"))

    def test_last_hour_is_reported_in_steps_of_five_minutes(self):
        self.fail_once()
        hour, day = self.data("1h"), self.data("24h")
        self.assertEqual(hour["totals"], day["totals"])
        self.assertEqual(hour["rates"], day["rates"])
        trend = hour["trend"]
        self.assertEqual((len(trend["slots"]), hour["step"]), (12, 300))
        self.assertEqual(sum(trend["errors"]["medium"]), 1)
        self.assertEqual(sum(trend["calls"]), hour["totals"]["calls"])
        self.assertEqual(sum(trend["failed"]), 1)

    def test_last_hour_is_60_minutes(self):
        self.fail_once()
        with freeze_time(fields.Datetime.now() + timedelta(minutes=59)):
            self.assertEqual(self.data("1h")["totals"]["errors"], 1)
        with freeze_time(fields.Datetime.now() + timedelta(minutes=61)):
            self.assertEqual(self.data("1h")["totals"]["errors"], 0)

    def test_trend_has_each_hour_or_day_also_quiet_ones(self):
        self.fail_once()
        for span, step, slots in (
            ("24h", 3600, {24}),
            ("7d", 3600, {7 * 24}),
            # From this hour on, 30 days ago: it is one day more.
            ("30d", 86400, {30, 31}),
        ):
            data = self.data(span)
            trend = data["trend"]
            start, end = map(fields.Datetime.to_datetime, (data["start"], data["end"]))
            length = {"24h": 1, "7d": 7, "30d": 30}[span]
            self.assertEqual(end - start, timedelta(days=length))
            self.assertEqual(data["step"], step)
            self.assertIn(len(trend["slots"]), slots)
            self.assertEqual(trend["errors"]["medium"][-1], 1, span)
            self.assertEqual(sum(map(sum, trend["errors"].values())), 1, span)

    def test_days_begin_where_the_user_is(self):
        self.user.tz = "Asia/Kolkata"
        data = self.data("30d")
        self.assertTrue(all("18:30:00" in slot for slot in data["trend"]["slots"][1:]))

    def test_chosen_range_has_what_was_in_it_and_nothing_else(self):
        self.fail_once()
        self.move(50)
        self.order.origin = "PH-2"
        self.push()
        now = fields.Datetime.now()
        chosen = {"start": now - 51 * HOUR, "end": now - 49 * HOUR}
        data = self.data("custom", **chosen)
        self.assertEqual((data["totals"]["errors"], data["totals"]["done"]), (1, 6))
        data = self.data("custom", start=now - 48 * HOUR, end=now)
        self.assertEqual((data["totals"]["errors"], data["totals"]["done"]), (0, 1))

    def test_range_before_is_reported_for_comparison(self):
        self.fail_once()
        self.move(30)
        data = self.data("24h")
        self.assertEqual(data["totals"]["errors"], 0)
        self.assertIsNone(data["rates"]["success"], "nothing was called")
        self.assertEqual(data["before"]["totals"]["errors"], 1)
        self.assertEqual(data["before"]["rates"]["recovery"], 100.0)

    def test_rolling_up_changes_no_figure(self):
        self.fail_once()
        self.die()
        self.move(5)
        end = fields.Datetime.now()
        chosen = {"start": end - 8 * HOUR, "end": end - 2 * HOUR}
        counted = self.data("custom", **chosen)
        self.env["sync.metric"]._cron_roll_up()
        self.assertTrue(self.env["sync.metric"].search([]))
        self.env["sync.call"].search([("backend_id", "=", self.backend.id)]).unlink()
        self.assertEqual(self.data("custom", **chosen), counted)

    def test_durations_of_calls_are_reported(self):
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        (push,) = self.data()["performance"]
        self.assertEqual((push["label"], push["calls"]), ("Send", len(calls)))
        mean = sum(calls.mapped("duration")) / len(calls)
        self.assertAlmostEqual(push["mean_seconds"], mean, places=3)

    # -- Recovery ---------------------------------------------------------------------

    def recovered(self, **about):
        return {
            part["key"]: part["count"]
            for part in self.data(**about)["recovery"]
            if part["key"]
        }

    def test_a_retry_brought_it_through(self):
        self.fail_once()
        self.assertEqual(self.recovered(), {"retry": 1})

    def test_a_redrive_brought_it_through(self):
        self.die()
        self.assertEqual(self.data()["rates"]["recovery"], 0.0)
        self.operations(state="dead").action_redrive()
        self.push()
        self.assertEqual(self.recovered(), {"redriven": 1})
        self.assertEqual(self.data()["rates"]["recovery"], 100.0)

    def test_waiting_for_the_app_brought_it_through(self):
        breaker = self.backend._breaker("push")
        breaker.consecutive_failures = 1
        self.app.fault("error", status=503, count=1)
        self.order.origin = "PH-1"
        self.push()
        self.assertTrue(self.operations(state="waiting").parked)
        breaker._set_mode("disabled", "Test")
        self.make_due()
        self.push()
        self.assertEqual(self.recovered(), {"parked": 1})

    def test_the_return_of_the_app_brought_it_through(self):
        self.env["sync.retry.policy"].search([]).max_attempts = 1
        self.app.fault("error", status=503, count=1)
        self.order.origin = "PH-1"
        self.push()
        self.assertTrue(self.operations(state="waiting").revive)
        self.env["sync.operation"]._resume(self.backend)
        self.push()
        self.assertEqual(self.recovered(), {"revived": 1})

    def test_a_merge_brought_it_through(self):
        mapping = self.mapping(self.order)
        self.app.edit("purchase-orders", mapping.external_id, notes="From the app")
        self.order.origin = "PH-1"
        self.push()
        self.push()
        self.assertEqual(self.recovered(), {"merged": 1})

    def test_decided_conflicts_are_reported_with_who_decided(self):
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "8.00"
        external_id = self.mapping(self.order).external_id
        self.app.edit("purchase-orders", external_id, lines=lines)
        self.order.order_line[0].product_qty = 5
        self.pull()
        data = self.data()
        self.assertEqual(data["still_open"]["conflicts"], 1)
        self.assertEqual(data["conflicts_decided"], [])
        conflict = self.mapping(self.order)._open_conflict()
        conflict.with_user(self.env.ref("base.user_admin")).action_keep_odoo()
        data = self.data()
        self.assertEqual(data["still_open"]["conflicts"], 0)
        (decided,) = data["conflicts_decided"]
        self.assertEqual((decided["key"], decided["count"]), ("odoo", 1))
        self.assertEqual(decided["by_rule"], 0)
        self.assertEqual(decided["label"], "Odoo")

    def deliver(self, *times, state="arrived", **values):
        """Deliveries that took so many seconds."""
        settled = {"state": state, "done_at": fields.Datetime.now()}
        about = {"kind": "opened", "backend_id": self.backend.id, **settled, **values}
        return self.env["sync.delivery"].create([{**about, "took": t} for t in times])

    def test_how_long_notices_took(self):
        self.deliver(*range(1, 101))
        self.deliver(0, 0, state="failed")
        self.deliver(900, state="waiting")
        self.deliver(900, kind="test")
        long_ago = fields.Datetime.now() - timedelta(days=2)
        self.deliver(900, done_at=long_ago)
        self.deliver(5, kind="resolved")
        opened, resolved = self.data()["deliveries"]
        self.assertEqual(
            (opened["label"], opened["arrived"], opened["failed"]), ("Alert", 100, 2)
        )
        self.assertAlmostEqual(opened["median_seconds"], 50.5)
        self.assertAlmostEqual(opened["p95_seconds"], 95.05)
        self.assertEqual((resolved["key"], resolved["p95_seconds"]), ("resolved", 5))
        self.assertEqual(self.data("7d")["deliveries"][0]["arrived"], 101)

    def test_notices_of_other_companies_are_not_counted(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.deliver(1, backend_id=False, company_id=other.id)
        self.deliver(2, backend_id=False, company_id=self.env.company.id)
        nobody = self.env["sync.backend"]
        (found,) = self.data(backends=nobody)["deliveries"]
        self.assertEqual((found["arrived"], found["median_seconds"]), (1, 2))
        self.assertEqual(self.data()["deliveries"], [], "of one pharmacy")

    # -- Who may see what -------------------------------------------------------------

    def test_other_backend_is_left_out_unless_asked_for(self):
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": self.app.url, "internal": True, "api_key": KEY}
        )
        self.fail_once()
        self.assertEqual(self.data(backends=other)["totals"]["errors"], 0)
        both = self.data(backends=other | self.backend)
        self.assertEqual(both["totals"]["errors"], 1)
        self.assertEqual(
            {backend["name"] for backend in both["backends"]},
            {"Other", "Test Pharmacy"},
        )

    def test_other_company_sees_nothing(self):
        self.fail_once()
        self.die()
        company = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "stats_other",
            "pharmacy_sync.group_user",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        for backends in (self.backend, self.env["sync.backend"]):
            data = self.data(backends=backends, user=stranger)
            self.assertEqual(data["backends"], [])
            self.assertEqual(data["breakers"], [])
            self.assertEqual(data["groups"], [])
            self.assertEqual(data["totals"]["calls"], 0)
            self.assertEqual(data["totals"]["dead"], 0)
            self.assertEqual(data["still_open"]["dead_letters"], 0)
            self.assertIsNone(data["mttr"])

    def test_only_users_of_pharmacy_sync_may_ask(self):
        stranger = new_test_user(self.env, "stranger", "base.group_user")
        with self.assertRaisesRegex(AccessError, "Statistics are for"):
            self.data(user=stranger)

    def test_a_range_that_is_none_is_refused(self):
        with self.assertRaisesRegex(UserError, "1h, 24h, 7d, 30d"):
            self.data("1y")
        now = fields.Datetime.now()
        for dates in ({}, {"start": now, "end": now}, {"start": now}):
            with self.assertRaisesRegex(UserError, "ends after"):
                self.data("custom", **dates)
        with self.assertRaisesRegex(UserError, "no more than a year"):
            self.data("custom", start=now - 400 * 24 * HOUR, end=now)
