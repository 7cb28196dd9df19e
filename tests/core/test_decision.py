"""The decision table: what is done about a failed attempt."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.classification import (
    _classification as build,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.decision import Verdict, decide
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
    assert decision.costs_attempt is (decision.verdict is not Verdict.PARK)


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
    assert decision.reason == "Trying again cannot help."
