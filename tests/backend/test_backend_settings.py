import base64
import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from ..common import SyncCase


@tagged("post_install", "-at_install")
class TestBackendSettings(SyncCase, HttpCase):
    """How one backend is set up is carried to another in a file."""

    def setUp(self):
        super().setUp()
        self.other = self.env["sync.backend"].create(
            {
                "name": "Second",
                "url": "https://second.example.com",
                "company_id": self.backend.company_id.id,
            }
        )

    def stream(self, entity, backend=None):
        streams = (backend or self.backend).stream_ids
        return streams.filtered(lambda stream: stream.entity == entity)

    def wizard(self, backend, document=None):
        """The dialog; with a file that was chosen."""
        values = {"backend_id": backend.id}
        if document is not None:
            content = document if isinstance(document, bytes) else json.dumps(document)
            content = content if isinstance(content, bytes) else content.encode()
            values["upload"] = base64.b64encode(content)
        return self.env["sync.backend.settings"].create(values)

    def saved(self, backend):
        return json.loads(base64.b64decode(self.wizard(backend).content))

    def carry(self, document, backend=None):
        wizard = self.wizard(backend or self.other, document)
        wizard.action_apply()
        self.env.invalidate_all()
        return wizard

    def refused(self, document):
        """What the dialog says of a file that sets nothing."""
        before = self.saved(self.other)
        with self.assertRaises(UserError) as caught, self.env.cr.savepoint():
            self.carry(document)
        self.env.invalidate_all()
        self.assertEqual(self.saved(self.other), before)
        return str(caught.exception)

    def document(self, **sections):
        return {"format": "pharmacy_sync.backend", "version": 1, **sections}

    def test_the_other_is_set_up_alike(self):
        self.backend.write({"deadline": 90, "read_timeout": 7.5, "rate_limit": 111})
        product, order = self.stream("product"), self.stream("purchase_order")
        product.write({"batch_size": 17, "batch_pause": 0.5, "direction": "push"})
        order.field_direction_ids = [
            (0, 0, {"field": "notes", "direction": "pull"}),
            (0, 0, {"field": "lines.description", "direction": "push"}),
        ]
        order.conflict_policy_ids = [(0, 0, {"field": "notes", "policy": "odoo"})]
        vendor_ref = {"odoo_field": "partner_ref", "path": "vendor_ref"}
        order.further_field_ids = [
            (0, 0, {"offered": "lines.received"}),
            (0, 0, {**vendor_ref, "direction": "both"}),
        ]
        product.write({"place": "articles", "list_path": False})
        values = {"path": "cost.net", "kind": "number", "values": "0 = 1"}
        product.field_name_ids = [(0, 0, {"field": "cost", **values})]
        self.backend._breaker("push").write(
            {"open_seconds": 400, "max_open_seconds": 800}
        )
        self.backend.pool_ids.filtered(lambda p: p.name == "reporting").concurrency = 4
        theirs = self.stream("purchase_order", self.other)
        theirs.field_direction_ids = [
            (0, 0, {"field": "notes", "direction": "push"}),
            (0, 0, {"field": "expected_at", "direction": "push"}),
        ]
        saved = self.saved(self.backend)
        self.carry(saved)
        self.assertEqual(self.saved(self.other), saved)
        names = self.other._app_names()["products"]
        self.assertEqual((names.place, names.items), ("articles", ()))
        self.assertEqual(names.fields["cost"].path, ("cost", "net"))
        self.assertEqual(
            {d.field: d.direction for d in theirs.field_direction_ids},
            {"notes": "pull", "lines.description": "push"},
        )
        self.assertEqual(
            {f.field: f.direction for f in theirs.further_field_ids},
            {"lines.received": "push", "vendor_ref": "both"},
        )
        self.assertEqual(self.other._breaker("push").max_open_seconds, 800)
        self.assertFalse(self.wizard(self.other, saved).changes)

    def test_a_manager_saves_the_file_in_the_browser(self):
        new_test_user(
            self.env,
            "settings-manager",
            groups="base.group_user,pharmacy_sync.group_manager",
            password="settings-manager",
        )
        self.authenticate("settings-manager", "settings-manager")
        action = self.make_jsonrpc_request(
            "/web/dataset/call_button/sync.backend/action_settings_file",
            {
                "model": "sync.backend",
                "method": "action_settings_file",
                "args": [self.backend.ids],
                "kwargs": {},
            },
        )
        answer = self.url_open(
            f"/web/content/sync.backend.settings/{action['res_id']}/content"
            "?filename_field=content_name&download=1"
        )
        self.assertEqual(answer.json(), self.saved(self.backend))
        self.assertIn(".json", answer.headers["Content-Disposition"])

    def test_which_pharmacy_it_is_stays(self):
        self.stream("supplier").write(
            {"rule": "filter", "rule_domain": "[('id', '=', 5)]"}
        )
        saved = self.saved(self.backend)
        text = json.dumps(saved)
        for kept in ("test-key", self.app.url, self.backend.name, "rule_domain"):
            self.assertNotIn(kept, text)
        self.carry(saved)
        self.assertEqual(
            (self.other.name, self.other.url), ("Second", "https://second.example.com")
        )

    def test_what_would_change_is_shown_before(self):
        product = {"product": {"batch_size": 17}}
        wizard = self.wizard(self.other, self.document(streams=product))
        now = self.stream("product", self.other).batch_size
        self.assertEqual(wizard.changes, f"streams / product / batch_size: {now} → 17")

    def test_a_file_that_is_none_is_refused(self):
        for document in (b" ", b"[]", b"{", b"\xff", b"[" * 100_000, {"version": 1}):
            with self.subTest(str(document)[:9]):
                self.assertIn("no file of", self.refused(document))
        self.assertIn("another version", self.refused(self.document(version=2)))
        self.assertIn("no file of", self.refused(b" " * 1_000_001))

    def test_what_is_unknown_is_named(self):
        for sections, name in (
            ({"streams": {"shelf": {"batch_size": 1}}}, "streams / shelf"),
            ({"backend": {"url": "http://else.example.com"}}, "backend / url"),
            ({"backend": {"paused": False}}, "backend / paused"),
            ({"backend": {"deadline": {}}}, "backend / deadline"),
        ):
            with self.subTest(name):
                self.assertIn(name, self.refused(self.document(**sections)))

    def test_what_cannot_be_set_sets_nothing(self):
        good = {"rate_limit": 99}
        for product in (
            {"batch_size": 0},
            {"batch_size": "many"},
            {"direction": "sideways"},
            {"field_direction_ids": [["colour", "push"]]},
            {"field_direction_ids": [["name"]]},
            {"field_direction_ids": [["name", "sideways"]]},
        ):
            with self.subTest(product):
                document = self.document(backend=good, streams={"product": product})
                self.assertIn("streams / product", self.refused(document))

    def test_a_number_beyond_all_bounds_is_refused(self):
        content = json.dumps(self.document(backend={"rate_limit": 12345}))
        content = content.replace("12345", "1e999")
        self.assertIn("backend: ", self.refused(content.encode()))

    def test_managers_only(self):
        operator = new_test_user(
            self.env, "settings-operator", groups="pharmacy_sync.group_operator"
        )
        Wizard = self.env["sync.backend.settings"].with_user(operator)
        with self.assertRaises(AccessError):
            Wizard.create({"backend_id": self.backend.id})
        wizard = self.wizard(self.other, self.document(backend={"rate_limit": 99}))
        with self.assertRaises(AccessError):
            wizard.with_user(operator).action_apply()
