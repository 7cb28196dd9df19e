"""What the pharmacy app answers: read for what it is, and never believed blindly."""

import json
import time
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import requests

from ..core.check.shallow import shallow
from ..core.check.text_checks import check_text
from ..core.error.findings import answered
from ..core.error.retry_after import parse_retry_after
from ..core.exceptions import (
    DataCorruptedError,
    DuplicateOrderError,
    HttpError,
    InvalidDataError,
    OutcomeUnknownError,
    RateLimitError,
    SchemaMismatchError,
)
from ..core.taxonomy import Delivery

# What every record of the app has.
RECORD = {"id": str, "version": int}
EMPTY, CONFLICT, TOO_MANY = 204, 409, 429
LONGEST_CURSOR = 1_000
# A page of which nothing has the agreed shape is asked for so often before its only
# record is taken for the bad one, and not the answer.
PATIENCE = 2
LONGEST_NUMBER = 1_000
# Characters of an answer that is no JSON, kept for the classification.
EXCERPT = 1000


def body_of(response):
    """The answer's JSON; None: the app says that there is none.

    :raises HttpError: the answer says that the request failed, or where else to ask
    :raises DataCorruptedError: what was read is no JSON
    :raises OutcomeUnknownError: the answer to a request that writes is no JSON
    """
    status = response.status_code
    if 300 <= status < 400:
        raise HttpError(
            status, None, _redirect_message(response), headers=response.headers
        )
    if status == EMPTY:
        return None
    try:
        body = _json(response)
    except (ValueError, RecursionError) as exc:
        if status < 400:
            kind = response.headers.get("Content-Type") or "nothing that it names"
            reason = f"it is no JSON but {kind}"
            raw = _excerpt(response)
            raise unreadable(response.request.method, reason, raw) from exc
        # A proxy's page, most likely.
        body = _excerpt(response)
    if status < 400:
        return body
    raise _refusal(status, body, response.reason, response.headers)


def _excerpt(response):
    return response.content[:EXCERPT].decode("utf-8", "replace")


def _refusal(status, body, reason, headers):
    """The error that an answer of 400 or above means."""
    code, message = _code_and_message(body)
    message = message or reason or f"HTTP {status}"
    about = {"code": code, "headers": headers, "body": body}
    if status == TOO_MANY:
        asked = parse_retry_after(
            headers.get("Retry-After"), time.time(), sent_at=headers.get("Date")
        )
        return RateLimitError(message, retry_after=asked, **about)
    existing = body.get("existing_id") if isinstance(body, dict) else None
    if status == CONFLICT and isinstance(existing, str) and code in (None, "duplicate"):
        return DuplicateOrderError(message, existing_id=existing, **about)
    return HttpError(status, message=message, **about)


def checked(value, **kinds):
    """``value``, which must be an object that has these fields.

    :raises SchemaMismatchError: it is none, or one of them is of another kind
    """
    for name, kind in kinds.items():
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            error = SchemaMismatchError(
                f"The answer has no {name} that is a {kind.__name__}.", field=name
            )
            error.raw = json.dumps(value)[:EXCERPT]
            raise error
    return value


@contextmanager
def written():
    """An answer of another shape leaves open whether a write was carried out."""
    try:
        yield
    except SchemaMismatchError as exc:
        raise OutcomeUnknownError(exc.message, field=exc.field) from exc


def unreadable(method, reason, raw=None):
    """The error of an answer that cannot be read.

    :param raw: what came, to be kept with it
    """
    message = f"The answer cannot be read: {reason}."
    if method != "GET":
        error = OutcomeUnknownError(message)
        error.raw = raw
        return error
    return DataCorruptedError(message, raw=raw)


def readable(result):
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
        "current": current if is_record(current) else None,
    }


def usable(items, **kinds):
    """Those of a page's items that have these fields: one that has not among others is
    no reason to refuse the page.

    :raises SchemaMismatchError: none of several has them
    """
    found = [item for item in items if _has(item, kinds)]
    if len(items) > 1 and not found:
        checked(items[0], **kinds)
    return found


def check_page(items, tries, **kinds):
    """One item without these fields among others is its own failure, and no reason to
    refuse the page; so is a single one, in the end.

    :param tries: how often the page was asked for before, in vain
    :raises SchemaMismatchError: none has them, and there are several or the page may
        still be another one when it is asked for again
    """
    refused = len(items) > 1 or tries < PATIENCE
    if items and refused and not any(_has(item, kinds) for item in items):
        checked(items[0], **kinds)


def by_key(items, key, **kinds):
    """The one of these that carries Odoo's key; None: nothing was found by it.

    :raises SchemaMismatchError: the app found others, and so does not look for keys;
        or it has not these fields
    """
    for item in items:
        if isinstance(item, dict) and item.get("external_ref") == key:
            return checked(item, **kinds)
    if items:
        raise SchemaMismatchError(
            "The app does not look up by external_ref: it answers with other records. "
            "Whether it has made this one is not known, so it is not sent again. It is "
            "linked when it is read; if the pharmacy does not have it, enter it there.",
            field="external_ref",
        )
    return None


def read_result(result):
    """What the app says of one item of a batch, or the error that leaves open what
    became of it: it cannot be read, or the app does not know it either."""
    try:
        with written():
            if checked(result, status=int)["status"] < 300:
                checked(result, **RECORD)
    except OutcomeUnknownError as exc:
        return exc
    result = readable(result)
    code, message = _code_and_message(result)
    if answered(result["status"], message or "") is Delivery.ANSWERED:
        return result
    error = HttpError(result["status"], code, message)
    error.of_one = True
    return error


def check_cursor(cursor):
    try:
        check_text(cursor, "next_cursor", LONGEST_CURSOR, required=False)
    except InvalidDataError as exc:
        raise SchemaMismatchError(exc.message, field=exc.field) from exc


def _redirect_message(response):
    """What a redirect means, in words: the address is not that of the app."""
    target = response.headers.get("Location")
    if not target:
        return f"The app answers with a redirect ({response.status_code})."
    parts = urlsplit(urljoin(response.url, target))
    return (
        f"The app sends to another address: {parts.scheme}://{parts.netloc}{parts.path}."
        " Enter that of the app itself."
    )


def _code_and_message(body):
    """Code and message of an error: the app's own form, or that of RFC 9457."""
    if not isinstance(body, dict):
        return None, None
    error = body.get("error")
    said = error if isinstance(error, dict) else body
    code = said.get("code") or (error if isinstance(error, str) else None)
    names = ("message", "detail", "title", "error_description")
    message = next((said[name] for name in names if said.get(name)), None)
    return (
        code if isinstance(code, str) else None,
        message if isinstance(message, str) else None,
    )


def _json(response):
    """The answer's JSON; a number that is too long for Python stays a text, and what is
    too deep is left out, for the record that it is part of to be refused."""
    try:
        return response.json()
    except requests.JSONDecodeError:
        raise
    except (ValueError, RecursionError):
        text = shallow(response.content.decode())
        return json.loads(text, parse_int=_number)


def _number(digits):
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def is_record(value):
    return _has(value, RECORD)


def _has(value, kinds):
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in kinds.items()
    )
