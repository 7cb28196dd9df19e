"""Events of a record that a worker died of are delivered apart from all others; what a
worker has died of twice is one handler's, and the others get theirs."""

from odoo import fields
from odoo.tests import tagged

from ...core.event.routing import Route
from ...core.retry.policy import Jitter, RetryPolicy
from ...core.taxonomy import ErrorType
from ...models.base.locks import SUSPECTS
from ...models.base.sync_config import shift
from ..common import DeathCase

PATIENT = RetryPolicy(3, 60, 60, 1, Jitter.NONE)


@tagged("post_install", "-at_install")
class TestDeadlyHandlers(DeathCase):
    def setUp(self):
        super().setUp()
        self.orders = self.make_order() | self.make_order() | self.make_order()
        self.push()
        self.handled, self.in_hand, self.fails = [], [], False
        Event = self.env.registry["sync.event"]
        routes = Event._event_routes

        def _event_routes(model):
            own = Route("test", "_handle_test", ("order_*",), 5, PATIENT)
            return (*routes(model), own)

        def _handle_test(events):
            marker = events.env["sync.marker"].search([], order="id")[-1:]
            self.in_hand.append((marker.keys, marker.step))
            if self.fails:
                raise ValueError("not now")
            updates = events.filtered(lambda e: e.type == "order_updated")
            self.handled += [updates.mapped("res_id")] if updates else []

        self.patch(Event, "_event_routes", _event_routes)
        Event._handle_test = _handle_test
        self.addCleanup(delattr, Event, "_handle_test")

    def edit(self, *orders):
        for order in orders or self.orders:
            order.origin = f"edited {order.id}"
            self.env.cr.flush()

    def fail_at(self, order):
        """The handler fails at a change of it, and lives."""
        self.fails = True
        self.edit(order)
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()
        self.fails = False

    def deliver_suspects(self):
        """Deliver those alone with which a worker has died."""
        deliver = self.env["sync.event"]._deliver_suspects
        self.assertTrue(deliver(self.backend, True, shift()))
        self.env.invalidate_all()

    def events(self, order):
        return self.env["sync.event"].search(
            [("res_id", "=", order.id), ("type", "=", "order_updated")], order="id"
        )

    def deliveries(self, order):
        return self.env["sync.event.delivery"].search(
            [("res_id", "=", order.id), ("res_model", "=", order._name)]
        )

    def test_those_in_hand_are_delivered_singly_after_all_others(self):
        first, second, third = self.orders
        self.edit()
        self.die("events", first, second)
        self.push()
        self.assertEqual(self.handled, [[third.id], [first.id], [second.id]])
        for order in self.orders:
            self.assertEqual(self.events(order).state, "done")
            self.assertEqual(self.at_app(order)["reference"], order.origin)
        self.assertEqual(self.suspects(), {})

    def test_one_that_had_died_alone_comes_last(self):
        first, second, third = self.orders
        self.edit()
        self.die("events", first)
        self.die("events", second, third)
        self.push()
        self.assertEqual(self.handled, [[second.id], [third.id], [first.id]])

    def test_what_is_in_hand_is_marked_with_its_handler(self):
        """If the worker dies now, it is known of which record, and in which handler."""
        first = self.orders[0]
        self.edit(first)
        self.die("events", first)
        self.push()
        self.assertIn(([f"out purchase.order {first.id}"], "test"), self.in_hand)

    def test_the_handler_of_which_two_workers_died_does_not_get_it(self):
        first, second, third = self.orders
        self.edit()
        for __ in range(2):
            self.die("test", first)
        self.push()
        self.assertEqual(self.handled, [[second.id, third.id]])
        (delivery,) = self.deliveries(first)
        self.assertEqual(
            (delivery.handler, delivery.state, delivery.attempts, delivery.eta),
            ("test", "failed", 1, False),
        )
        self.assertIn("died 2 times", delivery.message)
        self.assertIn("handler test", delivery.message)
        error = delivery.error_id
        self.assertEqual(error.type, ErrorType.RESOURCE_EXHAUSTED)
        self.assertEqual(error.correlation_id, self.events(first).correlation_id)
        self.assertEqual(self.mapping(first).event_trouble, "failed")
        self.assertEqual(self.suspects(), {str(first.id): 1})
        # The others get theirs, and nothing is left of it.
        self.push()
        self.assertEqual(self.handled, [[second.id, third.id]])
        self.assertEqual(self.events(first).state, "done")
        self.assertEqual(self.at_app(first)["reference"], first.origin)
        self.assertEqual(self.suspects(), {})

    def test_a_handler_that_was_to_send_it_leaves_a_failed_change(self):
        first = self.orders[0]
        self.edit(first)
        for __ in range(2):
            self.die("sync", first)
        self.push()
        self.push()
        operation = self.operations(mapping_id=self.mapping(first).id, state="dead")
        self.assertEqual(len(operation), 1)
        self.assertEqual(operation.attempts, 1)
        event = self.events(first)
        self.assertEqual(operation.correlation_id, event.correlation_id)
        self.assertEqual(
            operation.error_ids.mapped("type"), [ErrorType.RESOURCE_EXHAUSTED]
        )
        self.assertNotEqual(self.at_app(first)["reference"], first.origin)
        # Its other handlers had it.
        self.assertTrue(self.env["sync.audit"].search([("event_id", "=", event.id)]))
        operation.action_redrive()
        self.push()
        self.assertEqual(self.at_app(first)["reference"], first.origin)

    def test_a_new_record_that_cannot_be_looked_at_is_a_failed_change(self):
        new = self.make_order()
        self.env.cr.flush()
        for __ in range(2):
            self.die("sync", new)
        self.push()
        operation = self.mapping(new).operation_ids
        self.assertEqual((operation.kind, operation.state), ("push", "dead"))
        # What is given up later is the same failed change, tried once more.
        self.push()
        self.edit(new)
        for __ in range(2):
            self.die("sync", new)
        self.push()
        self.assertEqual(self.mapping(new).operation_ids, operation)
        self.assertEqual((operation.state, operation.attempts), ("dead", 2))

    def test_what_waits_for_its_handler_is_given_up_with_it(self):
        first = self.orders[0]
        self.fail_at(first)
        first.note = "behind it"
        self.env.cr.flush()
        self.deliveries(first).eta = False
        for __ in range(2):
            self.die("test", first)
        self.push()
        self.push()
        # Also not after a push of it, which was in the queue, has been survived.
        self.assertEqual(self.at_app(first)["reference"], first.origin)
        lost = self.deliveries(first).filtered(lambda d: d.type == "order_updated")
        self.assertEqual(lost.mapped("state"), ["failed", "failed"])
        self.assertEqual(
            lost.sorted(lambda d: d.event_id.id).mapped("attempts"), [2, 1]
        )
        self.assertEqual(self.handled, [])

    def test_what_waits_is_delivered_before_what_is_new(self):
        first = self.orders[0]
        self.fail_at(first)
        first.note = "behind it"
        self.env.cr.flush()
        self.deliveries(first).eta = False
        self.die("test", first)
        self.push()
        self.assertEqual(self.handled, [[first.id], [first.id]])
        in_hand = ([f"out purchase.order {first.id}"], "test")
        self.assertEqual(self.in_hand[-2:], [in_hand] * 2)
        self.assertEqual(set(self.deliveries(first).mapped("state")), {"done"})
        self.assertEqual(self.suspects(), {})

    def test_what_is_not_due_yet_is_not_delivered(self):
        first = self.orders[0]
        self.fail_at(first)
        self.die("test", first)
        self.deliver_suspects()
        self.assertEqual(self.handled, [])
        self.assertEqual(self.suspects(), {str(first.id): 1})

    def test_one_that_fails_alone_is_tried_by_its_policy(self):
        first = self.orders[0]
        self.fails = True
        self.edit(first)
        self.die("events", first)
        self.env["queue.job"].search([("method_name", "=", "_job_events")]).unlink()
        before = fields.Datetime.now()
        self.push()
        delivery = self.deliveries(first)
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 1))
        self.assertTrue([e for e in self.jobs("_job_events") if e and e > before])

    def test_death_of_a_push_leaves_it_suspected_until_it_is_sent(self):
        """What the worker died of may be in the push that is in the queue still."""
        first = self.orders[0]
        self.edit(first)
        self.die("push", first)
        self.deliver_suspects()
        self.assertEqual(self.suspects(), {str(first.id): 1})
        self.assertEqual(self.events(first).state, "done")
        self.push()
        self.assertEqual(self.suspects(), {})

    def test_job_leaves_them_to_one_that_is_at_them(self):
        first, second, third = self.orders
        self.edit()
        self.die("events", first)
        with self.another_job(SUSPECTS, self.backend.id):
            self.push()
        self.assertEqual(self.handled, [[second.id, third.id]])
        self.assertEqual(self.events(first).state, "pending")
        self.assertEqual(self.suspects(), {str(first.id): 1})

    def test_event_that_nobody_knows_is_put_aside(self):
        first = self.orders[0]
        self.edit(first)
        event = self.events(first)
        self.env.cr.execute(
            "UPDATE sync_event SET type = 'addon_gone' WHERE id = %s", [event.id]
        )
        self.env.invalidate_all()
        self.die("events", first)
        self.push()
        self.assertEqual(event.state, "rejected")

    def test_backends_of_others_are_left_alone(self):
        first = self.orders[0]
        other = self.second_backend()
        self.edit(first)
        self.die("events", first, backend=other)
        self.push()
        self.assertEqual(self.handled, [[first.id]])
        self.push(other)
        self.assertEqual(self.suspects(other), {str(first.id): 1})
