import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...core.event.routing import Route
from ...core.exceptions import InvalidDataError
from ...core.retry.policy import Jitter, RetryPolicy
from ...models.base.sync_config import shift
from ...models.call import sync_breaker
from ...models.event import handlers
from ...models.event.sync_event_delivery import DISPATCH_LIMIT
from ..common import SyncCase

PATIENT = RetryPolicy(3, 60, 60, 1, Jitter.NONE)


@tagged("post_install", "-at_install")
class TestEventHandlers(SyncCase):
    """An event reaches every handler; a handler's failure is its own."""

    def setUp(self):
        super().setUp()
        # What another test's breaker was believed to be.
        sync_breaker._read.clear()
        self.orders = self.make_order() | self.make_order()
        self.push()
        self.fails, self.why = set(), "cannot do"
        Event = self.env.registry["sync.event"]
        routes = Event._event_routes

        # What another addon does by inheriting.
        def _event_routes(model):
            return (
                *routes(model),
                Route("test", "_handle_test", ("order_*",), 5, PATIENT),
            )

        def _handle_test(events):
            Tag = events.env["res.partner.category"]
            for event in events.filtered(lambda e: e.type == "order_updated"):
                if event.res_id in self.fails:
                    Tag.create({"name": "Half done"})
                    raise ValueError(f"{self.why} {event.data['fields'][0]}")
                (field,) = event.data["fields"]
                name = field.rpartition(":")[2]
                Tag.create({"name": f"{event.res_id} {name}"})

        self.patch(Event, "_event_routes", _event_routes)
        self.patch(Event, "_handle_test", _handle_test)

    @property
    def seen(self):
        """What the handler did, in order: ``[(order id, field)]``."""
        tags = self.env["res.partner.category"].search([], order="id")
        words = [tag.name.split() for tag in tags if tag.name[0].isdigit()]
        return [(int(number), name) for number, name in words]

    def patch(self, owner, name, value):
        patcher = patch.object(owner, name, value, create=True)
        patcher.start()
        self.addCleanup(patcher.stop)

    def edit(self, order, **values):
        order.write(values)
        self.env.cr.flush()

    def deliver(self):
        self.env.cr.flush()
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()

    def deliveries(self, **values):
        return self.env["sync.event.delivery"].search(
            [("backend_id", "=", self.backend.id)]
            + [(name, "=", value) for name, value in values.items()]
        )

    def make_deliveries_due(self):
        self.deliveries(state="waiting").write({"eta": False})

    def events(self, *types):
        return self.env["sync.event"].search(
            [("backend_id", "=", self.backend.id), ("type", "in", types)], order="id"
        )

    # -- Isolation and order ----------------------------------------------------------

    def test_failing_handler_stops_no_neighbour(self):
        poisoned, sound = self.orders
        self.fails = {poisoned.id}
        self.edit(sound, origin="S-1")
        self.edit(poisoned, origin="P-1")
        self.push()
        # The other record's event came through the same handler,
        self.assertEqual(self.seen, [(sound.id, "origin")])
        # and the other handlers had both.
        self.assertEqual(self.at_app(poisoned)["reference"], "P-1")
        self.assertEqual(self.at_app(sound)["reference"], "S-1")
        audited = self.env["sync.audit"].search([("type", "=", "order_updated")])
        self.assertEqual(set(audited.mapped("res_id")), set(self.orders.ids))
        # What it had half done is undone.
        self.assertFalse(
            self.env["res.partner.category"].search([("name", "=", "Half done")])
        )

    def test_only_failures_have_a_row(self):
        self.edit(self.orders[0], origin="S-1")
        self.deliver()
        self.assertFalse(self.deliveries())
        self.fails = {self.orders[1].id}
        self.edit(self.orders[1], origin="P-1")
        self.deliver()
        delivery = self.deliveries()
        self.assertEqual(
            (delivery.handler, delivery.state, delivery.attempts),
            ("test", "waiting", 1),
        )
        self.assertEqual(delivery.message, "cannot do purchase.order:origin")
        self.assertTrue(delivery.event_id.in_trouble)

    def test_what_fails_of_the_same_is_one_error_and_of_another_a_new_one(self):
        self.fails = {self.orders[1].id}
        self.edit(self.orders[1], origin="P-1")
        self.deliver()
        first = self.deliveries().error_id
        self.make_deliveries_due()
        self.deliver()
        self.assertEqual(self.deliveries().error_id, first)
        self.assertFalse(first.resolved_at)
        self.why = "may not do"
        self.make_deliveries_due()
        self.deliver()
        self.assertIn("may not do", self.deliveries().error_id.message)
        self.assertTrue(first.resolved_at, "that is over")

    def test_later_events_of_the_record_wait_behind_the_failed_one(self):
        poisoned, sound = self.orders
        self.fails = {poisoned.id}
        self.edit(poisoned, origin="P-1")
        self.deliver()
        self.fails = set()
        # The handler would take these; the first is not due yet.
        self.edit(poisoned, note="later")
        self.edit(sound, origin="S-1")
        self.deliver()
        self.assertEqual(self.seen, [(sound.id, "origin")])
        self.make_deliveries_due()
        self.deliver()
        self.assertEqual(
            self.seen[1:], [(poisoned.id, "origin"), (poisoned.id, "note")]
        )
        self.assertEqual(set(self.deliveries().mapped("state")), {"done"})

    def test_order_is_kept_within_one_batch(self):
        poisoned, sound = self.orders
        self.fails = {poisoned.id}
        for values in ({"origin": "1"}, {"note": "2"}):
            self.edit(poisoned, **values)
            self.edit(sound, **values)
        self.deliver()
        self.assertEqual(self.seen, [(sound.id, "origin"), (sound.id, "note")])
        self.assertEqual(self.deliveries().mapped("attempts"), [1, 0])
        self.fails = set()
        self.make_deliveries_due()
        self.deliver()
        self.assertEqual(
            self.seen[2:], [(poisoned.id, "origin"), (poisoned.id, "note")]
        )

    def test_a_time_of_a_clock_that_was_ahead_holds_up_no_event(self):
        order = self.orders[0]
        self.fails = {order.id}
        self.edit(order, origin="P-1")
        self.deliver()
        delivery, self.fails = self.deliveries(), set()
        later = fields.Datetime.now() + timedelta(days=3)
        delivery.eta = later
        self.deliver()
        self.assertEqual(delivery.state, "waiting")
        self.env.cr.execute(
            "UPDATE sync_event_delivery SET write_date = %s WHERE id = %s",
            [later, delivery.id],
        )
        self.env.invalidate_all()
        self.recover()
        self.assertEqual(delivery.state, "done")

    def test_retried_by_policy_then_an_error_with_its_correlation_id(self):
        order = self.orders[0]
        self.fails = {order.id}
        self.edit(order.with_context(sync_correlation_id="came-along"), origin="P-1")
        before = fields.Datetime.now()
        self.deliver()
        delivery = self.deliveries()
        self.assertGreaterEqual(delivery.eta, before + timedelta(seconds=60))
        job = self.env["queue.job"].search(
            [("method_name", "=", "_job_events")], limit=1, order="id desc"
        )
        self.assertGreaterEqual(job.eta, delivery.eta)
        # It is an error at once, and its record is not in step.
        self.assertEqual(delivery.error_id.correlation_id, "came-along")
        self.assertEqual(self.mapping(order).state, "pending")
        for __ in range(2):
            self.assertEqual(delivery.state, "waiting")
            self.make_deliveries_due()
            self.deliver()
        self.assertEqual((delivery.state, delivery.attempts), ("failed", 3))
        self.assertEqual(self.mapping(order).state, "dead")
        self.assertEqual(delivery.error_id.correlation_id, "came-along")
        self.assertEqual(delivery.error_id.context["handler"], "test")
        # It holds nobody up any longer.
        self.fails = set()
        self.edit(order, note="goes on")
        self.deliver()
        self.assertEqual(self.seen, [(order.id, "note")])
        # An operator can have it tried again.
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            delivery.with_user(user).action_retry()
        delivery.action_retry()
        self.assertEqual((delivery.state, delivery.attempts), ("waiting", 0))
        self.assertEqual(self.mapping(order).event_trouble, "waiting")
        self.deliver()
        self.assertEqual(delivery.state, "done")
        self.assertTrue(delivery.error_id.resolved)
        self.assertEqual(self.mapping(order).event_trouble, False)

    def test_a_late_delivery_has_its_change_sent(self):
        order = self.orders[0]
        handle = self.env.registry["sync.event"]._handle_sync

        def _handle_sync(events):
            if self.fails:
                raise ValueError("not now")
            return handle(events)

        self.patch(self.env.registry["sync.event"], "_handle_sync", _handle_sync)
        self.fails = {order.id}
        self.edit(order, note="late")
        self.push()
        self.assertEqual(self.mapping(order).state, "pending")
        self.fails = set()
        self.deliveries().action_retry()
        self.env["queue.job"].search([("method_name", "=", "_job_push")]).unlink()
        self.deliver()
        self.env.cr.flush()
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_push")])
        self.assertEqual(len(jobs), 1)
        self.push()
        self.assertEqual(self.at_app(order)["notes"], "late")
        self.assertEqual(self.mapping(order).state, "synced")

    def test_event_given_up_lets_the_next_through(self):
        order = self.orders[0]
        self.fails = {order.id}
        self.edit(order, origin="P-1")
        self.deliver()
        self.deliveries().write({"attempts": 2})
        self.edit(order, note="behind")
        self.deliver()
        self.assertEqual(len(self.deliveries(state="waiting")), 2)
        self.make_deliveries_due()
        self.deliver()
        self.assertEqual(self.deliveries().mapped("state"), ["failed", "waiting"])
        # It had its own turn, and failed for itself.
        self.assertEqual(self.deliveries(state="waiting").attempts, 1)

    def test_one_that_fails_anew_still_holds_back_what_came_later(self):
        order = self.orders[0]
        self.fails = {order.id}
        self.edit(order, origin="P-1")
        self.edit(order, note="behind")
        self.deliver()
        self.make_deliveries_due()
        self.deliver()
        self.assertEqual(self.deliveries().sorted("id").mapped("attempts"), [2, 0])
        self.assertFalse(self.seen)

    def test_handler_of_an_addon_that_is_gone_holds_nobody_up(self):
        self.fails = {self.orders[0].id}
        self.edit(self.orders[0], origin="P-1")
        self.deliver()
        self.deliveries().write({"handler": "gone", "eta": False})
        self.deliver()
        self.assertEqual(self.deliveries().state, "done")

    # -- Validate and enrich ----------------------------------------------------------

    def test_incoming_correlation_id_is_kept(self):
        incoming = self.orders[0].with_context(sync_correlation_id="came-along")
        self.orders[1].note = "first, without one"
        incoming.note = "with one"
        # A computed field written in the same transaction, without it.
        self.orders[0].origin = "without one"
        self.env.cr.flush()
        found = {e.res_id: e.correlation_id for e in self.events("order_updated")}
        self.assertEqual(found[self.orders[0].id], "came-along")
        self.assertNotEqual(found[self.orders[1].id], "came-along")
        self.push()
        operation = self.operations(mapping_id=self.mapping(self.orders[0]).id)[0]
        self.assertEqual(operation.correlation_id, "came-along")

    def test_what_cannot_be_a_correlation_id_is_none(self):
        """Anybody who writes over RPC has a context: it would end up in a header, and
        the batch with it."""
        given = ("a\r\nX-Evil: 1", "niño", "x" * 201, "a b", ["list"], {}, 7, True)
        for index, id_ in enumerate(given):
            with self.subTest(given=id_):
                order = self.orders[0].with_context(sync_correlation_id=id_)
                order.note = f"edit {index}"
                self.orders[1].note = f"neighbour {index}"
                self.push()
                operation = self.operations(mapping_id=self.mapping(order).id)[0]
                self.assertEqual(operation.state, "done")
                self.assertRegex(operation.correlation_id, r"^[0-9a-f]{32}$")
                sent = [self.at_app(edited)["notes"] for edited in self.orders[:2]]
                self.assertEqual(sent, [f"edit {index}", f"neighbour {index}"])

    def test_event_says_who_for_whom_and_when(self):
        buyer = self.env["res.users"].create(
            {
                "login": "buyer",
                "name": "Buyer",
                "group_ids": [(4, self.env.ref("purchase.group_purchase_user").id)],
            }
        )
        self.orders[0].with_user(buyer).note = "mine"
        self.env.cr.flush()
        event = self.events("order_updated")
        self.assertEqual((event.user_id, event.state), (buyer, "pending"))
        self.assertEqual(event.company_id, self.backend.company_id)
        self.assertFalse(event.processed_at)
        self.assertEqual(event.summary, "Terms and Conditions")
        self.env["sync.event"]._deliver(self.backend)
        self.assertEqual(event.state, "done")
        self.assertTrue(event.processed_at)
        trace = self.env["sync.audit"].search([("event_id", "=", event.id)])
        self.assertEqual(
            (trace.user_id, trace.summary, trace.correlation_id),
            (buyer, "Terms and Conditions", event.correlation_id),
        )

    def test_bad_events_are_refused_by_field(self):
        good = {
            "type": "order_updated",
            "backend_id": self.backend.id,
            "res_model": "purchase.order",
            "res_id": self.orders[0].id,
        }
        Event = self.env["sync.event"]
        count = Event.search_count([])
        for name, value in (
            ("type", "order_exploded"),
            ("res_model", "no.model"),
            ("res_id", 0),
            ("res_id", "7"),
            ("backend_id", 0),
            ("correlation_id", "x" * 201),
            ("correlation_id", "niño"),
            ("correlation_id", "a\nb"),
            ("correlation_id", 7),
        ):
            with self.assertRaises(InvalidDataError) as caught:
                Event._emit([good, {**good, name: value}])
            self.assertEqual(caught.exception.field, name)
        self.assertEqual(Event.search_count([]), count)
        Event._emit([{**good, "res_id": 1}])
        self.assertEqual(Event.search_count([]), count + 1)

    def test_types_and_fields_are_named_also_those_of_addons_that_are_gone(self):
        Event = self.env["sync.event"]
        for type_, name in (
            ("order_updated", "Order updated"),
            ("supplier_updated", "Supplier updated"),
            ("conflict_opened", "Conflict opened"),
            ("parcel_booked", "Parcel booked"),
            (False, ""),
        ):
            self.assertEqual(Event._type_name(type_), name)
        names = ["purchase.order:note", "purchase.order:gone", "no.model:shelf"]
        words = Event._data_in_words({"fields": names})
        self.assertEqual(words, "Terms and Conditions, gone, shelf")

    @mute_logger("odoo.addons.pharmacy_sync.models.error.sync_error")
    def test_event_that_nobody_knows_is_put_aside_with_an_error(self):
        self.edit(self.orders[0], origin="S-1")
        event = self.events("order_updated")
        self.env.cr.execute(
            "UPDATE sync_event SET type = 'addon_gone' WHERE id = %s", [event.id]
        )
        self.env.invalidate_all()
        self.deliver()
        self.assertEqual(event.state, "rejected")
        error = self.env["sync.error"].search(
            [("correlation_id", "=", event.correlation_id)]
        )
        self.assertEqual(error.context["type"], "addon_gone")
        self.assertEqual(event.display_name, "Addon gone")

    # -- Types ------------------------------------------------------------------------

    def test_types_of_what_happens(self):
        order = self.orders[0]
        self.assertEqual(
            set(self.events("order_created", "order_synced").mapped("type")),
            {"order_created", "order_synced"},
        )
        order.button_cancel()
        self.push()
        self.assertTrue(self.events("order_cancelled").filtered("processed_at"))
        self.supplier.phone = "1"
        self.products[0].name = "Other"
        self.push()
        for name in ("supplier_updated", "product_updated", "supplier_synced"):
            self.assertEqual(set(self.events(name).mapped("state")), {"done"}, name)

    def test_every_type_has_a_name_for_people(self):
        self.edit(self.orders[0], origin="S-1")
        self.deliver()
        for model in ("sync.event", "sync.audit", "sync.event.metric"):
            names = dict(self.env[model].fields_get(["type"])["type"]["selection"])
            self.assertEqual(set(names), self.env["sync.event"]._event_types(), model)
            self.assertEqual(names["order_updated"], "Order updated", model)
            self.assertEqual(names["supplier_synced"], "Supplier synced", model)
        trace = self.env["sync.audit"].search([("type", "=", "order_updated")], limit=1)
        self.assertEqual(trace.display_name, "Order updated")

    def test_conflict_is_opened_and_resolved(self):
        order = self.orders[0]
        self.app.edit(
            "purchase-orders", self.mapping(order).external_id, reference="App"
        )
        self.edit(order, origin="Odoo")
        self.push()
        conflict = self.mapping(order).conflict_ids
        opened = self.events("conflict_opened")
        self.assertEqual(
            (opened.res_model, opened.res_id), (conflict._name, conflict.id)
        )
        self.assertEqual(opened.correlation_id, conflict.correlation_id)
        self.deliver()
        notes = "".join(self.backend.message_ids.mapped("body"))
        self.assertEqual(notes.count(opened.correlation_id), 1)
        conflict.action_keep_odoo()
        self.assertEqual(self.events("conflict_resolved").res_id, conflict.id)

    def test_dead_letter_is_created_redriven_discarded(self):
        order = self.orders[0]
        self.app.refuse_records("forbidden")
        self.edit(order, origin="P-1")
        self.push()
        operation = self.operations(state="dead")
        created = self.events("dead_letter_created")
        self.assertEqual(created.res_id, operation.id)
        self.assertEqual(created.correlation_id, operation.correlation_id)
        self.assertTrue(operation.reason)
        self.assertEqual(created.data, {"cause": operation.reason})
        operation.action_redrive()
        self.assertEqual(self.events("dead_letter_redriven").res_id, operation.id)
        self.push()
        self.operations(state="dead").action_discard("The pharmacy sells it no more")
        self.assertEqual(self.events("dead_letter_discarded").res_id, operation.id)

    def test_breaker_events_leave_a_note(self):
        self.backend.breaker_ids.write({"consecutive_failures": 1})
        self.app.fault("error", status=503)
        self.edit(self.orders[0], origin="P-1")
        self.push()
        opened = self.events("breaker_opened")
        self.assertEqual(opened.res_id, self.backend._breaker("push").id)
        self.deliver()
        note = self.backend.message_ids.filtered(
            lambda message: "No connection" in message.body
        )
        self.assertEqual(len(note), 1)
        self.assertIn(opened.correlation_id, note.body)

    def test_followers_are_notified_at_once(self):
        follower = new_test_user(self.env, "follower").partner_id
        self.backend.message_subscribe(follower.ids)
        buyer = new_test_user(self.env, "buyer", "purchase.group_purchase_user")
        self.orders[0].user_id = buyer
        self.edit(self.orders[0], origin="S-1")
        self.edit(self.orders[0], note="once more")
        self.env["bus.bus"].sudo().search([]).unlink()
        events = self.events("order_updated")
        self.backend._note_events("order_updated", events[:1])
        self.assertNotIn("times", self.backend.message_ids[0].body)
        self.backend._note_events("order_updated", events)
        self.assertIn("Order updated, 2 times", self.backend.message_ids[0].body)
        self.env.cr.precommit.run()
        rows = self.env["bus.bus"].sudo().search([])
        messages = [row for row in rows if "simple_notification" in row.message]
        channels = "".join(row.channel for row in messages)
        for partner in (follower, buyer.partner_id):
            self.assertIn(f'"res.partner",{partner.id}', channels)
        payload = json.loads(messages[0].message)["payload"]
        self.assertEqual(payload["title"], self.backend.name)
        self.assertIn(self.orders[0].name, payload["message"])

    def test_job_whose_time_is_over_hands_the_rest_to_the_next(self):
        event = {
            "type": "order_updated",
            "backend_id": self.backend.id,
            "res_model": "purchase.order",
            "res_id": self.orders[0].id,
            "data": {"fields": ["purchase.order:note"]},
        }
        self.deliver()
        self.env["sync.event"]._emit([event] * (DISPATCH_LIMIT + 1))
        self.env["queue.job"].search([]).unlink()
        self.backend._deliver_events(shift(0))
        self.env.invalidate_all()
        states = self.events("order_updated").mapped("state")
        self.assertEqual(states.count("pending"), 1)
        job = self.env["queue.job"].search([("method_name", "=", "_job_events")])
        self.assertEqual(len(job), 1)
        self.assertFalse(job.eta)

    def test_recovery_goes_on_until_all_is_delivered_or_its_time_is_over(self):
        self.patch(handlers, "RECOVER_LIMIT", 1)
        self.deliver()
        for number in range(3):
            self.edit(self.orders[0], origin=f"S-{number}")
        self.patch(handlers, "shift", lambda: shift(0))
        self.env["sync.event"]._recover()
        self.env.invalidate_all()
        events = self.events("order_updated")
        self.assertEqual(events.mapped("state"), ["done", "pending", "pending"])
        self.patch(handlers, "shift", shift)
        self.env["sync.event"]._recover()
        self.env.invalidate_all()
        self.assertEqual(set(events.mapped("state")), {"done"})

    def test_one_job_delivers_what_a_transaction_wrote_and_one_each_moment(self):
        self.env["queue.job"].search([]).unlink()
        later = fields.Datetime.now() + timedelta(hours=1)
        moments = [None, None, later, later, later + timedelta(hours=1)]
        company = self.backend.company_id
        for owner, method in ((self.backend, "_job_events"), (company, "_job_deliver")):
            with self.subTest(owner._name):
                for eta in moments:
                    self.env["sync.event"]._schedule_delivery(owner, eta)
                jobs = self.env["queue.job"].search([("method_name", "=", method)])
                self.assertCountEqual(
                    jobs.mapped("eta"), [False, later, later + timedelta(hours=1)]
                )
                now = jobs.filtered(lambda job: not job.eta)
                self.env.cr.execute("SELECT pg_current_xact_id()::text")
                # One that waits already may have begun when this commits.
                self.assertIn(self.env.cr.fetchone()[0], now.identity_key)

    # -- Handlers of our own ----------------------------------------------------------

    def test_events_are_counted_by_hour(self):
        def count():
            rows = self.env["sync.event.metric"].search(
                [("backend_id", "=", self.backend.id), ("type", "=", "order_updated")]
            )
            return sum(rows.mapped("count"))

        for number in range(3):
            self.edit(self.orders[0], origin=f"S-{number}")
        self.deliver()
        self.edit(self.orders[0], origin="S-3")
        self.deliver()
        self.deliver()
        self.assertEqual(count(), 4)

    def test_audit_is_appended_and_never_changed(self):
        self.edit(self.orders[0], origin="S-1")
        self.deliver()
        trace = self.env["sync.audit"].search([], limit=1)
        for change in (lambda: trace.write({"type": "x"}), trace.unlink):
            with self.assertRaisesRegex(Exception, "never"):
                change()
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            trace.with_user(user).write({"type": "x"})

    # -- Recovery ---------------------------------------------------------------------

    def test_recovery_delivers_what_lost_its_job(self):
        self.edit(self.orders[0], origin="S-1")
        self.env["queue.job"].search([]).write({"state": "cancelled"})
        self.recover()
        self.assertEqual(self.events("order_updated").state, "done")
        self.assertEqual(len(self.operations(state="pending")), 1)
