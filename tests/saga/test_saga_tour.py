from contextlib import nullcontext

from odoo.tests import HttpCase, new_test_user, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestSagaTour(SyncCase, HttpCase):
    """The board and the page of a saga, in a browser."""

    def enter_registry_test_mode(self):
        return nullcontext()  # HttpCase is in it already

    def test_saga_that_needs_attention_is_seen_and_settled(self):
        new_test_user(
            self.env,
            "sagas",
            "pharmacy_sync.group_operator,purchase.group_purchase_user",
        )
        order = self.make_order()
        self.push()
        self.app.fault(
            "forbid", match={"method": "POST", "path": "/api/v1/reservations/*/*"}
        )
        saga = self.env["sync.saga"]._start(self.backend, order_id=order.id)
        runner = saga.with_env(self.backend._as_runner().env)
        for __ in range(10):
            self.env.flush_all()
            runner.with_context(job_uuid=saga.job_uuid)._job_step()
            self.env.invalidate_all()
        self.assertEqual(saga.state, "needs_attention")
        self.env.flush_all()
        self.start_tour(
            "/odoo/action-pharmacy_sync.action_sync_saga",
            "pharmacy_sync_saga",
            login="sagas",
        )
        self.assertEqual(saga.state, "compensated")
        self.assertEqual(saga.settled_reason, "Released by telephone")
