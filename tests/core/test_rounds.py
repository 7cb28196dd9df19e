"""Where a round stands, and what of it is believed, whatever the app lists."""

import functools
import hashlib
from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import SchemaMismatchError
from odoo.addons.pharmacy_sync.core.exchange.course import Course
from odoo.addons.pharmacy_sync.core.exchange.listing import Since, is_since
from odoo.addons.pharmacy_sync.core.exchange.rounds import (
    FEW,
    ImplausibleListError,
    Round,
    Step,
    check_plausible,
    checksum,
    is_round,
    shows_set_back,
    sums,
)

BEGAN = datetime(2026, 11, 29, 9, 30, 0, 250)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


COURSES = st.lists(st.text(min_size=1), unique=True, max_size=5).map(
    lambda places: functools.reduce(Course.moved, places, Course())
)


@given(st.none() | st.datetimes(), st.sampled_from(Step), st.text(), COURSES)
def test_a_place_is_read_as_it_was_written(began, step, after, course):
    place = Round(began, step, after, course)
    assert Round.parse(str(place)) == place
    assert is_round(str(place))
    assert not is_since(str(place))


@pytest.mark.parametrize(
    "cursor",
    [
        *(None, "", "17-0badcafe", "whole:", "whole:now|list|", "x whole:|list|"),
        *("whole:|sleep|", "whole:|list", "since:", str(Since("2026-11-22T08:00:00Z"))),
    ],
)
def test_the_cursor_of_another_road_is_the_beginning(cursor):
    assert Round.parse(cursor) == Round()
    assert not is_round(cursor)


@pytest.mark.parametrize("after", ["", "2", "2|x", "a b|c|d"])
def test_a_place_of_an_earlier_release_is_read(after):
    assert Round.parse(f"whole:{BEGAN.isoformat()}|list|{after}") == Round(
        BEGAN, Step.LIST, after
    )


def test_pages_that_lead_in_a_circle_are_refused_by_whoever_reads_on():
    place = Round(BEGAN)
    with pytest.raises(SchemaMismatchError, match="circle"):
        for number in range(20):
            place = Round.parse(str(place.moved(str(number % 3))))
    assert number < 10
    # Another round goes the same way.
    assert place.moved(None).ended().course == Course()


def test_a_round_goes_from_page_to_page_then_asks_then_rests():
    place = Round(BEGAN).moved("2")
    assert place == Round(BEGAN, Step.LIST, "2", Course().moved("2"))
    place = place.moved(None)
    assert place == Round(BEGAN, Step.ASK)
    assert place.next_at(60) is None
    place = place.ended()
    assert place == Round(BEGAN, Step.REST)
    assert place.next_at(60) == BEGAN + timedelta(hours=1)


@given(st.timedeltas(timedelta(days=-2), timedelta(days=2)), st.integers(1, 1440))
def test_a_round_rests_until_the_next_is_due_and_no_longer(passed, minutes):
    rests = Round(BEGAN, Step.REST).rests(BEGAN + passed, minutes)
    assert rests is (timedelta() <= passed < timedelta(minutes=minutes))
    for step in (Step.LIST, Step.ASK):
        assert not Round(BEGAN, step).rests(BEGAN + passed, minutes)
    assert not Round(None, Step.REST).rests(BEGAN, minutes)


@given(JSON, JSON)
def test_what_is_listed_alike_has_one_checksum(one, other):
    alike = repr(one) == repr(other)
    assert (checksum(one) == checksum(other)) is alike or one == other


def test_a_checksum_has_16_digits():
    assert checksum({"id": "a"}) == hashlib.sha256(b'{"id":"a"}').hexdigest()[:16]


def test_the_order_of_names_is_no_change():
    assert checksum({"a": 1, "b": 2}) == checksum({"b": 2, "a": 1})
    assert checksum({"a": 1}) != checksum({"a": True})
    assert checksum({"id": "1"}) != checksum({"id": 1})


def test_each_is_known_by_its_id_and_without_one_by_what_it_is():
    good, number, nothing = {"id": "a"}, {"id": 7}, "text"
    found = dict(sums([good, number, nothing]))
    assert found.keys() >= {"a"}
    assert len(found) == 3
    assert sum(key.startswith(" ") for key in found) == 2
    assert sums([{"id": " a"}])[0][0] != " a"


@pytest.mark.parametrize(
    ("known", "missing"),
    [(0, 0), (1, 0), (3, 2), (11, 10), (1000, 0), (1000, 500), (20, 10)],
)
def test_what_is_believed(known, missing):
    check_plausible(known, missing)


@pytest.mark.parametrize(
    ("known", "missing"), [(1, 1), (3, 3), (1000, 1000), (21, 11), (1000, 501)]
)
def test_what_is_not_believed(known, missing):
    with pytest.raises(ImplausibleListError, match=f"{missing} of {known}"):
        check_plausible(known, missing)


def test_few_are_deletions_and_many_are_none():
    assert not shows_set_back(FEW)
    assert shows_set_back(FEW + 1)
