from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...core.backend.address import fault, host


class SyncBackend(models.Model):
    """Where the app is, and that its key goes there only."""

    _inherit = "sync.backend"

    internal = fields.Boolean(
        "Internal Address Allowed",
        compute="_compute_internal",
        inverse="_inverse_internal",
        compute_sudo=True,
        help="Whether the app may be inside of your own network. An administrator "
        "allows it for this host; another one must be allowed anew.",
    )
    # Whoever allows an address may have Odoo call whatever listens there.
    internal_host = fields.Char(groups="base.group_system", copy=False, tracking=True)

    @api.depends("url", "internal_host")
    def _compute_internal(self):
        for backend in self:
            backend.internal = bool(backend.internal_host) and (
                backend.internal_host == host((backend.url or "").strip())
            )

    def _inverse_internal(self):
        for backend in self:
            backend.internal_host = backend.internal and host(backend.url.strip())

    @api.constrains("url")
    def _check_url(self):
        for backend in self:
            if problem := self._address_problem(backend.url):
                raise ValidationError(
                    self.env._(
                        "%(backend)s: %(problem)s",
                        backend=backend.name,
                        problem=problem,
                    )
                )

    @api.model
    def _address_problem(self, url):
        """What is wrong with the address of an app, in words; None: nothing is."""
        texts = {
            "scheme": self.env._(
                "Write the address with http:// or https:// and the name of the host, "
                "such as https://pharmacy.example.com."
            ),
            "host": self.env._("The address names no host, or none that can exist."),
            "port": self.env._("The port in the address is not a number up to 65535."),
            "user": self.env._(
                "Write the address without a user name, a password and @: the app gets "
                "the API key, and nothing else."
            ),
            "query": self.env._("Write the address without ? and #."),
        }
        return texts.get(fault((url or "").strip()))

    def _check_key_stays(self):
        """A key goes to the host that it was entered for, and to no other.

        :raises ValidationError: one is kept, and another host would get it
        """
        for backend in self.sudo().filtered("api_key_secret"):
            raise ValidationError(
                self.env._(
                    "%(backend)s has a key for %(url)s, which goes nowhere else. Enter "
                    "the key (password, client secret) together with the new address "
                    "or the new way of authentication.",
                    backend=backend.name,
                    url=backend.url,
                )
            )
