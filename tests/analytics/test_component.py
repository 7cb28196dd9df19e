from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestComponent(SyncCase):
    """How each part of the synchronisation is, on one page."""

    def setUp(self):
        super().setUp()
        self.env["queue.job"].search([]).unlink()

    # What opens what a component is about.
    OPENED = {
        "backend": "sync.backend",
        "breaker": "sync.breaker",
        "pool": "sync.pool",
        "events": "sync.event",
        "handler": "sync.event.delivery",
        "channel": "sync.alert.channel",
        "runner": "sync.recovery.run",
        "database": "sync.recovery.run",
    }

    def state(self, kind, name=None):
        self.env.flush_all()
        self.env.invalidate_all()
        parts = self.env["sync.component"].search([("kind", "=", kind)])
        own = parts.filtered(lambda p: not p.backend_id or p.backend_id == self.backend)
        own = own.filtered(lambda p: not name or p.name == name)
        self.assertEqual(len(own), 1, own.mapped("title"))
        self.assertTrue(own.title)
        self.assertEqual(own.action_open()["res_model"], self.OPENED[kind])
        return own.state, own.detail

    def test_all_is_good(self):
        for kind in ("backend", "runner"):
            self.assertEqual(self.state(kind)[0], "good", kind)
        self.assertEqual(self.state("breaker", "push")[0], "good")
        self.assertEqual(self.state("pool", "order_sync")[0], "good")
        self.assertIn(self.state("database")[0], ("good", "fair"))

    def test_each_is_called_by_its_kind_and_name(self):
        titles = self.env["sync.component"].search([]).mapped("title")
        self.assertLessEqual(
            {"Connection: Send", "Call limit: Sending", "Channel: Linear", "Database"},
            set(titles),
        )

    def test_backend_that_rests(self):
        self.assertEqual(self.state("backend"), ("good", ""))
        self.backend.write({"paused": True, "pause_reason": "New server"})
        self.assertEqual(self.state("backend"), ("fair", "New server"))
        self.backend.refused_at = fields.Datetime.now()
        self.assertEqual(self.state("backend")[0], "bad")

    def test_breaker_that_is_open(self):
        push = self.backend.breaker_ids.filtered(lambda b: b.operation == "push")
        push._set_mode("forced_open", "drill")
        self.assertEqual(self.state("breaker", "push"), ("bad", "drill"))
        self.assertEqual(self.state("breaker", "pull"), ("good", ""))

    def test_slots_that_are_taken(self):
        pool = self.backend.pool_ids.filtered(lambda p: p.name == "reporting")
        self.assertEqual(self.state("pool", "reporting"), ("good", "Slots taken: 0"))
        pool.concurrency = 1
        with self.registry.cursor() as cr, pool._slot(cr):
            found = self.state("pool", "reporting")
        self.assertEqual(found, ("fair", "Slots taken: 1"))

    def test_handler_that_failed_at_an_event(self):
        self.assertEqual(self.state("handler", "audit")[0], "good")
        self.make_order()
        self.env.cr.flush()
        event = self.env["sync.event"].search(
            [("backend_id", "=", self.backend.id)], limit=1
        )
        trouble = self.env["sync.event.delivery"].create(
            {
                "event_id": event.id,
                "backend_id": self.backend.id,
                "handler": "audit",
                "state": "waiting",
            }
        )
        self.assertEqual(
            self.state("handler", "audit"), ("fair", "Events that it failed at: 1")
        )
        trouble.state = "failed"
        self.assertEqual(self.state("handler", "audit")[0], "bad")
        self.assertEqual(self.state("handler", "metrics")[0], "good")

    def test_channel_that_is_refused(self):
        channel = self.env["sync.alert.channel"].create(
            {
                "name": "Night",
                "kind": "slack",
                "company_id": self.backend.company_id.id,
                "address": "https://hooks.example/x",
            }
        )
        self.assertEqual(self.state("channel", "Night")[0], "good")
        channel.failures = 3
        self.assertEqual(self.state("channel", "Night")[0], "bad")

    def test_events_that_lie(self):
        self.make_order()
        self.env.cr.flush()
        self.assertEqual(self.state("events")[0], "good")
        self.env.cr.execute(
            "UPDATE sync_event SET create_date = create_date - interval '6 minutes' "
            "WHERE state = 'pending'"
        )
        self.assertEqual(self.state("events")[0], "bad")

    def test_runner_that_starts_nothing(self):
        self.backend._as_runner().with_delay()._job_push()
        self.assertEqual(self.state("runner")[0], "good")
        long_ago = fields.Datetime.now() - timedelta(minutes=6)
        self.env.cr.execute("UPDATE queue_job SET date_created = %s", [long_ago])
        self.assertEqual(self.state("runner")[0], "bad")
