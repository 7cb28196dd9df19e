from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.percent import rounded_percent


@given(st.decimals(-(10**24), 10**24, places=9))
def test_it_is_the_nearest_tenth(share):
    found = rounded_percent(share)
    assert abs(found - share) <= Decimal("0.05")
    assert found * 10 == int(found * 10)
    # A whole number has no decimals, and any other has one.
    assert -found.as_tuple().exponent == (found != int(found))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (12.5, "12.5"),
        ("12.45", "12.5"),
        ("-12.45", "-12.5"),
        ("12.449", "12.4"),
        ("99.96", "100"),
        (21.0, "21"),
        ("0.04", "0"),
    ],
)
def test_a_half_is_rounded_up(share, text):
    assert str(rounded_percent(share)) == text
