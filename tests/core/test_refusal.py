"""Whether an app refuses the key, or only what was asked with it."""

import pytest
import requests

from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.exceptions import (
    HttpError,
    RateLimitError,
    SchemaMismatchError,
)
from odoo.addons.pharmacy_sync.core.exchange.bisect import (
    Fate,
    may_be_one_record,
    run_bisecting,
)
from odoo.addons.pharmacy_sync.core.refusal import (
    ABOUT_US,
    doubts_app,
    doubts_key,
    is_about_key,
    key_after,
)
from odoo.addons.pharmacy_sync.core.taxonomy import Key


@pytest.mark.parametrize("status", [401, 402, 403, 407, 440, 451, 511])
def test_statuses_that_may_be_about_the_key(status):
    assert status in ABOUT_US
    assert doubts_key(classify(HttpError(status)))
    assert key_after(HttpError(status)) is Key.REFUSED


@pytest.mark.parametrize("status", [429, 503, 502, 500, 422])
def test_an_app_that_says_it_is_busy_may_say_so_of_one_record(status):
    # What a gateway says may come from nobody who has seen the record.
    assert doubts_app(classify(HttpError(status))) is (status in (429, 503))


@pytest.mark.parametrize("status", [400, 404, 405, 409, 410, 412, 413, 422, 423])
def test_an_app_that_dislikes_something_else_accepts_the_key(status):
    assert not doubts_key(classify(HttpError(status)))
    assert key_after(HttpError(status)) is Key.GOOD


@pytest.mark.parametrize(
    "error",
    [
        HttpError(500),
        HttpError(503),
        RateLimitError(),
        requests.ConnectionError(),
        requests.ReadTimeout(),
        SchemaMismatchError("x"),
    ],
)
def test_no_answer_says_nothing_of_the_key(error):
    assert key_after(error) is Key.UNKNOWN


def test_an_answer_as_usual_accepts_the_key():
    assert key_after(None) is Key.GOOD


def test_one_that_asks_for_patience_does_not_refuse_the_key():
    error = HttpError(403, headers={"Retry-After": "7"})
    assert not doubts_key(classify(error))
    assert not doubts_key(classify(HttpError(403, "rate_limited")))
    assert not doubts_key(classify(RateLimitError()))


@pytest.mark.parametrize(("of_key", "one"), [(Key.GOOD, True), (Key.REFUSED, False)])
@pytest.mark.parametrize("status", sorted(ABOUT_US))
def test_only_with_a_good_key_one_record_may_be_the_cause(status, of_key, one):
    error = HttpError(status)
    error.of_key = of_key
    assert may_be_one_record(error) is one
    assert is_about_key(error) is not one


@pytest.mark.parametrize("of_key", [Key.REFUSED, Key.UNKNOWN])
def test_no_more_is_sent_with_a_key_in_doubt(of_key):
    calls = []

    def send(batch):
        calls.append(batch)
        error = HttpError(403)
        error.of_key = of_key
        raise error

    results = run_bisecting(range(10), send, largest=3)
    assert len(calls) == 1
    assert {result.fate for result in results} == {Fate.FAILED, Fate.NOT_SENT}


@pytest.mark.parametrize("status", sorted(ABOUT_US))
def test_neighbours_of_one_that_is_refused_land(status):
    landed = []

    def send(batch):
        if 3 in batch:
            error = HttpError(status)
            error.of_key = Key.GOOD
            raise error
        landed.extend(batch)
        return batch

    results = run_bisecting(range(8), send)
    assert sorted(landed) == [0, 1, 2, 4, 5, 6, 7]
    assert [r.item for r in results if r.fate is Fate.FAILED] == [3]


@pytest.mark.parametrize(
    ("statuses", "sent"),
    [
        # Three are of one record, four in a row are of an app that is busy.
        ([503, 503, 503, 200, 503, 503, 503, 200], 8),
        ([503, 503, 503, 422, 503, 503, 503, 200], 8),
        ([422, 503, 503, 503, 503, 200, 200, 200], 5),
        ([200, 503, 503, 429, 503, 200, 200, 200], 5),
    ],
)
def test_so_many_refusals_for_want_of_time_are_not_of_the_records(statuses, sent):
    asked = []

    def send(batch):
        (number,) = batch
        asked.append(number)
        if statuses[number] == 200:
            return batch
        raise HttpError(statuses[number])

    found = run_bisecting(range(8), send, splits=lambda error: True, largest=1)
    assert asked == list(range(sent))
    left = [result.item for result in found if result.fate is Fate.NOT_SENT]
    assert left == list(range(sent, 8))
