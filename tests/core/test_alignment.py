"""What two rows have in common, against the plainest way to find it."""

from functools import cache
from itertools import pairwise, product

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict import alignment
from odoo.addons.pharmacy_sync.core.conflict.alignment import matches

ENOUGH = 10_000
rows = st.text(alphabet="abc", max_size=9)
anything = st.text(alphabet="abcdefgh", max_size=12)


def longest(before, after):
    """How many items the longest common row has."""

    @cache
    def common(i, j):
        if i == len(before) or j == len(after):
            return 0
        if before[i] == after[j]:
            return 1 + common(i + 1, j + 1)
        return max(common(i + 1, j), common(i, j + 1))

    return common(0, 0)


@given(anything, anything, st.integers(0, 40))
def test_pairs_are_equal_and_in_order(before, after, most):
    found = matches(before, after, most)
    assert all(before[i] == after[j] for i, j in found)
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(found))


@given(rows, rows)
def test_where_items_repeat_the_longest_row_is_found(before, after):
    part = alignment._Part(0, len(before), 0, len(after))
    assert len(alignment._common(before, after, part)) == longest(before, after)


@given(st.sets(st.sampled_from("abcdefghijkl")), st.data())
def test_of_what_is_there_once_the_longest_row_holds(letters, data):
    before = data.draw(st.permutations(sorted(letters)))
    after = data.draw(st.permutations(sorted(letters)))
    assert len(matches(before, after, 0)) == longest(before, after)


LEFT = [(1, 0), (2, 1), (3, 2)]  # of "xyxy" and "yxyx"
RIGHT = [(6, 5), (7, 6), (8, 7)]  # of "vwvw" and "wvwv"


@pytest.mark.parametrize(
    "most, found",
    [
        (15, [(4, 4)]),
        (16, [*LEFT, (4, 4)]),
        (31, [*LEFT, (4, 4)]),
        (32, [*LEFT, (4, 4), *RIGHT]),
    ],
)
def test_only_so_many_pairs_are_compared(most, found):
    # Twice four times four pairs, and M, which is there once, between them.
    assert matches("xyxyMvwvw", "yxyxMwvwv", most) == found


def test_of_two_longest_rows_that_of_what_is_said_later_is_taken():
    assert matches("aabb", "bbaa", ENOUGH) == [(2, 0), (3, 1)]


@pytest.mark.parametrize(
    "before, after, found",
    [
        # Around M, which is there once, what is the same next to it.
        ("aabbM!", "ccbbM?", [(2, 2), (3, 3), (4, 4)]),
        ("!Maabb", "?Maacc", [(1, 1), (2, 2), (3, 3)]),
        ("!aaMbb!", "?aaMbb?", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]),
        # The same at both ends, whatever lies between.
        ("aaxbb", "aaybb", [(0, 0), (1, 1), (3, 3), (4, 4)]),
        ("aa", "aaaa", [(0, 0), (1, 1)]),
        ("aaaa", "aa", [(0, 0), (1, 1)]),
        ("", "a", []),
    ],
)
def test_what_is_the_same_beside_what_holds_is_never_compared_pair_by_pair(
    before, after, found
):
    assert matches(before, after, 0) == found


def test_all_small_rows():
    rows = ["".join(row) for n in range(5) for row in product("ab", repeat=n)]
    for before, after in product(rows, repeat=2):
        part = alignment._Part(0, len(before), 0, len(after))
        assert len(alignment._common(before, after, part)) == longest(before, after)
        for most in (0, ENOUGH):
            found = matches(before, after, most)
            assert all(before[i] == after[j] for i, j in found)
            assert all(
                one[0] < two[0] and one[1] < two[1] for one, two in pairwise(found)
            )
