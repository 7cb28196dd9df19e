"""Sends queued notices from a thread; the queue is in the database and outlives it."""

import logging
import threading
import time

import requests

from .faults import WEBHOOK
from .webhooks import sign

TIMEOUT_SECONDS = 5
# Waits after the first, second... failed attempt; after the last the notice is
# given up. The spacing is that of Standard Webhooks, about three days in all.
RETRY_SECONDS = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Odoo's database is a copy: the notice is not for it.
COPY = 409
_PAGE = 100
_IDLE_SECONDS = 1.0
_logger = logging.getLogger(__name__)

_DUE = """
SELECT delivery.*, webhook.url, webhook.secret, webhook.database
FROM delivery JOIN webhook ON webhook.id = delivery.webhook_id
WHERE due_at <= ? ORDER BY due_at, num LIMIT ?
"""


class Deliverer:
    """One thread that sends what is due, oldest first.

    A notice leaves the queue only after its answer: a crash in between sends it
    again, with the same ``webhook-id``.

    :param faults: rules of the kinds ``webhook_duplicate`` and ``webhook_reorder``
    """

    def __init__(self, store, faults):
        self._store = store
        self._faults = faults
        self._stopping = threading.Event()
        self._session = requests.Session()
        self._session.trust_env = False
        self._thread = threading.Thread(target=self._run, name="deliver", daemon=True)

    def start(self):
        self._thread.start()

    def stop(self):
        """Return when the attempt under way is over."""
        self._stopping.set()
        self._store.committed.set()
        self._thread.join()
        self._session.close()

    def _run(self):
        while not self._stopping.is_set():
            self._store.committed.clear()
            try:
                busy = self._send_due()
            except Exception:
                _logger.exception("deliveries failed")
                busy = False
            if not busy:
                self._store.committed.wait(_IDLE_SECONDS)

    def _send_due(self):
        """Send one page of what is due; whether there was anything."""
        with self._store.read() as db:
            rows = db.execute(_DUE, (time.time(), _PAGE)).fetchall()
        for row in rows:
            if self._stopping.is_set():
                break
            self._handle(row)
        return bool(rows)

    def _handle(self, row):
        rules = self._faults.draw(WEBHOOK, row["type"], row["body"].encode())
        if "webhook_reorder" in rules:
            wait = max(0, rules["webhook_reorder"].seconds)
            self._postpone(row, row["attempts"], time.time() + wait, None)
            return
        error = self._attempt(row)
        if error is None and "webhook_duplicate" in rules:
            error = self._attempt(row)
        if error is None:
            self._forget(row)
            return
        attempts = row["attempts"] + 1
        given_up = attempts > len(RETRY_SECONDS)
        due = None if given_up else time.time() + RETRY_SECONDS[attempts - 1]
        self._postpone(row, attempts, due, error)
        _logger.warning(
            "notice %s attempt %d failed, %s: %s",
            row["notice_id"],
            attempts,
            "given up" if given_up else "to be tried again",
            error,
        )

    def _attempt(self, row):
        """Send a notice once; what went wrong, or None."""
        body = row["body"].encode()
        timestamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": row["notice_id"],
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(row["secret"], row["notice_id"], timestamp, body),
        }
        if row["database"]:
            headers["X-Odoo-Database"] = row["database"]
        try:
            answer = self._session.post(
                row["url"],
                data=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return f"{type(error).__name__}: {error}"[:500]
        settled = answer.status_code < 300 or answer.status_code == COPY
        return None if settled else f"HTTP {answer.status_code}"

    def _postpone(self, row, attempts, due_at, error):
        with self._store.write() as db:
            db.execute(
                "UPDATE delivery SET attempts = ?, due_at = ?, last_error = ? "
                "WHERE num = ?",
                (attempts, due_at, error, row["num"]),
            )

    def _forget(self, row):
        with self._store.write() as db:
            db.execute("DELETE FROM delivery WHERE num = ?", (row["num"],))
