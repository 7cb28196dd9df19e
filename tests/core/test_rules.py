"""Rules of an administrator, and what an answer asks for."""

from http_answers import http_error

from odoo.addons.pharmacy_sync.core import exceptions as ours
from odoo.addons.pharmacy_sync.core.error.classification import (
    Rule,
    classify,
    classify_response,
)
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery, ErrorType

T = ErrorType


def test_retry_after_is_read_from_the_answer():
    assert classify(http_error(429, headers={"retry-after": "12"})).retry_after == 12
    assert classify(ours.RateLimitError("x", retry_after=3)).retry_after == 3
    assert classify_response(503, retry_after="8").retry_after == 8


def test_a_retry_after_date_counts_from_the_clock_of_the_answer():
    headers = {
        "Date": "Sun, 22 Nov 2026 08:00:00 GMT",
        "Retry-After": "Sun, 22 Nov 2026 08:00:30 GMT",
    }
    assert classify(http_error(503, headers=headers), now=0.0).retry_after == 30


# --- rules of an administrator ---------------------------------------------


def test_a_rule_is_tried_before_the_built_in_table():
    rules = [
        Rule(T.ORDER_ALREADY_PROCESSED, status=422, code="closed"),
        Rule(T.INSUFFICIENT_STOCK, pattern="ausverkauft"),
    ]
    assert classify_response(422, "Closed", rules=rules).type is (
        T.ORDER_ALREADY_PROCESSED
    )
    assert classify_response(422, "other", rules=rules).type is (
        T.DATA_VALIDATION_FAILED
    )
    found = classify(http_error(500, "Leider AUSVERKAUFT"), rules=rules)
    assert found.type is T.INSUFFICIENT_STOCK
    assert found.delivery is Delivery.ANSWERED


def test_rules_apply_in_their_sequence():
    rules = [
        Rule(T.INSUFFICIENT_STOCK, status=422, sequence=20),
        Rule(T.INVALID_SUPPLIER, status=422, sequence=5),
    ]
    assert classify_response(422, rules=rules).type is T.INVALID_SUPPLIER


def test_a_rule_without_conditions_or_with_a_broken_pattern_never_applies():
    rules = [Rule(T.INSUFFICIENT_STOCK), Rule(T.INVALID_SUPPLIER, pattern="(")]
    assert classify_response(422, message="(", rules=rules).type is (
        T.DATA_VALIDATION_FAILED
    )
