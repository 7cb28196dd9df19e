from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

LONGEST = timedelta(days=90)


class SyncAlertSilence(models.Model):
    """Until a time nobody is notified of some alerts, for a reason. They stay on the
    list, and are notified then if they are still open."""

    _name = "sync.alert.silence"
    _description = "Mute"
    _inherit = ["sync.bounded"]
    _order = "until desc, id desc"
    _rec_name = "reason"

    reason = fields.Char(required=True)
    since = fields.Datetime(
        "From", required=True, default=lambda self: fields.Datetime.now()
    )
    until = fields.Datetime(
        required=True,
        default=lambda self: fields.Datetime.now() + timedelta(hours=1),
    )
    alert_id = fields.Many2one("sync.alert", ondelete="cascade", index="btree_not_null")
    group_id = fields.Many2one(
        "sync.error.group", "Error", ondelete="cascade", index="btree_not_null"
    )
    backend_id = fields.Many2one(
        "sync.backend", "Pharmacy", ondelete="cascade", index="btree_not_null"
    )
    rule_id = fields.Many2one(
        "sync.alert.rule", ondelete="cascade", index="btree_not_null"
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    active_now = fields.Boolean("Muted Now", compute="_compute_active_now")

    _ends = models.Constraint('CHECK("until" > since)', "It ends after it has begun.")

    @api.depends("since", "until")
    def _compute_active_now(self):
        now = fields.Datetime.now()
        for silence in self:
            silence.active_now = silence.since <= now < silence.until

    @api.constrains("alert_id", "group_id", "backend_id", "rule_id", "until")
    def _check_what(self):
        for silence in self:
            if not silence._about():
                raise ValidationError(
                    self.env._(
                        "Say what is muted: an alert, an error, a pharmacy or a rule."
                    )
                )
            if silence.until - silence.since > LONGEST:
                raise ValidationError(self.env._("It is muted for 90 days at most."))

    def _about(self):
        return self.alert_id or self.group_id or self.backend_id or self.rule_id

    def action_end(self):
        """End it now.

        :raises AccessError: the user may not write it
        """
        self.check_access("write")
        now = fields.Datetime.now()
        for silence in self.filtered("active_now"):
            # One that has begun this second ends as well.
            since = min(silence.since, now - timedelta(seconds=1))
            silence.write({"since": since, "until": now})
        return True

    @api.model
    def _silenced(self, alerts):
        """Those of these alerts that are silent now, by a silence of their company or
        by planned maintenance of their backend."""
        now = fields.Datetime.now()
        silences = self.sudo().search([("since", "<=", now), ("until", ">", now)])
        maintained = self.env["sync.maintenance"]._maintained(alerts.backend_id)
        return alerts.filtered(
            lambda alert: (
                alert.backend_id in maintained
                or any(silence._covers(alert) for silence in silences)
            )
        )

    def _covers(self, alert):
        """Whether all that it names is the alert's."""
        group = alert.res_model == "sync.error.group" and alert.res_id
        return (
            alert.company_id in (self.company_id, self.env["res.company"])
            and self.alert_id in (alert, self.env["sync.alert"])
            and (not self.group_id or self.group_id.id == group)
            and self.backend_id in (alert.backend_id, self.env["sync.backend"])
            and self.rule_id in (alert.rule_id, self.env["sync.alert.rule"])
        )


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _expired(self):
        row = ("sync_alert_silence", "errors", '"until" < %s')
        return (*super()._expired(), row)
