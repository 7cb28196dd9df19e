from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ...core.alert.rules import KINDS, Condition
from ...core.taxonomy import Severity
from ...entities.sentence import Sentence
from ..base.actions import open_record, open_records
from ..base.rights import OPERATOR, check_may
from ..base.sync_retention import BATCH
from ..error.sync_error import selection

# What people write; the rest is the alert's own.
WRITABLE = frozenset({"user_id", "resolution"})


class SyncAlert(models.Model):
    """One thing that is wrong, from when it was noticed until it is in order again.

    While it is open more of the same is counted here. ``watch.py`` raises, counts and
    resolves it, from what ``sources.py`` sees; ``notify.py`` sends the notifications.
    Here is what people see and do.
    """

    _name = "sync.alert"
    _description = "Alert"
    _inherit = ["sync.bounded", "mail.thread", "mail.activity.mixin"]
    _order = "opened_at desc, id desc"
    _rec_name = "title"
    _rec_names_search = ["subject"]

    fingerprint = fields.Char(
        required=True, readonly=True, help="Of the rule, the backend and the subject."
    )
    rule_id = fields.Many2one(
        "sync.alert.rule", readonly=True, ondelete="set null", index="btree_not_null"
    )
    condition = fields.Selection(
        lambda self: self.env["sync.alert.rule"]._fields["condition"].selection,
        required=True,
        readonly=True,
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
    )
    company_id = fields.Many2one("res.company", readonly=True)
    severity = fields.Selection(selection(Severity), required=True, readonly=True)
    state = fields.Selection(
        [
            ("open", "Open"),
            ("acknowledged", "Acknowledged"),
            ("resolved", "Resolved"),
        ],
        required=True,
        default="open",
        readonly=True,
        tracking=True,
        group_expand=True,
        help="Acknowledged: somebody looks after it. It is resolved by itself when "
        "what caused it is gone.",
    )
    title = fields.Char("What Happened", compute="_compute_title")
    detail = fields.Char(
        compute="_compute_title", help="What the latest of its errors said."
    )
    advice = fields.Char("What to Do", compute="_compute_advice")
    subject = fields.Char("About", readonly=True)
    data = fields.Json(readonly=True, help="The figure and the cause.")
    res_model = fields.Char("Model", readonly=True)
    res_id = fields.Many2oneReference("Record", model_field="res_model", readonly=True)
    correlation_id = fields.Char(
        readonly=True, index="btree_not_null", help="Of its latest occurrence."
    )
    count = fields.Integer(
        "Times", readonly=True, help="How often it happened while it was open."
    )
    mark = fields.Integer(readonly=True, help="Id of the latest row that was counted.")
    since = fields.Datetime(
        compute="_compute_since",
        store=True,
        help="When it began, as far as the records say; never after it was last seen.",
    )
    opened_at = fields.Datetime(
        "Noticed", required=True, readonly=True, help="Odoo looks once a minute."
    )
    last_at = fields.Datetime("Last Seen", readonly=True, help="When it happened last.")
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        tracking=True,
        index="btree_not_null",
        domain="[('share', '=', False)]",
    )
    acknowledged_at = fields.Datetime(readonly=True)
    acknowledged_by_id = fields.Many2one("res.users", readonly=True)
    resolved_at = fields.Datetime(readonly=True)
    resolved_by_id = fields.Many2one(
        "res.users", readonly=True, help="Empty: it was resolved by itself."
    )
    resolution = Sentence(
        tracking=True, help="What was done about it, or why it is over."
    )

    sent_at = fields.Datetime(
        "Sent", readonly=True, help="When it was last given to the channels."
    )
    sent_severity = fields.Selection(selection(Severity), readonly=True)
    sent_times = fields.Integer(readonly=True)
    notified_at = fields.Datetime(
        "Notified", readonly=True, help="When it last arrived by one of the channels."
    )
    notified_severity = fields.Selection(selection(Severity), readonly=True)
    notified_times = fields.Integer(readonly=True)
    in_summary = fields.Boolean("Notified in a Summary", readonly=True)
    held = fields.Selection(
        [
            ("silenced", "Muted"),
            ("inhibited", "The pharmacy does not answer, and that was notified"),
            ("correlated", "Notified as part of another alert"),
            ("limited", "Its rule had sent too many at that time"),
            ("logged", "No channel takes it: see the server log"),
            ("failed", "It arrived nowhere"),
        ],
        "Notification",
        readonly=True,
    )
    parent_id = fields.Many2one(
        "sync.alert",
        "Part of",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The alert that was notified instead of this one.",
    )
    child_ids = fields.One2many("sync.alert", "parent_id", "Related Alerts")
    is_open = fields.Boolean(
        compute="_compute_is_open",
        search="_search_is_open",
        help="Not resolved, and not a part of another one that is not: what all pages "
        "count as an open alert.",
    )
    note_id = fields.Many2one(
        "mail.message",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The note on the backend about this alert alone, which says what it says.",
    )
    delivery_ids = fields.Many2many("sync.delivery", string="Deliveries", readonly=True)

    _live_uniq = models.UniqueIndex(
        "(fingerprint) WHERE state <> 'resolved'", "One alert of a kind is open."
    )
    _fingerprint_idx = models.Index("(fingerprint, id)")
    _live_idx = models.Index("(condition, backend_id) WHERE state <> 'resolved'")
    _sent_idx = models.Index("(sent_at)")
    _held_idx = models.Index("(rule_id) WHERE held = 'limited' AND sent_at IS NULL")
    _resolved_idx = models.Index("(resolved_at) WHERE state = 'resolved'")

    @property
    def _kind(self):
        return KINDS[Condition(self.condition)]

    @api.depends("condition", "subject", "data")
    @api.depends_context("lang")
    def _compute_title(self):
        types = dict(
            self.env["sync.error"]._fields["type"]._description_selection(self.env)
        )
        in_language = self.env["sync.error"]._in_language
        in_words = self.env["sync.error"]._in_words
        known = {"value": 0, "threshold": 0, "window": 0}
        for alert in self:
            data = alert.data or {}
            # What an error says may be long and technical; its type is neither.
            subject = types.get(data.get("type")) or alert.subject or ""
            cause = data.get("cause")
            cause = types.get(cause) or in_language(cause) or ""
            values = {**known, **data, "subject": subject, "cause": cause}
            alert.title = self.env._(alert._kind.title, **values).rstrip(" :")
            alert.detail = in_words(alert.subject) if data.get("type") else False

    @api.depends("title")
    def _compute_display_name(self):
        for alert in self:
            alert.display_name = alert.title

    @api.depends("condition", "res_model", "res_id")
    @api.depends_context("lang")
    def _compute_advice(self):
        groups = self.filtered(lambda a: a.res_model == "sync.error.group")
        found = self.env["sync.error.group"].sudo().browse(groups.mapped("res_id"))
        advice = {group.id: group.advice for group in found.exists()}
        for alert in self:
            own = alert in groups and advice.get(alert.res_id)
            alert.advice = own or self.env._(alert._kind.advice)

    @api.depends("opened_at")
    def _compute_since(self):
        """Of those that were raised without it: the earliest that is known."""
        for alert in self:
            known = (alert.since, alert.opened_at, alert.last_at)
            alert.since = min((moment for moment in known if moment), default=False)

    @api.depends("state", "parent_id.state")
    def _compute_is_open(self):
        for alert in self:
            part = alert.parent_id and alert.parent_id.state != "resolved"
            alert.is_open = alert.state != "resolved" and not part

    @api.model
    def _search_is_open(self, operator, value):
        if operator != "in":
            return NotImplemented
        # The open ones are few: parents are looked for among them alone.
        unresolved = Domain("state", "!=", "resolved")
        parents = self.sudo()._search(unresolved)
        return unresolved & Domain("parent_id", "not in", parents)

    def write(self, vals):
        if not self.env.su and not vals.keys() <= WRITABLE:
            raise AccessError(
                self.env._(
                    "Of an alert only these can be changed: %s",
                    ", ".join(sorted(WRITABLE)),
                )
            )
        return super().write(vals)

    # -- Actions ----------------------------------------------------------------------

    def action_acknowledge(self):
        """Acknowledge these, and what is hidden behind them."""
        self._check_operator()
        alerts = self._with_parts().filtered(lambda a: a.state == "open").sudo()
        for alert in alerts:
            alert.write(
                {
                    "state": "acknowledged",
                    "acknowledged_at": fields.Datetime.now(),
                    "acknowledged_by_id": self.env.uid,
                    "user_id": alert.user_id.id or self.env.uid,
                }
            )
        alerts._notify_acknowledged()
        alerts._emit_event("alert_acknowledged")
        return True

    def action_resolve(self):
        """Declare these dealt with, and what is hidden behind them."""
        self._check_operator()
        alerts = self._with_parts().filtered(lambda a: a.state != "resolved").sudo()
        alerts._end()
        alerts._emit_event("alert_resolved")
        return True

    def action_silence(self):
        """Silence the rules of these for an hour."""
        self._check_operator()
        if not self.rule_id:
            raise UserError(self.env._("The rule of this alert was removed."))
        self.rule_id.action_silence()
        self.sudo()._emit_event("alert_silenced")
        return self.env["sync.backend"]._notify(
            self.env._("Silent for an hour"), ", ".join(self.rule_id.mapped("name"))
        )

    def action_open(self):
        """Open what the alert is about."""
        self.check_access("read")
        self.ensure_one()
        if self.condition == "health_score":
            return self.env["ir.actions.client"]._for_xml_id(
                "pharmacy_sync.action_sync_overview"
            )
        if self.condition == "error_rate":
            return self._errors_action()
        if self.condition == "handler_failed":
            return self._deliveries_action()
        if not self.res_model:
            raise UserError(self.env._("There is nothing to open: see the server log."))
        record = self.env[self.res_model].browse(self.res_id).exists()
        if not record:
            raise UserError(self.env._("It does not exist any more."))
        if self.condition == "dead_letter" and record._name == "sync.error.group":
            return record.action_view_dead_letters()
        return open_record(record)

    def _errors_action(self):
        # What raised it came before it.
        since = self.since - timedelta(seconds=self.rule_id.window)
        domain = [
            ("backend_id", "=", self.backend_id.id),
            ("last_seen", ">=", since),
        ]
        return open_records(self.env, "action_sync_error_group", domain)

    def _deliveries_action(self):
        domain = [
            ("backend_id", "=", self.backend_id.id),
            ("handler", "=", self.subject),
            "|",
            ("state", "=", "failed"),
            "&",
            ("state", "=", "waiting"),
            ("attempts", ">", 0),
        ]
        return open_records(self.env, "action_sync_event_delivery", domain)

    def _with_parts(self):
        return self | self.child_ids

    def _end(self, why=None):
        """Resolve these, and close their activities.

        :param why: they are resolved by themselves, for this reason; None: a person
            does it
        """
        ended = {
            "state": "resolved",
            "resolved_at": fields.Datetime.now(),
            "resolved_by_id": not why and self.env.uid,
        }
        self.write({**ended, "resolution": why} if why else ended)
        self._notify_end()

    def _check_operator(self):
        check_may(
            self,
            OPERATOR,
            self.env._("Only operators may acknowledge, resolve or mute alerts."),
        )

    def _emit_event(self, event_type):
        """Have the audit trace keep what a person did."""
        self.env["sync.event"]._emit(
            [
                {
                    "type": event_type,
                    "backend_id": alert.backend_id.id,
                    "company_id": alert.company_id.id,
                    "res_model": self._name,
                    "res_id": alert.id,
                    "correlation_id": alert.correlation_id,
                    "data": {"cause": alert.title},
                }
                for alert in self
                # What belongs to no company has its history in its chatter.
                if alert.backend_id or alert.company_id
            ]
        )


class SyncRetention(models.AbstractModel):
    _inherit = "sync.retention"

    @api.model
    def _drop_records(self):
        return [*super()._drop_records(), self._drop_resolved_alerts()]

    def _drop_resolved_alerts(self):
        """Alerts that are over. They go one by one, with their notes and activities."""
        limit = fields.Datetime.now() - timedelta(days=self._days("errors"))
        alerts = self.env["sync.alert"].search(
            [("state", "=", "resolved"), ("resolved_at", "<", limit)], limit=BATCH
        )
        alerts.unlink()
        return len(alerts)
