from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ...models.call import sync_cache
from ..tour import TourCase


@tagged("post_install", "-at_install")
class TestLogTour(TourCase):
    """What an operator finds out when something is wrong: breakers and the log."""

    def test_operator_forces_a_breaker(self):
        self.make_order()
        self.push()
        push, pull = (self.backend._breaker(name) for name in ("push", "pull"))
        pull.sudo().write(
            {
                "state": "open",
                "open_until": fields.Datetime.now() + timedelta(minutes=5),
                "cause": "5 failures in a row",
            }
        )
        self.tour("breaker", "operator")
        self.assertEqual((push | pull).mapped("mode"), ["metrics_only"] * 2)
        self.assertEqual(
            push.transition_ids.mapped("cause"),
            ["On trial", "It has moved", "The app is being moved"],
        )
        self.assertEqual(push.transition_ids.user_id, self.people["operator"])

    def test_operator_reads_the_log(self):
        self.make_log()
        failed = self.env["sync.event.delivery"].search([])
        self.tour("log", "operator")
        self.assertEqual(failed.mapped("state"), ["waiting"] * 2)
        self.assertEqual(self.env["sync.cache"].search([]).entity, "product")
        self.env.flush_all()
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()
        self.assertEqual(failed.mapped("state"), ["done"] * 2)

    def make_log(self):
        """An order of the buyer's, two events that a handler gave up, and what is
        counted and cached."""
        one, two = self.make_order(), self.make_order()
        self.push()
        one.with_user(self.people["buyer"]).origin = "PH-1"
        two.origin = "PH-2"
        self.push()
        events = self.env["sync.event"].search([("type", "=", "order_updated")])
        self.env["sync.event.delivery"].create(
            [
                {
                    "event_id": event.id,
                    "backend_id": self.backend.id,
                    "res_model": event.res_model,
                    "res_id": event.res_id,
                    "handler": "metrics",
                    "state": "failed",
                    "attempts": 3,
                    "message": "no room left",
                }
                for event in events
            ]
        )
        self.env["sync.metric"].create(
            {
                "backend_id": self.backend.id,
                "hour": fields.Datetime.now().replace(minute=0, second=0),
                "kind": "error",
                "operation": "push",
                "type": "authentication_failed",
                "category": "security",
                "severity": "high",
                "count": 4,
            }
        )
        sync_cache.memory.forget(lambda key: True)
        self.addCleanup(sync_cache.memory.forget, lambda key: True)
        for entity, record in (
            ("supplier", self.supplier),
            ("product", self.products[0]),
        ):
            self.backend._lookup(entity, self.mapping(record).external_id)
