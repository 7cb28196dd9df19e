from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..common import KEY, SyncCase


@tagged("post_install", "-at_install")
class TestConform(SyncCase):
    """A manager sees which parts of the contract a backend's app keeps."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env, "conform_manager", "pharmacy_sync.group_manager"
        )

    def wizard(self):
        Wizard = self.env["sync.backend.conform"].with_user(self.manager)
        return Form(Wizard.with_context(default_backend_id=self.backend.id)).save()

    def test_findings_stand_on_the_page(self):
        self.backend.paused = True
        self.app.call("POST", "/admin/settings", hidden=["batch"])
        wizard = self.wizard()
        action = wizard.action_run()
        self.assertEqual(
            (action["res_model"], action["res_id"]), (wizard._name, wizard.id)
        )
        found = {finding.name: finding for finding in wizard.finding_ids}
        self.assertEqual(found["change_feed"].state, "holds")
        self.assertEqual(found["batch"].state, "absent")
        self.assertIn("each record is a call of its own", found["batch"].why)
        self.assertIn("> POST /api/v1/suppliers/batch", found["batch"].evidence)
        self.assertNotIn(KEY, str(wizard.finding_ids.mapped("evidence")))
        self.assertTrue(wizard.passed)
        self.assertEqual(self.app.items("suppliers"), [])
        self.assertTrue(wizard.name.startswith("conform-"))

    def test_what_is_broken_and_left_is_shown(self):
        self.backend.paused = True
        match = {"method": "DELETE", "path": "*/products/*"}
        self.app.fault("error", match=match)
        wizard = self.wizard()
        wizard.action_run()
        self.assertFalse(wizard.passed)
        (left, *__) = self.app.items("products")
        self.assertIn(f"/products/{left['id']}", wizard.left)

    def test_a_backend_in_use_is_not_tried(self):
        wizard = self.wizard()
        with self.assertRaisesRegex(UserError, "Pause"):
            wizard.action_run()
        self.assertEqual(self.app.requests(), [])

    def test_an_operator_may_not(self):
        self.backend.paused = True
        operator = new_test_user(
            self.env, "conform_operator", "pharmacy_sync.group_operator"
        )
        with self.assertRaises(AccessError):
            self.env["sync.backend.conform"].with_user(operator).create(
                {"backend_id": self.backend.id}
            )
        wizard = self.wizard()
        with self.assertRaises(AccessError):
            wizard.with_user(operator).action_run()
        self.assertEqual(self.app.requests(), [])
