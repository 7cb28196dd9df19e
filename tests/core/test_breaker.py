"""The breaker by example, with the numbers that an administrator finds."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.call.breaker import (
    DEFAULT_CONFIG as CONFIG,
    BreakerConfig,
    BreakerState,
    Mode,
    Outcome,
    Permit,
    Rejection,
    Result,
    State,
    Transition,
    force,
    is_decisive,
    outcome,
    permit,
    record,
    tick,
)
from odoo.addons.pharmacy_sync.core.call.window import CallRecord, Window, WindowStats
from odoo.addons.pharmacy_sync.core.error.classification import (
    classify,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.exceptions import (
    CircuitBreakerOpenError,
    ResourcePoolFullError,
)
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery, ErrorType

OK = Outcome(Result.SUCCESS)
FAIL = Outcome(Result.FAILURE)
SLOW = Outcome(Result.SUCCESS, slow=True)
DROP = Outcome(Result.ABANDONED)


class Breaker:
    """A breaker with its log, as production has it."""

    def __init__(self, state=None):
        self.state = state or BreakerState()
        self.log = []
        self.history = []

    def start(self, now):
        self.state, answer = permit(self.state, now, CONFIG)
        return answer

    def finish(self, answer, how, now):
        if how.result is not Result.ABANDONED:
            failed = how.result is Result.FAILURE
            self.log.append(CallRecord(now, failed, how.slow, answer.epoch))
        stats = Window(self.log).stats(now, self.state.epoch, CONFIG.window_seconds)
        self.state, change = record(self.state, answer, how, now, stats, CONFIG)
        self.history += [change] if change else []

    def call(self, how, now):
        self.finish(self.start(now), how, now)

    @property
    def at(self):
        return self.state.state


@pytest.fixture
def breaker():
    return Breaker()


@pytest.fixture
def half_open():
    """Opened at 0; the first probe started at 60."""
    breaker = Breaker()
    for _ in range(5):
        breaker.call(FAIL, 0)
    breaker.probe = breaker.start(60)
    assert breaker.at is State.HALF_OPEN
    return breaker


# --- opening ---------------------------------------------------------------


def test_five_failures_in_a_row_open_it(breaker):
    for second in range(4):
        breaker.call(FAIL, second)
    assert breaker.at is State.CLOSED
    breaker.call(FAIL, 4)
    assert breaker.at is State.OPEN
    assert breaker.history == [
        Transition(State.CLOSED, State.OPEN, 4, "5 failures in a row.")
    ]


def test_failures_in_a_row_count_however_slowly_they_come(breaker):
    for number in range(5):
        breaker.call(FAIL, number * 1000)
    assert breaker.at is State.OPEN


def test_a_success_between_begins_the_row_anew(breaker):
    for second in range(4):
        breaker.call(FAIL, second)
    breaker.call(OK, 4)
    breaker.call(FAIL, 5)
    assert breaker.at is State.CLOSED


def test_half_of_ten_calls_open_it(breaker):
    for second in range(4):
        breaker.call(OK, second)
        breaker.call(FAIL, second)
    breaker.call(OK, 4)
    assert breaker.at is State.CLOSED
    breaker.call(FAIL, 5)
    assert breaker.at is State.OPEN
    assert breaker.state.cause == "5 of 10 calls failed."


def test_calls_older_than_the_window_are_forgotten(breaker):
    for second in range(4):
        breaker.call(OK, second)
        breaker.call(FAIL, second)
    breaker.call(OK, 350)
    breaker.call(FAIL, 351)
    assert breaker.at is State.CLOSED


def test_ten_slow_calls_open_it(breaker):
    slow = outcome(None, 20.1)
    for second in range(9):
        breaker.call(slow, second)
    assert breaker.at is State.CLOSED
    breaker.call(slow, 9)
    assert breaker.at is State.OPEN


def test_one_quick_call_among_the_slow_ones_keeps_it_closed(breaker):
    breaker.call(outcome(None, 20.0), 0)
    for second in range(20):
        breaker.call(outcome(None, 25), second)
    assert breaker.at is State.CLOSED


@pytest.mark.parametrize("hows", ["FFFFSFFFFS", "FSFSFSFSFS", "SSSSSFFFFS"])
def test_a_success_that_makes_the_calls_enough_opens_it(breaker, hows):
    for second, how in enumerate(hows[:-1]):
        breaker.call(FAIL if how == "F" else OK, second)
    assert breaker.at is State.CLOSED
    breaker.call(OK, 10)
    failed = hows.count("F") * 2 >= len(hows)
    assert breaker.at is (State.OPEN if failed else State.CLOSED)


@given(st.lists(st.sampled_from(["ok", "fail", "slow"]), max_size=40))
def test_what_is_not_decisive_changes_nothing(hows):
    breaker = Breaker()
    for second, how in enumerate(hows):
        how = {"ok": OK, "fail": FAIL, "slow": SLOW}[how]
        before, log = breaker.state, list(breaker.log)
        stats = [
            Window(calls).stats(second * 10, before.epoch, CONFIG.window_seconds)
            for calls in (
                log,
                [*log, CallRecord(second * 10, how is FAIL, how is SLOW, 0)],
            )
        ]
        if before.state is not State.CLOSED:
            return
        breaker.call(how, second * 10)
        if not all(is_decisive(how, seen, CONFIG) for seen in stats):
            assert breaker.state is before


def test_successes_write_nothing(breaker):
    before = breaker.state
    for second in range(100):
        breaker.call(OK, second)
    assert breaker.state is before


# --- what counts -----------------------------------------------------------


def test_refusals_never_open_it(breaker):
    for second in range(20):
        breaker.call(outcome(classify_response(422), 0.1), second)
    assert breaker.at is State.CLOSED


@pytest.mark.parametrize("refusal", [CircuitBreakerOpenError, ResourcePoolFullError])
def test_a_call_that_was_not_made_says_nothing_of_the_app(refusal):
    said = outcome(classify(refusal("Not now.")), 30.0)
    assert said == Outcome(Result.ABANDONED)
    breaker = Breaker()
    for second in range(2 * CONFIG.consecutive_failures):
        breaker.call(said, second)
    assert breaker.state == BreakerState()


def test_rejected_calls_are_no_failures(half_open):
    before = half_open.state
    half_open.start(60)
    half_open.start(60)
    full = half_open.state
    for _ in range(50):
        assert isinstance(half_open.start(61), Rejection)
    assert half_open.state is full
    assert half_open.state != before
    assert half_open.at is State.HALF_OPEN


def test_abandoned_calls_are_not_counted(breaker):
    for second in range(100):
        breaker.call(DROP, second)
    assert breaker.at is State.CLOSED


# --- open ------------------------------------------------------------------


def test_open_for_sixty_seconds(breaker):
    for _ in range(5):
        breaker.call(FAIL, 100)
    assert breaker.start(100) == Rejection(60, "5 failures in a row.")
    assert breaker.start(159.5).retry_after == 0.5
    assert isinstance(breaker.start(160), Permit)


def test_open_for_at_least_as_long_as_the_app_asked(breaker):
    for _ in range(4):
        breaker.call(FAIL, 0)
    breaker.call(replace(FAIL, retry_after=90), 0)
    assert breaker.state.open_until == 90
    breaker.call(replace(FAIL, retry_after=3600), 90)
    assert breaker.state.open_until == 90 + 3600


def test_a_request_for_years_is_bounded(breaker):
    for _ in range(5):
        breaker.call(replace(FAIL, retry_after=1e9), 0)
    assert breaker.state.open_until == 6 * 3600


def test_each_reopening_doubles_up_to_ten_minutes(half_open):
    half_open.finish(half_open.probe, FAIL, 60)
    lengths = [half_open.state.open_until - 60]
    for _ in range(5):
        now = half_open.state.open_until
        half_open.call(FAIL, now)
        lengths.append(half_open.state.open_until - now)
    assert lengths == [120, 240, 480, 600, 600, 600]


def test_once_closed_it_opens_for_sixty_seconds_again(half_open):
    half_open.finish(half_open.probe, FAIL, 60)
    for _ in range(3):
        half_open.call(OK, 200)
    assert half_open.at is State.CLOSED
    for _ in range(5):
        half_open.call(FAIL, 201)
    assert half_open.state.open_until == 201 + 60


# --- half-open -------------------------------------------------------------


def test_slow_probes_open_it_again(half_open):
    others = [half_open.start(60) for _ in range(2)]
    for probe in (half_open.probe, *others):
        half_open.finish(probe, SLOW, 85)
    assert half_open.at is State.OPEN
    assert half_open.state.open_until == 85 + 120
    assert "slow" in half_open.state.cause


def test_one_quick_probe_among_slow_ones_closes_it(half_open):
    others = [half_open.start(60) for _ in range(2)]
    for probe, how in zip((half_open.probe, *others), (SLOW, OK, SLOW), strict=True):
        half_open.finish(probe, how, 85)
    assert half_open.at is State.CLOSED


def test_three_probes_and_no_more(half_open):
    assert isinstance(half_open.start(60), Permit)
    assert isinstance(half_open.start(60), Permit)
    assert isinstance(half_open.start(60), Rejection)


def test_one_success_does_not_close_it(half_open):
    half_open.finish(half_open.probe, OK, 61)
    assert half_open.at is State.HALF_OPEN
    half_open.call(OK, 62)
    assert half_open.at is State.HALF_OPEN
    half_open.call(OK, 63)
    assert half_open.at is State.CLOSED


def test_a_success_leaves_only_the_missing_probes(half_open):
    half_open.finish(half_open.probe, OK, 61)
    half_open.start(61)
    half_open.start(61)
    assert isinstance(half_open.start(61), Rejection)


def test_success_failure_success_does_not_stay_half_open(half_open):
    second, third = half_open.start(60), half_open.start(60)
    half_open.finish(half_open.probe, OK, 61)
    half_open.finish(second, FAIL, 61)
    assert half_open.at is State.OPEN
    half_open.finish(third, OK, 61)
    assert half_open.at is State.OPEN
    assert half_open.state.open_until == 61 + 120


def test_a_probe_that_never_reports_has_failed(half_open):
    later, change = tick(half_open.state, 60 + CONFIG.lease_seconds, CONFIG)
    assert later.state is State.OPEN
    assert change.at == 60 + CONFIG.lease_seconds
    assert later.open_until == change.at + 120


def test_a_lease_ends_with_the_deadline_of_its_call(breaker):
    for _ in range(5):
        breaker.call(FAIL, 0)
    state, _ = permit(breaker.state, 60, CONFIG, lease_until=67)
    assert state.leases[0].expires_at == 67
    assert tick(state, 66.9, CONFIG)[0].state is State.HALF_OPEN
    assert tick(state, 67, CONFIG)[0].state is State.OPEN


def test_a_probe_that_reports_twice_counts_once(half_open):
    for _ in range(5):
        half_open.finish(half_open.probe, OK, 61)
    assert half_open.at is State.HALF_OPEN
    assert half_open.state.half_open_successes == 1


def test_a_probe_that_asked_nothing_gives_its_place_back_but_not_for_ever(half_open):
    half_open.finish(half_open.probe, DROP, 61)
    assert half_open.at is State.HALF_OPEN
    half_open.call(DROP, 61)
    half_open.call(DROP, 61)
    assert half_open.at is State.OPEN


@pytest.mark.parametrize("successes, probes", [(2, 2), (2, 1), (1, 1)])
def test_fewer_probes_are_enough_at_once(half_open, successes, probes):
    """An administrator lowers the number while the breaker is half-open."""
    half_open.finish(half_open.probe, OK, 60)
    for _ in range(successes - 1):
        half_open.call(OK, 60)
    fewer = BreakerConfig(probes=probes)
    after, leave = permit(half_open.state, 61, fewer)
    assert after.state is State.CLOSED
    assert isinstance(leave, Permit)
    assert tick(half_open.state, 61, fewer)[1].after is State.CLOSED


@given(
    st.lists(st.sampled_from([OK, FAIL, DROP, None]), max_size=6),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_no_number_of_probes_keeps_it_half_open(hows, before, after):
    config = BreakerConfig(probes=before)
    state = replace(BreakerState(), state=State.OPEN, epoch=1, open_until=0.0)
    for how in hows:
        state, leave = permit(state, 1.0, config, lease_until=5.0)
        if how and isinstance(leave, Permit):
            state, _ = record(state, leave, how, 1.0, WindowStats(), config)
    state, leave = permit(state, 2.0, BreakerConfig(probes=after), lease_until=5.0)
    assert isinstance(leave, (Permit, Rejection))
    state, _ = tick(state, 10.0, BreakerConfig(probes=after))
    assert state.state is not State.HALF_OPEN or not state.leases


def test_a_clock_that_was_wrong_does_not_shut_it_for_a_day(breaker):
    for _ in range(5):
        breaker.call(FAIL, 86_400)
    assert breaker.state.state is State.OPEN
    assert isinstance(breaker.start(86_390), Rejection)
    assert isinstance(breaker.start(100), Permit)
    # Neither do the leases of probes.
    ahead = permit(breaker.state, 86_400 + 700)[0]
    assert tick(ahead, 200)[0].state is State.OPEN
    assert tick(ahead, 200)[0].open_until <= 200 + 600


@pytest.mark.parametrize("error", [TypeError("x"), RecursionError("x")])
def test_a_fault_of_our_own_says_nothing_of_the_app(error):
    assert outcome(classify(error), 0.1).result is Result.ABANDONED
    assert outcome(classify(error, sent=True), 0.1).result is Result.ABANDONED


def test_a_late_answer_changes_nothing(breaker):
    late = [breaker.start(0) for _ in range(10)]
    for _ in range(5):
        breaker.call(FAIL, 1)
    opened = breaker.state
    for how, answer in zip([OK, FAIL] * 4, late, strict=False):
        breaker.finish(answer, how, 2)
    assert breaker.state is opened
    for _ in range(3):
        breaker.call(OK, 61)
    closed = breaker.state
    breaker.finish(late[-1], FAIL, 62)
    breaker.finish(late[-2], FAIL, 62)
    assert breaker.state is closed


def test_a_late_failure_does_not_open_whatever_the_log_says():
    alarming = WindowStats(calls=99, failures=99, consecutive_failures=99)
    state = BreakerState(epoch=4)
    assert record(state, Permit(2), FAIL, 0, alarming, CONFIG) == (state, None)


def test_after_closing_the_window_begins_anew(half_open):
    half_open.finish(half_open.probe, OK, 61)
    half_open.call(OK, 61)
    half_open.call(OK, 61)
    for _ in range(4):
        half_open.call(FAIL, 62)
    assert half_open.at is State.CLOSED


# --- by hand ---------------------------------------------------------------


def test_forced_open_lets_nothing_through_until_it_is_lifted(breaker):
    breaker.state, change = force(breaker.state, Mode.FORCED_OPEN, 5, "maintenance")
    assert change == Transition(State.CLOSED, State.OPEN, 5, "maintenance")
    assert breaker.start(10**9) == Rejection(60, "maintenance")
    breaker.state, _ = force(breaker.state, Mode.NORMAL, 10, "over")
    assert isinstance(breaker.start(10), Permit)
    assert breaker.at is State.HALF_OPEN


@pytest.mark.parametrize("mode", [Mode.DISABLED, Mode.METRICS_ONLY])
def test_disabled_and_metrics_only_never_reject(mode, half_open):
    half_open.state, _ = force(half_open.state, mode, 60, "test")
    for second in range(50):
        half_open.call(FAIL, 60 + second)
    assert isinstance(half_open.start(200), Permit)
    half_open.state, _ = force(half_open.state, Mode.NORMAL, 200, "done")
    assert half_open.at is State.CLOSED
    for _ in range(4):
        half_open.call(FAIL, 201)
    assert half_open.at is State.CLOSED


@pytest.mark.parametrize("mode", [Mode.DISABLED, Mode.METRICS_ONLY])
def test_an_open_one_that_is_disabled_lets_every_call_through(mode, breaker):
    for _ in range(5):
        breaker.call(FAIL, 0)
    assert breaker.at is State.OPEN
    breaker.state, _ = force(breaker.state, mode, 1, "test")
    assert all(isinstance(breaker.start(2), Permit) for _ in range(9))


def test_the_same_mode_again_is_no_change(half_open):
    assert force(half_open.state, Mode.NORMAL, 61) == (half_open.state, None)


# --- at random, with real times --------------------------------------------


@given(st.integers(0, 2**32))
def test_long_histories_keep_the_limits(seed):
    rng = random.Random(seed)
    breaker, now, running, probes = Breaker(), 0.0, [], []
    for _ in range(200):
        now += rng.expovariate(1 / rng.choice([0.1, 5, 60]))
        if rng.random() < 0.5:
            was = breaker.at
            answer = breaker.start(now)
            if isinstance(answer, Permit):
                running.append(answer)
                if breaker.at is State.HALF_OPEN:
                    probes = [*(probes if was is State.HALF_OPEN else ()), answer]
            else:
                assert answer.retry_after > 0
        elif running:
            how = rng.choice([OK, FAIL, FAIL, DROP, replace(FAIL, retry_after=1000)])
            breaker.finish(running.pop(rng.randrange(len(running))), how, now)
        state = breaker.state
        assert len(state.leases) + state.half_open_successes <= 3
        if state.state is State.OPEN:
            length = state.open_until - state.since
            assert state.open_seconds - 1e-6 <= length
            assert length <= max(state.open_seconds, 1000) + 1e-6
            assert state.open_seconds in (60, 120, 240, 480, 600)
        under_way = [p for p in probes if p in running and p.epoch == state.epoch]
        assert len(under_way) <= 3


@pytest.mark.parametrize(
    "failures, slow, decisive",
    [(0, 9, False), (0, 10, True), (4, 0, False), (5, 0, True), (0, 0, False)],
)
def test_a_quick_success_is_decisive_where_the_share_is_too_large(
    failures, slow, decisive
):
    stats = WindowStats(calls=10, failures=failures, slow=slow)
    assert is_decisive(Outcome(Result.SUCCESS), stats) is decisive


def test_who_is_turned_away_while_probes_are_under_way_comes_when_one_must_be_back():
    now, config = 1000.0, BreakerConfig(probes=1, lease_seconds=20)
    state = replace(BreakerState(), state=State.HALF_OPEN)
    state, answer = permit(state, now, config)
    assert isinstance(answer, Permit)
    __, answer = permit(state, now + 5, config)
    assert answer.retry_after == 15


@given(st.sampled_from(ErrorType), st.sampled_from(Delivery))
def test_only_what_never_reached_the_app_says_nothing_of_it(error_type, delivery):
    found = replace(
        classify_response(422),
        type=error_type,
        delivery=delivery,
        counts_for_breaker=False,
    )
    unheard = delivery is Delivery.NOT_SENT or (
        error_type is ErrorType.UNEXPECTED and delivery is not Delivery.ANSWERED
    )
    result = outcome(found, 1.0).result
    assert result is (Result.ABANDONED if unheard else Result.SUCCESS)
