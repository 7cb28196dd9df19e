import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import requests

from odoo.tests import tagged

from ...client import PharmacyClient, session
from ...core.error.classification import classify
from ...core.exceptions import AnswerTooLargeError, ResourcePoolFullError
from ..common import KEY, SyncCase
from ..json_server import served

CALLERS = 13


@tagged("post_install", "-at_install")
class TestSession(SyncCase):
    """Connections to the app are pooled: bounded, shared, closed, replaced."""

    def setUp(self):
        super().setUp()
        self.app._session.close()
        # What else this process has open, by our end's port.
        self.others = {each.raddr.port for each in self._established()}
        self.calls = PharmacyClient(
            ("test", self.id()), self.app.url, KEY, internal=True
        )
        self.addCleanup(self.calls._session.close)

    def _established(self):
        process = psutil.Process(self.app._process.pid)
        found = process.net_connections("tcp4")
        return [each for each in found if each.status == psutil.CONN_ESTABLISHED]

    def connections(self):
        """Connections that the app has open, but for those there were."""
        ports = {each.raddr.port for each in self._established()}
        return len(ports - self.others)

    def test_an_answer_may_have_the_megabytes_that_the_backend_allows(self):
        class App:
            def answer(self, *_request):
                return 200, {"status": "x" * 1_500_000}

        with served(App()) as app:
            self.move_app(app.url)
            self.backend.answer_limit = 2
            self.assertTrue(self.backend._client("test").health("large"))
            self.backend.answer_limit = 1
            with self.assertRaises(AnswerTooLargeError):
                self.backend._client("test").health("too large")

    def call(self, __=None):
        try:
            return self.calls.health("test")["status"]
        except ResourcePoolFullError as exc:
            return exc

    def call_all(self):
        with ThreadPoolExecutor(CALLERS) as pool:
            answers = pool.map(self.call, range(CALLERS))
            time.sleep(0.3)
            most = self.connections()
            return list(answers), most

    def test_no_more_than_ten_at_once_and_the_others_wait(self):
        self.app.fault("latency", seconds=0.6, match={"path": "/api/v1/health"})
        self.app._session.close()
        self.assertEqual(self.connections(), 0)
        answers, most = self.call_all()
        self.assertEqual(most, 10)
        self.assertEqual(answers, ["ok"] * CALLERS)

    def test_who_waits_in_vain_is_notified_and_nothing_leaks(self):
        self.app.fault("latency", seconds=1, match={"path": "/api/v1/health"})
        self.patch(session, "WAIT", 0.2)
        answers, __ = self.call_all()
        refused = [answer for answer in answers if answer != "ok"]
        self.assertEqual(len(refused), CALLERS - 10)
        failure = classify(refused[0])
        self.assertEqual((failure.retryable, failure.delivery), (True, "not_sent"))
        self.assertFalse(failure.counts_for_breaker)
        self.patch(session, "WAIT", 30.0)
        answers, __ = self.call_all()
        self.assertEqual(answers, ["ok"] * CALLERS)

    def test_who_waits_for_the_rest_of_an_answer_is_notified_where_and_why(self):
        self.app.fault("drip", bytes_per_second=1, match={"path": "/api/v1/health"})
        impatient = PharmacyClient(
            ("test", self.id()),
            self.app.url,
            KEY,
            read_timeout=5,
            deadline=1.5,
            internal=True,
        )
        with self.assertRaises(requests.RequestException) as caught:
            impatient.health("test")
        address = f"{self.app.url}/api/v1/health"
        self.assertIn(f"No answer from {address}: ", classify(caught.exception).message)

    def test_one_after_the_other_shares_one(self):
        for __ in range(5):
            self.call()
        self.assertEqual(self.connections(), 1)

    def test_unused_connection_is_closed(self):
        self.patch(session, "IDLE", 0.3)
        self.call()
        self.assertEqual(self.connections(), 1)
        limit = time.monotonic() + 3
        while self.connections() and time.monotonic() < limit:
            time.sleep(0.05)
        self.assertEqual(self.connections(), 0)
        self.assertEqual(self.call(), "ok")

    def test_connection_that_the_app_closed_is_replaced(self):
        self.call()
        pools = self.calls._session.adapters["http://"].poolmanager.pools
        (key,) = pools.keys()
        conn = pools[key].pool.queue[-1]
        # As a proxy does that has enough of it: our end notices nothing.
        conn.sock.shutdown(2)
        self.assertEqual(self.call(), "ok")
