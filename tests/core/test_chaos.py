"""The plain parts of ``./dev chaos``: a storm is drawn from its seed, and what it did
wrong is found. One that cannot find anything would be worth nothing."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.devtools.chaos import schedule
from odoo.addons.pharmacy_sync.devtools.chaos.ledger import (
    ACKNOWLEDGED,
    APP,
    EXISTS,
    LATE,
    NO,
    ODOO,
    REFUSED,
    UNKNOWN,
    YES,
    Ledger,
    Write,
    standing,
)
from odoo.addons.pharmacy_sync.devtools.chaos.persons import EDITED, writers
from odoo.addons.pharmacy_sync.devtools.chaos.verdict import WHOLE, Copy, judge

ORDER = ("order", "C1-1")
SLOTS = {"notes": "n1", "lines[A].quantity": "2"}


def write(slot, value, side=ODOO, outcome=ACKNOWLEDGED, at=0.0, makes=False):
    return Write(side, ORDER, slot, value, outcome, at, at + 1, makes)


def made(side=ODOO):
    values = {EXISTS: YES, **SLOTS}
    return [write(slot, value, side, makes=True) for slot, value in values.items()]


def copy(**changes):
    return Copy(True, {**SLOTS, **changes})


def judged(writes, odoo, app, conflicts=None, stuck=()):
    listings = {
        side: {ORDER: list(copies)} if copies else {}
        for side, copies in ((ODOO, odoo), (APP, app))
    }
    return judge(writes, listings, conflicts or {}, stuck)


def numbers(verdict):
    found = verdict.lost, verdict.duplicated, verdict.diverged, verdict.stuck
    return tuple(map(len, found))


def test_what_came_over_is_in_order():
    writes = [*made(), write("notes", "n2", APP, at=5.0)]
    verdict = judged(writes, [copy(notes="n2")], [copy(notes="n2")])
    assert verdict.sentences() == []
    assert (verdict.attempted, verdict.acknowledged, verdict.unknown) == (2, 2, 0)


@pytest.mark.parametrize(
    ("odoo", "app", "expected"),
    [
        pytest.param([], [], (1, 0, 0, 0), id="an order that is nowhere"),
        pytest.param([copy()], [], (0, 0, 1, 0), id="an order that never arrived"),
        pytest.param([copy()], [copy()] * 2, (0, 1, 0, 0), id="an order made twice"),
        pytest.param(
            [copy(**{"lines[A]#2.quantity": "2"})],
            [copy()],
            (0, 1, 1, 0),
            id="a line made twice",
        ),
        pytest.param([copy(notes="")], [copy(notes="")], (1, 0, 0, 0), id="a value"),
        pytest.param([copy()], [copy(notes="n0")], (0, 0, 1, 0), id="two values"),
        pytest.param(
            [copy(city="Vigo")],
            [copy(city="")],
            (0, 0, 1, 0),
            id="two values that nobody entered",
        ),
        pytest.param(
            [Copy(False)], [Copy(False)], (1, 0, 0, 0), id="removed by nobody"
        ),
    ],
)
def test_what_is_wrong_is_found(odoo, app, expected):
    assert numbers(judged(made(), odoo, app)) == expected


def test_a_removal_that_was_lost_is_found():
    writes = [*made(), write(EXISTS, NO, APP, at=5.0)]
    assert numbers(judged(writes, [copy()], [copy()])) == (1, 0, 0, 0)
    assert numbers(judged(writes, [copy()], [Copy(False)])) == (0, 0, 1, 0)
    assert numbers(judged(writes, [Copy(False)], [])) == (0, 0, 0, 0)


def test_what_is_stuck_is_reported():
    verdict = judged(made(), [copy()], [copy()], stuck=["1 x push running"])
    assert verdict.sentences() == ["stuck: 1 x push running"]


@pytest.mark.parametrize(
    ("named", "diverged"),
    [({"notes"}, 0), ({WHOLE}, 0), ({"lines[A].quantity"}, 1), (set(), 1)],
)
def test_what_a_person_must_decide_is_kept(named, diverged):
    writes = [*made(), write("notes", "n2", at=5.0), write("notes", "n3", APP, at=5.5)]
    sides = [copy(notes="n2")], [copy(notes="n3")]
    verdict = judged(writes, *sides, conflicts={ORDER: named})
    assert numbers(verdict) == (0, 0, diverged, 0)


def test_where_both_sides_wrote_either_value_may_have_won_but_no_earlier_one():
    writes = [
        *made(),
        write("notes", "n2", at=5.0),
        write("notes", "n3", APP, at=5.5),
        write("notes", "n4", at=6.0),
    ]
    assert standing([w for w in writes if w.slot == "notes"]) == {"n3", "n4"}
    lost = judged(writes, [copy(notes="n2")], [copy(notes="n2")])
    assert numbers(lost) == (1, 0, 0, 0)


def test_a_write_without_an_answer_may_have_been_done_or_not():
    writes = [*made(), write("notes", "n2", outcome=UNKNOWN, at=5.0)]
    for value in ("n1", "n2"):
        verdict = judged(writes, [copy(notes=value)], [copy(notes=value)])
        assert verdict.sentences() == []
        assert verdict.unknown == 1
    both = judged(writes, [copy(notes="n2")], [copy(notes="n1")])
    assert numbers(both) == (0, 0, 1, 0)


def test_a_write_without_an_answer_is_superseded_in_the_end():
    unknown = write("notes", "n2", outcome=UNKNOWN, at=5.0)
    soon = write("notes", "n3", at=5.0 + LATE)
    later = write("notes", "n3", at=7.0 + LATE)
    assert standing([unknown, soon]) == {"n2", "n3"}
    assert standing([unknown, later]) == {"n3"}


def test_an_order_whose_making_had_no_answer_is_on_both_sides_or_on_none():
    writes = [write(EXISTS, YES, outcome=UNKNOWN, makes=True)]
    assert numbers(judged(writes, [], [])) == (0, 0, 0, 0)
    assert numbers(judged(writes, [copy()], [copy()])) == (0, 0, 0, 0)
    assert numbers(judged(writes, [copy()], [])) == (0, 0, 1, 0)


def test_a_first_value_without_an_answer_may_be_any():
    writes = [*made(), write("city", "Vigo", outcome=UNKNOWN, at=5.0)]
    for value in ("Vigo", ""):
        verdict = judged(writes, [copy(city=value)], [copy(city=value)])
        assert verdict.sentences() == []


def test_what_was_refused_binds_nobody():
    writes = [*made(), write("notes", "n2", outcome=REFUSED, at=5.0)]
    assert judged(writes, [copy()], [copy()]).sentences() == []
    verdict = judged(writes, [copy(notes="n2")], [copy(notes="n2")])
    assert numbers(verdict) == (1, 0, 0, 0)
    assert (verdict.attempted, verdict.acknowledged) == (2, 1)


def test_the_ledger_knows_what_is_there():
    ledger = Ledger()
    ledger.enter(*made())
    assert ledger.living("order") == [ORDER]
    ledger.enter(write(EXISTS, NO, outcome=REFUSED))
    assert ledger.living("order") == [ORDER]
    # It may be gone: nobody edits it any more.
    ledger.enter(write(EXISTS, NO, outcome=UNKNOWN))
    assert ledger.living("order") == []


@given(st.integers(), st.floats(0, 600), st.integers(1, 3))
def test_a_seed_draws_one_storm(seed, seconds, servers):
    storm = schedule.draw(seed, seconds, servers)
    assert storm == schedule.draw(seed, seconds, servers)
    assert [t.at for t in storm] == sorted(t.at for t in storm)
    assert all(0 <= t.at < seconds and 0 <= t.server < servers for t in storm)


def test_another_seed_draws_another_storm():
    assert schedule.draw(1, 60) != schedule.draw(2, 60)


def test_every_kind_of_trouble_has_its_turn():
    storm = schedule.draw(1, 200)
    assert {t.kind for t in storm} == set(schedule.KINDS)
    faults = [t.rule["kind"] for t in schedule.draw(1, 600) if t.rule]
    assert set(faults) == set(schedule.FAULTS)


def test_a_field_has_writers_on_one_side_but_for_a_few_that_are_fought_over():
    for kind, fields in EDITED.items():
        sides = [writers((kind, f"C1-{n}"), f) for n in range(1, 71) for f in fields]
        assert {(ODOO,), (APP,), (ODOO, APP)} == set(sides)
        assert sides.count((ODOO, APP)) == 10
