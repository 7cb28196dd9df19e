import itertools
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ...client import PharmacyClient
from ..common import SyncCase

ORDERS = "purchase-orders"
REFUSAL = "Not today."


@tagged("post_install", "-at_install")
class TestMoments(SyncCase):
    """Each job that goes on with something is asked for, and for the right moment;
    nothing is taken up before its time."""

    def setUp(self):
        super().setUp()
        self.orders = self.make_order() | self.make_order()
        self.push()
        self.forget_jobs()

    def wait_for(self, order, seconds):
        """A push of the order that failed, and waits for so long."""
        self.app.fault("error", status=503, count=1)
        order.origin = "PH-1"
        self.push()
        operation = self.operations(state="waiting")
        self.assertEqual(operation.mapping_id, self.mapping(order))
        operation.eta = fields.Datetime.now() + timedelta(seconds=seconds)
        self.forget_jobs()
        return operation

    def test_while_the_breaker_is_open_the_next_push_is_for_its_end(self):
        self.app.fault("error", status=503)
        self.orders[0].origin = "PH-1"
        for __ in range(6):
            self.push()
            self.make_due()
        self.forget_jobs()
        breaker = self.backend._breaker("push")
        self.assertEqual(breaker.state, "open")
        self.push()
        (eta,) = self.etas("_job_push")
        late = (eta - breaker.open_until).total_seconds()
        self.assertLess(abs(late), 2)

    def connect_more(self, number):
        """So many pharmacies more, in companies of their own."""
        names = [f"Clinic {n}" for n in range(number)]
        companies = self.env["res.company"].create([{"name": name} for name in names])
        return self.env["sync.backend"].create(
            [
                {
                    "name": company.name,
                    "company_id": company.id,
                    "url": self.app.url,
                    "internal": True,
                }
                for company in companies
            ]
        )

    def check_readings_begin(self, apart):
        """The scheduled readings begin so many seconds apart, and no backend has a
        second one while one waits for its turn."""
        self.forget_jobs()
        before = fields.Datetime.now()
        self.env["sync.stream"]._cron_pull()
        etas = sorted(eta or before for eta in self.etas("_job_pull"))
        self.assertEqual(len(etas), len(self.env["sync.backend"]._at_work()))
        self.assertLess((etas[-1] - etas[0]).total_seconds(), 60)
        # The first at once, the others after it.
        self.assertGreaterEqual(etas[0], before - timedelta(seconds=1))
        for earlier, later in itertools.pairwise(etas):
            gap = (later - earlier).total_seconds()
            # Jobs have whole seconds.
            self.assertLessEqual(abs(gap - apart), 1)
        with freeze_time(before + timedelta(minutes=1)):
            self.env["sync.stream"]._cron_pull()
        again = sorted(eta or before for eta in self.etas("_job_pull"))
        self.assertEqual(again, etas)

    def test_the_readings_of_several_pharmacies_do_not_begin_at_once(self):
        self.connect_more(4)
        self.check_readings_begin(apart=2)

    def test_the_readings_of_many_pharmacies_begin_within_a_minute(self):
        self.connect_more(79)
        self.check_readings_begin(apart=60 / 80)

    def test_what_waits_for_its_time_is_not_sent_with_what_is_due(self):
        waiting = self.wait_for(self.orders[0], 3600)
        self.orders[1].origin = "PH-2"
        self.push()
        self.assertEqual(self.at_app(self.orders[1])["reference"], "PH-2")
        self.assertEqual((waiting.state, waiting.attempts), ("waiting", 1))
        self.assertNotEqual(self.at_app(self.orders[0])["reference"], "PH-1")

    def test_a_read_that_failed_is_counted_as_a_retry_when_it_is_made_again(self):
        self.app.fault("error", status=503, count=1, match={"method": "GET"})
        self.env["sync.call"].search([]).unlink()
        self.forget_jobs()
        self.pull()
        first = self.env["sync.call"].search([])
        self.assertEqual(first.filtered("error_type").mapped("retry"), [False])
        failed = self.operations(kind="pull", state="waiting")
        late = [(eta - failed.eta).total_seconds() for eta in self.etas("_job_pull")]
        self.assertEqual(len(late), 1, "a job reads it once it is due")
        self.assertTrue(0 < late[0] <= 1, late)
        self.make_due()
        self.pull()
        self.assertIn("Done at attempt 2", failed.reason)
        # The stream that failed, and none twice.
        calls = self.env["sync.call"].search([])
        self.assertEqual(first.mapped("retry"), [False] * 3)
        self.assertEqual(sum((calls - first).mapped("retry")), 1)

    def test_what_is_redriven_goes_on_by_jobs(self):
        self.app.fault("error", status=503, count=1, match={"method": "GET"})
        self.pull()
        self.forget_jobs()
        self.operations(kind="pull").action_redrive()
        self.assertEqual(self.etas("_job_pull"), [False])
        self.assertEqual(self.etas("_job_push"), [False])

    def test_what_an_arrival_leaves_to_be_sent_is_sent_by_a_job(self):
        order = self.orders[0]
        self.app.edit(ORDERS, self.mapping(order).external_id, notes="from there")
        order.origin = "from here"
        self.env.cr.flush()
        self.forget_jobs()
        self.pull()
        self.assertTrue(self.etas("_job_push") or self.etas("_job_events"))
        self.push()
        self.assertEqual(self.at_app(order)["reference"], "from here")
        self.assertIn("from there", order.note)

    def test_what_is_decided_for_odoo_is_sent_by_a_job(self):
        order = self.orders[0]
        self.app.edit(ORDERS, self.mapping(order).external_id, reference="App")
        order.origin = "Odoo"
        self.push()
        self.forget_jobs()
        self.mapping(order).conflict_ids.action_keep_odoo()
        self.assertTrue(self.etas("_job_push"))

    def test_a_refusal_leaves_nothing_of_what_it_had_written(self):
        def button_confirm(orders):
            orders.partner_id.comment = "half done"
            raise UserError(REFUSAL)

        def create(orders, vals_list):
            made = make(orders, vals_list)
            made.partner_id.comment = "half done"
            raise UserError(REFUSAL)

        PurchaseOrder = self.env.registry["purchase.order"]
        make = PurchaseOrder.create
        self.patch(PurchaseOrder, "button_confirm", button_confirm)
        values = {
            "supplier_id": self.mapping(self.supplier).external_id,
            "currency": self.env.company.currency_id.name,
            "lines": self.at_app(self.orders[0])["lines"],
        }
        at_app = self.app.add(ORDERS, reference="PH-8", **values)
        self.app.edit(ORDERS, at_app["id"], state="confirmed")
        self.pull()
        found = self.env["purchase.order"].search([("origin", "=", "PH-8")])
        self.assertEqual((found.state, found.partner_id), ("draft", self.supplier))
        self.assertFalse(self.supplier.comment)
        self.patch(PurchaseOrder, "create", create)
        self.app.add(ORDERS, reference="PH-9", **values)
        self.pull()
        self.assertFalse(
            self.env["purchase.order"].search([("origin", "=", "PH-9")]),
            "an order that was refused is not there",
        )
        self.assertFalse(self.supplier.comment)
        self.assertEqual(len(self.operations(kind="apply")), 1)

    def test_a_look_up_waits_for_a_slot_and_a_job_does_not(self):
        waits = []
        guard = type(self.backend)._guard

        def _guard(backend, operation, pool, wait=False):
            waits.append((operation, bool(wait)))
            return guard(backend, operation, pool, wait)

        self.patch(self.env.registry["sync.backend"], "_guard", _guard)
        at_app = self.app.add("suppliers", name="Far Away", country_code="ES")
        self.backend._lookup("supplier", at_app["id"])
        self.assertIn(("pull", True), waits)
        waits.clear()
        self.orders[0].origin = "PH-3"
        self.sync()
        self.assertEqual({wait for __, wait in waits}, {False})

    def test_a_whole_read_that_is_stopped_asks_for_no_further_page(self):
        self.app.call("POST", "/admin/settings", without_checksums=True)
        self.addCleanup(
            self.app.call, "POST", "/admin/settings", without_checksums=False
        )
        stream = self.backend.stream_ids.filtered(lambda s: s.entity == "product")
        work = self.env["sync.reconciliation"].create({"stream_id": stream.id})
        pages = []

        def page(client, collection, after, limit, correlation_id):
            pages.append(after)
            if len(pages) == 1:
                work.action_stop()
                work.flush_recordset()
            return read(client, collection, after, 1, correlation_id)

        read = PharmacyClient.page
        work.action_start()
        with patch.object(PharmacyClient, "page", page):
            self.env.cr.flush()
            work.with_env(self.backend._as_runner().env)._job_work()
        self.env.invalidate_all()
        self.assertEqual(work.state, "stopped")
        self.assertEqual(pages, [None])
