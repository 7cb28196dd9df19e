"""Keys of lines never meet in one order, whatever comes into it."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.keys.line_keys import (
    keys_of,
    new_key,
    pair_lines,
)

IDS = st.integers(1, 30)
# What apps call lines, and keys that look like ours.
KEYS = st.one_of(
    st.sampled_from(["1", "2", "3"]),
    IDS.map(lambda number: f"odoo-{number}"),
    st.tuples(IDS, IDS).map(lambda pair: f"odoo-{pair[0]}-{pair[1]}"),
)
STORED = st.dictionaries(IDS, st.none() | KEYS, max_size=12)
LINE = st.fixed_dictionaries(
    {"product_id": st.sampled_from("abc"), "quantity": st.sampled_from("12")}
)
MATCH = (("product_id", "quantity"), ("product_id",))
LINES = st.dictionaries(st.sampled_from(["1", "2", "3", "4"]), LINE).map(
    lambda lines: {key: {"key": key, **line} for key, line in lines.items()}
)


@given(STORED)
def test_keys_of_one_order_are_unique(stored):
    keys = keys_of(stored.items())
    assert keys.keys() == stored.keys()
    assert len(set(keys.values())) == len(stored)


@given(STORED)
def test_the_key_that_an_app_gave_stays(stored):
    keys = keys_of(stored.items())
    for key in ("1", "2", "3"):
        lines = [line for line, own in stored.items() if own == key]
        if lines:
            assert keys[min(lines)] == key


@given(STORED, st.randoms())
def test_keys_do_not_depend_on_the_order_of_lines(stored, random):
    lines = list(stored.items())
    random.shuffle(lines)
    assert keys_of(lines) == keys_of(stored.items())


def test_a_line_that_came_past_odoo_goes_by_its_number():
    assert keys_of([(9, "1"), (4, "1"), (2, None)]) == {
        2: "odoo-2",
        4: "1",
        9: "odoo-9",
    }


def test_keys_of_new_lines_are_of_the_form_that_apps_take():
    keys = {new_key() for __ in range(1000)}
    assert len(keys) == 1000
    assert all(len(key) <= 100 and key.isascii() and key.isprintable() for key in keys)


@given(LINES, LINES)
def test_lines_are_paired_by_product_only(ours, theirs):
    keys = pair_lines(ours, theirs, MATCH)
    assert keys.keys() == ours.keys()
    assert len(set(keys.values())) == len(ours)
    for own, key in keys.items():
        if key in theirs:
            assert theirs[key]["product_id"] == ours[own]["product_id"]


@given(LINES, LINES)
def test_as_many_lines_are_paired_as_can_be(ours, theirs):
    keys = pair_lines(ours, theirs, MATCH)
    for product in "abc":
        counts = [
            sum(line["product_id"] == product for line in lines.values())
            for lines in (ours, theirs)
        ]
        paired = [k for k in keys.values() if k in theirs]
        assert sum(theirs[k]["product_id"] == product for k in paired) == min(counts)


def test_lines_with_the_same_number_and_another_product_are_others():
    ours = {"1": {"key": "1", "product_id": "a", "quantity": "1"}}
    theirs = {"1": {"key": "1", "product_id": "b", "quantity": "1"}}
    assert pair_lines(ours, theirs, MATCH)["1"] not in theirs
