"""Three-way merge: what a person wrote on either side is never lost, never invented."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import (
    MISSING,
    FieldConflict,
    Merge,
    Side,
    three_way,
)
from odoo.addons.pharmacy_sync.core.conflict.merge_base import (
    advance,
    confirm,
    first_base,
    new_base,
    settle,
)
from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError

# --- examples --------------------------------------------------------------


def line(key, **values):
    return {"key": key, "quantity": "1.00", "price": "2.00", **values}


BASE = {"notes": "n", "state": "draft", "lines": [line("a"), line("b")]}


def changed(**values):
    return {**BASE, **values}


def test_nothing_changed():
    assert three_way(BASE, BASE, BASE) == Merge({}, {}, {}, BASE)


def test_each_side_changed_another_field():
    merge = three_way(BASE, changed(notes="o"), changed(state="sent"))
    assert merge.to_odoo == {"state": "sent"}
    assert merge.to_pharmacy == {"notes": "o"}
    assert not merge.conflicts


def test_both_changed_the_same_field_alike():
    merge = three_way(BASE, changed(notes="x"), changed(notes="x"))
    assert merge == Merge({}, {}, {}, changed(notes="x"))


def test_both_changed_the_same_field_differently():
    merge = three_way(BASE, changed(notes="o"), changed(notes="p", state="sent"))
    assert merge.conflicts == {"notes": FieldConflict("n", "o", "p")}
    assert merge.to_odoo == {"state": "sent"}
    assert merge.to_pharmacy == {}


def test_of_values_that_are_equal_by_a_rule_the_pharmacys_is_agreed():
    def equal(path, one, other):
        return path == "total"

    sides = {"total": "9.99"}, {"total": "10.00"}
    assert three_way(None, *sides, equal=equal).agreed == {"total": "10.00"}


def test_what_the_pharmacy_never_had_stays_as_odoo_has_it():
    assert three_way({"o": 1}, {"o": 1}, {}).agreed == {"o": 1}


def test_a_record_just_matched():
    merge = three_way(None, {"a": 1, "b": 1, "o": 1}, {"a": 1, "b": 2, "p": 1})
    assert merge.agreed == {"a": 1}
    assert merge.conflicts == {"b": FieldConflict(MISSING, 1, 2)}
    assert merge.to_odoo == {"p": 1}
    assert merge.to_pharmacy == {"o": 1}


def test_what_the_pharmacy_does_not_say_is_unchanged_there():
    merge = three_way(BASE, changed(notes="o"), {"state": "sent"})
    assert merge.to_pharmacy == {"notes": "o"}
    assert merge.to_odoo == {"state": "sent"}


def test_null_is_a_value_and_not_silence():
    assert three_way(BASE, BASE, changed(notes=None)).to_odoo == {"notes": None}


def test_amounts_within_the_rounding_agree():
    def equal(field, one, other):
        if field in ("total", "lines.price"):
            return abs(float(one) - float(other)) < 0.01
        return one == other

    base = {"total": "10.00", "lines": [line("a")]}
    odoo = {"total": "12.001", "lines": [line("a", price="2.004")]}
    pharmacy = {"total": "12.00", "lines": [line("a", price="2.001")]}
    merge = three_way(base, odoo, pharmacy, equal=equal)
    assert not (merge.to_odoo or merge.to_pharmacy or merge.conflicts)
    assert new_base(base, odoo, pharmacy, merge, equal=equal)["total"] == "12.00"
    assert three_way(base, odoo, pharmacy).conflicts


def test_lines_added_on_either_side_are_kept():
    merge = three_way(
        BASE,
        changed(lines=[line("a"), line("b"), line("o")]),
        changed(lines=[line("p"), line("a"), line("b")]),
    )
    both = [line("p"), line("a"), line("b"), line("o")]
    assert merge.to_odoo == merge.to_pharmacy == {"lines": both}


def test_a_line_removed_on_one_side_and_untouched_on_the_other_goes():
    merge = three_way(BASE, changed(lines=[line("a")]), BASE)
    assert merge.to_pharmacy == {"lines": [line("a")]}
    assert three_way(BASE, BASE, changed(lines=[])).to_odoo == {"lines": []}


def test_a_line_removed_on_one_side_and_changed_on_the_other_is_a_conflict():
    edited = line("b", quantity="9.00")
    merge = three_way(
        BASE, changed(lines=[line("a")]), changed(lines=[line("a"), edited])
    )
    assert merge.conflicts == {"lines[b]": FieldConflict(line("b"), MISSING, edited)}
    assert not (merge.to_odoo or merge.to_pharmacy)


def test_fields_of_one_line_merge_by_themselves():
    merge = three_way(
        BASE,
        changed(lines=[line("a", quantity="5.00", price="3.00"), line("b")]),
        changed(lines=[line("a", quantity="6.00"), line("b", price="7.00")]),
    )
    assert merge.conflicts == {
        "lines[a].quantity": FieldConflict("1.00", "5.00", "6.00")
    }
    assert merge.to_odoo["lines"] == [
        line("a", quantity="5.00", price="3.00"),
        line("b", price="7.00"),
    ]
    assert merge.to_pharmacy["lines"] == [
        line("a", quantity="6.00", price="3.00"),
        line("b", price="7.00"),
    ]


def test_the_order_of_lines_is_no_difference():
    turned = changed(lines=BASE["lines"][::-1])
    merge = three_way(BASE, turned, BASE)
    assert not (merge.to_odoo or merge.to_pharmacy or merge.conflicts)


def test_lines_that_say_only_a_part_keep_the_rest():
    merge = three_way(
        BASE,
        changed(lines=[line("a", quantity="5.00"), line("b")]),
        {"lines": [{"key": "a", "price": "3.00"}, {"key": "b"}]},
    )
    whole = [line("a", quantity="5.00", price="3.00"), line("b")]
    assert merge.to_odoo == merge.to_pharmacy == {"lines": whole}


def test_other_lists_are_plain_values():
    base = {"tags": [{"key": "a"}], "items": [{"key": "a"}]}
    odoo = {"tags": [{"key": "b"}], "items": [{"key": "b"}]}
    merge = three_way(base, odoo, base, keyed=("items",))
    assert merge.to_pharmacy == odoo
    assert three_way(base, odoo, {"tags": []}).conflicts.keys() == {"tags"}


@pytest.mark.parametrize(
    "lines",
    [
        [{"quantity": 1}],
        [line("a"), line("a")],
        "ab",
        5,
        {"a": 1},
        ["a"],
        [None],
        [{"key": ["a"]}],
        [{"key": 7}],
    ],
)
def test_lines_without_keys_of_their_own_are_refused(lines):
    with pytest.raises(InvalidDataError) as refused:
        three_way(BASE, BASE, changed(lines=lines))
    assert refused.value.field.startswith("lines")


def test_an_open_conflict_survives_the_push_of_its_neighbours():
    """The list is sent whole, with the pharmacy's value of the disputed quantity: had
    the base taken that value too, Odoo's would have won without anybody deciding.
    """
    odoo = changed(lines=[line("a", quantity="5.00"), line("b", price="3.00")])
    pharmacy = changed(lines=[line("a", quantity="6.00"), line("b")])
    merge = three_way(BASE, odoo, pharmacy)
    pushed = {**pharmacy, **merge.to_pharmacy}
    base = new_base(BASE, odoo, pharmacy, merge)
    base = advance(base, merge.to_pharmacy, merge.conflicts)
    assert three_way(base, odoo, pushed).conflicts == merge.conflicts


# --- laws ------------------------------------------------------------------

values = st.sampled_from(["u", "v", "w", None])
line_values = st.fixed_dictionaries({}, optional={"quantity": values, "price": values})


@st.composite
def line_lists(draw):
    keys = draw(st.lists(st.sampled_from("abcd"), unique=True))
    return [{"key": key, **draw(line_values)} for key in keys]


records = st.fixed_dictionaries(
    {}, optional={"notes": values, "state": values, "lines": line_lists()}
)
whole_lines = st.lists(
    st.builds(
        lambda key, quantity, price: {"key": key, "quantity": quantity, "price": price},
        st.sampled_from("abcd"),
        values,
        values,
    ),
    unique_by=lambda line: line["key"],
)
whole = st.fixed_dictionaries({"notes": values, "state": values, "lines": whole_lines})


def as_sets(record):
    """The record without the order of its lines."""
    return {
        name: {line["key"]: line for line in value} if name == "lines" else value
        for name, value in record.items()
    }


def leaves(record):
    """All places of a record that hold a value: (field or (key, field), value)."""
    for name, value in record.items():
        if name == "lines":
            for item in value:
                yield from (((item["key"], f), v) for f, v in item.items())
        else:
            yield name, value


@given(whole)
def test_identity(record):
    merge = three_way(record, record, record)
    assert merge == Merge({}, {}, {}, record)
    assert as_sets(new_base(record, record, record, merge)) == as_sets(record)


@given(records, records)
def test_equal_sides_agree_whatever_the_base(base, record):
    merge = three_way(base, record, record)
    assert not (merge.to_odoo or merge.to_pharmacy or merge.conflicts)


@given(whole, whole)
def test_a_change_on_one_side_wins(base, record):
    for odoo, pharmacy in ((record, base), (base, record)):
        merge = three_way(base, odoo, pharmacy)
        assert not merge.conflicts
        assert as_sets({**odoo, **merge.to_odoo}) == as_sets(record)
        assert as_sets({**pharmacy, **merge.to_pharmacy}) == as_sets(record)


@given(st.none() | records, records, records)
def test_symmetry(base, odoo, pharmacy):
    one = three_way(base, odoo, pharmacy)
    other = three_way(base, pharmacy, odoo)
    assert as_sets(one.to_odoo) == as_sets(other.to_pharmacy)
    assert as_sets(one.to_pharmacy) == as_sets(other.to_odoo)
    assert {
        path: (c.base, c.odoo, c.pharmacy) for path, c in one.conflicts.items()
    } == {path: (c.base, c.pharmacy, c.odoo) for path, c in other.conflicts.items()}


@given(st.none() | records, records, records)
def test_no_value_is_invented(base, odoo, pharmacy):
    merge = three_way(base, odoo, pharmacy)
    known = [leaf for side in (base or {}, odoo, pharmacy) for leaf in leaves(side)]
    for side in (merge.to_odoo, merge.to_pharmacy):
        assert all(leaf in known for leaf in leaves(side))


@given(st.none() | records, records, records)
def test_no_input_is_changed(base, odoo, pharmacy):
    before = repr((base, odoo, pharmacy))
    merge = three_way(base, odoo, pharmacy)
    after = new_base(base, odoo, pharmacy, merge)
    advance(after, merge.to_pharmacy, merge.conflicts)
    assert repr((base, odoo, pharmacy)) == before


@given(st.none() | whole, whole, whole)
def test_no_value_is_lost(base, odoo, pharmacy):
    """What a person changed is on both sides afterwards, or in a conflict."""
    merge = three_way(base, odoo, pharmacy)
    new_odoo = dict(leaves({**odoo, **merge.to_odoo}))
    new_pharmacy = dict(leaves({**pharmacy, **merge.to_pharmacy}))
    before = dict(leaves(base or {}))
    for side in (odoo, pharmacy):
        for place, value in leaves(side):
            if before.get(place, MISSING) == value:
                continue
            disputed = place if isinstance(place, str) else f"lines[{place[0]}]"
            if any(path.startswith(disputed) for path in merge.conflicts):
                continue
            assert new_odoo[place] == new_pharmacy[place] == value


def synchronised(base, odoo, pharmacy):
    """Both sides and the base after one whole round."""
    merge = three_way(base, odoo, pharmacy)
    after = new_base(base, odoo, pharmacy, merge)
    return (
        advance(after, merge.to_pharmacy, merge.conflicts),
        {**odoo, **merge.to_odoo},
        {**pharmacy, **merge.to_pharmacy},
        merge,
    )


@given(st.none() | records, records, records)
def test_after_a_round_only_open_conflicts_remain(base, odoo, pharmacy):
    base, odoo, pharmacy, merge = synchronised(base, odoo, pharmacy)
    again = three_way(base, odoo, pharmacy)
    assert (again.to_odoo, again.to_pharmacy) == ({}, {})
    assert again.conflicts == merge.conflicts


@given(st.none() | records, records, records)
def test_applying_twice_is_applying_once(base, odoo, pharmacy):
    """Between what was written in Odoo and the push, the same push is still due."""
    merge = three_way(base, odoo, pharmacy)
    base = new_base(base, odoo, pharmacy, merge)
    odoo = {**odoo, **merge.to_odoo}
    again = three_way(base, odoo, pharmacy)
    assert again.to_odoo == {}
    assert as_sets(again.to_pharmacy) == as_sets(merge.to_pharmacy)
    assert again.conflicts == merge.conflicts
    assert as_sets(new_base(base, odoo, pharmacy, again)) == as_sets(base)


def value_at(record, path):
    """What a conflict's path points at."""
    name, _, rest = path.partition("[")
    if not rest:
        return record[name]
    key, _, field = rest.partition("]")
    found = as_sets(record)[name].get(key, MISSING)
    return found[field[1:]] if field else found


@given(st.none() | whole, whole, whole, st.sampled_from(Side))
def test_settling_every_conflict_makes_both_sides_equal(base, odoo, pharmacy, winner):
    base, odoo, pharmacy, merge = synchronised(base, odoo, pharmacy)
    for path, conflict in merge.conflicts.items():
        base = settle(base, path, conflict, winner)
    conflicts = merge.conflicts
    base, odoo, pharmacy, merge = synchronised(base, odoo, pharmacy)
    assert not merge.conflicts
    assert as_sets(odoo) == as_sets(pharmacy) == as_sets(base)
    for path, conflict in conflicts.items():
        assert value_at(odoo, path) == getattr(conflict, winner.value)


# --- a push that was never answered ------------------------------------------


def test_what_was_sent_and_stands_there_is_agreed():
    hoped = {"notes": "o", "lines": [line("a"), line("b"), line("c")]}
    confirmed = confirm(BASE, hoped, changed(**hoped))
    assert confirmed == changed(**hoped)
    # A person has undone it since: that is Odoo's change.
    assert three_way(confirmed, BASE, changed(**hoped)).to_pharmacy == {
        "notes": "n",
        "lines": BASE["lines"],
    }


def test_what_never_arrived_is_not_agreed():
    hoped = {"notes": "o", "lines": [line("a"), line("b"), line("c")]}
    assert confirm(BASE, hoped, changed(state="sent")) == BASE


def test_a_line_that_arrived_and_was_removed_or_did_not_arrive_is_a_conflict():
    hoped = {"lines": [line("a"), line("b"), line("c")]}
    base = confirm(BASE, hoped, BASE, again=True)
    assert set(three_way(base, changed(**hoped), BASE).conflicts) == {"lines[c]"}
    assert three_way(base, BASE, BASE).conflicts == {}


def test_a_removal_that_arrived_is_agreed():
    hoped = {"lines": [line("a")]}
    assert confirm(BASE, hoped, changed(**hoped), again=True) == changed(**hoped)


@pytest.mark.parametrize(
    "winner, base",
    [
        # A value counts more than none; of two a person decides.
        (None, {"same": "s", "ours": "", "theirs": None}),
        ("odoo", {"same": "s", "ours": "", "theirs": None, "both": "t"}),
        ("pharmacy", {"same": "s", "ours": "", "theirs": None, "both": "o"}),
    ],
)
def test_the_first_base_makes_of_a_difference_a_change_of_one_side(winner, base):
    odoo = {"same": "s", "ours": "o", "theirs": None, "both": "o", "unstated": "u"}
    pharmacy = {"same": "s", "ours": "", "theirs": "t", "both": "t"}
    assert first_base(odoo, pharmacy, winner) == base


@given(whole, records, records)
def test_what_both_have_by_now_is_agreed_and_nothing_in_conflict_is(base, odoo, other):
    merge = three_way(base, odoo, other)
    assert not merge.agreed.keys() & {path.split("[")[0] for path in merge.conflicts}
    settled = merge.to_odoo.keys() | merge.to_pharmacy.keys() | merge.agreed.keys()
    open_ = {path.split("[")[0] for path in merge.conflicts}
    assert settled | open_ >= odoo.keys() & other.keys()


ONE, OTHER, THIRD = ([{"key": "k", "f": value}] for value in "abc")


@pytest.mark.parametrize(
    "base, odoo, pharmacy, where",
    [
        (ONE, ONE, ONE, "agreed"),
        (ONE, OTHER, OTHER, "agreed"),
        (ONE, [], [], "agreed"),
        (ONE, OTHER, ONE, "to_pharmacy"),
        (ONE, [], ONE, "to_pharmacy"),
        (ONE, ONE, OTHER, "to_odoo"),
        (ONE, ONE, [], "to_odoo"),
        (ONE, OTHER, THIRD, "conflicts"),
        (ONE, [], THIRD, "conflicts"),
    ],
)
def test_lines_are_agreed_on_where_neither_side_is_told_anything(
    base, odoo, pharmacy, where
):
    merge = three_way(*({"lines": lines} for lines in (base, odoo, pharmacy)))
    told = {
        name
        for name in ("agreed", "to_odoo", "to_pharmacy", "conflicts")
        if getattr(merge, name)
    }
    assert told == {where}


def test_a_rule_of_what_is_equal_is_never_asked_about_what_is_missing():
    def equal(path, one, other):
        return len(one) == len(other)

    merge = three_way({"a": "x"}, {"b": "yy"}, {"a": "z", "c": "u"}, equal=equal)
    assert merge.to_pharmacy == {"b": "yy"}
    assert merge.to_odoo == {"c": "u"}
    assert merge.agreed == {"a": "z"}
