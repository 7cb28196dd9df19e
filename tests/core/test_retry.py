"""Delays: bounds and distribution of every jitter, and what Retry-After asks."""

import random
import time
from statistics import fmean

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.error.retry_after import (
    RETRY_AFTER_LIMIT,
    parse_retry_after,
)
from odoo.addons.pharmacy_sync.core.retry.policy import (
    DEFAULT_POLICIES,
    Jitter,
    RetryPolicy,
    delay,
)

policies = st.builds(
    lambda attempts, base, more, factor, jitter: RetryPolicy(
        attempts, base, base + more, factor, jitter
    ),
    st.integers(1, 20),
    st.floats(0.01, 100),
    st.floats(0, 1000),
    st.floats(1, 5),
    st.sampled_from(Jitter),
)
waits = st.integers(1, 10_000)
rngs = st.integers(0, 2**32).map(random.Random)
SAMPLES = 20_000


def drawn(policy, n, rng, previous=None):
    return sorted(delay(policy, n, rng, previous) for _ in range(SAMPLES))


def quantiles(sample):
    return [sample[len(sample) * part // 4] for part in (1, 2, 3)]


@given(policies, waits, rngs, st.none() | st.floats(0, 50_000))
def test_no_delay_exceeds_the_cap_or_is_negative(policy, n, rng, previous):
    assert 0 <= delay(policy, n, rng, previous) <= policy.cap


@given(policies, waits, rngs)
def test_bounds_of_each_jitter(policy, n, rng):
    ceiling = min(policy.cap, policy.base * policy.factor ** min(n - 1, 300))
    least, most = {
        Jitter.NONE: (ceiling, ceiling),
        Jitter.FULL: (0, ceiling),
        Jitter.EQUAL: (ceiling / 2, ceiling),
        Jitter.DECORRELATED: (policy.base, min(policy.cap, 3 * policy.base)),
    }[policy.jitter]
    assert least - 1e-9 <= delay(policy, n, rng) <= most + 1e-9


def test_without_jitter_the_delays_are_exponential_up_to_the_cap(rng):
    policy = RetryPolicy(9, 1, 10, 2, Jitter.NONE)
    assert [delay(policy, n, rng) for n in range(1, 7)] == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    ("jitter", "low", "high"), [(Jitter.FULL, 0, 8), (Jitter.EQUAL, 4, 8)]
)
def test_full_and_equal_are_uniform(jitter, low, high, rng):
    sample = drawn(RetryPolicy(9, 2, 100, 2, jitter), 3, rng)
    width = high - low
    assert sample[0] < low + 0.01 * width and sample[-1] > high - 0.01 * width
    for part, quantile in zip((0.25, 0.5, 0.75), quantiles(sample), strict=True):
        assert quantile == pytest.approx(low + part * width, abs=0.02 * width)


def test_at_the_cap_the_delays_are_still_spread(rng):
    """Jitter added after the cap would exceed it; clipped, it would not be spread."""
    for jitter, mean in ((Jitter.FULL, 5), (Jitter.EQUAL, 7.5)):
        sample = drawn(RetryPolicy(9, 1, 10, 2, jitter), 20, rng)
        assert sample[-1] <= 10
        assert fmean(sample) == pytest.approx(mean, abs=0.1)


def test_decorrelated_is_uniform_from_base_to_three_times_the_previous(rng):
    policy = RetryPolicy(9, 5, 1000, 1.5, Jitter.DECORRELATED)
    for previous, high in ((None, 15), (5, 15), (50, 150), (200, 600)):
        sample = drawn(policy, 4, rng, previous)
        width = high - 5
        assert sample[0] >= 5 and sample[-1] <= high
        for part, quantile in zip((0.25, 0.5, 0.75), quantiles(sample), strict=True):
            assert quantile == pytest.approx(5 + part * width, abs=0.02 * width)


def test_decorrelated_remembers_and_is_capped(rng):
    policy = RetryPolicy(9, 5, 60, 1.5, Jitter.DECORRELATED)
    assert max(drawn(policy, 2, rng, 5)) <= 15
    assert max(drawn(policy, 2, rng, 15)) > 40
    long_before = drawn(policy, 2, rng, 100_000)
    assert long_before[-1] == 60
    # U(5, 180) is below 60 in 55 of 175 cases.
    below = sum(wait < 60 for wait in long_before) / SAMPLES
    assert below == pytest.approx(55 / 175, abs=0.02)


@given(policies, waits, rngs, st.floats(0, 1e6))
def test_retry_after_is_waited_for_up_to_six_hours(policy, n, rng, asked):
    waited = delay(policy, n, rng, retry_after=asked)
    assert waited >= min(asked, RETRY_AFTER_LIMIT)
    assert waited <= max(policy.cap, RETRY_AFTER_LIMIT)


def test_retry_after_never_shortens(rng):
    policy = RetryPolicy(3, 10, 10, 2, Jitter.NONE)
    assert delay(policy, 1, rng, retry_after=3) == 10
    assert delay(policy, 1, rng, retry_after=30) == 30


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("network_timeout", (5, 1, 30, 2, "equal")),
        ("connection_refused", (3, 2, 10, 2, "full")),
        ("rate_limit_exceeded", (10, 5, 60, 1.5, "decorrelated")),
        ("service_unavailable", (7, 3, 45, 2, "equal")),
        ("default", (3, 1, 10, 2, "full")),
    ],
)
def test_default_policies(name, policy):
    assert DEFAULT_POLICIES[name] == RetryPolicy(*policy)
    assert set(DEFAULT_POLICIES) == {
        "default",
        "network_timeout",
        "connection_refused",
        "rate_limit_exceeded",
        "service_unavailable",
    }


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 1, 10, 2),
        (3, 0, 10, 2),
        (3, 11, 10, 2),
        (3, 1, float("inf"), 2),
        (3, 1, 10, 0.5),
    ],
)
def test_numbers_that_make_no_policy_are_refused(numbers):
    with pytest.raises(ValueError):
        RetryPolicy(*numbers)


def test_the_first_wait_is_number_one(rng):
    with pytest.raises(ValueError):
        delay(RetryPolicy(), 0, rng)


NOW = 1795334400.0  # Sunday 22 November 2026, 08:00 UTC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (0, 0),
        (" 12 ", 12),
        ("1.5", None),
        ("Sun, 22 Nov 2026 08:02:00 GMT", 120),
        ("Sunday, 22-Nov-26 08:02:00 GMT", 120),
        ("Sun Nov 22 08:02:00 2026", 120),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0),
        ("999999999", RETRY_AFTER_LIMIT),
        ("9" * 5000, RETRY_AFTER_LIMIT),
        (10**400, RETRY_AFTER_LIMIT),
        (1.5, 1.5),
        ("inf", None),
        ("Infinity", None),
        (float("inf"), None),
        ("+5", None),
        ("1e3", None),
        ("1_000", None),
        ("\u0665", None),
        (b"5", None),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_retry_after_headers(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


def test_a_date_without_a_zone_is_in_utc_wherever_the_server_stands(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        seconds = parse_retry_after("Sun Nov 22 08:02:00 2026", NOW)
    time.tzset()
    assert seconds == 120


@given(st.text() | st.floats() | st.integers())
def test_any_retry_after_is_understood_or_ignored(value):
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_LIMIT


@pytest.mark.parametrize(
    "error_type, numbers",
    [
        ("default", (3, 1, 10, 2, "full")),
        ("network_timeout", (5, 1, 30, 2, "equal")),
        ("connection_refused", (3, 2, 10, 2, "full")),
        ("rate_limit_exceeded", (10, 5, 60, 1.5, "decorrelated")),
        ("service_unavailable", (7, 3, 45, 2, "equal")),
    ],
)
def test_policies_as_they_were_asked_for(error_type, numbers):
    policy = DEFAULT_POLICIES[error_type]
    found = (policy.max_attempts, policy.base, policy.cap, policy.factor, policy.jitter)
    assert found == numbers


def test_a_policy_knows_its_jitter_by_its_name():
    assert RetryPolicy(jitter="equal").jitter is Jitter.EQUAL
    with pytest.raises(ValueError, match="jitter"):
        RetryPolicy(jitter="jittery")
