"""What an administrator may enter as a pattern: nothing that keeps a worker busy."""

import pytest

from odoo.addons.pharmacy_sync.core.check.patterns import LOOKED_AT, found, problem
from odoo.addons.pharmacy_sync.core.error.classification import Rule, classify_response
from odoo.addons.pharmacy_sync.core.taxonomy import ErrorType


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+$",
        "(.*)*",
        "(?:a?){40}a",
        "a?" * 40 + "a" * 40,
        "(a|b|ab)" * 20,
        r"(\w+\s?)*!",
        "(.*a){12}",
        ".*.*.*.*x",
        r"(\d+,)+",
        "((a{1,9}){1,9}){1,9}",
        "(?=(a+)+$)",
        "x*y*z*",
        # What a group has found is looked for again at each try.
        r"(.*)(.*)\2\1x",
        r"(.+)\1\1",
        # Of no fixed length, and of none at all.
        "(?:ab?)+(?:ab?)+",
        "(?:)*x*",
        "(x)?" + "(?(1)a?|b?)" * 20,
    ],
)
def test_what_could_take_for_ever_is_refused(pattern):
    assert problem(pattern) == "too complex"
    rule = Rule(ErrorType.INSUFFICIENT_STOCK, pattern=pattern)
    assert not rule.matches(422, None, "a" * 30)


def test_how_many_ways_are_enough():
    """Each ``a?`` matches in two ways at most, ``(xx|yy|zz)`` in three."""
    assert problem("a?" * 15) is None
    assert problem("a?" * 13 + "(xx|yy|zz)") is None
    assert problem("a?" * 14 + "(xx|yy|zz)") == "too complex"
    assert problem("a?" * 16) == "too complex"


@pytest.mark.parametrize(
    "pattern", ["(", "*", "[", "(?P<a", "a{2,1}", "(?<=a+)b", "(" * 2000]
)
def test_what_is_no_pattern_is_refused(pattern):
    assert problem(pattern) not in (None, "too complex")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(out of|no) stock", "Out of stock"),
        (r"(['\"]).*\1 is gone", "'po_1' is gone"),
        ("nicht (mehr )?lieferbar", "Artikel nicht mehr lieferbar"),
        (r"order \d+ is (closed|done)", "order 4711 is closed"),
        ("stock.*warehouse.*(empty|gone)", "stock of the warehouse is gone"),
        (r"^E\d{3,5}:", "E1234: no"),
        (r"(\w+) \1", "again again"),
        (r"\bAusverkauft\b", "leider ausverkauft!"),
        ("(?:ab){2,5}", "abab"),
    ],
)
def test_what_people_write_is_taken(pattern, text):
    assert problem(pattern) is None
    assert found(pattern, text)
    assert not found(pattern, "x" + "-" * 600)


def test_only_the_beginning_of_a_long_message_is_searched():
    assert found("b", "a" * (LOOKED_AT - 1) + "b")
    assert not found("b", "a" * LOOKED_AT + "b")
    rules = [Rule(ErrorType.INSUFFICIENT_STOCK, pattern="gone")]
    assert classify_response(422, message="gone", rules=rules).type is (
        ErrorType.INSUFFICIENT_STOCK
    )


def test_what_repeats_a_fixed_number_of_times_matches_in_one_way():
    assert problem("(?:ab){3}" * 40) is None
    assert problem("(?:ab){3,4}" * 15) is None
    assert problem("(?:ab){3,4}" * 16) == "too complex"


def test_of_a_condition_both_ways_count():
    """``(x)?`` matches in two ways, ``a?`` or ``b`` in three, whichever has the two."""
    for either in ("(?(1)a?|b)", "(?(1)a|b?)"):
        assert problem("(x)?" + either * 8) is None
        assert problem("(x)?" + either * 9) == "too complex"
    assert problem("(x)?" + "(?(1)a?)" * 8) is None
    assert problem("(x)?" + "(?(1)a?)" * 9) == "too complex"


def test_of_what_repeats_in_several_ways_each_number_of_times_counts():
    """``(?:a?){3}`` matches in 8 ways, ``(?:a?){2,3}`` in 4 more."""
    assert problem("(?:a?){3}" + "a?" * 12) is None
    assert problem("(?:a?){3}" + "a?" * 13) == "too complex"
    assert problem("(?:a?){2,3}" + "a?" * 11) is None
    assert problem("(?:a?){2,3}" + "a?" * 12) == "too complex"
