"""Fields that do not go both ways: not sent, not compared, not overwritten."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import Side, generic_path
from odoo.addons.pharmacy_sync.core.conflict.policy import Policies, Policy
from odoo.addons.pharmacy_sync.core.exchange.arriving import (
    confirmed,
    first_agreed,
    merged,
)
from odoo.addons.pharmacy_sync.core.exchange.declined import Declined
from odoo.addons.pharmacy_sync.core.exchange.directions import (
    EVERY,
    Direction,
    Directions,
)
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import (
    MappingState,
    compare,
    decide,
)
from odoo.addons.pharmacy_sync.core.exchange.pair import NOTHING, Base
from odoo.addons.pharmacy_sync.core.exchange.pushing import (
    Fate,
    Plan,
    Step,
    answered,
    begun,
    is_due,
    plan,
    silent,
)

PATHS = ("cost", "notes", "lines.price", "lines.text")
WAYS = [str(way) for way in Direction]


def line(key, **values):
    return {"key": key, "price": "1", "text": "t", **values}


HAD = {"cost": "5", "notes": "n", "lines": [line("a"), line("b")]}
BASE = Base.load(HAD)
STATE = MappingState(external_id="ph", version=3, base=BASE)


def only(path, way):
    return Directions.of({path: way})


def with_value(record, path, value):
    if "." not in path:
        return {**record, path: value}
    field = path.partition(".")[2]
    return {**record, "lines": [{**each, field: value} for each in record["lines"]]}


def both(comparison):
    merge = comparison.merge
    return merge.to_odoo, merge.to_pharmacy, merge.conflicts


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", WAYS)
def test_a_change_travels_as_chosen(path, way):
    odoo, pharmacy = with_value(HAD, path, "8"), with_value(HAD, path, "9")
    known = {"directions": only(path, way)}
    assert bool(compare(BASE, odoo, **known).to_pharmacy) == (way in ("both", "push"))
    taken = compare(BASE, HAD, pharmacy, **known).to_odoo
    assert bool(taken) == (way in ("both", "pull"))
    asked = compare(BASE, odoo, pharmacy, **known).merge.conflicts
    assert bool(asked) == (way == "both")


@pytest.mark.parametrize("path", PATHS)
def test_one_direction_goes_on_where_both_sides_changed(path):
    odoo, pharmacy = with_value(HAD, path, "8"), with_value(HAD, path, "9")
    to_odoo, to_pharmacy, __ = both(
        compare(BASE, odoo, pharmacy, directions=only(path, "push"))
    )
    assert (to_odoo, with_value(HAD, path, "8")) == ({}, {**HAD, **to_pharmacy})
    found = compare(BASE, odoo, pharmacy, directions=only(path, "pull"))
    assert {**HAD, **found.to_odoo} == with_value(HAD, path, "9")
    assert not found.to_pharmacy and not found.merge.conflicts


def test_lines_go_back_with_what_the_pharmacy_has():
    """A list of lines is sent whole: what was left out would be emptied there."""
    pharmacy = {**HAD, "lines": [line("a", text="theirs"), line("b")]}
    odoo = {**HAD, "lines": [line("a", text="ours", price="2"), line("b")]}
    for way in ("none", "pull"):
        directions = only("lines.text", way)
        agreed = compare(BASE, odoo, pharmacy, directions=directions)
        (first, __) = agreed.to_pharmacy["lines"]
        assert first == line("a", text="theirs", price="2")


def test_lines_are_written_with_what_odoo_has():
    pharmacy = {**HAD, "lines": [line("a", text="theirs", price="2"), line("b")]}
    odoo = {**HAD, "lines": [line("a", text="ours"), line("b")]}
    for way in ("none", "push"):
        directions = only("lines.text", way)
        (first, __) = compare(BASE, odoo, pharmacy, directions=directions).to_odoo[
            "lines"
        ]
        assert first == line("a", text="ours", price="2")


def test_a_new_line_comes_without_what_does_not_travel():
    more = {**HAD, "lines": [*HAD["lines"], line("c", text="secret")]}
    bare = {"key": "c", "price": "1"}
    sent = compare(BASE, more, directions=only("lines.text", "pull"))
    assert sent.to_pharmacy["lines"][2] == bare
    taken = compare(BASE, HAD, more, directions=only("lines.text", "push"))
    assert taken.to_odoo["lines"][2] == bare
    # What Odoo fills in instead is not declined.
    stored = {**HAD, "lines": [*HAD["lines"], line("c", text="default")]}
    assert not taken.not_taken(stored)
    base = taken.agreed(stored)
    again = compare(base, stored, more, directions=only("lines.text", "push"))
    assert both(again) == ({}, {}, {})


def test_a_line_that_the_pharmacy_added_goes_back_as_it_is():
    more = {**HAD, "lines": [*HAD["lines"], line("c", text="theirs")]}
    stored = {**HAD, "lines": [*HAD["lines"], line("c", text="default")]}
    known = {"directions": only("lines.text", "none")}
    base = compare(BASE, HAD, more, **known).agreed(stored)
    changed = {**HAD, "lines": [*HAD["lines"], line("c", text="ours", price="2")]}
    (*__, last) = compare(base, changed, **known).to_pharmacy["lines"]
    assert last == line("c", text="theirs", price="2")


def test_what_travels_again_while_it_is_sent_is_compared_anew():
    """A push was planned before, and is answered after; or is not."""
    closed = only("lines.text", "none")
    odoo = {**HAD, "lines": [line("a", text="ours", price="2"), line("b")]}
    sent = plan(STATE, compare(BASE, odoo, directions=closed))
    opened = closed.opened(EVERY)
    now = begun(STATE, sent).forgotten(opened)
    answer = {"status": 200, "id": "ph", "version": 4}
    after = answered(now, STATE, sent, answer, key="k").state
    assert after.base.pharmacy["lines"][0] == {"key": "a", "price": "2"}
    stale = {"status": 412, "current": {**HAD, "id": "ph", "version": 5}}
    for state in (
        answered(now, STATE, sent, stale, key="k").state,
        silent(now, STATE, sent, unknown=True),
        silent(now, STATE, sent, unknown=False),
    ):
        known = [state.base.pharmacy, *state.unanswered]
        assert not any("text" in each for half in known for each in half["lines"])


def test_what_nobody_was_asked_about_yet_is_not_agreed_by_sending_it_back():
    """Lines are sent whole, with the pharmacy's own value where they are in conflict,
    whether it is on the list of a person by now or not."""
    base = Base.load({"lines": [{"key": "a", "price": "1"}]})
    state = replace(STATE, base=base)
    sides = {"lines": [line("a", text="ours", price="2")]}, {"lines": [line("a")]}
    sent = plan(state, compare(base, *sides), read_at=3)
    assert sent.data == {"lines": [line("a", price="2")]}
    answer = {"status": 200, "id": "ph", "version": 4}
    after = answered(state, state, sent, answer, key="k").state
    assert after.base.pharmacy == {"lines": [{"key": "a", "price": "2"}]}


def test_records_made_apart_do_not_disagree_on_it():
    odoo, pharmacy = with_value(HAD, "cost", "8"), with_value(HAD, "cost", "9")
    for way, expected in (
        ("none", ({}, {})),
        ("push", ({}, {"cost": "8"})),
        ("pull", ({"cost": "9"}, {})),
    ):
        found = compare(NOTHING, odoo, pharmacy, directions=only("cost", way))
        assert both(found) == (*expected, {})


def test_what_is_created_goes_without_it():
    directions = only("cost", "pull")
    new = MappingState()
    found = plan(new, compare(NOTHING, HAD, directions=directions))
    assert found.step is Step.CREATE
    assert found.data == {name: HAD[name] for name in ("notes", "lines")}


def created(app, version=1, lost=False):
    """A record was created by Odoo, without its cost, and the app says what it has."""
    directions = only("cost", "pull")
    sent = plan(MappingState(), compare(NOTHING, HAD, directions=directions))
    state = begun(MappingState(), sent)
    if lost:
        state = replace(state, external_id="ph")
        return confirmed(state, app, version, directions)
    answer = {"status": 201, "id": "ph", "version": version, "data": app}
    before = MappingState()
    known = {"key": "k", "written": app, "directions": directions}
    found = answered(state, before, sent, answer, **known)
    assert found.fate is Fate.DONE
    return found.state


@pytest.mark.parametrize("lost", [False, True])
def test_what_the_app_fills_in_is_no_change_of_the_pharmacys(lost):
    state = created({**HAD, "cost": "0.00"}, lost=lost)
    known = {"directions": only("cost", "pull")}
    reported = {**HAD, "cost": "0.00"}
    assert both(compare(state.base, HAD, reported, **known)) == ({}, {}, {})
    reported["cost"] = "7"
    assert compare(state.base, HAD, reported, **known).to_odoo == {"cost": "7"}


def test_what_was_changed_there_before_anything_was_heard_is_taken_over():
    state = created({**HAD, "cost": "7"}, version=2, lost=True)
    found = compare(
        state.base, HAD, {**HAD, "cost": "7"}, directions=only("cost", "pull")
    )
    assert found.to_odoo == {"cost": "7"}


def test_what_arrives_new_keeps_each_sides_value():
    reported, stored = with_value(HAD, "cost", "9"), with_value(HAD, "cost", "0")
    base = first_agreed(reported, stored)
    for way in ("none", "push"):
        found = compare(base, stored, reported, directions=only("cost", way))
        assert both(found) == ({}, {}, {})


def test_nobody_is_asked_about_what_was_declined():
    odoo = with_value(HAD, "cost", "8")
    base, known = Base(odoo, HAD), {"declined": {"cost": Declined(Side.PHARMACY)}}
    assert compare(base, odoo, **known).merge.conflicts
    found = compare(base, odoo, **known, directions=only("cost", "pull"))
    assert not found.merge.conflicts and not found.declined
    # Nor by an app that keeps a value of its own for what it is sent.
    sent = Plan(Step.UPDATE, {"cost": "8"})
    answer = {"status": 200, "id": "ph", "version": 4, "data": HAD}
    for way, declined in (("both", ["cost"]), ("push", [])):
        after = answered(
            STATE,
            STATE,
            sent,
            answer,
            key="k",
            written={"cost": "5"},
            directions=only("cost", way),
        )
        assert list(after.state.declined) == declined


def test_what_travels_again_is_compared_anew():
    """Nothing was agreed on there: neither value counts as an edit."""
    odoo, pharmacy = with_value(HAD, "cost", "8"), with_value(HAD, "cost", "9")
    rest = {name: HAD[name] for name in ("notes", "lines")}
    base = Base.load(rest)
    found = compare(base, odoo, pharmacy)
    assert list(found.merge.conflicts) == ["cost"]
    assert both(compare(base, odoo, odoo)) == ({}, {}, {})


values = st.sampled_from(["1", "2", "3"])
lines = st.lists(
    st.fixed_dictionaries(
        {"key": st.sampled_from("abc"), "price": values, "text": values}
    ),
    max_size=3,
    unique_by=lambda each: each["key"],
)
records = st.fixed_dictionaries({"cost": values, "notes": values, "lines": lines})
chosen = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(WAYS))
policies = st.sampled_from([Policies((), policy) for policy in (Policy.ASK, *Policy)])


def slots(record):
    """Its values by path, those of its lines too."""
    found = {name: value for name, value in record.items() if name != "lines"}
    for each in record.get("lines", ()):
        for field in each.keys() - {"key"}:
            found[f"lines[{each['key']}].{field}"] = each[field]
    return found


@given(records, records, records, chosen, policies)
def test_nothing_goes_a_way_that_it_does_not_travel(
    base, odoo, pharmacy, ways, policies
):
    directions = Directions.of(ways)
    base = Base.load(base)
    found = decide(base, odoo, pharmacy, policies, directions=directions)
    ours, theirs = slots(odoo), slots(pharmacy)
    for path, value in slots(found.to_pharmacy).items():
        if generic_path(path) in directions.unsent:
            assert theirs.get(path) == value
    for path, value in slots(found.to_odoo).items():
        if generic_path(path) in directions.untaken:
            assert ours.get(path) == value
    one_way = directions.unsent | directions.untaken
    assert not {generic_path(path) for path in found.merge.conflicts} & one_way


@given(records, records, records, chosen, policies)
def test_what_travels_goes_as_if_there_were_nothing_else(
    base, odoo, pharmacy, ways, policies
):
    directions = Directions.of(dict.fromkeys(ways, "none"))
    bare = [directions.compared(record) for record in (base, odoo, pharmacy)]
    alone = decide(Base.load(bare[0]), *bare[1:], policies)
    found = decide(Base.load(base), odoo, pharmacy, policies, directions=directions)
    assert directions.compared(found.to_odoo) == alone.to_odoo
    assert directions.compared(found.to_pharmacy) == alone.to_pharmacy
    assert found.merge.conflicts.keys() == alone.merge.conflicts.keys()


@given(records, records, records, chosen)
def test_what_was_carried_over_is_at_rest(base, odoo, pharmacy, ways):
    directions = Directions.of(ways)
    known = {"directions": directions}
    state = replace(STATE, base=Base.load(base))
    policies = Policies((), Policy.ODOO)
    comparison = decide(state.base, odoo, pharmacy, policies, **known)
    stored = {**odoo, **comparison.to_odoo}
    state = merged(state, comparison, stored, pharmacy, 4)
    due = compare(state.base, stored, **known)
    sent = plan(state, due)
    if sent.step is Step.UPDATE:
        answer = {"status": 200, "id": "ph", "version": 5}
        state = answered(state, state, sent, answer, key="k", **known).state
    again = compare(state.base, stored, {**pharmacy, **(sent.data or {})}, **known)
    assert both(again) == ({}, {}, {})
    assert not is_due(state, again)


@given(records, records, records)
def test_without_a_choice_all_goes_both_ways(base, odoo, pharmacy):
    base = Base.load(base)
    assert compare(base, odoo, pharmacy, directions=EVERY) == compare(
        base, odoo, pharmacy
    )


def test_what_the_app_filled_in_while_it_was_created_is_agreed_on():
    """And nothing else of its answer: what was sent is as it was sent."""
    directions = Directions.of({"cost": "pull", "lines.text": "pull"})
    half = {"notes": "n", "lines": [{"key": "a", "price": "1"}]}
    said = {"cost": "5", "notes": "N", "lines": [line("a", price="9"), line("b")]}
    assert directions.filled_in(half, said) == {
        "cost": "5",
        "notes": "n",
        "lines": [{"key": "a", "price": "1", "text": "t"}],
    }
    assert EVERY.filled_in(half, said) == half


@pytest.mark.parametrize(
    "path, half, has, followed",
    [
        # Nothing of lines: they stay as they were agreed on, or not.
        ("notes", {}, HAD, {"notes": "n"}),
        ("notes", {"lines": [line("a")]}, HAD, {"notes": "n", "lines": [line("a")]}),
        # What is not sent of a line follows, and only that.
        ("lines.text", {}, HAD, {"lines": [{"key": k, "text": "t"} for k in "ab"]}),
        (
            "lines.text",
            {"lines": [line("a", text="x", price="9")]},
            {"lines": [line("a")]},
            {"lines": [line("a", price="9")]},
        ),
        ("lines.text", {}, {}, {}),
        ("lines.text", {"lines": []}, {"lines": []}, {"lines": []}),
    ],
)
def test_a_half_follows_what_its_side_does_not_send(path, half, has, followed):
    found = only(path, "pull").as_agreed(Base(half, half), has, has)
    assert found.odoo == followed
    assert found.pharmacy == half
