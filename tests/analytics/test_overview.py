import time
from datetime import timedelta

from freezegun import freeze_time
from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from ...models.analytics import sync_overview
from ..common import KEY, SyncCase


@tagged("post_install", "-at_install")
class TestOverview(SyncCase):
    """What the page says is so, and what stands behind a figure opens."""

    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, "overview_user", "pharmacy_sync.group_user")
        self.order = self.make_order()
        self.push()

    def data(self, span="24h", backends=None):
        self.env.flush_all()
        ids = (backends or self.backend).ids
        return self.env["sync.overview"].with_user(self.user).data(ids, span)

    def behind(self, link):
        """The records of the list that a link opens, its filters applied."""
        action = self.env["ir.actions.act_window"]._for_xml_id(link["action"])
        model = self.env[action["res_model"]].with_user(self.user)
        domain = Domain(safe_eval(action["domain"] or "[]")) & Domain(link["domain"])
        search = action["search_view_id"]
        views = model.get_views([(search and search[0], "search")])
        view = views["views"]["search"]["arch"]
        for name in link["context"]:
            name = name.removeprefix("search_default_")
            (found,) = etree.fromstring(view).xpath(f"//filter[@name='{name}']")
            domain &= Domain(safe_eval(found.get("domain") or "[]"))
        return model.search(domain)

    def die(self):
        self.app.refuse_records()
        self.order.origin = "PH-1"
        self.push()
        self.app.refuse_records("")

    def test_all_is_well(self):
        data = self.data()
        self.assertEqual(data["health"], {"score": 100, "level": "good", "parts": []})
        self.assertEqual(data["queue"]["count"], 0)
        self.assertIsNone(data["queue"]["oldest"])
        self.assertEqual(data["calls"]["success_rate"], 100.0)
        self.assertEqual(data["errors"]["resolved"], 0)
        self.assertFalse(data["criticals"]["more"])
        self.assertEqual({b["cause"] for b in data["breakers"]}, {""})
        self.assertEqual(len(data["trend"]["hours"]), 24)
        self.assertEqual({b["state"] for b in data["breakers"]}, {"closed"})
        self.assertEqual(data["groups"], [])

    def test_what_waits_is_reported_with_its_age(self):
        self.order.origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waiting = self.operations(state="pending")
        waiting.requested_at = fields.Datetime.now() - timedelta(minutes=30)
        data = self.data()
        self.assertEqual(data["queue"]["count"], 1)
        self.assertAlmostEqual(data["queue"]["oldest"], 1800, delta=30)
        self.assertEqual(self.behind(data["queue"]["link"]), waiting)
        (part,) = data["health"]["parts"]
        self.assertEqual(part["name"], "backlog_age")
        self.assertEqual(part["text"], "Longest wait: 30 min")
        self.assertEqual(part["lost"], round(part["lost"], 1))
        self.assertAlmostEqual(part["lost"], 8, delta=0.2)
        self.assertEqual(data["health"]["level"], "fair", "late is never green")
        (standing,) = data["standings"]
        self.assertEqual(
            (standing["state"], standing["text"]),
            ("late", "Catching up: 1 change, for 30 min."),
        )
        # A server whose clock is ahead has written it.
        waiting.requested_at = fields.Datetime.now() + timedelta(minutes=30)
        self.assertEqual(self.data()["queue"]["oldest"], 0)

    def test_as_many_critical_errors_as_are_counted_may_be_more(self):
        self.patch(sync_overview, "MOST", 2)
        for number in range(3):
            exception = ValueError(f"checksum mismatch {number}")
            values = self.env["sync.error"]._values(
                self.env["sync.error"]._classify(exception),
                exception,
                backend_id=self.backend.id,
                operation="push",
            )
            self.env["sync.error"].create({**values, "severity": "critical"})
            criticals = self.data()["criticals"]
            with self.subTest(number):
                self.assertEqual(criticals["more"], number > 0)
                self.assertEqual(criticals["count"], min(number + 1, 2))

    def test_a_pharmacy_says_since_when(self):
        """A time of today is one, another day is named."""
        self.backend.write({"paused": True, "pause_reason": "New server"})
        self.user.tz = "Asia/Kolkata"
        now = fields.Datetime.now().replace(hour=12, minute=5, second=0, microsecond=0)
        for days, expected in ((0, "5:35"), (2, "/")):
            since = now - timedelta(days=days)
            self.env.flush_all()
            self.env.cr.execute(
                "UPDATE sync_backend SET rests_since = %s WHERE id = %s",
                [since, self.backend.id],
            )
            self.env.invalidate_all()
            with freeze_time(now + timedelta(minutes=1)):
                (standing,) = self.data()["standings"]
                with self.subTest(days):
                    self.assertIn("Paused since ", standing["text"])
                    said = standing["text"].partition(" since ")[2]
                    self.assertIn(expected, said)
                    self.assertEqual("/" in said, bool(days))

    def test_a_pharmacy_is_shown_as_it_is_now(self):
        """Also by the code that has changed it just now."""
        self.assertEqual(self.backend.standing_state, "in_sync")
        self.backend.paused = True
        self.backend.invalidate_recordset(["standing_state"], flush=False)
        self.assertEqual(self.backend.standing_state, "paused")

    def test_a_pharmacy_that_does_not_answer_says_when_it_is_asked_next(self):
        breaker = self.backend._breaker("push")
        for seconds, expected in (
            (90, "M"),
            (-90, "within a minute"),
        ):
            until = fields.Datetime.now() + timedelta(seconds=seconds)
            breaker.sudo().write({"state": "open", "open_until": until})
            (standing,) = self.data()["standings"]
            said = standing["text"].partition("Next try: ")[2]
            with self.subTest(seconds):
                self.assertIn(expected, said)

    def test_dead_letter_is_reported_and_found(self):
        self.die()
        data = self.data()
        self.assertEqual(data["dead_letters"]["count"], 1)
        dead = self.operations(state="dead")
        self.assertEqual(self.behind(data["dead_letters"]["link"]), dead)
        self.assertEqual(data["recovery"]["rate"], 0.0)
        self.assertEqual(data["errors"]["count"], 1)
        self.assertEqual(self.behind(data["errors"]["link"]), dead.error_ids)
        self.assertEqual(data["health"]["parts"][0]["name"], "dead_letters")
        self.assertEqual(
            self.behind(data["health"]["parts"][0]["link"]), dead, "why opens too"
        )
        self.assertEqual(data["health"]["parts"][0]["text"], "Failed changes: 1")
        self.assertEqual(data["standings"][0]["failed"], 0, "not for who mends none")

    def test_what_to_do_is_in_order_and_adds_up(self):
        self.assertEqual(self.data()["tasks"], {"more": False, "rows": []})
        other = self.make_order()
        self.push()
        link = self.mapping(other)
        self.app.edit("purchase-orders", link.external_id, notes="theirs")
        other.note = "ours"
        self.pull()
        self.die()
        (task,) = self.data()["tasks"]["rows"]
        self.assertEqual(task["text"], "Decide 1 conflict", "a buyer mends no failure")
        self.assertIn("Notes", task["title"])
        self.assertEqual(
            self.data()["standings"][0]["text"],
            "1 decision needs you. 1 failed change waits for an operator.",
        )
        self.user.group_ids += self.env.ref("pharmacy_sync.group_operator")
        data = self.data()
        tasks = data["tasks"]["rows"]
        self.assertEqual(
            [row["text"] for row in tasks],
            ["Mend 1 failed change", "Decide 1 conflict"],
        )
        (standing,) = data["standings"]
        self.assertEqual(standing["text"], "1 decision and 1 failed change need you.")
        opened = self.env["sync.todo"].with_user(self.user).browse(tasks[0]["id"])
        action = opened.action_open()
        self.assertEqual(
            self.env[action["res_model"]].search(action["domain"]),
            self.operations(state="dead"),
        )

    def test_what_was_redriven_has_recovered(self):
        self.die()
        dead = self.operations(state="dead")
        dead.action_redrive()
        self.push()
        recovery = self.data()["recovery"]
        self.assertEqual((recovery["recovered"], recovery["lost"]), (1, 0))
        self.assertEqual(recovery["rate"], 100.0)
        self.assertEqual(self.behind(recovery["link"]), dead)

    def test_what_recovered_and_what_is_open_are_counted_apart_and_open(self):
        self.app.fault("error", status=503, count=1)
        recovered = self.make_order()
        self.push()
        self.make_due()
        self.push()
        self.die()
        done = self.operations(mapping_id=self.mapping(recovered).id)
        self.assertEqual(done.state, "done")
        dead = self.operations(state="dead")
        data = self.data()
        errors, recovery = data["errors"], data["recovery"]
        self.assertEqual(
            (errors["open"], errors["resolved"], errors["count"]), (1, 1, 2)
        )
        self.assertEqual(self.behind(errors["open_link"]), dead.error_ids)
        self.assertEqual(self.behind(errors["resolved_link"]), done.error_ids)
        self.assertEqual((recovery["recovered"], recovery["lost"]), (1, 1))
        self.assertEqual(self.behind(recovery["recovered_link"]), done)
        self.assertEqual(self.behind(recovery["lost_link"]), dead)

    def test_failed_calls_and_their_errors_are_reported(self):
        self.app.fault("error", status=503, count=1)
        self.order.origin = "PH-1"
        self.push()
        data = self.data()
        self.assertEqual(data["calls"]["failed"], 1)
        failed = self.behind(data["calls"]["failed_link"])
        self.assertEqual(failed.mapped("status"), [503])
        self.assertEqual(data["health"]["parts"][0]["name"], "failed_calls")
        self.assertEqual(sum(data["trend"]["errors"]["medium"]), 1)
        self.assertEqual(data["trend"]["errors"]["medium"][-1], 1, "in this hour")

    def test_critical_error_weighs_until_it_is_resolved(self):
        Error = self.env["sync.error"]
        exception = ValueError("checksum mismatch")
        classification = Error._classify_response(
            self.backend, 200, "checksum_mismatch", "checksum mismatch"
        )
        values = Error._values(
            classification, exception, backend_id=self.backend.id, operation="push"
        )
        error = Error.create({**values, "severity": "critical"})
        data = self.data()
        self.assertEqual(data["criticals"]["count"], 1)
        self.assertEqual(self.behind(data["criticals"]["link"]), error)
        self.assertEqual(data["health"]["score"], 96)
        error.action_resolve()
        self.assertEqual(self.data()["health"]["score"], 100)

    def test_open_breaker_says_when_it_tries_again(self):
        breaker = self.backend._breaker("push")
        breaker.sudo().write(
            {
                "state": "open",
                "open_until": fields.Datetime.now() + timedelta(seconds=45),
                "cause": "5 failures in a row",
            }
        )
        data = self.data()
        reported = next(b for b in data["breakers"] if b["id"] == breaker.id)
        self.assertAlmostEqual(reported["seconds"], 45, delta=5)
        self.assertEqual(reported["cause"], "5 failures in a row")
        self.assertEqual(data["health"]["score"], 90)
        link = data["health"]["parts"][0]["link"]
        self.assertEqual(self.behind(link), breaker)

    def test_an_outage_is_one_sentence(self):
        """Nothing is there for a person to do, and health is not green."""
        self.order.origin = "PH-1"
        self.move_app("http://127.0.0.1:9")
        for __ in range(3):
            self.push()
            self.make_due()
        data = self.data()
        (standing,) = data["standings"]
        self.assertEqual((standing["state"], standing["level"]), ("away", "danger"))
        self.assertIn("1 change is kept and goes out by itself.", standing["text"])
        self.assertIn("You need to do nothing.", standing["text"])
        self.assertEqual(data["dead_letters"]["count"], 0)
        self.assertLessEqual(data["health"]["score"], 40)
        self.assertEqual(self.backend.standing, standing["text"])
        self.order.invalidate_recordset()
        self.assertIn("then sent by itself", self.order.sync_sentence)

    def test_the_app_is_asked_again_at_once(self):
        self.order.origin = "PH-1"
        url = self.backend.url
        self.move_app("http://127.0.0.1:9")
        for __ in range(6):
            self.push()
            self.make_due()
        self.assertFalse(self.data()["standings"][0]["can_try"], "for operators")
        operator = new_test_user(
            self.env, "overview_operator", "pharmacy_sync.group_operator"
        )
        standings = self.env["sync.overview"].with_user(operator).standings()
        self.assertTrue(
            next(s for s in standings if s["id"] == self.backend.id)["can_try"]
        )
        self.env["queue.job"].search([]).unlink()
        with self.assertRaises(AccessError):
            self.backend.with_user(self.user).action_try_now()
        self.move_app(url)
        opened = self.backend._breaker("push")
        closed = self.backend._breaker("pull")
        self.assertEqual((opened.state, closed.state), ("open", "closed"))
        self.backend.with_user(operator).action_try_now()
        self.assertLessEqual(opened._read_row()[0].open_until, time.time())
        self.assertIsNone(closed._read_row()[0].open_until)
        jobs = self.env["queue.job"].search([]).mapped("method_name")
        self.assertLessEqual({"_job_push", "_job_pull"}, set(jobs))
        self.push()
        self.push()
        self.assertEqual(self.data()["standings"][0]["text"], "In sync.")

    def test_conflict_is_reported_and_found(self):
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "8.00"
        self.app.edit(
            "purchase-orders", self.mapping(self.order).external_id, lines=lines
        )
        self.order.order_line[0].product_qty = 5
        self.pull()
        data = self.data()
        conflicts = data["conflicts"]
        self.assertEqual(data["standings"][0]["text"], "1 decision needs you.")
        self.assertEqual(data["health"]["parts"][0]["name"], "conflicts")
        self.assertEqual(conflicts["count"], 1)
        self.assertEqual(
            self.behind(conflicts["link"]), self.mapping(self.order)._open_conflict()
        )

    def test_most_frequent_failure_is_reported_first(self):
        self.die()
        group = self.operations(state="dead").error_ids.group_id
        (reported,) = self.data()["groups"]
        self.assertEqual(
            (reported["id"], reported["type"]), (group.id, "Authentication failed")
        )
        self.assertEqual(reported["message"], group.message_text)
        group.action_resolve()
        self.assertEqual(self.data()["groups"], [])

    def test_a_longer_look_back_holds_what_a_shorter_one_leaves_out(self):
        self.die()
        error = self.operations(state="dead").error_ids
        error.occurred_at = fields.Datetime.now() - timedelta(days=3)
        self.assertEqual(self.data("24h")["errors"]["count"], 0)
        week = self.data("7d")
        self.assertEqual(week["errors"]["count"], 1)
        self.assertEqual(len(week["trend"]["hours"]), 7 * 24)
        self.assertEqual(self.behind(week["errors"]["link"]), error)
        self.assertEqual(len(self.data("30d")["trend"]["hours"]), 30 * 24)
        now = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        for days, steps in ((31, 31 * 24), (33, 34)):
            self.env.flush_all()
            start = now - timedelta(days=days)
            Overview = self.env["sync.overview"].with_user(self.user)
            data = Overview.data(self.backend.ids, "custom", start, now)
            self.assertIn(len(data["trend"]["hours"]), (steps, steps - 1))

    def test_other_backend_is_left_out_unless_asked_for(self):
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": self.app.url, "internal": True, "api_key": KEY}
        )
        self.die()
        self.assertEqual(self.data(backends=other)["dead_letters"]["count"], 0)
        self.assertEqual(self.data(backends=other)["errors"]["count"], 0)
        both = self.data(backends=other | self.backend)
        self.assertEqual(both["dead_letters"]["count"], 1)
        scores = {b["id"]: b["score"] for b in both["backends"]}
        self.assertEqual(scores[other.id], 100)
        self.assertLess(scores[self.backend.id], 100)

    def test_the_health_of_several_is_that_of_the_longest_wait(self):
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": self.app.url, "internal": True, "api_key": KEY}
        )
        for backend in self.backend | other:
            stream = backend.stream_ids.filtered(lambda s: s.entity == "supplier")
            self.env["sync.operation"].create(
                {
                    "kind": "push",
                    "stream_id": stream.id,
                    "requested_at": fields.Datetime.now() - timedelta(minutes=30),
                }
            )
        (alone,) = self.data()["health"]["parts"]
        (both,) = self.data(backends=self.backend | other)["health"]["parts"]
        self.assertEqual((alone["name"], both["name"]), ("backlog_age", "backlog_age"))
        self.assertAlmostEqual(both["lost"], alone["lost"], delta=0.2)

    def test_other_company_sees_nothing(self):
        self.die()
        company = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "overview_other",
            "pharmacy_sync.group_user",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        self.env.flush_all()
        data = self.env["sync.overview"].with_user(user).data(self.backend.ids)
        self.assertEqual(data["backends"], [])
        self.assertEqual(data["dead_letters"]["count"], 0)
        self.assertEqual(data["errors"]["count"], 0)
        self.assertEqual(data["health"]["score"], 100)

    def test_only_users_of_pharmacy_sync_may_ask(self):
        stranger = new_test_user(self.env, "stranger", "base.group_user")
        Overview = self.env["sync.overview"].with_user(stranger)
        for method in (Overview.data, Overview.standings):
            with self.assertRaisesRegex(AccessError, "The overview is for"):
                method()

    def test_only_managers_are_offered_to_connect(self):
        manager = new_test_user(self.env, "boss", "pharmacy_sync.group_manager")
        self.assertFalse(self.data()["can_connect"])
        data = self.env["sync.overview"].with_user(manager).data()
        self.assertTrue(data["can_connect"])

    def test_unknown_range_is_refused(self):
        with self.assertRaisesRegex(UserError, "24h, 7d, 30d"):
            self.data("1y")
