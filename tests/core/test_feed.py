"""A place in a feed is a text that comes back as it went, and no other text is one."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.event.feed import Position
from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError

numbers = st.integers(0, 2**63 - 1)
ids = st.none() | st.integers(0, 2**31 - 1)


def cursor(text):
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


feeds = st.integers(1, 2**31 - 1)


@given(numbers, numbers, ids, st.none() | feeds)
def test_it_comes_back(stamp, last, after, feed):
    position = Position(stamp, last, after, feed)
    assert Position.parse(str(position)) == position
    assert Position.parse(str(position), feed) == position


@given(numbers, numbers, ids, feeds, feeds)
def test_only_the_feed_that_gave_it_takes_it(stamp, last, after, feed, asked):
    text = str(Position(stamp, last, after, feed))
    if asked == feed:
        assert Position.parse(text, asked).feed == feed
    else:
        with pytest.raises(InvalidDataError):
            Position.parse(text, asked)
    # Apps keep cursors of earlier versions, which do not say it.
    assert Position.parse(str(Position(stamp, last, after)), asked).stamp == stamp


@pytest.mark.parametrize(
    "text",
    [
        "1.-1.5.",
        "1.5.-1.",
        "1..5.",
        "1.5..",
        f"1.{2**63}.5.",
        f"1.5.{2**63}.",
        f"1.5.5.{2**31}",
        "1.5.5.-1",
        "1.5.5.-2",
        "1.05.5.",
        "2.5.5.",
        "2.-1.5.5.",
        "2..5.5.",
        "2.0.5.5.",
        "2.05.5.5.",
        "3.5.5.5.",
        "1.5.5",
        "1.a.5.",
    ],
)
def test_what_no_feed_gave_is_refused(text):
    with pytest.raises(InvalidDataError) as raised:
        Position.parse(cursor(text))
    assert raised.value.field == "cursor"


@pytest.mark.parametrize("text", ["", "ñ", "x" * 99, "====", None])
def test_nonsense_is_refused(text):
    with pytest.raises(InvalidDataError):
        Position.parse(text)


@pytest.mark.parametrize(
    "position",
    [
        Position(0, 0),
        Position(0, 0, 0),
        Position(0, 0, None, 1),
        Position(2**63 - 1, 2**63 - 1, 2**31 - 1, 2),
    ],
)
def test_the_first_and_the_last_place(position):
    assert Position.parse(str(position), position.feed) == position
