import socket
from datetime import timedelta

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ..common import KEY, WEBHOOK_SECRET, SyncCase


@tagged("post_install", "-at_install")
class TestConnect(SyncCase):
    """Who connects a pharmacy app sees step by step what works, and what to do."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(
            cls.env, "connect_manager", "pharmacy_sync.group_manager,base.group_system"
        )

    def wizard(self, **values):
        form = Form(self.env["sync.backend.connect"].with_user(self.manager))
        given = {
            "name": "New Pharmacy",
            "url": self.app.url,
            "internal": True,
            "api_key": KEY,
            "webhook_secret": WEBHOOK_SECRET,
        }
        for name, value in {**given, **values}.items():
            setattr(form, name, value)
        return form.save()

    def steps(self, **values):
        """What each step says: ``{name: (state, message)}``."""
        wizard = self.wizard(**values)
        wizard.action_test()
        self.assertEqual(
            wizard.passed, not {"failed"} & set(wizard.step_ids.mapped("state"))
        )
        return {step.name: (step.state, step.message) for step in wizard.step_ids}

    def check_fails(self, step, words, **values):
        """The test gets as far as ``step``, says ``words``, and goes no further."""
        found = self.steps(**values)
        names = list(found)
        place = names.index(step)
        self.assertEqual({found[n][0] for n in names[:place]} - {"passed"}, set())
        self.assertEqual(found[step][0], "failed")
        self.assertIn(words, found[step][1])
        self.assertEqual({found[n][0] for n in names[place + 1 :]} - {"skipped"}, set())

    def test_an_app_whose_api_begins_elsewhere(self):
        self.check_fails("answer", "where its API begins", api_path="/rest/v2")
        # With it the key would go to another host.
        with self.assertRaises(ValidationError):
            self.wizard(api_path="@evil.example.com")
        wizard = self.wizard(url=f"{self.app.url}/api", api_path="/v1")
        wizard.action_test()
        self.assertTrue(wizard.passed)
        wizard.api_path = "/v2"
        self.assertFalse(wizard.passed, "another was tested")
        wizard.api_path = "/v1"
        wizard.action_test()
        wizard.action_connect()
        backend = self.env["sync.backend"].search([("name", "=", "New Pharmacy")])
        self.assertEqual(backend.api_path, "/v1")

    def test_a_new_backend_has_the_language_of_its_company(self):
        self.env["res.lang"]._activate_lang("es_ES")
        company = self.env["res.company"].create({"name": "Clinica"})
        company.partner_id.lang = "es_ES"
        Backend, values = self.env["sync.backend"], {"company_id": company.id}
        english = self.backend.lang
        new = Backend.new({**values, "lang": english})
        new._onchange_company_id()
        self.assertEqual(new.lang, "es_ES")
        there = Backend.new(values, origin=self.backend)
        there._onchange_company_id()
        self.assertEqual(there.lang, english, "names travel in it already")

    def test_maintenance_takes_an_hour_unless_said_otherwise(self):
        form = Form(self.env["sync.maintenance"])
        self.assertEqual(form.end - form.start, timedelta(hours=1))

    def test_what_works_is_connected(self):
        wizard = self.wizard()
        wizard.action_test()
        self.assertEqual(set(wizard.step_ids.mapped("state")), {"passed"})
        self.assertIn("Purchase Orders", wizard.step_ids[3].message)
        action = wizard.action_connect()
        backend = self.env["sync.backend"].search([("name", "=", "New Pharmacy")])
        work = self.env["sync.initial"].browse(action["res_id"])
        self.assertEqual((action["res_model"], work.backend_id), (work._name, backend))
        self.assertEqual(backend.sudo().api_key_secret, KEY)
        self.assertEqual(backend.sudo().webhook_secret_secret, WEBHOOK_SECRET)
        self.assertEqual(len(backend.stream_ids), 3)

    def test_nothing_is_written_before_start(self):
        """Neither by the preview nor by the ordinary schedule; Start writes."""
        self.backend.active = False
        self.app.add("suppliers", name="Only There")
        self.app.call("DELETE", "/admin/requests")
        wizard = self.wizard()
        wizard.action_test()
        work = self.env["sync.initial"].browse(wizard.action_connect()["res_id"])
        backend = work.backend_id
        backend.stream_ids.filtered(lambda s: s.entity != "supplier").rule = "linked"
        work = self.run_job(work)
        self.assertEqual((work.phase, work.state), ("ready", "draft"))
        self.sync_as_scheduled(backend)
        self.assertEqual({r["method"] for r in self.app.requests()}, {"GET"})
        self.assertEqual(set(backend.stream_ids.mapped("mapping_count")), {"0"})
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Only There")]))
        with self.assertRaisesRegex(UserError, "Preview Again"):
            work.action_start()
        work.action_preview()
        work = self.run_job(work)
        work.action_start()
        work = self.run_job(work)
        self.assertEqual((work.phase, backend.paused), ("finished", False))
        self.assertTrue(self.env["res.partner"].search([("name", "=", "Only There")]))

    def test_a_preview_that_is_thrown_away_leaves_the_new_backend_paused(self):
        wizard = self.wizard()
        wizard.action_test()
        work = self.env["sync.initial"].browse(wizard.action_connect()["res_id"])
        backend = work.backend_id
        work.action_stop()
        work.unlink()
        self.assertTrue(backend.paused)
        self.assertIn("brought together", backend.pause_reason)

    def run_job(self, work):
        """Do what the job runner would."""
        self.env.cr.flush()
        work.with_env(work.backend_id._as_runner().env)._job_work()
        self.env.invalidate_all()
        return work

    def sync_as_scheduled(self, backend):
        self.push(backend)
        self.pull(backend)

    def test_address_without_a_scheme(self):
        self.check_fails("reach", "https://", url="pharmacy.example.com")

    def test_host_that_does_not_exist(self):
        self.check_fails("reach", "no host", url="https://nowhere.invalid")

    def test_port_on_which_nothing_listens(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.check_fails(
            "reach", f"nothing listens on port {port}", url=f"http://127.0.0.1:{port}"
        )

    def test_inside_of_the_network_is_not_looked_at_unless_it_is_allowed(self):
        """Whether something listens there, and what, is not to be learned."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            other.settimeout(0.1)
            said = set()
            for place in (f"127.0.0.1:{port}", "127.0.0.1:9", "127.0.0.1"):
                found = self.steps(url=f"http://{place}", internal=False)
                said.add(found["reach"])
            self.assertEqual(len(said), 1, said)
            self.assertIn("ask an administrator", said.pop()[1])
            with self.assertRaises(TimeoutError):
                other.accept()

    def test_a_manager_does_not_allow_what_is_inside_of_the_network(self):
        plain = new_test_user(self.env, "connect_plain", "pharmacy_sync.group_manager")
        Wizard = self.env["sync.backend.connect"].with_user(plain)
        values = {"name": "New Pharmacy", "url": self.app.url, "api_key": KEY}
        with self.assertRaises(AccessError):
            Wizard.create({**values, "internal": True})
        with self.assertRaises(AccessError):
            Wizard.with_context(default_internal=True).create(values)
        with self.assertRaises(AccessError):
            self.backend.with_user(plain).internal = True
        with self.assertRaises(AccessError):
            self.backend.with_user(plain).internal_host = "localhost"
        # What an administrator allowed for a backend is allowed in its test.
        wizard = Wizard.create({**values, "backend_id": self.backend.id})
        wizard.action_test()
        self.assertTrue(wizard.passed)
        wizard.action_connect()
        self.assertTrue(self.backend.internal)

    def test_https_where_http_is_spoken(self):
        url = self.app.url.replace("http://", "https://")
        self.assertEqual(self.steps(url=url)["answer"][0], "failed")

    def test_address_of_something_else(self):
        self.check_fails("answer", "not as a pharmacy app", url=self.app.url + "/docs")

    def test_app_that_fails(self):
        self.app.fault("error", status=503)
        found = self.steps()
        self.assertIn("failed", {found["answer"][0], found["key"][0]})

    def test_key_that_the_app_does_not_know(self):
        self.check_fails("key", "does not know this key", api_key="wrong")

    def test_no_key(self):
        self.check_fails("key", "No key is given", api_key=False)

    def test_entity_that_cannot_be_read(self):
        # The third of these random numbers is the first below one half.
        rule = {"kind": "error", "probability": 0.5, "match": {"path": "*/changes"}}
        self.app.call("POST", "/admin/faults", seed=2, rules=[rule])
        found = self.steps()
        self.assertEqual(found["key"][0], "passed")
        self.assertEqual(found["read"][0], "failed")
        self.assertIn("Products: Service unavailable", found["read"][1])

    def test_webhook_secret_may_follow(self):
        found = self.steps(webhook_secret=False)
        self.assertEqual(found["webhook"][0], "advice")
        self.assertIn("once a minute", found["webhook"][1])

    def test_webhook_secret_that_is_none(self):
        self.check_fails("webhook", "no webhook secret", webhook_secret="secret")

    def test_nothing_is_kept_that_was_not_tested(self):
        wizard = self.wizard()
        with self.assertRaisesRegex(UserError, "Test the connection first"):
            wizard.action_connect()
        wizard.action_test()
        wizard.url = "https://elsewhere.invalid"
        with self.assertRaisesRegex(UserError, "Test the connection first"):
            wizard.action_connect()

    def test_key_is_read_by_nobody(self):
        wizard = self.wizard()
        self.assertNotIn(KEY, str(wizard.read()))
        self.assertNotIn(WEBHOOK_SECRET, str(wizard.read()))
        with self.assertRaises(AccessError):
            wizard.read(["api_key_secret"])

    def test_only_managers_connect(self):
        operator = new_test_user(
            self.env, "connect_operator", "pharmacy_sync.group_operator"
        )
        with self.assertRaises(AccessError):
            self.env["sync.backend.connect"].with_user(operator).create(
                {"name": "New Pharmacy", "url": self.app.url}
            )

    def test_a_backend_is_tested_with_its_own_key(self):
        Wizard = self.env["sync.backend.connect"].with_user(self.manager)
        form = Form(Wizard.with_context(default_backend_id=self.backend.id))
        self.assertEqual((form.name, form.url), ("Test Pharmacy", self.app.url))
        form.name = "Renamed"
        wizard = form.save()
        wizard.action_test()
        self.assertTrue(wizard.passed)
        wizard.action_connect()
        self.assertEqual(self.backend.name, "Renamed")
        self.assertEqual(self.backend.sudo().api_key_secret, KEY)
        self.assertEqual(self.backend.user_id, self.api_user)
