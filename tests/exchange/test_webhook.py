import itertools
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings, strategies as st

from odoo import SUPERUSER_ID, api, fields
from odoo.service.model import retrying
from odoo.tests import HttpCase, tagged

from ...core.event.signature import TOLERANCE, sign
from ..common import KEY, WEBHOOK_SECRET, ConcurrencyCase

BODY = json.dumps({"type": "purchase-orders.updated", "data": {"id": "po_1"}})


@tagged("post_install", "-at_install")
class TestWebhook(HttpCase):
    """A signed notice has the changes read; any other is refused."""

    def setUp(self):
        super().setUp()
        self.numbers = itertools.count()
        self.backend = self.env["sync.backend"].create(
            {
                "name": "Test Pharmacy",
                "url": "http://127.0.0.1:9",
                "api_key": KEY,
                "webhook_secret": WEBHOOK_SECRET,
            }
        )

    def send(
        self,
        secret=WEBHOOK_SECRET,
        body=BODY,
        age=0,
        name=None,
        place=None,
        kind="application/json",
    ):
        """Send a notice, each with an id of its own unless one is given."""
        stamp = int(time.time()) - age
        name = name or f"msg_{next(self.numbers)}"
        return self.url_open(
            f"/pharmacy_sync/webhook/{place or self.backend.id}",
            data=body,
            headers={
                "Content-Type": kind,
                "webhook-id": name,
                "webhook-timestamp": str(stamp),
                "webhook-signature": sign(secret, name, stamp, BODY),
            },
        )

    def refused(self):
        """What was refused: ``{reason: count}``."""
        self.env.invalidate_all()
        rows = self.backend.webhook_refusal_ids
        return {row.reason: row.count for row in rows}

    def errors(self):
        return self.env["sync.error"].search(
            [("backend_id", "=", self.backend.id), ("work", "=", "webhook")]
        )

    def has_effect(self, **message):
        """Whether a rightly signed notice has the changes read; it is answered as if
        it had, so that its sender rests."""
        self.env["queue.job"].search([]).unlink()
        answer = self.send(**message)
        self.assertEqual((answer.status_code, answer.text), (202, "{}"))
        return bool(self.pulls())

    def test_a_repeated_notice_is_accepted_and_has_no_effect(self):
        """Its sender had no answer to the first, and tries again."""
        self.assertTrue(self.has_effect(name="once"))
        for age in (0, 0, 5, -5, 1, 2, 3):
            self.assertFalse(self.has_effect(name="once", age=age))
        self.assertTrue(self.has_effect(name="twice"))
        self.assertEqual(self.refused(), {})
        self.assertFalse(self.errors())
        self.env["sync.alert"]._watch()
        self.assertFalse(
            self.env["sync.alert"].search([("backend_id", "=", self.backend.id)])
        )

    def test_the_body_is_what_is_signed_whatever_its_type_says(self):
        for kind in (
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain; charset=utf-7",
        ):
            self.assertEqual(self.send(kind=kind).status_code, 202, kind)

    def test_any_request_has_an_answer_of_ours(self):
        """Whatever its headers and its body are, signed and not."""
        values = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))
        stamps = values | st.integers().map(str) | st.just(str(int(time.time())))

        @settings(
            max_examples=80,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(values, stamps, values, st.booleans(), st.binary(max_size=300), values)
        def send(name, stamp, signature, signed, body, kind):
            if signed:
                name, stamp = f"msg_{next(self.numbers)}", str(int(time.time()))
                signature = sign(WEBHOOK_SECRET, name, int(stamp), body)
            headers = {
                "Content-Type": kind,
                "webhook-id": name,
                "webhook-timestamp": stamp,
                "webhook-signature": signature,
            }
            answer = self.url_open(
                f"/pharmacy_sync/webhook/{self.backend.id}",
                method="POST",
                data=body,
                headers={k: v.strip().encode("latin-1") for k, v in headers.items()},
            )
            self.assertEqual(answer.status_code, 202 if signed else 401)
            answer.json()

        send()

    def test_a_repeated_notice_that_is_forged_is_refused(self):
        self.send(name="once")
        forged = self.send(name="once", secret="whsec_" + "A" * 32)
        self.assertEqual(forged.status_code, 401)
        self.assertEqual(self.send(name="once", age=600).status_code, 401)
        self.assertEqual(self.refused(), {"mismatch": 1, "stale": 1})

    def test_more_than_are_let_in_are_reported_when_to_come_back(self):
        self.backend.rate_limit = 2
        self.env.flush_all()
        forged = self.send(secret="whsec_" + "A" * 32)
        self.assertEqual(forged.status_code, 401)
        answers = [self.send() for __ in range(3)]
        self.assertEqual([a.status_code for a in answers], [202, 202, 429])
        self.assertGreater(int(answers[-1].headers["Retry-After"]), 0)
        self.env.invalidate_all()
        self.assertEqual(self.backend.refused_count, 1)

    def test_ids_are_kept_as_long_as_their_signature_holds(self):
        self.send(name="early", age=290)
        self.send(name="late", age=-290)
        later = fields.Datetime.now() + timedelta(seconds=60)
        self.env.cr.execute(
            "SELECT count(*) FILTER (WHERE expires < %s), count(*) FROM sync_webhook "
            "WHERE backend_id = %s",
            (later, self.backend.id),
        )
        self.assertEqual(self.env.cr.fetchone(), (1, 2))
        with freeze_time(later):
            self.env["sync.retention"]._gc_expired()
        self.assertFalse(self.has_effect(name="late", age=-200))
        self.assertTrue(self.has_effect(name="early"))

    def test_an_id_is_kept_as_long_as_the_signature_of_its_last_message(self):
        self.send(name="tried twice", age=290)
        self.send(name="tried twice", age=-290)
        with freeze_time(fields.Datetime.now() + timedelta(seconds=60)):
            self.env["sync.retention"]._gc_expired()
        self.assertFalse(self.has_effect(name="tried twice", age=-290))

    def test_a_backend_that_there_is_not_answers_as_one_that_there_is(self):
        silent = self.backend.copy({"name": "Silent"})
        gone = self.backend.copy({"name": "Gone", "webhook_secret": WEBHOOK_SECRET})
        gone.active = False
        wrong = "whsec_" + "A" * 32
        places = (self.backend.id, silent.id, gone.id, 2**31 - 1, 10**30, 0)
        for body in (BODY, b"x" * (64 * 1024 + 1)):
            answers = {
                (answer.status_code, answer.text)
                for answer in (self.send(wrong, body, place=str(at)) for at in places)
            }
            self.assertEqual(len(answers), 1, answers)
        self.assertEqual(self.refused(), {"mismatch": 1, "too_large": 1})
        self.assertEqual(self.send(place=str(gone.id)).status_code, 401)

    def test_several_refused_ones_are_an_error_that_says_what_to_do(self):
        for __ in range(4):
            self.send(secret="whsec_" + "A" * 32)
        self.assertFalse(self.errors())
        for __ in range(4):
            self.send(secret="whsec_" + "A" * 32)
        self.assertIn("Enter the secret", self.errors().message)
        self.assertEqual(self.refused(), {"mismatch": 8})
        rule = self.env.ref("pharmacy_sync.alert_rule_authentication")
        self.env["sync.alert"]._watch()
        alert = self.env["sync.alert"].search([("rule_id", "=", rule.id)])
        self.assertIn(self.backend, alert.backend_id)

    def test_a_clock_that_is_wrong_is_named(self):
        for __ in range(5):
            self.assertEqual(self.send(age=400).status_code, 401)
        self.assertIn("clock is wrong", self.errors().message)
        for __ in range(5):
            self.send(age=-400)
        self.assertEqual(self.refused(), {"stale": 5, "from_the_future": 5})
        self.assertEqual(len(self.errors()), 2)

    def test_the_time_of_a_foreign_notice_says_nothing_of_a_clock(self):
        self.send(secret="whsec_" + "A" * 32, age=600)
        self.assertEqual(self.refused(), {"mismatch": 1})

    def test_what_is_not_signed(self):
        url = f"/pharmacy_sync/webhook/{self.backend.id}"
        answer = self.url_open(url, data=BODY)
        self.assertEqual(answer.status_code, 401)
        self.assertEqual(self.refused(), {"malformed": 1})

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
            url = f"/pharmacy_sync/webhook/{self.backend.id}"
            pieces = (body[at : at + 4096] for at in range(0, size, 4096))
            for data in (body, pieces):
                name = f"msg_{next(self.numbers)}"
                headers = {
                    "Content-Type": "application/json",
                    "webhook-id": name,
                    "webhook-timestamp": str(stamp),
                    "webhook-signature": sign(WEBHOOK_SECRET, name, stamp, body),
                }
                with self.subTest(size=size, chunked=data is pieces):
                    answer = self.url_open(url, data=data, headers=headers)
                    self.assertEqual(answer.status_code, status)

    def test_what_is_too_long_is_answered_before_it_has_come(self):
        """A sender that goes on for ever, or says that it will, fills no memory."""
        for header, piece in (
            ("Transfer-Encoding: chunked", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
            (f"Content-Length: {10**9}", b"x" * 4096),
        ):
            with self.subTest(header=header):
                answer = self.begin(header, piece * 17)
                self.assertIn(b" 413 ", answer.partition(b"\r\n")[0])

    def begin(self, header, body):
        """Send the beginning of a notice, and wait for the answer to that."""
        server = urlsplit(self.base_url())
        with self.allow_requests():
            cookies = "; ".join(f"{c.name}={c.value}" for c in self.opener.cookies)
            head = (
                f"POST /pharmacy_sync/webhook/{self.backend.id} HTTP/1.1",
                f"Host: {server.netloc}",
                "Content-Type: application/json",
                f"Cookie: {cookies}",
                header,
            )
            address = (server.hostname, server.port)
            with socket.create_connection(address, timeout=10) as sender:
                sender.sendall("\r\n".join((*head, "", "")).encode() + body)
                return sender.recv(4096)

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

    def test_hundreds_of_notices_are_a_few_pulls(self):
        """600 within 50 seconds, each answered by a reading before the next comes."""
        mine = [("identity_key", "like", f"pharmacy_sync pull {self.backend.id} ")]
        start = fields.Datetime.now().replace(second=1)
        read = []
        for number in range(600):
            at = start + timedelta(seconds=number / 12)
            with freeze_time(at):
                self.backend._schedule_noticed_pull()
            jobs = self.env["queue.job"].search(mine)
            self.assertTrue(jobs)
            for job in jobs:
                if not job.eta or job.eta <= at:
                    read.append(job.eta)
                    self._read_at(job, at)
        self.assertFalse(read[0], "the first is read at once")
        self.assertLess(len(read), 55)
        last = self.env["queue.job"].search(mine)
        self.assertLess(max(last.mapped("eta")) - at, timedelta(seconds=3))

    def test_one_is_known_for_as_long_as_its_signature_holds(self):
        self.send()
        mine = [("backend_id", "=", self.backend.id)]
        known = self.env["sync.webhook"].search(mine)
        now = fields.Datetime.now()
        for seconds, there in ((TOLERANCE - 9, True), (TOLERANCE + 9, False)):
            with freeze_time(now + timedelta(seconds=seconds)):
                self.env["sync.retention"]._gc_expired()
            self.assertEqual(bool(known.exists()), there)

    def test_a_notice_waits_only_while_another_may_follow(self):
        asked = fields.Datetime.now().replace(second=1)
        self.env.cr.execute(
            "INSERT INTO sync_call (backend_id, operation, result, create_date) "
            "VALUES (%s, 'pull', 'success', %s), (%s, 'push', 'success', %s)",
            (self.backend.id, asked, self.backend.id, asked + timedelta(seconds=9)),
        )
        for seconds, eta in ((1, asked + timedelta(seconds=2)), (2, False)):
            before = self.env["queue.job"].search([])
            with freeze_time(asked + timedelta(seconds=seconds)):
                self.backend._schedule_noticed_pull()
            job = self.env["queue.job"].search([]) - before
            self.assertEqual(job.eta, eta)

    def _read_at(self, job, at):
        self.env.cr.execute(
            "INSERT INTO sync_call (backend_id, operation, result, create_date) "
            "VALUES (%s, 'pull', 'success', %s)",
            (self.backend.id, at),
        )
        job.state = "done"
        job.identity_key = False

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
        self.assertEqual(self.send().status_code, 401)


@tagged("post_install", "-at_install")
class TestWebhookTwins(ConcurrencyCase):
    """The same notice several times at once: one has an effect."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            self.backend_id = (
                env["sync.backend"]
                .create(
                    {
                        "name": "Twins",
                        "url": "http://127.0.0.1:9",
                        "webhook_secret": WEBHOOK_SECRET,
                    }
                )
                .id
            )
        self.addCleanup(self.clean)

    def clean(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["sync.backend"].browse(self.backend_id).unlink()

    def receive(self, headers):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})

            def run():
                backend = env["sync.backend"].browse(self.backend_id)
                reason = backend._receive_webhook(headers, BODY.encode())
                time.sleep(0.2)
                return reason

            return retrying(run, env)

    def test_one_of_six_has_an_effect(self):
        read = []
        self.patch(
            self.registry["sync.backend"],
            "_schedule_noticed_pull",
            lambda backend: read.append(backend.id),
        )
        stamp = int(time.time())
        headers = {
            "webhook-id": "twin",
            "webhook-timestamp": str(stamp),
            "webhook-signature": sign(WEBHOOK_SECRET, "twin", stamp, BODY),
        }
        # Those who come second are replayed: that is no error in Odoo's log.
        with ThreadPoolExecutor(6) as pool, self.assertNoLogs("odoo.sql_db", "ERROR"):
            reasons = list(pool.map(self.receive, [headers] * 6))
            reasons += pool.map(self.receive, [headers] * 6)
        self.assertEqual(reasons, [None] * 12)
        self.assertEqual(read, [self.backend_id])
        with self.registry.cursor() as cr:
            cr.execute(
                "SELECT 1 FROM sync_webhook_refusal WHERE backend_id = %s",
                (self.backend_id,),
            )
            self.assertFalse(cr.fetchall())
