"""What an app can do, and the road for one that takes no batches: one record a call."""

import uuid

from ..core.exceptions import HttpError
from .answers import RECORD, checked, readable, written
from .exchange import segment

# Statuses by which an app says that a route is not there.
NO_ROUTE = (404, 405, 501)
CREATED, OK, DELETED, STALE = 201, 200, 204, 412
# What an app says of one record, and not of all that it is sent: of a new one, and of
# one that it should have.
_OF_NEW, _OF_KNOWN = (409, 422), (404, 409, 410, 412, 422)


def capabilities(client, correlation_id):
    """Names of the abilities that the app tells, or None: it tells nothing.

    :raises SchemaMismatchError: what it tells is no list
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


def change_nothing(client, collection, correlation_id):
    """Ask for a change that cannot be made, as there is no such record: an app that
    takes changes one by one says so.

    :raises HttpError: always, but for an app that does as if there were
    """
    client._call(
        "PATCH",
        f"/{collection}/{uuid.uuid4().hex}",
        json={},
        if_match='"0"',
        correlation_id=correlation_id,
    )


def write_one(client, collection, item, correlation_id, retry=False):
    """Write one record in a call of its own.

    :param item: as for :meth:`.pharmacy.PharmacyClient.batch`
    :return: the result that a batch would have for it
    """
    creates = item["method"] == "create"
    try:
        body = client._call(
            correlation_id=item.get("correlation_id") or correlation_id,
            idempotency_key=item.get("idempotency_key"),
            retry=retry,
            **(_creation if creates else _change)(collection, item),
        )
    except HttpError as exc:
        if exc.status not in (_OF_NEW if creates else _OF_KNOWN):
            raise
        result = _refused(exc)
        if exc.status == STALE and not result["current"]:
            result["current"] = client.get(collection, item["id"], correlation_id)
        return result
    if item["method"] == "delete":
        # The app's version of it comes with its changes.
        told = {"id": item["id"], "version": _version(item), "data": None}
        return {"status": DELETED, **told}
    with written():
        record = checked(body, **RECORD)
    told = {"id": record["id"], "version": record["version"], "data": record}
    return {"status": CREATED if creates else OK, **told}


def _creation(collection, item):
    data = {"external_ref": item["external_ref"], **item.get("data", {})}
    return {"method": "POST", "path": f"/{collection}", "json": data}


def _change(collection, item):
    match = item.get("if_match")
    request = {
        "path": f"/{collection}/{segment(item['id'])}",
        "if_match": "*" if match in (None, "*") else f'"{match}"',
    }
    if item["method"] == "delete":
        return {"method": "DELETE", **request}
    return {"method": "PATCH", "json": item.get("data", {}), **request}


def _version(item):
    match = item.get("if_match")
    return match if isinstance(match, int) else 0


def _refused(exc):
    body = exc.body if isinstance(exc.body, dict) else {}
    existing = body.get("existing_id")
    return readable(
        {
            "status": exc.status,
            "error": body.get("error") or {"message": exc.message, "code": exc.code},
            "current": body.get("current"),
            "existing_id": existing if isinstance(existing, str) else None,
        }
    )
