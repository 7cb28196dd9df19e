"""What the pharmacy app answers: read for what it is, and never believed blindly."""

from urllib.parse import urljoin, urlsplit

import requests

from ..core.exceptions import (
    DataCorruptedError,
    HttpError,
    InvalidDataError,
    OutcomeUnknownError,
    SchemaMismatchError,
)
from ..core.text_checks import check_text

# What every record of the app has.
RECORD = {"id": str, "version": int}
LONGEST_CURSOR = 1_000
LONGEST_NUMBER = 1_000
# Characters of an answer that is no JSON, kept for the classification.
EXCERPT = 1000


def body_of(response):
    """The answer's JSON.

    :raises HttpError: the answer says that the request failed, or where else to ask
    :raises DataCorruptedError: what was read is no JSON
    :raises OutcomeUnknownError: the answer to a request that writes is no JSON
    """
    status = response.status_code
    if 300 <= status < 400:
        raise HttpError(status, None, _elsewhere(response), headers=response.headers)
    try:
        body = _json(response)
    except (ValueError, RecursionError) as exc:
        if status < 400:
            kind = response.headers.get("Content-Type") or "nothing that it names"
            reason = f"it is no JSON but {kind}"
            raise unreadable(response.request.method, reason) from exc
        # A proxy's page, most likely.
        body = response.content[:EXCERPT].decode("utf-8", "replace")
    if status < 400:
        return body
    code, message = _told(body)
    raise HttpError(
        status,
        code,
        message or response.reason or f"HTTP {status}",
        headers=response.headers,
        body=body,
    )


def checked(value, **kinds):
    """``value``, which must be an object that has these fields.

    :raises SchemaMismatchError: it is none, or one of them is of another kind
    """
    for name, kind in kinds.items():
        if not isinstance(value, dict) or not isinstance(value.get(name), kind):
            raise SchemaMismatchError(
                f"The answer has no {name} that is a {kind.__name__}.", field=name
            )
    return value


def written():
    """Of what may have been done an answer of another shape says nothing."""
    try:
        yield
    except SchemaMismatchError as exc:
        raise OutcomeUnknownError(exc.message, field=exc.field) from exc


def unreadable(method, reason):
    message = f"The answer cannot be read: {reason}."
    return (DataCorruptedError if method == "GET" else OutcomeUnknownError)(message)


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


def check_cursor(cursor):
    try:
        check_text(cursor, "next_cursor", LONGEST_CURSOR, required=False)
    except InvalidDataError as exc:
        raise SchemaMismatchError(exc.message, field=exc.field) from exc


def _elsewhere(response):
    """What a redirect means, in words: the address is not that of the app."""
    target = response.headers.get("Location")
    if not target:
        return f"The app answers with a redirect ({response.status_code})."
    parts = urlsplit(urljoin(response.url, target))
    return (
        f"The app sends to another address: {parts.scheme}://{parts.netloc}{parts.path}."
        " Enter that of the app itself."
    )


def _told(body):
    """Code and message of an error: the app's own form, or that of RFC 9457."""
    if not isinstance(body, dict):
        return None, None
    error = body.get("error")
    told = error if isinstance(error, dict) else body
    code = told.get("code") or (error if isinstance(error, str) else None)
    names = ("message", "detail", "title", "error_description")
    message = next((told[name] for name in names if told.get(name)), None)
    return (
        code if isinstance(code, str) else None,
        message if isinstance(message, str) else None,
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


def is_record(value):
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in RECORD.items()
    )
