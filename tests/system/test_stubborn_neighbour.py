"""Beside an addon that changes, drops, refuses and requires values (``tests/addons``):
what it did not take is never called in sync, what it refuses is an error that names the
field, and the neighbours land."""

import pytest
from system_databases import run_odoo
from system_servers import PharmacyApp, wait_until
from system_stack import Stack

ADDON = "pharmacy_sync_neighbour"
SUPPLIERS, PRODUCTS, ORDERS = "suppliers", "products", "purchase-orders"


@pytest.fixture(scope="module")
def stack(make_database, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stubborn")
    app = PharmacyApp(folder)
    database, prepared = make_database("stubborn", app)
    run_odoo(database, ["server", "-i", ADDON, "--stop-after-init", "--no-http"])
    stack = Stack(folder, database, app, prepared)
    yield stack.start()
    stack.stop()


def test_new_suppliers(stack):
    made = _add(
        stack,
        SUPPLIERS,
        {"name": "Plain", "city": "LUGO"},
        {"name": "Changed", "city": "Lugo"},
        {"name": "Dropped", "street2": "2nd floor"},
        {"name": "Refused", "email": "office@refused.example"},
        {"name": "Last", "city": "VIGO"},
    )
    _read(stack)
    assert _state(stack, made["Plain"]) == "synced"
    assert _state(stack, made["Last"]) == "synced"
    assert _state(stack, made["Changed"]) == "conflict"
    assert _state(stack, made["Dropped"]) == "conflict"
    (dead,) = _dead(stack)
    assert dead["external_id"] == made["Refused"]
    assert dead["context"]["field"] == "email"
    assert "No mail goes to" in dead["message"]
    assert dead["attempts"] == 1
    _assert_nothing_sent_back(stack, SUPPLIERS, made)

    # What the pharmacy corrects lands.
    stack.app.edit(SUPPLIERS, made["Refused"], email="office@example.com")
    stack.app.edit(SUPPLIERS, made["Changed"], city="LUGO")
    _read(stack)
    assert not _dead(stack)
    assert _state(stack, made["Refused"]) == "synced"
    assert _state(stack, made["Changed"]) == "synced"


def test_suppliers_that_change(stack):
    made = _add(stack, SUPPLIERS, *({"name": f"Old {n}"} for n in range(4)))
    _read(stack)
    stack.app.edit(SUPPLIERS, made["Old 0"], phone="1", city="vigo")
    stack.app.edit(SUPPLIERS, made["Old 1"], phone="2", email="a@refused.example")
    stack.app.edit(SUPPLIERS, made["Old 2"], phone="3", street2="left")
    stack.app.edit(SUPPLIERS, made["Old 3"], phone="4")
    _read(stack)
    states = [_state(stack, made[f"Old {n}"]) for n in range(4)]
    assert states == ["conflict", "dead", "conflict", "synced"]
    (dead,) = _dead(stack)
    assert dead["context"]["field"] == "email"
    # Nothing of the refused one is written; the rest of the others is.
    assert [_partner(stack, made[f"Old {n}"])["phone"] for n in range(4)] == [
        *("1", False, "3", "4"),
    ]
    assert stack.app.get(SUPPLIERS, made["Old 0"])["city"] == "vigo"
    stack.app.edit(SUPPLIERS, made["Old 1"], email=None)
    _read(stack)
    assert not _dead(stack)


def test_a_person_whose_value_is_changed(stack):
    """What Odoo has of it is what travels."""
    made = _add(stack, SUPPLIERS, {"name": "Of a person"})
    _read(stack)
    partner = _mapping(stack, made["Of a person"])["res_id"]
    Partner = stack.model("res.partner", "manager")
    Partner.write([partner], {"city": "Coruña", "street2": "lost"})
    stack.settle()
    at_app = stack.app.get(SUPPLIERS, made["Of a person"])
    assert (at_app["city"], at_app["street2"]) == ("CORUÑA", "")
    assert _state(stack, made["Of a person"]) == "synced"


def test_products_lack_what_it_requires(stack):
    made = _add(stack, PRODUCTS, {"name": "Without hazard", "uom": "Units"})
    _read(stack)
    (dead,) = _dead(stack)
    assert dead["external_id"] == made["Without hazard"]
    assert dead["context"]["field"] == "hazard"
    assert "Hazard Class" in dead["message"]
    # An order of it waits, one of known products lands.
    order = _order(stack, "Waits", made["Without hazard"])
    other = _order(stack, "Lands", _product(stack))
    stack.trigger("cron_pull")
    wait_until(lambda: _mapping(stack, other), 60, "the other order is in Odoo")
    assert _mapping(stack, order) is None

    script = (
        'env["ir.default"].set("product.template", "hazard", "none")\nenv.cr.commit()'
    )
    run_odoo(stack.database, ["shell", "--no-http"], script)
    stack.odoo.kill()
    stack.odoo.start()
    Operation = stack.model("sync.operation", "operator")
    Operation.action_redrive([dead["id"]])
    stack.settle(120)
    for record in (made["Without hazard"], order, other):
        assert _state(stack, record) == "synced"


def test_price_that_is_refused(stack):
    product, other = (_product(stack, number) for number in (0, 1))
    stack.app.edit(PRODUCTS, product, price="2000.00", cost="7.00")
    stack.app.edit(PRODUCTS, other, price="20.00")
    _read(stack)
    (dead,) = _dead(stack)
    assert (dead["external_id"], dead["context"]["field"]) == (product, "price")
    assert _state(stack, other) == "synced"
    stack.app.edit(PRODUCTS, product, price="900.00")
    _read(stack)
    assert not _dead(stack)
    assert _state(stack, product) == "synced"


def test_orders_that_are_written_twice(stack):
    product = _product(stack)
    orders = {
        name: _order(stack, name, product)
        for name in ("PH 1", "PH 2", "REFUSED", "PH 3")
    }
    _read(stack)
    (dead,) = _dead(stack)
    assert dead["external_id"] == orders["REFUSED"]
    assert dead["context"]["field"] == "reference"
    for name in ("PH 1", "PH 2", "PH 3"):
        assert _state(stack, orders[name]) == "synced"
    moved, plain = orders["PH 1"], orders["PH 2"]
    stack.app.edit(ORDERS, moved, expected_at="2030-05-06T07:08:09Z")
    stack.app.edit(ORDERS, plain, expected_at="2030-05-06T12:00:00Z", notes="Call")
    stack.app.edit(ORDERS, orders["PH 3"], reference="REFUSED")
    stack.app.edit(ORDERS, orders["REFUSED"], reference="PH 4")
    _read(stack)
    assert _state(stack, moved) == "conflict"
    assert _state(stack, plain) == "synced"
    assert _state(stack, orders["REFUSED"]) == "synced"
    assert _state(stack, orders["PH 3"]) == "dead"
    assert stack.app.get(ORDERS, moved)["expected_at"] == "2030-05-06T07:08:09Z"

    # A person's edit goes its way, once.
    order = _mapping(stack, plain)["res_id"]
    before = len(stack.app.history(plain))
    stack.set_quantity(order, 9)
    stack.settle()
    assert stack.app.get(ORDERS, plain)["lines"][0]["quantity"] == "9.00"
    assert len(stack.app.history(plain)) == before + 1


def test_orders_that_are_not_confirmed(stack):
    product = _product(stack)
    orders = [_order(stack, name, product) for name in ("PH 5", "HELD 1", "PH 6")]
    _read(stack)
    for order in orders:
        stack.app.edit(ORDERS, order, state="confirmed", notes="All of it")
    _read(stack)
    assert [_state(stack, order) for order in orders] == [
        *("synced", "conflict", "synced"),
    ]
    held = _mapping(stack, orders[1])["res_id"]
    (row,) = stack.model("purchase.order").read([held], ["state", "note"])
    assert row["state"] == "draft"
    assert "All of it" in row["note"]
    assert stack.app.get(ORDERS, orders[1])["state"] == "confirmed"


def _add(stack, collection, *records):
    """Create records at the app: their ids by name."""
    stack.set_paused(True)
    made = {
        values["name"]: stack.app.create(collection, **values)["id"]
        for values in records
    }
    stack.set_paused(False)
    return made


def _order(stack, reference, product):
    supplier = stack.app.items(SUPPLIERS)[0]["id"]
    line = {
        "key": "1",
        "product_id": product,
        "description": "Goods",
        "quantity": "2",
        "uom": "Units",
        "unit_price": "3.00",
    }
    made = stack.app.create(
        ORDERS,
        reference=reference,
        supplier_id=supplier,
        currency=_currency(stack),
        lines=[line],
    )
    return made["id"]


def _currency(stack):
    return stack.value(
        "SELECT c.name FROM res_company o JOIN res_currency c ON c.id = o.currency_id "
        "ORDER BY o.id LIMIT 1"
    )


def _product(stack, number=0):
    """The pharmacy's id of one that both sides have."""
    if not stack.query(
        "SELECT 1 FROM sync_mapping WHERE res_model = 'product.product'"
    ):
        stack.synced_orders(1)
    return stack.value(
        "SELECT external_id FROM sync_mapping WHERE res_model = 'product.product' "
        "AND res_id = %s",
        stack.prepared["products"][number],
    )


def _read(stack):
    stack.settle()
    stack.trigger("cron_pull")
    stack.settle()


def _mapping(stack, external_id):
    rows = stack.query(
        "SELECT res_id, res_model FROM sync_mapping WHERE external_id = %s", external_id
    )
    return rows[0] if rows else None


def _state(stack, external_id):
    found = _mapping(stack, external_id)
    login = "buyer" if found["res_model"] == "purchase.order" else "manager"
    Model = stack.model(found["res_model"], login)
    (row,) = Model.read([found["res_id"]], ["sync_state"])
    return row["sync_state"]


def _partner(stack, external_id):
    partner = _mapping(stack, external_id)["res_id"]
    (row,) = stack.model("res.partner", "manager").read([partner], ["phone"])
    return row


def _dead(stack):
    return stack.query(
        "SELECT o.id, o.external_id, o.attempts, e.context, e.message, e.type "
        "FROM sync_operation o JOIN LATERAL (SELECT * FROM sync_error "
        "WHERE operation_id = o.id ORDER BY id DESC LIMIT 1) e ON true "
        "WHERE o.state = 'dead' ORDER BY o.id"
    )


def _assert_nothing_sent_back(stack, collection, made):
    for external_id in made.values():
        assert len(stack.app.history(external_id)) == 1
        assert stack.app.get(collection, external_id)["version"] == 1
