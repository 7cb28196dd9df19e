"""Beside the addons of others that clinics have: receipts, bills and sales of Odoo,
and OCA's exceptions, second approvals, audit logs and EDI. Each overrides what this
addon calls and adds to what it reads; none may cost anybody a value."""

import json
import os
import re
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import requests
from system_databases import clone, drop, run_odoo
from system_servers import PharmacyApp
from system_stack import Stack

HERE = Path(__file__).parent
# It has fields for what a pharmacy wants to know after ordering.
APP = HERE / "further_app.py"
INSTALLED = "pharmacy_sync,product_expiry"
INSTALL = ["server", "-i", INSTALLED, "--stop-after-init", "--no-http"]
SHELL = ["shell", "--no-http", "--max-cron-threads=0", "--log-level=warn"]
SECONDS = 300
ORDERS = "purchase-orders"
TIMEOUT = 60
BAD = re.compile(" (WARNING|ERROR|CRITICAL) ")

# The database is prepared in the first test's time.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def far_app(tmp_path_factory):
    """The app of the second company."""
    app = PharmacyApp(tmp_path_factory.mktemp("far"))
    yield app.start()
    app.kill()


@pytest.fixture(scope="module")
def installed():
    """A database with the neighbours beside which the addon was installed: its name,
    and what Odoo wrote into its log meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        rc = os.environ["PHARMACY_SYNC_NEIGHBOURS_RC"]
        patch.setenv("PHARMACY_SYNC_ODOO_RC", rc)
        name = f"{os.environ['PHARMACY_SYNC_TEST_PREFIX']}near"
        drop(name)
        clone(os.environ["PHARMACY_SYNC_NEIGHBOURS"], name)
        yield name, run_odoo(name, INSTALL, seconds=SECONDS)
        drop(name)


@pytest.fixture(scope="module")
def running_stack(installed, far_app, tmp_path_factory):
    name, __ = installed
    folder = tmp_path_factory.mktemp("near")
    app = PharmacyApp(folder, [sys.executable, str(APP)])
    prepared = folder / "prepared.json"
    scripts = ("prepare.py", "prepare_neighbours.py")
    where = {"PREPARED_FILE": str(prepared), "FAR_APP_URL": far_app.url}
    run_odoo(
        name,
        SHELL,
        "\n".join((HERE / script).read_text() for script in scripts),
        {**app.connection(), **where},
        SECONDS,
    )
    stack = Stack(folder, name, app, json.loads(prepared.read_text()))
    try:
        yield stack.start()
    finally:
        stack.stop()


@pytest.fixture
def stack(running_stack):
    """Each test finds it idle, and leaves nothing that failed."""
    read(running_stack)
    yield running_stack
    read(running_stack)
    assert not running_stack.dead_letters()


def test_it_installs_beside_them_without_a_word(installed):
    __, log = installed
    assert not [line for line in log.splitlines() if BAD.search(line)]


def test_an_order_goes_its_way_and_nothing_is_sent_back(stack):
    at_app = order_at_app(stack, stack.app, "EUR", "1.20", "0.005", notes="Frío")
    result = push(stack, at_app, stack.prepared["api_key"])
    assert result["operation"] in ("created", "unchanged"), result
    order = order_of(stack, at_app)
    stack.settle()
    assert versions(stack.app, at_app) == 1
    assert_same(stack, order)

    # Both sides change something else.
    stack.set_quantity(order, 7)
    stack.app.edit(ORDERS, at_app["id"], notes="Llamar antes")
    read(stack)
    assert_same(stack, order)
    assert stack.seen_in_odoo(order)["notes"] == "Llamar antes"
    assert stack.quantity(order) == 7

    Order = stack.model("purchase.order")
    Order.button_confirm([order])
    stack.settle()
    assert stack.at_app(order)["state"] == "confirmed"
    assert_same(stack, order)
    sent = versions(stack.app, at_app)
    receive(stack, order, 3)
    stack.app.edit(ORDERS, at_app["id"], notes="Recibido en parte")
    read(stack)
    assert stack.seen_in_odoo(order)["notes"] == "Recibido en parte"
    receive(stack, order)
    bill(stack, order)
    read(stack)
    # Receipts and bills are Odoo's own.
    assert versions(stack.app, at_app) == sent + 1
    assert_same(stack, order)
    assert state(stack, order) == "synced"


@pytest.fixture
def as_before(stack):
    """Further fields go with the test that chose them."""
    yield
    Further = stack.model("sync.further.field", "manager")
    Further.unlink(Further.search([]))
    stack.settle()


@pytest.mark.usefixtures("as_before")
def test_what_is_received_and_billed_goes_to_the_pharmacy(stack):
    """By Odoo's own buttons, with a back order, and lots with expiry dates."""
    told = "received", "billed", "open", "next_receipt_at", "lots", "vendor_code"
    order = carry(stack, told)

    def line():
        record = stack.at_app(order)
        return {**record["lines"][0], "receipt": record["receipt_status"]}

    before = line()
    assert (before["received"], before["vendor_code"]) == ("0.00", "ALBA-SUERO")
    stack.model("purchase.order").button_confirm([order])
    stack.settle()
    assert (line()["open"], line()["lots"], line()["receipt"]) == (
        "5.00",
        [],
        "pending",
    )
    assert line()["next_receipt_at"]
    receive(stack, order, 3, lot="L-1", ends="2027-05-31 10:00:00")
    stack.settle()
    now = line()
    assert (now["received"], now["open"], now["receipt"]) == ("3.00", "2.00", "partial")
    assert now["next_receipt_at"], "of the back order"
    lot = {"lot": "L-1", "quantity": "3.00", "expires_at": "2027-05-31T10:00:00Z"}
    assert now["lots"] == [lot]

    # The vendor's date was misread.
    Lot = stack.model("stock.lot", "manager")
    lots = Lot.search([("name", "=", "L-1")])
    Lot.write(lots, {"expiration_date": "2028-05-31 10:00:00"})
    stack.trigger("cron_look")
    stack.settle()
    assert line()["lots"] == [{**lot, "expires_at": "2028-05-31T10:00:00Z"}]

    receive(stack, order, 2, lot="L-2", ends="2029-01-01 10:00:00")
    bill(stack, order)
    stack.settle()
    now = line()
    assert (now["received"], now["billed"], now["open"]) == ("5.00", "5.00", "0.00")
    assert (now["receipt"], now["next_receipt_at"]) == ("full", None)
    assert [lot["lot"] for lot in now["lots"]] == ["L-1", "L-2"]

    # What the pharmacy says of it changes nothing in Odoo, and is no conflict.
    record = stack.at_app(order)
    lines = [{**record["lines"][0], "received": "1", "lots": "none"}]
    stack.app.edit(ORDERS, record["id"], lines=lines, notes="Gracias")
    read(stack)
    assert stack.seen_in_odoo(order)["notes"] == "Gracias"
    assert state(stack, order) == "synced"


def test_both_change_one_value_and_a_person_decides_in_spanish(stack):
    (order,) = stack.synced_orders(1)
    stack.set_paused(True)
    stack.set_quantity(order, 5)
    record = stack.at_app(order)
    stack.app.edit(ORDERS, record["id"], lines=quantities(record, "9"))
    stack.set_paused(False)
    read(stack)
    assert state(stack, order) == "conflict"
    assert stack.quantity(order) == 5
    Conflict = stack.model("sync.conflict", "operator")
    (found,) = Conflict.search([("mapping_id", "=", stack.mapping(order)["id"])])
    shown = Conflict.compare([found])
    (row,) = shown["rows"]
    assert row["title"] == "Cantidad"
    choices = {row["path"]: {"choice": "pharmacy"}}
    Conflict.resolve([found], choices, shown["fingerprint"])
    stack.settle()
    assert stack.quantity(order) == 9
    stack.assert_in_step([order])


def test_a_deletion_on_either_side_is_the_other_ones(stack):
    ours, theirs = stack.synced_orders(2)
    external_ids = [stack.external_id(order) for order in (ours, theirs)]
    Order = stack.model("purchase.order")
    Order.button_cancel([ours])
    Order.unlink([ours])
    stack.app.call(
        "DELETE", f"/api/v1/{ORDERS}/{external_ids[1]}", headers={"If-Match": "*"}
    )
    read(stack)
    living = {record["id"] for record in stack.app.items(ORDERS)}
    assert not living & set(external_ids)
    row = "SELECT state FROM purchase_order WHERE id = %s"
    assert [r["state"] for r in stack.query(row, theirs)] in ([], ["cancel"])


def test_currencies_keep_their_decimals_in_two_companies(stack, far_app):
    """Each company in each currency; nobody's values go to the other's app."""
    stock(stack, far_app)
    for app, key in (
        (stack.app, stack.prepared["api_key"]),
        (far_app, stack.prepared["far_key"]),
    ):
        for currency, prices in (
            ("KWD", ("1.234", "0.005")),
            ("EUR", ("1.23456", "3.333")),
            ("JPY", ("120", "0.5")),
        ):
            at_app = order_at_app(stack, app, currency, *prices)
            push(stack, at_app, key)
            stack.settle()
            order = order_of(stack, at_app)
            first = stack.first_line(order)
            Line = stack.model("purchase.order.line", "manager")
            Line.write([first], {"price_unit": 1.237})
            stack.settle()
            now = app.get(ORDERS, at_app["id"])
            assert [Decimal(line["unit_price"]) for line in now["lines"]] == [
                Decimal("1.237"),
                Decimal(prices[1]),
            ]
            assert now["lines"][1] == at_app["lines"][1]
            assert (
                company(stack, order) == (stack.prepared["companies"][app is far_app])
            )
    ids = [{r["id"] for r in app.items(ORDERS)} for app in (stack.app, far_app)]
    assert not ids[0] & ids[1]
    at_far = order_at_app(stack, far_app, "JPY", "100")
    push(stack, at_far, stack.prepared["far_key"])
    ids = [at_far["id"]]
    answer = call(stack, "status", stack.prepared["api_key"], external_ids=ids)
    (found,) = answer["results"]
    assert not found["known"]


def test_what_an_exception_forbids_is_declined_and_stays_at_the_pharmacy(stack):
    (order,) = stack.synced_orders(1)
    Order = stack.model("purchase.order")
    Order.write([order], {"partner_ref": stack.prepared["forbidden"]})
    stack.settle()
    confirmed = stack.app.edit(ORDERS, stack.external_id(order), state="confirmed")
    result = push(stack, confirmed, stack.prepared["api_key"])
    assert "state" in " ".join(result["warnings"])
    assert state(stack, order) == "conflict"
    Order.write([order], {"note": "Urgente"})
    read(stack)
    now = stack.at_app(order)
    assert (now["state"], now["notes"]) == ("confirmed", "Urgente")
    (row,) = Order.read([order], ["state"])
    assert row["state"] == "draft"
    # Whoever may overrides the exception, and confirms it in Odoo.
    Order.write([order], {"ignore_exception": True})
    Order.button_confirm([order])
    read(stack)
    assert state(stack, order) == "synced"
    stack.assert_in_step([order])


def test_a_state_of_another_addon_is_an_error_in_words_on_that_order_alone(stack):
    careful, other = stack.synced_orders(2)
    Order = stack.model("purchase.order")
    Order.write([careful], {"partner_id": stack.prepared["careful"]})
    stack.settle()
    Order.button_confirm([careful])
    Order.button_confirm([other])
    stack.settle()
    assert stack.at_app(other)["state"] == "confirmed"
    assert stack.at_app(careful)["state"] == "draft"
    assert state(stack, careful) == "dead"
    texts = stack.query(
        "SELECT message FROM sync_error WHERE mapping_id = %s",
        stack.mapping(careful)["id"],
    )
    assert any("approved" in row["message"] for row in texts), texts
    Order.button_release([careful])
    read(stack)
    assert stack.at_app(careful)["state"] == "confirmed"
    assert state(stack, careful) == "synced"
    stack.assert_in_step([careful])


def test_a_field_that_another_addon_requires_fails_one_record_with_its_name(stack):
    fields, models = (
        stack.model(name, "manager") for name in ("ir.model.fields", "ir.model")
    )
    (model,) = models.search([("model", "=", "res.partner")])
    # Nothing is read while Odoo, in the same process, builds its models anew.
    stack.settle_readings()
    (field,) = fields.create(
        [
            {
                "name": "x_ward",
                "model_id": model,
                "ttype": "char",
                "field_description": "Ala del hospital",
            }
        ]
    )
    stack.query("UPDATE res_partner SET x_ward = 'Norte'")
    fields.write([field], {"required": True})
    try:
        bad = stack.app.create("suppliers", name="Sin Ala")
        (result,) = call(
            stack,
            "push",
            stack.prepared["api_key"],
            entity="supplier",
            records=[bad],
        )["results"]
        assert not result["success"]
        assert "Ala del hospital" in result["error"]["message"]
        assert "Failing row" not in json.dumps(result)
        # Its neighbours go on.
        (order,) = stack.make_orders(1)
        stack.settle()
        stack.assert_in_step([order])
    finally:
        stack.settle_readings()
        fields.write([field], {"required": False})
        fields.unlink([field])
    retry = {"entity": "supplier", "external_ids": [bad["id"]]}
    call(stack, "retry", stack.prepared["api_key"], **retry)
    stack.settle()
    assert order_of(stack, bad)


def read(stack):
    """Have Odoo read what changed at the apps, and finish."""
    stack.settle()
    stack.trigger("cron_pull")
    stack.settle()


def call(stack, method, key, **arguments):
    answer = requests.post(
        f"{stack.odoo.url}/pharmacy_sync/api/v1/{method}",
        json={"entity": "purchase_order", **arguments},
        headers={"Authorization": f"Bearer {key}"},
        timeout=TIMEOUT,
    )
    answer.raise_for_status()
    return answer.json()


def push(stack, record, key):
    """The app calls Odoo with a record: what became of it."""
    (result,) = call(stack, "push", key, records=[record])["results"]
    assert result["success"], result
    return result


def order_at_app(stack, app, currency, *prices, **values):
    (supplier,) = [s for s in app.items("suppliers") if s["vat"] == "ESB12345674"]
    products = sorted(app.items("products"), key=lambda product: product["code"])
    lines = [
        {"product_id": product["id"], "quantity": "10", "unit_price": price}
        for product, price in zip(products, prices, strict=False)
    ]
    values = {"supplier_id": supplier["id"], "currency": currency, **values}
    return app.create(ORDERS, lines=lines, **values)


def stock(stack, app):
    """Have the second company's app know the supplier and the products by itself."""
    app.create("suppliers", name="Veterinaria Alba", vat="ESB12345674")
    for product in stack.app.items("products"):
        values = {name: product[name] for name in ("name", "code", "barcode")}
        app.create("products", **values)
    read(stack)


def assert_same(stack, order):
    """The order says the same on both sides."""
    assert stack.seen_in_odoo(order) == stack.seen_at_app(stack.at_app(order))


def order_of(stack, record):
    """The order in Odoo that is linked with the app's record."""
    return stack.value(
        "SELECT res_id FROM sync_mapping WHERE external_id = %s", record["id"]
    )


def versions(app, record):
    return len(app.history(record["id"]))


def quantities(record, first):
    lines = record["lines"]
    return [{**lines[0], "quantity": first}, *lines[1:]]


def state(stack, order):
    (row,) = stack.model("purchase.order").read([order], ["sync_state"])
    return row["sync_state"]


def company(stack, order):
    return stack.value("SELECT company_id FROM purchase_order WHERE id = %s", order)


def carry(stack, told):
    """An order of a product with lots, at the app, whose stream carries what Odoo knows
    after ordering: its id."""
    model = partial(stack.model, login="manager")
    supplier = stack.prepared["supplier"]
    (product,) = model("product.product").create(
        [
            {
                "name": "Suero",
                "default_code": "SUERO",
                "is_storable": True,
                "tracking": "lot",
                "use_expiration_date": True,
                "seller_ids": [
                    (0, 0, {"partner_id": supplier, "product_code": "ALBA-SUERO"})
                ],
            }
        ]
    )
    values = {"product_id": product, "product_qty": 5, "price_unit": 2}
    (order,) = stack.model("purchase.order").create(
        [{"partner_id": supplier, "order_line": [(0, 0, values)]}]
    )
    stack.settle()
    backend = stack.mapping(order)["backend_id"]
    found = [("backend_id", "=", backend), ("entity", "=", "purchase_order")]
    (stream,) = model("sync.stream").search(found)
    paths = [*(f"lines.{name}" for name in told), "receipt_status"]
    # Nothing is read while its fields change.
    stack.settle_readings()
    model("sync.further.field").create(
        [{"stream_id": stream, "offered": path} for path in paths]
    )
    read(stack)
    # It is sent with the order's next change.
    stack.model("purchase.order").write([order], {"note": "Urgente"})
    stack.settle()
    return order


def receive(stack, order, quantity=None, lot=None, ends=None):
    """Receive so much of each line, or all that is left, as a lot that ends then."""
    pickings = stack.query(
        "SELECT p.id FROM stock_picking p JOIN purchase_order o ON o.name = p.origin "
        "WHERE o.id = %s AND p.state NOT IN ('done', 'cancel')",
        order,
    )
    ids = [row["id"] for row in pickings]
    assert ids, "no receipt was made"
    Move = stack.model("stock.move")
    for move in Move.search_read([("picking_id", "in", ids)], ["product_uom_qty"]):
        Move.write([move["id"]], {"quantity": quantity or move["product_uom_qty"]})
    if lot:
        Part = stack.model("stock.move.line")
        parts = Part.search([("picking_id", "in", ids)])
        Part.write(parts, {"lot_name": lot, "expiration_date": ends})
    context = {**stack.client().env.context, "skip_backorder": True}
    stack.client().execute_kw(
        "stock.picking", "button_validate", [ids], {"context": context}
    )


def bill(stack, order):
    manager = stack.client("manager")
    manager.env["purchase.order"].action_create_invoice([order])
    Move = manager.env["account.move"]
    bills = Move.search([("invoice_origin", "!=", False), ("state", "=", "draft")])
    Move.write(bills, {"invoice_date": "2026-11-28"})
    Move.action_post(bills)
