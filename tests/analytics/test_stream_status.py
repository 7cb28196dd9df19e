from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..common import WorkCase


@tagged("post_install", "-at_install")
class TestStreamStatus(WorkCase):
    """The page of a stream says whether it works, and what it did."""

    def seen(self):
        """The stream as a user meets it."""
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        stream = self.stream("purchase_order").with_user(user)
        stream.invalidate_recordset()
        return stream

    def test_a_quiet_stream_is_read_and_says_so(self):
        self.sync()
        before = fields.Datetime.now() - timedelta(hours=2)
        self.backend.stream_ids.write({"read_at": before, "pulled_at": before})
        self.pull()
        stream = self.seen()
        self.assertGreater(stream.read_at, before)
        self.assertEqual(stream.pulled_at, before, "nothing came")
        self.assertEqual((stream.status, stream.waiting_count), ("working", 0))
        self.assertTrue(stream.next_read_at)
        self.assertFalse(stream.lag)

    def test_what_it_carried_is_counted(self):
        self.make_order()
        self.sync()
        stream = self.seen()
        self.assertEqual(stream.day_count, 1)
        self.assertTrue(stream.sent_at)

    def test_what_waits_has_its_age(self):
        order = self.make_order()
        self.sync()
        self.app.fault("error", status=503)
        order.origin = "PH-1"
        self.push()
        later = fields.Datetime.now() + timedelta(minutes=5)
        with patch.object(fields.Datetime, "now", return_value=later):
            stream = self.seen()
            self.assertEqual((stream.status, stream.waiting_count), ("behind", 1))
            self.assertIn("min", stream.lag)

    def test_it_is_paused_off_or_failing(self):
        self.app.fault("error", status=503)
        self.pull()
        self.assertEqual(self.seen().status, "failing")
        self.backend.paused = True
        stream = self.stream("purchase_order")
        stream.invalidate_recordset()
        self.assertEqual((stream.status, stream.next_read_at), ("resting", False))
        stream.active = False
        stream.invalidate_recordset()
        self.assertEqual(stream.status, "off")
