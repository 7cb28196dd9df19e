from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..fidelity import ORDERS, SUPPLIERS, FidelityCase

POP_UP = {"type": "ir.actions.act_window", "name": "Blocked: no budget"}


class DeclinedCase(FidelityCase):
    """One side does not take what the other one has: nobody's value is lost."""

    def override(self, model, method, function):
        """What another addon does that overrides a method."""
        self.patch(type(self.env[model]), method, function)

    def swallow(self, model, name):
        """An addon that does not let a field change."""
        write = type(self.env[model]).write

        def careless(records, vals):
            vals = {field: vals[field] for field in vals if field != name}
            return write(records, vals)

        self.override(model, "write", careless)

    def arrived(self, *prices, **values):
        at_app = self.order_at_app(*(prices or ("1.00",)), **values)
        self.pull()
        return at_app["id"], self.record("purchase_order", at_app["id"])

    def conflict(self, record):
        return self.mapping(record)._open_conflict()

    def assert_asked(self, record, path):
        """A person is asked about a path, and the record is not in step."""
        mapping = self.mapping(record)
        self.assertEqual(mapping.state, "conflict")
        self.assertEqual(list(mapping.declined), [path])
        line = self.conflict(record).line_ids
        self.assertEqual(line.field, path)
        return line

    def assert_in_step(self, record):
        mapping = self.mapping(record)
        self.assertEqual(mapping.state, "synced")
        self.assertFalse(mapping.declined)
        self.assertFalse(self.conflict(record))


@tagged("post_install", "-at_install")
class TestDeclinedByOdoo(DeclinedCase):
    def confirm(self, at_app, answer):
        self.override("purchase.order", "button_confirm", answer)
        return self.app.edit(ORDERS, at_app, state="confirmed")

    def test_a_pop_up_instead_of_a_confirmation(self):
        at_app, order = self.arrived()
        result = self.api_push(
            "purchase_order", self.confirm(at_app, lambda records: POP_UP)
        )
        self.assertEqual(result["operation"], "conflict")
        (warning,) = [w for w in result["warnings"] if "declined" in w]
        for word in ("state", "draft", "Blocked: no budget"):
            self.assertIn(word, warning)
        line = self.assert_asked(order, "state")
        self.assertIn("Blocked: no budget", line.reason)
        self.assertEqual((line.odoo, line.pharmacy), ("draft", "confirmed"))
        # An edit of something else does not take the confirmation back.
        order.note = "call first"
        self.rest()
        now = self.app.get(ORDERS, at_app)
        self.assertEqual((now["state"], now["notes"]), ("confirmed", "call first"))
        self.assertEqual(order.state, "draft")
        self.assert_asked(order, "state")

    def test_what_is_raised_over_the_state_holds_up_no_other_field(self):
        blocked = "The vendor is blocked"

        def refuse(records):
            raise ValidationError(blocked)

        at_app, order = self.arrived()
        self.confirm(at_app, refuse)
        changed = self.app.edit(ORDERS, at_app, notes="cold")
        result = self.api_push("purchase_order", changed)
        self.assertIn("The vendor is blocked", " ".join(result["warnings"]))
        self.assertIn("cold", order.note)
        self.assert_asked(order, "state")

    def test_the_app_is_reported_why_when_it_asks(self):
        at_app, order = self.arrived()
        self.api_push("purchase_order", self.confirm(at_app, lambda records: POP_UP))
        api = self.env["sync.api"].with_user(self.api_user)
        (found,) = api.status("purchase_order", [at_app])["results"]
        self.assertEqual(found["state"], "conflict")
        self.assertIn("no budget", found["declined"]["state"])
        self.assertIn("no budget", self.mapping(order).declined_text)

    def test_a_new_order_that_is_not_confirmed(self):
        self.override("purchase.order", "button_confirm", lambda records: True)
        at_app = self.order_at_app("1.00", state="confirmed")
        result = self.api_push("purchase_order", at_app)
        self.assertEqual(result["operation"], "created")
        self.assertIn("state was declined", " ".join(result["warnings"]))
        order = self.record("purchase_order", at_app["id"])
        self.assert_asked(order, "state")
        self.rest()
        self.assert_untouched(ORDERS, at_app)

    def test_it_is_not_tried_again_over_something_else(self):
        tried = []
        at_app, order = self.arrived()
        self.confirm(at_app, lambda records: tried.append(records.ids))
        self.rest()
        self.app.edit(ORDERS, at_app, notes="cold")
        self.rest()
        self.assertIn("cold", order.note)
        self.assertEqual(len(tried), 1)
        self.assert_asked(order, "state")

    def test_no_policy_decides_it(self):
        for policy in ("odoo", "pharmacy", "newest"):
            with self.subTest(policy):
                self.stream("purchase_order").conflict_policy = policy
                at_app, order = self.arrived()
                self.confirm(at_app, lambda records: POP_UP)
                self.rest()
                order.note = policy
                self.rest()
                self.assertEqual(self.app.get(ORDERS, at_app)["state"], "confirmed")
                self.assert_asked(order, "state")

    def test_a_person_who_confirms_it_settles_it(self):
        at_app, order = self.arrived()
        self.confirm(at_app, lambda records: True)
        self.rest()
        order.state = "purchase"
        self.rest()
        self.assert_in_step(order)
        # From there on a change back is a change.
        order.state = "draft"
        self.rest()
        self.assertEqual(self.app.get(ORDERS, at_app)["state"], "draft")

    def test_the_pharmacy_says_something_else(self):
        at_app, order = self.arrived()
        self.confirm(at_app, lambda records: True)
        self.rest()
        self.app.edit(ORDERS, at_app, state="cancelled")
        self.rest()
        self.assertEqual(order.state, "cancel")
        self.assert_in_step(order)

    def test_a_person_decides_for_odoo(self):
        at_app, order = self.arrived()
        self.confirm(at_app, lambda records: True)
        self.rest()
        self.conflict(order).action_keep_odoo()
        self.rest()
        self.assertEqual(self.app.get(ORDERS, at_app)["state"], "draft")
        self.assert_in_step(order)

    def test_a_person_decides_for_the_pharmacy(self):
        answers = [POP_UP, POP_UP]
        confirm = type(self.env["purchase.order"]).button_confirm
        at_app, order = self.arrived()
        self.confirm(
            at_app, lambda records: answers.pop() if answers else confirm(records)
        )
        self.rest()
        # Odoo declines again, and says so; nothing else happens.
        with self.assertRaisesRegex(UserError, "no budget"):
            self.conflict(order).action_take_pharmacy()
        self.env.invalidate_all()
        self.assert_asked(order, "state")
        self.conflict(order).action_take_pharmacy()
        self.rest()
        self.assertEqual(order.state, "purchase")
        self.assert_in_step(order)

    def test_a_field_that_an_addon_swallows(self):
        supplier = self.app.add(SUPPLIERS, name="Centro", city="Madrid", zip="1")
        self.pull()
        partner = self.record("supplier", supplier["id"])
        self.swallow("res.partner", "city")
        changed = self.app.edit(SUPPLIERS, supplier["id"], city="Lugo", zip="2")
        result = self.api_push("supplier", changed)
        said = " ".join(result["warnings"])
        self.assertIn("city was declined, Odoo has Madrid.", said)
        self.assertEqual((partner.city, partner.zip), ("Madrid", "2"))
        self.assert_asked(partner, "city")
        partner.phone = "1"
        self.rest()
        now = self.app.get(SUPPLIERS, supplier["id"])
        self.assertEqual((now["city"], now["phone"]), ("Lugo", "1"))

    def test_a_field_of_which_odoo_has_nothing(self):
        supplier = self.app.add(SUPPLIERS, name="Centro")
        self.pull()
        self.swallow("res.partner", "city")
        changed = self.app.edit(SUPPLIERS, supplier["id"], city="Lugo")
        result = self.api_push("supplier", changed)
        said = " ".join(result["warnings"])
        self.assertIn("city was declined, Odoo has nothing.", said)

    def test_what_odoo_does_not_send_is_not_said_in_a_warning_either(self):
        stream = self.stream("supplier")
        self.env["sync.field.direction"].create(
            {"stream_id": stream.id, "field": "city", "direction": "pull"}
        )
        supplier = self.app.add(SUPPLIERS, name="Centro", city="Madrid")
        self.pull()
        self.record("supplier", supplier["id"])
        self.swallow("res.partner", "city")
        changed = self.app.edit(SUPPLIERS, supplier["id"], city="Lugo")
        result = self.api_push("supplier", changed)
        self.assertEqual(result["warnings"], ["Odoo does not keep city as sent."])

    def test_a_field_that_is_swallowed_when_it_is_created(self):
        create = type(self.env["res.partner"]).create

        def careless(records, vals_list):
            return create(records, [{**vals, "city": "X"} for vals in vals_list])

        self.override("res.partner", "create", careless)
        at_app = self.app.add(SUPPLIERS, name="Centro", city="Madrid")
        result = self.api_push("supplier", at_app)
        self.assertIn("city was declined", " ".join(result["warnings"]))
        self.assert_asked(self.record("supplier", at_app["id"]), "city")
        self.rest()
        self.assert_untouched(SUPPLIERS, at_app)

    def test_a_value_of_ones_own_that_odoo_swallows(self):
        supplier = self.app.add(SUPPLIERS, name="Centro", city="Madrid")
        self.pull()
        partner = self.record("supplier", supplier["id"])
        self.swallow("res.partner", "city")
        self.app.edit(SUPPLIERS, supplier["id"], city="Lugo")
        self.rest()
        with self.assertRaises(UserError):
            choice = {"choice": "manual", "value": "Vigo"}
            self.conflict(partner).resolve({"city": choice})
        self.env.invalidate_all()
        self.assert_asked(partner, "city")
        self.assertEqual(self.app.get(SUPPLIERS, supplier["id"])["city"], "Lugo")

    def test_a_line_that_odoo_does_not_give_up(self):
        at_app, order = self.arrived("1.00", "2.00")
        self.override("purchase.order.line", "unlink", lambda lines: True)
        first, __ = self.app.get(ORDERS, at_app)["lines"]
        self.app.edit(ORDERS, at_app, lines=[first])
        self.rest()
        self.assertEqual(len(order.order_line), 2)
        self.assert_asked(order, "lines[2]")
        order.order_line[0].product_qty = 3
        self.rest()
        (line,) = self.app.get(ORDERS, at_app)["lines"]
        self.assertEqual((line["key"], line["quantity"]), ("1", "3.00"))
        self.assert_asked(order, "lines[2]")

    def test_one_field_of_a_line(self):
        at_app, order = self.arrived("1.00", "2.00")
        self.swallow("purchase.order.line", "price_unit")
        lines = self.app.get(ORDERS, at_app)["lines"]
        lines[0].update(unit_price="1.50", quantity="4")
        self.app.edit(ORDERS, at_app, lines=lines)
        self.rest()
        self.assertEqual(order.order_line[0].price_unit, 1)
        self.assertEqual(order.order_line[0].product_qty, 4)
        self.assert_asked(order, "lines[1].unit_price")
        order.order_line[1].product_qty = 7
        self.rest()
        first, second = self.app.get(ORDERS, at_app)["lines"]
        self.assertEqual((first["unit_price"], first["quantity"]), ("1.50", "4.00"))
        self.assertEqual(second["quantity"], "7.00")
        self.assert_asked(order, "lines[1].unit_price")

    def test_a_spelling_is_no_other_value(self):
        vat = type(self.env["res.partner"]).write

        def spell(records, vals):
            if vals.get("vat"):
                vals = {**vals, "vat": vals["vat"].replace("-", "").upper()}
            return vat(records, vals)

        supplier = self.app.add(SUPPLIERS, name="Centro")
        self.pull()
        partner = self.record("supplier", supplier["id"])
        self.override("res.partner", "write", spell)
        self.app.edit(SUPPLIERS, supplier["id"], vat="es-b12345674")
        self.rest()
        self.assertEqual(partner.vat, "ESB12345674")
        self.assert_in_step(partner)
        partner.phone = "1"
        self.rest()
        self.assertEqual(self.app.get(SUPPLIERS, supplier["id"])["vat"], "es-b12345674")

    def test_a_deletion_that_odoo_declines_fails(self):
        at_app, order = self.arrived()
        self.override("purchase.order", "button_cancel", lambda records: POP_UP)
        self.app.call("DELETE", f"/api/v1/{ORDERS}/{at_app}", headers={"If-Match": "*"})
        self.pull()
        self.assertEqual(order.state, "draft")
        self.assertFalse(self.mapping(order).deleted)
        error = self.env["sync.error"].search([], order="id desc", limit=1)
        self.assertIn("no budget", error.message)


@tagged("post_install", "-at_install")
class TestChangedAlong(DeclinedCase):
    """What another addon changes along with what the pharmacy changed is a change of
    Odoo's: it goes to the pharmacy."""

    def along(self, model, name, **more):
        """An addon that writes ``more`` together with a field."""
        write = type(self.env[model]).write

        def busy(records, vals):
            return write(records, {**vals, **(more if name in vals else {})})

        self.override(model, "write", busy)

    def test_another_field(self):
        at_app, order = self.arrived()
        self.along("purchase.order", "note", partner_ref="PH-9", origin="PH-9")
        self.app.edit(ORDERS, at_app, notes="call first")
        self.rest()
        now = self.app.get(ORDERS, at_app)
        self.assertEqual((now["notes"], now["reference"]), ("call first", "PH-9"))
        self.assert_in_step(order)

    def test_another_field_of_a_line(self):
        at_app, order = self.arrived("1.00", "2.00")
        self.along("purchase.order.line", "product_qty", price_unit=9.0)
        lines = self.app.get(ORDERS, at_app)["lines"]
        lines[0]["quantity"] = "7"
        self.app.edit(ORDERS, at_app, lines=lines)
        self.rest()
        first, second = self.app.get(ORDERS, at_app)["lines"]
        self.assertEqual(float(first["quantity"]), 7)
        self.assertEqual(float(first["unit_price"]), 9)
        self.assertEqual(float(second["unit_price"]), 2)
        self.assert_in_step(order)

    def test_a_line_that_is_added(self):
        at_app, order = self.arrived()
        product = order.order_line.product_id
        fee = {"product_id": product.id, "product_qty": 1, "price_unit": 3}
        fee = {"name": "Fee", **fee}
        self.along("purchase.order", "note", order_line=[Command.create(fee)])
        self.app.edit(ORDERS, at_app, notes="call first")
        self.rest()
        lines = self.app.get(ORDERS, at_app)["lines"]
        self.assertEqual([line["description"] for line in lines][1:], ["Fee"])
        self.assert_in_step(order)


@tagged("post_install", "-at_install")
class TestDeclinedByThePharmacy(DeclinedCase):
    """The app answers a push with another value than was sent."""

    def keep(self, *paths):
        self.app.call("POST", "/admin/settings", keeps=list(paths))

    def test_odoo_keeps_its_value_and_a_person_is_asked(self):
        supplier = self.app.add(SUPPLIERS, name="Centro", city="Madrid")
        self.pull()
        partner = self.record("supplier", supplier["id"])
        self.keep("city")
        partner.write({"city": "Lugo", "phone": "1"})
        self.rest()
        self.assertEqual(partner.city, "Lugo")
        now = self.app.get(SUPPLIERS, supplier["id"])
        self.assertEqual((now["city"], now["phone"]), ("Madrid", "1"))
        line = self.assert_asked(partner, "city")
        self.assertEqual((line.odoo, line.pharmacy), ("Lugo", "Madrid"))
        self.assertTrue(line.reason)
        # Neither side's next edit of something else moves the other's value.
        partner.phone = "2"
        self.app.edit(SUPPLIERS, supplier["id"], zip="3")
        self.rest()
        self.assertEqual(partner.city, "Lugo")
        self.assertEqual(self.app.get(SUPPLIERS, supplier["id"])["city"], "Madrid")
        self.assert_asked(partner, "city")

    def test_a_field_of_a_line(self):
        at_app, order = self.arrived("1.00")
        self.keep("lines.quantity")
        order.order_line.write({"product_qty": 3, "price_unit": 2})
        self.rest()
        (line,) = self.app.get(ORDERS, at_app)["lines"]
        self.assertEqual((line["quantity"], line["unit_price"]), ("10.00", "2.00"))
        self.assertEqual(order.order_line.product_qty, 3)
        self.assert_asked(order, "lines[1].quantity")

    def test_a_person_decides(self):
        for side, wanted in (("odoo", "Lugo"), ("pharmacy", "Madrid")):
            with self.subTest(side):
                supplier = self.app.add(SUPPLIERS, name=side, city="Madrid")
                self.pull()
                partner = self.record("supplier", supplier["id"])
                self.keep("city")
                partner.city = "Lugo"
                self.rest()
                self.keep()
                self.conflict(partner).resolve({"city": {"choice": side}})
                self.rest()
                now = self.app.get(SUPPLIERS, supplier["id"])
                self.assertEqual((partner.city, now["city"]), (wanted, wanted))
                self.assert_in_step(partner)

    def test_the_app_declines_again(self):
        supplier = self.app.add(SUPPLIERS, name="Centro", city="Madrid")
        self.pull()
        partner = self.record("supplier", supplier["id"])
        self.keep("city")
        partner.city = "Lugo"
        self.rest()
        self.conflict(partner).action_keep_odoo()
        self.rest()
        self.assert_asked(partner, "city")
