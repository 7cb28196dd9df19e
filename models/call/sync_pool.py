import time
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.call.deadline import Deadline
from ...core.exceptions import ApiTimeoutError, ResourcePoolFullError
from ...core.texts import _lt
from ..base.locks import POOLS
from ..base.own_transaction import unlock

# Numbers of the locks: those of slots begin here, those of places to wait there.
SLOTS, PLACES = 0, 1_000_000
# Seconds between two looks for a free slot.
POLL = 0.05
# Per cent of the slots from which on a pool is saturated.
SATURATED = 80
# Seconds after which a job asks a full pool again.
ASK_AGAIN = 2.0

DEFAULTS = {
    "order_sync": (5, 100, 30.0),
    "supplier_query": (10, 50, 15.0),
    "reporting": (2, 20, 60.0),
}
# What people call the calls of these.
TITLES = {
    "order_sync": _lt("Sending"),
    "supplier_query": _lt("Reading"),
    "reporting": _lt("Comparing"),
}


class SyncPool(models.Model):
    """A bulkhead: how many calls of one kind are under way at once, in all workers of
    all servers together.

    A slot is a session-level advisory lock of PostgreSQL: it costs a tenth of a
    millisecond, and a process that dies gives it back by dying.
    """

    _name = "sync.pool"
    _inherit = ["sync.callee", "sync.bounded"]
    _description = "Pool of Calls"
    _order = "backend_id, name"
    _bounds = {
        "concurrency": (1, 1000),
        "max_waiting": (0, 100_000),
        "timeout": (0, 600),
    }

    name = fields.Char(required=True, readonly=True)
    title = fields.Char(
        "Calls",
        compute="_compute_title",
        help="Sending: changes and reservations that go to the pharmacy. Reading: what "
        "changed there, and questions. Comparing: comparison runs and initial "
        "synchronisations, which read very much. Others are those of other addons.",
    )
    concurrency = fields.Integer(
        "At Once",
        required=True,
        default=5,
        help="How many of these calls may be under way, in all workers together. "
        "More is faster until the pharmacy app slows down; fewer spare it.",
    )
    max_waiting = fields.Integer(
        "May Wait",
        required=True,
        default=100,
        help="How many people and programs may wait for their turn when all are "
        "taken; one more is refused at once. Jobs do not wait: they ask again later.",
    )
    timeout = fields.Float(
        "Longest Wait",
        required=True,
        default=30.0,
        help="Seconds after which a person or program that waits gives up.",
    )
    active_count = fields.Integer(
        "Calls in Progress", compute="_compute_usage", help="Right now."
    )
    waiting_count = fields.Integer(
        "Waiting", compute="_compute_usage", help="For their turn, right now."
    )
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

    @api.depends("name")
    @api.depends_context("lang")
    def _compute_title(self):
        for pool in self:
            pool.title = self._title(pool.name)

    @api.depends("title")
    def _compute_display_name(self):
        for pool in self:
            pool.display_name = pool.title

    def _source_title(self):
        """The title in the words of the source, for what is kept."""
        return TITLES.get(self.name, self.name)

    @api.model
    def _title(self, name):
        """What people call a pool; those that other addons make, by their names."""
        return self.env._(TITLES[name]) if name in TITLES else name

    def _compute_usage(self):
        rows = self.env.execute_query(
            SQL(
                """SELECT classid::bigint, objid::bigint >= %s, count(*) FROM pg_locks
                    WHERE locktype = 'advisory' AND granted AND objsubid = 2
                      AND database = (SELECT oid FROM pg_database
                                       WHERE datname = current_database())
                      AND classid::bigint = ANY(%s)
                    GROUP BY 1, 2""",
                PLACES,
                [POOLS + pool_id for pool_id in self.ids],
            )
        )
        taken = {(space, waiting): count for space, waiting, count in rows}
        for pool in self:
            pool.active_count = taken.get((POOLS + pool._origin.id, False), 0)
            pool.waiting_count = taken.get((POOLS + pool._origin.id, True), 0)
            pool.utilisation = 100 * pool.active_count / (pool.concurrency or 1)

    def _is_saturated(self):
        """Whether hardly a slot is free."""
        self.invalidate_recordset(["utilisation"])
        return bool(self) and self.utilisation >= SATURATED

    @contextmanager
    def _slot(self, cr, wait=False):
        """Hold one of the pool's slots on the session of ``cr``.

        A job does not wait for one: it asks again later. A caller that needs its answer
        now may wait, for the pool's ``timeout``, if not too many do already.

        Yields the list of locks that are held. A caller that gives one back in a
        statement of its own takes it from the list.

        :param cr: a cursor of the caller's own that commits by itself
            (:func:`..base.own_transaction.autocommitting`), open while it is held
        :raises ResourcePoolFullError: all slots are taken, or all places to wait
        :raises ApiTimeoutError: none became free in time
        """
        self.ensure_one()
        held = [self._take_lock(cr, SLOTS, self.concurrency)]
        try:
            if not held[0]:
                held.append(wait and self._take_lock(cr, PLACES, self.max_waiting))
                if not held[1]:
                    raise ResourcePoolFullError(
                        f"All {self.concurrency} slots of {self._source_title()} are "
                        "taken.",
                        retry_after=ASK_AGAIN,
                    )
                held[0] = self._wait(cr)
                unlock(cr, held.pop())
            yield held
        finally:
            # Whatever failed: the locks are the session's, and the session is pooled.
            for lock in filter(None, held):
                unlock(cr, lock)

    def _wait(self, cr):
        deadline = Deadline.after(self.timeout)
        while not deadline.expired:
            time.sleep(POLL)
            if taken := self._take_lock(cr, SLOTS, self.concurrency):
                return taken
        raise ApiTimeoutError(
            f"No slot of {self._source_title()} became free in {self.timeout:g} "
            "seconds."
        )

    def _take_lock(self, cr, offset, count):
        """Try for one of ``count`` locks; the two keys of the one taken, or None."""
        cr.execute(
            """SELECT %s, number FROM generate_series(%s, %s) AS number
                WHERE pg_try_advisory_lock(%s, number) LIMIT 1""",
            [POOLS + self.id, offset + 1, offset + count, POOLS + self.id],
        )
        return cr.fetchone()

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
