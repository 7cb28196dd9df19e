"""All small histories of one field, and of one line, in a pair of halves."""

from itertools import product

import pytest

from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING, Merge
from odoo.addons.pharmacy_sync.core.exchange.pair import (
    Base,
    in_odoo,
    seen,
)

VALUES = (MISSING, "a", "b", "c")


def record(name, value):
    return {} if value is MISSING else {name: value}


def odoos_half(half, pharmacy, odoo, words, stored):
    if half is MISSING:
        # What the pharmacy never sent is agreed on as Odoo has it.
        return stored if odoo is words is MISSING else odoo
    if words == half and stored is not MISSING:
        return stored
    if half == pharmacy and odoo is not MISSING:
        return odoo
    stands_for_another = MISSING not in (words, stored) and words != stored
    return words if stands_for_another else half


@pytest.mark.parametrize("half", VALUES)
def test_odoos_half_of_a_field(half):
    for pharmacy, odoo, words, stored in product(VALUES, repeat=4):
        base = Base(record("f", odoo), record("f", pharmacy))
        found = base.with_pharmacy(
            record("f", half), record("f", words), record("f", stored)
        )
        case = (half, pharmacy, odoo, words, stored)
        unknown = half is odoo is stored is MISSING
        wanted = MISSING if unknown else odoos_half(*case)
        assert found.odoo == record("f", wanted), case
        assert found.pharmacy == record("f", half)


LINES = ([], [{"key": "k"}], [{"key": "k", "f": "a"}], [{"key": "k", "f": "b"}])
# A line that each side has otherwise.
BESIDE = [[{"key": "z", "f": value}] for value in (1, 1, 2, 1, 2)]


def without_beside(lines):
    return [line for line in lines if line["key"] != "z"]


def halves_with(half, pharmacy, odoo, words, stored):
    base = Base(record("lines", odoo), record("lines", pharmacy))
    now = [record("lines", side) for side in (half, words, stored)]
    return base.with_pharmacy(*now).odoo["lines"]


@pytest.mark.parametrize("read", [True, False])
def test_what_becomes_of_a_line_is_not_up_to_the_line_beside_it(read):
    for sides in product(LINES, repeat=5 if read else 3):
        one, two = [], []
        for side, beside in zip(sides, BESIDE, strict=False):
            one.append(side)
            two.append([*side, *beside])
        unread = [] if read else [MISSING] * 2
        assert halves_with(*one, *unread) == without_beside(
            halves_with(*two, *unread)
        ), sides


def test_the_very_half_leaves_odoos_lines_but_for_what_it_never_had():
    lines = [{"key": "k", "f": "a", "g": "b"}]
    base = Base({"lines": [{"key": "k", "f": "c"}]}, {"lines": lines})
    found = base.with_pharmacy({"lines": lines})
    assert found.odoo == {"lines": [{"key": "k", "f": "c", "g": "b"}]}


def test_a_line_that_the_pharmacy_removed_is_odoos_with_what_the_pharmacy_had_of_it():
    had, kept = [{"key": "k", "f": "a", "g": 1}], [{"key": "k", "f": "b", "g": 1}]
    assert halves_with([], had, kept, had, kept) == [{"key": "k", "f": "a"}]


def word(value, odoo, had, now, held):
    if value == now:
        return now
    if value == odoo and now in (MISSING, had):
        return had
    if now is not MISSING and value == held(now):
        return now
    if value == odoo or (had is not MISSING and value == held(had)):
        return had
    return odoo if odoo is not MISSING and value == held(odoo) else value


@pytest.mark.parametrize("value", VALUES[1:])
@pytest.mark.parametrize("rounded", [{}, {"b": "a"}, {"b": "a", "c": "a"}])
def test_odoos_value_in_the_pharmacys_words(value, rounded):
    def held(one):
        return rounded.get(one, one)

    for odoo, had, now in product(VALUES, repeat=3):
        base = Base(record("f", odoo), record("f", had))
        said = seen(base, {"f": value}, record("f", now), lambda __, one: held(one))
        case = (odoo, had, now)
        assert said == record("f", word(value, *case, held)), case


def test_the_words_of_a_line_are_not_up_to_the_line_beside_it():
    beside = [{"key": "z", "f": 1}]
    other = [{"key": "z", "f": 2}]
    for value, odoo, had, now in product(LINES, repeat=4):
        base = Base({"lines": odoo}, {"lines": had})
        one = seen(base, {"lines": value}, {"lines": now})
        base = Base({"lines": odoo + other}, {"lines": had + beside})
        two = seen(base, {"lines": value + other}, {"lines": now + beside})
        assert one["lines"] == without_beside(two["lines"]), (value, odoo, had, now)


def test_a_line_that_odoo_has_is_written_once():
    line = {"key": "k", "f": "a"}
    merge = Merge(to_odoo={"lines": [line]}, to_pharmacy={}, conflicts={}, agreed={})
    for words in ({}, {"lines": []}, {"lines": [line]}):
        odoo = {"lines": [{"key": "k", "f": "b", "g": 1}, {"key": "l"}]}
        written = in_odoo(merge, words, odoo)["lines"]
        assert [found["key"] for found in written] == ["k", "l"]
