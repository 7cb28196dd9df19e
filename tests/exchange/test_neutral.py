"""Who happens to run decides nothing: the same is compared, written and sent."""

import random

from odoo import Command
from odoo.tests import Form, new_test_user, tagged

from ...entities.neutral import neutral
from ..common import KEY, SyncCase, WorkCase

ROLES = ",".join(
    (
        "pharmacy_sync.group_manager",
        "purchase.group_purchase_user",
        "product.group_product_manager",
    )
)
NAMES = {"en_US": "Amoxicillin 50 mg", "es_ES": "Amoxicilina 50 mg"}
# What a client, an action or another addon may send along.
CONTEXT = {
    "lang": "es_ES",
    "tz": "Pacific/Kiritimati",
    "active_test": False,
    "bin_size": True,
    "prefetch_fields": False,
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_notrack": True,
    "import_file": True,
    "edit_translations": True,
    "skip_uom_conversion": True,
    # What names of records are made of.
    "formatted_display_name": True,
    "show_address": True,
    "show_vat": True,
    "default_active": False,
    "default_name": "x",
    "default_state": "purchase",
    "default_step": "done",
    "default_user_id": 1,
    "default_sync_key": "x",
    "default_external_id": "x",
    "default_version": 99,
    "default_kind": "pull",
    "default_key": "x",
    "default_note": "x",
    "default_discount": 50,
    "default_res_id": 1,
    "default_company_id": 1,
    "default_currency_id": 1,
    "default_partner_id": 1,
    "default_product_id": 1,
}


class NeutralCase(WorkCase):
    """A backend that speaks English, in a database where people speak Spanish too.

    Whatever a test does, a job included, it does as :attr:`user` and within
    :attr:`context`.
    """

    user_lang = "en_US"
    context = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("es_ES")
        cls.env["uom.uom"].browse(cls.products.uom_id.ids).with_context(
            lang="es_ES"
        ).name = "Unidades"
        cls.product = cls.products[0]
        cls.product.with_context(lang="es_ES").name = NAMES["es_ES"]
        cls.other = cls.env["res.company"].create({"name": "Other Clinic"})
        companies = cls.other + cls.env.company
        cls.user = new_test_user(
            cls.env,
            "person",
            ROLES,
            lang=cls.user_lang,
            company_id=companies[0].id,
            company_ids=[Command.set(companies.ids)],
        )
        cls.api_user.write(
            {"lang": cls.user_lang, "company_ids": [Command.set(companies.ids)]}
        )
        # The other company first, as in its users' sessions.
        cls.context = {**cls.context, "allowed_company_ids": companies.ids}

    def setUp(self):
        super().setUp()
        self.push()

    def person(self, record):
        return record.with_user(self.user).with_context(**self.context)

    def api(self):
        Api = self.env["sync.api"].with_user(self.api_user)
        return Api.with_context(**self.context)

    def push(self):
        self.env.flush_all()
        self.env.cr.flush()
        self.person(self.backend).sudo()._job_push()
        self.env.invalidate_all()

    def pull(self):
        self.env.flush_all()
        self.env.cr.flush()
        self.person(self.backend).sudo()._job_pull()
        self.env.invalidate_all()

    def run_job(self, work):
        self.env.cr.flush()
        self.person(work).sudo()._job_work()
        self.env.invalidate_all()
        return work

    def names(self, record=None):
        """What the app has, and Odoo in each language."""
        record = record or self.product
        langs = [record.with_context(lang=lang).name for lang in NAMES]
        return (self.at_app(record)["name"], *langs)

    def edit(self, **values):
        self.app.edit("products", self.mapping(self.product).external_id, **values)

    def conflict(self):
        """Both sides gave the product another name."""
        self.edit(name="Theirs")
        self.product.with_context(lang="en_US").name = "Ours"
        self.pull()
        conflict = self.mapping(self.product)._open_conflict()
        self.assertTrue(conflict)
        return self.person(conflict)


class Walk:
    """Every entrance. What is expected is the same for everybody."""

    # -- A person decides -------------------------------------------------------------

    def test_odoo_is_kept(self):
        self.conflict().action_keep_odoo()
        self.sync()
        self.assertEqual(self.names(), ("Ours", "Ours", NAMES["es_ES"]))

    def test_the_pharmacy_is_taken(self):
        self.conflict().action_take_pharmacy()
        self.sync()
        self.assertEqual(self.names(), ("Theirs", "Theirs", NAMES["es_ES"]))

    def test_a_value_of_ones_own(self):
        conflict = self.conflict()
        reported = conflict.compare()
        (row,) = reported["rows"]
        self.assertEqual(row["odoo"]["text"], "Ours")
        choices = {"name": {"choice": "manual", "value": "Third"}}
        foreseen = conflict.preview(choices)
        self.assertEqual(foreseen["results"], {"name": "Third"})
        answer = conflict.resolve(choices, reported["fingerprint"], "agreed by phone")
        self.assertEqual(answer["outcome"], "resolved")
        self.sync()
        self.assertEqual(self.names(), ("Third", "Third", NAMES["es_ES"]))
        self.assertEqual(conflict.sudo().resolved_by_id, self.user)

    def test_a_cost_is_that_of_the_backends_company(self):
        self.edit(cost="7.00")
        self.product.standard_price = 6
        self.pull()
        conflict = self.person(self.mapping(self.product)._open_conflict())
        conflict.action_take_pharmacy()
        self.sync()
        self.assertEqual(self.product.standard_price, 7)
        self.assertEqual(self.product.with_company(self.other).standard_price, 0)
        self.assertEqual(self.at_app(self.product)["cost"], "7.00")

    def test_what_is_kept_of_a_conflict_is_in_the_backends_language(self):
        self.edit(name="Theirs", code="THEIRS")
        self.product.write({"name": "Ours", "default_code": "OURS"})
        self.pull()
        conflict = self.person(self.mapping(self.product)._open_conflict())
        lang = self.context.get("lang") or "en_US"
        there = "Amoxicilina 50 mg" if lang == "es_ES" else "Ours"
        # How a name is laid out is the reader's own concern.
        seen = conflict.with_context(formatted_display_name=False)
        self.assertEqual(seen.display_name, f"[OURS] {there}")
        conflict.resolve({"code": {"choice": "odoo"}})
        self.assertEqual(conflict.name, "[OURS] Ours")

    def test_many_are_decided_at_once(self):
        conflict = self.conflict()
        wizard = self.person(self.env["sync.conflict.resolve"]).with_context(
            active_ids=conflict.ids, default_state="draft"
        )
        wizard = wizard.create({})
        wizard.field_ids.side = "pharmacy"
        wizard.action_apply()
        self.assertFalse(wizard.failures)
        self.sync()
        self.assertEqual(self.names(), ("Theirs", "Theirs", NAMES["es_ES"]))

    def test_the_pharmacy_decides_by_call(self):
        conflict = self.conflict()
        (reported,) = self.api().conflicts()["conflicts"]
        self.assertEqual(
            reported["fields"][0]["values"],
            {"base": NAMES["en_US"], "odoo": "Ours", "pharmacy": "Theirs"},
        )
        answer = self.api().resolve(
            conflict.id, side="pharmacy", fingerprint=reported["fingerprint"]
        )
        self.assertEqual((answer["success"], answer["state"]), (True, "resolved"))
        self.sync()
        self.assertEqual(self.names(), ("Theirs", "Theirs", NAMES["es_ES"]))

    def test_a_policy_that_decides_later(self):
        """The person's change of another field makes it look at the conflict again."""
        self.conflict()
        self.stream("product").conflict_policy = "pharmacy"
        self.person(self.product).default_code = "LATER"
        self.sync()
        self.assertEqual(self.names(), ("Theirs", "Theirs", NAMES["es_ES"]))
        self.assertEqual(self.at_app(self.product)["code"], "LATER")

    # -- Changes travel ---------------------------------------------------------------

    def test_another_field_takes_no_name_along(self):
        self.person(self.product).default_code = "NEW"
        self.sync()
        self.assertEqual(self.at_app(self.product)["code"], "NEW")
        self.assertEqual(self.names(), (NAMES["en_US"], *NAMES.values()))

    def test_a_name_of_the_pharmacys_arrives_in_the_backends_language(self):
        self.edit(name="Theirs")
        self.pull()
        self.assertEqual(self.names(), ("Theirs", "Theirs", NAMES["es_ES"]))

    def test_a_name_that_came_by_call_is_not_pushed_over(self):
        self.edit(name="Called")
        there = self.at_app(self.product)
        answer = self.api().push("product", [there])
        self.assertEqual(answer["results"][0]["operation"], "updated", answer)
        self.person(self.product).default_code = "LATER"
        self.sync()
        self.assertEqual(self.names(), ("Called", "Called", NAMES["es_ES"]))
        self.assertEqual(self.at_app(self.product)["code"], "LATER")

    def test_new_records_have_what_was_sent_and_no_defaults(self):
        supplier = {"id": "sup_new", "version": 1, "name": "Farmacia Sur"}
        product = {"id": "prd_new", "version": 1, "name": "Ibuprofen", "uom": "Units"}
        for entity, record in (("supplier", supplier), ("product", product)):
            answer = self.api().push(entity, [record])
            self.assertEqual(answer["results"][0]["operation"], "created", answer)
        line = {"key": "a", "product_id": "prd_new", "quantity": "1", "unit_price": "2"}
        order = {
            "id": "po_new",
            "version": 1,
            "reference": "PH1",
            "supplier_id": "sup_new",
            "state": "draft",
            "lines": [line],
        }
        answer = self.api().push("purchase_order", [order])
        self.assertEqual(answer["results"][0]["operation"], "created", answer)
        made = self.env["purchase.order"].search([("origin", "=", "PH1")])
        self.assertEqual((made.state, made.company_id), ("draft", self.env.company))
        self.assertEqual(made.currency_id, self.env.company.currency_id)
        self.assertEqual(made.partner_id.name, "Farmacia Sur")
        self.assertTrue(made.partner_id.active)
        self.assertEqual(made.order_line.product_id.name, "Ibuprofen")
        self.assertEqual(made.order_line.name, "Ibuprofen")

    def test_what_the_pharmacy_confirms_is_confirmed(self):
        """Odoo asks its own users for somebody else's approval, nobody else."""
        self.env.company.write(
            {"po_double_validation": "two_step", "po_double_validation_amount": 1}
        )
        order = self.make_order()
        self.push()
        self.app.edit(
            "purchase-orders", self.mapping(order).external_id, state="confirmed"
        )
        answer = self.api().push("purchase_order", [self.at_app(order)])
        self.assertEqual(answer["results"][0]["operation"], "updated", answer)
        self.assertEqual(order.state, "purchase")

    def test_changes_are_reported_in_the_backends_language(self):
        reported = self.api().changes("product")["changes"]
        (mine,) = [
            change for change in reported if change["odoo_id"] == self.product.id
        ]
        self.assertEqual(mine["data"]["name"], NAMES["en_US"])
        self.assertEqual(mine["data"]["uom"], "Units")

    def test_looked_up_while_the_app_is_down(self):
        external_id = self.mapping(self.product).external_id
        self.app.fault("error", status=503)
        (found,) = self.api().lookup("product", [external_id])["results"]
        self.assertEqual(found["source"], "odoo")
        self.assertEqual(found["value"]["name"], NAMES["en_US"])

    # -- Failed changes ---------------------------------------------------------------

    def dead_push(self):
        """A change that the app refused."""
        self.product.list_price = -1.0
        self.push()
        return self.operations(state="dead")

    def test_a_redrive_sends_the_name_in_the_backends_language(self):
        dead = self.dead_push()
        self.product.list_price = 3.0
        self.env["sync.event"].search([("state", "=", "pending")]).unlink()
        self.person(dead).action_plan_redrive()
        self.assertEqual(dead.comparison["verdict"], "update")
        self.person(dead).action_redrive()
        self.sync()
        self.assertEqual(dead.state, "done")
        self.assertEqual(self.names(), (NAMES["en_US"], *NAMES.values()))

    def test_a_redrive_of_several(self):
        dead = self.dead_push()
        self.products[1].list_price = -1.0
        self.push()
        dead |= self.operations(state="dead")
        self.products.list_price = 3.0
        self.env.cr.flush()
        redrive = self.env["sync.redrive"]
        self.person(dead).action_plan_redrive()
        redrive = redrive.search([])
        self.assertEqual(len(redrive.line_ids), 2)
        self.assertEqual(set(redrive.line_ids.mapped("state")), {"planned"})

    def test_a_correction_is_written_in_the_backends_language(self):
        dead = self.person(self.dead_push())
        values = {path: value for path, __, value in dead._editable()}
        self.assertEqual(values["name"], NAMES["en_US"])
        dead._edit({"name": "Corrected", "price": "3"})
        self.assertEqual(dead.sudo().note_ids.user_id, self.user)
        dead.action_redrive()
        self.sync()
        self.assertEqual(self.names(), ("Corrected", "Corrected", NAMES["es_ES"]))

    # -- Bringing together ------------------------------------------------------------

    def test_a_correction_of_lines_leaves_their_descriptions(self):
        order = self.make_order(quantity=-1.0)
        self.push()
        dead = self.person(self.operations(state="dead"))
        dead._edit({f"lines[{n}].quantity": "1.00" for n in range(3)})
        dead.action_redrive()
        self.sync()
        self.assertEqual(
            {line["quantity"] for line in self.at_app(order)["lines"]}, {"1.00"}
        )
        self.assertIn(NAMES["en_US"], order.order_line[0].name)

    def test_linked_by_hand(self):
        there = self.app.add("products", name="Ibuprofen", uom="Units", code="IBU")
        product = self.env["product.product"].create({"name": "Ibuprofen"})
        product.with_context(lang="es_ES").name = "Ibuprofeno"
        wizard = self.person(self.env["sync.link"]).create(
            {
                "stream_id": self.stream("product").id,
                "external_id": there["id"],
                "record": f"product.product,{product.id}",
            }
        )
        wizard.action_link()
        self.assertEqual(self.mapping(product).external_id, there["id"])
        self.assertFalse(
            self.mapping(product)
            ._open_conflict()
            .line_ids.filtered(lambda line: line.field == "name")
        )
        self.sync()
        self.assertEqual(self.names(product), ("Ibuprofen", "Ibuprofen", "Ibuprofeno"))
        self.assertEqual(product.default_code, "IBU")

    def test_a_broken_link(self):
        link = self.mapping(self.product)
        self.person(link).action_break_link()
        apply = self.operations(kind="apply", external_id=link.external_id)
        self.assertEqual(apply.state, "pending")
        self.assertEqual(apply.payload["name"], NAMES["en_US"])

    def test_initial_synchronisation(self):
        product = self.env["product.product"].create(
            {"name": "Ibuprofen", "default_code": "IBU"}
        )
        product.with_context(lang="es_ES").name = "Ibuprofeno"
        self.env.cr.flush()
        self.env["sync.event"].search([("state", "=", "pending")]).unlink()
        self.app.add("products", name="Ibuprofen", uom="Units", code="IBU")
        Initial = self.person(self.env["sync.initial"])
        work = Initial.with_context(default_state="draft").create(
            {"backend_id": self.backend.id, "stream_ids": self.stream("product").ids}
        )
        work = self.person(work)
        work.action_preview()
        self.run_job(work)
        line = work.line_ids.filtered(lambda line: line.res_id == product.id)
        self.assertEqual(line.action, "link")
        self.assertNotIn("name", line.differs or "")
        self.assertEqual(line.odoo_name, "[IBU] Ibuprofen")
        work.action_start()
        self.run_job(work)
        self.assertEqual((work.state, work.failed_count), ("done", 0))
        self.sync()
        self.assertEqual(self.names(product), ("Ibuprofen", "Ibuprofen", "Ibuprofeno"))

    def test_reconciled_and_repaired(self):
        self.person(self.stream("product")).action_reconcile()
        work = self.env["sync.reconciliation"].search([])
        self.assertEqual(work.state, "running")
        self.run_job(work)
        self.assertEqual(work.state, "done", work.reason)
        self.assertFalse(work.drift_ids)
        self.product.product_tmpl_id.flush_recordset()
        self.env.cr.execute(
            "UPDATE product_template SET name = name || %s::jsonb WHERE id = %s",
            ('{"en_US": "By SQL"}', self.product.product_tmpl_id.id),
        )
        self.env.invalidate_all()
        self.person(self.stream("product")).action_reconcile()
        work = self.env["sync.reconciliation"].search([], limit=1)
        self.run_job(work)
        drift = self.person(work.drift_ids)
        self.assertEqual(drift.pharmacy, {"name": NAMES["en_US"]})
        drift.repair = "pull"
        drift.action_repair()
        self.run_job(work)
        self.assertEqual(drift.state, "repaired", drift.reason)
        self.sync()
        self.assertEqual(self.names(), (NAMES["en_US"], *NAMES.values()))

    # -- What is reserved -------------------------------------------------------------

    def test_a_reservation(self):
        order = self.make_order()
        self.push()
        self.backend.copy({"name": "Archived", "active": False, "user_id": False})
        self.person(order).with_company(self.env.company).action_sync_reserve()
        saga = order.sync_saga_ids
        self.assertEqual((saga.state, saga.backend_id), ("pending", self.backend))
        while saga.state in ("pending", "running"):
            self.person(saga).sudo()._job_step()
            self.env.invalidate_all()
        self.assertEqual(saga.state, "completed", saga.error)

    def test_an_order_that_the_pharmacy_asks_for(self):
        line = {
            "key": "a",
            "product_id": self.mapping(self.product).external_id,
            "quantity": "1",
            "unit_price": "2",
        }
        order = self.make_order()
        self.push()
        supplier_id = self.at_app(order)["supplier_id"]
        record = {"reference": "PH2", "supplier_id": supplier_id, "lines": [line]}
        saga = self.env["sync.saga"].browse(self.api().order(record, "key-1")["saga"])
        self.person(saga).sudo()._job_step()
        self.env.invalidate_all()
        made = saga.order_id
        self.assertEqual((made.state, made.company_id), ("draft", self.env.company))
        self.assertIn(NAMES["en_US"], made.order_line.name)

    # -- Who follows ------------------------------------------------------------------

    def test_an_archived_stream_is_followed_by_nobody(self):
        """Not even after somebody who sees archived records was the first to write."""
        self.stream("product").active = False
        self.person(self.product).default_code = "QUIET"
        self.env.cr.flush()
        self.assertFalse(
            self.env["sync.event"].search(
                [("res_id", "=", self.product.id), ("state", "=", "pending")]
            )
        )

    def test_archived_rules_are_nobodys(self):
        kept = self.env["sync.conflict.rule"].create(
            {
                "kind": "text",
                "paths": "name",
                "reason": "Not any more.",
                "active": False,
            }
        )
        policies = self.person(self.stream("product")).sudo()._policies()
        self.assertNotIn(kept.reason, {rule.reason for rule in policies.rules})
        alert = self.env["sync.alert.rule"].search([], limit=1)
        alert.active = False
        rules = self.person(alert).sudo()._rules()
        self.assertNotIn(alert.id, {rule.id for rule in rules})

    def test_an_archived_backend_is_not_to_be_called(self):
        self.backend.active = False
        answer = self.api().health()
        self.assertFalse(answer["success"])
        self.assertEqual(answer["error"]["type"], "insufficient_permissions")


@tagged("post_install", "-at_install")
class TestNeutralEnvironment(SyncCase):
    def test_nothing_of_a_context_gets_in(self):
        """Whatever is drawn: the same values are read, and the same is made."""
        self.env["res.lang"]._activate_lang("es_ES")
        product = self.products[0]
        product.with_context(lang="es_ES").name = "Amoxicilina"
        odd = {**CONTEXT, "display_default_code": False, "partner_id": 1, "uid": 1}
        bare = product.with_env(product.env(context={}))
        plain = neutral(bare, self.backend)
        draw = random.Random(20261129)
        for __ in range(50):
            names = draw.sample(sorted(odd), draw.randint(1, len(odd)))
            context = {name: odd[name] for name in names}
            context["allowed_company_ids"] = draw.choice(([], [99], [99, 1]))
            inside = neutral(product.with_context(**context), self.backend)
            self.assertEqual(inside.env.context, plain.env.context, names)
            self.assertEqual(inside.display_name, plain.display_name)
        kept = {"job_uuid": "a", "sync_correlation_id": "b"}
        inside = neutral(product.with_context(**odd, **kept), self.backend)
        self.assertEqual(dict(inside.env.context), {**plain.env.context, **kept})


@tagged("post_install", "-at_install")
class TestNeutralEnglish(Walk, NeutralCase):
    """Somebody whose language is the backend's."""

    allow_inherited_tests_method = True


@tagged("post_install", "-at_install")
class TestNeutralSpanish(Walk, NeutralCase):
    """Somebody of another language, with what comes along in a context."""

    allow_inherited_tests_method = True
    user_lang = "es_ES"
    context = CONTEXT


@tagged("post_install", "-at_install")
class TestNeutralLanguage(SyncCase):
    """The backend's language is the one that travels."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("es_ES")
        cls.product = cls.products[0]
        cls.spanish = cls.product.with_context(lang="es_ES")
        cls.english = cls.product.with_context(lang="en_US")
        cls.env.company.partner_id.lang = "es_ES"

    def speak_spanish(self):
        """Connect a backend of a company that speaks Spanish."""
        self.backend.lang = "es_ES"
        self.push()

    def name_there(self):
        return self.at_app(self.product)["name"]

    def test_a_new_backend_speaks_its_companys_language(self):
        values = {"name": "Second", "url": self.app.url}
        self.assertEqual(self.backend.create(values).lang, "es_ES")
        other = self.env["res.company"].create({"name": "Other Clinic"})
        other.partner_id.lang = "en_US"
        backend = self.backend.create({**values, "company_id": other.id})
        self.assertEqual(backend.lang, "en_US")
        backend = self.backend.create({**values, "lang": "en_US"})
        self.assertEqual(backend.lang, "en_US")

    def test_whoever_connects_is_shown_it_and_may_choose_another(self):
        form = Form(self.env["sync.backend.connect"])
        form.name, form.url, form.api_key = "Second", self.app.url, KEY
        form.internal = True
        self.assertEqual(form.lang, "es_ES")
        form.lang = "en_US"
        wizard = form.save()
        wizard.action_test()
        wizard.action_connect()
        backend = self.backend.search([("name", "=", "Second")])
        self.assertEqual(backend.lang, "en_US")

    def test_a_backend_from_before_goes_on_in_english(self):
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE sync_backend ALTER lang DROP NOT NULL")
        self.env.cr.execute("UPDATE sync_backend SET lang = NULL")
        self.backend._init_column("url")
        self.env.invalidate_all()
        self.assertFalse(self.backend.lang, "another column is another matter")
        self.backend._init_column("lang")
        self.env.invalidate_all()
        self.assertEqual(self.backend.lang, "en_US")

    def test_names_travel_in_it_both_ways(self):
        self.speak_spanish()
        self.spanish.name = "Amoxicilina"
        self.push()
        self.assertEqual(self.name_there(), "Amoxicilina")
        self.app.edit(
            "products", self.mapping(self.product).external_id, name="Amoxicilina 50"
        )
        self.pull()
        self.assertEqual(self.spanish.name, "Amoxicilina 50")
        self.assertEqual(self.english.name, "Amoxicillin 50 mg")

    def test_a_translation_into_another_language_stays_and_sends_nothing(self):
        self.push()
        self.app.call("DELETE", "/admin/requests")
        self.spanish.name = "Amoxicilina"
        self.push()
        self.assertFalse([r for r in self.app.requests() if r["method"] != "GET"])
        self.assertEqual(self.mapping(self.product).state, "synced")
        self.assertEqual(self.name_there(), "Amoxicillin 50 mg")
        self.assertEqual(self.spanish.name, "Amoxicilina")

    def test_a_name_that_was_never_translated_is_one_name(self):
        """Made in Spanish it is stored in English too: nobody has translated it."""
        made = self.spanish.create({"name": "Vacuna", "purchase_ok": True})
        self.push()
        made.name = "Vacuna 500"
        self.push()
        self.assertEqual(self.at_app(made)["name"], "Vacuna 500")
        self.app.edit("products", self.mapping(made).external_id, name="Vacuna 750")
        self.pull()
        self.assertEqual(made.name, "Vacuna 750")
        english = made.with_context(lang="en_US")
        english.name = "Vaccine"
        self.assertEqual(made.name, "Vaccine")
        made.name, english.name = "Vacuna", "Vaccine"
        made.update_field_translations("name", {"en_US": "Shot"})
        made.name = "Vacuna 1000"
        self.assertEqual(english.name, "Shot", "what was translated stays")

    def test_codes_are_the_same_in_every_language(self):
        self.speak_spanish()
        self.product.uom_id.with_context(lang="es_ES").name = "Unidades"
        self.spanish.name = "Amoxicilina"
        self.push()
        self.assertEqual(self.at_app(self.product)["uom"], "Units")
        there = self.app.add("products", name="Ibuprofeno", uom="Units")
        self.pull()
        made = self.env["sync.mapping"].search([("external_id", "=", there["id"])])
        self.assertEqual(made._record().uom_id, self.product.uom_id)

    def test_a_language_in_which_linked_records_have_other_names_is_refused(self):
        self.push()
        self.spanish.name = "Amoxicilina"
        with self.assertRaisesRegex(Exception, "They are 1, .* Amoxicillin 50 mg"):
            self.backend.lang = "es_ES"
        self.spanish.name = self.english.name
        self.backend.lang = "es_ES"
        self.app.call("DELETE", "/admin/requests")
        self.backend.action_send_all()
        self.push()
        names = {r["path"] for r in self.app.requests() if r["method"] != "GET"}
        self.assertFalse([path for path in names if "products" in path])

    def test_its_language_cannot_be_switched_off(self):
        self.env.company.partner_id.lang = "en_US"
        self.env["res.partner"].with_context(active_test=False).search(
            [("lang", "=", "es_ES")]
        ).lang = "en_US"
        self.backend.lang = "es_ES"
        spanish = self.env["res.lang"]._lang_get("es_ES")
        with self.assertRaisesRegex(Exception, "Test Pharmacy"):
            spanish.active = False
