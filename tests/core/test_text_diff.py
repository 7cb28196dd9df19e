"""What people see of a change: nothing invented, nothing left out."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.text_diff import ADDED, REMOVED, SAME, mark

texts = st.text(alphabet="ab 1.\nñ", max_size=40)


def joined(segments, *kinds):
    return "".join(text for kind, text in segments if kind in kinds)


@given(texts, texts)
def test_both_texts_can_be_read_from_it(before, after):
    segments = mark(before, after)
    assert joined(segments, SAME, REMOVED) == before
    assert joined(segments, SAME, ADDED) == after


@given(texts)
def test_nothing_is_marked_where_nothing_changed(text):
    assert joined(mark(text, text), ADDED, REMOVED) == ""


def test_the_digits_that_changed():
    assert mark("12.50", "13.50") == [
        (SAME, "1"),
        (REMOVED, "2"),
        (ADDED, "3"),
        (SAME, ".50"),
    ]


def test_the_word_that_changed():
    assert mark("Deliver before noon, please", "Deliver before ten, please") == [
        (SAME, "Deliver before "),
        (REMOVED, "noon"),
        (ADDED, "ten"),
        (SAME, ", please"),
    ]


def test_another_text_altogether_is_not_cut_to_pieces():
    before = "Cold chain: 2 to 8 degrees. Call us if the logger shows more."
    after = "Ring twice at the door, and leave it with the neighbour"
    assert mark(before, after) == [(REMOVED, before), (ADDED, after)]


def test_a_long_text_is_compared_fast_enough():
    before = "word " * 20_000
    segments = mark(before, before + "more " + before)
    assert joined(segments, ADDED).strip().endswith("word") or joined(segments, ADDED)
