"""Sentences that are kept, and found again by their readers."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core import said

ROOT = Path(said.__file__).parents[1]
ROOMS = ("core", "client", "entities", "models")
VALUE = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=12)
WITH_VALUES = [text for text in (*said.KEPT, *said.MESSAGES) if "%" in text]


@pytest.mark.parametrize("sentence", WITH_VALUES)
@given(data=st.data())
def test_values_that_were_filled_in_are_found_again(sentence, data):
    names = [name for name in said._PLACE.findall(sentence) if name]
    named = {name: data.draw(VALUE) for name in names}
    values = () if named else (data.draw(VALUE),)
    text = said.say(sentence, *values, **named)
    found = said.read(text)
    filled = found.sentence % (dict(found.named) or found.values)
    assert filled == text
    assert found.sentence == sentence


@given(st.text())
def test_what_is_read_is_what_was_kept(text):
    found = said.read(text)
    if found:
        assert found.sentence % (dict(found.named) or found.values) == text


@pytest.mark.parametrize(
    "text",
    ["", "this record is not taken now", "Stock: 4 %", "must not be negative", "%s"],
)
def test_what_another_program_said_stays_as_it_is(text):
    assert said.read(text) is None


def test_field_before_a_sentence_is_found():
    assert said.field_of("notes must be a string") == "notes"
    assert said.field_of("state must be one of draft, sent") == "state"
    assert said.field_of("uom: must be a string") == "uom"
    assert said.field_of("The list does not go on.") is None


def test_every_message_is_one_that_the_code_raises():
    """A message that was reworded where it is raised is no longer found otherwise."""
    raised = "\n".join(_texts())
    for message in said.MESSAGES:
        own = [part for part in said._PLACE.split(message) if part]
        words = max(said._PLACE.sub("\0", message).split("\0"), key=len).strip()
        assert own
        assert words in raised, message


def _texts():
    """All that is written in the code as a text, values left out of it."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.name == "said.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
