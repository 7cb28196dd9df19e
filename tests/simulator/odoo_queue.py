"""Events and operations: ``sync_event.py``, ``queue.py``, ``outcome.py``."""

import random

from odoo.addons.pharmacy_sync.core.exchange.mapping_state import refreshed
from odoo.addons.pharmacy_sync.core.exchange.pushing import is_due
from odoo.addons.pharmacy_sync.core.retry.decision import (
    REVIVALS,
    After,
    Standing,
    next_attempt,
)

from .parts import EVENTS, OPEN, POLICY, Operation

# Ticks that parked work waits for where no breaker says how long.
PARKED = 20
# What waits because an earlier call failed.
HELD_UP = 3


class Queue:
    """Work that waits, and what follows an attempt."""

    # -- sync_event, sync_queue --------------------------------------------------------

    def _deliver(self):
        changed, self.events = self.events[:EVENTS], self.events[EVENTS:]
        self._request_push(dict.fromkeys(changed))
        return len(changed) == EVENTS

    def look(self):
        """``sync_touched._cron_look``: events of what was changed past the ORM."""
        self.events += dict.fromkeys(self.touched)
        self.touched = []

    def _request_push(self, changed):
        for res_id in changed:
            mapping, data = self._mapping("res_id", res_id), self._serialise(res_id)
            if data is None:
                if mapping and not mapping.deleted:
                    if is_due(mapping.state, None):
                        self._enqueue_push(mapping)
                    mapping.conflict = None
                continue
            for missing in self._unmapped(data):
                self._request_dependency(missing)
            if mapping and self._state(mapping) == "conflict":
                self._recheck_conflict(mapping, data)
                data = self._serialise(res_id)
            if not mapping:
                mapping = self._insert(res_id)
            elif not self._is_due(mapping, data):
                continue
            self._enqueue_push(mapping)

    def _is_due(self, mapping, data):
        comparison = self._compare(mapping, data)
        mapping.move(refreshed(mapping.state, comparison))
        return is_due(mapping.state, comparison)

    def _request_dependency(self, res_id):
        mapping = self._mapping("res_id", res_id)
        if not mapping or not any(o.mapping is mapping for o in self.operations):
            self._request_push([res_id])

    def _enqueue_push(self, mapping):
        if not self._waiting(mapping):
            self._queue("push", mapping)

    def _queue(self, kind, mapping):
        self.made += 1
        operation = Operation(self.made, mapping, kind)
        self.operations.append(operation)
        return operation

    # -- sync_outcome ------------------------------------------------------------------

    def _end(self, operation):
        operation.state = "done"
        self.operations.remove(operation)

    def _fail(self, operation, classification):
        rejection = self._rejection("push")
        standing = Standing(
            operation.attempts,
            breaker_open=bool(rejection),
            park_seconds=rejection.retry_after if rejection else PARKED,
            revivals_left=REVIVALS - operation.revivals,
        )
        found = self._next_attempt(classification, standing)
        operation.attempts, operation.revive = found.attempts, found.revive
        operation.of_app = classification.counts_for_breaker
        operation.parked, operation.stale = found.state is After.PARKED, 0
        self.met["parked"] += operation.parked
        if found.state is After.DEAD:
            self._change_state(operation, "dead")
        else:
            self._change_state(operation, "waiting", self.now() + found.seconds)

    def _next_attempt(self, classification, standing):
        return next_attempt(classification, POLICY, standing, random)

    def _give_back(self, operation, seconds):
        operation.attempts -= 1
        operation.parked = True
        self._change_state(operation, "waiting", self.now() + seconds)

    def _hold_up(self, operation):
        """It was not sent because of the one before it."""
        operation.attempts -= 1
        self._change_state(operation, "waiting", self.now() + HELD_UP)

    def _change_state(self, operation, state, eta=0):
        newer = self._waiting(operation.mapping, but=operation)
        if not newer:
            operation.state, operation.eta = state, eta
            return
        if state == "waiting":
            newer.state, newer.eta, newer.attempts = "waiting", eta, operation.attempts
            newer.parked, newer.revive = operation.parked, operation.revive
            newer.revivals = operation.revivals
        self._end(operation)

    def _waiting(self, mapping, but=None):
        for operation in self.operations:
            mine = operation.mapping is mapping and operation.kind == "push"
            if mine and operation is not but and operation.state in OPEN:
                return operation
        return None

    def _resume(self):
        """``_app_is_back``: what waits for the app goes on."""
        for operation in self.operations:
            if operation.parked and operation.state == "waiting":
                operation.parked, operation.eta = False, 0
                if operation.revive:
                    operation.attempts, operation.revive = 0, False
                    operation.revivals += 1

    def recover(self, living):
        """``_cron_recover``: what a killed worker left behind."""
        for operation in list(self.operations):
            if operation.state == "running" and operation.worker not in living:
                self._change_state(operation, "pending")
