from datetime import timedelta

from odoo import fields, models

from ...core import said
from ...entities.sentence import Sentence
from .comparison import VERDICTS

SHORT, LONG = timedelta(seconds=1), timedelta(seconds=15)


class SyncRedriveLine(models.Model):
    """One dead letter of a redrive: what the dry run foresaw, and what came of it."""

    _name = "sync.redrive.line"
    _description = "Failed Change of a Retry"
    _order = "id"

    redrive_id = fields.Many2one(
        "sync.redrive", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="redrive_id.company_id")
    operation_id = fields.Many2one(
        "sync.operation",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The dead letter; where a newer change of the record was in the queue "
        "already, the operation that carries both.",
    )
    name = fields.Char("Failed Change", required=True, readonly=True)
    verdict = fields.Selection(VERDICTS, "Dry Run", readonly=True)
    summary = Sentence("What Would Happen", readonly=True)
    asked = fields.Boolean(
        readonly=True, help="The pharmacy app was asked what it has."
    )
    state = fields.Selection(
        [
            ("planned", "Waiting"),
            ("queued", "In Progress"),
            ("done", "Done"),
            ("failed", "Failed Again"),
            ("aside", "Set Aside"),
            ("skipped", "Skipped"),
        ],
        required=True,
        readonly=True,
        default="planned",
        help="Set aside: it failed again, of another cause, and stays a failed change "
        "of that one.",
    )
    error_group_id = fields.Many2one(
        "sync.error.group", "Failed With", readonly=True, ondelete="set null"
    )
    queued_at = fields.Datetime("Begun", readonly=True)
    outcome = Sentence(readonly=True)

    _state_idx = models.Index("(redrive_id, state, id)")

    def _take_verdicts(self):
        """Keep what the comparison of the operation says."""
        for line in self:
            forecast = line.operation_id.comparison or {}
            line.write(
                {
                    "verdict": forecast.get("verdict") or "refused",
                    "summary": forecast.get("summary"),
                    "asked": forecast.get("asked"),
                }
            )

    def _leave_alone(self):
        """These would fail again for sure: they stay the dead letters they are."""
        for line in self:
            line.write({"state": "skipped", "outcome": line.summary})

    def _release(self, user):
        """Redrive those that are still dead. One that was redriven meanwhile is
        watched, one that was discarded is left alone.

        :return: the lines whose operations are under way now
        """
        given_up = self.filtered(
            lambda line: line.operation_id.state in (False, "cancelled")
        )
        for line in given_up:
            reason = line.operation_id.reason or said.IS_GONE
            line.write({"state": "skipped", "outcome": reason})
        released = self - given_up
        released.write({"state": "queued", "queued_at": fields.Datetime.now()})
        dead = released.operation_id.filtered(lambda o: o.state == "dead")
        if dead:
            dead.with_user(user).sudo()._redrive(said.say(said.RETRIED_BY, user.name))
        return released

    def _take_outcomes(self):
        """See what came of the operations in the queue.

        :return: (how many are done, how many died again of the same cause)
        """
        self._follow_successors()
        done = failed = 0
        for line in self:
            operation = line.operation_id
            if operation.state == "done":
                line.write({"state": "done", "outcome": operation.reason})
                done += 1
            elif operation.state == "dead":
                outcome = operation.last_error or operation.reason
                first = line.redrive_id.phase != "all"
                other = first and operation.error_group_id != line.error_group_id
                line.write(
                    {"state": "aside" if other else "failed", "outcome": outcome}
                )
                failed += not other
            elif operation.state in (False, "cancelled"):
                line.write({"state": "skipped", "outcome": operation.reason})
            elif operation.state == "waiting":
                line.outcome = operation.reason
        return done, failed

    def _follow_successors(self):
        """Where a newer push of the record took an operation's place, watch that."""
        for line in self:
            operation = line.operation_id
            if operation.state == "cancelled" and not operation.discarded_at:
                line.operation_id = self.env["sync.operation"].search(
                    [
                        ("mapping_id", "=", operation.mapping_id.id),
                        ("kind", "=", "push"),
                        ("id", "!=", operation.id),
                        ("state", "!=", "cancelled"),
                    ],
                    order="id desc",
                    limit=1,
                )

    def _pause(self):
        """How long nothing can be seen to happen: until the next attempt is due."""
        waiting = self.operation_id
        if any(o.state != "waiting" or not o.eta for o in waiting) or not waiting:
            return SHORT
        left = min(waiting.mapped("eta")) - fields.Datetime.now()
        return max(SHORT, min(left, LONG))
