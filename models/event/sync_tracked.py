import uuid
from dataclasses import dataclass, field

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...entities.neutral import SOURCE_LANG, cause_of, neutral
from ..base.actions import open_record, open_records

PENDING = "pharmacy_sync.changed"
# States of a mapping; the last of several is shown.
STATES = ("synced", "differs", "pending", "conflict", "dead")
# The event of several changes in one transaction has the weightiest.
WEIGHTS = ("updated", "cancelled", "created", "deleted")


@dataclass
class Change:
    """What one transaction did to one record, until it commits."""

    kind: str
    user_id: int
    correlation_id: str | None = None
    fields: set = field(default_factory=set)
    cause: str | None = None

    @property
    def data(self):
        if self.fields:
            return {"fields": sorted(self.fields)}
        return {"cause": self.cause} if self.cause else None


@dataclass
class Pending:
    """What one transaction did, until it commits.

    :ivar changed: a :class:`Change` for each ``(entity, record id)``
    :ivar noted: ``{model: ids}`` of records, lines as well, whose change is in there
    :ivar stored: ``{model: {id: fields}}`` of what Odoo stored otherwise, such as a
        value that it computed anew
    """

    changed: dict = field(default_factory=dict)
    noted: dict = field(default_factory=dict)
    stored: dict = field(default_factory=dict)


class SyncTracked(models.AbstractModel):
    """A model whose changes travel to the pharmacy app.

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
            ("pending", "Syncing"),
            ("synced", "In Sync"),
            ("differs", "Known Difference"),
            ("conflict", "Conflict"),
            ("dead", "Change Failed"),
        ],
        string="Synchronisation",
        compute="_compute_sync_state",
        search="_search_sync_state",
        help="How the record stands with the pharmacy app; empty if it is not "
        "synchronised.",
    )

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_sync_state(self):
        # A product of all companies is linked by some: each sees its own links.
        Mapping = self.env["sync.mapping"]
        states = {}
        if Mapping.has_access("read"):
            states = {
                res_id: self._sync_weightiest(found)
                for res_id, found in Mapping._read_group(
                    [("res_model", "=", self._name), ("res_id", "in", self.ids)],
                    ["res_id"],
                    ["state:array_agg"],
                )
            }
        still = [i for i, state in states.items() if state in ("synced", "differs")]
        if still:
            states.update(dict.fromkeys(self._sync_edited(still), "pending"))
        for record in self:
            record.sync_state = states.get(record.id, False)

    @api.model
    def _search_sync_state(self, operator, value):
        """By how a link of the record stands, with any pharmacy; falsy: it has none."""
        if operator != "in":
            return NotImplemented
        states = [state for state in value if state]
        found = self._sync_linked([("state", "in", states)])
        return found if all(value) else found | ~self._sync_linked([])

    @api.model
    def _sync_linked(self, domain):
        """The domain of records with such a link."""
        linked = self.env["sync.mapping"]._search(
            [("res_model", "=", self._name), ("res_id", "!=", False), *domain]
        )
        return Domain("id", "in", linked.subselect("res_id"))

    @api.model
    def _sync_edited(self, res_ids):
        """Those of the records that a person changed, and nobody looked at yet."""
        Backend = self.env["sync.backend"].sudo()
        apps = Backend.search([("user_id", "!=", False)]).user_id
        rows = (
            self.env["sync.event"]
            .sudo()
            ._read_group(
                [
                    ("state", "=", "pending"),
                    ("stream_id", "!=", False),
                    ("user_id", "not in", [SUPERUSER_ID, *apps.ids]),
                    ("res_model", "=", self._name),
                    ("res_id", "in", res_ids),
                ],
                ["res_id"],
            )
        )
        return [res_id for (res_id,) in rows]

    @api.model
    def _sync_weightiest(self, states):
        """The one to show of several states of mappings; False if there are none."""
        return max(states, key=STATES.index, default=False)

    def action_view_sync(self):
        """Open what is known of the record's synchronisation."""
        self.check_access("read")
        self.ensure_one()
        records = self._sync_records()
        mappings = self.env["sync.mapping"].search(
            [("res_model", "=", records._name), ("res_id", "in", records.ids)]
        )
        if len(mappings) == 1:
            return open_record(mappings)
        domain = [("id", "in", mappings.ids)]
        return open_records(self.env, "action_sync_mapping", domain)

    def _sync_records(self):
        """The records of the entity that a change of these concerns."""
        return self

    @api.model
    def _sync_parent(self):
        """The field of a line with the record that it belongs to; None: it is none."""
        return None

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._sync_note_change("created")
        return records

    def write(self, vals):
        names = self and self._sync_tracked_names().intersection(vals)
        if not names or not self._sync_is_followed():
            return super().write(vals)
        before = self._sync_records()
        alike = self._sync_alike(names)
        result = super().write(vals)
        for record, name, langs in alike:
            # Odoo writes the field once more, which is no change of its own.
            record.with_context(sync_alike=True).update_field_translations(
                name, dict.fromkeys(langs, record[name] or "")
            )
        # A line that moved concerns both orders.
        after = self._sync_records()
        concerned = before if before is after else before | after
        changed = [f"{self._name}:{name}" for name in names]
        concerned._sync_note(self._sync_kind(vals), changed)
        self._sync_mark_noted()
        return result

    def _write_multi(self, vals_list):
        # What is stored without ``write``: fields that are computed anew.
        result = super()._write_multi(vals_list)
        if self._sync_is_followed():
            tracked = self._sync_tracked_names()
            changed = {
                record.id: names
                for record, vals in zip(self, vals_list, strict=True)
                if (names := tracked.intersection(vals))
            }
            if changed:
                stored = self._sync_pending().stored.setdefault(self._name, {})
                for res_id, names in changed.items():
                    stored.setdefault(res_id, set()).update(names)
        return result

    def unlink(self):
        self._sync_note_change("deleted")
        return super().unlink()

    def _sync_alike(self, names):
        """Texts that are one text in several languages, and of which one is written.

        Odoo stores a text that is made in another language in the source language too.
        Until somebody translates it, it is one text, and whoever renames it renames it
        in both. A text that was translated is another in each language.

        :return: list of (record, field name, languages that go along)
        """
        if self.env.context.get("sync_alike"):
            return []
        names = [
            name
            for name in names
            if self._fields[name].translate is True and self._fields[name].store
        ]
        if not names:
            return []
        installed = {code for code, __ in self.env["res.lang"].get_installed()}
        if len(installed) < 2:
            return []
        lang = self.env.lang or SOURCE_LANG
        self.flush_recordset(names)
        alike = []
        for name in names:
            rows = self.env.execute_query(
                SQL(
                    "SELECT id, %s FROM %s WHERE id = ANY(%s)",
                    SQL.identifier(name),
                    SQL.identifier(self._table),
                    self.ids,
                )
            )
            for res_id, texts in rows:
                texts = texts or {}
                same = [
                    other
                    for other in installed & texts.keys() - {lang}
                    if texts[other] == texts.get(lang)
                ]
                if same:
                    alike.append((self.browse(res_id), name, same))
        return alike

    def _sync_is_followed(self):
        """Whether a change of what travels travels to any backend."""
        return bool(self) and (self._sync_entity in self.env["sync.stream"]._followed())

    def _sync_tracked_names(self):
        entity = self.env[f"sync.entity.{self._sync_entity}"]
        return entity._tracked_in(self._name)

    def _sync_kind(self, vals):
        """What kind of change writing ``vals`` is: updated or cancelled."""
        return "updated"

    def _sync_note_change(self, kind):
        if self._sync_is_followed():
            records = self._sync_records()
            # A line that comes or goes is a change of its order.
            records._sync_note(kind if records._name == self._name else "updated")
            self._sync_mark_noted()

    @api.model
    def _sync_pending(self):
        """What this transaction did so far, a :class:`Pending`."""
        precommit = self.env.cr.precommit
        if PENDING not in precommit.data:
            precommit.data[PENDING] = Pending()
            # The context of the code that changes a record first must not count.
            writer = neutral(self.env["sync.tracked"].sudo())
            precommit.add(writer._sync_write_events)
        return precommit.data[PENDING]

    def _sync_mark_noted(self):
        self._sync_pending().noted.setdefault(self._name, set()).update(self.ids)

    def _sync_note(self, kind, changed_fields=(), cause=None):
        """Remember the change until the transaction is about to commit.

        :param cause: what changed it, for people, where no fields are known
        """
        changed = self._sync_pending().changed
        # It came along with the cause of this change; others get one of their own.
        correlation_id = cause_of(self.env)
        for res_id in self.ids:
            change = changed.setdefault(
                (self._sync_entity, res_id), Change(kind, self.env.uid)
            )
            change.kind = max(change.kind, kind, key=WEIGHTS.index)
            change.correlation_id = correlation_id or change.correlation_id
            change.fields.update(changed_fields)
            change.cause = change.cause or cause

    @api.model
    def _sync_note_stored(self, pending):
        """Note what was stored of records whose change nobody noted by itself."""
        targets = {e.model for e in self.env["sync.event"]._event_entities().values()}
        for model, stored in pending.stored.items():
            ids = stored.keys() - pending.noted.get(model, set())
            records = self.env[model].browse(ids)
            # A part that is gone by now was noted with what it was a part of.
            for record in records if model in targets else records.exists():
                names = {f"{model}:{name}" for name in stored[record.id]}
                record._sync_records()._sync_note("updated", names)

    @api.model
    def _sync_write_events(self):
        pending = self._sync_pending()
        self._sync_note_stored(pending)
        del self.env.cr.precommit.data[PENDING]
        changed = pending.changed
        to = self.env["sync.stream"]._concerned_streams(changed)
        Event = self.env["sync.event"]
        entities = Event._event_entities()
        own_id = uuid.uuid4().hex
        events = [
            {
                "type": f"{entities[entity].prefix}_{change.kind}",
                "backend_id": backend_id,
                "stream_id": stream_id,
                "res_model": entities[entity].model,
                "res_id": res_id,
                "user_id": change.user_id,
                "correlation_id": change.correlation_id or own_id,
                "data": change.data,
            }
            for (entity, res_id), change in changed.items()
            for stream_id, backend_id in to[entity, res_id]
        ]
        if events:
            # The push delivers them, and sends what they are about.
            Event._emit(events, schedule=False)
            ids = {event["backend_id"] for event in events}
            self.env["sync.backend"].browse(ids)._schedule_push()
