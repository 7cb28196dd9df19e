from odoo.tests import tagged

from ...models.base.own_transaction import apart
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestUnsent(SyncCase):
    """A stream is set to Odoo only, or archived, while changes wait to be sent."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.sync()
        self.link = self.mapping(self.order)
        self.stream = self.link.stream_id

    def queue(self):
        """A person edits the order; its change is in the queue."""
        self.order.origin = "PH-1"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.env.invalidate_all()
        queued = self.operations(mapping_id=self.link.id, state="pending")
        self.assertEqual(len(queued), 1)
        return queued

    def check_ended(self, operation, why="to Odoo only"):
        self.assertEqual(operation.state, "cancelled")
        self.assertIn(why, operation.reason)
        self.assertTrue(operation.done_at)
        self.assertFalse(operation.error_ids)

    def test_what_waits_is_ended_and_says_why(self):
        queued = self.queue()
        self.stream.direction = "pull"
        self.check_ended(queued)
        self.assertEqual(self.link.state, "synced")
        self.sync()
        self.assertEqual(self.order.origin, "PH-1")
        self.assertEqual(self.at_app(self.order)["reference"], self.order.name)

    def test_what_waits_for_another_attempt_is_ended(self):
        self.app.fault("error", match={"path": "*/purchase-orders*"})
        queued = self.queue()
        self.push()
        self.assertEqual(queued.state, "waiting")
        queued.error_ids.unlink()
        self.stream.direction = "pull"
        self.check_ended(queued)

    def test_what_is_under_way_goes_on_and_what_comes_of_it_is_ended(self):
        queued = self.queue()
        apart(self.stream._claim_push, None)
        self.env.invalidate_all()
        self.stream.direction = "pull"
        self.assertEqual(queued.state, "running")
        # Its worker has died.
        self.recover()
        self.check_ended(queued)

    def test_a_change_that_was_not_queued_yet_is_not_sent(self):
        self.order.origin = "PH-1"
        self.env.cr.flush()
        self.stream.direction = "pull"
        self.sync()
        self.recover()
        waits = ("pending", "waiting", "running")
        self.assertFalse(self.operations().filtered(lambda o: o.state in waits))
        self.assertEqual(self.link.state, "synced")
        self.assertEqual(self.at_app(self.order)["reference"], self.order.name)

    def test_it_travels_with_the_next_change_once_both_ways_are_open(self):
        self.queue()
        self.stream.direction = "pull"
        self.stream.direction = "both"
        self.order.note = "Cold chain"
        self.sync()
        self.assertEqual(self.at_app(self.order)["reference"], "PH-1")
        self.assertEqual(self.link.state, "synced")

    def compare(self):
        """What opening the way has started, and what it sends."""
        self.env.cr.flush()
        comparison = self.env["sync.reconciliation"].search([])
        while comparison._step():
            pass
        self.env.invalidate_all()
        self.push()

    def test_an_archived_stream_ends_what_waits_and_sends_it_once_it_is_back(self):
        queued = self.queue()
        self.stream.active = False
        self.check_ended(queued, "archived")
        self.assertEqual(self.link.state, "synced")
        self.order.note = "Cold chain"
        self.sync()
        self.recover()
        waits = ("pending", "waiting", "running")
        self.assertFalse(self.operations().filtered(lambda o: o.state in waits))
        self.assertEqual(self.at_app(self.order)["reference"], self.order.name)
        self.stream.active = True
        self.compare()
        there = self.at_app(self.order)
        self.assertEqual((there["reference"], there["notes"]), ("PH-1", "Cold chain"))
        self.assertEqual(self.link.state, "synced")

    def test_what_changed_while_it_went_to_odoo_only_is_sent_once_it_is_open(self):
        self.stream.direction = "pull"
        self.order.note = "Cold chain"
        self.sync()
        self.stream.direction = "both"
        self.compare()
        self.assertEqual(self.at_app(self.order)["notes"], "Cold chain")

    def test_a_record_that_never_got_there_is_not_in_step(self):
        order = self.make_order()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.env.invalidate_all()
        link = self.mapping(order)
        self.stream.direction = "pull"
        self.assertFalse(link.external_id)
        self.assertEqual((link.state, order.sync_state), ("dead", "dead"))

    def test_nothing_is_queued_for_a_stream_that_goes_to_odoo_only(self):
        """Not by an edit, and not because what arrives finds Odoo changed."""
        self.stream.direction = "pull"
        self.order.note = "Cold chain"
        self.app.edit("purchase-orders", self.link.external_id, reference="PH-2")
        self.sync()
        self.assertEqual(self.order.origin, "PH-2")
        waits = ("pending", "waiting", "running")
        self.assertFalse(self.operations().filtered(lambda o: o.state in waits))
        self.assertEqual(self.link.state, "synced")

    def test_other_streams_go_on(self):
        queued = self.queue()
        supplier = self.mapping(self.supplier).stream_id
        supplier.direction = "pull"
        self.assertEqual(queued.state, "pending")
        self.push()
        self.assertEqual(queued.state, "done")
