"""Who may call the API: by a key, or by a token that is given for one."""

import base64
import binascii
import hmac
import secrets
import time
from enum import Enum
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request, Response

from .errors import to_json

USER, HEADER, SCOPE = "odoo", "x-pharmacy-key", "orders"
TOKEN_PATH = "/oauth/token"


class Method(str, Enum):
    """How a request says who asks."""

    BEARER = "bearer"
    BASIC = "basic"
    HEADER = "header"
    OAUTH2 = "oauth2"

    __str__ = str.__str__


class Callers:
    """Knows whoever has the key; as user, and as client of OAuth 2.0, they are
    ``odoo``.

    :ivar token_seconds: how long a token is good for
    :ivar stated_seconds: what the answer says of it; None: nothing
    """

    def __init__(self, api_key, method=Method.BEARER):
        self.key = api_key
        self.method = method
        self.token_seconds = self.stated_seconds = 3600.0
        self._tokens = {}

    def forget_tokens(self):
        self._tokens.clear()

    def know(self, headers):
        """Whether the headers of a request are those of one who may call."""
        said = headers.get("authorization", "")
        if self.method is Method.HEADER:
            return _same(headers.get(HEADER, ""), self.key)
        if self.method is Method.BASIC:
            return _same("\n".join(_pair(said)), f"{USER}\n{self.key}")
        scheme, __, value = said.partition(" ")
        if scheme != "Bearer":
            return False
        if self.method is Method.OAUTH2:
            return self._tokens.get(value, 0) > time.monotonic()
        return _same(value, self.key)

    def challenge(self):
        return "Basic" if self.method is Method.BASIC else "Bearer"

    def give_token(self, form, authorization):
        """Status and body of the answer to one who asks for a token."""
        if form.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type"}
        user, password = map(unquote_plus, _pair(authorization))
        user = form.get("client_id", user)
        password = form.get("client_secret", password)
        if not _same(f"{user}\n{password}", f"{USER}\n{self.key}"):
            # It repeats what it received, as some do.
            said = f"no client {user} with secret {password}"
            return 401, {"error": "invalid_client", "error_description": said}
        if form.get("scope", SCOPE) != SCOPE:
            return 400, {"error": "invalid_scope"}
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + self.token_seconds
        body = {"access_token": token, "token_type": "Bearer"}
        if self.stated_seconds is not None:
            body["expires_in"] = self.stated_seconds
        return 200, body


router = APIRouter(include_in_schema=False)


@router.post(TOKEN_PATH)
async def give_token(request: Request):
    text = (await request.body()).decode("utf-8", "replace")
    callers = request.app.state.callers
    status, body = callers.give_token(
        dict(parse_qsl(text)), request.headers.get("authorization", "")
    )
    return Response(
        to_json(body),
        status,
        {"Cache-Control": "no-store"},
        media_type="application/json",
    )


def _pair(authorization):
    """User name and password of Basic authentication; nothing for anything else."""
    scheme, __, value = authorization.partition(" ")
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    user, __, password = text.partition(":")
    return (user, password) if scheme == "Basic" else ("", "")


def _same(given, expected):
    return hmac.compare_digest(given.encode(), expected.encode())
