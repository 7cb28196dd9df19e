"""A poisoned record costs little, its neighbours land once, none is forgotten."""

from collections import Counter
from math import ceil, log2

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exceptions import (
    CircuitBreakerOpenError,
    HttpError,
    OutcomeUnknownError,
    RateLimitError,
)
from odoo.addons.pharmacy_sync.core.exchange.bisect import (
    Fate,
    HeldUpError,
    own_failure,
    run_bisecting,
)
from odoo.addons.pharmacy_sync.core.refusal import Key


class App:
    """Refuses a batch with a poisoned record as a whole; applies any other."""

    def __init__(self, poisoned=(), status=422):
        self.poisoned = set(poisoned)
        self.status = status
        self.applied = Counter()
        self.outcomes = []

    def send(self, batch):
        refused = bool(self.poisoned.intersection(batch))
        self.outcomes.append(not refused)
        if refused:
            raise HttpError(self.status)
        self.applied.update(batch)
        return [f"ok {item}" for item in batch]


batches = st.integers(0, 200)


@given(batches, st.data())
def test_neighbours_land_once_and_every_item_has_a_result(size, data):
    poisoned = data.draw(st.sets(st.integers(0, max(0, size - 1)), max_size=5))
    poisoned &= set(range(size))
    app = App(poisoned)
    results = run_bisecting(range(size), app.send)
    assert [result.item for result in results] == list(range(size))
    for result in results:
        if result.item in poisoned:
            assert result.fate is Fate.FAILED
            assert result.error.status == 422
        else:
            assert result.fate is Fate.ANSWERED
            assert result.result == f"ok {result.item}"
    assert app.applied == Counter(set(range(size)) - poisoned)


@given(st.integers(0, 60), st.integers(1, 70), st.data())
def test_no_call_has_more_than_the_largest(size, largest, data):
    poisoned = data.draw(st.sets(st.integers(0, max(0, size - 1)), max_size=3))
    poisoned &= set(range(size))
    app, sizes = App(poisoned), []
    results = run_bisecting(
        range(size),
        lambda part: (sizes.append(len(part)), app.send(part))[1],
        largest=largest,
    )
    assert [result.item for result in results] == list(range(size))
    assert all(length <= largest for length in sizes)
    assert app.applied == Counter(set(range(size)) - poisoned)
    if largest == 1:
        assert sizes == [1] * size


@given(st.integers(1, 500), st.data())
def test_one_poisoned_record_costs_a_logarithm_of_calls(size, data):
    app = App([data.draw(st.integers(0, size - 1))])
    run_bisecting(range(size), app.send)
    assert len(app.outcomes) <= 2 * ceil(log2(size)) + 1


@given(st.integers(1, 500), st.data())
def test_one_poisoned_record_never_looks_like_an_outage(size, data):
    """The breaker opens on 5 failures in a row."""
    app = App([data.draw(st.integers(0, size - 1))], status=500)
    run_bisecting(range(size), app.send)
    longest = max(map(len, "".join(".F"[not ok] for ok in app.outcomes).split(".")))
    assert longest <= 3


def test_a_good_batch_is_one_call():
    app = App()
    assert len(run_bisecting(range(100), app.send)) == 100
    assert app.outcomes == [True]


def test_an_empty_batch_is_no_call():
    app = App()
    assert run_bisecting([], app.send) == []
    assert app.outcomes == []


def test_records_that_are_equal_keep_their_own_results():
    numbers = iter(range(4))
    results = run_bisecting(["x"] * 4, lambda batch: [next(numbers) for _ in batch])
    assert [result.result for result in results] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "error",
    [OutcomeUnknownError("x"), TimeoutError(), HttpError(504), TypeError("of ours")],
)
def test_what_may_have_been_applied_is_never_sent_again(error):
    calls = []

    def send(batch):
        calls.append(list(batch))
        raise error

    results = run_bisecting(range(8), send)
    assert len(calls) == 1
    assert {result.fate for result in results} == {Fate.UNKNOWN}


def test_a_part_whose_answer_is_lost_does_not_take_the_others_with_it():
    app = App([0])

    def send(batch):
        answers = app.send(batch)
        if 7 in batch:
            raise ConnectionResetError
        return answers

    results = run_bisecting(range(8), send)
    assert [result.fate for result in results[4:]] == [Fate.UNKNOWN] * 4
    assert {result.fate for result in results[:4]} == {Fate.NOT_SENT}
    assert max(app.applied.values()) == 1


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_an_outage_is_not_bisected(status):
    app = App(range(100), status)
    results = run_bisecting(range(100), app.send)
    assert app.outcomes == [False]
    assert {result.fate for result in results} == {Fate.FAILED}


def of_one(status):
    error = RateLimitError(retry_after=7) if status == 429 else HttpError(status)
    error.of_one = True
    return error


@pytest.mark.parametrize("status", [429, 503])
@given(size=st.integers(1, 200), data=st.data())
def test_one_record_that_an_app_has_no_time_for_fails_alone(status, size, data):
    poison, landed = data.draw(st.integers(0, size - 1)), Counter()

    def send(batch):
        if poison in batch:
            raise of_one(status)
        landed.update(batch)
        return batch

    results = run_bisecting(range(size), send)
    assert [r.item for r in results if r.fate is Fate.FAILED] == [poison]
    assert landed == Counter(set(range(size)) - {poison})


@pytest.mark.parametrize("largest", [1, None])
@pytest.mark.parametrize("status", [429, 503])
def test_an_app_that_refuses_all_for_want_of_time_is_left_alone(status, largest):
    calls = []

    def send(batch):
        calls.append(batch)
        raise of_one(status)

    results = run_bisecting(range(100), send, largest=largest)
    assert len(calls) == 4
    for result in results:
        if result.fate is Fate.NOT_SENT:
            assert isinstance(result.error, HeldUpError)
            assert result.error.retry_after == (7 if status == 429 else None)
    assert len({result.fate for result in results}) == 2


def test_an_outage_on_the_way_leaves_the_rest_unsent():
    calls = []

    def send(batch):
        calls.append(list(batch))
        raise HttpError(422) if len(calls) == 1 else CircuitBreakerOpenError("x")

    results = run_bisecting(range(4), send)
    assert len(calls) == 2
    assert {result.fate for result in results} == {Fate.NOT_SENT}


def test_results_that_cannot_be_distinguished_are_an_unknown_outcome():
    calls = []

    def send(batch):
        calls.append(batch)
        return ["only one"]

    results = run_bisecting(range(3), send)
    assert len(calls) == 1
    assert {result.fate for result in results} == {Fate.UNKNOWN}


def test_the_caller_may_say_what_is_worth_splitting():
    app = App([0])
    results = run_bisecting(range(8), app.send, splits=lambda error: False)
    assert app.outcomes == [False]
    assert {result.fate for result in results} == {Fate.FAILED}


def test_a_failure_of_one_record_among_others_is_its_own():
    failures = {}
    refused, unheard = HttpError(422), OutcomeUnknownError("no answer")
    with own_failure(failures, "refused"):
        raise refused
    with own_failure(failures, "taken"):
        pass
    with pytest.raises(OutcomeUnknownError), own_failure(failures, "unheard"):
        raise unheard
    assert failures == {"refused": refused}


@pytest.mark.parametrize(
    "status, own",
    [
        # No record has failed where the key is refused, and nothing where no call was.
        (401, False),
        (503, True),
        (None, False),
    ],
)
def test_what_comes_after_a_failure_says_what_it_waits_for(status, own):
    failure = (
        HttpError(status) if status else CircuitBreakerOpenError("x", retry_after=9)
    )
    failure.of_key = Key.REFUSED if status == 401 else None

    def send(part):
        raise failure

    first, *others = run_bisecting(range(3), send, largest=1)
    assert first.error is failure
    for other in others:
        assert other.fate is Fate.NOT_SENT
        if own:
            assert isinstance(other.error, HeldUpError)
            assert other.error.__cause__ is failure
        else:
            assert other.error is failure
