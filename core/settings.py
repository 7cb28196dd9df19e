"""Settings from outside of the database: what they are called, what they may be, and
which source wins.

To add a setting: one row of :data:`SETTINGS`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .secrets.sealing import read_keys
from .taxonomy import TextEnum

MASK = "********"
_HOST_NAME = re.compile(r"(?:\w(?:[\w-]{0,61}\w)?\.)*\w(?:[\w-]{0,61}\w)?\.?")
PREFIX = "NOTIFICATION_EMAIL_SMTP_"


class Origin(TextEnum):
    """Where a value came from; the first that has a valid one wins."""

    ENVIRONMENT = "environment"
    FILE = "odoo.conf"
    RECORD = "record"
    DEFAULT = "default"


@dataclass(frozen=True)
class Reading:
    """How a text becomes a value.

    :param read: from a stripped text that is not empty; raises ValueError if it is not
        what is expected.
    :param expects: what to show a person then. It never holds the text itself, which
        may be a secret in the wrong place.
    :param address: whether the value is one, whose host is no secret.
    """

    read: Callable[[str], Any]
    expects: str
    address: bool = False


@dataclass(frozen=True)
class Setting:
    """One setting.

    :param name: what the code calls it.
    :param variable: the environment variable; in lower case the option of odoo.conf.
    :param default: of the type that ``reading`` gives; None: not set.
    :param secret: its value is never shown; the host of an address is.
    :param also: other names of the variable.
    """

    name: str
    variable: str
    reading: Reading
    default: Any = None
    secret: bool = False
    also: tuple[str, ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        return self.variable, *self.also

    def shown(self, value: Any) -> str:
        """The value as people may see it."""
        if value is None:
            return ""
        if not self.secret:
            return f"{value:g}" if isinstance(value, float) else str(value)
        if not self.reading.address:
            return MASK
        try:
            parts = urlsplit(value)
        except ValueError:
            return MASK
        return f"{parts.scheme}://{parts.hostname}/{MASK}" if parts.hostname else MASK


@dataclass(frozen=True)
class Problem:
    """A value that was passed over, and why; without the value."""

    origin: Origin
    name: str
    expects: str

    def __str__(self) -> str:
        return f"{self.name} ({self.origin}) must be {self.expects}"


@dataclass(frozen=True)
class Resolved:
    """What a setting is, where that came from, and what was passed over."""

    setting: Setting
    value: Any
    origin: Origin
    problems: tuple[Problem, ...] = ()

    @property
    def shown(self) -> str:
        return self.setting.shown(self.value)

    @property
    def overridden(self) -> bool:
        """Whether it was set outside of the database."""
        return self.origin in (Origin.ENVIRONMENT, Origin.FILE)


def resolve(
    setting: Setting,
    environment: Mapping[str, str],
    section: Mapping[str, str],
    record: Any = None,
) -> Resolved:
    """Take the first valid value: environment, odoo.conf, record, default.

    A blank text is not set. An invalid one is reported, and the next source is used.

    :param section: options of odoo.conf, with names in lower case.
    :param record: a value that was checked where it was entered; None: not set.
    """
    problems = []
    options = [variable.lower() for variable in setting.variables]
    sources = (
        *((Origin.ENVIRONMENT, v, environment.get(v)) for v in setting.variables),
        *((Origin.FILE, option, section.get(option)) for option in options),
    )
    for origin, name, text in sources:
        text = (text or "").strip()
        if not text:
            continue
        try:
            value = setting.reading.read(text)
        except ValueError:
            problems.append(Problem(origin, name, setting.reading.expects))
        else:
            return Resolved(setting, value, origin, tuple(problems))
    origin = Origin.DEFAULT if record is None else Origin.RECORD
    value = setting.default if record is None else record
    return Resolved(setting, value, origin, tuple(problems))


def unknown(environment: Iterable[str], section: Iterable[str]) -> list[str]:
    """Names that look like settings and are none: mistyped, most likely."""
    variables = {v for setting in SETTINGS.values() for v in setting.variables}
    options = {variable.lower() for variable in variables}
    mistyped = {name for name in environment if name.startswith(PREFIX)} - variables
    return sorted(mistyped | (set(section) - options))


def _whole(low: int, high: int) -> Reading:
    return Reading(
        lambda text: _bounded(text, low, high), f"a whole number from {low} to {high}"
    )


def _milliseconds(low: int, high: int) -> Reading:
    """Read as seconds."""
    return Reading(
        lambda text: _bounded(text, low, high) / 1000,
        f"a whole number of milliseconds from {low} to {high}",
    )


def _bounded(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        raise ValueError
    value = int(text)
    if not low <= value <= high:
        raise ValueError
    return value


def _address(*schemes: str) -> Reading:
    def read(text: str) -> str:
        parts = urlsplit(text)
        good = text.isprintable() and " " not in text and parts.scheme in schemes
        # Reading the port raises ValueError if it is no number.
        if not good or not _is_host(parts.hostname or "") or parts.port == 0:
            raise ValueError
        return text

    expects = " or ".join(f"{s}://" for s in schemes) + " and a host"
    return Reading(read, expects, address=True)


def _is_host(text: str) -> bool:
    """Whether it is a name of labels, whatever their alphabet, or an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return len(text) <= 253 and bool(_HOST_NAME.fullmatch(text))
    return True


def _read_host(text: str) -> str:
    if not _is_host(text):
        raise ValueError
    return text


def _matching(pattern: str, expects: str) -> Reading:
    compiled = re.compile(pattern)

    def read(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError
        return text

    return Reading(read, expects)


_KEYS = Reading(read_keys, "Fernet keys, with commas between")
_TEXT = _matching(r"[\x21-\x7e]{1,500}", "a text without spaces")
_PHRASE = _matching(r"[^\x00-\x1f\x7f]{1,500}", "one line of text")
_HOST = Reading(_read_host, "a host name")
_EMAIL = _matching(r"[^@\s<>]+@[^@\s<>]+", "an email address")
_ENCRYPTION = _matching("none|starttls|ssl", "none, starttls or ssl")

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        setting.name: setting
        for setting in (
            Setting(
                "retry_max_attempts", "ERROR_RETRY_MAX_ATTEMPTS", _whole(1, 100), 3
            ),
            Setting(
                "retry_base_delay",
                "ERROR_RETRY_BASE_DELAY",
                _milliseconds(1, 3_600_000),
                1.0,
            ),
            Setting(
                "breaker_threshold",
                "ERROR_CIRCUIT_BREAKER_THRESHOLD",
                _whole(1, 1000),
                5,
            ),
            Setting(
                "alert_webhook_url",
                "ERROR_ALERT_WEBHOOK_URL",
                _address("https", "http"),
                secret=True,
            ),
            Setting(
                "alert_rate_limit",
                "ERROR_ALERT_RATE_LIMIT",
                _milliseconds(0, 86_400_000),
                300.0,
            ),
            Setting(
                "slack_webhook",
                "NOTIFICATION_SLACK_WEBHOOK",
                _address("https", "http"),
                secret=True,
            ),
            Setting("smtp_host", f"{PREFIX}HOST", _HOST),
            Setting("smtp_port", f"{PREFIX}PORT", _whole(1, 65_535)),
            Setting("smtp_encryption", f"{PREFIX}ENCRYPTION", _ENCRYPTION),
            Setting("smtp_user", f"{PREFIX}USER", _PHRASE),
            Setting(
                "smtp_password",
                f"{PREFIX}PASSWORD",
                _PHRASE,
                secret=True,
                also=(f"{PREFIX}PASS",),
            ),
            Setting("smtp_from", f"{PREFIX}FROM", _EMAIL),
            Setting(
                "encryption_keys",
                "PHARMACY_SYNC_ENCRYPTION_KEYS",
                _KEYS,
                secret=True,
            ),
            Setting("metrics_token", "PHARMACY_SYNC_METRICS_TOKEN", _TEXT, secret=True),
            Setting("linear_api_key", "LINEAR_API_KEY", _TEXT, secret=True),
            Setting("linear_team_id", "LINEAR_TEAM_ID", _TEXT),
            Setting(
                "codegen_api_url",
                "CODEGEN_API_URL",
                _address("https", "http"),
                secret=True,
            ),
            Setting("codegen_api_key", "CODEGEN_API_KEY", _TEXT, secret=True),
            Setting("codegen_org_id", "CODEGEN_ORG_ID", _TEXT),
        )
    }
)


@dataclass(frozen=True)
class Profile:
    """What is sensible together.

    :param features: those that are on; see :data:`FEATURES`.
    :param numbers: by name of a setting, in its type.
    """

    features: frozenset[str]
    numbers: Mapping[str, float]


FEATURES = (
    *("retry", "breaker", "escalation", "automated_fix", "reset"),
    "notifications",
)
# What acts by itself beyond this addon must be asked for.
ASKED_FOR = {"automated_fix", "reset"}
# On a developer's machine failures must show soon, and must wake no one.
PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "production": Profile(
            frozenset(FEATURES) - ASKED_FOR,
            {
                name: SETTINGS[name].default
                for name in (
                    "retry_max_attempts",
                    "retry_base_delay",
                    "breaker_threshold",
                    "alert_rate_limit",
                )
            },
        ),
        "development": Profile(
            frozenset({"retry", "breaker"}),
            {
                "retry_max_attempts": 2,
                "retry_base_delay": 0.5,
                "breaker_threshold": 20,
                "alert_rate_limit": 60.0,
            },
        ),
    }
)
DEFAULT_PROFILE = "production"
