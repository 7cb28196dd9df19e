"""Nothing secret in errors, calls, alerts and logs."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

MASK = "***"
DEEPEST = 24  # levels of nesting; what lies deeper is masked as a whole

# Names of fields whose values are secret, in words of lower case. A field is secret
# when its name contains the words in a row: "token" covers "X-Access-Token".
DEFAULT_SECRET_FIELDS = frozenset(
    {
        "api key",
        "apikey",
        "authorization",
        "cookie",
        "credentials",
        "passwd",
        "password",
        "private key",
        "secret",
        "signature",
        "token",
    }
)

_SHAPES = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)",
            re.S,
            MASK,
        ),
        (r"(\b[a-z][a-z0-9+.-]*://)[^/?#\s@]*@", re.I, rf"\1{MASK}@"),
        (
            r"(authorization[\"']?\s*[:=]\s*[\"']?)(?:[a-z-]+[ ]+)?[^\s\"',;]+",
            re.I,
            rf"\1{MASK}",
        ),
        (r"\b(bearer|basic)(\s+)[\w.~+/=-]{6,}", re.I, rf"\1\2{MASK}"),
        (r"\bwhsec_[\w+/=-]+", 0, MASK),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", 0, MASK),
        (r"(https://hooks\.slack\.com/)[\w/]+", re.I, rf"\1{MASK}"),
    )
)


def redact(value: Any, secret_fields: Iterable[str] = DEFAULT_SECRET_FIELDS) -> Any:
    """A copy of the value in which secrets are masked; the value is left alone.

    Dictionaries, lists, tuples and sets are gone through; in texts the common shapes
    of secrets are found: authorization headers, bearer tokens, signing secrets, keys
    and users in addresses, ``name=value`` of secret names. Numbers, dates and the like
    are kept; any other object is redacted as its text. Idempotent.

    :param secret_fields: names in words of lower case, such as ``api key``; they come
        in place of the default.
    """
    return _redact(value, frozenset(secret_fields), 0)


def _redact(value, names, depth):
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _redact_text(value, names)
    if isinstance(value, (bytes, bytearray)):
        return _redact_text(bytes(value).decode("utf-8", "replace"), names)
    if depth >= DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {
            _redact_key(key, names): MASK
            if _is_secret(key, names) and item not in (None, "", False)
            else _redact(item, names, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_redact(item, names, depth + 1) for item in value]
        return items if isinstance(value, list) else _rebuilt(value, items)
    if type(value).__module__ in ("datetime", "decimal", "uuid"):
        return value
    return _redact_text(str(value), names)


def _rebuilt(value, items):
    return type(value)(items) if type(value) in (set, frozenset) else tuple(items)


def _redact_key(key, names):
    return _redact_text(key, names) if isinstance(key, str) else key


def _is_secret(key: Any, names: frozenset[str]) -> bool:
    return isinstance(key, str) and _name_is_secret(key, names)


@lru_cache(maxsize=4096)
def _name_is_secret(key: str, names: frozenset[str]) -> bool:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", key)
    words = " ".join(re.findall(r"[^\W_]+", spaced)).lower()
    return any(f" {name} " in f" {words} " for name in names)


def _redact_text(text: str, names: frozenset[str]) -> str:
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    assignment = _assignment(names)
    return assignment.sub(_mask_assigned, text) if assignment else text


@lru_cache(maxsize=32)
def _assignment(names: frozenset[str]) -> re.Pattern[str] | None:
    """``name=value``, ``name: value``, ``"name": "value"`` of secret names."""
    if not names:
        return None
    words = "|".join(re.escape(name).replace(r"\ ", "[-_ ]?") for name in sorted(names))
    return re.compile(
        rf"(?P<name>(?<![^\W_])(?:{words})(?![^\W_])[\w-]*[\"']?\s*[:=]\s*)"
        r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s\"'&,;)}\]]+)",
        re.IGNORECASE,
    )


def _mask_assigned(match: re.Match[str]) -> str:
    value = match["value"]
    quote = value[0] if value[0] in "\"'" else ""
    return f"{match['name']}{quote}{MASK}{quote}"
