"""What each status means, one by one: a neighbour's meaning is another's retry."""

import pytest

from odoo.addons.pharmacy_sync.core.error.causes import CODES
from odoo.addons.pharmacy_sync.core.error.classification import (
    classify,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.error.http_causes import STATUSES
from odoo.addons.pharmacy_sync.core.exceptions import HttpError
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery

MEANS = {
    "data_validation_failed": (400, 422, 418, 439),
    "authentication_failed": (401, 440),
    "business_rule_violation": (402, 423, 424),
    "insufficient_permissions": (403, 451),
    "resource_not_found": (404, 410),
    "network_timeout": (408,),
    "version_conflict": (409, 412),
    "rate_limit_exceeded": (429,),
    "temporary_server_error": (425, 500, 507, 555),
    "service_unavailable": (
        *(460, 499, 502, 503, 504),
        *(520, 521, 522, 523, 524, 527, 529, 530, 598, 599),
    ),
    "configuration_error": (
        *(300, 301, 302, 307, 308, 405, 406, 407, 415, 421, 426, 428, 431),
        *(494, 495, 496, 497, 501, 505, 511, 525, 526),
    ),
}
LOST = {460, 499, 502, 504, 520, 522, 524, 527, 598, 599}
# What the body may say more exactly than the status, by its code.
SAID = {
    "business_rule": (400, 409, 422),
    "insufficient_stock": (400, 409, 422),
    "duplicate_order": (400, 409, 422),
    "order_already_processed": (400, 409, 422),
    "unknown_supplier": (400, 404, 409, 410, 422),
    "not_found": (400, 404, 409, 410, 422),
    "version_conflict": (409, 412),
    "invalid_api_key": (401,),
    "rate_limited": (400, 403, 429),
}
EACH = [(status, name) for name, many in MEANS.items() for status in many]


@pytest.mark.parametrize("status, name", EACH)
def test_a_status_means(status, name):
    found = classify_response(status)
    assert found.type == name
    lost = found.delivery is Delivery.UNKNOWN
    assert lost == (status in LOST)


@pytest.mark.parametrize(
    "said",
    [
        "upstream connect error or disconnect/reset before headers",
        "upstream timed out (110: Connection timed out) while reading",
        "An invalid response was received from the upstream server",
        "The proxy server received an invalid response from an upstream server.",
        "<title>503 Backend fetch failed</title>",
        "503 first byte timeout",
        '<iframe src="//www.herokucdn.com/error-pages/application-error.html">',
    ],
)
def test_what_a_gateway_says_is_believed_of_a_failing_server(said):
    lost = {s for s in range(400, 600) if is_lost(classify_response(s, message=said))}
    assert lost == LOST | set(range(500, 600))


def is_lost(found):
    return found.delivery is Delivery.UNKNOWN


def test_none_is_left_out():
    assert set(STATUSES) <= {status for status, __ in EACH}


@pytest.mark.parametrize("code", SAID)
def test_the_body_makes_more_exact_what_the_status_leaves_open(code):
    said = CODES[code]
    exact = {s for s in range(400, 600) if classify_response(s, code).type is said}
    assert exact == {*SAID[code], *MEANS.get(said, ())}


def test_a_code_may_be_written_in_humps():
    for code in ("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "rate-limit exceeded"):
        assert classify_response(403, code).type == "rate_limit_exceeded"


@pytest.mark.parametrize(
    "said",
    [
        "<title>400 The plain HTTP request was sent to HTTPS port</title>",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        "Client sent an HTTP request to an HTTPS server.\n",
    ],
)
def test_a_request_without_encryption_where_it_is_wanted_is_a_setting(said):
    assert classify(HttpError(400, body=said)).type == "configuration_error"
    assert classify(HttpError(422, body=said)).type == "data_validation_failed"


def test_a_refusal_that_says_when_to_come_back_is_a_limit():
    limits = {s for s in range(400, 600) if _limited(s)}
    assert limits == {403, 429}


def _limited(status):
    return classify_response(status, retry_after=60).type == "rate_limit_exceeded"
