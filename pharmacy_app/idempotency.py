"""Answers remembered by the caller's key, in the transaction of what they report."""

import hashlib
import json
import time

from .errors import ApiError, Code, to_json

KEPT_SECONDS = 7 * 24 * 3600


def fingerprint(content):
    """Digest of a request's meaning; the order of keys does not matter."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def recall(db, key, digest):
    """The stored answer for that key, or None.

    :raise ApiError: the key was used for another request
    """
    row = db.execute(
        "SELECT fingerprint, answer FROM idempotency WHERE key = ? AND at > ?",
        (key, time.time() - KEPT_SECONDS),
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != digest:
        raise ApiError(
            Code.IDEMPOTENCY_KEY_REUSED,
            "this idempotency key was used for another request",
            field="idempotency_key",
        )
    return json.loads(row["answer"])


def remember(db, key, digest, answer):
    """Keep an answer under its key for seven days."""
    now = time.time()
    db.execute("DELETE FROM idempotency WHERE at <= ?", (now - KEPT_SECONDS,))
    db.execute(
        "INSERT INTO idempotency VALUES (?, ?, ?, ?)",
        (key, digest, to_json(answer).decode(), now),
    )


def once(db, key, content, run):
    """Run, or replay what the same key and content got before.

    :return: the answer and whether it was replayed
    """
    if not key:
        return run(), False
    digest = fingerprint(content)
    answer = recall(db, key, digest)
    if answer is not None:
        return answer, True
    answer = run()
    remember(db, key, digest, answer)
    return answer, False
