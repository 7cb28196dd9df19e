import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from zlib import crc32

import psycopg2

from odoo import fields, models

from ...core.check.envelope import check_record
from ...core.exceptions import (
    NOT_MADE,
    ApiTimeoutError,
    CacheConnectionError,
    InvalidDataError,
    SyncError,
)
from ...core.taxonomy import ErrorType
from ...entities.directory import Directory
from ...entities.neutral import neutral
from ..base.locks import LOOKUPS
from ..base.own_transaction import apart, own_session, unlock
from .sync_cache import Entry, _value, memory

# Seconds that a lookup waits for another that asks the app for the same record.
PATIENCE = 15.0


@dataclass(frozen=True)
class Found:
    """A record that was looked up.

    :param value: its fields in canonical form, and ``id``
    :param source: ``memory``, ``cache``, ``app``; ``stale`` if the app failed and an
        older value serves; ``odoo`` if all there is are Odoo's own values
    :param age: seconds since the app sent it; None for Odoo's own
    """

    value: dict
    version: int
    source: str
    age: float | None

    @property
    def stale(self):
        """Whether the app should have been asked and could not be."""
        return self.source in ("stale", "odoo")


class SyncBackend(models.Model):
    """Reads of suppliers and products: memory, then the cache's table, then the app;
    when the app fails an older value, then what Odoo has."""

    _inherit = "sync.backend"

    cache_fresh = fields.Float(
        "Cache: Fresh For",
        default=300.0,
        help="Seconds for which a supplier or product that was read is used without "
        "asking the app again.",
    )
    cache_stale = fields.Float(
        "Cache: Serves For",
        default=86400.0,
        help="Seconds for which it still serves, marked as stale, when the app fails.",
    )

    def _lookup(self, entity, external_id):
        """One supplier or product as the pharmacy app has it.

        :return: :class:`Found`
        :raises SyncError: the app has no such record, or fails and nothing serves in
            its place; what :class:`...client.PharmacyClient` raises
        """
        found = self._lookup_each(entity, [external_id])[external_id]
        if isinstance(found, Exception):
            raise found
        return found

    def _lookup_each(self, entity, external_ids, correlation_id=None):
        """The same for several.

        :return: ``{external_id: Found, or the exception}``
        """
        self.ensure_one()
        self = neutral(self, self)
        stream = self.stream_ids.filtered(lambda s: s.entity == entity)
        if not stream or not stream._adapter()._entity_cached:
            raise InvalidDataError(f"No {entity} can be looked up.", field="entity")
        lookup = _Lookup(self.sudo(), stream.sudo(), correlation_id or uuid.uuid4().hex)
        found = lookup.near(list(external_ids))
        for external_id in external_ids:
            if external_id not in found:
                found[external_id] = lookup.far(external_id)
        self.env["sync.cache.use"]._count(self, found.values())
        return found

    def action_clear_cache(self):
        """Forget all that was read of the app's suppliers and products."""
        self.check_access("read")
        self.env["sync.cache"]._check_operator()
        for backend in self.sudo():
            backend.env["sync.cache"]._invalidate(backend, None, None)
        return self._notify(
            self.env._("Cleared"), self.env._("The pharmacy app is asked anew.")
        )


class _Lookup:
    """Looking up some records of one entity."""

    def __init__(self, backend, stream, correlation_id):
        self._backend = backend
        self._stream = stream
        self._correlation_id = correlation_id
        self._cache = backend.env["sync.cache"]
        self._outage = None
        # What was raised last that nothing served in place of.
        self._unserved = None

    def near(self, external_ids):
        """What memory and table have that is fresh: ``{external_id: Found}``."""
        found = {}
        for external_id in external_ids:
            known = memory.get(self._place(external_id))
            if known:
                entry, since = known
                age = entry.age + time.monotonic() - since
                found[external_id] = self._found(entry, "memory", age)
        missing = [key for key in external_ids if key not in found]
        for external_id, entry in self._entries(missing).items():
            if entry.age < self._backend.cache_fresh:
                found[external_id] = self._remember(external_id, entry, "cache")
        return found

    def far(self, external_id):
        """What the app says, or what serves in its place; what was raised if nothing
        does."""
        try:
            if self._outage:
                # Asked a moment ago, for the record before this one.
                raise self._outage
            if self._backend._rests():
                raise SyncError(
                    "The backend is paused.", error_type=ErrorType.SERVICE_UNAVAILABLE
                )
            with self._alone(external_id):
                return self._read_app(external_id)
        except Exception as exc:  # noqa: BLE001
            # Whatever keeps the app from answering: an older value may serve.
            error = self._cache.env["sync.error"]._classify(exc, self._backend)
            if error.type is ErrorType.RESOURCE_NOT_FOUND:
                self._quietly(self._cache._invalidate, [external_id])
                return exc
            self._note_failure(exc, error)
            served = self._serving(external_id)
            if not served and exc is not self._unserved:
                self._unserved = exc
                self._record(exc, "fallback")
            return served or exc

    def _read_app(self, external_id):
        entry = self._entries([external_id]).get(external_id)
        if entry and entry.age < self._backend.cache_fresh:
            # Another lookup asked while this one waited for its turn.
            return self._remember(external_id, entry, "cache")
        adapter = self._stream._adapter()
        client = self._backend._client("pull", adapter._entity_pool, wait=True)
        asked = time.monotonic()
        record = client.get(
            adapter._entity_collection, external_id, self._correlation_id
        )
        if record.get("deleted"):
            raise SyncError(
                "The pharmacy app has deleted it.",
                error_type=ErrorType.RESOURCE_NOT_FOUND,
                record=f"{self._stream.entity}/{external_id}",
            )
        check_record(record)
        data = adapter._canonical(record, Directory(self._backend))
        value = _value(external_id, data)
        # As old as the question: what changed meanwhile may not be in the answer.
        entry = Entry(value, record["version"], time.monotonic() - asked)
        self._quietly(self._cache._store, external_id, entry)
        return self._remember(external_id, entry, "app")

    def _serving(self, external_id):
        """What serves when the app fails, if anything does."""
        entry = self._entries([external_id]).get(external_id)
        if entry and entry.age < self._backend.cache_stale:
            return self._found(entry, "stale", entry.age)
        mapping = self._backend.env["sync.mapping"].search(
            [
                ("stream_id", "=", self._stream.id),
                ("external_id", "=", external_id),
                ("deleted", "=", False),
            ]
        )
        if not mapping or not mapping._record():
            return None
        directions = self._stream._directions()
        value = _value(external_id, directions.sent(mapping._serialise()))
        return Found(value, mapping.version, "odoo", None)

    @contextmanager
    def _alone(self, external_id):
        """One of all threads and processes asks the app for the record; the others
        wait, and read what it stored. Without a usable cache each of them asks."""
        name = f"{self._backend.id}/{self._stream.entity}/{external_id}"
        lock = (LOOKUPS, crc32(name.encode()) - 2**31)
        with own_session(self._backend.env) as cr:
            milliseconds = str(int(PATIENCE * 1000))
            try:
                cr.execute(
                    "SELECT set_config('lock_timeout', %s, false)", [milliseconds]
                )
                cr.execute(
                    "SELECT pg_advisory_lock(%s, %s)", lock, log_exceptions=False
                )
            except psycopg2.errors.LockNotAvailable as exc:
                raise ApiTimeoutError(
                    f"Another lookup of it had no answer within {PATIENCE:g} seconds."
                ) from exc
            try:
                yield
            finally:
                unlock(cr, lock)

    def _note_failure(self, exc, error):
        if exc is self._outage:
            return
        if isinstance(exc, NOT_MADE) or error.counts_for_breaker:
            self._outage = exc
        if not isinstance(exc, NOT_MADE) and not self._backend._rests():
            self._record(exc)

    def _record(self, exc, work="lookup"):
        self._cache.env["sync.error"]._record(
            exc,
            operation=work,
            backend_id=self._backend.id,
            stream_id=self._stream.id,
            correlation_id=self._correlation_id,
        )

    # -- The cache, which never fails its caller --------------------------------------

    def _entries(self, external_ids):
        if not external_ids:
            return {}
        return self._quietly(self._cache._read_entries, external_ids) or {}

    def _quietly(self, method, *args):
        try:
            place = (self._backend, self._stream.entity)
            return apart(method, *place, *args, read_committed=True)
        except psycopg2.Error as exc:
            failure = CacheConnectionError("The cache cannot be used.")
            failure.__cause__ = exc
            self._record(failure)
            return None

    def _remember(self, external_id, entry, source):
        memory.put(self._place(external_id), (entry, time.monotonic()))
        return self._found(entry, source, entry.age)

    def _found(self, entry, source, age):
        return Found(dict(entry.value), entry.version, source, age)

    def _place(self, external_id):
        database = self._backend.env.cr.dbname
        return database, self._backend.id, self._stream.entity, external_id
