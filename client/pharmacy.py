"""The pharmacy app's REST API, verb by verb. No business logic lives here."""

import time
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from urllib.parse import quote

import requests

from ..core.exceptions import HttpError, InvalidDataError, SchemaMismatchError
from ..core.text_checks import check_text
from .session import pooled_session, send

API = "/api/v1"
NOT_FOUND, GONE = 404, 410
RECORD = {"id": str, "version": int}
LONGEST_CURSOR = 1_000
LONGEST_NUMBER = 1_000


@dataclass(frozen=True)
class Exchange:
    """One HTTP exchange as it went, for the log of calls.

    ``status`` is None when no answer came; ``error`` is what was raised, if anything;
    sizes are bytes, ``duration`` seconds.
    """

    method: str
    path: str
    status: int | None
    duration: float
    bytes_sent: int
    bytes_received: int
    items: int
    retry: bool
    correlation_id: str
    request_id: str
    error: Exception | None


class PharmacyClient:
    """A pharmacy app as seen from Odoo.

    :param key: what sets this app's connections apart in the process: database
        name and backend id
    :param url: base address, without a trailing slash
    :param api_key: bearer token
    :param connect_timeout: seconds
    :param read_timeout: seconds
    :param deadline: seconds one exchange may take as a whole
    :param guard: makes a context manager for one exchange, which gives a function to
        report it to, as an :class:`Exchange`; it may refuse by raising

    Every method raises :class:`HttpError` for an answer of 400 or above,
    :class:`SchemaMismatchError` for one of another shape than agreed, and what
    ``requests`` raises when no answer came.
    """

    def __init__(
        self,
        key,
        url,
        api_key,
        *,
        connect_timeout=5.0,
        read_timeout=20.0,
        deadline=60.0,
        guard=lambda: nullcontext(lambda exchange: None),
    ):
        self.url = url
        self._session = pooled_session(*key, url)
        self._api_key = api_key
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._deadline = deadline
        self._guard = guard

    def health(self, correlation_id):
        """The app's own word on its health, a dict."""
        return self._call("GET", "/health", correlation_id=correlation_id)

    def changes(self, collection, cursor, limit, correlation_id):
        """One page of what changed since ``cursor`` (falsy: from the beginning).

        A change of another shape among others is its record's failure and no reason
        to refuse the page, so the changes are as the app told them, unchecked.

        :return: ``{"changes": [...], "next_cursor": str, "has_more": bool}``
        :raises SchemaMismatchError: no change of several has the agreed shape
        """
        params = {"entity": collection, "limit": limit}
        if cursor:
            params["cursor"] = cursor
        page = _checked(
            self._call("GET", "/changes", params=params, correlation_id=correlation_id),
            changes=list,
            next_cursor=str,
            has_more=bool,
        )
        _check_cursor(page["next_cursor"])
        changes = page["changes"]
        if len(changes) > 1 and not any(map(_is_record, changes)):
            _checked(changes[0], **RECORD)
        return page

    def get(self, collection, external_id, correlation_id):
        """One record by the app's id; a deleted one has ``deleted`` set."""
        path = f"/{collection}/{_segment(external_id)}"
        try:
            record = self._call("GET", path, correlation_id=correlation_id)
        except HttpError as exc:
            if exc.status == GONE and isinstance(exc.body, dict):
                record = exc.body.get("current")
            else:
                raise
        return _checked(record, **RECORD)

    def get_if_there(self, collection, external_id, correlation_id):
        """Like :meth:`get`, but None for an id that the app has never heard of."""
        try:
            return self.get(collection, external_id, correlation_id)
        except HttpError as exc:
            if exc.status == NOT_FOUND:
                return None
            raise

    def page(self, collection, after, limit, correlation_id):
        """One page of the living records in order of creation.

        :param after: ``next_after`` of the page before; falsy: from the beginning
        :return: ``{"items": [...], "next_after": str or None}``
        """
        params = {"limit": limit, **({"after": after} if after else {})}
        page = self._call(
            "GET", f"/{collection}", params=params, correlation_id=correlation_id
        )
        for record in _checked(page, items=list)["items"]:
            _checked(record, **RECORD)
        return page

    def checksums(self, collection, buckets, fields, correlation_id):
        """Sum and count of each bucket of living records, see ``core/checksum.py``.

        :return: a list of ``{"count": int, "sum": str}``, or None if the app does not
            offer checksums
        """
        params = {"buckets": buckets, "fields": ",".join(fields)}
        try:
            answer = self._call(
                "GET",
                f"/{collection}/checksums",
                params=params,
                correlation_id=correlation_id,
            )
        except HttpError as exc:
            if exc.status == NOT_FOUND:
                return None
            raise
        told = _checked(answer, buckets=list)["buckets"]
        for bucket in told:
            _checked(bucket, count=int, sum=str)
        return told

    def entries(self, collection, buckets, fields, wanted, correlation_id):
        """``{"id": str, "version": int, "digest": str}`` of each living record in the
        ``wanted`` buckets."""
        answer = self._call(
            "GET",
            f"/{collection}/checksums",
            params={
                "buckets": buckets,
                "fields": ",".join(fields),
                "bucket": sorted(wanted),
            },
            correlation_id=correlation_id,
        )
        entries = _checked(answer, items=list)["items"]
        for entry in entries:
            _checked(entry, digest=str, **RECORD)
        return entries

    def find(self, collection, external_ref, correlation_id):
        """The record that carries the key Odoo gave it, or None."""
        page = self._call(
            "GET",
            f"/{collection}",
            params={"external_ref": external_ref},
            correlation_id=correlation_id,
        )
        found = _checked(page, items=list)["items"]
        return _checked(found[0], **RECORD) if found else None

    def batch(self, collection, items, correlation_id, retry=False):
        """Write several records in one call; each item succeeds or fails alone.

        :param retry: whether any of them was sent before
        :return: a list of results in the order of ``items``
        """
        answer = self._call(
            "POST",
            f"/{collection}/batch",
            json={"items": items},
            items=len(items),
            retry=retry,
            correlation_id=correlation_id,
        )
        results = _checked(answer, results=list)["results"]
        for result in results:
            if _checked(result, status=int)["status"] < 300:
                _checked(result, **RECORD)
        return [_readable(result) for result in results]

    def reserve(self, order_id, lines, key, correlation_id, retry=False):
        """Have the app hold stock for one of its orders.

        :param lines: dicts with ``product_id`` and ``quantity``
        :param key: by which the reservation is found again; one is held for it
        :return: the reservation, with ``id`` and ``state``
        """
        reservation = self._call(
            "POST",
            "/reservations",
            json={"purchase_order_id": order_id, "external_ref": key, "lines": lines},
            idempotency_key=key,
            retry=retry,
            correlation_id=correlation_id,
        )
        return _checked(reservation, id=str, state=str)

    def find_reservation(self, key, correlation_id):
        """The reservation that is held for this key, or None."""
        page = self._call(
            "GET",
            "/reservations",
            params={"external_ref": key},
            correlation_id=correlation_id,
        )
        found = _checked(page, items=list)["items"]
        return _checked(found[0], id=str, state=str) if found else None

    def step_reservation(self, reservation_id, step, correlation_id):
        """``confirm`` or ``release`` a reservation; a second time changes nothing."""
        path = f"/reservations/{_segment(reservation_id)}/{step}"
        reservation = self._call("POST", path, correlation_id=correlation_id)
        return _checked(reservation, id=str, state=str)

    def _call(self, method, path, **kwargs):
        with self._guard() as report:
            return self._exchange(report, method, path, **kwargs)

    def _exchange(self, report, method, path, *, correlation_id, **kwargs):
        items, retry = kwargs.pop("items", 1), kwargs.pop("retry", False)
        key = kwargs.pop("idempotency_key", None)
        request_id = uuid.uuid4().hex
        request = requests.Request(
            method,
            self.url + API + path,
            headers={
                "Authorization": f"Bearer {self._api_key}",
                "X-Correlation-ID": correlation_id,
                "X-Request-ID": request_id,
                "X-Request-Deadline-Ms": str(int(self._deadline * 1000)),
                "X-Actor": "odoo",
                **({"Idempotency-Key": key} if key else {}),
            },
            **kwargs,
        )
        response = error = None
        started = time.monotonic()
        try:
            response = send(
                self._session,
                request,
                connect_timeout=self._connect_timeout,
                read_timeout=self._read_timeout,
                seconds=self._deadline,
            )
            return _body(response)
        except Exception as exc:
            error = exc
            raise
        finally:
            answered = response is not None
            report(
                Exchange(
                    method=method,
                    path=API + path,
                    status=response.status_code if answered else None,
                    duration=time.monotonic() - started,
                    bytes_sent=len(response.request.body or b"") if answered else 0,
                    bytes_received=len(response.content) if answered else 0,
                    items=items,
                    retry=retry,
                    correlation_id=correlation_id,
                    request_id=request_id,
                    error=error,
                )
            )


def _body(response):
    """The answer's JSON, or the error it tells of."""
    if response.status_code < 400:
        return _json(response)
    try:
        body = _json(response)
        code, message = body["error"].get("code"), body["error"].get("message")
    except (ValueError, KeyError, TypeError, AttributeError):
        body, code, message = None, None, response.reason
    raise HttpError(
        response.status_code,
        code,
        message or f"HTTP {response.status_code}",
        headers=response.headers,
        body=body,
    )


def _json(response):
    """The answer's JSON; a number that is too long for Python stays a text, for the
    record that it is part of to be refused."""
    try:
        return response.json()
    except requests.JSONDecodeError:
        raise
    except ValueError:
        return response.json(parse_int=_number)


def _number(digits):
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _segment(external_id):
    """An id as one segment of a path, whatever characters it has.

    :raises InvalidDataError: it is none in any notation
    """
    if external_id in (".", ".."):
        raise InvalidDataError(f"{external_id} cannot be an id", field="id")
    return quote(external_id, safe="")


def _check_cursor(cursor):
    try:
        check_text(cursor, "next_cursor", LONGEST_CURSOR, required=False)
    except InvalidDataError as exc:
        raise SchemaMismatchError(exc.message, field=exc.field) from exc


def _is_record(value):
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in RECORD.items()
    )


def _readable(result):
    """The answer to one item of a batch; what it blames and what it has now only if
    they are of the agreed shape: a refusal stays one without them."""
    error, current = result.get("error"), result.get("current")
    error = error if isinstance(error, dict) else {}
    return {
        **result,
        "error": {
            name: str(error[name])
            for name in ("code", "message", "field")
            if error.get(name) is not None
        },
        "current": current if _is_record(current) else None,
    }


def _checked(value, **kinds):
    """``value``, which is to be an object that has these fields.

    :raises SchemaMismatchError: it is none, or one of them is of another kind
    """
    for name, kind in kinds.items():
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            raise SchemaMismatchError(
                f"The answer has no {name} that is a {kind.__name__}.", field=name
            )
    return value
