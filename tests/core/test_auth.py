"""What may be entered of how Odoo says who it is, and where a secret goes."""

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.client.auth import Basic, Bearer, Header
from odoo.addons.pharmacy_sync.core.backend.auth import (
    LONGEST,
    USED,
    Method,
    fault,
    goes_elsewhere,
    is_header_value,
    receivers,
)
from odoo.addons.pharmacy_sync.core.exceptions import ConfigurationError

GOOD = {
    "auth_user": "odoo",
    "auth_header": "X-Api-Key",
    "token_url": "https://login.example.com",
    "client_id": "odoo",
    "token_scope": "orders:write products",
}
HOSTS = st.sampled_from(["https://a.example.com", "http://b.example.com:8080/x"])
METHODS = st.sampled_from(list(Method))


@pytest.mark.parametrize("method", list(Method))
def test_each_needs_its_own_fields_only(method):
    assert fault(method, GOOD) is None
    optional = {"token_scope"}
    for name in GOOD:
        missing = fault(method, {**GOOD, name: ""})
        needed = name in set(USED[method]) - optional
        assert missing == ((name, "missing") if needed else None)
        assert fault(method, {**GOOD, name: "x" * (LONGEST[name] + 1)}) == (
            name,
            "long",
        )
        longest = fault(method, {**GOOD, name: "x" * LONGEST[name]})
        assert longest is None or longest[1] != "long"


@given(st.text(max_size=20))
def test_a_header_that_is_taken_is_a_token_of_http(name):
    found = fault(Method.HEADER, {**GOOD, "auth_header": name})
    if found is None:
        assert name.isascii() and name.isprintable()
        assert not set(name) & set('"(),/:;<=>?@[\\]{} ')


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "CONTENT-LENGTH", "content-type", "Cookie", "Transfer-Encoding"),
        *("Connection", "X-Actor", "If-Match", "Idempotency-Key", "traceparent"),
        *("X-Forwarded-For", "Proxy-Authorization", "X-Request-Deadline-Ms"),
        *("Accept", "Range", "TE"),
    ],
)
def test_a_header_with_another_meaning_is_not_taken(name):
    found = fault(Method.HEADER, {**GOOD, "auth_header": name})
    assert found == ("auth_header", "reserved")


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "apikey", "X-Host"])
def test_others_are(name):
    assert fault(Method.HEADER, {**GOOD, "auth_header": name}) is None


@given(METHODS, METHODS, HOSTS, HOSTS, HOSTS, HOSTS)
def test_a_secret_is_sent_where_it_was_sent(before, after, url, new, server, other):
    """Whoever gets the secret afterwards had it before; a token's receiver had one of
    both."""
    old, then = receivers(before, url, server), receivers(after, new, other)
    if goes_elsewhere(old, then):
        return
    secret_to = other if after == Method.OAUTH2 else new
    had = server if before == Method.OAUTH2 else url
    assert secret_to == had
    if after == Method.OAUTH2:
        assert new in (url, had)


def test_the_app_does_not_get_the_secret_that_the_token_server_had():
    url, server = "https://app.example.com", "https://login.example.com"
    oauth2 = receivers(Method.OAUTH2, url, server)
    assert goes_elsewhere(oauth2, receivers(Method.BEARER, url, server))
    assert not goes_elsewhere(oauth2, receivers(Method.OAUTH2, f"{url}/x", server))
    both = receivers(Method.OAUTH2, url, url)
    assert not goes_elsewhere(both, both)
    assert not goes_elsewhere(
        receivers(Method.BASIC, url, ""), receivers(Method.HEADER, url, "")
    )


@given(st.text())
def test_what_a_header_cannot_hold_is_said_without_it(secret):
    for auth in (Bearer(secret), Header("X-Key", secret)):
        try:
            (value,) = auth.headers().values()
        except ConfigurationError as exc:
            assert not is_header_value(secret)
            assert len(secret) < 3 or secret not in str(exc)
        else:
            assert not set(value.encode("latin-1")) & set(b"\r\n\0")


def test_basic_speaks_utf8():
    assert Basic("josé", "ñ:1").headers() == {"Authorization": "Basic am9zw6k6w7E6MQ=="}
