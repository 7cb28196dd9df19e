import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ....core.alert.escalation import OF_HEALTH, WITHIN, Climber, Rung, due
from ....core.secrets.logs import get_logger
from ....core.taxonomy import ErrorType
from ....entities.sentence import Sentence
from ...base.alone import alone, contained
from ...base.own_transaction import apart
from ...base.rights import OPERATOR, check_may
from ...base.rows import insert_rows

_logger = get_logger(__name__)
# The switch of each step; the one for a person has none of its own.
SWITCHES = {Rung.FIX: "automated_fix", Rung.RESET: "reset"}
# The service's own failures are no reason to ask it, and say nothing of the app.
OWN_WORK = "automated fix"
RUNGS = [
    (str(Rung.FIX), "Automated fix"),
    (str(Rung.ACTIVITY), "Activity"),
    (str(Rung.RESET), "Reset of the connection"),
]


class SyncEscalation(models.Model):
    """One rung of the ladder that an error group has climbed.

    A rung is taken once for as long as the failures go on: the row is made by one
    statement, and only who made it does what the rung is about. Once no unresolved
    failure of the last day is left, the ladder begins anew.
    """

    _name = "sync.escalation"
    _description = "Escalation"
    _order = "id desc"
    _rec_name = "rung"

    group_id = fields.Many2one(
        "sync.error.group", required=True, readonly=True, ondelete="cascade", index=True
    )
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", readonly=True)
    rung = fields.Selection(RUNGS, "Step", required=True, readonly=True)
    count = fields.Integer(
        "Failures",
        readonly=True,
        help="Unresolved failures within a day when the step was taken.",
    )
    at = fields.Datetime("Time", required=True, readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True)
    state = fields.Selection(
        [
            ("running", "Under way"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("undone", "Undone"),
        ],
        required=True,
        readonly=True,
    )
    live = fields.Boolean(
        readonly=True, help="Its failures go on: the step is not taken again."
    )
    answer = Sentence(readonly=True, help="What came of it.")
    link = fields.Char(readonly=True)
    attempts = fields.Integer(readonly=True)
    paused = fields.Boolean(readonly=True, help="It has paused the backend.")
    activity_id = fields.Many2one("mail.activity", readonly=True, ondelete="set null")
    job_uuid = fields.Char("Job", readonly=True)
    correlation_id = fields.Char(required=True, readonly=True)
    undone_by_id = fields.Many2one("res.users", readonly=True)

    _live_uniq = models.UniqueIndex(
        "(group_id, rung) WHERE live", "A step of the ladder is taken once."
    )
    _running_idx = models.Index("(id) WHERE state = 'running'")

    # -- Climbing ---------------------------------------------------------------------

    @api.model
    def _climb_due(self):
        """Take all steps that are due. Never raises: the caller goes on."""
        with contained(_logger.critical, "escalation failed"):
            apart(self.sudo()._climb, read_committed=True)

    @api.model
    def _climb(self):
        config = self.env["sync.config"]
        if not config._feature("escalation"):
            return
        thresholds, on = config._thresholds(), self._rungs_on()
        self._end_those_over()
        climbers = self._climbers(min(thresholds.values()))
        groups = self.env["sync.error.group"].browse(climbers)
        for group in groups:
            for rung in due(climbers[group.id], thresholds, group._rungs_among(on)):
                self._take_rung(group, rung, climbers[group.id].count)

    @api.model
    def _rungs_on(self):
        """The steps that are switched on, and that there is a way to take."""
        config = self.env["sync.config"]
        on = {rung for rung, name in SWITCHES.items() if config._feature(name)}
        if not config._value("codegen_api_url"):
            on.discard(Rung.FIX)
        return {Rung.ACTIVITY, *on}

    @api.model
    def _climbers(self, least):
        """``{group's id: Climber}`` of those with at least so many failures."""
        rows = self.env.execute_query(
            SQL(
                """SELECT g.id, g.type, e.count, b.id IS NOT NULL,
                          ARRAY(SELECT rung FROM sync_escalation s
                                 WHERE s.group_id = g.id AND s.live)
                     FROM (SELECT group_id, count(*) FROM sync_error
                            WHERE occurred_at > %s AND resolved IS NOT TRUE
                            GROUP BY group_id HAVING count(*) >= %s) AS e
                     JOIN sync_error_group g ON g.id = e.group_id
                      AND g.state NOT IN ('muted', 'resolved')
                     LEFT JOIN sync_backend b ON b.id = g.backend_id AND b.active
                      AND b.paused IS NOT TRUE AND b.refused_at IS NULL
                    ORDER BY g.id""",
                fields.Datetime.now() - WITHIN,
                least,
            )
        )
        return {
            id_: Climber(count, ErrorType(kind), at_work, {Rung(t) for t in taken})
            for id_, kind, count, at_work, taken in rows
        }

    @api.model
    def _end_those_over(self):
        """Let the ladder begin anew for groups that have no failure any more."""
        self.env.execute_query(
            SQL(
                """UPDATE sync_escalation s SET live = false
                    WHERE s.live AND s.state <> 'running' AND NOT EXISTS (
                        SELECT FROM sync_error e
                         WHERE e.group_id = s.group_id AND e.resolved IS NOT TRUE
                           AND e.occurred_at > %s)
                RETURNING id""",
                fields.Datetime.now() - WITHIN,
            )
        )

    @api.model
    def _take_rung(self, group, rung, count):
        """Take a step, if nobody else just has."""
        taken = insert_rows(
            self,
            [
                {
                    "group_id": group.id,
                    "backend_id": group.backend_id.id or None,
                    "company_id": group.company_id.id or None,
                    "rung": str(rung),
                    "count": count,
                    "at": fields.Datetime.now(),
                    "state": "running",
                    "live": True,
                    "attempts": 0,
                    "correlation_id": uuid.uuid4().hex,
                }
            ],
            on_conflict=SQL("(group_id, rung) WHERE live DO NOTHING"),
        )
        for step in self.browse(taken):
            # One in trouble keeps no other group from climbing, nor is it tried again
            # each minute.
            with alone(self.env) as failure:
                step._do()
                step._say_taken(count)
            if failure:
                step._could_not(failure.error)

    def _say_taken(self, count):
        labels = dict(self._fields["rung"]._description_selection(self.env))
        self.group_id.message_post(
            body=self.env._(
                "Failures within a day: %(count)s. %(step)s. Correlation id: %(id)s",
                count=count,
                step=labels[self.rung],
                id=self.correlation_id,
            )
        )

    def _could_not(self, exception):
        Error, backend = self.env["sync.error"], self.backend_id
        classification = Error._classify(exception, backend)
        Error._record_here(
            classification,
            exception,
            operation="escalation",
            backend_id=backend.id,
            company_id=not backend and self.company_id.id,
            correlation_id=self.correlation_id,
        )
        self._finish("failed", classification.message)

    def _finish(self, state, answer=False, link=False):
        self.write(
            {
                "state": state,
                "answer": answer,
                "link": link,
                "ended_at": fields.Datetime.now(),
            }
        )

    # -- Actions ----------------------------------------------------------------------

    def action_undo(self):
        """Take a step back: it is not taken again while the failures go on.

        :raises AccessError: the user is no operator
        """
        check_may(self, OPERATOR, self.env._("Only operators may undo a step."))
        for step in self.sudo():
            if step.state == "undone":
                raise UserError(self.env._("This is undone already."))
            step._undo()
            step.write({"state": "undone", "undone_by_id": self.env.uid})
            step.group_id.message_post(
                body=self.env._("A step was undone by %s", self.env.user.name)
            )
        return True


class SyncErrorGroup(models.Model):
    _inherit = "sync.error.group"

    escalation_ids = fields.One2many("sync.escalation", "group_id", "Ladder")
    next_step = fields.Char(compute="_compute_next_step")

    def _rungs_among(self, on):
        """Those of the steps that are switched on that concern this group."""
        return on & {Rung.ACTIVITY} if self.work == OWN_WORK else on

    def _compute_next_step(self):
        config = self.env["sync.config"]
        thresholds = config._thresholds()
        labels = self.escalation_ids._fields["rung"]._description_selection(self.env)
        on = self.env["sync.escalation"]._rungs_on()
        counts = dict(
            self.env["sync.error"]._read_group(
                [
                    ("group_id", "in", self.ids),
                    ("resolved", "=", False),
                    ("occurred_at", ">", fields.Datetime.now() - WITHIN),
                ],
                ["group_id"],
                ["__count"],
            )
        )
        for group in self:
            count = counts.get(group, 0)
            resets = group.type in OF_HEALTH and group.backend_id
            ahead = [
                (thresholds[rung], rung)
                for rung in group._rungs_among(on)
                if thresholds[rung] > count and (rung is not Rung.RESET or resets)
            ]
            group.next_step = False
            if ahead and config._feature("escalation"):
                limit, rung = min(ahead)
                group.next_step = self.env._(
                    "Unresolved failures within a day: %(count)s. At %(limit)s: "
                    "%(step)s.",
                    count=count,
                    limit=limit,
                    step=dict(labels)[str(rung)],
                )
