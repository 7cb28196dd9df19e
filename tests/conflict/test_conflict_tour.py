from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..common import SyncCase

PATH = "purchase-orders"


@tagged("post_install", "-at_install")
class TestConflictTour(SyncCase, HttpCase):
    """A person clears real conflicts in a real browser."""

    @mute_logger("odoo.tests.common")
    def setUp(self):
        super().setUp()
        new_test_user(
            self.env,
            "berta",
            "pharmacy_sync.group_user,purchase.group_purchase_user",
            password="berta-berta",
        )

    def make_conflict(self, name, theirs, ours):
        """:param theirs, ours: what each side writes: values of the first line, or
        ``note``"""
        order = self.make_order(name=name)
        self.push()
        record = self.at_app(order)
        change = {"notes": theirs["note"]} if "note" in theirs else {}
        if not change:
            record["lines"][0].update(theirs)
            change = {"lines": record["lines"]}
        self.app.edit(PATH, record["id"], **change)
        if "note" in ours:
            order.note = ours["note"]
        else:
            order.order_line[0].write(ours)
        self.pull()
        return order

    def both(self, order):
        odoo = self.mapping(order)._serialise()
        return [
            (
                side["lines"][0]["quantity"],
                side["lines"][0]["unit_price"],
                side["notes"],
            )
            for side in (odoo, self.at_app(order))
        ]

    def test_a_person_clears_them(self):
        theirs = {"quantity": "8.00", "unit_price": "13.00"}
        ours = {"product_qty": 5, "price_unit": 12}
        # The list shows the latest first.
        many = [self.make_conflict(f"TOUR-M{n}", theirs, ours) for n in range(3)]
        side = self.make_conflict("TOUR-SIDE", theirs, ours)
        own = self.make_conflict("TOUR-OWN", {"note": "at ten"}, {"note": "at nine"})
        field = self.make_conflict("TOUR-FIELD", theirs, ours)
        self.start_tour(
            "/odoo/action-pharmacy_sync.action_sync_conflict",
            "pharmacy_sync_conflict",
            login="berta",
        )
        self.env.invalidate_all()
        for __ in range(3):
            self.make_due()
            self.sync()
        self.assertEqual(self.both(field), [("8.00", "12.00", "")] * 2)
        self.assertEqual(self.both(own), [("2.00", "12.50", "at half past nine")] * 2)
        self.assertEqual(self.both(side), [("5.00", "12.00", "")] * 2)
        for order in many:
            self.assertEqual(self.both(order), [("8.00", "13.00", "")] * 2)
        self.assertFalse(self.env["sync.conflict"].search([("state", "=", "open")]))

    def test_a_person_decides_by_the_keyboard(self):
        theirs = {"quantity": "8.00", "unit_price": "13.00"}
        ours = {"product_qty": 5, "price_unit": 12}
        following = self.make_conflict("TOUR-NEXT", theirs, ours)
        decided = self.make_conflict("TOUR-KEYS", theirs, ours)
        self.start_tour(
            "/odoo/action-pharmacy_sync.action_sync_conflict",
            "pharmacy_sync_conflict_keyboard",
            login="berta",
        )
        self.env.invalidate_all()
        self.make_due()
        self.sync()
        self.assertEqual(self.both(decided), [("8.00", "12.00", "")] * 2)
        berta = self.mapping(decided).conflict_ids.resolved_by_id
        self.assertEqual(berta.login, "berta")
        still_open = self.mapping(following)._open_conflict()._open_lines()
        self.assertEqual(still_open.mapped("name"), ["unit_price"])
        self.assertEqual(following.order_line[0].product_qty, 8)

    def test_the_keyboard_where_people_read_from_right_to_left(self):
        self.env["res.lang"]._activate_lang("en_US").direction = "rtl"
        self.make_conflict("TOUR-KEYS", {"quantity": "8.00"}, {"product_qty": 5})
        # Without rtlcss, which is no part of Odoo, the page is not mirrored.
        with mute_logger("odoo.addons.base.models.assetsbundle"):
            self.start_tour(
                "/odoo/action-pharmacy_sync.action_sync_conflict",
                "pharmacy_sync_conflict_right_to_left",
                login="berta",
            )
