"""Addresses that are secrets by themselves: webhooks of services, and users in them.

As in :mod:`.redaction_shapes`, no pattern looks far in vain.
"""

import re

from .redaction_reader import MASK

RUN = re.compile(r"[^\s\"<>]+")
SCHEME_END = re.compile(r":\\{0,8}/\\{0,8}/|%3A%2F%2F", re.IGNORECASE)
HOST_END = re.compile(r"[/?#\\]|%2F|%3F|%23", re.IGNORECASE)

_REST = r"[^\s\"'<>,)]+"
# Part of a path: letters, digits, signs, but no slash.
_PART = r"[^\s\"'<>,)/?#&]"
# A part that no person has made up: long, of letters and digits.
_OPAQUE = r"(?=[\w.~%@+=-]{0,200}[0-9])(?=[\w.~%@+=-]{0,200}[A-Za-z])[\w.~%@+=-]{16}"

# Services whose addresses hold a secret behind the host, or behind this much of a path.
HOSTS = re.compile(
    r"((?:hooks\.(?:slack|zapier|ringcentral)\.com|discord(?:app)?\.com/api(?:/v\d{1,2})?"
    r"/webhooks|api\.telegram\.org|webhook\.office\.com"
    r"|outlook\.office(?:365)?\.com/webhook|logic\.azure\.com(?::443)?/workflows"
    r"|powerplatform\.com(?::443)?/powerautomate"
    r"|events\.(?:eu\.)?pagerduty\.com/(?:integration|x-ere)"
    r"|(?:alert|events)\.(?:victorops|splunkoncall)\.com/integrations"
    r"|maker\.ifttt\.com/(?:trigger|use)|hook\.(?:\w{2,4}\.)?(?:make|integromat)\.com"
    r"|hc-ping\.com|open\.(?:feishu\.cn|larksuite\.com)/open-apis"
    r"|webexapis\.com/v1/webhooks|chat\.googleapis\.com/v1/spaces"
    r"|betterstack\.com/api/v1/heartbeat|cronitor\.link"
    r"|sumologic\.com/receiver|loggly\.com/(?:inputs|bulk)"
    r"|zenduty\.com/api/events|squadcast\.com/v2/incidents"
    r"|qyapi\.weixin\.qq\.com/cgi-bin/webhook)\\{0,8}/)" + _REST,
    re.IGNORECASE,
)
HOST_WORDS = tuple(
    """hooks. hook. discord telegram office azure powerplatform pagerduty victorops
    splunkoncall ifttt hc-ping feishu larksuite webexapis googleapis betterstack
    cronitor sumologic loggly zenduty squadcast weixin""".split()  # noqa: SIM905
)
# The same where host and path stand apart, as HTTP libraries write them.
PATHS = re.compile(
    r"(/services/(?=T\w{0,20}/B)|/workflows/(?=T\w{0,20}/|[0-9a-f]{16})"
    r"|/triggers/(?=[TE]\w{0,20}/)|/webhooks/(?=[0-9]{1,20}/)|/bot(?=[0-9]{1,20}:)"
    r"|/webhookb2/|/hooks/catch/|/IncomingWebhook/|/with/key/|/webhooks/incoming/"
    r"|/bot/v2/hook/|/x-ere/|/integration/(?=\w{16,64}/enqueue)"
    r"|/webhook/(?=[0-9a-f-]{36}@))" + _REST
)
PATH_WORDS = tuple(
    """/services/T /workflows/ /triggers/ /webhook /bot /hooks/catch/ /IncomingWebhook/
    /with/key/ /x-ere/ /integration/""".split()  # noqa: SIM905
)
# Anybody's webhook: what is behind the word and looks like a key.
HOOKS = re.compile(
    rf"(/[\w.-]{{0,24}}(?:hook|heartbeat|integration)s?(?:/{_PART}{{1,40}}){{0,3}}/)"
    rf"{_OPAQUE}{_REST[:-1]}*",
    re.IGNORECASE,
)
HOOK_WORDS = ("hook", "heartbeat", "integration")
# A name that says nothing elsewhere.
KEYS = re.compile(rf"([?&]key=){_OPAQUE}[^\s\"'<>,)&]*")

PATTERNS = (RUN, SCHEME_END, HOST_END, HOSTS, PATHS, HOOKS, KEYS)


def mask_addresses(text: str) -> str:
    """The text without the secrets that are in addresses by their place."""
    # To look for a word is much faster than to look for a pattern.
    if "@" in text or "%40" in text:
        text = RUN.sub(_mask_users, text)
    lowered = text.lower()
    if any(word in lowered for word in HOST_WORDS):
        text = HOSTS.sub(rf"\1{MASK}", text)
    if any(word in text for word in PATH_WORDS):
        text = PATHS.sub(rf"\1{MASK}", text)
    if any(word in lowered for word in HOOK_WORDS):
        text = HOOKS.sub(rf"\1{MASK}", text)
    return KEYS.sub(rf"\1{MASK}", text) if "key=" in text else text


def _mask_users(run: re.Match[str]) -> str:
    """The user of the first address in a run whose host holds an @ or a colon, up to
    the last @: anything may be in a password. A mail address in the path of another
    address is no user."""
    text = run.group()
    at = max(text.rfind("@"), text.rfind("%40"))
    for scheme in SCHEME_END.finditer(text, 0, max(at, 0)):
        host_end = HOST_END.search(text, scheme.end())
        host = text[scheme.end() : host_end.start() if host_end else len(text)].upper()
        if any(mark in host for mark in ("@", ":", "%40", "%3A")):
            return f"{text[: scheme.end()]}{MASK}{text[at:]}"
    return text
