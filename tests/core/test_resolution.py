"""What a person decides is what both sides get: no more, no less."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.conflict.merge import MISSING, three_way
from odoo.addons.pharmacy_sync.core.conflict.merge_base import new_base
from odoo.addons.pharmacy_sync.core.conflict.resolution import (
    Choice,
    Decision,
    decided,
    differences,
    edited,
    strategy,
)

values = st.sampled_from(["1", "2", "3"])
lines = st.dictionaries(
    st.sampled_from(["a", "b"]), st.fixed_dictionaries({"q": values, "p": values})
).map(lambda found: [{"key": key, **line} for key, line in found.items()])
records = st.fixed_dictionaries({"notes": values, "state": values, "lines": lines})


def carried_out(base, odoo, pharmacy, decisions, seen):
    """Both sides after the decisions were written and pushed."""
    own = edited(odoo, decisions)
    base = decided(base, seen, three_way(base, own, pharmacy).conflicts, decisions)
    merge = three_way(base, own, pharmacy)
    base = new_base(base, own, pharmacy, merge)
    return {**own, **merge.to_odoo}, {**pharmacy, **merge.to_pharmacy}, merge


def at(record, path):
    name, bracket, rest = path.partition("[")
    if not bracket:
        return record[name]
    key, _, field = rest.partition("]")
    line = {line["key"]: line for line in record[name]}.get(key, MISSING)
    return line[field.removeprefix(".")] if field and line is not MISSING else line


@given(records, records, records, st.data())
def test_every_field_gets_the_value_that_was_decided(base, odoo, pharmacy, data):
    seen = three_way(base, odoo, pharmacy).conflicts
    decisions, wanted = {}, {}
    for path, conflict in seen.items():
        whole_line = path.endswith("]")
        choices = [Choice.ODOO, Choice.PHARMACY]
        choices += [] if whole_line else [Choice.MANUAL]
        choice = data.draw(st.sampled_from([None, *choices]))
        if choice:
            decisions[path] = Decision(choice, data.draw(st.sampled_from("9812")))
            wanted[path] = (
                decisions[path].value
                if choice is Choice.MANUAL
                else getattr(conflict, choice)
            )
    new_odoo, new_pharmacy, merge = carried_out(base, odoo, pharmacy, decisions, seen)
    assert merge.conflicts.keys() == seen.keys() - decisions.keys()
    for path, value in wanted.items():
        assert at(new_odoo, path) == value
        assert at(new_pharmacy, path) == value
    for path in seen.keys() - decisions.keys():
        assert at(new_odoo, path) == at(odoo, path)
        assert at(new_pharmacy, path) == at(pharmacy, path)


@given(records, records)
def test_differences_are_those_there_are(before, after):
    found = differences(before, after)
    assert all(old != new for old, new in found.values())
    assert bool(found) == any(
        {line["key"]: line for line in before[name]}
        != {line["key"]: line for line in after[name]}
        if name == "lines"
        else before[name] != after[name]
        for name in after
    )


def test_one_word_for_the_whole():
    assert strategy(["odoo", "odoo"]) == "odoo"
    assert strategy(["odoo", "pharmacy"]) == "merge"
    assert strategy(["odoo", "manual"]) == "manual"
