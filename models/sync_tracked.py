import uuid

from odoo import api, fields, models
from odoo.tools import SQL

PENDING = "pharmacy_sync.changed"
# States of a mapping; of many the last one is told.
STATES = ("synced", "pending", "conflict", "dead")


class SyncTracked(models.AbstractModel):
    """A model whose changes are told to the pharmacy app.

    Changes are gathered while the transaction runs and written as events just before
    it commits, in the same transaction: no change without its event, no event without
    its change.
    """

    _name = "sync.tracked"
    _description = "Record Followed by Synchronisation"

    # Name of the entity the record belongs to.
    _sync_entity = None

    sync_state = fields.Selection(
        [
            ("pending", "Under Way"),
            ("synced", "In Step"),
            ("conflict", "Conflict"),
            ("dead", "Dead Letter"),
        ],
        string="Synchronisation",
        compute="_compute_sync_state",
        compute_sudo=True,
        help="How the record stands with the pharmacy app; empty if it is not "
        "synchronised.",
    )

    def _compute_sync_state(self):
        states = {
            res_id: max(found, key=STATES.index)
            for res_id, found in self.env["sync.mapping"]._read_group(
                [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                ["res_id"],
                ["state:array_agg"],
            )
        }
        for record in self:
            record.sync_state = states.get(record.id, False)

    def action_view_sync(self):
        """Open what is known of the record's synchronisation."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_mapping"
        )
        records = self._sync_records()
        mappings = self.env["sync.mapping"].search(
            [("res_model", "=", records._name), ("res_id", "in", records.ids)]
        )
        action["domain"] = [("id", "in", mappings.ids)]
        if len(mappings) == 1:
            action.update(views=[(False, "form")], res_id=mappings.id)
        return action

    def _sync_records(self):
        """The records of the entity that a change of these concerns."""
        return self

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._sync_note_change("created")
        return records

    def write(self, vals):
        if not self._sync_is_followed(vals):
            return super().write(vals)
        before = self._sync_records()
        result = super().write(vals)
        # A line that moved concerns both orders.
        (before | self._sync_records())._sync_note("updated")
        return result

    def unlink(self):
        self._sync_note_change("deleted")
        return super().unlink()

    def _sync_is_followed(self, vals=None):
        """Whether a change (of the fields in ``vals``) is to be told to anyone."""
        if not self or self._sync_entity not in self.env["sync.stream"]._followed():
            return False
        tracked = self.env[f"sync.entity.{self._sync_entity}"]._entity_tracked
        return vals is None or not tracked.get(self._name, set()).isdisjoint(vals)

    def _sync_note_change(self, kind):
        if self._sync_is_followed():
            records = self._sync_records()
            # A line that comes or goes is a change of its order.
            records._sync_note(kind if records._name == self._name else "updated")

    def _sync_note(self, kind):
        """Remember the change until the transaction is about to commit."""
        precommit = self.env.cr.precommit
        changed = precommit.data.get(PENDING)
        if changed is None:
            changed = precommit.data[PENDING] = {}
            precommit.add(self.env["sync.tracked"].sudo()._sync_write_events)
        for res_id in self.ids:
            known = changed.get((self._sync_entity, res_id))
            if known != "created" or kind == "deleted":
                changed[self._sync_entity, res_id] = kind

    @api.model
    def _sync_write_events(self):
        changed = self.env.cr.precommit.data.pop(PENDING, {})
        correlation_id = self.env.context.get("sync_correlation_id") or uuid.uuid4().hex
        streams = self.env["sync.stream"]._following()
        rows = [
            (stream_id, backend_id, f"{entity}_{kind}", res_id, correlation_id)
            for (entity, res_id), kind in changed.items()
            for stream_id, backend_id in streams.get(entity, ())
        ]
        if not rows:
            return
        self.env.execute_query(
            SQL(
                """INSERT INTO sync_event
                   (stream_id, backend_id, type, res_id, correlation_id, state,
                    user_id, create_uid, write_uid, create_date, write_date)
                   SELECT stream_id, backend_id, type, res_id, correlation_id,
                          'pending', %(uid)s, %(uid)s, %(uid)s,
                          now() at time zone 'UTC', now() at time zone 'UTC'
                     FROM unnest(%(streams)s::int[], %(backends)s::int[],
                                 %(types)s::text[], %(ids)s::int[], %(keys)s::text[])
                          AS t (stream_id, backend_id, type, res_id, correlation_id)
                   RETURNING id""",
                uid=self.env.uid,
                **dict(
                    zip(
                        ("streams", "backends", "types", "ids", "keys"),
                        (list(column) for column in zip(*rows, strict=True)),
                        strict=True,
                    )
                ),
            )
        )
        # What arrived from the app has renewed the cache itself.
        edited = not self.env.context.get("sync_correlation_id")
        for entity in {entity for entity, __ in changed if edited}:
            if self.env[f"sync.entity.{entity}"]._entity_cached:
                ids = [res_id for known, res_id in changed if known == entity]
                self.env["sync.cache"]._invalidate_records(entity, ids)
        backends = self.env["sync.backend"].browse({row[1] for row in rows})
        backends._schedule_push()
