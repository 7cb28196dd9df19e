from odoo import fields
from odoo.tests import tagged

from ..tour import TourCase


@tagged("post_install", "-at_install")
class TestWorkTour(TourCase):
    """The daily pages: operations, errors and mappings."""

    def make_trouble(self):
        """Orders that died, one that waits, one that is new."""
        self.dead = self.make_order(name="TOUR-DEAD-1") | self.make_order(
            name="TOUR-DEAD-2"
        )
        self.slow = self.make_order(name="TOUR-SLOW")
        self.new = self.make_order(name="TOUR-NEW")
        self.push()
        self.refuse(self.dead, origin="PH-1")
        self.app.fault("error", status=503, count=1)
        self.slow.origin = "PH-2"
        self.push()
        later = fields.Datetime.add(fields.Datetime.now(), minutes=5)
        self.operations(state="waiting").eta = later
        self.new.origin = "PH-3"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        self.count_errors()

    def test_operator_redrives_from_the_list(self):
        self.make_trouble()
        dead = self.operations(state="dead")
        discarded = self.operations(state="pending")
        self.tour("operation", "operator")
        self.assertEqual(dead.mapped("state"), ["pending"] * 2)
        self.assertEqual(dead.note_ids.user_id, self.people["operator"])
        self.assertEqual(discarded.state, "cancelled")
        self.assertEqual(discarded.discard_reason, "Ordered by telephone")
        self.push()
        orders = self.dead | self.slow | self.new
        self.assertEqual(
            [self.at_app(order)["reference"] for order in orders],
            ["PH-1", "PH-1", "PH-2", "TOUR-NEW"],
        )

    def test_operator_resolves_a_failure(self):
        self.make_trouble()
        self.tour("error", "operator")
        operator = self.people["operator"]
        group = self.operations(state="dead").error_group_id
        self.assertEqual((group.state, group.user_id), ("resolved", operator))
        errors = self.env["sync.error"].search([("backend_id", "=", self.backend.id)])
        self.assertEqual(errors.mapped("resolved"), [True] * 3)
        self.assertEqual(errors.resolved_by_id, operator)
        one, two = group.error_ids.sorted("id")
        # The first was resolved by itself, before anybody knew how.
        self.assertEqual(
            {one.resolution, two.resolution}, {False, "A new key was entered"}
        )

    def test_manager_links_and_breaks(self):
        theirs = self.app.add("suppliers", name="Farmacia Sur S.L.")
        real, separated = self.env["res.partner"].create(
            [
                {"name": "The Real Farmacia Sur"},
                {"name": "Farmacia Norte", "is_company": True, "supplier_rank": 1},
            ]
        )
        self.make_order()
        self.sync()
        former = self.mapping(separated)
        self.tour("mapping", "manager")
        mapping = self.mapping(real)
        self.assertEqual(mapping.external_id, theirs["id"])
        self.assertEqual(mapping._open_conflict().line_ids.field, "name")
        for __ in range(2):
            self.sync()
        self.assertNotEqual(self.mapping(separated), former)
        names = [record["name"] for record in self.app.items("suppliers")]
        self.assertEqual(names.count("Farmacia Norte"), 2)
