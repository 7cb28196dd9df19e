from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from ...core.exceptions import InvalidDataError
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestConflictRule(SyncCase):
    """Rules and policies decide one field; the rest travels, the loser is kept."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.buyer = new_test_user(
            cls.env,
            "buyer",
            "purchase.group_purchase_manager,pharmacy_sync.group_user",
        )

    def setUp(self):
        super().setUp()
        self.stream = self.backend.stream_ids.filtered(
            lambda s: s.entity == "purchase_order"
        )
        self.order = self.make_order(note="<p>One<br/>Two<br/>Three</p>")
        self.push()
        self.link = self.mapping(self.order)
        self.env["sync.event"].search([]).unlink()

    def edit(self, **values):
        return self.app.edit("purchase-orders", self.link.external_id, **values)

    def edit_line(self, **values):
        lines = self.at_app(self.order)["lines"]
        lines[0].update(values)
        self.edit(lines=lines)

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def decided(self):
        return self.link.conflict_ids.filtered(lambda c: c.state == "resolved")

    def assert_in_step(self):
        self.settle()
        self.assertFalse(self.link._open_conflict())
        odoo, base = self.link._serialise(), self.link.base
        theirs = self.link.stream_id._adapter()._canonical(
            self.at_app(self.order), self.env_directory(), partial=True
        )
        self.assertEqual(odoo, theirs)
        self.assertEqual(odoo, base)
        self.assertEqual(self.order.sync_state, "synced")

    def env_directory(self):
        from ...entities.directory import Directory

        return Directory(self.backend)

    # -- Rules ------------------------------------------------------------------------

    def test_cancelled_there_while_sent_here(self):
        self.order.state = "sent"
        self.edit(state="cancelled")
        self.pull()
        self.assertEqual(self.order.state, "cancel")
        (line,) = self.decided().line_ids
        self.assertEqual(
            (line.field, line.choice, line.base, line.odoo, line.result),
            ("state", "pharmacy", "draft", "sent", "cancelled"),
        )
        self.assertEqual(line.reason, "An order that one side cancelled is cancelled.")
        self.assertEqual(self.decided().resolved_by_id, self.env.ref("base.user_root"))
        self.assertTrue(self.decided().resolved_at)
        self.assert_in_step()

    def test_cancelled_here_while_sent_there(self):
        self.order.button_cancel()
        self.edit(state="sent", notes="Ring twice")
        self.pull()
        self.assertEqual(self.decided().strategy, "odoo")
        self.assert_in_step()
        self.assertEqual(self.at_app(self.order)["state"], "cancelled")
        self.assertIn("Ring twice", self.order.note)

    def test_notes_of_both_are_put_together(self):
        self.order.note = "<p>1<br/>Two<br/>Three</p>"
        self.edit(notes="One\nTwo\n3")
        self.pull()
        self.assertEqual(self.decided().strategy, "merge")
        self.assert_in_step()
        self.assertEqual(self.at_app(self.order)["notes"], "1\nTwo\n3")

    def test_notes_whose_edits_touch_are_asked_about(self):
        self.order.note = "<p>Odoo</p>"
        self.edit(notes="Pharmacy")
        self.pull()
        self.assertEqual(self.link._open_conflict().line_ids.field, "notes")

    def test_prices_agree_within_the_rounding(self):
        self.env.ref("product.decimal_price").digits = 4
        self.order.order_line[0].write({"price_unit": 12.504, "product_qty": 1})
        self.push()
        self.order.order_line[0].price_unit = 13.0012
        self.edit_line(unit_price="13.004")
        self.pull()
        self.assertEqual(self.decided().line_ids.result, "13.004")
        self.assert_in_step()
        self.assertEqual(self.order.order_line[0].price_unit, 13.004)

    def test_a_rule_that_is_archived_does_not_decide(self):
        self.env.ref("pharmacy_sync.conflict_rule_text").active = False
        self.order.note = "<p>1<br/>Two<br/>Three</p>"
        self.edit(notes="One\nTwo\n3")
        self.pull()
        self.assertEqual(self.link._open_conflict().line_ids.field, "notes")

    def test_a_rule_of_another_backend_does_not_decide(self):
        other = self.env["sync.backend"].create(
            {"name": "Other", "url": "http://other.test"}
        )
        self.env.ref("pharmacy_sync.conflict_rule_text").backend_id = other
        self.order.note = "<p>1<br/>Two<br/>Three</p>"
        self.edit(notes="One\nTwo\n3")
        self.pull()
        self.assertTrue(self.link._open_conflict())

    def test_a_rule_made_later_decides_at_the_next_look(self):
        rule = self.env.ref("pharmacy_sync.conflict_rule_text")
        rule.active = False
        self.order.note = "<p>1<br/>Two<br/>Three</p>"
        self.edit(notes="One\nTwo\n3")
        self.pull()
        rule.active = True
        self.order.priority = "1"
        self.order.date_planned = "2027-01-05 12:00:00"
        self.assert_in_step()
        self.assertEqual(self.at_app(self.order)["notes"], "1\nTwo\n3")
        # The one that was open, and what the rule decided.
        self.assertEqual(self.decided().line_ids.mapped("field"), ["notes", "notes"])

    def test_what_is_decided_leaves_the_rest_to_a_person(self):
        """The trap: a field's rule that hands back the whole record."""
        self.order.state = "sent"
        self.order.order_line[0].product_qty = 5
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "8.00"
        lines[1]["quantity"] = "7.00"
        self.edit(state="cancelled", lines=lines)
        self.pull()
        conflict = self.link._open_conflict()
        key, *__ = self.link.stream_id._adapter()._lines_of(self.order)
        self.assertEqual(conflict.line_ids.field, f"lines[{key}].quantity")
        self.assertEqual(self.decided().line_ids.field, "state")
        self.assertEqual(self.order.state, "cancel")
        self.assertEqual(self.order.order_line.mapped("product_qty"), [5, 7, 2])
        self.settle()
        theirs = [line["quantity"] for line in self.at_app(self.order)["lines"]]
        self.assertEqual(theirs, ["8.00", "7.00", "2.00"])
        self.assertEqual(self.link._open_conflict(), conflict)

    # -- Policies ---------------------------------------------------------------------

    def both_change_the_quantity(self):
        self.order.with_user(self.buyer).order_line[0].product_qty = 5
        self.env.cr.flush()
        self.edit_line(quantity="8.00")

    def quantities(self):
        self.settle()
        theirs = self.at_app(self.order)["lines"][0]["quantity"]
        return self.order.order_line[0].product_qty, theirs

    def test_one_field_is_shown_without_its_name_open_and_decided(self):
        self.both_change_the_quantity()
        self.pull()
        conflict = self.link._open_conflict()
        self.assertEqual((conflict.odoo_text, conflict.pharmacy_text), ("5.00", "8.00"))
        conflict.action_take_pharmacy()
        self.assertEqual(
            (conflict.odoo_text, conflict.pharmacy_text),
            ("Not taken: 5.00", "Taken: 8.00"),
        )

    def test_odoo_wins(self):
        self.stream.conflict_policy = "odoo"
        self.both_change_the_quantity()
        self.pull()
        self.assertEqual(self.quantities(), (5, "5.00"))
        self.assertEqual(self.decided().line_ids.pharmacy, "8.00")
        self.assert_in_step()

    def test_the_pharmacy_wins_its_field_and_no_other(self):
        """The trap: last write wins for the whole record."""
        self.stream.conflict_policy = "pharmacy"
        self.both_change_the_quantity()
        self.order.note = "<p>Written in Odoo</p>"
        self.pull()
        self.assertEqual(self.quantities(), (8, "8.00"))
        self.assertEqual(self.at_app(self.order)["notes"], "Written in Odoo")
        self.assertEqual(self.decided().line_ids.odoo, "5.00")
        self.assert_in_step()

    def test_a_field_has_a_policy_of_its_own(self):
        self.stream.write(
            {
                "conflict_policy": "pharmacy",
                "conflict_policy_ids": [
                    (0, 0, {"field": "lines.quantity", "policy": "odoo"})
                ],
            }
        )
        self.both_change_the_quantity()
        self.order.order_line[0].price_unit = 1
        self.edit_line(unit_price="3.00")
        self.pull()
        self.assertEqual(self.quantities(), (5, "5.00"))
        self.assertEqual(self.order.order_line[0].price_unit, 3)
        self.assertEqual(len(self.decided().line_ids), 2)

    def test_the_later_change_wins_here(self):
        self.stream.conflict_policy = "newest"
        for __ in range(4):  # The pharmacy's version is high, and of no account.
            self.edit(notes=f"Note {__}")
        self.pull()
        self.both_change_the_quantity()
        # The buyer's change was committed a minute after the pharmacy's.
        self.env.cr.execute(
            "UPDATE sync_event SET create_date = now() at time zone 'UTC'"
            " + interval '1 hour' WHERE user_id = %s",
            [self.buyer.id],
        )
        self.assertTrue(self.env.cr.rowcount)
        self.pull()
        self.assertEqual(self.quantities(), (5, "5.00"))

    def test_the_later_change_wins_there(self):
        self.stream.conflict_policy = "newest"
        for number in range(4):  # How often Odoo changed it is of no account.
            self.order.with_user(self.buyer).priority = str(number % 2)
        self.both_change_the_quantity()
        self.env.cr.execute(
            "UPDATE sync_event SET create_date = now() at time zone 'UTC'"
            " - interval '1 hour'"
        )
        self.pull()
        self.assertEqual(self.quantities(), (8, "8.00"))

    def test_the_later_change_wins_also_where_the_app_says_no_version(self):
        self.stream.conflict_policy = "newest"
        self.edit(notes="Four")
        self.pull()
        self.both_change_the_quantity()
        self.env.cr.execute(
            "UPDATE sync_event SET create_date = now() at time zone 'UTC'"
            " - interval '1 hour'"
        )
        record = self.at_app(self.order)
        del record["version"]
        self.stream._apply([record], "without-a-version")
        self.assertEqual(self.quantities(), (8, "8.00"))

    def test_what_odoo_refuses_of_a_rule_s_decision_is_an_error_and_stays_open(self):
        self.both_change_the_quantity()
        self.pull()
        conflict = self.link._open_conflict()

        def refusing(adapter, *args):
            raise InvalidDataError("It is needed here.")

        self.patch(self.env.registry["sync.entity.purchase_order"], "_update", refusing)
        self.stream.conflict_policy = "pharmacy"
        self.order.priority = "1"
        self.order.date_planned = "2027-01-05 12:00:00"
        self.env.cr.flush()
        self.env["sync.event"]._deliver(self.backend)
        error = self.env["sync.error"].search([("mapping_id", "=", self.link.id)])
        self.assertEqual(error.work, "apply")
        self.assertIn("It is needed here.", error.message)
        self.assertEqual(error.correlation_id, conflict.correlation_id)
        self.assertEqual(self.link._open_conflict(), conflict)
        self.assertEqual(self.order.order_line[0].product_qty, 5)

    def test_a_record_reported_again_is_decided_once(self):
        self.stream.conflict_policy = "odoo"
        self.both_change_the_quantity()
        record = self.at_app(self.order)
        for __ in range(3):
            self.stream._apply([record], "reported again")
        self.assertEqual(len(self.decided()), 1)

    # -- Who may, and what may be written ---------------------------------------------

    def test_fields_that_nobody_knows_are_refused(self):
        with self.assertRaisesRegex(ValidationError, "no field quantity"):
            self.env.ref("pharmacy_sync.conflict_rule_text").paths = "notes, quantity"
        with self.assertRaisesRegex(ValidationError, "no field email"):
            self.env["sync.conflict.policy"].create(
                {"stream_id": self.stream.id, "field": "email", "policy": "odoo"}
            )

    def test_a_rule_is_for_a_field_at_least(self):
        with self.assertRaisesRegex(ValidationError, "at least one field"):
            self.env.ref("pharmacy_sync.conflict_rule_text").paths = " , "

    def test_only_managers_change_rules(self):
        rule = self.env.ref("pharmacy_sync.conflict_rule_text")
        with self.assertRaises(AccessError):
            rule.with_user(self.buyer).active = False
        manager = new_test_user(self.env, "manager", "pharmacy_sync.group_manager")
        rule.with_user(manager).active = False
        self.assertNotIn("text", [str(r.kind) for r in self.stream._policies().rules])
