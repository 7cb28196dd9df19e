"""What a person is shown of two sides is what the merge would do."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.comparison import (
    Effect,
    differences,
    leaves,
    with_leaf,
)
from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING, three_way


def line(key, **values):
    return {"key": key, "description": "Gauze", "quantity": "1.00", **values}


BASE = {"notes": "n", "state": "draft", "lines": [line("a"), line("b")]}


def compare(odoo, pharmacy, base=BASE):
    conflicts = three_way(base, odoo, pharmacy).conflicts
    return {
        difference.path: (difference.effect, difference.odoo, difference.pharmacy)
        for difference in differences(base, odoo, pharmacy, conflicts)
    }


def test_equal_sides_show_nothing():
    assert compare(BASE, BASE) == {}


def test_a_value_goes_to_the_side_that_did_not_change_it():
    assert compare({**BASE, "notes": "o"}, {**BASE, "state": "sent"}) == {
        "notes": (Effect.TO_PHARMACY, "o", "n"),
        "state": (Effect.TO_ODOO, "draft", "sent"),
    }


def test_what_both_changed_is_a_conflict():
    found = compare({**BASE, "notes": "o"}, {**BASE, "notes": "p"})
    assert found == {"notes": (Effect.CONFLICT, "o", "p")}


def test_a_field_of_a_line_has_the_path_of_its_key():
    odoo = {**BASE, "lines": [line("a", quantity="5.00"), line("b")]}
    found = compare(odoo, BASE)
    assert found == {"lines[a].quantity": (Effect.TO_PHARMACY, "5.00", "1.00")}


def test_a_line_of_one_side_is_one_difference():
    odoo = {**BASE, "lines": [line("a"), line("b"), line("c")]}
    added = {"description": "Gauze", "quantity": "1.00"}
    assert compare(odoo, BASE) == {"lines[c]": (Effect.TO_PHARMACY, added, MISSING)}
    assert compare(BASE, odoo) == {"lines[c]": (Effect.TO_ODOO, MISSING, added)}


def test_what_the_pharmacy_does_not_say_it_has_as_agreed():
    assert compare({**BASE, "notes": "o"}, {"state": "draft"}) == {
        "notes": (Effect.TO_PHARMACY, "o", "n")
    }


def test_a_new_record_is_sent_whole():
    assert compare({"notes": "n"}, {}, base={}) == {
        "notes": (Effect.TO_PHARMACY, "n", MISSING)
    }


VALUES = st.sampled_from(["x", "y", None])
LINES = st.lists(
    st.builds(
        lambda key, value: {"key": key, "q": value}, st.sampled_from("abc"), VALUES
    ),
    unique_by=lambda entry: entry["key"],
)
RECORDS = st.fixed_dictionaries({"n": VALUES, "m": VALUES, "lines": LINES})


@given(RECORDS, RECORDS, RECORDS)
def test_it_shows_what_the_merge_does(base, odoo, pharmacy):
    merge = three_way(base, odoo, pharmacy)
    found = differences(base, odoo, pharmacy, merge.conflicts)
    for name in ("n", "m"):
        shown = {d.effect for d in found if d.path == name}
        expected = {
            effect
            for effect, names in (
                (Effect.TO_ODOO, merge.to_odoo),
                (Effect.TO_PHARMACY, merge.to_pharmacy),
                (Effect.CONFLICT, merge.conflicts),
            )
            if name in names
        }
        assert shown == expected
    shown = {d.effect for d in found if d.path.startswith("lines[")}
    assert (Effect.TO_ODOO in shown) == ("lines" in merge.to_odoo)
    assert (Effect.TO_PHARMACY in shown) == ("lines" in merge.to_pharmacy)


RECORD = {"notes": "n", "lines": [line("a"), line("b")], "tags": ["x"], "at": {"u": 1}}


def test_leaves_have_paths():
    assert dict(leaves(RECORD)) == {
        "notes": "n",
        "lines[0].key": "a",
        "lines[0].description": "Gauze",
        "lines[0].quantity": "1.00",
        "lines[1].key": "b",
        "lines[1].description": "Gauze",
        "lines[1].quantity": "1.00",
        "tags[0]": "x",
        "at.u": 1,
    }


@given(st.sampled_from([path for path, __ in leaves(RECORD)]))
def test_a_leaf_is_replaced_and_nothing_else(path):
    before = dict(leaves(RECORD))
    after = with_leaf(RECORD, path, "other")
    assert dict(leaves(after)) == {**before, path: "other"}
    assert dict(leaves(RECORD)) == before


def test_an_absent_field_is_added():
    assert with_leaf({}, "notes", "n") == {"notes": "n"}


@pytest.mark.parametrize("path", ["lines[7].quantity", "notes.x.y", "nowhere[0].x"])
def test_a_path_outside_the_record_is_an_error(path):
    with pytest.raises(KeyError):
        with_leaf(RECORD, path, "x")
