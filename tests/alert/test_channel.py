import email
import email.policy
import json
import os
import socket
from contextlib import ExitStack
from datetime import timedelta

import psycopg2
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from odoo import SUPERUSER_ID, Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ...core.event.delivery import REPEAT
from ...core.exceptions import DataCorruptedError, HttpError
from ..receivers import receiver
from .test_alert import LOGGED, RECORDED, AlertCase

NOTIFY = "odoo.addons.pharmacy_sync.models.alert.notify"
MAIL = "odoo.addons.base.models.ir_mail_server"
KEY = "0123456789abcdef0123456789abcdef"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class ChannelCase(AlertCase):
    """Channels with receivers that are there; the first ones of the company are off."""

    def setUp(self):
        super().setUp()
        self.only("critical_error", "error_spike", "breaker_opened", "handler_failed")
        self.stack = ExitStack()
        self.addCleanup(self.stack.close)
        Channel = self.env["sync.alert.channel"]
        self.first = Channel.search([("company_id", "=", self.backend.company_id.id)])
        self.first.active = False

    def receiver(self):
        return self.stack.enter_context(receiver())

    def channel(self, kind, url="", **values):
        return self.env["sync.alert.channel"].create(
            {
                "name": f"Test {kind}",
                "kind": kind,
                "company_id": self.backend.company_id.id,
                "address": url,
                "internal": True,
                "digest": 0,
                **values,
            }
        )

    def slack(self, **values):
        found = self.receiver()
        found.as_slack()
        return found, self.channel("slack", f"{found.url}/services/T/B/x", **values)

    def pagerduty(self, **values):
        found = self.receiver()
        found.as_pagerduty()
        values = {"secret": KEY, **values}
        return found, self.channel("pagerduty", found.url, **values)

    def deliveries(self, **values):
        domain = [(name, "=", value) for name, value in values.items()]
        return self.env["sync.delivery"].search(domain, order="id")

    def carry(self, everything=True):
        """Do what the job runner would with what is due; or with all that waits."""
        self.env.flush_all()
        waiting = self.deliveries(state="waiting")
        if everything:
            waiting.eta = False
            waiting.channel_id.rests_until = False
        self.env.flush_all()
        for delivery in waiting:
            delivery._as_runner()._job_deliver()
        self.env.invalidate_all()

    def send_test(self, channel):
        """What the person reads who sends a test."""
        self.env.flush_all()
        return channel.action_send_test()["params"]["message"]

    def break_badly(self, message="checksum mismatch"):
        """An error that is critical; its group."""
        with mute_logger(RECORDED):
            return self.go_wrong(DataCorruptedError(message)).group_id

    def look(self):  # pylint: disable=missing-return
        with mute_logger(LOGGED, NOTIFY):
            super().look()


@tagged("post_install", "-at_install")
class TestRoads(ChannelCase):
    """Each kind of channel, against what its receiver documents."""

    def test_slack(self):
        slack, __ = self.slack()
        self.break_badly("<!channel> checksum & mismatch")
        self.look()
        self.assertFalse(slack.got, "the look calls nothing")
        self.assertFalse(self.alerts().notified_at, "not reported before it arrived")
        self.carry()
        (message,) = slack.bodies
        self.assertIn("[CRITICAL] Critical error: Data corrupted", message["text"])
        (said,) = message["attachments"]
        self.assertEqual(said["color"], "danger")
        self.assertIn("&lt;!channel&gt; checksum &amp; mismatch", said["text"])
        facts = {fact["title"]: fact["value"] for fact in said["fields"]}
        alert = self.alerts()
        self.assertEqual(facts["Correlation id"], alert.correlation_id)
        self.assertEqual(facts["Operation"], "Send")
        self.assertIn(f"/{alert.id}", said["title_link"])
        self.assertNotIn("Traceback", str(message))
        self.assertTrue(alert.notified_at)
        self.assertNotIn("With it", said["text"])
        self.assertNotIn("Times", facts, "once")
        delivery = self.deliveries(channel_kind="slack")
        self.assertEqual(
            (delivery.state, delivery.http_status, delivery.attempts),
            ("arrived", 200, 1),
        )
        self.assertGreater(delivery.seconds, 0)
        self.assertEqual(delivery.backend_id, self.backend)
        self.assertEqual(delivery.company_id, self.backend.company_id)
        self.assertEqual(delivery.correlation_id, alert.correlation_id)
        self.assertEqual((delivery.title, delivery.what), (alert.title, alert.title))
        self.env["res.lang"]._activate_lang("es_ES")
        spanish = {"lang": "es_ES"}
        self.assertEqual(
            delivery.with_context(**spanish).what, alert.with_context(**spanish).title
        )

    def test_a_notice_says_how_often_and_with_what(self):
        slack, __ = self.slack()
        self.break_badly("one")
        self.break_badly("one")
        self.look()
        self.carry()
        facts = {
            fact["title"]: fact["value"]
            for fact in slack.bodies[0]["attachments"][0]["fields"]
        }
        self.assertEqual(facts["Times"], "2")
        self.assertEqual(facts["Pharmacy"], self.backend.name)
        self.pass_time(120)
        for message in ("Order one", "Order two"):
            self.go_wrong(HttpError(404, None, message), times=6)
        self.look()
        self.carry()
        leader = self.alerts(condition="error_spike").filtered("child_ids")
        text = slack.bodies[-1]["attachments"][0]["text"]
        self.assertIn(f"With it: {leader.child_ids.title}", text)
        leader.action_resolve()
        self.carry()
        text = str(slack.bodies[-1])
        self.assertIn("RESOLVED", text)
        self.assertNotIn("With it", text, "it is over")

    def test_colours_of_slack(self):
        slack, __ = self.slack(low=True)
        for condition, severity, colour in (
            ("critical_error", "critical", "danger"),
            ("error_spike", "high", "warning"),
            ("breaker_opened", "medium", "#ffcc00"),
            ("handler_failed", "low", "good"),
        ):
            self.rule(condition).severity = severity
            alert = self.env["sync.alert"].create(
                {
                    "fingerprint": condition,
                    "rule_id": self.rule(condition).id,
                    "condition": condition,
                    "backend_id": self.backend.id,
                    "company_id": self.backend.company_id.id,
                    "severity": severity,
                    "opened_at": fields.Datetime.now(),
                }
            )
            with self.subTest(severity), mute_logger(NOTIFY):
                alert._notify()
                self.carry()
                self.assertEqual(slack.bodies[-1]["attachments"][0]["color"], colour)

    def test_pagerduty_opens_acknowledges_and_resolves_one_incident(self):
        pager, __ = self.pagerduty()
        group = self.break_badly()
        self.look()
        self.carry()
        alert = self.alerts()
        self.assertEqual(pager.incidents, {alert.fingerprint: "trigger"})
        self.assertEqual(pager.bodies[0]["payload"]["severity"], "critical")
        alert.with_user(self.operator).action_acknowledge()
        self.carry()
        self.assertEqual(pager.incidents, {alert.fingerprint: "acknowledge"})
        group.action_resolve()
        self.look()
        self.carry()
        self.assertEqual(pager.incidents, {})
        self.assertNotIn(KEY, str(self.deliveries().read()))

    def test_incident_does_not_stay_open_when_its_trigger_came_late(self):
        pager, __ = self.pagerduty()
        pager.status = 503
        group = self.break_badly()
        self.look()
        self.carry()
        group.action_resolve()
        self.look()
        trigger, resolve = self.deliveries(channel_kind="pagerduty")
        pager.status = 200
        resolve.channel_id.rests_until = False
        self.env.flush_all()
        resolve._as_runner()._job_deliver()
        self.env.invalidate_all()
        self.assertEqual(resolve.state, "waiting", "behind its trigger")
        self.carry()
        self.carry()
        self.assertEqual((trigger.state, resolve.state), ("arrived", "arrived"))
        self.assertEqual(pager.incidents, {})

    def test_webhook_is_signed(self):
        hook = self.receiver()
        hook.as_webhook(SECRET)
        channel = self.channel("webhook", hook.url, secret=SECRET)
        group = self.break_badly()
        self.look()
        self.carry()
        body = hook.bodies[0]
        self.assertEqual(
            set(body), {"level", "message", "timestamp", "error", "context", "service"}
        )
        self.assertEqual(
            (body["level"], body["service"], body["error"]["type"]),
            ("critical", "pharmacy_sync", "data_corrupted"),
        )
        error = group.error_ids
        self.assertEqual(
            (body["error"]["category"], body["error"]["message"]),
            (error.category, "checksum mismatch"),
        )
        self.assertNotIn("code", body["error"])
        self.assertEqual(
            body["context"]["correlation_id"], self.alerts().correlation_id
        )
        self.assertEqual(self.deliveries(channel_id=channel.id).state, "arrived")
        # Two secrets sign while one takes the place of the other.
        shown = channel.action_new_secret()["context"]["default_key"]
        self.assertNotEqual(shown, SECRET)
        group.action_resolve()
        self.look()
        self.carry()
        self.assertEqual(hook.bodies[-1]["context"]["status"], "resolved")
        hook.as_webhook(shown)
        self.send_test(channel)
        channel.action_end_previous_secret()
        hook.as_webhook(SECRET)
        with self.assertRaises(UserError):
            self.send_test(channel)

    def test_a_program_gets_the_code_of_an_error_and_the_type_without_one(self):
        hook = self.receiver()
        hook.as_webhook(SECRET)
        self.channel("webhook", hook.url, secret=SECRET)
        self.rule("error_spike").severity = "high"
        self.go_wrong(HttpError(404, "order_unknown", "Order is unknown"), times=6)
        self.look()
        self.carry()
        self.assertEqual(hook.bodies[-1]["error"]["code"], "order_unknown")
        alert = self.alerts()
        # Its errors are not kept any more.
        alert.write({"sent_severity": False, "correlation_id": False})
        alert._notify()
        self.carry()
        self.assertEqual(hook.bodies[-1]["error"], {"type": alert.data["type"]})

    def linear_answers(self, path, headers, body):
        asked = json.loads(body)
        self.asked.append(asked)
        if headers["authorization"] != "lin_api_key":
            error = {"message": "no", "extensions": {"code": "AUTHENTICATION_ERROR"}}
            return 400, json.dumps({"errors": [error]}).encode()
        query = asked["query"]
        nodes = [{"id": "done", "position": 2.0}, {"id": "shipped", "position": 3.0}]
        data = {
            "issueCreate": {
                "success": True,
                "issue": {"id": "i1", "identifier": "PH-1", "url": "https://l.app/1"},
            },
            "commentCreate": {"success": True, "comment": {"id": "c", "url": "x"}},
            "issueUpdate": {"success": True},
            "issue": {"team": {"states": {"nodes": nodes}}},
            "team": {"id": "t", "name": "Clinic"},
        }
        order = ("issueCreate", "commentCreate", "issueUpdate", "issue(", "team(")
        name = next(name for name in order if name in query).rstrip("(")
        return 200, json.dumps({"data": {name: data[name]}}).encode()

    def test_linear_issue_is_made_commented_on_and_closed(self):
        self.asked = []
        linear = self.receiver()
        linear.answers = self.linear_answers
        channel = self.channel("linear", linear.url, secret="lin_api_key", team="t")
        self.assertIn("Clinic", self.send_test(channel))
        group = self.break_badly()
        self.look()
        self.carry()
        made = self.asked[-1]["variables"]["input"]
        self.assertEqual((made["teamId"], made["priority"]), ("t", 1))
        delivery = self.deliveries(kind="opened", channel_kind="linear")
        self.assertEqual((delivery.reference, delivery.link), ("i1", "https://l.app/1"))
        group.action_resolve()
        self.look()
        self.carry()
        names = [ask["query"].split("{")[1].split("(")[0].strip() for ask in self.asked]
        self.assertEqual(names[-3:], ["commentCreate", "issue", "issueUpdate"])
        self.assertEqual(self.asked[-1]["variables"]["input"], {"stateId": "done"})
        # It comes again: no second issue.
        self.pass_time(10)
        self.break_badly()
        self.env.cr.postcommit.run()
        self.look()
        self.carry()
        self.assertIn("commentCreate", self.asked[-1]["query"])
        self.assertEqual(self.asked[-1]["variables"]["input"]["issueId"], "i1")

    def mail_server(self, **options):
        """A real SMTP server, and the messages that it took.

        :param options: of ``aiosmtpd``
        """
        taken = []

        class Handler:
            async def handle_DATA(self, server, session, envelope):  # noqa: N802
                policy = email.policy.default
                taken.append(
                    (
                        envelope.rcpt_tos,
                        email.message_from_bytes(envelope.content, policy=policy),
                    )
                )
                return "250 OK"

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Controller(Handler(), hostname="127.0.0.1", port=port, **options)
        server.start()
        self.addCleanup(server.stop)
        # Odoo keeps its tests from sending mail.
        self.patch(
            self.env.registry["ir.mail_server"], "_disable_send", lambda s: False
        )
        return port, taken

    def settings(self, **values):
        """Set variables of the environment of the server."""
        for name, value in values.items():
            known = os.environ.get(name)
            os.environ[name] = str(value)
            if known is None:
                self.addCleanup(os.environ.pop, name, None)
            else:
                self.addCleanup(os.environ.__setitem__, name, known)

    def test_mail_by_the_server_of_the_settings(self):
        def authenticate(server, session, envelope, mechanism, data):
            right = (data.login, data.password) == (b"clinic", b"hush")
            return AuthResult(success=right)

        port, taken = self.mail_server(
            authenticator=authenticate, auth_required=True, auth_require_tls=False
        )
        self.settings(
            NOTIFICATION_EMAIL_SMTP_HOST="127.0.0.1",
            NOTIFICATION_EMAIL_SMTP_PORT=port,
            NOTIFICATION_EMAIL_SMTP_FROM="alerts@clinic.example",
            NOTIFICATION_EMAIL_SMTP_USER="clinic",
            NOTIFICATION_EMAIL_SMTP_PASS="hush",
        )
        channel = self.channel("email", emails="boss@clinic.example, it@clinic.example")
        self.backend.responsible_id = self.operator
        self.operator.email = "operator@clinic.example"
        self.break_badly()
        self.look()
        self.carry()
        ((to, message),) = taken
        self.assertEqual(
            set(to),
            {"boss@clinic.example", "it@clinic.example", "operator@clinic.example"},
        )
        self.assertEqual(
            message["Subject"], "[CRITICAL] Critical error: Data corrupted"
        )
        self.assertIn("alerts@clinic.example", message["From"])
        text = message.get_body(("plain",)).get_content()
        self.assertIn(self.alerts().correlation_id, text)
        self.assertIn("checksum mismatch", text)
        self.settings(NOTIFICATION_EMAIL_SMTP_PASSWORD="wrong")
        with self.assertRaises(UserError), mute_logger(MAIL):
            self.send_test(channel)
        self.settings(NOTIFICATION_EMAIL_SMTP_ENCRYPTION="ssl")
        with self.assertRaisesRegex(UserError, "(?i)ssl"), mute_logger(MAIL):
            self.send_test(channel)

    def test_mail_by_odoos_own_server(self):
        port, taken = self.mail_server()
        self.env["ir.mail_server"].search([]).active = False
        self.env["ir.mail_server"].create(
            {"name": "Clinic", "smtp_host": "127.0.0.1", "smtp_port": port}
        )
        self.backend.company_id.email = "clinic@clinic.example"
        channel = self.channel("email", emails="boss@clinic.example")
        self.assertIn("took it", self.send_test(channel))
        self.assertTrue(taken[0][1]["Subject"].startswith("[LOW] Test"))

    def test_mail_that_nobody_takes_is_tried_again(self):
        self.patch(
            self.env.registry["ir.mail_server"], "_disable_send", lambda s: False
        )
        self.settings(
            NOTIFICATION_EMAIL_SMTP_HOST="127.0.0.1", NOTIFICATION_EMAIL_SMTP_PORT=9
        )
        self.backend.company_id.email = False
        channel = self.channel("email", emails="boss@clinic.example")
        self.assertIn("email address of the company", channel.missing)
        self.backend.company_id.email = "clinic@clinic.example"
        self.assertFalse(channel.missing)
        self.break_badly()
        self.look()
        self.carry()
        self.assertEqual(self.deliveries(channel_kind="email").state, "waiting")
        self.assertFalse(self.alerts().notified_at)

    def test_mail_to_nobody_says_so(self):
        port, taken = self.mail_server()
        self.settings(
            NOTIFICATION_EMAIL_SMTP_HOST="127.0.0.1", NOTIFICATION_EMAIL_SMTP_PORT=port
        )
        self.backend.company_id.email = "clinic@clinic.example"
        channel = self.channel("email", user_ids=self.operator.ids)
        self.operator.partner_id.email = False
        with self.assertRaisesRegex(UserError, "No recipient has an email address"):
            self.send_test(channel)
        self.break_badly()
        self.look()
        self.carry()
        delivery = self.deliveries(channel_kind="email", kind="opened")
        self.assertTrue(delivery.answer.startswith("No recipient has an email address"))
        self.assertFalse(self.alerts().notified_at)
        self.assertFalse(taken)

    def test_sms_says_what_is_missing(self):
        channel = self.channel("sms", phones="+34600000000")
        if "sms.sms" not in self.env:
            self.assertIn("SMS", channel.missing)

    def test_sms_goes_to_each_number_as_its_country_has_it(self):
        spain, portugal = self.env.ref("base.es"), self.env.ref("base.pt")
        self.backend.company_id.partner_id.country_id = spain
        self.operator.partner_id.write({"phone": "21 600 0111", "country_id": portugal})
        self.user.partner_id.phone = False
        channel = self.channel("sms", phones="600 123 987, 600 123 988")
        __, other = self.slack()
        self.send_test(other)
        test = self.deliveries(kind="test")
        channel.user_ids = self.operator + self.user
        sent = channel._compose(test)
        self.assertIn("Test of the channel", sent["text"])
        formatted = self.env["res.partner"]._phone_format
        self.assertEqual(
            sent["to"],
            [
                formatted(number="21 600 0111", country=portugal) or "21 600 0111",
                formatted(number="600 123 987", country=spain) or "600 123 987",
                formatted(number="600 123 988", country=spain) or "600 123 988",
            ],
        )
        channel.write({"user_ids": False, "phones": False})
        self.assertEqual(channel._compose(test)["to"], [])

    def test_in_odoo_for_those_who_are_not_there(self):
        self.first.filtered(lambda c: c.kind == "in_app").active = True
        self.backend.responsible_id = self.operator
        self.break_badly()
        self.look()
        alert = self.alerts()
        self.assertTrue(alert.notified_at)
        self.assertEqual(alert.activity_ids.user_id, self.operator)
        self.assertTrue(self.notes("Critical error"))
        delivery = self.deliveries()
        self.assertEqual((delivery.state, delivery.attempts), ("arrived", 1))
        self.assertEqual(delivery.backend_id, self.backend)
        self.assertEqual(delivery.company_id, self.backend.company_id)
        self.assertEqual(delivery.title, alert.title)

    def test_what_is_looked_after_leaves_no_activity_when_it_gets_worse(self):
        self.first.filtered(lambda c: c.kind == "in_app").active = True
        self.backend.responsible_id = self.operator
        rule = self.rule("error_spike")
        rule.severity = "medium"
        self.go_wrong(times=6)
        self.look()
        alert = self.alerts()
        alert.action_acknowledge()
        self.go_wrong(times=20)
        self.look()
        self.assertEqual((alert.severity, alert.state), ("high", "acknowledged"))
        self.assertEqual(alert.notified_times, 2)
        self.assertFalse(alert.activity_ids)

    def test_a_channel_in_odoo_is_tested_by_who_looks_at_it(self):
        channel = self.first.filtered(lambda c: c.kind == "in_app")
        channel.active = True
        self.assertIn("You are looking at it.", self.send_test(channel))

    def test_test_says_what_the_receiver_answered(self):
        slack, channel = self.slack()
        answer = self.send_test(channel.with_user(self.operator))
        self.assertIn("HTTP 200: ok", answer)
        slack.status, slack.body = 404, b"no_service"
        with self.assertRaisesRegex(UserError, "404.*no_service"):
            self.send_test(channel)
        tests = self.deliveries(kind="test")
        self.assertEqual(tests.mapped("state"), ["arrived", "failed"])
        with self.assertRaises(UserError):
            channel.with_user(self.user).action_send_test()


@tagged("post_install", "-at_install")
class TestDeliveries(ChannelCase):
    """What does not answer holds up nobody, and what failed is not forgotten."""

    def test_dead_channel_holds_up_no_other(self):
        self.channel("slack", "http://127.0.0.1:9/services/x", name="dead")
        pager, __ = self.pagerduty()
        self.break_badly()
        self.look()
        self.carry()
        self.assertEqual(len(pager.incidents), 1)
        self.assertTrue(self.alerts().notified_at)
        dead = self.deliveries(channel_kind="slack")
        self.assertEqual((dead.state, dead.attempts), ("waiting", 1))
        self.assertGreater(dead.eta, fields.Datetime.now())
        self.assertEqual(dead.channel_id.failures, 1, "in a row")

    def test_a_page_offers_the_severities_of_the_kind_that_is_chosen(self):
        with Form(self.env["sync.alert.channel"]) as form:
            form.name = "Night"
            form.kind = "pagerduty"
            self.assertEqual(
                [form.low, form.medium, form.high, form.critical],
                [False, False, False, True],
            )
            form.kind = "slack"
            self.assertEqual(
                [form.low, form.medium, form.high, form.critical],
                [False, True, True, True],
            )

    def test_a_channel_takes_no_rule_of_another_company(self):
        """Its receiver would hear of that company's alerts."""
        channel = self.channel("slack", "http://127.0.0.1:9/services/x")
        rule = self.rule("critical_error").copy(
            {"backend_id": self.second_backend().id}
        )
        with self.assertRaises(ValidationError):
            channel.rule_ids = rule
        channel.rule_ids = self.rule("critical_error")

    def fail_in_odoo(self):
        """Have what is shown in Odoo fail."""

        def message_post(record, **kwargs):
            raise ValueError("no mail today")

        self.first.filtered(lambda c: c.kind == "in_app").active = True
        self.patch(self.env.registry["sync.backend"], "message_post", message_post)

    def look_and_log(self):
        """What the server's log says of a look that fails somewhere."""
        with self.assertLogs(NOTIFY, "CRITICAL") as logged:
            AlertCase.look(self)
        return "\n".join(logged.output)

    def test_a_channel_that_fails_keeps_no_other_from_being_notified(self):
        self.fail_in_odoo()
        slack, __ = self.slack()
        self.only("error_spike")
        self.go_wrong(times=6)
        text = self.look_and_log()
        self.assertIn("channel In Odoo failed", text)
        self.assertIn("no mail today", text)
        self.assertNotIn("could not notify", text)
        self.assertFalse(self.alerts().held)
        self.carry()
        self.assertEqual(len(slack.got), 1)
        self.assertTrue(self.alerts().notified_at)

    def test_an_alert_that_all_channels_fail_at_is_due_still(self):
        self.fail_in_odoo()
        self.only("error_spike")
        self.go_wrong(times=6)
        text = self.look_and_log()
        self.assertIn("channel In Odoo failed", text)
        __, __, whole = text.partition("could not notify of alerts")
        self.assertIn("no mail today", whole)
        self.assertIn(self.alerts().correlation_id, whole)
        alert = self.alerts()
        self.assertEqual((alert.held, alert.sent_severity), ("failed", False))

    def test_what_is_done_to_channels_holds_from_the_next_look_on(self):
        slack, channel = self.slack()
        other, changed = self.slack()
        self.break_badly("one")
        self.look()
        channel.unlink()
        late, __ = self.slack()
        self.break_badly("two")
        self.look()
        self.carry()
        found = [len(receiver.got) for receiver in (slack, other, late)]
        self.assertEqual(found, [0, 2, 1])
        changed.critical = False
        self.break_badly("three")
        self.look()
        self.carry()
        found = [len(receiver.got) for receiver in (slack, other, late)]
        self.assertEqual(found, [0, 2, 2])

    def test_a_channel_says_what_keeps_it_from_being_used(self):
        self.backend.company_id.email = "clinic@clinic.example"
        url, key = "http://127.0.0.1:9/x", {"secret": KEY}
        address, team = "Enter the address", "Enter the id of the team."
        for kind, values, missing in (
            ("in_app", {}, ""),
            ("email", {}, ""),
            ("slack", {}, address),
            ("slack", {"address": url}, ""),
            ("webhook", {}, address),
            ("webhook", {"address": url}, ""),
            ("pagerduty", {}, "Enter the key"),
            ("pagerduty", key, ""),
            ("linear", {}, "Enter the key"),
            ("linear", key, team),
            ("linear", {**key, "team": "t"}, ""),
        ):
            with self.subTest(kind, **values):
                found = self.channel(kind, **values).missing or ""
                self.assertEqual(bool(found), bool(missing), found)
                self.assertIn(missing, found)

    def test_a_webhook_has_a_secret_from_its_first_moment_on(self):
        address = {"address": "http://127.0.0.1:9/x"}
        self.assertTrue(self.channel("webhook", **address).secret)
        self.assertFalse(self.channel("slack", **address).secret)
        mine = self.channel("webhook", **address, secret=SECRET).sudo()
        self.assertEqual(mine._unsealed("secret"), SECRET)

    def test_a_channel_is_read_by_the_clock_of_who_makes_it(self):
        for tz, expected in (("Asia/Kolkata", "Asia/Kolkata"), (False, "UTC")):
            self.env.user.tz = tz
            channel = self.channel("slack")
            with self.subTest(tz):
                self.assertEqual(channel.tz, expected)

    def test_an_address_that_was_entered_is_used_where_the_server_has_none(self):
        address = "http://127.0.0.1:9/mine"
        channel = self.channel("slack", address, from_settings=True)
        self.assertEqual(channel._target(), address)
        self.assertEqual(self.channel("slack", from_settings=True)._target(), "")

    def test_a_company_has_one_channel_of_each_kind_with_its_first_backend(self):
        backend = self.second_backend()
        Channel = self.env["sync.alert.channel"].with_context(active_test=False)
        own = [("company_id", "=", backend.company_id.id)]
        channels = Channel.search(own)
        kinds = dict(Channel._fields["kind"]._description_selection(self.env))
        self.assertEqual(sorted(channels.mapped("kind")), sorted(kinds))
        self.assertEqual(
            set(channels.filtered("from_settings").mapped("kind")),
            {"slack", "webhook", "linear"},
        )
        self.env["sync.backend"].create(
            {
                "name": "Third",
                "url": "http://127.0.0.1:9",
                "company_id": backend.company_id.id,
            }
        )
        self.assertEqual(Channel.search(own), channels)

    def test_a_channel_is_not_notified_of_itself(self):
        self.only("channel_failed")
        self.rule("channel_failed").active = True
        slack, failing = self.slack()
        other, __ = self.slack()
        failing.failures = 3
        self.look()
        self.carry()
        self.assertEqual(len(other.got), 1)
        self.assertFalse(slack.got)

    def test_failed_critical_is_reported_again_until_somebody_looks(self):
        slack, __ = self.slack()
        slack.status, slack.body = 404, b"no_service"
        self.break_badly()
        self.look()
        self.carry()
        alert, delivery = self.alerts(), self.deliveries(kind="opened")
        self.assertEqual((delivery.state, alert.held), ("failed", "failed"))
        self.assertFalse(alert.notified_at)
        self.look()
        self.assertEqual(delivery.state, "failed", "not before its time")
        delivery.done_at -= timedelta(seconds=REPEAT)
        slack.status = 200
        self.look()
        self.assertEqual(delivery.state, "waiting")
        self.carry()
        self.assertEqual((delivery.state, len(slack.got)), ("arrived", 2))
        self.assertTrue(alert.notified_at)

    def test_what_is_over_is_not_reported_late(self):
        slack, __ = self.slack()
        slack.status = 503
        group = self.break_badly()
        self.look()
        self.carry()
        group.action_resolve()
        self.look()
        slack.status = 200
        for __ in range(2):
            self.carry()
        self.assertEqual(len(slack.got), 1, "the attempt that failed")
        deliveries = self.deliveries(channel_kind="slack")
        self.assertEqual(set(deliveries.mapped("state")), {"cancelled"})

    def test_failed_of_what_is_acknowledged_is_left(self):
        slack, __ = self.slack()
        slack.status = 404
        self.break_badly()
        self.look()
        self.carry()
        self.alerts().action_acknowledge()
        delivery = self.deliveries(kind="opened")
        delivery.done_at -= timedelta(seconds=REPEAT)
        self.look()
        self.assertEqual(delivery.state, "failed")

    def test_failed_is_reported_again_for_what_is_critical_and_left_alone_only(self):
        """Of two that failed together one is looked after, the other less severe."""
        slack, channel = self.slack()
        slack.status = 404
        self.break_badly("one")
        self.go_wrong(times=6)
        self.look()
        self.carry()
        critical = self.alerts(severity="critical")
        critical.action_acknowledge()
        lesser = self.alerts() - critical
        self.deliveries().unlink()
        together = self.env["sync.delivery"].create(
            {
                "channel_id": channel.id,
                "kind": "opened",
                "state": "failed",
                "alert_ids": [Command.set((critical | lesser).ids)],
                "done_at": fields.Datetime.now() - timedelta(seconds=REPEAT),
            }
        )
        self.look()
        self.assertEqual(together.state, "failed")
        lesser.severity = "critical"
        self.look()
        self.assertEqual(together.state, "waiting")

    def test_retry_after_is_obeyed_by_all_deliveries_of_the_channel(self):
        slack, channel = self.slack()
        slack.status, slack.headers = 429, {"Retry-After": "120"}
        self.break_badly("one")
        self.look()
        self.carry()
        first = self.deliveries(kind="opened")
        now = fields.Datetime.now()
        self.assertGreater(first.eta, now + timedelta(seconds=100))
        self.assertGreater(channel.rests_until, now + timedelta(seconds=100))
        self.break_badly("two")
        self.look()
        self.carry(everything=False)
        self.assertEqual(len(slack.got), 1, "nothing else is sent either")
        second = self.deliveries(kind="opened") - first
        self.assertEqual((second.attempts, second.state), (0, "waiting"))
        self.assertGreater(second.eta, now + timedelta(seconds=100))
        key = f"pharmacy_sync delivery {second.id} 0 %"
        then = self.env["queue.job"].search([("identity_key", "=like", key)])
        self.assertIn(
            second.eta.replace(microsecond=0) + timedelta(seconds=1), then.mapped("eta")
        )

    def test_one_worker_at_a_time_waits_for_a_receiver(self):
        slack, __ = self.slack()
        for name in ("apples", "pears"):
            self.break_badly(f"no {name}")
        self.look()
        waiting = self.deliveries(kind="opened")
        self.assertTrue(waiting[0]._as_runner()._begin())
        self.env.flush_all()
        waiting[1]._as_runner()._job_deliver()
        self.env.invalidate_all()
        self.assertEqual((waiting[1].attempts, waiting[1].state), (0, "waiting"))
        self.assertFalse(slack.got)

    def test_what_is_on_its_way_to_one_channel_holds_up_no_other(self):
        """A receiver that hangs has a worker wait for it, and nothing else."""
        slow, channel = self.slack()
        pager, __ = self.pagerduty()
        self.break_badly()
        self.look()
        hanging = self.deliveries(channel_id=channel.id)
        self.assertTrue(hanging._as_runner()._begin())
        self.carry(everything=False)
        self.assertEqual((hanging.state, len(slow.got)), ("sending", 0))
        self.assertEqual(len(pager.incidents), 1)
        self.assertTrue(self.alerts().notified_at)

    def test_delivery_of_a_worker_that_died_is_taken_up(self):
        self.slack()
        self.break_badly()
        self.look()
        delivery = self.deliveries(kind="opened")
        self.assertTrue(delivery._as_runner()._begin())
        delivery.lease -= timedelta(minutes=5)
        jobs = self.env["queue.job"].search_count([])
        self.recover()
        self.assertGreater(self.env["queue.job"].search_count([]), jobs)
        self.env.flush_all()
        delivery._as_runner()._job_deliver()
        self.env.invalidate_all()
        self.assertEqual((delivery.state, delivery.attempts), ("arrived", 2))

    def test_internal_address_is_refused(self):
        slack, channel = self.slack()
        channel.internal = False
        with self.assertRaisesRegex(UserError, "internal"):
            self.send_test(channel)
        self.assertFalse(slack.got)

    def test_internal_address_is_allowed_with_the_address_in_any_order(self):
        slack, channel = self.slack()
        address = f"{slack.url}/services/y"
        for values in (
            {"internal": True, "address": address},
            {"address": address, "internal": True},
        ):
            with self.subTest(values):
                channel.write({"address": "https://hooks.example/x"})
                self.assertFalse(channel.internal, "another host")
                channel.write(values)
                self.assertTrue(channel.internal)
                known = {"name": "New", "kind": "slack", **values}
                self.assertTrue(self.env["sync.alert.channel"].create(known).internal)

    def test_key_stays_with_the_receiver_that_it_was_entered_for(self):
        pager, channel = self.pagerduty()
        channel.address = "https://elsewhere.example"
        self.assertFalse(channel.secret)
        channel.write({"address": f"{pager.url}/", "secret": KEY})
        channel.address = pager.url
        self.assertTrue(channel.secret, "it is the same place")
        # As a person fills a form in: the key, then the address.
        channel.write({"secret": KEY, "address": "https://events.eu.example"})
        self.assertTrue(channel.secret, "it is the new place's")

    def test_why_a_message_was_not_sent_is_nothing_that_its_receiver_said(self):
        __, channel = self.slack()
        about = {"kind": "opened", "channel_id": channel.id}
        self.env["sync.delivery"].create(
            [
                {**about, "state": "failed", "answer": "HTTP 500: broken"},
                {**about, "state": "cancelled", "answer": "It was resolved before."},
            ]
        )
        self.assertEqual(channel._latest_answer(), "HTTP 500: broken")

    def test_send_again(self):
        slack, __ = self.slack()
        slack.status = 404
        self.break_badly()
        self.look()
        self.carry()
        delivery = self.deliveries(kind="opened")
        slack.status = 200
        with self.assertRaises(UserError):
            delivery.with_user(self.user).action_send_again()
        delivery.with_user(self.operator).action_send_again()
        self.carry()
        self.assertEqual(delivery.state, "arrived")
        ids = {headers.get("webhook-id") for __, headers, __ in slack.got}
        self.assertEqual(len(ids), 1)

    def test_secrets_are_shown_nowhere(self):
        slack, channel = self.slack()
        slack.status, slack.body = 404, b"no: password=hunter2hunter2"
        self.break_badly()
        self.look()
        self.carry()
        self.assertEqual(channel.address, "********")
        self.assertEqual(channel.place, "http://127.0.0.1")
        manager = new_test_user(self.env, "boss", "pharmacy_sync.group_manager")
        for records in (channel, self.deliveries()):
            said = str(records.with_user(manager).read())
            self.assertNotIn("services/T/B", said)
            self.assertNotIn("hunter2", said)


@tagged("post_install", "-at_install")
class TestRouting(ChannelCase):
    """Each switch of a channel does what it says."""

    def reported(self, *found):
        self.carry()
        return [len(receiver.got) for receiver in found]

    def test_by_severity_and_rule_and_backend(self):
        all_of_them, __ = self.slack()
        none, __ = self.slack(critical=False)
        other_rule, __ = self.slack(
            rule_ids=[Command.set(self.rule("breaker_opened").ids)]
        )
        other = self.backend.copy({"name": "Other"})
        other_backend, __ = self.slack(backend_id=other.id)
        self.break_badly()
        self.look()
        found = self.reported(all_of_them, none, other_rule, other_backend)
        self.assertEqual(found, [1, 0, 0, 0])

    def test_the_person_who_connects_a_backend_is_responsible_for_it(self):
        manager = new_test_user(self.env, "connects", "pharmacy_sync.group_manager")
        Backend = self.env["sync.backend"].with_user(manager)
        backend = Backend.create({"name": "Mine", "url": "https://app.example"})
        self.assertEqual(backend.responsible_id, manager)
        machine = self.env["sync.backend"].with_user(SUPERUSER_ID)
        backend = machine.create({"name": "Its", "url": "https://app2.example"})
        self.assertFalse(backend.responsible_id)

    def test_other_companys_channel_hears_nothing(self):
        company = self.env["res.company"].create({"name": "Other Clinic"})
        slack, __ = self.slack(company_id=company.id)
        self.break_badly()
        self.look()
        self.assertEqual(self.reported(slack), [0])

    def test_kinds_are_read_by_their_names(self):
        kinds = self.env["sync.alert.channel"].fields_get(["kind"])["kind"]
        self.assertEqual(dict(kinds["selection"])["pagerduty"], "PagerDuty")
        # Odoo's pages show what is on record of a field that is a list of choices.
        known = self.env["ir.model.fields"].get_field_selection(
            "sync.alert.channel", "kind"
        )
        self.assertEqual(dict(known), dict(kinds["selection"]))

    def test_what_was_sent_is_shown_as_graph_and_pivot(self):
        for name in ("sync_alert", "sync_delivery", "sync_escalation"):
            action = self.env.ref(f"pharmacy_sync.action_{name}")
            for view_type in ("graph", "pivot"):
                with self.subTest(name, view=view_type):
                    self.assertIn(view_type, action.view_mode.split(","))
                    view = self.env["ir.ui.view"].search(
                        [("model", "=", action.res_model), ("type", "=", view_type)]
                    )
                    self.assertTrue(view)
        shown = self.env["ir.ui.view"].search(
            [("model", "=", "sync.delivery"), ("type", "=", "pivot")]
        )
        self.assertIn('name="took"', shown.arch, "how long delivery took")

    def test_by_default_as_severe_as_the_road(self):
        makes = self.env["sync.alert.channel"]._severities_of
        found = {
            kind: [name for name, on in makes(kind).items() if on]
            for kind in ("slack", "email", "webhook", "pagerduty", "sms", "in_app")
        }
        self.assertEqual(
            found,
            {
                "slack": ["medium", "high", "critical"],
                "email": ["high", "critical"],
                "webhook": ["high", "critical"],
                "pagerduty": ["critical"],
                "sms": ["critical"],
                "in_app": ["medium", "high", "critical"],
            },
        )

    # pylint: disable-next=missing-return
    def test_what_no_channel_takes_is_in_the_log(self):
        self.rule("error_spike").severity = "low"
        self.slack()
        self.go_wrong(times=6)
        with self.assertLogs(NOTIFY, "WARNING") as logged:
            super(ChannelCase, self).look()  # pylint: disable=super-method-mismatch
        alert = self.alerts()
        self.assertEqual((alert.held, alert.notified_at), ("logged", False))
        self.assertIn(alert.correlation_id, logged.output[0])
        self.look()
        self.assertEqual(alert.sent_times, 1)

    def test_at_other_hours_only_what_is_critical(self):
        slack, channel = self.slack(limited_hours=True, tz="UTC")
        now = fields.Datetime.now()
        hour = now.hour + now.minute / 60
        channel.write({"hour_from": (hour + 2) % 24, "hour_to": (hour + 3) % 24 or 24})
        self.rule("error_spike").severity = "high"
        self.go_wrong(times=6)
        self.look()
        waiting = self.deliveries(kind="opened")
        self.assertGreater(waiting.eta, now + timedelta(hours=1))
        self.break_badly()
        self.look()
        self.carry(everything=False)
        (message,) = slack.bodies
        self.assertIn("CRITICAL", message["text"])

    def test_switched_off_channel(self):
        slack, channel = self.slack()
        self.break_badly()
        self.look()
        channel.active = False
        self.assertEqual(self.reported(slack), [0])
        self.assertEqual(self.deliveries(kind="opened").state, "cancelled")
        self.assertFalse(self.alerts().held, "it was not even tried")
        # Who did not hear of the beginning does not hear of the end.
        channel.active = True
        self.alerts().action_resolve()
        self.assertEqual(self.deliveries().mapped("kind"), ["opened"])

    def test_notifications_switched_off(self):
        slack, __ = self.slack()
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("pharmacy_sync.feature_notifications", "False")
        self.break_badly()
        self.look()
        self.assertEqual(self.reported(slack), [0])
        self.assertEqual(len(self.alerts()), 1, "it is on the list")
        parameters.set_param("pharmacy_sync.feature_notifications", "True")
        self.look()
        self.assertEqual(self.reported(slack), [1])

    def test_addresses_of_the_servers_settings(self):
        hook, slack, linear = self.receiver(), self.receiver(), self.receiver()
        slack.as_slack()
        for name, value in (
            ("ERROR_ALERT_WEBHOOK_URL", hook.url),
            ("NOTIFICATION_SLACK_WEBHOOK", f"{slack.url}/services/x"),
            ("LINEAR_API_KEY", "lin_api_key"),
            ("LINEAR_TEAM_ID", "t"),
        ):
            TestRoads.settings(self, **{name: value})
        self.first.filtered(lambda c: c.kind in ("slack", "webhook")).active = True
        self.first.sudo().internal_host = "127.0.0.1"
        self.first.digest = 0
        self.asked, linear.answers = [], lambda *a: TestRoads.linear_answers(self, *a)
        self.channel("linear", linear.url, from_settings=True)
        self.break_badly()
        self.look()
        self.assertEqual(self.reported(hook, slack, linear), [1, 1, 1])
        self.assertEqual(self.asked[0]["variables"]["input"]["teamId"], "t")
        # The server's key goes to no host that only a manager has entered.
        keyed = self.env["sync.alert.channel"].search([("kind", "=", "linear")])
        keyed.filtered("from_settings").address = "https://elsewhere.example"
        targets = {c._target() for c in keyed.filtered("from_settings")}
        self.assertEqual(targets, {"https://api.linear.app"})
        # Another channel of the kind keeps to its own.
        mine, channel = self.slack()
        self.assertIn(mine.url, channel._target())


@tagged("post_install", "-at_install")
class TestNoFloods(ChannelCase):
    """One thing that is wrong is one message, and what is critical gets through."""

    def spikes(self, *messages):
        for message in messages:
            self.go_wrong(HttpError(404, None, message), times=6)
            self.look()
            self.pass_time(61)

    def test_digest_of_a_minute_does_not_hide_what_is_critical(self):
        slack, __ = self.slack(digest=60)
        self.spikes("Order one", "Order two", "Order three")
        self.break_badly()
        self.look()
        self.carry(everything=False)
        (message,) = slack.bodies
        self.assertIn("CRITICAL", message["text"])
        self.carry()
        reported = [body for body in slack.bodies if "RESOLVED" not in body["text"]]
        self.assertEqual(len(reported), 2)
        digest = reported[1]
        self.assertIn("3 alerts", digest["text"])
        together = self.deliveries(kind="opened").filtered(
            lambda d: len(d.alert_ids) == 3
        )
        self.assertEqual(together.backend_id, self.backend)
        self.assertEqual((together.title, together.what), ("3 alerts", "3 alerts"))
        self.assertEqual(digest["attachments"][0]["text"].count("•"), 3)
        everything = self.alerts("open", "resolved")
        self.assertEqual(len(everything.filtered("notified_at")), 4)

    def test_a_digest_of_two_backends_is_of_neither(self):
        slack, __ = self.slack(digest=60)
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://127.0.0.1:9"}
        )
        for backend in self.backend | other:
            error = HttpError(404, None, f"Of {backend.name}")
            self.go_wrong(error, times=6, backend_id=backend.id)
        self.look()
        self.carry()
        (message,) = slack.bodies
        delivery = self.deliveries()
        self.assertEqual(delivery.alert_ids.backend_id, self.backend | other)
        self.assertFalse(delivery.backend_id)
        facts = message["attachments"][0]["fields"]
        both = next(fact["value"] for fact in facts if fact["title"] == "Backends")
        self.assertEqual(set(both.split(", ")), {self.backend.name, other.name})

    def test_an_app_that_is_down_is_one_message_and_its_end_another(self):
        self.only("breaker_opened", "error_spike")
        slack, __ = self.slack(digest=60)
        # What follows from it was noticed first.
        self.go_wrong(times=6)
        self.look()
        breakers = self.backend.breaker_ids
        breakers._set_mode("forced_open", "no answer")
        self.look()
        self.carry()
        (message,) = slack.bodies
        self.assertIn("No connection to Test Pharmacy", message["text"])
        self.assertNotIn("alerts", message["text"])
        breakers._set_mode("disabled", "it answers")
        self.pass_time(120)
        self.look()
        self.carry()
        said = [body["text"] for body in slack.bodies[1:]]
        self.assertEqual(len(said), 1, said)
        self.assertIn("[RESOLVED] No connection", said[0])

    def test_what_does_not_follow_from_an_app_that_is_down_is_named_beside_it(self):
        self.only("breaker_opened", "handler_failed")
        slack, __ = self.slack(digest=60, low=True)
        self.make_order()
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.flood(1)
        self.look()
        self.pass_time(61)
        self.backend.breaker_ids._set_mode("forced_open", "no answer")
        self.look()
        self.carry()
        (message,) = slack.bodies
        self.assertIn("No connection to Test Pharmacy", message["text"])
        self.assertTrue(message["text"].endswith(", and 1 more"), message["text"])
        (said,) = message["attachments"]
        parts = [part for part in said["text"].splitlines() if part.startswith("•")]
        self.assertEqual(len(parts), 2)
        self.assertEqual(len([part for part in parts if "No connection" in part]), 1)

    def test_ten_thousand_equal_errors_are_one_page(self):
        pager, __ = self.pagerduty()
        slack, __ = self.slack()
        self.only("critical_error")
        with mute_logger(RECORDED):
            self.go_wrong(DataCorruptedError("checksum mismatch"), times=10_000)
        for __ in range(3):
            self.look()
            self.carry()
        self.assertEqual((len(pager.got), len(slack.got)), (1, 1))
        self.assertEqual(self.alerts().count, 10_000)

    def test_interval_of_the_settings(self):
        slack, __ = self.slack()
        self.rule("handler_failed").severity = "high"
        self.make_order()
        self.push()
        self.flood(15)
        self.look()
        self.carry()
        self.assertEqual(len(slack.got), 10)
        self.env["ir.config_parameter"].set_param("pharmacy_sync.alert_rate_limit", 20)
        self.pass_time(25)
        self.look()
        self.carry()
        self.assertEqual(len(slack.got), 11)
        self.assertIn("5 alerts", slack.bodies[-1]["text"])

    def test_silences(self):
        slack, __ = self.slack()
        group = self.break_badly()
        self.look()
        self.carry()
        alert = self.alerts()
        about = {
            "alert_id": alert.id,
            "group_id": group.id,
            "backend_id": self.backend.id,
            "rule_id": alert.rule_id.id,
        }
        Silence = self.env["sync.alert.silence"].with_user(self.operator)
        for name, value in about.items():
            with self.subTest(name):
                alert.write({"sent_severity": "high", "sent_at": False})
                count = len(slack.got)
                silence = Silence.create({"reason": "known", name: value})
                self.look()
                self.assertEqual(alert.held, "silenced")
                silence.action_end()
                self.assertFalse(silence.active_now, "nor in the second it began in")
                self.look()
                self.carry()
                self.assertEqual(len(slack.got), count + 1)

    def test_a_silence_has_a_reason_an_end_and_something_to_silence(self):
        Silence = self.env["sync.alert.silence"].with_user(self.operator)
        rule = {"rule_id": self.rule("breaker_opened").id}
        now = fields.Datetime.now()
        past, far = now - timedelta(hours=1), now + timedelta(days=100)
        for values, refusal in (
            (rule, psycopg2.IntegrityError),
            ({"reason": "known"}, ValidationError),
            ({**rule, "reason": "known", "until": past}, psycopg2.IntegrityError),
            ({**rule, "reason": "known", "until": far}, ValidationError),
        ):
            with (
                self.subTest(values),
                self.assertRaises(refusal),
                mute_logger("odoo.sql_db"),
            ):
                Silence.create(values)
        limits = {"since": now, "until": now + timedelta(days=90)}
        Silence.create({**rule, "reason": "known", **limits})
        silence = Silence.create({**rule, "reason": "known"})
        self.assertLessEqual(silence.until, now + timedelta(hours=2))
        with self.assertRaises(AccessError):
            silence.with_user(self.user).action_end()

    def test_silence_of_another_company_or_rule_covers_nothing(self):
        slack, __ = self.slack()
        company = self.env["res.company"].create({"name": "Other Clinic"})
        Silence = self.env["sync.alert.silence"]
        rule = self.rule("critical_error")
        Silence.create(
            [
                {"reason": "x", "rule_id": rule.id, "company_id": company.id},
                {"reason": "x", "rule_id": self.rule("breaker_opened").id},
            ]
        )
        self.break_badly()
        self.look()
        self.carry()
        self.assertEqual(len(slack.got), 1)

    def test_planned_maintenance(self):
        slack, __ = self.slack()
        now = fields.Datetime.now()
        window = self.env["sync.maintenance"].create(
            {
                "backend_id": self.backend.id,
                "reason": "New server",
                "start": now,
                "end": now + timedelta(hours=1),
            }
        )
        self.env["sync.maintenance"]._cron_follow()
        self.assertTrue(self.backend.maintained)
        with self.assertRaisesRegex(ValidationError, "before you delete"):
            window.unlink()  # Nothing would end it.
        order = self.make_order()
        self.push()
        self.break_badly()
        self.look()
        self.carry()
        self.assertFalse(self.app.requests(), "nothing is sent")
        self.assertFalse(slack.got, "nobody is called")
        self.env.cr.execute("UPDATE sync_maintenance SET start = start - interval '2h'")
        window.invalidate_recordset()
        window.end = now - timedelta(minutes=1)
        self.env["sync.maintenance"]._cron_follow()
        self.assertFalse(self.backend.maintained)
        self.push()
        self.assertTrue(self.mapping(order).external_id, "it goes on by itself")
        self.look()
        self.carry()
        self.assertEqual(len(slack.got), 1)
