import threading
import time
from collections import Counter

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.secrets.logs import get_logger
from ..base.own_transaction import apart

_logger = get_logger(__name__)

# Seconds for which a process counts before it writes.
INTERVAL = 10.0
SOURCES = [
    ("memory", "Memory"),
    ("cache", "Cache"),
    ("app", "Pharmacy App"),
    ("stale", "Stale Value"),
    ("odoo", "Odoo's Own Values"),
    ("failed", "Failed"),
]
_counted = Counter()
_written = {}
_lock = threading.Lock()


class SyncCacheUse(models.Model):
    """How often a look-up was answered from where, a row for each day."""

    _name = "sync.cache.use"
    _description = "Cache Hits"
    _order = "day desc, id desc"
    _rec_name = "source"
    _log_access = False

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    day = fields.Date(required=True, readonly=True)
    source = fields.Selection(SOURCES, "Answered From", required=True, readonly=True)
    count = fields.Integer("Look-ups", readonly=True)

    _day_uniq = models.Constraint(
        "UNIQUE(backend_id, day, source)", "A source is counted once a day."
    )

    @api.model
    def _count(self, backend, found):
        """Count look-ups; what this process counted in the last seconds is lost if it
        dies.

        :param found: of :class:`.lookup.Found` or exceptions
        """
        database = self.env.cr.dbname
        now = time.monotonic()
        with _lock:
            for each in found:
                source = getattr(each, "source", "failed")
                _counted[database, backend.id, source] += 1
            if now - _written.get(database, 0) < INTERVAL:
                return
            _written[database] = now
            mine = [key for key in _counted if key[0] == database]
            rows = {key[1:]: _counted.pop(key) for key in mine}
        try:
            apart(self._add, rows, read_committed=True)
        except psycopg2.Error as exc:
            _logger.warning("Look-ups could not be counted: %s", exc)

    @api.model
    def _add(self, rows):
        """:param rows: ``{(backend id, source): look-ups}``"""
        for (backend_id, source), count in sorted(rows.items()):
            self.env.execute_query(
                SQL(
                    """INSERT INTO sync_cache_use (backend_id, day, source, count)
                       SELECT id, current_date, %s, %s
                         FROM sync_backend WHERE id = %s
                       ON CONFLICT (backend_id, day, source) DO UPDATE
                          SET count = sync_cache_use.count + excluded.count
                       RETURNING id""",
                    source,
                    count,
                    backend_id,
                )
            )
