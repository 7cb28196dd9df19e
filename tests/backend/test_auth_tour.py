from urllib.parse import urlencode

from odoo.tests import tagged

from ..common import KEY
from ..tour import OVERVIEW, TourCase


@tagged("post_install", "-at_install")
class TestAuthTour(TourCase):
    """A person connects an app that asks for tokens: each way shows its own fields."""

    def test_each_way_asks_for_what_it_needs(self):
        self.env["sync.backend"].search([]).active = False
        self.app.ask_for("oauth2")
        given = urlencode({"app": self.app.url, "key": KEY})
        self.start_tour(
            f"{OVERVIEW}?{given}",
            "pharmacy_sync_connect_auth",
            login="admin",
            timeout=120,
        )
        self.env.invalidate_all()
        backend = self.env["sync.backend"].search([])
        self.assertEqual(
            (backend.name, backend.auth_method), ("Tour Pharmacy", "oauth2")
        )
        self.assertTrue(backend.action_test_connection())
