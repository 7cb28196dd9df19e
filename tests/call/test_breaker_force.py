from datetime import timedelta, timezone

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, TransactionCase, new_test_user, tagged


@tagged("post_install", "-at_install")
class TestBreakerForce(TransactionCase):
    """An operator sets a breaker by hand, and the history says who did and why."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend = cls.env["sync.backend"].create(
            {"name": "Test Pharmacy", "url": "http://127.0.0.1:9"}
        )
        cls.breaker = cls.backend._breaker("push")
        cls.operator = new_test_user(
            cls.env, "force operator", "pharmacy_sync.group_operator"
        )
        cls.user = new_test_user(cls.env, "force user", "pharmacy_sync.group_user")

    def wizard(self, user, breakers=None):
        ids = (breakers or self.breaker).ids
        return (
            self.env["sync.breaker.force"]
            .with_user(user)
            .with_context(default_breaker_ids=ids)
        )

    def set_mode(self, mode, reason, breakers=None):
        with Form(self.wizard(self.operator, breakers)) as form:
            form.mode = mode
            form.reason = reason
        return form.record.action_set_mode()

    def test_the_mode_is_set(self):
        action = self.set_mode("forced_open", "The app is being moved")
        self.assertEqual(action["type"], "ir.actions.act_window_close")
        self.assertEqual(self.breaker.mode, "forced_open")
        self.assertEqual(self.breaker.state, "open")
        self.assertEqual(self.breaker.cause, "The app is being moved")

    def test_the_history_says_who_and_why(self):
        self.set_mode("disabled", "Its figures mislead")
        line = self.breaker.transition_ids
        self.assertEqual(len(line), 1)
        self.assertEqual(line.user_id, self.operator)
        self.assertEqual(line.cause, "Its figures mislead")
        self.assertEqual((line.before, line.after), ("closed", "closed"))
        self.assertEqual(line.mode, "disabled")
        self.set_mode("disabled", "They still do")
        self.assertEqual(self.breaker.transition_ids, line, "nothing has changed")

    def test_back_to_normal_it_asks_the_app_first(self):
        self.set_mode("forced_open", "The app is being moved")
        self.set_mode("normal", "It has moved")
        self.assertEqual(self.breaker.mode, "normal")
        self.assertEqual(self.breaker.state, "open")
        self.assertEqual(
            self.breaker.transition_ids.mapped("cause"),
            ["It has moved", "The app is being moved"],
        )

    def test_try_now_asks_without_waiting_for_the_next_test_call(self):
        self.set_mode("forced_open", "The app is being moved")
        self.set_mode("normal", "It has moved")
        later = fields.Datetime.now() + timedelta(hours=1)
        self.breaker.snapshot = {
            **self.breaker.snapshot,
            "open_until": later.replace(tzinfo=timezone.utc).timestamp(),
        }
        with self.assertRaises(AccessError):
            self.breaker.with_user(self.user).action_try_now()
        self.breaker.with_user(self.operator).action_try_now()
        self.assertLess(self.breaker.open_until, later - timedelta(minutes=59))

    def test_several_are_set_at_once(self):
        self.set_mode("metrics_only", "On trial", self.backend.breaker_ids)
        self.assertEqual(self.backend.breaker_ids.mapped("mode"), ["metrics_only"] * 2)

    def test_a_reason_is_required(self):
        form = Form(self.wizard(self.operator))
        form.mode = "disabled"
        with self.assertRaisesRegex(AssertionError, "reason"):
            form.save()
        for blank in ("", "  "):
            with self.assertRaises(ValidationError):
                self.set_mode("disabled", blank)
        self.assertEqual(self.breaker.mode, "normal")

    def test_a_user_without_the_group_is_refused(self):
        values = {"mode": "disabled", "reason": "I want it"}
        with self.assertRaises(AccessError):
            self.wizard(self.user).create(values)
        wizard = self.wizard(self.operator).create(values)
        with self.assertRaises(AccessError):
            wizard.with_user(self.user).action_set_mode()
        with self.assertRaises(AccessError):
            self.breaker.with_user(self.user)._set_mode("disabled", "I want it")
        self.assertEqual(self.breaker.mode, "normal")
