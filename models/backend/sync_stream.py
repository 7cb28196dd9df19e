from odoo import api, fields, models, tools
from odoo.tools import SQL

from ...entities.neutral import neutral
from ..base.actions import open_records

# Linked records of a stream that are counted: more make no difference.
MOST = 10_000


class SyncStream(models.Model):
    """One entity on one backend: which way it flows, and how far it was read."""

    _name = "sync.stream"
    _inherit = ["sync.bounded", "sync.ormcached"]
    _description = "Synchronised Stream"
    _order = "backend_id, rank, id"
    _rec_name = "entity"
    _not_ormcached = frozenset(
        {"cursor", "cursor_course", "read_at", "pulled_at", "read_until"}
    )
    _bounds = {
        "batch_size": (1, 500),
        "batch_pause": (0, 3600),
        "list_minutes": (1, 1440),
        "first_page": (0, 1),
    }

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    entity = fields.Selection(string="Type", selection="_select_entity", required=True)
    rank = fields.Integer(compute="_compute_from_entity", store=True)
    res_model = fields.Char("Odoo Model", compute="_compute_from_entity", store=True)
    active = fields.Boolean(default=True)
    direction = fields.Selection(
        [
            ("both", "Both ways"),
            ("push", "Odoo to pharmacy"),
            ("pull", "Pharmacy to Odoo"),
        ],
        required=True,
        default="both",
        help="Whose changes are carried over to the other side. What does not travel "
        "in a direction is not compared in it either.",
    )
    pushes = fields.Boolean(compute="_compute_flows")
    pulls = fields.Boolean(compute="_compute_flows")
    batch_size = fields.Integer(
        default=100, required=True, help="Records in one call, 500 at the most."
    )
    batch_pause = fields.Float(
        default=1.0, help="Seconds between two batches, not after the last."
    )
    list_minutes = fields.Integer(
        "Reads the Whole List Every",
        default=60,
        required=True,
        help="Minutes from the beginning of one round to that of the next. Each reads "
        "all pages of the app's list.",
    )
    essential_when_busy = fields.Boolean(
        "Send Only Essentials When Busy",
        help="While the pool of calls is saturated, updates are reduced to what is "
        "essential, such as the state of an order; the rest follows when there is "
        "room.",
    )
    unknown_fields = fields.Selection(
        [("warn", "Keep out, with a warning"), ("refuse", "Refuse the record")],
        required=True,
        default="warn",
        help="What becomes of a record of the pharmacy app with a field that Odoo does "
        "not know, which may be a known one that is misspelt. A warning names the "
        "field, in the answer to the app.",
    )
    cursor = fields.Char(
        copy=False,
        readonly=True,
        help="How far the pharmacy app's changes were read. Read Everything Again "
        "begins anew; what did not change is left alone.",
    )
    cursor_course = fields.Char(copy=False, readonly=True)
    read_at = fields.Datetime(
        "Last Successful Reading",
        readonly=True,
        copy=False,
        help="When the pharmacy app was last asked for changes and answered, whether "
        "there were any or not.",
    )
    pulled_at = fields.Datetime("Last Change Received", readonly=True, copy=False)
    read_until = fields.Char(
        readonly=True,
        copy=False,
        help="Time of the latest change that was read, by the app's clock.",
    )
    set_back_at = fields.Datetime(related="backend_id.set_back_at")
    mapping_count = fields.Char(
        "Records",
        compute="_compute_mapping_count",
        help="Linked records; those above 10000 are not counted.",
    )

    _entity_uniq = models.Constraint(
        "UNIQUE(backend_id, entity)",
        "A backend has one stream for each type of record.",
    )
    _batch_size_range = models.Constraint(
        "CHECK(batch_size BETWEEN 1 AND 500)", "A batch has 1 to 500 records."
    )

    @api.model
    def _select_entity(self):
        entities = self.env["sync.entity"]._entities()
        return [
            (name, self.env._(adapter._entity_title))
            for name, adapter in entities.items()
        ]

    @api.depends("entity")
    def _compute_from_entity(self):
        entities = self.env["sync.entity"]._entities()
        for stream in self:
            adapter = entities.get(stream.entity)
            stream.rank = adapter._entity_rank if adapter is not None else 0
            stream.res_model = adapter._entity_model if adapter is not None else False

    @api.depends("backend_id.name", "entity")
    def _compute_display_name(self):
        titles = dict(self._select_entity())
        for stream in self:
            title = titles.get(stream.entity)
            stream.display_name = f"{stream.backend_id.name}: {title}"

    @api.depends("direction", "active")
    def _compute_flows(self):
        for stream in self:
            stream.pushes = stream.active and stream.direction in ("both", "push")
            stream.pulls = stream.active and stream.direction in ("both", "pull")

    def _compute_mapping_count(self):
        self.env["sync.mapping"].flush_model(["stream_id", "res_id"])
        # In the order of the index: what is counted is what is read, of any table.
        counts = dict(
            self.env.execute_query(
                SQL(
                    """SELECT s.id, m.count FROM sync_stream s
                        CROSS JOIN LATERAL (
                            SELECT count(*) FROM (
                                SELECT FROM sync_mapping
                                 WHERE stream_id = s.id AND res_id IS NOT NULL
                                 ORDER BY res_id LIMIT %s) AS counted) AS m
                        WHERE s.id = ANY(%s)""",
                    MOST + 1,
                    self.ids,
                )
            )
        )
        for stream in self:
            count = counts.get(stream.id, 0)
            stream.mapping_count = f"{MOST}+" if count > MOST else str(count)

    @api.model
    @tools.ormcache()
    def _following(self):
        """Streams that send changes: ``{entity: [(stream id, backend id)]}``."""
        following = {}
        # Cached for all users: not what the first caller sees, archived ones included.
        streams = neutral(self.sudo())
        for stream in streams.search([("direction", "in", ("both", "push"))]):
            if stream.backend_id.active:
                following.setdefault(stream.entity, []).append(
                    (stream.id, stream.backend_id.id)
                )
        return following

    @api.model
    def _followed(self):
        """Names of the entities whose changes concern anyone."""
        return self._following().keys()

    def _adapter(self):
        """The ``sync.entity.*`` model of the stream."""
        self.ensure_one()
        return self.env[f"sync.entity.{self.entity}"]

    def action_view_mappings(self):
        self.check_access("read")
        self.ensure_one()
        own = [("stream_id", "=", self.id)]
        return open_records(self.env, "action_sync_mapping", own)
