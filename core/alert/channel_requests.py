"""Requests that carry a notice to a channel's receiver, each after the receiver's own
documentation.

Slack: *Incoming webhooks* and *Reference: Secondary message attachments*; PagerDuty:
*Events API v2*; webhooks: Standard Webhooks 1.0. Mail and SMS are Odoo's own; the
road to Linear is in :mod:`.linear`.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timezone
from typing import Any

from .. import said
from ..event.signature import sign
from ..exceptions import HttpError, SyncError
from ..taxonomy import Severity
from .notice import Action, Notice, Receipt, Request, Road, accepted

SERVICE = "pharmacy_sync"
COLOURS = {
    Severity.CRITICAL: "danger",
    Severity.HIGH: "warning",
    Severity.MEDIUM: "#ffcc00",
    Severity.LOW: "good",
}
PAGERDUTY = "https://events.pagerduty.com"
# Severities that PagerDuty knows.
PAGED = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
}
EVENT_ACTIONS = {
    Action.OPENED: "trigger",
    Action.TEST: "trigger",
    Action.ACKNOWLEDGED: "acknowledge",
    Action.RESOLVED: "resolve",
}
# Characters that PagerDuty takes of a summary and of a deduplication key.
LONGEST_SUMMARY, LONGEST_KEY = 1024, 255
# Characters of a text message (SMS).
LONGEST_TEXT_MESSAGE = 300
JSON = {"Content-Type": "application/json; charset=utf-8"}


def as_json(url: str, value: Any, headers: Mapping[str, str] | None = None) -> Request:
    """A POST of JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Request(url, {**JSON, **(headers or {})}, body)


# -- Text messages --------------------------------------------------------------------


def text_message(notice: Notice) -> str:
    """What is wrong and where to look, as far as a text message (SMS) holds it."""
    return f"{notice.subject} {notice.link}"[:LONGEST_TEXT_MESSAGE]


def text_messages_taken(outcomes: Sequence[tuple[str, str | None]]) -> Receipt:
    """What Odoo's SMS service said of each text message, as one receipt.

    :param outcomes: each number, and why its message was refused; None: it was taken
    :raises SyncError: none was taken
    """
    sent = [number for number, why in outcomes if not why]
    refused = [(number, why) for number, why in outcomes if why]
    if not sent:
        raise SyncError(said.say(said.SMS_SAYS, refused[0][1]))
    words = [said.say(said.SENT_TO, ", ".join(sent))]
    words += [f"{number}: {why}." for number, why in refused]
    return Receipt(said=" ".join(words))


# -- Slack ----------------------------------------------------------------------------


def slack(url: str, message: Mapping[str, Any]) -> Road:
    """A message to a channel of Slack.

    :param url: of the incoming webhook
    :param message: see :func:`slack_message`
    """
    answer = yield as_json(url, message)
    receipt = accepted(answer)
    # Anything else comes from something that stands in Slack's place.
    if receipt.said != "ok":
        raise HttpError(502, "not_slack", f"Slack did not say ok: {receipt.said}")
    return receipt


def slack_message(notice: Notice) -> dict[str, Any]:
    resolved = notice.action is Action.RESOLVED
    attachment: dict[str, Any] = {
        "fallback": _slack_text(notice.subject),
        "color": "good" if resolved else COLOURS[notice.level],
        "title": _slack_text(notice.title),
        "text": _slack_text("\n".join(notice.lines)),
        "fields": [
            {"title": _slack_text(name), "value": _slack_text(value), "short": True}
            for name, value in notice.facts.items()
        ],
        "footer": _slack_text(notice.source),
        "ts": int(notice.at.replace(tzinfo=timezone.utc).timestamp()),
    }
    if notice.parts:
        lines = [
            attachment["text"],
            *(f"• {_slack_text(p.subject)}" for p in notice.parts),
        ]
        attachment["text"] = "\n".join(filter(None, lines))
    if notice.link:
        attachment["title_link"] = notice.link
    return {"text": _slack_text(notice.subject), "attachments": [attachment]}


def _slack_text(text: str) -> str:
    """Text without commands: Slack reads ``<!channel>`` and the like as such."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# -- Webhooks -------------------------------------------------------------------------


def webhook(
    url: str, secrets: Sequence[str], message_id: str, now: float, body: bytes
) -> Road:
    """A message signed after Standard Webhooks; any answer of the 200s is a receipt.

    :param secrets: all sign, so that one can take another's place
    :param message_id: the same at each attempt
    :param now: POSIX seconds
    """
    stamp = int(now)
    signatures = " ".join(sign(secret, message_id, stamp, body) for secret in secrets)
    headers = {
        **JSON,
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": signatures,
    }
    return accepted((yield Request(url, headers, body)))


def webhook_body(notice: Notice) -> dict[str, Any]:
    """What the generic webhook of an alert says."""
    return {
        "level": str(notice.level),
        "message": notice.title,
        "timestamp": notice.moment,
        "error": dict(notice.error) or None,
        "context": {
            "status": str(notice.action),
            "fingerprint": notice.fingerprint,
            "backend": notice.source,
            "correlation_id": notice.correlation_id,
            "details": list(notice.lines),
            "link": notice.link,
            "alerts": [webhook_body(part) for part in notice.parts],
        },
        "service": SERVICE,
    }


# -- PagerDuty ------------------------------------------------------------------------


def pagerduty(
    address: str, routing_key: str, event: Mapping[str, Any], test: bool = False
) -> Road:
    """An event for PagerDuty.

    :param address: :data:`PAGERDUTY`, or that of another service region
    :param event: see :func:`pagerduty_event`
    :param test: resolve it at once, so that it wakes up nobody for long
    """
    url, keyed = f"{address.rstrip('/')}/v2/enqueue", {"routing_key": routing_key}
    receipt = accepted((yield as_json(url, {**keyed, **event})))
    if test:
        end = {"event_action": "resolve", "dedup_key": event["dedup_key"]}
        accepted((yield as_json(url, {**keyed, **end})))
    return Receipt(receipt.status, receipt.said, event["dedup_key"])


def pagerduty_event(notice: Notice) -> dict[str, Any]:
    """The event of a notice, without the key that says whose it is."""
    event: dict[str, Any] = {
        "event_action": EVENT_ACTIONS[notice.action],
        "dedup_key": notice.fingerprint[:LONGEST_KEY],
    }
    if event["event_action"] != "trigger":
        return event
    event["payload"] = {
        "summary": notice.subject[:LONGEST_SUMMARY],
        "source": notice.source or SERVICE,
        "severity": PAGED[notice.level],
        "timestamp": notice.moment,
        "component": SERVICE,
        "class": notice.error.get("type", ""),
        "custom_details": {**notice.facts, "details": list(notice.lines)},
    }
    event["client"] = "Pharmacy Sync"
    if notice.link:
        event["client_url"] = notice.link
    return event
