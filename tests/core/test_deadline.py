"""Deadlines bound every step; cancelled work stops at its next safe point."""

import threading

import pytest

from odoo.addons.pharmacy_sync.core.call.deadline import CancelToken, Deadline
from odoo.addons.pharmacy_sync.core.exceptions import (
    DeadlineExceededError,
    OperationCancelledError,
)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_deadline_runs_down_and_then_refuses(clock):
    deadline = Deadline.after(10, clock)
    clock.now += 4
    assert deadline.remaining() == 6
    assert deadline.bounded() == 6
    assert not deadline.expired
    clock.now += 5.5
    assert deadline.bounded() == 0.5
    assert not deadline.expired
    clock.now += 0.5
    assert deadline.remaining() == 0
    assert deadline.expired
    with pytest.raises(DeadlineExceededError):
        deadline.bounded()


def test_the_remaining_time_travels_in_milliseconds(clock):
    assert Deadline.after(1.2345, clock).milliseconds() == 1234
    assert Deadline.after(-1, clock).milliseconds() == 0


def test_the_clock_is_monotonic_unless_set_otherwise():
    assert 9 < Deadline.after(10).remaining() <= 10


def test_cancelled_work_stops_with_its_first_reason():
    token = CancelToken()
    token.check()
    assert not token.cancelled
    token.cancel("by Ada")
    token.cancel("by Grace")
    with pytest.raises(OperationCancelledError, match="by Ada"):
        token.check()


def test_work_can_be_cancelled_from_another_thread():
    token = CancelToken()
    thread = threading.Thread(target=token.cancel)
    thread.start()
    thread.join()
    assert token.cancelled


def test_a_probe_brings_cancellation_from_elsewhere_and_is_asked_no_more():
    answers = [None, None, "in the database"]
    asked = []

    def probe():
        asked.append(1)
        return answers.pop(0)

    token = CancelToken(probe)
    token.check()
    token.check()
    with pytest.raises(OperationCancelledError, match="in the database"):
        token.check()
    assert token.cancelled
    assert len(asked) == 3
