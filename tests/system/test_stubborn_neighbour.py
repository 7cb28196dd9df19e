"""Beside an addon that changes, drops, refuses and requires values (``tests/addons``):
what it did not take is never called in sync, what it refuses is an error that names the
field, and the neighbours land."""

import pytest
from system_databases import run_odoo
from system_servers import PharmacyApp
from system_stack import Stack

ADDON = "pharmacy_sync_neighbour"
SUPPLIERS = "suppliers"


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


def _add(stack, collection, *records):
    """Create records at the app: their ids by name."""
    stack.set_paused(True)
    made = {
        values["name"]: stack.app.create(collection, **values)["id"]
        for values in records
    }
    stack.set_paused(False)
    return made


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
    Model = stack.model(found["res_model"], "manager")
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
