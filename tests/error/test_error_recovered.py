from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestErrorRecovered(SyncCase):
    """Errors that are over go by themselves, those that are not stay."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.app.fault("error", status=503, count=1)
        self.order.origin = "PH-1"
        self.push()
        self.error = self.operations(state="waiting").error_ids

    def recover(self):
        self.make_due()
        self.push()

    def age(self, errors, days):
        errors.occurred_at = fields.Datetime.now() - timedelta(days=days)
        self.env.flush_all()
        self.env["sync.retention"]._gc_expired()
        self.env.invalidate_all()

    def test_made_up_for_is_resolved(self):
        self.recover()
        self.assertTrue(self.error.resolved)
        self.assertEqual(self.error.resolved_at, self.error.operation_id.done_at)
        self.assertIn("Done at attempt 2", self.error.resolution)

    def test_what_still_waits_or_died_is_not(self):
        self.assertFalse(self.error.resolved)
        self.app.refuse_records()
        self.recover()
        self.app.refuse_records("")
        dead = self.operations(state="dead")
        self.assertEqual(len(dead.error_ids), 2)
        self.assertFalse(any(dead.error_ids.mapped("resolved")))

    def test_resolved_is_purged_after_30_days(self):
        self.recover()
        self.age(self.error, 29)
        self.assertTrue(self.error.exists())
        self.age(self.error, 31)
        self.assertFalse(self.error.exists())

    def test_unresolved_is_never_purged(self):
        self.age(self.error, 400)
        self.assertTrue(self.error.exists())
