"""What a client may rely on when it reads and writes single records."""

import pytest


def error_of(answer):
    return answer.json()["error"]


def test_without_the_key_nothing_is_reported(pharmacy):
    for key in ("Bearer wrong", ""):
        answer = pharmacy.get("suppliers", headers={"Authorization": key})
        assert answer.status_code == 401
        assert error_of(answer)["code"] == "unauthorized"
    assert (
        pharmacy.get("/admin/faults", headers={"Authorization": key}).status_code == 401
    )


def test_health_needs_no_key(pharmacy):
    answer = pharmacy.get("health", headers={"Authorization": ""})
    assert answer.json()["status"] == "ok"


def test_the_correlation_id_is_echoed_and_made_when_absent(pharmacy):
    given = pharmacy.get("suppliers", headers={"X-Correlation-ID": "abc-1"})
    assert given.headers["X-Correlation-ID"] == "abc-1"
    made = pharmacy.get("suppliers/nobody")
    assert made.headers["X-Correlation-ID"] == error_of(made)["correlation_id"] != ""


def test_a_new_order_is_complete(pharmacy):
    order = pharmacy.order(external_ref="purchase.order,7")
    assert order["version"] == 1
    assert order["reference"] == "PH00001"
    assert order["total"] == "12.50"
    assert order["lines"][0]["key"].startswith("ln_")
    assert order["ordered_at"].endswith("Z")
    answer = pharmacy.get(f"purchase-orders/{order['id']}")
    assert answer.json() == order
    assert answer.headers["ETag"] == '"1"'
    found = pharmacy.get("purchase-orders?external_ref=purchase.order,7").json()
    assert found == {"items": [order], "next_after": None}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("12.5", "12.50"),
        (12.5, "12.50"),
        ("0", "0.00"),
        ("1.230000", "1.23"),
        ("1.234567", "1.234567"),
        (None, "0.00"),
    ],
)
def test_amounts_are_decimal_texts(pharmacy, sent, kept):
    assert pharmacy.create("products", name="Gauze", cost=sent)["cost"] == kept


@pytest.mark.parametrize(
    ("collection", "data", "field"),
    [
        ("suppliers", {}, "name"),
        ("suppliers", {"name": ""}, "name"),
        ("suppliers", {"name": "A", "colour": "red"}, "colour"),
        ("suppliers", {"name": "A", "active": "yes"}, "active"),
        ("suppliers", {"name": "A", "country_code": "es"}, "country_code"),
        ("products", {"name": "A", "cost": "-1"}, "cost"),
        ("products", {"name": "A", "cost": "1.1234567"}, "cost"),
        ("products", {"name": "A", "price": "1e3"}, "price"),
        ("purchase-orders", {"supplier_id": "x", "state": "lost"}, "state"),
        (
            "purchase-orders",
            {"supplier_id": "x", "expected_at": "2026-02-29T00:00:00Z"},
            "expected_at",
        ),
        (
            "purchase-orders",
            {"supplier_id": "x", "lines": [{"quantity": "1"}]},
            "lines[0].product_id",
        ),
    ],
)
def test_invalid_data_is_refused_by_field(pharmacy, collection, data, field):
    answer = pharmacy.post(collection, data)
    assert answer.status_code == 422
    assert error_of(answer)["code"] == "validation_failed"
    assert error_of(answer)["field"] == field


def test_unknown_references_are_named(pharmacy):
    answer = pharmacy.post("purchase-orders", {"supplier_id": "sup_none"})
    assert (answer.status_code, error_of(answer)["field"]) == (422, "supplier_id")
    supplier = pharmacy.create("suppliers", name="A")
    data = {"supplier_id": supplier["id"], "lines": [{"product_id": "prd_none"}]}
    answer = pharmacy.post("purchase-orders", data)
    assert error_of(answer)["code"] == "unknown_reference"
    assert error_of(answer)["field"] == "lines[0].product_id"


def test_an_order_without_lines_cannot_be_confirmed(pharmacy):
    order = pharmacy.order(lines=[])
    answer = pharmacy.patch(f"purchase-orders/{order['id']}", 1, {"state": "confirmed"})
    assert (answer.status_code, error_of(answer)["code"]) == (422, "business_rule")


def test_keys_and_barcodes_are_unique(pharmacy):
    first = pharmacy.create("products", name="A", external_ref="p1", barcode="84001")
    for twin in ({"external_ref": "p1"}, {"barcode": "84001"}):
        answer = pharmacy.post("products", {"name": "B", **twin})
        assert answer.status_code == 409
        assert error_of(answer)["code"] == "duplicate"
        assert answer.json()["existing_id"] == first["id"]
    other = pharmacy.create("products", name="C")
    answer = pharmacy.patch(f"products/{other['id']}", 1, {"barcode": "84001"})
    assert answer.status_code == 409
    pharmacy.create("suppliers", name="D", external_ref="p1")


def test_an_update_needs_the_version_that_was_seen(pharmacy):
    path = f"suppliers/{pharmacy.create('suppliers', name='A')['id']}"
    assert pharmacy.call("PATCH", path, json={"city": "B"}).status_code == 428
    answer = pharmacy.patch(path, 1, {"city": "Soria"})
    assert answer.json()["version"] == 2
    assert answer.headers["ETag"] == '"2"'
    stale = pharmacy.patch(path, 1, {"city": "Lugo"})
    assert stale.status_code == 412
    assert stale.json()["current"] == answer.json()
    assert pharmacy.patch(path, "*", {"city": "Lugo"}).json()["version"] == 3


def test_a_patch_changes_only_what_it_names(pharmacy):
    order = pharmacy.order(notes="before noon")
    path = f"purchase-orders/{order['id']}"
    patched = pharmacy.patch(path, 1, {"state": "sent"}).json()
    changed = {"state", "version", "updated_at"}
    assert {k: v for k, v in patched.items() if k not in changed} == {
        k: v for k, v in order.items() if k not in changed
    }
    line = order["lines"][0] | {"quantity": "3"}
    patched = pharmacy.patch(path, 2, {"lines": [line]}).json()
    assert patched["lines"] == [line | {"quantity": "3.00"}]
    assert patched["total"] == "18.75"


def test_a_patch_that_changes_nothing_keeps_the_version(pharmacy):
    order = pharmacy.order(notes="x")
    path = f"purchase-orders/{order['id']}"
    for same in ({}, {"notes": "x"}, {"lines": order["lines"]}, {"reference": ""}):
        assert pharmacy.patch(path, 1, same).json() == order


def test_two_lines_cannot_share_a_key(pharmacy):
    order = pharmacy.order()
    lines = order["lines"] * 2
    answer = pharmacy.patch(f"purchase-orders/{order['id']}", 1, {"lines": lines})
    assert error_of(answer)["field"] == "lines[1].key"


def test_a_deleted_record_leaves_a_tombstone(pharmacy):
    supplier = pharmacy.create("suppliers", name="A", external_ref="s1")
    path = f"suppliers/{supplier['id']}"
    assert pharmacy.delete(path, 7).status_code == 412
    assert pharmacy.delete(path, 1).status_code == 204
    for answer in (
        pharmacy.get(path),
        pharmacy.delete(path, 2),
        pharmacy.patch(path, 2, {"name": "B"}),
    ):
        assert answer.status_code == 410
        assert answer.json()["current"]["deleted"]
        assert answer.json()["current"]["version"] == 2
    assert pharmacy.get("suppliers").json()["items"] == []
    again = pharmacy.post("suppliers", {"name": "A", "external_ref": "s1"})
    assert again.status_code == 409, "an old create must not revive it"
    change = pharmacy.get("changes").json()["changes"][-1]
    assert (change["id"], change["deleted"]) == (supplier["id"], True)


def test_a_deleted_product_stays_in_the_orders_that_have_it(pharmacy):
    order = pharmacy.order()
    line = order["lines"][0]
    pharmacy.delete(f"products/{line['product_id']}", 1)
    path = f"purchase-orders/{order['id']}"
    answer = pharmacy.patch(path, 1, {"lines": [line | {"quantity": "9"}]})
    assert answer.status_code == 200
    answer = pharmacy.post(
        "purchase-orders", {"supplier_id": order["supplier_id"], "lines": [line]}
    )
    assert error_of(answer)["code"] == "unknown_reference"


def test_lists_are_paged_and_searched(pharmacy):
    names = [f"Vet {number:02d} %" for number in range(7)]
    for name in names:
        pharmacy.create("suppliers", name=name)
    pharmacy.create("suppliers", name="Ärzte")
    seen, after = [], "0"
    while after is not None:
        page = pharmacy.get(f"suppliers?limit=3&after={after}&q=vet").json()
        seen += [item["name"] for item in page["items"]]
        after = page["next_after"]
    assert seen == names
    assert len(pharmacy.get("suppliers?q=ärz").json()["items"]) == 1
    assert len(pharmacy.get("suppliers", params={"q": "%"}).json()["items"]) == 7


def test_a_body_of_more_than_5_mb_is_refused(pharmacy):
    answer = pharmacy.post("suppliers", {"name": "x" * (5 * 1024 * 1024)})
    assert answer.status_code == 413
    assert error_of(answer)["code"] == "payload_too_large"


def test_who_wrote_each_version_is_kept(pharmacy):
    supplier = pharmacy.create("suppliers", name="A")
    headers = {"X-Actor": "Odoo (admin)", "X-Correlation-ID": "c-9"}
    pharmacy.patch(f"suppliers/{supplier['id']}", 1, {"city": "B"}, headers)
    history = pharmacy.get(f"/admin/history/{supplier['id']}").json()["history"]
    last = history[-1]
    assert [entry["version"] for entry in history] == [1, 2]
    assert (last["actor"], last["correlation_id"]) == ("Odoo (admin)", "c-9")


def test_the_application_can_be_set_to_keep_its_own_values(pharmacy):
    made = pharmacy.post("suppliers", {"name": "A", "city": "Lugo"}).json()
    pharmacy.post("/admin/settings", {"keeps": ["city"]})
    item = {"method": "update", "id": made["id"], "if_match": made["version"]}
    item["data"] = {"name": "B", "city": "Vigo"}
    (result,) = pharmacy.post("suppliers/batch", {"items": [item]}).json()["results"]
    assert result["status"] == 200
    assert (result["data"]["name"], result["data"]["city"]) == ("B", "Lugo")
