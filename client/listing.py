"""Reading an app's changes from its list, for one that has no feed of them."""

from datetime import datetime, timezone

from ..core.exceptions import HttpError, SchemaMismatchError
from ..core.listing import Since, http_time, settled_at
from ..core.payload import canonical_datetime

FAR = "9999-12-31T23:59:59Z"
_REFUSED = (400, 404, 422)


def lists_by_time(client, collection, correlation_id):
    """Whether the app heeds ``updated_since``: nothing changed in the far future."""
    names = client.names(collection)
    params = {**names.asking(1), names.since: FAR}
    try:
        answer = _list(client, names, params, correlation_id)
        page = names.page(answer, 1, None)
    except HttpError as exc:
        if exc.status in _REFUSED:
            return False
        raise
    return not page["items"]


def changes_since(client, collection, cursor, limit, correlation_id, retry=False):
    """One page of what has changed, as :meth:`.pharmacy.PharmacyClient.changes` returns
    it, with ``repeats``: it has records again that were read before.

    :param cursor: ``next_cursor`` of the page before; of another road: all is read
    :raises SchemaMismatchError: the answer is no page, or tells no times
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
        retry=retry,
        hooks={"response": note_date},
    )
    page = names.page(answer, limit, place.after)
    after = page["next_after"]
    if after is not None and after == place.after:
        raise SchemaMismatchError("The list does not go on.", field="next_after")
    clock = [canonical_datetime(now), *filter(None, dates[-1:])]
    settled = page["items"] if names.counts else settled_at(page["items"], min(clock))
    return {
        "changes": [_as_change(item) for item in settled],
        "next_cursor": str(place.moved(page["items"], after, clock)),
        "has_more": after is not None,
        "repeats": True,
    }


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
