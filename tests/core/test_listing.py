"""How far a list was read by time, whatever the app's clock, pages and texts are."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import SchemaMismatchError
from odoo.addons.pharmacy_sync.core.exchange.listing import (
    Since,
    http_time,
    is_news,
    is_since,
    settled_at,
)

T = "2026-11-22T08:%02d:00Z"
TIMES = st.integers(0, 59).map(lambda minute: T % minute)
KNOWN = {"version": 3, "in_part": False, "deleted": False, "epoch": 1}


def record(at):
    return {"id": "a", "updated_at": at}


@given(TIMES, TIMES, TIMES, st.text(min_size=1))
def test_a_place_is_read_as_it_was_written(upto, latest, began, after):
    for place in (Since(), Since(upto), Since(upto, latest, began, after)):
        assert Since.parse(str(place)) == place
        assert is_since(str(place))


@given(TIMES, st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=9))
def test_a_page_is_read_as_it_was_written(upto, pages):
    place = Since(upto)
    for after in pages:
        place = place.moved([record(T % 20)], after, [T % 30])
        assert Since.parse(str(place)) == place
    assert place.course != Since().course


@pytest.mark.parametrize("after", ["2", "2|x", "a b|c|d"])
def test_a_place_of_an_earlier_release_is_read(after):
    times = (T % 10, T % 20, T % 30)
    assert Since.parse("since:" + "|".join((*times, after))) == Since(*times, after)


def test_pages_that_lead_in_a_circle_are_refused_by_whoever_reads_on():
    place, read = Since(T % 10), 0
    with pytest.raises(SchemaMismatchError, match="circle"):
        for read in range(20):
            moved = place.moved([record(T % 20)], str(read % 3), [T % 30])
            place = Since.parse(str(moved))
    assert read < 10


@pytest.mark.parametrize(
    "cursor",
    [
        *(
            None,
            "",
            "17-0badcafe",
            "since:now",
            "x since:2026-11-22T08:00:00Z",
        ),
        *("since:2026-11-22", "since:2026-11-22T08:00:00Z|", "since:a|b|c|d"),
    ],
)
def test_the_cursor_of_another_road_is_the_beginning(cursor):
    assert Since.parse(cursor) == Since()
    assert not is_since(cursor)


def test_what_is_asked_for_overlaps():
    assert Since().asked is None
    assert Since(T % 30).asked == T % 20
    assert Since("0001-01-01T00:00:00Z").asked is None


def test_a_round_of_pages():
    place = Since(T % 10).moved([record(T % 20)], "2", [T % 30])
    # What changes on the first page while the second is read comes with the next round.
    place = place.moved([record(T % 50)], None, [T % 59])
    assert place == Since(T % 30)


@given(TIMES, st.lists(TIMES, min_size=1), st.lists(TIMES, min_size=1, max_size=2))
def test_nothing_is_skipped_by_any_clock(upto, times, clock):
    place = Since(upto).moved(map(record, times), None, clock)
    assert place.upto <= min(clock)
    assert place.upto <= max(*times, upto)
    assert place.upto == min([max(*times, upto), *clock])


def test_a_quiet_app_stands_where_it_stood():
    assert Since(T % 10).moved([], None, [T % 30]) == Since(T % 10)
    assert Since().moved([], None, [T % 30]) == Since()


def test_times_in_any_zone_or_none():
    times = ("2026-11-22T03:20:00-05:00", "2026-11-22T08:15:00", "nonsense", None)
    place = Since().moved(map(record, times), None, [T % 30])
    assert place == Since(T % 20)


def test_records_without_times_are_refused():
    assert Since().moved([{"id": "a"}], None, [T % 30]) == Since()
    with pytest.raises(SchemaMismatchError):
        Since().moved([{"id": "a"}, "b"], None, [T % 30])


def test_a_time_is_a_version_once_its_second_is_over():
    found = [record(T % 29), record("2026-11-22T08:29:59Z"), record(T % 30)]
    assert settled_at(found, "2026-11-22T08:30:01Z") == found[:2]
    assert settled_at(found, "2026-11-22T08:30:02Z") == found


def test_the_time_of_an_answer():
    assert http_time("Sun, 22 Nov 2026 08:00:00 GMT") == T % 0
    assert http_time("22.11.2026") is None
    assert http_time(None) is None


@pytest.mark.parametrize(
    ("known", "version", "deleted", "news"),
    [
        (None, 1, False, True),
        (KNOWN, 3, False, False),
        (KNOWN, 2, False, False),
        (KNOWN, 4, False, True),
        (KNOWN, 3, True, True),
        ({**KNOWN, "deleted": True}, 3, True, False),
        ({**KNOWN, "in_part": True}, 3, False, True),
        ({**KNOWN, "epoch": 0}, 2, False, True),
        (KNOWN, None, False, True),
        (KNOWN, "3", False, True),
    ],
)
def test_what_is_news(known, version, deleted, news):
    assert is_news(known, version, deleted, 1) is news
