import uuid

from odoo import api, fields, models

from ...client import FAILURES, PharmacyClient
from ...client.token import ask_token
from ...core.backend.address import host
from ...core.backend.auth import Method, goes_elsewhere
from ...core.backend.token import TokenRefusedError
from ...core.call.deadline import Deadline
from ...core.exceptions import HttpError, InternalAddressError
from ...models.backend.auth.sync_auth import AUTH_FIELDS
from ...models.backend.naming.stream_naming import API
from .sync_backend_connect import READ_TIMEOUT, TIMEOUT


class SyncBackendConnect(models.TransientModel):
    """Who asks: the steps that try it."""

    _inherit = "sync.backend.connect"

    api_path = fields.Char(
        "API Begins At",
        default=API,
        help="What follows the address in front of every call: /api/v1 by the "
        "contract. May be empty.",
    )
    token_internal = fields.Boolean(
        "Internal Token Address Allowed",
        groups="base.group_system",
        help="Whether the token server may be inside of your own network, at this "
        "host.",
    )

    @api.constrains("api_path")
    def _check_api_path(self):
        for wizard in self:
            self.env["sync.backend"]._check_path(wizard.api_path)

    def _is_elsewhere(self):
        """Whether the backend's own secret would go where it does not go now."""
        backend = self.sudo().backend_id
        return bool(backend) and goes_elsewhere(backend._receivers(), self._receivers())

    def _is_as_kept(self):
        """Whether the app is called as that of the backend is."""
        backend = self.backend_id.sudo()
        if not backend or backend._readable_secrets("api_key") != [
            self._secret("api_key")
        ]:
            return False
        names = ("url", "api_path", *AUTH_FIELDS)
        return all(
            (self[name] or "").strip() == (backend[name] or "") for name in names
        )

    def _client(self):
        # Not guarded: what is tried here says nothing of a backend in use.
        return PharmacyClient(
            (self.env.cr.dbname, f"connect {self.id}"),
            self._url().rstrip("/"),
            self._make_auth(self._secret("api_key"), self._give_token),
            connect_timeout=TIMEOUT,
            read_timeout=READ_TIMEOUT,
            deadline=READ_TIMEOUT,
            internal=self._may_be_internal(),
            **self._called(),
        )

    def _called(self):
        """Where the app's API begins, and how it calls things, if this is known of its
        backend."""
        backend = self.backend_id.sudo()
        names = {"names": backend._app_names()} if backend else {}
        return {"api": self.api_path or "", **names}

    def _give_token(self, spent, deadline, correlation_id):
        return ask_token(
            (self.env.cr.dbname, f"connect token {self.id}"),
            self._grant(self._secret("api_key")),
            deadline,
            correlation_id,
            internal=self._may_token_be_internal(),
        )

    def _may_token_be_internal(self):
        wizard = self.sudo()
        allowed = {
            wizard.token_internal and wizard._token_host(),
            wizard._may_be_internal() and host(wizard._url()),
            wizard.backend_id.token_internal_host,
        }
        return bool(wizard._token_host()) and wizard._token_host() in allowed

    # -- Steps -------------------------------------------------------------------------

    def _get_token(self):
        if not self._secret("api_key"):
            return "failed", self._no_secret()
        try:
            self._give_token(None, Deadline.after(READ_TIMEOUT), uuid.uuid4().hex)
        except InternalAddressError:
            return "failed", self._is_inside(self._token_host())
        except TokenRefusedError as exc:
            return "failed", f"{self._token_words()[exc.field]} ({exc.message})"
        except FAILURES as exc:
            return "failed", f"{self._explanation(exc)} ({exc})"
        return "passed", self.env._("The token server gives Odoo a token.")

    def _token_words(self):
        return {
            "api_key": self.env._(
                "The token server does not know this client ID with this secret. Copy "
                "both again, whole and without spaces."
            ),
            "client_id": self.env._(
                "The token server does not let this client ask for a token by itself. "
                'Have the grant "client credentials" allowed there.'
            ),
            "client_auth": self.env._(
                "The token server does not understand the request. Choose the other "
                "way for the client secret."
            ),
            "token_scope": self.env._(
                "The token server does not give this scope. Correct it, or leave it "
                "empty."
            ),
            "token_url": self.env._(
                "At the token address no token is given. Correct the address."
            ),
        }

    def _no_secret(self):
        if self._is_elsewhere():
            return self.env._(
                "The address is of another host than before. A key goes only to "
                "the host that it was entered for: enter the one of this app."
            )
        if self.auth_method == Method.BASIC:
            return self.env._(
                "No password is given. Have one made in the pharmacy app, and paste it "
                "here."
            )
        if self.auth_method == Method.OAUTH2:
            return self.env._(
                "No client secret is given. Copy it from the token server."
            )
        return self.env._(
            "No key is given. Make one in the pharmacy app, and paste it here."
        )

    def _accept_key(self, client):
        if not self._secret("api_key"):
            return "failed", self._no_secret()
        try:
            self._read_entity(client, self._entities()[0])
        except HttpError as exc:
            if exc.status == 401:
                return "failed", self._not_known()
            if exc.status != 403:
                return "failed", self._explanation(exc)
        except FAILURES as exc:
            return "failed", self._explanation(exc)
        return "passed", self.env._("The pharmacy app accepts the key.")

    def _not_known(self):
        if self.auth_method == Method.BASIC:
            return self.env._(
                "The pharmacy app does not know this user name with this password. "
                "Copy both again, whole and without spaces."
            )
        if self.auth_method == Method.OAUTH2:
            return self.env._(
                "The pharmacy app does not accept the token that the token server "
                "gives. Ask whether it is for this app, and which scope it needs."
            )
        if self.auth_method == Method.HEADER:
            return self.env._(
                "The pharmacy app does not find a key that it knows in this header. "
                "Compare the name of the header, and copy the key again, whole and "
                "without blanks."
            )
        return self.env._(
            "The pharmacy app does not know this key. Copy it again, whole and "
            "without blanks, or make a new one there."
        )
