"""By checksums another system finds out which records differ from its own."""

import pytest

from pharmacy_app import checksums


def sums(pharmacy, collection="suppliers", **params):
    params.setdefault("buckets", 16)
    answer = pharmacy.get(f"{collection}/checksums", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["buckets"]


def items(pharmacy, buckets, collection="suppliers", **params):
    params |= {"buckets": 16, "bucket": buckets}
    return pharmacy.get(f"{collection}/checksums", params=params).json()["items"]


def test_the_formula_is_that_of_the_readme():
    record = {"name": " Amoxi ", "price": "12.500", "barcode": None, "id": "x"}
    fields = ["name", "price", "barcode"]
    assert checksums.digest(record, fields) == "ff40d4aa11626514"
    assert checksums.bucket_of("prd_1", 256) == 8


def test_every_record_is_in_one_bucket(pharmacy):
    made = [pharmacy.create("suppliers", name=f"Number {n}") for n in range(40)]
    reported = sums(pharmacy)
    assert sum(bucket["count"] for bucket in reported) == 40
    listed = items(pharmacy, list(range(16)))
    assert sorted(item["id"] for item in listed) == sorted(r["id"] for r in made)


def test_a_change_shows_in_its_bucket_alone(pharmacy):
    records = [pharmacy.create("suppliers", name=f"Number {n}") for n in range(40)]
    before = sums(pharmacy)
    pharmacy.patch(f"suppliers/{records[7]['id']}", "*", {"phone": "1"})
    after = sums(pharmacy)
    (bucket,) = [n for n in range(16) if before[n] != after[n]]
    assert bucket == checksums.bucket_of(records[7]["id"], 16)
    (entry,) = [e for e in items(pharmacy, [bucket]) if e["id"] == records[7]["id"]]
    assert entry["version"] == 2


def test_a_deleted_record_is_not_counted(pharmacy):
    kept = pharmacy.create("suppliers", name="Kept")
    before = sums(pharmacy)
    gone = pharmacy.create("suppliers", name="Gone")
    pharmacy.delete(f"suppliers/{gone['id']}", 1)
    assert sums(pharmacy) == before
    assert [e["id"] for e in items(pharmacy, list(range(16)))] == [kept["id"]]


def test_only_the_fields_asked_for_count(pharmacy):
    record = pharmacy.create("suppliers", name="Almenara")
    before = sums(pharmacy, fields="name,city")
    pharmacy.patch(f"suppliers/{record['id']}", "*", {"phone": "1"})
    assert sums(pharmacy, fields="name,city") == before
    pharmacy.patch(f"suppliers/{record['id']}", "*", {"city": "Coimbra"})
    assert sums(pharmacy, fields="name,city") != before


def test_lines_count_whatever_their_order(pharmacy):
    order = pharmacy.order()
    product = order["lines"][0]["product_id"]
    lines = [{"key": key, "product_id": product, "quantity": "1"} for key in ("a", "b")]
    path = f"purchase-orders/{order['id']}"
    pharmacy.patch(path, "*", {"lines": lines})
    before = sums(pharmacy, "purchase-orders")
    pharmacy.patch(path, "*", {"lines": lines[::-1]})
    assert sums(pharmacy, "purchase-orders") == before
    lines[0]["quantity"] = "2"
    pharmacy.patch(path, "*", {"lines": lines})
    assert sums(pharmacy, "purchase-orders") != before
    only_products = {"fields": "lines.key,lines.product_id"}
    reported = sums(pharmacy, "purchase-orders", **only_products)
    lines[0]["quantity"] = "3"
    pharmacy.patch(path, "*", {"lines": lines})
    assert sums(pharmacy, "purchase-orders", **only_products) == reported


@pytest.mark.parametrize(
    "params", [{"buckets": 0}, {"buckets": 9999}, {"fields": "a;b"}, {"bucket": -1}]
)
def test_what_cannot_be_computed_is_refused(pharmacy, params):
    answer = pharmacy.get("suppliers/checksums", params=params)
    assert answer.status_code == 422


def test_it_can_play_an_app_without_checksums(pharmacy):
    pharmacy.post("/admin/settings", {"without_checksums": True})
    assert pharmacy.get("suppliers/checksums").status_code == 404
    pharmacy.post("/admin/reset")
    assert pharmacy.get("suppliers/checksums").status_code == 200
