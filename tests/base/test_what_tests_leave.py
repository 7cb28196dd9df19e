from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from ..common import ConcurrencyCase

LEFT = {"sync_alert_channel": "name", "sync_backend": "name", "mail_message": "body"}


@tagged("post_install", "-at_install")
class TestWhatTestsLeave(ConcurrencyCase):
    """Tests of real transactions leave nothing that others would meet."""

    def setUp(self):
        self.addCleanup(self.assert_nothing_is_left)
        super().setUp()

    def assert_nothing_is_left(self):
        with self.registry.cursor() as cr:
            for table, field in LEFT.items():
                cr.execute(f"SELECT id FROM {table} WHERE {field} LIKE '%Left behind%'")
                self.assertEqual(cr.fetchall(), [], table)

    def test_what_a_test_committed_goes_with_it(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["sync.alert.channel"].create({"name": "Left behind"})
            values = {"name": "Left behind", "url": "http://127.0.0.1:9"}
            backend = env["sync.backend"].create(values)
            backend.message_post(body=backend.name)
