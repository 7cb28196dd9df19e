from odoo import fields, models

from ....core.alert.notice import Action, Notice
from ....core.alert.rules import RANKS
from ....core.taxonomy import Severity

# Alerts that a notice of several names.
NAMED = 20


class SyncDelivery(models.Model):
    _inherit = "sync.delivery"

    def _notice(self):
        """What it says, as :class:`....core.alert.notice.Notice`, in the language of
        the environment."""
        self.ensure_one()
        if self.kind == "test":
            return self._test_notice()
        alerts = self.alert_ids._that_speak()
        alerts = alerts.with_context(lang=self.env.context.get("lang"))
        notices = [alert._as_notice(Action(self.kind)) for alert in alerts[:NAMED]]
        if len(alerts) == 1:
            return notices[0]
        return Notice(
            action=Action(self.kind),
            level=alerts._worst(),
            title=alerts._together(self.kind),
            at=min(alerts.mapped("since")),
            fingerprint=f"delivery:{self.id}",
            facts={self.env._("Backends"): ", ".join(alerts.backend_id.mapped("name"))},
            correlation_id=self.correlation_id or "",
            link=alerts._list_link(),
            source=", ".join(alerts.backend_id.mapped("name")),
            parts=tuple(notices),
        )

    def _test_notice(self):
        return Notice(
            action=Action.TEST,
            level=Severity.LOW,
            title=self.env._("Test of the channel %s", self.channel_id.name),
            at=fields.Datetime.now(),
            fingerprint=f"test:{self.message_id}",
            lines=(self.env._("Pharmacy Sync reaches you. Nothing is wrong."),),
            correlation_id=self.message_id,
            source=self.company_id.name or "",
        )


class SyncAlert(models.Model):
    """Alerts as receivers outside get them: what people need to know, never a stack
    trace or a payload."""

    _inherit = "sync.alert"

    def _that_speak(self):
        """Those of these that are sent together, without what follows from an app that
        is down, and without its other breakers."""
        breakers = self.filtered(lambda alert: alert.condition == "breaker_opened")
        # Services that other addons call have nothing to do with each other.
        down = {
            alert.backend_id: alert
            for alert in breakers.sorted("id", True)
            if alert.backend_id
        }
        return self.filtered(
            lambda alert: (
                alert.backend_id not in down
                or alert == down[alert.backend_id]
                or not (alert._kind.inhibited or alert in breakers)
            )
        )

    def _as_notice(self, action):
        self.ensure_one()
        error = self._latest_error()
        known = {
            "type": error.type or (self.data or {}).get("type") or "",
            "category": error.category or "",
            "code": error.code or "",
            "message": error.message or "",
        }
        over = action is Action.RESOLVED
        lines = [self.resolution] if over else [self.detail, self.advice]
        if self.child_ids and not over:
            lines.append(self.env._("With it: %s.", self.child_ids._named()))
        if action is Action.ACKNOWLEDGED:
            name = self.acknowledged_by_id.name
            lines = [self.env._("%s looks after it.", name)]
        return Notice(
            action=action,
            level=Severity(self.severity),
            title=self.title,
            at=self.since,
            fingerprint=self.fingerprint,
            lines=tuple(filter(None, lines)),
            facts=self._facts(error),
            error={name: value for name, value in known.items() if value},
            correlation_id=self.correlation_id or "",
            link=self._link(),
            source=self.backend_id.name or "",
        )

    def _facts(self, error):
        """``{label: value}`` of what is known, in the reader's words."""
        categories = dict(error._fields["category"]._description_selection(self.env))
        degrees = dict(self._fields["severity"]._description_selection(self.env))
        facts = {
            self.env._("Level"): degrees[self.severity],
            self.env._("Pharmacy"): self.backend_id.name,
            self.env._("Since"): f"{self.since:%Y-%m-%d %H:%M:%S} UTC",
            self.env._("Times"): str(self.count) if self.count > 1 else "",
            self.env._("Category"): categories.get(error.category),
            self.env._("Code"): error.code,
            self.env._("Operation"): error.work_name,
            self.env._("Correlation id"): self.correlation_id,
        }
        return {name: value for name, value in facts.items() if value}

    def _latest_error(self):
        """The latest error that the alert is about, if it is about any."""
        Error = self.env["sync.error"].sudo()
        if not self.correlation_id:
            return Error
        same = [
            ("correlation_id", "=", self.correlation_id),
            ("backend_id", "=", self.backend_id.id),
        ]
        return Error.search(same, order="id desc", limit=1)

    def _link(self):
        action = "pharmacy_sync.action_sync_alert"
        return f"{self.get_base_url()}/odoo/action-{action}/{self.id}"

    def _list_link(self):
        base = self[:1].get_base_url()
        return f"{base}/odoo/action-pharmacy_sync.action_sync_alert"

    def _together(self, kind):
        """What several are called together."""
        if kind == "resolved":
            return self.env._("%s alerts are over", len(self))
        rules = self.rule_id
        if len(rules) == 1:
            return self.env._("%(rule)s: %(n)s alerts", rule=rules.name, n=len(self))
        worst = max(self, key=lambda alert: RANKS[Severity(alert.severity)])
        return self.env._("%(what)s, and %(n)s more", what=worst.title, n=len(self) - 1)
