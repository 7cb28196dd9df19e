"""What each step of the ladder does."""

import json
import time
from datetime import timedelta

import requests

from odoo import api, fields, models

from ....client import FAILURES
from ....client.session import pooled_session, send
from ....core import said
from ....core.alert.escalation import Rung
from ....core.call import breaker as core
from ....core.call.deadline import Deadline
from ....core.exceptions import HttpError, SyncError
from ....core.storable import storable_text
from ....entities.neutral import neutral
from ...base.own_transaction import apart
from ...base.rights import MANAGER
from .sync_escalation import OWN_WORK

ACTIVITY = "mail.mail_activity_data_todo"
# Attempts of the service, the minutes between them, and what is kept of an answer.
ATTEMPTS, MINUTES, LONGEST = 3, 2, 1_000
SECONDS, LARGEST = 20.0, 256 * 1024


class SyncEscalation(models.Model):
    _inherit = "sync.escalation"

    def _do(self):
        """Do what the step is about; what talks to the outside is a job's."""
        self.ensure_one()
        if self.rung == Rung.ACTIVITY:
            self._add_activity()
        elif self.rung == Rung.RESET:
            self._begin_reset()
        else:
            self._schedule()

    def _undo(self):
        self.activity_id.unlink()
        if self.rung == Rung.RESET:
            self._resume()

    def _schedule(self, wait=None):
        for step in self:
            runner = neutral(step, step.backend_id) if step.backend_id else step
            job = runner.with_delay(
                eta=wait, description=self.env._("Escalation %s", step.id)
            )._job_step()
            step.job_uuid = job.uuid

    def _job_step(self):
        """Job: ask the service, or check the app after a reset."""
        with self.env["sync.error"]._watch_over("escalation", self.backend_id):
            if self.rung == Rung.RESET:
                apart(self._end_reset, *self._check_app())
            else:
                request = apart(self._fix_request)
                if request:
                    self._ask_for_fix(request)

    @api.model
    def _recover(self):
        """Give steps whose job is gone a new one.

        :return: how many
        """
        running = self.search([("state", "=", "running")])
        jobs = self.env["queue.job"].search(
            [
                ("uuid", "in", running.mapped("job_uuid")),
                ("state", "in", ("pending", "enqueued", "started")),
            ]
        )
        lost = running.filtered(lambda s: s.job_uuid not in set(jobs.mapped("uuid")))
        lost._schedule()
        return len(lost)

    # -- A person ---------------------------------------------------------------------

    def _add_activity(self):
        group = self.group_id
        user = group.user_id or self._responsible()
        activity = group.activity_schedule(
            ACTIVITY,
            summary=self.env._("Failures within a day: %s", self.count),
            note=group.advice,
            user_id=user.id,
        )
        self.activity_id = activity
        self._finish("done", user.name)

    def _responsible(self):
        """Who looks after the backend; where nobody does, a manager of its company."""
        if self.backend_id.responsible_id:
            return self.backend_id.responsible_id
        managers = (
            self.env.ref(MANAGER)
            .sudo()
            .all_user_ids.filtered(
                lambda user: (
                    user.active
                    and not user.share
                    and (not self.company_id or self.company_id in user.company_ids)
                )
            )
        )
        return managers.sorted("id")[:1]

    # -- The service ------------------------------------------------------------------

    def _fix_request(self):
        """What the service gets: no payload and no trace; None if it is not asked."""
        if self.state != "running":
            return None
        self.attempts += 1
        group = self.group_id
        return group.backend_id._redact(
            {
                "type": "error_group.escalated",
                "id": self.correlation_id,
                "timestamp": fields.Datetime.to_string(self.at),
                "error": {
                    "type": group.type,
                    "category": group.category,
                    "severity": group.severity,
                    "during": group.work,
                    "message": group.message,
                    "suggested_action": group.suggested_action,
                    "failures": self.count,
                    "first_seen": fields.Datetime.to_string(group.first_seen),
                    "last_seen": fields.Datetime.to_string(group.last_seen),
                    "correlation_id": group.latest_error_ids[:1].correlation_id,
                },
            }
        )

    def _ask_for_fix(self, request):
        try:
            answer, link = self._call_service(request)
        except (*FAILURES, SyncError) as exc:
            apart(self._fail_fix, exc)
            return
        apart(self._finish, "done", answer, link)

    @api.model
    def _call_service(self, request):
        """Send a request to the service of the settings.

        :return: what it answered, and a link if it gave one
        :raises Exception: one of ``client.FAILURES``, or :class:`SyncError`
        """
        config = self.env["sync.config"]
        url = config._value("codegen_api_url")
        key, organisation = config._value("codegen_api_key"), None
        organisation = config._value("codegen_org_id")
        headers = {"Idempotency-Key": request["id"]}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        body = {**request, **({"org_id": organisation} if organisation else {})}
        response = send(
            # The administrator of the server has named it.
            pooled_session(self.env.cr.dbname, OWN_WORK, url, internal=True),
            requests.Request("POST", url, json=body, headers=headers),
            connect_timeout=5.0,
            read_timeout=SECONDS,
            deadline=Deadline.after(SECONDS),
            largest=LARGEST,
        )
        if not response.ok:
            raise HttpError(response.status_code, None, response.text[:LONGEST])
        return _answer(response)

    def _fail_fix(self, exception):
        Error = self.env["sync.error"]
        classification = Error._classify(exception, self.backend_id)
        Error._record_here(
            classification,
            exception,
            operation=OWN_WORK,
            backend_id=self.backend_id.id,
            correlation_id=self.correlation_id,
            attempt=self.attempts,
        )
        if self.attempts < ATTEMPTS:
            self.answer = classification.message
            self._schedule(timedelta(minutes=MINUTES))
        else:
            self._finish("failed", classification.message)

    # -- The reset --------------------------------------------------------------------

    def _begin_reset(self):
        """Pause, and forget what was held of the app; what is queued stays queued."""
        backend = self.backend_id
        self.paused = not backend.paused
        if self.paused:
            backend._pause(self._pause_reason())
        backend._clear_caches()
        backend._drop_connections()
        if self.env["sync.config"]._parameter("reset_defaults") == "True":
            backend._restore_defaults()
            self.env["sync.retry.policy"]._restore_defaults()
        self._schedule()

    def _pause_reason(self):
        return said.BEING_RESET

    def _check_app(self):
        """Whether the app answers and accepts the key, and the same as a sentence."""
        try:
            self.backend_id._ask_app()
        except FAILURES as exc:
            Error = self.env["sync.error"]
            return False, Error._explained(Error._classify(exc, self.backend_id))
        return True, said.APP_ACCEPTS

    def _end_reset(self, answers, sentence):
        """Go on through half-open breakers: a few calls show how the app is.

        :param answers: the app does: what was parked for it need not wait out the
            breaker's earlier time
        """
        if self.state != "running":
            return
        for breaker in self.backend_id.breaker_ids:
            breaker._probe_now(said.WAS_RESET)
        self._resume()
        if answers:
            self.backend_id._app_is_back()
        self._finish("done", sentence)

    def _resume(self):
        """Go on, unless a person has paused the backend since."""
        backend = self.backend_id
        if self.paused and backend.paused and backend.pause_reason:
            backend.paused = False
            backend._schedule_pull()
        self.paused = False


class SyncBreaker(models.Model):
    _inherit = "sync.breaker"

    def _probe_now(self, reason):
        """Have the next calls be probes; a mode that was set by hand stays."""
        state, __ = self._read_row(lock=True)
        if state.mode is not core.Mode.NORMAL:
            return
        now = time.time()
        # The way back from forced open leads through half-open.
        shut, __ = core.force(state, core.Mode.FORCED_OPEN, now, reason)
        after, __ = core.force(shut, core.Mode.NORMAL, now, reason)
        self._change(state, after)


def _answer(response):
    """A short text of what a service answered, and a link of it."""
    text, link = response.text, None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        text = next(
            (found[k] for k in ("message", "answer", "status") if found.get(k)), ""
        )
        link = next((found[k] for k in ("url", "link", "html_url") if k in found), None)
    if not isinstance(link, str) or not link.startswith(("https://", "http://")):
        link = ""
    return storable_text(str(text), LONGEST), storable_text(link, LONGEST)
