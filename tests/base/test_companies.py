from odoo import Command, fields
from odoo.tests import new_test_user, tagged

from ..common import SyncCase

MODELS = (
    "sync.backend",
    "sync.stream",
    "sync.mapping",
    "sync.operation",
    "sync.call",
    "sync.event",
    "sync.error",
    "sync.error.group",
    "sync.conflict",
    "sync.conflict.line",
    "sync.saga",
    "sync.saga.step",
    "sync.reconciliation",
    "sync.drift",
    "sync.cache",
)


@tagged("post_install", "-at_install")
class TestCompanies(SyncCase):
    """A manager of one company sees nothing of what another one synchronises."""

    def setUp(self):
        super().setUp()
        self.company = self.env["res.company"].create({"name": "Other Clinic"})
        self.insider = self.make_manager("insider", self.env.company)
        self.stranger = self.make_manager("stranger", self.company)

    def make_manager(self, login, company):
        return new_test_user(
            self.env,
            login,
            "pharmacy_sync.group_manager,base.group_system",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def make_one_of_each(self):
        order = self.make_order(note="first")
        self.push()
        link = self.mapping(order)
        self.app.edit("purchase-orders", link.external_id, notes="theirs")
        order.note = "ours"
        self.pull()
        about = {"operation": "push", "backend_id": self.backend.id}
        self.env["sync.error"]._record(ValueError("Out of paper."), **about)
        self.env["sync.saga"].create(
            {
                "backend_id": self.backend.id,
                "key": "key-1",
                "step_ids": [Command.create({"name": "create"})],
            }
        )
        work = self.env["sync.reconciliation"].create({"stream_id": link.stream_id.id})
        self.env["sync.drift"].create(
            {"reconciliation_id": work.id, "mapping_id": link.id, "kind": "differs"}
        )
        self.env["sync.cache"].create(
            {
                "backend_id": self.backend.id,
                "entity": "supplier",
                "key": "sup_1",
                "fetched_at": fields.Datetime.now(),
            }
        )
        self.env.flush_all()

    def test_each_sees_what_is_of_its_own_company(self):
        self.make_one_of_each()
        for name in MODELS:
            with self.subTest(name):
                Model = self.env[name]
                own = Model.with_user(self.insider).search([])
                self.assertTrue(own.sudo().filtered(self.is_ours))
                seen = Model.with_user(self.stranger).search([])
                self.assertFalse(seen.sudo().filtered(self.is_ours))

    def is_ours(self, record):
        name = next(
            name
            for name in ("company_id", "conflict_id", "reconciliation_id", "stream_id")
            if name in record._fields
        )
        value = record[name]
        company = value if name == "company_id" else value.company_id
        return company == self.env.company

    def test_a_dead_letter_is_redriven_by_its_own_company_only(self):
        self.make_order()
        self.push()
        operation = self.operations(state="done")[0]
        operation.state = "dead"
        found = self.env["sync.operation"].with_user(self.stranger)
        self.assertNotIn(operation, found.search([("state", "=", "dead")]))
        found = found.with_user(self.insider)
        self.assertIn(operation, found.search([("state", "=", "dead")]))
