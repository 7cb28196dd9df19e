import json
from contextlib import ExitStack
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import file_open, mute_logger

from ...client import receiver as client
from ..common import SyncCase
from ..receivers import receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@tagged("post_install", "-at_install")
class TestSubscription(SyncCase):
    """The app, or any program, is notified of events by signed webhooks."""

    def setUp(self):
        super().setUp()
        stack = ExitStack()
        self.addCleanup(stack.close)
        self.hook = stack.enter_context(receiver())
        self.hook.as_webhook(SECRET)
        self.stack = stack
        self.push()
        self.events()

    def subscribe(self, url=None, **values):
        return self.env["sync.subscription"].create(
            {
                "name": "App",
                "backend_id": self.backend.id,
                "address": url or self.hook.url,
                "secret": SECRET,
                "internal": True,
                **values,
            }
        )

    def events(self):
        """Commit, and do what the job runner would with the events."""
        self.env.cr.flush()
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()

    def carry(self):
        """Do what the job runner would with the deliveries that wait, as if it were
        their time."""
        waiting = self.env["sync.delivery"].search([("state", "=", "waiting")])
        waiting.eta = False
        waiting.subscription_id.rests_until = False
        self.env.flush_all()
        for delivery in waiting.sorted("id"):
            delivery._as_runner()._job_deliver()
        self.env.invalidate_all()

    def test_each_event_is_a_signed_message(self):
        subscription = self.subscribe(event_types="order_*")
        order = self.make_order()
        self.push()
        self.events()
        self.assertFalse(self.hook.got, "delivering events calls nothing")
        self.carry()
        types = [body["type"] for body in self.hook.bodies]
        self.assertEqual(set(types), {"order_created", "order_synced"})
        body = next(b for b in self.hook.bodies if b["type"] == "order_synced")
        self.assertEqual(body["data"]["id"], self.mapping(order).external_id)
        self.assertEqual(body["data"]["entity"], "purchase_order")
        self.assertTrue(body["data"]["correlation_id"])
        deliveries = subscription.delivery_ids
        self.assertEqual(set(deliveries.mapped("state")), {"arrived"})
        self.assertEqual(set(deliveries.mapped("http_status")), {204})

    def test_failed_is_tried_again_with_the_same_id(self):
        self.subscribe(event_types="order_created")
        self.hook.status = 500
        self.make_order()
        self.events()
        self.carry()
        delivery = self.env["sync.delivery"].search([])
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 1))
        self.assertIn("HTTP 500", delivery.answer)
        # Standard Webhooks: whatever the answer is but 410, it may pass.
        self.hook.status = 404
        self.carry()
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 2))
        self.hook.status = 200
        self.carry()
        self.assertEqual((delivery.state, delivery.attempts), ("arrived", 3))
        ids = {headers["webhook-id"] for __, headers, __ in self.hook.got}
        self.assertEqual(ids, {delivery.message_id})

    def test_gone_ends_the_subscription(self):
        subscription = self.subscribe(event_types="order_created")
        self.hook.status = 410
        self.make_order()
        self.make_order()
        self.events()
        self.carry()
        self.assertFalse(subscription.active)
        self.assertIn("410", subscription.stopped_because)
        self.assertEqual(len(self.hook.got), 1)
        states = subscription.delivery_ids.sorted("id").mapped("state")
        self.assertEqual(states, ["failed", "cancelled"])
        self.make_order()
        self.events()
        self.assertEqual(len(subscription.delivery_ids), 2)

    def test_retry_after(self):
        subscription = self.subscribe(event_types="order_created")
        self.hook.status, self.hook.headers = 429, {"Retry-After": "300"}
        self.make_order()
        self.events()
        self.carry()
        later = fields.Datetime.now() + timedelta(seconds=250)
        self.assertGreater(subscription.delivery_ids.eta, later)
        self.assertGreater(subscription.rests_until, later)

    def test_times_of_a_clock_that_was_ahead_hold_up_nothing(self):
        subscription = self.subscribe(event_types="order_created")
        self.make_order()
        self.events()
        delivery = subscription.delivery_ids
        later = fields.Datetime.now() + timedelta(days=3)
        waits = {"state": "waiting", "eta": later}
        sends = {"state": "sending", "lease": later, "eta": False}
        for values in (waits, sends):
            with self.subTest(**values):
                delivery.write(values)
                subscription.rests_until = later
                self.carry_left(delivery)
                self.assertEqual(delivery.state, values["state"])
                self.set_written(later, delivery, subscription)
                self.assertEqual(self.env["sync.delivery"]._take_up(), 1)
                self.carry_left(delivery)
                self.assertEqual(delivery.state, "arrived")

    def set_written(self, when, *records):
        self.env.flush_all()
        for record in records:
            self.env.cr.execute(
                f"UPDATE {record._table} SET write_date = %s WHERE id = %s",
                [when, record.id],
            )
        self.env.invalidate_all()

    def carry_left(self, delivery):
        """Do what a job of the recovery would, now."""
        self.env.flush_all()
        delivery._as_runner()._job_deliver()
        self.env.invalidate_all()

    def test_what_cannot_be_composed_is_given_up_at_once(self):
        """Not tried by each recovery for ever."""
        subscription = self.subscribe(event_types="order_created")
        self.make_order()
        self.events()

        def failing(receiver, delivery):
            raise ZeroDivisionError("no such field")

        self.patch(self.env.registry["sync.subscription"], "_compose", failing)
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.carry()
        delivery = subscription.delivery_ids
        self.assertEqual((delivery.state, delivery.answer), ("failed", "no such field"))
        error = self.env["sync.error"].search([("work", "=", "delivery job")])
        self.assertEqual(error.correlation_id, delivery.correlation_id)
        self.assertFalse(self.env["sync.delivery"]._take_up())

    def test_slow_receiver_costs_its_own_attempts_only(self):
        slow = self.stack.enter_context(receiver())
        slow.seconds = 3
        self.patch(client, "SILENCE", 0.3)
        self.subscribe(slow.url, name="Slow", event_types="order_created")
        quick = self.subscribe(event_types="order_created")
        self.make_order()
        self.events()
        self.carry()
        self.assertEqual(quick.delivery_ids.state, "arrived")
        other = self.env["sync.delivery"].search([("state", "=", "waiting")])
        self.assertEqual(other.attempts, 1)
        self.assertLess(other.seconds, 2)

    def test_send_again_and_test(self):
        subscription = self.subscribe(event_types="order_created")
        self.env.flush_all()
        message = subscription.action_send_test()["params"]["message"]
        self.assertIn("204", message)
        self.assertEqual(json.loads(self.hook.got[0][2])["type"], "test")
        subscription.secret = "whsec_bm9ib2R5"
        self.env.flush_all()
        with self.assertRaisesRegex(UserError, "401"):
            subscription.action_send_test()
        self.make_order()
        self.events()
        self.carry()
        delivery = subscription.delivery_ids.filtered(lambda d: d.kind == "event")
        subscription.secret = SECRET
        delivery._settle("failed", "given up")
        delivery.action_send_again()
        self.carry()
        self.assertEqual(delivery.state, "arrived")

    def test_both_secrets_sign_until_the_earlier_one_is_ended(self):
        subscription = self.subscribe(event_types="order_created")

        def state():
            """What a receiver gets that knows one secret."""
            self.make_order()
            self.events()
            self.carry()
            return subscription.delivery_ids.sorted("id")[-1].state

        new = subscription.action_new_secret()["context"]["default_key"]
        for known in (SECRET, new):
            self.hook.as_webhook(known)
            self.assertEqual(state(), "arrived", "it is believed by either")
        subscription.action_end_previous_secret()
        self.assertEqual(state(), "arrived")
        self.hook.as_webhook(SECRET)
        self.assertEqual(state(), "waiting", "the earlier one signs no more")

    def test_nothing_is_offered_that_never_happens(self):
        """Neither a supplier nor a product can be cancelled."""
        types = self.env["sync.event"]._event_types()
        cancelled = {name for name in types if name.endswith("_cancelled")}
        self.assertEqual(cancelled, {"order_cancelled"})
        with self.assertRaises(ValidationError):
            self.subscribe(event_types="supplier_cancelled")

    def test_type_that_there_is_not(self):
        with self.assertRaises(ValidationError):
            self.subscribe(event_types="invoice_*")

    def test_sensitive_values_stay_here(self):
        self.subscribe(event_types="breaker_opened")
        breaker = self.backend._breaker("push")
        event = {
            "type": "breaker_opened",
            "backend_id": self.backend.id,
            "res_model": "sync.breaker",
            "res_id": breaker.id,
            "data": {"cause": "password=hunter2hunter2"},
        }
        self.env["sync.event"]._emit([event])
        self.events()
        self.carry()
        self.assertEqual(len(self.hook.got), 1)
        self.assertNotIn("hunter2", str(self.hook.bodies))

    def test_neutralized_copy_says_nobody(self):
        subscription = self.subscribe()
        channel = self.env["sync.alert.channel"].create(
            {"name": "Slack", "kind": "slack", "address": self.hook.url}
        )
        self.env.flush_all()
        with file_open("pharmacy_sync/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.invalidate_all()
        self.assertFalse(subscription.active or subscription.address)
        self.assertFalse(channel.active or channel.address)
