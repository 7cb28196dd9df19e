"""Reading an app's changes from its list, for one that has no feed of them: since a
time, or all of it."""

from datetime import datetime, timezone

from ..core.check.payload import canonical_datetime
from ..core.exceptions import HttpError, SchemaMismatchError
from ..core.exchange.listing import Since, http_time, settled_at
from ..core.exchange.rounds import Round
from .answers import check_page, checked

FAR = "9999-12-31T23:59:59Z"
_REFUSED = (400, 404, 422)
NOT_FOUND, GONE = 404, 410


def lists_by_time(client, collection, correlation_id):
    """Whether the app heeds ``updated_since``: nothing changed in the far future. Not
    one that says of no record when it was changed."""
    names = client.names(collection)
    if not names.timed:
        return False
    params = {**names.asking(1), names.since: FAR}
    try:
        answer = _list(client, names, params, correlation_id)
        page = names.page(answer, 1, None)
    except HttpError as exc:
        if exc.status in _REFUSED:
            return False
        raise
    return not page["items"]


def changes_since(client, collection, cursor, limit, correlation_id, tries=0):
    """One page of what has changed, as :meth:`.pharmacy.PharmacyClient.changes` returns
    it, with ``repeats``: it has records again that were read before.

    :param cursor: ``next_cursor`` of the page before; of another road: all is read
    :raises SchemaMismatchError: the answer is no page, or has no times
    """
    place, now = Since.parse(cursor), datetime.now(timezone.utc)
    dates = []

    def note_date(response, **_options):
        dates.append(http_time(response.headers.get("Date")))

    names = client.names(collection)
    since = {names.since: place.asked} if place.asked else {}
    answer = _list(
        client,
        names,
        {**names.asking(limit, place.after), **since},
        correlation_id,
        retry=tries > 0,
        hooks={"response": note_date},
    )
    page = names.page(answer, limit, place.after)
    after = _next_after(page, place.after)
    clock = [canonical_datetime(now), *filter(None, dates[-1:])]
    settled = page["items"] if names.counts else settled_at(page["items"], min(clock))
    return {
        "changes": [_as_change(item) for item in settled],
        "next_cursor": str(place.moved(page["items"], after, clock)),
        "has_more": after is not None,
        "repeats": True,
    }


def whole_list(client, collection, cursor, limit, correlation_id, tries=0):
    """One page of all records, as :meth:`.pharmacy.PharmacyClient.changes` returns it;
    their versions may be missing.

    :param cursor: ``next_cursor`` of the page before; of another road: the first page
    :raises SchemaMismatchError: the answer is no page, or has no ids that are texts,
        see :func:`.answers.check_page`
    """
    place, names = Round.parse(cursor), client.names(collection)
    params = names.asking(limit, place.after)
    answer = _list(client, names, params, correlation_id, retry=tries > 0)
    page = names.page(answer, limit, place.after)
    check_page(page["items"], tries, id=str)
    after = _next_after(page, place.after)
    return {
        "changes": [_as_change(item) for item in page["items"]],
        "next_cursor": str(place.moved(after)),
        "has_more": after is not None,
    }


def ask_for(client, collection, external_id, correlation_id):
    """One record by its id, as a change: whether it is there, and what it is; its
    version may be missing.

    :return: None: the app says that it has none of this id
    :raises SchemaMismatchError: it answers with anything else
    """
    try:
        record = client.record(collection, external_id, correlation_id)
    except HttpError as exc:
        if exc.status == NOT_FOUND:
            return None
        if exc.status != GONE:
            raise
        body = exc.body if isinstance(exc.body, dict) else {}
        current = client.names(collection).from_app(body.get("current"))
        version = current.get("version") if isinstance(current, dict) else None
        return {"id": external_id, "version": version, "deleted": True, "data": None}
    record = checked(record, id=str)
    if record["id"] != external_id:
        raise SchemaMismatchError(
            "The app answers with another record than it was asked for.", field="id"
        )
    return _as_change(record)


def _next_after(page, before):
    """Where the next page begins; None: there is none.

    :param before: where this one began
    :raises SchemaMismatchError: it is the same once more
    """
    after = page["next_after"]
    if after is not None and after == before:
        raise SchemaMismatchError("The list does not go on.", field="next_after")
    return after


def _list(client, names, params, correlation_id, **options):
    return client._call(
        "GET",
        f"/{names.place}",
        params=params,
        correlation_id=correlation_id,
        **options,
    )


def _as_change(item):
    if not isinstance(item, dict):
        return item
    about = {name: item.get(name) for name in ("id", "version", "deleted")}
    return {**about, "data": item}
