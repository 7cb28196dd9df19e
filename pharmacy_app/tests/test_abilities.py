"""A hidden ability is gone as it is in an app that never had it."""

import pytest
from conftest import running

from pharmacy_app.__main__ import parse_arguments
from pharmacy_app.abilities import Ability

ROUTES = {
    "batch": ("POST", "suppliers/batch"),
    "capabilities": ("GET", "capabilities"),
    "change_feed": ("GET", "changes"),
    "checksums": ("GET", "suppliers/checksums"),
    "reservations": ("GET", "reservations"),
    "webhooks": ("GET", "webhooks"),
}


def hide(pharmacy, *abilities):
    answer = pharmacy.post("/admin/settings", {"hidden": abilities})
    assert answer.json()["hidden"] == sorted(abilities)


@pytest.mark.parametrize("ability", ROUTES)
def test_routes_of_a_hidden_ability_are_not_found(pharmacy, ability):
    method, path = ROUTES[ability]
    content = {"items": []} if method == "POST" else None
    assert pharmacy.call(method, path, json=content).status_code == 200
    hide(pharmacy, ability)
    answer = pharmacy.call(method, path, json=content)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.headers["X-Correlation-ID"]
    assert pharmacy.post("suppliers", {"name": "A"}).status_code == 201


def test_capabilities_name_what_is_not_hidden(pharmacy):
    everything = [ability.value for ability in Ability]
    assert pharmacy.get("capabilities").json() == {"abilities": everything}
    hide(pharmacy, "batch", "webhooks")
    there = pharmacy.get("capabilities").json()["abilities"]
    assert set(everything) - set(there) == {"batch", "webhooks"}


def test_hidden_versions_are_ignored(pharmacy):
    supplier = pharmacy.create("suppliers", name="A")
    path = f"suppliers/{supplier['id']}"
    hide(pharmacy, "if_match")
    assert pharmacy.patch(path, 7, {"name": "B"}).json()["version"] == 2
    assert pharmacy.call("PATCH", path, json={"name": "C"}).json()["version"] == 3
    item = {"method": "update", "id": supplier["id"], "if_match": 1}
    item["data"] = {"name": "D"}
    results = pharmacy.post("suppliers/batch", {"items": [item]}).json()["results"]
    assert results[0]["data"]["name"] == "D"


def test_hidden_idempotency_keys_are_ignored(pharmacy):
    hide(pharmacy, "idempotency_key")
    for __ in range(2):
        headers = {"Idempotency-Key": "k"}
        item = {"method": "create", "idempotency_key": "i", "data": {"name": "A"}}
        assert pharmacy.post("suppliers", {"name": "A"}, headers=headers).ok
        assert pharmacy.post("suppliers/batch", {"items": [item]}).ok
    assert len(pharmacy.get("suppliers").json()["items"]) == 4


def test_hidden_keys_are_neither_kept_nor_looked_for(pharmacy):
    pharmacy.create("suppliers", name="A", external_ref="1")
    hide(pharmacy, "external_ref")
    assert "external_ref" not in pharmacy.create(
        "suppliers", name="B", external_ref="1"
    )
    page = pharmacy.get("suppliers?external_ref=1&limit=9").json()
    assert [item["name"] for item in page["items"]] == ["A", "B"]
    assert "external_ref" not in str(pharmacy.get("changes").json())
    order = pharmacy.order()
    held = {"purchase_order_id": order["id"], "external_ref": "r"}
    lines = [{"product_id": order["lines"][0]["product_id"], "quantity": "1"}]
    pharmacy.create("reservations", **held, lines=lines)
    (found,) = pharmacy.get("reservations?external_ref=r").json()["items"]
    assert found["external_ref"] == "r"


def test_a_hidden_time_is_ignored(pharmacy):
    at = pharmacy.create("suppliers", name="A")["updated_at"]
    later = "9999-12-31T23:59:59Z"

    def listed(since):
        page = pharmacy.get(f"suppliers?updated_since={since}&limit=1").json()
        return [item["name"] for item in page["items"]]

    assert (listed(at), listed(later)) == (["A"], [])
    hide(pharmacy, "updated_since")
    assert listed(later) == ["A"]


def test_the_command_line_hides(tmp_path, monkeypatch):
    monkeypatch.setenv("PHARMACY_API_KEY", "k")
    hidden = parse_arguments(["--hide", "batch", "--hide", "webhooks"]).hide
    assert hidden == ["batch", "webhooks"]
    options = {"hidden": tuple(map(Ability, hidden)), "deliver": False}
    with running(tmp_path / "hiding.sqlite", **options) as pharmacy:
        for __ in range(2):
            assert pharmacy.get("webhooks").status_code == 404
            assert pharmacy.get("changes").status_code == 200
            pharmacy.post("/admin/reset")
