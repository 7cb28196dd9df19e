from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ....client.auth import Basic, Bearer, Header, OAuth2
from ....client.token import Grant
from ....core.backend.address import host
from ....core.backend.auth import LONGEST, Method, fault, receivers

# What people choose, besides the secret itself.
AUTH_FIELDS = ("auth_method", *LONGEST, "client_auth")
# What a change of says where the secret goes, and how the app is called.
RECEIVING = {"url", "auth_method", "token_url"}
CONNECTING = {"url", "api_path", "api_key_secret", "api_key_next_secret", *AUTH_FIELDS}


class SyncAuth(models.AbstractModel):
    """How requests to an app say who asks: fields of a backend, and of the dialog that
    connects one. The secret itself is the field ``api_key``."""

    _name = "sync.auth"
    _description = "How Odoo Says Who It Is"

    auth_method = fields.Selection(
        [
            (str(Method.BEARER), "API key"),
            (str(Method.HEADER), "API key in a header of its own"),
            (str(Method.BASIC), "User name and password"),
            (str(Method.OAUTH2), "OAuth 2.0 (client credentials)"),
        ],
        "Authentication",
        required=True,
        default=str(Method.BEARER),
        help="How Odoo says who it is to the pharmacy app: with an API key (a bearer "
        "token), with an API key in a header that the app names, with a user name and "
        "a password (HTTP Basic), or with a token that a token server gives for an "
        "hour or so.",
    )
    auth_user = fields.Char(
        "User Name",
        help="User name that the pharmacy app gave to Odoo.",
    )
    auth_header = fields.Char("Header", help="Name of the header, such as X-Api-Key.")
    token_url = fields.Char(
        "Token Address",
        help="Where Odoo asks for a token, such as "
        "https://login.example.com/oauth/token.",
    )
    client_id = fields.Char(
        "Client ID",
        help="Name by which the token server knows Odoo.",
    )
    client_auth = fields.Selection(
        [("basic", "In a header (HTTP Basic)"), ("body", "In the request's body")],
        "Client Secret Goes",
        required=True,
        default="basic",
        help="How the token server wants the client's id and secret.",
    )
    token_scope = fields.Char(
        "Scope",
        help="What the token is for, as the token server calls it; with blanks "
        "between. Many need none.",
    )

    @api.constrains(*AUTH_FIELDS)
    def _check_auth(self):
        for record in self:
            if problem := record._auth_problem():
                raise ValidationError(problem)

    def _auth_problem(self):
        """What is wrong with how Odoo says who it is, in words; None: nothing is."""
        found = fault(self.auth_method, {name: self[name] or "" for name in LONGEST})
        if found:
            return self._auth_words(*found)
        problem = self.env["sync.backend"]._address_problem(self.token_url)
        if problem and self.auth_method == Method.OAUTH2:
            title = self._fields["token_url"]._description_string(self.env)
            return f"{title}: {problem}"
        return None

    def _auth_words(self, name, kind):
        title = self._fields[name]._description_string(self.env)
        characters = {
            "auth_user": self.env._("A user name has no colon and is on one line."),
            "auth_header": self.env._(
                "The name of a header has letters, digits and - only, such as "
                "X-Api-Key."
            ),
            "client_id": self.env._(
                "A client ID has letters, digits and signs of ASCII only."
            ),
            "token_scope": self.env._(
                "A scope has words of ASCII, with one blank between them."
            ),
        }
        words = {
            "missing": self.env._("This way of authentication needs it."),
            "long": self.env._("It has %s characters at most.", LONGEST[name]),
            "reserved": self.env._(
                "This header has another meaning. Enter the one that the pharmacy app "
                "reads the key from."
            ),
        }
        return f"{title}: {words.get(kind) or characters[name]}"

    def _receivers(self):
        """Who gets the secret, and the token: :func:`~core.backend.auth.receivers`."""
        return receivers(self.auth_method, self.url or "", self.token_url or "")

    def _make_auth(self, secret, give=None, **rotation):
        """What says who asks, for a client.

        :param secret: in clear text
        :param give: see :class:`...client.auth.OAuth2`
        :param rotation: the next secret, see :class:`...client.auth.Bearer`
        """
        if self.auth_method == Method.BASIC:
            return Basic(self.auth_user, secret, **rotation)
        if self.auth_method == Method.HEADER:
            return Header(self.auth_header, secret, **rotation)
        if self.auth_method == Method.OAUTH2:
            return OAuth2(give)
        return Bearer(secret, **rotation)

    def _grant(self, secret):
        """What a token is asked for with."""
        return Grant(
            self.token_url.strip(),
            self.client_id,
            secret,
            self.token_scope or "",
            self.client_auth == "body",
        )

    def _token_host(self):
        return host((self.token_url or "").strip())
