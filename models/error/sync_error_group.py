from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from ...core.secrets.logs import get_logger
from ...core.taxonomy import Category, ErrorType, Severity
from ...core.texts import shortened
from ...entities.sentence import Sentence
from ..base.actions import open_records
from ..base.alone import contained
from ..base.own_transaction import apart
from ..base.rights import OPERATOR, check_may
from ..base.rows import insert_rows
from ..base.sync_retention import BATCH
from .sync_error import selection

_logger = get_logger(__name__)

MUTED_FOR = timedelta(days=7)
SHOWN = 20  # errors on a group's page
NAME = 90  # characters of a group's name: its buttons follow it in the same line
COUNTED = "pharmacy_sync.error_group"
# What a group has of its first error.
COPIED = (
    *("backend_id", "fingerprint", "type", "category", "severity", "work", "message"),
    "suggested_action",
)
# What people write; the rest is the failures' own.
WRITABLE = frozenset({"user_id", "muted_until", "resolution"})


class SyncErrorGroup(models.Model):
    """Failures that are the same failure: those of one fingerprint.

    The row is made in the transaction that records the first failure. Two that race
    for it: PostgreSQL refuses the second, which is replayed and finds the first's.
    How often and when it happened is added after the commit, in a short transaction
    of its own at READ COMMITTED: workers that meet there wait for each other, and no
    work of theirs is lost to a serialization failure.
    """

    _name = "sync.error.group"
    _description = "Error Group"
    _inherit = ["sync.bounded", "mail.thread", "mail.activity.mixin"]
    _order = "last_seen desc, id desc"
    _rec_name = "message"

    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        readonly=False,
        help="The backend's; without one the company in which it failed.",
    )
    fingerprint = fields.Char(required=True, readonly=True)
    type = fields.Selection(selection(ErrorType), required=True, readonly=True)
    category = fields.Selection(selection(Category), required=True, readonly=True)
    severity = fields.Selection(selection(Severity), required=True, readonly=True)
    work = fields.Char(readonly=True, help="The kind of work that failed.")
    work_name = fields.Char("During", compute="_compute_work_name")
    message = fields.Char("Original Message", readonly=True)
    suggested_action = fields.Char(readonly=True)
    first_seen = fields.Datetime(readonly=True)
    last_seen = fields.Datetime(readonly=True)
    count = fields.Integer("Errors", readonly=True, help="How often it has happened.")
    state = fields.Selection(
        [
            ("new", "New"),
            ("acknowledged", "Acknowledged"),
            ("muted", "Muted"),
            ("resolved", "Resolved"),
        ],
        required=True,
        default="new",
        readonly=True,
        tracking=True,
        help="It is new again when it recurs after it was resolved, or after the date "
        "until which it was muted.",
    )
    muted_until = fields.Datetime(
        tracking=True, help="Set a date to hear no more of it until then."
    )
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        tracking=True,
        domain="[('share', '=', False)]",
    )
    resolution = Sentence(
        tracking=True, help="What was done about it; kept on its errors as well."
    )
    error_ids = fields.One2many("sync.error", "group_id", "All Errors")
    latest_error_ids = fields.Many2many(
        "sync.error", compute="_compute_latest_error_ids", string="Latest Errors"
    )

    _fingerprint_uniq = models.UniqueIndex(
        "(fingerprint, COALESCE(backend_id, 0))", "A failure has one group."
    )
    _seen_idx = models.Index("(state, last_seen)")

    @api.depends("backend_id.company_id")
    def _compute_company_id(self):
        for group in self:
            group.company_id = group.backend_id.company_id or group.company_id

    @api.depends("work")
    @api.depends_context("lang")
    def _compute_work_name(self):
        for group in self:
            group.work_name = self.env["sync.error"]._name_work(group.work)

    @api.depends("type", "work", "message_text")
    @api.depends_context("lang")
    def _compute_display_name(self):
        types = dict(self._fields["type"]._description_selection(self.env))
        for group in self:
            kind = types.get(group.type)
            if group.work:
                kind = f"{kind} ({group.work_name})"
            message = group.message_text or ""
            name = f"{kind}: {message}"
            if len(name) > NAME:
                # What it says is worth more than its kind.
                name = shortened(message, NAME)
            group.display_name = name

    def _compute_latest_error_ids(self):
        # The whole list may have a million.
        for group in self:
            group.latest_error_ids = self.env["sync.error"].search(
                [("group_id", "in", group.ids)], limit=SHOWN
            )

    def write(self, vals):
        if not self.env.su and not vals.keys() <= WRITABLE:
            raise AccessError(
                self.env._(
                    "Of an error group only these can be changed: %s",
                    ", ".join(sorted(WRITABLE)),
                )
            )
        if "muted_until" in vals:
            until = fields.Datetime.to_datetime(vals["muted_until"])
            if until and until <= fields.Datetime.now():
                raise ValidationError(
                    self.env._("An error can be muted until a date to come.")
                )
            vals = {"state": "muted" if until else "acknowledged", **vals}
        return super().write(vals)

    # -- Actions ----------------------------------------------------------------------

    def action_acknowledge(self):
        """Acknowledge these groups: an operator looks after them."""
        self._check_operator()
        for group in self:
            group.sudo().write(
                {
                    "state": "acknowledged",
                    "user_id": group.user_id.id or self.env.uid,
                    "muted_until": False,
                }
            )
        return True

    def action_mute(self):
        """Raise no alerts for these groups for a week."""
        self._check_operator()
        self.sudo().write({"muted_until": fields.Datetime.now() + MUTED_FOR})
        return True

    def action_resolve(self):
        """Mark groups and their errors as dealt with."""
        self._check_operator()
        self.sudo().write({"muted_until": False, "state": "resolved"})
        self.flush_recordset(["resolution"])
        self.env["sync.error"].flush_model(["resolved"])
        self.env.cr.execute(
            SQL(
                """UPDATE sync_error e
                      SET resolved = true, resolved_at = %(now)s,
                          resolved_by_id = %(uid)s, resolution = g.resolution,
                          write_uid = %(uid)s, write_date = %(now)s
                     FROM sync_error_group g
                    WHERE e.group_id = g.id AND g.id = ANY(%(ids)s)
                      AND e.resolved IS NOT TRUE""",
                now=fields.Datetime.now(),
                uid=self.env.uid,
                ids=self.ids,
            )
        )
        self.env["sync.error"].invalidate_model()
        return True

    def action_view_errors(self):
        self.check_access("read")
        own = [("group_id", "in", self.ids)]
        return open_records(self.env, "action_sync_error", own)

    def _check_operator(self):
        check_may(
            self,
            OPERATOR,
            self.env._("Only operators may acknowledge, mute or resolve errors."),
        )

    # -- Failures ---------------------------------------------------------------------

    @api.model
    def _ensure(self, vals_list):
        """The groups of failures that are being recorded; new ones are made.

        :param vals_list: values of errors to be
        :return: list of ids of groups, in their order
        """
        different = {_key(vals): vals for vals in vals_list}
        found = self._find(different)
        missing = [vals for key, vals in different.items() if key not in found]
        if missing:
            self._insert(missing)
            found = self._find(different)
        return [found[_key(vals)] for vals in vals_list]

    def _find(self, keys):
        rows = self.env.execute_query(
            SQL(
                """SELECT backend_id, fingerprint, id FROM sync_error_group
                    WHERE fingerprint = ANY(%s)""",
                [fingerprint for __, fingerprint in keys],
            )
        )
        return {(backend or False, name): id_ for backend, name, id_ in rows}

    def _insert(self, vals_list):
        backends = (
            self.env["sync.backend"]
            .sudo()
            .browse(
                [vals["backend_id"] for vals in vals_list if vals.get("backend_id")]
            )
        )
        companies = {backend.id: backend.company_id.id for backend in backends}
        now = fields.Datetime.now()
        rows = [
            {
                **{name: vals.get(name) or None for name in COPIED},
                "company_id": companies.get(vals.get("backend_id"))
                or vals.get("company_id"),
                "first_seen": now,
                "last_seen": now,
                "count": 0,
                "state": "new",
            }
            for vals in vals_list
        ]
        insert_rows(self, rows, on_conflict=SQL("DO NOTHING"))

    @api.model
    def _count_later(self, errors):
        """Have the groups count these errors once they are committed: one update for
        all the errors of a transaction."""
        postcommit = self.env.cr.postcommit
        if COUNTED not in postcommit.data:
            counted = postcommit.data[COUNTED] = []
            postcommit.add(partial(self.sudo()._count_committed, counted))
        postcommit.data[COUNTED].extend(errors.ids)

    def _count_committed(self, error_ids):
        # The caller's work is committed: a failure here must not become one of it.
        text = "error handling itself failed: errors %s are not counted in their groups"
        with contained(_logger.critical, text, error_ids):
            apart(self._count, error_ids, read_committed=True)

    def _count(self, error_ids):
        """Add errors to the figures of their groups, reopen those that it has to, and
        open an incident for those that have none.

        Only errors that exist count: a savepoint may have taken some back.
        """
        # In one order, lest two that count many groups block each other.
        self.env.cr.execute(
            SQL(
                """SELECT id FROM sync_error_group
                    WHERE id IN (SELECT group_id FROM sync_error WHERE id = ANY(%s))
                    ORDER BY id FOR NO KEY UPDATE""",
                error_ids,
            )
        )
        self.env.cr.execute(
            SQL(
                """WITH seen AS (
                       SELECT group_id, count(*) AS times, max(occurred_at) AS at,
                              bool_or(resolved IS NOT TRUE) AS open,
                              min(occurred_at) FILTER (WHERE resolved IS NOT TRUE)
                              AS since,
                              (array_agg(message ORDER BY id DESC))[1] AS message,
                              (array_agg(severity ORDER BY id DESC))[1] AS severity
                         FROM sync_error WHERE id = ANY(%(ids)s) GROUP BY group_id),
                   counted AS (UPDATE sync_error_group g
                      SET count = g.count + seen.times,
                          last_seen = GREATEST(g.last_seen, seen.at),
                          message = seen.message, severity = seen.severity,
                          state = CASE WHEN %(reopened)s THEN 'new' ELSE g.state END,
                          muted_until = CASE WHEN %(reopened)s THEN NULL
                                             ELSE g.muted_until END
                     FROM seen WHERE seen.group_id = g.id
                   RETURNING g.id, g.backend_id, g.company_id, g.type, g.category,
                             seen.since)
                   INSERT INTO sync_error_incident
                          (group_id, backend_id, company_id, type, category, opened_at)
                   SELECT * FROM counted WHERE since IS NOT NULL
                   ON CONFLICT DO NOTHING""",
                ids=error_ids,
                reopened=SQL(
                    """(seen.open AND (g.state = 'resolved'
                        OR g.state = 'muted' AND g.muted_until <= seen.at))"""
                ),
            )
        )


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        return (
            *super()._expired(),
            ("sync_error", "errors", "resolved AND occurred_at < %s"),
            ("sync_error_incident", "figures", "ended_at < %s"),
        )

    @api.model
    def _drop_records(self):
        return [*super()._drop_records(), self._drop_empty_groups()]

    def _drop_empty_groups(self):
        """Error groups whose errors have all gone. One that is muted stays:
        its failure must stay muted when it recurs."""
        limit = fields.Datetime.now() - timedelta(days=self._days("errors"))
        groups = self.env["sync.error.group"].search(
            [
                ("last_seen", "<", limit),
                ("error_ids", "=", False),
                "|",
                ("state", "!=", "muted"),
                ("muted_until", "<", fields.Datetime.now()),
            ],
            limit=BATCH,
        )
        groups.unlink()
        return len(groups)


def _key(vals):
    return vals.get("backend_id") or False, vals["fingerprint"]
