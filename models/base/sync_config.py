import os
from configparser import ConfigParser, Error as ConfigParserError
from functools import lru_cache

from odoo import api, models
from odoo.tools import config

from ...core.call.deadline import Deadline
from ...core.secrets.logs import get_logger
from ...core.settings import (
    DEFAULT_PROFILE,
    FEATURES,
    PROFILES,
    SETTINGS,
    Origin,
    resolve,
    unknown,
)

_logger = get_logger(__name__)

SECTION = "pharmacy_sync"
# Seconds that one job takes, whatever the server allows: others must get their turn.
LONGEST = 60.0
# The share of what the server allows: what is begun last, such as a call that meets
# silence, must end in time too.
SHARE = 0.25
# Settings that are kept as system parameters, under their own names.
PARAMETERS = ("breaker_threshold", "alert_rate_limit")


class SyncConfig(models.AbstractModel):
    """Settings from all their sources: the environment wins over the section
    ``[pharmacy_sync]`` of odoo.conf, that over the records, and those over the
    defaults. What there is, and how it is called: ``core/settings.py``."""

    _name = "sync.config"
    _description = "Pharmacy Sync Configuration"

    def _register_hook(self):
        """At start: log settings from outside of the database that cannot be used."""
        super()._register_hook()
        section = self._section()
        for setting in SETTINGS.values():
            for problem in resolve(setting, os.environ, section).problems:
                _logger.error("Pharmacy Sync ignores a setting: %s", problem)
        for name in unknown(os.environ, section):
            _logger.warning("Pharmacy Sync knows no setting %s", name)

    @api.model
    def _value(self, name, default=None):
        """The value of a setting; times in seconds.

        :param name: key of ``core.settings.SETTINGS``
        :param default: what a record says that is nearer to the matter than those
            this model knows of; what was set outside of the database still wins
        :return: of the setting's type; None if it is not set anywhere
        """
        return self._resolve(name, default).value

    @api.model
    def _resolve(self, name, record=None):
        """The same with its origin: :class:`...core.settings.Resolved`."""
        setting, section = SETTINGS[name], self._section()
        found = resolve(setting, os.environ, section, record)
        if found.origin is Origin.DEFAULT:
            found = resolve(setting, os.environ, section, self._recorded(name))
        return found

    @api.model
    def _recorded(self, name):
        """What the records say of a setting, or None. A model that keeps such records
        extends this."""
        if name not in PARAMETERS:
            return self.env["sync.retry.policy"]._recorded(name)
        try:
            return type(SETTINGS[name].default)(self._parameter(name) or None)
        except (TypeError, ValueError):
            return None

    @api.model
    def _feature(self, name):
        """Whether a feature is switched on.

        :param name: one of ``core.settings.FEATURES``
        """
        if name not in FEATURES:
            raise KeyError(name)
        stored = self._parameter(f"feature_{name}")
        return (
            stored == "True" if stored else name in PROFILES[DEFAULT_PROFILE].features
        )

    @api.model
    def _profile(self):
        return self._parameter("profile") or DEFAULT_PROFILE

    @api.model
    def _keep(self, profile, features, numbers):
        """Keep in the records what a manager chose.

        :param profile: key of ``core.settings.PROFILES``
        :param features: names of those that are on
        :param numbers: ``{name: value}`` of all the settings that profiles set, within
            their bounds
        """
        self._keep_numbers(numbers)
        self.env["sync.retry.policy"]._keep_default(
            {name: numbers[name] for name in numbers.keys() - set(PARAMETERS)}
        )
        kept = {f"feature_{name}": name in features for name in FEATURES}
        kept.update({name: numbers[name] for name in PARAMETERS}, profile=profile)
        parameters = self.env["ir.config_parameter"].sudo()
        for name, value in kept.items():
            parameters.set_param(f"{SECTION}.{name}", str(value))

    @api.model
    def _keep_numbers(self, numbers):
        """Carry chosen numbers into the records that they are the numbers of. Rooms
        above add theirs."""

    @api.model
    def _parameter(self, name):
        return self.env["ir.config_parameter"].sudo().get_param(f"{SECTION}.{name}")

    @api.model
    def _section(self):
        """The options of odoo.conf, as the process found them at start."""
        return _read_section(config["config"] or "")


@lru_cache
def _read_section(path):
    # Odoo reads the section [options] only.
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(path)
    except (ConfigParserError, UnicodeDecodeError) as exc:
        # The exception quotes the line, which may hold a secret.
        _logger.error("Pharmacy Sync cannot read %s: %s", path, type(exc).__name__)
        return {}
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}


def shift(longest=LONGEST):
    """A :class:`~core.call.deadline.Deadline` for the job that begins now: long before
    the server would kill its worker (``limit_time_real``), it hands over to the next.

    :param longest: seconds that it takes at most
    """
    names = ("limit_time_real", "limit_time_real_cron")
    limits = [config[name] or 0 for name in names]
    return Deadline.after(min([longest, *(SHARE * n for n in limits if n > 0)]))
