"""How requests to the API's routes are dispatched: JSON in, JSON out, and whatever
fails on the way, in Odoo or in the database, is answered by the API's own error with a
status that means something, never by a page or a traceback."""

import json
import uuid
from functools import partial

import psycopg2
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from odoo.exceptions import AccessDenied, AccessError, UserError
from odoo.http import HttpDispatcher, Response, SessionExpiredException

from ..core.api.answer_status import RETRY_AFTER, type_of
from ..core.api.limits import MAX_BODY
from ..core.check.shallow import shallow
from ..core.storable import LIMITS
from ..core.taxonomy import TAXONOMY
from ..models.base.alone import is_transaction_failure

_MESSAGES = {
    401: "Send an API key of this database as Authorization: Bearer ...",
    403: "The user of this key may not do this.",
    500: "The request failed.",
    503: "The request cannot be done now: send it again later.",
}


class _TwiceError(ValueError):
    """A name is there twice in an object."""


class ApiDispatcher(HttpDispatcher):
    """Routes of ``type="pharmacy_sync_api"``."""

    routing_type = "pharmacy_sync_api"
    mimetypes = ("application/json",)

    def dispatch(self, endpoint, args):
        # Neither a form nor the query string says anything here.
        self.request.params = dict(args)
        return self.request.registry["ir.http"]._dispatch(endpoint)

    def handle_error(self, exc):
        if isinstance(exc, HTTPException) and exc.response is not None:
            return exc.response
        status = _status(exc)
        message = _MESSAGES.get(status)
        headers = {}
        if isinstance(exc, HTTPException):
            # Written here, or by werkzeug: it quotes nothing.
            message = message or exc.description
            headers = {
                name: value
                for name, value in exc.get_headers()
                if name in ("Allow", "WWW-Authenticate")
            }
        return error_response(status, message or "The request was refused.", headers)


def is_database_down(exc):
    """Whether the database was out of reach, whatever Odoo made of that on the way: a
    refused login, or a page that is not found."""
    while exc is not None and not is_transaction_failure(exc):
        exc = exc.__cause__ or exc.__context__
    return exc is not None


def _status(exc):
    if isinstance(exc, psycopg2.Error) or is_database_down(exc):
        return 503
    if isinstance(exc, HTTPException):
        return exc.code
    if isinstance(exc, (AccessDenied, SessionExpiredException)):
        return 401
    if isinstance(exc, AccessError):
        return 403
    if isinstance(exc, UserError):
        return exc.http_status
    return 500


def error_response(status, message=None, headers=()):
    """The answer to a request that no method was reached by."""
    kind = type_of(status)
    info = TAXONOMY[kind]
    correlation_id = uuid.uuid4().hex
    return answer_response(
        {
            "success": False,
            "error": {
                "type": str(kind),
                "message": message or _MESSAGES[status],
                "field": None,
                "retryable": status in (429, 503),
                "suggested_action": str(info.suggested_action),
            },
            "correlation_id": correlation_id,
            "duration_ms": 0.0,
        },
        status,
        headers,
    )


def answer_response(answer, status=200, headers=()):
    response = Response(
        json.dumps(answer),
        status=status,
        headers={
            "Cache-Control": "no-store",
            "X-Correlation-ID": answer["correlation_id"],
            **dict(headers),
        },
        content_type="application/json",
    )
    if status == 503:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER))
    return response


def read_arguments(httprequest):
    """The named arguments in the body of a request; an empty one has none.

    :raises HTTPException: it is too long, packed, or no JSON object
    """
    packed = httprequest.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity"):
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    # Cached: Odoo may replay the request, and reads it again then.
    body = httprequest.get_data()
    if len(body) > MAX_BODY:
        raise RequestEntityTooLarge(f"A body has at most {MAX_BODY} bytes.")
    try:
        given = _load(body or b"{}")
    except _TwiceError:
        raise BadRequest("An object of the body has two values of one name.") from None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadRequest("The body must be a JSON object of named arguments.")
    return given


def _load(body):
    read = partial(
        json.loads,
        parse_constant=_refuse,
        parse_int=_whole,
        object_pairs_hook=_object,
    )
    try:
        return read(body)
    except RecursionError:
        # One record that is too deep fails alone.
        return read(shallow(body.decode()))


def _refuse(name):
    raise ValueError(name)


def _whole(digits):
    """A number that is longer than Python reads stays one that is too long, so that the
    record that it is part of is refused alone."""
    longest = LIMITS.digits
    return int(digits) if len(digits) <= longest + 1 else 10**longest


def _object(pairs):
    """One of two values would be lost without a word."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found
