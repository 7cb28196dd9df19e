from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ...core.exceptions import InvalidDataError
from ...models.conflict import notices
from .test_conflict_bulk import PATH, BulkCase


class UndoCase(BulkCase):
    def push_jobs(self):
        """The moments of the push jobs that nobody began; a later look sees others."""
        self.env.cr.flush()
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_push")])
        etas = jobs.mapped("eta")
        jobs.unlink()
        return etas

    def settle_clock(self):
        """All is one transaction here: what is written late in it is no wrong clock."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_operation SET write_date = now() AT TIME ZONE 'UTC'"
        )
        self.env.invalidate_all()

    def check_as_before(self):
        self.settle()
        for order in self.orders:
            self.assertEqual(self.both(order), [("5.00", "12.00"), ("8.00", "13.00")])
        self.assertEqual(set(self.conflicts.mapped("state")), {"open"})
        self.assertFalse(any(self.conflicts.line_ids.mapped("choice")))


@tagged("post_install", "-at_install")
class TestUndo(UndoCase):
    """What was decided in bulk is undone for a while, and reversed later."""

    def decide(self, side, fields_of=None):
        """Decide all, and return the button's method on what it is about."""
        wizard = self.open_wizard(default_side=None if fields_of else side)
        for field in wizard.field_ids if fields_of else ():
            field.side = side if field.name in fields_of else False
        action = wizard.action_apply()
        self.settle_clock()
        params = action["params"]
        self.assertEqual(action["tag"], "pharmacy_sync.undo")
        records = self.env[params["model"]].browse(params["ids"])
        return getattr(records.with_user(self.user), params["method"])

    def test_odoos_side_is_undone(self):
        undo = self.decide("odoo")
        # Whatever runs meanwhile: it is held back.
        self.sync()
        self.assertEqual(self.both(self.orders[0])[1], ("8.00", "13.00"))
        undo()
        self.check_as_before()

    def test_the_pharmacys_side_is_undone(self):
        undo = self.decide("pharmacy")
        self.sync()
        self.assertEqual(self.both(self.orders[0]), [("8.00", "13.00")] * 2)
        undo()
        self.check_as_before()

    def test_some_fields_are_undone(self):
        self.decide("pharmacy", {"unit_price"})()
        self.check_as_before()

    def test_a_line_that_the_pharmacy_removed_comes_back(self):
        for order in self.orders:
            lines = self.at_app(order)["lines"]
            self.app.edit(PATH, self.mapping(order).external_id, lines=lines[1:])
        self.pull()
        undo = self.decide("pharmacy")
        self.assertEqual({len(order.order_line) for order in self.orders}, {2})
        message = undo()["params"]["message"]
        self.assertTrue(message.endswith("undone: 3."), message)
        self.settle()
        self.assertEqual({len(order.order_line) for order in self.orders}, {3})
        self.assertEqual(set(self.conflicts.mapped("state")), {"open"})

    def test_decided_anew_after_it_was_undone(self):
        self.decide("odoo")()
        self.sync()
        self.decide("pharmacy")
        self.settle()
        for order in self.orders:
            self.assertEqual(self.both(order), [("8.00", "13.00")] * 2)

    def test_it_is_sent_when_the_time_is_over_and_then_not_undone(self):
        undo = self.decide("odoo")
        self.settle()
        self.assertEqual(self.both(self.orders[0]), [("5.00", "12.00")] * 2)
        self.assertIn("undone: 0.", undo()["params"]["message"])
        self.assertEqual(set(self.conflicts.mapped("state")), {"resolved"})

    def test_too_late(self):
        undo = self.decide("pharmacy")
        later = fields.Datetime.now() + timedelta(minutes=3)
        with patch.object(fields.Datetime, "now", return_value=later):
            self.assertIn("too late", undo()["params"]["message"])

    def test_what_was_so_before_is_not_kept(self):
        self.decide("pharmacy")
        self.conflicts._gc_undo()
        self.assertTrue(all(self.conflicts.mapped("undo")))
        self.conflicts.undo_until = fields.Datetime.now() - timedelta(seconds=1)
        self.conflicts._gc_undo()
        self.assertFalse(any(self.conflicts.mapped("undo")))

    def test_a_record_that_was_changed_since_is_left_alone(self):
        undo = self.decide("pharmacy")
        changed = self.orders[0]
        changed.order_line[0].product_qty = 9
        self.assertIn("undone: 2.", undo()["params"]["message"])
        self.assertEqual(changed.order_line[0].product_qty, 9)
        self.assertEqual(self.mapping(changed).conflict_ids.state, "resolved")

    def test_what_is_held_back_does_not_count_as_late(self):
        self.decide("odoo")
        self.push()
        later = fields.Datetime.now() + timedelta(seconds=100)
        with patch.object(fields.Datetime, "now", return_value=later):
            self.assertNotEqual(self.backend.standing_state, "late")
            self.operations(state="waiting").held_until = False
            self.backend.invalidate_recordset()
            self.assertEqual(self.backend.standing_state, "late")

    def test_reversed_later(self):
        self.decide("odoo")
        self.settle()
        conflict = self.conflicts[0].with_user(self.user)
        self.assertTrue(conflict.can_reverse)
        # One that nobody has lost in.
        self.conflicts[1].line_ids.choice = False
        self.conflicts[1].invalidate_recordset(["can_reverse"])
        self.assertFalse(self.conflicts[1].can_reverse)
        conflict.action_reverse()
        self.settle()
        self.assertEqual(self.both(self.orders[0]), [("8.00", "13.00")] * 2)
        self.assertEqual(self.both(self.orders[1]), [("5.00", "12.00")] * 2)
        self.assertEqual(conflict.strategy, "pharmacy")
        conflict.action_reverse()
        self.settle()
        self.assertEqual(self.both(self.orders[0]), [("5.00", "12.00")] * 2)

    def test_nobody_else_works_on_the_record_while_it_is_reversed(self):
        self.decide("odoo")
        self.settle()
        mapping = self.mapping(self.orders[0])
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE sync_mapping SET write_date = write_date WHERE id = %s",
            [mapping.id],
        )
        self.conflicts[0].action_reverse()
        # Of a row that is locked PostgreSQL notes by whom.
        self.env.cr.execute(
            "SELECT xmax::text <> '0' FROM sync_mapping WHERE id = %s", [mapping.id]
        )
        self.assertEqual(self.env.cr.fetchall(), [(True,)])

    def test_one_that_is_open_is_not_reversed(self):
        self.decide("odoo")
        self.conflicts[0].state = "open"
        self.conflicts.invalidate_recordset(["can_reverse"])
        self.assertEqual(self.conflicts.mapped("can_reverse")[:2], [False, True])

    def test_not_reversed_over_a_later_change(self):
        self.decide("odoo")
        self.settle()
        self.orders[0].order_line[0].product_qty = 9
        with self.assertRaisesRegex(UserError, "changed since"):
            self.conflicts[0].action_reverse()

    def test_not_reversed_while_a_newer_conflict_is_open(self):
        self.decide("odoo")
        self.settle()
        order = self.orders[0]
        self.app.edit(PATH, self.mapping(order).external_id, notes="theirs")
        order.note = "ours"
        self.pull()
        with self.assertRaisesRegex(UserError, "newer conflict"):
            self.conflicts[0].action_reverse()
        self.assertEqual(self.both(order), [("5.00", "12.00")] * 2)
        self.conflicts[1].action_reverse()

    def patch_update(self, function):
        """Have Odoo's record do something else with what is written."""
        Orders = self.env.registry["sync.entity.purchase_order"]
        self.patch(Orders, "_update", lambda adapter, *args: function(*args))

    def refuse(self, *args):
        raise InvalidDataError("It is needed here.")

    def test_what_odoo_does_not_take_back_stays_decided(self):
        undo = self.decide("pharmacy")
        self.patch_update(lambda *args: None)
        message = undo()["params"]["message"]
        self.assertIn("undone: 0.", message)
        self.assertIn("does not take back", message)
        self.assertEqual(set(self.conflicts.mapped("state")), {"resolved"})

    def test_not_reversed_where_odoo_does_not_take_it_back(self):
        self.decide("odoo")
        self.settle()
        for function, why in (
            (lambda *args: None, "does not take back"),
            (self.refuse, "It is needed here."),
        ):
            self.patch_update(function)
            with self.assertRaisesRegex(UserError, why):
                self.conflicts[0].action_reverse()
            self.assertEqual(self.conflicts[0].strategy, "odoo")

    def test_what_cannot_be_reversed_stays_as_it_is(self):
        why = "no decision that can be reversed"
        with self.assertRaisesRegex(UserError, why):
            self.conflicts[0].action_reverse()
        self.assertEqual(
            self.both(self.orders[0]), [("5.00", "12.00"), ("8.00", "13.00")]
        )
        by_hand, gone, __ = self.conflicts
        room = by_hand.compare()
        typed = {"choice": "manual", "value": "7.00"}
        by_hand.resolve({row["path"]: typed for row in room["rows"]})
        gone.action_keep_odoo()
        self.settle()
        with self.assertRaisesRegex(UserError, why):
            by_hand.action_reverse()
        self.assertEqual(self.both(self.orders[0]), [("7.00", "7.00")] * 2)
        self.orders[1].button_cancel()
        self.orders[1].unlink()
        with self.assertRaisesRegex(UserError, why):
            gone.action_reverse()
        self.assertEqual(gone.strategy, "odoo")

    def test_not_undone_while_a_newer_conflict_is_open(self):
        """Of an app without versions, which shows nothing else of a change."""
        undo = self.decide("pharmacy")
        order = self.orders[0]
        link = self.mapping(order)
        version = link.version
        self.app.edit(PATH, link.external_id, notes="theirs")
        order.note = "ours"
        self.pull()
        self.assertTrue(link._open_conflict())
        link.version = version
        message = undo()["params"]["message"]
        self.assertIn("undone: 2.", message)
        self.assertIn("newer conflict", message)
        self.assertEqual(order.order_line[0].product_qty, 8)


@tagged("post_install", "-at_install")
class TestActivity(BulkCase):
    """Who changed a record that is in conflict finds it among their activities."""

    def setUp(self):
        super().setUp()
        order = self.make_order()
        self.push()
        lines = self.at_app(order)["lines"]
        lines[0]["quantity"] = "8.00"
        self.app.edit(PATH, self.mapping(order).external_id, lines=lines)
        order.with_user(self.user).order_line[0].product_qty = 5
        self.env.cr.flush()
        self.order = order
        self.sync()
        self.deliver()

    def deliver(self):
        self.env.cr.flush()
        self.backend._as_runner()._job_events()
        self.env.invalidate_all()

    def test_who_changed_it_is_asked_until_it_is_decided(self):
        activity = self.order.activity_ids
        self.assertEqual(activity.user_id, self.user)
        self.assertIn("Quantity", activity.summary)
        self.deliver()
        self.assertEqual(self.order.activity_ids, activity, "once")
        conflict = self.mapping(self.order)._open_conflict()
        conflict.with_user(self.user).action_take_pharmacy()
        self.settle()
        self.deliver()
        self.assertFalse(self.order.activity_ids)
        said = " ".join(self.order.message_ids.mapped("body"))
        self.assertIn(f"{self.user.name} decided what to keep: Pharmacy", said)

    def test_who_changed_it_is_asked_anew_once_the_decision_is_undone(self):
        conflict = self.mapping(self.order)._open_conflict().with_user(self.user)
        room = conflict.compare()
        choices = {row["path"]: {"choice": "odoo"} for row in room["rows"]}
        conflict.resolve(choices, room["fingerprint"], undoable=True)
        self.deliver()
        self.assertFalse(self.order.activity_ids)
        conflict.action_undo()
        self.deliver()
        self.assertEqual(self.order.activity_ids.user_id, self.user)

    def test_a_record_that_can_have_no_activity_holds_up_no_notice(self):
        """As another addon may synchronise."""
        conflict = self.mapping(self.orders[0])._open_conflict()
        unit = self.env.ref("uom.product_uom_unit")
        conflict.mapping_id.write({"res_model": unit._name, "res_id": unit.id})
        conflict._emit_event("conflict_opened")
        self.deliver()
        events = self.env["sync.event"].search(
            [("res_model", "=", "sync.conflict"), ("res_id", "=", conflict.id)]
        )
        self.assertTrue(events)
        self.assertFalse(
            events.delivery_ids.filtered(lambda d: d.handler == "activity")
        )

    def ask_again(self, conflict):
        """What the event of an opened conflict brings, and the activities by then."""
        record = conflict.mapping_id._record()
        conflict._emit_event("conflict_opened")
        self.deliver()
        return record.activity_ids.filtered("user_id")

    def test_who_has_left_is_not_asked(self):
        conflict = self.mapping(self.order)._open_conflict()
        self.order.activity_ids.unlink()
        self.user.active = False
        self.assertFalse(self.ask_again(conflict))
        self.user.active = True
        self.assertTrue(self.ask_again(conflict))

    def test_who_has_many_to_decide_is_asked_about_no_more(self):
        self.patch(notices, "MOST", 2)
        first, second = (
            self.mapping(order)._open_conflict() for order in self.orders[:2]
        )
        (first | second).odoo_user_id = self.user
        self.assertTrue(self.ask_again(first), "the second")
        self.assertFalse(self.ask_again(second), "the third")

    def test_a_conflict_that_is_gone_holds_up_no_notice(self):
        conflict = self.mapping(self.order)._open_conflict()
        self.order.activity_ids.unlink()
        conflict._emit_event("conflict_opened")
        other = self.mapping(self.orders[0])._open_conflict()
        other.odoo_user_id = self.user
        other._emit_event("conflict_opened")
        self.env.cr.flush()
        conflict.unlink()
        self.deliver()
        self.assertFalse(self.order.activity_ids)
        self.assertTrue(self.orders[0].activity_ids)
        events = self.env["sync.event"].search([("res_model", "=", "sync.conflict")])
        held = events.delivery_ids.filtered(lambda d: d.handler == "activity")
        self.assertFalse(held)

    def test_who_may_decide_nothing_is_not_asked(self):
        self.assertFalse(self.orders.activity_ids.filtered(lambda a: not a.user_id))
        stranger = new_test_user(self.env, "stranger", "purchase.group_purchase_user")
        conflict = self.mapping(self.orders[1])._open_conflict()
        self.orders.activity_ids.unlink()
        conflict.odoo_user_id = stranger
        conflict._emit_event("conflict_opened")
        self.deliver()
        self.assertFalse(self.orders[1].activity_ids)


@tagged("post_install", "-at_install")
class TestUndoOne(UndoCase):
    """So is the decision of one conflict on its page."""

    def resolve(self, conflict, choice, rows=None):
        conflict = conflict.with_user(self.user)
        room = conflict.compare()
        choices = {row["path"]: {"choice": choice} for row in room["rows"][:rows]}
        answer = conflict.resolve(choices, room["fingerprint"], undoable=True)
        self.settle_clock()
        return answer

    def test_a_single_decision_is_undone(self):
        for choice in ("odoo", "pharmacy"):
            answer = self.resolve(self.conflicts[0], choice)
            self.assertEqual(answer["outcome"], "resolved")
            self.assertTrue(answer["undoable"])
            self.assertTrue(self.conflicts[0].can_undo)
            # Whatever runs meanwhile: it is held back.
            self.sync()
            self.assertEqual(self.both(self.orders[0])[1], ("8.00", "13.00"))
            action = self.conflicts[0].with_user(self.user).action_undo()
            self.assertIn("undone: 1.", action["params"]["message"])
            self.assertFalse(self.conflicts[0].can_undo)
            self.check_as_before()

    def test_a_single_decision_is_sent_when_the_time_is_over(self):
        self.resolve(self.conflicts[0], "odoo")
        later = fields.Datetime.now() + timedelta(minutes=3)
        with patch.object(fields.Datetime, "now", return_value=later):
            self.conflicts.invalidate_recordset()
            self.assertFalse(self.conflicts[0].can_undo)
        self.settle()
        self.assertEqual(self.both(self.orders[0]), [("5.00", "12.00")] * 2)

    def test_what_is_held_back_is_sent_by_a_job_when_the_time_is_over(self):
        self.push_jobs()
        self.resolve(self.conflicts[0], "odoo")
        self.assertIn(self.conflicts[0].undo_until, self.push_jobs())

    def test_what_else_was_changed_is_sent_once_it_is_undone(self):
        self.resolve(self.conflicts[0], "odoo")
        order = self.orders[0]
        order.origin = "P-1"
        self.push()
        self.assertNotIn("P-1", self.at_app(order).values())
        self.push_jobs()
        self.conflicts[0].with_user(self.user).action_undo()
        self.assertIn(False, self.push_jobs(), "at once")
        self.push()
        self.assertIn("P-1", self.at_app(order).values())
        self.check_as_before()

    def test_what_is_alike_by_now_is_not_shown_once_it_is_undone(self):
        """A person typed the pharmacy's price in Odoo, and decided on the quantity
        before anything was sent."""
        conflict = self.conflicts[0]
        self.orders[0].order_line[0].price_unit = 13
        self.env.cr.flush()
        room = conflict.compare()
        self.assertEqual(len(conflict.line_ids), 2)
        self.assertEqual(len(room["rows"]), 1)
        self.resolve(conflict, "odoo")
        conflict.with_user(self.user).action_undo()
        self.assertEqual((conflict.state, conflict.summary), ("open", "Quantity"))

    def test_what_odoo_holds_otherwise_is_no_change_once_it_is_undone(self):
        """The quantity of another line, of which Odoo keeps two decimals."""
        order = self.orders[0]
        lines = self.at_app(order)["lines"]
        lines[1]["quantity"] = "7.004"
        self.app.edit(PATH, self.mapping(order).external_id, lines=lines)
        self.pull()
        known = self.mapping(order).odoo_base
        self.assertEqual(known["lines"][1]["quantity"], "7.00")
        for choice in ("odoo", "pharmacy"):
            self.resolve(self.conflicts[0], choice)
            self.conflicts[0].with_user(self.user).action_undo()
            self.assertEqual(self.mapping(order).odoo_base, known)
            self.check_as_before()
            self.assertEqual(self.at_app(order)["lines"][1]["quantity"], "7.004")

    def test_a_decision_of_some_fields_is_undone(self):
        answer = self.resolve(self.conflicts[0], "odoo", rows=1)
        self.assertEqual((answer["outcome"], answer["undoable"]), ("open", True))
        self.conflicts[0].with_user(self.user).action_undo()
        self.check_as_before()

    def test_another_company_undoes_nothing(self):
        self.resolve(self.conflicts[0], "odoo")
        company = self.env["res.company"].create({"name": "Other"})
        stranger = self.make_user("stranger", "pharmacy_sync.group_user", company)
        with self.assertRaises(AccessError):
            self.conflicts.with_user(stranger).action_undo()
        self.assertEqual(self.conflicts[0].state, "resolved")

    def test_what_another_program_decides_is_sent_at_once(self):
        conflict = self.conflicts[0].with_user(self.user)
        rows = conflict.compare()["rows"]
        answer = conflict.resolve({row["path"]: {"choice": "odoo"} for row in rows})
        self.assertFalse(answer["undoable"])
        self.push()
        self.assertEqual(self.both(self.orders[0]), [("5.00", "12.00")] * 2)
