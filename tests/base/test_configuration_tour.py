import os

from odoo.tests import tagged

from ..tour import TourCase


@tagged("post_install", "-at_install")
class TestConfigurationTour(TourCase):
    """What a manager sets, as a manager sets it."""

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def test_manager_sets_rules_and_policies(self):
        self.tour("rules", "manager")
        rule = self.env["sync.error.rule"].search([])
        self.assertEqual(
            (rule.http_status, rule.code, rule.error_type),
            (422, "stock_reserved", "insufficient_stock"),
        )
        policies = self.env["sync.retry.policy"]
        self.assertEqual(policies._for("default").max_attempts, 4)
        own = policies._for("insufficient_stock")
        self.assertEqual((own.max_attempts, own.base, own.cap), (2, 60, 600))
        rules = self.env["sync.conflict.rule"].search([])
        self.assertEqual(rules.mapped("kind"), ["text", "cancelled"])
        self.assertEqual(rules[0].reason, "Both notes were kept")
        self.assertEqual(rules[0].paths, "notes, lines.description")
        stream = self.stream("purchase_order")
        self.assertEqual(stream.conflict_policy, "newest")
        self.assertEqual(
            stream.conflict_policy_ids.mapped(lambda p: (p.field, p.policy)),
            [("lines.quantity", "odoo")],
        )

    def test_manager_says_which_fields_travel_and_what_they_are_called(self):
        self.tour("stream_fields", "manager")
        stream = self.stream("purchase_order")
        self.assertEqual(
            {f.field: f.direction for f in stream.further_field_ids},
            {"lines.received": "push", "vendor_ref": "both"},
        )
        self.assertEqual(
            {name.field: name.path for name in stream.field_name_ids},
            {
                "notes": "remarks",
                "reference": "number",
                "currency": "money",
                "lines.quantity": "qty",
                "lines.unit_price": "cost",
                "lines.description": "label",
            },
        )

    def test_manager_runs_a_backend(self):
        self.make_order()
        self.push()
        # By SQL: no event reports it, it goes when everything is sent.
        self.env.cr.execute(
            "UPDATE res_partner SET city = 'Lugo' WHERE id = %s", [self.supplier.id]
        )
        self.tour("backend", "manager")
        sent = self.operations(state="pending").mapping_id
        self.assertEqual(sent, self.mapping(self.supplier))
        self.assertFalse(self.backend.paused)
        products = self.stream("product")
        self.assertEqual((products.direction, products.batch_size), ("pull", 50))
        self.assertEqual(self.backend.read_timeout, 25)
        self.assertEqual(self.backend._pool("order_sync").concurrency, 7)
        keys = self.env["queue.job"].search([]).mapped("identity_key")
        for kind in ("push", "pull"):
            asked = f"pharmacy_sync {kind} {self.backend.id} "
            self.assertTrue([key for key in keys if key and key.startswith(asked)])
        work = self.env["sync.reconciliation"].search([])
        self.assertEqual(
            (work.stream_id, work.state), (self.stream("supplier"), "running")
        )

    def test_administrator_sees_where_settings_come_from(self):
        self.set_env("ERROR_RETRY_MAX_ATTEMPTS", "8")
        self.set_env("LINEAR_API_KEY", "topsecret")
        self.tour("settings", "administrator")
        self.assertEqual(self.env["sync.config"]._value("breaker_threshold"), 7)
        thresholds = self.backend.breaker_ids.mapped("consecutive_failures")
        self.assertEqual(thresholds, [7, 7])

    def set_env(self, variable, value):
        self.addCleanup(self.env.registry.clear_cache)
        self.addCleanup(os.environ.pop, variable)
        os.environ[variable] = value
        # A process has one environment all its life.
        self.env.registry.clear_cache()
