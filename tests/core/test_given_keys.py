"""Keys that an app gives to lines: each is found again, and nothing else changes."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import Side
from odoo.addons.pharmacy_sync.core.exchange.declined import Declined
from odoo.addons.pharmacy_sync.core.exchange.mapping_state import MappingState
from odoo.addons.pharmacy_sync.core.exchange.pair import Base
from odoo.addons.pharmacy_sync.core.keys.given_keys import (
    given_keys,
    state_with_keys,
    with_keys,
)
from odoo.addons.pharmacy_sync.core.keys.line_keys import line_moves

amounts = st.sampled_from(["1", "2", "3"])
values = st.fixed_dictionaries({"product_id": amounts, "quantity": amounts})
lines = st.lists(values, max_size=6)
MATCH = (("product_id", "quantity"), ("product_id",))


def keyed(found, prefix):
    return [{"key": f"{prefix}{n}", **line} for n, line in enumerate(found)]


@given(lines, st.randoms())
def test_each_line_gets_the_key_of_one_that_is_the_same(found, random):
    sent, at_app = keyed(found, "odoo-"), keyed(found, "")
    random.shuffle(at_app)
    keys = given_keys(sent, at_app, MATCH)
    assert len(set(keys.values())) == len(keys) == len(sent)
    renamed = with_keys({"lines": sent}, keys)["lines"]
    assert sorted(renamed, key=str) == sorted(at_app, key=str)


def test_what_the_app_had_otherwise_is_found_by_what_it_is():
    sent = [{"key": "odoo-1", "product_id": "1", "quantity": "2"}]
    at_app = [{"key": "9", "product_id": "1", "quantity": "3"}]
    assert given_keys(sent, at_app) == {}
    assert given_keys(sent, at_app, MATCH) == {"odoo-1": "9"}


def test_lines_that_had_their_keys_are_no_ones_else():
    sent = [{"key": "5", "product_id": "1"}, {"key": "odoo-1", "product_id": "1"}]
    at_app = [{"key": "5", "product_id": "1"}, {"key": "9", "product_id": "1"}]
    assert given_keys(sent, at_app) == {"odoo-1": "9"}
    assert given_keys(sent, at_app[:1]) == {}
    assert given_keys(sent[:1], at_app) == {}
    # Of a line that says nothing but its key nobody knows which it is.
    assert given_keys(sent, [{"key": "9"}], MATCH) == {}


def test_all_that_is_remembered_goes_by_the_new_keys():
    keys = {"odoo-1": "9"}
    refused = Declined(Side.PHARMACY)

    def known(key):
        line = {"key": key, "quantity": "2"}
        return MappingState(
            external_id="7",
            base=Base.load({"notes": "x", "lines": [line]}, {"lines": [line]}),
            unanswered=({"lines": [line]}, {"notes": "y"}),
            conflict_paths=(f"lines[{key}]", "notes"),
            declined={f"lines[{key}].quantity": refused, "notes": refused},
        )

    assert state_with_keys(known("odoo-1"), keys) == known("9")
    assert state_with_keys(known("5"), keys) == known("5")


@given(lines, lines, st.randoms())
def test_the_moves_lead_from_what_there_is_to_what_should_be(before, after, random):
    had = {str(n): line for n, line in enumerate(before)}
    new = {f"odoo-{n}": line for n, line in enumerate(after)}
    kept = {key: random.choice(after or [line]) for key, line in had.items()}
    wanted = {k: v for k, v in kept.items() if random.random() < 0.7} | new
    moves = line_moves(had, wanted)
    left = {k: v for k, v in had.items() if k not in moves.removed}
    for key, changed in moves.changed.items():
        assert changed
        left[key] = {**left[key], **changed}
    assert left == {key: line for key, line in wanted.items() if key in had}
    assert list(moves.added) == list(new.values())


def test_nothing_moves_where_nothing_is_said():
    assert line_moves({"1": {"a": 1, "b": 2}}, {"1": {"b": 2.0}}).changed == {}
