"""A breaker, the calls that are under way, and a witness who knows only the laws.

``World`` is a value in a normal form: the present is time 0 and epoch 0, so that two
histories that lead to the same situation lead to equal worlds. ``step`` applies one
event, lets the witness object, and returns the next world. The witness keeps its own
books (what was permitted, what was reported, since when it is open) and never looks
into the breaker's, except to compare.
"""

from dataclasses import replace
from typing import NamedTuple

from odoo.addons.pharmacy_sync.core.call.breaker import (
    BreakerConfig,
    BreakerState,
    Mode,
    Outcome,
    Permit,
    Result,
    State,
    force,
    is_decisive,
    permit,
    record,
    tick,
)
from odoo.addons.pharmacy_sync.core.call.window import CallRecord, Window, WindowStats

OK, FAIL = Outcome(Result.SUCCESS), Outcome(Result.FAILURE)
SLOW, SLOW_FAIL = Outcome(Result.SUCCESS, True), Outcome(Result.FAILURE, True)
DROP = Outcome(Result.ABANDONED)
ASK_LATER = Outcome(Result.FAILURE, retry_after=100.0)

ALARMING = WindowStats(calls=99, failures=99, slow=99, consecutive_failures=99)

# So small that ten events reach everything.
SMALL = BreakerConfig(
    consecutive_failures=2,
    minimum_calls=3,
    window_seconds=30,
    open_seconds=40,
    max_open_seconds=60,
    probes=2,
    lease_seconds=20,
)

REPORTS = {
    "ok": OK,
    "fail": FAIL,
    "slow": SLOW,
    "slow_fail": SLOW_FAIL,
    "drop": DROP,
    "ask_later": ASK_LATER,
}
TIMES = {
    "half a lease passes": lambda config: config.lease_seconds / 2,
    "a lease passes": lambda config: config.lease_seconds,
    "the open time passes": lambda config: config.open_seconds,
}
MODES = {f"force_{mode}": mode for mode in Mode}
EVENTS = (
    "start",
    *REPORTS,
    "ok_newest",
    "fail_newest",
    "late_ok",
    "late_fail",
    *TIMES,
    *MODES,
)


class Witness(NamedTuple):
    """What the laws need to remember."""

    open_until: float | None = None
    open_for: float = 0.0
    good: int = 0  # probes of this phase that succeeded
    slow: int = 0  # of them, that took too long
    void: int = 0  # that never reached the app


class World(NamedTuple):
    state: BreakerState = BreakerState()
    running: tuple[Permit, ...] = ()  # oldest first
    # Permits of earlier epochs, and of probes that have reported: they must not count
    # (again). The log itself takes no second line for one call.
    ghosts: frozenset[Permit] = frozenset()
    log: tuple[tuple[float, bool, bool], ...] = ()  # (when, failed, slow)
    witness: Witness = Witness()


def stats(world, config):
    calls = [CallRecord(*call, world.state.epoch) for call in world.log]
    return Window(calls).stats(0.0, world.state.epoch, config.window_seconds)


def step(world: World, event: str, config: BreakerConfig = SMALL) -> World | None:
    """The world after the event; None if it cannot happen here."""
    if event == "start":
        return _start(world, config)
    if event in TIMES:
        return _pass_time(world, TIMES[event](config), config)
    if event in MODES:
        return _force(world, MODES[event], config)
    if event.startswith("late_"):
        return _late(world, OK if event == "late_ok" else FAIL, config)
    return _report(world, event, config)


def _start(world, config):
    before, witness = world.state, world.witness
    state, answer = permit(before, 0.0, config)
    granted = isinstance(answer, Permit)
    if before.mode is not Mode.NORMAL:
        assert granted is (before.mode is not Mode.FORCED_OPEN), "what was forced"
        assert state is before, "forced modes keep no books"
        return _next(world, state, answer if granted else None, witness, config)
    if before.state is State.CLOSED:
        assert granted and state is before, "closed: all goes, nothing is written"
        return _next(world, state, answer, witness, config)
    witness, live = _expire(world, config)
    if witness.open_until is not None:
        if witness.open_until > 0:
            assert not granted, "open: nothing goes through before its time"
            assert answer.retry_after == witness.open_until
            assert state.state is State.OPEN
            return _next(world, state, None, witness, config)
        assert granted, "open and over: the first call is let through"
        witness = witness._replace(open_until=None, good=0, slow=0, void=0)
        live = 0
    room = live + witness.good < config.probes
    assert granted is room, "half-open: exactly the probes that are needed"
    assert state.state is State.HALF_OPEN
    assert live + granted <= config.probes, "never more probes than allowed"
    if not granted:
        assert answer.retry_after > 0
    return _next(world, state, answer if granted else None, witness, config)


def _report(world, event, config):
    if not world.running:
        return None
    newest = event.endswith("_newest")
    if newest and len(world.running) < 2:
        return None
    who = world.running[-1 if newest else 0]
    said = REPORTS[event.removesuffix("_newest")]
    before, witness = world.state, world.witness
    if said.result is not Result.ABANDONED:
        failed = said.result is Result.FAILURE
        world = world._replace(log=(*world.log, (0.0, failed, said.slow)))
    seen = stats(world, config)
    state, change = record(before, who, said, 0.0, seen, config)
    if before.mode is not Mode.NORMAL:
        assert state is before and change is None, "forced modes follow no call"
    elif before.state is State.CLOSED:
        _judge_closed(world, said, state, seen, config)
        if state.state is State.OPEN:
            witness = _opened(config.open_seconds, said, 0.0)
    else:
        witness, _ = _expire(world, config)
        if witness.open_until is not None:
            assert state == tick(before, 0.0, config)[0], "reported after its lease"
        else:
            witness = _judge_probe(witness, said, state, config)
    assert (change is None) is (state.epoch == before.epoch)
    running = list(world.running)
    running.remove(who)
    ghosts = world.ghosts | {who} if who.lease else world.ghosts
    world = world._replace(running=tuple(running), ghosts=ghosts)
    return _next(world, state, None, witness, config)


def _judge_closed(world, said, state, seen, config):
    """The rule of opening, from the log itself."""
    recent = [call for call in world.log if call[0] > -config.window_seconds]
    tail = 0
    for _, failed, _ in reversed(world.log):
        if not failed:
            break
        tail += 1
    failures = sum(failed for _, failed, _ in recent)
    slow = sum(slow for _, _, slow in recent)
    enough = len(recent) >= config.minimum_calls
    due = tail >= config.consecutive_failures or (
        enough and (failures * 2 >= len(recent) or slow == len(recent))
    )
    counts = said.result is not Result.ABANDONED
    expected = State.OPEN if counts and due else State.CLOSED
    assert state.state is expected, f"opens by the rule and only then: {seen}"
    if expected is State.OPEN:
        assert is_decisive(said, seen, config), "what opens it is recorded"
    if expected is State.CLOSED:
        assert state is world.state, "closed: nothing changed, nothing is written"


def _judge_probe(witness, said, state, config):
    if said.result is Result.FAILURE:
        assert state.state is State.OPEN, "one probe fails: open again"
        twice = min(2 * witness.open_for, config.max_open_seconds)
        return _opened(twice or config.open_seconds, said, 0.0)
    if said.result is Result.ABANDONED:
        void = witness.void + 1
        if void == config.probes:
            assert state.state is State.OPEN, "no probe reaches the app: open again"
            twice = min(2 * witness.open_for, config.max_open_seconds)
            return _opened(twice or config.open_seconds, said, 0.0)
        assert state.state is State.HALF_OPEN
        return witness._replace(void=void)
    good, slow = witness.good + 1, witness.slow + said.slow
    if good == config.probes and slow == good:
        assert state.state is State.OPEN, "all probes are slow: open again"
        twice = min(2 * witness.open_for, config.max_open_seconds)
        return _opened(twice or config.open_seconds, None, 0.0)
    if good == config.probes:
        assert state.state is State.CLOSED, "all probes succeed: closed"
        return Witness()
    assert state.state is State.HALF_OPEN, "not all probes have succeeded yet"
    return witness._replace(good=good, slow=slow)


def _late(world, said, config):
    if not world.ghosts:
        return None
    expected = tick(world.state, 0.0, config)[0]
    witness = world.witness
    if world.state.state is State.HALF_OPEN:
        witness, _ = _expire(world, config)
    for who in world.ghosts:
        state, _ = record(world.state, who, said, 0.0, ALARMING, config)
        assert state == expected, "a late answer changes nothing"
    return _next(world, expected, None, witness, config)


def _force(world, mode, config):
    before = world.state
    state, change = force(before, mode, 0.0, "because")
    if mode is before.mode:
        assert state is before and change is None
        return None
    assert state.mode is mode and state.epoch == before.epoch + 1
    probing = mode is Mode.NORMAL and before.mode is Mode.FORCED_OPEN
    witness = Witness(open_until=0.0) if probing else Witness()
    shut = probing or mode is Mode.FORCED_OPEN
    assert state.state is (State.OPEN if shut else State.CLOSED)
    return _next(world, state, None, witness, config)


def _pass_time(world, seconds, config):
    state = _shifted(world.state, seconds)
    witness = world.witness
    if witness.open_until is not None:
        witness = witness._replace(open_until=witness.open_until - seconds)
    log = tuple((when - seconds, failed, slow) for when, failed, slow in world.log)
    world = world._replace(state=state, log=log, witness=witness)
    ticked, _ = tick(state, 0.0, config)
    assert permit(state, 0.0, config) == permit(ticked, 0.0, config), "time is lazy"
    assert tick(ticked, 0.0, config)[0] is ticked
    _never_stuck(state, config)
    return _next(world, state, None, witness, config)


def _never_stuck(state, config):
    """Whatever is not heard of any more: at last a call is let through again."""
    if state.mode is Mode.FORCED_OPEN:
        return
    much_later = 10 * config.max_open_seconds + 1000
    assert isinstance(permit(state, much_later, config)[1], Permit), "never stuck"
    if state.state is State.HALF_OPEN and state.leases:
        after, _ = tick(state, much_later, config)
        assert after.state is State.OPEN, "half-open ends with its leases"


def _expire(world, config):
    """The books once expired leases have failed: (witness, live probes)."""
    witness = world.witness
    if witness.open_until is not None:
        return witness, 0
    ends = [lease.expires_at for lease in world.state.leases]
    running = [who for who in world.running if who.epoch == world.state.epoch]
    assert len(ends) == len(running), "a lease for each probe under way, and no other"
    over = [end for end in ends if end <= 0]
    if not over:
        return witness, len(running)
    twice = min(2 * witness.open_for, config.max_open_seconds)
    return _opened(twice or config.open_seconds, None, min(over)), 0


def _opened(seconds, said, at):
    asked = said.retry_after or 0.0 if said else 0.0
    return Witness(open_until=at + max(seconds, asked), open_for=seconds)


def _shifted(state, seconds):
    leases = tuple(
        replace(lease, expires_at=lease.expires_at - seconds) for lease in state.leases
    )
    until = None if state.open_until is None else state.open_until - seconds
    return replace(state, leases=leases, open_until=until)


def _next(world, state, granted, witness, config):
    """The world in its normal form."""
    if state.state is State.OPEN and state.mode is Mode.NORMAL:
        assert state.open_until == witness.open_until, "open for as long as is due"
    running = [*world.running, granted] if granted else list(world.running)
    ghosts = {*world.ghosts, *(who for who in running if who.epoch != state.epoch)}
    running = [who for who in running if who.epoch == state.epoch]
    ids = {lease.id: number for number, lease in enumerate(state.leases, 1)}
    new = state.epoch != world.state.epoch
    return World(
        replace(
            state,
            epoch=0,
            since=0.0,
            cause="",
            open_until=None if state.open_until is None else max(0.0, state.open_until),
            leases=tuple(replace(lease, id=ids[lease.id]) for lease in state.leases),
            next_lease=len(ids) + 1,
        ),
        tuple(Permit(0, ids.get(who.lease)) for who in running),
        frozenset(
            Permit(0 if who.epoch == state.epoch else -1, who.lease and -1)
            for who in ghosts
        ),
        () if new else _kept(world.log, config),
        witness._replace(
            open_until=None
            if witness.open_until is None
            else max(0.0, witness.open_until)
        ),
    )


def _kept(log, config):
    """What of the log can still matter: the window, and the failures in a row."""
    edge = -config.window_seconds
    tail = len(log)
    while tail and log[tail - 1][1]:
        tail -= 1
    return tuple(
        (max(when, edge), failed, slow)
        for index, (when, failed, slow) in enumerate(log)
        if when > edge or index >= tail
    )
