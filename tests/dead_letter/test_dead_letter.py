import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.misc import formatLang

from ...core.exceptions import DependencyMissingError, InvalidDataError
from ...entities.directory import Directory
from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestDeadLetter(SyncCase):
    """An operator sees why a change died, mends it, hands it on or gives it up; it is
    kept whatever they do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = "purchase.group_purchase_user,pharmacy_sync.group_operator"
        cls.operator = new_test_user(cls.env, "operator", groups)
        cls.user = new_test_user(cls.env, "user", "pharmacy_sync.group_user")

    def dead_push(self, quantity=-1.0, **values):
        """An order that the app refuses, as the operator sees its dead letter."""
        order = self.make_order(quantity=quantity, **values)
        self.push()
        dead = self.operations(mapping_id=self.mapping(order).id, state="dead")
        self.assertEqual(len(dead), 1)
        return order, dead.with_user(self.operator)

    def dead_update(self):
        """An order that both sides have, and whose latest change the app refuses."""
        order = self.make_order()
        self.push()
        order.order_line[0].product_qty = -1.0
        self.push()
        dead = self.operations(mapping_id=self.mapping(order).id, state="dead")
        return order, dead.with_user(self.operator)

    def dead_apply(self, **values):
        """A product of the app's that Odoo refuses."""
        there = self.app.add("products", name="Odd", uom="Barrels of Nowhere", **values)
        self.pull()
        dead = self.operations(kind="apply", external_id=there["id"], state="dead")
        return there, dead.with_user(self.operator)

    def dead_change(self):
        """A change of a product that both sides have. Odoo refused its unit, which it
        knows by now."""
        there = self.app.add("products", name="Odd", uom="Units")
        self.pull()
        self.app.edit("products", there["id"], uom="Barrels of Nowhere")
        self.pull()
        dead = self.operations(kind="apply", external_id=there["id"], state="dead")
        self.env["uom.uom"].create({"name": "Barrels of Nowhere"})
        product = self.env["product.product"].search([("name", "=", "Odd")])
        return product, dead.with_user(self.operator)

    def refuse_reading(self, table, code):
        """Have PostgreSQL refuse to read a table's rows, until the test ends."""
        self.env.flush_all()
        self.env.invalidate_all()
        self.env.cr.execute(
            f"""CREATE FUNCTION pg_temp.refuse() RETURNS boolean LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$;
                ALTER TABLE {table} RENAME TO table_there;
                CREATE VIEW {table} AS
                SELECT * FROM table_there WHERE pg_temp.refuse()"""
        )

    def cost(self, letters):
        """SQL statements with which the refused values of failed changes are read."""
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        letters.mapped("refused_value")
        return self.env.cr.sql_log_count - before

    # -- How many ---------------------------------------------------------------------

    def test_a_record_that_fails_anew_is_one_failed_change(self):
        order, dead = self.dead_push()
        first = dead.error_ids
        order.order_line[0].product_qty = -2.0
        self.push()
        self.assertEqual((dead.state, self.backend.dead_count), ("dead", 1))
        self.assertEqual(len(dead.error_ids), 2)
        second = dead.error_ids - first
        self.assertEqual(dead.last_error, second.display_name)
        # What was sent last, not what was sent first.
        self.assertIn("is -2.00. The pharmacy refused it", dead.happened)
        place = dead.action_open_record()["context"]["sync_refused"]
        self.assertEqual(place["why"], dead.happened)
        order.order_line.product_qty = 2.0
        self.push()
        self.assertEqual(dead.state, "done")
        self.assertEqual(dead.error_ids.mapped("resolved"), [True, True])

    # -- Why --------------------------------------------------------------------------

    def test_it_says_why_it_died_and_what_to_do(self):
        __, dead = self.dead_push()
        error = dead.error_ids
        self.assertEqual(dead.error_group_id, error.group_id)
        self.assertEqual(dead.error_type, "data_validation_failed")
        self.assertEqual(dead.advice, error.advice)
        self.assertTrue(dead.advice)
        self.assertEqual(error.message, "lines[0].quantity: must not be negative")
        said = "Line 1, Quantity: must not be negative"
        self.assertEqual((dead.last_error, error.display_name), (said, said))
        self.assertIn(said, dead.error_group_id.display_name)
        # Errors are kept for a shorter time than what died of them.
        error.sudo().unlink()
        self.assertTrue(dead.advice)
        self.assertEqual(dead.advice, dead.error_group_id.advice)

    def test_it_says_the_value_that_was_refused_of_what_and_for_how_much(self):
        order, dead = self.dead_push()
        error = dead.error_ids
        product = order.order_line[0].name
        happened = (
            f"Quantity of {product} is -1.00. "
            "The pharmacy refused it: must not be negative"
        )
        self.assertEqual((dead.happened, error.happened), (happened, happened))
        total = formatLang(self.env, order.amount_total, currency_obj=order.currency_id)
        about = f"{order.name}, {order.partner_id.display_name}, RFQ, {total}"
        self.assertEqual((dead.about, error.about), (about, about))
        for text in (happened, about):
            self.assertNotRegex(text, "[a-z]+_[0-9a-f]{8}|lines")

    def test_it_says_what_both_sides_had_before(self):
        order, dead = self.dead_update()
        self.assertEqual(
            dead.happened,
            f"Quantity of {order.order_line[0].name} is -1.00; both sides had 2.00 "
            "before. The pharmacy refused it: must not be negative",
        )
        self.backend.secret_fields = "quantity"
        self.env.invalidate_all()
        self.assertNotRegex(dead.happened + dead.refused_value, "2.00|-1.00")

    def test_a_list_says_what_was_refused_with_no_query_a_row(self):
        order, dead = self.dead_update()
        name = order.order_line[0].name
        self.assertEqual(dead.refused_value, f"Quantity -1.00, before 2.00: {name}")
        __, new = self.dead_push(quantity=-3.0)
        self.assertEqual(new.refused_value, f"Quantity -3.00: {name}")
        __, arrived = self.dead_apply()
        self.assertEqual(arrived.refused_value, "Unit of measure Barrels of Nowhere")
        self.assertFalse(self.operations(state="done")[:1].refused_value)

        few = dead | new
        self.cost(few)  # what is cached for good
        more = few
        for quantity in (-4.0, -5.0, -6.0):
            more |= self.dead_push(quantity)[1]
        self.assertEqual(self.cost(more), self.cost(few))

    def test_it_says_the_value_that_odoo_refused(self):
        __, dead = self.dead_apply()
        self.assertIn(
            "Unit of measure is Barrels of Nowhere. Odoo refused it: ", dead.happened
        )
        self.assertTrue(dead.error_group_id.message_text.startswith("Unit of measure:"))
        self.assertFalse(dead.about)

    def test_a_value_that_was_corrected_is_not_said_to_be_refused(self):
        __, dead = self.dead_apply()
        dead._edit({"uom": "Units"})
        self.assertEqual(dead.happened, dead.last_error)

    def test_a_value_that_was_corrected_and_refused_again_is_said_to_be(self):
        __, dead = self.dead_push()
        dead._edit({"lines[0].quantity": "-2"})
        self.assertEqual(dead.happened, dead.last_error)
        dead.action_redrive()
        self.push()
        self.assertEqual(dead.state, "dead")
        self.assertIn("is -2.00. The pharmacy refused it", dead.happened)

    def test_a_record_that_was_refused_is_called_by_its_name(self):
        """Of many such a list fetches the names at once."""

        def refuse(number):
            partner = self.supplier.copy({"name": f"Alba {number}"})
            __, dead = self.dead_push(partner_id=partner.id)
            error = dead.sudo().error_ids
            error.write({"message": "supplier_id: is closed", "context": {}})
            return dead

        few = refuse(1)
        self.assertEqual(few.refused_value, "Supplier Alba 1")
        few |= refuse(2)
        self.cost(few)  # what is cached for good
        self.assertEqual(self.cost(few | refuse(3) | refuse(4)), self.cost(few))

    def test_a_secret_is_not_said(self):
        self.backend.secret_fields = "quantity"
        __, dead = self.dead_push()
        self.assertNotIn("-1.00", dead.happened)

    def test_a_person_who_may_not_see_the_order_reads_nothing_of_it(self):
        order, dead = self.dead_push()
        self.assertIn(order.partner_id.display_name, dead.about)
        self.assertEqual(dead.with_user(self.user).about, order.name)

    def test_the_refused_value_is_found_in_the_record(self):
        order, dead = self.dead_push()
        action = dead.action_open_record()
        self.assertEqual(
            (action["res_model"], action["res_id"]), (order._name, order.id)
        )
        place = action["context"]["sync_refused"]
        self.assertEqual(place.pop("why"), dead.happened)
        line = {"lines": "order_line", "line_id": order.order_line[0].id}
        self.assertEqual(place, {"field": "product_qty", **line})
        # Nor has one that never was; the record is opened all the same.
        error = dead.sudo().error_ids
        for index in ("3", "first"):
            error.context = {"field": f"lines[{index}].quantity"}
            self.assertNotIn("context", dead.action_open_record(), index)
        error.context = {"field": "notes"}
        place = dead.action_open_record()["context"]["sync_refused"]
        self.assertEqual(place, {"field": "note", "why": dead.happened})
        error.context = {"field": "lines[0].quantity"}
        # A line that is gone has no place.
        order.order_line[0].unlink()
        action = dead.action_open_record()
        self.assertNotIn("context", action)
        self.assertEqual(action["res_id"], order.id)

    def test_what_helps(self):
        __, refused = self.dead_push()
        self.assertEqual(refused.remedy, "edit")
        self.assertEqual(refused.error_ids.remedy, "change")
        self.assertEqual(refused.error_group_id.remedy, "edit")
        order = self.make_order()
        self.app.refuse_records()
        self.push()
        key = self.operations(mapping_id=self.mapping(order).id, state="dead")
        self.assertEqual((key.remedy, key.error_group_id.remedy), ("pharmacy",) * 2)
        self.assertEqual(key.action_open_pharmacy()["res_id"], self.backend.id)
        self.app.refuse_records("")
        refused.action_discard("x")
        self.assertEqual((refused.remedy, refused.error_ids.remedy), (False, "record"))
        self.assertFalse(refused.error_group_id.remedy)
        refused.error_ids.action_resolve()
        self.assertFalse(refused.error_ids.remedy)
        key.action_discard("x")
        self.assertEqual(key.error_ids.remedy, "pharmacy")
        # What never came has no record that could be opened.
        __, arrived = self.dead_apply()
        self.assertEqual((arrived.remedy, arrived.error_ids.remedy), ("edit", "change"))
        arrived.action_discard("x")
        self.assertFalse(arrived.error_ids.remedy)

    def test_what_may_have_passed_is_retried(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-1"
        self.app.fault("error", status=503)
        for __ in range(9):
            self.make_due()
            self.push()
        operation = self.operations(mapping_id=self.mapping(order).id).sorted("id")[-1:]
        self.assertEqual(operation.state, "waiting")
        self.assertEqual(set(operation.error_ids.mapped("remedy")), {False})
        operation.state = "dead"
        self.assertEqual(operation.remedy, "retry")

    def test_what_was_read_is_corrected_by_nobody_here(self):
        self.app.fault("error", status=503)
        self.pull()
        pull = self.operations(kind="pull").sorted("id")[-1:]
        pull.state = "dead"
        pull.error_ids.write(
            {
                "category": "security",
                "retryable": False,
                "requires_user_action": False,
                "requires_admin_action": True,
            }
        )
        pull.invalidate_recordset(["remedy"])
        self.assertEqual(pull.remedy, "pharmacy")
        pull.error_ids.write(
            {"requires_user_action": True, "message": "items[0].name: must be a text"}
        )
        pull.invalidate_recordset(["remedy"])
        self.assertEqual(pull.remedy, "retry")

    def test_its_group_is_that_of_its_latest_error(self):
        order = self.make_order()
        self.push()
        order.origin = "PH-1"
        self.app.fault("error", status=503, count=1)
        self.push()
        self.make_due()
        self.app.refuse_records()
        self.push()
        dead = self.operations(state="dead")
        self.assertEqual(len(dead.error_ids), 2)
        self.assertEqual(dead.error_type, dead.error_ids[0].type)
        self.assertEqual(dead.error_group_id.dead_count, 1)
        self.assertFalse(dead.error_ids[1].group_id.dead_count)

    # -- Both sides -------------------------------------------------------------------

    def test_compare_shows_what_would_be_sent_beside_what_is_there(self):
        order, dead = self.dead_update()
        self.app.edit(
            "purchase-orders", self.mapping(order).external_id, notes="Call first"
        )
        dead.action_compare()
        reported = dead.comparison
        rows = {row["label"]: row for row in reported["rows"]}
        quantity = rows[f"Line 1 - {order.order_line[0].name}: Quantity"]
        self.assertEqual(
            (quantity["odoo"], quantity["base"], quantity["pharmacy"]),
            ("-1.00", "2.00", "2.00"),
        )
        self.assertEqual(quantity["effect"], "to_pharmacy")
        self.assertEqual(rows["Notes"]["pharmacy"], "Call first")
        self.assertEqual(rows["Notes"]["effect"], "to_odoo")
        self.assertTrue(reported["asked"])
        self.assertIn("Call first", dead.comparison_html)
        self.assertEqual((dead.state, dead.attempts), ("dead", 1))

    def test_compare_foresees_a_conflict(self):
        order, dead = self.dead_update()
        lines = self.at_app(order)["lines"]
        lines[0]["quantity"] = "8.00"
        self.app.edit("purchase-orders", self.mapping(order).external_id, lines=lines)
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "conflict")
        self.assertFalse(self.mapping(order)._open_conflict(), "it only looks")

    @mute_logger("odoo.sql_db")
    def test_compare_says_of_a_record_that_cannot_be_read(self):
        __, dead = self.dead_update()
        self.refuse_reading("purchase_order_line", "22012")
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "refused")

    @mute_logger("odoo.sql_db")
    def test_compare_is_replayed_where_reading_meets_another_transaction(self):
        __, dead = self.dead_update()
        self.refuse_reading("purchase_order_line", "40001")
        with self.assertRaises(psycopg2.errors.SerializationFailure):
            dead.action_compare()
        self.assertFalse(dead.comparison)

    @mute_logger("odoo.sql_db")
    def test_compare_is_replayed_where_looking_ahead_meets_another_transaction(self):
        __, dead = self.dead_apply()
        self.refuse_reading("uom_uom", "40001")
        with self.assertRaises(psycopg2.errors.SerializationFailure):
            dead.action_compare()
        self.assertFalse(dead.comparison)

    def test_compare_of_a_record_that_is_gone_in_odoo(self):
        order, dead = self.dead_update()
        mapping, there = self.mapping(order), self.at_app(order)
        order.button_cancel()
        order.unlink()
        for known, found, verdict in (
            ({}, there, "delete"),
            ({}, None, "delete"),
            ({}, {}, "nothing"),
            ({"deleted": True}, there, "nothing"),
            ({"deleted": False, "external_id": False}, there, "nothing"),
        ):
            with self.subTest(known=known, verdict=verdict):
                mapping.write(known)
                foreseen = dead._foresee({}, found, Directory(self.backend))
                self.assertEqual(foreseen["verdict"], verdict)

    def test_compare_of_a_push_by_what_the_pharmacy_has_of_it(self):
        order, dead = self.dead_update()
        mapping, there = self.mapping(order), self.at_app(order)
        gone = {**there, "deleted": True}
        undone = "The pharmacy has deleted it; that is not undone."
        made = "Makes a new record at the pharmacy."
        linked = "The pharmacy has it already: it is linked, and not made twice."
        for known, found, verdict, summary in (
            ({}, None, "update", "Sends Line 1 - "),
            ({}, there, "update", "Sends Line 1 - "),
            ({}, gone, "nothing", undone),
            ({}, {}, "nothing", undone),
            ({"deleted": True}, there, "nothing", undone),
            ({"deleted": False, "external_id": False}, None, "create", made),
            ({}, {}, "create", made),
            ({}, there, "link", linked),
        ):
            with self.subTest(known=known, verdict=verdict):
                mapping.write(known)
                dead.sudo()._foresee_each({} if found is None else {dead.id: found})
                said = dead._comparison_read()
                self.assertEqual(said["verdict"], verdict)
                self.assertTrue(said["summary"].startswith(summary), said["summary"])
                self.assertEqual(said["asked"], found is not None)
                self.assertEqual(bool(said["rows"]), verdict != "nothing")

    def test_compare_of_a_push_that_waits_says_for_what(self):
        order, dead = self.dead_update()
        order.partner_id = self.supplier.copy({"name": "Not There Yet"})
        dead.action_compare()
        said = dead._comparison_read()
        self.assertEqual(said["verdict"], "waits")
        self.assertEqual(
            said["summary"],
            f"Waits for what it refers to: supplier {order.partner_id.id}",
        )

    def test_compare_of_a_reading_asks_the_app_for_nothing(self):
        self.app.fault("error", status=503)
        self.pull()
        self.app.heal()
        pull = self.operations(kind="pull").sorted("id")[-1:]
        pull.state = "dead"
        self.app.call("DELETE", "/admin/requests")
        pull.with_user(self.operator).action_compare()
        said = pull._comparison_read()
        self.assertEqual(said["verdict"], "read")
        self.assertFalse(said["asked"] or said["silence"])
        self.assertFalse(self.app.requests())

    def test_compare_tells_what_the_app_does_not_know_from_an_app_that_fails(self):
        order, dead = self.dead_update()
        self.app.fault("error", status=500)
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "update")
        self.assertFalse(dead.comparison["asked"])
        self.assertTrue(dead.comparison["silence"])
        self.app.heal()
        self.mapping(order).external_id = "ord-none"
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "nothing")
        self.assertTrue(dead.comparison["asked"])
        self.assertFalse(dead.comparison["silence"])

    def test_compare_of_many_where_an_addon_refuses_to_read_one(self):
        (order, one), (__, two) = self.dead_update(), self.dead_update()
        adapter = self.env.registry[one.stream_id._adapter()._name]
        serialise = adapter._serialise

        def refusing(own, records, directory):
            if order in records:
                raise InvalidDataError("It is audited.")
            return serialise(own, records, directory)

        self.patch(adapter, "_serialise", refusing)
        (one | two).sudo()._foresee_each({})
        said = one._comparison_read()
        self.assertEqual(
            (said["verdict"], said["summary"]), ("refused", "It is audited.")
        )
        self.assertEqual(two.comparison["verdict"], "update")

    def test_compare_names_five_fields_and_says_that_there_are_more(self):
        self.make_order()
        self.push()
        self.app.refuse_records()
        self.supplier.write(
            {"city": "Vigo", "zip": "36201", "phone": "986", "street": "A"}
        )
        self.push()
        dead = self.operations(state="dead").with_user(self.operator)

        def named():
            dead.action_compare()
            summary = dead._comparison_read()["summary"]
            return summary.removeprefix("Sends ").removesuffix(" to the pharmacy.")

        self.app.refuse_records("")
        self.supplier.ref = "S-1"
        self.assertEqual(named().count(", "), 4)
        self.assertNotIn("…", named())
        self.supplier.name = "Alba"
        self.assertEqual(named().count(", "), 5)
        self.assertTrue(named().endswith(", …"))

    def test_compare_only_reads(self):
        __, dead = self.dead_update()
        self.app.call("DELETE", "/admin/requests")
        dead.action_compare()
        self.assertEqual([r["method"] for r in self.app.requests()], ["GET"])

    def test_compare_says_when_the_app_is_down(self):
        __, dead = self.dead_update()
        self.move_app("http://127.0.0.1:9")
        dead.action_compare()
        reported = dead.comparison
        self.assertFalse(reported["asked"])
        self.assertTrue(reported["silence"])
        self.assertEqual(
            reported["verdict"], "update", "what is known is shown all the same"
        )
        error = self.env["sync.error"].search([], limit=1)
        self.assertEqual(error.type, "connection_refused")
        self.assertEqual(error.correlation_id, dead.correlation_id)

    def test_compare_of_an_arrived_record_says_that_it_would_fail_again(self):
        __, dead = self.dead_apply()
        dead.action_compare()
        self.assertTrue(dead.comparison["asked"])
        self.assertEqual(dead.comparison["verdict"], "refused")
        self.assertIn("Barrels of Nowhere", dead.comparison["summary"])
        self.env["uom.uom"].create({"name": "Barrels of Nowhere"})
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "create")
        rows = {row["label"]: row["pharmacy"] for row in dead.comparison["rows"]}
        self.assertEqual(rows["Unit of measure"], "Barrels of Nowhere")
        self.assertEqual(rows["Active"], "Yes")

    def test_compare_of_an_arrived_change_says_what_the_pharmacy_has_done_since(self):
        __, dead = self.dead_change()
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "update")
        self.assertFalse(dead.comparison["warning"], "nothing since")
        self.app.edit("products", dead.external_id, name="Odder")
        dead.action_compare()
        newer = (
            "The pharmacy has a newer version (3) than the one that arrived (%s); it "
            "comes with the next reading."
        )
        self.assertEqual(dead._comparison_read()["warning"], newer % 2)
        # An app may send none.
        dead.sudo().payload = {**dead.payload, "version": None}
        dead.action_compare()
        self.assertEqual(dead._comparison_read()["warning"], newer % 0)
        self.app.call(
            "DELETE",
            f"/api/v1/products/{dead.external_id}",
            headers={"If-Match": "*"},
        )
        dead.action_compare()
        self.assertEqual(
            dead._comparison_read()["warning"], "The pharmacy has deleted it since."
        )
        self.move_app("http://127.0.0.1:9")
        dead.action_compare()
        self.assertFalse(dead.comparison["warning"], "nobody knows")

    def test_compare_of_an_arrived_change_leaves_alone_what_it_does_not_carry(self):
        __, dead = self.dead_change()
        dead.sudo().payload = {k: dead.payload[k] for k in ("id", "version", "uom")}
        dead.action_compare()
        self.assertEqual(dead.comparison["verdict"], "update")
        self.assertEqual(
            dead._comparison_read()["summary"],
            "Writes the pharmacy's Unit of measure in Odoo.",
        )
        labels = [row["label"] for row in dead.comparison["rows"]]
        self.assertEqual(labels, ["Unit of measure"])

    def test_compare_names_a_line_that_is_left_on_neither_side(self):
        """What the app answers or sends need not say its lines."""
        order, __ = self.dead_update()
        line = order.order_line[0]
        name = f"Line 1 - {line.name}"
        line.unlink()
        dead = self.env["sync.operation"].create(
            {
                "kind": "apply",
                "stream_id": self.mapping(order).stream_id.id,
                "mapping_id": self.mapping(order).id,
                "external_id": self.mapping(order).external_id,
                "payload": {"notes": "Call first"},
                "state": "dead",
            }
        )
        dead.action_compare()
        self.assertEqual(
            dead._comparison_read()["summary"],
            f"Sends {name} to the pharmacy. Writes the pharmacy's Notes in Odoo.",
        )
        self.assertEqual(dead.comparison["rows"][-1]["label"], name)

    def test_compare_of_an_arrived_change_of_what_is_gone_in_odoo(self):
        product, dead = self.dead_change()
        deletion = {**dead.payload, "deleted": True}

        def foresee():
            dead.action_compare()
            return dead.comparison["verdict"], dead._comparison_read()["summary"]

        changed = dead.payload
        dead.sudo().payload = deletion
        archives = "Archives or cancels the record in Odoo."
        self.assertEqual(foresee(), ("delete", archives))
        product.unlink()
        self.assertEqual(foresee(), ("nothing", archives))
        dead.sudo().payload = changed
        self.assertEqual(foresee(), ("nothing", "It was deleted in Odoo."))

    def test_comparison_is_reported_in_words(self):
        """Names instead of ids, and lines by their numbers."""
        order = self.make_order()
        order.order_line[1].product_qty = -1.0
        self.push()
        dead = self.operations(mapping_id=self.mapping(order).id, state="dead")
        dead.with_user(self.operator).action_compare()
        rows = {row["label"]: row["odoo"] for row in dead.comparison["rows"]}
        self.assertEqual(rows["Supplier"], self.supplier.name)
        line = rows[f"Line 2 - {order.order_line[1].name}"]
        self.assertIn("Quantity: -1.00\n", line)

    # -- Edit -------------------------------------------------------------------------

    def edit(self, dead, **values):
        """Correct values in the dialog: ``{label: text}``; the redrive it leads to."""
        Edit = self.env["sync.operation.edit"].with_user(self.operator)
        form = Form(Edit.with_context(default_operation_id=dead.id))
        for index, line in enumerate(form.save().line_ids):
            if line.label in values:
                with form.line_ids.edit(index) as row:
                    row.value = values[line.label]
        action = form.save().action_edit()
        return (
            self.env["sync.redrive"].browse(action["res_id"]).with_user(self.operator)
        )

    def redrive(self, redrive):
        redrive.action_start()
        self.push()
        self.pull()
        self.push()

    def test_an_edited_push_corrects_the_record_and_is_sent(self):
        order, dead = self.dead_update()
        label = f"Line 1 - {order.order_line[0].name}: Quantity"
        redrive = self.edit(dead, **{label: "7"})
        self.assertEqual(redrive.line_ids.verdict, "update")
        self.assertEqual(dead.state, "dead", "it is redriven by the next click")
        self.redrive(redrive)
        self.assertEqual(dead.state, "done")
        self.assertEqual(order.order_line[0].product_qty, 7)
        self.assertEqual(self.at_app(order)["lines"][0]["quantity"], "7.00")
        note = dead.note_ids.filtered(lambda n: n.action == "edited")
        self.assertEqual(note.user_id, self.operator)
        self.assertEqual(note.before, {"lines[0].quantity": "-1.00"})
        self.assertEqual(note.after, {"lines[0].quantity": "7"})
        self.assertIn("-1.00 → 7", note.change_text)

    def test_an_edited_arrival_is_applied_and_the_correction_is_sent_back(self):
        there, dead = self.dead_apply()
        self.redrive(self.edit(dead, **{"Unit of measure": "Units"}))
        self.assertEqual(dead.state, "done")
        product = self.env["product.product"].search([("name", "=", "Odd")])
        self.assertEqual(product.uom_id.name, "Units")
        self.assertEqual(self.app.get("products", there["id"])["uom"], "Units")
        self.assertEqual(self.mapping(product).state, "synced")
        self.assertEqual(dead.edited_from["uom"], "Barrels of Nowhere")
        self.assertEqual(dead.payload["uom"], "Units")

    def test_an_edit_that_cannot_be_names_the_field_and_changes_nothing(self):
        order, dead = self.dead_update()
        label = f"Line 2 - {order.order_line[1].name}: Quantity"
        said = "Line 2 .*: Quantity cannot be this: must be a decimal number"
        with self.assertRaisesRegex(UserError, said):
            self.edit(dead, **{label: "many"})
        self.assertEqual(order.order_line[1].product_qty, 2)
        self.assertFalse(dead.note_ids)
        __, arrived = self.dead_apply()
        with self.assertRaisesRegex(
            UserError, "Unit of measure cannot be this: Odoo has no .*Spoonfuls"
        ):
            self.edit(arrived, **{"Unit of measure": "Spoonfuls"})
        self.assertEqual(arrived.payload["uom"], "Barrels of Nowhere")

    def test_only_a_failed_change_can_be_edited(self):
        __, dead = self.dead_update()
        self.app.fault("error", status=503)
        self.pull()
        pull = self.operations(kind="pull").sorted("id")[-1:]
        pull.state = "dead"
        Edit = self.env["sync.operation.edit"].with_user(self.operator)
        for operation in (pull, self.operations(state="done")[:1]):
            with (
                self.subTest(operation.kind),
                self.assertRaisesRegex(UserError, "Only a failed change"),
            ):
                Edit.with_context(default_operation_id=operation.id).create({})
        self.assertTrue(self.opened(dead)[0].line_ids)

    def test_of_what_is_deleted_nothing_can_be_edited(self):
        order, dead = self.dead_update()
        order.button_cancel()
        order.unlink()
        __, arrived = self.dead_apply()
        arrived.sudo().payload = {**arrived.payload, "deleted": True}
        for operation in (dead, arrived):
            with (
                self.subTest(operation.kind),
                self.assertRaisesRegex(UserError, "nothing can be edited"),
            ):
                self.opened(operation)

    def test_yes_or_no_is_written_as_such(self):
        __, dead = self.dead_change()
        with self.assertRaisesRegex(
            UserError, "Active cannot be this: must be true or false"
        ):
            self.edit(dead, Active="perhaps")
        self.assertIs(dead.payload["active"], True)
        self.edit(dead, Active=" False ")
        self.assertIs(dead.payload["active"], False)
        self.edit(dead, Active="TRUE")
        self.assertIs(dead.payload["active"], True)

    def test_a_text_that_is_emptied_is_empty_and_one_that_was_not_there_stays_so(self):
        __, dead = self.dead_change()
        dead.sudo().payload = {**dead.payload, "code": "ODD-1", "barcode": None}
        dead._edit({"code": " ", "barcode": " "})
        self.assertEqual((dead.payload["code"], dead.payload["barcode"]), ("", None))
        dead._edit({"code": None, "barcode": "4006381333931 "})
        self.assertEqual(
            (dead.payload["code"], dead.payload["barcode"]), ("", "4006381333931")
        )

    def test_a_number_is_written_as_one(self):
        __, dead = self.dead_change()
        dead.sudo().payload = {**dead.payload, "cost": 3}
        with self.assertRaisesRegex(UserError, "Cost cannot be this: must be a whole"):
            self.edit(dead, Cost="much")
        self.edit(dead, Cost="4")
        self.assertEqual(dead.payload["cost"], 4)

    def test_what_is_no_value_at_all_is_shown_and_corrected(self):
        __, dead = self.dead_change()
        dead.sudo().payload = {**dead.payload, "name": ["Odd", {"á": 1}]}
        __, lines = self.opened(dead)
        self.assertEqual(
            lines["name"].value or lines["name"].shown, '["Odd", {"á": 1}]'
        )
        dead._edit({"name": "Even"})
        self.assertEqual(dead.payload["name"], "Even")

    def test_an_edited_push_refers_to_what_odoo_has(self):
        order, dead = self.dead_update()
        with self.assertRaises(DependencyMissingError):
            dead._edit({"supplier_id": "sup_none", "notes": "x"})
        self.assertEqual(order.partner_id, self.supplier)
        self.assertFalse(order.note)
        self.assertFalse(dead.note_ids)

    def test_what_was_corrected_goes_back_only_where_the_stream_sends(self):
        for way in ("both", "pull"):
            there, dead = self.dead_apply()
            dead.stream_id.sudo().direction = way
            dead._edit({"uom": "Units"})
            dead.action_redrive()
            self.pull()
            with self.subTest(way):
                self.assertEqual(dead.state, "done")
                self.push()
                unit = self.app.get("products", there["id"])["uom"]
                corrected = "Units" if way == "both" else "Barrels of Nowhere"
                self.assertEqual(unit, corrected)

    def test_a_correction_is_no_conflict_with_what_arrives_before_it_is_sent(self):
        product, dead = self.dead_change()
        dead._edit({"name": "Even"})
        dead.action_redrive()
        self.pull()
        self.assertEqual((dead.state, product.name), ("done", "Even"))
        self.app.edit("products", dead.external_id, code="ODD-1")
        self.pull()
        self.assertFalse(self.mapping(product)._open_conflict())
        self.assertEqual(product.default_code, "ODD-1")
        self.push()
        there = self.app.get("products", dead.external_id)
        self.assertEqual((there["name"], there["code"]), ("Even", "ODD-1"))

    def opened(self, dead):
        """The dialog that edits, and its lines by path."""
        Edit = self.env["sync.operation.edit"].with_user(self.operator)
        dialog = Edit.with_context(default_operation_id=dead.id).create({})
        return dialog, {line.path: line for line in dialog.line_ids}

    def keys_of(self, dead):
        """Names of the fields that travel."""
        return {c.key for c in dead.stream_id._adapter()._travelling(self.backend)}

    def pick(self, line, record):
        line.res_id = record.id
        line._onchange_res_id()

    def test_the_refused_value_comes_first_and_is_marked(self):
        __, dead = self.dead_update()
        dialog, __ = self.opened(dead)
        first, *others = dialog.line_ids
        self.assertEqual((first.path, first.mark), ("lines[0].quantity", "Refused"))
        self.assertEqual({line.mark for line in others}, {False})
        # What tells lines apart is no value.
        self.assertFalse([x.path for x in others if x.path.endswith("].key")])

    def test_what_refers_to_a_record_is_chosen_by_its_name(self):
        order, dead = self.dead_update()
        other = self.env["res.partner"].create(
            {"name": "Alba Two", "is_company": True, "supplier_rank": 1}
        )
        self.push()
        dollar = self.env.ref("base.USD")
        dollar.active = True
        dialog, lines = self.opened(dead)
        supplier = lines["supplier_id"]
        self.assertEqual((supplier.kind, supplier.shown), ("link", self.supplier.name))
        self.assertEqual(supplier.picked, self.supplier.name)
        chosen = self.env[supplier.res_model].search(supplier.domain)
        self.assertIn(other, chosen)
        self.assertNotIn(self.operator.partner_id, chosen)
        self.pick(supplier, other)
        self.pick(lines["currency"], dollar)
        self.assertEqual(lines["currency"].value, "USD")
        state = lines["state"]
        self.assertEqual(state.shown, "RFQ")
        self.assertIn(["sent", "RFQ Sent"], state.choices)
        state.value = "sent"
        expected = lines["expected_at"]
        expected.moment = "2030-01-02 03:04:05"
        expected._onchange_moment()
        self.assertEqual(expected.value, "2030-01-02T03:04:05Z")
        lines["lines[0].quantity"].value = "3"
        self.redrive(
            self.env["sync.redrive"]
            .browse(dialog.action_edit()["res_id"])
            .with_user(self.operator)
        )
        self.assertEqual(
            (order.partner_id, order.currency_id, order.state),
            (other, dollar, "sent"),
        )
        there = self.at_app(order)
        self.assertEqual(there["supplier_id"], self.mapping(other).external_id)
        self.assertEqual((there["currency"], there["state"]), ("USD", "sent"))
        self.assertEqual(there["expected_at"], "2030-01-02T03:04:05Z")

    def test_what_the_pharmacy_does_not_know_cannot_be_chosen(self):
        __, dead = self.dead_update()
        unknown = self.env["res.partner"].create({"name": "Not There"})
        __, lines = self.opened(dead)
        with self.assertRaisesRegex(UserError, "Not There is not at the pharmacy yet"):
            self.pick(lines["supplier_id"], unknown)

    def test_a_text_that_is_no_unit_is_shown_and_a_unit_is_chosen(self):
        __, dead = self.dead_apply()
        dialog, lines = self.opened(dead)
        self.assertEqual(set(lines), self.keys_of(dead), "nothing that is not Odoo's")
        unit = lines["uom"]
        self.assertEqual((unit.shown, unit.res_id), ("Barrels of Nowhere", 0))
        self.assertEqual(unit.mark, "Refused")
        self.pick(unit, self.env.ref("uom.product_uom_unit"))
        dialog.action_edit()
        self.assertEqual(dead.payload["uom"], "Units")

    def test_an_edited_push_needs_the_right_to_change_the_record(self):
        __, dead = self.dead_update()
        self.operator.group_ids -= self.env.ref("purchase.group_purchase_user")
        with self.assertRaises(AccessError):
            dead._edit({"notes": "x"})

    # -- Discard ----------------------------------------------------------------------

    def test_a_discarded_one_is_kept_with_its_reason(self):
        __, dead = self.dead_push()
        for empty in ("", "  ", None):
            with self.assertRaises(UserError):
                dead.action_discard(empty)
        dead.action_discard("Ordered by telephone")
        self.assertEqual(dead.state, "cancelled")
        self.assertEqual(dead.discard_reason, "Ordered by telephone")
        self.assertEqual(dead.discarded_by_id, self.operator)
        self.assertEqual(dead.note_ids.text, "Ordered by telephone")
        dead.sudo().done_at = "2020-01-01"
        self.env["sync.retention"]._gc_expired()
        self.assertTrue(dead.exists())
        with self.assertRaises(UserError):
            dead.action_redrive()

    def test_what_is_under_way_or_ended_is_not_discarded(self):
        __, dead = self.dead_push()
        done = self.operations(state="done")[:1].with_user(self.operator)
        for state in ("running", "done"):
            done.sudo().state = state
            with (
                self.subTest(state),
                self.assertRaisesRegex(UserError, "is running or ended"),
            ):
                (dead | done).action_discard("By mistake")
            self.assertEqual((dead.state, done.state), ("dead", state))
        self.assertFalse((dead | done).note_ids)

    def test_a_discarded_one_can_be_brought_back(self):
        order, dead = self.dead_push()
        dead.action_discard("By mistake")
        dead.action_restore()
        self.assertEqual((dead.state, dead.discard_reason), ("dead", False))
        self.assertEqual(dead.note_ids.mapped("action"), ["restored", "discarded"])
        order.order_line.product_qty = 1
        dead.action_redrive()
        self.push()
        self.assertEqual(self.at_app(order)["lines"][0]["quantity"], "1.00")

    def test_only_what_was_discarded_can_be_brought_back(self):
        (__, one), (__, two) = self.dead_push(), self.dead_push()
        one.action_discard("By mistake")
        with self.assertRaisesRegex(UserError, "Only what was discarded"):
            (one | two).action_restore()
        self.assertEqual((one.state, two.state), ("cancelled", "dead"))
        self.assertFalse(two.note_ids)

    def test_a_selection_is_discarded_at_once(self):
        (__, one), (__, two) = self.dead_push(), self.dead_push()
        action = (one | two).action_ask_discard()
        Discard = self.env[action["res_model"]].with_user(self.operator)
        form = Form(Discard.with_context(**action["context"]))
        form.reason = "A test order"
        form.save().action_discard()
        self.assertEqual(set((one | two).mapped("discard_reason")), {"A test order"})

    # -- Assign -----------------------------------------------------------------------

    def test_who_is_assigned_is_notified_once(self):
        (__, one), (__, two) = self.dead_push(), self.dead_push()
        (one | two).action_assign(self.user.id)
        self.assertEqual((one | two).user_id, self.user)
        message = self.env["mail.message"].search(
            [("partner_ids", "in", self.user.partner_id.ids)]
        )
        self.assertEqual(len(message), 1)
        self.assertIn("2", message.subject)
        one.action_assign_to_me()
        self.assertEqual(one.user_id, self.operator)
        self.assertEqual(
            one.note_ids.mapped("text"), [self.operator.name, self.user.name]
        )
        # Nobody is notified of what is not new, or of an own choice.
        two.action_assign(self.user.id)
        people = (self.user | self.operator).partner_id
        messages = self.env["mail.message"].search([("partner_ids", "in", people.ids)])
        self.assertEqual(messages, message)
        self.assertEqual(len(two.note_ids), 1)

    def test_it_is_assigned_within_the_company_only(self):
        __, dead = self.dead_push()
        company = self.env["res.company"].create({"name": "Other Clinic"})
        groups = "pharmacy_sync.group_operator"
        stranger = self.make_user("assigned_stranger", groups, company)
        with self.assertRaisesRegex(UserError, "works for the company"):
            dead.action_assign(stranger)
        self.assertFalse(dead.user_id)
        dead.action_assign(self.user.id)
        dead.action_assign(False)
        self.assertFalse(dead.user_id)
        self.assertEqual(dead.note_ids.mapped("action"), ["assigned"] * 2)

    # -- Others -----------------------------------------------------------------------

    def test_a_later_push_that_goes_through_closes_it(self):
        order, dead = self.dead_push()
        order.order_line.product_qty = 3
        self.push()
        self.assertEqual(dead.state, "done")
        self.assertEqual(order.sync_state, "synced")

    def test_only_operators(self):
        __, dead = self.dead_push()
        self.app.call("DELETE", "/admin/requests")
        for name, *args in (
            ("action_compare",),
            ("action_plan_redrive",),
            ("action_discard", "x"),
            ("action_restore",),
            ("action_assign_to_me",),
            ("action_ask_discard",),
        ):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(dead.with_user(self.user), name)(*args)
        self.assertEqual(dead.state, "dead")
        self.assertFalse(self.app.requests(), "the app was not asked either")

    def test_notes_are_for_reading(self):
        __, dead = self.dead_push()
        dead.action_assign_to_me()
        with self.assertRaises(AccessError):
            dead.note_ids.with_user(self.operator).write({"text": "x"})
