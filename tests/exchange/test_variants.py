from odoo import Command
from odoo.tests import tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestVariants(SyncCase):
    """Variants of one template are products of the pharmacy that differ by name."""

    def setUp(self):
        super().setUp()
        self.size = self.env["product.attribute"].create(
            {"name": "Size", "value_ids": [Command.create({"name": n}) for n in "SML"]}
        )
        self.template = self.env["product.template"].create({"name": "Collar"})
        self.push()

    def give_sizes(self, *names):
        values = self.size.value_ids.filtered(lambda value: value.name in names)
        line = {"attribute_id": self.size.id, "value_ids": [Command.set(values.ids)]}
        self.template.attribute_line_ids = [Command.create(line)]
        self.settle()
        return self.template.product_variant_ids

    def settle(self):
        for __ in range(3):
            self.make_due()
            self.sync()

    def names(self):
        """At the pharmacy, of the variants that are in use."""
        return sorted(self.at_app(v)["name"] for v in self.template.product_variant_ids)

    def test_a_product_without_variants_goes_by_its_name(self):
        self.assertEqual(self.names(), ["Collar"])
        self.give_sizes("S")
        self.assertEqual(self.names(), ["Collar"])

    def test_each_variant_says_which_it_is(self):
        self.give_sizes("S", "L")
        self.assertEqual(self.names(), ["Collar (L)", "Collar (S)"])
        self.assertFalse(self.operations(state="dead"))

    def test_a_further_value_renames_the_one_that_was_alone(self):
        self.give_sizes("S")
        line = self.template.attribute_line_ids
        medium = self.size.value_ids[1]
        self.template.attribute_line_ids = [
            Command.update(line.id, {"value_ids": [Command.link(medium.id)]})
        ]
        self.settle()
        self.assertEqual(self.names(), ["Collar (M)", "Collar (S)"])

    def test_a_template_that_is_renamed_renames_all(self):
        self.give_sizes("S", "L")
        self.template.name = "Harness"
        self.settle()
        self.assertEqual(self.names(), ["Harness (L)", "Harness (S)"])

    def test_the_pharmacy_renames_all_if_it_says_which_one(self):
        small, __ = self.give_sizes("S", "L")
        self.app.edit("products", self.at_app(small)["id"], name="Harness (S)")
        self.settle()
        self.assertEqual(self.template.name, "Harness")
        self.assertEqual(self.names(), ["Harness (L)", "Harness (S)"])

    def test_a_name_of_one_variant_is_no_name_of_the_others(self):
        small, __ = self.give_sizes("S", "L")
        for name in ("Collar small", "(S)"):
            self.app.edit("products", self.at_app(small)["id"], name=name, cost="3.00")
            self.settle()
            self.assertEqual(self.template.name, "Collar")
            self.assertEqual(small.standard_price, 3)
            # Nobody's name changes without a person, on either side.
            self.assertEqual(self.names(), sorted(["Collar (L)", name]))

    def test_an_arrival_that_odoo_does_not_keep_is_said(self):
        small, __ = self.give_sizes("S", "L")
        record = self.app.edit(
            "products", self.at_app(small)["id"], name="Collar small"
        )
        stream = self.mapping(small).stream_id
        (arrival,) = stream._apply([record], "renamed")
        self.assertIn("Collar (S)", " ".join(arrival.warnings))

    def test_variants_say_it_in_the_language_of_the_backend(self):
        self.env["res.lang"]._activate_lang("es_ES")
        self.size.value_ids[0].with_context(lang="es_ES").name = "P"
        self.give_sizes("S", "L")
        self.assertEqual(self.names(), ["Collar (L)", "Collar (S)"])
