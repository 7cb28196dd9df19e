"""What the client makes of answers that a real server gives, and of those that it does
not give."""

import json
import time
from contextlib import contextmanager
from itertools import count

import pytest
from broken_servers import answering, raised, server

from odoo.addons.pharmacy_sync.client import PharmacyClient
from odoo.addons.pharmacy_sync.core.call.breaker import Result, outcome
from odoo.addons.pharmacy_sync.core.check.envelope import as_record, check_record
from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.error.evidence import raw_answer
from odoo.addons.pharmacy_sync.core.exceptions import (
    DataCorruptedError,
    DeadlineExceededError,
    DuplicateOrderError,
    InvalidDataError,
    MaxRetriesExceededError,
    OutcomeUnknownError,
    RateLimitError,
    SchemaMismatchError,
)
from odoo.addons.pharmacy_sync.core.exchange.bisect import Fate, run_bisecting
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery, ErrorType

T = ErrorType
_names = count()
ITEMS = [{"external_ref": str(number)} for number in range(8)]
PAGE = b"<html>Please log in</html>"


def client(url, key="key", **options):
    options.setdefault("internal", True)
    return PharmacyClient(("test", next(_names)), url.rstrip("/"), key, **options)


@contextmanager
def app(*answers, **options):
    """A client whose app gives these answers, the last one for ever; and what arrives
    there."""
    requests = []
    left = list(answers)

    def answer(connection):
        requests.append(_read(connection))
        each = left.pop(0) if len(left) > 1 else left[0]
        each(_Heard(connection))

    with server(answer) as url:
        yield client(url, **options), requests


class _Heard:
    """A connection whose request was read already."""

    def __init__(self, connection):
        self._connection = connection

    def recv(self, size):
        return b""

    def sendall(self, data):
        self._connection.sendall(data)


def _read(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    while len(body) < int(headers.get("Content-Length", 0)):
        body += connection.recv(65536)
    return headers


def fine(value):
    return answering(200, json.dumps(value).encode())


def unreadable(kind="application/json", body=b"{oops"):
    return answering(200, body, f"Content-Type: {kind}\r\n")


# --- redirects ------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("verb", ["health", "batch"])
def test_a_redirect_is_a_wrong_address_and_says_so(status, verb):
    to = answering(
        status, headers="Location: https://user:pw@app.example/login?t=1\r\n"
    )
    with app(to) as (calls, requests):
        error = raised(lambda: WRITES_AND_READS[verb](calls))
    found = classify(error)
    assert (found.type, found.delivery) == (T.CONFIGURATION_ERROR, Delivery.ANSWERED)
    assert "sends to another address: https://" in found.message
    assert "app.example/login." in found.message
    assert len(requests) == 1


# --- answers that cannot be read --------------------------------------------------

WRITES = {
    "batch": lambda calls: calls.batch("suppliers", ITEMS, "c"),
    "reserve": lambda calls: calls.reserve("po_1", [], "k", "c"),
    "step": lambda calls: calls.step_reservation("r_1", "confirm", "c"),
}
READS = {
    "health": lambda calls: calls.health("c"),
    "changes": lambda calls: calls.changes("suppliers", None, 10, "c"),
    "get": lambda calls: calls.get("suppliers", "s_1", "c"),
    "find": lambda calls: calls.find("suppliers", "x", "c"),
}
WRITES_AND_READS = {**WRITES, **READS}
GARBAGE = {
    "no JSON": unreadable(),
    "a page": unreadable("text/html", PAGE),
    "nothing": unreadable(body=b""),
    "no text": unreadable(body=b"\xff\xfe\xfd"),
    "nested too deep": unreadable(body=b"[" * 100_000),
    "broken compression": answering(200, b"no", "Content-Encoding: gzip\r\n"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("verb", WRITES)
def test_what_may_have_been_written_is_looked_up(verb, garbage):
    with app(GARBAGE[garbage]) as (calls, requests):
        error = raised(lambda: WRITES[verb](calls))
    assert isinstance(error, OutcomeUnknownError)
    found = classify(error, idempotent=False)
    assert (found.type, found.delivery) == (T.OUTCOME_UNKNOWN, Delivery.UNKNOWN)
    assert found.retryable
    assert len(requests) == 1


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("verb", READS)
def test_what_is_read_is_asked_for_once_more(verb, garbage):
    with app(GARBAGE[garbage]) as (calls, requests):
        error = raised(lambda: READS[verb](calls))
    assert isinstance(error, MaxRetriesExceededError)
    assert isinstance(error.last_error, DataCorruptedError)
    found = classify(error)
    assert (found.type, found.retryable) == (T.DATA_CORRUPTED, False)
    assert len(requests) == 2


def test_what_could_not_be_read_is_kept_for_the_record():
    with app(GARBAGE["a page"]) as (calls, _):
        assert raw_answer(raised(lambda: calls.health("c"))) == PAGE.decode()
    assert raw_answer(ValueError("x")) is None


def test_the_second_answer_serves():
    with app(GARBAGE["no JSON"], fine({"status": "ok"})) as (calls, requests):
        assert calls.health("c") == {"status": "ok"}
    assert len(requests) == 2
    assert requests[0]["X-Request-ID"] != requests[1]["X-Request-ID"]


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("batch", {"results": [{"status": 200, "version": 1}] * 8}),
        ("batch", {"results": [{"id": "s_1"}]}),
        ("batch", []),
        ("reserve", {"state": "held"}),
        ("step", {"id": 5, "state": "held"}),
    ],
)
def test_ids_that_are_missing_leave_open_what_was_written(verb, answer):
    with app(fine(answer)) as (calls, requests):
        assert isinstance(raised(lambda: WRITES[verb](calls)), OutcomeUnknownError)
    assert len(requests) == 1


def test_ids_that_are_missing_in_what_is_read_are_another_format():
    with app(fine({"version": 1})) as (calls, requests):
        assert isinstance(raised(lambda: READS["get"](calls)), SchemaMismatchError)
    assert len(requests) == 1


@pytest.mark.parametrize("bad", [{"version": 1}, {"id": 5}, "no", None, []])
def test_what_cannot_be_used_among_others_is_left_out(bad):
    good = {"id": "sup_1", "version": 1, "digest": "0" * 16}
    with app(fine({"items": [bad, good], "next_after": None})) as (calls, _):
        assert calls.page("suppliers", None, 10, "c")["items"] == [good]
        assert calls.entries("suppliers", 16, ["name"], [0], "c") == [good]
    with app(fine({"items": [bad, bad], "next_after": None})) as (calls, _):
        for read in (
            lambda: calls.page("suppliers", None, 10, "c"),
            lambda: calls.entries("suppliers", 16, ["name"], [0], "c"),
        ):
            assert isinstance(raised(read), SchemaMismatchError)


@pytest.mark.parametrize("depth", [99, 5_000, 100_000])
def test_one_record_that_is_too_deep_fails_alone(depth):
    deep = "[" * depth + "]" * depth
    page = f"""{{"changes": [
        {{"id": "sup_1", "version": 1, "data": {{"name": "good"}}}},
        {{"id": "sup_2", "version": {"9" * 5_000}, "data": {{"name": {deep}}}}}
    ], "next_cursor": "c", "has_more": false}}"""
    with app(answering(200, page.encode())) as (calls, _):
        good, bad = calls.changes("suppliers", None, 10, "c")["changes"]
    assert good["data"] == {"name": "good"}
    with pytest.raises(InvalidDataError):
        check_record(as_record(bad))


# --- lost behind a gateway ----------------------------------------------------------


@pytest.mark.parametrize(
    "lost",
    [
        *(answering(status, b"<html>") for status in (499, 504, 520, 524, 598)),
        answering(503, b"upstream connect error or disconnect/reset before headers"),
    ],
)
def test_a_batch_that_a_gateway_lost_is_sent_once(lost):
    with app(lost) as (calls, requests):
        results = run_bisecting(ITEMS, lambda part: calls.batch("suppliers", part, "c"))
    assert len(requests) == 1
    assert {result.fate for result in results} == {Fate.UNKNOWN}


def test_one_result_that_cannot_be_read_is_unknown_alone():
    good = {"status": 200, "id": "sup_1", "version": 1}
    for bad in ({"status": 201, "version": 1}, {"status": "200"}, "no", None):
        with app(fine({"results": [bad, good]})) as (calls, _):
            unread, read = calls.batch("suppliers", ITEMS[:2], "c")
        assert classify(unread, sent=True).delivery is Delivery.UNKNOWN
        assert (read["id"], read["version"]) == ("sup_1", 1)


# --- errors in other forms ------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        (
            {"title": "Conflict", "detail": "It is there", "existing_id": "po_1"},
            T.DUPLICATE_ORDER,
            "It is there",
        ),
        ({"error": {"code": "duplicate", "message": "x"}}, T.DUPLICATE_ORDER, "x"),
        ({"error": "version_conflict", "message": "y"}, T.VERSION_CONFLICT, "y"),
        ({"code": "insufficient_stock"}, T.INSUFFICIENT_STOCK, "x"),
        ([], T.VERSION_CONFLICT, "x"),
        ("no", T.VERSION_CONFLICT, "x"),
    ],
)
def test_errors_are_read_in_several_forms(body, error_type, message):
    with app(answering(409, json.dumps(body).encode())) as (calls, _):
        found = classify(raised(lambda: calls.health("c")))
    assert (found.type, found.message) == (error_type, message)


def test_a_limit_says_for_how_long():
    headers = "Date: Sun, 22 Nov 2026 08:00:00 GMT\r\n"
    for wait in ("30", "Sun, 22 Nov 2026 08:00:30 GMT"):
        limit = answering(429, b"{}", f"{headers}Retry-After: {wait}\r\n")
        with app(limit) as (calls, _):
            error = raised(lambda: calls.health("c"))
        assert isinstance(error, RateLimitError)
        assert (error.status, error.retry_after) == (429, 30)
        assert classify(error).retry_after == 30


def test_a_duplicate_names_the_record_that_is_there():
    body = {"error": {"code": "duplicate", "message": "x"}, "existing_id": "po_1"}
    with app(answering(409, json.dumps(body).encode())) as (calls, _):
        error = raised(lambda: calls.reserve("po_1", [], "k", "c"))
    assert isinstance(error, DuplicateOrderError)
    assert error.existing_id == "po_1"
    assert classify(error).code == "duplicate"


# --- before sending ---------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "error_type"),
    [
        ({"price": float("nan")}, T.DATA_VALIDATION_FAILED),
        ({"price": object()}, T.UNEXPECTED),
    ],
)
def test_what_cannot_be_written_down_is_not_sent(item, error_type):
    with app(fine({})) as (calls, requests):
        error = raised(lambda: calls.batch("suppliers", [item], "c"))
    for sent in (None, True):
        found = classify(error, sent=sent, idempotent=False)
        assert (found.type, found.delivery) == (error_type, Delivery.NOT_SENT)
        assert outcome(found, 0.1).result is Result.ABANDONED
    assert not requests


def test_a_key_that_no_header_holds_is_a_setting():
    with app(fine({}), key="ключ") as (calls, requests):
        found = classify(raised(lambda: calls.health("c")))
    assert (found.type, found.delivery) == (T.CONFIGURATION_ERROR, Delivery.NOT_SENT)
    assert "API key" in found.message
    assert not requests


# --- time ------------------------------------------------------------------


@contextmanager
def waiting(seconds):
    time.sleep(seconds)
    yield lambda exchange: None


def test_the_app_learns_how_much_time_is_left():
    guard = lambda: waiting(0.5)  # noqa: E731
    with app(fine({}), deadline=3.0, guard=guard) as (calls, requests):
        calls.health("c")
    (headers,) = requests
    assert 0 < int(headers["X-Request-Deadline-Ms"]) <= 2500


def test_what_waited_too_long_is_not_sent():
    guard = lambda: waiting(0.3)  # noqa: E731
    with app(fine({}), deadline=0.2, guard=guard) as (calls, requests):
        error = raised(lambda: calls.batch("suppliers", ITEMS, "c"))
    assert isinstance(error, DeadlineExceededError)
    assert classify(error, sent=True).delivery is Delivery.NOT_SENT
    assert not requests


@pytest.mark.parametrize("kept", ["niño", "a\r\nX-Evil: 1", "a b", "x" * 400])
def test_what_cannot_be_a_correlation_id_fails_no_call(kept):
    """It was kept before such were refused: the trace that the call is a part of
    stands for it."""
    with app(answering(200, b"{}")) as (own, requests):
        own.health(kept)
    (headers,) = requests
    assert headers["X-Correlation-ID"] == headers["traceparent"][3:35]
