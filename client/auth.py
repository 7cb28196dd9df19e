"""How a request says who asks: one class for each method.

Each gives the headers of a request, and says whether another try is worth it once the
app has answered 401.
"""

import base64
import time
from contextlib import contextmanager

from ..core.backend.auth import is_header_value
from ..core.backend.token import TokenRefusedError
from ..core.exceptions import ConfigurationError, HttpError

UNAUTHORIZED = 401
# What a check sends in place of the secret, to be refused.
WRONG = "no-such-key"


class _Secret:
    """A secret that goes with each request, and one that may take its place.

    :param secret: a text
    :param next_secret: tried once the app refuses the other; empty: there is none
    :param on_next: called when the app has accepted it
    """

    def __init__(self, secret, next_secret="", on_next=lambda: None):
        self._secret = secret
        self._next = next_secret
        self._on_next = on_next

    @property
    def is_last(self):
        """Whether there is nothing else to try, should the app refuse this."""
        return not self._next

    def headers(self, deadline=None, correlation_id=""):
        """What says who asks.

        :param deadline: by when it must be known
        :param correlation_id: of the request that it is for
        :raises ConfigurationError: the secret does not go into a header
        """
        return self._written(self._secret)

    def stranger(self):
        """The headers of one that the app does not know."""
        return self._written(WRONG)

    @contextmanager
    def again(self):
        """Another try: the request that is made within says who asks in another way."""
        self._swap()
        try:
            yield
        except HttpError as exc:
            if exc.status == UNAUTHORIZED:
                self._swap()
            else:
                self._keep()
            raise
        self._keep()

    def _swap(self):
        self._secret, self._next = self._next, self._secret

    def _keep(self):
        self._next = ""
        self._on_next()


class Bearer(_Secret):
    """``Authorization: Bearer`` and the secret (RFC 6750)."""

    def _written(self, secret):
        return {"Authorization": f"Bearer {_checked(secret)}"}


class Basic(_Secret):
    """``Authorization: Basic`` with a user name, and the secret as password, in UTF-8
    (RFC 7617)."""

    def __init__(self, user, secret, **rotation):
        super().__init__(secret, **rotation)
        self._user = user

    def _written(self, secret):
        return {"Authorization": basic(self._user, secret)}


class Header(_Secret):
    """A header of the app's own that has the secret as it is."""

    def __init__(self, name, secret, **rotation):
        super().__init__(secret, **rotation)
        self._name = name

    def _written(self, secret):
        # Blanks at the ends are none of a header's value.
        return {self._name: _checked(secret).strip(" ")}


class OAuth2:
    """``Authorization: Bearer`` and a token that a token server gives.

    A token that the app refuses is renewed once; if it refuses the new one as well,
    another would be of no use.

    :param give: ``give(spent, deadline, correlation_id)`` gives a
        :class:`..core.backend.token.Token`, another than ``spent``, which may be None
    """

    def __init__(self, give):
        self._give = give
        self._token = self._spent = None
        self.is_last = False

    def headers(self, deadline, correlation_id=""):
        """As of the others.

        :raises TokenRefusedError: the token server refuses
        :raises TokenUnavailableError: it does not answer, or not so that it can be read
        """
        if self._token is None or self._token.is_over(time.time()):
            try:
                self._token = self._give(self._spent, deadline, correlation_id)
            except Exception as exc:
                # Whatever it is: the request that it was for did not leave.
                exc.sent = False
                self.is_last = isinstance(exc, TokenRefusedError)
                raise
        return self._written(self._token.value)

    def stranger(self):
        return self._written(WRONG)

    @contextmanager
    def again(self):
        self._spent, self._token = self._token, None
        try:
            yield
        except HttpError as exc:
            self.is_last = exc.status == UNAUTHORIZED
            raise

    def _written(self, token):
        return {"Authorization": f"Bearer {token}"}


def as_auth(auth):
    """An object of these classes; a text is a key for :class:`Bearer`."""
    return Bearer(auth) if isinstance(auth, str) else auth


def basic(user, password):
    """The value of a header for user name and password."""
    pair = f"{user}:{password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _checked(secret):
    if not is_header_value(secret):
        raise ConfigurationError(
            "The API key has characters that no HTTP header can hold.",
            field="api_key",
        )
    return secret
