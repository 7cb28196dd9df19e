"""What raises an alert, and whether people are notified of it now.

An alert is one thing that is wrong: one rule, one backend, one subject (an error
group, a breaker...). As long as it is open, more of the same is counted without another
notification, unless it gets worse. :data:`KINDS` has a row for each condition of a
rule, :func:`judge_all` decides which of the open ones are notified.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..taxonomy import Severity, TextEnum
from .conditions import KINDS, Condition, Kind

# Notifications of one rule within LIMITED_FOR seconds; critical ones may exceed it.
LIMIT = 10
LIMITED_FOR = 300.0
# Seconds within which alerts that start on one backend are one notification.
CORRELATED_FOR = 60.0
# A count that grows that many times over makes an alert one degree more severe.
GROWTH = 4
# Points that a score must recover beyond its threshold, so that it does not toggle.
SCORE_MARGIN = 5
# Seconds until a state that a person declared resolved, and that persists without a
# new occurrence, raises an alert again.
AGAIN = 3600.0

RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Rule:
    """When to notify.

    :param threshold: figure that has to be exceeded; see :class:`Kind`
    :param window: seconds over which errors are counted
    :param backend: id; None: all that have no rule of their own for the condition
    :param silenced_until: UTC; no notification before
    """

    id: int
    condition: Condition
    severity: Severity
    threshold: float = 0
    window: float = 60
    backend: int | None = None
    silenced_until: datetime | None = None


@dataclass(frozen=True)
class Alert:
    """An alert as it stands.

    :param notified: severity of its last notification; None: there was none
    :param silenced: a person, or planned maintenance, wants it silent
    :param limited: it was held back because its rule had notified too often
    :param last_at: when it last happened
    :param ended_at: when it was resolved; None: it is open
    :param company: whose it is where there is no backend; None: everybody's
    """

    id: int
    rule: Rule
    backend: int | None
    severity: Severity
    opened_at: datetime
    notified: Severity | None = None
    silenced: bool = False
    limited: bool = False
    last_at: datetime | None = None
    ended_at: datetime | None = None
    company: int | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.rule.condition]

    @property
    def open(self) -> bool:
        return self.ended_at is None

    @property
    def due(self) -> bool:
        """Not notified yet, or only with a lower severity."""
        last = self.notified
        news = last is None or RANKS[last] < RANKS[self.severity]
        return news and (self.open or self.limited)

    @property
    def is_breaker(self) -> bool:
        return self.rule.condition is Condition.BREAKER_OPENED


class Verdict(TextEnum):
    """Whether an alert is notified now; all but the first two wait."""

    NOTIFY = "notify"
    SUMMARY = "summary"  # with others of its rule that were held back
    SILENCED = "silenced"  # by a person, until a time
    INHIBITED = "inhibited"  # the backend is down, which was notified
    CORRELATED = "correlated"  # another that started with it was notified
    LIMITED = "limited"  # the rule has notified too often of late


@dataclass(frozen=True)
class Judgement:
    """A verdict; ``by``: id of the alert that it is hidden behind."""

    verdict: Verdict
    by: int | None = None


# -- Raising --------------------------------------------------------------------------


def scope(
    rule: Rule, rules: Iterable[Rule], backends: Iterable[int | None]
) -> set[int | None]:
    """Those of ``backends`` that a rule is for. A backend's own rules take the place
    of those for all, condition by condition."""
    if rule.backend is not None:
        return {backend for backend in backends if backend == rule.backend}
    own = {other.backend for other in rules if other.condition is rule.condition}
    return set(backends) - (own - {None})


def is_raised(rule: Rule, figure: float) -> bool:
    """Whether a figure is an alert."""
    if KINDS[rule.condition].below:
        return figure < rule.threshold
    return figure > rule.threshold


def is_over(rule: Rule, figure: float) -> bool:
    """Whether an open alert is resolved by itself. Between this and being raised there
    is room where nothing changes, so that a figure at the edge does not toggle."""
    kind = KINDS[rule.condition]
    if kind.below:
        return figure >= min(rule.threshold + SCORE_MARGIN, 100)
    return figure <= (rule.threshold / 2 if kind.counted else rule.threshold)


def severity(rule: Rule, figure: float) -> Severity:
    """The rule's severity, a degree more for each :data:`GROWTH`-fold of the threshold
    where it grows. Only a rule that says so is critical."""
    if not KINDS[rule.condition].grows:
        return rule.severity
    found = rule.severity
    limit = max(rule.threshold, 1) * GROWTH
    while figure >= limit and found in (Severity.LOW, Severity.MEDIUM):
        found = list(Severity)[RANKS[found] + 1]
        limit *= GROWTH
    return found


def is_news(
    at: datetime | None, resolved_at: datetime | None, by_person: bool, now: datetime
) -> bool:
    """Whether what is wrong raises an alert, although the last one was resolved.

    :param at: when it last occurred; None: it is a state, without a time
    :param resolved_at: when the last alert of the same was; None: there was none
    """
    if resolved_at is None or not by_person:
        return True
    if at is None:
        return now - resolved_at >= timedelta(seconds=AGAIN)
    return at > resolved_at


# -- Notifying ------------------------------------------------------------------------


def judge_all(
    alerts: Collection[Alert], sent_lately: Mapping[int, int], now: datetime
) -> dict[int, Judgement]:
    """Decide about all that are due, the most severe first.

    :param alerts: all that are open, those that ended while they were held back, and
        breakers that closed of late
    :param sent_lately: by rule's id, notifications in the last LIMITED_FOR seconds
    :return: ``{alert's id: judgement}``
    """
    known = {alert.id: alert for alert in alerts}
    sent = dict(sent_lately)
    # Rules with a summary: it is one notification, however many alerts it has.
    summed: set[int] = set()
    found: dict[int, Judgement] = {}
    for alert in sorted((a for a in alerts if a.due), key=_urgency):
        judgement = found[alert.id] = _judge(alert, known.values(), sent, summed, now)
        rule = alert.rule.id
        if judgement.verdict is Verdict.NOTIFY:
            sent[rule] = sent.get(rule, 0) + 1
            known[alert.id] = replace(alert, notified=alert.severity)
        elif judgement.verdict is Verdict.SUMMARY and rule not in summed:
            sent[rule] = sent.get(rule, 0) + 1
            summed.add(rule)
    return found


def _urgency(alert: Alert) -> tuple[int, bool, datetime, int]:
    # What was held back first: what comes anew must not crowd it out for ever.
    return -RANKS[alert.severity], not alert.limited, alert.opened_at, alert.id


def _judge(
    alert: Alert,
    others: Collection[Alert],
    sent: Mapping[int, int],
    summed: Collection[int],
    now: datetime,
) -> Judgement:
    rule = alert.rule
    if alert.silenced or (rule.silenced_until and rule.silenced_until > now):
        return Judgement(Verdict.SILENCED)
    if alert.open:
        if alert.severity is Severity.CRITICAL:
            return Judgement(Verdict.NOTIFY)
        hidden = _hidden(alert, others, now)
        if hidden:
            return hidden
    if alert.limited and rule.id in summed:
        return Judgement(Verdict.SUMMARY)
    if sent.get(rule.id, 0) >= LIMIT:
        return Judgement(Verdict.LIMITED)
    return Judgement(Verdict.SUMMARY if alert.limited else Verdict.NOTIFY)


def _hidden(alert: Alert, others: Collection[Alert], now: datetime) -> Judgement | None:
    """The judgement that another alert of the backend makes superfluous, or None."""
    if alert.backend is None and (alert.company is not None or alert.is_breaker):
        # Services that other addons call have nothing in common.
        return None
    near = [
        other
        for other in others
        if other.backend == alert.backend
        and other.id != alert.id
        and (alert.backend is not None or other.company is None)
    ]
    if alert.is_breaker:
        # An app that is down opens one breaker after the other, and closes them so.
        for other in near:
            lately = now - timedelta(seconds=CORRELATED_FOR)
            if (
                other.is_breaker
                and other.notified is not None
                and RANKS[other.notified] >= RANKS[alert.severity]
                and (other.ended_at is None or other.ended_at > lately)
            ):
                return Judgement(Verdict.INHIBITED, other.id)
    if alert.kind.inhibited:
        for other in near:
            # Once the backend is up again, what happened before still is its doing.
            if other.is_breaker and (
                other.ended_at is None
                or (alert.last_at and alert.last_at <= other.ended_at)
            ):
                return Judgement(Verdict.INHIBITED, other.id)
    if alert.kind.correlated:
        for other in near:
            if (
                other.kind.correlated
                and other.open
                and other.notified is not None
                and RANKS[other.notified] >= RANKS[alert.severity]
                and 0
                <= (alert.opened_at - other.opened_at).total_seconds()
                <= CORRELATED_FOR
            ):
                return Judgement(Verdict.CORRELATED, other.id)
    return None
