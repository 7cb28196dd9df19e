from odoo.tests import new_test_user, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestPolicyTrace(SyncCase):
    """Who changed how the addon behaves, and from what to what."""

    def setUp(self):
        super().setUp()
        self.manager = new_test_user(
            self.env, "policy_manager", "pharmacy_sync.group_manager,base.group_system"
        )

    def lines(self):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["sync.audit"].search([("type", "=", "policy_changed")])

    def test_policy_made_changed_and_removed(self):
        before = self.lines()
        Policy = self.env["sync.retry.policy"].with_user(self.manager)
        policy = Policy.create(
            {
                "error_type": "data_corrupted",
                "max_attempts": 2,
                "base": 1,
                "cap": 2,
                "factor": 2,
                "jitter": "none",
            }
        )
        policy.max_attempts = 5
        policy.max_attempts = 5
        policy.unlink()
        found = (self.lines() - before).sorted("id")
        self.assertEqual(len(found), 3)
        self.assertEqual(found.user_id, self.manager)
        self.assertIn("Attempts: 2 → 5", found[1].summary)
        name = found[0].summary.partition("Made: ")[2]
        self.assertTrue(name)
        self.assertIn(f"Removed: {name}", found[2].summary)
        self.assertEqual(set(found.mapped("res_model")), {"sync.retry.policy"})
        self.assertFalse(found.backend_id)
        self.assertTrue(all(found.mapped("correlation_id")))

    def test_pool_of_a_backend_is_of_its_company(self):
        before = self.lines()
        self.backend.pool_ids[0].with_user(self.manager).concurrency = 7
        found = self.lines() - before
        self.assertEqual(found.backend_id, self.backend)
        self.assertEqual(found.company_id, self.backend.company_id)
        self.assertIn("→ 7", found.summary)

    def test_what_a_breaker_does_by_itself_is_no_policy(self):
        before = self.lines()
        self.backend.breaker_ids[0]._set_mode("forced_open", "drill")
        self.assertEqual(self.lines(), before)

    def test_setting_by_whichever_road(self):
        before = self.lines()
        Settings = self.env["res.config.settings"].with_user(self.manager)
        settings = Settings.create({})
        settings.pharmacy_sync_retry = False
        settings.execute()
        found = self.lines() - before
        summary = "; ".join(found.mapped("summary"))
        self.assertIn("feature_retry: ", summary)
        self.assertIn("→ False", summary)
        self.assertEqual(found.user_id, self.manager)
        Parameter = self.env["ir.config_parameter"]
        Parameter.set_param("pharmacy_sync.new_setting", "1")
        found = self.lines() - before - found
        self.assertIn("new_setting: - → 1", found.summary)
        again = self.lines()
        Parameter.set_param("pharmacy_sync.new_setting", "1")
        Parameter.set_param("pharmacy_sync.smtp_password", "hush")
        self.assertEqual(self.lines(), again, "no change, and nothing secret")
        self.env["ir.config_parameter"].set_param("other.key", "1")
        self.assertEqual(self.lines(), again, "those of others are not ours")
