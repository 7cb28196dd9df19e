"""What a side declined: never agreed on, never sent back by itself."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING, Side
from odoo.addons.pharmacy_sync.core.conflict.policy import Policies, Policy
from odoo.addons.pharmacy_sync.core.exchange.arriving import (
    Move,
    deleted,
    merged,
    received,
)
from odoo.addons.pharmacy_sync.core.exchange.declined import (
    Declined,
    as_asked,
    never_agreed,
    not_taken,
    still_declined,
    value_at,
    with_halves_of,
    with_value,
)
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import (
    MappingState,
    compare,
    decide,
    refreshed,
)
from odoo.addons.pharmacy_sync.core.exchange.pair import Base
from odoo.addons.pharmacy_sync.core.exchange.pushing import (
    Fate,
    Plan,
    Step,
    answered,
    is_due,
)


def line(key, **values):
    return {"key": key, "price": "1", "quantity": "1", **values}


HAD = {"state": "draft", "notes": "n", "lines": [line("a"), line("b")]}
STATE = MappingState(external_id="ph", version=3, base=Base.load(HAD))

# What the pharmacy says, what Odoo has after it was to take that, and where.
CASES = {
    "a field": ({**HAD, "state": "confirmed"}, HAD, "state"),
    "a field of a line": (
        {**HAD, "lines": [line("a", price="2"), line("b")]},
        HAD,
        "lines[a].price",
    ),
    "a line that comes": (
        {**HAD, "lines": [line("a"), line("b"), line("c")]},
        HAD,
        "lines[c]",
    ),
    "a line that goes": ({**HAD, "lines": [line("a")]}, HAD, "lines[b]"),
}
each = pytest.mark.parametrize(("reported", "has", "path"), CASES.values(), ids=CASES)


def apply(state, reported, has, odoo=HAD, version=4):
    """The pharmacy's record arrived, and Odoo has this after it was written."""
    comparison = compare(state.base, odoo, reported, declined=state.declined)
    paths = comparison.not_taken(has) if comparison.merge.to_odoo else {}
    refused = dict.fromkeys(paths, Declined(Side.ODOO))
    return merged(state, comparison, has, reported, version, refused)


def look(state, odoo, pharmacy=None):
    return compare(state.base, odoo, pharmacy, declined=state.declined)


def quiet(merge):
    return not (merge.to_odoo or merge.to_pharmacy)


@each
def test_it_is_a_conflict_for_a_person_and_nothing_goes_either_way(reported, has, path):
    state = apply(STATE, reported, has)
    assert list(state.declined) == [path]
    for pharmacy in (None, reported):
        merge = look(state, has, pharmacy).merge
        assert list(merge.conflicts) == [path]
        assert quiet(merge)
    assert not is_due(state, look(state, has))


# What the pharmacy says, and what Odoo has after it took that: another addon changed
# something besides.
NOTED = {**HAD, "notes": "theirs"}
COUNTED = {**HAD, "lines": [line("a", quantity="2"), line("b")]}
ALONG = {
    "a field": (NOTED, {**NOTED, "state": "sent"}),
    "a line": (NOTED, {**NOTED, "lines": [line("a", price="9"), line("b")]}),
    "a line that comes": (NOTED, {**NOTED, "lines": [*HAD["lines"], line("c")]}),
    "a line that goes": (NOTED, {**NOTED, "lines": [line("a")]}),
    "that line": (
        COUNTED,
        {**HAD, "lines": [line("a", quantity="2", price="9"), line("b")]},
    ),
    "another line": (
        COUNTED,
        {**HAD, "lines": [line("a", quantity="2"), line("b", quantity="9")]},
    ),
    "a new line": (COUNTED, {**COUNTED, "lines": [*COUNTED["lines"], line("c")]}),
}


@pytest.mark.parametrize(("reported", "has"), ALONG.values(), ids=ALONG)
def test_what_changes_along_with_a_write_is_a_change_of_odoos(reported, has):
    state = apply(STATE, reported, has)
    comparison = look(state, has)
    changed = {name: has[name] for name in has if has[name] != reported[name]}
    assert comparison.merge.to_pharmacy == changed
    assert not (comparison.merge.to_odoo or comparison.merge.conflicts)
    assert not state.declined


@each
def test_an_edit_of_something_else_travels_alone(reported, has, path):
    state = apply(STATE, reported, has)
    merge = look(state, {**has, "notes": "new"}).merge
    assert merge.to_pharmacy == {"notes": "new"}
    other = {**reported, "notes": "theirs"}
    assert look(state, has, other).merge.to_odoo == {"notes": "theirs"}


@each
def test_it_is_over_once_both_have_the_same(reported, has, path):
    state = apply(STATE, reported, has)
    for odoo, pharmacy in ((reported, reported), (has, has)):
        comparison = look(state, odoo, pharmacy)
        assert not comparison.declined
        assert not (comparison.merge.to_pharmacy or comparison.merge.conflicts)
        assert {**odoo, **comparison.to_odoo} == pharmacy
    state = refreshed(state, look(state, reported))
    assert not state.declined
    # From there on a change back is a change.
    assert look(state, has).merge.to_pharmacy


@each
@pytest.mark.parametrize("policy", Policy)
def test_no_policy_decides_it(reported, has, path, policy):
    state = apply(STATE, reported, has)
    policies = Policies(default=policy)
    found = decide(state.base, has, reported, policies, declined=state.declined)
    assert not found.decisions
    assert list(found.merge.conflicts) == [path]


def test_the_pharmacy_says_something_else():
    state = apply(STATE, {**HAD, "state": "confirmed"}, HAD)
    now = {**HAD, "state": "cancelled"}
    assert look(state, HAD, now).merge.to_odoo == {"state": "cancelled"}


def test_odoo_has_changed_too_when_the_pharmacy_says_something_else():
    state = apply(STATE, {**HAD, "state": "confirmed"}, HAD)
    ours, theirs = {**HAD, "state": "sent"}, {**HAD, "state": "cancelled"}
    assert list(look(state, ours, theirs).merge.conflicts) == ["state"]


def test_another_value_of_odoos_is_no_answer_to_it():
    state = apply(STATE, {**HAD, "state": "confirmed"}, HAD)
    merge = look(state, {**HAD, "state": "sent"}).merge
    assert list(merge.conflicts) == ["state"]
    assert quiet(merge)


def test_a_line_that_odoo_removes_is_asked_about():
    reported = {**HAD, "lines": [line("a", price="2"), line("b")]}
    state = apply(STATE, reported, HAD)
    merge = look(state, {**HAD, "lines": [line("b")]}).merge
    assert list(merge.conflicts) == ["lines[a]"]
    assert quiet(merge)


def test_a_record_that_says_the_same_is_looked_at_again():
    reported = {**HAD, "state": "confirmed"}
    state = apply(STATE, reported, HAD)
    assert received(state, 5, reported).move is Move.MERGE
    assert received(replace(state, declined={}), 5, reported).move is Move.UNCHANGED


def test_a_record_that_is_deleted_has_nothing_declined():
    state = apply(STATE, {**HAD, "state": "confirmed"}, HAD)
    assert not deleted(state, {}, 5).declined


# --- the pharmacy -----------------------------------------------------------------


def push(sent, written, keeps=None, creating=False):
    step = Step.CREATE if creating else Step.UPDATE
    answer = {"status": 200, "id": "ph", "version": 4, "data": written}
    more = {"keeps": keeps} if keeps else {}
    return answered(
        STATE, STATE, Plan(step, sent), answer, key="k", written=written, **more
    )


@each
def test_what_the_app_does_not_take_stays_on_both_sides(reported, has, path):
    # The same the other way round: Odoo has what the pharmacy does not take.
    sent = {name: value for name, value in reported.items() if value != HAD[name]}
    found = push(sent, has)
    assert found.fate is Fate.DONE
    assert dict(found.state.declined) == {path: Declined(Side.PHARMACY)}
    assert received(found.state, 4, has).move is Move.MERGE
    for pharmacy in (None, has):
        merge = look(found.state, reported, pharmacy).merge
        assert list(merge.conflicts) == [path]
        assert quiet(merge)


def test_what_the_app_holds_in_its_own_way_makes_the_pair():
    state = push({"notes": "New "}, {**HAD, "notes": "new"}, lambda *__: True).state
    assert not state.declined
    assert (state.base.odoo["notes"], state.base.pharmacy["notes"]) == ("New ", "new")
    assert quiet(look(state, {**HAD, "notes": "New "}).merge)


def test_what_the_app_fills_in_is_its_own():
    state = push({"notes": ""}, {**HAD, "notes": "x"}, creating=True).state
    assert not state.declined


def test_odoo_says_something_else():
    state = push({"state": "sent"}, HAD).state
    assert look(state, {**HAD, "state": "confirmed"}).merge.to_pharmacy == {
        "state": "confirmed"
    }


@each
def test_the_app_that_declined_it_says_something_else(reported, has, path):
    sent = {name: value for name, value in reported.items() if value != HAD[name]}
    state = push(sent, has).state
    now = {"state": "cancelled", "notes": "n", "lines": [line("b", quantity="7")]}
    merge = look(state, reported, {**now, "notes": "other"}).merge
    # Who wrote that has not seen what Odoo has.
    assert merge.conflicts.keys() & {path, path.partition(".")[0]}


# --- in general -------------------------------------------------------------------

VALUES = st.sampled_from(("1", "2", "3"))
LINES = st.dictionaries(
    st.sampled_from("abc"),
    st.fixed_dictionaries({"price": VALUES, "quantity": VALUES}),
    max_size=3,
).map(lambda found: [{"key": key, **values} for key, values in found.items()])
RECORDS = st.fixed_dictionaries({"state": VALUES, "notes": VALUES, "lines": LINES})


def part_of(draw, before, wanted):
    """What a side has that takes some of what it was to have."""
    taken = {name: draw.choice((before[name], wanted[name])) for name in wanted}
    if "lines" in wanted:
        old, new = ({ln["key"]: ln for ln in s["lines"]} for s in (before, wanted))
        lines = []
        for key in old.keys() | new.keys():
            sides = [side[key] for side in (old, new) if key in side]
            if len(sides) == 2:
                lines.append({n: draw.choice(sides)[n] for n in sides[0]})
            elif draw.random() < 0.5:
                lines += sides
        taken["lines"] = lines
    return {**before, **taken}


@given(RECORDS, RECORDS, RECORDS, st.randoms(use_true_random=False))
def test_what_differs_after_it_was_written_is_in_conflict(base, odoo, reported, draw):
    """Whatever Odoo takes of what was written: where it should be the same and is not,
    a person is asked; and what it was to have is not sent back, nor written again."""
    state = MappingState(external_id="ph", version=3, base=Base.load(base))
    first = look(state, odoo, reported)
    after = part_of(draw, odoo, first.to_odoo)
    state = apply(state, reported, after, odoo)
    merge = look(state, after, reported).merge
    assert first.merge.conflicts.keys() | state.declined.keys() == set(merge.conflicts)
    assert not merge.to_odoo
    sent = value_at(merge.to_pharmacy, "lines")
    for path in state.declined:
        assert value_at(after, path) != value_at(reported, path)
        if path in merge.to_pharmacy or (sent is not MISSING and path.endswith("]")):
            assert value_at(merge.to_pharmacy, path) == value_at(reported, path)


@given(RECORDS, RECORDS)
def test_nothing_is_declined_where_all_was_taken(before, wanted):
    assert not not_taken(before, wanted, wanted)
    for path, has in not_taken(before, wanted, before).items():
        assert has is MISSING or has != value_at(wanted, path)


@given(RECORDS, RECORDS, st.sets(st.sampled_from(("state", "notes"))))
def test_halves_are_put_back_where_they_are_asked_for(now, before, paths):
    found = with_halves_of(Base.load(now), Base.load(before), paths)
    for half in (found.odoo, found.pharmacy):
        for name in now:
            assert half[name] == (before if name in paths else now)[name]


# --- frozen: Odoo gives way to nothing by itself ----------------------------


def always(path, value):
    return True


@pytest.mark.parametrize("case", ["a field", "a field of a line", "a line that comes"])
def test_what_is_frozen_is_not_tried_again_but_asked_as_it_is(case):
    reported, has, path = CASES[case]
    state = apply(STATE, reported, has)
    newer = {**reported, "notes": "m", "state": "cancelled"}
    newer["lines"] = [{**each, "price": "9"} for each in reported["lines"]]
    comparison = compare(state.base, has, newer, frozen=always, declined=state.declined)
    assert list(comparison.declined) == [path]
    # A line that Odoo never took has no field to ask about.
    found = comparison.merge.conflicts[path]
    assert found.odoo in (value_at(has, path), MISSING)
    assert found.pharmacy == value_at(newer, path)
    assert not [at for at in comparison.merge.conflicts if at.startswith(f"{path}.")]


@pytest.mark.parametrize("frozen", [None, always])
def test_a_line_that_odoo_never_took_and_is_gone_there_is_no_conflict(frozen):
    reported, has, __ = CASES["a line that comes"]
    state = apply(STATE, reported, has)
    comparison = compare(state.base, has, HAD, frozen=frozen, declined=state.declined)
    assert not comparison.declined
    assert not comparison.merge.conflicts
    assert quiet(comparison.merge)
    assert comparison.agreed() == Base.load(HAD)


def test_what_did_not_have_to_change_in_a_line_is_its_own_affair():
    before = {"lines": [line("a", price="1")]}
    wanted = {"lines": [line("a", price="1", quantity="2")]}
    has = {"lines": [line("a", price="9", quantity="2")]}
    assert not_taken(before, wanted, has) == {}
    lacks = {"lines": [{"key": "a", "quantity": "2"}]}
    assert (
        not_taken(before, {"lines": [line("a", price="3", quantity="2")]}, lacks) == {}
    )


def test_what_was_declined_is_no_more_once_it_was_sent_and_taken():
    declined = {name: Declined(Side.ODOO) for name in ("notes", "state")}
    state = replace(STATE, declined=declined)
    plan = Plan(Step.UPDATE, {"notes": "new"}, declined=("state",))
    answer = {"status": 200, "id": "ph", "version": 4}
    found = answered(state, state, plan, answer, key="k").state
    assert set(found.declined) == {"state"}
    # What Odoo declined while the push was under way is still declined.
    found = answered(state, STATE, plan, answer, key="k").state
    assert set(found.declined) == {"notes", "state"}


def test_what_should_be_empty_and_is_not_was_not_taken():
    had = {"notes": "n", "lines": [line("a", price="1")]}
    for empty in ("", None):
        assert not_taken(had, {"notes": empty}, had) == {"notes": "n"}
        # What is made may be filled in.
        assert not_taken({}, {"notes": empty}, had, creating=True) == {}
    assert not_taken({}, {"notes": "x"}, had, creating=True) == {"notes": "n"}


def cents(path, value):
    return value[:4]


def test_what_both_have_is_declined_no_more_however_odoo_holds_it():
    refused = {"cost": Declined(Side.ODOO)}
    for odoo, pharmacy, over in (
        ("1.004", "1.004", True),
        ("1.00", "1.004", True),
        ("1.01", "1.004", False),
    ):
        sides = {"cost": odoo}, {"cost": pharmacy}
        left = still_declined(Base({}, {}), *sides, refused, cents)
        assert left == ({} if over else refused)
    for sides in (({"cost": "1.00"}, {}), ({}, {"cost": "1.00"})):
        assert still_declined(Base({}, {}), *sides, refused, cents) == refused
    assert still_declined(Base({}, {}), {}, {}, refused, cents) == {}


OPTIONAL = st.fixed_dictionaries(
    {}, optional={"state": VALUES, "notes": VALUES, "lines": LINES}
)


def by_key(record):
    return {each["key"]: each for each in record.get("lines", ())}


@given(RECORDS, OPTIONAL, OPTIONAL)
def test_only_what_was_asked_for_is_what_a_write_did(stored, before, written):
    found = as_asked(before, stored, written)
    assert found.keys() == stored.keys()
    for name in ("state", "notes"):
        asked = name in written or name not in before
        assert found[name] == (stored if asked else before)[name]
    if "lines" not in before or "lines" not in written:
        kept = before if "lines" in before else stored
        assert found["lines"] == kept["lines"]
        return
    if stored["lines"] == before["lines"]:
        assert found["lines"] == stored["lines"]
        return
    old, new = by_key(before), by_key(written)
    assert by_key(found).keys() == by_key(stored).keys() & (old.keys() | new.keys())
    for key, has in by_key(found).items():
        for field, value in by_key(stored)[key].items():
            same = key in old and key in new and old[key][field] == new[key][field]
            assert has[field] == (old[key][field] if same else value)


@pytest.mark.parametrize(
    "path, left",
    [
        ("state", {"notes": "n", "lines": HAD["lines"]}),
        (
            "lines[a].price",
            {**HAD, "lines": [{"key": "a", "quantity": "1"}, line("b")]},
        ),
        ("lines[a]", {**HAD, "lines": [{"key": "a"}, line("b")]}),
        ("lines[c]", {**HAD, "lines": [*HAD["lines"], {"key": "c"}]}),
    ],
)
def test_where_nothing_was_agreed_on_neither_half_has_a_value(path, left):
    assert never_agreed(Base.load(HAD), [path]) == Base(left, left)


@pytest.mark.parametrize(
    "record, path, value, found",
    [
        ({}, "lines[a]", MISSING, {}),
        ({"lines": []}, "lines[a]", MISSING, {"lines": []}),
        ({"lines": [line("a")]}, "lines[a]", MISSING, {"lines": []}),
        ({}, "lines[a]", line("a"), {"lines": [line("a")]}),
        ({}, "lines[a].price", "2", {}),
        ({"lines": [line("a")]}, "lines[b].price", "2", {"lines": [line("a")]}),
        (
            {"lines": [line("a")]},
            "lines[a].price",
            "2",
            {"lines": [line("a", price="2")]},
        ),
        ({"state": "x"}, "state", MISSING, {}),
        ({}, "state", "x", {"state": "x"}),
    ],
)
def test_a_value_is_put_in_a_record(record, path, value, found):
    assert with_value(record, path, value) == found
    assert value_at(found, path) in (value, MISSING)


def test_a_line_that_odoo_never_took_up_is_asked_about_once_odoo_was_to_take_it():
    three = [line("a", price="2"), line("b"), line("c")]
    base = Base(HAD, {**HAD, "lines": [*HAD["lines"], line("c")]})
    comparison = compare(base, HAD, {**HAD, "lines": three})
    assert comparison.merge.to_odoo == {"lines": three}
    has = {**HAD, "lines": three[:2]}
    assert comparison.not_taken(has) == {"lines[c]": MISSING}


def test_lines_that_odoo_never_had_are_all_asked_about_if_it_takes_none():
    has = {"state": "draft"}
    comparison = compare(Base({}, {}), has, {**has, "lines": [line("a")]})
    assert comparison.merge.to_odoo == {"lines": [line("a")]}
    assert comparison.not_taken({**has, "lines": []}) == {"lines[a]": MISSING}
