from odoo.tests import tagged

from ..tour import Runner, TourCase


@tagged("post_install", "-at_install")
class TestReconciliationTour(TourCase):
    """An operator compares both sides, watches it, and chooses what to mend."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        others = [("supplier_rank", ">", 0), ("id", "!=", cls.supplier.id)]
        cls.env["res.partner"].search(others).supplier_rank = 0
        cls.suppliers = cls.env["res.partner"].create(
            [
                {"name": f"Supplier {n}", "is_company": True, "supplier_rank": 1}
                for n in range(6)
            ]
        )

    def by_sql(self, record, city):
        """A change that no event reports."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner SET city = %s WHERE id = %s", (city, record.id)
        )
        self.env.invalidate_all()

    def edit_unseen(self, record, **values):
        """A change of the pharmacy whose entry in the change feed is lost."""
        mapping = self.mapping(record)
        self.app.edit("suppliers", mapping.external_id, **values)
        page = self.app.call("GET", "/api/v1/changes?entity=suppliers&limit=500")
        mapping.stream_id.cursor = page["next_cursor"]

    def test_drift_is_found_and_repaired(self):
        self.sync()
        repaired, left = self.suppliers[3], self.suppliers[4]
        self.by_sql(repaired, "Lugo")
        self.edit_unseen(left, city="Vigo")
        with Runner(self, "sync.reconciliation"):
            self.tour("reconciliation", "operator", timeout=180)
        work = self.env["sync.reconciliation"].search([])
        self.assertEqual(
            (work.state, work.create_uid), ("done", self.people["operator"])
        )
        states = {drift.record_name: drift.state for drift in work.drift_ids}
        self.assertEqual(states, {"Supplier 3": "repaired", "Supplier 4": "left"})
        self.push()
        self.assertEqual(self.at_app(repaired)["city"], "Lugo")
        self.assertFalse(left.city)
        self.assertEqual(self.at_app(left)["city"], "Vigo")
