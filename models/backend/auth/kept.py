import hashlib
import json

from odoo import api, fields, models
from odoo.orm.models import NO_ACCESS

from ....core.backend.auth import Method, goes_elsewhere, receivers
from .sync_auth import AUTH_FIELDS


class SyncBackend(models.Model):
    """How Odoo authenticates itself to this app, and the token that it has."""

    _inherit = "sync.backend"

    auth_method = fields.Selection(tracking=True)
    auth_user = fields.Char(tracking=True)
    auth_header = fields.Char(tracking=True)
    token_url = fields.Char(tracking=True)
    client_id = fields.Char(tracking=True)
    client_auth = fields.Selection(tracking=True)
    token_scope = fields.Char(tracking=True)
    token_internal = fields.Boolean(
        "Internal Token Address Allowed",
        compute="_compute_token_internal",
        inverse="_inverse_token_internal",
        compute_sudo=True,
        help="Whether the token server may be inside of your own network. An "
        "administrator allows it for this host; another one must be allowed anew.",
    )
    token_internal_host = fields.Char(
        groups="base.group_system", copy=False, tracking=True
    )
    # One for all workers, with its end and what it was asked with.
    token_secret = fields.Char(groups=NO_ACCESS, copy=False)

    @api.depends("token_url", "token_internal_host", "internal_host")
    def _compute_token_internal(self):
        for backend in self:
            allowed = (backend.token_internal_host, backend.internal_host)
            found = backend._token_host()
            backend.token_internal = bool(found) and found in allowed

    def _inverse_token_internal(self):
        for backend in self:
            backend.token_internal_host = (
                backend.token_internal and backend._token_host()
            )

    def _would_move(self, vals):
        """Whether the secret, or a token, would go where it does not go now."""
        method, url, token_url = (
            vals.get(name, self[name]) or ""
            for name in ("auth_method", "url", "token_url")
        )
        return goes_elsewhere(self._receivers(), receivers(method, url, token_url))

    def _token_owner(self):
        """What a token is asked with and used for, as a text that does not reveal it:
        one that was asked with something else is no use, or would go elsewhere."""
        kept = self.sudo()
        asked = [kept[name] for name in (*AUTH_FIELDS, "url", "api_key_secret")]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def _own_secret_names(self):
        """Names by which the secret goes besides those that are always secret."""
        backend = self.sudo()
        own = backend.auth_method == Method.HEADER and backend.auth_header
        return ",".join(filter(None, (backend.secret_fields, own)))
