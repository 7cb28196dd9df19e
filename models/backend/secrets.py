"""Secrets of a backend: set, never read; kept encrypted where the server has a key."""

from contextlib import suppress

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.orm.models import NO_ACCESS

from ...core.exceptions import SecretSealedError
from ...core.secrets.redaction import redact
from ...core.secrets.sealing import is_sealed, seal, unseal
from ...core.secrets.secret_names import secret_name, with_names
from ..base.rights import MANAGER, check_may

MASK = "********"
SECRETS = ("api_key", "api_key_next", "webhook_secret", "webhook_secret_next")
# Kept like them, and got without a person.
GOT = ("token",)


def _secret_field(string, *, inverse, help_text):
    return fields.Char(
        string,
        compute="_compute_secrets",
        inverse=inverse,
        help=help_text,
    )


def _kept_field():
    return fields.Char(groups=NO_ACCESS, copy=False)


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    secret_fields = fields.Char(
        "Sensitive Fields",
        help="Names of fields of the pharmacy app, with commas between, whose values "
        "are masked in errors, payloads and logs, such as: iban, contact phone. "
        "Passwords, keys and tokens are masked in any case.",
    )

    api_key = _secret_field(
        "API Key",
        inverse="_inverse_api_key",
        help_text="Key, password or client secret that the pharmacy app gave to Odoo. "
        "It can be set, never read.",
    )
    api_key_secret = _kept_field()
    api_key_next = _secret_field(
        "Next API Key",
        inverse="_inverse_api_key_next",
        help_text="Set it before the pharmacy app ends the present one: it is tried as "
        "soon as the app refuses that, and takes its place if it is accepted.",
    )
    api_key_next_secret = _kept_field()
    webhook_secret = _secret_field(
        "Webhook Secret",
        inverse="_inverse_webhook_secret",
        help_text="Secret with which the pharmacy app signs its webhooks (whsec_...). "
        "It can be set, never read.",
    )
    webhook_secret_secret = _kept_field()
    webhook_secret_next = _secret_field(
        "Next Webhook Secret",
        inverse="_inverse_webhook_secret_next",
        help_text="Accepted beside the present one while the pharmacy app changes "
        "over. Press Use Next Secret once it has.",
    )
    webhook_secret_next_secret = _kept_field()

    @api.depends(*(f"{name}_secret" for name in SECRETS))
    def _compute_secrets(self):
        for backend in self:
            kept = backend.sudo()
            for name in SECRETS:
                backend[name] = MASK if kept[f"{name}_secret"] else False

    def _inverse_api_key(self):
        self._keep_secret("api_key")

    def _inverse_api_key_next(self):
        self._keep_secret("api_key_next")

    def _inverse_webhook_secret(self):
        self._keep_secret("webhook_secret")

    def _inverse_webhook_secret_next(self):
        self._keep_secret("webhook_secret_next")

    def _keep_secret(self, name):
        keys = self._encryption_keys()
        for backend in self.filtered(lambda b: b[name] != MASK):
            secret = backend[name]
            if secret and is_sealed(secret):
                raise ValidationError(
                    self.env._("This is an encrypted secret. Enter the secret itself.")
                )
            backend.sudo()[f"{name}_secret"] = secret and seal(secret, keys)

    def _secret(self, name):
        """A secret in clear text, for the moment of its use.

        :param name: one of :data:`SECRETS` or :data:`GOT`
        :return: the secret, or an empty text if there is none
        :raises SecretSealedError: it cannot be decrypted
        """
        self.ensure_one()
        kept = self.sudo()[f"{name}_secret"]
        return unseal(kept, self._encryption_keys()) if kept else ""

    def _readable_secrets(self, *names):
        """Those secrets that there are, and that can be decrypted."""
        found = []
        for name in names:
            with suppress(SecretSealedError):
                found.append(self._secret(name))
        return [secret for secret in found if secret]

    @api.model
    def _encryption_keys(self):
        return self.env["sync.config"]._value("encryption_keys") or ()

    @api.model
    def _seal_all(self):
        """Encrypt what is kept in clear text, or with an older key, with the first key
        of the server. What cannot be decrypted stays as it is."""
        keys = self._encryption_keys()
        for backend in self.sudo().search([("active", "in", (True, False))]):
            for name in (*SECRETS, *GOT) if keys else ():
                if secret := "".join(backend._readable_secrets(name)):
                    backend[f"{name}_secret"] = seal(secret, keys)

    def _redact(self, value):
        """A copy in which what is secret, or sensitive on this backend, is masked."""
        return redact(value, with_names(self._own_secret_names()))

    def _shown(self, path, text):
        """A text as people may see it, of a field that is named by a path."""
        names = with_names(self.sudo().secret_fields or "")
        return MASK if text and secret_name(str(path), names) else text

    def _keep_keys_here(self, vals):
        """Keys do not follow a backend to another host."""
        moved = self.sudo().filtered(lambda backend: backend._would_move(vals))
        if vals.get("api_key", MASK) == MASK:
            moved._check_key_stays()
        elif vals.get("api_key_next", MASK) == MASK:
            moved.filtered("api_key_next_secret").api_key_next_secret = False

    def _use_next_key(self):
        """The app accepts the next key, and the present one no longer."""
        backend = self.sudo()
        if backend.api_key_next_secret:
            backend.write(
                {
                    "api_key_secret": backend.api_key_next_secret,
                    "api_key_next_secret": False,
                }
            )

    def action_use_next_webhook_secret(self):
        """End the change-over: only the next webhook secret is accepted from now on."""
        check_may(self, MANAGER, self.env._("Only managers may change secrets."))
        for backend in self.sudo().filtered("webhook_secret_next_secret"):
            backend.write(
                {
                    "webhook_secret_secret": backend.webhook_secret_next_secret,
                    "webhook_secret_next_secret": False,
                }
            )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pharmacy_sync_encrypted = fields.Boolean(
        compute="_compute_pharmacy_sync_encrypted",
        help="Whether the keys of pharmacy apps are encrypted in the database.",
    )

    def _compute_pharmacy_sync_encrypted(self):
        keys = self.env["sync.backend"]._encryption_keys()
        for settings in self:
            settings.pharmacy_sync_encrypted = bool(keys)

    def action_pharmacy_sync_encrypt(self):
        """Encrypt the keys that are in clear text still, and those of an older key."""
        self.check_access("write")
        self.env["sync.backend"]._seal_all()
