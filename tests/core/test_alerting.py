from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given, strategies as st

from odoo.addons.pharmacy_sync.core.alert.rules import (
    AGAIN,
    CORRELATED_FOR,
    GROWTH,
    KINDS,
    LIMIT,
    LIMITED_FOR,
    RANKS,
    Alert,
    Condition,
    Rule,
    Verdict,
    is_news,
    is_over,
    is_raised,
    judge_all,
    scope,
    severity,
)
from odoo.addons.pharmacy_sync.core.taxonomy import Severity

NOW = datetime(2026, 11, 22, 12)
conditions = st.sampled_from(Condition)
severities = st.sampled_from(Severity)
backends = st.sampled_from([None, 1, 2])
seconds = st.integers(0, 600)
RULES = [
    Rule(id=number, condition=condition, severity=Severity.MEDIUM)
    for number, condition in enumerate(Condition, 1)
]


@st.composite
def rules(draw, **fixed):
    values = {
        "id": draw(st.integers(1, 5)),
        "condition": draw(conditions),
        "severity": draw(severities),
        "threshold": draw(st.integers(0, 100)),
        "backend": draw(backends),
        "silenced_until": draw(
            st.none() | st.builds(lambda s: NOW + timedelta(seconds=s - 300), seconds)
        ),
    }
    return Rule(**{**values, **fixed})


@st.composite
def worlds(draw):
    """Alerts of some rules on some backends, opened within ten minutes."""
    known = [
        replace(rule, silenced_until=draw(st.sampled_from([None, None, None, NOW])))
        for rule in RULES
    ]
    return [
        Alert(
            id=number,
            rule=draw(st.sampled_from(known)),
            backend=draw(backends),
            severity=draw(severities),
            opened_at=NOW - timedelta(seconds=draw(st.sampled_from([0, 30, 60, 120]))),
            notified=draw(st.none() | severities),
            limited=draw(st.booleans()),
            last_at=NOW - timedelta(seconds=draw(seconds)),
            ended_at=draw(st.sampled_from([None] * 3 + [NOW - timedelta(seconds=90)])),
            company=draw(st.sampled_from([None, 7])),
        )
        for number in range(1, draw(st.integers(1, 30)))
    ]


reported_lately = st.dictionaries(st.integers(1, len(RULES)), st.integers(0, 2 * LIMIT))


# -- Raising --------------------------------------------------------------------------


@given(rules(), st.floats(0, 1e6))
def test_what_is_raised_is_not_over(rule, figure):
    assert not (is_raised(rule, figure) and is_over(rule, figure))


@given(rules(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_never_ends_an_alert_that_less_raises(rule, figure, more):
    assume(not KINDS[rule.condition].below and is_raised(rule, figure))
    assert is_raised(rule, figure + more)
    assert RANKS[severity(rule, figure + more)] >= RANKS[severity(rule, figure)]


def test_figures_at_the_edge():
    rate = Rule(1, Condition.ERROR_RATE, Severity.MEDIUM, threshold=10)
    assert not is_raised(rate, 10) and is_raised(rate, 11)
    assert not is_over(rate, 6) and is_over(rate, 5)
    score = Rule(2, Condition.HEALTH_SCORE, Severity.HIGH, threshold=50)
    assert not is_raised(score, 50) and is_raised(score, 49)
    assert not is_over(score, 54) and is_over(score, 55)
    whole = replace(score, threshold=100)
    assert is_raised(whole, 99) and is_over(whole, 100)


def test_a_spike_grows_more_severe_with_its_count():
    spike = Rule(1, Condition.ERROR_SPIKE, Severity.LOW, threshold=5)
    assert severity(spike, 6) is Severity.LOW
    assert severity(spike, 5 * GROWTH) is Severity.MEDIUM
    assert severity(spike, 5 * GROWTH**2) is Severity.HIGH
    assert severity(spike, 10**9) is Severity.HIGH


@given(rules(), st.floats(0, 1e9))
def test_only_a_rule_that_says_so_is_critical(rule, figure):
    assert RANKS[severity(rule, figure)] >= RANKS[rule.severity]
    if rule.severity is not Severity.CRITICAL:
        assert severity(rule, figure) is not Severity.CRITICAL


@given(st.lists(rules(), max_size=8), st.sets(backends))
def test_a_backend_has_its_own_rules_or_those_for_all(some, connected):
    for condition in Condition:
        mine = [rule for rule in some if rule.condition is condition]
        for backend in connected:
            reached = [rule for rule in mine if backend in scope(rule, some, connected)]
            own = [r for r in mine if backend is not None and r.backend == backend]
            assert reached == (own or [r for r in mine if r.backend is None])


@given(st.none() | seconds, seconds)
def test_what_a_person_resolved_comes_back_with_a_new_occurrence_only(ago, resolved):
    at = None if ago is None else NOW - timedelta(seconds=ago)
    ended = NOW - timedelta(seconds=resolved)
    assert is_news(at, ended, True, NOW) is (at is not None and at > ended)
    assert is_news(at, ended, False, NOW)
    assert is_news(at, None, False, NOW)
    assert is_news(None, NOW - timedelta(seconds=AGAIN), True, NOW)


# -- Telling --------------------------------------------------------------------------


@given(worlds(), reported_lately)
def test_each_that_is_due_is_judged_once_and_no_other(alerts, lately):
    found = judge_all(alerts, lately, NOW)
    assert found.keys() == {alert.id for alert in alerts if alert.due}


@given(worlds(), reported_lately)
def test_critical_is_never_held_back(alerts, lately):
    """Whatever else is open, and however much was reported."""
    found = judge_all(alerts, lately, NOW)
    for alert in alerts:
        if alert.due and alert.open and alert.severity is Severity.CRITICAL:
            assert found[alert.id].verdict is Verdict.NOTIFY


@given(worlds(), reported_lately)
def test_no_rule_says_more_than_its_limit(alerts, lately):
    found = judge_all(alerts, lately, NOW)
    for rule in RULES:
        reported = [
            found[alert.id].verdict
            for alert in alerts
            if alert.rule.id == rule.id
            and alert.due
            and not (alert.open and alert.severity is Severity.CRITICAL)
        ]
        count = reported.count(Verdict.NOTIFY) + (Verdict.SUMMARY in reported)
        assert count <= max(0, LIMIT - lately.get(rule.id, 0))


@given(worlds(), reported_lately)
def test_what_is_hidden_is_hidden_behind_what_was_reported(alerts, lately):
    by_id = {alert.id: alert for alert in alerts}
    found = judge_all(alerts, lately, NOW)
    for number, judgement in found.items():
        alert, leader = by_id[number], by_id.get(judgement.by)
        if judgement.verdict is Verdict.CORRELATED:
            now_reported = found.get(leader.id)
            reported = leader.notified
            if now_reported and now_reported.verdict is Verdict.NOTIFY:
                reported = leader.severity
            assert leader.open
            assert reported and RANKS[reported] >= RANKS[alert.severity]
            assert leader.backend == alert.backend
            assert alert.backend is not None or alert.company is leader.company is None
            apart = (alert.opened_at - leader.opened_at).total_seconds()
            assert 0 <= apart <= CORRELATED_FOR
        elif judgement.verdict is Verdict.INHIBITED:
            assert leader.is_breaker and leader.backend == alert.backend
            assert leader.open or alert.last_at <= leader.ended_at
        else:
            assert leader is None


@given(worlds(), reported_lately)
def test_a_backend_that_is_down_is_reported_alone(alerts, lately):
    found = judge_all(alerts, lately, NOW)
    down = {a.backend for a in alerts if a.is_breaker and a.open} - {None}
    for alert in alerts:
        if (
            alert.due
            and alert.open
            and alert.backend in down
            and alert.kind.inhibited
            and alert.severity is not Severity.CRITICAL
        ):
            assert found[alert.id].verdict in (Verdict.INHIBITED, Verdict.SILENCED)


def test_what_has_no_backend_is_reported_by_itself():
    """Two services that other addons call: neither causes the other's alerts."""
    for condition in (Condition.BREAKER_OPENED, Condition.AUTHENTICATION):
        rule = Rule(1, condition, Severity.HIGH)
        alerts = [
            Alert(id_, rule, None, Severity.HIGH, NOW, company=7) for id_ in (1, 2)
        ]
        found = judge_all(alerts, {}, NOW)
        assert {judgement.verdict for judgement in found.values()} == {Verdict.NOTIFY}


def test_an_app_that_is_down_is_reported_once_however_many_breakers_it_opens():
    rule = Rule(1, Condition.BREAKER_OPENED, Severity.HIGH)
    push = Alert(1, rule, 1, Severity.HIGH, NOW - timedelta(seconds=9))
    pull = Alert(2, rule, 1, Severity.HIGH, NOW)
    elsewhere = Alert(3, rule, 2, Severity.HIGH, NOW)
    found = judge_all([pull, push, elsewhere], {}, NOW)
    assert found[1].verdict is found[3].verdict is Verdict.NOTIFY
    assert (found[2].verdict, found[2].by) == (Verdict.INHIBITED, 1)
    # The first is closed: the other follows, or it is reported after all.
    reported = replace(push, notified=Severity.HIGH, ended_at=NOW)
    later = NOW + timedelta(seconds=CORRELATED_FOR)
    assert judge_all([reported, pull], {}, NOW)[2].by == 1
    assert judge_all([reported, pull], {}, later)[2].verdict is Verdict.NOTIFY
    # A worse one is reported at once.
    worse = replace(pull, severity=Severity.CRITICAL)
    assert judge_all([reported, worse], {}, NOW)[2].verdict is Verdict.NOTIFY


@given(worlds(), reported_lately)
def test_what_is_over_hides_and_says_nothing_by_itself(alerts, lately):
    ended = [replace(a, ended_at=NOW, limited=True, notified=None) for a in alerts]
    for judgement in judge_all(ended, lately, NOW).values():
        assert judgement.by is None
        assert judgement.verdict in (Verdict.SUMMARY, Verdict.LIMITED)


def test_what_was_held_back_is_one_summary():
    rule = Rule(1, Condition.HANDLER_FAILED, Severity.HIGH)
    held = [Alert(n, rule, 1, Severity.HIGH, NOW, limited=True) for n in range(5)]
    new = Alert(9, rule, 1, Severity.HIGH, NOW)
    found = judge_all([new, *held], {1: LIMIT - 1}, NOW)
    verdicts = [found[alert.id].verdict for alert in (*held, new)]
    assert verdicts == [Verdict.SUMMARY] * 5 + [Verdict.LIMITED]


def test_a_severe_alert_is_not_hidden_behind_a_lesser_one_that_was_reported():
    lesser, severe = (
        Rule(number, Condition.ERROR_SPIKE, degree)
        for number, degree in enumerate((Severity.LOW, Severity.HIGH), 1)
    )
    reported = Alert(1, lesser, 1, Severity.LOW, NOW, notified=Severity.LOW)
    alert = Alert(2, severe, 1, Severity.HIGH, NOW)
    assert judge_all([reported, alert], {}, NOW)[2].verdict is Verdict.NOTIFY
    equal = replace(alert, severity=Severity.LOW)
    assert judge_all([reported, equal], {}, NOW)[2].verdict is Verdict.CORRELATED


def test_what_happened_while_a_backend_was_down_stays_its_doing():
    down, rate = (
        Rule(number, condition, Severity.HIGH)
        for number, condition in enumerate(
            (Condition.BREAKER_OPENED, Condition.ERROR_RATE), 1
        )
    )
    before = NOW - timedelta(seconds=30)
    breaker = Alert(1, down, 1, Severity.HIGH, before, Severity.HIGH, ended_at=NOW)
    errors = Alert(2, rate, 1, Severity.HIGH, NOW, last_at=before)
    assert judge_all([breaker, errors], {}, NOW)[2].verdict is Verdict.INHIBITED
    anew = replace(errors, last_at=NOW + timedelta(seconds=1))
    assert judge_all([breaker, anew], {}, NOW)[2].verdict is Verdict.NOTIFY


@given(rules(id=1, backend=None), backends, severities)
def test_a_silence_ends(rule, backend, degree):
    alert = Alert(1, rule, backend, degree, NOW)
    silent = rule.silenced_until is not None and rule.silenced_until > NOW
    assert (judge_all([alert], {}, NOW)[1].verdict is Verdict.SILENCED) is silent
    later = NOW + timedelta(hours=1)
    assert judge_all([alert], {}, later)[1].verdict is Verdict.NOTIFY


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_over_time_no_window_has_more_than_the_limit_and_nothing_is_forgotten(gaps):
    """Alerts of one rule come one after the other; each is reported, alone or in a
    summary, when the flood is over."""
    rule = Rule(1, Condition.HANDLER_FAILED, Severity.HIGH)
    alerts, times, reported = [], [], set()
    now = NOW

    def look():
        lately = sum(at > now - timedelta(seconds=LIMITED_FOR) for at in times)
        found = judge_all(alerts, {1: lately}, now)
        verdicts = [judgement.verdict for judgement in found.values()]
        notices = verdicts.count(Verdict.NOTIFY) + (Verdict.SUMMARY in verdicts)
        times.extend([now] * notices)
        for place, alert in enumerate(alerts):
            verdict = found[alert.id].verdict if alert.id in found else None
            if verdict in (Verdict.NOTIFY, Verdict.SUMMARY):
                assert alert.id not in reported, "reported twice"
                reported.add(alert.id)
                alerts[place] = replace(alert, notified=alert.severity)
            elif verdict is Verdict.LIMITED:
                alerts[place] = replace(alert, limited=True)

    for number, gap in enumerate(gaps):
        now += timedelta(seconds=gap)
        alerts.append(Alert(number, rule, 1, Severity.HIGH, now))
        look()
    for __ in range(6):
        now += timedelta(seconds=60)
        look()
    for place, at in enumerate(times):
        within = [t for t in times[place:] if t < at + timedelta(seconds=LIMITED_FOR)]
        assert len(within) <= LIMIT
    assert reported == {alert.id for alert in alerts}


@pytest.mark.parametrize("condition", Condition)
def test_what_a_company_s_own_service_does_is_hidden_by_no_other(condition):
    down = Rule(1, Condition.BREAKER_OPENED, Severity.HIGH)
    leader = Alert(
        1, down, None, Severity.HIGH, NOW - timedelta(seconds=5), notified=Severity.HIGH
    )
    rule = Rule(2, condition, Severity.LOW)
    own = Alert(2, rule, None, Severity.LOW, NOW, last_at=NOW, company=7)
    assert judge_all([leader, own], {}, NOW)[2].verdict is Verdict.NOTIFY


def test_a_rule_reports_as_often_as_its_limit_says():
    rule = Rule(1, Condition.HANDLER_FAILED, Severity.HIGH)
    for before in (0, 1, LIMIT - 1, LIMIT):
        alerts = [Alert(n, rule, n, Severity.HIGH, NOW) for n in range(LIMIT + 2)]
        found = judge_all(alerts, {1: before}, NOW)
        verdicts = [found[number].verdict for number in sorted(found)]
        assert verdicts.count(Verdict.NOTIFY) == LIMIT - before
        assert verdicts.count(Verdict.LIMITED) == 2 + before
