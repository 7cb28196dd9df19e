"""A place in a feed is a text that comes back as it went, and no other text is one."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError
from odoo.addons.pharmacy_sync.core.feed import Position

numbers = st.integers(0, 2**63 - 1)
ids = st.none() | st.integers(0, 2**31 - 1)


def cursor(text):
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(numbers, numbers, ids)
def test_it_comes_back(stamp, last, after):
    position = Position(stamp, last, after)
    assert Position.parse(str(position)) == position


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
