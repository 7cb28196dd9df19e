"""Access tokens of the client credentials grant (RFC 6749, 4.4): what a token server's
answer means, and how long a token serves."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from ..error.retry_after import parse_retry_after
from ..exceptions import HttpError, SyncError
from ..taxonomy import Delivery, ErrorType
from ..texts import _lt

# Seconds for which a token serves of which its server does not say it, at most, and
# before its end at which another is asked for.
UNSAID, LONGEST, MARGIN = 300.0, 86_400.0, 30.0
# Characters of a token: servers bound the headers of a request.
LARGEST = 8_000
# Statuses that ask for patience.
_LATER = frozenset({408, 425, 429})
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
# What the server's code says is wrong, by our fields.
_BLAMED = {
    "invalid_client": "api_key",
    "unauthorized_client": "client_id",
    "invalid_scope": "token_scope",
    "invalid_request": "client_auth",
    "invalid_grant": "api_key",
    "unsupported_grant_type": "token_url",
}
_SAYS = {
    "api_key": "it does not know this client id with this secret",
    "client_id": "this client may not ask for a token by itself",
    "client_auth": "it does not take the client's secret in this way",
    "token_scope": "it does not give this scope",
    "token_url": "it gives no token to programs at this address",
}


class TokenUnavailableError(SyncError):
    """No token could be had now: the request that it was for did not leave."""

    sent = False
    overrides: ClassVar = {"delivery": Delivery.NOT_SENT}


class TokenRefusedError(HttpError):
    """The token server refuses; ``field`` names the setting that is wrong. For the app
    it is as if it had refused, whatever the status was: it says nothing of a record."""

    overrides: ClassVar = {
        "delivery": Delivery.NOT_SENT,
        "suggested_action": _lt(
            "Correct the token address, the client id, the client secret or the scope "
            "on the backend, then test the connection."
        ),
    }

    def __init__(self, code: str | None, message: str, field: str):
        super().__init__(401, code, message, field=field)


@dataclass(frozen=True)
class Token:
    """An access token.

    :param until: POSIX seconds, when another must be asked for.
    """

    value: str
    until: float

    def is_over(self, now: float) -> bool:
        return now >= self.until

    def serves(self, spent: "Token | None", now: float) -> bool:
        """Whether it is of use where ``spent`` was refused."""
        return not self.is_over(now) and (spent is None or spent.value != self.value)

    def kept(self, whose: str) -> str:
        """The text to keep of it.

        :param whose: what it was asked with; it serves nobody else
        """
        return json.dumps([self.value, self.until, whose])

    @classmethod
    def of_kept(cls, text: str, whose: str) -> "Token | None":
        """The token that is kept in a text; None: it was asked with something else."""
        value, until, owner = json.loads(text)
        return cls(value, until) if owner == whose else None


def read_token(status: int, body: Any, headers: Mapping[str, str], now: float) -> Token:
    """The token in the answer of a token server.

    Nothing that the server says is repeated but a code that the standard knows: it may
    have received secrets.

    :param body: the decoded JSON; None if it is none
    :param now: POSIX seconds, from which it counts
    :raises TokenRefusedError: it gives none, and will give none before a setting is
        another
    :raises TokenUnavailableError: it gives none now
    """
    said = body if isinstance(body, Mapping) else {}
    if status in _LATER or status >= 500:
        raise _unavailable(status, headers)
    if status >= 300:
        raise _refused(status, said.get("error"))
    value, kind = said.get("access_token"), said.get("token_type", "bearer")
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise _no_token("has no token in it")
    if len(value) > LARGEST:
        raise _no_token(f"has a token of more than {LARGEST} characters")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenRefusedError(
            None, "The token server gives no bearer tokens.", "token_url"
        )
    return Token(value, now + _seconds(said.get("expires_in")))


def _seconds(expires_in: Any) -> float:
    """For how long a token serves, by what the server said of its life."""
    life = UNSAID
    if not isinstance(expires_in, bool):
        with suppress(ValueError, TypeError, OverflowError):
            life = float(expires_in)
    # Not a number is no more than nothing, either.
    life = min(life, LONGEST) if life > 0 else UNSAID
    return max(life / 2, life - MARGIN)


def _unavailable(status: int, headers: Mapping[str, str]) -> TokenUnavailableError:
    asked = {name.lower(): value for name, value in headers.items()}
    return TokenUnavailableError(
        f"The token server gives no token now (HTTP {status}).",
        error_type=ErrorType.RATE_LIMIT_EXCEEDED
        if status == 429
        else ErrorType.SERVICE_UNAVAILABLE,
        retry_after=parse_retry_after(asked.get("retry-after")),
    )


def _refused(status: int, code: Any) -> TokenRefusedError:
    known = code if isinstance(code, str) and code in _BLAMED else None
    field = _BLAMED[known] if known else "api_key" if status == 401 else "token_url"
    why = f"HTTP {status}{f' {known}' if known else ''}"
    return TokenRefusedError(
        known, f"The token server gives no token: {_SAYS[field]} ({why}).", field
    )


def _no_token(what: str) -> TokenUnavailableError:
    return TokenUnavailableError(
        f"The answer of the token server {what}.",
        error_type=ErrorType.SERVICE_UNAVAILABLE,
    )
