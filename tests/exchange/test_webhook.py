import json
import time

from odoo.tests import HttpCase, tagged

from ...core.signature import sign
from ..common import KEY, WEBHOOK_SECRET

BODY = json.dumps({"type": "purchase-orders.updated", "data": {"id": "po_1"}})


@tagged("post_install", "-at_install")
class TestWebhook(HttpCase):
    """A signed notice has the changes read; any other is refused."""

    def setUp(self):
        super().setUp()
        self.backend = self.env["sync.backend"].create(
            {
                "name": "Test Pharmacy",
                "url": "http://127.0.0.1:9",
                "api_key": KEY,
                "webhook_secret": WEBHOOK_SECRET,
            }
        )

    def send(self, secret=WEBHOOK_SECRET, body=BODY, age=0):
        stamp = int(time.time()) - age
        return self.url_open(
            f"/pharmacy_sync/webhook/{self.backend.id}",
            data=body,
            headers={
                "Content-Type": "application/json",
                "webhook-id": "msg_1",
                "webhook-timestamp": str(stamp),
                "webhook-signature": sign(secret, "msg_1", stamp, BODY),
            },
        )

    def test_no_timestamp_is_a_server_error(self):
        for stamp in ("9" * 5000, "-1", "1e9", "\xb2", ""):
            answer = self.url_open(
                f"/pharmacy_sync/webhook/{self.backend.id}",
                data=BODY,
                headers={
                    "Content-Type": "application/json",
                    "webhook-id": "msg_1",
                    "webhook-timestamp": stamp.encode("latin-1"),
                    "webhook-signature": "v1,x",
                },
            )
            self.assertEqual(answer.status_code, 401, stamp[:10])

    def test_a_long_body_is_not_read_whatever_its_length_is_said_to_be(self):
        """With a length, and in pieces without one; rightly signed too."""
        for size, status in ((64 * 1024, 202), (64 * 1024 + 1, 413), (10**7, 413)):
            body = b"x" * size
            stamp = int(time.time())
            headers = {
                "Content-Type": "application/json",
                "webhook-id": "msg_1",
                "webhook-timestamp": str(stamp),
                "webhook-signature": sign(WEBHOOK_SECRET, "msg_1", stamp, body),
            }
            url = f"/pharmacy_sync/webhook/{self.backend.id}"
            pieces = (body[at : at + 4096] for at in range(0, size, 4096))
            for data in (body, pieces):
                with self.subTest(size=size, chunked=data is pieces):
                    answer = self.url_open(url, data=data, headers=headers)
                    self.assertEqual(answer.status_code, status)

    def pulls(self):
        return self.env["queue.job"].search_count(
            [("identity_key", "like", f"pharmacy_sync pull {self.backend.id} ")]
        )

    def test_signed_notice_has_the_changes_read(self):
        self.assertEqual(self.send().status_code, 202)
        self.assertEqual(self.pulls(), 1)

    def test_many_notices_are_one_pull(self):
        for __ in range(3):
            self.send()
        self.assertEqual(self.pulls(), 1)

    def test_altered_foreign_and_stale_notices_are_refused(self):
        self.assertEqual(self.send(body=BODY + " ").status_code, 401)
        self.assertEqual(self.send(secret="whsec_" + "A" * 32).status_code, 401)
        self.assertEqual(self.send(age=600).status_code, 401)
        self.assertEqual(self.pulls(), 0)

    def test_copy_of_the_database_refuses_notices(self):
        self.backend.origin = {**self.backend.origin, "name": "the-original"}
        answer = self.send()
        self.assertEqual(answer.status_code, 409)
        self.assertEqual(answer.json()["error"]["code"], "database_copied")
        self.assertEqual(self.pulls(), 0)

    def test_backend_without_secret_listens_to_nobody(self):
        self.backend.webhook_secret = False
        self.assertEqual(self.send().status_code, 404)
