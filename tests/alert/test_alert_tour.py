from contextlib import nullcontext

from odoo.tests import HttpCase, new_test_user, tagged

from .test_alert import AlertCase

OVERVIEW = "/odoo/action-pharmacy_sync.action_sync_overview"
RULES = "/odoo/action-pharmacy_sync.action_sync_alert_rule"


@tagged("post_install", "-at_install")
class TestAlertTour(HttpCase, AlertCase):
    """A person is notified at a browser, and answers."""

    def enter_registry_test_mode(self):
        return nullcontext()  # HttpCase is in it already

    def test_reported_acknowledged_and_resolved(self):
        self.only("breaker_opened")
        self.backend._breaker("push")._set_mode("forced_open", "maintenance")
        self.look()
        alert = self.alerts()
        self.start_tour(OVERVIEW, "pharmacy_sync_alert", login="alert_operator")
        self.assertEqual(alert.state, "resolved")
        self.assertEqual(alert.acknowledged_by_id, self.operator)
        self.assertEqual(alert.resolved_by_id, self.operator)

    def test_manager_sets_a_rule(self):
        new_test_user(self.env, "alert_manager", "pharmacy_sync.group_manager")
        rule = self.rule("error_rate")
        self.start_tour(RULES, "pharmacy_sync_alert_rule", login="alert_manager")
        self.assertEqual(rule.threshold, 20)
        self.assertFalse(rule.silenced)

    def test_operator_silences_and_plans_maintenance(self):
        self.start_tour(OVERVIEW, "pharmacy_sync_silence", login="alert_operator")
        silence = self.env["sync.alert.silence"].search(
            [("reason", "=", "New shelves")]
        )
        self.assertEqual(silence.backend_id, self.backend)
        self.assertEqual(silence.create_uid, self.operator)
        self.assertFalse(silence.active_now)
        window = self.env["sync.maintenance"].search([("reason", "=", "New server")])
        self.assertEqual((window.backend_id, window.state), (self.backend, "over"))
