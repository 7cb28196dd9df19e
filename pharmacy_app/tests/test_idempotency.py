"""One key, one effect."""

from concurrent.futures import ThreadPoolExecutor


def keyed(key):
    return {"Idempotency-Key": key}


def test_a_repeated_creation_gets_the_first_answer(pharmacy):
    first = pharmacy.post("suppliers", {"name": "A"}, headers=keyed("k1"))
    again = pharmacy.post("suppliers", {"name": "A"}, headers=keyed("k1"))
    assert again.json() == first.json()
    assert again.status_code == first.status_code == 201
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(pharmacy.get("suppliers").json()["items"]) == 1


def test_a_key_cannot_be_used_for_something_else(pharmacy):
    pharmacy.post("suppliers", {"name": "A"}, headers=keyed("k1"))
    for answer in (
        pharmacy.post("suppliers", {"name": "B"}, headers=keyed("k1")),
        pharmacy.post("products", {"name": "A"}, headers=keyed("k1")),
    ):
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "idempotency_key_reused"


def test_a_repeated_update_or_deletion_is_not_a_conflict(pharmacy):
    path = f"suppliers/{pharmacy.create('suppliers', name='A')['id']}"
    first = pharmacy.patch(path, 1, {"city": "B"}, keyed("k1"))
    again = pharmacy.patch(path, 1, {"city": "B"}, keyed("k1"))
    assert (again.status_code, again.json()) == (200, first.json())
    headers = {"If-Match": '"2"', **keyed("k2")}
    for replayed in (None, "true"):
        answer = pharmacy.call("DELETE", path, headers=headers)
        assert answer.status_code == 204
        assert answer.headers.get("Idempotent-Replayed") == replayed


def test_a_refused_request_may_be_repeated_when_the_reason_is_gone(pharmacy):
    body = {"name": "A", "barcode": "84001"}
    twin = pharmacy.create("products", **body)
    assert pharmacy.post("products", body, headers=keyed("k1")).status_code == 409
    pharmacy.delete(f"products/{twin['id']}", 1)
    assert pharmacy.post("products", body, headers=keyed("k1")).status_code == 201


def test_concurrent_twins_make_one_record(pharmacy):
    def create(_):
        return pharmacy.post("suppliers", {"name": "A"}, headers=keyed("k1")).json()

    with ThreadPoolExecutor(8) as pool:
        ids = {record["id"] for record in pool.map(create, range(16))}
    assert len(ids) == 1
    assert len(pharmacy.get("suppliers").json()["items"]) == 1


def test_a_batch_repeats_what_a_single_request_did(pharmacy):
    first = pharmacy.post("suppliers", {"name": "A"}, headers=keyed("k1")).json()
    item = {"method": "create", "idempotency_key": "k1", "data": {"name": "A"}}
    result = pharmacy.post("suppliers/batch", {"items": [item]}).json()["results"][0]
    assert result["replayed"]
    assert result["data"] == first


def test_the_application_can_be_set_to_ignore_keys(pharmacy):
    pharmacy.post("/admin/settings", {"ignore_idempotency_keys": True})
    ids = {
        pharmacy.post("suppliers", {"name": "A"}, headers=keyed("k1")).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 2
