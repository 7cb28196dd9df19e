"""Which channel takes which alert and when, and what an issue tracker is asked."""

import json
from datetime import datetime

import pytest

from odoo.addons.pharmacy_sync.core.alert.channels import Channel, Kind
from odoo.addons.pharmacy_sync.core.alert.linear import linear
from odoo.addons.pharmacy_sync.core.alert.notice import Answer, Receipt
from odoo.addons.pharmacy_sync.core.exceptions import HttpError, RateLimitError
from odoo.addons.pharmacy_sync.core.taxonomy import Severity

HIGH = frozenset({Severity.HIGH})
ALL = Channel(Kind.EMAIL, 1, HIGH)
ONE = Channel(Kind.EMAIL, 1, HIGH, rules=frozenset({7}), backend=3)


@pytest.mark.parametrize(
    "channel, severity, rule, backend, company, takes",
    [
        (ALL, "high", 7, 3, 1, True),
        (ALL, "high", None, None, None, True),
        (ALL, "low", 7, 3, 1, False),
        (ALL, "high", 7, 3, 2, False),
        (ONE, "high", 7, 3, 1, True),
        (ONE, "high", 8, 3, 1, False),
        (ONE, "high", None, 3, 1, False),
        (ONE, "high", 7, 4, 1, False),
        (ONE, "high", 7, None, None, False),
        (ONE, "low", 7, 3, 1, False),
    ],
)
def test_a_channel_takes_what_fits_in_all(
    channel, severity, rule, backend, company, takes
):
    assert channel.takes(Severity(severity), rule, backend, company) is takes


@pytest.mark.parametrize(
    "hours, hour, seconds",
    [
        (None, 3, 60),
        ((8, 18), 8, 60),
        ((8, 18), 17.5, 60),
        ((8, 18), 18, 14 * 3600),
        ((8, 18), 7.5, 1800),
        ((20, 6), 20, 60),
        ((20, 6), 23, 60),
        ((20, 6), 5.5, 60),
        ((20, 6), 6, 14 * 3600),
        # From 8 until 8 is always.
        ((8, 8), 7, 60),
        ((8, 8), 8, 60),
        ((8, 8), 9, 60),
        ((0, 24), 23.5, 60),
    ],
)
def test_it_is_reported_within_its_hours(hours, hour, seconds):
    channel = Channel(Kind.EMAIL, 1, HIGH, hours=hours)
    now = datetime(2026, 11, 22, int(hour), int(hour % 1 * 60))
    assert channel.wait(Severity.HIGH, now) == pytest.approx(seconds)
    assert channel.wait(Severity.CRITICAL, now) == 0
    assert channel.collects(Severity.CRITICAL) == 0
    assert Channel(Kind.LINEAR, 1, HIGH).collects(Severity.HIGH) == 0


TOLD = {"action": "opened", "title": "T", "description": "D", "priority": 1}


def carry(reported, *answers, issue=""):
    """Bodies of the requests, and what came of them."""
    road = linear("https://linear.example/", "key", "team", reported, issue)
    answers = [Answer(200, json.dumps(answer)) for answer in answers]
    bodies = []
    try:
        request = next(road)
        while True:
            bodies.append(json.loads(request.body)["variables"])
            request = road.send(answers.pop(0))
    except StopIteration as end:
        return bodies, end.value


def test_a_test_makes_no_issue_and_names_the_team():
    answer = {"data": {"team": {"name": "Ops"}}}
    bodies, receipt = carry({**TOLD, "action": "test"}, answer)
    assert bodies == [{"id": "team"}]
    assert receipt == Receipt(200, "team Ops")


def test_an_issue_is_made_and_its_id_kept():
    issue = {"id": "i-1", "identifier": "OPS-5", "url": "https://l/OPS-5"}
    answer = {"data": {"issueCreate": {"success": True, "issue": issue}}}
    bodies, receipt = carry(TOLD, answer)
    assert receipt == Receipt(200, "issue OPS-5", "i-1", "https://l/OPS-5")
    sent = {"teamId": "team", "title": "T", "description": "D", "priority": 1}
    assert bodies == [{"input": sent}]


def test_a_resolved_one_is_moved_to_what_is_completed_first():
    nodes = [{"id": "s2", "position": 2}, {"id": "s1", "position": 1}]
    bodies, receipt = carry(
        {**TOLD, "action": "resolved"},
        {"data": {"commentCreate": {"success": True}}},
        {"data": {"issue": {"team": {"states": {"nodes": nodes}}}}},
        {"data": {"issueUpdate": {"success": True}}},
        issue="i-1",
    )
    assert receipt.reference == "i-1"
    assert bodies[-1] == {"id": "i-1", "input": {"stateId": "s1"}}


@pytest.mark.parametrize(
    "answer, error",
    [
        ({"errors": [{"message": "no", "extensions": {"code": "X"}}]}, HttpError),
        (
            {"errors": [{"message": "slow", "extensions": {"code": "RATELIMITED"}}]},
            RateLimitError,
        ),
        ({"data": {"issueCreate": {"success": False}}}, HttpError),
        ({"data": None}, HttpError),
        ([], HttpError),
    ],
)
def test_an_error_in_an_answer_of_200_is_one(answer, error):
    with pytest.raises(error):
        carry(TOLD, answer)


def test_what_is_resolved_without_an_issue_needs_none():
    assert carry({**TOLD, "action": "resolved"}) == (
        [],
        Receipt(200, "there is no issue"),
    )


def test_it_waits_to_the_second():
    channel = Channel(Kind.EMAIL, 1, HIGH, hours=(8, 18), digest=0)
    moment = datetime(2026, 11, 22, 7, 59, 30)
    assert channel.wait(Severity.HIGH, moment) == pytest.approx(30, abs=1e-6)
