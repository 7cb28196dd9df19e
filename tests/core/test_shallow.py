"""JSON without its depths."""

import json

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.check.shallow import shallow

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def cut(value, left):
    """What must be left of a value, by its own structure."""
    if isinstance(value, (list, dict)) and not left:
        return None
    if isinstance(value, list):
        return [cut(item, left - 1) for item in value]
    if isinstance(value, dict):
        return {name: cut(item, left - 1) for name, item in value.items()}
    return value


@given(JSON, st.integers(1, 5), st.booleans())
def test_what_lies_deeper_is_null(value, deepest, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert json.loads(shallow(text, deepest)) == cut(value, deepest)


@given(st.text(alphabet='[]{}"\\a,:'), st.integers(1, 3))
def test_what_is_no_json_stays_so(text, deepest):
    try:
        expected = cut(json.loads(text), deepest)
    except ValueError:
        with pytest.raises(ValueError):
            json.loads(shallow(text, deepest))
    else:
        assert json.loads(shallow(text, deepest)) == expected


def test_quotes_and_brackets_in_a_text_are_no_depth():
    value = {"a": '"[[[', "b": "\\", "c": '\\"{', "d": [["e"]]}
    assert json.loads(shallow(json.dumps(value), 2)) == {**value, "d": [None]}


def test_neighbours_of_a_depth_are_left():
    deep = '{"id": "b", "notes": ' + "[" * 200_000 + "]" * 200_000 + "}"
    text = f'[{{"id": "a"}}, {deep}, {{"id": "c [\\" {{"}}]'
    read = json.loads(shallow(text))
    assert [record["id"] for record in read] == ["a", "b", 'c [" {']
