from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.analytics.health_score import (
    FIGURES,
    Vitals,
    health,
)

counts = st.integers(0, 10**9)


@st.composite
def vitals(draw):
    calls, breakers = draw(counts), draw(st.integers(0, 50))
    return Vitals(
        calls=calls,
        failed_calls=draw(st.integers(0, calls)),
        breakers=breakers,
        open_breakers=draw(st.integers(0, breakers)),
        criticals=draw(counts),
        dead_letters=draw(counts),
        conflicts=draw(counts),
        away=draw(st.booleans()),
        backlog_age=draw(st.floats(0, 1e9)),
    )


@given(vitals())
def test_score_is_between_0_and_100_and_its_parts_explain_it(figures):
    found = health(figures)
    assert 0 <= found.score <= 100
    assert abs(100 - sum(part.lost for part in found.parts) - found.score) <= 1
    assert all(0 <= part.lost <= part.weight for part in found.parts)
    lost = [part.lost for part in found.parts]
    assert lost == sorted(lost, reverse=True)


@given(
    vitals(),
    st.sampled_from(["criticals", "dead_letters", "conflicts", "backlog_age"]),
    counts,
)
def test_more_of_what_is_wrong_never_raises_the_score(figures, name, more):
    worse = replace(figures, **{name: getattr(figures, name) + more})
    assert health(worse).score <= health(figures).score


@given(
    vitals(),
    st.sampled_from([("failed_calls", "calls"), ("open_breakers", "breakers")]),
    st.data(),
)
def test_a_larger_share_never_raises_the_score(figures, names, data):
    some, whole = names
    number = data.draw(st.integers(getattr(figures, some), getattr(figures, whole)))
    worse = replace(figures, **{some: number})
    assert health(worse).score <= health(figures).score


@given(vitals(), counts)
def test_calls_that_succeed_never_lower_the_score(figures, more):
    better = replace(figures, calls=figures.calls + more)
    assert health(better).score >= health(figures).score


def test_weights_are_the_whole_score():
    assert sum(weight for __, weight, __ in FIGURES) == 100


@pytest.mark.parametrize(
    ("figures", "score", "level"),
    [
        (Vitals(), 100, "good"),
        (Vitals(calls=1000, breakers=2), 100, "good"),
        # Anything wrong shows, be it ever so small.
        (Vitals(calls=100_000, failed_calls=1), 99, "good"),
        (Vitals(calls=50, breakers=2, dead_letters=1), 99, "good"),
        (Vitals(calls=50, breakers=2, dead_letters=10), 92, "fair"),
        (Vitals(calls=50, breakers=2, conflicts=4), 94, "fair"),
        (Vitals(backlog_age=59), 99, "good"),
        (Vitals(backlog_age=60), 99, "good"),
        (Vitals(backlog_age=61), 94, "fair"),
        (Vitals(calls=50, breakers=2, away=True), 40, "poor"),
        # The app is down: its calls fail, both breakers are open.
        (Vitals(calls=9, failed_calls=9, breakers=2, open_breakers=2), 50, "fair"),
        (Vitals(9, 9, 2, 2, away=True), 40, "poor"),
        (Vitals(calls=10, failed_calls=6, breakers=2), 82, "fair"),
        (Vitals(10**6, 10**6, 2, 2, 10**6, 10**6, 10**6, 1e9), 0, "poor"),
    ],
)
def test_scores_that_people_see(figures, score, level):
    found = health(figures)
    assert (found.score, found.level) == (score, level)


@given(vitals())
def test_while_the_app_is_away_it_is_poor_and_late_is_never_good(figures):
    assert health(replace(figures, away=True)).score <= 40
    late = replace(figures, backlog_age=figures.backlog_age + 61)
    assert health(late).level != "good"


@pytest.mark.parametrize(
    ("name", "number"), [("criticals", 3), ("dead_letters", 10), ("conflicts", 3)]
)
def test_so_many_take_half_of_their_weight(name, number):
    (worst, *_) = health(Vitals(**{name: number})).parts
    assert (worst.name, worst.lost) == (name, worst.weight / 2)


def test_from_where_on_a_score_is_good():
    assert [health(Vitals(conflicts=n)).score for n in (2, 3)] == [96, 95]
    assert health(Vitals(conflicts=3)).level == "good"
    assert health(Vitals(conflicts=4)).level == "fair"


def test_worst_part_is_reported_first():
    found = health(Vitals(calls=10, failed_calls=1, criticals=3))
    assert [part.name for part in found.parts][:2] == ["criticals", "failed_calls"]


def test_that_the_app_is_away_takes_what_is_left_above_40():
    parts = {part.name: part for part in health(Vitals(away=True)).parts}
    assert (parts["away"].weight, parts["away"].lost) == (60, 60)
