"""The circuit breaker as a pure state machine.

::

    closed --(too many failures, or all slow)--> open
    open --(its time is over and a call asks)--> half-open
    half-open --(all probes succeed)--> closed
    half-open --(a probe fails, or its lease expires, or probes are slow)--> open, for
        twice as long

Every change of state begins a new *epoch*. A call carries the epoch in which it was
permitted, and is counted only in that epoch: an answer that comes late changes nothing,
and each closing begins with an empty window.

A state is a value: functions return a new one, or the same object if nothing changed.
Its window is counted from the log of calls (:class:`Window` does it from a list): calls
of the current epoch, finished within ``window_seconds``. While the breaker is closed a
quick success changes it only if it makes the calls enough to be judged, see
:func:`is_decisive`: many workers share it without writing.

In half-open at most ``probes`` calls are let through, each with a lease. A probe that
ended without having asked the app gives its place back, but only ``probes`` times;
hence a half-open phase always ends, after 2 * probes - 1 ended leases at the latest.
After M. Nygard, *Release It!*, and the documentation of resilience4j.
"""

from dataclasses import dataclass, replace

from ..error.classification import Classification
from ..error.retry_after import RETRY_AFTER_LIMIT
from ..taxonomy import Delivery, ErrorType, TextEnum
from ..texts import _lt
from .window import WindowStats


class State(TextEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Mode(TextEnum):
    """What an administrator set. Only ``normal`` follows the calls."""

    NORMAL = "normal"
    FORCED_OPEN = "forced_open"  # nothing goes through
    DISABLED = "disabled"  # everything goes through, nothing is counted
    METRICS_ONLY = "metrics_only"  # everything goes through and is counted


class Result(TextEnum):
    """What a call says of the app's health."""

    SUCCESS = "success"  # it answered, be it to refuse the content
    FAILURE = "failure"
    ABANDONED = "abandoned"  # it was never asked


@dataclass(frozen=True)
class Outcome:
    """How a permitted call ended. ``retry_after``: seconds, if the app said so."""

    result: Result
    slow: bool = False
    retry_after: float | None = None


@dataclass(frozen=True)
class BreakerConfig:
    """Numbers of a breaker; rates are 0..1, times seconds."""

    consecutive_failures: int = 5
    failure_rate: float = 0.5
    slow_rate: float = 1.0
    minimum_calls: int = 10
    window_seconds: float = 300.0
    slow_seconds: float = 20.0
    open_seconds: float = 60.0
    max_open_seconds: float = 600.0
    probes: int = 3
    lease_seconds: float = 60.0


@dataclass(frozen=True)
class Lease:
    """The place of one probe, until it reports or ``expires_at``."""

    id: int
    expires_at: float


@dataclass(frozen=True)
class BreakerState:
    """All that is kept of a breaker.

    :param since: when this state began, and ``cause`` why.
    :param open_until: when the first probe is allowed; None unless open.
    :param open_seconds: how long it opened the last time; 0 once it has closed.
    """

    state: State = State.CLOSED
    mode: Mode = Mode.NORMAL
    epoch: int = 0
    since: float = 0.0
    cause: str = ""
    open_until: float | None = None
    open_seconds: float = 0.0
    leases: tuple[Lease, ...] = ()
    next_lease: int = 1
    half_open_successes: int = 0
    half_open_slow: int = 0
    half_open_abandoned: int = 0


@dataclass(frozen=True)
class Permit:
    """Permission for one call. Give it back with its outcome; ``lease`` is the
    number of a probe's lease.
    """

    epoch: int
    lease: int | None = None


@dataclass(frozen=True)
class Rejection:
    """No leave. ``retry_after``: seconds until it is worth asking again."""

    retry_after: float
    reason: str


@dataclass(frozen=True)
class Transition:
    """A change of state, for the history."""

    before: State
    after: State
    at: float
    cause: str


DEFAULT_CONFIG = BreakerConfig()
CLOCKS_DIFFER = 60.0  # seconds by which the clocks of several servers may differ


def outcome(
    classification: Classification | None,
    duration: float,
    config: BreakerConfig = DEFAULT_CONFIG,
) -> Outcome:
    """What a call says of the app's health.

    :param classification: of its failure; None if it succeeded.
    :param duration: of the call, in seconds.
    """
    slow = duration > config.slow_seconds
    if classification is None:
        return Outcome(Result.SUCCESS, slow)
    if classification.counts_for_breaker:
        return Outcome(Result.FAILURE, slow, classification.retry_after)
    # A fault of our own says nothing of the app, unless the app answered.
    ours = classification.type is ErrorType.UNEXPECTED
    unheard = ours and classification.delivery is not Delivery.ANSWERED
    if unheard or classification.delivery is Delivery.NOT_SENT:
        return Outcome(Result.ABANDONED)
    return Outcome(Result.SUCCESS, slow)


def permit(
    state: BreakerState,
    now: float,
    config: BreakerConfig = DEFAULT_CONFIG,
    *,
    lease_until: float | None = None,
) -> tuple[BreakerState, Permit | Rejection]:
    """Ask leave for one call.

    :param lease_until: the deadline of the call, when it becomes a probe; by default
        ``lease_seconds`` from now.
    """
    if state.mode is Mode.FORCED_OPEN:
        return state, Rejection(config.open_seconds, state.cause)
    if state.mode is not Mode.NORMAL or state.state is State.CLOSED:
        return state, Permit(state.epoch)
    state, _ = tick(state, now, config)
    if state.state is State.CLOSED:
        return state, Permit(state.epoch)
    if state.state is State.OPEN:
        until = state.open_until or now
        if now < until and not _ahead(state, now):
            return state, Rejection(until - now, state.cause)
        state = _enter(state, State.HALF_OPEN, now, _lt("The wait is over."))
    if len(state.leases) + state.half_open_successes >= config.probes:
        soonest = min(lease.expires_at for lease in state.leases)
        return state, Rejection(soonest - now, _lt("All test calls are under way."))
    until = now + config.lease_seconds if lease_until is None else lease_until
    lease = Lease(state.next_lease, max(until, now))
    state = replace(
        state, leases=(*state.leases, lease), next_lease=state.next_lease + 1
    )
    return state, Permit(state.epoch, lease.id)


def record(
    state: BreakerState,
    permit: Permit,
    outcome: Outcome,
    now: float,
    stats: WindowStats,
    config: BreakerConfig = DEFAULT_CONFIG,
) -> tuple[BreakerState, Transition | None]:
    """Take note of how a permitted call ended.

    :param stats: the window of the current epoch, this call included. Only read when
        the breaker is closed.
    """
    if state.mode is not Mode.NORMAL:
        return state, None
    before = state
    state, _ = tick(state, now, config)
    if permit.epoch == state.epoch:
        settle = _closed if state.state is State.CLOSED else _half_open
        state = settle(state, permit, outcome, now, stats, config)
    return state, transition(before, state)


def is_decisive(
    outcome: Outcome, stats: WindowStats, config: BreakerConfig = DEFAULT_CONFIG
) -> bool:
    """Whether a call may change a closed breaker, and so must be recorded.

    A failure or a slow call may. A quick success may where those that failed, or were
    slow, are too large a share already: with it there may be ``minimum_calls``.

    :param stats: the window with or without it
    """
    if outcome.result is Result.ABANDONED:
        return False
    if outcome.result is Result.FAILURE or outcome.slow:
        return True
    enough = max(stats.calls, config.minimum_calls)
    return (
        stats.failures >= config.failure_rate * enough
        or stats.slow >= config.slow_rate * enough
    )


def tick(
    state: BreakerState, now: float, config: BreakerConfig = DEFAULT_CONFIG
) -> tuple[BreakerState, Transition | None]:
    """Let time pass: a probe whose lease has expired has failed, at that moment; and
    fewer probes than before may be enough now. It does not matter how often or how
    late this is called.
    """
    expired = [
        min(lease.expires_at, now)
        for lease in state.leases
        if lease.expires_at <= now or _ahead(state, now)
    ]
    if expired:
        cause = _lt("A test call did not end in time.")
        after = _open(state, min(expired), cause, None, config)
    elif state.state is State.HALF_OPEN and state.half_open_successes >= config.probes:
        after = _probed(state, now, config)
    else:
        return state, None
    return after, transition(state, after)


def _ahead(state: BreakerState, now: float) -> bool:
    """Whether the state began while the clock was wrong: its times mean nothing."""
    return state.since > now + CLOCKS_DIFFER


def force(
    state: BreakerState, mode: Mode, now: float, reason: str = ""
) -> tuple[BreakerState, Transition | None]:
    """Set the mode, by hand. Leaving ``forced_open`` goes through half-open; leaving
    the others begins closed, with an empty window. The present mode again is no change.
    """
    mode = Mode(mode)
    if mode is state.mode:
        return state, None
    shut = mode is Mode.FORCED_OPEN or (
        mode is Mode.NORMAL and state.mode is Mode.FORCED_OPEN
    )
    after = _enter(state, State.OPEN if shut else State.CLOSED, now, reason)
    after = replace(
        after, mode=mode, open_until=now if shut else None, open_seconds=0.0
    )
    return after, transition(state, after)


def transition(before: BreakerState, after: BreakerState) -> Transition | None:
    """What to write into the history between two states, if anything."""
    if before.epoch == after.epoch:
        return None
    return Transition(before.state, after.state, after.since, after.cause)


def _closed(
    state: BreakerState,
    permit: Permit,
    outcome: Outcome,
    now: float,
    stats: WindowStats,
    config: BreakerConfig,
) -> BreakerState:
    if outcome.result is Result.ABANDONED:
        return state
    cause = _why_open(stats, config)
    if cause is None:
        return state
    return _open(state, now, cause, outcome.retry_after, config)


def _why_open(stats: WindowStats, config: BreakerConfig) -> str | None:
    if stats.consecutive_failures >= config.consecutive_failures:
        return f"{stats.consecutive_failures} failures in a row."
    if stats.calls < config.minimum_calls:
        return None
    if stats.failure_rate >= config.failure_rate:
        return f"{stats.failures} of {stats.calls} calls failed."
    if stats.slow_rate >= config.slow_rate:
        return f"{stats.slow} of {stats.calls} calls were slow."
    return None


def _half_open(
    state: BreakerState,
    permit: Permit,
    outcome: Outcome,
    now: float,
    stats: WindowStats,
    config: BreakerConfig,
) -> BreakerState:
    leases = tuple(lease for lease in state.leases if lease.id != permit.lease)
    if leases == state.leases:  # reported before
        return state
    if outcome.result is Result.FAILURE:
        cause = _lt("A test call failed.")
        return _open(state, now, cause, outcome.retry_after, config)
    if outcome.result is Result.ABANDONED:
        abandoned = state.half_open_abandoned + 1
        if abandoned >= config.probes:
            return _open(state, now, _lt("No test call reached the app."), None, config)
        return replace(state, leases=leases, half_open_abandoned=abandoned)
    state = replace(
        state,
        leases=leases,
        half_open_successes=state.half_open_successes + 1,
        half_open_slow=state.half_open_slow + outcome.slow,
    )
    if state.half_open_successes < config.probes:
        return state
    return _probed(state, now, config)


def _probed(state: BreakerState, now: float, config: BreakerConfig) -> BreakerState:
    """As many probes have succeeded as are needed: the app is back, unless it is still
    as slow as what opens the breaker."""
    if state.half_open_slow >= config.slow_rate * state.half_open_successes:
        return _open(state, now, _lt("The test calls were slow."), None, config)
    return _enter(state, State.CLOSED, now, _lt("All test calls succeeded."))


def _open(
    state: BreakerState,
    at: float,
    cause: str,
    retry_after: float | None,
    config: BreakerConfig,
) -> BreakerState:
    """Open for ``open_seconds``, twice as long at each re-opening, and at least as long
    as the app asked.
    """
    seconds = config.open_seconds
    if state.state is State.HALF_OPEN and state.open_seconds:
        seconds = min(2 * state.open_seconds, config.max_open_seconds)
    asked = min(retry_after or 0.0, RETRY_AFTER_LIMIT)
    after = _enter(state, State.OPEN, at, cause)
    return replace(after, open_until=at + max(seconds, asked), open_seconds=seconds)


def _enter(state: BreakerState, into: State, at: float, cause: str) -> BreakerState:
    """A new epoch: nothing that was permitted before it counts any more."""
    return replace(
        state,
        state=into,
        epoch=state.epoch + 1,
        since=at,
        cause=cause,
        open_until=None,
        open_seconds=0.0 if into is State.CLOSED else state.open_seconds,
        leases=(),
        half_open_successes=0,
        half_open_slow=0,
        half_open_abandoned=0,
    )
