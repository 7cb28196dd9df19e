"""How Odoo authenticates itself to a pharmacy app: what may be entered, who gets it.

Sources: RFC 9110 (header fields), RFC 7617 (Basic), RFC 6749 (OAuth 2.0).
"""

import re
from collections.abc import Mapping

from ..taxonomy import TextEnum
from .address import origin


class Method(TextEnum):
    """How a request says who asks."""

    BEARER = "bearer"
    BASIC = "basic"
    HEADER = "header"
    OAUTH2 = "oauth2"


# What each method uses besides the secret.
USED: Mapping[str, tuple[str, ...]] = {
    Method.BEARER: (),
    Method.BASIC: ("auth_user",),
    Method.HEADER: ("auth_header",),
    Method.OAUTH2: ("token_url", "client_id", "token_scope"),
}
_OPTIONAL = {"token_scope"}
# Characters of each.
LONGEST: Mapping[str, int] = {
    "auth_user": 200,
    "auth_header": 100,
    "token_url": 1000,
    "client_id": 200,
    "token_scope": 1000,
}
_WORD = r"[\x21\x23-\x5b\x5d-\x7e]+"
_CHARACTERS = {
    # The colon ends the user name.
    "auth_user": re.compile(r"[^\x00-\x1f\x7f:]*"),
    "auth_header": re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*"),
    "client_id": re.compile(r"[\x20-\x7e]*"),
    "token_scope": re.compile(rf"{_WORD}(?: {_WORD})*"),
}
# Headers that HTTP itself needs, or that Odoo sets.
_RESERVED = re.compile(
    r"accept(?:-.+)?|age|connection|content-.+|cookie2?|date|expect|forwarded|from|host"
    r"|http2-settings|idempotency-key|if-.+|keep-alive|max-forwards|origin|proxy-.+"
    r"|range|referer|sec-.+|set-cookie2?|te|trace(?:parent|state)|trailer"
    r"|transfer-encoding|upgrade|user-agent|via|x-actor|x-correlation-id"
    r"|x-forwarded-.+|x-http-method(?:-override)?|x-request-deadline-ms|x-request-id",
    re.IGNORECASE,
)


def fault(method: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """What keeps these values from being used by a method.

    :param values: by the name of a field; see :data:`LONGEST`
    :return: the field, and ``missing``, ``long``, ``characters`` or ``reserved``; None
        if nothing does
    """
    for name, text in values.items():
        if len(text) > LONGEST[name]:
            return name, "long"
        # What another method would need is nobody's concern now.
        if name not in USED[method]:
            continue
        if not text:
            if name not in _OPTIONAL:
                return name, "missing"
        elif name in _CHARACTERS and not _CHARACTERS[name].fullmatch(text):
            return name, "characters"
        elif name == "auth_header" and _RESERVED.fullmatch(text):
            return name, "reserved"
    return None


def is_header_value(text: str) -> bool:
    """Whether a header can hold a text, as it is."""
    return not re.search(r"[^\x20-\x7e\x80-\xff]", text)


def receivers(method: str, url: str, token_url: str) -> frozenset[tuple[object, str]]:
    """Who gets the secret, and who what is got with it: origins, each with
    ``secret`` or ``token``."""
    app = origin(url.strip())
    if method == Method.OAUTH2:
        return frozenset({(origin(token_url.strip()), "secret"), (app, "token")})
    return frozenset({(app, "secret")})


def goes_elsewhere(
    before: frozenset[tuple[object, str]], after: frozenset[tuple[object, str]]
) -> bool:
    """Whether a kept secret, or what is got with it, would go where it did not go
    before. Who has the secret can have the rest."""
    allowed = before | {(place, "token") for place, __ in before}
    return not after <= allowed
