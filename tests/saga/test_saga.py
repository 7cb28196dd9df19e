from datetime import timedelta
from itertools import count
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...models.call import sync_breaker
from ..common import SyncCase

RESERVATIONS = "/api/v1/reservations"


@tagged("post_install", "-at_install")
class TestSaga(SyncCase):
    """An order is made on both sides as a whole, or is taken back as a whole."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = cls.env["sync.api"].with_user(cls.api_user)
        cls.keys = count()

    def setUp(self):
        super().setUp()
        sync_breaker._read.clear()
        self.app_supplier = self.app.add("suppliers", name="Farmacia Sur")
        self.app_product = self.app.add("products", name="Ibuprofen", uom="Units")
        self.pull()
        self.at_pharmacy = self.app.add(
            "purchase-orders",
            supplier_id=self.app_supplier["id"],
            lines=[
                {
                    "product_id": self.app_product["id"],
                    "quantity": "4",
                    "unit_price": "1.20",
                }
            ],
        )

    def set_stock(self, quantity):
        self.app.call(
            "POST", "/admin/settings", stock={self.app_product["id"]: quantity}
        )

    def stock_left(self):
        settings = self.app.call(
            "POST", "/admin/settings", ignore_idempotency_keys=False
        )
        return float(settings["stock"][self.app_product["id"]])

    def start(self, key=None, **values):
        """What the app asks for: ``(answer, saga)``."""
        record = {**self.at_pharmacy, **values}
        answer = self.api.order(record, key or f"key-{next(self.keys)}")
        self.assertTrue(answer["success"], answer)
        return answer, self.env["sync.saga"].browse(answer["saga"])

    def work(self, saga, jobs=30):
        """Do what the job runner would; time passes for what waits."""
        for __ in range(jobs):
            if saga.state not in ("pending", "running", "compensating"):
                break
            self.step(saga)

    def step(self, saga):
        """One job of the saga's."""
        self.env.flush_all()
        runner = saga.with_env(saga.backend_id._as_runner().env)
        runner.with_context(job_uuid=saga.job_uuid)._job_step()
        self.env.invalidate_all()

    def reservations(self):
        return self.app.items("reservations")

    def steps(self, saga):
        return [(step.state, step.compensation) for step in saga.step_ids]

    def fault(self, kind, path=RESERVATIONS, method="POST", **rule):
        self.app.fault(kind, match={"method": method, "path": path}, **rule)

    # -- Well and good ----------------------------------------------------------------

    def test_order_is_created_reserved_confirmed_acknowledged(self):
        self.set_stock(5)
        answer, saga = self.start()
        self.assertEqual(answer["state"], "pending")
        begun = fields.Datetime.now()
        self.work(saga)
        self.assertEqual(saga.state, "completed")
        self.assertEqual(self.steps(saga), [("done", "registered")] * 4)
        for moment in (saga.worked_at, saga.ended_at):
            self.assertTrue(moment and begun <= moment <= fields.Datetime.now())
        (reservation,) = self.reservations()
        self.assertEqual(reservation["state"], "confirmed")
        self.assertEqual(reservation["external_ref"], saga.key)
        self.assertEqual(reservation["purchase_order_id"], self.at_pharmacy["id"])
        self.assertEqual(self.stock_left(), 1)
        order = saga.order_id
        self.assertTrue(order.acknowledged)
        self.assertEqual(self.mapping(order).external_id, self.at_pharmacy["id"])
        said = "".join(order.message_ids.mapped("body"))
        self.assertIn(f"confirmed by Test Pharmacy: {reservation['id']}", said)
        reported = self.api.saga(saga.id)
        self.assertTrue(reported["success"])
        self.assertEqual(
            (reported["state"], reported["order"]), ("completed", order.name)
        )
        self.assertEqual(reported["steps"][1]["external_id"], reservation["id"])
        ids = [step["external_id"] for step in saga.picture]
        self.assertEqual(ids, ["", reservation["id"], "", ""])
        self.assertEqual(
            saga.step_ids.mapped("undo_name"),
            ["Cancel in Odoo", "Release", "Give Back", "Withdraw"],
        )
        with self.assertRaisesRegex(UserError, "has ended"):
            saga.action_continue()
        with self.assertRaisesRegex(UserError, "that need attention"):
            saga._settle("nothing to settle")

    def test_each_step_is_a_job_of_its_own(self):
        self.set_stock(5)
        __, saga = self.start()
        jobs = {saga.job_uuid}
        for __ in range(4):
            job = self.env["queue.job"].search([("uuid", "=", saga.job_uuid)])
            self.assertEqual((job.state, job.eta), ("pending", False))
            self.step(saga)
            jobs.add(saga.job_uuid)
        self.assertEqual((saga.state, len(jobs)), ("completed", 4))

    def test_a_reservation_is_called_by_what_is_known_of_its_order(self):
        start = self.env["sync.saga"]._start
        for record, name in (
            ({"id": "po_1", "reference": "PH-1"}, "PH-1"),
            ({"id": "po_1"}, "po_1"),
            ({}, "Reservation"),
        ):
            self.assertIn(name, start(self.backend, record=record).display_name)
        order = self.make_order()
        self.assertEqual(
            start(self.backend, order_id=order.id).display_name, order.name
        )

    def test_an_order_is_reserved_where_it_is_and_not_while_that_is_paused(self):
        self.env["sync.backend"].create(
            {"name": "A First By Name", "url": "http://first.invalid"}
        )
        order = self.make_order()
        self.push()
        order.action_sync_reserve()
        self.assertEqual(order.sync_saga_ids.backend_id, self.backend)
        order.sync_saga_ids.state = "completed"
        self.backend.paused = True
        with self.assertRaisesRegex(UserError, "paused"):
            order.action_sync_reserve()

    def test_an_order_that_is_nowhere_is_reserved_where_it_is_sent(self):
        """Elsewhere the reservation would wait for it for a day, and cancel it."""
        first = self.env["sync.backend"].create(
            {"name": "A First By Name", "url": "http://first.invalid"}
        )
        order = self.make_order()
        both = self.backend | first
        orders = both.stream_ids.filtered(lambda s: s.entity == "purchase_order")
        for values in ({"rule": "linked"}, {"direction": "pull"}):
            orders.write({"rule": False, "direction": "both"})
            orders.write(values)
            with self.assertRaisesRegex(UserError, "is sent to none"):
                order.action_sync_reserve()
        orders.write({"rule": False, "direction": "both"})
        order.action_sync_reserve()
        self.assertEqual(order.sync_saga_ids.backend_id, self.backend)
        self.assertNotEqual(order.sync_saga_ids.backend_id, first)
        # Of several, the first that works.
        orders.rule = "all"
        order = self.make_order()
        both.paused = True
        with self.assertRaisesRegex(UserError, "^A First By Name is paused"):
            order.action_sync_reserve()
        both.paused = False
        order.action_sync_reserve()
        self.assertEqual(order.sync_saga_ids.backend_id, first)

    def test_is_seen_by_those_who_see_no_purchase_orders(self):
        self.set_stock(5)
        __, saga = self.start()
        self.work(saga)
        order = saga.order_id
        user = new_test_user(self.env, "saga_user", "pharmacy_sync.group_user")
        self.assertFalse(order.with_user(user).has_access("read"))
        self.assertEqual(saga.with_user(user).display_name, order.name)
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            order.with_user(user).action_view_sync_sagas()
        other = new_test_user(self.env, "other", "base.group_user")
        self.env.invalidate_all()
        for action in (saga.action_open_order, saga.action_view_calls):
            with self.assertRaises(AccessError):
                action.__func__(saga.with_user(other))

    def test_board_begins_with_what_a_person_is_to_look_at(self):
        self.start()
        groups = self.env["sync.saga"].with_context(read_group_expand=True)
        groups = groups.web_read_group([], ["state"])["groups"]
        states = [group["state"] for group in groups]
        self.assertEqual(states[0], "needs_attention")
        known = self.env["sync.saga"]._fields["state"].get_values(self.env)
        self.assertCountEqual(states, known)

    def test_order_that_the_app_does_not_have_is_sent_there_first(self):
        self.set_stock(5)
        record = {
            "reference": "PH-1",
            "supplier_id": self.app_supplier["id"],
            "lines": [
                {
                    "key": "1",
                    "product_id": self.app_product["id"],
                    "quantity": "2",
                    "unit_price": "1",
                }
            ],
        }
        answer = self.api.order(record, "new-order")
        saga = self.env["sync.saga"].browse(answer["saga"])
        self.step(saga)
        # It waits, at no cost, until the order is there.
        self.env["queue.job"].search([("method_name", "=", "_job_push")]).unlink()
        before = fields.Datetime.now()
        self.step(saga)
        self.assertEqual((saga.state, saga.step_ids[1].attempts), ("running", 0))
        self.assertTrue(before < saga.eta < before + timedelta(minutes=1))
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_push")])
        self.assertEqual(len(jobs), 1, "it is sent there at once")
        self.push()
        self.work(saga)
        self.assertEqual(saga.state, "completed")
        self.assertEqual(self.stock_left(), 3)

    def test_same_key_is_one_saga(self):
        first, saga = self.start("once")
        self.work(saga)
        again, __ = self.start("once")
        self.assertEqual(again["saga"], first["saga"])
        self.assertEqual(again["state"], "completed")
        self.assertEqual(len(self.reservations()), 1)
        other = self.api.order({**self.at_pharmacy, "notes": "other"}, "once")
        self.assertEqual(other["error"]["field"], "idempotency_key")

    def test_what_is_no_order_is_refused_at_once(self):
        answer = self.api.order({**self.at_pharmacy, "supplier_id": None}, "bad")
        self.assertEqual(
            (answer["success"], answer["error"]["field"]), (False, "supplier_id")
        )
        self.assertFalse(
            self.env["sync.saga"].search([("backend_id", "=", self.backend.id)])
        )

    # -- Failing ----------------------------------------------------------------------

    def test_insufficient_stock_is_taken_back_with_a_typed_error(self):
        self.set_stock(3)
        __, saga = self.start()
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        order = saga.order_id
        self.assertEqual(order.state, "cancel")
        self.assertIn("available", order.sync_failure)
        said = "".join(order.message_ids.mapped("body"))
        self.assertIn("The pharmacy could not deliver", said)
        self.assertEqual(
            self.steps(saga),
            [("done", "done"), ("failed", "done"), *[("pending", "none")] * 2],
        )
        reported = self.api.saga(saga.id)
        self.assertEqual(
            (reported["success"], reported["error"]["type"]),
            (False, "insufficient_stock"),
        )
        self.assertFalse(self.reservations())
        self.push()
        at_app = self.app.get("purchase-orders", self.at_pharmacy["id"])
        self.assertEqual(at_app["state"], "cancelled")
        error = self.env["sync.error"].search(
            [("correlation_id", "=", saga.correlation_id)]
        )
        self.assertEqual(error.type, "insufficient_stock")
        event = self.env["sync.event"].search([("type", "=", "saga_compensated")])
        self.assertEqual(event.correlation_id, saga.correlation_id)
        self.assertEqual(event.data, {"cause": saga.error})

    def test_order_that_odoo_does_not_take_reserves_nothing(self):
        __, saga = self.start(currency="ZZZ")
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertIn("ZZZ", saga.error)
        self.assertFalse(saga.order_id)
        self.assertFalse(self.reservations())

    def test_what_became_of_the_order_meanwhile_gives_the_goods_back(self):
        for number, what in enumerate(("cancelled", "deleted"), 1):
            with self.subTest(what):
                self.set_stock(9)
                order = self.make_order()
                self.push()
                order.action_sync_reserve()
                saga = order.sync_saga_ids
                for __ in range(3):
                    self.step(saga)
                self.assertEqual(saga.step_ids[2].state, "done")
                order.button_cancel()
                if what == "deleted":
                    order.unlink()
                self.work(saga)
                self.assertEqual(saga.state, "compensated")
                self.assertIn(f"The order was {what}", saga.error)
                states = [r["state"] for r in self.reservations()]
                self.assertEqual(states, ["released"] * number)

    def test_order_without_goods_reserves_nothing(self):
        order = self.make_order(quantity=0)
        self.push()
        order.action_sync_reserve()
        saga = order.sync_saga_ids
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertIn("no goods", saga.error)
        self.assertFalse(self.reservations())

    def test_product_that_the_app_does_not_have_is_waited_for(self):
        order = self.make_order()
        self.push()
        new = self.env["product.product"].create({"name": "New", "barcode": "84009"})
        self.backend.paused = True
        order.order_line[0].copy({"order_id": order.id, "product_id": new.id})
        self.backend.paused = False
        order.action_sync_reserve()
        saga = order.sync_saga_ids
        for __ in range(3):
            self.step(saga)
        self.assertEqual((saga.state, saga.step_ids[1].attempts), ("running", 0))
        self.assertFalse(self.reservations(), "nor is a part of it reserved")
        self.push()
        self.work(saga)
        self.assertEqual(saga.state, "completed")
        (reservation,) = self.reservations()
        products = {line["product_id"] for line in reservation["lines"]}
        self.assertIn(self.mapping(new).external_id, products)
        self.assertEqual(len(products), 4)

    def test_order_that_is_deleted_there_is_neither_made_nor_reserved(self):
        __, saga = self.start(deleted=True)
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(saga.error, "The order is deleted.")
        self.assertFalse(saga.order_id)
        self.assertFalse(self.reservations())

    def test_lost_answer_is_found_again_by_the_key(self):
        self.set_stock(9)
        self.fault("lost_answer", count=1)
        __, saga = self.start()
        self.work(saga)
        self.assertEqual(saga.state, "completed")
        self.assertEqual(len(self.reservations()), 1)
        self.assertEqual(saga.step_ids[1].external_id, self.reservations()[0]["id"])
        # Twice asked for, once with the same key: not reserved twice.
        self.assertEqual(self.stock_left(), 5)

    def test_step_that_may_have_succeeded_is_taken_back(self):
        self.set_stock(5)
        self.env["sync.retry.policy"].search([]).write({"max_attempts": 1})
        # Applied, and its answer lost for good.
        self.fault("lost_answer")
        __, saga = self.start()
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(saga.step_ids[1].state, "failed")
        self.assertEqual([r["state"] for r in self.reservations()], ["released"])
        self.assertEqual(self.stock_left(), 5)
        # Nothing but the key could say what to release.
        self.assertEqual(saga.step_ids[1].external_id, self.reservations()[0]["id"])

    def test_reservation_that_ended_before_its_answer_came_is_no_success(self):
        self.set_stock(5)
        self.fault("lost_answer", count=1)
        __, saga = self.start()
        self.step(saga)
        self.step(saga)
        (reservation,) = self.reservations()
        self.app.call("POST", f"{RESERVATIONS}/{reservation['id']}/release")
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(saga.step_ids[1].state, "failed")
        self.assertIn("released already", saga.error)
        self.assertEqual(saga.step_ids[2].state, "pending", "nothing to confirm")
        self.assertIn("released already", saga.order_id.sync_failure)

    def test_confirmation_that_may_have_succeeded_is_given_back(self):
        self.set_stock(5)
        self.env["sync.retry.policy"].search([]).write({"max_attempts": 1})
        self.fault("lost_answer", path=f"{RESERVATIONS}/*/confirm")
        __, saga = self.start()
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual([r["state"] for r in self.reservations()], ["released"])
        self.assertEqual(self.stock_left(), 5)
        self.assertEqual(saga.order_id.state, "cancel")

    def test_failing_compensation_is_recorded_and_the_others_go_on(self):
        saga = self.stuck_saga()
        self.assertEqual(saga.state, "needs_attention")
        self.assertEqual(
            [step.compensation for step in saga.step_ids],
            ["done", "failed", "failed", "none"],
        )
        messages = [step["message"] for step in saga.picture]
        self.assertEqual(messages, ["", *saga.step_ids[1:3].mapped("message"), ""])
        self.assertTrue(all(messages[1:3]))
        # Past the failing ones: the order is cancelled all the same.
        self.assertEqual(saga.order_id.state, "cancel")
        self.assertEqual([r["state"] for r in self.reservations()], ["held"])
        # Once the app can, an operator has it tried again.
        self.app.heal()
        sync_breaker._read.clear()
        failed = saga.step_ids[1:3]
        failed.attempts = 5
        former = saga.job_uuid
        saga.action_continue()
        self.assertNotEqual(saga.job_uuid, former, "it has a job again")
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual([r["state"] for r in self.reservations()], ["released"])
        self.assertEqual(failed.mapped("attempts"), [1, 1], "counted anew")

    def test_attempts_to_take_back_are_counted_for_themselves(self):
        self.set_stock(5)
        self.env["sync.retry.policy"].search([]).write({"max_attempts": 2})
        self.fault("error", status=503)
        __, saga = self.start()
        self.step(saga)
        reserve = saga.step_ids[1]
        for number in (1, 2):
            former = saga.job_uuid
            self.step(saga)
            self.assertEqual((reserve.attempts, reserve.undoing), (number, False))
            self.assertNotEqual(saga.job_uuid, former, "a job goes on with it")
        self.assertEqual((saga.state, reserve.state), ("compensating", "failed"))
        self.assertTrue(reserve.last_delay)
        reserve.begun_at = long_ago = fields.Datetime.now() - timedelta(days=2)
        self.fault("error", status=503, path=f"{RESERVATIONS}*", method="GET", count=1)
        self.step(saga)
        self.assertEqual((reserve.attempts, reserve.undoing), (1, True))
        self.assertEqual(reserve.compensation, "registered", "it is tried once more")
        self.assertGreater(reserve.begun_at, long_ago)
        self.step(saga)
        self.assertEqual((reserve.attempts, reserve.compensation), (2, "done"))

    def test_what_is_taken_back_at_once_has_waited_for_nothing(self):
        self.set_stock(5)
        self.env["sync.retry.policy"].search([]).write({"max_attempts": 2})
        self.fault("error", status=503)
        __, saga = self.start()
        self.work(saga)
        reserve = saga.step_ids[1]
        self.assertEqual(reserve.compensation, "done")
        self.assertEqual((reserve.attempts, reserve.last_delay), (1, 0))

    def stuck_saga(self):
        """Neither to be confirmed nor to be released."""
        self.set_stock(5)
        self.app.call(
            "POST",
            "/admin/faults",
            seed=1,
            rules=[
                {
                    "kind": "forbid",
                    "match": {"method": "POST", "path": f"{RESERVATIONS}/*/*"},
                }
            ],
        )
        __, saga = self.start()
        self.work(saga)
        return saga

    def test_settled_by_hand_with_a_reason(self):
        saga = self.stuck_saga()
        operator = new_test_user(
            self.env, "op", "pharmacy_sync.group_operator,base.group_user"
        )
        user = new_test_user(self.env, "us", "pharmacy_sync.group_user,base.group_user")
        with self.assertRaises(AccessError):
            saga.with_user(user)._settle("no")
        for action in ("action_continue", "action_compensate", "action_settle"):
            with self.assertRaises(AccessError):
                getattr(saga.with_user(user), action)()
        wizard = self.env["sync.saga.settle"].with_user(operator)
        wizard.create(
            {"saga_ids": saga.ids, "reason": "Released by telephone"}
        ).action_settle()
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(saga.settled_by_id, operator)
        self.assertEqual(saga.settled_reason, "Released by telephone")

    # -- Trying again -----------------------------------------------------------------

    def test_app_that_is_down_is_tried_again_by_policy(self):
        self.set_stock(5)
        self.fault("error", status=503, count=2)
        __, saga = self.start()
        self.step(saga)
        before = fields.Datetime.now()
        self.step(saga)
        self.assertEqual(saga.state, "running")
        self.assertTrue(saga.eta and saga.eta >= before)
        self.assertTrue(saga.reason)
        job = self.env["queue.job"].search([("uuid", "=", saga.job_uuid)])
        self.assertEqual(job.eta, saga.eta)
        self.work(saga)
        self.assertEqual(saga.state, "completed")
        self.assertFalse(saga.eta or saga.reason, "it waits for nothing any more")

    def test_open_breaker_costs_no_attempt(self):
        self.backend.breaker_ids.write({"consecutive_failures": 1})
        __, saga = self.start()
        self.step(saga)
        self.fault("error", status=503)
        self.step(saga)
        opened = self.backend.breaker_ids.filtered(lambda b: b.state == "open")
        self.assertGreaterEqual(saga.eta, opened.open_until, "not before it may pass")
        for __ in range(11):
            self.step(saga)
        self.assertEqual((saga.state, saga.step_ids[1].attempts), ("running", 0))
        self.assertGreaterEqual(saga.eta, opened.open_until, "not before it may pass")
        self.assertLessEqual(
            len([r for r in self.app.requests() if r["path"] == RESERVATIONS]), 1
        )

    def test_saga_that_takes_too_long_is_taken_back(self):
        self.set_stock(5)
        self.fault("error", status=503)
        __, saga = self.start()
        self.step(saga)
        self.step(saga)
        saga.step_ids[1].begun_at -= timedelta(days=2)
        self.app.heal()
        self.fault("error", status=503, count=1)
        self.work(saga)
        self.assertEqual(saga.state, "compensated")

    def test_reservation_that_expired_is_taken_back(self):
        self.set_stock(5)
        __, saga = self.start()
        self.step(saga)
        self.step(saga)
        (reservation,) = self.reservations()
        self.app.call("POST", f"{RESERVATIONS}/{reservation['id']}/release")
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(self.stock_left(), 5)

    # -- People -----------------------------------------------------------------------

    def test_manager_reserves_an_order_of_odoo(self):
        order = self.make_order(quantity=1.0)
        self.push()
        action = order.action_sync_reserve()
        saga = self.env["sync.saga"].browse(action["res_id"])
        with self.assertRaises(UserError):
            order.action_sync_reserve()
        self.work(saga)
        self.assertEqual(order.sync_saga_state, "completed")
        self.assertTrue(order.acknowledged)
        (reservation,) = self.reservations()
        self.assertEqual(
            reservation["purchase_order_id"], self.mapping(order).external_id
        )
        buyer = new_test_user(
            self.env, "bu", "purchase.group_purchase_user,pharmacy_sync.group_user"
        )
        with self.assertRaises(AccessError):
            order.with_user(buyer).action_sync_reserve()
        order.action_sync_reserve()
        action = order.action_view_sync_sagas()
        self.assertEqual(action["domain"], [("id", "in", order.sync_saga_ids.ids)])
        self.assertEqual(len(order.sync_saga_ids), 2)

    def test_who_may_only_look_at_orders_reserves_none(self):
        order = self.make_order()
        self.push()
        readers = self.env["res.groups"].create({"name": "Readers of orders"})
        self.env["ir.model.access"].create(
            {
                "name": "Readers of orders",
                "model_id": self.env["ir.model"]._get_id("purchase.order"),
                "group_id": readers.id,
                "perm_read": True,
            }
        )
        manager = new_test_user(self.env, "ma", "pharmacy_sync.group_manager")
        manager.group_ids += readers
        self.assertTrue(order.with_user(manager).has_access("read"))
        with self.assertRaises(AccessError):
            order.with_user(manager).action_sync_reserve()
        self.assertFalse(order.sync_saga_ids)

    def test_a_cancelled_order_is_not_reserved(self):
        order = self.make_order()
        self.push()
        order.button_cancel()
        with self.assertRaisesRegex(UserError, "cancelled"):
            order.action_sync_reserve()
        self.assertFalse(order.sync_saga_ids)

    def test_order_of_a_company_without_a_pharmacy_is_not_reserved(self):
        company = self.env["res.company"].create({"name": "Other Clinic"})
        self.env.user.company_ids += company
        order = self.make_order()
        order.company_id = company
        with self.assertRaisesRegex(UserError, "connected to Other Clinic"):
            order.action_sync_reserve()
        self.assertFalse(order.sync_saga_ids)

    def test_completed_saga_can_be_taken_back(self):
        self.set_stock(5)
        __, saga = self.start()
        self.work(saga)
        former = saga.job_uuid
        saga.action_compensate()
        self.assertNotEqual(saga.job_uuid, former, "a job takes it back")
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(self.stock_left(), 5)
        self.assertFalse(saga.order_id.acknowledged)
        self.assertEqual(saga.order_id.state, "cancel")
        with self.assertRaisesRegex(UserError, "taken back already"):
            saga.action_compensate()

    def test_withdrawn_while_its_call_is_under_way(self):
        self.set_stock(5)
        __, saga = self.start()
        self.step(saga)
        call = type(saga.step_ids)._call_reserve

        def withdraw_meanwhile(step, action):
            answer = call(step, action)
            self.withdraw_under_way(saga)
            return answer

        with patch.object(type(saga.step_ids), "_call_reserve", withdraw_meanwhile):
            self.step(saga)
        # What the call did is on record, and is taken back.
        self.assertEqual(saga.state, "compensating")
        self.assertTrue(saga.step_ids[1].external_id)
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertEqual([r["state"] for r in self.reservations()], ["released"])

    def test_withdrawn_while_its_call_fails(self):
        """It is taken back then, and not tried again first."""
        __, saga = self.start()
        self.step(saga)
        self.fault("error", status=503, count=1)
        call = type(saga.step_ids)._call_reserve

        def withdraw_meanwhile(step, action):
            self.withdraw_under_way(saga)
            return call(step, action)

        with patch.object(type(saga.step_ids), "_call_reserve", withdraw_meanwhile):
            self.step(saga)
        self.assertEqual(saga.state, "compensating")
        self.assertFalse(saga.eta)
        self.assertIn("Withdrawn by", saga.error)
        self.work(saga)
        self.assertEqual(saga.state, "compensated")

    def test_one_whose_job_is_at_work_is_given_no_second_one(self):
        __, saga = self.start()
        job = self.env["queue.job"].search([("uuid", "=", saga.job_uuid)])
        job.state = "started"
        saga.action_continue()
        self.assertEqual(saga.job_uuid, job.uuid)
        job.state = "failed"
        saga.action_continue()
        self.assertNotEqual(saga.job_uuid, job.uuid)

    def withdraw_under_way(self, saga):
        """An operator takes the saga back while its job is at work."""
        job = self.env["queue.job"].search([("uuid", "=", saga.job_uuid)])
        self.env.cr.execute(
            "UPDATE queue_job SET state = 'started' WHERE id = %s", [job.id]
        )
        job.invalidate_recordset()
        saga.action_compensate()
        self.env.flush_all()

    def test_withdrawn_before_the_worker_of_its_step_died(self):
        self.set_stock(5)
        __, saga = self.start()
        self.step(saga)
        self.withdraw_under_way(saga)
        self.assertEqual(saga.state, "running", "left to the job that is at work")
        # The job runs again, in another worker.
        self.work(saga)
        self.assertEqual(saga.state, "compensated")
        self.assertFalse(self.reservations(), "nothing more is asked for")
        self.assertEqual(saga.order_id.state, "cancel")
        self.assertIn("Withdrawn by", saga.order_id.sync_failure)

    # -- Jobs -------------------------------------------------------------------------

    def test_job_that_was_replaced_does_nothing(self):
        __, saga = self.start()
        former = saga.job_uuid
        saga._schedule()
        runner = saga.with_env(saga.backend_id._as_runner().env)
        self.env.flush_all()
        runner.with_context(job_uuid=former)._job_step()
        self.env.invalidate_all()
        self.assertEqual(saga.state, "pending")

    def test_saga_without_a_job_is_taken_up(self):
        __, saga = self.start()
        living = saga.job_uuid
        self.env["sync.operation"]._cron_recover()
        self.assertEqual(saga.job_uuid, living)
        self.env.cr.execute(
            "UPDATE queue_job SET state = 'failed' WHERE uuid = %s", [living]
        )
        self.env["sync.operation"]._cron_recover()
        self.assertNotEqual(saga.job_uuid, living)
        self.work(saga)
        self.assertEqual(saga.state, "completed")

    def test_paused_backend_holds_the_saga(self):
        __, saga = self.start()
        self.backend.paused = True
        self.step(saga)
        self.assertEqual(saga.state, "pending")
        self.backend.paused = False
        self.env.cr.execute("UPDATE queue_job SET state = 'done'")
        self.env["sync.operation"]._cron_recover()
        self.work(saga)
        self.assertEqual(saga.state, "completed")

    @mute_logger("odoo.sql_db")
    def test_order_has_one_saga_under_way(self):
        __, first = self.start()
        self.step(first)
        __, second = self.start()
        self.work(second)
        # It made nothing, and so takes nothing back.
        self.assertEqual(second.state, "compensated")
        self.assertEqual(first.order_id.state, "draft")
        self.work(first)
        self.assertEqual(first.state, "completed")
