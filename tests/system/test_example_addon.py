"""Another addon adds an entity with lines in one file, ``tests/addons``; the pharmacy
app has a collection for it. All that holds for orders holds for it."""

import sys
from pathlib import Path

import pytest
from system_databases import run_odoo
from system_servers import PharmacyApp
from system_stack import Stack

ADDON = "pharmacy_sync_example"
APP = Path(__file__).parent / "price_lists_app.py"
LISTS = "price-lists"


@pytest.fixture(scope="module")
def stack(make_database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("example")
    app = PharmacyApp(folder, [sys.executable, str(APP)])
    database, prepared = make_database("example", app)
    run_odoo(database, ["server", "-i", ADDON, "--stop-after-init", "--no-http"])
    stack = Stack(folder, database, app, prepared)
    yield stack.start()
    stack.stop()


@pytest.fixture
def price_list(stack):
    """A price list with two products, on both sides: its id, and the pharmacy's."""
    List = stack.model("product.pricelist", "manager")
    lines = [
        {
            "applied_on": "0_product_variant",
            "product_id": product,
            "min_quantity": 10,
            "fixed_price": price,
        }
        for product, price in zip(stack.prepared["products"], (4.5, 7.25), strict=False)
    ]
    (list_id,) = List.create(
        [{"name": "Clinics", "item_ids": [(0, 0, line) for line in lines]}]
    )
    stack.settle()
    mapping = _mapping(stack, list_id)
    return list_id, mapping["external_id"]


def test_records_and_their_lines_travel_both_ways(stack, price_list):
    list_id, external_id = price_list
    at_app = stack.app.get(LISTS, external_id)
    assert at_app["name"] == "Clinics"
    first, second = _by_price(at_app)
    assert (first["quantity"], first["price"]) == ("10.00", "4.50")
    product = stack.app.get("products", first["product_id"])
    assert product["name"] == "Amoxicillin 50 mg"

    changed = {**first, "price": "4.75"}
    added = {"product_id": second["product_id"], "quantity": "50", "price": "6"}
    stack.app.edit(LISTS, external_id, lines=[changed, second, added])
    _read(stack)
    assert _prices(stack, list_id) == [(10, 4.75), (10, 7.25), (50, 6.0)]

    item = _items(stack, list_id)[1]["id"]
    stack.model("product.pricelist.item", "manager").unlink([item])
    stack.settle()
    lines = _by_price(stack.app.get(LISTS, external_id))
    assert [line["price"] for line in lines] == ["4.75", "6.00"]

    made = stack.app.create(LISTS, name="Farms", lines=[{**added, "key": "a"}])
    _read(stack)
    farms = _mapping_of(stack, made["id"])["res_id"]
    assert _prices(stack, farms) == [(50, 6.0)]


def test_conflict_in_a_line_is_shown_and_decided(stack, price_list):
    list_id, external_id = price_list
    stack.set_paused(True)
    item = _items(stack, list_id)[0]["id"]
    Item = stack.model("product.pricelist.item", "manager")
    Item.write([item], {"fixed_price": 5.5})
    first, second = _by_price(stack.app.get(LISTS, external_id))
    stack.app.edit(LISTS, external_id, lines=[{**first, "price": "6.5"}, second])
    stack.set_paused(False)
    _read(stack)

    Conflict = stack.model("sync.conflict", "manager")
    found = Conflict.search([("line_ids.label", "ilike", "fixed pr")])
    (conflict,) = Conflict.read(found, ["summary", "entity", "line_ids"])
    assert (conflict["entity"], conflict["summary"]) == ("price_list", "Fixed Price")
    shown = Conflict.compare(found)
    (row,) = shown["rows"]
    assert (row["group"], row["title"]) == ("Line 1", "Fixed Price")
    sides = [row[side]["text"] for side in ("base", "odoo", "pharmacy")]
    assert sides == ["4.50", "5.50", "6.50"]

    choices = {row["path"]: {"choice": "pharmacy"}}
    Conflict.resolve(found, choices, shown["fingerprint"])
    stack.settle()
    assert _prices(stack, list_id)[0] == (10, 6.5)
    assert stack.app.get(LISTS, external_id)["lines"][0]["price"] == "6.50"


def test_pages_have_its_names(stack, price_list):
    list_id, __ = price_list
    (type_,) = stack.model("sync.event").fields_get(["type"], ["selection"]).values()
    names = dict(type_["selection"])
    assert names["price_list_created"] == "Price Lists: created"
    assert names["order_created"] == "Order created"
    events = stack.query(
        "SELECT type FROM sync_event WHERE res_model = 'product.pricelist' "
        "AND res_id = %s AND state = 'done'",
        list_id,
    )
    kinds = {event["type"] for event in events}
    assert {"price_list_created", "price_list_synced"} <= kinds
    view = stack.model("sync.conflict").get_view(view_type="search")
    assert 'string="Price Lists"' in view["arch"]
    (stream,) = stack.model("sync.stream").search_read(
        [("entity", "=", "price_list")], ["display_name"]
    )
    assert stream["display_name"] == "System Test Pharmacy: Price Lists"
    form = stack.model("product.pricelist", "manager").read([list_id], ["sync_state"])
    assert form[0]["sync_state"] == "synced"


def test_other_entities_go_on_when_it_leaves(stack):
    stack.odoo.kill()
    run_odoo(stack.database, ["shell", "--no-http"], UNINSTALL)
    stack.odoo.start()
    assert not stack.query("SELECT id FROM sync_stream WHERE entity = 'price_list'")
    stack.synced_orders(1)


UNINSTALL = f"""
addon = env["ir.module.module"].search([("name", "=", "{ADDON}")])
addon.button_immediate_uninstall()
"""


def _read(stack):
    """Have Odoo read what changed at the app."""
    stack.trigger("cron_pull")
    stack.settle()


def _by_price(at_app):
    return sorted(at_app["lines"], key=lambda line: float(line["price"]))


def _items(stack, list_id):
    return stack.query(
        "SELECT id, min_quantity, fixed_price FROM product_pricelist_item "
        "WHERE pricelist_id = %s ORDER BY id",
        list_id,
    )


def _prices(stack, list_id):
    return [
        (float(item["min_quantity"]), float(item["fixed_price"]))
        for item in _items(stack, list_id)
    ]


def _mapping(stack, list_id):
    (mapping,) = stack.query(
        "SELECT * FROM sync_mapping WHERE res_model = 'product.pricelist' "
        "AND res_id = %s",
        list_id,
    )
    return mapping


def _mapping_of(stack, external_id):
    (mapping,) = stack.query(
        "SELECT * FROM sync_mapping WHERE external_id = %s", external_id
    )
    return mapping
