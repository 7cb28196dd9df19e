"""The work of a redrive: dry run, then stage by stage what the queue is given."""

from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ...core import said
from ...core.percent import rounded_percent
from ..base.own_transaction import apart
from .sync_redrive import STAGES

UNDER_WAY = 100  # operations at most that are in the queue at once
DRY_RUN_BATCH = 20
# Operations that are set aside one after the other before nothing else is tried.
ASIDE = 10
MINUTE, SLICE = timedelta(seconds=60), timedelta(seconds=6)


class SyncRedrive(models.Model):
    """The work of a redrive, in steps: the dry run, then the stages."""

    _inherit = "sync.redrive"

    # -- Dry run ----------------------------------------------------------------------

    def _step(self):
        if apart(self._is_dry):
            return self._dry_run()
        return apart(self._advance)

    def _is_dry(self):
        return self.phase == "dry_run"

    def _dry_run(self):
        lookups = apart(self._next_lookups)
        found, silence = {}, None
        if lookups:
            found, silence = self.backend_id._look_up(lookups, self.correlation_id)
        return apart(self._note_dry_run, found, silence)

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
        lines.operation_id._foresee_each(found, silence or self.silence)
        lines._take_verdicts()
        self._count(done=len(lines))
        if silence:
            self.silence = silence
        if not self._next_lines():
            self.write({"phase": "ready", "state": "draft", "done_count": 0})
        return True

    # -- Stages -----------------------------------------------------------------------

    def _enter(self, phase):
        self.write({"phase": phase, "stage_left": STAGES[phase]})

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
        if STAGES[self.phase]:
            # Another one takes the place of one that died of something else, or that
            # a person took away.
            nothing_said = queued.filtered(lambda ln: ln.state in ("aside", "skipped"))
            self.stage_left += len(nothing_said)
        if reason := self._why_stop():
            self._end_work("stopped", reason)
            return True
        queued = queued.filtered(lambda line: line.state == "queued")
        if not queued and not self.stage_left and STAGES[self.phase]:
            self._enter("ten" if self.phase == "one" else "all")
        planned = self._lines("planned", limit=self._room(len(queued)))
        released = planned._release(self.user_id)
        queued |= released
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
        """Why the redrive must stop, or None."""
        failed = self.failed_count - self.failed_before
        ended = self.done_count + self.failed_count - self.ended_before
        if not failed:
            return self._why_none_through(ended)
        last = self._lines("failed")[-1:]
        if STAGES[self.phase]:
            return said.say(
                said.FAILED_AGAIN,
                failed=failed,
                ended=ended,
                outcome=last.outcome,
            )
        if ended < self.failure_minimum or 100 * failed <= self.failure_limit * ended:
            return None
        return said.say(
            said.TOO_MANY_FAILED,
            failed=failed,
            ended=ended,
            limit=rounded_percent(self.failure_limit),
            outcome=last.outcome,
        )

    def _why_none_through(self, ended):
        """Why to stop where all that ended was set aside, or None."""
        aside = self._lines("aside")
        fresh = len(aside) - self.aside_before
        if ended or fresh < ASIDE or self.phase == "all":
            return None
        return said.say(
            said.OTHER_CAUSES,
            count=fresh,
            outcome=aside[-1:].outcome,
        )
