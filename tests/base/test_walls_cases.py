import socketserver
import threading
from http.server import BaseHTTPRequestHandler

from lxml import etree

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..common import KEY, SyncCase
from ..walls import ROLES, WallsCase

RULES = "odoo.addons.base.models.ir_rule"
GROUPS = ("user", "operator", "manager")


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.keys.append(self.headers.get("Authorization"))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class _Listener(socketserver.ThreadingTCPServer):
    """A server that takes note of the keys that it is sent."""

    daemon_threads = True

    def __init__(self):
        self.keys = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


@tagged("post_install", "-at_install")
class TestOtherCompany(WallsCase):
    """What people of company B tried on company A, by the ids of its records."""

    def of_b(self, name, role="manager"):
        self.env.invalidate_all()
        return self.env[name].with_user(self.people[role])

    def refused(self):
        return self.assertRaises(AccessError)

    def test_the_connection_test_does_not_take_their_key(self):
        values = {"name": "X", "url": self.backend.url, "backend_id": self.backend.id}
        with mute_logger(RULES), self.refused():
            self.of_b("sync.backend.connect").create(values)
        del values["backend_id"]
        wizard = self.of_b("sync.backend.connect").create(values)
        with mute_logger(RULES), self.refused():
            wizard.backend_id = self.backend
        self.assertEqual(self.app.requests(), [])

    def test_a_dialog_is_its_openers_own(self):
        theirs = self.records["sync.backend.connect"].with_user(self.people["manager"])
        self.env.invalidate_all()
        with mute_logger(RULES), self.refused():
            theirs.url = self.other_app.url
        with mute_logger(RULES), self.refused():
            theirs.action_test()
        self.assertFalse(self.of_b("sync.backend.connect").search([]))

    def test_their_app_is_not_moved(self):
        backend = self.of_b("sync.backend").browse(self.backend.id)
        with mute_logger(RULES), self.refused() as refusal:
            backend.url = self.other_app.url
        self.assertNotIn(self.app.url, str(refusal.exception))
        with mute_logger(RULES), self.refused():
            backend.action_test_connection()
        self.assertEqual(self.app.requests(), [])

    def test_no_dead_letter_is_given_to_another_company(self):
        operation = self.records["sync.operation"].with_user(self.owner)
        with self.assertRaisesRegex(UserError, "works for the company"):
            operation.action_assign(self.people["operator"].id)
        operation.action_assign(self.owner.id)

    def test_no_link_is_broken(self):
        mapping = self.records["sync.mapping"]
        with mute_logger(RULES), self.refused():
            self.of_b("sync.mapping").browse(mapping.id).action_break_link()
        self.assertEqual(mapping.res_id, self.order.id)

    def test_no_link_is_made(self):
        values = {
            "stream_id": self.records["sync.mapping"].stream_id.id,
            "external_id": "sup_1",
            "record": f"res.partner,{self.env.company.partner_id.id}",
        }
        with mute_logger(RULES), self.refused():
            self.of_b("sync.link").create(values)

    def test_no_dead_letter_is_assigned_or_compared(self):
        operation = self.of_b("sync.operation", "operator").browse(
            self.records["sync.operation"].id
        )
        for method in ("action_assign_to_me", "action_compare", "action_redrive"):
            self.env.invalidate_all()
            with self.subTest(method), mute_logger(RULES), self.refused():
                getattr(operation, method)()
        self.assertFalse(operation.sudo().user_id)
        self.assertFalse(operation.sudo().comparison)

    def test_no_dead_letter_is_read_through_a_dialog(self):
        operation = self.records["sync.operation"]
        Edit = self.of_b("sync.operation.edit", "operator")
        values = {"operation_id": operation.id}
        spec = {"kind": {}, "message": {}, "operation_id": {"fields": {}}}
        for text, read in {
            "create": lambda: Edit.create(values).message,
            "onchange": lambda: Edit.onchange(values, ["operation_id"], spec),
            "opened": lambda: Edit.with_context(
                default_operation_id=operation.id
            ).onchange({}, [], spec),
        }.items():
            self.env.invalidate_all()
            with self.subTest(text), mute_logger(RULES), self.refused():
                read()

    def test_no_line_of_an_initial_synchronisation_is_seen_or_changed(self):
        line = self.records["sync.initial.line"]
        Line = self.of_b("sync.initial.line", "operator")
        self.assertFalse(Line.search([]))
        for change in (
            lambda: Line.browse(line.id).read(),
            lambda: Line.browse(line.id).action_leave(),
            lambda: Line.browse(line.id).write({"action": "leave"}),
        ):
            self.env.invalidate_all()
            with mute_logger(RULES), self.refused():
                change()

    def test_no_configuration_is_moved_to_them(self):
        values = {"backend_id": self.other_backend.id}
        rules = (
            self.env["sync.error.rule"].create(
                {"error_type": "network_timeout", "http_status": 422, **values}
            ),
            self.env["sync.conflict.rule"].create(
                {"kind": "text", "paths": "notes", "reason": "so", **values}
            ),
        )
        for record in rules:
            self.env.invalidate_all()
            moved = record.with_user(self.people["manager"])
            with self.subTest(record._name), mute_logger(RULES), self.refused():
                moved.backend_id = self.backend

    def settings(self, **values):
        """A setting of each kind, of all companies unless a backend is named."""
        return [
            self.env["sync.error.rule"].create(
                {"error_type": "network_timeout", "http_status": 422, **values}
            ),
            self.env["sync.conflict.rule"].create(
                {"kind": "text", "paths": "notes", "reason": "so", **values}
            ),
            self.env["sync.alert.rule"].create(
                {"name": "A", "condition": "dead_letter", **values}
            ),
        ]

    def test_what_holds_for_all_companies_is_changed_by_who_works_in_all(self):
        policy = self.env["sync.retry.policy"].search([], limit=1)
        manager = self.people["manager"]
        for record in [*self.settings(), policy]:
            theirs = record.with_user(manager)
            name = "max_attempts" if record == policy else "sequence"
            ways = {
                "write": lambda r, name=name: r.write({name: 7}),
                "copy": lambda r: r.copy({}),
                "unlink": lambda r: r.unlink(),
            }
            if record == policy:
                del ways["copy"]
            for way, change in ways.items():
                self.env.invalidate_all()
                with self.subTest(record._name, way=way), self.refused():
                    change(theirs)
            self.assertTrue(theirs.read(["display_name"]), "it is seen")
            manager.company_ids += self.company
            self.env.invalidate_all()
            theirs.write({name: 7})
            self.assertEqual(record[name], 7)
            manager.company_ids -= self.company

    def test_own_settings_are_ones_own_and_not_made_everybodys(self):
        for record in self.settings(backend_id=self.other_backend.id):
            theirs = record.with_user(self.people["manager"])
            with self.subTest(record._name):
                theirs.sequence = 7
                self.assertEqual(theirs.copy({}).backend_id, self.other_backend)
                with self.refused(), self.env.cr.savepoint():
                    theirs.backend_id = False
                theirs.unlink()

    def test_what_all_are_alerted_about_is_not_silenced_by_one_company(self):
        __, __, shared = self.settings()
        __, __, own = self.settings(backend_id=self.other_backend.id)
        for role in ("operator", "manager"):
            for method in ("action_silence", "action_end_silence"):
                with self.subTest(role=role, method=method), self.refused():
                    getattr(shared.with_user(self.people[role]), method)()
            own.with_user(self.people[role]).action_silence()
        self.assertFalse(shared.silenced_until)

    def test_a_shared_product_says_each_company_its_own_state(self):
        # Only shared, not changed: nothing may be sent.
        self.env.cr.execute(
            "UPDATE res_partner SET company_id = NULL WHERE id = %s",
            [self.supplier.id],
        )
        for user, state in ((self.owner, "synced"), (self.people["user"], False)):
            self.env.invalidate_all()
            supplier = self.supplier.with_user(user)
            self.assertEqual(supplier.sync_state, state)


@tagged("post_install", "-at_install")
class TestKeyStays(SyncCase):
    """A key goes to the host that it was entered for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = new_test_user(cls.env, "manager", ROLES["manager"])
        cls.listener = _Listener()
        cls.addClassCleanup(cls.listener.stop)

    def setUp(self):
        super().setUp()
        self.listener.keys.clear()
        self.ours = self.backend.with_user(self.manager)

    def test_of_a_connection_test(self):
        Wizard = self.env["sync.backend.connect"].with_user(self.manager)
        form = Form(Wizard.with_context(default_backend_id=self.backend.id))
        form.url = self.listener.url
        wizard = form.save()
        wizard.action_test()
        self.assertNotIn(f"Bearer {KEY}", self.listener.keys)
        wizard.url = self.app.url
        wizard.action_test()
        self.assertTrue(wizard.passed)

    def test_the_step_says_so(self):
        # The reference app under its other name is another host.
        url = self.app.url.replace("127.0.0.1", "localhost")
        wizard = (
            self.env["sync.backend.connect"]
            .with_user(self.manager)
            .create({"name": "X", "url": url, "backend_id": self.backend.id})
        )
        self.backend.internal_host = "localhost"
        wizard.action_test()
        step = wizard.step_ids.filtered(lambda s: s.name == "key")
        self.assertEqual(step.state, "failed")
        self.assertIn("another host", step.message)
        wizard.api_key = KEY
        wizard.action_test()
        self.assertTrue(wizard.passed)
        wizard.action_connect()
        self.assertEqual(self.backend.url, url)

    def test_of_a_backend_that_is_moved(self):
        for values in (
            {"url": self.listener.url},
            {"url": self.listener.url, "api_key": "********"},
            {"url": self.app.url.replace("http:", "https:")},
        ):
            with (
                self.subTest(values),
                self.assertRaisesRegex(
                    ValidationError, "together with the new address"
                ),
            ):
                self.ours.write(values)
        self.assertEqual(self.backend.url, self.app.url)
        self.ours.write({"url": self.listener.url, "api_key": "another"})
        self.assertEqual(self.backend.sudo().api_key_secret, "another")

    def test_a_new_path_needs_no_key(self):
        self.ours.url = self.app.url + "/pharmacy/"
        self.assertEqual(self.backend.sudo().api_key_secret, KEY)

    def test_addresses_that_are_none(self):
        for url, words in {
            "http://user:secret@127.0.0.1": "without a user name",
            "http://127.0.0.1/?x=": "without \\? and #",
            "http://127.0.0.1/#": "without \\? and #",
            "ftp://127.0.0.1": "http://",
            "http://": "names no host",
            "http://127.0.0.1:99999": "65535",
        }.items():
            with self.subTest(url), self.assertRaisesRegex(ValidationError, words):
                self.ours.write({"url": url, "api_key": KEY})


@tagged("post_install", "-at_install")
class TestGroups(WallsCase):
    """A button that a view keeps for a group is kept for it over RPC as well."""

    @mute_logger(RULES)
    def test_every_button_of_a_group(self):
        own = {
            role: new_test_user(self.env, f"own_{role}", ROLES[role]) for role in GROUPS
        }
        checked = set()
        for model, button in self.buttons():
            if model not in self.records:
                continue
            wanted = self.lowest(button.get("groups"))
            for role in GROUPS[: GROUPS.index(wanted)]:
                name = button.get("name")
                with self.subTest(model=model, method=name, role=role):
                    self.env.invalidate_all()
                    record = self.records[model][:1].with_user(own[role])
                    with self.assertRaises(AccessError), self.env.cr.savepoint():
                        getattr(record, name)()
                checked.add((model, name))
        self.assertGreater(len(checked), 20)

    def lowest(self, groups):
        names = [g.rpartition("group_")[2] for g in groups.split(",") if "!" not in g]
        return min((n for n in names if n in GROUPS), key=GROUPS.index)

    def buttons(self):
        """Buttons that call a method and are of a group of ours: (model, element)."""
        found = self.env["ir.model.data"].search(
            [("module", "=", "pharmacy_sync"), ("model", "=", "ir.ui.view")]
        )
        for view in self.env["ir.ui.view"].browse(found.mapped("res_id")):
            for button in etree.fromstring(view.arch).iter("button"):
                groups = button.get("groups") or ""
                if button.get("type") == "object" and "pharmacy_sync.group" in groups:
                    yield self.model_of(view, button), button

    def model_of(self, view, button):
        model = self.env[view.model]
        for parent in reversed(list(button.iterancestors("field", "groupby"))):
            if parent.get("name") in model._fields:
                model = self.env[model._fields[parent.get("name")].comodel_name]
        return model._name

    def test_strangers_leave_no_errors(self):
        before = self.env["sync.error"].search_count([])
        api = self.env["sync.api"].with_user(self.people["internal"])
        answer = api.push("supplier", [])
        self.assertEqual(answer["error"]["type"], "insufficient_permissions")
        self.assertEqual(self.env["sync.error"].search_count([]), before)
