from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.amount_change import amount_change

amounts = st.decimals(-(10**9), 10**9, places=4)


@given(amounts, amounts)
def test_the_change_leads_from_one_to_the_other(before, after):
    found = amount_change(str(before), str(after))
    if before == after:
        assert found is None
    else:
        assert before + found[0] == after
        assert (found[1] is None) == (before == 0)


@given(amounts, st.sampled_from([None, "", "many", "NaN", "Infinity"]))
def test_what_is_no_number_has_no_change(number, other):
    assert amount_change(number, other) is None
    assert amount_change(other, number) is None


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("11.20", "15.62", (Decimal("4.42"), Decimal("39.5"))),
        ("5", "8.00", (Decimal("3.00"), 60)),
        ("-2", "-3", (Decimal(-1), -50)),
        ("24", "27", (Decimal(3), Decimal("12.5"))),
        ("8", "7", (Decimal(-1), Decimal("-12.5"))),
        ("0", "2", (Decimal(2), None)),
        ("2.0", "2.000", None),
    ],
)
def test_changes_that_people_see(before, after, change):
    assert amount_change(before, after) == change
