from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestOrmcached(SyncCase):
    """What the registry's cache keeps of records goes when they change."""

    def setUp(self):
        super().setUp()
        self.stream = self.backend.stream_ids.filtered(
            lambda stream: stream.entity == "supplier"
        )

    def assert_forgotten(self, change, *args):
        """What is kept is the same object until it is forgotten."""
        before = self.stream._following()
        self.assertIs(self.stream._following(), before)
        result = change(*args)
        self.assertIsNot(self.stream._following(), before)
        return result

    def assert_read_anew(self, model, values, change):
        record = self.assert_forgotten(self.env[model].create, values)
        self.assert_forgotten(record.write, change)
        self.assert_forgotten(record.unlink)

    def test_conflict_rules_and_policies_are_read_anew(self):
        self.assert_read_anew(
            "sync.conflict.rule",
            {"kind": "text", "paths": "notes", "reason": "Both are kept."},
            {"reason": "All lines are kept."},
        )
        self.assert_read_anew(
            "sync.conflict.policy",
            {"stream_id": self.stream.id, "field": "name", "policy": "odoo"},
            {"policy": "pharmacy"},
        )

    def test_error_rules_and_retry_policies_are_read_anew(self):
        self.assert_read_anew(
            "sync.error.rule",
            {"http_status": 418, "error_type": "data_corrupted"},
            {"http_status": 419},
        )
        policies = self.env["sync.retry.policy"]
        kept = policies.search([("error_type", "=", "network_timeout")])
        values = kept.copy_data()[0]
        kept.unlink()
        self.assert_read_anew("sync.retry.policy", values, {"max_attempts": 9})

    def test_a_stream_is_read_anew(self):
        self.assertIn(self.stream.entity, self.stream._followed())
        self.assert_forgotten(self.stream.write, {"direction": "pull"})
        self.assertNotIn(self.stream.entity, self.stream._followed())

    def test_how_far_a_stream_was_read_concerns_nobody(self):
        before = self.stream._following()
        self.stream.write({"cursor": "42", "pulled_at": "2026-01-01 00:00:00"})
        self.assertIs(self.stream._following(), before)
