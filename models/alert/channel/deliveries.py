from datetime import timedelta

from odoo import api, fields, models

from ....core import said
from ....core.alert.channels import SINGLE
from ....core.event.delivery import REPEAT
from ....entities.neutral import SOURCE_LANG

# What may still be on its way.
UNDER_WAY = ("waiting", "sending")


class SyncDelivery(models.Model):
    """Deliveries of alerts. An alert is notified once one of them has arrived."""

    _inherit = "sync.delivery"

    channel_id = fields.Many2one(
        "sync.alert.channel",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
    )
    channel_kind = fields.Selection(
        related="channel_id.kind", string="Kind of Channel", store=True
    )
    alert_ids = fields.Many2many("sync.alert", string="Alerts", readonly=True)

    def _receiver(self):
        return super()._receiver() or self.channel_id

    def _about(self):
        # One alert is called as it is called now, by each in their language.
        return self.alert_ids.title if len(self.alert_ids) == 1 else super()._about()

    def _responsible(self):
        """Whom it concerns, where the channel names nobody: people who look after
        these alerts, or after their backends."""
        if self.kind == "test":
            return self.create_uid
        found = self.env["res.users"]
        for alert in self.alert_ids:
            found |= alert.user_id or alert.backend_id.responsible_id
        return found

    def _is_behind(self):
        if super()._is_behind():
            return True
        return self.kind in ("acknowledged", "resolved") and bool(
            self._earlier(("state", "in", UNDER_WAY), limit=1)
        )

    def _problem(self, receiver):
        problem = super()._problem(receiver)
        if not problem and self._is_late():
            return said.OVER_BEFORE
        # The end goes only to those who heard of the beginning. PagerDuty may know
        # of it even if it did not say so.
        heard = self.kind != "resolved" or self.channel_kind in SINGLE
        if problem or heard or self._earlier(("state", "=", "arrived"), limit=1):
            return problem
        return said.RESOLVED_BEFORE

    def _is_late(self):
        """Whether what failed so far is about nothing that still is. PagerDuty and
        Linear may know of it even if they did not say so."""
        return (
            self.kind == "opened"
            and self.attempts > 0
            and self.channel_kind not in SINGLE
            and all(alert.state == "resolved" for alert in self.alert_ids)
        )

    def _known_reference(self):
        known = super()._known_reference()
        if known or self.channel_kind != "linear":
            return known
        same = [
            ("channel_id", "=", self.channel_id.id),
            ("alert_ids.fingerprint", "in", self.alert_ids.mapped("fingerprint")),
            ("reference", "!=", False),
        ]
        return self.search(same, order="id desc", limit=1).reference or ""

    def _earlier(self, *conditions, limit=None):
        """Earlier deliveries of these alerts to the same channel."""
        return self.search(
            [
                ("id", "<", self.id),
                ("channel_id", "=", self.channel_id.id),
                ("alert_ids", "in", self.alert_ids.ids),
                *conditions,
            ],
            limit=limit,
        )

    def _settled(self):  # pylint: disable=missing-return
        super()._settled()
        for delivery in self.filtered(lambda d: d.kind == "opened"):
            if delivery.state == "arrived":
                delivery.alert_ids._note_arrival()
            elif delivery.state == "failed":
                delivery.alert_ids._note_failure()

    @api.model
    def _enqueue_alerts(self, channel, alerts, kind):
        """Queue what notifies a channel of alerts: at once, or with others soon."""
        single = channel.kind in SINGLE
        for group in alerts if single else [alerts]:
            severity = group._worst()
            eta = channel._when(severity) if kind != "acknowledged" else False
            together = not single and self._collecting(channel, kind)
            if eta and together:
                together._add(group)
                continue
            self._enqueue(
                [
                    {
                        "channel_id": channel.id,
                        "alert_ids": [fields.Command.set(group.ids)],
                        "kind": kind,
                        "title": _source_title(group),
                        "backend_id": _only_backend(group),
                        "company_id": channel.company_id.id,
                        "correlation_id": group[0].correlation_id,
                        "eta": eta,
                    }
                ]
            )

    def _add(self, alerts):
        """Have these sent as well. The delivery is written in any case: a worker that
        just begins it notices."""
        together = self.alert_ids | alerts
        self.write(
            {
                "alert_ids": [fields.Command.set(together.ids)],
                "title": _source_title(together),
                "backend_id": _only_backend(together),
            }
        )

    @api.model
    def _collecting(self, channel, kind):
        """The delivery that waits for more alerts, to be sent together."""
        waiting = self.search(
            [
                ("channel_id", "=", channel.id),
                ("kind", "=", kind),
                ("state", "=", "waiting"),
                ("attempts", "=", 0),
                ("eta", ">", fields.Datetime.now()),
            ],
            limit=1,
        )
        return waiting.try_lock_for_update()

    @api.model
    def _show_in_app(self, channel, alerts, kind):
        """What is shown in Odoo itself has arrived once this transaction has."""
        now = fields.Datetime.now()
        self.create(
            [
                {
                    "channel_id": channel.id,
                    "alert_ids": [fields.Command.set(alerts.ids)],
                    "kind": kind,
                    "title": _source_title(alerts),
                    "backend_id": _only_backend(alerts),
                    "company_id": channel.company_id.id,
                    "correlation_id": alerts[0].correlation_id,
                    "state": "arrived",
                    "attempts": 1,
                    "done_at": now,
                }
            ]
        )

    @api.model
    def _repeat_failed(self):
        """Begin anew with what failed of critical alerts that nobody looks after."""
        long_ago = fields.Datetime.now() - timedelta(seconds=REPEAT)
        failed = self.search(
            [
                ("kind", "=", "opened"),
                ("state", "=", "failed"),
                ("done_at", "<=", long_ago),
                ("channel_id.active", "=", True),
                ("alert_ids.state", "=", "open"),
                ("alert_ids.severity", "=", "critical"),
            ]
        )
        failed.filtered(lambda d: d.alert_ids._is_urgent())._begin_anew()


def _only_backend(alerts):
    """The id of the backend that all of these are about; False: they are of several."""
    backends = alerts.backend_id
    return len(backends) == 1 and backends.id


def _source_title(alerts):
    """What a delivery is searched for by, in the words of the source."""
    if len(alerts) > 1:
        return said.say(said.SEVERAL_ALERTS, len(alerts))
    return alerts.with_context(lang=SOURCE_LANG).title
