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
        self.settle()
        self.assertEqual(partner.sync_state, "synced")
        self.assertNotEqual(self.link._record(), partner)
        self.assertEqual(self.link._record().name, "Farmacia Sur S.L.")
        self.assertNotEqual(self.at_app(partner)["id"], self.theirs["id"])
        self.assertEqual(len(self.app.items("suppliers")), 3)
        # Each goes on by itself.
        partner.city = "Lagos"
        self.settle()
        self.assertEqual(self.app.get("suppliers", self.theirs["id"])["city"], "Faro")

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
        with self.assertRaises(AccessError):
            self.env["sync.link"].with_user(user).create(
                {
                    "stream_id": self.stream.id,
                    "external_id": "x",
                    "record": f"res.partner,{self.partner.id}",
                }
            )
