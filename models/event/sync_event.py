import uuid
from datetime import timedelta
from typing import NamedTuple

from odoo import api, fields, models, tools
from odoo.orm.models import NO_ACCESS
from odoo.tools import SQL, LazyTranslate

from ...core.check.text_checks import check_visible
from ...core.exceptions import InvalidDataError
from ...entities.neutral import cause_of
from ..base.actions import open_record, open_records
from ..base.locks import FEED
from ..base.rows import insert_rows
from ..base.sync_retention import BATCH

_lt = LazyTranslate(__name__)
CHANGES = ("created", "updated", "cancelled", "deleted")
# Types of events that are not about a change of a record, with their names.
OTHER_TYPES = {
    "conflict_opened": _lt("Conflict opened"),
    "conflict_resolved": _lt("Conflict resolved"),
    "breaker_opened": _lt("Connection interrupted"),
    "breaker_closed": _lt("Connection restored"),
    "breaker_half_open": _lt("Connection tested"),
    "dead_letter_created": _lt("Change failed"),
    "dead_letter_redriven": _lt("Failed change retried"),
    "dead_letter_discarded": _lt("Failed change discarded"),
    "saga_completed": _lt("Reservation completed"),
    "saga_compensated": _lt("Reservation taken back"),
    "saga_needs_attention": _lt("Reservation needs attention"),
    "policy_changed": _lt("Policy or setting changed"),
    "alert_acknowledged": _lt("Alert acknowledged"),
    "alert_resolved": _lt("Alert resolved"),
    "alert_silenced": _lt("Alert rule muted"),
}
# What an event may be emitted with, apart from its data.
COLUMNS = (
    *("type", "backend_id", "company_id", "stream_id", "res_model", "res_id"),
    *("correlation_id", "user_id"),
)
# Whose an event is: a backend's, or a company's where there is no backend.
OWNERS = {"backend_id": "sync.backend", "company_id": "res.company"}


def owner_of(event):
    """The name of the field that says whose an event is, of its values."""
    backend = event.get("backend_id") or not event.get("company_id")
    return "backend_id" if backend else "company_id"


def owned(owner):
    """The domain of what a backend owns, or a company without a backend."""
    if owner._name == "sync.backend":
        return [("backend_id", "=", owner.id)]
    return [("backend_id", "=", False), ("company_id", "=", owner.id)]


def owned_rows(owner):
    """:func:`owned` as SQL, of events."""
    if owner._name == "sync.backend":
        return SQL("backend_id = %s", owner.id)
    return SQL("backend_id IS NULL AND company_id = %s", owner.id)


class BigInteger(fields.Integer):
    """A number that may exceed four bytes."""

    _column_type = ("int8", "int8")


class EventEntity(NamedTuple):
    """How the types of an entity's events begin, the model of its records, and what
    may happen to them."""

    prefix: str
    model: str
    kinds: tuple[str, ...]


class SyncEvent(models.Model):
    """Something that happened, written in the transaction in which it happened (the
    outbox): no change without its event, no event without its change.

    Its way is validate and enrich (here, when it is written), then route and process
    (``sync_event_delivery.py``): each handler gets it at least once, in the order in
    which the events of a record were written.
    """

    _name = "sync.event"
    _inherit = ["sync.by_entity"]
    _description = "Synchronisation Event"
    _order = "id desc"
    _rec_name = "type"

    type = fields.Selection(selection="_select_type", required=True, readonly=True)
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    stream_id = fields.Many2one(
        "sync.stream",
        readonly=True,
        ondelete="cascade",
        help="The stream whose record was changed; empty where nothing is to travel.",
    )
    res_model = fields.Char("Model", required=True, readonly=True)
    res_id = fields.Many2oneReference(
        "Record", model_field="res_model", required=True, readonly=True
    )
    data = fields.Json(
        readonly=True, help="What else is known, such as the fields that were changed."
    )
    summary = fields.Char("What", compute="_compute_summary")
    correlation_id = fields.Char(required=True, readonly=True, index=True)
    user_id = fields.Many2one("res.users", "Made by", readonly=True)
    processed_at = fields.Datetime("Processed", readonly=True)
    state = fields.Selection(
        [("pending", "Pending"), ("done", "Delivered"), ("rejected", "Rejected")],
        required=True,
        default="pending",
        readonly=True,
        help="Delivered: every handler had it; those that failed are tried again by "
        "themselves. Rejected: nobody knows its type or its model any more.",
    )

    stamp = BigInteger(
        readonly=True,
        groups=NO_ACCESS,
        help="Place in the feed of changes; an event that does not travel has none.",
    )

    _owner = models.Constraint(
        "CHECK(backend_id IS NOT NULL OR company_id IS NOT NULL)",
        "An event belongs to a backend or to a company.",
    )
    _pending_idx = models.Index("(backend_id, id) WHERE state = 'pending'")
    _record_idx = models.Index("(res_model, res_id, id)")
    _stamp_idx = models.Index("(stream_id, stamp, id)")

    def init(self):
        # The writing transaction's id, given by PostgreSQL itself: which of a record's
        # changes have an event (``sync_touched.py``).
        self.env.cr.execute(
            "ALTER TABLE sync_event ADD COLUMN IF NOT EXISTS "
            "xid xid8 NOT NULL DEFAULT pg_current_xact_id()"
        )
        # Used at once: a new sequence shows its first number before giving it out.
        self.env.cr.execute(
            """DO $$ BEGIN
                   IF to_regclass('sync_event_stamp') IS NULL THEN
                       CREATE SEQUENCE sync_event_stamp;
                       PERFORM nextval('sync_event_stamp');
                   END IF;
                   ALTER SEQUENCE sync_event_stamp OWNED BY sync_event.stamp;
               END $$"""
        )

    @api.model
    def _next_stamp(self):
        """The place in the feed of changes that are written now. Until they are
        committed the feed gives nothing beyond it: see ``feed.py``."""
        ((stamp,),) = self.env.execute_query(
            SQL(
                """WITH held AS MATERIALIZED (
                       SELECT pg_advisory_xact_lock_shared(%s + last_value)
                         FROM sync_event_stamp)
                   SELECT nextval('sync_event_stamp') FROM held""",
                FEED,
            )
        )
        return stamp

    @api.model
    def _emit_synced(self, stream, pairs):
        """Both sides have the same of these records of a stream.

        :param pairs: ``(record id, correlation id)``
        """
        entity = self._event_entities()[stream.entity]
        self._emit(
            [
                {
                    "type": f"{entity.prefix}_synced",
                    "backend_id": stream.backend_id.id,
                    "res_model": entity.model,
                    "res_id": res_id,
                    "correlation_id": correlation_id,
                }
                for res_id, correlation_id in pairs
            ],
            # The job that carried the records delivers their events at its end.
            schedule=False,
        )

    @api.model
    def _emit(self, events, schedule=True):
        """Write events, in the current transaction and one statement.

        :param events: dicts with ``type``, ``backend_id``, ``res_model``, ``res_id``;
            with ``company_id`` instead of a backend if it has none; optionally
            ``correlation_id``, which is kept, ``user_id``, ``stream_id`` (the event is
            a change that travels) and ``data`` (a dict)
        :param schedule: have a job deliver them; without it the next job does
        :raises InvalidDataError: naming the first field at fault; nothing is written
        """
        types = self._event_types() if events else ()
        for event in events:
            self._validate(event, types)
        if not events:
            return
        stamp = None
        if any(event.get("stream_id") for event in events):
            stamp = self._next_stamp()
        rows = self._rows(events, stamp)
        insert_rows(self, rows)
        if schedule:
            for name, model in OWNERS.items():
                if ids := {row[name] for row in rows if owner_of(row) == name}:
                    self._schedule_delivery(self.env[model].sudo().browse(ids))

    @api.model
    def _validate(self, event, types):
        """Refuse an event that no handler could make sense of later."""
        if event.get("type") not in types:
            raise InvalidDataError(
                f"{event.get('type')} is not a type of event", field="type"
            )
        if correlation_id := event.get("correlation_id"):
            check_visible(correlation_id, "correlation_id")
        if event.get("res_model") not in self.env:
            raise InvalidDataError(
                "res_model must be the name of a model", field="res_model"
            )
        for name in (owner_of(event), "res_id"):
            if not isinstance(event.get(name), int) or event[name] <= 0:
                raise InvalidDataError(f"{name} must be a positive integer", field=name)

    @api.model
    def _rows(self, events, stamp):
        """The rows of events: with the user, the company and the correlation id; one
        that came along is kept."""
        ids = list({event.get("backend_id") for event in events} - {None, False})
        backends = self.env["sync.backend"].sudo().browse(ids)
        companies = {backend.id: backend.company_id.id for backend in backends}
        correlation_id = cause_of(self.env) or uuid.uuid4().hex
        uid = self.env.uid
        return [
            {
                **{name: event.get(name) for name in COLUMNS},
                "company_id": companies.get(event.get("backend_id"))
                or event["company_id"],
                "user_id": event.get("user_id") or uid,
                "correlation_id": event.get("correlation_id") or correlation_id,
                "data": event.get("data") or None,
                "state": "pending",
                "stamp": stamp if event.get("stream_id") else None,
            }
            for event in events
        ]

    @api.model
    @tools.ormcache()
    def _event_types(self):
        """Names of all types of events. Another addon adds its own by inheriting."""
        return set(OTHER_TYPES) | {
            f"{entity.prefix}_{kind}"
            for entity in self._event_entities().values()
            for kind in entity.kinds
        }

    @api.model
    @tools.ormcache()
    def _event_entities(self):
        """What events of records are about: ``{entity: EventEntity}``."""
        return {
            name: EventEntity(
                adapter._entity_event or name,
                adapter._entity_model,
                adapter._entity_event_kinds,
            )
            for name, adapter in self.env["sync.entity"]._entities().items()
        }

    @api.model
    def _select_type(self):
        types = sorted(self._event_types())
        return [(type_, self._type_name(type_)) for type_ in types]

    @api.model
    def _type_name(self, type_):
        """What people call a type of event, even one that no addon knows any more."""
        if type_ in OTHER_TYPES:
            return self.env._(OTHER_TYPES[type_])
        prefix, __, kind = (type_ or "").rpartition("_")
        for name, entity in self._event_entities().items():
            if prefix == entity.prefix and kind in entity.kinds:
                return self.env[f"sync.entity.{name}"]._event_title(kind)
        return (type_ or "").replace("_", " ").capitalize()

    @api.depends("type")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for event in self:
            event.display_name = self._type_name(event.type)

    @api.depends("data", "res_model")
    def _compute_summary(self):
        for event in self:
            event.summary = event._data_in_words(event.data or {})

    @api.model
    def _data_in_words(self, data):
        """An event's data in words: the labels of changed fields, else its cause."""
        if not data.get("fields"):
            return self.env["sync.error"]._in_language(data.get("cause")) or ""
        labels = []
        for path in data["fields"]:
            model, __, name = path.rpartition(":")
            known = self.env[model].fields_get([name]) if model in self.env else {}
            labels.append(known[name]["string"] if name in known else name)
        return ", ".join(dict.fromkeys(labels))

    def action_open_record(self):
        """Open the record of the event."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.env[self.res_model].browse(self.res_id))

    def action_view_audit(self):
        """Open the audit trace of the same record."""
        self.check_access("read")
        self.ensure_one()
        same = [("res_model", "=", self.res_model), ("res_id", "=", self.res_id)]
        return open_records(self.env, "action_sync_audit", same)

    @api.autovacuum
    def _gc_events(self):
        """Remove a batch of what was delivered long ago, the oldest first.

        :return: (events removed, whether some may be left)
        """
        days = self.env["sync.retention"]._days("log")
        limit = fields.Datetime.now() - timedelta(days=days)
        rows = self.env.execute_query(
            SQL(
                """DELETE FROM sync_event WHERE id IN (
                       SELECT id FROM sync_event e
                        WHERE state <> 'pending' AND write_date < %s AND NOT EXISTS (
                            SELECT 1 FROM sync_event_delivery d
                             WHERE d.event_id = e.id AND d.state = 'waiting')
                        ORDER BY id LIMIT %s)
                   RETURNING stream_id, stamp, id""",
                limit,
                BATCH,
            )
        )
        self.env["sync.stream"]._note_purged(rows)
        return len(rows), len(rows) == BATCH


class SyncBreakerTransition(models.Model):
    _inherit = "sync.breaker.transition"

    @api.model_create_multi
    def create(self, vals_list):
        transitions = super().create(vals_list)
        names = {"open": "opened", "closed": "closed", "half_open": "half_open"}
        self.env["sync.event"].sudo()._emit(
            [
                {
                    "type": f"breaker_{names[transition.after]}",
                    "backend_id": transition.breaker_id.backend_id.id,
                    "company_id": transition.breaker_id.company_id.id,
                    "res_model": "sync.breaker",
                    "res_id": transition.breaker_id.id,
                    "data": {"cause": transition.cause or ""},
                }
                for transition in transitions.sudo()
                if transition.before != transition.after
            ]
        )
        return transitions
