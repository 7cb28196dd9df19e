import json
import uuid
from dataclasses import asdict

from odoo import api, fields, models
from odoo.tools import SQL

from ...core.conflict.merge import Side
from ...core.exchange.declined import Declined
from ...core.exchange.mapping_state import UNKNOWN, MappingState
from ...core.exchange.pair import Base
from ...core.exchange.pushing import nothing_agreed
from ...entities.columns import values_of
from ...entities.directory import Directory
from ..base.actions import open_record
from ..base.alone import raced
from ..base.rows import Value, insert_rows, write_plain

# Fields of the mapping that are those of its state as they are.
MOVED = (
    *("external_id", "version", "uncertain", "deleted", "in_part", "epoch"),
    "guarded",
)

# Those fields of which nothing stored is computed.
PLAIN = {
    *("version", "base", "odoo_base", "in_part", "epoch"),
    *("unanswered", "uncertain", "guarded"),
}
# What a mapping's state is read from.
OF_STATE = (
    *MOVED,
    *("base", "odoo_base", "unanswered", "conflict_ids", "declined", "backend_id"),
)


class SyncMapping(models.Model):
    """One Odoo record and its pharmacy record, with what both sides last agreed on."""

    _name = "sync.mapping"
    _inherit = ["sync.by_entity"]
    _description = "Linked Record"
    _order = "id desc"

    stream_id = fields.Many2one(
        "sync.stream", required=True, readonly=True, ondelete="cascade"
    )
    backend_id = fields.Many2one(related="stream_id.backend_id", store=True, index=True)
    company_id = fields.Many2one(related="stream_id.company_id", store=True)
    entity = fields.Selection(string="Type", related="stream_id.entity")
    res_model = fields.Char(related="stream_id.res_model", store=True)
    res_id = fields.Many2oneReference(
        "Odoo Record", model_field="res_model", readonly=True
    )
    key = fields.Char(
        readonly=True,
        required=True,
        help="What Odoo calls the record when it speaks to the pharmacy app; by it a "
        "record is found again whose creation was never answered.",
    )
    external_id = fields.Char("Pharmacy Id", readonly=True)
    version = fields.Integer(
        "Pharmacy Version",
        readonly=True,
        aggregator=None,
        help="Latest version seen from the app.",
    )
    base = Value(
        readonly=True,
        help="What the pharmacy had when both sides last agreed; what it never sent "
        "is absent.",
    )
    odoo_base = Value(
        "Base of Odoo",
        readonly=True,
        help="What Odoo had when both sides last agreed, in the fields in which that "
        "is not what the pharmacy had: seldom any.",
    )
    base_text = fields.Text("Agreed Values", compute="_compute_base_text")
    uncertain = fields.Boolean(
        readonly=True,
        help="Its creation was sent to the app and no answer was recorded: it is "
        "looked up by its key before it is sent again.",
    )
    unanswered = Value(
        readonly=True,
        help="What was sent on top of the version and never answered: the base would "
        "be so. The next state that the app sends shows which of it arrived.",
    )
    in_part = fields.Boolean(
        "Received in Part",
        readonly=True,
        help="The app sent only a part of its latest version: the rest is read before "
        "anything is sent over it.",
    )
    epoch = fields.Integer(
        readonly=True,
        aggregator=None,
        help="How often the app had been set back when it sent this version.",
    )
    guarded = fields.Boolean(
        readonly=True,
        help="The app was set back: Odoo takes nothing over by itself until a person "
        "has decided the open conflict.",
    )
    arrived = fields.Boolean(
        "Came from the Pharmacy",
        readonly=True,
        help="Odoo has the record from this app: it goes to another one only if a rule "
        "of that stream says so.",
    )
    declined = Value(
        readonly=True,
        help="What one side did not take of what the other one has, by path, with the "
        "side and the reason that it gave: a person decides, and nothing is sent back "
        "until then.",
    )
    deleted = fields.Boolean(
        readonly=True, help="Deleted on one side; an old update does not revive it."
    )
    state = fields.Selection(
        [
            ("pending", "Syncing"),
            ("synced", "In Sync"),
            ("differs", "Known Difference"),
            ("conflict", "Conflict"),
            ("dead", "Change Failed"),
        ],
        compute="_compute_state",
        store=True,
        default="pending",
    )
    differences = fields.Json(
        readonly=True,
        help="What of the Odoo record decides what people pay or get and the pharmacy "
        "cannot know, such as the discount of a line.",
    )
    given_up = fields.Boolean(
        "Change Given Up",
        readonly=True,
        copy=False,
        help="A person stopped or discarded a change of the record: both sides may "
        "differ until the next one, or until they are compared.",
    )
    event_trouble = fields.Selection(
        [("waiting", "Waiting"), ("failed", "Failed")],
        "Undelivered Event",
        readonly=True,
        help="A handler failed at an event of the record. Waiting: it is tried again.",
    )
    operation_ids = fields.One2many("sync.operation", "mapping_id", "Operations")
    conflict_ids = fields.One2many("sync.conflict", "mapping_id", "Conflicts")
    record_name = fields.Char("Record", compute="_compute_record_name")

    _external_uniq = models.UniqueIndex(
        "(stream_id, external_id) WHERE external_id IS NOT NULL",
        "A pharmacy record has one counterpart in Odoo.",
    )
    _record_uniq = models.UniqueIndex(
        "(stream_id, res_id) WHERE res_id IS NOT NULL",
        "An Odoo record has one counterpart on a backend.",
    )
    _key_uniq = models.Constraint("UNIQUE(key)", "The key of a mapping is its own.")
    _res_idx = models.Index("(res_model, res_id)")
    _state_idx = models.Index("(state, id)")

    @api.depends(
        "external_id",
        "deleted",
        "operation_ids.state",
        "conflict_ids.state",
        "declined",
        "event_trouble",
        "differences",
        "given_up",
    )
    def _compute_state(self):
        operations = self._states_of("sync.operation")
        conflicts = self._states_of("sync.conflict")
        for mapping in self:
            states = operations.get(mapping, set())
            if "dead" in states or mapping.event_trouble == "failed":
                mapping.state = "dead"
            elif mapping.declined or "open" in conflicts.get(mapping, ()):
                mapping.state = "conflict"
            elif mapping.event_trouble or {"pending", "running", "waiting"} & states:
                mapping.state = "pending"
            elif not (mapping.external_id or mapping.deleted):
                # Nothing is on its way, and the pharmacy is not known to have it.
                mapping.state = "dead"
            else:
                differs = mapping.differences or mapping.given_up
                mapping.state = "differs" if differs else "synced"

    def _states_of(self, model):
        return {
            mapping: set(states)
            for mapping, states in self.env[model]._read_group(
                [("mapping_id", "in", self.ids)], ["mapping_id"], ["state:array_agg"]
            )
        }

    @api.depends("base", "odoo_base")
    def _compute_base_text(self):
        for mapping in self:
            base = mapping.base or {}
            if mapping.odoo_base:
                base = {**base, self.env._("In Odoo"): mapping.odoo_base}
            mapping.base_text = json.dumps(
                base, indent=2, ensure_ascii=False, sort_keys=True
            )

    @api.depends("res_model", "res_id")
    @api.depends_context("lang")
    def _compute_record_name(self):
        for model, mappings in self.grouped("res_model").items():
            records = self.env[model].browse(mappings.mapped("res_id")).exists()
            names = {record.id: record.display_name for record in records.sudo()}
            for mapping in mappings:
                mapping.record_name = names.get(mapping.res_id) or mapping.external_id

    @api.depends("stream_id", "res_id", "external_id")
    def _compute_display_name(self):
        for mapping in self:
            mapping.display_name = mapping.record_name

    def action_open_record(self):
        """Open the Odoo record."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.env[self.res_model].browse(self.res_id))

    def _record(self):
        """The Odoo record, or an empty recordset if it is gone."""
        self.ensure_one()
        return self.env[self.res_model].browse(self.res_id or []).exists()

    def _open_conflict(self):
        self.ensure_one()
        conflicts = self.conflict_ids
        if not conflicts:  # nearly always
            return conflicts
        return conflicts.filtered(lambda conflict: conflict.state == "open")

    def unlink(self):
        self.env["sync.mapping.version"]._forget(self)
        return super().unlink()

    @api.model
    def _lock(self, ids):
        """Keep other transactions from queueing these records. If one did so since this
        one began, this one fails and is replayed."""
        query = SQL(
            "SELECT id FROM sync_mapping WHERE id = ANY(%s) ORDER BY id "
            "FOR NO KEY UPDATE",
            ids,
        )
        raced(self.env, query)

    @api.model
    def _touch(self, ids):
        """Make older transactions fail that lock these records later."""
        query = SQL(
            "UPDATE sync_mapping SET write_date = now() at time zone 'UTC' "
            "WHERE id = ANY(%s) RETURNING id",
            ids,
        )
        raced(self.env, query)

    def _serialise(self):
        """Canonical values of the Odoo record."""
        self.ensure_one()
        adapter = self.stream_id._adapter()
        record = self._record()
        return adapter._serialise(record, Directory(self.backend_id))[record.id]

    def _base(self):
        """What both sides last agreed on, a :class:`~core.exchange.pair.Base`."""
        self.ensure_one()
        return Base.load(self.base or None, self.odoo_base or None)

    @api.model
    def _base_values(self, base):
        """Values to write for a :class:`..core.exchange.pair.Base` in which nothing is
        declined."""
        return {
            "base": base.pharmacy or False,
            "odoo_base": base.apart or False,
            "declined": False,
        }

    # -- The protocol -----------------------------------------------------------------

    def _state(self):
        """The mapping: :class:`~core.exchange.mapping_state.MappingState`."""
        return self._states()[self]

    def _states(self):
        """:meth:`_state` of many, by mapping."""
        epochs = {backend.id: backend.epoch for backend in self.backend_id}
        columns = [values_of(self, name) for name in OF_STATE]
        states = {}
        for mapping, values in zip(self, zip(*columns, strict=True), strict=True):
            has = dict(zip(OF_STATE, values, strict=True))
            states[mapping] = MappingState(
                **{name: has[name] or getattr(UNKNOWN, name) for name in MOVED},
                base=Base.load(has["base"], has["odoo_base"]),
                unanswered=tuple(has["unanswered"] or ()),
                conflict_paths=has["conflict_ids"] and mapping._open_paths(),
                declined=mapping._declined() if has["declined"] else {},
                app_epoch=epochs[has["backend_id"]],
            )
        return states

    def _open_paths(self):
        """Where a person has yet to decide."""
        return tuple(self._open_conflict()._open_lines().mapped("field"))

    def _declined(self):
        """What is declined, by path: :class:`~core.exchange.declined.Declined` each."""
        return {
            path: Declined(Side(known["by"]), known["reason"], known["unseen"])
            for path, known in (self.declined or {}).items()
        }

    def _move(self, before, after, by=Side.PHARMACY, correlation_id=None):
        """Write down a move from ``before`` to ``after``, two states.

        :param by: whose change it is that both sides agree on from now on
        :param correlation_id: None: that of the context
        """
        if after is before:
            return
        values = {
            name: getattr(after, name) or False
            for name in MOVED
            if getattr(after, name) != getattr(before, name)
        }
        if after.base != before.base or after.declined != before.declined:
            agreed = {**self._base_values(after.base), "given_up": False}
            had = before.base.pharmacy
            if had and after.base.pharmacy != had:
                Version = self.env["sync.mapping.version"]
                Version._note(self, had, after, by, correlation_id)
            agreed["declined"] = {
                path: {**asdict(refusal), "by": str(refusal.by)}
                for path, refusal in after.declined.items()
            } or False
            values.update((n, v) for n, v in agreed.items() if self[n] != v)
        if after.unanswered != before.unanswered:
            values["unanswered"] = list(after.unanswered) or False
        if values.keys() <= PLAIN:
            write_plain(self, values)
        else:
            self.write(values)

    def _forget_agreed(self):
        """Its record was made on both sides apart."""
        for mapping in self:
            state = mapping._state()
            mapping._move(state, nothing_agreed(state))

    @api.model
    def _insert(self, stream, rows):
        """Insert mappings in one statement.

        A twin that inserts a mapping of the same record at the same time makes
        PostgreSQL report a serialization failure once it has committed: the caller's
        transaction is replayed and finds the twin's.

        :param rows: dicts with ``res_id``, ``external_id``, ``version``, ``base`` (a
            :class:`..core.exchange.pair.Base`), ``deleted`` and ``arrived``, as far as
            there are any
        :return: the mappings inserted
        """
        if not rows:
            return self.browse()
        common = {
            "stream_id": stream.id,
            "backend_id": stream.backend_id.id,
            "company_id": stream.backend_id.company_id.id,
            "res_model": stream.res_model,
            "epoch": stream.backend_id.epoch,
            "state": "synced",
        }
        values = []
        for row in rows:
            base = row.get("base")
            own = {
                "key": str(uuid.uuid4()),
                "res_id": row.get("res_id"),
                "external_id": row.get("external_id"),
                "version": row.get("version") or 0,
                "base": (base and base.pharmacy) or None,
                "odoo_base": (base and base.apart) or None,
                "deleted": row.get("deleted", False),
                "arrived": row.get("arrived", False),
            }
            values.append({**common, **own})
        return self.browse(insert_rows(self, values, SQL("DO NOTHING")))
