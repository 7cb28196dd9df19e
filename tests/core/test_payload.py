"""In which form numbers and times are written, and what is none."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.check.payload import (
    canonical_datetime,
    canonical_decimal,
    decimals_of,
    exact_decimal,
)
from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError


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
        "1e31",
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


@pytest.mark.parametrize("value", ["abc", "1_000", "1,5", "", "nan", True, None])
@pytest.mark.parametrize("most", [None, 2])
def test_an_exact_decimal_of_what_is_no_number_is_refused(value, most):
    with pytest.raises(InvalidDataError):
        exact_decimal(value, most)


@given(
    st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=5)
    | st.floats(-(10.0**9), 10.0**9).map(lambda value: round(value, 5)),
    st.integers(2, 6),
)
def test_an_exact_decimal_is_rounded_to_so_many_and_no_further(value, most):
    written = exact_decimal(value, most)
    decimals = len(written.partition(".")[2])
    assert 2 <= decimals <= most
    assert decimals == 2 or not written.endswith("0")
    exact = Decimal(str(value))
    assert abs(Decimal(written) - exact) <= Decimal(1).scaleb(-most) / 2
    assert Decimal(exact_decimal(value)) == exact


def test_a_number_of_31_digits_is_the_largest():
    assert canonical_decimal("1e30") == "1" + 30 * "0" + ".00"
    with pytest.raises(InvalidDataError):
        canonical_decimal("1e31")


@pytest.mark.parametrize(
    "number, count",
    [("1", 0), ("1.5", 1), ("1.50", 2), ("1e2", -2), ("NaN", 0), ("Infinity", 0)],
)
def test_how_many_decimals_a_number_is_written_with(number, count):
    assert decimals_of(Decimal(number)) == count
