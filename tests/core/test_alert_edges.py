"""Where an alert tips over: counts of notifications, companies, the very moment
(core/alert/rules.py)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from odoo.addons.pharmacy_sync.core.alert.rules import (
    LIMIT,
    Alert,
    Condition,
    Rule,
    Verdict,
    judge_all,
    severity,
)
from odoo.addons.pharmacy_sync.core.taxonomy import Severity

NOW = datetime(2026, 11, 22, 12)
# Of a kind that nothing hides.
RULE = Rule(1, Condition.WORK_FAILED, Severity.MEDIUM)


def alert(number, rule=RULE, backend=1, **values):
    return Alert(number, rule, backend, rule.severity, NOW, **values)


def verdicts(*alerts, sent=0):
    found = judge_all(alerts, {RULE.id: sent} if sent else {}, NOW)
    return [found[each.id].verdict for each in alerts if each.id in found]


@pytest.mark.parametrize("sent", [0, 1, LIMIT - 1, LIMIT])
def test_a_rule_notifies_so_many_times_and_no_more(sent):
    found = verdicts(*map(alert, range(LIMIT + 2)), sent=sent)
    fresh = LIMIT - sent
    assert found == ["notify"] * fresh + ["limited"] * (sent + 2)


def test_a_summary_is_one_notification_however_many_it_sums_up():
    held = [alert(number, limited=True) for number in (1, 2, 3)]
    found = verdicts(*held, *map(alert, range(10, 10 + LIMIT)))
    assert found == ["summary"] * 3 + ["notify"] * (LIMIT - 1) + ["limited"]


@pytest.mark.parametrize(
    "threshold, figure, name",
    [
        (5, 6, "low"),
        (5, 19, "low"),
        (5, 20, "medium"),
        (5, 79, "medium"),
        (5, 80, "high"),
        # Only a rule that says so is critical.
        (5, 10**6, "high"),
        # None is as one.
        (0, 3, "low"),
        (0, 4, "medium"),
        (1, 4, "medium"),
    ],
)
def test_a_spike_is_one_degree_more_for_each_fourfold(threshold, figure, name):
    spike = Rule(1, Condition.ERROR_SPIKE, Severity.LOW, threshold=threshold)
    assert severity(spike, figure) == name


DEAD = Rule(2, Condition.DEAD_LETTER, Severity.MEDIUM)
DOWN = Rule(3, Condition.BREAKER_OPENED, Severity.MEDIUM)
RATE = Rule(4, Condition.ERROR_RATE, Severity.MEDIUM)


@pytest.mark.parametrize(
    "backend, company, others, hidden",
    [
        (1, None, (1, None), True),
        (1, None, (2, None), False),
        (None, None, (None, None), True),
        # What is one company's says nothing of what is everybody's, and of another's.
        (None, None, (None, 7), False),
        (None, 7, (None, 7), False),
        (None, 7, (None, None), False),
    ],
)
def test_what_starts_with_another_of_the_same_is_correlated(
    backend, company, others, hidden
):
    first = alert(1, DEAD, others[0], company=others[1], notified=Severity.MEDIUM)
    found = verdicts(first, alert(2, DEAD, backend, company=company))
    assert found == [Verdict.CORRELATED if hidden else Verdict.NOTIFY]


@pytest.mark.parametrize("apart, hidden", [(-1, False), (0, True), (60, True)])
def test_correlated_is_what_starts_within_a_minute_after(apart, hidden):
    first = alert(1, DEAD, notified=Severity.MEDIUM)
    later = replace(alert(2, DEAD), opened_at=NOW + timedelta(seconds=apart))
    found = judge_all([first, later], {}, NOW)[2]
    assert found.verdict == ("correlated" if hidden else "notify")
    assert found.by == (1 if hidden else None)


@pytest.mark.parametrize("seconds, hidden", [(-1, True), (0, True), (1, False)])
def test_what_happened_until_the_app_was_back_is_its_doing(seconds, hidden):
    down = alert(1, DOWN, ended_at=NOW, notified=Severity.MEDIUM)
    rate = alert(2, RATE, last_at=NOW + timedelta(seconds=seconds))
    found = judge_all([down, rate], {}, NOW)[2]
    assert found.verdict == ("inhibited" if hidden else "notify")
