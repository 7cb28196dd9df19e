from odoo.tests import tagged

from ..common import SyncCase

ORDERS = "purchase-orders"


@tagged("post_install", "-at_install")
class TestUnanswered(SyncCase):
    """While nobody knows what became of a push, people go on: what they do stays."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order(note="first")
        self.push()
        self.link = self.mapping(self.order)
        self.stream = self.link.stream_id

    def lose_answer(self):
        """Push; the app applies it, and its answer is lost."""
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        self.push()
        self.app.heal()

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def both(self):
        return self.link._serialise()["notes"], self.at_app(self.order)["notes"]

    def in_conflict(self):
        self.app.edit(ORDERS, self.link.external_id, notes="theirs")
        self.order.note = "ours"
        self.pull()
        return self.link._open_conflict()

    def test_a_creation_that_was_lost_is_no_agreement_with_another_record(self):
        """A record of the same barcode was made there apart: what was about to be sent
        is nothing that both sides agreed on."""
        product = self.env["product.product"].create(
            {"name": "Ours", "barcode": "8400077777777"}
        )
        self.app.fault("error", status=504, match={"method": "POST"})
        self.push()
        self.app.heal()
        self.assertTrue(self.mapping(product).uncertain)
        theirs = self.app.add("products", name="Theirs", barcode=product.barcode)
        self.pull()
        self.assertEqual(self.mapping(product).external_id, theirs["id"])
        self.assertEqual(product.name, "Ours")
        conflict = self.mapping(product)._open_conflict()
        self.assertIn("name", conflict.line_ids.mapped("field"))

    def test_an_undone_change_stays_undone(self):
        self.order.note = "second"
        self.lose_answer()
        self.order.note = "first"
        self.settle()
        self.assertEqual(self.both(), ("first", "first"))

    def test_a_line_that_was_taken_away_again_stays_away(self):
        line = self.order.order_line[0].copy({"order_id": self.order.id})
        self.lose_answer()
        line.unlink()
        self.settle()
        self.assertEqual(len(self.order.order_line), 3)
        self.assertEqual(len(self.at_app(self.order)["lines"]), 3)

    def test_what_is_undone_while_it_is_sent_is_undone_there_too(self):
        self.order.note = "second"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        __, items = self.stream._claim_push(None)
        answers, failures = self.stream._send(items)
        self.order.note = "first"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.stream._settle_push(items, answers, failures)
        self.settle()
        self.assertEqual(self.both(), ("first", "first"))

    def test_an_answer_does_not_hide_what_came_after_it(self):
        self.order.note = "second"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        __, items = self.stream._claim_push(None)
        answers, failures = self.stream._send(items)
        self.app.edit(ORDERS, self.link.external_id, notes="third")
        self.pull()
        self.stream._settle_push(items, answers, failures)
        self.settle()
        self.assertEqual(self.at_app(self.order)["notes"], "third")
        self.assertEqual(self.link._open_conflict().pharmacy["notes"], "third")

    def test_deleted_before_its_creation_was_answered_it_goes_there_too(self):
        order = self.make_order()
        self.lose_answer()
        order.button_cancel()
        order.unlink()
        self.settle()
        self.assertEqual(len(self.app.items(ORDERS)), 1)

    def test_an_old_state_does_not_revive_what_was_deleted(self):
        record = self.app.add(
            ORDERS,
            supplier_id=self.mapping(self.supplier).external_id,
            currency=self.env.company.currency_id.name,
        )
        self.app.call(
            "DELETE", f"/api/v1/{ORDERS}/{record['id']}", headers={"If-Match": "*"}
        )
        self.pull()
        (arrival,) = self.stream._apply([record], "late")
        self.assertEqual(arrival.outcome, "unchanged")
        self.assertFalse(arrival.res_id)

    def test_who_withdraws_a_change_in_conflict_takes_the_pharmacys(self):
        conflict = self.in_conflict()
        self.order.note = "first"
        self.settle()
        self.assertEqual(self.both(), ("theirs", "theirs"))
        self.assertEqual(conflict.state, "resolved")

    def test_a_conflict_ends_with_its_record(self):
        conflict = self.in_conflict()
        self.app.call(
            "DELETE",
            f"/api/v1/{ORDERS}/{self.link.external_id}",
            headers={"If-Match": "*"},
        )
        self.pull()
        self.assertEqual(conflict.state, "resolved")

    def test_a_conflict_ends_when_odoos_record_is_deleted(self):
        conflict = self.in_conflict()
        self.order.button_cancel()
        self.order.unlink()
        self.settle()
        self.assertEqual(conflict.state, "resolved")
        self.assertFalse(self.app.items(ORDERS))
