from datetime import timedelta

from odoo import api, fields, models, tools

from ...core.alert import rules as core
from ...core.taxonomy import Severity
from ...entities.neutral import neutral
from ..base.actions import open_records
from ..base.rights import OPERATOR, check_may
from ..error.sync_error import selection

SILENCE = timedelta(hours=1)


class SyncAlertRule(models.Model):
    """When something is an alert, and how severe it is; what the conditions mean is
    in ``core/alert/rules.py``."""

    _name = "sync.alert.rule"
    _description = "Alert Rule"
    _inherit = ["sync.shared", "sync.bounded", "mail.thread"]
    _order = "sequence, id"

    sequence = fields.Integer(default=10)
    active = fields.Boolean(
        default=True,
        tracking=True,
        help="Switched off, it raises no alert; its open ones are resolved.",
    )
    name = fields.Char(required=True, translate=True, tracking=True)
    condition = fields.Selection(
        [
            ("critical_error", "Critical error"),
            ("authentication", "Access refused"),
            ("error_rate", "Many errors of a backend"),
            ("error_spike", "Many errors of one kind"),
            ("breaker_opened", "Connection interrupted"),
            ("dead_letter", "Failed changes"),
            ("handler_failed", "Events not delivered"),
            ("health_score", "Low health score"),
            ("recovery_failed", "Recovery failed"),
            ("set_back", "App set back"),
            ("copied", "Copied database"),
            ("rule_proposed", "What is sent needs a decision"),
            ("fallback_failed", "Look-up without an answer"),
            ("handling_failed", "Failures not recorded"),
            ("old_queue", "Changes not taken up"),
            ("events_held", "Events not taken up"),
            ("feed_held", "Changes held back from the app"),
            ("conflicts_wait", "Conflicts not decided"),
            ("work_failed", "Long work failed"),
            ("job_failed", "Jobs failed"),
            ("channel_failed", "Channel or webhook fails"),
            ("webhooks_refused", "Webhooks refused"),
            ("clock_wrong", "A clock is wrong"),
            ("raised", "Reported by another addon"),
        ],
        required=True,
        tracking=True,
        help="What is looked at. Errors of one kind are those of one error group; of "
        "one that is muted none is sent. Failed changes are grouped by their cause. "
        "Recovery has failed when the scheduled one, a retry, or taking a reservation "
        "back did.",
    )
    threshold = fields.Integer(
        default=0,
        tracking=True,
        help="More than this many raise an alert; of the health score, less than this. "
        "What waits is measured in minutes, conflicts in hours.",
    )
    window = fields.Integer(
        "Within (seconds)",
        default=60,
        required=True,
        tracking=True,
        help="Seconds over which errors are counted.",
    )
    severity = fields.Selection(
        selection(Severity),
        required=True,
        default="medium",
        tracking=True,
        help="Of its alerts. Many errors of one kind become a degree more severe each "
        "time there are four times as many, up to high. Critical alerts are sent "
        "however many there are, and never hidden behind another one.",
    )
    backend_id = fields.Many2one(
        "sync.backend",
        "Pharmacy",
        ondelete="cascade",
        index="btree_not_null",
        tracking=True,
        help="Empty: all pharmacies that have no active rule of their own for the same "
        "condition.",
    )
    company_id = fields.Many2one(related="backend_id.company_id", store=True)
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        domain="[('share', '=', False)]",
        tracking=True,
        help="Is notified, and has an activity for each alert that is high or "
        "critical, unless somebody looks after what it is about.",
    )
    silenced_until = fields.Datetime(
        "Muted Until",
        tracking=True,
        help="Nobody is notified before this time, whatever the severity. Alerts are "
        "kept on the list, and sent then if they are still open.",
    )
    silenced = fields.Boolean(compute="_compute_silenced")
    alert_ids = fields.One2many("sync.alert", "rule_id", "Alerts")
    open_count = fields.Integer("Open Alerts", compute="_compute_open_count")

    _sane = models.Constraint(
        'CHECK(threshold >= 0 AND "window" > 0 AND "window" <= 3600)',
        "The threshold is not below zero, and errors are counted over a second to an "
        "hour.",
    )

    @api.depends("silenced_until")
    def _compute_silenced(self):
        now = fields.Datetime.now()
        for rule in self:
            rule.silenced = bool(rule.silenced_until and rule.silenced_until > now)

    def _compute_open_count(self):
        counts = dict(
            self.env["sync.alert"]._read_group(
                [("rule_id", "in", self.ids), ("is_open", "=", True)],
                ["rule_id"],
                ["__count"],
            )
        )
        for rule in self:
            rule.open_count = counts.get(rule, 0)

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    def action_silence(self):
        """Silence these rules for an hour.

        :raises AccessError: the user is no operator, or the rules hold for companies
            that the user is not in
        """
        self._check_operator()
        self.sudo().silenced_until = fields.Datetime.now() + SILENCE
        return True

    def action_end_silence(self):
        self._check_operator()
        self.sudo().silenced_until = False
        return True

    def action_view_alerts(self):
        """The rule's alerts, those that are over as well."""
        self.check_access("read")
        own = [("rule_id", "in", self.ids)]
        return open_records(self.env, "action_sync_alert", own)

    def _check_operator(self):
        check_may(self, OPERATOR, self.env._("Only operators may mute alerts."))
        self._check_in_reach()

    @api.model
    @tools.ormcache()
    def _rules(self):
        """All active rules: a tuple of :class:`...core.alert.rules.Rule`."""
        return tuple(rule._core() for rule in neutral(self.sudo()).search([]))

    def _core(self):
        self.ensure_one()
        return core.Rule(
            id=self.id,
            condition=core.Condition(self.condition),
            severity=Severity(self.severity),
            threshold=self.threshold,
            window=self.window,
            backend=self.backend_id.id or None,
            silenced_until=self.silenced_until or None,
        )
