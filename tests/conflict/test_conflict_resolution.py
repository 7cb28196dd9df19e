import re

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
        self.assertTrue(
            self.conflict.compare()["resolution"].startswith(
                f"{self.user.name} decided on the values, "
            )
        )

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
        answer = self.resolve(
            choices={self.price: {"choice": "odoo"}, "notes": {"choice": "odoo"}}
        )
        self.assertEqual(answer["outcome"], "resolved")
        self.settle()
        wanted = ("8.00", "12.00", NOTES_ODOO)
        self.assertEqual(self.both(), [wanted, wanted])
        self.assertEqual(self.conflict.strategy, "merge")
        self.assertEqual(self.line(self.quantity).result, "8.00")

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
        self.assertIn("Otto", answer["message"])
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
        conflict.resolve({path: {"choice": "pharmacy"}})
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
        self.assertTrue(self.conflict.compare()["gone"])
        self.assertEqual(self.resolve()["outcome"], "resolved")

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
        for method, args in (("compare", ()), ("preview", ({},)), ("resolve", ({},))):
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
        self.conflict.browse(first)._take_side("odoo")
        self.assertEqual(Conflict.next_open(second, among)["id"], self.conflict.id)
