import itertools
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.analytics.period import (
    DAY,
    FINE_STEP,
    FREQUENCIES,
    HOUR,
    Period,
    last_hour,
    last_hours,
    last_whole,
    whole_hours,
)

moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1))
days = st.dates(date(2020, 1, 1), date(2040, 1, 1))


def on_the_hour(moment):
    return (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)


@given(moments, moments)
def test_whole_hours_hold_what_was_asked_for_and_less_than_two_more(one, other):
    start, end = min(one, other), max(one, other) + timedelta(seconds=1)
    period = whole_hours(start, end)
    assert period.start <= start and end <= period.end
    assert period.length < end - start + 2 * HOUR
    assert on_the_hour(period.start) and on_the_hour(period.end)


def test_a_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="ends after"):
        whole_hours(datetime(2026, 3, 2), datetime(2026, 3, 1))


@given(moments, st.integers(1, 24 * 40))
def test_the_hour_under_way_is_the_last(now, hours):
    period = last_hours(hours, now)
    assert period.end - HOUR <= now < period.end
    assert period.length == hours * HOUR


@given(moments)
def test_the_last_hour_has_60_minutes_and_the_second_under_way(now):
    period = last_hour(now)
    assert period.length == HOUR and period.raw
    assert period.end - timedelta(seconds=1) <= now < period.end
    assert len(period.slots(period.step)) == 12


@given(moments, st.integers(1, 24 * 400))
def test_slots_are_the_period_without_gap_or_overlap(now, hours):
    period = last_hours(hours, now)
    slots = period.slots(period.step)
    assert slots[0] == period.start
    assert slots[-1] < period.end <= slots[-1] + period.step
    gaps = {later - earlier for earlier, later in itertools.pairwise(slots)}
    assert gaps <= {period.step}


@given(moments)
def test_steps_are_fine_enough_and_not_too_many(now):
    assert last_hour(now).step == FINE_STEP
    assert last_hours(7 * 24, now).step == HOUR
    assert last_hours(30 * 24, now).step == DAY


@given(moments, st.integers(1, 1000))
def test_the_period_before_touches_and_is_as_long(now, hours):
    period = last_hours(hours, now)
    before = period.before()
    assert before.end == period.start and before.length == period.length
    assert Period(before.start, period.end).length == 2 * period.length


@given(st.sampled_from(FREQUENCIES), days)
def test_a_schedule_reports_each_day_once(frequency, today):
    """What is reported on the following days follows on what was reported today."""
    first, after = last_whole(frequency, today)
    assert first < after <= today
    reported, day = (first, after), today
    for __ in range(70):
        day += DAY
        found = last_whole(frequency, day)
        assert found == reported or found[0] == reported[1]
        reported = found


@pytest.mark.parametrize(
    "frequency, first, after",
    [
        ("daily", date(2026, 2, 28), date(2026, 3, 1)),
        ("weekly", date(2026, 2, 16), date(2026, 2, 23)),
        ("monthly", date(2026, 2, 1), date(2026, 3, 1)),
    ],
)
def test_on_a_sunday_that_begins_a_month(frequency, first, after):
    assert last_whole(frequency, date(2026, 3, 1)) == (first, after)


@pytest.mark.parametrize("hours, step", [(1, HOUR), (8 * 24, HOUR), (8 * 24 + 1, DAY)])
def test_up_to_eight_days_a_trend_goes_by_hours(hours, step):
    assert last_hours(hours, datetime(2026, 3, 1, 12)).step == step
