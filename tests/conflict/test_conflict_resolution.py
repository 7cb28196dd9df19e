import re
from datetime import timedelta

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools.misc import formatLang

from ...models.conflict.room import _segments
from ..common import SyncCase

PATH = "purchase-orders"
NOTES_ODOO = "Deliver before noon."
NOTES_PHARMACY = "Deliver before ten."


@tagged("post_install", "-at_install")
class TestConflictResolution(SyncCase):
    """A person decides field by field, and both sides get just what was shown."""

    def setUp(self):
        super().setUp()
        self.user = new_test_user(self.env, "berta", "pharmacy_sync.group_user")
        self.order = self.make_order()
        self.push()
        self.link = self.mapping(self.order)
        lines = self.at_app(self.order)["lines"]
        self.quantity = f"lines[{lines[0]['key']}].quantity"
        self.price = f"lines[{lines[0]['key']}].unit_price"
        lines[0].update(quantity="8.00", unit_price="13.50")
        self.app.edit(PATH, self.link.external_id, lines=lines, notes=NOTES_PHARMACY)
        self.order.order_line[0].write({"product_qty": 5, "price_unit": 12})
        self.order.note = NOTES_ODOO
        self.pull()
        self.conflict = self.link._open_conflict().with_user(self.user)

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def both(self):
        """(quantity, price, notes) in Odoo and at the app."""
        odoo = self.link._serialise()
        return [
            (
                side["lines"][0]["quantity"],
                side["lines"][0]["unit_price"],
                side["notes"],
            )
            for side in (odoo, self.at_app(self.order))
        ]

    def resolve(self, **kwargs):
        choices = {
            self.quantity: {"choice": "pharmacy"},
            self.price: {"choice": "odoo"},
            "notes": {"choice": "manual", "value": "Deliver before eleven."},
        }
        return self.conflict.resolve(kwargs.pop("choices", choices), **kwargs)

    def line(self, path):
        return self.conflict.line_ids.filtered(lambda line: line.field == path)

    def test_a_mixture_arrives_on_both_sides(self):
        answer = self.resolve(reason="agreed by phone")
        self.assertEqual(answer["outcome"], "resolved")
        self.settle()
        wanted = ("8.00", "12.00", "Deliver before eleven.")
        self.assertEqual(self.both(), [wanted, wanted])
        self.assertEqual(self.order.sync_state, "synced")

    def test_the_list_says_which_value_was_taken_and_which_was_not(self):
        self.assertFalse(self.conflict.odoo_text, "three fields wait")
        self.resolve()
        self.assertEqual(
            set(self.conflict.odoo_text.split("; ")),
            {
                "Quantity, not taken: 5.00",
                "Unit price, taken: 12.00",
                f"Notes, not taken: {NOTES_ODOO}",
            },
        )
        self.assertEqual(
            set(self.conflict.pharmacy_text.split("; ")),
            {
                "Quantity, taken: 8.00",
                "Unit price, not taken: 13.50",
                f"Notes, not taken: {NOTES_PHARMACY}",
            },
        )
        room = self.conflict.compare()
        self.assertTrue(
            room["resolution"].startswith(f"{self.user.name} decided on the values, ")
        )
        self.assertFalse(room["gone"])
        sides = ("base", "odoo", "pharmacy", "result")
        self.assertEqual(
            {
                row["path"]: (row["decided"], *(row[side]["text"] for side in sides))
                for row in room["rows"]
            },
            {
                self.quantity: ("pharmacy", "2.00", "5.00", "8.00", "8.00"),
                self.price: ("odoo", "12.50", "12.00", "13.50", "12.00"),
                "notes": (
                    *("manual", "", NOTES_ODOO, NOTES_PHARMACY),
                    "Deliver before eleven.",
                ),
            },
        )

    def test_a_side_that_was_taken_for_all_fields_is_named(self):
        """Whose, by whom and when."""
        self.conflict.action_keep_odoo()
        resolution = self.conflict.compare()["resolution"]
        self.assertTrue(resolution.startswith(f"{self.user.name} kept what Odoo had, "))
        self.conflict.line_ids.sudo().choice = "pharmacy"
        resolution = self.conflict.compare()["resolution"]
        self.assertTrue(
            resolution.startswith(f"{self.user.name} took what the pharmacy had, ")
        )

    def test_what_was_settled_elsewhere_was_decided_by_nobody(self):
        lines = self.at_app(self.order)["lines"]
        lines[0].update(quantity="5.00", unit_price="12.00")
        self.app.edit(PATH, self.link.external_id, lines=lines, notes=NOTES_ODOO)
        self.pull()
        room = self.conflict.compare()
        self.assertEqual({row["decided"] for row in room["rows"]}, {"nobody"})
        self.assertIn("nothing was left to decide", room["resolution"])

    def test_each_field_is_shown_as_what_it_is(self):
        rows = {row["path"]: row for row in self.conflict.compare()["rows"]}
        product = self.order.order_line[0].product_id.name
        self.assertEqual(
            {
                path: (row["title"], row["kind"], row["free"], row["multiline"])
                for path, row in rows.items()
            },
            {
                self.quantity: ("Quantity", "number", True, False),
                self.price: ("Unit price", "number", True, False),
                "notes": ("Notes", "text", True, False),
            },
        )
        self.assertIn(product, rows[self.quantity]["group"])
        self.assertFalse(rows["notes"]["group"])
        for row in rows.values():
            self.assertFalse(row["moments"])
            for side in ("base", "result"):
                self.assertFalse(row[side]["change"] or row[side]["segments"])
        price = rows[self.price]
        self.assertEqual(price["odoo"]["change"], "-0.50 (-4 %)")
        self.assertFalse(rows["notes"]["odoo"]["change"])
        self.order.note = NOTES_ODOO * 2
        self.order.order_line[0].price_unit = 13
        shown = {row["path"]: row for row in self.conflict.compare()["rows"]}
        self.assertTrue(shown["notes"]["multiline"])
        self.assertEqual(shown[self.price]["odoo"]["change"], "+0.50 (+4 %)")

    def test_a_text_that_one_side_has_emptied_is_said_so(self):
        self.conflict.action_keep_odoo()
        self.settle()
        self.app.edit(PATH, self.link.external_id, notes="")
        self.order.note = "Ring twice."
        self.pull()
        self.conflict = self.link._open_conflict().with_user(self.user)
        row = self.shown("notes")
        self.assertEqual(
            (row["odoo"]["effect"], row["pharmacy"]["effect"]),
            (
                'The pharmacy gets "Ring twice.", and has nothing there. '
                "Nothing changes in Odoo.",
                'It is emptied in Odoo, which has "Ring twice.". '
                "Nothing changes at the pharmacy.",
            ),
        )
        self.resolve(choices={"notes": {"choice": "manual", "value": ""}})
        self.assertEqual(self.line("notes").choice, "pharmacy")
        self.assertFalse(self.order.note)

    def test_the_decision_is_kept_with_the_values_that_lost(self):
        self.resolve(reason="agreed by phone")
        self.assertEqual(self.conflict.strategy, "manual")
        self.assertEqual(self.conflict.reason, "agreed by phone")
        self.assertEqual(self.conflict.resolved_by_id, self.user)
        line = self.line(self.quantity)
        self.assertEqual(
            (line.choice, line.odoo, line.pharmacy, line.result, line.reason),
            ("pharmacy", "5.00", "8.00", "8.00", "agreed by phone"),
        )
        self.assertEqual(self.line("notes").choice, "manual")

    def test_two_sides_without_a_value_of_ones_own_are_a_merge(self):
        choices = {path: {"choice": "odoo"} for path in (self.quantity, "notes")}
        self.resolve(choices={**choices, self.price: {"choice": "pharmacy"}})
        self.assertEqual(self.conflict.strategy, "merge")

    def test_typing_what_a_side_has_is_taking_that_side(self):
        value = {"choice": "manual", "value": "8"}
        self.resolve(choices={self.quantity: value})
        self.assertEqual(self.line(self.quantity).choice, "pharmacy")

    def test_going_back_to_what_was_agreed_once(self):
        """Neither side has it, and to both it must travel."""
        self.resolve(choices={self.quantity: {"choice": "manual", "value": "2"}})
        self.settle()
        self.assertEqual([side[0] for side in self.both()], ["2.00", "2.00"])

    def test_a_field_decided_leaves_the_others_open(self):
        answer = self.resolve(choices={self.quantity: {"choice": "pharmacy"}})
        self.assertEqual(answer["outcome"], "open")
        self.settle()
        self.assertEqual(
            self.both(),
            [("8.00", "12.00", NOTES_ODOO), ("8.00", "13.50", NOTES_PHARMACY)],
        )
        self.assertEqual(self.conflict.state, "open")
        self.assertEqual(
            {row["path"]: row["decided"] for row in self.conflict.compare()["rows"]},
            {self.quantity: "pharmacy", self.price: False, "notes": False},
        )
        answer = self.resolve(
            choices={self.price: {"choice": "odoo"}, "notes": {"choice": "odoo"}}
        )
        self.assertEqual(answer["outcome"], "resolved")
        self.settle()
        wanted = ("8.00", "12.00", NOTES_ODOO)
        self.assertEqual(self.both(), [wanted, wanted])
        self.assertEqual(self.conflict.strategy, "merge")
        self.assertEqual(self.line(self.quantity).result, "8.00")

    def test_what_is_left_is_shown_as_it_is_by_then(self):
        self.order.order_line[0].price_unit = 11
        self.resolve(choices={self.quantity: {"choice": "pharmacy"}})
        self.assertEqual(self.line(self.price).odoo, "11.00")

    def test_what_is_sent_has_the_correlation_id_of_the_conflict_and_a_job(self):
        """By which a log of either side is searched."""
        self.env.cr.flush()
        jobs = self.env["queue.job"].search([("method_name", "=", "_job_push")])
        jobs.unlink()
        self.conflict.action_keep_odoo()
        operation = self.operations(mapping_id=self.link.id, state="pending")
        self.assertEqual(operation.correlation_id, self.conflict.correlation_id)
        self.assertTrue(
            self.env["queue.job"].search([("method_name", "=", "_job_push")])
        )

    def test_the_preview_is_what_happens(self):
        choices = {
            self.quantity: {"choice": "pharmacy"},
            self.price: {"choice": "odoo"},
            "notes": {"choice": "manual", "value": "Deliver before eleven."},
        }
        preview = self.conflict.preview(choices)
        self.assertEqual(
            [(c["before"], c["after"]) for c in preview["odoo"]],
            [(NOTES_ODOO, "Deliver before eleven."), ("5.00", "8.00")],
        )
        self.assertEqual(
            [(c["before"], c["after"]) for c in preview["pharmacy"]],
            [(NOTES_PHARMACY, "Deliver before eleven."), ("13.50", "12.00")],
        )
        self.assertEqual(preview["results"][self.quantity], "8.00")
        # Nothing was done by it.
        self.settle()
        self.assertEqual(self.conflict.state, "open")
        self.assertEqual(self.both()[0], ("5.00", "12.00", NOTES_ODOO))
        self.resolve(choices=choices)
        operation = self.operations(mapping_id=self.link.id, state="pending")
        self.push()
        sent = operation.payload["data"]
        self.assertEqual(sent["notes"], "Deliver before eleven.")
        self.assertEqual(sent["lines"][0]["unit_price"], "12.00")

    def test_a_bad_value_is_named_and_nothing_is_written(self):
        choices = {self.quantity: {"choice": "manual", "value": "many"}}
        errors = self.conflict.preview(choices)["errors"]
        self.assertIn("Quantity", errors[self.quantity])
        with self.assertRaisesRegex(UserError, "Quantity.*decimal"):
            self.resolve(choices={**choices, "notes": {"choice": "odoo"}})
        self.assertEqual(self.conflict.state, "open")
        self.assertFalse(self.conflict.line_ids.filtered("choice"))

    def test_what_is_no_choice_is_named(self):
        for choices, why in (
            ("odoo", "choices must be an object"),
            ({self.quantity: "odoo"}, "Quantity: choose odoo"),
            ({self.quantity: {"choice": "both"}}, "Quantity: choose odoo"),
            ({"reference": {"choice": "odoo"}}, "not in conflict"),
        ):
            with self.assertRaisesRegex(UserError, why):
                self.resolve(choices=choices)
        self.assertEqual(self.conflict.state, "open")

    def test_what_must_have_a_value_cannot_be_emptied(self):
        link = self.mapping(self.supplier)
        self.app.edit("suppliers", link.external_id, name="Theirs")
        self.supplier.name = "Ours"
        self.pull()
        conflict = link._open_conflict().with_user(self.user)
        with self.assertRaisesRegex(UserError, "Name: a value is required"):
            conflict.resolve({"name": {"choice": "manual", "value": ""}})

    def test_a_field_without_a_free_value_takes_a_side(self):
        other = self.supplier.copy({"name": "Other", "vat": "ESA28015865"})
        self.push()
        supplier = self.app.add("suppliers", name="Third")["id"]
        self.pull()
        self.app.edit(PATH, self.link.external_id, supplier_id=supplier)
        self.order.partner_id = other
        self.pull()
        shown = {row["path"]: row for row in self.conflict.compare()["rows"]}
        row = shown["supplier_id"]
        self.assertEqual(
            (row["odoo"]["text"], row["pharmacy"]["text"]), ("Other", "Third")
        )
        self.assertFalse(row["free"])
        with self.assertRaisesRegex(UserError, "Supplier"):
            self.resolve(choices={"supplier_id": {"choice": "manual", "value": "x"}})

    def test_the_second_person_is_notified_and_nothing_is_done_twice(self):
        seen = self.conflict.compare()["fingerprint"]
        other = new_test_user(self.env, "otto", "pharmacy_sync.group_user", name="Otto")
        everything = {
            path: {"choice": "odoo"} for path in (self.quantity, self.price, "notes")
        }
        first = self.conflict.with_user(other)
        self.assertEqual(first.resolve(everything, seen)["outcome"], "resolved")
        answer = self.resolve(fingerprint=seen)
        self.assertEqual(answer["outcome"], "stale")
        self.assertIn("Otto kept what Odoo had, ", answer["message"])
        self.settle()
        wanted = ("5.00", "12.00", NOTES_ODOO)
        self.assertEqual(self.both(), [wanted, wanted])

    def test_a_newer_pharmacy_version_is_shown_anew(self):
        seen = self.conflict.compare()["fingerprint"]
        lines = self.at_app(self.order)["lines"]
        lines[0]["quantity"] = "9.00"
        self.app.edit(PATH, self.link.external_id, lines=lines)
        self.pull()
        self.assertEqual(self.resolve(fingerprint=seen)["outcome"], "stale")
        self.assertEqual(self.conflict.state, "open")
        shown = self.conflict.compare()
        row = next(row for row in shown["rows"] if row["path"] == self.quantity)
        self.assertEqual(row["pharmacy"]["text"], "9.00")
        answer = self.resolve(fingerprint=shown["fingerprint"])
        self.assertEqual(answer["outcome"], "resolved")

    def test_an_edit_in_odoo_is_shown_anew(self):
        seen = self.conflict.compare()["fingerprint"]
        self.order.order_line[0].product_qty = 6
        self.assertEqual(self.resolve(fingerprint=seen)["outcome"], "stale")
        self.push()
        self.assertEqual(self.line(self.quantity).odoo, "6.00")

    def test_a_line_that_one_side_removed(self):
        self.conflict.action_keep_odoo()
        self.settle()
        removed, *kept = self.at_app(self.order)["lines"]
        self.app.edit(PATH, self.link.external_id, lines=kept)
        self.order.order_line[0].product_qty = 7
        self.pull()
        conflict = self.link._open_conflict()
        path = f"lines[{removed['key']}]"
        row = conflict.compare()["rows"][0]
        self.assertEqual((row["path"], row["free"]), (path, False))
        self.assertEqual(
            row["odoo"]["effect"],
            "The pharmacy gets the line. Nothing changes in Odoo.",
        )
        rest = self.amount(sum(self.order.order_line[1:].mapped("price_total")))
        self.assertRegex(
            row["pharmacy"]["effect"],
            f"The line is removed in Odoo. Total in Odoo: .* → {re.escape(rest)}",
        )
        self.assertIn("7.00", row["odoo"]["text"])
        self.assertEqual((row["kind"], row["title"]), ("line", "Entire line"))
        with self.assertRaisesRegex(UserError, "take one of the two values"):
            conflict.resolve({path: {"choice": "manual", "value": "8"}})
        conflict.resolve({path: {"choice": "pharmacy"}})
        row = conflict.compare()["rows"][0]
        for side in ("pharmacy", "result"):
            self.assertEqual(row[side]["text"], "No such line")
        self.settle()
        self.assertEqual(len(self.order.order_line), 2)
        self.assertEqual(self.order.sync_state, "synced")

    def test_a_line_that_was_removed_since_is_decided_as_what_it_is_now(self):
        line = self.quantity.rpartition(".")[0]
        self.order.order_line[0].unlink()
        paths = [row["path"] for row in self.conflict.compare()["rows"]]
        self.assertEqual(sorted(paths), [line, "notes"])
        self.resolve(choices={path: {"choice": "odoo"} for path in paths})
        self.assertEqual(self.line(line).choice, "odoo")
        self.settle()
        self.assertEqual(len(self.at_app(self.order)["lines"]), 2)
        self.assertEqual(self.order.sync_state, "synced")

    def test_fields_of_the_record_itself_are_reversed_as_well(self):
        self.conflict.action_keep_odoo()
        self.settle()
        self.conflict.action_reverse()
        self.settle()
        self.assertEqual(self.both(), [("8.00", "13.50", NOTES_PHARMACY)] * 2)

    def test_a_whole_line_is_not_reversed(self):
        line = self.quantity.rpartition(".")[0]
        self.order.order_line[0].unlink()
        self.resolve(
            choices={line: {"choice": "odoo"}, "notes": {"choice": "pharmacy"}}
        )
        self.settle()
        self.conflict.action_reverse()
        self.settle()
        self.assertEqual(len(self.order.order_line), 2)
        self.assertEqual(self.at_app(self.order)["notes"], NOTES_ODOO)

    def test_a_record_deleted_meanwhile_closes_it(self):
        self.assertFalse(self.conflict.compare()["gone"])
        self.order.button_cancel()
        self.order.unlink()
        room = self.conflict.compare()
        self.assertTrue(room["gone"])
        self.assertEqual(room["rows"], [])
        self.assertEqual(
            self.conflict.preview({"notes": {"choice": "odoo"}}),
            {"results": {}, "errors": {}, "odoo": [], "pharmacy": [], "total": False},
        )
        answer = self.resolve(undoable=True)
        self.assertEqual((answer["outcome"], answer["undoable"]), ("resolved", False))
        self.assertEqual(self.conflict.reason, "The record was deleted.")
        room = self.conflict.compare()
        self.assertFalse(room["gone"])

    def test_a_record_that_the_pharmacy_has_no_more_is_not_decided_on(self):
        self.link.deleted = True
        self.assertTrue(self.conflict.compare()["gone"])
        self.conflict.action_take_pharmacy()
        self.assertEqual(self.conflict.state, "resolved")
        self.assertEqual(self.both()[0], ("5.00", "12.00", NOTES_ODOO))

    def test_what_odoo_refuses_is_left_whole(self):
        """Odoo says why, and nothing of the decision is kept."""
        self.order.button_confirm()
        self.order.button_lock()
        self.push()
        self.app.edit(PATH, self.link.external_id, state="cancelled")
        self.pull()
        choices = {
            row["path"]: {"choice": "pharmacy"}
            for row in self.conflict.compare()["rows"]
        }
        self.assertLess({"state", "notes", self.price}, choices.keys())
        before, sides = self.link.base, self.both()
        for refused, why in (
            (choices, "Unable to cancel"),
            (
                {**choices, "nonsense": {"choice": "odoo"}},
                "Nonsense is not",
            ),
        ):
            with self.assertRaisesRegex(UserError, why), self.env.cr.savepoint():
                self.conflict.resolve(refused)
            self.assertEqual(self.conflict.state, "open")
            self.assertFalse(any(self.conflict.line_ids.mapped("choice")))
            self.assertEqual((self.link.base, self.both()), (before, sides))
            self.assertEqual(self.order.state, "purchase")
        self.assertFalse(self.operations(state="pending"))
        self.order.button_unlock()
        # An order that may be cancelled is not asked about.
        del choices["state"]
        self.assertEqual(self.resolve(choices=choices)["outcome"], "resolved")
        self.assertEqual(self.order.state, "cancel")

    def test_who_changed_what_when_is_reported(self):
        self.order.with_user(self.user).sudo().note = "Deliver at once."
        self.push()
        shown = self.conflict.compare()
        self.assertIn("berta", shown["odoo"])
        self.assertIn("version 2 of its record", shown["pharmacy"])
        self.assertIn("the app does not say who changed it", shown["pharmacy"])
        self.assertIn("found when Odoo read", shown["pharmacy"])
        moment = self.at_app(self.order)["updated_at"][:10]
        self.assertEqual(str(self.conflict.pharmacy_at.date()), moment)

    def test_whoever_wrote_last_the_person_who_changed_it_is_named(self):
        """A job, or a person without an event: as the record has it."""
        Conflict = self.conflict.sudo()
        Conflict._show(Conflict._merge_now())
        self.assertEqual(self.conflict.odoo_user_id, self.env.user)
        self.assertEqual(self.conflict.odoo_at, self.order.write_date)
        self.order.with_user(self.user).sudo().note = "Deliver at once."
        self.env.cr.flush()
        self.env.cr.execute(
            """UPDATE sync_event SET create_date = create_date - interval '1 hour'
                WHERE user_id = %s""",
            [self.user.id],
        )
        self.env.invalidate_all()
        self.order.origin = "P-1"
        self.env.cr.flush()
        Conflict._show(Conflict._merge_now())
        self.assertEqual(self.conflict.odoo_user_id, self.user)
        self.assertLess(self.conflict.odoo_at, self.order.write_date)

    def test_how_odoo_came_to_know_is_said_as_far_as_it_is_known(self):
        read = "found when Odoo read"
        self.assertIn(read, self.conflict.compare()["pharmacy"])
        call = self.env["sync.call"].search(
            [("correlation_id", "=", self.conflict.correlation_id)]
        )
        call.method = "POST"
        self.assertIn("found when Odoo sent", self.conflict.compare()["pharmacy"])
        own = self.conflict.sudo()
        own.correlation_id = "of no call"
        self.assertNotIn("found when", self.conflict.compare()["pharmacy"])
        own.correlation_id = call[0].correlation_id
        call.method = "GET"
        own.pharmacy_at = own.create_date + timedelta(seconds=1)
        self.assertNotIn("found when", self.conflict.compare()["pharmacy"])

    def shown(self, path):
        return next(r for r in self.conflict.compare()["rows"] if r["path"] == path)

    def amount(self, total):
        return formatLang(self.env, total, currency_obj=self.order.currency_id)

    def test_each_choice_says_what_it_comes_to_before_it_is_made(self):
        row = self.shown(self.quantity)
        self.assertEqual(
            row["odoo"]["effect"],
            "The pharmacy gets 5.00 instead of 8.00. Nothing changes in Odoo.",
        )
        now = self.amount(self.order.amount_total)
        self.order.order_line[0].product_qty = 8
        then = self.amount(self.order.amount_total)
        self.order.order_line[0].product_qty = 5
        self.assertEqual(
            row["pharmacy"]["effect"],
            f"Odoo gets 8.00 instead of 5.00. Total in Odoo: {now} → {then}. "
            "Nothing changes at the pharmacy.",
        )
        self.assertEqual(
            self.shown("notes")["odoo"]["effect"],
            f'The pharmacy gets "{NOTES_ODOO}" instead of "{NOTES_PHARMACY}". '
            "Nothing changes in Odoo.",
        )
        # What is long stands above it, and is not said twice.
        self.order.note = "Deliver before noon, " * 5
        notes = self.shown("notes")
        self.assertEqual(
            notes["odoo"]["effect"],
            "The pharmacy gets Odoo's value. Nothing changes in Odoo.",
        )
        self.assertEqual(
            notes["pharmacy"]["effect"],
            "Odoo gets the pharmacy's value. Nothing changes at the pharmacy.",
        )

    def test_the_total_that_is_foreseen_is_the_one_that_comes(self):
        taxes = {"amount_type": "percent", "amount": 21, "type_tax_use": "purchase"}
        tax = self.env["account.tax"].create({"name": "21 %", **taxes})
        self.order.order_line.tax_ids = tax
        before = self.amount(self.order.amount_total)
        written = self.order.order_line[0].read(["product_qty", "price_unit"])
        choices = {
            self.quantity: {"choice": "pharmacy"},
            self.price: {"choice": "pharmacy"},
            "notes": {"choice": "pharmacy"},
        }
        foreseen = self.conflict.preview(choices)
        self.env.invalidate_all()
        self.assertEqual(
            self.order.order_line[0].read(["product_qty", "price_unit"]), written
        )
        self.assertEqual(
            [c["effect"] for c in foreseen["odoo"][1:]],
            ["Odoo gets 8.00 instead of 5.00.", "Odoo gets 13.50 instead of 12.00."],
        )
        self.resolve(choices=choices)
        after = self.amount(self.order.amount_total)
        self.assertNotEqual(before, after)
        self.assertEqual(foreseen["total"], f"Total in Odoo: {before} → {after}.")

    def test_a_choice_that_changes_no_amount_says_no_total(self):
        self.assertFalse(
            self.conflict.preview({self.quantity: {"choice": "odoo"}})["total"]
        )
        self.assertFalse(
            self.conflict.preview({"notes": {"choice": "pharmacy"}})["total"]
        )

    def test_the_app_says_who_changed_its_record(self):
        arrived = {**self.at_app(self.order), "updated_by": "Ana at the counter"}
        self.conflict._refresh(
            self.link,
            self.conflict.sudo()._merge_now(),
            self.conflict.pharmacy,
            self.conflict.correlation_id,
            arrived,
        )
        self.assertIn("Ana at the counter", self.conflict.compare()["pharmacy"])

    def test_a_changed_number_says_by_how_much(self):
        """Its characters are not marked: 15.62 is no 15.620."""
        row = next(
            r for r in self.conflict.compare()["rows"] if r["path"] == self.price
        )
        self.assertEqual(row["pharmacy"]["segments"], [])
        self.assertEqual(row["pharmacy"]["change"], "+1.00 (+8 %)")

    def test_what_was_removed_is_marked_where_nothing_took_its_place(self):
        base = "Send box 1 today at nine"
        for text, shown in (
            ("Send box today at nine", ["1 "]),
            ("Send box 2 today at nine", []),
            # What comes later is in the place of something else.
            ("Send box today at nine please", ["1 "]),
        ):
            with self.subTest(text=text):
                found = _segments(base, text)
                removed = [part for kind, part in found if kind == "removed"]
                self.assertEqual(removed, shown)
                left = "".join(part for kind, part in found if kind != "removed")
                self.assertEqual(left, text)

    def test_another_company_neither_sees_nor_decides(self):
        company = self.env["res.company"].create({"name": "Other Clinic"})
        stranger = new_test_user(
            self.env,
            "stranger",
            "pharmacy_sync.group_user",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        for method, args in (
            *(("compare", ()), ("preview", ({},)), ("resolve", ({},))),
            ("action_open_record", ()),
        ):
            with self.assertRaises(AccessError):
                getattr(self.conflict.with_user(stranger), method)(*args)

    def test_next_is_of_the_list_it_was_opened_from(self):
        orders = [self.make_order() for __ in range(2)]
        self.push()
        for order in orders:
            self.app.edit(PATH, self.mapping(order).external_id, notes="theirs")
            order.note = "ours"
        self.pull()
        Conflict = self.conflict.browse()
        latest = max(self.mapping(order)._open_conflict().id for order in orders)
        self.assertEqual(Conflict.next_open(), {"id": latest, "left": 3})
        first, second = (self.mapping(order)._open_conflict().id for order in orders)
        among = [second, self.conflict.id, first]
        self.assertEqual(
            Conflict.next_open(self.conflict.id, among), {"id": first, "left": 2}
        )
        self.assertEqual(Conflict.next_open(first, among)["id"], second)
        # Without a list the one before it, and from the first on the latest.
        self.assertEqual(Conflict.next_open(latest)["id"], min(first, second))
        self.assertEqual(Conflict.next_open(min(first, second))["id"], self.conflict.id)
        self.assertEqual(
            Conflict.next_open(self.conflict.id), {"id": latest, "left": 2}
        )
        self.conflict.browse(first)._take_side("odoo")
        self.assertEqual(Conflict.next_open(second, among)["id"], self.conflict.id)
