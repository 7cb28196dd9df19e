from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ...core import said
from ...entities.neutral import neutral
from ..base.own_transaction import apart
from ..base.rights import OPERATOR, check_may

COUNTS = ("link", "create_odoo", "create_pharmacy", "leave")


class SyncInitial(models.Model):
    """Brings together what both sides had before they were connected.

    First both sides are read, and what would be done is written down line by line
    (``sync.initial.line``); nothing is changed by that. A person looks it through,
    corrects lines, and starts. Each line is carried out in the
    transaction that marks it as done, so it can be stopped, killed and gone on with;
    a second run finds what is linked already and leaves it alone.

    A preview that is read again by itself, of a backend that stays paused, is the
    shadow mode: both sides are compared for as long as somebody wants to look on, and
    nothing is written on either.
    """

    _name = "sync.initial"
    _description = "Initial Synchronisation"
    _inherit = ["sync.bounded", "sync.progress"]
    _order = "id desc"
    _bounds = {"again_hours": (0, 720)}

    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        required=True,
        ondelete="cascade",
        index=True,
        default=lambda self: self.env["sync.backend"].search([], limit=1),
        help="The pharmacy app whose records are compared with Odoo's.",
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    stream_ids = fields.Many2many(
        "sync.stream",
        string="Streams",
        compute="_compute_from_backend",
        store=True,
        readonly=False,
        help="Kinds of records to bring together. What others refer to comes first: "
        "suppliers, then products, then orders.",
    )
    pause_backend = fields.Boolean(
        compute="_compute_from_backend",
        store=True,
        readonly=False,
        help="Pause the backend from the preview until all is carried out, so that "
        "the ordinary schedule does not create what you are still looking at. "
        "Changes of both sides are kept meanwhile.",
    )
    has_paused = fields.Boolean(
        readonly=True, copy=False, help="It has paused the backend, and resumes it."
    )
    is_first = fields.Boolean(
        readonly=True,
        copy=False,
        help="It is the first of a new backend, which stays paused until it is done.",
    )
    outdated = fields.Boolean(compute="_compute_outdated")
    backend_paused = fields.Boolean(related="backend_id.paused")
    winner = fields.Selection(
        [
            ("ask", "Ask a person"),
            ("odoo", "Odoo's value"),
            ("pharmacy", "The pharmacy's value"),
        ],
        string="When Values Differ",
        required=True,
        default="ask",
        help="What happens to a field of linked records in which both sides have a "
        "value, and not the same: it becomes a conflict, or one side's is taken. A "
        "field that is empty on one side is filled from the other in any case.",
    )
    again_hours = fields.Integer(
        "Read Again Every",
        help="Hours after which both sides are read again by themselves, for as long "
        "as the backend is paused and nobody has pressed Start or changed a line of "
        "the preview. 0: they are read again by Preview Again only.",
    )
    corrected = fields.Boolean(compute="_compute_corrected")
    phase = fields.Selection(
        [
            ("new", "New"),
            ("reading", "Reading"),
            ("ready", "Preview"),
            ("carrying", "Carrying Out"),
            ("finished", "Finished"),
        ],
        required=True,
        default="new",
        readonly=True,
        copy=False,
    )
    part_ids = fields.One2many("sync.initial.part", "initial_id", "Overview")
    line_ids = fields.One2many("sync.initial.line", "initial_id", "Lines")
    link_count = fields.Integer("To Link", compute="_compute_counts")
    create_odoo_count = fields.Integer("To Create in Odoo", compute="_compute_counts")
    create_pharmacy_count = fields.Integer(
        "To Create at the Pharmacy", compute="_compute_counts"
    )
    leave_count = fields.Integer("To Leave", compute="_compute_counts")
    ambiguous_count = fields.Integer("Ambiguous", compute="_compute_counts")
    in_step_count = fields.Integer("Linked Already", compute="_compute_counts")

    @api.depends("backend_id")
    def _compute_from_backend(self):
        Mapping = self.env["sync.mapping"]
        for work in self:
            work.stream_ids = work.backend_id.stream_ids
            known = [("backend_id", "=", work.backend_id.id)]
            work.pause_backend = not Mapping.search_count(known, limit=1)

    @api.depends("line_ids.action", "line_ids.ambiguous", "part_ids.in_step_count")
    def _compute_counts(self):
        Line = self.env["sync.initial.line"]
        groups = Line._read_group(
            [("initial_id", "in", self.ids)],
            ["initial_id", "action", "ambiguous"],
            ["__count"],
        )
        for work in self:
            own = [(a, amb, n) for initial, a, amb, n in groups if initial == work]
            for name in COUNTS:
                work[f"{name}_count"] = sum(n for a, __, n in own if a == name)
            work.ambiguous_count = sum(n for __, ambiguous, n in own if ambiguous)
            work.in_step_count = sum(work.part_ids.mapped("in_step_count"))

    @api.depends("phase", "part_ids.outdated")
    def _compute_outdated(self):
        for work in self:
            work.outdated = work.phase == "ready" and any(
                work.part_ids.mapped("outdated")
            )

    @api.depends("line_ids.action", "line_ids.res_id")
    def _compute_corrected(self):
        """Whether a person has changed a line: jobs write their lines as one user."""
        self.env["sync.initial.line"].flush_model(["initial_id", "action", "res_id"])
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT initial_id FROM sync_initial_line
                    WHERE initial_id = ANY(%s) AND write_uid <> create_uid""",
                self.ids,
            )
        )
        corrected = {row[0] for row in rows}
        for work in self:
            work.corrected = work.id in corrected

    @api.depends("backend_id", "create_date")
    def _compute_display_name(self):
        for work in self:
            name = work.backend_id.display_name or ""
            work.display_name = self.env._("Initial Synchronisation of %s", name)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if self.filtered(lambda work: work.state == "running"):
            raise UserError(self.env._("Stop it first."))

    def unlink(self):
        self.check_access("unlink")
        # A new backend has exchanged nothing yet: a person resumes it.
        self.filtered(lambda work: not work.is_first)._resume_backend()
        return super().unlink()

    # -- Actions ----------------------------------------------------------------------

    @api.model
    def _begin(self, backend):
        """The first one of a backend that was just made, which is paused; both sides
        are read from now on.

        :raises AccessError: the user is no operator
        """
        reason = said.BROUGHT_TOGETHER
        backend.write({"paused": True, "pause_reason": reason})
        work = self.create({"backend_id": backend.id})
        work.sudo().write({"has_paused": True, "is_first": True})
        work.action_preview()
        return work

    def action_preview(self):
        """Read both sides and write down what would be done; nothing is changed.

        :raises AccessError: the user is no operator
        """
        self._check_operator()
        for work in self:
            if work.state in ("running", "done"):
                raise UserError(self.env._("This is under way, or done, already."))
            if not work.stream_ids:
                raise UserError(self.env._("Choose at least one stream."))
            if work.pause_backend and not work.backend_id.paused:
                work.backend_id.sudo().paused = True
                work.has_paused = True
            work = neutral(work, work.backend_id)
            work.line_ids.sudo().unlink()
            work.part_ids.sudo().unlink()
            work.write(
                {
                    "phase": "reading",
                    "total": 0,
                    "done_count": 0,
                    "failed_count": 0,
                    "part_ids": [
                        fields.Command.create(
                            {"stream_id": stream.id, "chosen": stream._chosen()}
                        )
                        for stream in work.stream_ids.sorted("rank")
                    ],
                }
            )
        return self.action_start()

    def action_start(self):
        """Carry out the preview, or go on where it was stopped.

        :raises AccessError: the user is no operator
        :raises UserError: there is no preview yet
        """
        self._check_operator()
        for work in self:
            if work.phase == "new":
                raise UserError(self.env._("Make the preview first."))
            if work.outdated:
                raise UserError(
                    self.env._(
                        "What belongs to this pharmacy was chosen otherwise since. "
                        "Press Preview Again."
                    )
                )
            if work.phase == "ready":
                work.write(
                    {
                        "phase": "carrying",
                        "total": len(work._planned()),
                        "done_count": 0,
                        "failed_count": 0,
                    }
                )
        return super().action_start()

    def action_stop(self):
        self._check_operator()
        return super().action_stop()

    @api.model
    def _cron_read_again(self):
        """Scheduled: read both sides again, where somebody looks on."""
        with self.env["sync.error"]._watch_over("scheduled preview"):
            self._read_again_due()

    @api.model
    def _read_again_due(self):
        looked_at = self.search(
            [
                ("again_hours", ">", 0),
                ("phase", "in", ("reading", "ready")),
                # An app that did not answer is asked again in its time.
                ("state", "in", ("draft", "failed")),
                ("stream_ids", "!=", False),
                ("backend_id.active", "=", True),
                ("backend_id.paused", "=", True),
                ("backend_id.refused_at", "=", False),
                ("backend_id.maintained", "=", False),
            ]
        )
        now = fields.Datetime.now()
        looked_at.filtered(
            lambda work: (
                work.ended_at + timedelta(hours=work.again_hours) <= now
                and not work.corrected
                and not work.backend_id.is_copy
            )
        ).action_preview()

    def action_view_lines(self):
        """Open the lines; the button's context says which."""
        self.check_access("read")
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_initial_line"
        )
        action["domain"] = [("initial_id", "=", self.id)]
        action["context"] = {
            key: value
            for key, value in self.env.context.items()
            if key.startswith("search_default_")
        }
        return action

    def _check_operator(self):
        check_may(
            self, OPERATOR, self.env._("Only operators may synchronise initially.")
        )

    def _planned(self):
        self.ensure_one()
        return self.env["sync.initial.line"].search(
            [
                ("initial_id", "=", self.id),
                ("state", "=", "planned"),
                ("action", "!=", "leave"),
            ]
        )

    # -- Steps ------------------------------------------------------------------------

    def _step(self):
        phase, part_id = apart(self._place)
        if not part_id:
            return False
        part = self.env["sync.initial.part"].browse(part_id)
        step = part._read_step if phase == "reading" else part._carry_step
        step()
        return True

    def _place(self):
        """The phase, and the first stream that is not through with it."""
        wanted = "done" if self.phase == "reading" else "carried"
        part = self.part_ids.sorted("rank").filtered(lambda p: p.step != wanted)[:1]
        return self.phase, part.id

    def _finish(self):
        if self.state != "running":
            return
        if self.phase == "reading":
            self._end_work("draft")
            self.phase = "ready"
            return
        for part in self.part_ids.filtered(lambda p: not p.stream_id.cursor):
            # The ordinary reading goes on from where this one had come to.
            part.stream_id.cursor = part.cursor
        self.phase = "finished"
        super()._finish()
        self._resume_backend()

    def _resume_backend(self):
        for work in self.filtered("has_paused"):
            work.has_paused = False
            # A user who may pause the backend for this work may also resume it.
            work.backend_id.sudo().paused = False
            work.backend_id._schedule_pull()
