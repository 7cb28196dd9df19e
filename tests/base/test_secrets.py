from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ..common import KEY, WEBHOOK_SECRET, SyncCase


@tagged("post_install", "-at_install")
class TestSecrets(SyncCase):
    """Keys are set, never read; people see and do what their group allows."""

    def test_no_field_says_a_secret_to_a_manager(self):
        manager = new_test_user(self.env, "manager", "pharmacy_sync.group_manager")
        values = self.backend.with_user(manager).read()[0]
        self.assertNotIn(KEY, str(values))
        self.assertNotIn(WEBHOOK_SECRET, str(values))
        self.assertEqual(values["api_key"], "********")
        with self.assertRaises(AccessError):
            self.backend.with_user(manager).read(["api_key_secret"])
        with self.assertRaises(AccessError):
            self.env["sync.backend"].with_user(manager).search(
                [("api_key_secret", "like", "test")]
            )

    def test_manager_connects_a_pharmacy(self):
        manager = new_test_user(self.env, "manager", "pharmacy_sync.group_manager")
        backend = (
            self.env["sync.backend"]
            .with_user(manager)
            .create({"name": "New", "url": self.app.url, "api_key": KEY})
        )
        backend.sudo().internal = True
        self.assertTrue(backend.action_test_connection())
        backend.action_send_all()
        self.assertTrue(backend.breaker_ids and backend.pool_ids and backend.stream_ids)

    def test_saving_the_mask_keeps_the_secret(self):
        self.backend.write({"api_key": "********"})
        self.assertEqual(self.backend.sudo().api_key_secret, KEY)

    def test_copy_of_a_backend_has_no_secret(self):
        copy = self.backend.copy()
        self.assertFalse(copy.sudo().api_key_secret)
        self.assertFalse(copy.user_id)

    def test_error_and_call_say_no_secret(self):
        self.backend.api_key = "a-secret-key"
        self.make_order()
        self.push()
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertTrue(errors)
        self.assertNotIn("a-secret-key", str(errors.read()))
        self.assertNotIn("a-secret-key", str(self.env["sync.call"].search([]).read()))

    def test_user_sees_and_operator_redrives(self):
        self.move_app("http://127.0.0.1:9")
        self.make_order()
        self.push()
        operation = self.operations(state="waiting")[0]
        user = new_test_user(self.env, "user", "pharmacy_sync.group_user")
        operator = new_test_user(self.env, "operator", "pharmacy_sync.group_operator")
        self.assertTrue(operation.with_user(user).display_name)
        with self.assertRaises(AccessError):
            operation.with_user(user).action_redrive()
        operation.with_user(operator).action_redrive()
        self.assertEqual(operation.state, "pending")

    def test_api_user_reads_no_model(self):
        with self.assertRaises(AccessError):
            self.env["sync.mapping"].with_user(self.api_user).search([])
        # Whatever values are made up: they are not looked at.
        with self.assertRaises(AccessError):
            self.env["sync.error"].with_user(self.api_user).create({})

    def test_other_company_sees_nothing(self):
        company = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "other",
            "pharmacy_sync.group_manager",
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        self.make_order()
        self.push()
        self.assertFalse(self.env["sync.mapping"].with_user(user).search([]))
        self.assertFalse(self.env["sync.backend"].with_user(user).search([]))
