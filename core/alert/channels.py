"""Which channel takes which alert, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..taxonomy import Severity, TextEnum


class Kind(TextEnum):
    """What a channel is."""

    IN_APP = "in_app"
    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty"
    SMS = "sms"
    LINEAR = "linear"


_S = Severity
# Which severities a channel takes at first. Low ones are in the server log only.
SEVERITIES: Mapping[Kind, frozenset[Severity]] = {
    Kind.IN_APP: frozenset({_S.MEDIUM, _S.HIGH, _S.CRITICAL}),
    Kind.EMAIL: frozenset({_S.HIGH, _S.CRITICAL}),
    Kind.SLACK: frozenset({_S.MEDIUM, _S.HIGH, _S.CRITICAL}),
    Kind.WEBHOOK: frozenset({_S.HIGH, _S.CRITICAL}),
    Kind.PAGERDUTY: frozenset({_S.CRITICAL}),
    Kind.SMS: frozenset({_S.CRITICAL}),
    Kind.LINEAR: frozenset({_S.CRITICAL}),
}
# Those with something of their own for each alert, which is closed with it.
SINGLE = frozenset({Kind.PAGERDUTY, Kind.LINEAR})
# Seconds within which alerts are sent together.
DIGEST = 60
DAY = 24.0


@dataclass(frozen=True)
class Channel:
    """What a channel takes.

    :param rules: ids of alert rules; empty: all
    :param backend: id; None: all of its company
    :param hours: from and until, in hours of its day; None: at any time
    :param digest: seconds within which alerts are sent together
    """

    kind: Kind
    company: int
    severities: frozenset[Severity]
    rules: frozenset[int] = frozenset()
    backend: int | None = None
    hours: tuple[float, float] | None = None
    digest: int = DIGEST

    def takes(
        self,
        severity: Severity,
        rule: int | None,
        backend: int | None,
        company: int | None,
    ) -> bool:
        """Whether an alert goes there. One that belongs to no company concerns all."""
        return (
            severity in self.severities
            and (not self.rules or rule in self.rules)
            and (self.backend is None or backend == self.backend)
            and (company is None or company == self.company)
        )

    def wait(self, severity: Severity, now: datetime) -> float:
        """Seconds until an alert is sent there: a critical one at once.

        :param now: by the clock of those who read it
        """
        if severity is Severity.CRITICAL:
            return 0.0
        return max(self._closed_for(now), float(self.collects(severity)))

    def collects(self, severity: Severity) -> int:
        """Seconds within which an alert waits for others, to be sent with them."""
        if severity is Severity.CRITICAL or self.kind in SINGLE:
            return 0
        return self.digest

    def _closed_for(self, now: datetime) -> float:
        if self.hours is None:
            return 0.0
        start, end = self.hours
        hour = now.hour + now.minute / 60 + now.second / 3600
        # From 20 until 6 is a night, and from 8 until 8 always.
        within = start <= hour < end if start < end else hour >= start or hour < end
        return 0.0 if within else (start - hour) % DAY * 3600
