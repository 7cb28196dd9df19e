from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.backend.places import full_name, shares

PUSHES = "root.pharmacy_sync.order_sync"


def test_one_place_of_each_channel_stays_for_others():
    capacities = {"root": 8, "root.pharmacy_sync": 4, PUSHES: 5}
    found = [("root", 7), ("root.pharmacy_sync", 3), (PUSHES, 4)]
    assert shares(PUSHES, capacities) == found


def test_the_only_place_may_be_had():
    assert shares("root.reports", {"root": 1}) == [("root", 1)]


def test_channel_without_a_number_shares_that_above_it():
    assert shares(PUSHES, {"root": 4, "root.other": 2}) == [("root", 3)]


@given(st.dictionaries(st.sampled_from(["root", "root.a", "root.a.b"]), st.integers(0)))
def test_no_channel_is_left_without_a_place_for_others(capacities):
    for name, places in shares("root.a.b", capacities):
        assert 1 <= places < max(capacities[name], 2)


def test_root_may_be_left_out_of_a_name():
    assert full_name("sub.one") == full_name("root.sub.one") == "root.sub.one"
    assert full_name("root") == "root"
