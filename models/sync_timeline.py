from odoo import api, fields, models
from odoo.tools import SQL

# The model that a row of a kind was read from.
SOURCES = {
    "linked": "sync.mapping",
    "event": "sync.event",
    "operation": "sync.operation",
    "error": "sync.error",
    "conflict": "sync.conflict",
    "decision": "sync.conflict",
}
# Each is filtered by its mapping through an index of its own.
QUERY = """
SELECT m.id::bigint * 8 AS id, m.id AS res_id, 'linked' AS kind, NULL AS what,
       m.external_id AS detail, m.create_date AS at, NULL::int AS attempt,
       m.create_uid AS user_id, NULL AS correlation_id, m.id AS mapping_id, m.company_id
  FROM sync_mapping m
UNION ALL
SELECT e.id::bigint * 8 + 1, e.id, 'event', e.type, NULL, e.create_date, NULL,
       e.user_id, e.correlation_id, m.id, m.company_id
  FROM sync_event e
  JOIN sync_mapping m ON m.stream_id = e.stream_id AND m.res_id = e.res_id
UNION ALL
SELECT o.id::bigint * 8 + 2, o.id, 'operation', o.kind || ':' || o.state, o.reason,
       coalesce(o.done_at, o.started_at, o.requested_at), o.attempts,
       NULL, o.correlation_id, o.mapping_id, o.company_id
  FROM sync_operation o
UNION ALL
SELECT f.id::bigint * 8 + 3, f.id, 'error', f.type, f.message, f.occurred_at,
       f.attempt, NULL, f.correlation_id, f.mapping_id, f.company_id
  FROM sync_error f
UNION ALL
SELECT c.id::bigint * 8 + 4, c.id, 'conflict', NULL,
       (SELECT string_agg(l.field, ', ' ORDER BY l.id)
          FROM sync_conflict_line l WHERE l.conflict_id = c.id),
       c.create_date, NULL, NULL, c.correlation_id, c.mapping_id, c.company_id
  FROM sync_conflict c
UNION ALL
SELECT c.id::bigint * 8 + 5, c.id, 'decision', c.strategy,
       concat_ws('; ', c.reason,
           (SELECT string_agg(
                       concat_ws(' ', l.field || ':', l.choice, '(' || l.reason || ')'),
                       '; ' ORDER BY l.id)
              FROM sync_conflict_line l
             WHERE l.conflict_id = c.id AND l.choice IS NOT NULL)),
       c.resolved_at, NULL, c.resolved_by_id, c.correlation_id, c.mapping_id,
       c.company_id
  FROM sync_conflict c WHERE c.resolved_at IS NOT NULL
"""


class SyncTimeline(models.Model):
    """What happened to one mapping, newest first: read from what is kept of it
    anyway, for as long as that is kept."""

    _name = "sync.timeline"
    _description = "Timeline of a Mapping"
    _auto = False
    _order = "at desc, id desc"
    _rec_name = "title"
    _depends = {
        "sync.mapping": ["external_id", "stream_id", "res_id", "company_id"],
        "sync.event": ["type", "user_id", "correlation_id", "stream_id", "res_id"],
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
        ],
        readonly=True,
    )
    what = fields.Char(readonly=True)
    title = fields.Char("What Happened", compute="_compute_title")
    detail = fields.Char(readonly=True)
    at = fields.Datetime("Time", readonly=True)
    attempt = fields.Integer(
        readonly=True, help="Attempts made until then, the first included."
    )
    user_id = fields.Many2one("res.users", "By", readonly=True)
    correlation_id = fields.Char(readonly=True)
    res_id = fields.Integer(readonly=True)

    @property
    def _table_query(self):
        return SQL(QUERY)

    @api.depends("kind", "what")
    def _compute_title(self):
        def labels(model, name):
            return dict(self.env[model]._fields[name]._description_selection(self.env))

        kinds = labels("sync.operation", "kind")
        states = labels("sync.operation", "state")
        types = labels("sync.error", "type")
        strategies = labels("sync.conflict", "strategy")
        for row in self:
            what = row.what or ""
            if row.kind == "operation":
                kind, state = what.split(":")
                row.title = f"{kinds.get(kind, kind)}: {states.get(state, state)}"
            elif row.kind == "event":
                row.title = what.replace("_", " ").capitalize()
            elif row.kind == "error":
                row.title = types.get(what, what)
            elif row.kind == "conflict":
                row.title = self.env._("Both sides changed it")
            elif row.kind == "decision":
                row.title = self.env._("Decided: %s", strategies.get(what, what))
            else:
                row.title = self.env._("Linked with the pharmacy's record")

    def action_open(self):
        """Open what the row was read from."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": SOURCES[self.kind],
            "res_id": self.res_id,
            "views": [(False, "form")],
        }

    def action_view_calls(self):
        """The calls that carried it, as far as they are still kept."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_call"
        )
        domain = [("correlation_id", "=", self.correlation_id)]
        return {**action, "domain": domain, "context": {}}
