from odoo.tests import HttpCase, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestReportTour(SyncCase, HttpCase):
    """The report as people meet it, in a browser."""

    def setUp(self):
        super().setUp()
        (self.env["sync.backend"].search([]) - self.backend).active = False
        self.env.cr.execute("DELETE FROM sync_metric")
        order = self.make_order()
        self.push()
        self.app.refuse_records()
        order.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        self.env.flush_all()

    def test_from_the_menu_to_the_report(self):
        url = "/odoo/action-pharmacy_sync.action_sync_report"
        self.start_tour(url, "pharmacy_sync_report", login="admin")

    def test_a_report_is_had_by_mail(self):
        partner = self.env["res.partner"].create(
            {"name": "Tour Recipient", "email": "tour@example.com"}
        )
        url = "/odoo/action-pharmacy_sync.action_sync_report_schedule"
        self.start_tour(url, "pharmacy_sync_report_schedule", login="admin")
        schedule = self.env["sync.report.schedule"].search([])
        self.assertEqual(schedule.partner_ids, partner)
        mail = self.env["mail.mail"].search([("recipient_ids", "in", partner.ids)])
        self.assertEqual(mail.state, "outgoing")

    def test_the_overview_looks_back_as_far_as_one_likes(self):
        url = "/odoo/action-pharmacy_sync.action_sync_overview"
        self.start_tour(url, "pharmacy_sync_overview_range", login="admin")
