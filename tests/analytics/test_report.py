import re
import threading
from datetime import timedelta
from functools import partial
from io import BytesIO
from unittest.mock import patch

from freezegun import freeze_time
from lxml import html
from pypdf import PdfReader

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying
from odoo.tests import Form, new_test_user, tagged

from ..common import ConcurrencyCase
from .test_statistics import StatisticsCase

REPORT = "pharmacy_sync.report_statistics"
DAY = timedelta(days=1)
NONE = "\N{EN DASH}"  # what stands where there is no figure


def words(page):
    """What a person reads on it, with single blanks."""
    tree = html.fromstring(page)
    for style in tree.xpath("//style | //script | //title"):
        style.drop_tree()
    return re.sub(r"\s+", " ", tree.text_content())


def pdf_words(content):
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    return re.sub(r"\s+", " ", text)


@tagged("post_install", "-at_install")
class TestReport(StatisticsCase):
    """The report says what the figures say, on screen and on paper."""

    def report(self, user=None, **values):
        values = {"backend_ids": [Command.set(self.backend.ids)], **values}
        self.commit()
        return self.env["sync.report"].with_user(user or self.user).create(values)

    def page(self, report):
        Report = report.env["ir.actions.report"]
        return Report._render_qweb_html(REPORT, report.ids)[0]

    def test_page_has_the_figures_of_the_range(self):
        self.fail_once()
        self.die()
        report = self.report(range="24h")
        reported = words(self.page(report))
        figures = report._figures()
        success = figures["rates"]["success"]
        for text in (
            "Test Pharmacy",
            "Errors 2 before: 0",
            f"Successful calls {success:.1f} % before: {NONE}",
            "Operations that died 1 before: 0",
            f"Failed operations that recovered 50.0 % before: {NONE}",
            "Failed changes 1",
            "Authentication failed 1",
            "Service unavailable 1",
            "Medium: 1",
            "Retry 1",
            "(still open)",
            "Test Pharmacy: Send 0",
        ):
            self.assertIn(text, reported)

    def test_bars_are_as_high_as_the_errors_are_many(self):
        self.fail_once()
        self.die()
        self.move(2)
        self.order.origin = "PH-9"
        self.app.fault("error", status=503, count=1)
        self.push()
        report = self.report(range="24h")
        chart = report._bars(report._figures()["trend"])
        self.assertEqual((chart["most"], len(chart["bars"])), (2, 24))
        heights = [sum(pixels for __, pixels in bar["parts"]) for bar in chart["bars"]]
        self.assertEqual(heights[-3:], [90, 0, 45])
        self.assertEqual(sum(map(bool, heights)), 2)
        self.assertEqual(sum(width for __, width in chart["labels"]), 24)
        tree = html.fromstring(self.page(report))
        bars = tree.xpath("//table[contains(@class, 'o_bars')]/tr[1]/td")
        drawn = [
            [div.get("class").split()[-1] for div in bar.xpath("./div")] for bar in bars
        ]
        self.assertEqual(drawn[-1], ["o_medium"])
        self.assertCountEqual(drawn[-3], ["o_high", "o_medium"])

    def test_quiet_range_is_reported_as_such(self):
        self.move(100)
        reported = words(self.page(self.report(range="24h")))
        self.assertIn("There was none.", reported)
        self.assertIn(f"Successful calls {NONE} before: {NONE}", reported)

    def test_it_speaks_the_language_of_its_reader(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.user.lang = "es_ES"
        self.fail_once()
        report = self.report(range="24h")
        report = report.with_context(lang="es_ES")
        # Decimals as they are written there, whatever is translated.
        self.assertRegex(words(self.page(report)), r"\d+,\d %")

    def test_pdf_is_made(self):
        self.fail_once()
        report = self.report(range="24h").with_context(force_report_rendering=True)
        Report = report.env["ir.actions.report"]
        content, kind = Report._render_qweb_pdf(REPORT, report.ids)
        self.assertEqual((kind, content[:5]), ("pdf", b"%PDF-"))
        reported = pdf_words(content)
        for text in ("Pharmacy Sync", "Test Pharmacy", "Errors", "before: 0", "Retry"):
            self.assertIn(text, reported)

    def test_figures_of_another_company_are_not_in_it(self):
        self.fail_once()
        company = self.env["res.company"].create({"name": "Other"})
        other = new_test_user(
            self.env,
            "report_other",
            "pharmacy_sync.group_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        report = self.report(user=other, range="24h", backend_ids=[])
        reported = words(self.page(report))
        self.assertIn("Errors 0 before: 0", reported)
        self.assertNotIn("Test Pharmacy", reported)

    def test_only_users_of_pharmacy_sync_get_one(self):
        stranger = new_test_user(self.env, "report_stranger", "base.group_user")
        with self.assertRaises(AccessError):
            self.report(user=stranger)

    def test_dialog_refuses_a_range_that_ends_before_it_begins(self):
        with Form(self.env["sync.report"].with_user(self.user)) as form:
            form.range = "custom"
            self.assertLess(form.start, form.end)
            form.start, form.end = form.end, form.start
        with self.assertRaisesRegex(UserError, "ends after"):
            form.record.action_show()
        form.record.range = "7d"
        action = form.record.action_show()
        self.assertEqual(action["report_type"], "qweb-html")
        self.assertEqual(action["context"]["active_ids"], form.record.ids)
        self.assertEqual(form.record.action_print()["report_type"], "qweb-pdf")


@tagged("post_install", "-at_install")
class TestReportSchedule(StatisticsCase):
    """A scheduled report is mailed once for each day, week or month."""

    def setUp(self):
        super().setUp()
        self.fail_once()
        self.commit()
        self.ann, self.bea = self.env["res.partner"].create(
            [
                {"name": "Ann", "email": "ann@example.com", "lang": "en_US"},
                {"name": "Bea", "email": "bea@example.com", "lang": "en_US"},
            ]
        )
        self.schedule = self.make_schedule()

    def make_schedule(self, **values):
        return self.env["sync.report.schedule"].create(
            {
                "name": "How it went",
                "backend_id": self.backend.id,
                "frequency": "daily",
                "tz": "Europe/Madrid",
                "partner_ids": [Command.set((self.ann | self.bea).ids)],
                **values,
            }
        )

    def mails(self, name="How it went"):
        return self.env["mail.mail"].search([("subject", "like", f"{name}:%")])

    def test_days_begin_where_the_one_is_who_sets_it_up(self):
        Schedule = self.env["sync.report.schedule"]
        for tz, expected in (("Asia/Kolkata", "Asia/Kolkata"), (False, "UTC")):
            self.env.user.tz = tz
            with self.subTest(tz):
                self.assertEqual(Schedule.default_get(["tz"]), {"tz": expected})

    def test_a_company_without_an_address_has_its_reports_sent_all_the_same(self):
        self.schedule.company_id.email = False
        self.env.user.email = "boss@clinic.example"
        self.schedule.action_send_now()
        self.assertIn("boss@clinic.example", self.mails().email_from)

    def run_cron(self, days):
        """What the scheduled action does so many days from now."""
        self.env.flush_all()
        with freeze_time(fields.Datetime.now() + days * DAY):
            self.env["sync.report.schedule"]._cron_send()
        self.env.invalidate_all()

    def test_a_new_schedule_begins_with_the_day_under_way(self):
        self.schedule.company_id.email = "clinic@clinic.example"
        self.run_cron(0)
        self.assertFalse(self.mails())
        self.run_cron(1)
        (mail,) = self.mails()
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(mail.email_from, self.schedule.company_id.email_formatted)
        due = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("mail.ir_cron_mail_scheduler_action").id)]
        )
        self.assertTrue(due, "and goes out at once")
        self.assertEqual(mail.recipient_ids, self.ann | self.bea)
        # All of the day on which it failed.
        self.assertIn("Errors 1 before: 0", words(mail.body_html))

    def test_each_day_is_mailed_once(self):
        for __ in range(3):
            self.run_cron(1)
        self.assertEqual(len(self.mails()), 1)
        self.run_cron(2)
        self.assertEqual(len(self.mails()), 2)
        yesterday, the_day_before = self.mails()
        self.assertNotEqual(yesterday.subject, the_day_before.subject)

    def test_days_that_were_missed_are_not_mailed_later(self):
        self.run_cron(10)
        self.assertEqual(len(self.mails()), 1)

    def test_a_day_of_a_clock_that_was_ahead_is_forgotten(self):
        self.schedule.reported_until += timedelta(days=30)
        self.run_cron(1)
        self.assertFalse(self.mails())
        self.run_cron(2)
        self.assertEqual(len(self.mails()), 1)

    def test_week_and_month_are_mailed_when_they_are_over(self):
        self.schedule.active = False
        weekly = self.make_schedule(name="Weekly", frequency="weekly")
        monthly = self.make_schedule(name="Monthly", frequency="monthly")
        for days in range(62):
            self.run_cron(days)
        # Mondays and firsts that came in these days.
        self.assertIn(len(self.mails("Weekly")), (8, 9))
        self.assertIn(len(self.mails("Monthly")), (1, 2, 3))
        self.assertEqual(weekly.reported_until.weekday(), 0)
        self.assertEqual(monthly.reported_until.day, 1)

    def test_what_failed_is_due_still(self):
        with patch.object(
            type(self.env["sync.report.schedule"]), "_mail", side_effect=OSError("full")
        ):
            self.run_cron(1)
        self.assertFalse(self.mails())
        error = self.env["sync.error"].search([("message", "like", "%full%")])
        self.assertEqual(error.backend_id, self.backend)
        self.run_cron(1)
        self.assertEqual(len(self.mails()), 1)

    def test_one_that_fails_does_not_hold_up_the_next(self):
        broken = self.make_schedule(name="Broken")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_report_schedule SET tz = 'Nowhere' WHERE id = %s", [broken.id]
        )
        self.env.invalidate_all()
        self.run_cron(1)
        self.assertEqual(len(self.mails()), 1)
        self.assertFalse(self.mails("Broken"))

    def test_each_language_gets_a_mail_of_its_own(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.bea.lang = "es_ES"
        self.schedule.with_context(lang="es_ES").name = "Cómo fue"
        self.run_cron(1)
        (english,), (spanish,) = self.mails(), self.mails("Cómo fue")
        self.assertEqual(english.recipient_ids, self.ann)
        self.assertEqual(spanish.recipient_ids, self.bea)
        self.assertRegex(words(spanish.body_html), r"\d+,\d %")

    def test_pdf_is_attached(self):
        schedule = self.schedule.with_context(force_report_rendering=True)
        self.env.flush_all()
        with freeze_time(fields.Datetime.now() + DAY):
            schedule._send_due()
        (mail,) = self.mails()
        (attachment,) = mail.attachment_ids
        self.assertEqual(attachment.mimetype, "application/pdf")
        self.assertIn("Service unavailable", pdf_words(attachment.raw))
        # The mail itself has the figures, and not the tables.
        self.assertIn("Errors 1", words(mail.body_html))
        self.assertNotIn("Service unavailable", words(mail.body_html))

    def test_where_no_pdf_can_be_made_all_of_it_is_in_the_mail_and_the_log_says_why(
        self,
    ):
        def _run_wkhtmltopdf(*args, **kwargs):
            # pylint: disable-next=translation-required
            raise UserError("out of memory")

        Report = self.env.registry["ir.actions.report"]
        self.patch(Report, "_run_wkhtmltopdf", _run_wkhtmltopdf)
        schedule = self.schedule.with_context(force_report_rendering=True)
        logger = "odoo.addons.pharmacy_sync.models.analytics.sync_report_schedule"
        self.env.flush_all()
        with (
            freeze_time(fields.Datetime.now() + DAY),
            self.assertLogs(logger, "WARNING") as logged,
        ):
            schedule._send_due()
        self.assertIn("out of memory", logged.output[0])
        (mail,) = self.mails()
        self.assertFalse(mail.attachment_ids)
        self.assertIn("Service unavailable 1", words(mail.body_html))

    def test_without_wkhtmltopdf_all_of_it_is_in_the_mail(self):
        self.run_cron(1)
        (mail,) = self.mails()
        self.assertFalse(mail.attachment_ids)
        self.assertIn("Service unavailable 1", words(mail.body_html))

    def test_nothing_of_another_company_is_mailed(self):
        company = self.env["res.company"].create({"name": "Other"})
        other = self.make_schedule(
            name="Other", company_id=company.id, backend_id=False
        )
        self.run_cron(1)
        self.assertFalse(self.mails("Other"), "it has no backend")
        with self.assertRaisesRegex(UserError, "There is no backend"):
            other.action_send_now()
        self.env["sync.backend"].create(
            {"name": "Theirs", "url": self.app.url, "company_id": company.id}
        )
        self.run_cron(2)
        (mail,) = self.mails("Other")
        self.assertIn("Theirs", words(mail.body_html))
        self.assertIn("Errors 0", words(mail.body_html))
        self.assertNotIn("Test Pharmacy", words(mail.body_html))

    def test_only_managers_set_one_up(self):
        operator = new_test_user(self.env, "op", "pharmacy_sync.group_operator")
        with self.assertRaises(AccessError):
            self.schedule.with_user(operator).name = "Mine"
        with self.assertRaises(AccessError):
            self.schedule.with_user(operator).action_send_now()
        self.assertFalse(self.mails())
        manager = new_test_user(self.env, "boss", "pharmacy_sync.group_manager")
        schedule = self.schedule.with_user(manager)
        schedule.action_send_now()
        self.assertEqual(len(self.mails()), 1)
        company = self.env["res.company"].create({"name": "Another"})
        stranger = new_test_user(
            self.env,
            "other_boss",
            "pharmacy_sync.group_manager",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.assertFalse(
            self.env["sync.report.schedule"].with_user(stranger).search([])
        )


@tagged("post_install", "-at_install")
class TestReportScheduleConcurrency(ConcurrencyCase):
    """Real transactions: two scheduled actions that meet send one mail."""

    NAME = "Sent at once"

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean)
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            backend = env["sync.backend"].create(
                {"name": self.NAME, "url": "http://127.0.0.1:9"}
            )
            partner = env["res.partner"].create({"name": self.NAME})
            schedule = env["sync.report.schedule"].create(
                {
                    "name": self.NAME,
                    "backend_id": backend.id,
                    "frequency": "daily",
                    "tz": "UTC",
                    "partner_ids": [Command.set(partner.ids)],
                }
            )
            env.flush_all()
            schedule.reported_until -= 2 * DAY

    def clean(self):
        for model in ("sync.report.schedule", "sync.backend", "res.partner"):
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                # A transaction that began before may end just now.
                retrying(partial(self.remove, env[model]), env)

    def remove(self, records):
        self.mails(records.env).unlink()
        records.search([("name", "=", self.NAME)]).unlink()

    def mails(self, env):
        return env["mail.mail"].search([("subject", "like", f"{self.NAME}:%")])

    def run_cron(self, together=None):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            schedules = env["sync.report.schedule"]
            if together:
                # Both have seen that it is due before either of them sends it.
                schedules.search([]).mapped("reported_until")
                together.wait()
            schedules._cron_send()

    def count(self):
        with self.registry.cursor() as cr:
            return len(self.mails(api.Environment(cr, SUPERUSER_ID, {})))

    def test_doubled_action_sends_one_mail(self):
        together = threading.Barrier(3)
        threads = [
            threading.Thread(target=self.run_cron, args=[together]) for __ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.count(), 1)
        self.run_cron()
        self.assertEqual(self.count(), 1)

    def test_action_that_is_killed_before_its_commit_has_sent_nothing(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            schedule = env["sync.report.schedule"].search([("name", "=", self.NAME)])
            schedule._send_due()
            self.assertEqual(len(self.mails(env)), 1)
            cr.rollback()
        self.assertEqual(self.count(), 0)
        self.run_cron()
        self.assertEqual(self.count(), 1, "it was due still")
