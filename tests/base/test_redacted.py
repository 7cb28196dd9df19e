import json
import logging
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from odoo.tests import tagged

from ...core.exceptions import InvalidDataError
from ...core.secrets.logs import get_logger
from ..common import SyncCase

SECRET = "hunter2hunter2"
IBAN = "ES9121000418450200051332"
SAID = f"refused: password={SECRET} and iban: {IBAN}"


@tagged("post_install", "-at_install")
class TestRedacted(SyncCase):
    """A secret that an app, or a program, puts into its words is shown to nobody."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.backend.secret_fields = "IBAN, contactPhone"

    def planted(self):
        """Tables of the addon, and others it writes into, that hold a secret."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' "
            "AND (table_name LIKE 'sync\\_%' OR table_name IN "
            "('queue_job', 'mail_message', 'mail_activity', 'purchase_order'))"
        )
        found = []
        for (name,) in self.env.cr.fetchall():
            self.env.cr.execute(
                f'SELECT count(*) FROM "{name}" t '
                "WHERE to_jsonb(t)::text LIKE %s OR to_jsonb(t)::text LIKE %s",
                (f"%{SECRET}%", f"%{IBAN}%"),
            )
            if self.env.cr.fetchone()[0]:
                found.append(name)
        return found

    @contextmanager
    def telling_app(self, status):
        """An app that puts secrets into all of its answers."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer({"error": {"code": "x", "message": SAID}})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                items = json.loads(body).get("items", [])
                error = {"code": "invalid", "message": SAID, "field": "name"}
                results = [{"status": 422, "error": error} for __ in items]
                self.answer({"results": results, **{"error": error}})

            def answer(self, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()

    def test_in_no_table_whatever_failed(self):
        order = self.make_order()
        self.push()
        order.action_sync_reserve()
        for status in (200, 400, 403, 404, 409, 422, 429, 500, 503):
            with self.subTest(status), self.telling_app(status) as url:
                self.move_app(url)
                order.origin = f"PH-{status}"
                self.make_due()
                self.push()
                self.pull()
                self.recover()
                saga = order.sync_saga_ids[:1]
                runner = saga.with_env(self.backend._as_runner().env)
                runner.with_context(job_uuid=saga.job_uuid)._job_step()
                self.env["sync.alert"]._watch()
                self.assertEqual(self.planted(), [])
        said = self.env["sync.error"].search([("message", "like", "refused: ")])
        self.assertTrue(said)
        self.assertIn("***", said[0].message)

    def test_in_no_error_that_a_program_records(self):
        about = {"backend_id": self.backend.id, "operation": "push"}
        error = InvalidDataError(SAID)
        error.__cause__ = ValueError(json.dumps({"iban": IBAN, "token": SECRET}))
        about["context"] = {"iban": IBAN, "x": SAID}
        self.env["sync.error"]._record(error, **about)
        self.assertEqual(self.planted(), [])

    def test_in_no_answer_of_the_api(self):
        api = self.env["sync.api"].with_user(self.api_user)
        record = {"id": "s1", "version": 1, "name": "X", "country_code": SAID}
        for answer in (
            api.push("supplier", [record]),
            api.push(f"password={SECRET}", [record]),
        ):
            self.assertNotIn(SECRET, str(answer))
            self.assertNotIn(IBAN, str(answer))

    def test_in_no_view_of_a_payload(self):
        stream = self.backend.stream_ids[0]
        payload = {"data": {"iban": IBAN, "contact_phone": "600", "api_key": SECRET}}
        operation = self.env["sync.operation"].create(
            {"kind": "apply", "stream_id": stream.id, "payload": payload}
        )
        note = self.env["sync.operation.note"].create(
            {
                "operation_id": operation.id,
                "action": "edited",
                "before": {"iban": IBAN, "name": "A"},
                "after": {"iban": IBAN + "9", "name": "B"},
            }
        )
        for text in (operation.payload_text, note.change_text):
            self.assertNotIn(IBAN, text)
            self.assertNotIn(SECRET, text)
        self.assertNotIn('"600"', operation.payload_text)
        self.assertIn("name: A → B", note.change_text)
        self.assertEqual(operation.payload, payload, "what is sent is as it was")

    def test_in_no_line_of_the_log(self):
        logger = get_logger("odoo.addons.pharmacy_sync.tests.redacted")
        records = []
        handler = logging.Handler()
        handler.emit = lambda record: records.append(logging.Formatter().format(record))
        logger.addHandler(handler)
        self.addCleanup(logger.removeHandler, handler)
        logger.propagate = False
        try:
            raise ValueError(f"password={SECRET}")
        except ValueError as exc:
            logger.critical("said %s", f"token={SECRET}", exc_info=True)
            logger.critical("said", exc_info=exc)
        self.assertEqual(len(records), 2)
        self.assertNotIn(SECRET, "".join(records))
        self.assertIn("ValueError", records[0])

    def test_what_another_backend_calls_sensitive_is_its_own(self):
        other = self.backend.copy({"name": "Other"})
        other.secret_fields = False
        self.assertIn("600", str(other._redact({"contact_phone": "600"})))
        self.assertNotIn("600", str(self.backend._redact({"contact_phone": "600"})))
