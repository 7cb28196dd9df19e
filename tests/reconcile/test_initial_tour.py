from odoo import Command
from odoo.tests import HttpCase, tagged

from ..common import KEY, PharmacyApp
from ..tour import Runner


@tagged("post_install", "-at_install")
class TestInitialTour(HttpCase):
    """A person brings both sides together in the browser, and never has to reload."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.app = PharmacyApp()
        cls.addClassCleanup(cls.app.stop)
        cls.env["sync.backend"].search([]).active = False
        cls.env["product.product"].search([]).purchase_ok = False
        cls.env["res.partner"].search([("supplier_rank", ">", 0)]).supplier_rank = 0
        cls.env["purchase.order"].search([]).company_id = cls.env["res.company"].create(
            {"name": "Elsewhere"}
        )
        cls.backend = cls.env["sync.backend"].create(
            {
                "name": "Test Pharmacy",
                "url": cls.app.url,
                "internal": True,
                "api_key": KEY,
            }
        )
        cls.backend.stream_ids.batch_size = 1
        cls.env["res.partner"].create(
            [
                {
                    "name": name,
                    "vat": vat,
                    "is_company": True,
                    "supplier_rank": 1,
                }
                for name, vat in (
                    ("Veterinaria Alba", "ESB12345674"),
                    ("Only Here", False),
                    ("Here as Well", False),
                )
            ]
        )
        for name, vat in (("V. Alba", "ESB12345674"), ("Only There", "")):
            cls.app.add("suppliers", name=name, vat=vat)
        cls.operator = cls.env["res.users"].create(
            {
                "login": "tour operator",
                "password": "tour operator",
                "name": "Olga",
                "group_ids": [
                    Command.link(cls.env.ref("base.group_user").id),
                    Command.link(cls.env.ref("pharmacy_sync.group_operator").id),
                ],
            }
        )

    def test_preview_start_progress_stop_resume(self):
        with Runner(self, "sync.initial"):
            self.start_tour(
                "/odoo/action-pharmacy_sync.action_sync_initial",
                "pharmacy_sync_initial",
                login="tour operator",
                timeout=180,
            )
        work = self.env["sync.initial"].search([])
        self.assertEqual((work.phase, work.state), ("finished", "done"))
        self.assertEqual(work.done_count, 3)
        names = {record["name"] for record in self.app.items("suppliers")}
        self.assertEqual(names, {"V. Alba", "Only There", "Only Here", "Here as Well"})
        mapped = self.env["sync.mapping"].search([("backend_id", "=", self.backend.id)])
        self.assertNotIn("Veterinaria Alba", mapped.mapped("record_name"))
