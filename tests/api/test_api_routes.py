"""The routes of our own: the same answers as over RPC, with statuses that mean
something, null for what is absent, and no traceback on any road."""

import gzip
import json
import uuid
from datetime import timedelta

import jsonschema_rs
from hypothesis import HealthCheck, given, settings, strategies as st

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ...core.api.limits import MAX_BODY
from ..common import KEY, SyncCase
from .test_api_arguments import GOOD, METHODS, calls

PATH = "/pharmacy_sync/api/v1"
SUPPLIER = {"id": "sup_1", "version": 1, "name": "Farmacia Sur"}


@tagged("post_install", "-at_install")
class TestApiRoutes(HttpCase):
    def setUp(self):
        super().setUp()
        self.user = self.env["res.users"].browse(
            SyncCase.make_user.__func__(type(self), "app", "pharmacy_sync.group_api")
        )
        self.backend = self.env["sync.backend"].create(
            {
                "name": "Test Pharmacy",
                "url": "http://127.0.0.1:9",
                "api_key": KEY,
                "user_id": self.user.id,
                "rate_limit": 100_000,
            }
        )
        self.key = self.make_key(self.user)

    def make_key(self, user, scope="rpc"):
        expires = fields.Datetime.now() + timedelta(days=1)
        keys = self.env["res.users.apikeys"].with_user(user).sudo()
        return keys._generate(scope, "test", expires)

    def ask(self, method, body, key=None, **headers):
        """The answer to a request; its body is one of ours, whatever was asked."""
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        answer = self.url_open(
            f"{PATH}/{method}",
            data=data,
            headers={
                "Authorization": f"Bearer {key or self.key}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        self.assert_ours(answer)
        return answer

    def assert_ours(self, answer):
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        said = answer.json()
        self.assertIsInstance(said["success"], bool)
        self.assertRegex(said["correlation_id"], r"^[!-~]{1,200}$")
        self.assertEqual(answer.headers["X-Correlation-ID"], said["correlation_id"])
        if answer.status_code >= 400:
            self.assertFalse(said["success"])
            self.assertIn("type", said["error"])
        for secret in ("Traceback", "psycopg2", "SELECT", "odoo/", self.key):
            self.assertNotIn(secret, answer.text)

    # -- Answers ----------------------------------------------------------------------

    def test_a_push_arrives_and_null_is_null(self):
        answer = self.ask("push", {"entity": "supplier", "records": [SUPPLIER]})
        self.assertEqual(answer.status_code, 200)
        (result,) = answer.json()["results"]
        self.assertEqual(result["operation"], "created")
        self.assertIsNone(result["error"])
        self.assertIsNone(result["operation_id"])
        bad = self.ask("push", {"entity": "supplier", "records": [{"id": "sup_2"}]})
        (result,) = bad.json()["results"]
        self.assertEqual(bad.status_code, 200)
        self.assertIsNone(result["odoo_id"])
        self.assertEqual(result["error"]["field"], "name")
        self.assertIsNone(self.ask("conflicts", {}).json()["cursor"])

    def test_the_correlation_id_may_be_a_header(self):
        answer = self.ask("health", {}, **{"X-Correlation-ID": "from-the-app"})
        self.assertEqual(answer.json()["correlation_id"], "from-the-app")
        answer = self.ask("health", {}, **{"X-Correlation-ID": "a b"})
        self.assertEqual(answer.status_code, 422)
        self.assertEqual(answer.json()["error"]["field"], "correlation_id")

    def test_statuses(self):
        for status, method, body in (
            (422, "push", {"entity": "supplier"}),
            (422, "push", {"entity": "invoice", "records": []}),
            (422, "push", {"entity": "supplier", "records": [], "colour": 1}),
            (422, "changes", {"entity": "supplier", "limit": False}),
            (404, "resolve", {"conflict_id": 1, "side": "odoo"}),
            (404, "unlink", {}),
            (404, "_push", {}),
            (404, "push/now", {}),
            (400, "push", "[]"),
            (400, "push", "{"),
            (400, "push", '{"entity": NaN}'),
            (400, "push", b"\xff\xfe\x00"),
            (400, "push", "[" * 100_000),
            (400, "push", '{"entity": "product", "entity": "supplier", "records": []}'),
            (422, "push", f'{{"entity": {"9" * 5_000}, "records": []}}'),
        ):
            with self.subTest(method=method, body=str(body)[:40]):
                self.assertEqual(self.ask(method, body).status_code, status)
        deep = {"id": "sup_1", "name": "x", "note": json.loads("[" * 30 + "]" * 30)}
        answer = self.ask("push", {"entity": "supplier", "records": [deep]})
        self.assertIn("nested deeper", answer.json()["results"][0]["error"]["message"])

    def test_one_record_that_is_too_deep_for_any_reader_fails_alone(self):
        deep = "[" * 50_000 + "]" * 50_000
        records = f'[{json.dumps(SUPPLIER)}, {{"id": "sup_2", "name": {deep}}}]'
        answer = self.ask("push", f'{{"entity": "supplier", "records": {records}}}')
        self.assertEqual(answer.status_code, 200)
        good, bad = answer.json()["results"]
        self.assertEqual((good["operation"], bad["operation"]), ("created", "failed"))
        self.assertIn("nested deeper", bad["error"]["message"])

    def test_a_number_that_is_too_long_for_any_reader_fails_its_record_alone(self):
        for digits in ("9" * 5_000, f"-{'9' * 5_000}", "9" * 101):
            record = f'{{"id": "sup_2", "version": {digits}, "name": "Sur"}}'
            records = f"[{json.dumps(SUPPLIER)}, {record}]"
            answer = self.ask("push", f'{{"entity": "supplier", "records": {records}}}')
            self.assertEqual(answer.status_code, 200)
            good, bad = answer.json()["results"]
            self.assertTrue(good["success"])
            self.assertEqual(bad["error"]["field"], "version")

    def test_of_two_values_none_is_dropped_silently(self):
        twice = '{"id": "sup_1", "version": 1, "name": "Sur", "name": "Norte"}'
        answer = self.ask("push", f'{{"entity": "supplier", "records": [{twice}]}}')
        self.assertEqual(answer.status_code, 400)
        self.assertIn("two values", answer.json()["error"]["message"])
        self.assertFalse(self.env["sync.mapping"].search([]))

    def test_a_body_as_it_is_may_say_so(self):
        for encoding in ("identity", "Identity", ""):
            answer = self.ask("health", {}, **{"Content-Encoding": encoding})
            self.assertEqual(answer.status_code, 200, encoding)

    def test_a_line_break_in_an_email_is_refused(self):
        """It would be one in a header of a mail."""
        for email in ("a@example.test\nBcc: all@example.test", "a@example.test\r"):
            record = {**SUPPLIER, "email": email}
            answer = self.ask("push", {"entity": "supplier", "records": [record]})
            (result,) = answer.json()["results"]
            self.assertEqual(result["operation"], "failed")
            self.assertEqual(result["error"]["field"], "email")

    def test_only_the_key_of_a_backends_user_is_let_in(self):
        stranger = self.env.ref("base.user_admin")
        self.assertEqual(self.ask("health", {}, key="x" * 40).status_code, 401)
        other = self.make_key(self.user, scope="something else")
        self.assertEqual(self.ask("health", {}, key=other).status_code, 401)
        mine = self.make_key(stranger)
        self.assertEqual(self.ask("health", {}, key=mine).status_code, 403)
        answer = self.url_open(f"{PATH}/health", data="{}")
        self.assertEqual(answer.status_code, 401)
        self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
        self.assert_ours(answer)

    def test_only_post_calls(self):
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = self.url_open(f"{PATH}/health", headers=headers)
        self.assertEqual(answer.status_code, 405)
        self.assertEqual(answer.headers["Allow"], "POST")
        self.assert_ours(answer)

    def test_a_long_or_packed_body_is_not_read(self):
        start = b'{"entity": "supplier", "records": ["'
        for size, status in ((1_000, 400), (MAX_BODY + 1, 413), (3 * MAX_BODY, 413)):
            body = start + b"x" * (size - len(start))
            pieces = (body[at : at + 65_536] for at in range(0, size, 65_536))
            for data in (body, pieces):
                with self.subTest(size=size, chunked=data is pieces):
                    answer = self.url_open(
                        f"{PATH}/push",
                        data=data,
                        headers={"Authorization": f"Bearer {self.key}"},
                    )
                    self.assertEqual(answer.status_code, status)
                    self.assert_ours(answer)
        packed = gzip.compress(json.dumps({"entity": "x" * 10**6}).encode())
        answer = self.ask("push", packed, **{"Content-Encoding": "gzip"})
        self.assertEqual(answer.status_code, 415)

    def test_too_many_are_asked_to_come_back(self):
        self.backend.rate_limit = 1
        self.assertEqual(self.ask("health", {}).status_code, 200)
        answer = self.ask("health", {})
        self.assertEqual(answer.status_code, 429)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)

    def test_a_paused_backend_says_when_to_come_back(self):
        self.backend.paused = True
        answer = self.ask("push", {"entity": "supplier", "records": [SUPPLIER]})
        self.assertEqual(answer.status_code, 503)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)

    def test_what_fails_in_the_database_is_answered_too(self):
        """The transaction is lost: a check of Odoo's table at its end."""
        self.env.cr.execute(
            """CREATE FUNCTION pg_temp.full() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE disk_full USING MESSAGE = 'secret of the disk'; END $$;
               CREATE TRIGGER full_disk BEFORE INSERT ON sync_mapping
               FOR EACH STATEMENT EXECUTE FUNCTION pg_temp.full()"""
        )
        with mute_logger("odoo.sql_db", "odoo.addons.pharmacy_sync"):
            body = {"entity": "supplier", "records": [SUPPLIER]}
            answer = self.ask("push", body)
        self.assertEqual(answer.status_code, 503, answer.text)
        self.assertNotIn("secret", answer.text)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.assertFalse(
            self.env["res.partner"].search_count([("name", "=", SUPPLIER["name"])])
        )

    # -- The document -----------------------------------------------------------------

    def test_answers_are_as_documented(self):
        answer = self.url_open(f"{PATH}/openapi.json")
        self.assertEqual(answer.status_code, 200)
        said = answer.json()
        self.assertEqual(said["openapi"], "3.1.0")
        names = [path.rpartition("/")[2] for path in said["paths"]]
        self.assertEqual(sorted(names), sorted(METHODS))
        for name in names:
            arguments = {a: GOOD[a] for a in METHODS[name] if a in GOOD}
            with self.subTest(name):
                self.assert_documented(said, name, self.ask(name, arguments))
        more = (
            ("push", {"entity": "supplier", "records": [SUPPLIER, {"id": "sup_2"}]}),
            ("status", {"entity": "supplier", "external_ids": ["sup_1", "sup_2"]}),
            ("lookup", {"entity": "supplier", "external_ids": ["sup_1"]}),
            ("changes", {"entity": "supplier"}),
            ("retry", {"entity": "supplier", "external_ids": ["sup_1", "no"]}),
        )
        for name, arguments in more:
            with self.subTest(name), mute_logger("odoo.sql_db"):
                self.assert_documented(said, name, self.ask(name, arguments))

    def assert_documented(self, said, name, answer):
        found = said["paths"][f"{PATH}/{name}"]["post"]["responses"]
        schema = found[str(answer.status_code)]["content"]["application/json"]["schema"]
        whole = {**schema, "components": said["components"]}
        errors = jsonschema_rs.validator_for(whole).iter_errors(answer.json())
        self.assertEqual([str(error) for error in errors], [])

    # -- Whatever is sent -------------------------------------------------------------

    def test_any_request_has_an_answer_of_ours(self):
        said = self.url_open(f"{PATH}/openapi.json").json()

        @settings(
            max_examples=60,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(calls())
        def call(asked):
            method, arguments = asked
            try:
                body = json.dumps(arguments)
            except TypeError:
                return
            answer = self.ask(method, body)
            self.assertLess(answer.status_code, 500, (method, answer.text))
            if answer.status_code != 400:
                self.assert_documented(said, method, answer)

        with mute_logger("odoo.sql_db"):
            call()

    def test_any_body_has_an_answer_of_ours(self):
        @settings(max_examples=40, deadline=None, database=None, derandomize=True)
        @given(st.binary(max_size=200) | st.text(max_size=200))
        def send(body):
            data = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
            self.assertLess(self.ask("push", data).status_code, 500)

        send()

    def test_equal_pushes_get_equal_answers(self):
        body = {
            "entity": "supplier",
            "records": [SUPPLIER],
            "idempotency_key": uuid.uuid4().hex,
        }
        first, again = self.ask("push", body).json(), self.ask("push", body).json()
        self.assertEqual(first["results"], again["results"])
