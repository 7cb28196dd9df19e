"""Answers of token servers: a token, a refusal that names what is wrong, or later."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.client.auth import OAuth2
from odoo.addons.pharmacy_sync.client.token import Grant, ask_token
from odoo.addons.pharmacy_sync.core.backend.token import (
    LARGEST,
    LONGEST,
    UNSAID,
    Token,
    TokenRefusedError,
    TokenUnavailableError,
    read_token,
)
from odoo.addons.pharmacy_sync.core.call.deadline import Deadline
from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.exceptions import HttpError, InternalAddressError
from odoo.addons.pharmacy_sync.core.refusal import key_after
from odoo.addons.pharmacy_sync.core.taxonomy import Delivery, ErrorType, Key

NOW = 1_800_000_000.0
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def read(body, status=200, headers=None):
    return read_token(status, body, headers or {}, NOW)


def life(expires_in):
    return read({"access_token": "t", "expires_in": expires_in}).until - NOW


def test_it_is_renewed_some_seconds_before_its_end():
    assert life(3600) == 3570
    assert life("3600") == 3570
    assert life(40) == 20
    assert life(2) == 1
    assert life(10**9) == life(float("inf")) == LONGEST - 30
    for unsaid in (None, "soon", -1, 0, True, [], float("nan")):
        assert life(unsaid) == UNSAID - 30


@given(st.integers(100, 599), JSON, st.dictionaries(st.text(), st.text()))
def test_whatever_is_answered_is_a_token_or_one_of_two_failures(status, body, headers):
    try:
        token = read(body, status, headers)
    except (TokenRefusedError, TokenUnavailableError) as exc:
        found = classify(exc)
        assert found.delivery is Delivery.NOT_SENT
        refused = isinstance(exc, TokenRefusedError)
        assert (key_after(exc) is Key.REFUSED) == refused
        assert found.type is not ErrorType.OUTCOME_UNKNOWN
    else:
        assert status < 300 and token.value == body["access_token"]


@pytest.mark.parametrize(
    ("status", "error", "field"),
    [
        (401, "invalid_client", "api_key"),
        (400, "invalid_client", "api_key"),
        (401, None, "api_key"),
        (400, "unauthorized_client", "client_id"),
        (400, "invalid_scope", "token_scope"),
        (400, "invalid_request", "client_auth"),
        (400, "unsupported_grant_type", "token_url"),
        (404, None, "token_url"),
        (302, None, "token_url"),
        (300, None, "token_url"),
        (403, {"no": "text"}, "token_url"),
    ],
)
def test_a_refusal_names_the_field_and_repeats_nothing(status, error, field):
    body = {"error": error, "error_description": "not with hunter2"}
    with pytest.raises(TokenRefusedError) as caught:
        read(body, status)
    assert caught.value.field == field
    assert "hunter2" not in repr(vars(caught.value))
    # No status of the token server is one of a record.
    assert classify(caught.value).http_status == 401


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_later(status):
    with pytest.raises(TokenUnavailableError) as caught:
        read({"error": "invalid_client"}, status, {"Retry-After": "7"})
    assert classify(caught.value).retry_after == 7
    assert classify(caught.value).retryable
    limited = classify(caught.value).type == "rate_limit_exceeded"
    assert limited == (status == 429)


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], {}),
        *({"access_token": token} for token in ("", "a b", "a\nb", "a" * 9000, 1)),
    ],
)
def test_an_answer_without_a_token_is_no_token(body):
    with pytest.raises(TokenUnavailableError):
        read(body)


def test_a_token_serves_until_its_time_and_not_where_it_was_refused():
    token, other = Token("t", 60.0), Token("u", 60.0)
    assert token.serves(None, 59.9) and token.serves(other, 59.9)
    assert not token.serves(None, 60.0) and not token.serves(other, 60.0)
    # The same one again, whatever its time.
    assert not token.serves(Token("t", 90.0), 0.0)


@pytest.mark.parametrize("said", [1, "1", 0.5])
def test_a_short_life_is_believed(said):
    assert life(said) == float(said) / 2


def test_the_longest_token():
    assert read({"access_token": "a" * LARGEST}).value == "a" * LARGEST
    with pytest.raises(TokenUnavailableError):
        read({"access_token": "a" * (LARGEST + 1)})


def test_another_kind_of_token_is_of_no_use():
    with pytest.raises(TokenRefusedError):
        read({"access_token": "t", "token_type": "mac"})
    assert read({"access_token": "t", "token_type": "BEARER"}).value == "t"


@given(st.text(), st.floats(0, 1e12), st.text(), st.text())
def test_a_kept_token_serves_its_owner_only(value, until, owner, other):
    kept = Token(value, until).kept(owner)
    assert Token.of_kept(kept, owner) == Token(value, until)
    assert (Token.of_kept(kept, other) is None) == (owner != other)


# -- Over HTTP -------------------------------------------------------------------------


@contextmanager
def token_server(status=200, body=b'{"access_token": "t-1"}', headers=(), pause=0):
    """Its address, and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append((dict(self.headers), parse_qs(text)))
            self.send_response(status)
            for name, value in (("Content-Length", str(len(body))), *headers):
                self.send_header(name, value)
            self.end_headers()
            for byte in body:
                time.sleep(pause)
                self.wfile.write(bytes([byte]))

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/token", asked
        server.shutdown()


def ask(url, seconds=10, internal=True, **grant):
    grant = Grant(url, "cli ent", "s/cret", **grant)
    deadline = Deadline.after(seconds)
    return ask_token(("tokens", url), grant, deadline, "c", internal=internal)


def test_id_and_secret_in_a_header_are_written_as_in_a_form():
    with token_server() as (url, asked):
        assert ask(url, scope="a b").value == "t-1"
    ((headers, form),) = asked
    assert headers["Authorization"] == "Basic Y2xpK2VudDpzJTJGY3JldA=="
    assert form == {"grant_type": ["client_credentials"], "scope": ["a b"]}


def test_or_in_the_body():
    with token_server() as (url, asked):
        ask(url, in_body=True)
    ((headers, form),) = asked
    assert "Authorization" not in headers
    assert (form["client_id"], form["client_secret"]) == (["cli ent"], ["s/cret"])


def test_a_redirect_is_not_followed():
    with token_server() as (other, asked_there):
        place = [("Location", other)]
        here = token_server(307, b"", place)
        with here as (url, asked), pytest.raises(TokenRefusedError):
            ask(url)
    assert (len(asked), len(asked_there)) == (1, 0)


def test_no_answer_is_read_for_ever():
    with token_server(pause=0.2) as (url, __):
        started = time.monotonic()
        with pytest.raises(TokenUnavailableError) as caught:
            ask(url, seconds=0.5)
        assert time.monotonic() - started < 3
        assert classify(caught.value).type is ErrorType.NETWORK_TIMEOUT


def test_no_answer_is_read_that_is_too_long():
    body = json.dumps({"access_token": "t", "more": "x" * 100_000}).encode()
    with token_server(body=body) as (url, __), pytest.raises(TokenUnavailableError):
        ask(url)


def test_an_internal_server_is_not_connected_to():
    refused = pytest.raises(InternalAddressError)
    with token_server() as (url, asked), refused as caught:
        ask(url, internal=False)
    assert caught.value.field == "token_url"
    assert not asked


def test_nothing_of_it_is_shown():
    assert "s/cret" not in repr(Grant("u", "c", "s/cret"))


# -- What a client does with it --------------------------------------------------------


def test_two_refusals_are_enough():
    given = iter([Token("a", 2e12), Token("b", 2e12), Token("c", 2e12)])
    spent = []

    def give(last, deadline, correlation_id):
        spent.append(last and last.value)
        return next(given)

    auth = OAuth2(give)
    assert auth.headers(None) == {"Authorization": "Bearer a"}
    assert not auth.is_last
    with auth.again():
        assert auth.headers(None) == {"Authorization": "Bearer b"}
    # That was the token's age. The next time it is something else.
    assert not auth.is_last
    with pytest.raises(HttpError), auth.again():
        assert auth.headers(None) == {"Authorization": "Bearer c"}
        raise HttpError(401)
    assert auth.is_last
    assert spent == [None, "a", "b"]
