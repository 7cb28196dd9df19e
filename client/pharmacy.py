"""The pharmacy app's REST API, verb by verb. No business logic lives here."""

import time
import uuid
from contextlib import nullcontext

import requests

from ..core.backend.naming import Names
from ..core.call.deadline import Deadline
from ..core.exceptions import (
    AnswerTooLargeError,
    DataCorruptedError,
    HttpError,
    MaxRetriesExceededError,
    OutcomeUnknownError,
    SyncError,
)
from .answers import (
    RECORD,
    body_of,
    by_key,
    check_cursor,
    check_page,
    checked,
    read_result,
    unreadable,
    usable,
    written,
)
from .auth import UNAUTHORIZED, as_auth
from .exchange import Exchange, headers_of, segment
from .session import LARGEST, pooled_session, send

API = "/api/v1"
NOT_FOUND, GONE = 404, 410
# All that a call of the app fails with, but for faults of a program.
FAILURES = (SyncError, requests.RequestException)


class PharmacyClient:
    """A pharmacy app as seen from Odoo.

    :param key: what sets this app's connections apart in the process: database
        name, backend id, and a number: another one makes it connect anew
    :param url: base address, without a trailing slash
    :param auth: who asks, see :mod:`.auth`; a text is a bearer key
    :param connect_timeout: seconds
    :param read_timeout: seconds
    :param deadline: seconds one call may take as a whole, the wait for leave to make
        it included
    :param api: what every path of the API begins with
    :param names: how the app calls things: ``{collection: core.naming.Names}``; what is
        not there it calls as the contract does
    :param internal: whether the app may be at an internal address
    :param largest: bytes that an answer may have, packed or not
    :param guard: makes a context manager for one exchange, which gives a function to
        report it to, as an :class:`Exchange`; it may refuse by raising

    Every method raises :class:`HttpError` for an answer of 300 or above, what
    ``requests`` raises when no answer came, and :class:`DeadlineExceededError` when
    its time was over before. For an answer that cannot be read a method that reads
    raises :class:`MaxRetriesExceededError` (no JSON, twice),
    :class:`AnswerTooLargeError` or
    :class:`SchemaMismatchError` (another shape than agreed); one that writes
    :class:`OutcomeUnknownError`: the app may have done what it was asked.
    """

    def __init__(
        self,
        key,
        url,
        auth,
        *,
        connect_timeout=5.0,
        read_timeout=20.0,
        deadline=60.0,
        api=API,
        names=None,
        internal=False,
        largest=LARGEST,
        guard=lambda: nullcontext(lambda exchange: None),
    ):
        self.url = url
        self.api = api
        self._names = names or {}
        self._session = pooled_session(*key[:2], url, internal, *key[2:])
        self._auth = as_auth(auth)
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._deadline = deadline
        self._largest = largest
        self._guard = guard

    def names(self, collection):
        """How the app calls what belongs to a collection, as
        :class:`..core.backend.naming.Names`; a collection is known by the contract's
        name everywhere else."""
        return self._names.get(collection) or Names(collection)

    def health(self, correlation_id):
        """The app's own word on its health, a dict."""
        return self._call("GET", "/health", correlation_id=correlation_id)

    def changes(self, collection, cursor, limit, correlation_id, tries=0):
        """One page of what changed since ``cursor`` (falsy: from the beginning).

        A change of another shape among others is its record's failure and no reason
        to refuse the page, so the changes are as the app sent them, unchecked.

        :param tries: how often this page was asked for before, in vain
        :return: ``{"changes": [...], "next_cursor": str, "has_more": bool}``
        :raises SchemaMismatchError: see :func:`.answers.check_page`
        """
        params = {"entity": collection, "limit": limit}
        if cursor:
            params["cursor"] = cursor
        page = checked(
            self._call(
                "GET",
                "/changes",
                params=params,
                retry=tries > 0,
                correlation_id=correlation_id,
            ),
            changes=list,
            next_cursor=str,
            has_more=bool,
        )
        check_cursor(page["next_cursor"])
        names = self.names(collection)
        changes = [names.read_said(change) for change in page["changes"]]
        check_page(changes, tries, **RECORD)
        return {**page, "changes": changes}

    def get(self, collection, external_id, correlation_id):
        """One record by the app's id; a deleted one has ``deleted`` set."""
        names = self.names(collection)
        try:
            record = self.record(collection, external_id, correlation_id)
        except HttpError as exc:
            if exc.status == GONE and isinstance(exc.body, dict):
                return checked(names.from_app(exc.body.get("current")), **RECORD)
            raise
        return checked(record, **RECORD)

    def record(self, collection, external_id, correlation_id):
        """One record by the app's id, unchecked."""
        names = self.names(collection)
        path = f"/{names.place}" + ("" if names.one else f"/{segment(external_id)}")
        params = names.asking_one(external_id)
        answer = self._call("GET", path, params=params, correlation_id=correlation_id)
        if not names.one:
            return names.read_one(answer)
        record = names.read_listed(answer)
        if record is None:
            raise HttpError(NOT_FOUND, None, "The app lists no record of this id.")
        return record

    def get_if_there(self, collection, external_id, correlation_id):
        """Like :meth:`get`, but None for an id that the app has never heard of."""
        try:
            return self.get(collection, external_id, correlation_id)
        except HttpError as exc:
            if exc.status == NOT_FOUND:
                return None
            raise

    def page(self, collection, after, limit, correlation_id):
        """One page of the living records in order of creation; one without an id is
        left out.

        :param after: ``next_after`` of the page before; falsy: from the beginning
        :return: ``{"items": [...], "next_after": str or None}``
        """
        names = self.names(collection)
        answer = self._call(
            "GET",
            f"/{names.place}",
            params=names.asking(limit, after),
            correlation_id=correlation_id,
        )
        page = names.page(answer, limit, after)
        return {**page, "items": usable(page["items"], id=str)}

    def checksums(self, collection, buckets, fields, correlation_id):
        """Sum and count of each bucket of living records: ``exchange/checksum.py``.

        :return: a list of ``{"count": int, "sum": str}``, or None if the app does not
            offer checksums
        """
        names = self.names(collection)
        if names.own:
            # They would be of values that the app has otherwise.
            return None
        params = {"buckets": buckets, "fields": ",".join(fields)}
        try:
            answer = self._call(
                "GET",
                f"/{names.place}/checksums",
                params=params,
                correlation_id=correlation_id,
            )
        except HttpError as exc:
            if exc.status == NOT_FOUND:
                return None
            raise
        sums = checked(answer, buckets=list)["buckets"]
        for bucket in sums:
            checked(bucket, count=int, sum=str)
        return sums

    def entries(self, collection, buckets, fields, wanted, correlation_id):
        """``{"id": str, "digest": str}`` of each living record in the ``wanted``
        buckets; one without an id or a digest is left out."""
        answer = self._call(
            "GET",
            f"/{self.names(collection).place}/checksums",
            params={
                "buckets": buckets,
                "fields": ",".join(fields),
                "bucket": sorted(wanted),
            },
            correlation_id=correlation_id,
        )
        return usable(checked(answer, items=list)["items"], id=str, digest=str)

    def find(self, collection, external_ref, correlation_id):
        """The record that carries the key Odoo gave it, or None.

        :raises SchemaMismatchError: the app answers with others, or keeps no such key
        """
        names = self.names(collection)
        params = names.asking_for(external_ref)
        answer = self._call(
            "GET",
            f"/{names.place}",
            params={**names.asking(), **params},
            correlation_id=correlation_id,
        )
        items = names.page(answer, 0, None)["items"]
        return by_key(items, external_ref, **RECORD)

    def batch(self, collection, items, correlation_id, retry=False):
        """Write several records in one call; each item succeeds or fails alone.

        :param retry: whether any of them was sent before
        :return: a list of results in the order of ``items``; in place of one that
            cannot be read, among others that can, its :class:`OutcomeUnknownError`,
            and of one of which the app says that it may have been applied or not, its
            :class:`HttpError`
        """
        names = self.names(collection)
        answer = self._call(
            "POST",
            f"/{names.place}/batch",
            json={"items": [names.write_item(item) for item in items]},
            items=len(items),
            retry=retry,
            correlation_id=correlation_id,
        )
        with written():
            results = checked(answer, results=list)["results"]
        read = [read_result(names.read_said(result)) for result in results]
        errors = [r for r in read if isinstance(r, OutcomeUnknownError)]
        if errors and len(errors) == len(read):
            raise errors[0]
        return read

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
        with written():
            return checked(reservation, id=str, state=str)

    def find_reservation(self, key, correlation_id):
        """The reservation that is held for this key, or None."""
        page = self._call(
            "GET",
            "/reservations",
            params={"external_ref": key},
            correlation_id=correlation_id,
        )
        return by_key(checked(page, items=list)["items"], key, id=str, state=str)

    def step_reservation(self, reservation_id, step, correlation_id):
        """``confirm`` or ``release`` a reservation; a second time changes nothing."""
        path = f"/reservations/{segment(reservation_id)}/{step}"
        reservation = self._call("POST", path, correlation_id=correlation_id)
        with written():
            return checked(reservation, id=str, state=str)

    def _call(self, method, path, **kwargs):
        deadline = Deadline.after(self._deadline)
        try:
            return self._guarded(deadline, method, path, **kwargs)
        except DataCorruptedError as exc:
            # Where it only reads the next answer may be whole, but no shorter.
            if isinstance(exc, AnswerTooLargeError):
                raise
        try:
            return self._guarded(deadline, method, path, **{**kwargs, "retry": True})
        except DataCorruptedError as exc:
            raise MaxRetriesExceededError(exc.message, last_error=exc) from exc

    def _guarded(self, deadline, method, path, **kwargs):
        last_key = self._auth.is_last
        try:
            return self._once(deadline, method, path, last_key=last_key, **kwargs)
        except HttpError as exc:
            if exc.status != UNAUTHORIZED or self._auth.is_last:
                raise
        # Nothing was done for one that is not known.
        with self._auth.again():
            return self._once(deadline, method, path, **kwargs)

    def _once(self, deadline, method, path, **kwargs):
        with self._guard() as report:
            return self._exchange(report, deadline, method, path, **kwargs)

    def _exchange(
        self,
        report,
        deadline,
        method,
        path,
        *,
        correlation_id,
        items=1,
        retry=False,
        last_key=True,
        idempotency_key=None,
        if_match=None,
        **content,
    ):
        ids = {"correlation_id": correlation_id, "request_id": uuid.uuid4().hex}
        response = error = None
        started = time.monotonic()
        try:
            # A token may have to be asked for first.
            headers = self._auth.headers(deadline, correlation_id)
            headers.update(headers_of(idempotency_key, if_match, **ids))
            request = requests.Request(
                method, self.url + self.api + path, headers=headers, **content
            )
            response = self._send(request, deadline)
            return body_of(response)
        except Exception as exc:
            error = exc
            # What failed is found again in the log of calls, and in the app's.
            exc.request_id = ids["request_id"]
            raise
        finally:
            answered = response is not None
            report(
                Exchange(
                    method=method,
                    path=self.api + path,
                    status=response.status_code if answered else None,
                    duration=time.monotonic() - started,
                    bytes_sent=len(response.request.body or b"") if answered else 0,
                    bytes_received=len(response.content) if answered else 0,
                    items=items,
                    retry=retry,
                    last_key=last_key,
                    error=error,
                    **ids,
                )
            )

    def _send(self, request, deadline):
        try:
            return send(
                self._session,
                request,
                connect_timeout=self._connect_timeout,
                read_timeout=self._read_timeout,
                deadline=deadline,
                largest=self._largest,
            )
        except requests.exceptions.ContentDecodingError as exc:
            raise unreadable(request.method, "its compression is broken") from exc
        except AnswerTooLargeError as exc:
            if request.method == "GET":
                raise
            # What it says of what was done is not known.
            raise OutcomeUnknownError(exc.message) from exc
