"""What Slack and PagerDuty document that they take."""

TEXT = {"type": "string", "minLength": 1}
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
# .../legacy-secondary-message-attachments
SLACK = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": TEXT,
        "attachments": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "fallback": TEXT,
                    "color": {
                        "type": "string",
                        "pattern": "^(good|warning|danger|#[0-9a-f]{6})$",
                    },
                    "title": TEXT,
                    "title_link": {"type": "string", "pattern": "^https?://"},
                    "text": {"type": "string"},
                    "footer": {"type": "string", "maxLength": 300},
                    "ts": {"type": "integer"},
                    "fields": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["title", "value"],
                            "additionalProperties": False,
                            "properties": {
                                "title": TEXT,
                                "value": TEXT,
                                "short": {"type": "boolean"},
                            },
                        },
                    },
                },
            },
        },
    },
}
# https://developer.pagerduty.com/docs/send-alert-event
_KEYED = {
    "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
    "dedup_key": {"type": "string", "minLength": 1, "maxLength": 255},
}
PAGERDUTY = {
    "oneOf": [
        {
            "type": "object",
            "required": ["routing_key", "event_action", "payload"],
            "additionalProperties": False,
            "properties": {
                **_KEYED,
                "event_action": {"const": "trigger"},
                "client": TEXT,
                "client_url": TEXT,
                "links": {"type": "array"},
                "images": {"type": "array"},
                "payload": {
                    "type": "object",
                    "required": ["summary", "source", "severity"],
                    "additionalProperties": False,
                    "properties": {
                        "summary": {**TEXT, "maxLength": 1024},
                        "source": TEXT,
                        "severity": {"enum": ["critical", "error", "warning", "info"]},
                        "timestamp": {"type": "string", "format": "date-time"},
                        "component": {"type": "string"},
                        "group": {"type": "string"},
                        "class": {"type": "string"},
                        "custom_details": {"type": "object"},
                    },
                },
            },
        },
        {
            "type": "object",
            "required": ["routing_key", "event_action", "dedup_key"],
            "additionalProperties": False,
            "properties": {
                **_KEYED,
                "event_action": {"enum": ["acknowledge", "resolve"]},
            },
        },
    ]
}
