"""What every record must be, and how a change of the feed becomes one."""

import pytest

from odoo.addons.pharmacy_sync.core.check.envelope import as_record, check_record
from odoo.addons.pharmacy_sync.core.exceptions import InvalidDataError

CHANGE = {"id": "a", "version": 3, "data": {"name": "Alba"}}


@pytest.mark.parametrize(
    "change, record",
    [
        (CHANGE, {"id": "a", "version": 3, "name": "Alba"}),
        (
            {**CHANGE, "deleted": False},
            {"id": "a", "version": 3, "name": "Alba", "deleted": False},
        ),
        (
            {"id": "a", "version": 4, "deleted": True, "data": None},
            {"id": "a", "version": 4, "deleted": True},
        ),
        ("text", "text"),
    ],
)
def test_a_change_is_a_record(change, record):
    assert as_record(change) == record
    if isinstance(record, dict):
        check_record(record)


@pytest.mark.parametrize(
    "record, field",
    [
        ("text", None),
        ([], None),
        (as_record({**CHANGE, "data": "text"}), "data"),
        (as_record({"id": "a", "version": 4, "data": None}), "data"),
        ({"id": "a", "version": True}, "version"),
        ({"id": "a", "version": -1}, "version"),
        ({"id": "a", "deleted": 1}, "deleted"),
        ({"id": "a", "deleted": "yes"}, "deleted"),
        ({"id": "a", "external_ref": 5}, "external_ref"),
        ({"id": "a", "external_ref": "x" * 1000}, "external_ref"),
    ],
)
def test_what_is_no_record_names_its_place(record, field):
    with pytest.raises(InvalidDataError) as raised:
        check_record(record)
    assert raised.value.field == field


def test_what_may_be_left_out():
    check_record({"id": "a"})
    check_record({"id": "a", "version": None, "deleted": None, "external_ref": ""})


@pytest.mark.parametrize("value", ["a\0b", "\ud83d", float("nan")])
def test_a_record_that_cannot_be_kept_as_it_is_is_refused(value):
    with pytest.raises(InvalidDataError):
        check_record({"id": "a", "version": 1, "notes": [value]})
