from functools import partial

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...core.exceptions import InvalidDataError
from ...core.feed import Position
from ...core.pair import seen
from ...entities.directory import Directory

# The oldest transaction that still runs; what it and later ones wrote is held back.
# Transactions are numbered for the whole server: one that is known to be another
# database's holds nothing back here. One of an unknown database does.
FENCE = SQL(
    """SELECT coalesce(
        (SELECT running FROM pg_snapshot_xip(pg_current_snapshot()) AS running
          WHERE running::xid NOT IN (
              SELECT backend_xid FROM pg_stat_activity
               WHERE datname <> current_database() AND backend_xid IS NOT NULL)
          ORDER BY running LIMIT 1),
        pg_snapshot_xmax(pg_current_snapshot()))::text"""
)


class SyncStream(models.Model):
    """Odoo's changes, for the pharmacy app to ask for.

    Each event carries the id of the transaction that wrote it. The feed goes by that
    id, and gives no change of a transaction before every older one has ended: one
    that commits late comes late, and is never skipped.
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
        ((fence,),) = self.env.execute_query(FENCE)
        if cursor:
            position = Position.parse(cursor)
        else:
            position = Position(int(fence), 0, after=0)
        if position.after is not None:
            return self._all_records(position, limit, fence)
        self._check_not_purged(position)
        rows = self.env.execute_query(
            SQL(
                """SELECT xid::text, id, res_id, correlation_id FROM sync_event
                    WHERE stream_id = %s AND (xid, id) > (%s::text::xid8, %s)
                      AND xid < %s::text::xid8
                    ORDER BY xid, id LIMIT %s""",
                self.id,
                str(position.xid),
                position.id,
                fence,
                limit + 1,
            )
        )
        page = rows[:limit]
        if page:
            position = Position(int(page[-1][0]), page[-1][1])
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
            "next_cursor": str(Position(position.xid, position.id, after)),
            "has_more": more,
            **self._held_back(fence),
        }

    def _latest_values(self, changed):
        """The latest values of records, or that they are gone.

        :param changed: ``{res_id: correlation id}``
        """
        adapter = self._adapter()
        found = self.env[self.res_model].browse(changed).exists()
        known = found.filtered_domain(adapter._domain(self.backend_id))
        records = self._concerned(known)
        data = adapter._serialise(records, Directory(self.backend_id))
        mappings = self.env["sync.mapping"].search_fetch(
            [("stream_id", "=", self.id), ("res_id", "in", list(changed))],
            [
                *("res_id", "external_id", "key", "version", "deleted"),
                *("base", "odoo_base"),
            ],
        )
        by_res_id = {mapping.res_id: mapping for mapping in mappings}
        in_words, changes = partial(_in_words, adapter._held()), []
        for res_id, correlation_id in changed.items():
            if res_id in (known - records)._ids:
                # The app never heard of it, and never will.
                continue
            mapping = by_res_id.get(res_id)
            deleted = res_id not in data or bool(mapping and mapping.deleted)
            changes.append(
                {
                    "odoo_id": res_id,
                    "id": mapping.external_id if mapping else None,
                    "external_ref": mapping.key if mapping else None,
                    "version": mapping.version if mapping else 0,
                    "deleted": deleted,
                    "data": {} if deleted else in_words(mapping, data[res_id]),
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
                                  WHERE stream_id = %s AND xid >= %s::text::xid8)
                   SELECT number, CASE WHEN number > 0 THEN (
                       SELECT extract(epoch FROM clock_timestamp() - min(xact_start))
                         FROM pg_stat_activity
                        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                          AND datname = current_database()) END
                     FROM held""",
                self.id,
                fence,
            )
        )
        return {"held_back": count, "waiting_seconds": round(float(seconds or 0), 3)}

    def _check_not_purged(self, position):
        floor = self.feed_floor and Position.parse(self.feed_floor)
        if floor and (position.xid, position.id) < (floor.xid, floor.id):
            raise InvalidDataError(
                "cursor is too old: begin again without one", field="cursor"
            )

    @api.model
    def _note_purged(self, rows):
        """Events were removed: ``[(stream id, xid, id)]``."""
        floors = {}
        for stream_id, xid, event_id in rows:
            if stream_id:
                place = (int(xid), event_id)
                floors[stream_id] = max(place, floors.get(stream_id, place))
        for stream in self.browse(floors):
            floor = stream.feed_floor and Position.parse(stream.feed_floor)
            place = floors[stream.id]
            if not floor or (floor.xid, floor.id) < place:
                self.env.execute_query(
                    SQL(
                        "UPDATE sync_stream SET feed_floor = %s WHERE id = %s "
                        "RETURNING id",
                        str(Position(*place)),
                        stream.id,
                    )
                )
        self.browse(floors).invalidate_recordset(["feed_floor"])


def _in_words(held, mapping, data):
    """Odoo's values as the feed gives them: what Odoo did not change is as the pharmacy
    has it, and what the pharmacy never sent is left out."""
    return seen(mapping._base(), data, held=held) if mapping else data
