import json
from dataclasses import replace
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ...models.base.alone import alone
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestVersion(SyncCase):
    """What the agreed values of a record were before is kept for a while."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.known = self.mapping(self.order)

    def versions(self):
        self.env.cr.flush()
        self.env.invalidate_all()
        Version = self.env["sync.mapping.version"]
        return Version.search([("mapping_id", "=", self.known.id)], order="id")

    def edit(self, **values):
        self.app.edit("purchase-orders", self.known.external_id, **values)
        self.pull()

    def test_first_values_are_no_change(self):
        self.assertTrue(self.known.base)
        self.assertFalse(self.versions())

    def test_values_of_both_sides_are_kept_before_and_after(self):
        key = self.known.base["lines"][0]["key"]
        self.order.order_line[0].product_qty = 7
        self.push()
        self.edit(reference="PH-9")
        ours, theirs = self.versions()
        self.assertEqual(
            (ours.side, ours.version, ours.changes),
            ("odoo", 2, {f"lines[{key}].quantity": ["2.00", "7.00"]}),
        )
        operation = self.operations(state="done").sorted("id")[-1]
        self.assertEqual(ours.correlation_id, operation.correlation_id)
        self.assertEqual((theirs.side, theirs.version), ("pharmacy", 3))
        self.assertEqual(theirs.changes, {"reference": [self.order.name, "PH-9"]})

    def test_the_agreed_values_can_be_read(self):
        """The pharmacy's, and those that Odoo says otherwise."""
        self.assertEqual(json.loads(self.known.base_text), self.known.base)
        self.known.odoo_base = {"reference": "P-1"}
        self.assertEqual(
            json.loads(self.known.base_text),
            {**self.known.base, "In Odoo": {"reference": "P-1"}},
        )
        self.known.write({"base": False, "odoo_base": False})
        self.assertEqual(self.known.base_text, "{}")

    def test_lines_that_come_and_go_are_one_change_each(self):
        lines = self.at_app(self.order)["lines"]
        self.edit(lines=lines[1:])
        (version,) = self.versions()
        gone = f"lines[{lines[0]['key']}]"
        self.assertEqual(list(version.changes), [gone])
        self.assertEqual(version.changes[gone][0]["key"], lines[0]["key"])
        self.assertIsNone(version.changes[gone][1])
        self.assertNotIn(gone, version._in_words())
        self.assertIn(f"{self.products[0].display_name}: ", version._in_words())

    def test_nothing_is_kept_of_what_did_not_change(self):
        self.pull()
        self.order.write({"priority": "1"})
        self.push()
        self.assertFalse(self.versions())

    def test_a_batch_is_one_statement(self):
        orders = [self.make_order() for __ in range(3)]
        self.push()
        for order in orders:
            mapping = self.mapping(order)
            self.app.edit("purchase-orders", mapping.external_id, reference="PH-9")
        self.pull()
        versions = self.env["sync.mapping.version"].search([], order="id desc", limit=3)
        known = self.env["sync.mapping"].union(*map(self.mapping, orders))
        self.assertEqual(versions.mapping_id, known)

    def test_what_is_rolled_back_or_removed_leaves_nothing(self):
        state = self.known._state()
        after = self.changed(state)
        with alone(self.env):
            self.known._move(state, after)
            raise ValueError
        self.assertFalse(self.versions())
        self.known._move(state, after)
        self.known.unlink()
        self.assertFalse(self.versions())

    def changed(self, state):
        base = state.base.with_pharmacy({**state.base.pharmacy, "reference": "X"})
        return replace(state, base=base)

    def test_old_ones_go(self):
        self.edit(reference="PH-9")
        version = self.versions()
        retention = self.env["sync.retention"]
        retention._gc_expired()
        self.assertTrue(version.exists())
        self.env["ir.config_parameter"].set_param("pharmacy_sync.keep_versions", 5)
        at = fields.Datetime.now() - timedelta(days=6)
        self.env.cr.execute("UPDATE sync_mapping_version SET at = %s", [at])
        retention._gc_expired()
        self.assertFalse(version.exists())

    def test_sensitive_values_are_masked(self):
        self.edit(reference="PH-9")
        self.assertIn("PH-9", self.versions()._in_words())
        self.backend.secret_fields = "reference"
        self.assertNotIn("PH-9", self.versions()._in_words())
