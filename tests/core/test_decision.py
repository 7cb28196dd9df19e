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
        "fallback_available": st.booleans(),
        "budget_left": st.booleans(),
        "deadline_left": st.booleans(),
    }
)


@given(failures, situations)
def test_critical_and_security_alert_at_once(found, situation):
    urgent = found.severity is Severity.CRITICAL or found.category is Category.SECURITY
    assert decide(found, **situation).alert_now is urgent


@given(failures, situations)
def test_corrupt_data_is_dead_with_its_raw_payload(found, situation):
    decision = decide(found, **situation)
    corrupt = found.category is Category.DATA_CORRUPTION
    assert decision.keep_raw_payload is corrupt
    if corrupt:
        assert decision.verdict is Verdict.DEAD


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
def test_a_read_falls_back_before_it_dies(found, situation):
    decision = decide(found, **{**situation, "attempts_left": 0})
    falls_back = found.recoverable and situation["fallback_available"]
    urgent = decision.alert_now
    if falls_back and not urgent:
        assert decision.verdict is Verdict.FALL_BACK
    else:
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
    assert not decision.alert_now
