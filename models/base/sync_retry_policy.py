from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone

from odoo import api, fields, models, tools

from ...core.retry.policy import DEFAULT_POLICIES, Jitter, RetryPolicy
from ...core.taxonomy import ErrorType

DEFAULT = "default"
# Delays that are written out.
SHOWN_WAITS = 6
# What the default policy keeps of the settings.
SETTING_FIELDS = {"retry_max_attempts": "max_attempts", "retry_base_delay": "base"}


def moment():
    """Now (UTC), with its fraction of a second: Odoo's own ``now`` is up to a second
    early, and a delay that is counted from it as much too short."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


def after(seconds):
    """When a delay is over (UTC) that begins now."""
    return moment() + timedelta(seconds=seconds)


def second_after(seconds):
    """The first whole second (UTC) after a delay that begins now: what falls due within
    one second shares a job, and none comes early."""
    return after(seconds + 1).replace(microsecond=0)


class SyncRetryPolicy(models.Model):
    """How often, and after how long, failures of one type are tried again."""

    _name = "sync.retry.policy"
    _inherit = ["sync.bounded", "sync.ormcached"]
    _description = "Retry Policy"
    _order = "error_type"
    _rec_name = "error_type"
    _bounds = {
        "max_attempts": (1, 100),
        "base": (0, 3600),
        "cap": (0, 86400),
        "factor": (1, 10),
    }

    error_type = fields.Selection(
        lambda self: (
            [(DEFAULT, "Default")]
            + [(str(t), str(t).replace("_", " ").capitalize()) for t in ErrorType]
        ),
        required=True,
    )
    max_attempts = fields.Integer(
        required=True, help="Attempts in all, the first included."
    )
    base = fields.Float("First Delay", required=True, help="Seconds before the second.")
    cap = fields.Float("Longest Delay", required=True, help="Seconds, never exceeded.")
    factor = fields.Float(
        "Multiplier",
        required=True,
        help="Each delay is this many times the one before: with 2 after 1, 2, 4 s.",
    )
    jitter = fields.Selection(
        [(str(jitter), str(jitter).capitalize()) for jitter in Jitter],
        "Spread",
        required=True,
        help="How chance spreads the delays (jitter), so that not all come back at "
        "once. None: not at all. Full: anything up to the delay. Equal: between half "
        "of it and all. Decorrelated: up to three times the delay before.",
    )

    sentence = fields.Char("In Words", compute="_compute_sentence")

    _error_type_uniq = models.Constraint(
        "UNIQUE(error_type)", "An error type has one retry policy."
    )
    _sane = models.Constraint(
        "CHECK(max_attempts >= 1 AND base > 0 AND cap >= base AND factor >= 1)",
        "At least one attempt, delays above zero, the longest not below the first, "
        "and a factor of 1 or more.",
    )

    @api.depends("max_attempts", "base", "cap", "factor")
    @api.depends_context("lang")
    def _compute_sentence(self):
        """What the numbers come to: ``waits 1, 2, 4 s, then fails``."""
        for policy in self:
            waits, seconds = [], policy.base
            for __ in range(min(policy.max_attempts - 1, SHOWN_WAITS)):
                waits.append(f"{min(seconds, policy.cap):.3g}")
                seconds *= policy.factor
            if policy.max_attempts - 1 > SHOWN_WAITS:
                waits.append("...")
            policy.sentence = (
                self.env._("Waits %s s, then fails.", ", ".join(waits))
                if waits
                else self.env._("Fails at once.")
            )

    @api.model
    @tools.ormcache("str(error_type)")
    def _for(self, error_type):
        """The :class:`...core.retry.policy.RetryPolicy` for an error type.

        The numbers of the default policy may be set outside of the database. With
        retries switched off there is one attempt.
        """
        policies = {p.error_type: p for p in self.sudo().search([])}
        name = self._named(error_type)
        if name == DEFAULT:
            found = self._default(policies.get(DEFAULT))
        elif name in policies:
            found = policies[name]._numbers()
        else:
            found = DEFAULT_POLICIES[name]
        if not self.env["sync.config"]._feature("retry"):
            found = replace(found, max_attempts=1)
        return found

    @api.model
    @tools.ormcache("str(error_type)")
    def _named(self, error_type):
        """The error type under which the policy for one is kept, or the default."""
        known = {name for (name,) in self.sudo()._read_group([], ["error_type"])}
        if DEFAULT not in known:
            known = known | DEFAULT_POLICIES.keys()
        return str(error_type) if str(error_type) in known else DEFAULT

    def _default(self, policy):
        found = policy._numbers() if policy else DEFAULT_POLICIES[DEFAULT]
        value = self.env["sync.config"]._value
        base = value("retry_base_delay", found.base)
        return replace(
            found,
            max_attempts=value("retry_max_attempts", found.max_attempts),
            base=base,
            cap=max(found.cap, base),
        )

    def _numbers(self):
        self.ensure_one()
        return RetryPolicy(
            max_attempts=self.max_attempts,
            base=self.base,
            cap=self.cap,
            factor=self.factor,
            jitter=Jitter(self.jitter),
        )

    @api.model
    def _recorded(self, setting):
        """What the default policy says of a setting, or None."""
        field = SETTING_FIELDS.get(setting)
        policy = field and self._default_policy()
        return policy[field] if policy else None

    @api.model
    def _keep_default(self, settings):
        """Keep settings in the default policy: ``{name: value}``."""
        values = {SETTING_FIELDS[name]: value for name, value in settings.items()}
        policy = self._default_policy()
        found = policy._numbers() if policy else DEFAULT_POLICIES[DEFAULT]
        wanted = asdict(replace(found, **values, cap=max(found.cap, values["base"])))
        wanted["jitter"] = str(wanted["jitter"])
        if not policy:
            self.sudo().create({**wanted, "error_type": DEFAULT})
        elif wanted != asdict(found):
            policy.write(wanted)

    @api.model
    @api.model
    def _restore_defaults(self):
        """Set all policies back to what they are after installation."""
        known = {policy.error_type: policy for policy in self.search([])}
        for name, policy in DEFAULT_POLICIES.items():
            numbers = {**asdict(policy), "jitter": str(policy.jitter)}
            if name in known:
                known.pop(name).write(numbers)
            else:
                self.create({**numbers, "error_type": name})
        # Those that a manager added.
        self.union(*known.values()).unlink()

    def _default_policy(self):
        return self.sudo().search([("error_type", "=", DEFAULT)])
