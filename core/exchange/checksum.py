"""Buckets and checksums by which two sides find where they differ without sending
everything.

The formula, for both sides and in any language:

1. *Fields*: only those that were agreed on; a dotted name picks a field of each element
   of a list (``lines.quantity``).
2. *Canonical*: texts without white space at their ends; null, the empty text and the
   empty list count as absent; a decimal text loses the zeros behind its second decimal
   (``12.500`` is ``12.50``); lists of objects in the order of their ``key``; JSON with
   sorted keys, no spaces, ASCII only.
3. *Digest* of a record: the first 8 bytes of SHA-256 of that, 16 hexadecimal digits.
4. *Bucket* of a record: the first 4 bytes of SHA-256 of its id, as a number, modulo the
   number of buckets.
5. *Sum* of a bucket: the first 8 bytes of SHA-256 of ``id:digest`` of each record, as
   numbers, added modulo 2**64; sent with the count of records.

A sum, for it does not depend on the order in which records are read and can be carried
on after a stop; not an exclusive or, in which equal terms vanish. Two sets that differ
have the same sum and count with a probability of 2**-64 for each bucket. One level of
buckets, not a tree: for 50,000 records 1,024 sums of some 35 bytes are sent, then some
50 lines of 70 bytes for each bucket that differs; a tree would save a part of the first
and cost a round trip a level.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BUCKETS_MIN = 16
BUCKETS_MAX = 1024
# Records that a bucket should have.
BUCKET_SIZE = 48
_MODULUS = 2**64
_LONG_DECIMAL = re.compile(r"(-?[0-9]+\.[0-9]{2}[0-9]*?)0+")


def bucket_count(records: int) -> int:
    """How many buckets to divide this many records into: a power of two."""
    buckets = BUCKETS_MIN
    while buckets < BUCKETS_MAX and buckets * BUCKET_SIZE < records:
        buckets *= 2
    return buckets


def bucket_of(external_id: str, buckets: int) -> int:
    """The bucket of a record, from 0."""
    return int.from_bytes(_sha256(external_id)[:4], "big") % buckets


def digest(record: Mapping[str, Any], fields: Iterable[str]) -> str:
    """What is equal for records that say the same: 16 hexadecimal digits."""
    text = json.dumps(
        _canonical(pick(record, fields)), sort_keys=True, separators=(",", ":")
    )
    return _sha256(text)[:8].hex()


def pick(record: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Only these fields of a record; ``lines.quantity`` of each of its lines."""
    inner: dict[str, list[str]] = {}
    for name in fields:
        head, dot, rest = name.partition(".")
        inner.setdefault(head, []).extend([rest] if dot else [])
    return {
        name: _pick_inner(record[name], names)
        for name, names in inner.items()
        if name in record
    }


class Sums:
    """The sums and counts of all buckets of one side.

    :param earlier: what :meth:`as_json` of an earlier one returned, to go on from
    """

    def __init__(
        self, buckets: int, earlier: Iterable[Mapping[str, Any]] | None = None
    ):
        self._sums, self._counts = [0] * buckets, [0] * buckets
        for number, bucket in enumerate(earlier or ()):
            self._sums[number] = int(bucket["sum"], 16)
            self._counts[number] = bucket["count"]

    def add(self, external_id: str, record_digest: str) -> None:
        """Count one record in; each must be added once."""
        number = bucket_of(external_id, len(self._sums))
        term = int.from_bytes(_sha256(f"{external_id}:{record_digest}")[:8], "big")
        self._sums[number] = (self._sums[number] + term) % _MODULUS
        self._counts[number] += 1

    def as_json(self) -> list[dict[str, Any]]:
        """JSON form: ``{"count": 49, "sum": "0123456789abcdef"}`` for each bucket."""
        return [
            {"count": count, "sum": f"{total:016x}"}
            for total, count in zip(self._sums, self._counts, strict=True)
        ]


def differing(
    one: Iterable[Mapping[str, Any]], other: Iterable[Mapping[str, Any]]
) -> list[int]:
    """Numbers of the buckets that differ between two sides, as :meth:`Sums.as_json`.

    :raise ValueError: they are not as many on both sides
    """
    return [
        number
        for number, (ours, theirs) in enumerate(zip(one, other, strict=True))
        if (ours["count"], ours["sum"]) != (theirs["count"], theirs["sum"])
    ]


def _pick_inner(value: Any, names: Sequence[str]) -> Any:
    if not names or not isinstance(value, list):
        return value
    return [
        {name: element[name] for name in names if name in element}
        if isinstance(element, Mapping)
        else element
        for element in value
    ]


def _canonical(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        shorter = _LONG_DECIMAL.fullmatch(text)
        return shorter[1] if shorter else text
    if isinstance(value, Mapping):
        inner = {name: _canonical(each) for name, each in value.items()}
        return {name: v for name, v in inner.items() if v not in (None, "", [])}
    if isinstance(value, list):
        values = [_canonical(each) for each in value]
        if values and all(isinstance(each, dict) for each in values):
            values.sort(key=lambda each: str(each.get("key", "")))
        return values
    return value


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
