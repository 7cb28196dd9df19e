"""Notes that both sides wrote on: nothing written is lost, nothing is made up."""

from collections import Counter

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.text_merge import _edits, merge_text

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


def test_lines_that_repeat_are_not_doubled():
    merged = merge_text("\n".join("yyyyyy"), "y\ny\ny\ny\ny!\ny", "y\nx\ny\ny\ny\ny\ny")
    assert merged == "y\nx\ny\ny\ny\ny!\ny"


class Counted(str):
    """A line that counts how often it is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Counted.compared += 1
        return str.__eq__(self, other)

    def split(self, separator):
        return list(map(Counted, str.split(self, separator)))


def blank(count):
    return "\n" * count


@pytest.mark.parametrize(
    "make",
    [
        lambda n: (blank(n), blank(n) + "A", "B" + blank(n)),
        lambda n: (blank(n), "A" + blank(n) + "C", "B" + blank(n) + "D"),
        lambda n: ("ab\n" * n, "b\na\n" * n, "a\n" + "b\n" * n),
        lambda n: ("a\nb\n" * n, "b\na\n" * n, "b\nb\na\n" * n),
        lambda n: (
            "\n\n".join(map(str, range(n))),
            "\n\n".join(f"{i}!" if i % 9 == 0 else f"{i}" for i in range(n)),
            "\n\n".join(f"{i}?" if i % 9 == 4 else f"{i}" for i in range(n)),
        ),
    ],
)
def test_long_texts_are_compared_in_bounded_time(make):
    Counted.compared = 0
    merge_text(*map(Counted, make(5000)))
    assert Counted.compared < 1_500_000


def test_edits_of_a_long_text_with_many_blank_lines_are_both_kept():
    lines = [str(i) if i % 2 else "" for i in range(4000)]
    ours, theirs = list(lines), list(lines)
    for i in range(101, 4000, 400):
        ours[i], theirs[i + 200] = f"{i} ours", f"{i} theirs"
    merged = merge_text(*map("\n".join, (lines, ours, theirs))).split("\n")
    assert [line for line in merged if "s" in line] == [
        line for pair in zip(ours, theirs, strict=True) for line in pair if "s" in line
    ]


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
    ours, theirs, after = (
        Counter(text.split("\n")) for text in (odoo, pharmacy, merged)
    )
    assert set(after) <= set(ours) | set(theirs)
    lines = base.split("\n")
    taken_away = Counter()
    for edit in {*_edits(lines, odoo), *_edits(lines, pharmacy)}:
        taken_away += Counter(lines[edit.start : edit.end]) - Counter(edit.lines)
    for line in set("abcd") - set(taken_away):
        # What one side added and neither took away anywhere is there.
        assert after[line] >= max(ours[line], theirs[line])


@given(texts, texts, texts)
def test_merging_again_changes_nothing(base, odoo, pharmacy):
    merged = merge_text(base, odoo, pharmacy)
    if merged is not None:
        assert merge_text(pharmacy, merged, pharmacy) == merged
        assert merge_text(base, merged, merged) == merged
