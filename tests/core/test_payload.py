"""Payloads: what is refused, where, and in which form values are written."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError
from odoo.addons.pharmacy_sync.core.payload import (
    Field,
    Kind,
    Problem,
    canonical,
    canonical_datetime,
    canonical_decimal,
    check,
)

LINE = {
    "product_id": Field(Kind.REFERENCE, required=True),
    "quantity": Field(Kind.DECIMAL, required=True, minimum=0),
}
ORDER = {
    "reference": Field(max_length=5),
    "supplier_id": Field(Kind.REFERENCE, required=True),
    "state": Field(Kind.CHOICE, choices=("draft", "sent")),
    "ordered_at": Field(Kind.DATETIME),
    "urgent": Field(Kind.BOOLEAN),
    "priority": Field(Kind.INTEGER, minimum=0),
    "lines": Field(Kind.LINES, lines=LINE, max_length=3),
}
GOOD = {
    "reference": "P1",
    "supplier_id": "sup_1",
    "state": "sent",
    "ordered_at": "2026-11-22T08:00:00Z",
    "urgent": False,
    "priority": 0,
    "lines": [{"key": "a", "product_id": "prd_1", "quantity": "1.5"}],
    "not_known_here": object(),
}


def line(**values):
    return {"key": "a", "product_id": "prd_1", "quantity": 1, **values}


def test_a_good_record_has_no_problem():
    assert check(ORDER, GOOD) == []
    assert check(ORDER, {"supplier_id": "sup_1"}) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reference": "123456"}, "reference"),
        ({"reference": 5}, "reference"),
        ({"supplier_id": None}, "supplier_id"),
        ({"supplier_id": ""}, "supplier_id"),
        ({"state": "done"}, "state"),
        ({"state": ["draft"]}, "state"),
        ({"ordered_at": "yesterday"}, "ordered_at"),
        ({"ordered_at": 5}, "ordered_at"),
        ({"urgent": 1}, "urgent"),
        ({"priority": True}, "priority"),
        ({"priority": -1}, "priority"),
        ({"lines": "x"}, "lines"),
        ({"lines": [line(key=k) for k in "abcd"]}, "lines"),
        ({"lines": [line(), line(key="b", quantity="x")]}, "lines[1].quantity"),
        ({"lines": [line(quantity=-1)]}, "lines[0].quantity"),
        ({"lines": [line(product_id=None)]}, "lines[0].product_id"),
        ({"lines": [line(key="")]}, "lines[0].key"),
        ({"lines": [line(key=3)]}, "lines[0].key"),
        ({"lines": [line(), line(key="b"), line()]}, "lines[2].key"),
    ],
)
def test_a_problem_names_its_field(change, field):
    problems = check(ORDER, {**GOOD, **change})
    assert [problem.field for problem in problems] == [field]
    assert problems[0].message.endswith(".")


def test_all_problems_are_told_at_once():
    problems = check(ORDER, {"state": "x", "lines": [{}]})
    assert [problem.field for problem in problems] == [
        "supplier_id",
        "state",
        "lines[0].product_id",
        "lines[0].quantity",
        "lines[0].key",
    ]


def test_what_is_no_record_is_told_so():
    assert check(ORDER, ["x"]) == [Problem("", "This is not a record.")]
    assert check(ORDER, {**GOOD, "lines": [7]})[0].field == "lines[0]"


def test_a_partial_record_may_leave_out_but_not_empty_what_is_required():
    assert check(ORDER, {"state": "sent"}, partial=True) == []
    assert check(ORDER, {"supplier_id": None}, partial=True)
    partial_line = {"lines": [{"key": "a", "quantity": 1}]}
    assert check(ORDER, partial_line, partial=True)[0].field == "lines[0].product_id"


@given(
    st.dictionaries(
        st.sampled_from(sorted(ORDER)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_any_record_is_either_told_wrong_or_has_a_canonical_form(record):
    if not check(ORDER, record):
        once = canonical(ORDER, record)
        assert canonical(ORDER, once) == once
        assert check(ORDER, once) == []


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        ("1.50", 2, "1.50"),
        ("1.5", 2, "1.50"),
        (1.5, 2, "1.50"),
        (0.1 + 0.2, 2, "0.30"),
        (2.675, 2, "2.68"),
        ("-0.001", 2, "0.00"),
        (-0.0, 2, "0.00"),
        (7, 0, "7"),
        ("1E+3", 2, "1000.00"),
        (Decimal("1e-9"), 2, "0.00"),
        ("0.125", 3, "0.125"),
        ("12345678901234567890.125", 2, "12345678901234567890.13"),
        (" 5. ", 2, "5.00"),
        (".5", 2, "0.50"),
        ("1e-31", 2, "0.00"),
        (1e-300, 2, "0.00"),
        ("0e99999", 2, "0.00"),
        ("-0e-99999", 0, "0"),
    ],
)
def test_decimals_are_written_in_one_way(value, digits, written):
    assert canonical_decimal(value, digits) == written


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "nan",
        "inf",
        float("nan"),
        True,
        None,
        [1],
        "1e99",
        1e99,
        10**400,
        "1,5",
        "1_000",
        "\u0663",  # Arabic
        "\uff11",  # full width
        "1e9999999999",
        "1\x00",
        ".",
    ],
)
def test_what_is_no_decimal_is_refused(value):
    with pytest.raises(InvalidDataError):
        canonical_decimal(value)


@given(
    st.decimals(-(10**12), 10**12, allow_nan=False, allow_infinity=False, places=6),
    st.integers(0, 6),
)
def test_a_canonical_decimal_is_near_and_stays(value, digits):
    written = canonical_decimal(value, digits)
    assert abs(Decimal(written) - value) <= Decimal(1).scaleb(-digits) / 2
    assert canonical_decimal(written, digits) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("2026-11-22T08:00:00Z", "2026-11-22T08:00:00Z"),
        ("2026-11-22T08:00:00.987654Z", "2026-11-22T08:00:00Z"),
        ("2026-11-22T08:00:00.9z", "2026-11-22T08:00:00Z"),
        ("2026-11-22T09:00:00+01:00", "2026-11-22T08:00:00Z"),
        ("2026-11-22 08:00:00", "2026-11-22T08:00:00Z"),
        (" 2026-11-22 ", "2026-11-22T00:00:00Z"),
        ("2026-11-22T08:30", "2026-11-22T08:30:00Z"),
        ("2026-11-22T08:30:00,5-0130", "2026-11-22T10:00:00Z"),
        ("2026-11-22t08:30:00+02", "2026-11-22T06:30:00Z"),
        (datetime(2026, 11, 22, 8, 0, 0, 5), "2026-11-22T08:00:00Z"),
        (
            datetime(2026, 11, 22, 8, tzinfo=timezone(timedelta(hours=-2))),
            "2026-11-22T10:00:00Z",
        ),
        (date(2026, 11, 22), "2026-11-22T00:00:00Z"),
    ],
)
def test_times_are_written_in_one_way(value, written):
    assert canonical_datetime(value) == written


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        None,
        5,
        "2026-13-01",
        "0001-01-01T00:00:00+05:00",
        "2026-11-22 08.30",
        "2026-11-22 08.5",
        "2026.5-11-22",
        "2026-11-22T08:30:00.",
        "2026-11-22T08:30:00Z\x00",
        "2026-11-22T25:00:00",
        "2026-W48-6",
        "20261122",
        "\u0662026-11-22",
        "2026-11-22+02:00",
    ],
)
def test_what_is_no_time_is_refused(value):
    with pytest.raises(InvalidDataError):
        canonical_datetime(value)


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 1)))
def test_a_canonical_time_is_the_same_moment_and_stays(value):
    written = canonical_datetime(value)
    assert canonical_datetime(written) == written
    moment = datetime.fromisoformat(written[:-1] + "+00:00")
    assert timedelta() <= value.astimezone(timezone.utc) - moment < timedelta(seconds=1)


def test_a_record_in_its_canonical_form():
    record = canonical(ORDER, {**GOOD, "ordered_at": "", "reference": None})
    assert record["lines"] == [{"key": "a", "product_id": "prd_1", "quantity": "1.50"}]
    assert record["ordered_at"] is None
    assert record["reference"] is None
    assert record["not_known_here"] is GOOD["not_known_here"]


def test_a_value_without_canonical_form_names_its_field():
    with pytest.raises(InvalidDataError) as caught:
        canonical(ORDER, {"lines": [line(), line(quantity="x")]})
    assert caught.value.field == "lines[1].quantity"
