import json
import logging

from odoo.tests import tagged

from ...core.exceptions import InvalidDataError
from ...core.logs import get_logger
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

    def test_in_no_table_whatever_failed(self):
        order = self.make_order()
        self.push()
        # A batch, each of its records, a reading, a saga's step.
        for path in ("*/batch", "*/changes*", "*/reservations*", "*"):
            for status in (422, 503, 200):
                self.app.heal()
                self.app.fault(
                    "error", status=status, message=SAID, match={"path": path}
                )
                order.origin = f"PH-{path}-{status}"
                self.make_due()
                self.push()
                self.pull()
                order.action_sync_reserve()
                self.recover()
        self.app.heal()
        about = {"backend_id": self.backend.id, "operation": "push"}
        error = InvalidDataError(SAID)
        error.__cause__ = ValueError(json.dumps({"iban": IBAN, "token": SECRET}))
        self.env["sync.error"]._record(
            error, context={"iban": IBAN, "x": SAID}, **about
        )
        self.env["sync.alert"]._watch()
        self.assertTrue(self.env["sync.error"].search([("message", "like", "refused")]))
        self.assertEqual(self.planted(), [])

    def test_in_no_answer_of_the_api(self):
        api = self.env["sync.api"].with_user(self.api_user)
        record = {"id": "s1", "version": 1, "name": "X", "country_code": SAID}
        for answer in (
            api.push("supplier", [record]),
            api.push("supplier", [{**record, "id": f"password={SECRET}" * 99}]),
            api.push(f"password={SECRET}", [record]),
            api.lookup("supplier", [f"a?token={SECRET}"]),
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
