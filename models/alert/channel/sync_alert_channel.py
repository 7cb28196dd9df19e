from datetime import timedelta

import pytz

from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from odoo.addons.base.models.res_partner import _tz_get

from ....core import said
from ....core.alert import channels as core
from ....core.alert.channel_requests import PAGERDUTY
from ....core.alert.channels import Kind
from ....core.alert.linear import LINEAR
from ....core.event.delivery import ALERT_POLICY
from ....core.exceptions import SecretSealedError
from ....core.taxonomy import Severity
from ....entities.sentence import in_language
from ...event.outgoing.sync_receiver import host_of, new_secret

KINDS = [
    ("in_app", "In Odoo"),
    ("email", "Email"),
    ("slack", "Slack"),
    ("webhook", "Webhook"),
    ("pagerduty", "PagerDuty"),
    ("sms", "SMS"),
    ("linear", "Linear"),
]
# Settings from outside of the database that a first channel of a kind takes.
ADDRESSES = {"slack": "slack_webhook", "webhook": "alert_webhook_url"}
KEYS = {"linear": "linear_api_key"}
DEFAULT_ADDRESSES = {"pagerduty": PAGERDUTY, "linear": LINEAR}
# Kinds that have an address, and those that have a key.
ADDRESSED = ("slack", "webhook", "pagerduty", "linear")
KEYED = ("pagerduty", "linear")
# What deliveries write; nothing that decides what a channel takes.
STATE = {"failures", "rests_until", "last_arrived_at"}


class SyncAlertChannel(models.Model):
    """A road by which a company is notified of alerts: which ones, when, and to whom.

    How each kind is carried: ``carrying.py``.
    """

    _name = "sync.alert.channel"
    _inherit = ["sync.receiver", "mail.thread"]
    _description = "Notification Channel"
    _order = "company_id, sequence, id"
    _check_company_auto = True

    sequence = fields.Integer(default=10)
    name = fields.Char(tracking=True)
    active = fields.Boolean(
        tracking=True, help="Switched off, nobody is notified by it."
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        ondelete="cascade",
        check_company=True,
        help="Empty: all pharmacies of the company.",
    )
    kind = fields.Selection(KINDS, required=True, default="slack", tracking=True)
    from_settings = fields.Boolean(
        "Takes Server Settings",
        tracking=True,
        help="Address and key come from the environment of the server, or from "
        "odoo.conf, where they are set there.",
    )
    low = fields.Boolean(tracking=True)
    medium = fields.Boolean(tracking=True)
    high = fields.Boolean(tracking=True)
    critical = fields.Boolean(tracking=True)
    rule_ids = fields.Many2many(
        "sync.alert.rule", string="Only Rules", help="Empty: all of them."
    )
    limited_hours = fields.Boolean(
        "Only at Hours",
        tracking=True,
        help="Alerts of other hours are sent when these begin; critical ones at "
        "any hour.",
    )
    hour_from = fields.Float("From", default=8)
    hour_to = fields.Float("Until", default=18)
    tz = fields.Selection(
        _tz_get,
        "Time Zone",
        required=True,
        default=lambda self: self.env.user.tz or "UTC",
    )
    digest = fields.Integer(
        "Collect For (seconds)",
        default=core.DIGEST,
        help="Alerts within this time are one message; critical ones at once and "
        "alone. 0: each alone. PagerDuty and Linear get each alone in any case.",
    )
    lang = fields.Selection(
        lambda self: self.env["res.lang"].get_installed(),
        "Language",
        required=True,
        default=lambda self: self.env["sync.backend"]._company_lang(self.env.company),
    )
    user_ids = fields.Many2many(
        "res.users",
        string="People",
        domain="[('share', '=', False)]",
        help="By email, or to the phone numbers that they have. Empty: the person "
        "responsible for the backend.",
    )
    emails = fields.Char("More Addresses", help="With commas between.")
    phones = fields.Char("More Numbers", help="With commas between.")
    team = fields.Char("Team Id", help="Of Linear: where issues are made.")
    missing = fields.Char(
        compute="_compute_missing", help="What keeps it from being used."
    )
    delivery_ids = fields.One2many("sync.delivery", "channel_id", "Deliveries")

    _hours = models.Constraint(
        "CHECK(hour_from >= 0 AND hour_from < 24 AND hour_to > 0 AND hour_to <= 24 "
        "AND digest >= 0 AND digest <= 3600)",
        "Hours are from 0 to 24; alerts are collected for an hour at most.",
    )

    @api.depends(
        *("kind", "address_secret", "secret_secret", "team", "from_settings"),
        "company_id.partner_id.email",
    )
    @api.depends_context("lang")
    def _compute_missing(self):
        for channel in self:
            channel.missing = in_language(self.env, channel._missing())

    @api.constrains("rule_ids")
    def _check_rules(self):
        for channel in self:
            companies = channel.sudo().rule_ids.company_id
            if companies - channel.company_id:
                raise ValidationError(
                    self.env._("A rule belongs to another company than the channel.")
                )

    @api.onchange("kind")
    def _onchange_kind(self):
        self.update(self._severities_of(self.kind))

    @api.model
    def _severities_of(self, kind):
        taken = core.SEVERITIES[Kind(kind)]
        return {str(severity): severity in taken for severity in Severity}

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        channels = super().create(
            [
                {**self._severities_of(vals.get("kind") or "slack"), **vals}
                for vals in vals_list
            ]
        )
        for channel in channels.filtered(lambda c: c.kind == "webhook").sudo():
            if not channel.secret_secret:
                channel._seal("secret", new_secret())
        return channels

    def write(self, vals):
        if not vals.keys() <= STATE:
            self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    @api.model
    def _make_first(self, companies):
        """One channel of each kind for companies that have none: what must be entered
        before one is used is said on its page."""
        # pylint: disable-next=no-search-all
        known = self.sudo().with_context(active_test=False).search([]).company_id
        names = dict(KINDS)
        self.sudo().create(
            [
                {
                    "kind": kind,
                    "name": names[kind],
                    "company_id": company.id,
                    "from_settings": kind in ADDRESSES or kind in KEYS,
                }
                for company in companies - known
                for kind in names
            ]
        )

    # -- What it takes ----------------------------------------------------------------

    @api.model
    @tools.ormcache()
    def _channels(self):
        """``{id: core.alert.channels.Channel}`` of those that are switched on."""
        found = self.sudo().search([("active", "=", True)])
        return {channel.id: channel._core() for channel in found}

    def _core(self):
        severities = [severity for severity in Severity if self[severity]]
        return core.Channel(
            kind=Kind(self.kind),
            company=self.company_id.id,
            severities=frozenset(severities),
            rules=frozenset(self.rule_ids.ids),
            backend=self.backend_id.id or None,
            hours=(self.hour_from, self.hour_to) if self.limited_hours else None,
            digest=self.digest,
        )

    @api.model
    def _taking(self, alert):
        """Channels that an alert goes to, and that can be used; not the one that it
        says nothing gets through to."""
        found = [
            key
            for key, channel in self._channels().items()
            if channel.takes(
                Severity(alert.severity),
                alert.rule_id.id,
                alert.backend_id.id or None,
                alert.company_id.id or None,
            )
        ]
        channels = self.sudo().browse(found)
        if alert.res_model == self._name:
            channels = channels.filtered(lambda c: c.id != alert.res_id)
        return channels.filtered(lambda c: not c._missing())

    def _when(self, severity):
        """When it sends an alert that is raised now."""
        now = fields.Datetime.now()
        local = pytz.utc.localize(now).astimezone(pytz.timezone(self.tz))
        wait = self._core().wait(severity, local)
        return now + timedelta(seconds=wait) if wait else False

    # -- As a receiver ----------------------------------------------------------------

    @api.model
    def _delivery_field(self):
        return "channel_id"

    def _signs(self):
        return self.kind == "webhook"

    def _set(self, names, kept):
        """What is used: the server's setting, for a channel that takes them, or what
        was entered."""
        if self.from_settings and self.kind in names:
            return self.env["sync.config"]._value(names[self.kind], kept or None) or ""
        return kept

    def _target(self):
        default = DEFAULT_ADDRESSES.get(self.kind, "")
        address = super()._target()
        trusted = not address or self.sudo().internal_host == host_of(address)
        if self.from_settings and self.kind in KEYS and not trusted:
            # The server's key goes where an administrator allows it to go.
            return default
        return self._set(ADDRESSES, address) or default

    def _sends_key(self):
        return self.kind in KEYED

    def _key(self):
        return self._set(KEYS, self._unsealed("secret"))

    def _readable_key(self):
        try:
            return self._key()
        except SecretSealedError:
            return ""

    def _team(self):
        return self._set({"linear": "linear_team_id"}, self.team or "")

    def _sender(self):
        """Who mails are from."""
        return (
            self.env["sync.config"]._value("smtp_from")
            or self.company_id.partner_id.email_formatted
            or self.company_id.email_formatted
            or self.env["ir.mail_server"].sudo()._get_default_from_address()
        )

    def _missing(self):
        if self.kind in ADDRESSED and not self._readable_target():
            return said.ENTER_ADDRESS
        if self.kind in KEYED and not self._readable_key():
            return said.ENTER_KEY
        if self.kind == "linear" and not self._team():
            return said.ENTER_TEAM
        if self.kind == "email" and not self._sender():
            return said.ENTER_SENDER
        if self.kind == "sms" and "sms.sms" not in self.env:
            return said.INSTALL_SMS
        return None

    def _policy(self):
        # What a mail server, the SMS service or Odoo's way there fails with may pass.
        return ALERT_POLICY, self.kind in ("email", "sms")


class SyncBackend(models.Model):
    _inherit = "sync.backend"

    responsible_id = fields.Many2one(
        "res.users",
        default=lambda self: self._person(),
        domain="[('share', '=', False)]",
        check_company=True,
        tracking=True,
        help="Is notified of what is wrong with this backend where nobody else looks "
        "after it.",
    )

    @api.model
    def _person(self):
        """The user, if it is a person who works here."""
        user = self.env.user
        return user if user.active and user._is_internal() else user.browse()

    def _create_parts(self):
        result = super()._create_parts()
        self.env["sync.alert.channel"]._make_first(self.company_id)
        return result
