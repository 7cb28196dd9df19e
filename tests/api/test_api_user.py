"""The user whose key the pharmacy app calls with: made and given its key by a manager,
and good for the API alone."""

from datetime import datetime, timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged

from ..common import KEY, SyncCase

PATH = "/pharmacy_sync/api/v1"
MANAGER = "pharmacy_sync.group_manager"


@tagged("post_install", "-at_install")
class TestApiUser(HttpCase):
    def setUp(self):
        super().setUp()
        self.backend = self.env["sync.backend"].create(
            {"name": "Test Pharmacy", "url": "http://127.0.0.1:9", "api_key": KEY}
        )
        self.manager = self.make_user("manager", MANAGER)

    def make_user(self, login, groups):
        return SyncCase.make_user.__func__(type(self), login, groups)

    def issue(self, user=None, **values):
        """The key that the dialog shows to a manager."""
        Key = self.env["sync.backend.key"].with_user(user or self.manager)
        dialog = Key.create({"backend_id": self.backend.id, **values})
        return dialog.action_issue()["context"]["default_key"]

    def status(self, key):
        headers = {"Authorization": f"Bearer {key}"}
        return self.url_open(f"{PATH}/health", data="{}", headers=headers).status_code

    def log(self):
        """What the backend's page says of it, latest first."""
        return self.backend.message_ids.mapped("body")

    def test_a_manager_makes_a_user_and_its_key(self):
        key = self.issue()
        user = self.backend.user_id
        self.assertEqual(user.all_group_ids, self.env.ref("pharmacy_sync.group_api"))
        self.assertEqual(user.company_ids, self.backend.company_id)
        self.assertTrue(user.share)
        self.assertEqual(self.status(key), 200)
        json2 = self.url_open(
            "/json/2/sync.api/health",
            json={"correlation_id": "over-json-2"},
            headers={"Authorization": f"Bearer {key}"},
        )
        self.assertTrue(json2.json().get("success"), json2.text)
        # Kept nowhere.
        self.env.cr.execute("SELECT 1 FROM res_users_apikeys WHERE key = %s", [key])
        self.assertFalse(self.env.cr.fetchall())

    def test_the_key_opens_no_model(self):
        self.issue()
        user = self.backend.user_id
        self.env.invalidate_all()
        may = {
            name: rights
            for name, model in self.env(user=user.id, su=False).items()
            if not model._abstract
            and (
                rights := [
                    right
                    for right in ("read", "write", "create", "unlink")
                    if model.has_access(right)
                ]
            )
        }
        # Attachments ask what they belong to: there are none for this user.
        self.assertLessEqual(may.keys(), {"ir.attachment"})
        self.assertFalse(self.env["ir.attachment"].with_user(user).search([]))

    def test_a_key_ends_and_its_issuer_is_reminded(self):
        ends = fields.Date.today() + timedelta(days=30)
        self.issue(ends_on=ends)
        (activity,) = self.backend.activity_ids
        self.assertEqual(activity.user_id.id, self.manager)
        self.assertEqual(activity.date_deadline, ends - timedelta(days=14))
        self.assertIn(str(ends), activity.summary)
        until = self.backend.with_user(self.manager).api_key_until
        self.assertEqual(until.date(), ends)
        # A new key has its own reminder.
        self.issue(ends_on=ends + timedelta(days=9))
        self.assertEqual(len(self.backend.activity_ids), 1)
        self.assertIn(f"it ends on {ends}", "".join(self.log()))
        self.env.cr.execute(
            "UPDATE res_users_apikeys SET expiration_date = %s", [datetime(2026, 1, 1)]
        )
        self.assertEqual(self.status(self.issue()), 200)

    def test_a_key_lasts_a_year_at_most(self):
        today = fields.Date.today()
        self.issue(ends_on=today + timedelta(days=365))
        for days in (400, -1):
            with self.assertRaises(ValidationError):
                self.issue(ends_on=today + timedelta(days=days))

    def test_revoked_keys_open_nothing(self):
        first, second = self.issue(), self.issue()
        self.assertEqual([self.status(first), self.status(second)], [200, 200])
        third = self.issue(revoke=True)
        self.assertEqual(
            [self.status(key) for key in (first, second, third)], [401, 401, 200]
        )
        self.backend.with_user(self.manager).action_revoke_keys()
        self.assertEqual(self.status(third), 401)
        self.assertFalse(self.backend.activity_ids)
        self.assertIn("keys were revoked", self.log()[0])
        self.assertFalse(self.backend.with_user(self.manager).api_key_until)

    def test_no_key_is_issued_for_a_user_with_more_rights(self):
        for groups in (
            "base.group_user,pharmacy_sync.group_api",
            "base.group_system,pharmacy_sync.group_api",
            "base.group_portal,pharmacy_sync.group_api",
        ):
            user = self.make_user(groups.partition(",")[0], groups)
            self.backend.user_id = user
            with self.assertRaises(UserError):
                self.issue()
            self.assertFalse(
                self.env["res.users.apikeys"].search([("user_id", "=", user)])
            )

    def test_no_key_is_issued_for_a_user_who_may_not_call(self):
        self.backend.user_id = self.make_user("portal user", "base.group_portal")
        with self.assertRaisesRegex(AccessError, "Pharmacy Sync API"):
            self.issue()

    def test_only_managers_of_the_company_issue_and_revoke(self):
        company = self.env["res.company"].create({"name": "Other Clinic"})
        other = SyncCase.make_user.__func__(type(self), "other", MANAGER, company)
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        key = self.issue()
        for user in (other, operator):
            with self.assertRaises(AccessError):
                self.issue(user)
            with self.assertRaises(AccessError):
                self.backend.with_user(user).action_revoke_keys()
            with self.assertRaises(AccessError):
                self.backend.with_user(user)._issue_key(datetime.now(), True)
        self.assertEqual(self.status(key), 200)
