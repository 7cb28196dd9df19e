from contextlib import nullcontext

from odoo.tests import HttpCase, new_test_user, tagged

from ..common import SyncCase
from ..tour import Runner

LETTERS = "/odoo/action-pharmacy_sync.action_sync_dead_letter"


@tagged("post_install", "-at_install")
class TestDeadLetterTour(HttpCase, SyncCase):
    """An operator at a browser clears dead letters of three causes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        new_test_user(
            cls.env,
            "letters",
            "purchase.group_purchase_user,pharmacy_sync.group_operator",
        )

    def enter_registry_test_mode(self):
        return nullcontext()  # HttpCase is in it already

    def test_three_causes_are_cleared(self):
        refused = self.make_order(partner_ref="BAD-QUANTITY")
        orders = self.make_order() | self.make_order() | self.make_order()
        self.push()
        refused.order_line[0].product_qty = -1
        self.push()
        self.app.add("products", name="Odd Product", uom="Barrels of Nowhere")
        self.pull()
        self.app.refuse_records()
        orders.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        self.assertEqual(len(self.operations(state="dead")), 5)

        self.start_tour(LETTERS, "pharmacy_sync_dead_letter_single", login="letters")
        self.push()
        self.assertEqual(refused.order_line[0].product_qty, 4)
        self.assertEqual(self.at_app(refused)["lines"][0]["quantity"], "4.00")
        (discarded,) = self.operations(kind="apply")
        self.assertEqual(discarded.discard_reason, "The pharmacy sells it no more")

        redrive = self.env["sync.redrive"].search([("phase", "=", "dry_run")])
        self.work(redrive)
        self.start_tour(
            f"/odoo/action-pharmacy_sync.action_sync_redrive/{redrive.id}",
            "pharmacy_sync_dead_letter_redrive",
            login="letters",
        )
        while redrive.state == "running":
            self.push()
            self.work(redrive)
        for order in orders:
            self.assertEqual(self.at_app(order)["reference"], "PH-1")
        self.start_tour(LETTERS, "pharmacy_sync_dead_letter_cleared", login="letters")

    def work(self, redrive):
        """Do what the job runner would."""
        self.env.flush_all()
        backend = redrive.backend_id._as_runner()
        redrive.with_env(backend.env)._job_work()
        self.env.invalidate_all()

    def test_a_redrive_is_watched_and_sets_aside_what_dies_of_something_else(self):
        orders = self.make_order() | self.make_order() | self.make_order()
        self.push()
        self.app.refuse_records()
        orders.origin = "PH-1"
        self.push()
        self.app.refuse_records("")
        *sound, refused = self.operations(state="dead").sorted("id").mapping_id
        # By SQL: no event reports it, it goes when the redrive sends the order.
        self.env.cr.execute(
            "UPDATE purchase_order_line SET product_qty = -1 WHERE order_id = %s",
            [refused.res_id],
        )
        self.env.invalidate_all()
        with Runner(self, "sync.redrive", "_job_push"):
            self.start_tour(
                LETTERS,
                "pharmacy_sync_dead_letter_watched",
                login="letters",
                timeout=120,
            )
        self.env.invalidate_all()
        redrive = self.env["sync.redrive"].search([])
        self.assertEqual((redrive.done_count, redrive.aside_count), (2, 1))
        for mapping in sound:
            order = self.app.get("purchase-orders", mapping.external_id)
            self.assertEqual(order["reference"], "PH-1")
        self.assertEqual(self.operations(state="dead").mapping_id, refused)
