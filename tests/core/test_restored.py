"""An app that was set back: versions begin anew, and nothing old is taken over."""

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import Side, lines_by_key
from odoo.addons.pharmacy_sync.core.conflict.policy import Policies, Policy, Restored
from odoo.addons.pharmacy_sync.core.exchange.arriving import (
    Move,
    gone,
    merged,
    received,
)
from odoo.addons.pharmacy_sync.core.exchange.declined import Declined
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import (
    MappingState,
    compare,
    decide,
)
from odoo.addons.pharmacy_sync.core.exchange.pair import Base
from odoo.addons.pharmacy_sync.core.exchange.pushing import (
    NOT_FOUND,
    STALE,
    Fate,
    Plan,
    Step,
    answered,
    plan,
)

AGREED = {"notes": "new", "date": "d"}
OLD = {"notes": "old", "date": "d"}
STATE = MappingState(
    external_id="ph", version=7, base=Base.load(AGREED), app_epoch=1, epoch=0
)
BEFORE = replace(STATE, app_epoch=0)
SENT = Plan(Step.UPDATE, {"notes": "newest"})
PHARMACY_WINS = Policies((), Policy.PHARMACY)

values = st.sampled_from("abc")
lines = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from("xyz"), "quantity": values}),
    max_size=3,
    unique_by=lambda line: line["key"],
)
records = st.fixed_dictionaries({"notes": values, "date": values, "lines": lines})


def found(pharmacy, restored, odoo=AGREED, base=AGREED):
    return decide(Base.load(base), odoo, pharmacy, PHARMACY_WINS, restored=restored)


# --- what arrives ----------------------------------------------------------


def test_what_nobody_changed_since_is_sent_again():
    comparison = found(OLD, STATE.restored(touched=False))
    assert not comparison.to_odoo
    assert not comparison.merge.conflicts
    assert comparison.to_pharmacy == {"notes": "new"}
    (decision,) = comparison.decisions
    assert (decision.by, decision.values.pharmacy) == (Restored.AS_IT_WAS, "old")
    state = merged(STATE, comparison, None, OLD, 4)
    assert (state.version, state.set_back, state.guarded) == (4, False, False)
    assert compare(state.base, AGREED).to_pharmacy == {"notes": "new"}


def test_what_somebody_may_have_changed_is_asked_about():
    comparison = found({**OLD, "date": "e"}, STATE.restored())
    assert not comparison.to_odoo
    assert set(comparison.merge.conflicts) == {"notes", "date"}
    state = merged(STATE, comparison, None, OLD, 9)
    assert (state.version, state.set_back, state.guarded) == (9, False, True)
    # As long as the conflict is open, and no longer.
    asked = replace(state, conflict_paths=("notes",))
    assert asked.restored(touched=False) is Restored.CHANGED
    assert state.restored() is None


@pytest.mark.parametrize("by", [Side.ODOO, Side.PHARMACY])
@pytest.mark.parametrize("arrives", ["wanted", "old"])
def test_what_a_side_had_declined_stays_a_question(by, arrives):
    base = Base({"notes": "kept"}, {"notes": "wanted"})
    declined = {"notes": Declined(by)}
    state = replace(STATE, base=base, declined=declined, conflict_paths=("notes",))
    comparison = decide(
        base,
        {"notes": "kept"},
        {"notes": arrives},
        PHARMACY_WINS,
        declined=declined,
        restored=state.restored(touched=False),
    )
    assert not comparison.to_odoo
    assert not comparison.to_pharmacy
    assert set(comparison.merge.conflicts) == {"notes"}


@given(records, records, records)
def test_nothing_is_taken_over_by_itself(base, odoo, pharmacy):
    for restored in Restored:
        comparison = found(pharmacy, restored, odoo, base)
        assert not comparison.merge.to_odoo
        sent = {**pharmacy, **comparison.merge.to_pharmacy}
        if restored is Restored.AS_IT_WAS:
            assert sent | {"lines": None} == odoo | {"lines": None}
            assert lines_by_key("lines", sent["lines"]) == lines_by_key(
                "lines", odoo["lines"]
            )
        # What was written there is on its way back to nobody.
        for name in ("notes", "date"):
            if restored is Restored.CHANGED and pharmacy[name] != base[name]:
                assert sent[name] == pharmacy[name]


@pytest.mark.parametrize(
    ("state", "data", "deleted", "move"),
    [
        (STATE, AGREED, False, Move.UNCHANGED),
        (STATE, OLD, False, Move.MERGE),
        (replace(STATE, deleted=True), OLD, False, Move.AGAIN),
        (STATE, {}, True, Move.DELETED),
        (replace(STATE, epoch=1), OLD, False, Move.UNCHANGED),
    ],
)
def test_a_low_version_counts_once_the_app_was_set_back(state, data, deleted, move):
    assert received(state, 2, data, deleted=deleted).move is move


def test_versions_begin_anew():
    state = received(STATE, 2, AGREED).state
    assert (state.version, state.epoch) == (2, 1)
    assert received(state, 3, OLD).move is Move.MERGE
    assert gone(STATE, OLD, 2).version == 2


# --- what is sent ----------------------------------------------------------


def test_it_is_read_before_anything_is_sent():
    comparison = compare(STATE.base, {**AGREED, "notes": "newest"})
    assert plan(STATE, comparison, read_at=7).step is Step.FETCH


def answer(status, state=STATE, before=STATE, planned=SENT, **reported):
    return answered(state, before, planned, {"status": status, **reported}, key="key")


def test_an_older_version_than_was_known_shows_it():
    reported = {"id": "ph", "version": 5}
    assert answer(STALE, BEFORE, BEFORE, current=reported).went_back
    assert not answer(
        STALE, BEFORE, BEFORE, current={**reported, "version": 8}
    ).went_back
    assert not answer(STALE, current=reported).went_back


def test_a_record_that_is_not_there_shows_it_and_is_made_anew():
    shown = answer(NOT_FOUND, BEFORE, BEFORE)
    assert (shown.fate, shown.went_back) == (Fate.LOST, True)
    assert shown.state.external_id == "ph"
    lost = answer(NOT_FOUND, planned=Plan(Step.FETCH))
    assert (lost.fate, lost.went_back) == (Fate.LOST, False)
    assert plan(lost.state, compare(lost.state.base, AGREED)).step is Step.CREATE


def test_a_deletion_of_what_is_not_there_is_done():
    found = answer(NOT_FOUND, BEFORE, BEFORE, Plan(Step.DELETE))
    assert (found.fate, found.went_back, found.state.deleted) == (
        Fate.GONE,
        False,
        True,
    )


def test_what_the_app_said_before_holds_no_more():
    said = answer(200, before=BEFORE, id="ph", version=8)
    assert (said.fate, said.state) == (Fate.LOST, STATE)
