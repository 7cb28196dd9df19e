"""What an exception says about itself, whatever library its class is from.

Exceptions of other libraries are read by their attributes, never imported. Nothing
here raises, whatever the attributes do.
"""

import errno
import re
from typing import Any

from ..storable import storable_text
from ..texts import text_of, tried
from .causes import NO_ANSWER, TLS_ASKED, TLS_WORDS, WORDS
from .retry_after import parse_retry_after

CHAIN_LIMIT = 32
CODE_LIMIT = 128  # characters of the other side's code
BEGINNING = 1000  # characters of an answer that is a text
_STATUS_NAMES = ("status", "status_code", "http_status", "errcode", "code")
_CODE_NAMES = ("code", "error_code")
# What OpenSSL's and urllib3's own places put before and after a sentence.
_LIBRARY = re.compile(
    r"^\[[^]]*\] |^_ssl\.c:\d+: |^\w+\(host=.*?\): "
    r"| \(_ssl\.c:\d+\)$|\.$"
)
# How Python's own client tells of it, in every language.
_TUNNEL = re.compile(r"Tunnel connection failed: (?P<status>[1-5][0-9]{2})\b")
# How an alert of TLS begins: its kind, and the first half of the version.
_ALERT = "\x15\x03"
_SQLSTATE_NAMES = ("pgcode", "sqlstate")


def read(thing: Any, name: str) -> Any:
    """The attribute, or None if there is none or it cannot be read."""
    return tried(getattr, thing, name, None)


def not_sent(exc: BaseException, links: list[BaseException]) -> bool:
    """Whether it is known that the request had not left: the sender says so in an
    attribute ``sent`` of what failed before, or no connection could be made, whatever
    the reason."""
    if any(read(link, "sent") is False for link in links):
        return True
    # An exception that was being handled may be that of a call before.
    own = map(qualified_names, chain(exc, implicit=False))
    return any("urllib3.exceptions.NewConnectionError" in names for names in own)


def chain(exc: BaseException, *, implicit: bool = True) -> list[BaseException]:
    """The exception and its causes, outermost first, at most ``CHAIN_LIMIT``, each
    once: a chain that runs in circles ends.

    Causes are ``__cause__``, exceptions kept as ``reason`` or ``last_error`` or among
    the arguments, the members of a group; and, if ``implicit``, the exception that
    was being handled.
    """
    found: list[BaseException] = []
    todo = [exc]
    while todo and len(found) < CHAIN_LIMIT:
        link = todo.pop()
        if any(link is seen for seen in found):
            continue
        found.append(link)
        causes = [link.__cause__, read(link, "reason"), read(link, "last_error")]
        for several in (read(link, "args"), read(link, "exceptions")):
            if isinstance(several, (tuple, list)):
                causes += several[:CHAIN_LIMIT]
        if implicit and not link.__suppress_context__:
            causes.append(link.__context__)
        todo += [c for c in reversed(causes) if isinstance(c, BaseException)]
    return found


def qualified_names(exc: BaseException) -> list[str]:
    """The dotted names of its class and base classes, most derived first."""
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(exc).__mro__]


def http_status(exc: BaseException) -> int | None:
    """The status of the failing HTTP answer it carries, 300..599."""
    # A response may be falsy because it failed: compare with None only.
    for holder in (exc, read(exc, "response")):
        for name in _STATUS_NAMES:
            value = None if holder is None else read(holder, name)
            if isinstance(value, int) and 300 <= value <= 599:
                return int(value)
    return None


def os_code(exc: BaseException) -> str | None:
    """The symbolic name of the operating system's error number: ``ENOSPC``."""
    number = read(exc, "errno")
    if not isinstance(exc, OSError) or not isinstance(number, int):
        return None
    # TLS errors put a number of their own there.
    if "ssl.SSLError" in qualified_names(exc):
        return None
    return errno.errorcode.get(number)


def tls_reason(exc: BaseException) -> str | None:
    """OpenSSL's name of what went wrong: ``WRONG_VERSION_NUMBER``."""
    reason = read(exc, "reason")
    known = isinstance(reason, str) and "ssl.SSLError" in qualified_names(exc)
    return reason if known else None


def speaks_tls(exc: BaseException) -> bool:
    """Whether what came instead of an answer is TLS refusing what it does not know."""
    line = read(exc, "line")
    known = isinstance(line, str) and line.startswith(_ALERT)
    return known and "http.client.BadStatusLine" in qualified_names(exc)


def tunnel_status(exc: BaseException) -> int | None:
    """What a proxy answered that was asked to connect to the other side."""
    refusal = _TUNNEL.match(message(exc)) if isinstance(exc, OSError) else None
    return int(refusal["status"]) if refusal else None


def smtp_reply(exc: BaseException) -> int | None:
    """The three digits of a mail server's refusal; if several refuse, those of one."""
    code = read(exc, "smtp_code")
    refused = read(exc, "recipients")
    if isinstance(refused, dict) and refused:
        # As long as one may work later, they all are tried again.
        codes = [reply[0] for reply in refused.values() if isinstance(reply, tuple)]
        code = min(codes, default=None)
    return code if isinstance(code, int) and 400 <= code <= 599 else None


def fault_code(exc: BaseException) -> int | None:
    """The number of an XML-RPC fault."""
    code = read(exc, "faultCode")
    return code if isinstance(code, int) else None


def remote_class(exc: BaseException) -> str | None:
    """The dotted name of what was raised on another Odoo, which its JSON-RPC puts in
    the ``data`` of an error."""
    args = read(exc, "args")
    bodies = [read(exc, name) for name in ("info", "error", "data", "body")]
    for value in (*bodies, *(args if isinstance(args, tuple) else ())):
        inner = value
        for key in ("error", "data"):
            if isinstance(inner, dict) and isinstance(inner.get(key), dict):
                inner = inner[key]
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str):
            return name
    return None


def raw_answer(exc: BaseException) -> str | None:
    """The beginning of an answer that could not be read, for the record."""
    raws = (read(link, "raw") for link in chain(exc))
    return next((raw for raw in raws if isinstance(raw, str)), None)


def request_id(exc: BaseException) -> str | None:
    """The id of the request that failed, as its sender noted it."""
    ids = (read(link, "request_id") for link in chain(exc))
    return next((found for found in ids if isinstance(found, str)), None)


def body_text(exc: BaseException) -> str:
    """The beginning of an answer that is a text, not JSON."""
    for value in (read(exc, "body"), read(read(exc, "response"), "text")):
        if isinstance(value, str):
            return value[:BEGINNING]
    return ""


def sqlstate(exc: BaseException) -> str | None:
    """PostgreSQL's five characters."""
    for name in _SQLSTATE_NAMES:
        value = read(exc, name)
        if isinstance(value, str) and len(value) == 5:
            return value.upper()
    return None


def body_code(exc: BaseException) -> str | None:
    """The machine-readable code of the other side's answer."""
    for name in _CODE_NAMES:
        value = read(exc, name)
        if isinstance(value, str) and value and not value.isdigit():
            return storable_text(value, CODE_LIMIT)
    return None


def message(exc: BaseException) -> str:
    """What it says, or the name of its class if it says nothing."""
    return tried(str, exc) or type(exc).__name__


def words_for_people(exc: BaseException) -> str:
    """The message for people: for a request without an answer its address and the
    cause, without the classes of the libraries in between."""
    url = read(read(exc, "request"), "url")
    if not isinstance(url, str) or NO_ANSWER.isdisjoint(qualified_names(exc)):
        return _of_parts(exc)
    address = re.sub("//[^/@]*@", "//", url.partition("?")[0])
    return f"No answer from {address}: {_cause(chain(exc, implicit=False)[-1])}."


def _of_parts(exc: BaseException) -> str:
    """What it says; of a title and a text, as Odoo's mail has them, both, and not how
    Python writes a pair."""
    said, parts = message(exc), read(exc, "args")
    texts = isinstance(parts, tuple) and all(isinstance(p, str) for p in parts)
    if not texts or len(parts) < 2 or said != tried(str, parts):
        return said
    return tried(": ".join, filter(None, parts)) or said


def _cause(link: BaseException) -> str:
    for name in qualified_names(link):
        if name in WORDS:
            return WORDS[name]
    if words := TLS_WORDS.get(tls_reason(link) or ""):
        return words
    if speaks_tls(link):
        return TLS_ASKED
    said = read(link, "strerror")
    text = _LIBRARY.sub("", said if isinstance(said, str) else message(link)).strip()
    # "Connection refused", not "EOF occurred".
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def retry_after(exc: BaseException, now: float | None = None) -> float | None:
    """Seconds it asks to wait. An HTTP date counts from the answer's own ``Date``,
    so that a clock that is wrong does no harm; from ``now`` if it has none.
    """
    own = read(exc, "retry_after")
    if own is not None:
        return parse_retry_after(own, now)
    for holder in (exc, read(exc, "response")):
        headers = None if holder is None else read(holder, "headers")
        if asked := _header(headers, "retry-after"):
            return parse_retry_after(asked, now, sent_at=_header(headers, "date"))
    return None


def _header(headers: Any, name: str) -> str | None:
    for key, value in (tried(dict, headers or {}) or {}).items():
        if text_of(key).lower() == name and value is not None:
            return text_of(value)
    return None
