"""What people see of a change: nothing invented, nothing left out."""

from itertools import pairwise

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict import alignment
from odoo.addons.pharmacy_sync.core.conflict.text_diff import ADDED, REMOVED, SAME, mark

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


def test_two_words_that_changed_around_others_that_did_not():
    before, after = "Send 1 box at nine or ten", "Send 2 box at nine or one"
    assert mark(before, after) == [
        (SAME, "Send "),
        (REMOVED, "1"),
        (ADDED, "2"),
        (SAME, " box at nine or "),
        (REMOVED, "ten"),
        (ADDED, "one"),
    ]


def test_another_text_altogether_is_not_cut_to_pieces():
    before = "Cold chain: 2 to 8 degrees. Call us if the logger shows more."
    after = "Ring twice at the door, and leave it with the neighbour"
    assert mark(before, after) == [(REMOVED, before), (ADDED, after)]


def test_what_repeats_is_compared_in_bounded_time(monkeypatch):
    """Rows of equal words: what every pair of them costs is what is bounded."""
    pairs = []
    common = alignment._common

    def counting(before, after, part):
        pairs.append((part.end - part.start) * (part.high - part.low))
        return common(before, after, part)

    monkeypatch.setattr(alignment, "_common", counting)
    for before, after in (
        ("a " * 5000, "b " * 5000),
        (". " * 4000, "." * 9900),
        ("-." * 4500, ".-" * 4500 + "-"),
        ("a b " * 250, "b a " * 250),
        ("word " * 20_000, "word " * 20_000 + "more " + "word " * 20_000),
    ):
        pairs.clear()
        segments = mark(before, after)
        assert joined(segments, SAME, REMOVED) == before
        assert joined(segments, SAME, ADDED) == after
        assert sum(pairs) < 1_500_000


def test_what_is_alike_is_one_piece():
    for before, after in (("a b c", "a b d"), ("x", "xy"), ("1 2", "2"), ("", "n")):
        kinds = [kind for kind, __ in mark(before, after)]
        assert all(one != two for one, two in pairwise(kinds)), kinds
        assert all(text for __, text in mark(before, after))


def test_only_the_first_is_joined_to_what_is_before():
    assert mark("", "new") == [(ADDED, "new")]
    assert mark("ab cd", "ab cd ef") == [(SAME, "ab cd"), (ADDED, " ef")]


def test_a_long_end_in_common_makes_no_words_alike():
    """Only what lies between what is the same at both ends says how alike it is."""
    end = ". Kind regards from all of us here, and see you soon"
    for start in ("A: ", ""):
        old, new = "one two three four", "uno dos tres cuatro cinco"
        same = [(SAME, start)] if start else []
        assert mark(start + old + end, start + new + end) == [
            *same,
            (REMOVED, old),
            (ADDED, new),
            (SAME, end),
        ]
        # As long as what is left alike is most of it, each word is shown.
        assert len(mark(start + "a b c d e f" + end, start + "a x c y e f" + end)) == 7
