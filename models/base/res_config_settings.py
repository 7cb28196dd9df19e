from odoo import api, fields, models

from ...core.settings import DEFAULT_PROFILE, FEATURES, PROFILES, SETTINGS
from .sync_bounded import check_bounds

PREFIX = "pharmacy_sync_"
NUMBERS = tuple(PROFILES[DEFAULT_PROFILE].numbers)
DAYS = (1, 3650)
BOUNDS = {
    "retry_max_attempts": (1, 100),
    "retry_base_delay": (0.001, 3600),
    "breaker_threshold": (1, 1000),
    "alert_rate_limit": (0, 86400),
    "keep_log": DAYS,
    "keep_operations": DAYS,
    "keep_errors": DAYS,
    "keep_versions": DAYS,
    "keep_history": DAYS,
}


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    pharmacy_sync_profile = fields.Selection(
        [("production", "Production"), ("development", "Development")],
        "Profile",
        default=DEFAULT_PROFILE,
        help="Choosing one sets the numbers and switches below to what is sensible "
        "together; change what you like before you save.",
    )
    pharmacy_sync_retry_max_attempts = fields.Integer(
        "Attempts", help="Attempts of the default retry policy, the first included."
    )
    pharmacy_sync_retry_base_delay = fields.Float(
        "First Delay", help="Seconds before the second attempt, by the default policy."
    )
    pharmacy_sync_breaker_threshold = fields.Integer(
        "Failures That Open a Breaker", help="In a row; of all breakers."
    )
    pharmacy_sync_alert_rate_limit = fields.Float(
        "Alert Interval",
        help="Seconds in which a rule notifies a limited number of times.",
    )
    pharmacy_sync_retry = fields.Boolean(
        "Retry", help="Off: what fails once waits for a person."
    )
    pharmacy_sync_breaker = fields.Boolean(
        "Circuit Breakers", help="If off, Odoo keeps calling an app that is down."
    )
    pharmacy_sync_escalation = fields.Boolean(
        "Escalation", help="What keeps failing is brought to somebody's attention."
    )
    pharmacy_sync_automated_fix = fields.Boolean(
        "Automated Fix", help="Calls your own service to fix recurring errors."
    )
    pharmacy_sync_reset = fields.Boolean(
        "Reset of the Connection",
        help="Of a backend whose app keeps failing: it is paused, caches and "
        "connections are dropped, the key is checked, and it goes on. Nothing queued "
        "is lost.",
    )
    pharmacy_sync_notifications = fields.Boolean(
        "Notifications", help="People are notified of failures."
    )
    pharmacy_sync_origins = fields.Html(
        compute="_compute_pharmacy_sync_origins", sanitize=False
    )

    @api.depends("pharmacy_sync_profile")
    def _compute_pharmacy_sync_origins(self):
        resolve = self.env["sync.config"]._resolve
        self.pharmacy_sync_origins = self.env["ir.qweb"]._render(
            "pharmacy_sync.settings_origins",
            {"settings": [resolve(name) for name in SETTINGS]},
        )

    @api.onchange("pharmacy_sync_profile")
    def _onchange_pharmacy_sync_profile(self):
        values = self._pharmacy_sync_values()
        profile = PROFILES.get(self.pharmacy_sync_profile)
        if profile and self.pharmacy_sync_profile != values[PREFIX + "profile"]:
            for name in FEATURES:
                values[PREFIX + name] = name in profile.features
            for name, number in profile.numbers.items():
                values[PREFIX + name] = number
        values.pop(PREFIX + "profile")
        self.update(values)

    @api.model
    def get_values(self):
        self.check_access("read")
        return {**super().get_values(), **self._pharmacy_sync_values()}

    def set_values(self):
        self.check_access("write")
        check_bounds(self, {PREFIX + name: BOUNDS[name] for name in BOUNDS})
        result = super().set_values()
        self.env["sync.config"]._keep(
            self.pharmacy_sync_profile,
            {name for name in FEATURES if self[PREFIX + name]},
            {name: self[PREFIX + name] for name in NUMBERS},
        )
        return result

    @api.model
    def _pharmacy_sync_values(self):
        config = self.env["sync.config"]
        values = {name: config._feature(name) for name in FEATURES}
        for name in NUMBERS:
            recorded = config._recorded(name)
            values[name] = SETTINGS[name].default if recorded is None else recorded
        values["profile"] = config._profile()
        return {PREFIX + name: value for name, value in values.items()}
