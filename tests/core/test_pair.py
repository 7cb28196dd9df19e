"""Two sides that hold values differently: nobody's value changes but by a change."""

from copy import deepcopy
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING, Side, generic_path
from odoo.addons.pharmacy_sync.core.conflict.merge_base import advance, settle
from odoo.addons.pharmacy_sync.core.conflict.policy import Policies, Policy
from odoo.addons.pharmacy_sync.core.conflict.resolution import differences
from odoo.addons.pharmacy_sync.core.exchange.declined import value_at
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import (
    compare,
    decide,
    first_agreed,
)
from odoo.addons.pharmacy_sync.core.exchange.pair import (
    NOTHING,
    Base,
    as_in,
    seen,
    unread_paths,
)

CENT = Decimal("0.01")


def held(path, value):
    """Odoo in these tests: cents only, and no blanks around a text."""
    if path in ("cost", "lines.price") and value is not None:
        return str(Decimal(value).quantize(CENT, ROUND_HALF_UP))
    return value.strip() if isinstance(value, str) else value


def stored(record):
    """A record as Odoo has it once it was written there."""
    return {
        name: [
            {f: v if f == "key" else held(f"lines.{f}", v) for f, v in line.items()}
            for line in value
        ]
        if name == "lines"
        else held(name, value)
        for name, value in record.items()
    }


def line(key, **values):
    return {"key": key, "price": "2.00", "text": "t", **values}


THEIRS = {"cost": "0.0425", "notes": " n ", "lines": [line("a", price="0.005")]}
BASE = Base(stored(THEIRS), THEIRS)
OURS = BASE.odoo


def both(comparison):
    merge = comparison.merge
    return merge.to_odoo, merge.to_pharmacy, merge.conflicts


def test_nothing_changed_though_both_have_other_values():
    assert both(compare(BASE, OURS, THEIRS, held=held)) == ({}, {}, {})


def test_a_line_is_sent_with_the_pharmacys_own_values_but_for_the_change():
    odoo = {**OURS, "lines": [{**OURS["lines"][0], "text": "new"}]}
    sent = compare(BASE, odoo, held=held).to_pharmacy
    assert sent == {"lines": [line("a", price="0.005", text="new")]}


def test_a_line_is_written_with_odoos_own_values_but_for_the_change():
    theirs = {**THEIRS, "lines": [line("a", price="0.005", text="new")]}
    comparison = compare(BASE, OURS, theirs, held=held)
    assert comparison.to_odoo == {"lines": [line("a", price="0.01", text="new")]}


def test_what_was_never_reported_is_neither_sent_nor_written():
    odoo = {"name": "x", "city": "", "lines": []}
    base = first_agreed({"name": "x"}, odoo)
    assert both(compare(base, odoo, held=held)) == ({}, {}, {})
    assert unread_paths(
        compare(base, {**odoo, "city": "Getafe"}).to_pharmacy, odoo, {}
    ) == ["city"]


def test_what_is_reported_at_last_is_taken_unless_odoo_changed_it():
    odoo = {"name": "x", "city": ""}
    base = first_agreed({"name": "x"}, odoo)
    reported = {"name": "x", "city": "Leganes"}
    assert compare(base, odoo, reported).to_odoo == {"city": "Leganes"}
    found = compare(base, {**odoo, "city": "Getafe"}, reported)
    assert found.merge.conflicts["city"].base is MISSING
    assert both(compare(base, {**odoo, "city": "Leganes"}, reported)) == ({}, {}, {})


def test_what_was_the_same_all_along_is_no_change_of_the_pharmacys():
    odoo = {"name": "x", "city": "", "lines": [line("a", text="default")]}
    reported = {"name": "x", "lines": [{"key": "a", "price": "2.00"}]}
    base = first_agreed(reported, odoo)
    changed = {**odoo, "city": "Getafe", "lines": [line("a", text="new")]}
    now = {"name": "x", "city": " ", "lines": [line("a", text="default ")]}
    found = compare(base, changed, now, held=held)
    assert not found.merge.conflicts and not found.to_odoo
    assert found.to_pharmacy == {"city": "Getafe", "lines": [line("a", text="new")]}


def test_a_line_that_lacks_a_field_is_not_sent_over_it():
    reported = {"lines": [{"key": "a", "price": "1.00"}]}
    odoo = {"lines": [line("a", price="1.00", text="default")]}
    base = first_agreed(reported, odoo)
    changed = {"lines": [line("a", price="3.00", text="default")]}
    found = compare(base, changed)
    assert found.to_pharmacy == {"lines": [{"key": "a", "price": "3.00"}]}
    assert unread_paths(found.to_pharmacy, changed, found.pharmacy) == ["lines[a].text"]


def test_what_odoo_declined_is_not_sent_back_until_odoo_changes_it():
    base = Base({"state": "draft"}, {"state": "draft"})
    confirmed = {"state": "confirmed"}
    comparison = compare(base, base.odoo, confirmed)
    base = comparison.agreed({"state": "draft"})
    assert base == Base({"state": "draft"}, confirmed)
    assert both(compare(base, {"state": "draft"}, confirmed)) == ({}, {}, {})
    assert compare(base, {"state": "sent"}).to_pharmacy == {"state": "sent"}


def test_a_change_back_to_what_was_declined_is_a_change():
    base = Base({"state": "draft"}, {"state": "confirmed"})
    base = compare(base, {"state": "confirmed"}).refreshed()
    assert compare(base, {"state": "draft"}).to_pharmacy == {"state": "draft"}


def test_a_line_that_odoo_did_not_take_up_or_give_up_is_not_its_change():
    base = Base.load({"lines": [line("a"), line("b")]})
    theirs = {"lines": [line("a"), line("c")]}
    found = compare(base, base.odoo, theirs)
    base = found.agreed({"lines": [line("a"), line("b")]})
    has = {"lines": [line("a"), line("b")]}
    assert both(compare(base, has, theirs)) == ({}, {}, {})
    moved = {"lines": [line("a", text="x"), line("b")]}
    assert compare(base, moved).to_pharmacy == {
        "lines": [line("a", text="x"), line("c")]
    }
    theirs = {"lines": [line("a", text="y"), line("c")]}
    assert compare(base, has, theirs).to_odoo == {
        "lines": [line("a", text="y"), line("b")]
    }


def test_a_base_is_stored_as_the_pharmacys_half_and_what_differs():
    assert BASE.apart == {n: v for n, v in OURS.items() if v != THEIRS[n]}
    assert Base.load(BASE.pharmacy, BASE.apart) == BASE
    assert Base.load({"a": 1}).apart == {}


def test_a_base_of_one_half_only_tolerates_what_odoo_cannot_hold():
    assert both(compare(Base.load(THEIRS), OURS, THEIRS, held=held)) == ({}, {}, {})


def test_lines_that_changed_within_what_odoo_cannot_hold_are_no_change():
    had = {"lines": [line("a", price="1.00")]}
    now = {"lines": [line("a", price="1.004")]}
    base = Base(had, had)
    assert seen(base, had, now, held) == now
    assert both(compare(base, had, now, held=held)) == ({}, {}, {})
    # Another price is the pharmacy's change.
    more = {"lines": [line("a", price="3.00")]}
    assert seen(base, had, more, held) == had


# --- laws ------------------------------------------------------------------

numbers = st.sampled_from(["1.00", "1.004", "0.005", "2.00", "0.0425"])
texts = st.sampled_from(["u", " u", "v\n", "", "w"])
lines = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from("abc"), "price": numbers}, optional={"text": texts}
    ),
    unique_by=lambda each: each["key"],
)
theirs = st.fixed_dictionaries(
    {"notes": texts}, optional={"cost": numbers, "city": texts, "lines": lines}
)
whole_lines = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from("abc"), "price": numbers, "text": texts}
    ),
    unique_by=lambda each: each["key"],
)
whole = st.fixed_dictionaries(
    {"notes": texts, "cost": numbers, "city": texts, "lines": whole_lines}
)
ours = whole.map(stored)


@st.composite
def bases(draw):
    """The base of a record that Odoo made of what the pharmacy said, filling in what it
    did not say, and perhaps declining some."""
    reported, has = draw(theirs), dict(draw(ours))
    made = {**has, **stored(reported)}
    has_lines = {each["key"]: each for each in made["lines"]}
    default = {"price": "1.00", "text": "default"}
    made["lines"] = [{**default, **each} for each in has_lines.values()]
    if draw(st.booleans()):
        made["notes"] = has["notes"]
    return first_agreed(reported, made)


def keyed(record):
    return {
        name: {each["key"]: each for each in value} if name == "lines" else value
        for name, value in record.items()
    }


@given(bases())
def test_who_changed_nothing_changes_nothing(base):
    reported = {**base.pharmacy}
    assert both(compare(base, base.odoo, reported, held=held)) == ({}, {}, {})


@given(bases(), ours)
def test_what_the_pharmacy_did_not_change_is_not_written_in_odoo(base, odoo):
    found = compare(base, odoo, base.pharmacy, held=held)
    assert not found.to_odoo and not found.merge.conflicts


@given(bases(), whole)
def test_what_odoo_did_not_change_is_not_sent(base, pharmacy):
    found = compare(base, base.odoo, pharmacy, held=held)
    assert not found.to_pharmacy and not found.merge.conflicts


@given(bases(), ours, whole)
def test_only_changes_are_sent(base, odoo, pharmacy):
    """In what is sent each value is the pharmacy's own, or one that Odoo changed."""
    found = compare(base, odoo, pharmacy, held=held)
    for path, (__, value) in differences(pharmacy, found.to_pharmacy).items():
        whole = path.partition(".")[0]
        was = {was.partition(".")[0] for was in differences(odoo, base.odoo)}
        assert whole in was, (path, value)


@given(bases(), ours, whole, ours)
def test_a_round_comes_to_rest_however_odoo_holds_what_it_is_given(
    base, odoo, pharmacy, other
):
    """Whatever Odoo makes of a write (rounds it, or keeps what it had), nothing is
    written on either side for it afterwards; open conflicts stay what they are."""
    found = compare(base, odoo, pharmacy, held=held)
    wanted = {**odoo, **found.to_odoo}
    kept = stored(wanted)
    if other["notes"] == "u":  # declines
        kept["notes"], kept["lines"] = odoo["notes"], odoo["lines"]
    after = found.agreed(kept)
    sent = found.to_pharmacy
    pharmacy = {**pharmacy, **sent}
    after = after.with_pharmacy(advance(after.pharmacy, sent, found.merge.conflicts))
    again = compare(after, kept, pharmacy, held=held)
    assert not again.to_odoo and not again.to_pharmacy
    assert again.merge.conflicts.keys() == found.merge.conflicts.keys()
    assert Base.load(after.pharmacy, after.apart) == after


@given(bases(), ours, whole, st.sampled_from(Side))
def test_a_settled_conflict_is_settled(base, odoo, pharmacy, winner):
    found = compare(base, odoo, pharmacy, held=held)
    after = found.agreed(stored({**odoo, **found.to_odoo}))
    odoo = stored({**odoo, **found.to_odoo})
    now = compare(after, odoo, pharmacy, held=held)
    half = after.pharmacy
    for path, values in now.merge.conflicts.items():
        half = settle(half, path, values, winner)
    after = after.with_pharmacy(half, now.words, odoo)
    assert not compare(after, odoo, pharmacy, held=held).merge.conflicts


@given(bases(), whole)
def test_what_odoo_keeps_goes_back_as_the_pharmacy_had_it(base, pharmacy):
    odoo = base.odoo
    found = compare(base, odoo, pharmacy, held=held, frozen=lambda path, value: True)
    half = found.base.pharmacy
    reported = {path: value_at(base.pharmacy, path) for path in found.merge.conflicts}
    kept = {
        path
        for path, value in reported.items()
        if not path.endswith("]")
        and value is not MISSING
        and held(generic_path(path), value) == value_at(odoo, path)
    }
    for path in kept:
        half = settle(half, path, found.merge.conflicts[path], Side.ODOO)
    after = found.base.with_pharmacy(half, found.words, odoo)
    now = compare(after, odoo, pharmacy, held=held)
    shown = {**pharmacy, **now.merge.to_pharmacy}
    for path in kept:
        assert value_at(shown, path) == reported[path]
    after = after.with_pharmacy(advance(after.pharmacy, now.to_pharmacy))
    again = compare(after, odoo, shown, held=held).merge
    assert not kept & again.conflicts.keys()
    for path in kept:
        assert value_at({**shown, **again.to_pharmacy}, path) == value_at(shown, path)


@given(bases(), ours, whole)
def test_a_policy_decides_in_pairs_too(base, odoo, pharmacy):
    for policy in (Policy.ODOO, Policy.PHARMACY):
        found = decide(base, odoo, pharmacy, Policies((), policy), held=held)
        assert not found.merge.conflicts
        kept = stored({**odoo, **found.to_odoo})
        after = found.agreed(kept)
        sent = compare(after, kept, pharmacy, held=held).to_pharmacy
        pharmacy_after = {**pharmacy, **sent}
        after = after.with_pharmacy(advance(after.pharmacy, sent))
        assert both(compare(after, kept, pharmacy_after, held=held)) == ({}, {}, {})


@given(ours, whole)
def test_two_that_were_just_matched_have_no_base(odoo, pharmacy):
    words = seen(NOTHING, odoo, pharmacy, held)
    assert keyed(words).keys() == odoo.keys()


@pytest.mark.parametrize("value", [None, "", "x"])
def test_an_empty_value_is_a_value(value):
    base = Base({"city": "y"}, {"city": "y"})
    assert compare(base, {"city": value}).to_pharmacy == {"city": value}


@given(bases(), whole, st.none() | ours, st.data())
def test_what_is_equal_is_as_good_as_the_very_same(base, other, odoo, data):
    """The short ways, for what did not change, come to what the long one comes to."""
    had = st.sampled_from((base.pharmacy, other))
    half = {
        name: value
        for name in [*base.pharmacy, *other]
        if (value := data.draw(had).get(name, MISSING)) is not MISSING
    }
    words = odoo and seen(base, odoo, half, held)
    found = base.with_pharmacy(half, words, odoo)
    copied = Base(deepcopy(base.odoo), deepcopy(base.pharmacy))
    again = copied.with_pharmacy(deepcopy(half), deepcopy(words), deepcopy(odoo))
    assert keyed(again.odoo) == keyed(found.odoo)
    assert again.pharmacy == found.pharmacy


@given(whole, whole)
def test_a_record_with_the_very_values_of_another_is_still_itself(record, known):
    known = deepcopy({name: known[name] for name in ("notes", "lines")})
    found = as_in(record, known)
    assert found == record
    for name, value in found.items():
        if name in known and known[name] == record[name]:
            assert value is known[name]


def test_lines_that_were_never_sent_are_said_once_odoo_changes_one():
    had = {"lines": [line("a")]}
    base = Base(had, {})
    assert seen(base, had, {}, held) == {}
    now = {"lines": [line("a", text="new"), line("b")]}
    # The rest of a line that was there is still nothing that Odoo has said.
    wanted = {"lines": [{"key": "a", "text": "new"}, line("b")]}
    assert seen(base, now, {}, held) == wanted
    assert seen(Base({}, {}), {"lines": []}, {}, held) == {}
