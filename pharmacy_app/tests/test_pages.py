"""A person at the pharmacy sees and changes the same records, and loses nothing."""

import pytest


def form_of(order, **changes):
    """What a browser sends for an order's form, as a list of pairs."""
    pairs = [
        ("version", str(order["version"])),
        ("state", order["state"]),
        ("expected_at", (order["expected_at"] or "")[:-1]),
        ("notes", order["notes"].replace("\n", "\r\n")),
    ]
    pairs = [(name, changes.get(name, value)) for name, value in pairs]
    blank = {"key": "", "product_id": "", "quantity": "1.00", "unit_price": "0.00"}
    for line in [*order["lines"], blank]:
        pairs += [(f"line_{name}", line[name]) for name in blank]
    return pairs


@pytest.fixture
def order(pharmacy):
    return pharmacy.order(notes="before\nnoon", expected_at="2026-12-01T08:00:30Z")


def read(pharmacy, order):
    return pharmacy.get(f"purchase-orders/{order['id']}").json()


def send(pharmacy, order, pairs, **options):
    return pharmacy.call("POST", f"/orders/{order['id']}", data=pairs, **options)


def test_the_lists_show_and_search(pharmacy, order):
    for path, expected in (
        ("/", order["reference"]),
        ("/orders?q=almenara", order["reference"]),
        ("/suppliers", "Almenara"),
        ("/products", "Cefalexin 300 mg"),
    ):
        page = pharmacy.get(path, headers={"Authorization": ""})
        assert page.status_code == 200
        assert expected in page.text
    assert order["reference"] not in pharmacy.get("/?q=nobody").text
    assert pharmacy.get("/static/refresh.js").status_code == 200
    assert pharmacy.get("/clinics").status_code == 404


def test_orders_are_filtered_by_state(pharmacy, order):
    assert order["reference"] in pharmacy.get(f"/orders?state={order['state']}").text
    assert order["reference"] not in pharmacy.get("/orders?state=received").text


def test_a_person_reads_what_it_offers_to_programs(pharmacy):
    page = pharmacy.get("/docs", headers={"Authorization": ""})
    assert page.status_code == 200
    assert "/api/v1/purchase-orders/batch" in page.text


def test_faults_are_seen_and_switched_off(pharmacy):
    assert "No fault is on" in pharmacy.get("/faults").text
    pharmacy.post("/admin/faults", {"rules": [{"kind": "error", "count": 3}]})
    pharmacy.post("/admin/settings", {"refuse_records": "forbidden"})
    page = pharmacy.get("/faults").text
    assert "error 503" in page
    assert "Every record is refused: forbidden" in page
    assert pharmacy.call("POST", "/faults", data=[]).status_code == 200
    assert "No fault is on" in pharmacy.get("/faults").text


def test_a_person_switches_a_fault_on_and_off(pharmacy):
    def switch(name):
        return pharmacy.call("POST", "/faults", data={"switch": name})

    for name in ("slow", "lost", "key"):
        assert switch(name).status_code == 200
        assert "No fault is on" not in pharmacy.get("/faults").text
    switch("down")
    assert "error 503" in pharmacy.get("/faults").text
    assert pharmacy.get("/api/v1/suppliers").status_code == 503
    switch("records")
    page = pharmacy.get("/faults").text
    assert "error 503" not in page
    assert "Every record is refused: business_rule" in page
    switch("")
    assert "No fault is on" in pharmacy.get("/faults").text
    assert pharmacy.get("/api/v1/suppliers").status_code == 200


def test_a_record_leads_to_odoos(pharmacy, order):
    path = f"/orders/{order['id']}"
    assert "Open in Odoo" not in pharmacy.get(path).text
    url = "http://127.0.0.1:8069/pharmacy_sync/webhook/1"
    pharmacy.post("/api/v1/webhooks", {"url": url, "secret": "whsec_" + "a" * 44})
    link = f'href="http://127.0.0.1:8069/pharmacy_sync/record/{order["id"]}"'
    assert link in pharmacy.get(path).text


def test_a_person_reads_an_error_as_a_page(pharmacy):
    page = pharmacy.get("/clinics", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "<h1>404: no such page</h1>" in page.text
    assert pharmacy.get("/clinics").json()["error"]["code"] == "not_found"


def test_a_list_has_fifty_rows_to_a_page(pharmacy):
    pharmacy.post("/admin/seed", {"orders": 51})
    assert pharmacy.get("/orders").text.count('<a href="/orders/po_') == 50
    assert pharmacy.get("/orders?page=2").text.count('<a href="/orders/po_') == 1


def test_saving_an_untouched_form_changes_nothing(pharmacy, order):
    answer = send(pharmacy, order, form_of(order))
    assert answer.status_code == 200
    assert read(pharmacy, order) == order


def test_an_order_is_edited(pharmacy, order):
    product = pharmacy.create("products", name="Gauze", uom="Box")
    pairs = form_of(order, notes="after\r\nnoon", expected_at="2026-12-02T09:00")
    pairs = [(name, "7" if value == "2.00" else value) for name, value in pairs]
    pairs[-3:] = [
        ("line_product_id", product["id"]),
        ("line_quantity", "3"),
        ("line_unit_price", "1.5"),
    ]
    page = send(pharmacy, order, pairs)
    assert "Saved as version 2." in page.text
    saved = read(pharmacy, order)
    assert (saved["notes"], saved["expected_at"]) == (
        "after\nnoon",
        "2026-12-02T09:00:00Z",
    )
    first, second = saved["lines"]
    assert first == order["lines"][0] | {"quantity": "7.00"}
    assert (second["description"], second["uom"]) == ("Gauze", "Box")
    assert saved["total"] == "48.25"
    history = pharmacy.get(f"/admin/history/{order['id']}").json()["history"]
    assert history[-1]["actor"] == "web page"
    removal = [*form_of(saved), ("remove", first["key"])]
    send(pharmacy, order, removal)
    assert [line["key"] for line in read(pharmacy, order)["lines"]] == [second["key"]]


def test_a_stale_form_shows_both_and_saves_nothing(pharmacy, order):
    line = order["lines"][0] | {"quantity": "5.00"}
    theirs = {"notes": "theirs", "lines": [line]}
    newer = pharmacy.patch(f"purchase-orders/{order['id']}", 1, theirs).json()
    page = send(pharmacy, order, form_of(order, notes="mine"))
    assert page.status_code == 412
    assert "changed while you were editing it" in page.text
    assert "mine</textarea>" in page.text
    assert "now: theirs" in page.text
    assert "now: 5.00" in page.text
    assert read(pharmacy, order) == newer
    again = send(pharmacy, order, form_of(newer, notes="mine"))
    assert again.status_code == 200
    assert read(pharmacy, order)["notes"] == "mine"


def test_a_wrong_value_is_explained_and_kept_in_the_form(pharmacy, order):
    pairs = [
        (name, "many" if value == "2.00" else value) for name, value in form_of(order)
    ]
    page = send(pharmacy, order, pairs)
    assert page.status_code == 422
    assert "lines[0].quantity" in page.text
    assert 'value="many"' in page.text
    assert read(pharmacy, order) == order


def test_a_supplier_is_edited(pharmacy, order):
    path = f"/suppliers/{order['supplier_id']}"
    names = ("reference", "vat", "email", "phone", "street", "street2", "zip", "city")
    form = {"version": "1", "name": "Nordheide", "country_code": "DE"}
    form |= dict.fromkeys(names, "")
    assert "Saved as version 2." in pharmacy.call("POST", path, data=form).text
    supplier = pharmacy.get(path.replace("/", "", 1)).json()
    assert (supplier["name"], supplier["active"]) == ("Nordheide", False)


def test_a_record_is_deleted(pharmacy, order):
    send(pharmacy, order, [*form_of(order), ("action", "delete")])
    assert pharmacy.get(f"purchase-orders/{order['id']}").status_code == 410


def test_text_is_shown_as_text(pharmacy):
    pharmacy.create("suppliers", name="<script>alert(1)</script>")
    page = pharmacy.get("/suppliers").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_form_of_another_site_is_refused(pharmacy, order):
    headers = {"Origin": "http://elsewhere.example"}
    answer = send(pharmacy, order, form_of(order, notes="x"), headers=headers)
    assert answer.status_code == 403
    same = {"Origin": pharmacy.url}
    assert send(pharmacy, order, form_of(order, notes="x"), headers=same).ok
