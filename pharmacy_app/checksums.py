"""Checksums of a collection, by which another system finds where it differs.

The formula is in README.md; whoever compares must compute it alike.
"""

import hashlib
import json
import re

_LONG_DECIMAL = re.compile(r"(-?[0-9]+\.[0-9]{2}[0-9]*?)0+")


def sums(db, entity, fields, buckets):
    """Count and sum of each bucket of the living records."""
    totals, counts = [0] * buckets, [0] * buckets
    for row in _living(db, entity):
        number = bucket_of(row["id"], buckets)
        term = _hash(f"{row['id']}:{digest(json.loads(row['data']), fields)}")[:8]
        totals[number] = (totals[number] + int.from_bytes(term, "big")) % 2**64
        counts[number] += 1
    return [
        {"count": count, "sum": f"{total:016x}"}
        for count, total in zip(counts, totals, strict=True)
    ]


def entries(db, entity, fields, buckets, wanted):
    """Id, version and digest of each living record in the ``wanted`` buckets."""
    wanted = frozenset(wanted)
    return [
        {
            "id": row["id"],
            "version": row["version"],
            "digest": digest(json.loads(row["data"]), fields),
        }
        for row in _living(db, entity)
        if bucket_of(row["id"], buckets) in wanted
    ]


def bucket_of(record_id, buckets):
    return int.from_bytes(_hash(record_id)[:4], "big") % buckets


def digest(record, fields):
    text = json.dumps(
        _canonical(_pick(record, fields)), sort_keys=True, separators=(",", ":")
    )
    return _hash(text)[:8].hex()


def _living(db, entity):
    return db.execute(
        "SELECT id, version, data FROM record WHERE entity = ? AND deleted = 0",
        (entity,),
    )


def _pick(record, fields):
    inner = {}
    for name in fields:
        head, dot, rest = name.partition(".")
        inner.setdefault(head, []).extend([rest] if dot else [])
    picked = {}
    for name in inner.keys() & record.keys():
        value, names = record[name], inner[name]
        if names and isinstance(value, list):
            value = [{n: each[n] for n in names if n in each} for each in value]
        picked[name] = value
    return picked


def _canonical(value):
    if isinstance(value, str):
        text = value.strip()
        shorter = _LONG_DECIMAL.fullmatch(text)
        return shorter[1] if shorter else text
    if isinstance(value, dict):
        inner = {name: _canonical(each) for name, each in value.items()}
        return {name: v for name, v in inner.items() if v not in (None, "", [])}
    if isinstance(value, list):
        values = [_canonical(each) for each in value]
        if values and all(isinstance(each, dict) for each in values):
            values.sort(key=lambda each: str(each.get("key", "")))
        return values
    return value


def _hash(text):
    return hashlib.sha256(text.encode()).digest()
