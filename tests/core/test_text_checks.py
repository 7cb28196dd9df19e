"""The door: what is refused and where, and that whatever was refused can be kept."""

import hashlib
import json
import math
from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.check.text_checks import (
    check_id,
    check_line,
    check_list,
    check_text,
    check_value,
    check_visible,
    check_whole,
)
from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError, SyncError
from odoo.addons.pharmacy_sync.core.storable import (
    LEFT_OUT,
    MARK,
    UNSTORABLE,
    Limits,
    storable,
    storable_text,
)

SMALL = Limits(text=100, depth=3, values=12, characters=300, digits=20)
# Any text, with what cannot be stored more often than by chance.
TEXTS = st.text(st.characters(exclude_categories=()) | st.sampled_from("\0\ud83d⟨!"))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.integers(4300, 5000).map(lambda digits: 10**digits)
    | st.binary(max_size=3)
    | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(TEXTS | st.integers(), inner, max_size=5)
    ),
    max_leaves=30,
)


def passes(value, limits=SMALL):
    try:
        check_value(value, "value", limits)
    except InvalidDataError as error:
        assert error.field.startswith("value")
        return False
    return True


def texts(value):
    if isinstance(value, dict):
        return [*value, *(t for item in value.values() for t in texts(item))]
    if isinstance(value, list):
        return [t for item in value for t in texts(item)]
    return [value] if isinstance(value, str) else []


@given(
    st.text(st.characters(exclude_categories=("C", "Z"))), st.sampled_from("\r\n\0\x7f")
)
def test_a_text_of_a_header_is_on_one_line(text, control):
    check_line(text, "name")
    with pytest.raises(InvalidDataError) as caught:
        check_line(text + control + text, "name")
    assert caught.value.field == "name"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"notes": "a\0b"}, "value.notes"),
        ({"lines": [{"a\0b": 1}]}, "value.lines[0]"),
        ({"n" * (SMALL.text + 1): 1}, "value"),
        (["x" * SMALL.text] * (SMALL.characters // SMALL.text) + ["x"], "value"),
    ],
)
def test_names_and_texts_that_cannot_be_kept_are_refused(value, field):
    with pytest.raises(InvalidDataError) as caught:
        check_value(value, "value", SMALL)
    assert caught.value.field.startswith(field)


def test_as_many_values_as_can_be_kept_are_kept():
    numbers = [1] * SMALL.values
    assert storable(numbers, SMALL) == numbers
    kept = storable([*numbers, 1], SMALL)
    assert kept[:-1] == numbers
    assert MARK in kept[-1]


def test_texts_of_just_what_can_be_kept_pass():
    assert passes(["x" * SMALL.text] * (SMALL.characters // SMALL.text))


@given(VALUES)
def test_whatever_comes_can_be_kept(value):
    kept = storable(value, SMALL)
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert not [text for text in texts(kept) if UNSTORABLE.search(text)]
    assert all(len(text) <= SMALL.text for text in texts(kept))


@given(VALUES)
def test_what_passes_is_kept_as_it_is(value):
    if passes(value):
        assert storable(value, SMALL) == value


@given(VALUES)
def test_what_was_not_kept_as_it_came_is_refused_until_corrected(value):
    kept = storable(value, SMALL)
    if MARK in json.dumps(kept, ensure_ascii=False):
        assert not passes(kept)


@given(TEXTS, st.integers(80, 120))
def test_a_text_is_cut_once(text, longest):
    text *= 50
    kept = storable_text(text, longest)
    assert len(kept) <= longest
    assert storable_text(kept, longest) == kept
    if len(text) > longest:
        other = storable_text(text + "x", longest)
        assert (MARK in kept) and other != kept


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"name": "a\0b"}, "name"),
        ({"lines": [{}, {"description": "Perro \ud83d"}]}, "lines[1].description"),
        ({"a": {"b": [1, math.nan]}}, "a.b[1]"),
        ({"a": math.inf}, "a"),
        ({"a": 10**100}, "a"),
        ({"a": -(10**5000)}, "a"),
        ({"a": f"{MARK}U+0000⟩"}, "a"),
        ({"a": "x" * 100_001}, "a"),
        ({"a": ["x" * 99_000] * 11}, "a[10]"),
        ({"a": list(range(20_001))}, "a"),
        ({"a": b"x"}, "a"),
        ({"a": datetime(2026, 1, 1)}, "a"),
        ({"a": (1,)}, "a"),
        ({7: 1}, "[7]"),
    ],
)
def test_the_place_at_fault_is_named(value, field):
    with pytest.raises(InvalidDataError) as caught:
        check_value(value)
    assert caught.value.field == field


def test_nesting_is_bounded_and_reported():
    value = leaf = []
    for __ in range(500):
        leaf.append([])
        leaf = leaf[0]
    with pytest.raises(InvalidDataError, match="20 levels"):
        check_value(value)
    assert MARK in json.dumps(storable(value), ensure_ascii=False)


@pytest.mark.parametrize(
    "text", ["Esc \x1b[31m", "A\x0bB", "\ufeffNorte", "\u202eteV", "Cre\u0301me", "🐶"]
)
def test_other_characters_pass_and_are_kept(text):
    assert check_text(text, "name") == storable_text(text) == text


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", " a", "a\n", "a\tb", "a\0b", "\ud83d", "a\u2028b", "x" * 256),
        *(None, False, True, 5, [], {}, f"{MARK}U+0000⟩"),
    ],
)
def test_what_is_no_id(value):
    with pytest.raises(InvalidDataError):
        check_id(value, "id")


@pytest.mark.parametrize("value", ["a", "sup/1?x#y", "É 7", "..", "x" * 255])
def test_what_is_an_id(value):
    assert check_id(value, "id") == value


def test_arguments_are_named_with_their_place():
    for check, value, field in (
        (check_list, "a", "x"),
        (check_list, ["a"] * 4, "x"),
    ):
        with pytest.raises(InvalidDataError) as caught:
            check(value, "x", 3)
        assert caught.value.field == field


@pytest.mark.parametrize("value", [True, False, None, "1", 1.0, -1, 2**31, [], {}])
def test_what_is_no_whole_number(value):
    with pytest.raises(InvalidDataError):
        check_whole(value, "version")


@pytest.mark.parametrize("value", ["a b", "a\n", "é", "🐶", "", "x" * 201, 7, None])
def test_what_may_not_be_in_a_header(value):
    with pytest.raises(InvalidDataError, match=r"\^\[!-~\]\{1,200\}\$"):
        check_visible(value, "correlation_id")


def test_an_error_names_no_field_and_no_record_that_nobody_named():
    error = SyncError("The app did not answer.")
    assert (error.field, error.record) == (None, None)


def test_what_an_error_names_can_be_stored():
    error = SyncError("bad", field="na\0me", record="PO\ud83d")
    assert error.field == f"na{MARK}U+0000⟩me"
    assert error.record == f"PO{MARK}U+D83D⟩"


@given(TEXTS)
def test_an_exception_of_ours_can_be_kept_whatever_it_quotes(text):
    error = SyncError(text * 100, field=text)
    assert not UNSTORABLE.search(error.message + (error.field or ""))
    assert not UNSTORABLE.search(error.message)
    assert len(error.message) <= 2_000


def nested(levels):
    value = 1
    for number in range(levels):
        value = [value] if number % 2 else {"x": value}
    return value


def test_nesting_is_bounded_level_by_level():
    deepest = Limits().depth
    check_value(nested(deepest), "data")
    with pytest.raises(InvalidDataError):
        check_value(nested(deepest + 1), "data")


def test_a_text_may_be_as_long_as_is_said():
    for required in (True, False):
        assert check_text("a" * 5, "notes", 5, required=required) == "a" * 5
        with pytest.raises(InvalidDataError):
            check_text("a" * 6, "notes", 5, required=required)


@pytest.mark.parametrize("deeper", [lambda v: {"a": v}, lambda v: [v], lambda v: (v,)])
def test_what_is_kept_is_so_deep_and_no_deeper(deeper):
    def nested(levels, inmost):
        for _ in range(levels):
            inmost = deeper(inmost)
        return inmost

    limits = Limits(depth=4)
    kept = json.dumps(storable(nested(4, "seen"), limits))
    assert kept == json.dumps(nested(4, "seen"))
    cut = json.dumps(storable(nested(5, "seen"), limits))
    assert cut == json.dumps(nested(4, LEFT_OUT))


def test_texts_are_kept_up_to_so_many_characters_together():
    assert storable(["abc", "de"], Limits(characters=5)) == ["abc", "de"]
    assert storable(["abc", "def", "d"], Limits(characters=5)) == ["abc", LEFT_OUT, "d"]


@pytest.mark.parametrize(
    "field, said", [("", "the value must be a finite number"), ("a.b", "a.b must be")]
)
def test_what_is_at_fault_is_named(field, said):
    with pytest.raises(InvalidDataError, match=f"^{said}") as caught:
        check_value(math.inf, field)
    assert caught.value.field == (field or None)


def test_the_limit_of_values_itself_is_within():
    limits = Limits(text=9, depth=3, values=3, characters=99, digits=9)
    check_value([1, [2]], "a", limits)
    check_value([1, 2, 3], "a", limits)
    for beyond in ([1, 2, 3, 4], [1, [2, 3]]):
        with pytest.raises(InvalidDataError, match="goes beyond 3 values"):
            check_value(beyond, "a", limits)


def test_a_text_that_cannot_be_stored_is_refused_by_its_field():
    with pytest.raises(InvalidDataError, match=r"U\+0000") as caught:
        check_text("a\0b", "notes")
    assert caught.value.field == "notes"


def test_of_what_has_too_many_values_the_first_are_kept():
    limits = Limits(values=2)
    kept = storable({"a": 1, "b": 2, "c": 3}, limits)
    assert kept == {"a": 1, "b": 2, LEFT_OUT: True}
    assert storable({"a": 1, "b": 2}, limits) == {"a": 1, "b": 2}
    assert storable([1, 2, 3], limits) == [1, 2, LEFT_OUT]
    assert storable([[1, 2], 3], limits) == [[1, LEFT_OUT], LEFT_OUT]


def test_a_text_that_is_cut_says_of_how_many_characters_and_of_which():
    kept = storable_text(200 * "x", 100)
    digest = hashlib.sha256(200 * b"x").hexdigest()[:8]
    mark = f"⟨!cut from 200 characters, {digest}⟩"
    assert kept == (100 - len(mark)) * "x" + mark
