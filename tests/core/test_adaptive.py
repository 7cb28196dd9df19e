"""Policies follow success, but never hammer an app that is at its worst."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.retry.adaptive import adapt
from odoo.addons.pharmacy_sync.core.retry.budget import RetryBudget, spare
from odoo.addons.pharmacy_sync.core.retry.policy import Jitter, RetryPolicy

POLICY = RetryPolicy(5, 2, 30, 2, Jitter.EQUAL)
policies = st.builds(
    lambda attempts, base, more, factor: RetryPolicy(
        attempts, base, base + more, factor
    ),
    st.integers(1, 15),
    st.floats(0.01, 10),
    st.floats(0, 100),
    st.floats(1, 5),
)
outcomes = st.lists(st.booleans(), max_size=150)


def outcomes_with(successes, of=100):
    return [True] * successes + [False] * (of - successes)


def test_when_all_goes_well_retries_are_fewer_and_sooner():
    assert adapt(POLICY, outcomes_with(91)) == RetryPolicy(4, 1.6, 30, 2, Jitter.EQUAL)


def test_when_it_goes_badly_retries_are_later():
    assert adapt(POLICY, outcomes_with(49)) == RetryPolicy(5, 3, 30, 2.5, Jitter.EQUAL)


@pytest.mark.parametrize("successes", [50, 70, 90])
def test_in_between_nothing_changes(successes):
    assert adapt(POLICY, outcomes_with(successes)) == POLICY


def test_less_than_ten_samples_say_nothing():
    assert adapt(POLICY, [False] * 9) == POLICY
    assert adapt(POLICY, [False] * 10) != POLICY


def test_only_the_last_hundred_count():
    assert adapt(POLICY, [False] * 500 + [True] * 100).max_attempts == 4


@pytest.mark.parametrize(
    ("spare_retries", "attempts"), [(-5, 5), (0, 5), (1, 6), (2, 7), (50, 7)]
)
def test_more_attempts_only_inside_the_budget(spare_retries, attempts):
    adapted = adapt(POLICY, outcomes_with(40), spare_retries=spare_retries)
    assert adapted.max_attempts == attempts


def test_no_more_attempts_when_the_app_is_at_its_worst():
    assert adapt(POLICY, outcomes_with(0), spare_retries=50).max_attempts == 5
    assert adapt(POLICY, outcomes_with(40)).max_attempts == 5


@given(policies, outcomes, st.integers(-5, 50))
def test_limits_hold(policy, seen, spare_retries):
    adapted = adapt(policy, seen, spare_retries=spare_retries)
    attempts = adapted.max_attempts - policy.max_attempts
    assert -1 <= attempts <= max(0, min(2, spare_retries))
    assert adapted.max_attempts >= min(2, policy.max_attempts)
    assert adapted.max_attempts <= max(10, policy.max_attempts)
    assert policy.factor <= adapted.factor <= max(3, policy.factor)
    assert adapted.base <= adapted.cap == policy.cap
    assert adapted.jitter is policy.jitter


@given(policies, outcomes)
def test_the_more_failures_the_longer_the_waits(policy, seen):
    worse = [False] * len(seen)
    better = [True] * len(seen)
    bases = [adapt(policy, given).base for given in (better, seen, worse)]
    assert bases == sorted(bases)


@pytest.mark.parametrize(
    ("first_attempts", "retries", "left"),
    [
        (0, 0, 50),
        (0, 50, 0),
        (500, 49, 1),
        (1000, 0, 100),
        (1000, 99, 1),
        (1000, 100, 0),
        (1000, 5000, 0),
        (30_000, 2999, 1),
    ],
)
def test_the_budget_is_a_tenth_with_a_floor(first_attempts, retries, left):
    assert spare(first_attempts, retries) == left


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_spending_the_budget_ends_it(first_attempts, retries):
    left = spare(first_attempts, retries)
    assert left >= 0
    assert spare(first_attempts, retries + left) == 0
    assert retries + left <= max(retries, 50, first_attempts * 0.1)


def test_a_budget_of_other_numbers():
    budget = RetryBudget(ratio=0.5, window=60, floor_per_minute=2)
    assert spare(0, 0, budget) == 2
    assert spare(100, 10, budget) == 40
