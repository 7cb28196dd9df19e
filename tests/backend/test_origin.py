from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestOrigin(SyncCase):
    """A database that is known otherwise than when its backend was connected."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.sync()
        self.assertFalse(self.backend.is_copy)
        # As in one that was copied with CREATE DATABASE ... TEMPLATE.
        self.backend.origin = {**self.backend.origin, "name": "the-original"}

    def watch(self):
        self.env.cr.flush()
        self.env["sync.alert"]._watch()
        self.env.invalidate_all()

    def test_each_part_counts(self):
        here = self.backend._here()
        self.assertTrue(all(here.values()), here)
        for name in here:
            self.backend.origin = {**here, name: "other"}
            self.assertTrue(self.backend.is_copy, name)
            # What is not known says nothing.
            self.backend.origin = {**here, name: ""}
            self.assertFalse(self.backend.is_copy, name)

    def test_nothing_is_sent_or_read(self):
        self.order.note = "<p>Of the copy</p>"
        self.app.add("suppliers", name="New there")
        self.app.call("DELETE", "/admin/requests")
        self.sync()
        self.env["sync.operation"]._cron_recover()
        self.assertEqual(self.app.requests(), [])
        self.assertFalse(self.operations(state="dead"))
        self.assertFalse(self.env["sync.error"].search([]))
        jobs = self.env["queue.job"].search_count([])
        self.backend._schedule_push()
        self.backend._schedule_pull()
        self.assertEqual(self.env["queue.job"].search_count([]), jobs)
        with self.assertRaisesRegex(UserError, "copy"):
            self.backend.action_test_connection()
        self.assertEqual(self.app.requests(), [])

    def test_calls_of_the_app_are_refused(self):
        api = self.env["sync.api"].with_user(self.api_user)
        answer = api.push("supplier", [{"id": "sup_1", "version": 1, "name": "X"}])
        self.assertFalse(answer["success"])
        self.assertEqual(answer["error"]["type"], "configuration_error")
        self.assertIn("copy", answer["error"]["message"])
        self.assertFalse(api.changes("supplier")["success"])

    def test_one_alert_and_a_manager_releases_it(self):
        self.watch()
        rule = self.env.ref("pharmacy_sync.alert_rule_copied")
        alert = self.env["sync.alert"].search([("rule_id", "=", rule.id)])
        self.assertEqual(alert.state, "open")
        self.order.note = "<p>Of the original</p>"
        self.push()
        operator = self.make_user("op", "base.group_user,pharmacy_sync.group_operator")
        with self.assertRaises(AccessError):
            self.backend.with_user(operator).action_keep_origin()
        manager = self.make_user("boss", "base.group_user,pharmacy_sync.group_manager")
        Job = self.env["queue.job"]
        Job.search([]).unlink()
        self.backend.with_user(manager).action_keep_origin()
        begun = set(Job.search([]).mapped("method_name"))
        self.assertEqual(begun, {"_job_push", "_job_pull"})
        self.push()
        self.assertEqual(self.at_app(self.order)["notes"], "Of the original")
        self.watch()
        self.assertEqual(alert.state, "resolved")

    def test_another_address_is_another_connection(self):
        self.move_app("http://127.0.0.1:1")
        self.assertFalse(self.backend.is_copy)
