from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...entities.links import Reference
from ...models.event import sync_touched, triggers
from ..common import SyncCase

# A transaction of long ago: what a test writes is all in its own.
LONG_AGO = "3"


class TouchedCase(SyncCase):
    """What anything wrote is on its way with the next tick."""

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.sync()
        self.tick()
        self.app.call("DELETE", "/admin/requests")

    def sql(self, statement, *values):
        """Write past the ORM, in a transaction of its own as it were."""
        self.env.cr.flush()
        self.env.cr.execute("UPDATE sync_event SET xid = %s::xid8", [LONG_AGO])
        self.env.cr.execute(statement, values)
        self.env.invalidate_all()

    def look(self):
        """The scheduled action."""
        self.env.cr.flush()
        self.env["sync.touched"]._cron_look()
        self.env.invalidate_all()

    def tick(self):
        """The scheduled action, and the job that it starts."""
        self.look()
        self.push()

    def touched(self):
        self.env.cr.execute("SELECT model, res_id FROM sync_touched")
        return self.env.cr.fetchall()

    def events(self):
        return self.env["sync.event"].search([("backend_id", "=", self.backend.id)])

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def sent(self):
        """What was written at the app."""
        return [r for r in self.app.requests() if r["method"] != "GET"]


@tagged("post_install", "-at_install")
class TestTouched(TouchedCase):
    def test_sql_of_a_supplier_is_at_the_app_after_one_tick(self):
        self.sql(
            "UPDATE res_partner SET city = 'Getafe' WHERE id = %s", self.supplier.id
        )
        self.tick()
        self.assertEqual(self.at_app(self.supplier)["city"], "Getafe")
        self.assertEqual(len(self.sent()), 1)
        event = self.events()[1]
        self.assertEqual(event.type, "supplier_updated")
        self.assertEqual(event.summary, sync_touched.CAUSE)
        self.assertFalse(self.touched())

    def test_a_table_that_is_gone_is_made_by_the_next_update(self):
        self.env.cr.execute("DROP TABLE sync_touched")
        self.env["sync.touched"].init()
        self.env.cr.execute(
            "SELECT 1 FROM pg_indexes WHERE indexname = 'sync_touched_flood_idx'"
        )
        self.assertTrue(self.env.cr.fetchall(), "that a flood is noted costs no look")
        self.sql(
            "UPDATE res_partner SET city = 'Getafe' WHERE id = %s", self.supplier.id
        )
        self.assertIn(("res.partner", self.supplier.id), self.touched())

    def test_more_than_a_piece_is_taken_up_piece_by_piece(self):
        self.patch(sync_touched, "PIECE", 1)
        partners = self.supplier | self.supplier.create(
            {"name": "Vet. Sur", "is_company": True, "supplier_rank": 1}
        )
        self.sync()
        self.tick()
        ids = partners.ids
        self.sql("UPDATE res_partner SET city = 'Getafe' WHERE id = ANY(%s)", ids)
        self.tick()
        self.assertFalse(self.touched())
        cities = [self.at_app(partner)["city"] for partner in partners]
        self.assertEqual(cities, ["Getafe", "Getafe"])

    def test_the_job_is_started_by_the_tick(self):
        self.env["queue.job"].search([]).unlink()
        self.sql(
            "UPDATE res_partner SET city = 'Getafe' WHERE id = %s", self.supplier.id
        )
        self.look()
        jobs = self.env["queue.job"].search([])
        self.assertEqual(jobs.mapped("method_name"), ["_job_push"])

    def test_what_cannot_be_looked_at_is_compared_and_holds_up_nothing(self):
        """Not each minute the same failure, while what comes after waits."""
        Partner = self.env.registry["res.partner"]

        def failing(partners):
            raise ZeroDivisionError

        self.patch(Partner, "_sync_records", failing)
        line = self.order.order_line[1]
        self.sql(
            "UPDATE res_partner SET city = 'Getafe' WHERE id = %s", self.supplier.id
        )
        self.sql(
            "UPDATE purchase_order_line SET product_qty = 9 WHERE id = %s", line.id
        )
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.look()
            self.look()
        self.assertFalse(self.touched())
        error = self.env["sync.error"].search([("work", "=", "scheduled look")])
        self.assertEqual((len(error), error.severity), (1, "critical"))
        compared = self.env["sync.reconciliation"].search([]).stream_id
        self.assertEqual(compared, self.stream("supplier"))
        self.push()
        quantities = [line["quantity"] for line in self.at_app(self.order)["lines"]]
        self.assertIn("9.00", quantities)

    def test_sql_of_a_line_sends_its_order(self):
        line = self.order.order_line[1]
        self.sql(
            "UPDATE purchase_order_line SET product_qty = 9 WHERE id = %s", line.id
        )
        self.tick()
        quantities = [line["quantity"] for line in self.at_app(self.order)["lines"]]
        self.assertEqual(quantities, ["2.00", "9.00", "2.00"])

    def test_a_line_deleted_by_sql_is_gone_there(self):
        line = self.order.order_line[1]
        self.sql("DELETE FROM purchase_order_line WHERE id = %s", line.id)
        self.tick()
        self.assertEqual(len(self.at_app(self.order)["lines"]), 2)

    def test_a_line_moved_by_sql_concerns_both_orders(self):
        other = self.make_order()
        self.sync()
        line = self.order.order_line[1]
        self.sql(
            "UPDATE purchase_order_line SET order_id = %s WHERE id = %s",
            other.id,
            line.id,
        )
        self.tick()
        self.assertEqual(len(self.at_app(self.order)["lines"]), 2)
        self.assertEqual(len(self.at_app(other)["lines"]), 4)

    def test_sql_of_a_template_sends_its_variants(self):
        template = self.products[0].product_tmpl_id
        self.sql(
            """UPDATE product_template SET list_price = 7,
                      name = jsonb_set(name, '{en_US}', '"Amox"') WHERE id = %s""",
            template.id,
        )
        self.tick()
        there = self.at_app(self.products[0])
        self.assertEqual((there["name"], there["price"]), ("Amox", "7.00"))
        self.assertEqual(len(self.sent()), 1)

    def test_a_record_inserted_by_sql_is_made_there(self):
        copied = "INSERT INTO res_partner (%(names)s) SELECT %(values)s " + (
            "FROM res_partner WHERE id = %%s RETURNING id"
        )
        self.env.cr.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'res_partner'::regclass "
            "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' "
            "AND attname NOT IN ('id', 'vat', 'ref', 'name')"
        )
        names = ", ".join(f'"{name}"' for (name,) in self.env.cr.fetchall())
        both = {"names": f"{names}, name", "values": f"{names}, 'Farmacia Sur'"}
        self.sql(copied % both, self.supplier.id)
        (new_id,) = self.env.cr.fetchone()
        self.tick()
        there = self.at_app(self.supplier.browse(new_id))
        self.assertEqual(there["name"], "Farmacia Sur")

    def test_a_record_deleted_by_sql_is_deleted_there(self):
        product = self.env["product.product"].create({"name": "Short-lived"})
        self.sync()
        external_id = self.at_app(product)["id"]
        self.sql("DELETE FROM product_product WHERE id = %s", product.id)
        self.tick()
        there = {record["id"] for record in self.app.items("products")}
        self.assertNotIn(external_id, there)

    def test_partners_merged_by_odoos_wizard(self):
        twin = self.supplier.create(
            {"name": "Vet. Alba", "is_company": True, "supplier_rank": 1}
        )
        order = self.make_order(partner_id=twin.id)
        self.sync()
        self.tick()
        self.sql("SELECT 1")
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((twin | self.supplier).ids, self.supplier)
        self.tick()
        self.tick()
        self.assertEqual(order.partner_id, self.supplier)
        self.assertEqual(
            self.at_app(order)["supplier_id"], self.mapping(self.supplier).external_id
        )

    def test_our_own_writes_and_those_of_the_orm_have_their_event_already(self):
        theirs = self.at_app(self.order)
        self.app.edit("purchase-orders", theirs["id"], notes="Ring twice")
        self.pull()
        self.order.order_line[0].product_qty = 5
        self.products[0].name = "Renamed"
        self.make_order()
        self.push()
        events, sent = self.events(), self.sent()
        self.assertTrue(self.touched())
        self.tick()
        self.assertFalse(self.touched())
        self.assertEqual(self.events(), events)
        self.assertEqual(self.sent(), sent)

    def test_the_same_written_again_is_not_noted(self):
        self.look()
        self.sql("UPDATE purchase_order_line SET product_qty = product_qty")
        self.sql("UPDATE res_partner SET write_date = now(), color = 3")
        self.assertFalse(self.touched())

    def test_what_differs_in_nothing_that_travels_is_not_sent(self):
        self.sql(
            """UPDATE product_template SET name = name || '{"fr_FR": "Amoxi"}'
                WHERE id = %s""",
            self.products[0].product_tmpl_id.id,
        )
        self.assertTrue(self.touched())
        self.tick()
        self.assertFalse(self.sent())

    def test_what_has_nobody_to_go_to_is_forgotten(self):
        self.stream("supplier").direction = "pull"
        events = self.events()
        self.sql(
            "UPDATE res_partner SET city = 'Getafe' WHERE id = %s", self.supplier.id
        )
        self.tick()
        self.assertFalse(self.touched())
        self.assertEqual(self.events(), events)

    def test_a_paused_backend_keeps_the_change(self):
        self.backend.paused = True
        self.sql(
            "UPDATE res_partner SET city = 'Getafe' WHERE id = %s", self.supplier.id
        )
        self.tick()
        self.assertFalse(self.sent())
        self.backend.paused = False
        self.push()
        self.assertEqual(self.at_app(self.supplier)["city"], "Getafe")

    def test_a_change_that_is_rolled_back_leaves_nothing(self):
        self.look()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.sql("UPDATE res_partner SET city = 'Nowhere'")
            raise ZeroDivisionError
        self.assertFalse(self.touched())


@tagged("post_install", "-at_install")
class TestStored(TouchedCase):
    """Values that Odoo computes anew have their event at once, without a tick."""

    def test_expected_date_of_lines(self):
        self.order.order_line.write({"date_planned": "2026-12-24 12:00:00"})
        self.push()
        there = self.at_app(self.order)
        self.assertEqual(there["expected_at"], "2026-12-24T12:00:00Z")
        self.assertEqual(len(self.sent()), 1)

    def test_fields_computed_anew_are_in_the_event(self):
        self.order.order_line.write({"date_planned": "2026-12-24 12:00:00"})
        self.env.cr.flush()
        event = self.events()[0]
        self.assertEqual(event.type, "order_updated")
        self.assertEqual(event.data["fields"], ["purchase.order:date_planned"])

    def test_an_import_is_sent(self):
        found = self.env["res.partner"].load(
            ["id", "name", "is_company", "supplier_rank"],
            [[f"__import__.touched_{n}", f"Imported {n}", "1", "1"] for n in range(3)],
        )
        self.push()
        names = {self.at_app(p)["name"] for p in self.supplier.browse(found["ids"])}
        self.assertEqual(names, {"Imported 0", "Imported 1", "Imported 2"})


@tagged("post_install", "-at_install")
class TestBelonging(TouchedCase):
    """What makes a record belong to a backend, and what its codes stand for."""

    def test_all_that_is_asked_and_read_is_tracked(self):
        Entity = self.env["sync.entity"]
        tracked, codes = Entity._tracked_names(), Entity._code_names()
        for adapter in Entity._entities().values():
            sides = adapter._sides()
            asked = [
                (adapter._entity_model, condition.field_expr.partition(".")[0])
                for condition in adapter._domain(self.backend).iter_conditions()
            ]
            read = [(model, c.field) for model, cs in sides for c in cs]
            for model, name in asked + read:
                field = self.env[model]._fields[name]
                if field.inherited:
                    model, name = field.related_field.model_name, field.name
                self.assertIn(name, tracked[model], adapter._entity)
            links = [
                c for __, cs in sides for c in cs if c.kind == "link" and c not in codes
            ]
            for link in links:
                if not isinstance(link, Reference):
                    self.assertIn(link.by, codes[link.model])

    def test_a_partner_becomes_a_supplier(self):
        partner = self.supplier.create({"name": "Farmacia Sur", "supplier_rank": 1})
        self.push()
        self.assertFalse(self.mapping(partner))
        partner.is_company = True
        self.push()
        self.assertEqual(self.at_app(partner)["name"], "Farmacia Sur")

    def test_a_product_comes_from_another_company(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        product = self.env["product.product"].create(
            {"name": "Amoxicillin", "company_id": other.id}
        )
        self.push()
        self.assertFalse(self.mapping(product))
        product.company_id = False
        self.push()
        self.assertEqual(self.at_app(product)["name"], "Amoxicillin")

    def rename_unit(self, name):
        unit = self.products[0].uom_id
        self.look()
        unit.with_context(lang="en_US").name = name

    def test_a_renamed_unit_is_renamed_where_it_is_used(self):
        unlinked = self.env["product.product"].create({"name": "Not sent"})
        self.push()
        self.mapping(unlinked).unlink()
        self.rename_unit("Pieces")
        self.tick()
        self.assertEqual(self.at_app(self.products[0])["uom"], "Pieces")
        self.assertEqual(
            [line["uom"] for line in self.at_app(self.order)["lines"]], ["Pieces"] * 3
        )
        self.assertFalse(self.mapping(unlinked))

    def test_a_unit_that_very_many_use_has_all_compared(self):
        self.patch(sync_touched, "MOST_USERS", 2)
        self.rename_unit("Pieces")
        events = self.events()
        self.look()
        self.assertEqual(self.events(), events)
        streams = self.env["sync.reconciliation"].search([]).stream_id
        self.assertEqual(set(streams.mapped("entity")), {"product", "purchase_order"})

    def test_a_unit_whose_users_cannot_be_looked_at_has_all_compared(self):
        def failing(touched, model, ids, flooded):
            raise ZeroDivisionError

        self.patch(self.env.registry["sync.touched"], "_look_at_users", failing)
        self.rename_unit("Pieces")
        with mute_logger("odoo.addons.pharmacy_sync"):
            self.look()
        self.assertFalse(self.touched())
        streams = self.env["sync.reconciliation"].search([]).stream_id
        self.assertEqual(set(streams.mapped("entity")), {"product", "purchase_order"})

    def test_a_renamed_attribute_value_renames_its_variants(self):
        size = self.env["product.attribute"].create({"name": "Size"})
        small, large = size.value_ids.create(
            [{"name": name, "attribute_id": size.id} for name in ("S", "L")]
        )
        line = {"attribute_id": size.id, "value_ids": [Command.set(size.value_ids.ids)]}
        template = self.env["product.template"].create(
            {"name": "Collar", "attribute_line_ids": [Command.create(line)]}
        )
        self.tick()
        small.name = "Small"
        large.invalidate_recordset()
        self.tick()
        names = [self.at_app(v)["name"] for v in template.product_variant_ids]
        self.assertEqual(names, ["Collar (Small)", "Collar (L)"])

    def test_a_renamed_country_is_renamed_where_it_is_used(self):
        country = self.env.ref("base.es")
        self.supplier.country_id = country
        self.push()
        self.sql("SELECT 1")
        country.code = "XE"
        self.tick()
        self.assertEqual(self.at_app(self.supplier)["country_code"], "XE")


@tagged("post_install", "-at_install")
class TestFlood(TouchedCase):
    """Very many changes at once become one comparison of all."""

    def setUp(self):
        super().setUp()
        self.few = self.make_few()
        self.patch(triggers, "FLOOD", 3)
        self.env["sync.touched"]._build()
        self.begin_count()

    def begin_count(self):
        """The count of this transaction begins anew."""
        name = "pharmacy_sync.sync_touched_res_partner"
        self.env.cr.execute("SELECT set_config(%s, '', true)", [name])

    def make_few(self):
        partners = self.supplier.create(
            [
                {"name": f"Supplier {n}", "is_company": True, "supplier_rank": 1}
                for n in range(5)
            ]
        )
        self.sync()
        self.tick()
        return partners

    def flood(self):
        self.sql("UPDATE res_partner SET city = 'Getafe' WHERE id = ANY(%s)", self.ids)

    @property
    def ids(self):
        return self.few.ids

    def comparisons(self):
        return self.env["sync.reconciliation"].search([])

    def work_off(self):
        for work in self.comparisons():
            while work._step():
                pass
            self.env.invalidate_all()

    def test_one_statement_leaves_few_rows(self):
        self.flood()
        self.assertEqual(len(self.touched()), 5)
        self.assertIn(("res.partner", None), self.touched())
        self.flood_is_compared()

    def test_many_statements_of_one_transaction_leave_few_rows(self):
        for partner in self.few:
            self.sql("UPDATE res_partner SET city = 'Getafe' WHERE id = %s", partner.id)
        self.assertEqual(len(self.touched()), 5)
        self.flood_is_compared()

    def flood_is_compared(self):
        self.look()
        comparison = self.comparisons()
        self.assertEqual(comparison.stream_id, self.stream("supplier"))
        self.assertEqual(comparison.state, "running")
        jobs = [("method_name", "=", "_job_push")]
        self.env["queue.job"].search(jobs).unlink()
        self.work_off()
        self.assertTrue(self.env["queue.job"].search(jobs))
        self.push()
        cities = {self.at_app(partner)["city"] for partner in self.few}
        self.assertEqual(cities, {"Getafe"})
        self.assertEqual(comparison.drift_count, 0)

    def test_a_table_that_nothing_takes_up_has_an_end(self):
        """As where scheduled actions are off."""
        self.patch(triggers, "FULL", 3)
        self.env["sync.touched"]._build()
        for partner in self.few[:4]:
            self.write_apart(partner)
        self.assertEqual(len(self.touched()), 4)
        for partner in [*self.few, *self.few[:4]]:
            self.write_apart(partner)
        self.assertEqual(len(self.touched()), 5)
        self.assertIn(("res.partner", None), self.touched())
        self.flood_is_compared()

    def write_apart(self, partner):
        """In a transaction of its own, as the triggers count."""
        self.begin_count()
        other = "Leganes" if partner.city == "Getafe" else "Getafe"
        self.sql("UPDATE res_partner SET city = %s WHERE id = %s", other, partner.id)

    def test_a_paused_backend_compares_once_it_is_resumed(self):
        self.backend.paused = True
        self.flood()
        self.look()
        self.assertFalse(self.comparisons())
        self.backend.paused = False
        self.recover()
        self.assertEqual(self.comparisons().state, "running")
        self.assertFalse(self.stream("supplier").compare_due)

    def test_a_comparison_under_way_may_have_passed_it(self):
        first = self.stream("supplier")._reconcile()
        self.flood()
        self.look()
        self.assertEqual(self.comparisons(), first)
        first.state = "done"
        self.recover()
        self.assertEqual(len(self.comparisons()), 2)


@tagged("post_install", "-at_install")
class TestTriggers(TouchedCase):
    """They are there when they should be, and cost next to nothing."""

    def names(self):
        self.env.cr.execute(
            """SELECT tgrelid::regclass::text, tgname FROM pg_trigger
                WHERE tgname LIKE 'sync\\_%' ORDER BY 1, 2"""
        )
        return self.env.cr.fetchall()

    def functions(self):
        self.env.cr.execute(
            "SELECT proname FROM pg_proc WHERE proname LIKE 'sync\\_%' ORDER BY 1"
        )
        return self.env.cr.fetchall()

    def test_each_followed_table_has_its_triggers(self):
        found = {}
        for table, name in self.names():
            found.setdefault(table, []).append(name.rpartition("_")[2])
        every = ["delete", "insert", "update"]
        for table in (
            *("res_partner", "product_template", "product_product"),
            *("purchase_order", "purchase_order_line"),
        ):
            self.assertEqual(found.pop(table), every)
        tables = ("uom_uom", "res_country", "res_currency", "product_attribute_value")
        codes = {table: ["update"] for table in tables}
        taxes = {"account_tax_purchase_order_line_rel": ["delete", "insert"]}
        self.assertEqual(found, {**codes, **taxes})

    def test_what_is_missing_is_made_anew_and_what_is_there_stays(self):
        before = self.names(), self.functions()
        self.env.cr.execute("DROP FUNCTION sync_touched_purchase_order() CASCADE")
        self.env.cr.execute(
            "ALTER TABLE res_partner DISABLE TRIGGER sync_touched_id_update"
        )
        self.env.cr.execute("SELECT oid FROM pg_trigger ORDER BY 1")
        kept = set(self.env.cr.fetchall())
        self.env["sync.touched"]._build()
        self.assertEqual((self.names(), self.functions()), before)
        self.sql("UPDATE res_partner SET city = 'X' WHERE id = %s", self.supplier.id)
        self.assertIn(("res.partner", self.supplier.id), self.touched())
        self.env.cr.execute("SELECT oid FROM pg_trigger ORDER BY 1")
        # Three of orders are new, and three of partners.
        self.assertEqual(len(set(self.env.cr.fetchall()) - kept), 6)

    def test_a_table_that_is_followed_no_more_loses_its_triggers(self):
        self.assertIn("res_partner", dict(self.names()))
        self.patch(type(self.env["sync.entity.supplier"]), "_entity_tracked", {})
        self.env["sync.touched"]._build()
        self.assertNotIn("res_partner", dict(self.names()))
        self.assertNotIn(("sync_touched_res_partner",), self.functions())

    def test_dropped_they_leave_nothing(self):
        triggers.drop(self.env.cr)
        self.assertEqual((self.names(), self.functions()), ([], []))
        self.sql("UPDATE res_partner SET city = 'X' WHERE id = %s", self.supplier.id)
        # Not made again without their table, such as while the addon goes.
        self.env["sync.touched"]._build()
        self.assertFalse(self.names())

    def test_a_column_that_goes_is_watched_no_more(self):
        field = self.env["ir.model.fields"].create(
            {
                "name": "x_shelf",
                "model_id": self.env.ref("base.model_res_partner").id,
                "ttype": "char",
            }
        )
        Supplier = type(self.env["sync.entity.supplier"])
        tracked = Supplier._entity_tracked
        more = {"res.partner": {*tracked["res.partner"], "x_shelf"}}
        self.patch(Supplier, "_entity_tracked", more)
        self.env["sync.touched"]._build()
        self.look()
        write = "UPDATE res_partner SET x_shelf = 'A7' WHERE id = %s"
        self.sql(write, self.supplier.id)
        self.assertIn(("res.partner", self.supplier.id), self.touched())
        field.unlink()
        self.sql("UPDATE res_partner SET city = 'X' WHERE id = %s", self.supplier.id)

    def test_a_relation_is_watched_if_it_is_tracked(self):
        Supplier = type(self.env["sync.entity.supplier"])
        tracked = Supplier._entity_tracked
        more = {"res.partner": {*tracked["res.partner"], "category_id"}}
        self.patch(Supplier, "_entity_tracked", more)
        self.env["sync.touched"]._build()
        self.look()
        category = self.env["res.partner.category"].create({"name": "Vet"})
        self.sql(
            "INSERT INTO res_partner_res_partner_category_rel "
            "(partner_id, category_id) VALUES (%s, %s)",
            self.supplier.id,
            category.id,
        )
        self.assertEqual(self.touched(), [("res.partner", self.supplier.id)])

    def test_a_save_takes_no_more_statements_of_odoo(self):
        self.order.order_line[0].product_qty = 3
        self.env.cr.flush()
        line = self.order.order_line[0]
        counts = []
        for number in range(2):
            before = self.env.cr.sql_log_count
            line.product_qty = 4 + number
            self.env.cr.flush()
            counts.append(self.env.cr.sql_log_count - before)
            if not number:
                triggers.drop(self.env.cr)
        self.assertEqual(counts[0], counts[1])
