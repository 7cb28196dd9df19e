import hashlib

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.call.tracing import (
    read_trace,
    trace_id,
    traceparent,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@given(st.text(min_size=1), st.text())
def test_what_is_sent_can_be_read(correlation_id, request_id):
    header = traceparent(correlation_id, request_id)
    assert read_trace(header) == trace_id(correlation_id)


@given(st.text(alphabet="0123456789abcdef", min_size=32, max_size=32))
def test_an_id_that_is_a_trace_is_taken_as_it_is(correlation_id):
    if int(correlation_id, 16):
        assert trace_id(correlation_id) == correlation_id


@pytest.mark.parametrize("other", ["abc-1", "0" * 32, TRACE.upper(), TRACE + "0", "ñ"])
def test_any_other_id_becomes_the_same_trace_each_time(other):
    expected = hashlib.sha256(other.encode()).hexdigest()[:32]
    assert trace_id(other) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}{SPAN}-01",
    ],
)
def test_what_is_no_traceparent_is_ignored(header):
    assert read_trace(header) is None


def test_of_a_later_version_what_is_known_is_read():
    assert read_trace(f"01-{TRACE}-{SPAN}-01") == TRACE
    assert read_trace(f"cc-{TRACE}-{SPAN}-01-what-comes") == TRACE


def test_a_header_is_a_traceparent_of_the_w3c():
    span = hashlib.sha256(b"request").hexdigest()[:16]
    assert traceparent(TRACE, "request") == f"00-{TRACE}-{span}-01"
