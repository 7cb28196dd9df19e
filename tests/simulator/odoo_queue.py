"""Events and operations: ``sync_event.py``, ``sync_queue.py``, ``sync_outcome.py``."""

from .parts import EVENTS, MAX_ATTEMPTS, OPEN, Operation


class Queue:
    """What is to be done, and what comes after an attempt."""

    # -- sync_event, sync_queue --------------------------------------------------------

    def _deliver(self):
        changed, self.events = self.events[:EVENTS], self.events[EVENTS:]
        self._request_push(dict.fromkeys(changed))
        return len(changed) == EVENTS

    def _request_push(self, changed):
        for res_id in changed:
            mapping, data = self._mapping("res_id", res_id), self.records.get(res_id)
            if data is None:
                if mapping and not mapping.deleted:
                    if mapping.external_id or mapping.uncertain:
                        self._enqueue_push(mapping)
                    mapping.conflict = None
                continue
            if mapping and self._state(mapping) == "conflict":
                self._recheck_conflict(mapping, data)
                data = self.records[res_id]
            if not mapping:
                mapping = self._insert(res_id=res_id)
            elif not self._differs(mapping, data):
                continue
            self._enqueue_push(mapping)

    def _differs(self, mapping, data):
        if mapping.unanswered or not mapping.external_id:
            return True
        return bool(self._merge(mapping, data).to_pharmacy)

    def _enqueue_push(self, mapping):
        if not self._waiting(mapping):
            self.made += 1
            self.operations.append(Operation(self.made, mapping))

    # -- sync_outcome ------------------------------------------------------------------

    def _end(self, operation):
        operation.state = "done"
        self.operations.remove(operation)

    def _fail(self, operation, revive):
        if operation.attempts < MAX_ATTEMPTS:
            self._leave(operation, "waiting", self.now() + 2**operation.attempts)
        else:
            operation.revive = revive
            self._leave(operation, "dead")

    def _leave(self, operation, state, eta=0):
        newer = self._waiting(operation.mapping, but=operation)
        if not newer:
            operation.state, operation.eta = state, eta
            return
        if state == "waiting":
            newer.state, newer.eta, newer.attempts = "waiting", eta, operation.attempts
        self._end(operation)

    def _waiting(self, mapping, but=None):
        for operation in self.operations:
            mine = operation.mapping is mapping and operation is not but
            if mine and operation.state in OPEN:
                return operation
        return None

    def _resume(self):
        """``_app_is_back``: what died because there was no answer goes on."""
        for operation in [o for o in self.operations if o.state == "dead" and o.revive]:
            operation.attempts, operation.revive = 0, False
            self._leave(operation, "pending")

    def recover(self, living):
        """``_cron_recover``: what a killed worker left behind."""
        for operation in list(self.operations):
            if operation.state == "running" and operation.worker not in living:
                self._leave(operation, "pending")
