"""What a notice says: core/alert/notice.py, core/alert/channel_requests.py."""

from dataclasses import replace
from datetime import datetime

import pytest

from odoo.addons.pharmacy_sync.core.alert.channel_requests import (
    slack_message,
    webhook_body,
)
from odoo.addons.pharmacy_sync.core.alert.notice import (
    Action,
    Answer,
    Notice,
    accepted,
)
from odoo.addons.pharmacy_sync.core.exceptions import HttpError, RateLimitError
from odoo.addons.pharmacy_sync.core.taxonomy import Severity

NOTICE = Notice(
    action=Action.OPENED,
    level=Severity.HIGH,
    title="Breaker  opened",
    at=datetime(2026, 11, 28, 12),
    lines=("It is down.",),
    facts={"Code": "503", "Calls": "7"},
    error={"type": "service_unavailable"},
    link="https://odoo.example/odoo/1",
)
PART = replace(NOTICE, title="Queue is old", level=Severity.LOW)


def test_all_of_it_is_said_line_by_line():
    lines = ["Breaker  opened", "It is down.", "Code: 503", "Calls: 7"]
    assert NOTICE.text.split("\n") == [*lines, NOTICE.link]
    summed = replace(NOTICE, parts=(PART, NOTICE), link="")
    assert summed.text.split("\n") == [
        *lines,
        "- [LOW] Queue is old",
        "- [HIGH] Breaker opened",
    ]


@pytest.mark.parametrize(
    "answer, said",
    [
        (Answer(404, "no such hook", reason="Not Found"), "no such hook"),
        (Answer(404, "", reason="Not Found"), "Not Found"),
        (Answer(404, ""), "HTTP 404"),
    ],
)
def test_a_refusal_says_what_its_receiver_said(answer, said):
    with pytest.raises(HttpError) as caught:
        accepted(answer)
    assert said in caught.value.message
    later = replace(answer, status=429)
    with pytest.raises(RateLimitError) as caught:
        accepted(later)
    assert caught.value.message == said.replace("404", "429")


@pytest.mark.parametrize(
    "action, level, colour",
    [
        (Action.OPENED, Severity.CRITICAL, "danger"),
        (Action.OPENED, Severity.HIGH, "warning"),
        (Action.RESOLVED, Severity.CRITICAL, "good"),
    ],
)
def test_what_is_over_is_green_in_slack(action, level, colour):
    message = slack_message(replace(NOTICE, action=action, level=level))
    assert message["attachments"][0]["color"] == colour


def test_a_webhook_has_the_error_of_an_alert_that_has_one():
    assert webhook_body(NOTICE)["error"] == {"type": "service_unavailable"}
    assert webhook_body(replace(NOTICE, error={}))["error"] is None
