"""What an app can do, and the road for one that takes no batches: one record a call."""

import uuid

import requests

from ..core.conflict.merge import KEYED
from ..core.exceptions import HttpError, OutcomeUnknownError, SyncError
from .answers import RECORD, checked, is_record, readable, written
from .exchange import segment
from .lines import change_lines, lines_apart

# Statuses by which an app says that a route is not there.
NO_ROUTE = (404, 405, 501)
CREATED, OK, DELETED, GONE, STALE = 201, 200, 204, 410, 412
# What an app says of one record, and not of all that it is sent: of a new one, and of
# one that it should have.
_OF_NEW, _OF_KNOWN = (409, 422), (404, 409, GONE, STALE, 422)


def capabilities(client, correlation_id):
    """Names of the abilities that the app declares, or None: it declares nothing.

    :raises SchemaMismatchError: what it declares is no list
    """
    try:
        answer = client._call("GET", "/capabilities", correlation_id=correlation_id)
    except HttpError as exc:
        if exc.status in NO_ROUTE:
            return None
        raise
    return checked(answer, abilities=list)["abilities"]


def takes_batches(client, collection, correlation_id):
    """Whether the app has batches for a collection, found by sending an empty one."""
    try:
        client.batch(collection, [], correlation_id)
    except HttpError as exc:
        if exc.status in NO_ROUTE:
            return False
        raise
    return True


def change_nothing(client, collection, correlation_id, external_id=None, version=0):
    """Ask for a change that changes nothing, of a version that the record does not
    have: an app that takes changes one by one says so.

    :param external_id: None: of a record that is not there
    :raises HttpError: always, but for an app that does as if it had been made
    """
    client._call(
        "PATCH",
        f"/{client.names(collection).place}/{segment(external_id or uuid.uuid4().hex)}",
        json={},
        if_match=f'"{version}"',
        correlation_id=correlation_id,
    )


def read_any(client, collection, correlation_id):
    """Read whatever comes first of a collection, which shows that it can be read."""
    if not has_feed(client, collection, correlation_id):
        client.page(collection, None, 1, correlation_id)


def has_feed(client, collection, correlation_id):
    """Whether the app has a feed of changes."""
    if client.names(collection).own:
        return False
    try:
        client.changes(collection, None, 1, correlation_id)
    except HttpError as exc:
        if exc.status not in NO_ROUTE:
            raise
        return False
    return True


def first_listed(client, collection, correlation_id):
    """The first record of the app's list, in a list; None: the app has no list."""
    try:
        return client.page(collection, None, 1, correlation_id)["items"]
    except HttpError as exc:
        if exc.status not in NO_ROUTE:
            raise
        return None


def heeds_versions(client, collection, external_id, version, correlation_id):
    """Whether the app refuses a change of a version that the record does not have,
    found by sending one that changes nothing.

    :param version: that it does not have
    :return: None if the app's answer does not say
    """
    try:
        change_nothing(client, collection, correlation_id, external_id, version)
    except HttpError as exc:
        return True if exc.status == STALE else None
    return False


def refusal_read_first(client, collection, item, correlation_id):
    """How an app that heeds versions would refuse a change, found by reading the
    record; None: it would not.

    :param item: as for :meth:`.pharmacy.PharmacyClient.batch`
    """
    based_on = item.get("if_match")
    if based_on in (None, "*"):
        return None
    record = client.get_if_there(collection, item["id"], correlation_id)
    if record is None:
        # The app says so itself, in its words.
        return None
    if record.get("deleted"):
        return {"status": GONE, "current": record}
    if record["version"] == based_on:
        return None
    message = f"The record is at version {record['version']}, not {based_on}."
    return {"status": STALE, "current": record, "error": {"message": message}}


def write_one(client, collection, item, correlation_id, retry=False):
    """Write one record in a call of its own.

    :param item: as for :meth:`.pharmacy.PharmacyClient.batch`
    :return: the result that a batch would have for it
    """
    creates, names = item["method"] == "create", client.names(collection)
    try:
        lines = lines_apart(names, item)
        request = (_creation if creates else _change)(names, item)
        # What is left of a change whose lines are changed apart goes first: if it is
        # refused, none of them was.
        if lines is None or request["json"]:
            body = client._call(
                correlation_id=item.get("correlation_id") or correlation_id,
                idempotency_key=item.get("idempotency_key"),
                retry=retry,
                **request,
            )
        if lines is not None:
            body = change_lines(client, collection, item["id"], lines, correlation_id)
    except HttpError as exc:
        if exc.status not in (_OF_NEW if creates else _OF_KNOWN):
            raise
        result = _refused(exc, names)
        if exc.status == STALE and not result["current"]:
            result["current"] = client.get(collection, item["id"], correlation_id)
        return result
    if item["method"] == "delete":
        # The app's version of it comes with its changes.
        result = {"id": item["id"], "version": _version(item), "data": None}
        return {"status": DELETED, **result}
    record = names.read_one(body)
    with written():
        if names.own and not is_record(record):
            record = _read_written(client, collection, body, item, correlation_id)
        record = checked(record, **RECORD)
    result = {"id": record["id"], "version": record["version"], "data": record}
    return {"status": CREATED if creates else OK, **result}


def _read_written(client, collection, body, item, correlation_id):
    """What was written, of an app that answers with less than the record: of a new one
    with its id.

    :raises OutcomeUnknownError: it cannot be read
    """
    external_id = item.get("id") or _id_in(client.names(collection), body)
    try:
        return client.get(collection, external_id, correlation_id)
    except (SyncError, requests.RequestException) as exc:
        raise OutcomeUnknownError(f"What was written cannot be read: {exc}") from exc


def _id_in(names, body):
    """The id of a new record in an answer: alone, or in an object.

    :raises SchemaMismatchError: there is none
    """
    record = names.read_one(body)
    record = record if isinstance(record, dict) else names.from_app({"id": body})
    external_id = record.get("id")
    if type(external_id) is int:
        external_id = str(external_id)
    return checked({"id": external_id}, id=str)["id"]


def _creation(names, item):
    data = {"external_ref": item["external_ref"], **item.get("data", {})}
    path = f"/{names.place}"
    return {"method": "POST", "path": path, "json": names.to_app(data, new=True)}


def _change(names, item):
    match = item.get("if_match")
    request = {
        "path": f"/{names.place}/{segment(item['id'])}",
        "if_match": "*" if match in (None, "*") else f'"{match}"',
    }
    if item["method"] == "delete":
        return {"method": "DELETE", **request}
    data = dict(item.get("data", {}))
    if names.lines_place:
        data = {name: value for name, value in data.items() if name not in KEYED}
    data = names.to_app(data)
    return {"method": names.change, "json": data, **request}


def _version(item):
    match = item.get("if_match")
    return match if isinstance(match, int) else 0


def _refused(exc, names):
    body = exc.body if isinstance(exc.body, dict) else {}
    existing = body.get("existing_id")
    return readable(
        {
            "status": exc.status,
            "error": body.get("error") or {"message": exc.message, "code": exc.code},
            "current": names.from_app(body.get("current")),
            "existing_id": existing if isinstance(existing, str) else None,
        }
    )
