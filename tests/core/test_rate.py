"""Who waits as long as they were asked to is let in, and nobody waits for nothing."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.api.rate_limit import WINDOW, seconds_to_wait

COUNTS = st.integers(0, 5_000)
ELAPSED = st.floats(0, WINDOW, exclude_max=True)
LIMITS = st.integers(1, 2_000)


def asked_again(before, now, elapsed, limit):
    """What is answered after some time in which no other request came."""
    if elapsed < WINDOW:
        return seconds_to_wait(before, now, elapsed, limit)
    if elapsed < 2 * WINDOW:
        return seconds_to_wait(now, 0, elapsed - WINDOW, limit)
    return seconds_to_wait(0, 0, 0, limit)


@given(COUNTS, COUNTS, ELAPSED, LIMITS)
def test_who_waited_is_let_in(before, now, elapsed, limit):
    wait = seconds_to_wait(before, now, elapsed, limit)
    assert isinstance(wait, int)
    assert 0 <= wait <= 2 * WINDOW
    assert asked_again(before, now, elapsed + wait, limit) == 0
    if wait >= 2:
        # The wait is in whole seconds, and no second more.
        assert asked_again(before, now, elapsed + wait - 1.001, limit) > 0


@given(COUNTS, ELAPSED, LIMITS)
def test_the_limit_itself_is_the_first_to_wait(before, elapsed, limit):
    assert seconds_to_wait(before, limit, elapsed, limit) > 0
    assert seconds_to_wait(0, limit - 1, elapsed, limit) == 0


@given(LIMITS)
def test_the_minute_before_counts_as_far_as_it_lies_in_the_last_minute(limit):
    assert seconds_to_wait(2 * limit, 0, 0, limit) == WINDOW / 2 + 1
    assert seconds_to_wait(2 * limit, 0, WINDOW / 2 + 0.1, limit) == 0
