from odoo import Command
from odoo.tests import tagged

from ..common import SyncCase


class Lifecycle(SyncCase):
    def setUp(self):
        super().setUp()
        self.currency = self.env.company.currency_id.name

    def stream(self, entity):
        return self.backend.stream_ids.filtered(lambda s: s.entity == entity)

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def delete_there(self, collection, external_id):
        self.app.call(
            "DELETE",
            f"/api/v1/{collection}/{external_id}",
            headers={"If-Match": "*"},
        )

    def ours(self, external_id):
        mapping = self.env["sync.mapping"].search([("external_id", "=", external_id)])
        return mapping and mapping._record()


@tagged("post_install", "-at_install")
class TestDeletion(Lifecycle):
    """Deletions travel, and nothing comes back to life by accident."""

    def test_deleted_in_odoo_it_is_deleted_there(self):
        self.push()
        mapping = self.mapping(self.products[0])
        self.products[0].unlink()
        self.push()
        self.assertTrue(mapping.deleted)
        self.assertNotIn(
            mapping.external_id, [p["id"] for p in self.app.items("products")]
        )

    def test_when_a_backend_is_deleted_records_can_be_saved_still(self):
        other = self.env["sync.backend"].create(
            {
                "name": "Other",
                "url": self.app.url,
                "internal": True,
                "api_key": "another",
            }
        )
        self.supplier.street = "Calle Mayor 1"
        self.env.cr.flush()
        other.unlink()
        self.supplier.street = "Calle Mayor 2"
        self.env.cr.flush()
        self.push()
        self.assertEqual(self.at_app(self.supplier)["street"], "Calle Mayor 2")

    def test_an_old_update_revives_nothing(self):
        self.push()
        mapping = self.mapping(self.products[0])
        old = self.app.get("products", mapping.external_id)
        self.delete_there("products", mapping.external_id)
        self.pull()
        self.assertFalse(self.products[0].active)
        for version in (old["version"], 0):
            (arrival,) = self.stream("product")._apply(
                [{**old, "name": "Old", "version": version}], "late"
            )
            self.assertEqual(arrival.outcome, "unchanged")
        looks = [("method_name", "=", "_job_look")]
        self.assertFalse(self.env["queue.job"].search(looks), "it is no sign")
        self.settle()
        self.assertFalse(self.products[0].active)
        self.assertTrue(mapping.deleted)

    def test_a_deletion_sends_nothing_back(self):
        self.push()
        mapping = self.mapping(self.products[0])
        self.delete_there("products", mapping.external_id)
        self.pull()
        self.env["sync.operation"].search([]).unlink()
        self.push()
        self.assertFalse(self.operations())

    def test_deleted_in_odoo_while_changed_there_the_change_is_kept(self):
        self.push()
        mapping = self.mapping(self.products[0])
        self.app.edit("products", mapping.external_id, name="Amoxicillin forte")
        self.products[0].unlink()
        self.push()
        self.settle()
        self.assertTrue(mapping.deleted)
        line = mapping.conflict_ids.line_ids
        self.assertEqual((line.field, line.pharmacy), ("name", "Amoxicillin forte"))
        self.assertEqual(line.reason, "Deleted in Odoo.")
        self.assertEqual(len(self.app.items("products")), 2)

    def test_taken_out_of_the_archive_it_is_made_anew_there(self):
        self.push()
        mapping = self.mapping(self.products[0])
        gone = mapping.external_id
        self.delete_there("products", gone)
        self.pull()
        self.push()
        self.products[0].active = True
        self.settle()
        self.assertEqual(self.at_app(self.products[0])["name"], "Amoxicillin 50 mg")
        self.assertNotEqual(self.mapping(self.products[0]).external_id, gone)
        # The tombstone is still known: an old update of it makes no second product.
        self.stream("product")._apply(
            [{"id": gone, "version": 1, "name": "Old", "barcode": "999"}], "late"
        )
        self.assertFalse(self.env["product.product"].search([("name", "=", "Old")]))

    def test_made_anew_there_it_is_the_same_product_here(self):
        self.push()
        mapping = self.mapping(self.products[0])
        record = self.app.get("products", mapping.external_id)
        self.delete_there("products", mapping.external_id)
        self.pull()
        self.app.add(
            "products", name="Amoxicillin new", barcode=record["barcode"], cost="7.00"
        )
        self.settle()
        self.assertTrue(self.products[0].active)
        self.assertEqual(self.products[0].name, "Amoxicillin new")
        self.assertEqual(self.products[0].standard_price, 7)
        self.assertEqual(self.products[0].sync_state, "synced")
        self.assertEqual(len(self.app.items("products")), 3)

    def test_an_order_taken_up_again_is_made_anew_there(self):
        order = self.make_order()
        self.push()
        gone = self.mapping(order).external_id
        self.delete_there("purchase-orders", gone)
        self.pull()
        self.assertEqual(order.state, "cancel")
        order.button_draft()
        self.settle()
        self.assertEqual(self.at_app(order)["state"], "draft")
        self.assertEqual(len(self.at_app(order)["lines"]), 3)
        self.assertEqual(len(self.app.items("purchase-orders")), 1)

    def test_an_app_that_takes_a_deletion_back(self):
        self.push()
        mapping = self.mapping(self.products[0])
        record = self.app.get("products", mapping.external_id)
        self.delete_there("products", mapping.external_id)
        self.pull()
        back = {**record, "version": record["version"] + 2}
        self.stream("product")._apply([back], "revived")
        self.assertTrue(self.products[0].active)
        self.assertFalse(mapping.deleted)

    def test_an_app_that_takes_back_the_deletion_of_what_odoo_has_not_any_more(self):
        self.push()
        mapping = self.mapping(self.products[0])
        record = self.app.get("products", mapping.external_id)
        self.products[0].unlink()
        self.push()
        self.assertTrue(mapping.deleted)
        for number, values in enumerate(({}, {"name": "Amoxicillin new"}), 2):
            back = {**record, **values, "version": record["version"] + number}
            (arrival,) = self.stream("product")._apply([back], "revived")
            with self.subTest(values=values):
                self.assertEqual(arrival.outcome, "created")
                self.assertEqual(mapping._record().name, back["name"])
                self.assertEqual(mapping._record().barcode, back["barcode"])
                self.assertFalse(mapping.deleted)
                # Both sides are known to have it, and it was not made here.
                self.assertEqual(mapping.version, back["version"])
                self.assertEqual(mapping.base["name"], back["name"])
                self.assertTrue(mapping.arrived)
                self.assertEqual(mapping._record().sync_state, "synced")
            mapping._record().unlink()
            self.push()


@tagged("post_install", "-at_install")
class TestOrderTravels(Lifecycle):
    """What may change in an order arrives as it is, both ways."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dozen = cls.env.ref("uom.product_uom_dozen")
        cls.foreign = cls.env.ref("base.CHF")
        cls.foreign.active = True
        cls.other = cls.env["res.partner"].create(
            {"name": "Farmacia Sur", "is_company": True, "supplier_rank": 1}
        )

    def setUp(self):
        super().setUp()
        self.order = self.make_order()
        self.push()
        self.link = self.mapping(self.order)
        self.push()

    def edit(self, **values):
        self.app.edit("purchase-orders", self.link.external_id, **values)
        self.pull()

    def assert_in_step(self):
        self.settle()
        self.assertEqual(self.order.sync_state, "synced")
        self.assertFalse(self.link.conflict_ids)

    def test_lines_in_another_order_are_no_change(self):
        first, last = self.order.order_line[0], self.order.order_line[2]
        first.sequence, last.sequence = 99, 1
        self.env["sync.operation"].search([]).unlink()
        self.push()
        lines = self.at_app(self.order)["lines"]
        self.edit(lines=lines[::-1])
        self.push()
        self.assertFalse(self.operations())
        self.assertEqual(self.order.order_line[0], last)

    def test_lines_are_distinguished_by_key_and_not_by_place(self):
        """The trap: lines merged by position."""
        lines = self.at_app(self.order)["lines"]
        extra = {**lines[0], "key": "ln_extra", "quantity": "7.00"}
        self.order.order_line[0].unlink()
        self.edit(lines=[extra, *lines])
        self.assert_in_step()
        self.assertEqual(sorted(self.order.order_line.mapped("product_qty")), [2, 2, 7])
        theirs = {line["key"] for line in self.at_app(self.order)["lines"]}
        self.assertEqual(theirs, {"ln_extra", lines[1]["key"], lines[2]["key"]})

    def test_supplier_changed_in_odoo(self):
        self.order.partner_id = self.other
        self.assert_in_step()
        self.assertEqual(
            self.at_app(self.order)["supplier_id"],
            self.mapping(self.other).external_id,
        )

    def test_supplier_changed_there_takes_no_prices_along(self):
        self.products[0].seller_ids = [
            Command.create({"partner_id": self.other.id, "price": 99})
        ]
        line = self.order.order_line[0]
        line.write({"price_unit": 12.5, "technical_price_unit": 12.5})
        self.edit(supplier_id=self.mapping(self.other).external_id)
        self.assertEqual(self.order.partner_id, self.other)
        self.assertEqual(self.order.order_line.mapped("price_unit"), [12.5] * 3)
        self.assert_in_step()
        self.assertEqual(self.at_app(self.order)["lines"][0]["unit_price"], "12.50")

    def test_unit_of_measure_changed_in_odoo(self):
        self.order.order_line[0].product_uom_id = self.dozen
        self.assert_in_step()
        self.assertEqual(self.at_app(self.order)["lines"][0]["uom"], self.dozen.name)

    def test_unit_of_measure_changed_there(self):
        lines = self.at_app(self.order)["lines"]
        lines[0].update(uom=self.dozen.name, quantity="3.00", unit_price="140.00")
        self.edit(lines=lines)
        line = self.order.order_line[0]
        self.assertEqual(
            (line.product_uom_id, line.product_qty, line.price_unit),
            (self.dozen, 3, 140),
        )
        self.assert_in_step()

    def test_currency_changed_in_odoo_with_its_amounts_in_one_go(self):
        self.order.write(
            {
                "currency_id": self.foreign.id,
                "order_line": [
                    Command.update(line.id, {"price_unit": 20})
                    for line in self.order.order_line
                ],
            }
        )
        version = self.at_app(self.order)["version"]
        self.assert_in_step()
        theirs = self.at_app(self.order)
        self.assertEqual(theirs["currency"], self.foreign.name)
        self.assertEqual({line["unit_price"] for line in theirs["lines"]}, {"20.00"})
        self.assertEqual(theirs["version"], version + 1)

    def test_currency_changed_there_with_its_amounts_in_one_go(self):
        lines = self.at_app(self.order)["lines"]
        for line in lines:
            line["unit_price"] = "20.00"
        self.edit(currency=self.foreign.name, lines=lines)
        self.assertEqual(self.order.currency_id, self.foreign)
        self.assertEqual(self.order.order_line.mapped("price_unit"), [20] * 3)
        self.assertEqual(self.order.amount_untaxed, 120)
        self.assert_in_step()

    def test_product_unknown_there_goes_first(self):
        product = self.env["product.product"].create({"name": "New here"})
        self.order.order_line = [
            Command.create(
                {"product_id": product.id, "product_qty": 1, "price_unit": 1}
            )
        ]
        self.assert_in_step()
        self.assertEqual(
            self.at_app(self.order)["lines"][3]["product_id"],
            self.mapping(product).external_id,
        )

    def test_a_pull_ends_there(self):
        """The trap: a pull that triggers a push that triggers a pull."""
        self.edit(notes="Ring twice")
        self.settle()
        before = len(self.app.requests())
        version = self.at_app(self.order)["version"]
        for __ in range(3):
            self.sync()
        # Each round asks each of the three streams once for changes, and no more.
        made = [r["path"].partition("?")[0] for r in self.app.requests()[before:]]
        self.assertEqual(made.count("/api/v1/changes"), 9)
        self.assertEqual(len(made), 10, made)
        self.assertEqual(self.at_app(self.order)["version"], version)

    def test_a_push_ends_here(self):
        self.order.note = "Ring twice"
        self.settle()
        write_date = self.order.write_date
        version = self.at_app(self.order)["version"]
        self.env["sync.operation"].search([]).unlink()
        self.settle()
        self.assertFalse(self.operations())
        self.assertEqual(self.at_app(self.order)["version"], version)
        self.assertEqual(self.order.write_date, write_date)

    def test_a_correlation_id_that_came_stays(self):
        """The trap: one's own id written over the caller's."""
        theirs = self.at_app(self.order)
        theirs["lines"][0]["quantity"] = "8.00"
        self.order.order_line[0].product_qty = 5
        self.order.order_line[1].product_qty = 6
        version = theirs["version"] + 1
        self.app.edit("purchase-orders", theirs["id"], lines=theirs["lines"])
        answer = (
            self.env["sync.api"]
            .with_user(self.api_user)
            .push(
                "purchase_order",
                [{**theirs, "version": version}],
                correlation_id="from-the-pharmacy",
            )
        )
        self.assertEqual(answer["correlation_id"], "from-the-pharmacy")
        conflict = self.link._open_conflict()
        self.assertEqual(conflict.correlation_id, "from-the-pharmacy")
        operation = self.operations(state="pending")
        self.assertEqual(operation.correlation_id, "from-the-pharmacy")
        before = len(self.app.requests())
        self.backend._as_runner()._job_push()
        sent = [r for r in self.app.requests()[before:] if r["method"] == "POST"]
        self.assertEqual({r["correlation_id"] for r in sent}, {"from-the-pharmacy"})


@tagged("post_install", "-at_install")
class TestArrival(Lifecycle):
    """Orders find what they refer to, or wait for it; known ones are not doubled."""

    def make_there(self, supplier, product, **values):
        line = {
            "key": "ln_1",
            "product_id": product,
            "description": "Meloxicam",
            "quantity": "4.00",
            "uom": "Units",
            "unit_price": "21.30",
        }
        return self.app.add(
            "purchase-orders",
            **{
                "supplier_id": supplier,
                "currency": self.currency,
                "lines": [line],
                **values,
            },
        )

    def test_an_order_before_its_supplier_waits_and_lands(self):
        supplier = self.app.add("suppliers", name="Farmacia Sur")
        product = self.app.add("products", name="Meloxicam")
        theirs = self.make_there(supplier["id"], product["id"])
        partners = self.env["res.partner"].search_count([])
        self.stream("purchase_order")._pull()
        self.assertFalse(self.ours(theirs["id"]))
        operation = self.operations(kind="apply")
        self.assertEqual((operation.state, operation.attempts), ("waiting", 0))
        # The trap: a supplier made up for it.
        self.assertEqual(self.env["res.partner"].search_count([]), partners)
        self.pull()
        self.assertFalse(self.ours(theirs["id"]), "it is not its time yet")
        self.make_due()
        self.pull()
        self.assertEqual(self.ours(theirs["id"]).partner_id.name, "Farmacia Sur")
        self.assertEqual(operation.state, "done")

    def test_an_order_of_a_supplier_that_nobody_has_makes_none_up(self):
        (arrival,) = self.stream("purchase_order")._apply(
            [
                {
                    "id": "po_x",
                    "supplier_id": "sup_nobody",
                    "reference": "X",
                    "state": "draft",
                    "lines": [],
                }
            ],
            "x",
        )
        self.assertEqual(arrival.outcome, "failed")
        self.assertEqual(arrival.error.entity, "supplier")
        self.assertEqual(arrival.error.field, "supplier_id")

    def test_an_order_of_a_supplier_that_odoo_has_deleted(self):
        """It fails by name, beside others that land."""
        gone, other = self.env["res.partner"].create(
            [
                {"name": name, "is_company": True, "supplier_rank": 1}
                for name in ("Gone", "Other")
            ]
        )
        self.push()
        ids = [self.mapping(partner).external_id for partner in (gone, other)]
        product = self.app.add("products", name="Meloxicam")
        self.pull()
        theirs = [self.make_there(each, product["id"]) for each in ids]
        gone.unlink()
        self.pull()
        self.assertFalse(self.ours(theirs[0]["id"]))
        self.assertEqual(self.ours(theirs[1]["id"]).partner_id, other)
        (operation,) = self.operations(kind="apply")
        self.assertEqual(operation.state, "dead")
        self.assertIn(f"supplier_id: {ids[0]} was deleted", operation.error_ids.message)

    def known_order(self, **values):
        """An order that both sides have and neither knows the other's of."""
        self.push()
        stream = self.stream("purchase_order")
        stream.direction = "pull"
        order = self.make_order(origin="PH777", **values)
        self.push()
        self.assertFalse(self.mapping(order))
        stream.direction = "both"
        lines = [
            {
                "key": f"ln_{number}",
                "product_id": self.mapping(product).external_id,
                "description": product.display_name,
                "quantity": "2.00",
                "uom": product.uom_id.name,
                "unit_price": "12.50",
            }
            for number, product in enumerate(self.products)
        ]
        supplier = self.env["sync.mapping"].search(
            [("res_model", "=", "res.partner"), ("res_id", "=", self.supplier.id)]
        )
        return order, self.make_there(
            supplier.external_id, None, reference="PH777", lines=lines[::-1]
        )

    def test_an_order_of_the_same_reference_and_supplier_is_the_same(self):
        order, theirs = self.known_order()
        self.pull()
        self.assertEqual(self.ours(theirs["id"]), order)
        # Its lines are paired by product, not doubled, and not by their place.
        self.assertEqual(len(order.order_line), 3)
        self.assertEqual(order.order_line.mapped("sync_key"), ["ln_0", "ln_1", "ln_2"])
        fields = set(self.mapping(order)._open_conflict().line_ids.mapped("field"))
        self.assertLessEqual(fields, {"ordered_at", "expected_at"})

    def test_an_order_of_another_supplier_is_another(self):
        order, theirs = self.known_order()
        order.partner_id = self.env["res.partner"].create({"name": "Other"})
        self.pull()
        self.assertNotEqual(self.ours(theirs["id"]), order)

    def test_where_two_could_be_meant_nobody_guesses(self):
        order, theirs = self.known_order()
        twin = order.copy({"origin": "PH777"})
        self.pull()
        self.assertNotIn(self.ours(theirs["id"]), order | twin)

    def test_an_order_that_was_cancelled_here_is_another(self):
        order, theirs = self.known_order()
        order.button_cancel()
        self.pull()
        self.assertNotEqual(self.ours(theirs["id"]), order)
