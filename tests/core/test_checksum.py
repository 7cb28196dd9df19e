"""Checksums: equal sets agree, whatever differs is found, both programs count alike."""

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from odoo.addons.pharmacy_sync.core.exchange import checksum
from odoo.addons.pharmacy_sync.core.exchange.checksum import (
    Sums,
    bucket_count,
    differing,
)

THEIRS = Path(__file__).parents[2] / "pharmacy_app" / "checksums.py"
FIELDS = ("name", "price", "lines.key", "lines.quantity")

texts = st.text(max_size=8)
amounts = st.decimals(-99, 99, places=2).map(str)
lines = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from("abcdef"), "quantity": amounts}),
    unique_by=lambda line: line["key"],
    max_size=4,
)
records = st.fixed_dictionaries(
    {"name": texts, "price": amounts}, optional={"lines": lines, "note": texts}
)
sides = st.dictionaries(st.text(min_size=1, max_size=6), records, max_size=30)
buckets = st.sampled_from((1, 16, 64))


def reported(side, number, order=lambda items: items):
    sums = Sums(number)
    for external_id, record in order(list(side.items())):
        sums.add(external_id, checksum.digest(record, FIELDS))
    return sums.as_json()


@given(sides, buckets, st.randoms())
def test_the_order_of_records_does_not_matter(side, number, chance):
    def shuffled(items):
        chance.shuffle(items)
        return items

    assert reported(side, number) == reported(side, number, shuffled)


@given(sides, buckets)
def test_a_missing_record_is_found_on_either_side(side, number):
    for external_id in side:
        rest = {key: value for key, value in side.items() if key != external_id}
        own = [checksum.bucket_of(external_id, number)]
        assert differing(reported(side, number), reported(rest, number)) == own
        assert differing(reported(rest, number), reported(side, number)) == own


@given(sides, buckets, st.text(min_size=1))
def test_a_changed_record_is_found(side, number, suffix):
    for external_id, record in side.items():
        changed = {**side, external_id: {**record, "name": record["name"] + suffix}}
        same = (record["name"] + suffix).strip() == record["name"].strip()
        expected = [] if same else [checksum.bucket_of(external_id, number)]
        assert differing(reported(side, number), reported(changed, number)) == expected


@given(sides.filter(lambda side: len(side) > 1), buckets)
def test_two_records_that_changed_places_are_found(side, number):
    (one, first), (other, second), *__ = side.items()
    swapped = {**side, one: second, other: first}
    same = checksum.digest(first, FIELDS) == checksum.digest(second, FIELDS)
    assert bool(differing(reported(side, number), reported(swapped, number))) == (
        not same
    )


@given(sides, buckets, st.integers(0, 30))
def test_counting_goes_on_after_a_stop(side, number, cut):
    first = Sums(number)
    items = [(key, checksum.digest(record, FIELDS)) for key, record in side.items()]
    for item in items[:cut]:
        first.add(*item)
    kept = json.loads(json.dumps(first.as_json()))
    second = Sums(number, kept)
    for item in items[cut:]:
        second.add(*item)
    assert second.as_json() == reported(side, number)


@given(records)
def test_what_means_the_same_has_the_same_digest(record):
    same = {
        **record,
        "name": f" {record['name']}\n",
        "price": f"{record['price']}000",
        "lines": record.get("lines", [])[::-1] or None,
        "note": "of no account",
        "unknown": 7,
    }
    assert checksum.digest(record, FIELDS) == checksum.digest(same, FIELDS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"name": "1.5"}, {"name": "1.50"}),
        ({"active": False}, {}),
        ({"active": False}, {"active": True}),
        ({"name": "a"}, {"city": "a"}),
        ({"lines": [{"key": "1"}]}, {"lines": [{"key": "1"}, {"key": "2"}]}),
    ],
)
def test_what_means_another_thing_has_not(one, other):
    fields = ("name", "city", "active", "lines")
    assert checksum.digest(one, fields) != checksum.digest(other, fields)


@given(records, st.text(min_size=1), buckets)
def test_the_pharmacy_app_counts_alike(record, external_id, number):
    spec = importlib.util.spec_from_file_location("their_checksums", THEIRS)
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    assert theirs.digest(record, FIELDS) == checksum.digest(record, FIELDS)
    assert theirs.bucket_of(external_id, number) == checksum.bucket_of(
        external_id, number
    )


def test_a_bucket_without_records_is_zero():
    """As the document of the API has it, for sides that are written elsewhere."""
    assert Sums(2).as_json() == [{"count": 0, "sum": "0" * 16}] * 2


def test_sides_with_another_number_of_buckets_cannot_be_compared():
    with pytest.raises(ValueError):
        differing(reported({}, 16), reported({}, 64))


def test_buckets_grow_with_the_records():
    assert bucket_count(0) == bucket_count(500) == 16
    assert bucket_count(5_000) == 128
    assert bucket_count(50_000) == bucket_count(5_000_000) == 1024


@given(st.sets(st.text(min_size=1), max_size=30))
def test_each_record_is_counted_once(ids):
    sums = Sums(4)
    for external_id in ids:
        sums.add(external_id, "digest")
    assert sum(bucket["count"] for bucket in sums.as_json()) == len(ids)


@pytest.mark.parametrize(
    "records, buckets",
    [(768, 16), (769, 32), (1536, 32), (1537, 64), (24_576, 512), (24_577, 1024)],
)
def test_a_bucket_has_48_records_at_most_while_there_may_be_more_buckets(
    records, buckets
):
    assert bucket_count(records) == buckets


def test_the_sum_of_a_bucket_is_that_of_the_first_halves_of_its_hashes():
    """The formula that the other side follows, with SHA-256 as others compute it."""
    hashes = [
        # printf 'po_1:0123456789abcdef' | sha256sum
        hashlib.sha256(text.encode()).hexdigest()
        for text in ("po_1:0123456789abcdef", "po_2:fedcba9876543210")
    ]
    sums = Sums(1)
    sums.add("po_1", "0123456789abcdef")
    assert sums.as_json() == [{"count": 1, "sum": hashes[0][:16]}]
    sums.add("po_2", "fedcba9876543210")
    total = (int(hashes[0][:16], 16) + int(hashes[1][:16], 16)) % 2**64
    assert sums.as_json() == [{"count": 2, "sum": f"{total:016x}"}]


def test_a_digest_is_of_the_fields_that_are_asked_for():
    one = {"lines": [{"key": "a", "quantity": "1.00", "more": 1}], "more": 2}
    other = {"lines": [{"key": "a", "quantity": "1.00"}]}
    assert checksum.digest(one, FIELDS) == checksum.digest(other, FIELDS)
    # A list without fields of its own is asked for whole.
    assert checksum.digest(one, ["lines"]) != checksum.digest(other, ["lines"])


def test_a_list_of_texts_is_in_its_order():
    one, other = (checksum.digest({"tags": [*tags]}, ["tags"]) for tags in ("ab", "ba"))
    assert one != other
