import time
from contextlib import contextmanager
from functools import partial

import psycopg2

from odoo import models

from ....client.token import ask_token
from ....core.backend.auth import Method
from ....core.backend.token import Token, TokenRefusedError, TokenUnavailableError
from ....core.exceptions import SecretSealedError
from ....core.secrets.sealing import seal, unseal
from ....core.taxonomy import ErrorType
from ...base.locks import TOKENS
from ...base.own_transaction import apart, own_session, unlock

# Seconds that a call waits for another worker that asks for the token.
PATIENCE = 20.0


class SyncBackend(models.Model):
    """Says who asks."""

    _inherit = "sync.backend"

    def _auth(self, operation):
        """Who asks, for a client.

        :param operation: kind of work; a test tries the present secret only
        """
        backend, secret = self.sudo(), self._secret("api_key")
        # A test says of the present one whether it is accepted.
        following = "" if operation == "test" else self._next_secret()
        on_next = partial(apart, backend._use_next_key)
        if self.auth_method != Method.OAUTH2:
            return self._make_auth(secret, next_secret=following, on_next=on_next)
        grants = [self._grant(each) for each in (secret, following) if each]
        return self._make_auth(secret, _Tokens(backend, grants, on_next).give)

    def _next_secret(self):
        return "".join(self._readable_secrets("api_key_next"))


class _Tokens:
    """The token of a backend: asked for once for all workers, and kept encrypted. No
    transaction is open meanwhile.

    :param grants: with which it is asked for; the next is tried where one is refused
    :param on_next: called when the token server has accepted the second
    """

    def __init__(self, backend, grants, on_next):
        self._backend = backend
        self._grants = grants
        self._on_next = on_next
        self._owner = backend._token_owner()
        self._keys = backend._encryption_keys()
        self._internal = backend.token_internal

    def give(self, spent, deadline, correlation_id):
        """See :class:`...client.auth.OAuth2`."""
        with own_session(self._backend.env) as cr:
            if token := self._kept(cr, spent):
                return token
            with self._turn(cr, deadline):
                # Another worker may have got it while this one waited for its turn.
                if token := self._kept(cr, spent):
                    return token
                token = self._ask(cr, deadline, correlation_id)
                self._keep(cr, token)
                return token

    def _kept(self, cr, spent):
        cr.execute(
            "SELECT token_secret FROM sync_backend WHERE id = %s", [self._backend.id]
        )
        kept = cr.fetchone()
        if not kept or not kept[0]:
            return None
        try:
            token = Token.of_kept(unseal(kept[0], self._keys), self._owner)
        except SecretSealedError:
            # With a key that is gone: another is asked for.
            return None
        return token if token and token.serves(spent, time.time()) else None

    def _keep(self, cr, token):
        kept = seal(token.kept(self._owner), self._keys)
        cr.execute(
            "UPDATE sync_backend SET token_secret = %s WHERE id = %s",
            [kept, self._backend.id],
        )

    @contextmanager
    def _turn(self, cr, deadline):
        """One of all threads and processes asks for the token; the others wait."""
        seconds = min(PATIENCE, deadline.bounded())
        milliseconds = str(max(1, int(seconds * 1000)))
        lock = (TOKENS, self._backend.id)
        try:
            cr.execute("SELECT set_config('lock_timeout', %s, false)", [milliseconds])
            cr.execute("SELECT pg_advisory_lock(%s, %s)", lock, log_exceptions=False)
        except psycopg2.errors.LockNotAvailable as exc:
            raise TokenUnavailableError(
                f"Another worker asked for a token, and has none after {seconds:g} "
                "seconds.",
                error_type=ErrorType.NETWORK_TIMEOUT,
            ) from exc
        try:
            yield
        finally:
            unlock(cr, lock)

    def _ask(self, cr, deadline, correlation_id):
        ask = partial(
            ask_token,
            (self._backend.env.cr.dbname, f"token {self._backend.id}"),
            deadline=deadline,
            correlation_id=correlation_id,
            internal=self._internal,
            report=partial(self._log, cr),
        )
        *earlier, last = self._grants
        for grant in earlier:
            try:
                return ask(grant)
            except TokenRefusedError as exc:
                if exc.field != "api_key":
                    raise
        token = ask(last)
        if earlier:
            self._on_next()
        return token

    def _log(self, cr, exchange):
        """Append the exchange to the log of calls, without a result: it says nothing
        of the app's health."""
        env, error = self._backend.env, exchange.error
        found = error and env["sync.error"]._classify(error, self._backend)
        env["sync.call"]._append(
            cr,
            self._backend.id,
            "token",
            exchange=exchange,
            error_type=found and str(found.type),
        )
