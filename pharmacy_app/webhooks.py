"""Notices of committed changes: subscriptions, outbox rows and signatures.

They follow Standard Webhooks: https://www.standardwebhooks.com
"""

import base64
import hashlib
import hmac
import time
import uuid

from .clock import now_text
from .errors import ApiError, Code, to_json
from .store import COMMAND_LINE_ID

_PAST = {"create": "created", "update": "updated", "delete": "deleted"}


def announce(db, write, row):
    """Queue a notice of a change for every subscription, in its transaction."""
    hooks = db.execute("SELECT id FROM webhook").fetchall()
    if not hooks:
        return
    kind = f"{row['entity']}.{_PAST[write.method]}"
    body = to_json(
        {
            "type": kind,
            "timestamp": row["updated_at"],
            "data": {
                "entity": row["entity"],
                "id": row["id"],
                "version": row["version"],
                "correlation_id": write.correlation_id,
            },
        }
    ).decode()
    notice = f"msg_{uuid.uuid4().hex}"
    db.executemany(
        "INSERT INTO delivery (webhook_id, notice_id, type, body, due_at) "
        "VALUES (?, ?, ?, ?, ?)",
        [(hook["id"], notice, kind, body, time.time()) for hook in hooks],
    )


def sign(secret, notice_id, timestamp, body):
    """The ``webhook-signature`` of one sending.

    :param secret: ``whsec_`` and the key in base64
    :param timestamp: seconds since the epoch, whole
    :param body: bytes as sent
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{notice_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def subscribe(db, url, secret, database=None, webhook_id=None):
    """Store a subscription; its public form."""
    webhook_id = webhook_id or f"whk_{uuid.uuid4().hex}"
    db.execute(
        "INSERT INTO webhook VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "url = excluded.url, secret = excluded.secret, database = excluded.database",
        (webhook_id, url, secret, database, now_text()),
    )
    return subscriptions(db, webhook_id)[0]


def follow_command_line(db, url, secret, database):
    """Make the subscription of the command line what it says now, or drop it."""
    if url:
        subscribe(db, url, secret, database, COMMAND_LINE_ID)
    else:
        db.execute("DELETE FROM webhook WHERE id = ?", (COMMAND_LINE_ID,))


def unsubscribe(db, webhook_id):
    """Drop a subscription with what is still to be sent to it.

    :raise ApiError: there is none
    """
    if not db.execute("DELETE FROM webhook WHERE id = ?", (webhook_id,)).rowcount:
        raise ApiError(Code.NOT_FOUND, "no such subscription", field="id")


def subscriptions(db, webhook_id=None):
    """Subscriptions without their secrets, with the number of waiting notices."""
    condition, values = ("WHERE id = ?", [webhook_id]) if webhook_id else ("", [])
    rows = db.execute(
        "SELECT id, url, database, created_at, (SELECT count(*) FROM delivery "
        "WHERE webhook_id = webhook.id AND due_at IS NOT NULL) AS pending "
        f"FROM webhook {condition} ORDER BY created_at, id",
        values,
    )
    return [dict(row) for row in rows]
