import json
from base64 import b64decode
from contextlib import ExitStack
from datetime import timedelta

import requests
from cryptography.fernet import Fernet

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open, mute_logger

from ...client import receiver as client
from ...core.secrets.sealing import seal
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
        self.assertFalse(body["data"]["fields"] or body["data"]["cause"])
        deliveries = subscription.delivery_ids
        self.assertEqual(set(deliveries.mapped("state")), {"arrived"})
        for delivery in deliveries:
            self.assertEqual(delivery.attempts, 1)
            self.assertTrue(0 <= delivery.seconds < 60, delivery.seconds)
            self.assertTrue(0 <= delivery.took < 60, delivery.took)
            self.assertTrue(delivery.done_at)
        self.assertEqual(set(deliveries.mapped("http_status")), {204})

    def test_failed_is_tried_again_with_the_same_id(self):
        self.subscribe(event_types="order_created")
        self.hook.status = 500
        self.make_order()
        self.events()
        self.carry()
        delivery = self.env["sync.delivery"].search([])
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 1))
        self.assertEqual(delivery.answer.count("HTTP 500"), 1, delivery.answer)
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
        failed, waiting = subscription.delivery_ids.sorted("id")
        self.assertEqual((failed.state, waiting.state), ("failed", "cancelled"))
        self.assertIn("has answered 410", waiting.answer)
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
        eta = subscription.delivery_ids.eta
        self.assertGreater(eta, later)
        self.assertGreater(subscription.rests_until, later)
        jobs = self.env["queue.job"].search(
            [("method_name", "=", "_job_deliver"), ("eta", "!=", False)]
        )
        self.assertEqual(len(jobs), 1)
        self.assertTrue(timedelta() < jobs.eta - eta <= timedelta(seconds=1))

    def test_nothing_is_sent_while_the_receiver_rests(self):
        subscription = self.subscribe(event_types="order_created")
        rest = fields.Datetime.now() + timedelta(hours=1)
        subscription.rests_until = rest
        self.make_order()
        self.events()
        delivery = subscription.delivery_ids
        self.carry_left(delivery)
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 0))
        self.assertTrue(rest < delivery.eta <= rest + timedelta(seconds=6))
        jobs = self.env["queue.job"].search(
            [("method_name", "=", "_job_deliver"), ("eta", ">", rest)]
        )
        self.assertEqual(len(jobs), 1, "a job sends it then")
        self.assertFalse(self.hook.got)

    def test_a_test_is_sent_also_to_one_that_rests_or_is_switched_off(self):
        rest = fields.Datetime.now() + timedelta(hours=1)
        for values in ({"rests_until": rest}, {"active": False}):
            subscription = self.subscribe(**values)
            self.env.flush_all()
            message = subscription.action_send_test()["params"]["message"]
            self.assertIn("204", message)

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
        delivery = subscription.delivery_ids
        # Of a company, as those of channels are.
        of_company = delivery.copy({"backend_id": False, "correlation_id": "mine"})
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.carry()
        self.assertEqual((delivery.state, delivery.answer), ("failed", "no such field"))
        errors = self.env["sync.error"].search([("work", "=", "delivery job")])
        error = errors.filtered(lambda e: e.correlation_id == "mine")
        own = errors - error
        self.assertEqual(error.company_id, of_company.company_id)
        self.assertEqual((own.backend_id, error.backend_id.ids), (self.backend, []))
        self.assertEqual(own.correlation_id, delivery.correlation_id)
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
        self.assertEqual((other.attempts, other.http_status), (1, 0))
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
        tests = self.env["sync.delivery"].search([("kind", "=", "test")], order="id")
        self.assertEqual(tests.mapped("state"), ["arrived", "failed"])
        self.assertEqual(tests.backend_id, self.backend)
        self.make_order()
        self.events()
        self.carry()
        delivery = subscription.delivery_ids.filtered(lambda d: d.kind == "event")
        subscription.secret = SECRET
        delivery._settle("failed", "given up")
        delivery.action_send_again()
        self.carry()
        self.assertEqual(delivery.state, "arrived")

    def test_what_is_no_address_and_no_secret_is_refused(self):
        subscription = self.subscribe()
        sealed = seal(SECRET, [Fernet.generate_key().decode()])
        for values, why in (
            ({"address": "example.com/hook"}, "http:// or https://"),
            ({"secret": "no such secret"}, "whsec_ and a key in base64"),
            ({"secret": "whsec_not base64"}, "whsec_ and a key in base64"),
            ({"secret": sealed}, "Enter the secret itself"),
        ):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, why):
                subscription.write(values)
        subscription.write({"address": f" {self.hook.url} ", "secret": f" {SECRET} "})
        self.assertEqual(subscription._target(), self.hook.url)
        self.assertEqual(subscription._signing(), [SECRET])
        self.assertEqual(subscription.place, "http://127.0.0.1")

    def test_an_address_and_a_secret_can_be_taken_away(self):
        subscription = self.subscribe(event_types="order_created")
        subscription.write({"address": False, "secret": False})
        self.assertFalse(subscription.address or subscription.secret)
        self.assertFalse(subscription.place or subscription._signing())
        self.make_order()
        self.events()
        self.carry()
        self.assertEqual(subscription.delivery_ids.state, "cancelled")
        self.assertIn("no address", subscription.delivery_ids.answer.lower())

    def test_one_without_a_secret_is_given_one(self):
        subscription = self.subscribe(secret=False)
        (secret,) = subscription._signing()
        self.assertTrue(secret.startswith("whsec_"))
        self.assertEqual(len(b64decode(secret.removeprefix("whsec_"))), 32)
        self.assertEqual(self.subscribe()._signing(), [SECRET])

    def test_what_kept_it_from_its_old_address_keeps_it_from_no_new_one(self):
        subscription = self.subscribe()
        later = fields.Datetime.now() + timedelta(hours=1)
        for values in ({"address": f"{self.hook.url}/new"}, {"active": True}):
            subscription.write(
                {"failures": 7, "rests_until": later, "stopped_because": "HTTP 410"}
            )
            subscription.write(values)
            self.assertFalse(subscription.rests_until)
        self.assertFalse(subscription.stopped_because)
        subscription.address = f"{self.hook.url}/newer"
        self.assertEqual(subscription.failures, 0)

    def test_failures_in_a_row_are_counted_until_one_arrives(self):
        subscription = self.subscribe(event_types="order_created")
        self.hook.status = 500
        self.make_order()
        self.events()
        for number in (1, 2):
            self.carry()
            self.assertEqual(subscription.failures, number)
            self.assertGreater(subscription.rests_until, fields.Datetime.now())
        self.assertFalse(subscription.last_arrived_at)
        # What asks for less time than it rests already changes nothing.
        long = subscription.rests_until = fields.Datetime.now() + timedelta(days=1)
        self.env.flush_all()
        delivery = subscription.delivery_ids
        delivery._fail(requests.Timeout(), 1.0)
        self.assertEqual(subscription.rests_until, long)
        self.hook.status = 200
        self.carry()
        self.assertEqual((subscription.failures, subscription.rests_until), (0, False))
        self.assertTrue(subscription.last_arrived_at)

    def test_who_may_not_neither_sends_nor_changes_secrets(self):
        subscription = self.subscribe(event_types="order_created")
        self.make_order()
        self.events()
        delivery = subscription.delivery_ids
        operator, user, other = (
            new_test_user(self.env, login, groups)
            for login, groups in (
                ("operator", "pharmacy_sync.group_operator"),
                ("user", "pharmacy_sync.group_user"),
                ("other", "base.group_user"),
            )
        )
        self.env.flush_all()
        self.env.invalidate_all()
        for who, record, action in (
            (operator, subscription, "action_new_secret"),
            (operator, subscription, "action_end_previous_secret"),
            (user, subscription, "action_send_test"),
            (user, delivery, "action_cancel"),
            (user, delivery, "action_send_again"),
            (other, subscription, "action_view_deliveries"),
        ):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(record.with_user(who), action)()
        self.assertEqual(subscription._signing(), [SECRET])
        self.assertFalse(self.hook.got)
        self.assertEqual(delivery.state, "waiting")
        action = subscription.with_user(user).action_view_deliveries()
        found = self.env["sync.delivery"].search(action["domain"])
        self.assertEqual(found, delivery)

    def test_only_what_waits_is_cancelled_and_only_what_is_over_sent_again(self):
        subscription = self.subscribe(event_types="order_created")
        for __ in range(3):
            self.make_order()
        self.events()
        arrived, waiting, sending = subscription.delivery_ids.sorted("id")
        arrived._as_runner()._job_deliver()
        sending._as_runner()._begin()
        self.env.flush_all()
        # Another job of it leaves it to the worker that sends it.
        sending._as_runner()._job_deliver()
        self.env.flush_all()
        self.env.invalidate_all()
        (arrived | waiting | sending).action_cancel()
        states = (arrived | waiting | sending).mapped("state")
        self.assertEqual(states, ["arrived", "cancelled", "sending"])
        self.assertEqual((sending.attempts, sending.eta), (1, False))
        self.assertIn(self.env.user.name, waiting.answer)
        self.assertFalse(waiting._begin(), "it is over")
        self.env["queue.job"].search([("method_name", "=", "_job_deliver")]).unlink()
        (arrived | waiting | sending).action_send_again()
        states = (arrived | waiting | sending).mapped("state")
        self.assertEqual(states, ["waiting", "waiting", "sending"])
        self.assertEqual((arrived.attempts, arrived.done_at), (0, False))
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_deliver")])
        self.assertEqual(len(jobs), 2)

    def test_what_was_removed_meanwhile_is_not_carried(self):
        subscription = self.subscribe(event_types="order_created")
        self.make_order()
        self.events()
        delivery = subscription.delivery_ids
        orphan = delivery.copy()
        orphan.subscription_id = False
        self.env.flush_all()
        orphan._as_runner()._job_deliver()
        self.env.invalidate_all()
        self.assertEqual(orphan.state, "cancelled")
        runner = delivery._as_runner()
        delivery.unlink()
        runner._job_deliver()
        self.assertFalse(self.hook.got)

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
