from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from ...core.event.feed import Position
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestTracked(SyncCase):
    """What a synchronised record says of itself, and what the outbox stands on."""

    def test_records_are_found_by_how_they_stand(self):
        synced, pending = self.make_order(), self.make_order()
        self.push()
        self.app.fault("error", status=503)
        pending.origin = "PH-1"
        self.push()
        Order = self.env["purchase.order"]
        both = [("id", "in", (synced | pending).ids)]

        def found(operator, value):
            return Order.search([*both, ("sync_state", operator, value)])

        self.assertEqual(found("=", "synced"), synced)
        self.assertEqual(found("in", ["pending", "dead"]), pending)
        self.assertEqual(found("!=", "synced"), pending)

    def test_what_is_not_linked_is_found_as_such(self):
        order = self.make_order()
        self.push()
        new = self.make_order()
        Order = self.env["purchase.order"]
        both = [("id", "in", (order | new).ids)]
        self.assertEqual(Order.search([*both, ("sync_state", "=", False)]), new)
        self.assertEqual(Order.search([*both, ("sync_state", "!=", False)]), order)
        either = [("sync_state", "in", [False, "synced"])]
        self.assertEqual(Order.search([*both, *either]), order | new)

    def test_one_link_is_opened_and_several_are_listed(self):
        order = self.make_order()
        self.push()
        self.assertEqual(order.action_view_sync()["res_id"], self.mapping(order).id)
        size = self.env["product.attribute"].create({"name": "Size"})
        values = [{"name": name, "attribute_id": size.id} for name in ("S", "L")]
        sizes = self.env["product.attribute.value"].create(values)
        line = {"attribute_id": size.id, "value_ids": [Command.set(sizes.ids)]}
        template = self.env["product.template"].create(
            {"name": "Collar", "attribute_line_ids": [Command.create(line)]}
        )
        self.push()
        links = [self.mapping(v).id for v in template.product_variant_ids]
        self.assertEqual(len(links), 2)
        action = template.action_view_sync()
        found = self.env["sync.mapping"].search(action["domain"])
        self.assertCountEqual(found.ids, links)
        user = new_test_user(self.env, "looker", "pharmacy_sync.group_user")
        self.env.invalidate_all()
        with self.assertRaises(AccessError):
            order.with_user(user).action_view_sync()

    def test_what_an_update_finds_missing_of_the_outbox_it_makes(self):
        self.env.cr.execute("DROP SEQUENCE sync_event_stamp")
        self.env.cr.execute("ALTER TABLE sync_event DROP COLUMN xid")
        Event = self.env["sync.event"]
        Event.init()
        Event.init()
        # A first number of none was given already: a feed may begin there.
        self.assertEqual(Event._next_stamp(), 2)
        order = self.make_order()
        self.env.cr.flush()
        self.env.cr.execute(
            "SELECT xid = pg_current_xact_id(), stamp FROM sync_event "
            "WHERE res_id = %s AND res_model = 'purchase.order'",
            [order.id],
        )
        self.assertEqual(self.env.cr.fetchall(), [(True, 3)])
        cursor = self.backend.stream_ids[0]._changes(None, 1)["next_cursor"]
        self.assertTrue(Position.parse(cursor).stamp)
