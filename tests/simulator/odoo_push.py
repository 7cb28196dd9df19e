"""From Odoo to the pharmacy: ``push.py``, ``push_outcome.py``."""

from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.exceptions import HttpError
from odoo.addons.pharmacy_sync.core.exchange.bisect import (
    HeldUpError,
    bisecting,
    may_be_one_record,
)
from odoo.addons.pharmacy_sync.core.exchange.pushing import (
    FETCHED,
    FOUND,
    GONE,
    NOT_FOUND,
    WRITES,
    Fate,
    Step,
    answered,
    begun,
    is_stuck,
    is_uncertain,
    plan,
    silent,
)

from .odoo_apply import canonical
from .parts import (
    BATCH,
    COMMIT,
    NO_ANSWER,
    OPEN,
    REFUSED,
    Item,
    NoAnswerError,
    NotMadeError,
)


class Push:
    """A batch in three steps: claimed, sent, settled."""

    # -- sync_push ---------------------------------------------------------------------

    def push_job(self, worker):
        while self._deliver():
            yield COMMIT
        yield COMMIT
        claimed = True
        while claimed and not self._rejection("push"):
            claimed, items = self._claim_push(worker)
            yield COMMIT
            if items:
                answers, failures = yield from self._send(items)
                self._settle_push(items, answers, failures)
                yield COMMIT
                if answers:
                    self._resume()
                    yield COMMIT
        yield from self._probe("push")

    def _send(self, items):
        answers, failures = {}, {}
        try:
            for item in items:
                if is_uncertain(item.state):
                    found = yield from self._call(
                        "push", "find", item.operation.mapping.key
                    )
                    if found:
                        answers[item.operation] = {"status": FOUND, "current": found}
                    elif item.plan.step is Step.FIND:
                        answers[item.operation] = {"status": GONE}
                elif item.plan.step is Step.FETCH:
                    found = yield from self._call("push", "get", item.state.external_id)
                    status = FETCHED if found else NOT_FOUND
                    answers[item.operation] = {"status": status, "current": found}
            unsent = [item for item in items if item.operation not in answers]
            for result in (yield from self._batches(unsent)):
                if result.error:
                    failures[result.item.operation] = result.error
                else:
                    answers[result.item.operation] = result.result
            refused = {
                operation: answers.pop(operation)
                for operation in list(answers)
                if answers[operation].get("existing_id")
            }
            for operation, answer in refused.items():
                current = yield from self._call("push", "get", answer["existing_id"])
                answers[operation] = {**answer, "current": current}
        except NoAnswerError as exc:
            for item in items:
                if item.operation not in answers:
                    failures.setdefault(item.operation, exc)
        return answers, failures

    def _batches(self, items):
        """Send them, and find out which one the pharmacy refuses."""
        steps = bisecting(items, splits=self._splits)
        try:
            part = next(steps)
            while True:
                requests = [item.request for item in part]
                try:
                    answers = yield from self._call("push", "batch", requests)
                except (NoAnswerError, HttpError) as exc:
                    part = steps.throw(exc)
                else:
                    part = steps.send(answers)
        except StopIteration as end:
            return end.value

    _splits = staticmethod(may_be_one_record)

    def _claim_push(self, worker):
        claimed = self._claim()
        items = []
        for operation in claimed:
            operation.state, operation.worker = "running", worker
        for operation in claimed:
            item = self._push_item(operation)
            if item:
                items.append(item)
        return bool(claimed), items

    def _claim(self):
        running = {o.mapping for o in self.operations if o.state == "running"}
        return [
            operation
            for operation in self.operations
            if operation.kind == "push"
            and operation.state in OPEN
            and operation.eta <= self.now()
            and operation.mapping not in running
        ][:BATCH]

    def _push_item(self, operation):
        mapping = operation.mapping
        state = mapping.state
        planned = self._plan(operation)
        if planned.step in (Step.GONE, Step.SAME):
            return self._end(operation)
        if planned.step is Step.WAIT:
            for res_id in planned.missing:
                self._request_dependency(res_id)
            return self._park(operation)
        mapping.move(self._begun(state, planned))
        operation.attempts += 1
        request = {
            "external_ref": mapping.key,
            "idempotency_key": self._new_key(operation),
        }
        if planned.step in WRITES:
            request["method"] = str(planned.step)
        if planned.data is not None:
            request["data"] = planned.data
        if state.external_id:
            request.update(id=state.external_id, if_match=state.version)
        return Item(operation, request, state, planned)

    def _plan(self, operation):
        mapping = operation.mapping
        # One that is archived the models send as such.
        archived = mapping.res_id in self.archived
        data = None if archived else self._serialise(mapping.res_id)
        return plan(
            mapping.state,
            None if data is None else self._compare(mapping, data),
            unmapped=self._unmapped,
            read_at=operation.read_at,
        )

    def _begun(self, state, planned):
        return begun(state, planned)

    def _new_key(self, operation):
        self._keys += 1
        return self._keys

    # -- sync_settle -------------------------------------------------------------------

    def _settle_push(self, items, answers, failures):
        arrived = []
        for item in items:
            if item.operation in answers:
                arrived += self._settle_answer(item, answers[item.operation])
            else:
                self._settle_silence(item, failures[item.operation])
        waiting = self._apply(arrived)
        for item in items:
            operation, mapping = item.operation, item.operation.mapping
            if operation.state != "pending":
                continue
            if mapping.external_id in waiting:
                self._park_unmerged(operation)
            elif item.plan.step is Step.FETCH:
                operation.attempts -= 1
                operation.read_at = mapping.version

    def _park_unmerged(self, operation):
        """What it has to be merged with waits for a supplier, and so does it."""
        operation.attempts -= 1
        self._park(operation)

    def _settle_silence(self, item, failure):
        mapping = item.operation.mapping
        unknown = isinstance(failure, NoAnswerError) and failure.unknown
        mapping.move(
            silent(mapping.state, item.state, item.plan, unknown, self.directions)
        )
        if isinstance(failure, NotMadeError):
            self._give_back(item.operation, failure.retry_after)
        elif isinstance(failure, HeldUpError):
            self._hold_up(item.operation)
        elif isinstance(failure, HttpError):
            self.met["poisoned"] += 1
            self._fail(item.operation, classify(failure))
        else:
            self._fail(item.operation, NO_ANSWER)

    def _settle_answer(self, item, answer):
        operation, mapping = item.operation, item.operation.mapping
        current = answer.get("current")
        taken = bool(current and self._mapping("external_id", current["id"]))
        found = self._answered(
            mapping.state, item.state, item.plan, answer, mapping.key, taken
        )
        mapping.move(found.state)
        if found.went_back and self.epoch == item.state.app_epoch:
            self._went_back()
        if not found.state.external_id:
            mapping.conflict = None
        if mapping.conflict and found.accepted:
            conflict = mapping.conflict
            conflict.pharmacy = {**conflict.pharmacy, **found.accepted}
        if found.fate in (Fate.DONE, Fate.GONE):
            self._end(operation)
        elif found.fate in (Fate.LINKED, Fate.READ, Fate.LOST):
            self._change_state(operation, "pending")
        elif found.fate is Fate.STALE and not self._is_stuck(operation):
            operation.stale += 1
            self._change_state(operation, "pending")
        else:
            self._fail(operation, REFUSED)
            return []
        return [found.arrives] if found.arrives else []

    def _answered(self, state, before, planned, answer, key, taken):
        written = self._written_values(answer)
        return answered(
            state,
            before,
            planned,
            answer,
            key=key,
            taken=taken,
            written=written,
            directions=self.directions,
        )

    def _written_values(self, answer):
        return canonical(answer["data"]) if answer.get("data") else None

    def _is_stuck(self, operation):
        return is_stuck(operation.attempts, operation.stale)
