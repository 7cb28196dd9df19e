"""Answers are read up to a limit, packed or not, and memory is bounded by it."""

import gzip
import tracemalloc
import zlib

import pytest
import requests
from broken_servers import server
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.client import PharmacyClient
from odoo.addons.pharmacy_sync.client.body import PIECE, _Unpacked
from odoo.addons.pharmacy_sync.core.error.classification import classify
from odoo.addons.pharmacy_sync.core.exceptions import (
    AnswerTooLargeError,
    OutcomeUnknownError,
)
from odoo.addons.pharmacy_sync.core.taxonomy import ErrorType

MB = 1024**2


def flooding(total, headers="", pieces=None, chunked=False):
    """A server that answers with ``total`` blanks, or with these pieces for ever."""

    def answer(connection):
        asked = connection.recv(100_000)
        if asked.startswith(b"POST") and not asked.endswith(b"}"):
            connection.recv(100_000)
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {total}"
        head = f"HTTP/1.1 200 OK\r\n{headers}{length}\r\n\r\n"
        try:
            connection.sendall(head.encode())
            sent = 0
            while sent < total:
                piece = pieces or b" " * PIECE
                sent += len(piece)
                if chunked:
                    piece = b"%x\r\n%s\r\n" % (len(piece), piece)
                connection.sendall(piece)
        except OSError:
            pass

    return answer


def ask(url, name="bodies", **options):
    client = PharmacyClient(
        (name, url), url.rstrip("/"), "key", internal=True, **options
    )
    return client.health("c")


BOMB = gzip.compress(b" " * 200 * MB)


@pytest.mark.parametrize(
    "answer",
    [
        flooding(300 * MB),
        flooding(300 * MB, chunked=True),
        flooding(len(BOMB), "Content-Encoding: gzip\r\n", BOMB),
        flooding(len(BOMB), "Content-Encoding: gzip\r\n", BOMB, chunked=True),
    ],
    ids=["long", "long in chunks", "bomb", "bomb in chunks"],
)
def test_what_is_too_long_is_not_read(answer):
    tracemalloc.start()
    try:
        with server(answer) as url, pytest.raises(AnswerTooLargeError) as caught:
            ask(url, largest=4 * MB)
        __, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 16 * MB
    found = classify(caught.value)
    assert found.type is ErrorType.DATA_CORRUPTED
    assert not found.retryable
    assert "longer than 4 MB" in found.message


def test_it_is_not_asked_for_again():
    asked = []

    def answer(connection):
        asked.append(1)
        flooding(3 * MB)(connection)

    with server(answer) as url, pytest.raises(AnswerTooLargeError):
        ask(url, largest=MB)
    assert len(asked) == 1


def test_what_a_write_did_is_not_known_then():
    with server(flooding(3 * MB)) as url, pytest.raises(OutcomeUnknownError):
        client = PharmacyClient(
            ("bodies", url), url.rstrip("/"), "key", internal=True, largest=MB
        )
        client.batch("suppliers", [{"id": "1"}], "c")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_what_was_not_asked_for_is_not_unpacked(encoding):
    body = gzip.compress(gzip.compress(b"{}"))
    answer = flooding(len(body), f"Content-Encoding: {encoding}\r\n", body)
    with server(answer) as url, pytest.raises(Exception) as caught:
        ask(url)
    assert classify(caught.value).type is not ErrorType.UNEXPECTED


def deflated(data):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def two(data):
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


@given(
    st.binary(max_size=3000),
    st.sampled_from(
        [
            ("gzip", gzip.compress),
            ("GZIP ", two),
            ("deflate", zlib.compress),
            ("deflate", deflated),
            (None, bytes),
            ("identity", bytes),
        ]
    ),
    st.integers(1, 50),
)
def test_what_is_packed_is_unpacked_whole_or_refused(data, packing, size):
    name, pack = packing
    packed = pack(data)
    for limit in (max(len(data), 1), max(len(data) - 1, 1)):
        unpacked = _Unpacked(name, limit)
        pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
        if name in (None, "identity") or len(data) <= limit:
            for piece in pieces:
                unpacked.add(piece)
            assert unpacked.whole() == data
        else:
            with pytest.raises(AnswerTooLargeError):
                for piece in pieces:
                    unpacked.add(piece)


def test_what_ends_in_the_middle():
    unpacked = _Unpacked("gzip", 1000)
    unpacked.add(gzip.compress(b"x" * 100)[:-9])
    with pytest.raises(requests.exceptions.ContentDecodingError):
        unpacked.whole()
