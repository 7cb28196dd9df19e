"""What every record from the pharmacy app must be, whatever its entity."""

from typing import Any

from ..exceptions import InvalidDataError
from .text_checks import LONGEST_ID, check_text, check_value, check_whole

# Key under which something of another shape is kept, so that it is refused as a record.
UNREADABLE = "data"


def as_record(change: Any) -> Any:
    """A change of the app's feed as a record; one of another shape so that it is
    refused as a record, with all that came."""
    if not isinstance(change, dict):
        return change
    data, deleted = change.get("data"), change.get("deleted")
    if not isinstance(data, dict):
        # A deletion needs no other values.
        data = {} if data is None and deleted is True else {UNREADABLE: data}
    record = {**data, "id": change.get("id"), "version": change.get("version")}
    return record if deleted is None else {**record, "deleted": deleted}


def check_record(record: Any) -> None:
    """What every record from the pharmacy app must be, its id apart: an object with an
    envelope that can be kept as it is.

    :raises InvalidDataError: ``field`` names the first place at fault
    """
    check_envelope(record)
    check_value(record)


def check_envelope(record: Any) -> None:
    """What is around a record's own values, its id apart: a version, a flag and a key
    of the right kinds.

    :raises InvalidDataError: ``field`` names the first place at fault
    """
    if not isinstance(record, dict):
        raise InvalidDataError("a record must be a JSON object")
    if not isinstance(record.get(UNREADABLE, {}), dict):
        raise InvalidDataError(f"{UNREADABLE} must be an object", field=UNREADABLE)
    if record.get("version") is not None:
        check_whole(record["version"], "version")
    if not isinstance(record.get("deleted"), (bool, type(None))):
        raise InvalidDataError("deleted must be true or false", field="deleted")
    key = record.get("external_ref")
    check_text(key, "external_ref", LONGEST_ID, required=False)
