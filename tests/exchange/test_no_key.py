from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestNoKey(SyncCase):
    """An app that keeps no external_ref, and ignores the parameter: it answers the
    question for one record with all of them."""

    def setUp(self):
        super().setUp()
        self.app.call("POST", "/admin/settings", hidden=["external_ref"])
        self.backend.action_test_connection()
        self.other = self.app.add("suppliers", name="Somebody else")
        self.make_order()

    def names(self):
        return sorted(record["name"] for record in self.app.items("suppliers"))

    def lose_answer(self, kind="lost_answer"):
        match = {"method": "POST", "path": "*/suppliers*"}
        self.app.fault(kind, count=1, match=match)
        self.push()
        self.app.heal()
        self.assertTrue(self.mapping(self.supplier).uncertain)

    def test_no_other_record_is_taken_for_one_whose_answer_was_lost(self):
        self.lose_answer()
        self.make_due()
        self.push()
        mapping = self.mapping(self.supplier)
        self.assertFalse(mapping.external_id)
        self.assertEqual(self.names(), sorted(["Somebody else", self.supplier.name]))
        (left,) = self.operations(kind="push", mapping_id=mapping.id)
        self.assertIn("external_ref", left.last_error)
        # What a person can do who reads it.
        self.assertIn("if the pharmacy does not have it, enter it there", left.happened)
        # It is plainly the same once it arrives.
        self.pull()
        self.assertTrue(mapping.external_id)
        self.make_due()
        self.sync()
        self.assertEqual(left.state, "done")
        self.assertEqual(self.names(), sorted(["Somebody else", self.supplier.name]))

    def test_what_is_plainly_the_same_is_linked_when_it_arrives(self):
        self.lose_answer()
        self.pull()
        mapping = self.mapping(self.supplier)
        self.assertTrue(mapping.external_id)
        self.assertNotEqual(mapping.external_id, self.other["id"])
        self.sync()
        self.assertEqual(self.names(), sorted(["Somebody else", self.supplier.name]))

    def test_one_that_the_app_never_made_is_linked_once_it_is_entered_there(self):
        self.lose_answer("reset")
        mapping = self.mapping(self.supplier)
        self.assertEqual(self.names(), ["Somebody else"])
        self.app.add("suppliers", name=self.supplier.name, vat=self.supplier.vat)
        self.pull()
        self.make_due()
        self.sync()
        self.assertTrue(mapping.external_id)
        self.assertEqual(self.names(), sorted(["Somebody else", self.supplier.name]))
