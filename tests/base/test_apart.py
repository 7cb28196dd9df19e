from odoo.tests import tagged

from ..common import SyncCase

ORDERS = "purchase-orders"
BARCODE = "4006381333931"


@tagged("post_install", "-at_install")
class TestApart(SyncCase):
    """What both sides made before they heard of one another, and what arrives before
    what it refers to or after what is newer."""

    def setUp(self):
        super().setUp()
        self.streams = self.backend.stream_ids.grouped("entity")

    def arrive(self, record):
        """The app calls with one record."""
        stream = self.streams["purchase_order"]
        self.env.cr.flush()
        stream._queue_arrivals(stream._apply([record], "call"), "call")

    # -- Made on both sides ------------------------------------------------------------

    def make_product_on_both_sides(self):
        theirs = self.app.add("products", name="Theirs", barcode=BARCODE)
        ours = self.env["product.product"].create({"name": "Ours", "barcode": BARCODE})
        return ours, theirs

    def assert_asked(self, ours, theirs):
        self.assertEqual(self.mapping(ours).external_id, theirs["id"])
        conflict = self.mapping(ours)._open_conflict()
        self.assertIn("name", conflict.line_ids.mapped("field"))
        self.assertEqual(ours.name, "Ours")
        self.assertEqual(self.app.get("products", theirs["id"])["name"], "Theirs")
        same = [p for p in self.app.items("products") if p["barcode"] == BARCODE]
        self.assertEqual(len(same), 1)

    def test_who_sends_first_overwrites_nothing_and_is_not_overwritten(self):
        ours, theirs = self.make_product_on_both_sides()
        self.sync()
        self.assert_asked(ours, theirs)

    def test_what_is_just_being_sent_is_not_overwritten(self):
        self.push()
        ours, theirs = self.make_product_on_both_sides()
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        stream = self.streams["product"]
        __, items = stream._claim_push(None)
        self.pull()
        stream._settle_push(items, *stream._send(items))
        self.sync()
        self.assert_asked(ours, theirs)

    # -- Told in another order ---------------------------------------------------------

    def make_linked_order(self):
        order = self.make_order()
        self.sync()
        return order, self.mapping(order)

    def change_supplier_there(self, link):
        """To one that Odoo has not heard of."""
        supplier = self.app.add("suppliers", name="Farmacia Sur")
        return self.app.edit(ORDERS, link.external_id, supplier_id=supplier["id"])

    def test_a_push_waits_for_what_it_has_to_be_merged_with(self):
        order, link = self.make_linked_order()
        self.change_supplier_there(link)
        order.note = "Cold chain"
        self.push()
        waiting = self.operations(mapping_id=link.id, kind="push", state="waiting")
        self.assertEqual((len(waiting), waiting.attempts), (1, 0))
        self.make_due()
        self.sync()
        self.make_due()
        self.sync()
        self.assertEqual(order.partner_id.name, "Farmacia Sur")
        self.assertEqual(self.at_app(order)["notes"], "Cold chain")
        self.assertEqual(link.state, "synced")

    def test_an_outage_leaves_no_push_without_attempts_to_merge(self):
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("pharmacy_sync.feature_breaker", "False")
        order, link = self.make_linked_order()
        order.note = "Cold chain"
        self.app.fault("error", status=503)
        for __ in range(6):
            self.make_due()
            self.push()
        self.app.heal()
        self.app.edit(ORDERS, link.external_id, state="sent")
        self.make_due()
        self.push()
        self.assertEqual(link.state, "synced")
        self.assertEqual(self.at_app(order)["notes"], "Cold chain")

    def test_a_late_call_does_not_stand_for_the_state_that_waits(self):
        order, link = self.make_linked_order()
        before = self.app.get(ORDERS, link.external_id)
        self.change_supplier_there(link)
        self.streams["purchase_order"]._pull()
        self.assertEqual(self.operations(kind="apply").state, "waiting")
        self.arrive(before)
        self.make_due()
        self.pull()
        self.assertEqual(order.partner_id.name, "Farmacia Sur")

    def test_a_late_call_that_waits_as_well_does_not_take_its_place(self):
        order, link = self.make_linked_order()
        older = self.change_supplier_there(link)
        newer = self.app.edit(ORDERS, link.external_id, notes="Cold chain")
        self.streams["purchase_order"]._pull()
        self.arrive(older)
        waiting = self.operations(kind="apply")
        self.assertEqual(waiting.payload["version"], newer["version"])
        self.make_due()
        self.pull()
        self.assertIn("Cold chain", order.note or "")

    def test_a_record_that_is_found_late_does_not_undo_what_was_read_since(self):
        self.push()
        order = self.make_order(note="first")
        self.app.fault("lost_answer", count=1, match={"method": "POST"})
        self.push()
        self.app.heal()
        self.make_due()
        self.env.cr.flush()
        stream = self.streams["purchase_order"]
        __, items = stream._claim_push(None)
        answers, failures = stream._send(items)
        (theirs,) = self.app.items(ORDERS)
        self.app.edit(ORDERS, theirs["id"], notes="second")
        self.pull()
        stream._settle_push(items, answers, failures)
        self.sync()
        self.assertIn("second", order.note)
        self.assertEqual(self.at_app(order)["notes"], "second")
