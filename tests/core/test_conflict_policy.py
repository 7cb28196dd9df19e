"""Rules and policies: one field at a time, nothing lost, nothing invented."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import (
    MISSING,
    FieldConflict,
    Side,
    generic_path,
    three_way,
)
from odoo.addons.pharmacy_sync.core.conflict.merge_base import advance, new_base
from odoo.addons.pharmacy_sync.core.conflict.policy import (
    Policies,
    Policy,
    _with_values,
    newer,
    resolve,
)
from odoo.addons.pharmacy_sync.core.conflict.protection import (
    CONFIRMED,
    NEVER,
    Stage,
    asks,
)
from odoo.addons.pharmacy_sync.core.conflict.rules import (
    Facts,
    Rule,
    RuleKind,
    Times,
)

EARLY, LATE = "2026-11-22T08:00:00Z", "2026-11-22T09:00:00Z"


def line(key, **values):
    return {"key": key, "quantity": "1.00", "unit_price": "2.00", **values}


BASE = {
    "notes": "One\nTwo\nThree",
    "state": "draft",
    "supplier_id": "s",
    "lines": [line("a"), line("b")],
}


def changed(**values):
    return {**BASE, **values}


class Known(Facts):
    """Facts with given answers."""

    def __init__(self, times=None, processed=False, frozen=(), rounding="0.01"):
        self._times, self._processed = times, processed
        self._frozen, self._rounding = frozen, rounding

    def times(self):
        return self._times

    def is_processed(self):
        return self._processed

    def is_frozen(self, path, value):
        return generic_path(path).split(".")[0] in self._frozen

    def rounding(self):
        return Decimal(self._rounding)


def policy(default, **fields):
    return Policies((), Policy(default), {k: Policy(v) for k, v in fields.items()})


# --- rules -----------------------------------------------------------------


def test_cancelled_on_either_side_wins():
    for odoo, pharmacy in (("cancelled", "confirmed"), ("sent", "cancelled")):
        found = resolve(BASE, changed(state=odoo), changed(state=pharmacy), Policies())
        assert not found.merge.conflicts
        (decision,) = found.decisions
        assert decision.result == "cancelled"
        assert decision.values == FieldConflict("draft", odoo, pharmacy)


def test_cancelled_is_for_a_person_once_goods_came():
    found = resolve(
        BASE,
        changed(state="confirmed"),
        changed(state="cancelled"),
        Policies(),
        Known(processed=True),
    )
    assert found.merge.conflicts.keys() == {"state"}
    assert not found.decisions


@pytest.mark.parametrize(
    "odoo, pharmacy, quantity, agree",
    [
        ("2.004", "2.001", "1.00", "2.001"),
        ("2.004", "2.00", "1.00", "2.00"),
        ("2.01", "2.00", "1.00", None),
        # The same difference is three euros where a thousand are bought.
        ("2.004", "2.001", "1000.00", None),
        # As it is where they go back.
        ("2.004", "2.001", "-1000.00", None),
        # What is no number agrees with none.
        ("NaN", "2.00", "1.00", None),
        # A line that says no quantity counts once.
        ("2.006", "2.00", None, "2.00"),
    ],
)
def test_amounts_agree_that_make_no_difference_in_money(
    odoo, pharmacy, quantity, agree
):
    sides = [
        changed(lines=[line("a", unit_price=price, quantity=quantity), line("b")])
        for price in (odoo, pharmacy)
    ]
    base = changed(lines=[line("a", unit_price="3.00"), line("b")])
    found = resolve(base, *sides, Policies())
    if agree is None:
        assert found.merge.conflicts.keys() == {"lines[a].unit_price"}
    else:
        assert found.decisions[0].result == agree
        assert not found.merge.conflicts


@pytest.mark.parametrize("kind", RuleKind)
def test_a_rule_decides_on_its_own_fields_only(kind):
    rule = Rule(kind, ("date",), "of another field")
    for field, odoo, pharmacy in (
        ("state", "confirmed", "cancelled"),
        ("notes", "1\nTwo\nThree", "One\nTwo\n3"),
    ):
        sides = changed(**{field: odoo}), changed(**{field: pharmacy})
        found = resolve(BASE, *sides, Policies((rule,)))
        assert list(found.merge.conflicts) == [field]
        assert not found.decisions


def test_a_price_that_changed_by_less_than_the_rounding_still_travels():
    odoo = changed(lines=[line("a", unit_price="2.001"), line("b")])
    assert resolve(BASE, odoo, BASE, Policies()).merge.to_pharmacy


def test_notes_are_merged_where_the_edits_do_not_touch():
    odoo, pharmacy = "1\nTwo\nThree", "One\nTwo\n3"
    found = resolve(BASE, changed(notes=odoo), changed(notes=pharmacy), Policies())
    assert found.merge.to_odoo == found.merge.to_pharmacy == {"notes": "1\nTwo\n3"}
    assert found.decisions[0].strategy == "merge"
    assert resolve(
        BASE, changed(notes="1"), changed(notes="3"), Policies()
    ).merge.conflicts


def test_a_rule_decides_its_field_and_no_other():
    """The trap: a rule on one field that hands back one side's whole record."""
    odoo = changed(state="cancelled", supplier_id="o", lines=[line("a", quantity="5")])
    pharmacy = changed(state="sent", notes="new", lines=[line("a", quantity="6")])
    plain = three_way(BASE, odoo, pharmacy)
    found = resolve(BASE, odoo, pharmacy, Policies()).merge
    assert found.conflicts.keys() == plain.conflicts.keys() - {"state"}
    assert found.to_odoo == plain.to_odoo
    assert found.to_pharmacy == {**plain.to_pharmacy, "state": "cancelled"}


def test_rules_are_tried_in_their_order():
    text = Rule(RuleKind.TEXT, ("state",), "as text")
    policies = Policies((text, Rule(RuleKind.CANCELLED, ("state",))))
    base = changed(state="a\nb\nc")
    found = resolve(
        base, changed(state="cancelled"), changed(state="a\nb\nd"), policies
    )
    assert found.decisions[0].by.kind is RuleKind.CANCELLED
    found = resolve(base, changed(state="A\nb\nc"), changed(state="a\nb\nd"), policies)
    assert found.decisions[0].by is text


# --- policies --------------------------------------------------------------


def test_asking_is_the_default():
    found = resolve(
        BASE, changed(supplier_id="o"), changed(supplier_id="p"), policy("ask")
    )
    assert found.merge.conflicts == {"supplier_id": FieldConflict("s", "o", "p")}


def test_a_side_wins_where_the_policy_says_so_and_the_rest_is_as_before():
    """The trap: a winner that takes the other side's fields with it."""
    odoo = changed(supplier_id="o", notes="odoo")
    pharmacy = changed(supplier_id="p", state="sent")
    found = resolve(BASE, odoo, pharmacy, policy("odoo")).merge
    assert (found.to_odoo, found.to_pharmacy) == (
        {"state": "sent"},
        {"supplier_id": "o", "notes": "odoo"},
    )
    found = resolve(BASE, odoo, pharmacy, policy("pharmacy")).merge
    assert (found.to_odoo, found.to_pharmacy) == (
        {"state": "sent", "supplier_id": "p"},
        {"notes": "odoo"},
    )


def test_a_fields_own_policy_comes_first():
    policies = policy("pharmacy", **{"lines.quantity": "odoo", "lines": "ask"})
    odoo, pharmacy = (
        changed(
            supplier_id=who,
            lines=[line("a", quantity=number, unit_price=number), line("b")],
        )
        for who, number in (("o", "5.00"), ("p", "6.00"))
    )
    found = resolve(BASE, odoo, pharmacy, policies)
    assert {d.path: d.strategy for d in found.decisions} == {
        "supplier_id": "pharmacy",
        "lines[a].quantity": "odoo",
    }
    assert found.merge.conflicts.keys() == {"lines[a].unit_price"}


@pytest.mark.parametrize(
    "odoo, pharmacy, winner", [(LATE, EARLY, "odoo"), (EARLY, LATE, "pharmacy")]
)
def test_the_newest_wins(odoo, pharmacy, winner):
    found = resolve(
        BASE,
        changed(supplier_id="o"),
        changed(supplier_id="p"),
        policy("newest"),
        Known(Times(odoo, pharmacy)),
    )
    assert found.decisions[0].strategy == winner


def test_nobody_guesses_who_is_newest():
    sides = changed(supplier_id="o"), changed(supplier_id="p")
    assert resolve(BASE, *sides, policy("newest")).merge.conflicts


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_a_high_version_is_not_a_late_change(version, ahead):
    """The trap: two counters that count different things, compared."""
    assert newer(Times(LATE, EARLY, version + ahead, version)) is Side.ODOO
    assert newer(Times(EARLY, LATE, version + ahead, version)) is Side.PHARMACY


def test_a_version_that_was_overtaken_is_old_whatever_its_time():
    assert newer(Times(EARLY, LATE, 3, 4)) is Side.ODOO


@given(*[st.text(max_size=3) | st.sampled_from([None, "", 0, False, "0", []])] * 2)
@example(None, "")
def test_of_the_same_second_both_sides_pick_the_same_value(one, other):
    facts = Known(Times(LATE, LATE))
    there = resolve({}, {"a": one}, {"a": other}, policy("newest"), facts)
    here = resolve({}, {"a": other}, {"a": one}, policy("newest"), facts)
    # As JSON has it, where 0 and false are two.
    results = [repr([d.result for d in side.decisions]) for side in (there, here)]
    assert results[0] == results[1]


# --- what is frozen --------------------------------------------------------


def test_what_is_frozen_is_for_a_person_though_only_the_pharmacy_changed_it():
    pharmacy = changed(notes="new", supplier_id="p")
    facts = Known(frozen=("supplier_id",))
    for default in ("ask", "pharmacy", "newest"):
        found = resolve(BASE, BASE, pharmacy, policy(default), facts)
        assert found.merge.conflicts == {"supplier_id": FieldConflict("s", "s", "p")}
        assert found.merge.to_odoo == {"notes": "new"}
        assert found.frozen == {"supplier_id"}
    found = resolve(BASE, BASE, pharmacy, policy("odoo"), facts)
    assert found.merge.to_pharmacy == {"supplier_id": "s"}


def test_lines_that_are_frozen_neither_come_nor_go_nor_change():
    pharmacy = changed(lines=[line("a", quantity="9.00"), line("c")])
    found = resolve(BASE, BASE, pharmacy, policy("pharmacy"), Known(frozen=("lines",)))
    assert found.merge.conflicts == {
        "lines[a].quantity": FieldConflict("1.00", "1.00", "9.00"),
        "lines[b]": FieldConflict(line("b"), line("b"), MISSING),
        "lines[c]": FieldConflict(MISSING, MISSING, line("c")),
    }
    assert not (found.merge.to_odoo or found.merge.to_pharmacy)
    base = new_base(found.base, BASE, pharmacy, found.merge)
    assert base == BASE


def test_what_odoo_only_filled_in_wins_over_nothing_that_is_reported_at_last():
    base = {**BASE, "lines": [{"key": "a"}, line("b")]}
    del base["notes"]
    pharmacy = changed(notes="Reported", lines=[line("a", quantity="26.00"), line("b")])
    facts = Known(Times(EARLY, LATE, 1, 1), frozen=("lines", "notes"))
    for default in Policy:
        found = resolve(base, base, pharmacy, policy(default), facts)
        assert not found.decisions
        asked = {"notes", "lines[a].quantity", "lines[a].unit_price"}
        assert set(found.merge.conflicts) == asked
    # Where a person need not be asked it is taken over.
    found = resolve(base, base, pharmacy, policy(Policy.ODOO))
    assert found.merge.to_odoo == {"notes": "Reported", "lines": pharmacy["lines"]}


def test_odoos_own_changes_are_not_frozen():
    odoo = changed(lines=[line("a", quantity="9.00"), line("c")])
    found = resolve(BASE, odoo, BASE, policy("ask"), Known(frozen=("lines",)))
    assert found.merge.to_pharmacy == {"lines": odoo["lines"]}


def test_a_table_of_protection_is_read_by_field_and_by_value():
    done = frozenset({Stage.BILLED})
    table = {"notes": NEVER, "state: cancelled": done, "state": CONFIRMED}
    assert not any(asks(table, Stage.OPEN, field, "x") for field in (*table, "other"))
    for stage in set(Stage) - {Stage.OPEN}:
        assert not asks(table, stage, "notes", "x")
        assert asks(table, stage, "state", "draft")
        assert asks(table, stage, "a field that is not named", [])
        assert asks(table, stage, "state", "cancelled") is (stage in done)


# --- laws ------------------------------------------------------------------

prices = st.sampled_from(["1.00", "1.004", "1.006", "1.01", "2.00"])
texts = st.lists(st.sampled_from("abc"), max_size=4).map("\n".join)
lines = st.lists(
    st.builds(
        lambda key, quantity, price: {
            "key": key,
            "quantity": quantity,
            "unit_price": price,
        },
        st.sampled_from("ab"),
        st.sampled_from(["1.00", "5.00"]),
        prices,
    ),
    unique_by=lambda item: item["key"],
)
records = st.fixed_dictionaries(
    {
        "notes": texts,
        "state": st.sampled_from(["draft", "sent", "cancelled"]),
        "lines": lines,
    }
)
policies = st.builds(
    Policies,
    default=st.sampled_from(Policy),
    fields=st.dictionaries(
        st.sampled_from(["notes", "state", "lines", "lines.quantity"]),
        st.sampled_from(Policy),
    ),
)
facts = st.builds(
    Known,
    st.none()
    | st.tuples(*[st.sampled_from([EARLY, LATE])] * 2).map(lambda two: Times(*two)),
    st.booleans(),
)


def mirrored(found):
    """The same policies and facts, seen from the other side."""
    turn = {Policy.ODOO: Policy.PHARMACY, Policy.PHARMACY: Policy.ODOO}
    if isinstance(found, Policies):
        return replace(
            found,
            default=turn.get(found.default, found.default),
            fields={name: turn.get(p, p) for name, p in found.fields.items()},
        )
    times = found.times()
    return Known(
        times and Times(times.pharmacy, times.odoo), processed=found.is_processed()
    )


def as_sets(record):
    return {
        name: {item["key"]: item for item in value} if name == "lines" else value
        for name, value in record.items()
    }


def leaves(record):
    for name, value in as_sets(record).items():
        if name == "lines":
            for key, item in value.items():
                yield from (((key, field), v) for field, v in item.items())
        else:
            yield name, value


@given(records, policies, facts)
def test_identity(record, policies, facts):
    found = resolve(record, record, record, policies, facts)
    assert found.merge == three_way(record, record, record)
    assert not found.decisions


@given(records, records, policies, facts)
def test_a_change_on_one_side_wins_whatever_the_policy(base, record, policies, facts):
    there = resolve(base, record, base, policies, facts)
    here = resolve(base, base, record, policies, facts)
    assert not (there.decisions or here.decisions)
    assert as_sets({**base, **there.merge.to_pharmacy}) == as_sets(record)
    assert as_sets({**base, **here.merge.to_odoo}) == as_sets(record)


@given(records, records, records, policies, facts)
def test_symmetry(base, odoo, pharmacy, policies, facts):
    one = resolve(base, odoo, pharmacy, policies, facts).merge
    other = resolve(base, pharmacy, odoo, mirrored(policies), mirrored(facts)).merge
    assert as_sets({**odoo, **one.to_odoo}) == as_sets({**odoo, **other.to_pharmacy})
    assert as_sets({**pharmacy, **one.to_pharmacy}) == as_sets(
        {**pharmacy, **other.to_odoo}
    )
    assert one.conflicts.keys() == other.conflicts.keys()


@given(records, records, records, policies, facts)
def test_no_value_is_invented(base, odoo, pharmacy, policies, facts):
    found = resolve(base, odoo, pharmacy, policies, facts).merge
    known = [leaf for side in (base, odoo, pharmacy) for leaf in leaves(side)]
    written = set(odoo["notes"].split("\n")) | set(pharmacy["notes"].split("\n"))
    for side in (found.to_odoo, found.to_pharmacy):
        for place, value in leaves(side):
            if place == "notes":
                assert set(value.split("\n")) <= written
            else:
                assert (place, value) in known


@given(records, records, records, policies, facts)
def test_the_loser_is_kept(base, odoo, pharmacy, policies, facts):
    """Whatever a rule or a policy overrules is in its decision, with both values."""
    plain = three_way(base, odoo, pharmacy)
    found = resolve(base, odoo, pharmacy, policies, facts)
    decided = {decision.path: decision.values for decision in found.decisions}
    assert {**decided, **found.merge.conflicts} == plain.conflicts
    assert decided.keys().isdisjoint(found.merge.conflicts)


def synchronised(base, odoo, pharmacy, policies, facts):
    """Both sides and the base after one whole round."""
    found = resolve(base, odoo, pharmacy, policies, facts)
    merge = found.merge
    after = new_base(found.base, odoo, pharmacy, merge)
    return (
        advance(after, merge.to_pharmacy, merge.conflicts),
        {**odoo, **merge.to_odoo},
        {**pharmacy, **merge.to_pharmacy},
        found,
    )


@given(records, records, records, policies, facts)
def test_after_a_round_only_open_conflicts_remain(
    base, odoo, pharmacy, policies, facts
):
    base, odoo, pharmacy, found = synchronised(base, odoo, pharmacy, policies, facts)
    again = resolve(base, odoo, pharmacy, policies, facts)
    assert (again.merge.to_odoo, again.merge.to_pharmacy) == ({}, {})
    assert again.merge.conflicts == found.merge.conflicts
    assert not again.decisions
    for decision in found.decisions:
        if "[" not in decision.path:
            assert odoo[decision.path] == pharmacy[decision.path] == decision.result


@given(records, records, records, policies, facts)
def test_what_was_decided_is_decided_once(base, odoo, pharmacy, policies, facts):
    """The same record reported again before the push: nothing new is decided."""
    found = resolve(base, odoo, pharmacy, policies, facts)
    base = new_base(found.base, odoo, pharmacy, found.merge)
    odoo = {**odoo, **found.merge.to_odoo}
    again = resolve(base, odoo, pharmacy, policies, facts)
    assert not again.decisions
    assert again.merge.to_odoo == {}
    assert as_sets(again.merge.to_pharmacy) == as_sets(found.merge.to_pharmacy)
    assert again.merge.conflicts == found.merge.conflicts


@given(records, records, records, policies)
def test_a_frozen_order_is_never_altered(base, odoo, pharmacy, policies):
    facts = Known(Times(EARLY, LATE), frozen=("lines", "state"))
    found = resolve(base, odoo, pharmacy, policies, facts).merge
    assert "state" not in found.to_odoo
    after = as_sets({**odoo, **found.to_odoo})["lines"]
    assert after == as_sets(odoo)["lines"]


def test_a_value_of_a_line_is_that_lines():
    lines = [{"key": "a", "price": "1"}, {"key": "b", "price": "1"}]
    found = _with_values({"lines": lines, "n": 1}, {"lines[b].price": "2", "n": 2})
    assert found["lines"] == [lines[0], {"key": "b", "price": "2"}]
    assert found["n"] == 2
    assert lines[1]["price"] == "1"


def test_a_difference_outside_of_lines_counts_once():
    rule = Rule(RuleKind.ROUNDING, ("total",), "amounts")
    base = changed(total="9.00")
    for odoo, pharmacy, agreed in (
        ("10.006", "10", "10"),
        ("10.00", "10.009", "10.00"),
        ("10.01", "10", None),
    ):
        sides = {**base, "total": odoo}, {**base, "total": pharmacy}
        found = resolve(base, *sides, Policies((rule,)), Known())
        assert [each.result for each in found.decisions] == [agreed] * bool(agreed)


def test_a_rule_knows_its_kind_by_its_name():
    assert Rule("text", ("notes",)).kind is RuleKind.TEXT
    with pytest.raises(ValueError, match="RuleKind"):
        Rule("no such kind", ())
