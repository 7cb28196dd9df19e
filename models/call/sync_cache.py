import json
from dataclasses import dataclass

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.call.memory import Memory
from ...core.secrets.logs import get_logger
from ..base.alone import is_transaction_failure
from ..base.rights import OPERATOR, check_may

_logger = get_logger(__name__)

# Seconds for which a process believes what it last read of the table: that long, at the
# most, another process does not see that a value changed.
MEMORY_SECONDS = 2.0
memory = Memory(MEMORY_SECONDS, 10_000)


@dataclass(frozen=True)
class Entry:
    """A record of the pharmacy app as it was ``age`` seconds ago."""

    value: dict
    version: int
    age: float


class SyncCache(models.Model):
    """Suppliers and products as the pharmacy app last sent them; read through
    :meth:`SyncBackend._lookup`.

    What arrives from the app refreshes a value that is here; what is sent to it, or
    edited in Odoo, removes it. No failure of the cache is one of its callers: their
    data goes on without it.
    """

    _name = "sync.cache"
    _inherit = ["sync.by_entity"]
    _description = "Cached Record of the Pharmacy App"
    _order = "fetched_at desc, id desc"
    _rec_name = "key"
    _log_access = False

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    entity = fields.Selection(
        lambda self: self.env["sync.stream"]._select_entity(),
        "Type",
        required=True,
        readonly=True,
    )
    key = fields.Char("Pharmacy Id", required=True, readonly=True)
    value = fields.Json("Cached Record", readonly=True)
    value_text = fields.Text("Value", compute="_compute_value_text")
    version = fields.Integer(readonly=True)
    fetched_at = fields.Datetime("Read", required=True, readonly=True)
    age = fields.Integer(compute="_compute_age", help="Seconds since it was read.")
    fresh = fields.Boolean(
        compute="_compute_age", help="Young enough to be used without asking the app."
    )

    _key_uniq = models.Constraint(
        "UNIQUE(backend_id, entity, key)", "A record is cached once."
    )
    _fetched_idx = models.Index("(fetched_at)")

    @api.model
    def _filtered_entities(self):
        entities = super()._filtered_entities()
        return {name: a for name, a in entities.items() if a._entity_cached}

    @api.depends("value")
    def _compute_value_text(self):
        for entry in self:
            entry.value_text = self.env["sync.error"]._as_text(
                entry.value, entry.backend_id
            )

    @api.depends("fetched_at")
    def _compute_age(self):
        now = fields.Datetime.now()
        for entry in self:
            entry.age = abs((now - entry.fetched_at).total_seconds())
            entry.fresh = entry.age < entry.backend_id.cache_fresh

    def action_clear(self):
        """Forget these values: the app is asked anew."""
        self._check_operator()
        for (backend, entity), entries in self.grouped(
            lambda entry: (entry.backend_id, entry.entity)
        ).items():
            self.sudo()._invalidate(backend, entity, entries.mapped("key"))
        return True

    def _check_operator(self):
        check_may(self, OPERATOR, self.env._("Only operators may clear the cache."))

    # -- Reading and storing, each in a transaction of its own ------------------------

    @api.model
    def _read_entries(self, backend, entity, keys):
        """``{key: Entry}`` of what the table has, however old."""
        rows = self.env.execute_query(
            SQL(
                """SELECT key, value, version,
                          -- One that is ahead was written while a clock was.
                          abs(extract(epoch FROM clock_timestamp() at time zone 'UTC'
                                                 - fetched_at))::float
                     FROM sync_cache
                    WHERE backend_id = %s AND entity = %s AND key = ANY(%s)""",
                backend.id,
                entity,
                list(keys),
            )
        )
        return {key: Entry(value, version, age) for key, value, version, age in rows}

    @api.model
    def _store(self, backend, entity, key, entry):
        """Keep what the app sent. What is newer is not overwritten: a late answer may
        be older than what arrived meanwhile."""
        self.env.execute_query(
            SQL(
                """INSERT INTO sync_cache
                          (backend_id, entity, key, value, version, fetched_at)
                   SELECT %(backend)s, %(entity)s, %(key)s, %(value)s, %(version)s,
                          clock_timestamp() at time zone 'UTC'
                          - make_interval(secs => %(age)s)
                    WHERE NOT EXISTS (
                          SELECT 1 FROM sync_mapping m
                            JOIN sync_stream s ON s.id = m.stream_id
                           WHERE s.backend_id = %(backend)s AND s.entity = %(entity)s
                             AND m.external_id = %(key)s AND m.version > %(version)s)
                   ON CONFLICT (backend_id, entity, key) DO UPDATE
                      SET value = excluded.value, version = excluded.version,
                          fetched_at = excluded.fetched_at
                    WHERE sync_cache.version <= excluded.version
                   RETURNING id""",
                backend=backend.id,
                entity=entity,
                key=key,
                value=json.dumps(entry.value),
                version=entry.version,
                age=entry.age,
            )
        )

    # -- What changes a value, in the transaction that changes it ---------------------

    @api.model
    def _invalidate(self, backend, entity, keys):
        """Forget values; in other processes within :data:`MEMORY_SECONDS`.

        :param keys: the pharmacy's ids; None for all of the entity, which may be None
            for all of the backend
        """
        condition = SQL("backend_id = %s", backend.id)
        if entity is not None:
            condition = SQL("%s AND entity = %s", condition, entity)
        if keys is not None:
            condition = SQL("%s AND key = ANY(%s)", condition, list(keys))
        self._write(SQL("DELETE FROM sync_cache WHERE %s", condition))
        self._forget(backend, entity, keys)

    @api.model
    def _invalidate_records(self, stream, res_ids):
        """Odoo's records were edited: the app's values of those that wait to be sent
        are out of date."""
        self._write(
            SQL(
                """DELETE FROM sync_cache c USING sync_mapping m
                    WHERE m.stream_id = %(stream)s AND m.res_id = ANY(%(ids)s)
                      AND c.backend_id = %(backend)s AND c.entity = %(entity)s
                      AND c.key = m.external_id AND EXISTS (
                          SELECT 1 FROM sync_operation o
                           WHERE o.mapping_id = m.id AND o.kind = 'push'
                             AND o.state IN ('pending', 'waiting'))""",
                stream=stream.id,
                backend=stream.backend_id.id,
                entity=stream.entity,
                ids=list(res_ids),
            )
        )
        # Which keys these were is not worth a query: their place is of seconds only.
        self._forget(stream.backend_id, stream.entity, None)

    @api.model
    def _refresh(self, stream, arrivals):
        """Records arrived from the app: renew those that are here.

        :param arrivals: list of :class:`..exchange.apply.Arrival`
        """
        adapter = stream._adapter()
        travelling = adapter._travelling(stream.backend_id)
        wanted = {converter.key for converter in travelling}
        whole = {
            arrival.external_id: arrival
            for arrival in arrivals
            if arrival.version and wanted <= arrival.data.keys()
        }
        backend, entity = stream.backend_id, stream.entity
        gone = {a.external_id for a in arrivals if a.external_id} - whole.keys()
        if gone:
            self._invalidate(backend, entity, gone)
        if not whole:
            return
        self._write(
            SQL(
                """UPDATE sync_cache c
                      SET value = t.value, version = t.version,
                          fetched_at = clock_timestamp() at time zone 'UTC'
                     FROM unnest(%(keys)s::text[], %(values)s::jsonb[],
                                 %(versions)s::int[]) AS t (key, value, version)
                    WHERE c.backend_id = %(backend)s AND c.entity = %(entity)s
                      AND c.key = t.key AND c.version <= t.version""",
                backend=backend.id,
                entity=entity,
                keys=list(whole),
                values=[
                    json.dumps(_value(arrival.external_id, arrival.data))
                    for arrival in whole.values()
                ],
                versions=[arrival.version for arrival in whole.values()],
            )
        )
        self._forget(backend, entity, whole)

    def _write(self, query):
        """Change the table in the caller's transaction, whose work is worth more."""
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(query, log_exceptions=False)
        except psycopg2.Error as exc:
            if is_transaction_failure(exc):
                # A conflict with another transaction: this one is replayed as a whole.
                raise
            _logger.warning("The cache cannot be written: %s", exc)
        self.env["sync.cache"].invalidate_model()

    @api.model
    def _forget(self, backend, entity, keys):
        """Have this process read again: now, and once the change is committed."""
        database = self.env.cr.dbname
        keys = None if keys is None else frozenset(keys)

        def concerned(known):
            return (
                known[0] == database
                and (not backend or known[1] == backend.id)
                and entity in (None, known[2])
                and (keys is None or known[3] in keys)
            )

        memory.forget(concerned)
        self.env.cr.postcommit.add(lambda: memory.forget(concerned))


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_cache", "log", "fetched_at < %s"),
            ("sync_cache_use", "history", "day < %s"),
        )


def _value(external_id, data):
    """A record as a lookup returns it."""
    return {**data, "id": external_id}
