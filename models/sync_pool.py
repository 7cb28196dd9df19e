from contextlib import contextmanager

from odoo import api, fields, models
from odoo.tools import SQL

from ..core.exceptions import ResourcePoolFullError

# First half of the advisory locks' keys, so that they are nobody else's.
LOCK_SPACE = 0x50530000
# Seconds after which a full pool is asked again.
ASK_AGAIN = 2.0

DEFAULTS = {
    "order_sync": (5, 100, 30.0),
    "supplier_query": (10, 50, 15.0),
    "reporting": (2, 20, 60.0),
}


class SyncPool(models.Model):
    """A bulkhead: how many calls of one kind are under way at once, in all workers of
    all servers together.

    A slot is a session-level advisory lock of PostgreSQL: it costs a tenth of a
    millisecond, and a process that dies gives it back by dying.
    """

    _name = "sync.pool"
    _description = "Pool of Calls"
    _order = "backend_id, name"

    backend_id = fields.Many2one(
        "sync.backend", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    name = fields.Char(required=True, readonly=True)
    concurrency = fields.Integer(
        required=True, default=5, help="Calls that may be under way at once."
    )
    max_waiting = fields.Integer(
        required=True, default=100, help="Callers that may wait for a slot."
    )
    timeout = fields.Float(
        required=True, default=30.0, help="Seconds that a caller waits at the most."
    )
    active_count = fields.Integer("Under Way", compute="_compute_usage")
    utilisation = fields.Float(
        compute="_compute_usage", help="Per cent of the slots that are taken."
    )

    _name_uniq = models.Constraint(
        "UNIQUE(backend_id, name)", "A backend has one pool of a name."
    )
    _sane = models.Constraint(
        "CHECK(concurrency > 0 AND max_waiting >= 0 AND timeout >= 0)",
        "A pool has at least one slot.",
    )

    def _compute_usage(self):
        taken = dict(
            self.env.execute_query(
                SQL(
                    """SELECT classid::bigint, count(*) FROM pg_locks
                        WHERE locktype = 'advisory' AND granted AND objsubid = 2
                          AND database = (SELECT oid FROM pg_database
                                           WHERE datname = current_database())
                          AND classid::bigint = ANY(%s)
                        GROUP BY classid""",
                    [LOCK_SPACE + pool_id for pool_id in self.ids],
                )
            )
        )
        for pool in self:
            pool.active_count = taken.get(LOCK_SPACE + pool.id, 0)
            pool.utilisation = 100 * pool.active_count / (pool.concurrency or 1)

    @contextmanager
    def _slot(self, cr):
        """Hold one of the pool's slots on the session of ``cr``.

        A worker does not sleep until there is one: its job asks again later.

        :param cr: a cursor of the caller's own, kept open while the slot is held
        :raises ResourcePoolFullError: all slots are taken
        """
        self.ensure_one()
        key = LOCK_SPACE + self.id
        cr.execute(
            """SELECT slot FROM generate_series(1, %s) AS slot
                WHERE pg_try_advisory_lock(%s, slot) LIMIT 1""",
            [self.concurrency, key],
        )
        row = cr.fetchone()
        # The lock is the session's, not the transaction's: none stays open.
        cr.commit()
        if not row:
            raise ResourcePoolFullError(
                f"All {self.concurrency} slots of {self.name} are taken.",
                retry_after=ASK_AGAIN,
            )
        try:
            yield
        finally:
            cr.execute("SELECT pg_advisory_unlock(%s, %s)", [key, row[0]])
            cr.commit()

    @api.model
    def _defaults(self, backend):
        """Values of the pools that a backend begins with."""
        return [
            {
                "backend_id": backend.id,
                "name": name,
                "concurrency": concurrency,
                "max_waiting": waiting,
                "timeout": timeout,
            }
            for name, (concurrency, waiting, timeout) in DEFAULTS.items()
        ]
