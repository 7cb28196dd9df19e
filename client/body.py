"""The body of an answer, read up to a limit: neither what is sent nor what it unpacks
to may fill the memory."""

import zlib
from contextlib import ExitStack

from requests import exceptions
from urllib3.exceptions import (
    HTTPError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from ..core.exceptions import AnswerTooLargeError

# What is asked for, and all that is unpacked.
ACCEPTED = "gzip, deflate"
PIECE = 64 * 1024
# Window bits for zlib: of either format, and of deflate without its header.
_EITHER, _BARE = 47, -15


def read_body(response, limit):
    """Read the body of a ``requests.Response`` that is a stream.

    :param limit: bytes that it may have, before and after it is unpacked
    :raises AnswerTooLargeError: it has more; the connection is closed
    :raises requests.RequestException: as ``requests`` does while it reads
    """
    with ExitStack() as unless_read:
        unless_read.callback(response.close)
        unpacked = _Unpacked(response.headers.get("Content-Encoding"), limit)
        for piece in _pieces(response.raw, limit):
            unpacked.add(piece)
        response._content = unpacked.whole()
        response._content_consumed = True
        unless_read.pop_all()
    return response


def _pieces(raw, limit):
    """The body as it was sent."""
    left = limit
    try:
        for piece in raw.stream(PIECE, decode_content=False):
            left -= len(piece)
            if left < 0:
                _refuse(limit)
            yield piece
    except ProtocolError as exc:
        raise exceptions.ChunkedEncodingError(exc) from exc
    except ReadTimeoutError as exc:
        raise exceptions.ConnectionError(exc) from exc
    except SSLError as exc:
        raise exceptions.SSLError(exc) from exc
    except HTTPError as exc:
        raise exceptions.ConnectionError(exc) from exc


class _Unpacked:
    """A body that is unpacked piece by piece, and not beyond the limit."""

    def __init__(self, encoding, limit):
        self._encoding = (encoding or "identity").strip().lower()
        if self._encoding not in ("identity", "gzip", "x-gzip", "deflate"):
            raise exceptions.ContentDecodingError(
                f"an encoding that was not asked for: {self._encoding[:40]}"
            )
        self._limit = limit
        self._body = bytearray()
        self._unpacker = None

    def add(self, piece):
        if self._encoding == "identity":
            self._body += piece
            return
        try:
            self._unpack(piece)
        except zlib.error as exc:
            raise exceptions.ContentDecodingError(exc) from exc

    def _unpack(self, piece):
        if self._unpacker is None:
            # A deflated body comes with a header, or, from some servers, without.
            bare = self._encoding == "deflate" and piece[0] & 0x0F != 8
            self._unpacker = zlib.decompressobj(_BARE if bare else _EITHER)
        while piece:
            room = self._limit - len(self._body) + 1
            self._body += self._unpacker.decompress(piece, room)
            if len(self._body) > self._limit:
                _refuse(self._limit)
            piece = self._unpacker.unconsumed_tail
            if self._unpacker.eof and self._unpacker.unused_data:
                # Several in a row are one body.
                piece = self._unpacker.unused_data
                self._unpacker = zlib.decompressobj(_EITHER)

    def whole(self):
        if self._unpacker and not self._unpacker.eof:
            raise exceptions.ContentDecodingError("it ends in the middle")
        return bytes(self._body)


def _refuse(limit):
    raise AnswerTooLargeError(
        f"The answer is longer than {limit / 1024**2:.0f} MB, and was not read."
    )
