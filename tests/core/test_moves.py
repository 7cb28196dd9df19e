"""The moves of a mapping, one by one; what they come to together the histories show."""

from dataclasses import replace

import pytest

from odoo.addons.pharmacy_sync.core.conflict.merge import Side
from odoo.addons.pharmacy_sync.core.exchange.arriving import (
    Move,
    as_known,
    confirmed,
    created,
    deleted,
    gone,
    merged,
    part_agreed,
    received,
)
from odoo.addons.pharmacy_sync.core.exchange.declined import Declined
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import (
    UNKNOWN,
    MappingState,
    compare,
)
from odoo.addons.pharmacy_sync.core.exchange.pair import Base
from odoo.addons.pharmacy_sync.core.exchange.pushing import (
    CANCELLED,
    FETCHED,
    FOUND,
    OK,
    Fate,
    Plan,
    Step,
    answered,
    begun,
    is_due,
    is_stuck,
    is_uncertain,
    plan,
    silent,
)

KEY = "key"
AGREED = {"notes": "n", "date": "d"}
STATE = MappingState(external_id="ph", version=3, base=Base.load(AGREED))
CHANGED = {**AGREED, "notes": "new"}
SENT = Plan(Step.UPDATE, {"notes": "new"})


def planned(state, odoo, **options):
    return plan(state, odoo and compare(state.base, odoo), **options)


def answer(status, version=4, **values):
    record = {"id": "ph", "version": version, "external_ref": KEY, **CHANGED}
    if status in OK:
        return {"status": status, "id": "ph", "version": version, "data": record}
    return {"status": status, "current": record, **values}


def after(state, status, before=STATE, sent=SENT, **values):
    return answered(state, before, sent, answer(status, **values), key=KEY)


# --- plans -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "odoo", "step"),
    [
        (STATE, CHANGED, Step.UPDATE),
        (STATE, AGREED, Step.SAME),
        (replace(STATE, deleted=True), CHANGED, Step.SAME),
        (STATE, None, Step.DELETE),
        (replace(STATE, deleted=True), None, Step.GONE),
        (UNKNOWN, None, Step.GONE),
        (MappingState(uncertain=True), None, Step.FIND),
        (UNKNOWN, AGREED, Step.CREATE),
        (replace(STATE, in_part=True), CHANGED, Step.FETCH),
    ],
)
def test_what_is_done_for_a_push(state, odoo, step):
    assert planned(state, odoo).step is step


def test_only_changes_are_sent():
    assert planned(STATE, CHANGED) == SENT


def test_what_was_read_at_the_known_version_is_sent_over():
    state = replace(STATE, in_part=True)
    assert planned(state, CHANGED, read_at=3) == SENT
    assert planned(state, CHANGED, read_at=2).step is Step.FETCH


def test_a_push_waits_for_what_it_refers_to():
    found = planned(STATE, CHANGED, unmapped=lambda data: ["x"])
    assert (found.step, found.missing) == (Step.WAIT, ["x"])


def test_while_the_app_is_busy_only_the_essential_is_sent():
    odoo = {"notes": "new", "date": "other"}
    found = planned(STATE, odoo, essential={"date"})
    assert (found.data, found.reduced) == ({"date": "other"}, True)
    assert planned(STATE, CHANGED, essential={"date"}).step is Step.LATER
    assert not planned(STATE, CHANGED, essential={"notes"}).reduced


def test_what_another_record_gives_up_is_vacated_before_anything_else():
    odoo = {"notes": "new", "date": "other"}
    found = planned(STATE, odoo, emptied={"notes": None, "price": None})
    assert (found.step, found.data, found.reduced) == (
        Step.UPDATE,
        {"notes": None},
        True,
    )
    assert planned(STATE, CHANGED, emptied={"price": None}) == SENT


def test_what_is_due():
    assert is_due(STATE, compare(STATE.base, CHANGED))
    assert not is_due(STATE, compare(STATE.base, AGREED))
    hoped = replace(STATE, unanswered=({"notes": "x"},))
    assert is_due(hoped, compare(STATE.base, AGREED))
    assert is_due(UNKNOWN, compare(UNKNOWN.base, AGREED))
    assert is_due(STATE, None) and is_due(MappingState(uncertain=True), None)
    assert not is_due(UNKNOWN, None)
    assert not is_due(replace(STATE, deleted=True), compare(STATE.base, CHANGED))


def test_a_creation_may_have_arrived_once_it_is_sent():
    state = begun(UNKNOWN, Plan(Step.CREATE, AGREED))
    assert state.uncertain and is_uncertain(state)
    assert (state.base, state.unanswered) == (Base.load(AGREED), (AGREED,))
    # Sent again with newer values, the first may be what arrived.
    again = begun(state, Plan(Step.CREATE, CHANGED))
    assert again.base == state.base
    assert again.unanswered == (AGREED, CHANGED)


def test_what_is_sent_twice_is_hoped_for_once():
    assert begun(begun(STATE, SENT), SENT).unanswered == ({"notes": "new"},)


@pytest.mark.parametrize(
    "version, low", [(0, False), (1, True), (2, True), (3, False), (4, False)]
)
def test_a_lower_version_is_an_older_state_and_none_says_nothing(version, low):
    assert STATE.is_low(version) is low
    assert not replace(STATE, app_epoch=1).is_low(version)


# --- answers ---------------------------------------------------------------


def test_what_was_accepted_is_agreed():
    found = after(begun(STATE, SENT), 200)
    assert found.fate is Fate.DONE and found.arrives
    assert found.state == replace(STATE, version=4, base=Base.load(CHANGED))


def test_what_was_written_over_another_change_is_known_in_part():
    overwrote = {**answer(200, version=5), "overwrote": True}
    state = answered(STATE, STATE, SENT, overwrote, key=KEY).state
    assert (state.version, state.in_part) == (5, True)
    # So that nothing is sent over what that change was before it was read.
    assert planned(state, {**CHANGED, "date": "e"}).step is Step.FETCH
    assert received(state, 5, CHANGED).state.in_part is False


def test_what_the_app_had_already_is_agreed_at_the_known_version():
    same = answer(200, version=STATE.version)
    found = answered(begun(STATE, SENT), STATE, SENT, same, key=KEY)
    assert found.fate is Fate.DONE and found.arrives
    assert found.state == replace(STATE, base=Base.load(CHANGED))


def test_what_was_accepted_before_a_pull_says_nothing_new():
    state = replace(begun(STATE, SENT), version=9)
    found = after(state, 200)
    assert (found.state, found.arrives, found.accepted) == (state, None, None)


def test_a_deletion_that_was_accepted():
    found = after(STATE, 204, sent=Plan(Step.DELETE))
    assert found.state.deleted and found.state.version == 4 and not found.arrives
    found = after(STATE, 204, sent=Plan(Step.DELETE), version=None)
    assert found.state.deleted and found.state.version == 0


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (FETCHED, Fate.READ),
        (410, Fate.GONE),
        (412, Fate.STALE),
        (409, Fate.LINKED),
        (FOUND, Fate.LINKED),
        (422, Fate.REFUSED),
        (CANCELLED, Fate.CANCELLED),
    ],
)
def test_what_was_not_applied_is_not_hoped_for(status, fate):
    found = after(begun(STATE, SENT), status)
    assert found.fate is fate
    assert found.state.unanswered == () and found.state.base == STATE.base
    assert bool(found.arrives) == (fate not in (Fate.REFUSED, Fate.CANCELLED))


def test_what_was_hoped_for_before_is_still():
    before = replace(STATE, unanswered=({"notes": "older"},))
    assert after(begun(before, SENT), 412, before).state.unanswered == (
        {"notes": "older"},
    )
    # Unless the record has changed since: the newer version shows it.
    newer = replace(STATE, version=5)
    assert after(newer, 412, before).state.unanswered == ()


def test_a_creation_that_was_there_already():
    state = begun(UNKNOWN, Plan(Step.CREATE, AGREED))
    found = after(state, 409, UNKNOWN)
    assert (found.fate, found.state.external_id) == (Fate.LINKED, "ph")
    # By our key: what we sent is what both have. By its number: nothing is agreed on.
    assert found.state.base == Base.load(AGREED)
    foreign = {**answer(409), "current": {"id": "ph", "external_ref": None}}
    found = answered(state, UNKNOWN, SENT, foreign, key=KEY)
    assert (found.fate, found.state.base) == (Fate.LINKED, UNKNOWN.base)
    found = answered(state, UNKNOWN, SENT, foreign, key=KEY, taken=True)
    assert found.fate is Fate.REFUSED


def test_silence():
    new = Plan(Step.CREATE, AGREED)
    state = begun(UNKNOWN, new)
    assert silent(state, UNKNOWN, new, unknown=True) == state
    never_sent = silent(state, UNKNOWN, new, unknown=False)
    assert not never_sent.uncertain and never_sent.unanswered == ()
    # That this one was not sent says nothing of the one before it.
    assert silent(begun(state, SENT), state, SENT, unknown=False).uncertain


def test_a_record_that_is_always_stale_is_stuck():
    assert is_stuck(6, 5)
    assert not is_stuck(6, 4) and not is_stuck(5, 5)


# --- arrivals --------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "version", "options", "move"),
    [
        (None, 1, {}, Move.NEW),
        (None, 1, {"deleted": True}, Move.TOMBSTONE),
        (STATE, 4, {"deleted": True}, Move.DELETED),
        (replace(STATE, deleted=True), 4, {"deleted": True}, Move.UNCHANGED),
        (replace(STATE, deleted=True), 3, {"data": CHANGED}, Move.UNCHANGED),
        (STATE, 2, {"data": CHANGED}, Move.UNCHANGED),
        (STATE, 4, {}, Move.UNCHANGED),
        (STATE, 4, {"data": CHANGED}, Move.MERGE),
        (STATE, 4, {"in_conflict": True}, Move.MERGE),
        (replace(STATE, unanswered=({},)), 4, {}, Move.MERGE),
        (replace(STATE, base=UNKNOWN.base), 2, {}, Move.MERGE),
    ],
)
def test_what_an_arriving_record_is(state, version, options, move):
    options = {"data": AGREED, **options}
    assert received(state, version, **options).move is move


BOTH = ["active", "lines"]


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ({"active": True, "lines": [{"key": "a", "price": "1.00"}]}, BOTH),
        ({"lines": [{"price": "1.00", "key": "a"}], "active": True}, BOTH),
        ({"active": 1, "lines": [{"key": "a", "price": "1.00"}]}, ["lines"]),
        ({"active": True, "lines": [{"key": "a", "price": 1.0}]}, ["active"]),
        ({"active": True}, ["active"]),
        ({"active": True, "lines": [], "more": ""}, ["active"]),
        ({"active": True, "lines": [{"key": "a"}]}, ["active"]),
        ({"active": False, "lines": None}, []),
    ],
)
def test_a_record_that_was_agreed_on_letter_for_letter(said, agreed):
    half = {"active": True, "lines": [{"key": "a", "price": "1.00"}]}
    assert part_agreed(half, said) == (
        {name: half[name] for name in agreed},
        {name: value for name, value in said.items() if name not in agreed},
    )


def test_a_number_is_no_flag_though_python_takes_one_for_true():
    assert part_agreed({"active": True}, {"active": 1}) == ({}, {"active": 1})
    line = {"key": "a", "gift": False}
    said = {"lines": [{**line, "gift": 0}]}
    assert part_agreed({"lines": [line]}, said) == ({}, said)


def test_a_deletion_that_the_pharmacy_took_back():
    found = received(replace(STATE, deleted=True), 4, AGREED)
    assert found.revived and not found.state.deleted


def test_a_record_reported_in_part_is_known_in_part():
    part = {"notes": "n"}
    found = received(STATE, 4, part).state
    assert (found.version, found.in_part) == (4, True)
    assert received(found, 4, part).state.in_part
    assert not received(found, 4, AGREED).state.in_part
    assert not received(found, 5, AGREED).state.in_part
    assert not received(STATE, 3, part).state.in_part
    lines = Base.load({"lines": [{"key": "a", "price": "1"}]})
    found = received(replace(STATE, base=lines), 4, {"lines": [{"key": "a"}]}).state
    assert not found.in_part  # compared first
    comparison = compare(lines, lines.odoo, lines.pharmacy)
    data = {"lines": [{"key": "a"}]}
    found = merged(replace(STATE, base=lines), comparison, None, data, 4)
    assert found.in_part


def test_a_part_does_not_say_what_became_of_the_rest():
    hoped = begun(STATE, SENT)
    part = {"date": "later"}
    comparison = compare(STATE.base, AGREED, as_known(hoped, None, part))
    found = merged(hoped, comparison, None, part, 4)
    assert found.unanswered == hoped.unanswered and found.in_part
    whole = {**CHANGED, "date": "later"}
    found = confirmed(found, whole, 4)
    assert found.base.pharmacy["notes"] == "new"


def test_what_is_reported_of_a_line_is_reported_beside_what_is_known_of_it():
    lines = [{"key": "a", "price": "1", "quantity": "2"}]
    state = replace(STATE, base=Base.load({"lines": lines}))
    now = as_known(state, None, {"lines": [{"key": "a", "price": "3"}]})
    assert now == {"lines": [{"key": "a", "price": "3", "quantity": "2"}]}


def test_what_the_record_says_of_a_push_without_an_answer():
    hoped = begun(STATE, SENT)
    assert confirmed(hoped, CHANGED, 4).base == Base.load(CHANGED)
    assert confirmed(hoped, AGREED, 4).base == Base.load(AGREED)
    assert confirmed(hoped, CHANGED, 3) == hoped


def test_what_became_of_odoos_record_when_the_pharmacy_deleted_its_own():
    found = deleted(STATE, {"date": "never"}, 4)
    assert found.deleted and found.version == 4
    assert found.base == Base.load({**AGREED, "date": "never"})


def test_a_record_that_odoo_deleted_is_known_as_it_was_last():
    found = gone(STATE, {"date": "x"}, 2)
    assert (found.version, found.base.pharmacy["date"]) == (3, "x")


def test_a_record_that_was_made_in_odoo():
    found = created(UNKNOWN, {"notes": "n"}, {"notes": "n", "date": "now"}, 1)
    assert found.base == Base({"notes": "n", "date": "now"}, {"notes": "n"})


# --- answers ---------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 204])
def test_what_was_written_is_agreed_on(status):
    answered_now = {"status": status, "id": "ph", "version": 4}
    found = answered(STATE, STATE, SENT, answered_now, key=KEY)
    assert found.fate is Fate.DONE
    assert found.state.version == 4
    assert found.state.base.pharmacy == CHANGED


@pytest.mark.parametrize("status", [199, 202, 203, 205])
def test_what_else_an_app_says_is_no_writing(status):
    assert after(STATE, status).fate is Fate.REFUSED


@pytest.mark.parametrize("version, went_back", [(2, True), (3, False), (4, False)])
def test_a_stale_answer_of_an_older_version_says_that_the_app_was_set_back(
    version, went_back
):
    found = after(STATE, 412, version=version)
    assert (found.fate, found.went_back) == (Fate.STALE, went_back)


@pytest.mark.parametrize(
    "state, base",
    [
        # Sent before, and perhaps there: what it was sent with is what both may have.
        (MappingState(uncertain=True, base=Base.load(AGREED)), AGREED),
        (MappingState(uncertain=True), CHANGED),
        # Never sent, or deleted there: what both had is of another record.
        (MappingState(base=Base.load(AGREED)), CHANGED),
    ],
)
def test_both_sides_have_what_a_new_record_is_sent_with(state, base):
    found = begun(state, Plan(Step.CREATE, CHANGED))
    assert found.base.pharmacy == base
    assert found.uncertain


def made_of(state, wrote):
    """The state once the app says that it wrote this."""
    done = {"status": 200, "id": "ph", "version": 4}
    return answered(state, STATE, SENT, done, key=KEY, written=wrote).state


def test_what_the_app_made_of_it_is_no_matter_while_a_person_decides_it():
    assert made_of(STATE, {"notes": "N"}).declined == {"notes": Declined(Side.PHARMACY)}
    asked = replace(STATE, conflict_paths=("notes",))
    state = made_of(asked, {"notes": "N"})
    assert not state.declined


def test_what_was_declined_before_is_over_once_the_app_holds_it():
    declined = replace(STATE, declined={"notes": Declined(Side.PHARMACY)})
    done = {"status": 200, "id": "ph", "version": 4}

    def keeps(path, wanted, has):
        return wanted.upper() == has

    found = answered(
        declined,
        STATE,
        replace(SENT, declined=("notes",)),
        done,
        key=KEY,
        written={"notes": "NEW"},
        keeps=keeps,
    )
    assert not found.state.declined
