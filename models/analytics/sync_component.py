from odoo import api, fields, models
from odoo.tools import SQL

from ...entities.sentence import in_language
from ..base.actions import open_records
from ..base.locks import POOLS
from ..call.sync_pool import PLACES, SATURATED

# Seconds after which a transaction, a job that waits, or the recovery is late.
LATE = 300
# Numbers that end in the kind's: what a row was read from is found by it.
KINDS = 16
BACKENDS = """
SELECT b.id::bigint * {kinds} + 1 AS id, 'backend' AS kind, b.name, b.id AS backend_id,
       b.company_id, b.rests_since AS since, 0 AS figure,
       CASE WHEN b.refused_at IS NOT NULL THEN 'bad'
            WHEN b.paused OR b.set_back_at IS NOT NULL THEN 'fair' ELSE 'good' END
       AS state
  FROM sync_backend b WHERE b.active
"""
BREAKERS = """
SELECT r.id::bigint * {kinds} + 2, 'breaker', r.operation, r.backend_id, r.company_id,
       r.since, 0,
       CASE WHEN r.mode = 'forced_open' THEN 'bad' WHEN r.mode <> 'normal' THEN 'fair'
            WHEN r.state = 'open' THEN 'bad' WHEN r.state = 'half_open' THEN 'fair'
            ELSE 'good' END
  FROM sync_breaker r JOIN sync_backend b ON b.id = r.backend_id AND b.active
"""
TAKEN = """
SELECT p.id::bigint * {kinds} + 3, 'pool', p.name, p.backend_id, p.company_id,
       NULL::timestamp, t.taken::int,
       CASE WHEN t.taken * 100 >= p.concurrency * {saturated} THEN 'fair'
            ELSE 'good' END
  FROM sync_pool p JOIN sync_backend b ON b.id = p.backend_id AND b.active
  CROSS JOIN LATERAL (
       SELECT count(*) AS taken FROM pg_locks l
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
          AND l.classid::bigint = {pools} + p.id AND l.objid::bigint < {places}) AS t
"""
EVENTS = """
SELECT b.id::bigint * {kinds} + 4, 'events', NULL, b.id, b.company_id, e.since,
       e.pending::int,
       CASE WHEN e.since < now() at time zone 'UTC' - interval '{late} s' THEN 'bad'
            ELSE 'good' END
  FROM sync_backend b CROSS JOIN LATERAL (
       SELECT count(*) AS pending, min(create_date) AS since FROM sync_event
        WHERE backend_id = b.id AND state = 'pending') AS e
 WHERE b.active
"""
RUNNER = """
SELECT 5, 'runner', NULL, NULL::int, NULL::int, j.since, j.waiting::int,
       CASE WHEN j.since < now() at time zone 'UTC' - interval '{late} s'
             AND NOT j.busy THEN 'bad' ELSE 'good' END
  FROM (SELECT count(*) AS waiting,
               min(greatest(coalesce(eta, date_created), date_created))
               FILTER (WHERE eta IS NULL OR eta <= now() at time zone 'UTC') AS since,
               EXISTS (SELECT FROM queue_job WHERE state = 'started' OR date_started
                       > now() at time zone 'UTC' - interval '{late} s') AS busy
          FROM queue_job
         WHERE state = 'pending' AND starts_with(model_name, 'sync.')) AS j
"""
DATABASE = """
SELECT 6, 'database', NULL, NULL::int, NULL::int, a.since at time zone 'UTC',
       a.old::int,
       CASE WHEN a.old > 0 THEN 'fair' ELSE 'good' END
  FROM (SELECT count(*) AS old, min(xact_start) AS since FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND backend_type = 'client backend'
           AND xact_start < now() - interval '{late} s') AS a
"""
# Handlers that a backend has at most.
MOST = 64
# The events that each handler of a backend failed at.
HANDLERS = """
SELECT (b.id::bigint * {most} + h.place) * {kinds} + 7, 'handler', h.name, b.id,
       b.company_id, d.since, d.troubled::int,
       CASE WHEN d.failed THEN 'bad' WHEN d.troubled > 0 THEN 'fair' ELSE 'good' END
  FROM sync_backend b
  CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS h(name, place)
  CROSS JOIN LATERAL (
       SELECT count(*) AS troubled, min(create_date) AS since,
              coalesce(bool_or(state = 'failed'), false) AS failed
         FROM sync_event_delivery
        WHERE backend_id = b.id AND handler = h.name
          AND state IN ('waiting', 'failed')) AS d
 WHERE b.active
"""


class SyncComponent(models.Model):
    """What synchronisation is made of, and how each part of it is right now."""

    _name = "sync.component"
    _description = "Component"
    _auto = False
    _order = "state, kind, id"
    _rec_name = "title"

    kind = fields.Selection(
        [
            ("backend", "Pharmacy"),
            ("breaker", "Connection"),
            ("pool", "Call limit"),
            ("events", "Events"),
            ("handler", "Event handler"),
            ("runner", "Job runner"),
            ("database", "Database"),
        ],
        readonly=True,
    )
    name = fields.Char(readonly=True)
    title = fields.Char("Component", compute="_compute_title")
    backend_id = fields.Many2one("sync.backend", "Pharmacy", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    state = fields.Selection(
        [("bad", "Bad"), ("fair", "Fair"), ("good", "Good")], readonly=True
    )
    since = fields.Datetime(readonly=True)
    figure = fields.Integer(readonly=True)
    detail = fields.Char(compute="_compute_detail")

    @property
    def _table_query(self):
        return SQL(" UNION ALL ").join(self._queries())

    @api.model
    def _queries(self):
        """Queries with the columns of the first. Rooms above add theirs."""
        values = {
            "kinds": KINDS,
            "late": LATE,
            "pools": POOLS,
            "places": PLACES,
            "most": MOST,
            "saturated": SATURATED,
        }
        queries = (BACKENDS, BREAKERS, TAKEN, EVENTS, RUNNER, DATABASE)
        # Numbers of the code, nothing that anybody enters.
        handlers = [route.handler for route in self.env["sync.event"]._event_routes()]
        return [
            *(SQL(query.format(**values)) for query in queries),
            SQL(HANDLERS.format(**values), handlers),
        ]

    @api.depends("kind", "name")
    @api.depends_context("lang")
    def _compute_title(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        calls = self.env["sync.breaker"]._fields["operation"]
        calls = dict(calls._description_selection(self.env))
        pool_title = self.env["sync.pool"]._title
        for part in self:
            name = pool_title(part.name) if part.kind == "pool" else part.name or ""
            name = calls.get(name, name)
            part.title = f"{kinds[part.kind]}: {name}" if name else kinds[part.kind]

    @api.depends("kind", "figure")
    @api.depends_context("lang")
    def _compute_detail(self):
        texts = {
            "pool": self.env._("Slots taken: %s"),
            "events": self.env._("Not delivered yet: %s"),
            "handler": self.env._("Events that it failed at: %s"),
            "runner": self.env._("Jobs that wait: %s"),
            "database": self.env._("Transactions open for minutes: %s"),
        }
        failures = self.env._("Failures in a row: %s")
        for part in self:
            if part.kind == "backend":
                part.detail = in_language(self.env, part.backend_id.pause_reason) or ""
            elif part.kind == "breaker":
                breaker = self.env["sync.breaker"].browse(part.id // KINDS)
                part.detail = breaker.cause_text or ""
            else:
                part.detail = texts.get(part.kind, failures) % part.figure

    def action_open(self):
        """Open what the component is about."""
        self.check_access("read")
        self.ensure_one()
        own = [("backend_id", "in", self.backend_id.ids)]
        if self.kind == "backend":
            own = [("id", "in", self.backend_id.ids)]
            return open_records(self.env, "action_sync_backend", own)
        names = self._lists()
        if self.kind in names:
            return open_records(self.env, names[self.kind], own)
        return open_records(self.env, "action_sync_recovery_run", [])

    @api.model
    def _lists(self):
        """The list in which components of a kind are looked at: ``{kind: action}``.
        Rooms above add theirs."""
        return {
            "breaker": "action_sync_breaker",
            "pool": "action_sync_pool",
            "events": "action_sync_event",
            "handler": "action_sync_event_delivery",
        }
