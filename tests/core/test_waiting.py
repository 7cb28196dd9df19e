"""When waiting is over, also if a clock was wrong."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.retry.moments import (
    AHEAD,
    DEAD_WAIT,
    FURTHEST,
    PASSING_WAIT,
    has_come,
    rests,
)

NOW = datetime(2026, 11, 30, 12)
spans = st.timedeltas(timedelta(), FURTHEST - timedelta(seconds=1))


@given(spans, spans)
def test_it_waits_until_its_time(wait, gone):
    written = NOW - gone
    assert has_come(written + wait, written, NOW, NOW) == (wait <= gone)


@pytest.mark.parametrize("eta", [None, False])
def test_what_does_not_wait_is_due(eta):
    assert has_come(eta, NOW, NOW, NOW)


@given(st.timedeltas(AHEAD, timedelta(days=400)), spans)
def test_a_clock_that_was_ahead_holds_up_nothing(ahead, wait):
    written = NOW + ahead + timedelta(seconds=1)
    assert has_come(written + wait, written, NOW, NOW)


def test_nothing_waits_longer_than_an_app_may_ask_for():
    assert has_come(NOW + timedelta(days=9), NOW - FURTHEST, NOW, NOW)
    assert not has_come(NOW + timedelta(days=9), NOW - FURTHEST + AHEAD, NOW, NOW)


def test_the_clocks_of_two_machines_may_differ():
    """The database's is an hour ahead of this server's, all the time."""
    clock = NOW + timedelta(hours=1)
    assert not has_come(NOW + timedelta(minutes=5), clock, NOW, clock)


@given(st.timedeltas(timedelta(), timedelta(days=9)), st.booleans())
def test_a_dead_reading_rests_for_a_part_of_the_time_that_it_has_failed(age, passes):
    begun = NOW - age
    wait = min(age / 10, PASSING_WAIT) if passes else DEAD_WAIT
    assert not rests(begun, NOW, NOW + wait, passes)
    if wait:
        assert rests(begun, NOW, NOW + wait - timedelta.resolution, passes)
    assert not rests(begun, NOW + timedelta(days=7), NOW, passes)
