"""What the application can do beyond reading and writing records one by one.

Each ability can be hidden: the application then answers as one that never had it.
"""

import json
import re
from enum import Enum
from urllib.parse import parse_qsl, urlencode

from .errors import ApiError, Code, to_json


class Ability(str, Enum):
    """Names of the abilities, as ``GET /capabilities`` lists them."""

    BATCH = "batch"
    CAPABILITIES = "capabilities"
    CHANGE_FEED = "change_feed"
    CHECKSUMS = "checksums"
    EXTERNAL_REF = "external_ref"
    IDEMPOTENCY_KEY = "idempotency_key"
    IF_MATCH = "if_match"
    RESERVATIONS = "reservations"
    UPDATED_SINCE = "updated_since"
    WEBHOOKS = "webhooks"

    __str__ = str.__str__


# Routes that are not there while their ability is hidden.
_ROUTES = {
    Ability.BATCH: r"[^/]+/batch",
    Ability.CAPABILITIES: r"capabilities",
    Ability.CHANGE_FEED: r"changes",
    Ability.CHECKSUMS: r"[^/]+/checksums",
    Ability.RESERVATIONS: r"reservations(/.*)?",
    Ability.WEBHOOKS: r"webhooks(/.*)?",
}
_REF = "external_ref"


class Hiding:
    """Middleware that hides abilities: their routes are not found; their headers,
    fields and parameters are ignored without a word, as apps that lack them do."""

    def __init__(self, app, store, prefix):
        self._app = app
        self._store = store
        self._prefix = prefix

    async def __call__(self, scope, receive, send):
        hidden = self._store.hidden
        path = scope.get("path", "").removeprefix(self._prefix)
        if not hidden or scope["type"] != "http" or path == scope["path"]:
            await self._app(scope, receive, send)
            return
        if any(re.fullmatch(_ROUTES[a], path) for a in hidden & _ROUTES.keys()):
            await _answer_not_found(send)
            return
        # Reservations have an external_ref of their own.
        no_refs = Ability.EXTERNAL_REF in hidden and not path.startswith("reservations")
        scope = _changed_scope(scope, hidden, no_refs)
        receive = _changing(receive, lambda body: _request(body, hidden, no_refs))
        if no_refs:
            send = _holding(send)
        await self._app(scope, receive, send)


async def _answer_not_found(send):
    error = ApiError(Code.NOT_FOUND, "no such resource")
    headers = [(b"content-type", b"application/json")]
    await send(
        {"type": "http.response.start", "status": error.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": to_json(error.body())})


def _changed_scope(scope, hidden, no_refs):
    headers = list(scope["headers"])
    if Ability.IF_MATCH in hidden:
        headers = [pair for pair in headers if pair[0] != b"if-match"]
        headers.append((b"if-match", b"*"))
    if Ability.IDEMPOTENCY_KEY in hidden:
        headers = [pair for pair in headers if pair[0] != b"idempotency-key"]
    query = scope["query_string"]
    unknown = {_REF} if no_refs else set()
    if Ability.UPDATED_SINCE in hidden:
        unknown.add(str(Ability.UPDATED_SINCE))
    if unknown:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        query = urlencode([pair for pair in pairs if pair[0] not in unknown]).encode()
    return {**scope, "headers": headers, "query_string": query}


def _request(body, hidden, no_refs):
    """A request's body without what the application does not know of."""
    content = _read(body)
    if not isinstance(content, dict):
        return body
    items = content.get("items")
    for item in filter(_is_object, items if isinstance(items, list) else ()):
        if Ability.IF_MATCH in hidden:
            item["if_match"] = "*"
        if Ability.IDEMPOTENCY_KEY in hidden:
            item.pop("idempotency_key", None)
    return to_json(_without_refs(content) if no_refs else content)


def _is_object(value):
    return isinstance(value, dict)


def _read(body):
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _without_refs(value):
    if isinstance(value, list):
        return [_without_refs(each) for each in value]
    if isinstance(value, dict):
        return {k: _without_refs(v) for k, v in value.items() if k != _REF}
    return value


def _changing(receive, change):
    """The gate gives the whole body in one message."""

    async def changed():
        message = await receive()
        if message.get("body"):
            message = {**message, "body": change(message["body"])}
        return message

    return changed


def _holding(send):
    """Sends the answer once it is whole, without keys; the gate counts its bytes."""
    start, body = {}, bytearray()

    async def held(message):
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        content = _read(bytes(body)) if body else None
        whole = bytes(body) if content is None else to_json(_without_refs(content))
        await send(start)
        await send({"type": "http.response.body", "body": whole})

    return held
