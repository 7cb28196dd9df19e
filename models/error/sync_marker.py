from contextlib import suppress
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.secrets.logs import get_logger
from ..base.locks import STOCK
from ..base.own_transaction import apart
from ..base.rows import insert_rows

_logger = get_logger(__name__)
# How a marker's transaction stands. One that is not known here is another server's, the
# one that the database came from.
STATUS = SQL(
    """CASE WHEN xid::text::xid8 < pg_snapshot_xmax(pg_current_snapshot())
            THEN pg_xact_status(xid::text::xid8) END"""
)
# A connection to the database: process ids are used again, after a restart above all.
SESSION = SQL("s.pid || ' ' || extract(epoch FROM s.backend_start)")


class Transaction(NamedTuple):
    """One that works on records, and the connection that it has."""

    xid: str
    session: str


class SyncMarker(models.Model):
    """What a transaction is about to touch, committed before it does.

    The marker names that transaction. One that was rolled back and whose connection is
    gone was cut off with its worker: what it had in hand is suspected
    (``sync.suspect``). After a commit, or while the worker is there still, such as in
    the middle of a rollback, the marker means nothing.
    """

    _name = "sync.marker"
    _description = "Work in Hand"
    _log_access = False

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id")
    xid = fields.Char("Transaction", required=True, readonly=True)
    session = fields.Char("Connection", readonly=True)
    keys = fields.Json(readonly=True)
    step = fields.Char(readonly=True, help="What is being done.")

    @api.model
    def _begin(self, backend, keys, step):
        """Mark that the current transaction is about to work on many records.

        :param keys: of the records, see :func:`.sync_suspect.out_key`
        :param step: what is about to be done with them
        :return: set of those keys that are suspected: the caller must leave them out
        """
        keys = list(dict.fromkeys(keys))
        if not keys:
            return set()
        marker = self.sudo()
        return apart(
            marker._mark,
            backend,
            self._own_transaction(),
            keys,
            step,
            read_committed=True,
        )

    @api.model
    def _begin_alone(self, backend, key, step):
        """Mark that the current transaction is about to work on one record, which may
        be suspected."""
        marker = self.sudo()
        own = self._own_transaction()
        apart(marker._insert, backend, own, [key], step, read_committed=True)

    @api.model
    def _begin_or_refuse(self, backend, key, step):
        """Like :meth:`_begin_alone`, for roads that meet a suspect without having
        looked for it. What the transaction had in hand before it has survived.

        :return: the :class:`...core.exceptions.WorkerDiedError` of a record that has
            killed its workers too often, which the caller must not touch; else None
        """
        return apart(
            self.sudo()._mark_alone,
            backend,
            self._own_transaction(),
            key,
            step,
            read_committed=True,
        )

    @api.model
    def _go_on(self, step):
        """The current transaction goes on to another step."""
        apart(self.sudo()._set_step, self._current(), step, read_committed=True)

    def _own_transaction(self):
        """The current transaction. If it is rolled back its markers go."""
        own, forget = self._current(), self.sudo()._forget

        def rolled_back():
            with suppress(psycopg2.Error):
                apart(forget, own, read_committed=True)

        self.env.cr.postrollback.add(rolled_back)
        return own

    def _current(self):
        (row,) = self.env.execute_query(
            SQL(
                """SELECT pg_current_xact_id()::text, %s
                     FROM pg_stat_get_activity(pg_backend_pid()) s""",
                SESSION,
            )
        )
        return Transaction(*row)

    def _mark(self, backend, own, keys, step):
        self._take_stock(backend)
        suspects = self.env["sync.suspect"]._among(backend, keys)
        rest = [key for key in keys if key not in suspects]
        if rest:
            self._insert(backend, own, rest, step)
        return suspects

    def _mark_alone(self, backend, own, key, step):
        self._take_stock(backend)
        suspect = self.env["sync.suspect"]._find(backend, key)
        if suspect._is_guilty():
            error = suspect._error()
            suspect._given_up()
            return error
        self._forget(own)
        self._insert(backend, own, [key], step)
        return None

    def _insert(self, backend, own, keys, step):
        values = {"backend_id": backend.id, "keys": keys, "step": step}
        insert_rows(self, [{**values, **own._asdict()}])

    def _set_step(self, own, step):
        self.search([("xid", "=", own.xid)]).step = step

    def _forget(self, own):
        self.env.execute_query(
            SQL("DELETE FROM sync_marker WHERE xid = %s RETURNING id", own.xid)
        )

    @api.model
    def _take_stock(self, backend):
        """Find out whose worker died, and suspect what it had in hand.

        For short transactions: others wait until this one is committed, and so know
        what it has found. It need not be on disk: a worker's death loses nothing that
        was committed, and if PostgreSQL itself crashes, no record is to blame.
        """
        lock = SQL("SELECT pg_advisory_xact_lock(%s, %s)", STOCK, backend.id)
        self.env.cr.execute(SQL("SET LOCAL synchronous_commit TO off; %s", lock))
        rows = self.env.execute_query(
            SQL(
                """DELETE FROM sync_marker
                    WHERE backend_id = %(backend)s
                      AND %(status)s IS DISTINCT FROM 'in progress'
                RETURNING keys, step, %(status)s = 'aborted' AND NOT EXISTS (
                    SELECT FROM pg_stat_get_activity(NULL) s
                     WHERE %(session)s = sync_marker.session)""",
                backend=backend.id,
                status=STATUS,
                session=SESSION,
            )
        )
        for keys, step, died in rows:
            if died:
                _logger.warning(
                    "A worker died with %d records in hand (%s), among them %s",
                    len(keys),
                    step,
                    keys[0],
                )
                self.env["sync.suspect"]._suspect(backend, keys, step)
