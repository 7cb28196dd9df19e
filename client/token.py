"""Asks a token server for an access token (RFC 6749, 4.4): one request, bounded in time
and size, without redirects."""

import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlsplit

import requests

from ..core.backend.token import TokenUnavailableError, read_token
from ..core.call.deadline import Deadline
from ..core.error.evidence import words_for_people
from ..core.exceptions import InternalAddressError, SyncError
from .auth import basic
from .exchange import Exchange
from .receiver import origin_text
from .session import pooled_session, send

# Seconds for a connection, of silence, and of the whole; the call that waits for the
# token may have less.
CONNECT, SILENCE, WHOLE = 5.0, 10.0, 15.0
# Bytes of an answer that are read.
LARGEST = 64 * 1024


@dataclass(frozen=True)
class Grant:
    """What a token is asked for with.

    :param url: address of the token server
    :param in_body: whether id and secret stand in the request's body; else in the
        header of Basic authentication
    """

    url: str
    client_id: str
    secret: str = field(repr=False)
    scope: str = ""
    in_body: bool = False

    def request(self):
        data, headers = {"grant_type": "client_credentials"}, {}
        if self.scope:
            data["scope"] = self.scope
        if self.in_body:
            data.update(client_id=self.client_id, client_secret=self.secret)
        else:
            # As in a form, says the standard, and then as in Basic.
            pair = quote_plus(self.client_id), quote_plus(self.secret)
            headers["Authorization"] = basic(*pair)
        headers["Accept"] = "application/json"
        return requests.Request("POST", self.url, headers=headers, data=data)


def ask_token(
    key,
    grant,
    deadline,
    correlation_id,
    *,
    internal=False,
    report=lambda exchange: None,
):
    """Ask for a token.

    :param key: what sets the connections apart: database name and owner
    :param deadline: by when it is wanted
    :param internal: whether the server may be at an internal address
    :param report: called with the :class:`Exchange`, however it went
    :return: :class:`..core.backend.token.Token`
    :raises TokenRefusedError: a setting is wrong, whose field it names
    :raises TokenUnavailableError: no token can be had now
    :raises InternalAddressError: the server is where it may not be
    """
    response = error = None
    request, started = grant.request(), time.monotonic()
    try:
        response = _send(key, request, deadline, internal)
        body = _json(response)
        return read_token(response.status_code, body, response.headers, time.time())
    except SyncError as exc:
        error = exc
        raise
    finally:
        answered = response is not None
        report(
            Exchange(
                method=request.method,
                path=urlsplit(grant.url).path or "/",
                status=response.status_code if answered else None,
                duration=time.monotonic() - started,
                bytes_sent=len(response.request.body or b"") if answered else 0,
                bytes_received=len(response.content) if answered else 0,
                items=0,
                retry=False,
                correlation_id=correlation_id,
                request_id=uuid.uuid4().hex,
                error=error,
            )
        )


def _send(key, request, deadline, internal):
    session = pooled_session(*key, origin_text(request.url), internal)
    try:
        return send(
            session,
            request,
            connect_timeout=CONNECT,
            read_timeout=SILENCE,
            deadline=Deadline.after(min(WHOLE, deadline.bounded())),
            largest=LARGEST,
        )
    except InternalAddressError as exc:
        exc.field = "token_url"
        raise
    except (requests.RequestException, SyncError) as exc:
        said = words_for_people(exc)
        raise TokenUnavailableError(f"No token from the token server. {said}") from exc


def _json(response):
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
