from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestAbsent(SyncCase):
    """What it costs that an app lacks an ability is what ``docs/app/abilities.rst``
    says."""

    def hide(self, *abilities):
        self.app.call("POST", "/admin/settings", hidden=abilities)
        self.backend.action_test_connection()

    def lose_answer(self, path):
        match = {"method": "POST", "path": path}
        self.app.fault("lost_answer", count=1, match=match)
        self.push()
        self.app.heal()
        self.make_due()

    def test_without_idempotency_keys_a_lost_answer_is_looked_up(self):
        self.hide("idempotency_key")
        order = self.make_order()
        for path in ("*/suppliers*", "*/products*", "*/purchase-orders*"):
            self.lose_answer(path)
        self.sync()
        for collection, count in (("suppliers", 1), ("purchase-orders", 1)):
            self.assertEqual(len(self.app.items(collection)), count)
        self.assertEqual(len(self.app.items("products")), len(self.products))
        self.assertEqual(self.mapping(order).state, "synced")

    def test_without_reservations_the_order_is_cancelled_and_says_why(self):
        self.hide("reservations")
        order = self.make_order()
        self.sync()
        order.action_sync_reserve()
        saga = order.sync_saga_ids
        for __ in range(30):
            if saga.state in ("completed", "compensated", "failed"):
                break
            self.env.cr.flush()
            runner = saga.with_env(self.backend._as_runner().env)
            runner.with_context(job_uuid=saga.job_uuid)._job_step()
            self.env.invalidate_all()
        self.assertEqual(order.state, "cancel")
        self.assertTrue(order.sync_failure)

    def test_without_webhooks_changes_are_read_once_a_minute(self):
        self.hide("webhooks")
        cron = self.env.ref("pharmacy_sync.cron_pull")
        self.assertEqual((cron.interval_number, cron.interval_type), (1, "minutes"))
        self.app.add("suppliers", name="New")
        self.pull()
        self.assertTrue(self.env["res.partner"].search([("name", "=", "New")]))
