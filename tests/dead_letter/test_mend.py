from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestMend(SyncCase):
    """What many changes failed of is corrected once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "purchase.group_purchase_user,pharmacy_sync.group_operator"
        cls.operator = new_test_user(cls.env, "mend_operator", groups)

    def make_refused(self, count=3):
        orders = self.env["purchase.order"]
        for __ in range(count):
            orders |= self.make_order(quantity=-1.0)
        self.push()
        dead = self.operations(state="dead").with_user(self.operator)
        self.assertEqual(len(dead), count)
        return orders, dead

    def work(self, redrive):
        """Do what the job runner would: one shift of the redrive's job."""
        self.env.flush_all()
        backend = redrive.backend_id._as_runner()
        redrive.with_env(backend.env)._job_work()
        self.env.invalidate_all()

    def wizard(self, letters):
        context = letters.action_ask_mend()["context"]
        return (
            self.env["sync.operation.mend"]
            .with_user(self.operator)
            .with_context(**context)
            .create({})
        )

    def test_the_field_that_the_errors_name_comes_first_and_once(self):
        __, dead = self.make_refused()
        wizard = self.wizard(dead)
        line = wizard.line_ids[0]
        self.assertEqual((line.path, line.mark), ("lines[].quantity", "Refused"))
        self.assertEqual(line.count, 3)
        self.assertEqual(line.label, "Quantity")
        supplier = wizard.line_ids.filtered(lambda ln: ln.path == "supplier_id")
        self.assertEqual(supplier.shown, self.supplier.display_name)
        self.assertFalse(supplier.res_id, "what is there is kept until one is chosen")

    def test_only_the_refused_value_is_marked_as_such(self):
        """Other orders' quantities are values of the same field: they stand below, and
        nobody refused them."""
        self.make_refused(1)
        order = self.make_order(quantity=7.0)
        order.order_line[1].product_qty = -2.0
        self.push()
        dead = self.operations(state="dead").with_user(self.operator)
        self.assertEqual(len(dead), 2)
        lines = self.wizard(dead).line_ids
        quantities = lines.filtered(lambda line: line.path == "lines[].quantity")
        self.assertEqual(
            sorted((line.shown, line.mark) for line in quantities),
            [("-1.00", "Refused"), ("-2.00", "Refused"), ("7.00", False)],
        )
        self.assertEqual(lines[:3], quantities)

    def test_it_says_in_words_what_will_be_written_and_in_how_many(self):
        __, dead = self.make_refused()
        form = Form(
            self.env["sync.operation.mend"]
            .with_user(self.operator)
            .with_context(**dead.action_ask_mend()["context"])
        )
        self.assertFalse(form.outcome)
        with form.line_ids.edit(0) as line:
            line.value = "4"
        self.assertEqual(
            form.outcome.splitlines(),
            [
                "In 3 changes Quantity becomes 4 instead of -1.00.",
                "Orders and records in Odoo are corrected at once. The pharmacy gets "
                "them when you press Retry on the next page.",
            ],
        )

    def test_one_value_is_corrected_in_all_and_they_go_through(self):
        orders, dead = self.make_refused()
        wizard = self.wizard(dead)
        wizard.line_ids[0].value = "4"
        action = wizard.action_mend()
        self.assertEqual(action["res_model"], "sync.redrive")
        self.assertEqual(set(orders.order_line.mapped("product_qty")), {4.0})
        self.assertEqual(dead.note_ids.mapped("action"), ["edited"] * 3)
        redrive = self.env["sync.redrive"].browse(action["res_id"])
        self.work(redrive)
        redrive.with_user(self.operator).action_start()
        for __ in range(4):
            self.push()
            self.work(redrive)
        self.assertFalse(self.operations(state="dead"))

    def test_units_of_arrived_records_are_a_table_of_replacements(self):
        self.app.add("products", name="Odd", uom="Barrels of Nowhere")
        self.app.add("products", name="Odder", uom="Barrels of Nowhere")
        self.app.add("products", name="Oddest", uom="Crates of Nowhere")
        self.pull()
        dead = self.operations(state="dead").with_user(self.operator)
        wizard = self.wizard(dead)
        units = wizard.line_ids.filtered(lambda line: line.path == "uom")
        self.assertEqual(
            {line.former: line.count for line in units},
            {"Barrels of Nowhere": 2, "Crates of Nowhere": 1},
        )
        self.assertEqual(wizard.line_ids[: len(units)], units, "first")
        unit = self.env.ref("uom.product_uom_unit")
        for line in units:
            self.assertEqual((line.kind, line.res_model), ("link", "uom.uom"))
            line.res_id = unit.id
            line._onchange_res_id()
        wizard.action_mend()
        self.assertEqual({o.payload["uom"] for o in dead}, {unit.name})

    def test_what_cannot_be_is_refused_and_changes_nothing(self):
        orders, dead = self.make_refused(2)
        wizard = self.wizard(dead)
        wizard.line_ids[0].value = "many"
        with self.assertRaisesRegex(UserError, "Nothing was corrected"):
            wizard.action_mend()
        self.assertEqual(set(orders.order_line.mapped("product_qty")), {-1.0})
        with self.assertRaisesRegex(UserError, "No value was changed"):
            self.wizard(dead).action_mend()

    def test_what_does_not_carry_the_value_is_left_alone(self):
        orders, dead = self.make_refused(2)
        orders[1].order_line.product_qty = -2.0
        wizard = self.wizard(dead)
        line = wizard.line_ids.filtered(lambda line: line.former == "-1.00")
        self.assertEqual(line.count, 1)
        line.value = "4"
        action = wizard.action_mend()
        redrive = self.env["sync.redrive"].browse(action["res_id"])
        corrected = redrive.line_ids.operation_id
        self.assertEqual(corrected.mapping_id.res_id, orders[0].id)
        self.assertEqual((dead - corrected).note_ids.ids, [])
        self.assertEqual(set(orders[1].order_line.mapped("product_qty")), {-2.0})

    def test_a_person_who_may_not_change_the_orders_corrects_nothing(self):
        orders, dead = self.make_refused(2)
        wizard = self.wizard(dead)
        wizard.line_ids[0].value = "4"
        rights = self.env["ir.model.access"].search(
            [("model_id.model", "=", orders._name)]
        )
        rights.perm_write = False
        with self.assertRaises(AccessError):
            wizard.action_mend()
        self.assertEqual(set(orders.order_line.mapped("product_qty")), {-1.0})

    def test_a_person_who_may_not_read_the_orders_reads_that(self):
        __, dead = self.make_refused(1)
        self.operator.group_ids -= self.env.ref("purchase.group_purchase_user")
        with self.assertRaises(AccessError):
            self.wizard(dead)

    def test_only_operators_may(self):
        __, dead = self.make_refused(1)
        user = new_test_user(self.env, "mend_user", "pharmacy_sync.group_user")
        with self.assertRaises(AccessError):
            dead.with_user(user).action_ask_mend()
