from datetime import timedelta
from urllib.parse import urlencode

from odoo import fields
from odoo.tests import HttpCase, tagged

from ..common import KEY, SyncCase
from ..tour import Runner

OVERVIEW = "/odoo/action-pharmacy_sync.action_sync_overview"


@tagged("post_install", "-at_install")
class TestOverviewTour(SyncCase, HttpCase):
    """The page as people meet it, in a browser."""

    def test_from_nothing_to_a_connected_pharmacy(self):
        self.env["sync.backend"].search([]).active = False
        given = urlencode({"app": self.app.url, "key": KEY})
        with Runner(self, "sync.initial"):
            self.start_tour(
                f"{OVERVIEW}?{given}",
                "pharmacy_sync_connect",
                login="admin",
                timeout=300,
            )
        self.env.invalidate_all()
        backend = self.env["sync.backend"].search([])
        self.assertEqual((backend.name, backend.paused), ("Tour Pharmacy", False))
        self.assertEqual(backend.sudo().api_key_secret, KEY)
        self.assertFalse(self.app.items("suppliers"), "only what is linked is sent")

    def make_trouble(self):
        """A dead letter and an open breaker."""
        (self.env["sync.backend"].search([]) - self.backend).active = False
        order = self.make_order()
        self.push()
        self.app.refuse_records()
        order.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        self.backend._breaker("push").sudo().write(
            {
                "state": "open",
                "open_until": fields.Datetime.now() + timedelta(minutes=5),
                "cause": "5 failures in a row",
            }
        )
        self.env.flush_all()
        self.env.cr.postcommit.run()
        return order

    def test_figures_lead_to_their_lists(self):
        self.make_trouble()
        self.start_tour(OVERVIEW, "pharmacy_sync_overview", login="admin")

    def test_an_order_shows_its_history(self):
        order = self.make_trouble()
        self.start_tour(
            f"/odoo/action-purchase.purchase_rfq/{order.id}",
            "pharmacy_sync_timeline",
            login="admin",
        )
