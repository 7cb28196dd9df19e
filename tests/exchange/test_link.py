from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestLink(SyncCase):
    """A manager links what matching could not know, and breaks what is wrong."""

    def setUp(self):
        super().setUp()
        self.theirs = self.app.add(
            "suppliers", name="Farmacia Sur S.L.", phone="555", city="Faro"
        )
        streams = self.backend.stream_ids
        self.stream = streams.filtered(lambda s: s.entity == "supplier")
        self.partner = self.env["res.partner"].create(
            {"name": "Farmacia Sur", "city": "Faro", "email": "sur@example.com"}
        )
        self.pull()
        self.push()
        self.manager = new_test_user(
            self.env,
            "manager",
            "pharmacy_sync.group_manager,base.group_partner_manager",
        )
        self.link = self.env["sync.mapping"].search(
            [("external_id", "=", self.theirs["id"])]
        )

    def wizard(self, record, **values):
        return (
            self.env["sync.link"]
            .with_user(self.manager)
            .create(
                {
                    "stream_id": self.stream.id,
                    "external_id": self.theirs["id"],
                    "record": f"{record._name},{record.id}",
                    **values,
                }
            )
        )

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def test_another_record_is_linked_and_nothing_is_overwritten(self):
        double = self.link._record()
        self.wizard(self.partner).action_link()
        self.assertEqual(self.link._record(), self.partner)
        # What is empty on one side is filled; a person decides on what differs.
        self.assertEqual(self.partner.phone, "555")
        self.assertEqual(self.link._open_conflict().line_ids.field, "name")
        self.link._open_conflict().action_take_pharmacy()
        self.settle()
        self.assertEqual(self.partner.name, "Farmacia Sur S.L.")
        self.assertEqual(self.at_app(self.partner)["email"], "sur@example.com")
        # The one that was made by mistake can go, and the pharmacy hears nothing of it.
        double.active = False
        self.settle()
        self.assertEqual(len(self.app.items("suppliers")), 2)
        self.assertEqual(self.link.state, "synced")

    def test_a_record_that_was_to_be_made_there(self):
        self.partner.write({"is_company": True, "supplier_rank": 1})
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waiting = self.mapping(self.partner)
        self.assertFalse(waiting.external_id)
        self.wizard(self.partner).action_link()
        self.settle()
        self.assertEqual(self.mapping(self.partner), self.link)
        self.assertEqual(len(self.app.items("suppliers")), 2)

    def test_a_record_that_was_to_be_made_there_is_one_that_odoo_never_read(self):
        """What was about to be sent goes by the id of the pharmacy's record."""
        self.partner.write({"is_company": True, "supplier_rank": 1})
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waiting = self.mapping(self.partner)
        (operation,) = waiting.operation_ids
        unread = self.app.add("suppliers", name="Farmacia Sur", phone="777")
        self.wizard(self.partner, external_id=unread["id"]).action_link()
        self.assertEqual(self.mapping(self.partner), waiting)
        self.assertEqual(waiting.external_id, unread["id"])
        self.assertEqual(operation.state, "cancelled")
        self.assertIn("Linked by", operation.reason)
        self.settle()
        self.assertEqual(self.partner.phone, "777")
        self.assertEqual(self.at_app(self.partner)["city"], "Faro")
        self.assertEqual(len(self.app.items("suppliers")), 3)

    def test_two_records_of_which_nothing_is_known_yet(self):
        unread = self.app.add("suppliers", name="Farmacia Sur", phone="777")
        self.wizard(self.partner, external_id=unread["id"]).action_link()
        self.settle()
        self.assertEqual(self.partner.phone, "777")
        self.assertEqual(self.at_app(self.partner)["email"], "sur@example.com")
        self.assertEqual(self.mapping(self.partner).state, "synced")

    def test_an_order_that_is_linked_keeps_its_lines(self):
        """They are those of the pharmacy's order, by their products."""
        orders = self.backend.stream_ids.filtered(
            lambda s: s.entity == "purchase_order"
        )
        orders.direction = "pull"
        order = self.make_order()
        self.push()
        lines = order.order_line
        theirs = self.app.add(
            "purchase-orders",
            supplier_id=self.mapping(self.supplier).external_id,
            reference="By phone",
            lines=[
                {
                    "key": f"ln_{number}",
                    "product_id": self.mapping(line.product_id).external_id,
                    "quantity": "2.00",
                    "uom": line.product_uom_id.name,
                    "unit_price": "12.50",
                }
                for number, line in enumerate(lines)
            ],
        )
        orders.direction = "both"
        self.env["sync.link"].create(
            {
                "stream_id": orders.id,
                "external_id": theirs["id"],
                "record": f"purchase.order,{order.id}",
            }
        ).action_link()
        self.assertEqual(order.order_line, lines)
        self.assertEqual(lines.mapped("sync_key"), ["ln_0", "ln_1", "ln_2"])

    def test_a_record_whose_counterpart_was_deleted_gets_another(self):
        gone = self.mapping(self.supplier)
        path = f"/api/v1/suppliers/{gone.external_id}"
        self.app.call("DELETE", path, headers={"If-Match": "*"})
        self.pull()
        self.assertTrue(gone.deleted)
        self.supplier.active = True
        self.wizard(self.supplier).action_link()
        self.assertEqual(self.mapping(self.supplier), self.link)
        # Its old counterpart is known still, and is no longer that.
        self.assertFalse(gone.res_id)
        self.assertTrue(gone.deleted)

    def test_a_record_that_is_just_being_sent_is_left_alone(self):
        self.partner.write({"is_company": True, "supplier_rank": 1})
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waiting = self.mapping(self.partner)
        waiting.operation_ids.state = "running"
        with self.assertRaisesRegex(UserError, "just being sent"):
            self.wizard(self.partner).action_link()
        self.assertEqual(self.mapping(self.partner), waiting)
        self.assertEqual(waiting.operation_ids.state, "running")

    def test_what_odoo_refuses_of_the_pharmacy_s_record_links_nothing(self):
        product = self.env["product.product"].create({"name": "Without a barcode"})
        self.env["product.product"].create(
            {"name": "Of the House", "barcode": "8400022222222", "purchase_ok": False}
        )
        twin = self.app.add("products", name="Twin", barcode="8400022222222")
        product_stream = self.backend.stream_ids.filtered(
            lambda s: s.entity == "product"
        )
        wizard = self.wizard(
            product, stream_id=product_stream.id, external_id=twin["id"]
        )
        with self.assertRaises(UserError) as refused:
            wizard.action_link()
        self.assertIn(twin["barcode"], str(refused.exception))
        self.assertFalse(self.mapping(product).external_id)

    def test_a_record_that_has_a_counterpart_is_refused(self):
        with self.assertRaisesRegex(UserError, "Break that link first"):
            self.wizard(self.supplier).action_link()

    def test_what_cannot_be_linked_says_why(self):
        with self.assertRaisesRegex(UserError, "Resource not found"):
            self.wizard(self.partner, external_id="sup_nobody").action_link()
        with self.assertRaisesRegex(UserError, "Suppliers"):
            self.wizard(self.products[0]).action_link()
        with self.assertRaisesRegex(UserError, "linked already"):
            self.wizard(self.link._record()).action_link()

    def test_a_broken_link_leaves_two_records_on_each_side(self):
        partner = self.link._record()
        self.link.with_user(self.manager).action_break_link()
        self.assertEqual(self.link.version, 0, "nothing of it is agreed on")
        self.settle()
        self.assertEqual(partner.sync_state, "synced")
        self.assertNotEqual(self.link._record(), partner)
        self.assertEqual(self.link.state, "synced")
        self.assertEqual(self.link.version, self.theirs["version"])
        self.assertEqual(self.link.base["name"], "Farmacia Sur S.L.")
        self.assertEqual(self.link._record().name, "Farmacia Sur S.L.")
        self.assertNotEqual(self.at_app(partner)["id"], self.theirs["id"])
        self.assertEqual(len(self.app.items("suppliers")), 3)
        # Each goes on by itself.
        partner.city = "Lagos"
        self.settle()
        self.assertEqual(self.app.get("suppliers", self.theirs["id"])["city"], "Faro")

    def test_a_link_that_is_broken_while_a_person_is_asked(self):
        """Each side has what it said, and nobody is asked any more."""
        partner = self.link._record()
        partner.name = "Ours"
        self.app.edit("suppliers", self.theirs["id"], name="Theirs")
        self.sync()
        conflict = self.link._open_conflict()
        self.assertEqual(conflict.line_ids.field, "name")
        partner.phone = "556"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waiting = self.link.operation_ids.filtered(lambda o: o.state == "pending")
        self.link.with_user(self.manager).action_break_link()
        self.assertEqual(waiting.state, "cancelled")
        self.assertNotEqual(conflict.state, "open")
        self.settle()
        self.assertEqual(self.link._record().name, "Theirs")
        self.assertEqual(self.link._record().phone, "555")
        self.assertEqual(self.at_app(partner)["name"], "Ours")

    def test_what_only_one_side_has_cannot_be_separated(self):
        self.partner.write({"is_company": True, "supplier_rank": 1})
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        waiting = self.mapping(self.partner)
        with self.assertRaisesRegex(UserError, "both sides have"):
            waiting.with_user(self.manager).action_break_link()
        (operation,) = waiting.operation_ids
        self.assertEqual(operation.state, "pending")
        self.link._record().unlink()
        self.settle()
        self.assertTrue(self.link.deleted)
        with self.assertRaisesRegex(UserError, "both sides have"):
            self.link.with_user(self.manager).action_break_link()

    def test_only_managers_link(self):
        user = new_test_user(self.env, "user", "pharmacy_sync.group_operator")
        with self.assertRaises(AccessError):
            self.link.with_user(user).action_break_link()
        data = {"id": "sup_9", "name": "Farmacia Sur"}
        link = self.env["sync.mapping"]._link_by_hand
        with self.assertRaises(AccessError):
            self.env["sync.mapping"].with_user(user)._link_by_hand(
                self.stream, self.partner, data, "by hand"
            )
        self.assertEqual(link(self.stream, self.partner, data, "by hand").version, 0)
        with self.assertRaises(AccessError):
            self.env["sync.link"].with_user(user).create(
                {
                    "stream_id": self.stream.id,
                    "external_id": "x",
                    "record": f"res.partner,{self.partner.id}",
                }
            )
