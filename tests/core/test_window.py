"""What a breaker counts: which calls, and what a call says of the app's health."""

import pytest

from odoo.addons.pharmacy_sync.core import exceptions as ours
from odoo.addons.pharmacy_sync.core.call.breaker import Result, outcome
from odoo.addons.pharmacy_sync.core.call.window import CallRecord, Window, WindowStats
from odoo.addons.pharmacy_sync.core.error.classification import (
    classify,
    classify_response,
)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422])
def test_a_refusal_shows_that_the_app_is_well(status):
    assert outcome(classify_response(status), 0.1).result is Result.SUCCESS


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failing_app_counts(status):
    assert outcome(classify_response(status), 0.1).result is Result.FAILURE


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), TimeoutError(), ConnectionResetError()]
)
def test_an_app_that_cannot_be_reached_counts(error):
    assert outcome(classify(error), 0.1).result is Result.FAILURE


@pytest.mark.parametrize(
    "error",
    [
        ours.CircuitBreakerOpenError("x"),
        ours.ResourcePoolFullError("x"),
        ours.OperationCancelledError("x"),
    ],
)
def test_a_call_that_was_never_made_says_nothing(error):
    assert outcome(classify(error), 0.1).result is Result.ABANDONED


def test_an_empty_window_and_one_failure_in_it():
    assert WindowStats().failure_rate == 0
    assert WindowStats().slow_rate == 0
    one = Window([CallRecord(5, True, True, 0)]).stats(5, 0, 300)
    assert one == WindowStats(calls=1, failures=1, slow=1, consecutive_failures=1)
    assert one.failure_rate == 1
    assert one.slow_rate == 1


def test_the_window_holds_its_own_epoch_and_time():
    calls = [
        CallRecord(0, True, False, 1),
        CallRecord(100, True, False, 2),
        CallRecord(400, True, True, 2),
        CallRecord(500, True, False, 2),
        CallRecord(900, True, False, 2),
    ]
    stats = Window(reversed(calls)).stats(700, 2, 300)
    assert stats == WindowStats(1, 1, 0, 3)


@pytest.mark.parametrize(("duration", "slow"), [(20.0, False), (20.1, True)])
def test_over_twenty_seconds_is_slow(duration, slow):
    assert outcome(None, duration).slow is slow
    assert outcome(classify_response(503), duration).slow is slow


def test_what_the_app_asked_for_reaches_the_breaker():
    assert outcome(classify_response(503, retry_after="90"), 1).retry_after == 90
