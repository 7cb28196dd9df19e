from odoo.tests import new_test_user, tagged

from ...core import said
from ...entities.sentence import in_language
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

    def test_receipts_of_deliveries_are_read_in_each_language(self):
        channel = self.env["sync.alert.channel"].search([], limit=1)
        delivery = self.env["sync.delivery"].create(
            {
                "channel_id": channel.id,
                "company_id": self.env.company.id,
                "kind": "test",
                "title": said.TEST,
            }
        )
        delivery.with_user(self.ana).with_context(lang=SPANISH).action_cancel()
        english = f"Cancelled by {self.ana.name}."
        self.assertEqual(delivery.answer, english)
        self.assertEqual(self.as_read(delivery, "answer", self.bob), english)
        self.assertIn(self.ana.name, self.as_read(delivery, "answer", self.ana))
        self.assertNotEqual(self.as_read(delivery, "answer", self.ana), english)
        self.assertNotEqual(self.as_read(delivery, "what", self.ana), "Test")

    def test_what_a_person_did_is_read_in_each_language(self):
        """Its name is a subtype's, which Odoo translates for each reader."""
        manager = new_test_user(
            self.env, "eva", "pharmacy_sync.group_manager", lang=SPANISH
        )
        backend = self.backend.with_user(manager).with_context(lang=SPANISH)
        backend.action_drop_connections()
        note = self.backend.message_ids[0]
        self.assertFalse(note.body)
        self.assertEqual(note.subtype_id.description, "Connections dropped")
        self.assertEqual(note.author_id, manager.partner_id)

    def test_of_several_sentences_each_is_read(self):
        kept = said.together(
            said.say(said.TRANSACTION_OPEN, 400), said.say(said.CLOCK_DIFFERS, 9)
        )
        read = in_language(self.env(context={"lang": SPANISH}), kept)
        for text in ("A transaction", "clock differs", said.BETWEEN):
            self.assertNotIn(text, read)
        self.assertIn("400", read)
        self.assertEqual(
            in_language(self.env, kept),
            "A transaction is open for 400 s. Odoo's clock differs by 9 s.",
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
