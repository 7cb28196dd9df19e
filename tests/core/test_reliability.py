import itertools
from datetime import datetime, timedelta

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.analytics.period import Period
from odoo.addons.pharmacy_sync.core.analytics.reliability import (
    Change,
    Interval,
    mtbf,
    mttr,
    openings,
    rate,
    retry_success,
    seconds_of,
)

NOON = datetime(2026, 3, 1, 12)
# From noon to four minutes past, in seconds, so that edges are met often.
PERIOD = Period(NOON, NOON + timedelta(seconds=240))
seconds = st.integers(-120, 360)


def at(second):
    return NOON + timedelta(seconds=second)


@st.composite
def intervals(draw):
    start = draw(seconds)
    end = draw(st.none() | st.integers(start, 400))
    return Interval(at(start), None if end is None else at(end))


some = st.lists(intervals(), max_size=6)


def covered(found):
    """Seconds of the period in an interval, counted one by one."""
    return sum(
        any(i.start <= at(s) and (i.end is None or at(s) < i.end) for i in found)
        for s in range(240)
    )


@given(some)
def test_time_is_counted_once_and_within_the_period_only(found):
    assert seconds_of(found, PERIOD) == covered(found)


@given(some, st.randoms())
def test_order_of_failures_is_of_no_matter(found, random):
    shuffled = random.sample(found, len(found))
    assert seconds_of(shuffled, PERIOD) == seconds_of(found, PERIOD)
    assert mttr(shuffled, PERIOD) == mttr(found, PERIOD)
    assert mtbf(shuffled, shuffled, PERIOD) == mtbf(found, found, PERIOD)


@given(some)
def test_mttr_is_between_the_shortest_and_the_longest_that_ended(found):
    ended = [
        (i.end - i.start).total_seconds()
        for i in found
        if i.end is not None and PERIOD.start <= i.end < PERIOD.end
    ]
    mean = mttr(found, PERIOD)
    assert (mean is None) == (not ended)
    if ended:
        assert min(ended) - 1e-6 <= mean <= max(ended) + 1e-6


@given(some, some)
def test_time_up_and_time_down_are_the_period(failures, down):
    begun = sum(PERIOD.start <= failure.start < PERIOD.end for failure in failures)
    mean = mtbf(failures, down, PERIOD)
    assert (mean is None) == (not begun)
    if begun:
        total = mean * begun + seconds_of(down, PERIOD)
        assert abs(total - PERIOD.seconds) < 1e-6


@given(some, some, intervals())
def test_more_failures_or_time_down_never_raise_mtbf(failures, down, more):
    before = mtbf(failures, down, PERIOD)
    if before is not None:
        assert mtbf([*failures, more], down, PERIOD) <= before
        assert mtbf(failures, [*down, more], PERIOD) <= before


@st.composite
def histories(draw):
    """Changes within the period, oldest first."""
    times = sorted(draw(st.lists(st.integers(0, 239), max_size=8)))
    return [Change(at(second), draw(st.booleans())) for second in times]


@given(histories(), st.booleans())
def test_openings_are_what_the_history_says_at_each_second(history, was_open):
    found = openings(history, was_open, PERIOD)
    for second in range(240):
        past = [change for change in history if change.at <= at(second)]
        is_open = past[-1].open if past else was_open
        inside = [i for i in found if i.start <= at(second) < i.end]
        assert len(inside) == is_open


@given(histories(), st.booleans())
def test_openings_are_within_the_period_and_do_not_overlap(history, was_open):
    found = openings(history, was_open, PERIOD)
    for interval in found:
        assert PERIOD.start <= interval.start < interval.end <= PERIOD.end
    for one, other in itertools.pairwise(found):
        assert one.end <= other.start


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_rate_is_per_cent_of_what_there_is(some, rest):
    found = rate(some, some + rest)
    assert (found is None) == (some + rest == 0)
    if found is not None:
        assert 0 <= found <= 100
        assert abs(found - 100 * some / (some + rest)) <= 0.05 + 1e-9
    assert retry_success(some, rest) == found


def test_a_rate_has_one_decimal():
    assert [rate(some, 3) for some in range(4)] == [0.0, 33.3, 66.7, 100.0]


def test_an_outage_as_people_would_reckon_it():
    """Two failures in four minutes, one of them a minute long, a minute down."""
    minute = Interval(at(30), at(90))
    going_on = Interval(at(200))
    assert mttr([minute, going_on], PERIOD) == 60
    assert mtbf([minute, going_on], [minute], PERIOD) == (240 - 60) / 2
