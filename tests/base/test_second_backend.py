from odoo import fields
from odoo.tests import new_test_user, tagged

from ...models.operation.retrying import Retrying
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestSecondBackend(SyncCase):
    """Two backends of two companies whose apps use the same ids: each has its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.second_backend()
        cls.apis = [
            cls.env["sync.api"].with_user(backend.user_id)
            for backend in (cls.backend, cls.other)
        ]

    def setUp(self):
        super().setUp()
        self.other_app.reset()

    def push_both(self, **values):
        """The same id to both, of suppliers with different names: the answers."""
        return [
            api.push(
                "supplier",
                [{"id": "sup_1", "version": 1, "name": name}],
                **values,
            )
            for api, name in zip(self.apis, ("First", "Second"), strict=True)
        ]

    def test_an_id_is_a_record_of_its_own_backend(self):
        first, second = self.push_both()
        self.assertTrue(first["success"] and second["success"], (first, second))
        ids = [a["results"][0]["odoo_id"] for a in (first, second)]
        self.assertNotEqual(*ids)
        for api, res_id in zip(self.apis, ids, strict=True):
            (known,) = api.status("supplier", ["sup_1"])["results"]
            self.assertEqual(known["odoo_id"], res_id)

    def test_what_one_does_not_have_the_other_does_not_lend(self):
        self.apis[0].push("supplier", [{"id": "sup_1", "version": 1, "name": "First"}])
        (known,) = self.apis[1].status("supplier", ["sup_1"])["results"]
        self.assertFalse(known["known"])
        self.assertEqual(self.apis[1].health()["mappings"], {})

    def test_an_idempotency_key_is_of_its_backend(self):
        first, second = self.push_both(idempotency_key="key-1")
        self.assertTrue(second["success"], second)
        again = self.push_both(idempotency_key="key-1")
        for answer, repeated in zip((first, second), again, strict=True):
            self.assertEqual(answer["results"], repeated["results"])

    def test_records_are_made_in_the_company_of_the_backend(self):
        for api in self.apis:
            api.push("supplier", [{"id": "sup_1", "version": 1, "name": "S"}])
            api.push("product", [{"id": "prd_1", "version": 1, "name": "P"}])
            answer = api.push(
                "purchase_order",
                [
                    {
                        "id": "po_1",
                        "version": 1,
                        "supplier_id": "sup_1",
                        "lines": [
                            {
                                "key": "1",
                                "product_id": "prd_1",
                                "quantity": "1",
                                "unit_price": "2.00",
                            }
                        ],
                    }
                ],
            )
            self.assertTrue(answer["success"], answer)
        orders = self.env["sync.mapping"].search([("external_id", "=", "po_1")])
        for mapping in orders:
            order = self.env["purchase.order"].browse(mapping.res_id)
            self.assertEqual(order.company_id, mapping.company_id)
        self.assertEqual(len(orders.company_id), 2)

    def test_what_is_forgotten_is_of_one_backend(self):
        self.env["sync.cache"].create(
            [
                {
                    "backend_id": backend.id,
                    "entity": "supplier",
                    "key": "sup_1",
                    "fetched_at": fields.Datetime.now(),
                }
                for backend in (self.backend, self.other)
            ]
        )
        self.env.flush_all()
        for forget in (
            lambda: (
                self.env["sync.cache"]
                .search([("backend_id", "=", self.backend.id)])
                .action_clear()
            ),
            self.backend.action_clear_cache,
        ):
            forget()
            self.env.invalidate_all()
            left = self.env["sync.cache"].search([("key", "=", "sup_1")])
            self.assertEqual(left.backend_id, self.other)

    def test_one_backends_alerts_are_not_ended_by_a_look_at_the_other(self):
        rule = self.env["sync.alert.rule"].search(
            [("condition", "=", "dead_letter")], limit=1
        )
        alert = self.env["sync.alert"].create(
            {
                "rule_id": rule.id,
                "condition": "dead_letter",
                "severity": rule.severity,
                "fingerprint": "of the first",
                "opened_at": fields.Datetime.now(),
                "backend_id": self.backend.id,
            }
        )
        self.env["sync.alert"]._watch(backend_ids=self.other.ids)
        self.env.invalidate_all()
        self.assertEqual(alert.state, "open")
        self.env["sync.alert"]._watch(backend_ids=self.backend.ids)
        self.env.invalidate_all()
        self.assertEqual(alert.state, "resolved")

    def test_one_backends_calls_use_up_its_own_budget_only(self):
        self.env["sync.call"].create(
            [
                {
                    "backend_id": self.other.id,
                    "operation": "push",
                    "result": "failure",
                    "retry": True,
                }
                for __ in range(200)
            ]
        )
        self.env.flush_all()
        spares = [
            Retrying(self.env, backend, "push").spare
            for backend in (self.backend, self.other)
        ]
        self.assertGreater(spares[0], 0)
        self.assertLessEqual(spares[1], 0)

    def test_a_decision_is_made_in_the_company_of_the_conflict(self):
        """The one who decides is at work in another company."""
        both = self.env.company | self.other_company
        person = new_test_user(
            self.env,
            "of both",
            "pharmacy_sync.group_user,purchase.group_purchase_user",
            company_id=self.env.company.id,
            company_ids=[fields.Command.set(both.ids)],
        )
        api = self.apis[1]
        api.push("product", [{"id": "prd_1", "version": 1, "name": "P", "cost": "1"}])
        mapping = self.env["sync.mapping"].search([("external_id", "=", "prd_1")])
        product = self.env["product.product"].browse(mapping.res_id)
        product.with_company(self.other_company).standard_price = 2
        self.env.flush_all()
        api.push("product", [{"id": "prd_1", "version": 2, "name": "P", "cost": "3"}])
        conflict = self.env["sync.conflict"].search([("mapping_id", "=", mapping.id)])
        self.assertTrue(conflict)
        conflict.with_user(person).with_context(
            allowed_company_ids=both.ids
        ).action_take_pharmacy()
        self.env.invalidate_all()
        costs = [
            product.with_company(company).standard_price
            for company in (self.env.company, self.other_company)
        ]
        self.assertEqual(costs, [0, 3])
