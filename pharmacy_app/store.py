"""The SQLite file: connections, tables and the few statements on records.

SQLite has one writer at a time, so the sequence number that a write takes inside
its transaction has the order of the commits: whoever has read the feed up to *n*
has missed nothing below *n*. Each number has a mark drawn by chance: who knows it has
seen that very change, and not one that took its number after a file was set back.
"""

import json
import queue
import secrets
import sqlite3
import threading
from contextlib import contextmanager

from .clock import now_text

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS record (
    num INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    entity TEXT NOT NULL,
    version INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    seq INTEGER NOT NULL UNIQUE,
    updated_at TEXT NOT NULL,
    external_ref TEXT,
    barcode TEXT,
    supplier_id TEXT,
    search TEXT NOT NULL,
    data TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS record_external_ref
    ON record (entity, external_ref) WHERE external_ref IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS record_barcode
    ON record (entity, barcode) WHERE barcode IS NOT NULL AND deleted = 0;
CREATE INDEX IF NOT EXISTS record_list ON record (entity, deleted, num);
CREATE INDEX IF NOT EXISTS record_feed ON record (entity, seq);
CREATE TABLE IF NOT EXISTS change (seq INTEGER PRIMARY KEY, mark TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS history (
    record_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    method TEXT NOT NULL,
    actor TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (record_id, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS idempotency_at ON idempotency (at);
CREATE TABLE IF NOT EXISTS stock (
    product_id TEXT PRIMARY KEY,
    quantity TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservation (
    id TEXT PRIMARY KEY,
    external_ref TEXT UNIQUE,
    purchase_order_id TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at REAL NOT NULL,
    lines TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS webhook (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    database TEXT,
    created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    num INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id TEXT NOT NULL REFERENCES webhook ON DELETE CASCADE,
    notice_id TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL, -- null: given up
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
"""
COMMAND_LINE_ID = "whk_command_line"
_EMPTIED = (
    "record",
    "history",
    "idempotency",
    "stock",
    "reservation",
    "delivery",
)


class Store:
    """One SQLite file in WAL mode: one writer at a time, readers undisturbed.

    :param path: the file; made when absent
    :param hidden: abilities that the application seems not to have, see abilities.py
    """

    def __init__(self, path, hidden=()):
        self._path = str(path)
        self._lock = threading.Lock()
        self._readers = queue.LifoQueue()
        self.committed = threading.Event()
        self._hidden_at_start = self.hidden = frozenset(hidden)
        # Fields in which an update does not change the app's own value.
        self.keeps = ()
        self.refuse_records = ""
        self._writer = self._connect()
        self._writer.executescript(_SCHEMA)

    def _connect(self):
        db = sqlite3.connect(
            self._path, timeout=30, isolation_level=None, check_same_thread=False
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        return db

    @contextmanager
    def read(self):
        """A connection that sees one committed state throughout the block."""
        try:
            db = self._readers.get_nowait()
        except queue.Empty:
            db = self._connect()
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("ROLLBACK")
            self._readers.put(db)

    @contextmanager
    def write(self):
        """The writing connection: committed at the block's end, else undone."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
        self.committed.set()

    def reset(self):
        """Empty the file but for what the command line subscribed; the sequence
        of changes goes on, so that old cursors stay true."""
        with self.write() as db:
            for table in _EMPTIED:
                db.execute(f"DELETE FROM {table}")  # names of the constant above
            db.execute("DELETE FROM counter WHERE name != 'seq'")
            db.execute("DELETE FROM webhook WHERE id != ?", (COMMAND_LINE_ID,))
        self.hidden = self._hidden_at_start
        # Fields in which an update does not change the app's own value.
        self.keeps = ()
        self.refuse_records = ""

    def close(self):
        self._writer.close()
        while not self._readers.empty():
            self._readers.get_nowait().close()


@contextmanager
def savepoint(db):
    """What the block wrote is undone, and only that, when it raises."""
    db.execute("SAVEPOINT item")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK TO item")
        db.execute("RELEASE item")
        raise
    db.execute("RELEASE item")


def next_number(db, name):
    """The next number of a counter, starting at 1."""
    row = db.execute(
        "INSERT INTO counter VALUES (?, 1) "
        "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        (name,),
    ).fetchone()
    return row[0]


def _next_change(db):
    seq = next_number(db, "seq")
    db.execute("INSERT INTO change VALUES (?, ?)", (seq, secrets.token_hex(4)))
    return seq


def cursor_of(db, seq):
    """What a reader of the feed comes back with: the number and its mark."""
    mark = _mark(db, seq)
    return f"{seq}-{mark}" if mark else str(seq)


def behind(db, cursor):
    """The number that a cursor stands for; None if this file never gave it. A number
    without a mark is that of an earlier version of this app, or typed by hand."""
    number, _, mark = cursor.partition("-")
    seq = int(number)
    row = db.execute("SELECT value FROM counter WHERE name = 'seq'").fetchone()
    known = seq <= (row[0] if row else 0) and (not mark or mark == _mark(db, seq))
    return seq if known else None


def _mark(db, seq):
    row = db.execute("SELECT mark FROM change WHERE seq = ?", (seq,)).fetchone()
    return row and row[0]


def to_record(row):
    """The public form of a row of the table ``record``."""
    return {
        "id": row["id"],
        "version": row["version"],
        "deleted": bool(row["deleted"]),
        "updated_at": row["updated_at"],
        **json.loads(row["data"]),
    }


def find(db, entity, record_id):
    """The row of a record, deleted or not, or None."""
    return db.execute(
        "SELECT * FROM record WHERE id = ? AND entity = ?", (record_id, entity)
    ).fetchone()


def find_by(db, entity, column, value):
    """The row that holds a unique value, or None; a barcode of a living record."""
    living = " AND deleted = 0" if column == "barcode" else ""
    return db.execute(
        f"SELECT * FROM record WHERE entity = ? AND {column} = ?{living}",
        (entity, value),
    ).fetchone()


def save(db, entity, record_id, version, data, search, deleted=False):
    """Write one version of a record at the head of the feed; its row."""
    values = {
        "id": record_id,
        "entity": entity,
        "version": version,
        "deleted": int(deleted),
        "seq": _next_change(db),
        "updated_at": now_text(),
        "external_ref": data["external_ref"],
        "barcode": data.get("barcode"),
        "supplier_id": data.get("supplier_id"),
        "search": search,
        "data": json.dumps(data, separators=(",", ":")),
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    return db.execute(
        f"INSERT INTO record ({names}) VALUES ({marks}) "
        f"ON CONFLICT (id) DO UPDATE SET {changes} RETURNING *",
        values,
    ).fetchone()


def _filter(entity, text):
    """SQL condition and values for the living records that contain a text."""
    if not text:
        return "entity = ? AND deleted = 0", [entity]
    escaped = text.casefold()
    for sign in "\\%_":
        escaped = escaped.replace(sign, f"\\{sign}")
    pattern = f"%{escaped}%"
    condition = (
        "entity = ? AND deleted = 0 AND (search LIKE ? ESCAPE '\\' OR supplier_id IN "
        "(SELECT id FROM record WHERE entity = 'suppliers' "
        "AND search LIKE ? ESCAPE '\\'))"
    )
    return condition, [entity, pattern, pattern]


def list_after(db, entity, after, limit, text="", since=""):
    """Rows in order of creation behind the number ``after``.

    :param since: a time, as in ``updated_at``: only what was changed then or later
    """
    condition, values = _filter(entity, text)
    return db.execute(
        f"SELECT * FROM record WHERE {condition} AND num > ? AND updated_at >= ? "
        "ORDER BY num LIMIT ?",
        [*values, after, since, limit],
    ).fetchall()


def list_page(db, entity, offset, limit, text="", state=""):
    """One page of rows, newest first, and how many there are in all.

    :param state: of orders: only those in this one
    """
    condition, values = _filter(entity, text)
    if state:
        condition += " AND json_extract(data, '$.state') = ?"
        values = [*values, state]
    count = f"SELECT count(*) FROM record WHERE {condition}"
    rows = db.execute(
        f"SELECT * FROM record WHERE {condition} ORDER BY num DESC LIMIT ? OFFSET ?",
        [*values, limit, offset],
    ).fetchall()
    return rows, db.execute(count, values).fetchone()[0]


def changes_after(db, entity, seq, limit):
    """The newest change of each record that changed behind ``seq``, in order."""
    condition, values = ("entity = ? AND ", [entity]) if entity else ("", [])
    return db.execute(
        f"SELECT * FROM record WHERE {condition}seq > ? ORDER BY seq LIMIT ?",
        [*values, seq, limit],
    ).fetchall()
