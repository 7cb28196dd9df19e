"""The decision table: what is done about a failed attempt."""

from dataclasses import replace
from itertools import product
from random import Random

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.error.classification import (
    _classification as build,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.retry.decision import (
    After,
    Standing,
    Verdict,
    decide,
    next_attempt,
)
from odoo.addons.pharmacy_sync.core.retry.policy import Jitter, RetryPolicy
from odoo.addons.pharmacy_sync.core.taxonomy import (
    Category,
    Delivery,
    ErrorType,
    Severity,
)


def failure(error_type):
    return build(error_type, 1.0, Delivery.ANSWERED, None, None, None, "x")


failures = st.sampled_from(ErrorType).map(failure)
situations = st.fixed_dictionaries(
    {
        "attempts_left": st.integers(0, 10),
        "breaker_open": st.booleans(),
        "budget_left": st.booleans(),
        "deadline_left": st.booleans(),
    }
)


@given(failures, situations)
def test_what_is_corrupt_critical_or_a_matter_of_security_is_dead(found, situation):
    urgent = found.severity is Severity.CRITICAL or found.category is Category.SECURITY
    if found.category is Category.DATA_CORRUPTION or (urgent and not found.retryable):
        assert decide(found, **situation).verdict is Verdict.DEAD


@given(failures, situations)
def test_only_what_may_succeed_later_is_retried_or_parked(found, situation):
    decision = decide(found, **situation)
    possible = (
        found.retryable and situation["attempts_left"] and situation["deadline_left"]
    )
    later = decision.verdict in (Verdict.RETRY, Verdict.PARK)
    assert later is bool(possible)


@given(failures, situations)
def test_nothing_is_sent_to_an_open_breaker_or_past_the_budget(found, situation):
    decision = decide(found, **situation)
    if situation["breaker_open"] or not situation["budget_left"]:
        assert decision.verdict is not Verdict.RETRY


@given(failures, situations)
def test_without_attempts_it_is_dead_and_says_why(found, situation):
    decision = decide(found, **{**situation, "attempts_left": 0})
    assert decision.verdict is Verdict.DEAD
    assert decision.reason


def test_a_503_is_retried_parked_and_at_last_dead():
    found = classify_response(503)
    assert decide(found, attempts_left=1).verdict is Verdict.RETRY
    assert decide(found, attempts_left=1, breaker_open=True).verdict is Verdict.PARK
    assert decide(found, attempts_left=1, budget_left=False).verdict is Verdict.PARK
    assert decide(found, attempts_left=0, breaker_open=True).verdict is Verdict.DEAD


def test_a_422_is_dead_at_once():
    decision = decide(classify_response(422), attempts_left=5)
    assert decision.verdict is Verdict.DEAD
    assert decision.reason == "A retry alone will not help: mend the cause first."


def test_a_refused_key_is_critical():
    decision = decide(classify_response(401), attempts_left=5)
    assert decision.verdict is Verdict.DEAD
    assert decision.reason == "Critical: a retry alone will not help."


# --- what follows, for whatever kind of work ---------------------------------

POLICY = RetryPolicy(3, 2, 60, 2, Jitter.NONE)
BOTH = (False, True)
STANDINGS = [
    Standing(attempts, last, away, budget, 7.0, in_time, revivals)
    for attempts, last, away, budget, in_time, revivals in product(
        range(1, 7), (None, 50.0), BOTH, BOTH, BOTH, range(3)
    )
]
FAILURES = [failure(error_type) for error_type in ErrorType]


def each(law):
    """Hold a law against every failure there is, however the work stands."""

    def test():
        for found, standing in product(FAILURES, STANDINGS):
            law(found, standing)

    return test


def follows(found, standing):
    return next_attempt(found, POLICY, standing, Random(1))


@each
def test_what_waits_has_a_time_and_what_ended_has_none(found, standing):
    for after in (follows(found, standing), follows(None, standing)):
        assert (after.seconds > 0) == (after.state is not After.DEAD)
        assert not after.revive or after.state is After.PARKED


@each
def test_what_speaks_of_the_app_costs_no_attempt_while_the_breaker_is_open(
    found, standing
):
    free = standing.breaker_open and found.counts_for_breaker
    assert follows(found, standing).attempts == standing.attempts - free


@each
def test_what_the_absence_of_the_app_cost_is_not_given_up(found, standing):
    after = follows(found, standing)
    if after.state is After.DEAD and found.counts_for_breaker and standing.in_time:
        assert not standing.breaker_open and not standing.revivals_left


@each
def test_what_fails_by_itself_does_not_wait_for_the_app(found, standing):
    if not found.counts_for_breaker:
        assert not follows(found, standing).revive


@each
def test_what_is_parked_waits_for_what_holds_it(found, standing):
    after = follows(found, standing)
    if after.state is After.PARKED:
        held = standing.breaker_open or not standing.budget_left
        assert held or after.revive
        assert after.seconds == standing.park_seconds


def test_the_wait_grows_and_ends_with_the_attempts():
    timeout = failure(ErrorType.NETWORK_TIMEOUT)
    afters = [follows(timeout, Standing(n)) for n in (1, 2, 3)]
    assert [after.seconds for after in afters] == [2, 4, 0]
    assert [after.state for after in afters] == [
        After.WAITING,
        After.WAITING,
        After.DEAD,
    ]


def test_where_any_failure_may_pass_only_attempts_count():
    assert follows(None, Standing(2)).state is After.WAITING
    assert follows(None, Standing(3)).state is After.DEAD
    assert follows(None, Standing(3, revivals_left=1)).state is After.DEAD


def test_the_app_says_how_long():
    limited = replace(failure(ErrorType.RATE_LIMIT_EXCEEDED), retry_after=30.0)
    after = follows(limited, Standing(1))
    assert (after.seconds, after.asked) == (30.0, True)
    assert not follows(replace(limited, retry_after=1.0), Standing(1)).asked


def test_it_says_why_it_is_given_up():
    outage = failure(ErrorType.SERVICE_UNAVAILABLE)
    for left, in_time, why in (
        (0, True, "attempts"),
        (0, False, "time is used up"),
        (5, False, "time is used up"),
    ):
        decision = decide(outage, attempts_left=left, deadline_left=in_time)
        assert decision.verdict is Verdict.DEAD
        assert why in decision.reason.lower()
    wrong = failure(ErrorType.DATA_VALIDATION_FAILED)
    for in_time in BOTH:
        decision = decide(wrong, attempts_left=5, deadline_left=in_time)
        assert "mend the cause" in decision.reason
