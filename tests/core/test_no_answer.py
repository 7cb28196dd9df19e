"""What people read when a request gets no answer: where to, and why."""

import re

import pytest
import requests
from broken_servers import (
    answering,
    closing,
    raised,
    refused,
    resetting,
    server,
    silent,
)

from odoo.addons.pharmacy_sync.core.error.classification import Rule, classify
from odoo.addons.pharmacy_sync.core.error.fingerprint import fingerprint
from odoo.addons.pharmacy_sync.core.taxonomy import ErrorType

PATH = "api/v1/suppliers?cursor=17"


def asked(answer, path=PATH, scheme="http", method="GET"):
    """What is raised when such a server is asked."""

    def ask():
        with server(answer) as url:
            url = url.replace("http", scheme)
            requests.request(method, url + path, timeout=0.3)

    return raised(ask)


def tls_alert(connection):
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x32")


@pytest.mark.parametrize(
    ("exc", "expected"),
    [
        (raised(refused), "http://127.0.0.1:*/: connection refused."),
        (
            asked(resetting),
            "http://127.0.0.1:*/api/v1/suppliers: connection reset by peer.",
        ),
        (
            asked(closing),
            "http://127.0.0.1:*/api/v1/suppliers: "
            "remote end closed connection without response.",
        ),
        (asked(silent), "http://127.0.0.1:*/api/v1/suppliers: timed out."),
        (
            asked(silent, scheme="https"),
            "https://127.0.0.1:*/api/v1/suppliers: the handshake operation timed out.",
        ),
        (
            asked(answering(200), scheme="https"),
            "https://127.0.0.1:*/api/v1/suppliers: that port speaks http, not https.",
        ),
        (
            asked(tls_alert),
            "http://127.0.0.1:*/api/v1/suppliers: that port speaks https, not http.",
        ),
        (
            raised(lambda: requests.get("http://user:secret@no.such.invalid/x")),
            "http://no.such.invalid/x: name or service not known.",
        ),
    ],
    ids=["refused", "reset", "closed", "silent", "handshake", "plain", "TLS", "name"],
)
def test_it_is_reported_where_to_and_why(exc, expected):
    reported = re.sub(r":\d+/", ":*/", classify(exc).message)
    assert reported == f"No answer from {expected}"


def test_the_same_cause_has_the_same_fingerprint():
    def name(exc):
        found = classify(exc)
        return fingerprint(1, "push", found.type, found.code, found.message)

    assert name(raised(refused)) == name(raised(refused))
    same = {
        name(asked(resetting)),
        name(asked(resetting, path="api/v1/products/batch")),
        name(asked(resetting, method="POST")),
    }
    assert len(same) == 1
    assert name(raised(refused)) not in same


def test_a_rule_may_be_made_from_either_text():
    for pattern in ("No answer from .* refused", "Failed to establish a new conn"):
        rule = Rule(ErrorType.SERVICE_UNAVAILABLE, pattern=pattern)
        found = classify(raised(refused), rules=[rule])
        assert found.type is ErrorType.SERVICE_UNAVAILABLE


def test_what_has_no_address_says_what_it_says():
    assert classify(requests.ConnectionError("cut")).message == "cut"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (
            ("Mail Delivery Failed", "server x: 500 no"),
            "Mail Delivery Failed: server x: 500 no",
        ),
        (("One",), "One"),
        (("", "Two"), "Two"),
        ((1, "x"), "(1, 'x')"),
        ((), "MailError"),
    ],
)
def test_what_an_error_says_in_parts_is_no_pair_of_pythons(parts, said):
    class MailError(Exception):
        """As Odoo's mail has it."""

    assert classify(MailError(*parts)).message == said


def test_an_error_with_words_of_its_own_says_them():
    class OwnError(Exception):
        def __str__(self):
            return "own words"

    assert classify(OwnError("a", "b")).message == "own words"
