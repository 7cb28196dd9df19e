"""Nothing secret in errors, calls, alerts and logs."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ..storable import storable_text
from ..texts import text_of
from .command_lines import masked_items
from .redaction_reader import MASK
from .redaction_text import mask_text
from .secret_names import DEFAULT_SECRET_FIELDS, secret_name

DEEPEST = 24  # levels of nesting; what lies deeper is masked as a whole
LONGEST = 50_000  # characters of a text that are looked at and kept
_NOTE = 40  # characters that the note of what was left out may have
_LOST_WITH_IT = 512  # the longest word of which the cut leaves nothing
_LAST_WORD = re.compile(r"\S+\s*\Z")

# Of a longer one its end says what it is, as that of a shorter one does.
_LONGEST_NAME = 200

# Words for the two halves of ``{"name": "password", "value": "X"}``.
_NAMING, _VALUE = (
    frozenset({*names, *map(str.capitalize, names), *map(str.upper, names)})
    for names in (
        ("name", "key", "field", "header", "param", "parameter"),
        ("value", "val", "content"),
    )
)


def redact(value: Any, secret_fields: Iterable[str] = DEFAULT_SECRET_FIELDS) -> Any:
    """A copy of the value in which secrets are masked; the value is left alone.

    Dictionaries, lists, tuples and sets are gone through, pairs of a name and a value
    and objects with both included; texts that are JSON are read as such. In other texts
    what follows a secret name is found (``name=value``, headers, cookies, tags,
    quoted and escaped), and what looks like a secret: users in addresses, bearer
    tokens, keys, tokens with a known beginning. Numbers, dates and the like are kept;
    any other object is redacted as its text. Idempotent.

    A text has at most ``LONGEST`` characters afterwards, and a note of what was left
    out; it can be stored by PostgreSQL, see :mod:`..storable`. Takes time that
    is linear in the size of the value. Never raises.

    :param secret_fields: names in words of lower case, such as ``api key``; they come
        in place of the default.
    """
    return _redact(value, frozenset(secret_fields), 0)


def _redact(value: Any, names: frozenset[str], depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _redact_text(value, names, depth)
    if isinstance(value, (bytes, bytearray)):
        return _redact_text(_decoded(value), names, depth)
    if depth >= DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return _redact_mapping(value, names, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        items = _redact_items(value, names, depth)
        return items if isinstance(value, list) else _rebuilt(value, items)
    if type(value).__module__ in ("datetime", "decimal", "uuid"):
        return value
    return _redact_text(text_of(value), names, depth)


def _redact_mapping(value: Mapping[Any, Any], names: frozenset[str], depth: int) -> Any:
    masked = {key for key in value if _is_secret(key, names)}
    if any(_is_secret(value[key], names) for key in _NAMING.intersection(value)):
        masked |= _VALUE.intersection(value)
    return {
        _redact(key, names, DEEPEST) if isinstance(key, (str, bytes)) else key: MASK
        if key in masked and item not in (None, "", False)
        else _redact(item, names, depth + 1)
        for key, item in value.items()
    }


def _redact_items(value: Iterable[Any], names: frozenset[str], depth: int) -> list[Any]:
    items = list(value)
    if (
        isinstance(value, (list, tuple))
        and len(items) == 2
        and _is_secret(items[0], names)
        and items[1] not in (None, "", False)
    ):
        return [_redact(items[0], names, DEEPEST), MASK]
    masked = masked_items(items) if isinstance(value, (list, tuple)) else {}
    masked |= {
        index: MASK
        for index, option in enumerate(items[:-1], 1)
        if isinstance(option, str) and option[:1] == "-" and _is_secret(option, names)
    }
    return [
        masked.get(index) or _redact(item, names, depth + 1)
        for index, item in enumerate(items)
    ]


def _rebuilt(value: Any, items: list[Any]) -> Any:
    return type(value)(items) if type(value) in (set, frozenset) else tuple(items)


def _is_secret(key: Any, names: frozenset[str]) -> bool:
    """Whether it is a name, not a text in which one occurs."""
    if isinstance(key, (bytes, bytearray)):
        key = _decoded(key)
    return isinstance(key, str) and _name_is_secret(key[-_LONGEST_NAME:], names)


@lru_cache(maxsize=4096)
def _name_is_secret(key: str, names: frozenset[str]) -> bool:
    return not set(key) & set(":=<>{}'\"") and secret_name(key, names) is not None


def _decoded(value: bytes | bytearray) -> str:
    return bytes(value).decode("utf-8", "replace")


def _redact_text(text: str, names: frozenset[str], depth: int) -> str:
    text, note = _cut(text)
    # Marks are longer than what they stand for.
    text = storable_text(text, 10 * LONGEST)
    if depth < DEEPEST and not note and text[:1] in ("{", "["):
        return _redact_json(text, names, depth)
    return mask_text(text, names) + note


def _redact_json(text: str, names: frozenset[str], depth: int) -> str:
    """A text that is JSON is read as such: escapes hide nothing then."""
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        masked = _redact(value, names, depth + 1)
        if masked != value:
            text = json.dumps(masked, ensure_ascii=False)
    return mask_text(text, names)


def _cut(text: str) -> tuple[str, str]:
    """The part of a text that is looked at, and a note of what is not.

    A secret that the cut goes through might not be known by what is left of it: the
    last word goes with it.
    """
    if len(text) <= LONGEST:
        return text, ""
    kept = text[: LONGEST - _NOTE]
    word = _LAST_WORD.search(kept, len(kept) - _LOST_WITH_IT)
    kept = kept[: word.start()] if word else kept
    return kept, f" [... {len(text) - len(kept)} characters left out]"
