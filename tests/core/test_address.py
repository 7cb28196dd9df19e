from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, strategies as st
from requests.models import PreparedRequest
from requests.utils import urlparse

from odoo.addons.pharmacy_sync.core.address import fault, origin


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("pharmacy.example.com", "scheme"),
        ("ftp://pharmacy.example.com", "scheme"),
        ("", "scheme"),
        ("http://", "host"),
        ("http://:80", "host"),
        ("http://a b", "host"),
        ("http://a\n", "host"),
        ("http://a\\b", "host"),
        ("http://a:x", "port"),
        ("http://a:0", "port"),
        ("http://a:65536", "port"),
        ("http://user:secret@a", "user"),
        ("http://a\\@b", "user"),
        ("http://a?b", "query"),
        ("http://a/#", "query"),
    ],
)
def test_what_is_no_address(address, kind):
    assert fault(address) == kind
    assert origin(address) is None


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("http://a", ("http", "a", 80)),
        ("HTTPS://A.Example./x/y", ("https", "a.example", 443)),
        ("http://127.0.0.1:8080/", ("http", "127.0.0.1", 8080)),
        ("http://[::1]:81", ("http", "[::1]", 81)),
        ("https://apotheke-münchen.de", ("https", "apotheke-münchen.de", 443)),
    ],
)
def test_origin(address, known):
    assert fault(address) is None
    assert origin(address) == known


TEXTS = st.text(st.sampled_from("aB1.-:/\\@?#[]% \t\n\u3002é"), max_size=20)


@given(st.sampled_from(["http://", "https://"]), TEXTS)
@example("http://", "good\\@evil")
def test_who_connects_reads_the_same_host(scheme, text):
    """The key goes where the HTTP library takes the address to lead."""
    address = scheme + text
    found = origin(address)
    if found:
        try:
            request = PreparedRequest()
            request.prepare_url(address, None)
        except ValueError:
            return
        parts = urlparse(request.url)
        host = urlsplit(address).hostname
        assert found[1].strip("[]") == host.rstrip(".")
        if host.isascii():
            assert parts.hostname.rstrip(".") == found[1].strip("[]")
        assert (parts.port or {"http": 80, "https": 443}[parts.scheme]) == found[2]
