"""The roads to receivers, step by step, against what the receivers document."""

import json
import random
from dataclasses import replace
from datetime import datetime

import jsonschema_rs
import pytest
from hypothesis import given, strategies as st
from receiver_schemas import PAGERDUTY, SLACK
from standardwebhooks.webhooks import Webhook

from odoo.addons.pharmacy_sync.core.alert import channel_requests
from odoo.addons.pharmacy_sync.core.alert.channels import SINGLE, Channel, Kind
from odoo.addons.pharmacy_sync.core.alert.linear import linear, linear_issue
from odoo.addons.pharmacy_sync.core.alert.notice import (
    Action,
    Answer,
    Notice,
    accepted,
    carry,
)
from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.event.delivery import (
    ALERT_POLICY,
    LONGEST_REST,
    WEBHOOK_POLICY,
    follows,
    rest,
    subscribed,
)
from odoo.addons.pharmacy_sync.core.exceptions import (
    ApiTimeoutError,
    HttpError,
    RateLimitError,
    SyncError,
)
from odoo.addons.pharmacy_sync.core.retry.decision import After
from odoo.addons.pharmacy_sync.core.retry.policy import exponential
from odoo.addons.pharmacy_sync.core.taxonomy import Severity

NOON = datetime(2026, 11, 28, 12, 0, 0)
KEY = "0123456789abcdef0123456789abcdef"
NOTICE = Notice(
    action=Action.OPENED,
    level=Severity.HIGH,
    title="Breaker opened",
    at=NOON,
    fingerprint="1:2:3",
    lines=("It is down.",),
    facts={"Code": "503"},
    error={"type": "service_unavailable"},
    correlation_id="c" * 32,
    link="https://odoo.example/odoo/1",
    source="North",
)
words = st.text(max_size=2000)
notices = st.builds(
    Notice,
    action=st.sampled_from(Action),
    level=st.sampled_from(Severity),
    title=words.filter(str.strip),
    at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
    fingerprint=st.text(min_size=1, max_size=400),
    lines=st.lists(words, max_size=3).map(tuple),
    facts=st.dictionaries(st.text(min_size=1), st.text(min_size=1), max_size=3),
    error=st.just({"type": "unexpected"}),
    source=st.text(max_size=50),
    parts=st.lists(st.just(NOTICE), max_size=3).map(tuple),
)


def answers(*found):
    """A sender that gives these answers, and keeps the requests."""
    left, sent = list(found), []

    def send(request):
        sent.append(request)
        return left.pop(0)

    send.sent = sent
    return send


@given(notices)
def test_slack_gets_what_it_documents(notice):
    message = channel_requests.slack_message(notice)
    jsonschema_rs.validate(SLACK, message)
    assert "<" not in json.dumps(message)


@given(notices)
def test_a_text_message_is_short_and_begins_with_what_is_wrong(notice):
    text = channel_requests.text_message(notice)
    assert len(text) <= channel_requests.LONGEST_TEXT_MESSAGE
    assert notice.subject.startswith(text) or text.startswith(notice.subject)


def test_a_number_that_was_refused_is_named_beside_those_that_were_not():
    receipt = channel_requests.text_messages_taken(
        [("+34 1", None), ("+34 2", "Wrong Number Format"), ("+34 3", None)]
    )
    assert receipt.said == "Sent to +34 1, +34 3. +34 2: Wrong Number Format."
    receipt = channel_requests.text_messages_taken([("+34 1", None)])
    assert receipt.said == "Sent to +34 1."


def test_text_messages_that_were_all_refused_did_not_arrive():
    with pytest.raises(SyncError, match="service: Insufficient Credit"):
        channel_requests.text_messages_taken(
            [("+34 1", "Insufficient Credit"), ("+34 2", "Wrong Number Format")]
        )


@given(notices)
def test_pagerduty_gets_what_it_documents(notice):
    event = {"routing_key": KEY, **channel_requests.pagerduty_event(notice)}
    validator = jsonschema_rs.validator_for(PAGERDUTY, validate_formats=True)
    validator.validate(event)


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (Severity.CRITICAL, "critical"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "info"),
    ],
)
def test_severities_in_the_words_of_pagerduty(level, severity):
    event = channel_requests.pagerduty_event(replace(NOTICE, level=level))
    assert event["payload"]["severity"] == severity


def test_severities_in_the_numbers_of_linear():
    levels = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
    reported = [
        linear_issue(replace(NOTICE, level=level))["priority"] for level in levels
    ]
    assert reported == [1, 2, 3, 4]


def test_same_key_opens_and_resolves_an_incident():
    ended = replace(NOTICE, action=Action.RESOLVED)
    keys = {channel_requests.pagerduty_event(n)["dedup_key"] for n in (NOTICE, ended)}
    assert keys == {NOTICE.fingerprint}


def test_test_of_pagerduty_leaves_no_incident():
    send = answers(Answer(202, "{}"), Answer(202, "{}"))
    event = channel_requests.pagerduty_event(replace(NOTICE, action=Action.TEST))
    carry(channel_requests.pagerduty("https://x", KEY, event, test=True), send)
    assert [json.loads(r.body)["event_action"] for r in send.sent] == [
        "trigger",
        "resolve",
    ]


@given(notices)
def test_subject_is_one_line_with_its_level(notice):
    over = notice.action is Action.RESOLVED
    level = "RESOLVED" if over else notice.level.upper()
    assert notice.subject.startswith(f"[{level}] ")
    assert len(notice.subject.splitlines()) == 1


def test_webhook_is_signed_as_the_specification_has_it():
    secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bm9ib2R5"]
    body = json.dumps(channel_requests.webhook_body(NOTICE)).encode()
    send = answers(Answer(204))
    carry(
        channel_requests.webhook(
            "https://x", secrets, "msg_1", datetime.now().timestamp(), body
        ),
        send,
    )
    (request,) = send.sent
    for secret in secrets:
        Webhook(secret).verify(request.body, dict(request.headers))


@pytest.mark.parametrize("text", ["", "<html>", "no_service"])
def test_what_is_not_slack_is_no_receipt(text):
    with pytest.raises(HttpError) as caught:
        carry(channel_requests.slack("https://x", {}), answers(Answer(200, text)))
    # Something between has answered: it may pass.
    assert caught.value.status == 502


def test_errors_of_linear_come_with_any_status():
    reported = linear_issue(NOTICE)
    for answer, kind in (
        (Answer(200, '{"errors": [{"message": "no such team"}]}'), HttpError),
        (Answer(200, "<html>"), HttpError),
        (Answer(503, '{"data": {"issueCreate": {"success": true}}}'), HttpError),
        (Answer(200, '{"data": {"issueCreate": {"success": false}}}'), HttpError),
        (
            Answer(
                400,
                '{"errors": [{"message": "slow", "extensions": '
                '{"code": "RATELIMITED"}}]}',
            ),
            RateLimitError,
        ),
    ):
        with pytest.raises(kind):
            carry(linear("https://x", "k", "t", reported), answers(answer))


def test_linear_makes_no_issue_for_what_is_over():
    reported = linear_issue(replace(NOTICE, action=Action.RESOLVED))
    assert carry(linear("https://x", "k", "t", reported), answers()).reference == ""


@pytest.mark.parametrize("status", [100, 199, 300, 302, 400, 404, 500, 503])
def test_only_the_200s_are_a_receipt(status):
    with pytest.raises(HttpError):
        accepted(Answer(status, "ok"))
    assert accepted(Answer(299, "ok")).status == 299


@pytest.mark.parametrize("headers", [{"Retry-After": "90"}, {"retry-after": "90"}])
def test_time_that_a_receiver_asks_for(headers):
    with pytest.raises(RateLimitError) as caught:
        accepted(Answer(429, "later", headers))
    failure = classify(caught.value)
    found = follows(failure, ALERT_POLICY, 1, None, random.Random(1))
    assert found.seconds >= 90
    assert rest(failure, 0) == 90


@pytest.mark.parametrize(
    ("policy", "hours"), [(ALERT_POLICY, (0.5, 0.75)), (WEBHOOK_POLICY, (30, 48))]
)
def test_for_how_long_a_receiver_is_tried(policy, hours):
    seconds = sum(exponential(policy, n) for n in range(1, policy.max_attempts))
    assert hours[0] <= seconds / 3600 <= hours[1]


def test_what_cannot_help_is_not_tried_again_but_a_subscriber_is():
    for status in (400, 401, 403, 404, 422):
        failure = classify(HttpError(status))
        alert = follows(failure, ALERT_POLICY, 1, None, random.Random(1))
        assert alert.state is After.DEAD
        event = follows(failure, WEBHOOK_POLICY, 1, None, random.Random(1), True)
        assert event.state is After.WAITING
    gone = classify(HttpError(410))
    found = follows(gone, WEBHOOK_POLICY, 1, None, random.Random(1), True)
    assert found.state is After.DEAD


def test_subscribers_are_tried_for_more_than_a_day():
    failure, rng = classify(HttpError(503)), random.Random(1)
    total = attempts = last = 0
    while True:
        attempts += 1
        found = follows(failure, WEBHOOK_POLICY, attempts, last, rng, True)
        if found.state is After.DEAD:
            break
        total, last = total + found.seconds, found.seconds
    assert attempts == 10
    assert 24 * 3600 < total < 48 * 3600


@given(st.integers(0, 100))
def test_receiver_that_does_not_answer_rests_longer_each_time(failures):
    failure = classify(ApiTimeoutError("silence"))
    assert 0 < rest(failure, failures) <= rest(failure, failures + 1) <= LONGEST_REST
    assert rest(classify(HttpError(404)), failures) == 0
    assert [rest(failure, n) for n in (0, 1, 2, 3, 9)] == [5, 10, 20, 40, 300]


@given(
    st.sampled_from(Kind),
    st.sampled_from(Severity),
    st.floats(0, 23.9),
    st.floats(0.1, 24),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),
)
def test_critical_waits_nowhere_and_others_until_the_hours(
    kind, level, start, end, now
):
    channel = Channel(kind, 1, frozenset(Severity), hours=(start, end))
    wait = channel.wait(level, now)
    if level is Severity.CRITICAL:
        assert wait == 0
    assert 0 <= wait <= 24 * 3600
    if kind in SINGLE:
        assert channel.collects(level) == 0


def test_types_of_a_subscription():
    assert subscribed("order_created", "supplier_*, order_*")
    assert not subscribed("product_created", "supplier_* order_*")


def test_an_issue_goes_to_the_first_state_of_what_is_completed():
    states = [
        {"id": "later", "position": 0.5},
        {"id": "first", "position": None},
        {"id": "last", "position": 7},
    ]
    for known, moved in ((states, "first"), (states[::2], "later")):
        send = answers(
            answer_of("commentCreate", {"success": True}),
            answer_of("issue", {"team": {"states": {"nodes": known}}}),
            answer_of("issueUpdate", {"success": True}),
        )
        over = linear_issue(replace(NOTICE, action=Action.RESOLVED))
        carry(linear("https://x", "k", "t", over, "issue_1"), send)
        assert json.loads(send.sent[-1].body)["variables"]["input"] == {
            "stateId": moved
        }


def answer_of(name, found):
    return Answer(200, json.dumps({"data": {name: found}}))


def test_what_linear_did_not_do_is_no_outage():
    reported = linear_issue(NOTICE)
    with pytest.raises(HttpError) as caught:
        carry(
            linear("https://x", "k", "t", reported),
            answers(answer_of("issueCreate", {"success": False})),
        )
    assert caught.value.status == 422


def failed(*found, action=Action.OPENED, issue=""):
    """The failure of a notice to Linear that gets these answers."""
    reported = linear_issue(replace(NOTICE, action=action))
    with pytest.raises(HttpError) as caught:
        carry(linear("https://x", "k", "t", reported, issue), answers(*found))
    return caught.value.status, caught.value.code


def test_an_error_of_linear_has_the_status_of_its_answer_or_that_of_a_refusal():
    errors = {"errors": [{"message": "no", "extensions": {"code": "INVALID"}}]}
    # An answer may have errors beside what was done.
    beside = {**errors, "data": {"issueCreate": {"success": True}}}
    for said in (errors, beside):
        for status, known_as in ((200, 422), (399, 422), (400, 400), (500, 500)):
            found = Answer(status, json.dumps(said))
            assert failed(found) == (known_as, "INVALID")


def test_a_team_of_linear_without_a_state_for_what_is_completed():
    done = answer_of("commentCreate", {"success": True})
    none = answer_of("issue", {"team": {"states": {"nodes": []}}})
    assert failed(done, none, action=Action.RESOLVED, issue="i") == (422, "no_state")


@pytest.mark.parametrize("action", [Action.OPENED, Action.TEST])
def test_what_linear_took_is_a_receipt(action):
    reported = linear_issue(replace(NOTICE, action=action))
    found = answers(
        answer_of("team", {"name": "Ops"})
        if action is Action.TEST
        else answer_of("commentCreate", {"success": True})
    )
    receipt = carry(linear("https://x", "k", "t", reported, "issue_1"), found)
    assert receipt.status == 200
