import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.sql_db import db_connect
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ...core.backend.token import TokenRefusedError
from ...core.exceptions import InternalAddressError
from ...models.base.locks import TOKENS
from ...models.call import sync_breaker
from ...models.call.auth import token as tokens
from ..common import KEY, ConcurrencyCase, PharmacyApp, SyncCase
from ..receivers import receiver

METHODS = {
    "bearer": {},
    "basic": {"auth_user": "odoo"},
    "header": {"auth_header": "X-Pharmacy-Key"},
    "oauth2": {"client_id": "odoo"},
}
SECRET = "hunter2-of-the-app"


class AuthCase(SyncCase):
    def setUp(self):
        super().setUp()
        # What another test's breaker was is believed for a second.
        sync_breaker._read.clear()

    def use(self, method, secret=KEY, **more):
        """App and backend agree on a method."""
        self.app.ask_for(method)
        values = {"auth_method": method, "api_key": secret, **METHODS[method]}
        if method == "oauth2":
            values["token_url"] = f"{self.app.url}/oauth/token"
        self.backend.write({**values, **more})
        self.app.call("DELETE", "/admin/requests")

    def token_calls(self):
        """Statuses with which the app answered Odoo's requests for a token."""
        return [
            row["status"]
            for row in self.app.requests()
            if row["path"] == "/oauth/token" and row["actor"] != "test"
        ]

    def errors(self):
        return self.env["sync.error"].search([("backend_id", "=", self.backend.id)])

    def reported(self):
        """All that the addon keeps, as a text, but for what is kept to be secret."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' "
            "AND (table_name LIKE 'sync\\_%' OR table_name IN "
            "('queue_job', 'mail_message', 'mail_activity'))"
        )
        found = []
        for (name,) in self.env.cr.fetchall():
            self.env.cr.execute(
                "SELECT string_agg((to_jsonb(t) - 'api_key_secret' - 'token_secret')"
                f"""::text, '') FROM "{name}" t"""
            )
            found.append(self.env.cr.fetchone()[0] or "")
        return "".join(found)


@tagged("post_install", "-at_install")
class TestAuth(AuthCase):
    """Odoo says who it is in the way that the app asks for."""

    def test_each_method_carries_an_order_both_ways(self):
        for method in METHODS:
            with self.subTest(method):
                self.use(method)
                order = self.make_order()
                self.push()
                self.app.edit(
                    "purchase-orders", self.mapping(order).external_id, reference="P-1"
                )
                self.pull()
                self.assertEqual(order.origin, "P-1")
                self.assertTrue(self.backend.action_test_connection())
                self.assertFalse(self.errors())

    def test_another_method_than_the_app_asks_for_is_refused(self):
        """Otherwise the test above would prove nothing."""
        self.use("bearer")
        for asked in ("basic", "header", "oauth2"):
            self.app.ask_for(asked)
            with self.subTest(asked), self.assertRaises(UserError):
                self.backend.action_test_connection()

    def test_a_wrong_secret_raises_one_error_and_the_backend_rests(self):
        for method in METHODS:
            with self.subTest(method):
                self.use(method, SECRET)
                self.make_order()
                self.push()
                self.assertTrue(self.backend.refused_at)
                error = self.errors().filtered(lambda error: not error.resolved)
                self.assertEqual(error.type, "authentication_failed")
                self.assertFalse(self.operations(state="dead"))
                self.assertNotIn(SECRET, self.reported())
                self.backend.api_key = KEY
                self.assertFalse(self.backend.refused_at)
                self.push()
                self.assertFalse(self.operations(state="waiting"))

    def test_the_next_secret_takes_over(self):
        for method in METHODS:
            with self.subTest(method):
                self.use(method, "revoked", api_key_next=KEY)
                order = self.make_order()
                self.push()
                self.assertTrue(self.mapping(order).external_id)
                self.assertEqual(self.backend._secret("api_key"), KEY)
                self.assertFalse(self.backend.api_key_next)
                self.assertFalse(self.errors())

    def test_fields_are_checked_with_words(self):
        for method, field, value, words in (
            ("basic", "auth_user", False, "User Name: This way"),
            ("basic", "auth_user", "od:oo", "no colon"),
            ("basic", "auth_user", "od\noo", "no colon"),
            ("basic", "auth_user", "x" * 201, "200 characters"),
            ("header", "auth_header", "X Key", "letters, digits"),
            ("header", "auth_header", "X-Clé", "letters, digits"),
            ("header", "auth_header", "content-LENGTH", "another meaning"),
            ("header", "auth_header", "Host", "another meaning"),
            ("header", "auth_header", "Cookie", "another meaning"),
            ("header", "auth_header", "X-Request-ID", "another meaning"),
            ("oauth2", "client_id", False, "Client ID: This way"),
            ("oauth2", "client_id", "odoo\r", "ASCII"),
            ("oauth2", "token_scope", 'say "x"', "words of ASCII"),
            ("oauth2", "token_url", False, "Token Address: This way"),
            ("oauth2", "token_url", "ftp://x.example.com", "http:// or https://"),
            ("oauth2", "token_url", "https://a:b@x.example.com", "without a user"),
        ):
            given = {
                "auth_user": "odoo",
                "auth_header": "X-Key",
                "client_id": "odoo",
                "token_scope": False,
                "token_url": "https://x.example.com",
                "auth_method": method,
                "api_key": KEY,
                field: value,
            }
            with (
                self.subTest(value=value),
                self.assertRaisesRegex(ValidationError, words),
            ):
                self.backend.write(given)

    def test_a_kept_secret_goes_nowhere_else(self):
        elsewhere = "https://elsewhere.example.com/token"
        oauth2 = {"auth_method": "oauth2", "client_id": "x", "token_url": elsewhere}
        with self.assertRaisesRegex(ValidationError, "nowhere else"):
            self.backend.write(oauth2)
        self.use("oauth2", token_scope="orders")
        for values in (
            {"token_url": elsewhere},
            {"url": "https://elsewhere.example.com"},
        ):
            with self.assertRaisesRegex(ValidationError, "nowhere else"):
                self.backend.write(values)
        self.backend.api_key_next = "next"
        self.backend.write({"token_url": elsewhere, "api_key": KEY})
        self.assertFalse(self.backend.api_key_next)
        with self.assertRaisesRegex(ValidationError, "nowhere else"):
            # The app was never given the client secret.
            self.backend.auth_method = "bearer"
        self.backend.write({"auth_method": "basic", "auth_user": "x", "api_key": KEY})
        self.backend.auth_method = "bearer"

    def test_the_header_is_a_secret_name_of_its_backend(self):
        said = f"X-Clinic-Id: {SECRET} is unknown"
        self.assertIn(SECRET, self.backend._redact(said))
        self.backend.write({"auth_method": "header", "auth_header": "X-Clinic-Id"})
        self.assertNotIn(SECRET, self.backend._redact(said))

    def test_a_key_that_no_header_can_hold_is_not_reported(self):
        for method in ("bearer", "header"):
            self.use(method, f"{SECRET}\nX-Other: 1")
            with self.assertRaisesRegex(UserError, "cannot be used"):
                self.backend.action_test_connection()
            self.make_order()
            self.push()
            self.assertNotIn(SECRET, self.reported())

    def test_neither_copy_nor_settings_file_carries_it(self):
        self.use("oauth2")
        self.backend.action_test_connection()
        copy = self.backend.copy().sudo()
        self.assertFalse(copy.api_key_secret or copy.token_secret)
        self.assertFalse(copy.token_internal_host)
        action = self.backend.action_settings_file()
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        section = wizard._settings()["backend"]
        self.assertFalse([n for n in section if n.startswith(("auth", "token", "cl"))])


@tagged("post_install", "-at_install")
class TestToken(AuthCase):
    """One token for all, renewed once it is over or refused."""

    def setUp(self):
        super().setUp()
        self.use("oauth2", token_scope="orders")

    def test_one_token_serves_all_workers(self):
        self.make_order()
        self.sync()
        self.backend.action_test_connection()
        self.assertEqual(self.token_calls(), [200])

    def test_secret_and_id_in_the_body(self):
        self.backend.client_auth = "body"
        self.backend.action_test_connection()
        self.assertEqual(self.token_calls(), [200])

    def test_a_token_server_gets_the_secret_in_one_place_alone(self):
        for client_auth, at in (("basic", False), ("body", True)):
            with self.subTest(client_auth), receiver() as server:
                server.status = 401
                self.use("oauth2", token_url=server.url, client_auth=client_auth)
                with self.assertRaises(UserError):
                    self.backend.action_test_connection()
                (__, headers, body), *__ = server.got
                self.assertEqual(f"client_secret={KEY}".encode() in body, at)
                self.assertEqual("authorization" in headers, not at)

    def test_the_token_is_kept_like_a_secret(self):
        keys = {"PHARMACY_SYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        with patch.dict(os.environ, keys):
            self.backend.action_test_connection()
            self.env.invalidate_all()
            kept = self.backend.sudo().token_secret
            self.assertTrue(kept.startswith("$fernet$"))
            token = self.backend._secret("token").split('"')[1]
        manager = new_test_user(self.env, "reader", "pharmacy_sync.group_manager")
        backend = self.backend.with_user(manager)
        for name in ("token_secret", "api_key_secret"):
            with self.assertRaises(AccessError):
                backend.read([name])
            with self.assertRaises(AccessError):
                backend.search([(name, "like", "x")])
        self.assertNotIn(kept, str(backend.read()))
        self.assertNotIn(token, self.reported())

    def test_a_token_that_cannot_be_decrypted_is_asked_for_anew(self):
        keys = {"PHARMACY_SYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        with patch.dict(os.environ, keys):
            self.backend.action_test_connection()
        self.backend.action_test_connection()
        self.assertEqual(self.token_calls(), [200, 200])

    def test_a_token_that_ends_amid_a_batch_costs_one_replay_and_nothing_else(self):
        client = self.backend._client("push", "order_sync")
        client.health("c")
        self.app.call("POST", "/admin/settings", forget_tokens=True)
        self.app.call("DELETE", "/admin/requests")
        item = {"method": "create", "external_ref": "r-1", "data": {"name": "New"}}
        (result,) = client.batch("suppliers", [{**item, "idempotency_key": "k"}], "c")
        self.assertEqual(result["status"], 201)
        self.assertEqual(
            [(row["path"], row["status"]) for row in self.app.requests()],
            [
                ("/api/v1/suppliers/batch", 401),
                ("/oauth/token", 200),
                ("/api/v1/suppliers/batch", 200),
            ],
        )
        self.assertFalse(self.errors() or self.backend.refused_at)
        # Another worker has the new one.
        self.backend.action_test_connection()
        self.assertEqual(self.token_calls(), [200])

    def test_it_is_renewed_before_its_end(self):
        self.app.call("POST", "/admin/settings", token_seconds=2)
        client = self.backend._client("pull")
        client.changes("suppliers", None, 1, "c")
        time.sleep(1.1)
        client.changes("suppliers", None, 1, "c")
        self.assertEqual(self.token_calls(), [200, 200])
        self.assertNotIn(401, [row["status"] for row in self.app.requests()])

    def test_a_life_that_is_not_reported(self):
        self.app.call("POST", "/admin/settings", stated_seconds=-1)
        self.backend.action_test_connection()
        self.env.invalidate_all()
        until = float(self.backend._secret("token").split(",")[1])
        self.assertAlmostEqual(until - time.time(), 270, delta=20)

    def test_an_app_that_refuses_each_token_is_asked_twice(self):
        self.app.ask_for("bearer")
        order = self.make_order()
        self.push()
        self.assertTrue(self.backend.refused_at)
        self.assertEqual(len(self.errors()), 1)
        # The batch twice, and so the call that tests what the app accepts.
        self.assertEqual(len(self.token_calls()), 3)
        asked = [r for r in self.app.requests() if r["path"].startswith("/api")]
        self.assertEqual([row["status"] for row in asked], [401] * 4)
        self.push()
        self.assertEqual(len(self.token_calls()), 3)
        self.app.ask_for("oauth2")
        self.backend.action_test_connection()
        self.push()
        self.assertTrue(self.mapping(order).external_id)

    def test_what_the_token_server_refuses_names_the_field(self):
        for values, words in (
            ({"api_key": SECRET}, "does not know this client id with this secret"),
            ({"token_scope": "admin"}, "does not give this scope"),
            ({"token_url": f"{self.app.url}/oauth/tokens"}, "at this address"),
        ):
            with self.subTest(words):
                self.use("oauth2", token_scope=False)
                self.backend.write(values)
                with self.assertRaises(UserError):
                    self.backend.action_test_connection()
                self.pull()
                self.assertTrue(self.backend.refused_at)
                error = self.errors().filtered(lambda error: not error.resolved)
                self.assertEqual(error.type, "authentication_failed")
                self.assertIn(words, error.message)
                self.assertNotIn(SECRET, self.reported())

    def test_the_next_secret_is_not_tried_where_something_else_is_refused(self):
        self.backend.token_scope = "admin"
        counts = []
        for following in (False, SECRET):
            self.backend.api_key_next = following
            self.app.call("DELETE", "/admin/requests")
            with self.assertRaisesRegex(TokenRefusedError, "does not give this scope"):
                self.backend._client("pull").changes("suppliers", None, 1, "c")
            counts.append(self.token_calls())
        self.assertTrue(counts[0])
        self.assertEqual(counts[1], counts[0])

    @mute_logger("odoo.sql_db")
    def test_a_worker_that_waits_too_long_for_the_token_of_another_meets_an_outage(
        self,
    ):
        self.patch(tokens, "PATIENCE", 0.05)
        lock = [TOKENS, self.backend.id]
        with db_connect(self.env.cr.dbname).cursor() as other:
            other.execute("SELECT pg_advisory_lock(%s, %s)", lock)
            self.pull()
            other.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
        error = self.errors()[:1]
        self.assertEqual(error.type, "network_timeout")
        self.assertIn("has none after 0.05 seconds", error.message)
        self.assertFalse(self.token_calls() or self.backend.refused_at)
        self.backend.action_test_connection()
        self.assertEqual(self.token_calls(), [200])

    def test_a_token_server_that_is_away_is_an_outage(self):
        rule = {"match": {"path": "/oauth/token"}}
        order = self.make_order()
        for kind, more, error_type in (
            ("error", {"status": 503}, "service_unavailable"),
            ("error", {"status": 502}, "service_unavailable"),
            ("rate_limit", {}, "rate_limit_exceeded"),
            ("reset", {}, "connection_reset"),
            ("lost_answer", {}, "connection_reset"),
            ("corrupt_json", {}, "service_unavailable"),
        ):
            with self.subTest(kind):
                self.app.fault(kind, **more, **rule)
                self.make_due()
                self.push()
                error = self.errors()[:1]
                self.assertEqual(error.type, error_type)
                self.assertEqual(error.delivery, "not_sent")
                self.assertFalse(self.backend.refused_at)
                self.backend.breaker_ids._set_mode("disabled", "test")
                self.backend.breaker_ids._set_mode("normal", "test")
                self.operations().attempts = 0
        calls = [r["path"] for r in self.app.requests()]
        self.assertEqual(set(calls), {"/oauth/token"})
        self.app.heal()
        self.make_due()
        self.push()
        self.assertTrue(self.mapping(order).external_id)

    def test_a_token_server_that_is_away_opens_the_breaker(self):
        self.app.fault("error", status=503, match={"path": "/oauth/token"})
        breaker = self.backend._breaker("push")
        for __ in range(6):
            self.make_order()
            self.make_due()
            self.push()
        self.assertEqual(breaker.state, "open")
        self.assertFalse(self.operations(state="dead"))

    def test_a_token_server_that_does_not_end_is_not_waited_for(self):
        self.app.fault("drip", bytes_per_second=1, match={"path": "/oauth/token"})
        self.backend.deadline = 1.0
        started = time.monotonic()
        with self.assertRaisesRegex(UserError, "cannot be used"):
            self.backend.action_test_connection()
        self.assertLess(time.monotonic() - started, 5)

    def test_each_request_for_a_token_is_in_the_log(self):
        self.backend.action_test_connection()
        calls = self.env["sync.call"].search([("backend_id", "=", self.backend.id)])
        token = calls.filtered(lambda call: call.operation == "token")
        self.assertEqual((token.path, token.status), ("/oauth/token", 200))
        self.assertFalse(token.result, "it says nothing of the app's health")
        self.assertFalse(token.error_type)
        self.assertIn(token.correlation_id, (calls - token).mapped("correlation_id"))

    def test_a_token_goes_to_no_other_app(self):
        self.backend.action_test_connection()
        self.backend.write({"url": f"{self.app.url}/other", "api_key": KEY})
        with self.assertRaises(UserError):
            self.backend.action_test_connection()
        self.assertEqual(self.token_calls(), [200, 200])

    def test_inside_of_the_network_only_if_it_is_allowed(self):
        self.backend.internal = False
        tokens = self.backend._auth("test")
        with self.assertRaises(InternalAddressError):
            tokens.headers(_Endless(), "c")
        self.backend.token_internal = True
        tokens = self.backend._auth("test")
        self.assertTrue(tokens.headers(_Endless(), "c"))
        manager = new_test_user(self.env, "allows", "pharmacy_sync.group_manager")
        with self.assertRaises(AccessError):
            self.backend.with_user(manager).token_internal = False
        self.backend.write({"token_url": "https://login.example.com", "api_key": KEY})
        self.assertFalse(self.backend.token_internal)


class _Endless:
    """A deadline that never comes."""

    def bounded(self):
        return 60.0


@tagged("post_install", "-at_install")
class TestTokenAtOnce(ConcurrencyCase):
    """Several workers find that the token is over: one asks, for all of them."""

    def setUp(self):
        super().setUp()
        self.app = PharmacyApp()
        self.addCleanup(self.app.stop)
        self.app.ask_for("oauth2")
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.backend_id = (
                env["sync.backend"]
                .create(
                    {
                        "name": "At once",
                        "url": self.app.url,
                        "internal": True,
                        "auth_method": "oauth2",
                        "token_url": f"{self.app.url}/oauth/token",
                        "client_id": "odoo",
                        "api_key": KEY,
                    }
                )
                .id
            )
        self.addCleanup(self.clean)

    def clean(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["sync.backend"].browse(self.backend_id).unlink()

    def work(self, together):
        with self.registry.cursor() as cr:
            backend = api.Environment(cr, SUPERUSER_ID, {})["sync.backend"].browse(
                self.backend_id
            )
            client = backend._client("pull")
            cr.rollback()
            together.wait()
            client.changes("suppliers", None, 1, "c")
            together.wait()
            if together.wait() == 0:
                self.app.call("POST", "/admin/settings", forget_tokens=True)
            together.wait()
            client.changes("suppliers", None, 1, "c")

    def test_one_asks_for_all(self):
        self.app.fault("latency", seconds=0.5, match={"path": "/oauth/token"})
        together = threading.Barrier(4, timeout=60)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.work, [together] * 4))
        asked = [r for r in self.app.requests() if r["path"] == "/oauth/token"]
        self.assertEqual([row["status"] for row in asked], [200, 200])


@tagged("post_install", "-at_install")
class TestConnectAuth(AuthCase):
    """Each method is tried and kept by the dialog, which says what is wrong with it."""

    def wizard(self, method, **values):
        form = Form(self.env["sync.backend.connect"])
        form.name, form.url, form.internal = "New Pharmacy", self.app.url, True
        form.auth_method = method
        given = {**METHODS[method], "api_key": KEY}
        if method == "oauth2":
            given["token_url"] = f"{self.app.url}/oauth/token"
        for name, value in {**given, **values}.items():
            setattr(form, name, value)
        return form.save()

    def failed(self, method, **values):
        """The step that fails, and what it says."""
        wizard = self.wizard(method, **values)
        wizard.action_test()
        step = wizard.step_ids.filtered(lambda step: step.state == "failed")
        return step.name, step.message

    def test_each_method_is_tried_and_kept(self):
        self.backend.active = False
        for method in METHODS:
            with self.subTest(method):
                self.app.ask_for(method)
                wizard = self.wizard(method)
                wizard.action_test()
                self.assertTrue(wizard.passed, wizard.step_ids.mapped("message"))
                work = self.env["sync.initial"].browse(
                    wizard.action_connect()["res_id"]
                )
                backend = work.backend_id
                self.assertEqual(backend.auth_method, method)
                self.assertTrue(backend.action_test_connection())
                form = Form(
                    self.env["sync.backend.connect"].with_context(
                        default_backend_id=backend.id
                    )
                )
                self.assertEqual(form.auth_method, method)
                again = form.save()
                again.action_test()
                self.assertTrue(again.passed, again.step_ids.mapped("message"))
                work.action_stop()
                work.unlink()
                backend.unlink()

    def test_what_is_wrong_is_said(self):
        for method, values, step, words in (
            ("basic", {"auth_user": "other"}, "key", "user name with this password"),
            ("basic", {"api_key": False}, "key", "No password is given"),
            ("header", {"auth_header": "X-Other"}, "key", "in this header"),
            ("oauth2", {"api_key": False}, "token", "No client secret"),
            ("oauth2", {"client_id": "x"}, "token", "does not know this client ID"),
            ("oauth2", {"token_scope": "x"}, "token", "does not give this scope"),
            ("oauth2", {"token_url": self.app.url}, "token", "Correct the address"),
            ("oauth2", {"token_url": "http://127.0.0.1:9"}, "token", "efused"),
            (
                "oauth2",
                {"token_url": "http://localhost:9/token"},
                "token",
                "inside of your network",
            ),
        ):
            with self.subTest(words):
                self.app.ask_for(method)
                found, said = self.failed(method, **values)
                self.assertEqual(found, step)
                self.assertIn(words, said)
                self.assertNotIn(KEY, said)

    def test_a_test_that_passes_has_a_resting_backend_go_on(self):
        """Also where what it keeps is encrypted."""
        keys = {"PHARMACY_SYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode()}
        with patch.dict(os.environ, keys):
            for method in METHODS:
                with self.subTest(method):
                    self.use(method)
                    self.backend.refused_at = fields.Datetime.now()
                    wizard = self.env["sync.backend.connect"].with_context(
                        default_backend_id=self.backend.id
                    )
                    wizard = Form(wizard).save()
                    wizard.action_test()
                    self.assertFalse(self.backend.refused_at)

    def test_a_secret_of_the_backend_goes_to_no_other_token_server(self):
        self.use("oauth2")
        wizard = self.env["sync.backend.connect"].create(
            {
                "backend_id": self.backend.id,
                "name": "x",
                "url": self.app.url,
                "auth_method": "oauth2",
                "client_id": "odoo",
                "token_url": "https://elsewhere.example.com/token",
            }
        )
        self.assertFalse(wizard.api_key)
        wizard.action_test()
        self.assertIn("another host", wizard.step_ids[1].message)
        wizard.token_url = f"{self.app.url}/oauth/token"
        self.assertTrue(wizard.api_key)
        wizard.action_test()
        self.assertTrue(wizard.passed)

    def test_the_token_server_inside_of_the_network_is_an_administrators_word(self):
        self.app.ask_for("oauth2")
        place = self.app.url.replace("127.0.0.1", "localhost")
        wizard = self.wizard(
            "oauth2", token_url=f"{place}/oauth/token", token_internal=True
        )
        wizard.action_test()
        self.assertTrue(wizard.passed, wizard.step_ids.mapped("message"))
        plain = new_test_user(self.env, "plain", "pharmacy_sync.group_manager")
        with self.assertRaises(AccessError):
            wizard.with_user(plain).token_internal = True
        work = self.env["sync.initial"].browse(wizard.action_connect()["res_id"])
        self.assertEqual(work.backend_id.token_internal_host, "localhost")
