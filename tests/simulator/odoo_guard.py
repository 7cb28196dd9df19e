"""The guarded call: ``guard.py``, ``sync_breaker.py``."""

from odoo.addons.pharmacy_sync.core.call.breaker import (
    BreakerConfig,
    BreakerState,
    Outcome,
    Rejection,
    Result,
    State,
    permit,
    record,
)
from odoo.addons.pharmacy_sync.core.call.window import CallRecord, Window, WindowStats

from .parts import Call, NoAnswerError, NotMadeError

KINDS = ("push", "pull")
NOTHING = WindowStats()


def config(probes):
    """Numbers so small, in ticks, that a history sees all of a breaker's states."""
    return BreakerConfig(
        consecutive_failures=3,
        minimum_calls=6,
        window_seconds=60,
        open_seconds=20,
        max_open_seconds=80,
        probes=probes,
        lease_seconds=30,
    )


class Guard:
    """Breakers that all workers share. A worker that is killed reports nothing: its
    lease expires. Without breakers every call goes through."""

    def set_breakers(self, probes):
        """:param probes: calls that must succeed before a breaker closes"""
        self.breaker_config = config(probes)
        self.breakers = {kind: BreakerState() for kind in KINDS}
        self._log = {kind: [] for kind in KINDS}

    def _call(self, kind, method, *args):
        leave = self._permit(kind)
        call = Call(method, args, kind, leave.epoch if leave else 0)
        try:
            answer = yield call
        except NoAnswerError:
            self._report(kind, leave, Result.FAILURE)
            raise
        self._report(kind, leave, Result.SUCCESS)
        return answer

    def _rejection(self, kind):
        if not self.breakers:
            return None
        __, leave = permit(self.breakers[kind], self.now(), self.breaker_config)
        return leave if isinstance(leave, Rejection) else None

    def _permit(self, kind):
        if not self.breakers:
            return None
        state, leave = permit(self.breakers[kind], self.now(), self.breaker_config)
        self._change(kind, state)
        if isinstance(leave, Rejection):
            raise NotMadeError(leave.retry_after)
        return leave

    def _report(self, kind, leave, result):
        if not leave:
            return
        now, failed = self.now(), result is Result.FAILURE
        self._log[kind].append(CallRecord(now, failed, False, leave.epoch))
        state, stats = self.breakers[kind], NOTHING
        if failed:
            window = Window(self._log[kind])
            stats = window.stats(now, state.epoch, self.breaker_config.window_seconds)
        after, __ = record(
            state, leave, Outcome(result), now, stats, self.breaker_config
        )
        self._change(kind, after)

    def _change(self, kind, after):
        before, self.breakers[kind] = self.breakers[kind], after
        if before.epoch != after.epoch:
            self._log[kind].clear()
            self.met[str(after.state)] += 1
            if after.state is State.CLOSED:
                self._resume()

    def _probe(self, kind):
        for __ in range(self.breaker_config.probes if self.breakers else 0):
            closed = self.breakers[kind].state is State.CLOSED
            if closed or self._rejection(kind):
                return
            try:
                yield from self._call(kind, "health")
            except NoAnswerError:
                return
