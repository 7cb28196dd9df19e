"""A person's words go from texts, however they are written; nothing else does."""

import json

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.secrets.erasing import (
    ERASED,
    as_json,
    erase,
    identifying,
)

WORDS = ["Wilhelmina Quack", 'say "Mina"', "mina@quack.example", "+34 600 123"]
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.builds(
        lambda before, word, after: before + word + after,
        st.text(max_size=3),
        st.sampled_from([case(w) for w in WORDS for case in (str, str.upper)]),
        st.text(max_size=3),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*WORDS, "name", "id"]), inner, max_size=3)
    ),
)


@given(values)
def test_none_of_the_words_is_left(value):
    text = json.dumps(erase(value, identifying(WORDS)), ensure_ascii=False).lower()
    assert not [word for word in WORDS if as_json(word).lower() in text]


@given(values)
def test_what_holds_none_stays_as_it_is(value):
    assert erase(value, []) == value
    assert erase(value, ["no such word"]) == value


@given(values)
def test_a_second_time_changes_nothing(value):
    once = erase(value, identifying(WORDS))
    assert erase(once, identifying(WORDS)) == once


def test_short_words_are_in_others_by_chance():
    assert identifying(["Ana", " Mina B. ", None, 5, "", False]) == ["Mina B."]
    assert erase("Anagram of Mina B.", ["Mina B."]) == f"Anagram of {ERASED}"


def test_the_shortest_word_that_is_looked_for_has_four_letters():
    assert identifying(["Anna", "Ana"]) == ["Anna"]
    assert identifying(["Anna", "Maria"]) == ["Maria", "Anna"]


def test_a_word_within_json_is_without_its_quotes():
    assert as_json("Ana") == "Ana"
    assert as_json('"Ñ"\n') == '\\"Ñ\\"\\n'
