"""A code stands for one record, or for none that could be guessed."""

from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import AmbiguousError
from odoo.addons.pharmacy_sync.core.keys.codes import Codes

NAMES = st.sampled_from(["Box", "box", " Box ", "Bo x", "Unit", "Unidad", "UNIDAD"])
RECORDS = st.dictionaries(
    st.integers(1, 9), st.tuples(NAMES, st.lists(NAMES, max_size=2)), max_size=5
)


def codes_of(records):
    return Codes(
        {record: code for record, (code, __) in records.items()},
        {record: names for record, (__, names) in records.items()},
    )


@given(RECORDS, NAMES)
def test_one_record_is_found_only_where_no_other_goes_by_such_a_name(records, code):
    found = codes_of(records).find(code)
    same = {r for r, (own, __) in records.items() if own == code}
    alike = {
        record
        for record, (own, names) in records.items()
        if any(name.lower().split() == code.lower().split() for name in (own, *names))
    }
    assert set(found) == (alike if same else set())


@given(RECORDS)
def test_what_goes_out_comes_back_as_the_same_record(records):
    codes = codes_of(records)
    for record, (code, __) in records.items():
        assert codes.is_plain(record) == (codes.find(code) == [record])


@given(RECORDS)
def test_a_code_that_nobody_has_stands_for_nothing(records):
    codes = codes_of(records)
    assert codes.find("Pallet") == codes.similar("Pallet") == []
    assert not codes.is_plain(99)


def test_what_was_meant_by_a_name_that_differs_in_capitals_can_be_said():
    codes = codes_of({1: ("Units", []), 2: ("Box", ["Caja"])})
    assert (codes.find("units"), codes.similar(" units")) == ([], [1])
    assert (codes.find("Caja"), codes.similar("caja")) == ([], [2])


def test_several_that_are_meant_are_named_with_the_field():
    error = AmbiguousError(
        "Two go by it", field="uom", model="uom.uom", candidates=[1, 2]
    )
    assert (str(error), error.field) == ("Two go by it", "uom")
    assert (error.model, error.candidates) == ("uom.uom", (1, 2))
