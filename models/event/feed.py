from functools import partial

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.event.feed import Position
from ...core.exceptions import InvalidDataError
from ...core.exchange.mapping_state import compare
from ...entities.directory import Directory
from ..base.locks import FEED
from ..base.own_transaction import apart, own_session

# Up to where changes have been stamped so far.
STAMPED = SQL("SELECT last_value FROM sync_event_stamp")
# Those who write changes: sessions that hold a lock of ours.
WRITERS = SQL(
    """pg_locks WHERE locktype = 'advisory' AND objsubid = 1
          AND classid::bigint >> 16 = %s AND database = (
              SELECT oid FROM pg_database WHERE datname = current_database())""",
    FEED >> 48,
)
# Up to where changes had been stamped when the first of them began.
WRITING = SQL(
    "SELECT min((classid::bigint & 65535) << 32 | objid::bigint) FROM %s", WRITERS
)


class SyncStream(models.Model):
    """Odoo's changes, for the pharmacy app to ask for.

    Each change carries a stamp, a number that grows. The feed goes by it, and gives no
    change before every writer of a lower stamp has ended: one that commits late comes
    late, and is never skipped. Only writers of changes hold it up, by a lock that says
    from which stamp on; a transaction that is merely open does not.
    """

    _inherit = "sync.stream"

    feed_floor = fields.Char(
        readonly=True,
        copy=False,
        help="Up to where events were removed by age: older cursors are refused.",
    )

    def _changes(self, cursor, limit):
        """One page of what changed in Odoo since ``cursor``.

        :param cursor: falsy: all records, then the changes made since then
        :return: see :meth:`..api.sync_api.SyncApi.changes`
        :raises InvalidDataError: the cursor is not ours, or is too old
        """
        self.ensure_one()
        if not self.pushes:
            raise InvalidDataError(
                f"{self.entity} does not flow from Odoo to the pharmacy", field="entity"
            )
        position = Position.parse(cursor, self.id) if cursor else None
        fence = self._fence()
        # In a transaction that begins after: it sees what was committed until then.
        return apart(self._changes_behind, fence, position, limit)

    def _fence(self):
        """The stamp below which no change is still to be committed.

        The order matters. A writer takes its lock first and its stamp then: one whose
        stamp is below what is read first holds its lock when that is looked for, or
        has committed by then.
        """
        with own_session(self.env) as cr:
            cr.execute(STAMPED)
            (fence,) = cr.fetchone()
            cr.execute(WRITING)
            (writing,) = cr.fetchone()
        return min(fence, fence if writing is None else writing) + 1

    def _changes_behind(self, fence, position, limit):
        position = position or Position(fence, 0, 0, self.id)
        if position.stamp > fence:
            # No cursor leads beyond what is read: another database gave it, or this one
            # before it was set back.
            raise InvalidDataError(
                "cursor is ahead of this feed, which was set back: begin again without "
                "one",
                field="cursor",
            )
        if position.after is not None:
            return self._all_records(position, limit, fence)
        self._check_not_purged(position)
        rows = self.env.execute_query(
            SQL(
                """SELECT stamp, id, res_id, correlation_id FROM sync_event
                    WHERE stream_id = %s AND (stamp, id) > (%s, %s) AND stamp < %s
                    ORDER BY stamp, id LIMIT %s""",
                self.id,
                position.stamp,
                position.id,
                fence,
                limit + 1,
            )
        )
        page = rows[:limit]
        if page:
            position = Position(page[-1][0], page[-1][1], None, self.id)
        latest = {}
        for __, __, res_id, correlation_id in page:
            # Once per page, where it changed last.
            latest.pop(res_id, None)
            latest[res_id] = correlation_id
        return {
            "changes": self._latest_values(latest),
            "next_cursor": str(position),
            "has_more": len(rows) > limit,
            **self._held_back(fence),
        }

    def _all_records(self, position, limit, fence):
        adapter = self._adapter()
        ids = (
            self.env[self.res_model]
            .with_context(active_test=False)
            .search(
                (self._domain() | self._linked_domain())
                & adapter._domain(self.backend_id)
                & Domain("id", ">", position.after),
                order="id",
                limit=limit + 1,
            )
            .ids
        )
        page, more = ids[:limit], len(ids) > limit
        after = page[-1] if more else None
        return {
            "changes": self._latest_values(dict.fromkeys(page)),
            "next_cursor": str(Position(position.stamp, position.id, after, self.id)),
            "has_more": more,
            **self._held_back(fence),
        }

    def _latest_values(self, changed):
        """The latest values of records, or that they are gone.

        :param changed: ``{res_id: correlation id}``
        """
        adapter = self._adapter()
        found = (
            self.env[self.res_model]
            .with_context(active_test=False)
            .browse(changed)
            .exists()
        )
        ours = found.filtered_domain(adapter._domain(self.backend_id))
        records = self._concerned(ours)
        data, unreadable = self._serialise_alone(records, Directory(self.backend_id))
        mappings = self.env["sync.mapping"].search_fetch(
            [("stream_id", "=", self.id), ("res_id", "in", list(changed))],
            [
                *("res_id", "external_id", "key", "version", "deleted"),
                *("base", "odoo_base", "declined"),
            ],
        )
        unheard = set((ours - records).ids)
        by_res_id = {mapping.res_id: mapping for mapping in mappings}
        in_words = partial(_in_words, adapter._held(), self._directions())
        changes = []
        for res_id, correlation_id in changed.items():
            if res_id in unheard:
                # The app never heard of it, and never will.
                continue
            mapping = by_res_id.get(res_id)
            lost = res_id not in data and res_id not in unreadable
            deleted = lost or bool(mapping and mapping.deleted)
            known = data.get(res_id)
            changes.append(
                {
                    "odoo_id": res_id,
                    "id": mapping.external_id if mapping else None,
                    "external_ref": mapping.key if mapping else None,
                    "version": mapping.version if mapping else 0,
                    "deleted": deleted,
                    "data": in_words(mapping, known) if known and not deleted else {},
                    "error": str(unreadable[res_id]) if res_id in unreadable else None,
                    "correlation_id": correlation_id,
                }
            )
        return changes

    def _held_back(self, fence):
        """How many committed events are held back, and for how many seconds the
        transaction that they wait for has run."""
        ((count, seconds),) = self.env.execute_query(
            SQL(
                """WITH held AS (SELECT count(*) AS number FROM sync_event
                                  WHERE stream_id = %s AND stamp >= %s)
                   SELECT number, CASE WHEN number > 0 THEN (
                       SELECT extract(epoch FROM clock_timestamp() - min(xact_start))
                         FROM pg_stat_activity
                        WHERE pid IN (SELECT pid FROM %s)) END
                     FROM held""",
                self.id,
                fence,
                WRITERS,
            )
        )
        return {"held_back": count, "waiting_seconds": round(float(seconds or 0), 3)}

    def _check_not_purged(self, position):
        floor = self.feed_floor and Position.parse(self.feed_floor)
        if floor and (position.stamp, position.id) < (floor.stamp, floor.id):
            raise InvalidDataError(
                "cursor is too old: begin again without one", field="cursor"
            )

    @api.model
    def _note_purged(self, rows):
        """Events were removed: ``[(stream id, stamp, id)]``."""
        floors = {}
        for stream_id, stamp, event_id in rows:
            if stream_id:
                place = (stamp, event_id)
                floors[stream_id] = max(place, floors.get(stream_id, place))
        for stream in self.browse(floors):
            floor = stream.feed_floor and Position.parse(stream.feed_floor)
            place = floors[stream.id]
            if not floor or (floor.stamp, floor.id) < place:
                self.env.execute_query(
                    SQL(
                        "UPDATE sync_stream SET feed_floor = %s WHERE id = %s "
                        "RETURNING id",
                        str(Position(*place)),
                        stream.id,
                    )
                )
        self.browse(floors).invalidate_recordset(["feed_floor"])


def _in_words(held, directions, mapping, data):
    """Odoo's values as the feed gives them: what Odoo did not change is as the pharmacy
    has it, but where one side declined it, and what the pharmacy never sent, or Odoo
    does not send, is left out."""
    if not mapping:
        return directions.sent(data)
    base, declined = mapping._base(), mapping._declined()
    words = compare(
        base, data, held=held, declined=declined, directions=directions
    ).words
    return directions.sent(words, base.pharmacy)
