"""The door of the API: size, correlation id, key, faults, log; plain ASGI."""

import asyncio
import json
import logging
import re
import time
import uuid
from dataclasses import dataclass, replace
from email.utils import formatdate

from . import clock
from .auth import TOKEN_PATH
from .errors import CODE_OF_STATUS, ApiError, Code, correlation_id, to_json
from .transport import cut, is_closing

PREFIX = "/api/"
BODY_LIMIT = 5 * 1024 * 1024
_DRAIN_LIMIT = 10 * BODY_LIMIT
_OPEN_PATHS = {"/api/v1/health", TOKEN_PATH}
_CORRELATION = re.compile(r"[!-~]{1,200}")
_logger = logging.getLogger(__name__)


@dataclass
class Incoming:
    """A request that was read whole; ``body`` is None when it was too large."""

    scope: dict
    headers: dict
    body: bytes | None
    correlation_id: str

    @classmethod
    async def read(cls, scope, receive):
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        given = headers.get("x-correlation-id", "")
        correlation = given if _CORRELATION.fullmatch(given) else uuid.uuid4().hex
        return cls(scope, headers, await _read_body(receive), correlation)

    @property
    def path(self):
        return self.scope["raw_path"].decode("latin-1")

    def items(self):
        """How many records the request brings."""
        if self.scope["method"] == "GET":
            return 0
        if not self.path.endswith("/batch"):
            return 1
        try:
            return len(json.loads(self.body)["items"])
        except (ValueError, TypeError, KeyError):
            return 0


@dataclass
class Answer:
    """An answer that is complete but not sent."""

    status: int
    headers: list
    body: bytes


class Gate:
    """Middleware around the API and the giving of tokens; what lies elsewhere passes
    untouched."""

    def __init__(self, app, callers, faults, log):
        self._app = app
        self._callers = callers
        self._faults = faults
        self._log = log

    async def __call__(self, scope, receive, send):
        inside = scope["type"] == "http" and (
            scope["path"].startswith(PREFIX) or scope["path"] == TOKEN_PATH
        )
        if not inside:
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        incoming = await Incoming.read(scope, receive)
        correlation_id.set(incoming.correlation_id)
        method = scope["method"]
        content = scope["query_string"] + b"\n" + (incoming.body or b"")
        rules = self._faults.draw(method, incoming.path, content)

        def log(status):
            self._log.add(
                method=method,
                path=incoming.path,
                query=scope["query_string"].decode("latin-1"),
                status=status,
                correlation_id=incoming.correlation_id,
                actor=incoming.headers.get("x-actor", ""),
                deadline_ms=incoming.headers.get("x-request-deadline-ms", ""),
                traceparent=incoming.headers.get("traceparent", ""),
                faults=list(rules),
                items=incoming.items(),
                duration_ms=round((time.monotonic() - started) * 1000, 1),
            )

        if "clock_skew" in rules:
            clock.skew_seconds.set(rules["clock_skew"].seconds)
        if "latency" in rules:
            await asyncio.sleep(max(0, rules["latency"].seconds))
        if "reset" in rules or "hang" in rules:
            log(None)
            if "reset" not in rules:
                await _wait(scope, max(0, rules["hang"].seconds))
            await cut(scope, receive, reset="reset" in rules)
            return
        answer = self._refusal(incoming, rules)
        if not answer and "refuse_item" in rules:
            answer = await self._applied_in_part(incoming, rules["refuse_item"])
        answer = answer or await self._applied(incoming)
        if "lost_answer" in rules:
            log(None)
            await cut(scope, receive)
            return
        for kind, distort in _DISTORTIONS.items():
            if kind in rules:
                answer.body = distort(answer.body, rules[kind])
        log(answer.status)
        await _send(scope, send, answer, incoming, rules.get("drip"))

    def _refusal(self, incoming, rules):
        """The answer that is given without asking the application, or None."""
        for kind, rule in rules.items():
            code = _REFUSALS.get(kind)
            if code or kind == "error":
                return _injected(
                    code or CODE_OF_STATUS.get(rule.status, Code.UNAVAILABLE), rule
                )
        known = incoming.path in _OPEN_PATHS or self._callers.know(incoming.headers)
        if not known:
            error = ApiError(Code.UNAUTHORIZED, "wrong or missing API key")
            return _refused(error, self._callers.challenge())
        if incoming.body is None:
            return _refused(
                ApiError(Code.PAYLOAD_TOO_LARGE, f"more than {BODY_LIMIT} bytes")
            )
        return None

    async def _applied_in_part(self, incoming, rule):
        """The answer to a batch some items of which are refused; None: to another
        request."""
        items = json.loads(incoming.body)["items"] if incoming.items() else []
        if not incoming.path.endswith("/batch") or not items:
            return None
        refused = [(rule.match.contains or "") in json.dumps(item) for item in items]
        taken = [item for item, no in zip(items, refused, strict=True) if not no]
        answer = await self._applied(replace(incoming, body=to_json({"items": taken})))
        if answer.status == 200:
            results = iter(json.loads(answer.body)["results"])
            code = CODE_OF_STATUS.get(rule.status, Code.UNAVAILABLE)
            error = ApiError(code, "a fault was asked for")
            result = {**error.result(incoming.correlation_id), "status": rule.status}
            answer.body = to_json(
                {"results": [result if no else next(results) for no in refused]}
            )
        return answer

    async def _applied(self, incoming):
        """What the application answers; a crash of it is an ``internal`` error."""
        answer = Answer(500, [], b"")

        async def receive():
            return {"type": "http.request", "body": incoming.body, "more_body": False}

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = list(message["headers"])
            else:
                answer.body += message.get("body", b"")

        try:
            await self._app(incoming.scope, receive, send)
        except Exception:
            _logger.exception("correlation=%s", incoming.correlation_id)
            return _refused(ApiError(Code.INTERNAL, "the application failed"))
        return answer


async def _read_body(receive):
    chunks, size, more = [], 0, True
    while more and size <= _DRAIN_LIMIT:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= BODY_LIMIT:
            chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks) if size <= BODY_LIMIT else None


_REFUSALS = {
    "rate_limit": Code.RATE_LIMITED,
    "refuse_auth": Code.UNAUTHORIZED,
    "forbid": Code.FORBIDDEN,
}


def _refused(error, challenge="Bearer"):
    headers = [(b"content-type", b"application/json")]
    if error.code == Code.UNAUTHORIZED:
        headers.append((b"www-authenticate", challenge.encode()))
    return Answer(error.status, headers, to_json(error.body()))


def _injected(code, rule):
    answer = _refused(ApiError(code, "a fault was asked for"))
    if rule.kind == "error":
        answer.status = rule.status
    seconds = rule.retry_after
    if seconds is None and rule.kind == "rate_limit":
        seconds = 1
    if seconds is not None:
        answer.headers.append((b"retry-after", str(seconds).encode()))
    return answer


def _corrupted(body, rule):
    """The first half of the text, then what no JSON reader takes."""
    return body[: len(body) // 2] + b"\x00}{"


def _misshapen(body, rule):
    """Valid JSON without any ``id`` and with versions as text."""

    def bend(value):
        if isinstance(value, list):
            return [bend(item) for item in value]
        if not isinstance(value, dict):
            return value
        bent = {key: bend(item) for key, item in value.items() if key != "id"}
        if "version" in bent:
            bent["version"] = f"v{bent['version']}"
        return bent

    return to_json(bend(json.loads(body))) if body else body


def _with_bad_record(body, rule):
    """The answer with other values of one record, wherever it stands. A change of
    the feed has its id, version and flag beside the record's data."""

    def bend(value):
        if isinstance(value, list):
            return [bend(item) for item in value]
        if not isinstance(value, dict):
            return value
        bent = {key: bend(item) for key, item in value.items()}
        if value.get("id") != rule.record:
            return bent
        own = {key: item for key, item in rule.put.items() if key in value}
        return {**bent, **(own if "seq" in value else rule.put)}

    return to_json(bend(json.loads(body))) if body else body


_DISTORTIONS = {
    "wrong_schema": _misshapen,
    "bad_record": _with_bad_record,
    "corrupt_json": _corrupted,
}


async def _wait(scope, seconds):
    """Until the time is over or the caller has gone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not is_closing(scope):
        await asyncio.sleep(min(0.1, seconds))


async def _send(scope, send, answer, incoming, drip):
    own = {
        b"content-length": str(len(answer.body)).encode(),
        b"date": formatdate(clock.now(), usegmt=True).encode(),
        b"x-correlation-id": incoming.correlation_id.encode(),
    }
    if answer.status == 204:
        del own[b"content-length"]
    headers = [pair for pair in answer.headers if pair[0] not in own]
    headers.extend(own.items())
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": headers}
    )
    if drip is not None:
        await _drip(scope, send, answer.body, drip.bytes_per_second)
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _drip(scope, send, body, rate):
    """Send the body in small pieces, that many bytes a second."""
    size = max(1, rate // 20)
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(len(piece) / rate)
        if is_closing(scope):
            return
    await send({"type": "http.response.body", "body": b""})
