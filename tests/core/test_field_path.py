import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.check.field_path import (
    Named,
    in_words,
    line_number,
    meant,
    named,
)

TITLES = {
    "lines[0].quantity": "Line 1, Quantity",
    "lines[0]": "Line 1",
    "lines[0].key": "Line 1, Key",
    "lines[ln_2].uom": "Line ln_2, Unit of measure",
    "notes": "Notes",
}
NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
PATHS = NAMES | st.builds(
    "{}[{}]{}".format,
    NAMES,
    st.integers(0, 999) | st.from_regex(r"[a-z]{2}_[0-9a-f]{6}", fullmatch=True),
    st.just("") | NAMES.map(".{}".format),
)


@pytest.mark.parametrize(
    ("message", "field", "words"),
    [
        (
            "lines[0].quantity: must not be negative",
            None,
            "Line 1, Quantity: must not be negative",
        ),
        ("lines[0].key is required", None, "Line 1, Key is required"),
        ("lines[0] must be an object", None, "Line 1 must be an object"),
        (
            "lines[0]: The product is not known yet.",
            "lines[0].product_id",
            "Line 1: The product is not known yet.",
        ),
        (
            "lines[ln_2].uom: Odoo has none",
            None,
            "Line ln_2, Unit of measure: Odoo has none",
        ),
        ("notes must be a string", "notes", "Notes must be a string"),
        ("notes: too long", None, "Notes: too long"),
    ],
)
def test_a_path_at_the_beginning_is_said_in_words(message, field, words):
    assert in_words(message, field, TITLES.get) == words


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ("notes must be a string", None),  # "notes" may be any word
        ("The order is locked: lines[0].quantity", "lines[0].quantity"),
        ("other: unknown to the entity", None),
        ("notes", "notes"),
        ("notesworthy: this", "notes"),
        ("", None),
        ("{'notes': 1}", "notes"),
    ],
)
def test_any_other_sentence_stays_as_it_is(message, field):
    assert in_words(message, field, TITLES.get) == message


@given(PATHS, st.sampled_from((": ", " ")), st.from_regex(r"\S.*", fullmatch=True))
def test_a_known_field_is_found_wherever_a_sentence_begins_with_it(path, joint, rest):
    message = f"{path}{joint}{rest}"
    assert named(message, path) == Named(path, joint, rest)
    assert in_words(message, path, {path: "It"}.get) == f"It{joint}{rest}"


@given(st.text(), st.none() | PATHS)
def test_no_sentence_loses_a_word(message, field):
    found = named(message, field)
    assert in_words(message, field, lambda path: None) == message
    if found:
        assert found.rest
        assert message.endswith(found.rest)
        assert in_words(message, field, str).endswith(found.joint + found.rest)


def test_lines_are_counted_from_one():
    assert [line_number(key) for key in ("0", "9", "ln_2")] == ["1", "10", "ln_2"]


ALL = ["notes", "lines[0].quantity", "lines[1].quantity", "lines[0].uom"]


@pytest.mark.parametrize(
    "path, found",
    [
        ("notes", {"notes"}),
        ("lines[1].quantity", {"lines[1].quantity"}),
        # There is no such line: that field of all lines.
        ("lines[7].quantity", {"lines[0].quantity", "lines[1].quantity"}),
        ("lines[ln_2].uom", {"lines[0].uom"}),
        ("lines[0].price", set()),
        ("city", set()),
        ("", set()),
        (None, set()),
    ],
)
def test_which_of_the_fields_an_error_means(path, found):
    assert meant(path, ALL) == found
