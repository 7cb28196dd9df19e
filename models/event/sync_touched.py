from dataclasses import replace

from odoo import api, models
from odoo.tools import SQL
from odoo.tools.sql import table_columns, table_exists

from ...core.taxonomy import Severity
from ...core.texts import _lt
from ...entities.neutral import neutral
from ..base.alone import alone
from ..base.own_transaction import apart
from . import triggers

# Rows taken up in one transaction.
PIECE = 1_000
# Records that one renamed unit, currency or country may have looked at each.
MOST_USERS = 1_000
CAUSE = _lt("Changed in the database, past Odoo's records.")
RENAMED = _lt("What a code stands for was renamed.")


class SyncTouched(models.AbstractModel):
    """Which followed records any transaction has touched: what the triggers leave
    (``triggers.py``), until the next tick makes events of it.

    Nearly all of it is known by then: a change that passed the ORM has an event, of
    the same transaction. The rest gets one. SQL starts no job, so such a change is
    on its way within a minute, not at once.

    The table has no model: nobody reads it but this, and nothing refers to it.
    """

    _name = "sync.touched"
    _description = "Records Touched by Anything"

    def init(self):
        triggers.create_table(self.env.cr)

    # -- What is watched --------------------------------------------------------------

    @api.model
    def _build(self, without=()):
        """Make the triggers on the tables of all entities, as they are now.

        :param without: ``(model, field)`` of columns that are about to go
        """
        if table_exists(self.env.cr, triggers.TABLE):
            triggers.build(self.env.cr, self._watches(set(without)))

    @api.model
    def _watches(self, without=frozenset()):
        found = {}
        for model, names in self.env["sync.entity"]._tracked_names().items():
            names = {name for name in names if (model, name) not in without}
            for watch in self._watches_of(self.env[model], names):
                found[watch.function] = watch
        for model, names in self.env["sync.entity"]._code_names().items():
            coded = self.env[model]
            watch = triggers.Watch(
                model,
                coded._table,
                columns=self._columns(coded, names),
                operations=("UPDATE",),
            )
            if watch.columns:
                known = found.get(watch.function, watch)
                columns = known.columns | watch.columns
                found[watch.function] = replace(known, columns=columns)
        return list(found.values())

    @api.model
    def _watches_of(self, followed, names):
        """The watches for one followed model: its table, and those of its relations."""
        parent = followed._sync_parent()
        if table_exists(self.env.cr, followed._table):
            yield triggers.Watch(
                model=followed._fields[parent].comodel_name
                if parent
                else followed._name,
                table=followed._table,
                key=parent or "id",
                columns=self._columns(followed, names),
            )
        for field in map(followed._fields.get, names):
            if field and field.type == "many2many" and field.store:
                yield triggers.Watch(
                    model=followed._name,
                    table=field.relation,
                    key=field.column1,
                    operations=("INSERT", "DELETE"),
                )

    @api.model
    def _columns(self, followed, names):
        """Those of the fields that the table has by now."""
        there = table_columns(self.env.cr, followed._table)
        return frozenset(
            name for name in names if name in followed._fields and name in there
        )

    # -- What was touched -------------------------------------------------------------

    @api.model
    def _cron_look(self):
        """Scheduled: have what was changed past the ORM be on its way."""
        piece = neutral(self)._take_up_piece
        with self.env["sync.error"]._watch_over("scheduled look"):
            while apart(piece):
                pass

    @api.model
    def _take_up_piece(self):
        """Take up a piece of what was touched.

        :return: whether more may be left
        """
        rows = self._take_rows()
        touched, flooded = {}, set()
        for model, res_id, xid in rows:
            if model in self.env:
                touched.setdefault(model, []).append((res_id, xid))
        for model, changes in touched.items():
            with alone(self.env) as failure:
                self._look_at(model, changes, flooded)
            if failure:
                self._could_not_look(model, failure.error, flooded)
        for stream_id in self._stream_ids(flooded):
            self.env["sync.stream"].browse(stream_id)._flooded()
        return len(rows) == PIECE

    @api.model
    def _take_rows(self):
        return self.env.execute_query(
            SQL(
                """DELETE FROM sync_touched WHERE id IN (
                       SELECT id FROM sync_touched ORDER BY id LIMIT %s
                          FOR UPDATE SKIP LOCKED)
                   RETURNING model, res_id, xid::text""",
                PIECE,
            )
        )

    @api.model
    def _look_at(self, model, changes, flooded):
        """Write events of the changes of one model that have none.

        :param changes: ``[(id, transaction)]``; without an id: too many to be noted
        :param flooded: names of entities of which all are compared; grows
        """
        followed = self.env["sync.stream"]._followed()
        ids = {res_id for res_id, __ in changes}
        if model in self.env["sync.entity"]._tracked_names():
            entity = self.env[model]._sync_entity
            if None in ids:
                flooded.add(entity)
            if entity in followed:
                self._note_unknown(model, [c for c in changes if c[0]])
        if model in self.env["sync.entity"]._code_names():
            self._look_at_users(model, ids, flooded)

    @api.model
    def _could_not_look(self, model, exception, flooded):
        """What was touched there is taken up all the same, or it would fail each minute
        and hold up what comes after: all that it may concern is compared."""
        self.env["sync.error"]._record(
            exception,
            Severity.CRITICAL,
            operation="scheduled look",
            context={"model": model},
        )
        if model in self.env["sync.entity"]._tracked_names():
            flooded.add(self.env[model]._sync_entity)
        for adapter, __, coded, *__ in self.env["sync.entity"]._coded():
            if coded == model:
                flooded.add(adapter._entity)

    @api.model
    def _note_unknown(self, model, changes):
        touched = self.env[model].with_context(active_test=False)
        there = touched.browse({res_id for res_id, __ in changes}).exists()
        adapter = self.env["sync.entity"]._entities()[touched._sync_entity]
        target = adapter._entity_model
        concerned = {record.id: record._sync_records().ids for record in there}
        if model == target:
            concerned.update({i: [i] for i, __ in changes if i not in concerned})
        found = {
            (res_id, xid)
            for touched_id, xid in changes
            for res_id in concerned.get(touched_id, ())
        }
        unknown = {res_id for res_id, __ in found - self._known(target, found)}
        Target = self.env[target]
        alive = Target.browse(unknown).exists()
        gone = Target.browse(unknown - set(alive.ids))
        alive._sync_note("updated", cause=CAUSE)
        gone._sync_note("deleted", cause=CAUSE)

    @api.model
    def _known(self, model, changes):
        """Those of ``(id, transaction)`` that the ORM wrote an event of."""
        if not changes:
            return set()
        ids, xids = zip(*changes, strict=True)
        rows = self.env.execute_query(
            SQL(
                """SELECT res_id, xid::text FROM sync_event
                    WHERE res_model = %s AND (res_id, xid) IN (
                        SELECT * FROM unnest(%s::int[], %s::text[]::xid8[]))""",
                model,
                list(ids),
                list(xids),
            )
        )
        return set(rows)

    @api.model
    def _look_at_users(self, model, ids, flooded):
        """What a code stands for was renamed: the linked records that use it differ
        from what the pharmacy has, if it goes by the name."""
        for adapter, user, coded, __, path in self.env["sync.entity"]._coded():
            if coded != model or adapter._entity in flooded:
                continue
            users = self._users(adapter, user, path, ids)
            if None in ids or len(users) > MOST_USERS:
                flooded.add(adapter._entity)
            else:
                users._sync_records()._sync_note("updated", cause=RENAMED)

    @api.model
    def _users(self, adapter, model, path, ids):
        """Linked records, or their lines, with one of ``ids`` at the end of a path."""
        linked = self.env["sync.mapping"]._search(
            [("res_model", "=", adapter._entity_model), ("res_id", "!=", False)]
        )
        User = self.env[model].with_context(active_test=False)
        own = User._sync_parent() or "id"
        domain = [(path, "in", list(ids)), (own, "in", linked.subselect("res_id"))]
        return User.search(domain, order="id", limit=MOST_USERS + 1)

    @api.model
    def _stream_ids(self, entities):
        following = self.env["sync.stream"]._following()
        return [s for entity in entities for s, __ in following.get(entity, ())]


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _flooded(self):
        """More of its records changed at once than are looked at one by one. Rooms
        above add what follows."""


class IrModelFields(models.Model):
    _inherit = "ir.model.fields"

    def _drop_column(self):
        # A trigger that reads a column which is gone would refuse every change.
        watched = self.env["sync.entity"]._tracked_names()
        going = {(field.model, field.name) for field in self}
        if any(name in watched.get(model, ()) for model, name in going):
            self.env["sync.touched"]._build(going)
        return super()._drop_column()
