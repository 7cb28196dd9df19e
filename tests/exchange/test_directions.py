from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from ..fidelity import ORDERS, PRODUCTS, FidelityCase


@tagged("post_install", "-at_install")
class TestDirections(FidelityCase):
    """An administrator chooses for each field which way it travels."""

    def setUp(self):
        super().setUp()
        self.product = self.products[0]
        self.id_at_app = self.product_ids[0]

    def choose(self, entity="product", backend=None, **ways):
        """Which way fields travel; those of lines with two underscores."""
        stream = (backend or self.backend).stream_ids.filtered(
            lambda s: s.entity == entity
        )
        for name, way in ways.items():
            values = {"field": name.replace("__", "."), "direction": way}
            own = stream.field_direction_ids
            known = own.filtered(lambda c, field=values["field"]: c.field == field)
            if known:
                known.direction = way
            else:
                self.env["sync.field.direction"].create(
                    {"stream_id": stream.id, **values}
                )

    def cost_at_app(self):
        return float(self.app.get(PRODUCTS, self.id_at_app)["cost"])

    def edit_app(self, **values):
        self.app.edit(PRODUCTS, self.id_at_app, **values)

    def conflict(self, record):
        return self.mapping(record)._open_conflict()

    def bodies(self):
        """What was sent to the app, as text."""
        return "".join(str(request) for request in self.app.requests())

    def test_only_to_odoo(self):
        self.choose(cost="pull")
        self.app.call("DELETE", "/admin/requests")
        self.product.standard_price = 77.25
        self.rest()
        self.assertEqual(self.cost_at_app(), 5)
        self.edit_app(cost="8.50")
        self.rest()
        self.assertEqual(self.product.standard_price, 8.5)
        self.assertNotIn("77.25", self.bodies())
        self.assertEqual(self.mapping(self.product).state, "synced")

    def test_only_to_the_pharmacy(self):
        self.choose(cost="push")
        self.edit_app(cost="9.00")
        self.rest()
        self.assertEqual(self.product.standard_price, 5)
        self.assertEqual(self.cost_at_app(), 9)
        self.product.standard_price = 6
        self.rest()
        self.assertEqual(self.cost_at_app(), 6)
        self.assertFalse(self.conflict(self.product))

    def test_not_at_all(self):
        self.choose(cost="none")
        self.edit_app(cost="9.00", price="20.00")
        self.product.standard_price = 6
        self.rest()
        self.assertEqual((self.product.standard_price, self.cost_at_app()), (6, 9))
        self.assertEqual(self.product.list_price, 20)
        self.assertFalse(self.conflict(self.product))
        self.assertEqual(self.mapping(self.product).state, "synced")

    def test_both_sides_changed_it_on_the_way(self):
        """The one direction says whose value counts; the neighbour is a conflict."""
        self.choose(cost="pull")
        self.product.write({"standard_price": 6, "name": "Ours"})
        self.edit_app(cost="9.00", name="Theirs")
        self.rest_but_asked()
        self.assertEqual(self.product.standard_price, 9)
        self.assertEqual(self.conflict(self.product).line_ids.mapped("field"), ["name"])

    def rest_but_asked(self):
        for __ in range(2):
            self.make_due()
            self.sync()

    def test_new_records_go_without_it(self):
        self.choose(cost="pull")
        self.app.call("DELETE", "/admin/requests")
        product = self.product.create({"name": "New", "standard_price": 77.25})
        self.rest()
        self.assertNotIn("77.25", self.bodies())
        # What the app filled in is nobody's change.
        self.assertEqual(product.standard_price, 77.25)
        self.app.edit(PRODUCTS, self.mapping(product).external_id, cost="3.00")
        self.rest()
        self.assertEqual(product.standard_price, 3)

    def test_records_that_arrive_come_without_it(self):
        self.choose(cost="push")
        at_app = self.app.add(PRODUCTS, name="Their new one", cost="9.00")
        self.rest()
        product = self.record("product", at_app["id"])
        self.assertEqual(product.standard_price, 0)
        self.assert_untouched(PRODUCTS, at_app)
        self.assertEqual(self.mapping(product).state, "synced")

    def test_lines_keep_what_each_side_has(self):
        self.choose("purchase_order", lines__description="none")
        at_app = self.order_at_app("1.00")
        self.rest()
        order = self.record("purchase_order", at_app["id"])
        self.assertNotIn("Goods 1", order.order_line.name)
        order.order_line.name = "Our words"
        order.order_line.product_qty = 4
        self.rest()
        (line,) = self.app.get(ORDERS, at_app["id"])["lines"]
        self.assertEqual((line["description"], float(line["quantity"])), ("Goods 1", 4))
        self.app.edit(
            ORDERS,
            at_app["id"],
            lines=[{**line, "description": "Changed", "quantity": "7"}],
        )
        self.rest()
        self.assertEqual(order.order_line.name, "Our words")
        self.assertEqual(order.order_line.product_qty, 7)
        self.assertFalse(self.conflict(order))

    def test_what_travels_again_is_compared_anew(self):
        self.choose(cost="none")
        self.edit_app(cost="9.00")
        self.product.standard_price = 6
        self.rest()
        other = self.products[1]
        self.choose(cost="both")
        self.rest_but_asked()
        conflict = self.conflict(self.product)
        self.assertEqual(conflict.line_ids.mapped("field"), ["cost"])
        self.assertEqual((self.product.standard_price, self.cost_at_app()), (6, 9))
        # Where both have the same, that is agreed on.
        self.assertEqual(self.mapping(other).state, "synced")
        self.assertIn("cost", self.mapping(other).base)
        conflict.resolve({"cost": {"choice": "odoo"}})
        self.rest()
        self.assertEqual(self.cost_at_app(), 6)

    def test_a_field_of_lines_that_travels_again_is_compared_anew(self):
        self.choose("purchase_order", lines__description="none")
        at_app = self.order_at_app("1.00")
        self.rest()
        order = self.record("purchase_order", at_app["id"])
        order.order_line.name = "Our words"
        self.rest()
        self.choose("purchase_order", lines__description="both")
        self.rest_but_asked()
        (line,) = self.conflict(order).line_ids
        self.assertEqual((line.odoo, line.pharmacy), ("Our words", "Goods 1"))

    def test_what_was_sent_of_it_and_never_answered_is_forgotten_too(self):
        mapping = self.mapping(self.product)
        self.assertEqual(float(mapping.base["cost"]), 5)
        sent = [{**mapping.base, "cost": "6.00", "name": "Sent"}]
        mapping.unanswered = sent
        self.choose(cost="none")
        self.assertEqual(mapping.unanswered, sent)
        self.choose(cost="both")
        self.assertNotIn("cost", mapping.base)
        self.assertIn("price", mapping.base)
        (left,) = mapping.unanswered
        self.assertEqual((left["name"], "cost" in left), ("Sent", False))

    def test_one_that_moves_to_another_stream_is_read_anew_in_both(self):
        theirs = self.second_backend().stream_ids.filtered(
            lambda s: s.entity == "product"
        )
        mine = self.stream("product")
        for model, values in (
            ("sync.field.direction", {"field": "cost", "direction": "none"}),
            ("sync.field.name", {"field": "cost", "path": "price_paid"}),
            ("sync.further.field", {"odoo_field": "color", "path": "shade"}),
        ):
            row = self.env[model].create({"stream_id": mine.id, **values})
            (mine | theirs).cursor = "7"
            self.env["queue.job"].search([]).unlink()
            row.stream_id = theirs
            jobs = self.env["queue.job"].search([("method_name", "=", "_job_pull")])
            # Where it only is called otherwise the next reading will do.
            self.assertTrue(jobs or model == "sync.field.name", model)
            self.assertFalse(mine.cursor, model)
            self.assertFalse(theirs.cursor, model)

    def test_one_that_stays_as_it_is_has_nothing_read_anew(self):
        self.choose(cost="none")
        stream = self.stream("product")
        stream.cursor = "7"
        self.choose(cost="none")
        self.assertEqual(stream.cursor, "7")

    def test_the_fields_are_named_as_people_call_them(self):
        names = dict(self.env["sync.field.direction"]._select_path())
        self.assertEqual(names["cost"], "Cost")
        self.assertTrue(names["lines.quantity"].startswith("Line: "))
        self.assertEqual(sorted(names.values()), list(names.values()))
        Chosen = self.env["sync.field.direction"]
        self.choose(cost="none")
        self.assertEqual(self.stream("product").field_direction_ids.picked, "cost")
        self.assertFalse(Chosen.new({"field": "gone"}).picked)
        offered = dict(self.env["sync.further.field"]._select_offered())
        self.assertTrue(offered["lines.received"].startswith("Line: "))
        lines = {path for path in offered if offered[path].startswith("Line: ")}
        self.assertEqual(lines, {path for path in offered if "." in path})
        self.assertEqual(sorted(offered.values()), list(offered.values()))
        of_app = dict(self.env["sync.field.name"]._select_path())
        self.assertEqual(of_app["lines.key"], "Line: Key")
        self.assertEqual((of_app["lines"], of_app["id"]), ("Lines", "Id"))

    def test_a_conflict_over_what_travels_no_more_is_closed(self):
        self.product.standard_price = 6
        self.edit_app(cost="9.00")
        self.rest_but_asked()
        self.assertTrue(self.conflict(self.product))
        self.choose(cost="none")
        self.rest()
        self.assertFalse(self.conflict(self.product))
        self.assertEqual((self.product.standard_price, self.cost_at_app()), (6, 9))

    def test_two_backends_each_have_their_own(self):
        other = self.second_backend()
        other.stream_ids.filtered(lambda s: s.entity == "product").rule = "all"
        self.choose(code="none")
        self.choose(code="pull", backend=other, price="none")
        self.product.write({"default_code": "OURS", "list_price": 31})
        self.rest()
        self.push(other)
        mapping = self.env["sync.mapping"].search(
            [("backend_id", "=", other.id), ("res_id", "=", self.product.id)]
        )
        at_app = self.app.get(PRODUCTS, self.id_at_app)
        elsewhere = self.other_app.get(PRODUCTS, mapping.external_id)
        self.assertEqual((at_app["code"], float(at_app["price"])), ("AMX50", 31))
        self.assertEqual((elsewhere["code"], float(elsewhere["price"])), ("", 0))
        self.other_app.edit(PRODUCTS, mapping.external_id, code="THEIRS")
        self.pull(other)
        self.rest()
        self.assertEqual(self.product.default_code, "THEIRS")
        self.assertEqual(self.app.get(PRODUCTS, self.id_at_app)["code"], "AMX50")

    def test_the_feed_does_not_say_it(self):
        self.choose(cost="pull")
        self.product.write({"standard_price": 77.25, "name": "Renamed"})
        new = self.product.create({"name": "New", "standard_price": 77.25})
        api, cursor = self.env["sync.api"].with_user(self.api_user), None
        reported, more = {}, True
        while more:
            page = api.changes("product", cursor, 500)
            cursor, more = page["next_cursor"], page["has_more"]
            reported.update((c["odoo_id"], c["data"]) for c in page["changes"])
        self.assertEqual(reported[self.product.id]["name"], "Renamed")
        self.assertEqual(reported[new.id]["name"], "New")
        self.assertFalse([data for data in reported.values() if "cost" in data])

    def test_what_a_new_record_needs_cannot_be_left_out(self):
        for entity, field in (
            ("product", "name"),
            ("purchase_order", "lines"),
            ("purchase_order", "lines.quantity"),
        ):
            for way in ("push", "pull", "none"):
                with self.assertRaisesRegex(ValidationError, "must travel both ways"):
                    self.choose(entity, **{field.replace(".", "__"): way})
        with self.assertRaisesRegex(ValidationError, "There is no field"):
            self.choose("product", colour="none")

    def test_it_is_chosen_on_the_page_of_the_stream(self):
        with (
            Form(self.stream("product")) as page,
            page.field_direction_ids.new() as line,
        ):
            line.picked = "cost"
            line.direction = "pull"
        self.product.standard_price = 6
        self.rest()
        self.assertEqual(self.cost_at_app(), 5)

    def test_only_managers_choose(self):
        operator = self.make_user("operator", "pharmacy_sync.group_operator")
        chosen = self.env["sync.field.direction"].with_user(operator)
        values = {"stream_id": self.stream("product").id, "field": "cost"}
        with self.assertRaises(AccessError):
            chosen.create(values)
