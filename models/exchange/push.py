"""Push, first two steps of a batch: claim operations and plan what each sends, then
send it. What came of it: ``push_outcome.py``.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from odoo import fields, models

from ...core import said
from ...core.exceptions import AmbiguousError
from ...core.exchange.bisect import Fate, own_failure, run_bisecting
from ...core.exchange.mapping_state import MappingState
from ...core.exchange.pushing import (
    CANCELLED,
    FETCHED,
    FOUND,
    GONE,
    NOT_FOUND,
    WRITES,
    Plan,
    Step,
    begun,
    is_uncertain,
    plan,
)
from ...core.retry.policy import DEPENDENCY_WAIT
from ...core.secrets.logs import get_logger
from ...entities.directory import Directory, unmapped
from ...entities.neutral import neutral
from ..backend.sync_mapping import OF_STATE
from ..base.alone import contained
from ..base.own_transaction import apart
from ..base.rows import write_plain
from ..base.sync_config import shift
from ..base.sync_retry_policy import moment, second_after

_logger = get_logger(__name__)
# Seconds that what is not essential waits for a saturated pool.
BUSY_WAIT = 30
# Why a push ends without being sent.
ENDED = {
    Step.GONE: said.RECORD_GONE,
    Step.SAME: said.MATCHES,
}


@dataclass
class PushItem:
    """One operation of a batch, as it was claimed: it is sent and settled without a
    look at the database between.

    :ivar key: the mapping's, by which the app finds a record that it may have
    :ivar retry: whether an earlier attempt was sent
    :ivar state: the mapping's before the push
    :ivar request: of the batch call
    """

    operation_id: int
    mapping_id: int
    key: str
    correlation_id: str
    retry: bool
    state: MappingState
    plan: Plan
    request: dict


class SyncBackend(models.Model):
    """Odoo to pharmacy: deliver events, then send what is due, a batch a call.

    Each batch has three steps. Its intent is committed first (the operation runs, with
    its payload); the call is made while no business transaction is open; its results
    are committed after. A worker that is killed in between leaves operations that are
    running: the recovery takes them back, and the app answers by If-Match and the
    record's key whether it had them already.
    """

    _inherit = "sync.backend"

    def _job_push(self):
        """Job: carry Odoo's changes to the pharmacy app."""
        self.ensure_one()
        self = neutral(self, self)
        with self.env["sync.error"]._watch_over("push job", self):
            if self._is_ready():
                self._push_all()

    def _push_all(self):
        job_uuid = self.env.context.get("job_uuid")
        if job_uuid:
            apart(self.env["sync.operation"]._take_back_of, job_uuid)
            # The job runner changes some of them meanwhile.
            apart(self._end_push_jobs, job_uuid, read_committed=True)
            self._take_place()
        time = shift()
        self._deliver_events(time)
        if self._push_streams(job_uuid, time):
            return
        # What sending brought about: synchronised, or dead letters.
        self._deliver_events(time)
        self._probe("push")
        # At the end: if the worker dies of one, all others are done.
        self._send_suspects(job_uuid, time)

    def _push_streams(self, job_uuid, time):
        """Send what is due; a defect of one stream keeps no other from being sent.

        :return: whether the next job goes on
        """
        defect = None
        for stream in self.stream_ids.filtered("pushes").sorted("rank"):
            with contained(_logger.error, "stream %s fails", stream.id) as failure:
                if stream._push_due(job_uuid, time):
                    return True
            defect = defect or failure.error
        if defect:
            raise defect
        return False

    def _schedule_push_in(self, seconds):
        self._schedule_push(second_after(seconds))


class SyncStream(models.Model):
    _inherit = "sync.stream"

    def _push_due(self, job_uuid, time):
        """Send all that is due of this one, batch by batch.

        :return: whether the next job goes on
        """
        began, is_due = moment(), self.env["sync.operation"]._is_push_due
        while self._push_batch(job_uuid):
            next_one = began + timedelta(seconds=self.batch_pause)
            began = moment()
            if next_one > began and apart(is_due, self):
                # The pause is the next job's, no worker sleeps through it.
                apart(self.backend_id._schedule_push, next_one)
                return True
            if time.expired:
                apart(self.backend_id._schedule_push)
                return True
        return False

    def _push_batch(self, job_uuid=None, resting=False):
        """Send one batch of what is due.

        :param resting: also while the backend rests: for work that has paused it so
            that nothing else comes in between
        :return: whether there was any
        """
        self.ensure_one()
        # The job's own transaction began before what it will send was committed.
        if not apart(self.env["sync.operation"]._is_push_due, self, resting):
            return False
        breaker = self.backend_id._breaker("push")
        rejection = breaker._rejection()
        if rejection:
            # Nothing is taken up: to wait for the app costs no attempt.
            apart(self.backend_id._note_rejected, breaker)
            apart(self.backend_id._schedule_push_in, rejection.retry_after)
            return False
        claimed, items = apart(self._claim_push, job_uuid)
        self._carry_out(items)
        return claimed

    def _carry_out(self, items):
        """Send what was claimed, and write down what came of it."""
        if items:
            answers, failures = self._send(items)
            self.backend_id._look_behind_answers(self, items, answers)
            apart(self._settle_push, items, answers, failures)
            if answers:
                apart(self.backend_id._app_is_back)

    def _send(self, items):
        """Make the calls for a batch; no transaction is open.

        :return: (``{operation id: result}``, ``{operation id: exception}``)
        """
        adapter = self._adapter()
        client = self.backend_id._client("push", adapter._entity_pool)
        collection = adapter._entity_collection
        answers, failures = {}, {}
        try:
            self._look_up_uncertain(client, collection, items, answers, failures)
            self._fetch_unsent(client, collection, items, answers, failures)
            known = answers.keys() | failures.keys()
            unsent = [item for item in items if item.operation_id not in known]
            send = partial(self._send_wanted, client, collection)
            for result in run_bisecting(unsent, send, largest=self._largest_call()):
                unread = isinstance(result.result, Exception)
                if result.fate is Fate.ANSWERED and not unread:
                    answers[result.item.operation_id] = result.result
                else:
                    error = result.result if unread else result.error
                    failures[result.item.operation_id] = error
            self._fetch_current(client, collection, items, answers, failures)
        except Exception as exc:  # noqa: BLE001 - each item fails with it
            for item in items:
                if item.operation_id not in answers:
                    failures.setdefault(item.operation_id, exc)
        return answers, failures

    def _send_wanted(self, client, collection, items):
        """Send one part of a batch, but for what a person asked to stop meanwhile, and
        what the app has newer values of, as far as they are read first."""
        asked = apart(self._cancelled_among, [item.operation_id for item in items])
        known = {number: {"status": CANCELLED} for number in asked}
        wanted = [item for item in items if item.operation_id not in known]
        known |= self._read_first(client, collection, wanted)
        wanted = [item for item in wanted if item.operation_id not in known]
        results = self._write_each(client, collection, wanted) if wanted else []
        if not known or len(results) != len(wanted):
            return results
        answered = iter(results)
        return [known.get(item.operation_id) or next(answered) for item in items]

    def _cancelled_among(self, operation_ids):
        """Ids of those operations that are asked to stop."""
        return (
            self.env["sync.operation"]
            .search([("id", "in", operation_ids), ("cancel_at", "!=", False)])
            .ids
        )

    def _look_up_uncertain(self, client, collection, items, answers, failures):
        """A creation whose answer was lost is looked for by its key before it is sent
        again: the app may have it, and may not heed idempotency keys."""
        for item in items:
            if is_uncertain(item.state):
                with own_failure(failures, item.operation_id):
                    found = client.find(collection, item.key, item.correlation_id)
                    if found:
                        answers[item.operation_id] = {"status": FOUND, "current": found}
                    elif item.plan.step is Step.FIND:
                        answers[item.operation_id] = {"status": GONE}

    def _fetch_unsent(self, client, collection, items, answers, failures):
        """Read what the pharmacy never sent before anything is sent over it."""
        for item in items:
            if item.plan.step is Step.FETCH:
                with own_failure(failures, item.operation_id):
                    found = client.get_if_there(
                        collection, item.state.external_id, item.correlation_id
                    )
                    status = FETCHED if found else NOT_FOUND
                    answers[item.operation_id] = {"status": status, "current": found}

    def _fetch_current(self, client, collection, items, answers, failures):
        """What the app has already, where it refused to create it once more."""
        refused = {
            item.operation_id: (item, answers.pop(item.operation_id))
            for item in items
            if answers.get(item.operation_id, {}).get("existing_id")
        }
        for operation_id, (item, answer) in refused.items():
            with own_failure(failures, item.operation_id):
                answer["current"] = client.get(
                    collection, answer["existing_id"], item.correlation_id
                )
                answers[operation_id] = answer

    # -- Claim ------------------------------------------------------------------------

    def _claim_push(self, job_uuid):
        """Take operations up and commit what will be sent.

        :return: (whether any was due, list of items to send)
        """
        operations = self.env["sync.operation"]._claim(self, "push", self.batch_size)
        items = self._begin_push(operations._put_off_suspects(), job_uuid)
        return bool(operations), items

    def _begin_push(self, operations, job_uuid):
        """Items to send for operations that were taken up."""
        items = []
        mappings = operations.mapping_id
        directory = Directory(self.backend_id)
        data = self._serialise_each(operations, directory)
        now = fields.Datetime.now()
        operations.filtered(lambda o: not o.attempts).first_attempt_at = now
        # What was queued and now runs is on its way, as its record says already.
        with self.env.protecting([mappings._fields["state"]], mappings):
            running = {"state": "running", "job_uuid": job_uuid}
            operations.filtered(lambda o: o.state != "dead").write(
                {**running, "started_at": now, "eta": False}
            )
        mappings.fetch([*OF_STATE, "key"])
        essential = self._essential_now()
        states = mappings._states()
        for operation in operations.filtered(lambda o: o.state == "running"):
            mapping = operation.mapping_id
            record, state = data.get(mapping.res_id), states[mapping]
            item = self._push_item(operation, record, directory, state, essential)
            if item:
                items.append(item)
        return items

    def _serialise_each(self, operations, directory):
        """Canonical data by record id; an operation whose record cannot be read in
        fails alone."""
        records = (
            self.env[self.res_model]
            .with_context(active_test=False)
            .browse(operations.mapping_id.mapped("res_id"))
            .exists()
        )
        data, unreadable = self._serialise_alone(records, directory)
        for operation in operations:
            if error := unreadable.get(operation.mapping_id.res_id):
                self._refuse(operation, error)
        return data

    def _refuse(self, operation, error):
        """The operation failed before anything was sent."""
        operation.attempts += 1
        Error = self.env["sync.error"]
        operation._fail(Error._classify(error, self.backend_id), error)

    def _essential_now(self):
        """Fields that updates are reduced to now; None: they are not."""
        adapter = self._adapter()
        pool = self.backend_id._pool(adapter._entity_pool)
        if self.essential_when_busy and pool._is_saturated():
            return adapter._entity_essential
        return None

    def _push_item(self, operation, data, directory, state, essential=None):
        """What to send for one operation; None if it ended without sending.

        :param directory: of the batch
        :param state: its mapping's
        :param essential: fields that an update is reduced to, or None
        """
        mapping = operation.mapping_id
        planned = plan(
            state,
            None if data is None else mapping._compare(data, state=state),
            unmapped=unmapped,
            essential=essential,
            read_at=(operation.payload or {}).get("read_at"),
            emptied=(operation.payload or {}).get("emptied"),
        )
        if planned.step in ENDED:
            return operation._succeed(ENDED[planned.step])
        if planned.step in (Step.WAIT, Step.LATER):
            return self._put_off_push(operation, planned)
        try:
            self._adapter()._check_plain(planned.data or {}, directory)
        except AmbiguousError as exc:
            return self._refuse(operation, exc)
        mapping._move(state, begun(state, planned))
        request = self._request(operation, state, planned)
        sent = {"payload": request, "attempts": operation.attempts + 1}
        write_plain(operation, sent)
        # Attempts may be counted anew: their number would name another request too.
        request["idempotency_key"] = uuid.uuid4().hex
        return PushItem(
            operation_id=operation.id,
            mapping_id=mapping.id,
            key=mapping.key,
            correlation_id=operation.correlation_id,
            retry=operation.attempts > 1,
            state=state,
            plan=planned,
            request=request,
        )

    def _request(self, operation, state, planned):
        request = {
            "external_ref": operation.mapping_id.key,
            "correlation_id": operation.correlation_id,
        }
        if planned.step in WRITES:
            request["method"] = str(planned.step)
        if planned.data is not None:
            request["data"] = planned.data
        if state.external_id:
            request.update(id=state.external_id, if_match=state.version)
        return request

    def _put_off_push(self, operation, planned):
        """It waits for what it refers to, or for a pool that is not saturated."""
        if planned.step is Step.LATER:
            operation._park(BUSY_WAIT, said.SATURATED)
        else:
            for entity, res_id in planned.missing:
                operation._request_dependency(self, entity, res_id)
            adapters = self.env["sync.entity"]._entities()
            names = ", ".join(
                self.env[adapters[entity]._entity_model].browse(res_id).display_name
                for entity, res_id in sorted(planned.missing)
            )
            operation._park(DEPENDENCY_WAIT, said.say(said.WAITS_FOR, names))
        operation._schedule_waiting()
