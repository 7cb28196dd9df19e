from odoo.tests import new_test_user, tagged

from ...core import said
from ..common import SyncCase

SPANISH = "es_ES"
GROUPS = "purchase.group_purchase_user,pharmacy_sync.group_operator"


@tagged("post_install", "-at_install")
class TestSentence(SyncCase):
    """Each reads in their own language what another person, or a job, has kept; and
    where to correct what is wrong."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang(SPANISH)
        cls.ana = new_test_user(cls.env, "ana", GROUPS, lang=SPANISH)
        cls.bob = new_test_user(cls.env, "bob", GROUPS, lang="en_US")

    def dead(self):
        order = self.make_order(quantity=-1.0)
        self.push()
        return order, self.operations(mapping_id=self.mapping(order).id, state="dead")

    def as_read(self, record, name, user):
        own = record.with_user(user).with_context(lang=user.lang)
        return own.read([name])[0][name]

    def test_each_reads_a_reason_in_their_own_language(self):
        __, dead = self.dead()
        dead.with_user(self.ana).with_context(lang=SPANISH).action_discard("Por error")
        name = self.ana.name
        english = f"Discarded by {name}: Por error"
        spanish = f"Descartada por {name}: Por error"
        self.assertEqual(dead.reason, english)
        for field in ("reason", "why"):
            self.assertEqual(self.as_read(dead, field, self.bob), english)
            self.assertEqual(self.as_read(dead, field, self.ana), spanish)

    def test_what_another_program_said_is_read_as_it_said_it(self):
        __, dead = self.dead()
        dead.reason = "Die Bestellung ist gesperrt."
        self.assertEqual(
            self.as_read(dead, "reason", self.ana), "Die Bestellung ist gesperrt."
        )

    def test_it_is_said_which_field_to_correct_and_where(self):
        order, dead = self.dead()
        operator = dead.with_user(self.bob)
        self.assertEqual(
            operator.advice,
            f"Correct Line 1, Quantity on {order.name}, or with Edit, then retry.",
        )
        self.assertEqual(
            operator.error_group_id.advice,
            "Correct Quantity on the record, or with Edit, then retry.",
        )

    def test_what_arrived_is_corrected_at_the_pharmacy(self):
        self.app.add("products", name="Odd", uom="Barrels of Nowhere")
        self.pull()
        dead = self.operations(kind="apply", state="dead").with_user(self.bob)
        self.assertEqual(
            dead.advice,
            "Correct Unit of measure at the pharmacy, or here with Edit, then retry.",
        )

    def test_why_it_is_tried_again_is_found_with_its_parts(self):
        kept = said.say(
            said.BY_POLICY,
            sentence="It may succeed later.",
            name="Default",
            attempt=1,
            most=3,
        )
        spanish = self.env["sync.error"].with_context(lang=SPANISH)._in_language(kept)
        self.assertNotIn("It may succeed later", spanish)
