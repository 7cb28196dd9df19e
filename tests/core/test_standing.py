import re
from dataclasses import fields, replace

import pytest
from hypothesis import example, given, strategies as st

from odoo.addons.pharmacy_sync.core.analytics.backend_state import (
    HALTED,
    LATE,
    Facts,
    State,
    record_sentence,
    stand,
)
from odoo.addons.pharmacy_sync.core.analytics.health_score import GOOD, Vitals, health

counts = st.integers(0, 3) | st.integers(0, 10**6)
facts = st.builds(
    Facts,
    off=st.booleans(),
    paused=st.booleans(),
    unread=st.booleans(),
    refused=st.booleans(),
    silent=counts,
    held=st.booleans(),
    waiting=counts,
    oldest=st.floats(0, 1e7),
    conflicts=counts,
    failed=counts,
    differs=counts,
    mends=st.booleans(),
)
NAMES = {field.name for field in fields(Facts)} | {"since", "next", "age"}


def said(found):
    values = {**vars(found), "since": "4:15", "next": "4:18", "age": "40 s"}
    return " ".join(stand(found).sentences) % values


@given(facts)
@example(Facts(silent=2))
def test_in_sync_is_said_of_what_has_nothing_left_to_do(found):
    quiet = replace(found, oldest=0.0)
    assert (stand(found).state is State.IN_SYNC) == (
        quiet == Facts(silent=found.silent, mends=found.mends) and not found.away
    )
    if stand(found).state is not State.IN_SYNC:
        assert "In sync." not in said(found)


@given(facts)
def test_there_is_always_a_sentence_and_its_names_are_known(found):
    templates = stand(found).sentences
    assert templates
    assert set(re.findall(r"%\((\w+)\)s", " ".join(templates))) <= NAMES


@given(facts)
def test_what_needs_a_person_is_said_in_every_state(found):
    needs = bool(found.conflicts or (found.failed and found.mends))
    assert ("operator." in said(found)) == bool(found.failed and not found.mends)
    assert ("you." in said(found).replace("You need to do nothing.", "")) == needs
    if found.conflicts > 1:
        assert f"{found.conflicts} decisions" in said(found)
    if found.failed > 1:
        assert f"{found.failed} failed changes" in said(found)


@given(facts)
def test_nobody_is_advised_to_do_nothing_who_has_something_to_do(found):
    if "do nothing" in said(found):
        assert not found.conflicts and not (found.failed and found.mends)
        assert not found.refused and not found.paused


@given(facts)
def test_what_waits_is_said_in_every_state(found):
    if found.off:
        assert "nothing is exchanged" in said(found)
    elif found.waiting > 1:
        assert f"{found.waiting} changes" in said(found)
    elif found.waiting:
        assert "1 change" in said(found)


@given(facts)
def test_green_only_with_nothing_late_and_the_app_there(found):
    standing = stand(found)
    if standing.level == "success":
        assert not found.waiting and not found.held and not found.away
    if found.waiting and found.oldest > LATE and not found.off:
        assert standing.level in ("warning", "danger")


@given(facts)
def test_health_and_sentence_agree(found):
    vitals = Vitals(
        away=found.away,
        dead_letters=found.failed,
        conflicts=found.conflicts,
        backlog_age=found.oldest if found.waiting else 0.0,
    )
    if found.away or (found.waiting and found.oldest > LATE):
        assert health(vitals).score < GOOD


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Facts(), "In sync."),
        (Facts(silent=1), "In sync."),
        (
            Facts(conflicts=2, failed=9, mends=False),
            "2 decisions need you. 9 failed changes wait for an operator.",
        ),
        (Facts(failed=1, mends=False), "1 failed change waits for an operator."),
        (
            Facts(waiting=12, oldest=40.0),
            "Catching up: 12 changes, the oldest for 40 s.",
        ),
        (
            Facts(silent=5, waiting=10),
            "Does not answer since 4:15. 10 changes are kept and go out by themselves. "
            "Next try: 4:18. You need to do nothing.",
        ),
        (
            Facts(conflicts=4, failed=68),
            "4 decisions and 68 failed changes need you.",
        ),
        (
            Facts(paused=True, waiting=1, conflicts=1),
            "Paused since 4:15. 1 change is kept until then. 1 decision needs you.",
        ),
        (
            Facts(silent=1, held=True),
            "Does not answer since 4:15. No change waits. Next try: 4:18. "
            "You need to do nothing.",
        ),
        (
            Facts(held=True),
            "Some calls fail since 4:15. No change waits. Next try: 4:18.",
        ),
        (
            Facts(off=True, waiting=3, failed=1),
            "Off: nothing is exchanged. 1 failed change needs you.",
        ),
        (
            Facts(unread=True, waiting=2, oldest=90.0),
            "The pharmacy's changes cannot be read now. "
            "Catching up: 2 changes, the oldest for 40 s.",
        ),
        (Facts(differs=1), "In sync, but for 1 record with a known difference."),
    ],
)
def test_sentences_that_people_read(found, text):
    assert said(found) == text


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("record", ["synced", "pending", "differs", "conflict", "dead"])
def test_a_record_has_a_sentence(record, state):
    text = record_sentence(record, state) % {"pharmacy": "Vet"}
    assert "Vet" in text
    assert text.startswith("Kept") == (record == "pending" and state in HALTED)


@pytest.mark.parametrize(
    "values, state",
    [
        ({"off": True}, "off"),
        ({"refused": True}, "refused"),
        ({"paused": True}, "paused"),
        # One call that fails may be a chance; two are none, nor is one with a breaker.
        ({"silent": 1}, "in_sync"),
        ({"silent": 2}, "away"),
        ({"silent": 1, "held": True}, "away"),
        ({"held": True}, "troubled"),
        ({"unread": True}, "unread"),
        ({"conflicts": 1}, "needs_person"),
        ({"failed": 1}, "needs_person"),
        ({"waiting": 1}, "catching_up"),
        ({"waiting": 1, "oldest": LATE}, "catching_up"),
        ({"waiting": 1, "oldest": LATE + 1}, "late"),
        # What does not wait is never late.
        ({"oldest": LATE + 1}, "in_sync"),
        ({"differs": 1}, "differs"),
        ({}, "in_sync"),
    ],
)
def test_each_state_by_itself(values, state):
    assert stand(Facts(**values)).state == state
