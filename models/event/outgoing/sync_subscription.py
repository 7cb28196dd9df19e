import json
import time
from datetime import timezone

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ....client.receiver import deliver
from ....core import said
from ....core.alert.channel_requests import webhook
from ....core.event.delivery import GONE, WEBHOOK_POLICY, split_patterns, subscribed
from ....core.event.routing import Route
from .sync_receiver import new_secret

# What a test says.
TEST = "test"


class SyncSubscription(models.Model):
    """A program that receives events by webhook, such as the pharmacy app, so that it
    need not ask for changes. Signed and delivered after Standard Webhooks."""

    _name = "sync.subscription"
    _inherit = ["sync.receiver", "mail.thread"]
    _description = "Outgoing Webhook"
    _order = "backend_id, name, id"
    _check_company_auto = True

    name = fields.Char(tracking=True)
    active = fields.Boolean(tracking=True)
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", required=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    event_types = fields.Char(
        required=True,
        default="*",
        tracking=True,
        help="Types of events, with blanks between; * stands for anything: "
        "order_* conflict_opened.",
    )
    delivery_ids = fields.One2many("sync.delivery", "subscription_id", "Deliveries")

    @api.constrains("event_types")
    def _check_event_types(self):
        known = self.env["sync.event"]._event_types()
        for subscription in self:
            for pattern in split_patterns(subscription.event_types):
                if not any(subscribed(name, pattern) for name in known):
                    raise ValidationError(
                        self.env._("There is no type of event like %s.", pattern)
                    )

    @api.model_create_multi
    def create(self, vals_list):
        subscriptions = super().create(vals_list)
        for subscription in subscriptions:
            if not subscription.sudo().secret_secret:
                subscription._seal("secret", new_secret())
        return subscriptions

    @api.model
    def _delivery_field(self):
        return "subscription_id"

    def _missing(self):
        if not self._unsealed("address"):
            return said.NO_ADDRESS
        return None

    def _policy(self):
        return WEBHOOK_POLICY, True

    def _compose(self, delivery):
        event = delivery.event_id
        data = {
            "backend": self.backend_id.name,
            "correlation_id": delivery.correlation_id,
        }
        if not event:
            return {
                "type": TEST,
                "timestamp": _moment(fields.Datetime.now()),
                "data": data,
            }
        return {
            "type": event.type,
            "timestamp": _moment(event.create_date),
            "data": {**data, **self.backend_id._redact(event._notice_values())},
        }

    def _carry(self, message):
        body = json.dumps(message["payload"], separators=(",", ":")).encode()
        road = webhook(
            self._target(), self._signing(), message["id"], time.time(), body
        )
        key = (self.env.cr.dbname, f"subscription {self.id}")
        return deliver(road, key, self.internal)

    def _is_gone(self, why):
        self.sudo().write({"active": False, "stopped_because": why})
        waiting = self.delivery_ids.filtered(lambda d: d.state == "waiting")
        waiting._settle("cancelled", said.say(said.RECEIVER_GONE, GONE))

    def _notify_of(self, events):
        """Have these events delivered."""
        self.env["sync.delivery"]._enqueue(
            [
                {
                    "subscription_id": subscription.id,
                    "event_id": event.id,
                    "kind": "event",
                    "title": event.display_name,
                    "backend_id": event.backend_id.id,
                    "company_id": event.company_id.id,
                    "correlation_id": event.correlation_id,
                }
                for subscription in self
                for event in events
                if subscribed(event.type, subscription.event_types)
            ]
        )


class SyncDelivery(models.Model):
    _inherit = "sync.delivery"

    subscription_id = fields.Many2one(
        "sync.subscription",
        "Webhook",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
    )
    event_id = fields.Many2one(
        "sync.event", readonly=True, ondelete="set null", index="btree_not_null"
    )


class SyncEvent(models.Model):
    _inherit = "sync.event"

    @api.model
    def _event_routes(self):
        route = Route("webhooks", "_handle_webhooks", priority=60)
        return (*super()._event_routes(), route)

    def _handle_webhooks(self):
        """Have those notified who have subscribed."""
        for backend, events in self.grouped("backend_id").items():
            own = [("backend_id", "=", backend.id), ("active", "=", True)]
            self.env["sync.subscription"].search(own)._notify_of(events)

    def _notice_values(self):
        """What a subscriber learns of an event: whose record it is on both sides, and
        which fields were changed; it reads the rest by ``changes``."""
        self.ensure_one()
        external_id, entity = self._linked()
        return {
            "entity": entity,
            "id": external_id,
            "odoo_id": self.res_id,
            "fields": (self.data or {}).get("fields") or [],
            "cause": (self.data or {}).get("cause") or None,
        }

    def _linked(self):
        """``(the pharmacy's id, entity)`` of the record, as far as there are any."""
        mapping = self.env["sync.mapping"].search(
            [
                ("backend_id", "=", self.backend_id.id),
                ("res_model", "=", self.res_model),
                ("res_id", "=", self.res_id),
            ],
            limit=1,
        )
        names = self._event_entities().items()
        entity = next((n for n, e in names if e.model == self.res_model), None)
        return mapping.external_id or None, mapping.stream_id.entity or entity


def _moment(at):
    moment = at.replace(tzinfo=timezone.utc).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")
