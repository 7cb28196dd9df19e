import json
import time

from markupsafe import Markup

from odoo import models
from odoo.tools import email_normalize

from ....client.receiver import deliver
from ....core import said
from ....core.alert import channel_requests
from ....core.alert.linear import linear, linear_issue
from ....core.alert.notice import Receipt
from ....core.exceptions import ConfigurationError
from ...base.own_transaction import apart


class SyncAlertChannel(models.Model):
    """What each kind of channel sends, and how. What is sent is made once; keys and
    addresses are read at each attempt, and are not kept with it."""

    _inherit = "sync.alert.channel"

    def _compose(self, delivery):
        notice = delivery.with_context(lang=self.lang)._notice()
        render = {
            "slack": channel_requests.slack_message,
            "webhook": channel_requests.webhook_body,
            "pagerduty": channel_requests.pagerduty_event,
            "linear": linear_issue,
            "in_app": lambda notice: {"subject": notice.subject},
        }.get(self.kind)
        if render:
            return render(notice)
        people = self.user_ids or delivery._responsible()
        if self.kind == "sms":
            text = channel_requests.text_message(notice)
            return {"to": self._numbers(people), "text": text}
        to = [*people.mapped("email"), *_split(self.emails)]
        to = [address for address in map(email_normalize, filter(None, to)) if address]
        return {"to": to, "subject": notice.subject, "text": notice.text}

    def _numbers(self, people):
        """Phone numbers with their country, as Odoo's SMS service takes them."""
        known = [(partner, partner.phone) for partner in people.partner_id]
        company = self.company_id.partner_id
        known += [(company, number) for number in _split(self.phones)]
        return [
            owner._phone_format(
                number=number, country=owner.country_id or self.company_id.country_id
            )
            or number
            for owner, number in known
            if number
        ]

    def _carry(self, message):
        payload, test = message["payload"], message["kind"] == "test"
        target = self._target()
        if self.kind == "slack":
            road = channel_requests.slack(target, payload)
        elif self.kind == "webhook":
            body = json.dumps(payload, separators=(",", ":")).encode()
            secrets = self._signing()
            road = channel_requests.webhook(
                target, secrets, message["id"], time.time(), body
            )
        elif self.kind == "pagerduty":
            road = channel_requests.pagerduty(target, self._key(), payload, test)
        elif self.kind == "linear":
            issue = message["reference"]
            road = linear(target, self._key(), self._team(), payload, issue)
        elif self.kind == "email":
            return self._mail(payload)
        elif self.kind == "sms":
            return apart(self._text, payload)
        else:
            # What is shown in Odoo is shown where it is decided; this is a test.
            return Receipt(said=said.LOOKING_AT_IT)
        return deliver(road, (self.env.cr.dbname, f"channel {self.id}"), self.internal)

    def _mail(self, payload):
        """By the mail server of the settings, or else by Odoo's own."""
        to = _recipients(payload, said.NO_EMAIL)
        value = self.env["sync.config"]._value
        host = value("smtp_host")
        server = {}
        if host:
            server = {
                "smtp_server": host,
                "smtp_port": value("smtp_port"),
                "smtp_user": value("smtp_user"),
                "smtp_password": value("smtp_password"),
                "smtp_encryption": value("smtp_encryption") or "none",
            }
        mail = self.env["ir.mail_server"].sudo()
        built = mail._build_email__(
            self._sender(),
            to,
            payload["subject"],
            _html(payload["text"]),
            subtype="html",
            body_alternative=payload["text"],
            headers={"Auto-Submitted": "auto-generated"},
        )
        sent = mail.send_email(built, **server)
        return Receipt(said=said.say(said.TOOK_MAIL, sent))

    def _text(self, payload):
        """By Odoo's own SMS, in one transaction: what failed leaves nothing for Odoo's
        own queue to send a second time."""
        to = _recipients(payload, said.NO_PHONE)
        messages = self.env["sms.sms"].create(
            [{"number": number, "body": payload["text"]} for number in to]
        )
        messages.send(unlink_sent=False, raise_exception=True)
        return channel_requests.text_messages_taken(
            [(sms.number, self._why_not(sms)) for sms in messages]
        )

    def _why_not(self, sms):
        """What Odoo's SMS service refused it for, in words; None: it took it."""
        reasons = dict(sms._fields["failure_type"]._description_selection(self.env))
        return reasons.get(sms.failure_type, sms.failure_type) or None


def _recipients(payload, nobody):
    """Who gets it.

    :param nobody: what to say if it has no recipient
    :raises ConfigurationError: it has none
    """
    if not payload["to"]:
        raise ConfigurationError(nobody)
    return payload["to"]


def _split(text):
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _html(text):
    lines = Markup("<br/>").join(text.splitlines())
    return Markup("<p>%s</p>") % lines
