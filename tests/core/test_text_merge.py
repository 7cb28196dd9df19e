"""Notes that both sides wrote on: nothing written is lost, nothing is made up."""

from collections import Counter

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.text_merge import merge_text

BASE = "Call first\nCold chain\nRing twice\nBack door"


def changed(**lines):
    """BASE with lines given as l0, l1, ...: another text, or None to drop it."""
    found = [lines.get(f"l{i}", line) for i, line in enumerate(BASE.split("\n"))]
    return "\n".join(line for line in found if line is not None)


def test_edits_of_different_lines_are_both_kept():
    merged = merge_text(BASE, changed(l0="Call at 9"), changed(l3="Front door"))
    assert merged == changed(l0="Call at 9", l3="Front door")


def test_a_line_dropped_here_and_one_added_there():
    merged = merge_text(BASE, changed(l0=None), BASE + "\nAsk for Ana")
    assert merged == changed(l0=None) + "\nAsk for Ana"


@pytest.mark.parametrize(
    "odoo, pharmacy",
    [
        (changed(l1="Frozen"), changed(l1="Cool")),
        (changed(l1="Frozen"), changed(l1=None)),
        (changed(l1="Frozen"), changed(l2="Ring once")),  # neighbours
        (BASE + "\nOne", BASE + "\nTwo"),
    ],
)
def test_edits_that_touch_are_for_a_person(odoo, pharmacy):
    assert merge_text(BASE, odoo, pharmacy) is None


def test_the_same_edit_is_taken_once():
    both = BASE + "\nAsk for Ana"
    assert merge_text(BASE, both, changed(l0="Call at 9") + "\nAsk for Ana") == (
        changed(l0="Call at 9") + "\nAsk for Ana"
    )


def test_notes_that_were_empty():
    assert merge_text("", "One", "") == "One"
    assert merge_text("", "One", "Two") is None


texts = st.lists(st.sampled_from("abcd"), max_size=7).map("\n".join)


@given(texts)
def test_identity(text):
    assert merge_text(text, text, text) == text


@given(texts, texts)
def test_an_edit_on_one_side_wins(base, text):
    assert merge_text(base, text, base) == text
    assert merge_text(base, base, text) == text


@given(texts, texts)
def test_sides_that_are_equal_stay_so(base, text):
    assert merge_text(base, text, text) == text


@given(texts, texts, texts)
def test_symmetry(base, odoo, pharmacy):
    assert merge_text(base, odoo, pharmacy) == merge_text(base, pharmacy, odoo)


@given(texts, texts, texts)
def test_every_line_stems_from_a_side_and_none_is_lost(base, odoo, pharmacy):
    merged = merge_text(base, odoo, pharmacy)
    if merged is None:
        return
    before, ours, theirs, after = (
        Counter(text.split("\n")) for text in (base, odoo, pharmacy, merged)
    )
    assert set(after) <= set(ours) | set(theirs)
    for line in "abcd":
        # What one side added and neither took away is there.
        if min(ours[line], theirs[line]) >= before[line]:
            assert after[line] >= max(ours[line], theirs[line])


@given(texts, texts, texts)
def test_merging_again_changes_nothing(base, odoo, pharmacy):
    merged = merge_text(base, odoo, pharmacy)
    if merged is not None:
        assert merge_text(pharmacy, merged, pharmacy) == merged
        assert merge_text(base, merged, merged) == merged
