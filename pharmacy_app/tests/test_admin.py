"""The switches do what the tests of others count on."""

import stdnum.ean


def test_the_demo_data_is_loaded_once(pharmacy):
    loaded = pharmacy.post("/admin/seed", {"orders": 30, "seed": 42}).json()
    assert loaded == {
        "loaded": True,
        "suppliers": 5,
        "products": 60,
        "purchase-orders": 30,
    }
    again = pharmacy.post("/admin/seed", {"orders": 50, "seed": 1}).json()
    assert again == loaded | {"loaded": False}
    products = pharmacy.get("products?limit=500").json()["items"]
    barcodes = {product["barcode"] for product in products}
    assert len(barcodes) == 60
    assert all(map(stdnum.ean.is_valid, barcodes))
    orders = pharmacy.get("purchase-orders?limit=500").json()["items"]
    assert {len(order["lines"]) for order in orders} <= {1, 2, 3, 4, 5, 6}
    assert len({order["state"] for order in orders}) >= 3


def test_the_same_seed_makes_the_same_orders(pharmacy):
    def totals(seed):
        pharmacy.post("/admin/reset")
        pharmacy.post("/admin/seed", {"orders": 20, "seed": seed})
        orders = pharmacy.get("purchase-orders").json()["items"]
        return [(order["total"], order["state"], order["notes"]) for order in orders]

    first = totals(7)
    assert totals(7) == first
    assert totals(8) != first


def test_api_requests_are_logged_and_others_are_not(pharmacy):
    headers = {"X-Correlation-ID": "c-1", "X-Request-Deadline-Ms": "1500"}
    pharmacy.get("suppliers", headers=headers)
    pharmacy.post("suppliers/batch", {"items": [{"method": "create"}] * 2})
    pharmacy.get("/orders")
    seen = pharmacy.requests_seen()
    assert [entry["path"] for entry in seen] == [
        "/api/v1/suppliers",
        "/api/v1/suppliers/batch",
    ]
    assert (seen[0]["correlation_id"], seen[0]["deadline_ms"]) == ("c-1", "1500")
    assert [entry["items"] for entry in seen] == [0, 2]
    since = pharmacy.get(f"/admin/requests?since={seen[0]['seq']}").json()
    assert since["requests"] == seen[1:]
    summary = pharmacy.get("/admin/requests/summary").json()["summary"]
    assert [entry["count"] for entry in summary] == [1, 1]
    pharmacy.call("DELETE", "/admin/requests")
    assert pharmacy.requests_seen() == []
