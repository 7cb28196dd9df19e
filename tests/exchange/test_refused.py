from datetime import timedelta

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..common import KEY, SyncCase


@tagged("post_install", "-at_install")
class TestRefused(SyncCase):
    """An app that refuses the key is left alone until it accepts one."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.sync()
        self.order.origin = "PH-1"
        self.env.cr.flush()

    def refuse(self, kind="refuse_auth"):
        self.app.fault(kind)

    def calls(self):
        return len(self.app.requests())

    def security_errors(self):
        return self.env["sync.error"].search(
            [("backend_id", "=", self.backend.id), ("category", "=", "security")]
        )

    def test_push_without_a_valid_key(self):
        self.check_push("refuse_auth")

    def test_push_that_is_forbidden(self):
        self.check_push("forbid")

    def check_push(self, kind):
        self.refuse(kind)
        before = self.calls()
        self.push()
        # The batch, and a call that tests the key.
        self.assertEqual(self.calls(), before + 2)
        self.assertTrue(self.backend.refused_at)
        self.assertFalse(self.backend.paused, "no person has paused it")
        (operation,) = self.operations(state="waiting")
        self.assertEqual((operation.kind, operation.attempts), ("push", 0))
        self.assertFalse(self.operations(state="dead"))
        self.assertEqual(len(self.security_errors()), 1)
        # No call more, whatever would make one.
        self.push()
        self.pull()
        self.recover()
        self.env["sync.stream"]._cron_pull()
        self.assertEqual(self.calls(), before + 2)
        with self.assertRaises(UserError):
            self.backend.action_test_connection()
        self.assertTrue(self.backend.refused_at)
        self.app.heal()
        self.backend.action_test_connection()
        self.assertFalse(self.backend.refused_at)
        self.assertTrue(self.security_errors().resolved)
        self.push()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_pull_that_is_refused(self):
        self.refuse()
        before = self.calls()
        self.pull()
        self.pull()
        # The page, and one of each entity to test the key.
        self.assertEqual(self.calls(), before + 4)
        self.assertTrue(self.backend.refused_at)
        self.assertFalse(self.operations(kind="pull", state="dead"))
        self.assertEqual(len(self.security_errors()), 1)

    def test_push_that_is_refused_for_one_record(self):
        for kind, status in (
            ("forbid", 403),
            ("refuse_auth", 401),
            ("error", 402),
            ("error", 407),
            ("error", 451),
        ):
            with self.subTest(status):
                self.check_one_record(kind, status)

    def check_one_record(self, kind, status):
        orders = self.order.browse()
        for number in range(5):
            orders += self.make_order(origin=f"{status} {number}")
        poison = orders[3].origin = f"{status} poison"
        about = {"status": status} if kind == "error" else {}
        self.app.fault(kind, match={"contains": poison}, **about)
        self.push()
        self.assertFalse(self.backend.refused_at, "the key is good")
        for order in orders - orders[3]:
            self.assertEqual(self.at_app(order)["reference"], order.origin)
            self.assertEqual(order.sync_state, "synced")
        (dead,) = self.operations(state="dead", kind="push")
        self.assertEqual(dead.mapping_id.res_id, orders[3].id)
        self.assertEqual(dead.error_ids.http_status, status)
        self.assertEqual(orders[3].sync_state, "dead")
        self.app.heal()
        # That the key is accepted says nothing of this record.
        self.backend.action_test_connection()
        self.assertFalse(dead.error_ids.resolved)
        dead._redrive("for the test")
        self.push()
        self.assertEqual(self.at_app(orders[3])["reference"], poison)

    def test_push_of_an_account_that_is_not_paid_for(self):
        for status in (402, 407, 451):
            with self.subTest(status):
                self.order.origin = f"PH-{status}"
                self.app.fault("error", status=status)
                self.push()
                self.assertTrue(self.backend.refused_at)
                self.assertFalse(self.operations(state="dead"))
                self.assertTrue(self.security_errors())
                self.app.heal()
                self.backend.action_test_connection()
                self.push()
                self.assertEqual(self.at_app(self.order)["reference"], f"PH-{status}")

    def test_push_of_one_record_that_is_refused(self):
        self.app.fault("forbid", match={"contains": "PH-1"})
        self.push()
        self.assertFalse(self.backend.refused_at)
        (dead,) = self.operations(state="dead")
        self.assertEqual(dead.mapping_id.res_id, self.order.id)

    def test_record_that_is_refused_where_it_is_looked_up(self):
        orders = self.make_order(origin="lost 1") + self.make_order(origin="lost 2")
        self.app.fault("error", status=504, match={"method": "POST"})
        self.push()
        self.app.heal()
        self.assertTrue(self.mapping(orders[0]).uncertain)
        key = self.mapping(orders[0]).key
        self.app.fault("forbid", match={"method": "GET", "contains": key})
        self.make_due()
        self.push()
        self.assertFalse(self.backend.refused_at)
        (dead,) = self.operations(state="dead")
        self.assertEqual(dead.mapping_id.res_id, orders[0].id)
        self.assertEqual(self.at_app(orders[1])["reference"], "lost 2")

    def test_pull_that_is_refused_for_one_stream(self):
        self.app.edit(
            "purchase-orders", self.mapping(self.order).external_id, notes="From there"
        )
        self.app.fault("forbid", match={"contains": "entity=products"})
        self.pull()
        self.assertFalse(self.backend.refused_at)
        (dead,) = self.operations(kind="pull")
        self.assertEqual((dead.state, dead.stream_id.entity), ("dead", "product"))
        self.assertIn("From there", self.order.note or "")

    def test_key_that_cannot_be_tested(self):
        self.app.call(
            "POST",
            "/admin/faults",
            seed=1,
            rules=[
                {"kind": "forbid", "count": 1},
                {"kind": "error", "status": 503},
            ],
        )
        self.push()
        self.assertFalse(self.backend.refused_at)
        (operation,) = self.operations(state="waiting")
        self.assertEqual((operation.kind, operation.attempts), ("push", 0))
        self.assertFalse(self.operations(state="dead"))
        self.app.heal()
        self.make_due()
        self.push()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_key_that_another_one_follows(self):
        self.backend.write({"api_key": "revoked", "api_key_next": KEY})
        self.push()
        self.assertFalse(self.backend.refused_at)
        self.assertFalse(self.security_errors())
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_next_key_that_comes_later(self):
        self.backend.api_key = "revoked"
        self.push()
        self.assertTrue(self.backend.refused_at)
        self.backend.api_key_next = KEY
        self.push()
        self.assertFalse(self.backend.refused_at)
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")

    def test_one_alert(self):
        self.refuse()
        self.push()
        self.pull()
        self.env["sync.alert"]._cron_watch()
        alerts = self.env["sync.alert"].search(
            [("backend_id", "=", self.backend.id), ("state", "!=", "resolved")]
        )
        self.assertEqual(alerts.rule_id.mapped("condition"), ["authentication"])
        self.assertEqual(len(alerts), 1)

    def test_pause_of_a_person_stays(self):
        self.refuse()
        self.push()
        self.backend.paused = True
        self.app.heal()
        self.backend.action_test_connection()
        self.assertFalse(self.backend.refused_at)
        self.assertTrue(self.backend.paused)
        before = self.calls()
        self.push()
        self.assertEqual(self.calls(), before)

    def test_wizard_that_passes_resumes(self):
        self.refuse()
        self.push()
        self.app.heal()
        wizard = (
            self.env["sync.backend.connect"]
            .with_context(default_backend_id=self.backend.id)
            .create({})
        )
        wizard.action_test()
        self.assertTrue(wizard.passed, wizard.step_ids.mapped("message"))
        self.assertFalse(self.backend.refused_at)

    def test_deadline_stands_still_meanwhile(self):
        self.refuse()
        self.push()
        (operation,) = self.operations(state="waiting")
        deadline = operation.deadline_at
        ago = timedelta(hours=30)
        self.backend.rests_since -= ago
        operation.requested_at -= ago
        self.app.heal()
        self.backend.action_test_connection()
        self.assertGreaterEqual(operation.deadline_at, deadline + ago)

    def test_deadline_stands_still_while_a_person_pauses(self):
        self.env["sync.event"]._deliver(self.backend)
        (operation,) = self.operations(state="pending")
        deadline = operation.deadline_at
        self.backend.paused = True
        self.backend.rests_since -= timedelta(hours=30)
        operation.requested_at -= timedelta(hours=10)
        self.backend.paused = False
        self.assertAlmostEqual(
            operation.deadline_at,
            deadline + timedelta(hours=10),
            delta=timedelta(minutes=1),
        )

    def test_deadline_stands_still_while_the_breaker_is_open(self):
        self.env["sync.event"]._deliver(self.backend)
        (operation,) = self.operations(state="pending")
        operation.requested_at -= timedelta(hours=30)
        # It is not due, so that the probes are no pushes.
        later = operation.deadline_at - timedelta(hours=20)
        operation.write({"state": "waiting", "eta": later})
        deadline = operation.deadline_at
        breaker = self.backend._breaker("push")
        breaker._set_mode("forced_open", "for the test")
        breaker.transition_ids.at -= timedelta(hours=20)
        breaker._set_mode("normal", "for the test")
        self.push()
        for __ in range(breaker.probes):
            self.backend._probe("push")
        self.assertEqual(breaker.state, "closed")
        operation.invalidate_recordset()
        self.assertAlmostEqual(
            operation.deadline_at,
            deadline + timedelta(hours=20),
            delta=timedelta(minutes=1),
        )
