from psycopg2.extras import Json

from odoo.tests import tagged

from ..common import run_migration
from ..fidelity import ORDERS, FidelityCase


@tagged("post_install", "-at_install")
class TestUnverified(FidelityCase):
    """Records of before the update, whose base is what was asked for: what the app has
    of them is read before anything is sent over it."""

    def setUp(self):
        super().setUp()
        at_app = self.order_at_app("1.00", "2.00")
        first, second = at_app["lines"]
        lines = [{**first, "quantity": "1.005", "description": " A "}, second]
        self.edited = self.app.edit(ORDERS, at_app["id"], lines=lines)
        self.pull()
        self.order = self.record("purchase_order", at_app["id"])
        self.of_before()
        self.app.call("DELETE", "/admin/requests")

    def of_before(self):
        """All mappings as an earlier version kept them; then the update."""
        mapping = self.mapping(self.order)
        first, second = mapping.base["lines"]
        asked_for = {**first, "quantity": "1.01", "description": "A"}
        base = {**mapping.base, "lines": [asked_for, second]}
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(
            "UPDATE sync_mapping SET base = %s WHERE id = %s", (Json(base), mapping.id)
        )
        cr.execute("ALTER TABLE sync_mapping DROP odoo_base, DROP in_part")
        run_migration(cr, "19.0.1.2.0/pre-unverified.py")
        cr.execute("ALTER TABLE sync_mapping ADD odoo_base jsonb")
        self.env.invalidate_all()

    def asked(self):
        """Requests for the order."""
        return [
            request["method"]
            for request in self.app.requests()
            if self.edited["id"] in request["path"]
        ]

    def test_what_the_app_has_is_read_first_and_stays(self):
        self.assertTrue(self.mapping(self.order).in_part)
        self.order.order_line[1].product_qty = 7
        self.rest()
        first, second = self.app.get(ORDERS, self.edited["id"])["lines"]
        self.assertEqual(first, self.edited["lines"][0])
        self.assertEqual(second["quantity"], "7.00")
        self.assertEqual(self.order.order_line[0].product_qty, 1.01)
        self.assertEqual(self.order.sync_state, "synced")
        self.assertIn("GET", self.asked())
        self.assertFalse(self.mapping(self.order).in_part)
        # From then on nothing is asked.
        self.app.call("DELETE", "/admin/requests")
        self.order.order_line[1].product_qty = 8
        self.rest()
        self.assertNotIn("GET", self.asked())

    def test_nothing_is_sent_or_asked_that_nobody_changed(self):
        self.backend.action_send_all()
        self.rest()
        self.assertEqual(self.app.get(ORDERS, self.edited["id"]), self.edited)

    def test_an_edit_there_arrives(self):
        self.app.edit(ORDERS, self.edited["id"], notes="Call")
        self.rest()
        self.assertIn("Call", self.order.note)
        self.assertFalse(self.mapping(self.order).in_part)
        first, __ = self.app.get(ORDERS, self.edited["id"])["lines"]
        self.assertEqual(first, self.edited["lines"][0])
        self.assertEqual(self.order.order_line[0].product_qty, 1.01)
