"""A redrive: its numbers, its page, and its stages: one dead letter as a canary, then
ten, then all. How they are worked off: ``redrive_work.py``.
"""

from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError

from ...entities.neutral import neutral
from ...entities.sentence import Sentence, in_language
from ..base.actions import open_record, open_records
from ..base.sync_retention import BATCH

# What a person sets; the rest is the work's own.
WRITABLE = frozenset({"rate", "failure_limit", "failure_minimum", "sample"})
# Operations that each stage redrives before the next may begin; 0: all the rest.
STAGES = {"one": 1, "ten": 10, "all": 0}
KEPT = timedelta(days=90)


class SyncRedrive(models.Model):
    """Dead letters that are tried again together.

    First a dry run says what would come of each. Then one is redriven, then ten, then
    all; a stage begins when all operations of the one before have ended, and ended
    well. What the queue is given is bounded by time and by number, and when too many
    fail the work stops by itself.
    """

    _name = "sync.redrive"
    _description = "Retry of Failed Changes"
    _inherit = ["sync.bounded", "sync.progress"]
    _order = "id desc"
    _bounds = {
        "rate": (1, 100_000),
        "failure_limit": (0, 100),
        "failure_minimum": (1, 10_000),
        "sample": (0, 10_000),
    }

    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    user_id = fields.Many2one(
        "res.users",
        "By",
        required=True,
        readonly=True,
        default=lambda self: self.env.uid,
    )
    source = Sentence(
        "What Was Selected", readonly=True, help="Where its lines do not say it."
    )
    what = fields.Char("Of", compute="_compute_what")
    phase = fields.Selection(
        [
            ("dry_run", "Dry Run"),
            ("ready", "Ready"),
            ("one", "First"),
            ("ten", "Next 10"),
            ("all", "The Rest"),
        ],
        required=True,
        readonly=True,
        default="dry_run",
    )
    rate = fields.Integer(
        "Records a Minute",
        required=True,
        default=600,
        help="No more than this many failed changes are put in the queue in a minute.",
    )
    failure_limit = fields.Float(
        "Stop When Failures Exceed (%)",
        required=True,
        default=50.0,
        help="When more than this share of them fails again, the retry stops by "
        "itself. During the first one and the ten, any failure stops it.",
    )
    failure_minimum = fields.Integer(
        "Minimum Sample",
        required=True,
        default=10,
        help="The share of failures counts when this many have ended.",
    )
    sample = fields.Integer(
        "Records Checked at the Pharmacy",
        required=True,
        default=50,
        help="In the dry run the pharmacy app is asked for this many of the records. "
        "The others are compared with what it was last known to have.",
    )
    silence = Sentence(
        readonly=True, help="Why the app could not be asked in the dry run."
    )
    stage_left = fields.Integer(
        readonly=True, help="Operations that the stage may still put in the queue."
    )
    ended_before = fields.Integer(readonly=True)
    failed_before = fields.Integer(readonly=True)
    aside_before = fields.Integer(readonly=True)
    line_ids = fields.One2many("sync.redrive.line", "redrive_id", "Failed Changes")
    under_way_count = fields.Integer("In Progress", compute="_compute_counts")
    left_count = fields.Integer("Waiting", compute="_compute_counts")
    aside_count = fields.Integer(
        "Set Aside",
        compute="_compute_counts",
        help="They failed again, of another cause: find them under that one.",
    )
    skipped_count = fields.Integer("Skipped", compute="_compute_counts")
    forecast_html = fields.Html(compute="_compute_forecast_html", sanitize=False)
    verdict = fields.Selection(related="line_ids.verdict")
    comparison_html = fields.Html(
        related="line_ids.operation_id.comparison_html", sanitize=False
    )

    _settings_positive = models.Constraint(
        "CHECK(rate > 0 AND failure_limit >= 0 AND failure_limit <= 100 "
        "AND failure_minimum > 0 AND sample >= 0)",
        "Records a minute and the least number must be above zero, the failure limit "
        "is a percentage.",
    )

    @api.depends("source", "line_ids")
    @api.depends_context("lang")
    def _compute_what(self):
        """The cause that all failed of; of several the first change, and how many
        more."""
        # Only their names: a page of many retries has very many lines.
        Line = self.env["sync.redrive.line"].with_context(prefetch_fields=False)
        found = {
            redrive: (groups, first)
            for redrive, groups, first in Line._read_group(
                [("redrive_id", "in", self.ids)],
                ["redrive_id"],
                ["error_group_id:recordset", "id:min"],
            )
        }
        for redrive in self:
            groups, first = found.get(redrive, (self.env["sync.error.group"], False))
            name = Line.browse(first or ()).name
            if redrive.source:
                redrive.what = in_language(self.env, redrive.source)
            elif redrive.total > 1 and len(groups) == 1:
                redrive.what = groups.display_name
            elif redrive.total > 1:
                redrive.what = self.env._(
                    "%(which)s and %(count)s more", which=name, count=redrive.total - 1
                )
            else:
                redrive.what = name

    @api.depends("what", "total")
    def _compute_display_name(self):
        for redrive in self:
            redrive.display_name = self.env._(
                "Retry of %(count)s: %(what)s",
                count=redrive.total,
                what=redrive.what,
            )

    def _compute_counts(self):
        counts = {
            (redrive, state): count
            for redrive, state, count in self.env["sync.redrive.line"]._read_group(
                [("redrive_id", "in", self.ids)], ["redrive_id", "state"], ["__count"]
            )
        }
        for redrive in self:
            redrive.under_way_count = counts.get((redrive, "queued"), 0)
            redrive.left_count = counts.get((redrive, "planned"), 0)
            redrive.aside_count = counts.get((redrive, "aside"), 0)
            redrive.skipped_count = counts.get((redrive, "skipped"), 0)

    def _compute_forecast_html(self):
        Line = self.env["sync.redrive.line"]
        labels = dict(Line._fields["verdict"]._description_selection(self.env))
        for redrive in self:
            rows = Line._read_group(
                [("redrive_id", "=", redrive.id), ("verdict", "!=", False)],
                ["verdict"],
                ["__count"],
                order="__count desc",
            )
            asked = Line.search_count(
                [("redrive_id", "=", redrive.id), ("asked", "=", True)]
            )
            redrive.forecast_html = self.env["ir.qweb"]._render(
                "pharmacy_sync.redrive_forecast",
                {
                    "rows": [(labels[verdict], count) for verdict, count in rows],
                    "asked": asked,
                    "total": redrive.total,
                    "silence": in_language(self.env, redrive.silence),
                },
            )

    def write(self, vals):
        if not self.env.su and not vals.keys() <= WRITABLE:
            raise AccessError(
                self.env._(
                    "Only these settings of a retry can be changed: %s",
                    ", ".join(sorted(WRITABLE)),
                )
            )
        return super().write(vals)

    # -- Actions ----------------------------------------------------------------------

    @api.model
    def _plan(self, operations, source=False):
        """New redrives of dead letters, one for each backend; what has not died is
        left out.

        :param source: what was selected, if the letters do not say it: a sentence that
            is kept
        :raises UserError: none is dead
        """
        operations._check_operator()
        dead = operations.filtered(lambda o: o.state == "dead").sudo()
        if not dead:
            raise UserError(self.env._("Only failed changes can be retried."))
        redrives = self.sudo().create(
            [
                {"backend_id": backend.id, "source": source, "total": len(its)}
                for backend, its in dead.grouped("backend_id").items()
            ]
        )
        its_own = {redrive.backend_id: redrive for redrive in redrives}
        self.env["sync.redrive.line"].sudo().create(
            [
                {
                    "redrive_id": its_own[operation.backend_id].id,
                    "operation_id": operation.id,
                    "name": operation._subject(),
                    "error_group_id": operation.error_group_id.id,
                }
                for operation in dead.sorted("id")
            ]
        )
        return redrives

    def action_start(self):
        """Make the dry run; after it, redrive; after a stop, go on."""
        self._check_operator()
        redrives = self.sudo()
        for redrive in redrives:
            if redrive.phase in STAGES:
                redrive.stage_left = STAGES[redrive.phase]
            elif redrive.phase == "ready":
                redrive._enter("one")
            redrive.ended_before = redrive.done_count + redrive.failed_count
            redrive.failed_before = redrive.failed_count
            redrive.aside_before = redrive.aside_count
        super(SyncRedrive, redrives).action_start()
        for redrive in redrives.filtered(lambda r: r.phase in STAGES):
            # The first ones at once: its page shows that it has begun.
            neutral(redrive, redrive.backend_id)._advance()
        return True

    def action_cancel(self):
        """Drop a redrive that has not begun: its dead letters stay what they are.

        :raises UserError: it has begun
        """
        self._check_operator()
        redrives = self.sudo()
        if redrives.filtered(lambda r: r.phase in STAGES):
            raise UserError(self.env._("It has begun: stop it instead."))
        redrives.unlink()
        return {**self.env["sync.operation"]._letters_action(), "target": "main"}

    def action_stop(self):
        """Begin no more; what is in the queue already goes on."""
        self._check_operator()
        return super(SyncRedrive, self.sudo()).action_stop()

    def action_view_failed(self):
        """The dead letters that died again."""
        self.check_access("read")
        failed = self._lines("failed") | self._lines("aside")
        domain = [("id", "in", failed.operation_id.ids)]
        return self.env["sync.operation"]._letters_action(domain)

    def _open(self):
        """The page of these redrives."""
        if len(self) == 1:
            return open_record(self)
        return open_records(self.env, "action_sync_redrive", [("id", "in", self.ids)])

    def _check_operator(self):
        self.check_access("read")
        self.env["sync.operation"]._check_operator()

    def _end_work(self, state, reason=False):
        result = super()._end_work(state, reason)
        if self.env.uid == SUPERUSER_ID:
            # It ended by itself: notify the user, who may be on another page. What was
            # said of it before is no longer so, and is replaced.
            own = self.with_context(lang=self.user_id.lang)
            self.user_id._bus_send(
                "pharmacy_sync.notice",
                {
                    "key": f"redrive {self.id}",
                    "title": own.display_name,
                    "message": in_language(own.env, reason)
                    or own.env._(
                        "%(done)s done, %(failed)s failed again, %(aside)s set aside",
                        done=self.done_count,
                        failed=self.failed_count,
                        aside=self.aside_count,
                    ),
                    "type": "success" if state == "done" else "danger",
                    "sticky": state != "done",
                },
            )
        return result

    @api.autovacuum
    def _gc_redrives(self):
        limit = fields.Datetime.now() - KEPT
        old = self.search(
            [("state", "!=", "running"), ("create_date", "<", limit)], limit=BATCH
        )
        old.unlink()
        return len(old), int(len(old) == BATCH)
