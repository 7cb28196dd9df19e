from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, strategies as st
from requests.models import PreparedRequest
from requests.utils import urlparse

from odoo.addons.pharmacy_sync.core.backend.address import (
    fault,
    host,
    is_internal,
    origin,
)


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
    ("ip", "internal"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("0.0.0.0", True),
        ("10.1.2.3", True),
        ("172.31.255.255", True),
        ("192.168.0.10", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("192.0.0.8", True),
        ("198.18.0.1", True),
        ("224.0.0.1", True),
        ("240.0.0.1", True),
        ("255.255.255.255", True),
        ("::", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fc00::1", True),
        ("ff02::1", True),
        ("::127.0.0.1", True),
        ("::ffff:10.0.0.1", True),
        ("64:ff9b::10.0.0.1", True),
        ("2002:0a00:0001::", True),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", True),
        ("localhost", True),
        ("", True),
        ("8.8.8.8", False),
        ("100.63.255.255", False),
        ("172.32.0.1", False),
        ("2606:4700::1111", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::8.8.8.8", False),
        ("2002:0808:0808::", False),
    ],
)
def test_what_is_inside_of_the_network(ip, internal):
    assert is_internal(ip) is internal


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_however_it_is_carried(ip):
    for carried in (f"::ffff:{ip}", f"64:ff9b::{ip}"):
        assert is_internal(carried) is is_internal(str(ip))


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
    assert host(address) == known[1]


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


@pytest.mark.parametrize(
    ("port", "wrong"), [("0", "port"), ("1", None), ("65535", None), ("65536", "port")]
)
def test_the_least_and_the_most_of_a_port(port, wrong):
    assert fault(f"https://h.example:{port}/api") == wrong
