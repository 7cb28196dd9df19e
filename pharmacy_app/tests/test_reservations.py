"""Stock is held, taken and given back, and never twice."""

import pytest

from pharmacy_app import reservations


@pytest.fixture
def order(pharmacy):
    order = pharmacy.order()
    product = order["lines"][0]["product_id"]
    pharmacy.post("/admin/settings", {"stock": {product: 5}})
    return order


def reserve(pharmacy, order, quantity, **options):
    line = {"product_id": order["lines"][0]["product_id"], "quantity": quantity}
    data = {"purchase_order_id": order["id"], "lines": [line], **options}
    return pharmacy.post("reservations", data)


def stock_of(pharmacy, order):
    stock = pharmacy.post("/admin/settings", {}).json()["stock"]
    return stock[order["lines"][0]["product_id"]]


def step(pharmacy, reservation, name):
    return pharmacy.post(f"reservations/{reservation['id']}/{name}")


def test_what_is_held_is_not_there_for_others(pharmacy, order):
    first = reserve(pharmacy, order, "3", external_ref="saga-1")
    assert (first.status_code, first.json()["state"]) == (201, "held")
    refused = reserve(pharmacy, order, "3")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "insufficient_stock"
    assert refused.json()["error"]["field"] == "lines[0].quantity"
    step(pharmacy, first.json(), "release")
    assert reserve(pharmacy, order, "3").status_code == 201
    found = pharmacy.get("reservations?external_ref=saga-1").json()["items"]
    assert [item["state"] for item in found] == ["released"]


def test_confirming_and_releasing_twice_counts_once(pharmacy, order):
    held = reserve(pharmacy, order, "3").json()
    for _ in range(2):
        assert step(pharmacy, held, "confirm").json()["state"] == "confirmed"
        assert stock_of(pharmacy, order) == "2.00"
    for _ in range(2):
        assert step(pharmacy, held, "release").json()["state"] == "released"
        assert stock_of(pharmacy, order) == "5.00"
    late = step(pharmacy, held, "confirm")
    assert late.json()["error"]["code"] == "business_rule"


def test_a_key_holds_one_reservation(pharmacy, order):
    first = reserve(pharmacy, order, "1", external_ref="saga-1").json()
    twin = reserve(pharmacy, order, "1", external_ref="saga-1")
    assert (twin.status_code, twin.json()["existing_id"]) == (409, first["id"])


def test_what_was_never_confirmed_is_given_back(pharmacy, order, monkeypatch):
    monkeypatch.setattr(reservations, "HELD_SECONDS", 0)
    held = reserve(pharmacy, order, "5").json()
    assert held["state"] == "expired"
    assert step(pharmacy, held, "confirm").status_code == 410
    assert reserve(pharmacy, order, "5").status_code == 201
    assert step(pharmacy, held, "release").json()["state"] == "released"


def test_only_a_living_order_can_have_one(pharmacy, order):
    unknown = reserve(pharmacy, order | {"id": "po_none"}, "1")
    assert unknown.json()["error"]["code"] == "unknown_reference"
    pharmacy.patch(f"purchase-orders/{order['id']}", 1, {"state": "cancelled"})
    cancelled = reserve(pharmacy, order, "1")
    assert cancelled.json()["error"]["code"] == "business_rule"
