"""Many changes in one request, each for itself."""


def test_each_item_has_its_own_result_in_order(pharmacy):
    old = pharmacy.create("suppliers", name="Old", external_ref="s0")
    gone = pharmacy.create("suppliers", name="Gone", external_ref="s9")
    items = [
        {"method": "create", "external_ref": "s1", "data": {"name": "New"}},
        {"method": "create", "external_ref": "s0", "data": {"name": "Twin"}},
        {"method": "create", "data": {"name": ""}},
        {"method": "update", "id": old["id"], "if_match": 1, "data": {"city": "B"}},
        {"method": "update", "id": old["id"], "if_match": 1, "data": {"city": "C"}},
        {"method": "update", "id": old["id"], "data": {"city": "C"}},
        {"method": "update", "id": "sup_none", "if_match": 1, "data": {}},
        {"method": "delete", "external_ref": "s9", "if_match": "*"},
        {"method": "update", "id": gone["id"], "if_match": "*", "data": {}},
        {"method": "create", "data": {"name": "Last", "correlation": 1}},
        {"method": "create", "data": {"name": "Last"}, "correlation_id": "c-10"},
    ]
    answer = pharmacy.post("suppliers/batch", {"items": items})
    assert answer.status_code == 200
    results = answer.json()["results"]
    statuses = [201, 409, 422, 200, 412, 428, 404, 204, 410, 422, 201]
    assert [result["status"] for result in results] == statuses
    assert results[0]["data"]["external_ref"] == "s1"
    assert results[1]["existing_id"] == old["id"]
    assert results[2]["error"]["field"] == "name"
    assert results[3]["version"] == 2
    assert results[4]["current"]["city"] == "B"
    names = [item["name"] for item in pharmacy.get("suppliers").json()["items"]]
    assert names == ["Old", "New", "Last"]
    history = pharmacy.get(f"/admin/history/{results[10]['id']}").json()["history"]
    assert history[0]["correlation_id"] == "c-10"


def test_a_refused_order_leaves_nothing_behind(pharmacy):
    supplier = pharmacy.create("suppliers", name="A")
    bad = {"supplier_id": supplier["id"], "lines": [{"product_id": "prd_none"}]}
    good = {"supplier_id": supplier["id"]}
    items = [{"method": "create", "data": data} for data in (bad, good)]
    results = pharmacy.post("purchase-orders/batch", {"items": items}).json()["results"]
    assert [result["status"] for result in results] == [422, 201]
    assert results[0]["data"] is None
    assert results[1]["data"]["reference"] == "PH00001"


def test_more_than_500_items_are_refused(pharmacy):
    items = [{"method": "create", "data": {"name": "A"}}] * 501
    assert pharmacy.post("suppliers/batch", {"items": items}).status_code == 422
    assert pharmacy.get("suppliers").json()["items"] == []


def test_a_hundred_orders_at_once(pharmacy):
    supplier = pharmacy.create("suppliers", name="A")["id"]
    product = pharmacy.create("products", name="B")["id"]
    line = {"product_id": product, "quantity": "2.00", "unit_price": "12.50"}
    for run in range(2):
        items = [
            {
                "method": "create",
                "external_ref": f"order-{run}-{number}",
                "idempotency_key": f"key-{run}-{number}",
                "data": {"supplier_id": supplier, "lines": [line] * 5},
            }
            for number in range(100)
        ]
        answer = pharmacy.post("purchase-orders/batch", {"items": items})
        assert {result["status"] for result in answer.json()["results"]} == {201}
