from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

# What a person sets; the rest is the work's own.
WRITABLE = frozenset({"rate", "failure_limit", "failure_minimum", "sample"})
# Operations that each stage redrives before the next may begin; None: all the rest.
STAGES = {"one": 1, "ten": 10, "all": None}
UNDER_WAY = 100  # operations at most that are in the queue at once
DRY_RUN_BATCH = 20
MINUTE, SLICE = timedelta(seconds=60), timedelta(seconds=6)
KEPT = timedelta(days=90)


class SyncRedrive(models.Model):
    """Dead letters that are tried again together.

    First a dry run says what would come of each. Then one is redriven, then ten, then
    all; a stage begins when all operations of the one before have ended, and ended
    well. What the queue is given is bounded by time and by number, and when too many
    fail the work stops by itself.
    """

    _name = "sync.redrive"
    _description = "Redrive of Dead Letters"
    _inherit = ["sync.progress"]
    _order = "id desc"

    backend_id = fields.Many2one(
        "sync.backend", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    user_id = fields.Many2one(
        "res.users",
        "By",
        required=True,
        readonly=True,
        default=lambda self: self.env.uid,
    )
    source = fields.Char("Of", readonly=True, help="What was selected.")
    phase = fields.Selection(
        [
            ("dry_run", "Dry Run"),
            ("ready", "Ready"),
            ("one", "First One"),
            ("ten", "Ten More"),
            ("all", "All Others"),
        ],
        required=True,
        readonly=True,
        default="dry_run",
    )
    rate = fields.Integer(
        "Records a Minute",
        required=True,
        default=600,
        help="No more than this many dead letters are put in the queue in a minute.",
    )
    failure_limit = fields.Float(
        "Stop at Failures (%)",
        required=True,
        default=50.0,
        help="When more than this share of them dies again, the redrive stops by "
        "itself. During the first one and the ten, any failure stops it.",
    )
    failure_minimum = fields.Integer(
        "Of at Least",
        required=True,
        default=10,
        help="The share of failures counts when this many have ended.",
    )
    sample = fields.Integer(
        "Records Asked For",
        required=True,
        default=50,
        help="In the dry run the pharmacy app is asked for this many of the records. "
        "The others are compared with what it was last known to have.",
    )
    silence = fields.Char(
        readonly=True, help="Why the app could not be asked in the dry run."
    )
    stage_left = fields.Integer(
        readonly=True, help="Operations that the stage may still put in the queue."
    )
    ended_before = fields.Integer(readonly=True)
    failed_before = fields.Integer(readonly=True)
    line_ids = fields.One2many("sync.redrive.line", "redrive_id", "Dead Letters")
    under_way_count = fields.Integer("Under Way", compute="_compute_counts")
    left_count = fields.Integer("Not Begun", compute="_compute_counts")
    skipped_count = fields.Integer("Left Alone", compute="_compute_counts")
    forecast_html = fields.Html(compute="_compute_forecast_html", sanitize=False)
    comparison_html = fields.Html(
        related="line_ids.operation_id.comparison_html", sanitize=False
    )

    _settings_positive = models.Constraint(
        "CHECK(rate > 0 AND failure_limit >= 0 AND failure_limit <= 100 "
        "AND failure_minimum > 0 AND sample >= 0)",
        "Records a minute and the least number are to be above zero, the failure limit "
        "is a percentage.",
    )

    @api.depends("source", "total")
    def _compute_display_name(self):
        for redrive in self:
            redrive.display_name = self.env._(
                "Redrive of %(count)s: %(what)s",
                count=redrive.total,
                what=redrive.source,
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
                    "silence": redrive.silence,
                },
            )

    def write(self, vals):
        if not self.env.su and not vals.keys() <= WRITABLE:
            raise AccessError(
                self.env._(
                    "Of a redrive only these can be changed: %s",
                    ", ".join(sorted(WRITABLE)),
                )
            )
        return super().write(vals)

    # -- Actions ----------------------------------------------------------------------

    @api.model
    def _plan(self, operations, source):
        """New redrives of dead letters, one for each backend; what has not died is
        left out.

        :raises UserError: none is dead
        """
        operations._check_operator()
        dead = operations.filtered(lambda o: o.state == "dead").sudo()
        if not dead:
            raise UserError(self.env._("Only dead letters can be redriven."))
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
                    "name": operation.display_name,
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
                redrive.stage_left = STAGES[redrive.phase] or 0
            elif redrive.phase == "ready":
                redrive._enter("one")
            redrive.ended_before = redrive.done_count + redrive.failed_count
            redrive.failed_before = redrive.failed_count
        super(SyncRedrive, redrives).action_start()
        for redrive in redrives.filtered(lambda r: r.phase in STAGES):
            # The first ones at once: who looks sees that it has begun.
            redrive._advance()
        return True

    def action_stop(self):
        """Begin no more; what is in the queue already goes on."""
        self._check_operator()
        return super(SyncRedrive, self.sudo()).action_stop()

    def action_view_failed(self):
        """The dead letters that died again."""
        domain = [("id", "in", self._lines("failed").operation_id.ids)]
        return self.env["sync.operation"]._letters_action(domain)

    def _open(self):
        """The page of these redrives."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_redrive"
        )
        if len(self) == 1:
            return {**action, "res_id": self.id, "views": [(False, "form")]}
        return {**action, "domain": [("id", "in", self.ids)], "context": {}}

    def _check_operator(self):
        self.check_access("read")
        self.env["sync.operation"]._check_operator()

    def _halt(self, state, reason=False):
        super()._halt(state, reason)
        if self.env.uid == SUPERUSER_ID:
            # It ended by itself: whoever began it may be looking elsewhere.
            self.user_id._bus_send(
                "simple_notification",
                {
                    "title": self.display_name,
                    "message": reason
                    or self.env._(
                        "%(done)s done, %(failed)s died again",
                        done=self.done_count,
                        failed=self.failed_count,
                    ),
                    "type": "success" if state == "done" else "danger",
                    "sticky": state != "done",
                },
            )

    # -- Dry run ----------------------------------------------------------------------

    def _step(self):
        if self._own("_is_dry"):
            return self._dry_run()
        return self._own("_advance")

    def _is_dry(self):
        return self.phase == "dry_run"

    def _dry_run(self):
        lookups = self._own("_next_lookups")
        found, silence = {}, None
        if lookups:
            found, silence = self.backend_id._look_up(lookups, self.correlation_id)
        return self._own("_note_dry_run", found, silence)

    def _next_lines(self):
        return self.env["sync.redrive.line"].search(
            [("redrive_id", "=", self.id), ("verdict", "=", False)],
            order="id",
            limit=DRY_RUN_BATCH,
        )

    def _next_lookups(self):
        if self.silence:
            return []
        asked = self.env["sync.redrive.line"].search_count(
            [("redrive_id", "=", self.id), ("asked", "=", True)]
        )
        lookups = self._next_lines().operation_id._lookups()
        return lookups[: max(self.sample - asked, 0)]

    def _note_dry_run(self, found, silence):
        """Write down what a batch would come to; at the end wait for a person."""
        lines = self._next_lines()
        lines.operation_id._compare(found, silence or self.silence)
        lines._take_verdicts()
        self._count(done=len(lines))
        if silence:
            self.silence = silence
        if not self._next_lines():
            self.write({"phase": "ready", "state": "draft", "done_count": 0})
        return True

    # -- Stages -----------------------------------------------------------------------

    def _enter(self, phase):
        self.write({"phase": phase, "stage_left": STAGES[phase] or 0})

    def _advance(self):
        """Look what came of those in the queue, then put more in.

        :return: how long to wait before the next look; False at the end
        """
        # Two jobs may be at it when it was stopped and resumed quickly.
        self.env.execute_query(
            SQL("SELECT 1 FROM sync_redrive WHERE id = %s FOR NO KEY UPDATE", self.id)
        )
        self._lines("planned", [("verdict", "=", "refused")])._leave_alone()
        queued = self._lines("queued")
        self._count(*queued._take_outcomes())
        if reason := self._why_stop():
            self._halt("stopped", reason)
            return True
        queued = queued.filtered(lambda line: line.state == "queued")
        if not queued and not self.stage_left and STAGES[self.phase]:
            self._enter("ten" if self.phase == "one" else "all")
        released = self._lines("planned", limit=self._room(len(queued)))
        queued |= released._release(self.user_id)
        if STAGES[self.phase]:
            self.stage_left -= len(released)
        if not queued and not self._lines("planned", limit=1):
            return False
        return queued._pause()

    def _lines(self, state, domain=(), limit=None):
        if limit == 0:
            return self.env["sync.redrive.line"]
        return self.env["sync.redrive.line"].search(
            [("redrive_id", "=", self.id), ("state", "=", state), *domain],
            order="id",
            limit=limit,
        )

    def _room(self, queued):
        """How many operations may be put in the queue now."""
        room = UNDER_WAY - queued
        if STAGES[self.phase]:
            room = min(room, self.stage_left)
        # Evenly: not a minute's worth at once.
        for window, most in ((MINUTE, self.rate), (SLICE, -(-self.rate // 10))):
            since = fields.Datetime.now() - window
            begun = self.env["sync.redrive.line"].search_count(
                [("redrive_id", "=", self.id), ("queued_at", ">", since)]
            )
            room = min(room, most - begun)
        return max(room, 0)

    def _why_stop(self):
        """Why the redrive is to stop, or None."""
        failed = self.failed_count - self.failed_before
        ended = self.done_count + self.failed_count - self.ended_before
        if not failed:
            return None
        last = self._lines("failed")[-1:]
        if STAGES[self.phase]:
            return self.env._(
                "%(failed)s of the first %(ended)s died again: %(outcome)s",
                failed=failed,
                ended=ended,
                outcome=last.outcome,
            )
        if ended < self.failure_minimum or 100 * failed <= self.failure_limit * ended:
            return None
        return self.env._(
            "%(failed)s of %(ended)s died again, more than %(limit)s %%: %(outcome)s",
            failed=failed,
            ended=ended,
            limit=f"{self.failure_limit:g}",
            outcome=last.outcome,
        )

    @api.autovacuum
    def _gc_redrives(self):
        limit = fields.Datetime.now() - KEPT
        self.search(
            [("state", "!=", "running"), ("create_date", "<", limit)], limit=1000
        ).unlink()


class SyncOperation(models.Model):
    _inherit = "sync.operation"

    def action_plan_redrive(self):
        """See what a redrive would do; nothing is redriven yet.

        Of one the dialog opens with what the pharmacy has now. Of several the dry run
        is a job, whose page opens.
        """
        Redrive = self.env["sync.redrive"]
        if len(self) > 1:
            source = self.env.context.get("redrive_source") or self.env._("a selection")
            redrives = Redrive._plan(self, source)
            redrives.action_start()
            return redrives.with_env(self.env)._open()
        self._check_operator()
        # Asked before anything is written: no business transaction is open yet.
        found, silence = self.backend_id.sudo()._look_up(
            self.sudo()._lookups(), self.correlation_id
        )
        return self._open_plan(found, silence)

    def _open_plan(self, found, silence):
        redrive = self.env["sync.redrive"]._plan(self, self.display_name)
        redrive._note_dry_run(found, silence)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_redrive_one"
        )
        return {**action, "res_id": redrive.id}


class SyncErrorGroup(models.Model):
    _inherit = "sync.error.group"

    def action_plan_redrive(self):
        """See what a redrive of all the groups' dead letters would do.

        :raises UserError: there are none
        """
        return self._dead_letters().action_plan_redrive()

    def action_discard_letters(self):
        """Ask why all the groups' dead letters are to be discarded."""
        return self._dead_letters().action_ask_discard()

    def action_assign_letters(self):
        """Ask to whom all the groups' dead letters are to be assigned."""
        return self._dead_letters().action_ask_assign()

    def _dead_letters(self):
        dead = self.env["sync.operation"].search(self._dead_domain())
        if not dead:
            raise UserError(self.env._("No dead letter is of these errors."))
        return dead.with_context(redrive_source=", ".join(self.mapped("display_name")))
