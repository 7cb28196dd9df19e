"""One HTTP request of a person, and what the person knows of it afterwards."""

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

from .ledger import ACKNOWLEDGED, REFUSED, UNKNOWN

TIMEOUT = 20
UNAVAILABLE = 503


@dataclass(frozen=True)
class Answer:
    """:ivar data: the JSON of an answer that could be read"""

    outcome: str
    began: float
    ended: float
    status: int | None = None
    data: object = None

    @property
    def good(self):
        return self.outcome == ACKNOWLEDGED


def call(method, url, key, body=None, headers=None, timeout=TIMEOUT):
    """Ask once.

    An answer that says no is a refusal, and so is a closed door. Without an answer, or
    with one that cannot be read, or after a failure inside, nobody knows.
    """
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            **(headers or {}),
        },
    )
    began = time.monotonic()
    outcome, status, data = _ask(request, timeout)
    return Answer(outcome, began, time.monotonic(), status, data)


def _ask(request, timeout):
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            body = answer.read()
            return ACKNOWLEDGED, answer.status, json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        with error:
            refused = error.code < 500 or error.code == UNAVAILABLE
            return REFUSED if refused else UNKNOWN, error.code, None
    except urllib.error.URLError as error:
        closed = isinstance(error.reason, ConnectionRefusedError)
        return REFUSED if closed else UNKNOWN, None, None
    except (OSError, http.client.HTTPException, ValueError):
        return UNKNOWN, None, None
