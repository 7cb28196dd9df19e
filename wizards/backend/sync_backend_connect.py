import base64
import hashlib
import socket
import uuid
from functools import partial

from cryptography.fernet import Fernet

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.http import request
from odoo.orm.models import NO_ACCESS

from ...client import FAILURES
from ...client.abilities import read_any
from ...client.pharmacy import NOT_FOUND
from ...client.session import reach
from ...core.backend.address import host, origin
from ...core.backend.auth import Method
from ...core.event.signature import sign
from ...core.exceptions import (
    ConfigurationError,
    HttpError,
    InternalAddressError,
    MaxRetriesExceededError,
    SecretSealedError,
)
from ...core.secrets.sealing import seal, unseal
from ...models.backend.auth.sync_auth import AUTH_FIELDS
from ...models.backend.secrets import MASK
from ...models.base.actions import open_record

# Seconds: a person waits for it.
TIMEOUT = 5.0
READ_TIMEOUT = 10.0
KEPT = ("name", "url", "api_path", "company_id", "lang", "user_id", *AUTH_FIELDS)
SECRETS = ("api_key", "webhook_secret")
INTERNAL = ("internal", "token_internal")
_PROCESS_KEY = Fernet.generate_key().decode()


def _own_keys():
    """What seals the secrets of a dialog: a key that only this person's session knows,
    and that is kept nowhere in the database."""
    if not request or not request.session.sid:
        return (_PROCESS_KEY,)
    digest = hashlib.sha256(b"pharmacy_sync connect " + request.session.sid.encode())
    return (base64.urlsafe_b64encode(digest.digest()).decode(),)


class SyncBackendConnect(models.TransientModel):
    """Connects a pharmacy app: its address and key are tried step by step, and what
    is wrong is shown with what to do about it, before anything is kept."""

    _name = "sync.backend.connect"
    _inherit = ["sync.bounded", "sync.auth"]
    _description = "Connect a Pharmacy App"

    backend_id = fields.Many2one("sync.backend", "Pharmacy", readonly=True)
    name = fields.Char(required=True, help="What you call this pharmacy in Odoo.")
    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        help="The company whose orders, suppliers and products are synchronised.",
    )
    lang = fields.Selection(
        lambda self: self.env["sync.backend"]._select_lang(),
        "Language of Names",
        compute="_compute_lang",
        precompute=True,
        store=True,
        readonly=False,
        required=True,
        help="What Odoo has in several languages, such as the name of a product, "
        "travels in this one. It can hardly be changed once records are linked.",
    )
    url = fields.Char(
        "Address",
        required=True,
        help="Address of the pharmacy app, such as https://pharmacy.example.com.",
    )
    internal = fields.Boolean(
        "Internal Address Allowed",
        groups="base.group_system",
        help="Whether the app may be inside of your own network, at this host.",
    )
    api_key = fields.Char(
        "API Key",
        compute="_compute_secrets",
        inverse="_inverse_api_key",
        help="Key that the pharmacy app gave to Odoo.",
    )
    api_key_secret = fields.Char(groups=NO_ACCESS)
    webhook_secret = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_webhook_secret",
        help="Secret with which the pharmacy app signs its webhooks (whsec_...). "
        "Without one, changes of the pharmacy are read once a minute.",
    )
    webhook_secret_secret = fields.Char(groups=NO_ACCESS)
    user_id = fields.Many2one(
        "res.users",
        "API User",
        help="User whose API key the pharmacy app calls Odoo with, if it does.",
    )
    step_ids = fields.One2many("sync.backend.connect.step", "connect_id", "Steps")
    passed = fields.Boolean(compute="_compute_passed")

    @api.depends("company_id")
    def _compute_lang(self):
        for wizard in self:
            wizard.lang = wizard.backend_id.lang or wizard.backend_id._company_lang(
                wizard.company_id
            )

    @api.depends("api_key_secret", "webhook_secret_secret", "backend_id", "url")
    def _compute_secrets(self):
        for wizard in self:
            for name in SECRETS:
                wizard[name] = MASK if wizard._secret(name) else False

    def _inverse_api_key(self):
        self._keep_secret("api_key")

    def _inverse_webhook_secret(self):
        self._keep_secret("webhook_secret")

    def _keep_secret(self, name):
        for wizard in self.filtered(lambda w: w[name] != MASK):
            wizard.sudo()[f"{name}_secret"] = wizard[name] and seal(
                wizard[name], _own_keys()
            )

    def _secret(self, name):
        """The secret given here, or else the backend's own, for its own host."""
        wizard = self.sudo()
        try:
            if given := wizard[f"{name}_secret"]:
                return unseal(given, _own_keys())
            if wizard.backend_id and not self._is_elsewhere():
                return wizard.backend_id._secret(name)
        except SecretSealedError:
            # Sealed by another session, or with a key that is gone: it is entered anew.
            return ""
        return ""

    def _url(self):
        return (self.url or "").strip()

    def _may_be_internal(self):
        """Whether an administrator allowed it, here or for the backend's own host."""
        wizard = self.sudo()
        own = wizard.backend_id.internal_host
        return wizard.internal or bool(own and own == host(self._url()))

    @api.depends("step_ids.state")
    def _compute_passed(self):
        for wizard in self:
            states = wizard.step_ids.mapped("state")
            wizard.passed = bool(states) and {"failed", "skipped"}.isdisjoint(states)

    @api.model
    def default_get(self, fields):
        values = super().default_get(fields)
        backend = self.backend_id.browse(values.get("backend_id"))
        for name in {*KEPT, *INTERNAL} & {*fields} if backend else ():
            values[name] = self._plain(backend, name)
        return values

    def write(self, vals):
        # What was tested is no longer what would be kept.
        if {"url", "api_path", *AUTH_FIELDS, *INTERNAL, *SECRETS} & vals.keys():
            self.sudo().step_ids.unlink()
        return super().write(vals)

    def action_test(self):
        """Try the connection step by step, up to the first that fails."""
        self.ensure_one()
        self.check_access("write")
        self.sudo().step_ids.unlink()
        client = self._client()
        rows, failed = [], False
        for name, function in self._steps(client):
            values = {"connect_id": self.id, "name": name, "state": "skipped"}
            if not failed:
                state, message = function()
                failed = state == "failed"
                values.update(state=state, message=message)
            rows.append(values)
        self.env["sync.backend.connect.step"].sudo().create(rows)
        if self.passed and self._is_as_kept():
            self.backend_id._find_abilities(client)
            self.backend_id._accepted()
        return self._reopen()

    def action_connect(self):
        """Keep the backend. If it is new, open the preview: its *Start* is the first
        that writes anything.

        :raises UserError: the connection was not tested, or the test failed
        """
        self.ensure_one()
        self.check_access("write")
        if not self.passed:
            raise UserError(
                self.env._(
                    "Test the connection first: nothing is kept before it works."
                )
            )
        values = {name: self._plain(self, name) for name in KEPT}
        values.update(
            {name: self._secret(name) for name in SECRETS if self._secret(name)}
        )
        values.update({name: True for name in INTERNAL if self.sudo()[name]})
        backend = self.backend_id or self.backend_id.create(values)
        self.backend_id.write(values)
        backend._find_abilities(self._client())
        self.sudo().write({f"{name}_secret": False for name in SECRETS})
        if not self.backend_id:
            return open_record(self.env["sync.initial"]._begin(backend))
        backend._schedule_push()
        backend._schedule_pull()
        return self.env["ir.actions.actions"]._for_xml_id(
            "pharmacy_sync.action_sync_overview"
        )

    @api.model
    def _plain(self, record, name):
        return record._fields[name].convert_to_write(record[name], record)

    def _reopen(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "pharmacy_sync.action_sync_backend_connect"
        )
        return {**action, "res_id": self.id}

    # -- Steps: each returns its state, and in words what was seen and what to do ------

    def _steps(self, client):
        token = [("token", self._get_token)]
        return (
            ("reach", self._reach),
            *(token if self.auth_method == Method.OAUTH2 else ()),
            ("answer", partial(self._answer, client)),
            ("key", partial(self._accept_key, client)),
            ("read", partial(self._read_entities, client)),
            ("webhook", self._check_webhook),
        )

    def _reach(self):
        if problem := self.env["sync.backend"]._address_problem(self.url):
            return "failed", problem
        __, name, port = origin(self._url())
        try:
            reach(name, port, self._may_be_internal(), TIMEOUT)
        except InternalAddressError:
            # Whatever is there or not: a scanner learns nothing.
            return "failed", self._is_inside(name)
        except (socket.gaierror, UnicodeError):
            return "failed", self.env._(
                "There is no host %s. Look for a typing error; if it is right, ask "
                "who runs Odoo's server whether it can resolve that name.",
                name,
            )
        except TimeoutError:
            return "failed", self.env._(
                "%(host)s did not answer on port %(port)s within %(seconds)d seconds. "
                "A firewall may be in between: ask that Odoo's server be let through.",
                host=name,
                port=port,
                seconds=TIMEOUT,
            )
        except OSError:
            return "failed", self.env._(
                "%(host)s is there, but nothing listens on port %(port)s. Start the "
                "pharmacy app, or correct the port.",
                host=name,
                port=port,
            )
        return "passed", self.env._(
            "%(host)s answers on port %(port)s.", host=name, port=port
        )

    def _is_inside(self, name):
        return self.env._(
            "%s is an address inside of your network. If the pharmacy app is there, "
            "ask an administrator to allow it, here or on the backend.",
            name,
        )

    def _answer(self, client):
        try:
            client.health(uuid.uuid4().hex)
        except MaxRetriesExceededError:
            # What answers there speaks no JSON.
            return "failed", self._no_app()
        except HttpError as exc:
            own = any(names.own for names in self._called().get("names", {}).values())
            if exc.status == NOT_FOUND and own:
                return "passed", self.env._("An app answers there.")
            if 400 <= exc.status < 500 and exc.status != 429:
                return "failed", self._no_app()
            return "failed", self._explanation(exc)
        except FAILURES as exc:
            return "failed", self._explanation(exc)
        return "passed", self.env._("A pharmacy app answers there.")

    def _no_app(self):
        return self.env._(
            "Something answers there, but not as a pharmacy app does. Give the address "
            "alone, with https if the app asks for it, and where its API begins in the "
            "field below it."
        )

    def _read_entities(self, client):
        read = []
        for entity in self._entities():
            title = self.env._(entity._entity_title)
            try:
                self._read_entity(client, entity)
            except HttpError as exc:
                if exc.status == 403:
                    return "failed", self.env._(
                        "The key may not read %s. Give it that right in the pharmacy "
                        "app.",
                        title,
                    )
                return "failed", f"{title}: {self._explanation(exc)}"
            except FAILURES as exc:
                return "failed", f"{title}: {self._explanation(exc)}"
            read.append(title)
        return "passed", self.env._("It can read: %s.", ", ".join(read))

    def _check_webhook(self):
        secret = self._secret("webhook_secret")
        if not secret:
            return "advice", self.env._(
                "No secret is given: changes of the pharmacy are read once a minute. "
                "To have them within a second, make a webhook in the pharmacy app and "
                "paste its secret here, or later on the backend, which shows the "
                "webhook's address."
            )
        try:
            sign(secret, "test", 0, b"")
        except ConfigurationError as exc:
            return "failed", self.env._(
                "This is no webhook secret: %s. Copy it again, whole.",
                str(exc).rstrip("."),
            )
        return "passed", self.env._(
            "The secret is well formed. The backend shows the address that the "
            "pharmacy app is to send its webhooks to."
        )

    def _entities(self):
        entities = self.env["sync.entity"]._entities()
        if self.backend_id:
            chosen = self.backend_id.sudo().stream_ids.mapped("entity")
            entities = {name: entities[name] for name in chosen}
        return sorted(entities.values(), key=lambda entity: entity._entity_rank)

    def _read_entity(self, client, entity):
        correlation_id = uuid.uuid4().hex
        read_any(client, entity._entity_collection, correlation_id)

    def _explanation(self, exception):
        Error = self.env["sync.error"]
        return Error._explain(Error._classify(exception, self.backend_id))
