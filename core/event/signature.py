"""Signed messages after the Standard Webhooks specification 1.0.

The signature is HMAC-SHA256 over ``id.timestamp.body``, in base64, written
``v1,<base64>``; several, separated by spaces, while a secret is being replaced.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from ..exceptions import ConfigurationError, SignatureError
from ..storable import UNSTORABLE

PREFIX = "whsec_"
TOLERANCE = 300
# One way of writing each number: no sign, no zero in front, no endless row of digits.
_SECONDS = re.compile("0|[1-9][0-9]{0,14}")
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Signed:
    """A message that may be believed. ``id`` is the same each time that the message
    is delivered: remember it to notice a replay. ``timestamp``: POSIX seconds.
    """

    id: str
    timestamp: int


def sign(secret: str, msg_id: str, timestamp: int, body: bytes | str) -> str:
    """One signature, ``v1,<base64>``.

    :param secret: ``whsec_`` and the key in base64.
    :param timestamp: POSIX seconds.
    :raise ConfigurationError: the secret is no such thing.
    """
    body = body.encode() if isinstance(body, str) else body
    signed = b".".join((msg_id.encode(), str(int(timestamp)).encode(), body))
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(
    secrets: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes | str,
    now: float,
    tolerance: float = TOLERANCE,
) -> Signed:
    """Check a message, or raise.

    :param secrets: one or, while one replaces another, several.
    :param headers: of the request, in any case.
    :param body: exactly as received.
    :param now: POSIX seconds.
    :param tolerance: seconds by which the timestamp may differ from ``now``.
    :raise SignatureError: with ``reason`` missing_header, malformed, stale,
        from_the_future or mismatch.
    :raise ConfigurationError: there is no usable secret.
    """
    given = {name.lower(): value for name, value in headers.items()}
    msg_id, stamp, signatures = (given.get(name) or "" for name in HEADERS)
    if not (msg_id and stamp and signatures):
        _refuse("missing_header", "A signature header is missing.")
    if UNSTORABLE.search(msg_id + signatures):
        _refuse("malformed", "A signature header holds what is no text.")
    if not _SECONDS.fullmatch(stamp):
        _refuse("malformed", "The timestamp is no number of seconds.")
    timestamp = int(stamp)
    secrets = [secrets] if isinstance(secrets, str) else list(secrets)
    if not secrets:
        raise ConfigurationError("No signing secret is set.", field="secrets")
    expected = [sign(secret, msg_id, timestamp, body).encode() for secret in secrets]
    # Every pair is compared, so that the time reveals nothing.
    matches = [
        hmac.compare_digest(known, candidate.encode())
        for known in expected
        for candidate in signatures.split(" ")
    ]
    if not any(matches):
        _refuse("mismatch", "No signature matches.")
    # Only of a message that is the app's own does its time say something of a clock.
    if timestamp < now - tolerance:
        _refuse("stale", "The message is too old.")
    if timestamp > now + tolerance:
        _refuse("from_the_future", "The message is from the future.")
    return Signed(msg_id, timestamp)


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ConfigurationError(
            "A signing secret must be whsec_ followed by a key in base64.",
            field="secret",
        )
    return key


def _refuse(reason: str, message: str) -> NoReturn:
    raise SignatureError(message, reason=reason)
