import json

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate

from ..base.actions import open_record, open_records
from ..base.rights import OPERATOR, check_may

_lt = LazyTranslate(__name__)

# Each kind of row finds those of a mapping through an index of its own. The id of a
# row is eight times that of what it was read from, and the number of its kind; a
# query that wants some ids only says so in {only}. An event is shown by its trace,
# which is kept longer, or by itself while it has none yet.
EVENT = """
SELECT e.id::bigint * 8 + %(number)s AS id, e.id AS res_id,
       '%(model)s' AS res_model, 'event' AS kind, e.type AS what,
       e.data::text AS about, e.%(at)s AS at, NULL::int AS attempt, e.user_id,
       e.correlation_id, m.id AS mapping_id, m.company_id
  FROM %(table)s e
  JOIN sync_mapping m ON m.res_model = e.res_model AND m.res_id = e.res_id
                     AND m.backend_id = e.backend_id
 WHERE {only} AND %(where)s
UNION ALL
SELECT e.id::bigint * 8 + %(number)s, e.id, '%(model)s', 'event', e.type,
       e.data::text, e.%(at)s, NULL, e.user_id, e.correlation_id, o.mapping_id,
       o.company_id
  FROM %(table)s e
  JOIN sync_operation o ON e.res_model = 'sync.operation' AND e.res_id = o.id
 WHERE {only} AND %(where)s AND e.type <> 'dead_letter_created'
"""
TRACED = {
    "number": 0,
    "model": "sync.audit",
    "table": "sync_audit",
    "at": "at",
    "where": "true",
}
UNTRACED = {
    "number": 1,
    "model": "sync.event",
    "table": "sync_event",
    "at": "create_date",
    "where": "NOT EXISTS (SELECT FROM sync_audit a WHERE a.event_id = e.id)",
}
OPERATIONS = """
SELECT o.id::bigint * 8 + 2, o.id, 'sync.operation', 'operation',
       o.kind || ':' || o.state, o.reason,
       coalesce(o.done_at, o.started_at, o.requested_at), o.attempts,
       NULL, o.correlation_id, o.mapping_id, o.company_id
  FROM sync_operation o WHERE {only}
"""
ERRORS = """
SELECT f.id::bigint * 8 + 3, f.id, 'sync.error', 'error', f.type, f.message,
       f.occurred_at, f.attempt, NULL, f.correlation_id, f.mapping_id, f.company_id
  FROM sync_error f WHERE {only}
"""
CONFLICTS = """
SELECT c.id::bigint * 8 + 4, c.id, 'sync.conflict', 'conflict', NULL, NULL,
       c.create_date, NULL, NULL, c.correlation_id, c.mapping_id, c.company_id
  FROM sync_conflict c WHERE {only}
"""
DECISIONS = """
SELECT c.id::bigint * 8 + 5, c.id, 'sync.conflict', 'decision', c.strategy, NULL,
       c.resolved_at, NULL, c.resolved_by_id, c.correlation_id, c.mapping_id,
       c.company_id
  FROM sync_conflict c WHERE {only} AND c.resolved_at IS NOT NULL
"""
LINKS = """
SELECT m.id::bigint * 8 + 6, m.id, 'sync.mapping', 'linked', NULL, m.external_id,
       m.create_date, NULL, m.create_uid, NULL, m.id, m.company_id
  FROM sync_mapping m WHERE {only} AND m.external_id IS NOT NULL
"""
# The person is the one whose event was carried over, as far as it is known.
VERSIONS = """
SELECT v.id::bigint * 8 + 7, v.id, 'sync.mapping.version', 'version',
       v.side || ':' || coalesce(v.version, 0), NULL, v.at, NULL,
       CASE WHEN v.side = 'odoo' THEN (
           SELECT a.user_id FROM sync_audit a
            WHERE a.correlation_id = v.correlation_id
              AND a.res_model = m.res_model AND a.res_id = m.res_id
              AND a.user_id IS NOT NULL ORDER BY a.id LIMIT 1) END,
       v.correlation_id, v.mapping_id, m.company_id
  FROM sync_mapping_version v JOIN sync_mapping m ON m.id = v.mapping_id
 WHERE {only}
"""
# What people call what became of a change, by the way that it goes.
_SENT, _RECEIVED = _lt("Sent to the pharmacy"), _lt("Received from the pharmacy")
READ = _lt("Read from the pharmacy")
OPERATION_TITLES = {
    ("push", "pending"): _lt("Waits to be sent"),
    ("push", "waiting"): _lt("Waits to be sent"),
    ("push", "running"): _lt("Is being sent"),
    ("push", "done"): _SENT,
    ("push", "dead"): _lt("Could not be sent"),
    ("push", "cancelled"): _lt("Was not sent"),
    ("apply", "pending"): _lt("Waits to be taken over from the pharmacy"),
    ("apply", "waiting"): _lt("Waits to be taken over from the pharmacy"),
    ("apply", "running"): _lt("Is being taken over from the pharmacy"),
    ("apply", "done"): _RECEIVED,
    ("apply", "dead"): _lt("Could not be taken over from the pharmacy"),
    ("apply", "cancelled"): _lt("Was not taken over from the pharmacy"),
}
# Number of the kind, alias of the table, and the query.
QUERIES = (
    (0, "e", EVENT % TRACED),
    (1, "e", EVENT % UNTRACED),
    (2, "o", OPERATIONS),
    (3, "f", ERRORS),
    (4, "c", CONFLICTS),
    (5, "c", DECISIONS),
    (6, "m", LINKS),
    (7, "v", VERSIONS),
)


class SyncTimeline(models.Model):
    """What happened to one mapping, newest first: read from what is kept of it
    anyway, for as long as that is kept."""

    _name = "sync.timeline"
    _description = "History of a Linked Record"
    _auto = False
    _order = "at desc, id desc"
    _rec_name = "title"
    _depends = {
        "sync.mapping": ["external_id", "res_model", "res_id", "company_id"],
        "sync.audit": ["type", "user_id", "correlation_id", "res_model", "res_id"],
        "sync.event": ["type", "user_id", "correlation_id", "res_model", "res_id"],
        "sync.operation": [
            *("kind", "state", "reason", "attempts", "correlation_id", "mapping_id"),
            *("requested_at", "started_at", "done_at"),
        ],
        "sync.error": [
            *("type", "message", "occurred_at", "attempt", "correlation_id"),
            "mapping_id",
        ],
        "sync.conflict": [
            *("strategy", "reason", "resolved_at", "resolved_by_id"),
            *("correlation_id", "mapping_id"),
        ],
        "sync.mapping.version": [
            *("version", "side", "changes", "at", "correlation_id", "mapping_id"),
        ],
        "sync.conflict.line": ["field", "choice", "reason", "conflict_id"],
    }

    mapping_id = fields.Many2one("sync.mapping", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    kind = fields.Selection(
        [
            ("linked", "Linked"),
            ("event", "Event"),
            ("operation", "Operation"),
            ("error", "Error"),
            ("conflict", "Conflict"),
            ("decision", "Decision"),
            ("version", "Values"),
        ],
        readonly=True,
    )
    what = fields.Char(readonly=True)
    title = fields.Char("What Happened", compute="_compute_title")
    about = fields.Char(readonly=True)
    detail = fields.Char(compute="_compute_detail")
    at = fields.Datetime("Time", readonly=True)
    attempt = fields.Integer(
        readonly=True, help="Attempts made until then, the first included."
    )
    user_id = fields.Many2one("res.users", "By", readonly=True)
    correlation_id = fields.Char(readonly=True)
    res_model = fields.Char(readonly=True)
    res_id = fields.Integer(readonly=True)

    @property
    def _table_query(self):
        ids = self.env.context.get("sync_timeline_ids")
        return SQL(" UNION ALL ").join(_query(*kind, ids) for kind in QUERIES)

    def fetch(self, field_names=None):
        # By their ids alone rows would be looked for in whole tables.
        own = self.with_context(sync_timeline_ids=self.ids)
        return super(SyncTimeline, own).fetch(field_names)

    @api.depends("kind", "what")
    def _compute_title(self):
        def labels(model, name):
            return dict(self.env[model]._fields[name]._description_selection(self.env))

        types = labels("sync.error", "type")
        strategies = labels("sync.conflict", "strategy")
        event_name = self.env["sync.event"]._type_name
        for row in self:
            what = row.what or ""
            if row.kind == "operation":
                way = tuple(what.split(":"))
                row.title = self.env._(OPERATION_TITLES.get(way, READ))
            elif row.kind == "event":
                row.title = event_name(what)
            elif row.kind == "error":
                row.title = types.get(what, what)
            elif row.kind == "conflict":
                row.title = self.env._("Both sides changed it")
            elif row.kind == "decision":
                row.title = self.env._("Decided: %s", strategies.get(what, what))
            elif row.kind == "version":
                side, __, number = what.partition(":")
                row.title = self._version_text(side, number)
            else:
                row.title = self.env._("Linked with the pharmacy's record")

    @api.depends("kind", "about", "res_id")
    def _compute_detail(self):
        in_words = self.env["sync.event"]._data_in_words
        decided = self.filtered(lambda row: row.res_model == "sync.conflict")
        conflicts = self.env["sync.conflict"].browse(decided.mapped("res_id"))
        conflicts = {conflict.id: conflict for conflict in conflicts}
        changed = self.filtered(lambda row: row.kind == "version").mapped("res_id")
        versions = {v.id: v for v in self.env["sync.mapping.version"].browse(changed)}
        for row in self:
            if row.kind == "event":
                row.detail = in_words(json.loads(row.about or "{}"))
            elif row.kind == "conflict":
                row.detail = ", ".join(conflicts[row.res_id].line_ids.mapped("label"))
            elif row.kind == "decision":
                row.detail = self._decision_text(conflicts[row.res_id])
            elif row.kind == "version":
                row.detail = versions[row.res_id]._in_words()
            elif row.kind == "error":
                row.detail = self.env["sync.error"]._in_words(row.about)
            else:
                row.detail = self.env["sync.error"]._in_language(row.about)

    @api.model
    def _version_text(self, side, number):
        if side == "odoo":
            return self.env._(
                "Changed in Odoo: version %s of the pharmacy's record", number
            )
        return self.env._("Changed at the pharmacy: version %s of its record", number)

    @api.model
    def _decision_text(self, conflict):
        """Why a conflict was decided, and field by field how."""
        lines = conflict.line_ids.filtered("choice")
        choices = dict(lines._fields["choice"]._description_selection(self.env))
        in_language = self.env["sync.error"]._in_language
        parts = [in_language(conflict.reason)]
        for line in lines:
            reason = in_language(line.reason)
            reason = f" ({reason})" if reason else ""
            parts.append(f"{line.label}: {choices[line.choice]}{reason}")
        return "; ".join(filter(None, parts))

    def action_open(self):
        """Open what the row was read from."""
        self.check_access("read")
        self.ensure_one()
        return open_record(self.env[self.res_model].browse(self.res_id))

    def action_view_calls(self):
        """The calls that carried it, as far as they are still kept."""
        check_may(self, OPERATOR, self.env._("Only operators may see the calls."))
        self.check_access("read")
        self.ensure_one()
        domain = [("correlation_id", "=", self.correlation_id)]
        return open_records(self.env, "action_sync_call", domain)


class SyncMapping(models.Model):
    _inherit = "sync.mapping"

    timeline_ids = fields.One2many("sync.timeline", "mapping_id", "History")


def _query(number, alias, query, ids):
    only = "true"
    if ids is not None:
        # Numbers, calculated here from numbers.
        own = ", ".join(str(id_ // 8) for id_ in ids if id_ % 8 == number)
        only = f"{alias}.id IN ({own})" if own else "false"
    return SQL(query.format(only=only))
